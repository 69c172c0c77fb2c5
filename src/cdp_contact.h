/*
 * cdp_contact.h
 *		What holds for all customers, for the answers about one (cdp_contact.c).
 */
#ifndef CDP_CONTACT_H
#define CDP_CONTACT_H

#include "utils/timestamp.h"

typedef struct CdpNamed
{
	int32		id;
	char	   *name;
} CdpNamed;

/* Events of a source are kept that are newer. */
typedef struct CdpKeeper
{
	int32		source_id;
	TimestampTz after;
} CdpKeeper;

typedef struct CdpChannel
{
	char	   *name;
	int			ntypes;
	char	  **types;			/* of contact points; none: it needs none */
} CdpChannel;

/* -1 and 0 are ids and slots of nothing. */
typedef struct CdpKnown
{
	TimestampTz now;
	int32		ticket;
	int32		deal_stage;
	int			ticket_slot;
	int			status_slot;
	CdpNamed	   *dealings;
	int			ndealings;
	CdpKeeper	   *keepers;
	int			nkeepers;
	char	  **closed;			/* states of tickets that are not open */
	int			nclosed;
	CdpNamed	   *actions;		/* by their positions */
	int			nactions;
	bool		has_channels;	/* channels were asked for, and the key is there */
	CdpChannel    *channels;
	int			nchannels;
} CdpKnown;

/*
 * For the statement that is running; valid until the next call.  With channels:
 * raises if the store's secret key is not there.
 */
extern const CdpKnown *cdp_contact_known(bool with_channels);

#endif							/* CDP_CONTACT_H */
