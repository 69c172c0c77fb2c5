/*
 * preview.h
 *		Judging everything in memory, by the rules or by others.
 */
#ifndef CDP_IDENTITY_PREVIEW_H
#define CDP_IDENTITY_PREVIEW_H

#include "identity/graph.h"

/*
 * preview_judge.c: all identifiers, judged by the rules with changes (jsonb,
 * as cdp.change_rules() takes; checked).  Takes nothing on trust that rules
 * decide: what is blocked, expired and shared, and whether there are strong
 * values, is judged too.  Reads one snapshot, the statement's, and writes
 * nothing.  Inside an SPI connection.
 */
extern CdpGraph *cdp_preview_judge(Datum changes);

#endif							/* CDP_IDENTITY_PREVIEW_H */
