/*
 * preview.h
 *		Judging everything in memory, by the rules or by others.
 */
#ifndef CDP_IDENTITY_PREVIEW_H
#define CDP_IDENTITY_PREVIEW_H

#include "identity/graph.h"

/* Identifiers of which the table says something else than was judged. */
typedef struct CdpWrongFlags
{
	int64		blocked;
	int64		expired;
} CdpWrongFlags;

/*
 * preview_judge.c: all identifiers, judged by the rules with changes (jsonb,
 * as cdp.change_rules() takes; checked).  Takes nothing on trust that rules
 * decide: what is blocked, expired and shared, and whether there are strong
 * values, is judged too; wrong, if given, gets how many flags of the table
 * differ.  Reads one snapshot, the statement's, and writes nothing.  Inside an
 * SPI connection.
 */
extern CdpGraph *cdp_preview_judge(Datum changes, CdpWrongFlags *wrong);

/* No changes: the rules as they are. */
extern Datum cdp_preview_no_changes(void);

#endif							/* CDP_IDENTITY_PREVIEW_H */
