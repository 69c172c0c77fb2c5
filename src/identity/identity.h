/*
 * identity.h
 *		Front door of the identity room: which identifiers are one customer.
 *
 * The promise.  The partition of identifiers into profiles is a pure function
 * of the set of evidence and of the rules: not of the order of arrival, the
 * batches, the number of sessions, or whether it was computed bit by bit or
 * from scratch.
 *
 * Evidence is the identifier set: the identifiers of one record.  A record of
 * the web shop with e-mail E and cookie C is evidence that E and C are one
 * person.  Equal sets of one source are one row of cdp.identifier_set with
 * counters, for ever; links between identifiers are computed from sets under
 * today's rules and never stored as the truth.
 *
 * The function.
 *
 *	1. An identifier is usable if its type has a priority, it is not blocked and
 *	   some set that is not retracted has it.  E-mail counts as a strong type as
 *	   long as the store has no usable value of a type that is strong by itself.
 *	2. A weak identifier seen beside more strong ones of one type than its own
 *	   type allows is shared; one not seen for longer than its type's time to
 *	   live is expired.  Both are kept and shown, each as a profile of its own,
 *	   and link nothing.
 *	3. In each set the strongest of the identifiers that remain is linked with
 *	   each other one; stewards' decisions "always" link as well.  Union-find
 *	   over all links gives the link components.
 *	4. A component that breaks a limit or a decision "never" is replayed: its
 *	   links are tried in one order that depends on nothing but evidence and
 *	   rules, and those that would break a rule are refused (replay.c).  They
 *	   are rows of cdp.conflict.
 *
 * What remains together is a profile.
 *
 * Two steps.
 *
 *	attach (attach.c), on the way in, any number of sessions at once.  Finds or
 *	inserts the identifiers and the sets of a batch and nothing else: it only
 *	inserts, in key order, and locks no existing row.  A new identifier is born
 *	into a profile at once (its leaf), provisionally: that of the strongest
 *	known identifier beside it, else a new one.  Each new set becomes work of
 *	phase "stitch" in cdp.todo.
 *
 *	stitch (stitch.c), one at a time under CDP_LOCK_MERGER.  Judges new sets:
 *	merges profiles by updating cdp.profile.root, or, when something stopped
 *	being true (an identifier became shared, a limit is exceeded, a rule
 *	changed, a steward decided), computes the link components it touches anew
 *	(graph.c loads them, judge.c and replay.c are the pure function, verdict.c
 *	writes what differs).  A rebuild is the same with everything loaded.
 *
 * A change of rules by hand sets identity_state.judge_all, and the next step of
 * the stitch phase judges everything.
 *
 * Where a profile id comes from.  identifier.leaf is the profile id that an
 * identifier was born with; the identifier that caused the id is its founder.
 * A component's id is the smallest leaf whose founder is in it.  Only a split
 * changes a leaf.  The live profile of an identifier is
 *
 *		profile.root of identifier.leaf			(one step, never more)
 *
 * and of an event that of its set's owner: identifier_set.owner is the
 * strongest usable identifier of the set, one that links before one that does
 * not, the first by key among equals; NULL if none is usable.
 *
 * Epochs.  Attach may read a profile that a stitcher is about to split.  So
 * each set notes the epoch (cdp.identity_state) that its attach saw, a split
 * stamps the profiles that it leaves with a new epoch, and the stitcher treats
 * a set whose profile was split after the set's epoch as not yet placed.
 */
#ifndef CDP_IDENTITY_H
#define CDP_IDENTITY_H

#include "datatype/timestamp.h"

/* A record may name at most so many distinct identifiers. */
#define CDP_IDENTITY_MAX_SET 64

/* One identifier of a record. */
typedef struct CdpIdentityKey
{
	/* in */
	const char *type;			/* "email"; a row of cdp.identifier_type */
	const char *value;			/* from cdp_identity_normalise; not empty */
	/* out */
	int64		identifier_id;	/* 0 if the set was refused */
} CdpIdentityKey;

/* The identifiers of one record, and what became of them. */
typedef struct CdpIdentitySet
{
	/* in */
	int			source_id;
	const char *source;			/* its name: the scope of source-scoped types */
	bool		own_user_ids;	/* user_id is source-scoped for this source */
	TimestampTz observed_at;
	int			nkeys;			/* repeats are allowed */
	CdpIdentityKey *keys;
	/* out */
	int64		set_id;			/* 0 if refused */
	int64		owner;			/* identifier whose profile gets the record, as
								 * far as is known before stitching; 0: none */
	bool		is_new;			/* the set must be stitched */
	const char *refused;		/* NULL, or why: a reason code of ours */
	const char *refused_detail; /* a sentence for the reject row */
} CdpIdentitySet;

/* Reason codes of a refused set. */
#define CDP_IDENTITY_NO_IDENTIFIER "no_identifier"
#define CDP_IDENTITY_TOO_MANY "too_many_identifiers"

/*
 * Find or make the identifiers and sets of a batch of records: one call per
 * batch, of one record or of thousands.  queue: note new sets in cdp.todo
 * ('stitch'); without it the caller passes those with is_new to
 * cdp._stitch(set_ids) or cdp._add_todo in the same transaction.
 *
 * May raise for want of rights, never for what a record says.  Uses SPI; the
 * caller need not be connected, and has search_path = pg_catalog, pg_temp.
 */
extern void cdp_identity_attach(CdpIdentitySet *sets, int nsets, bool queue);

/*
 * Bring a raw value to its type's canonical form and check it.  region may be
 * NULL.  True: *out is the canonical value, palloc'd.  False: *reason is a
 * constant sentence for a warning: the type is unknown, or the value is not
 * valid for it.  Whether a value is blocked plays no part: blocked ones are
 * attached too, and never link.
 */
extern bool cdp_identity_normalise(const char *type, const char *value, int len,
								   const char *region, char **out,
								   const char **reason);

/* Is it a type that cdp_identity_attach knows? */
extern bool cdp_identity_is_type(const char *type);

/*
 * Does each source number its customers by values of the type, as a CRM does?
 * Then two of them may be one customer because the source says so (alias.sql).
 */
extern bool cdp_identity_is_own_number(const char *type);

/* Does a canonical value of the type mean nothing? */
extern bool cdp_identity_is_blocked_value(const char *type, const char *value);

/*
 * The live profile of an identifier as somebody wrote it; 0: none.  source
 * (NULL: none) says whose a value is, for types whose values are a source's
 * own, and from which region a phone number.  Raises if there is no such type.
 */
extern int64 cdp_identity_find_profile(const char *type, struct varlena *value,
									   const char *source);

#endif							/* CDP_IDENTITY_H */
