/*
 * attach.h
 *		A batch of records on its way to rows (attach.c, attach_sets.c).
 */
#ifndef CDP_IDENTITY_ATTACH_H
#define CDP_IDENTITY_ATTACH_H

#include "identity/arrays.h"
#include "identity/identity.h"
#include "identity/rules.h"

/* A distinct key of the batch. */
typedef struct BatchKey
{
	const CdpIdentityType *type;
	const char *scope;
	const char *value;
	int64		identifier_id;	/* 0: not known and no number yet */
	int64		leaf;			/* known: its live profile; else the profile it
								 * is to be born into; 0: none */
	TimestampTz first_seen;
	bool		known;			/* there is a row */
	bool		blocked;
	bool		shared;			/* or expired: links nothing */
} BatchKey;

typedef struct Batch
{
	CdpIdentitySet *sets;
	int			nsets;
	CdpIdentityState state;		/* as of before the first probe */
	BatchKey   *keys;			/* distinct, in order */
	int			nkeys;
	int		   *key_of;			/* place in keys of each key of each set that
								 * is not refused, one after the other */
	CdpIdList	fresh;			/* profile ids taken for new profiles */
} Batch;

/* Find or make the sets of a batch whose identifiers are known. */
extern void cdp_identity_attach_sets(Batch *batch, bool queue);

#endif							/* CDP_IDENTITY_ATTACH_H */
