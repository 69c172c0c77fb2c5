/*
 * dispatch.h
 *		Which aggregates an event may concern, by its name.
 */
#ifndef CDP_SEGMENT_DISPATCH_H
#define CDP_SEGMENT_DISPATCH_H

typedef struct CdpInterest
{
	int			count;
	int		   *aggregates;		/* their numbers in the program */
} CdpInterest;

/* Of one level of a program. */
typedef struct CdpDispatch
{
	uint64		name_mask;		/* bit (name_id mod 64) of each name asked for */
	int			names;			/* by_name has entries for 0 .. names - 1 */
	CdpInterest *by_name;
	CdpInterest others;			/* of names that nobody asks for by name */
} CdpDispatch;

#endif							/* CDP_SEGMENT_DISPATCH_H */
