/*
 * consent.h
 *		Front door of the consent room: what a customer's data may be used for.
 *
 * The truth is cdp.consent_log, append-only: an identifier's answer about a
 * purpose and a channel, when it was given, on which text, by whom.  All else
 * is derived from it by one query, cdp._combine_consents(), for one profile
 * or for all, now or as of any past instant:
 *
 *	1. The answers of a profile are those of its identifiers.  Whatever was born
 *	   with one profile id (identifier.leaf) has one voice, so a profile that two
 *	   were merged into has two.
 *	2. In a voice the latest answer counts; of those given at one instant, the
 *	   most restrictive.  What was said before is history: a grant that has
 *	   expired is expired, and no older grant comes back.
 *	3. Across voices the most restrictive counts.  Whoever merges two people
 *	   by mistake must not lose the denial of one of them.  The order is
 *	   granted, requested, expired, withdrawn, denied, objected.  A voice that
 *	   said nothing has no say.
 *	4. A grant lasts as long as its purpose says (cdp.purpose.time_to_live);
 *	   the combination of several as long as the first of them.
 *	5. Where the purpose needs a double opt-in, a grant counts as a request
 *	   unless its voice had asked for it before (state requested), and nothing
 *	   has refused it since.
 *	6. A call of cdp.record_consent() is somebody who speaks now, for all that
 *	   is known to be theirs by now: its answer is taken for that of each voice
 *	   of the profile that has one.  So a person lifts the older denial of a
 *	   profile that was merged into theirs.
 *	7. A refusal (withdrawn, denied, objected) outlives the identifier that gave
 *	   it: when that comes to stand for nobody (shared, blocked, expired, without
 *	   evidence), the refusal stays with those whom it was merged with, with each
 *	   of them if it was what held them together.  A grant goes with its
 *	   identifier.
 *	8. What a retracted record said does not count.
 *
 * How a call speaks for others: the answer is one row, of the identifier that
 * was named, and its speaks_for has an identifier of each other voice.  They
 * count as far as they are of the same profile still, so after a split nobody
 * else has the answer, nor sees it in a receipt.
 *
 * How a refusal is kept: judging tells, before it writes that an identifier is
 * lost, and cdp._keep_refusals() writes a row (kept_of) for an heir in each part
 * that its profile falls into, of those born with the lost one if any is left;
 * else the voice is of the lost one alone, and a call speaks for it as for the
 * others.  The row does not count while the lost one is back in the profile,
 * where it speaks for itself.
 *
 * What depends on the order of arrival.  Answers and merges may come in any
 * order.  But an identifier that comes beside a known one is born with that
 * one's id and shares its voice, while one that was known before it was linked
 * keeps a voice of its own.  So a cookie's denial of yesterday yields to the
 * account's grant of today if the first record of the account named the cookie,
 * and holds if the two were linked later.  More voices are never less strict
 * than one: the latest answer of all is the latest of its own voice, too.  And
 * it matters, as it should, whether a call came before a merge or after: who
 * answered before it could not have meant a stranger's answers.  A split gives
 * each part exactly what was recorded for its own identifiers.
 *
 * The log has two times, so the past has two questions: what had been answered
 * by an instant ("at"), and what the store knew by another ("recorded_at"),
 * when the identifiers may have been of other profiles (cdp.identity_log).
 * cdp.consent_at() and cdp.consent_receipt() take both.
 *
 * Restrictive also in time: an answer dated in the future counts from when it
 * was recorded, and at the very instant of an answer it holds.
 *
 * Derived tables, recomputed for whole sets of profiles by
 * cdp._refresh_consents() under locks on their rows of cdp.profile in id
 * order, so that two sessions never overwrite each other's answer:
 *
 *	cdp.consent_state	what holds for profile, purpose and channel.  Reading
 *						it compares expires_at with the clock, so nothing has
 *						to run at the instant of expiry.
 *	cdp.contact_point	the addresses of profiles that granted anything, best
 *						first, each with its keyed hash and when it expires as its
 *						type says (cdp.identifier_type.time_to_live), which
 *						readers compare with the clock, too.
 *
 * Suppression outlives erasure, so it keeps no value: cdp.suppression holds
 * keyed hashes (hmac.c) under a key that only the store's owner reads, and
 * enforcement is a join on contact_point.key_hash, effective at once.  If the
 * key is not the one the store was made with (a restore beside another), the
 * stored check value does not verify, and ingest, merge runs, suppressing and
 * releasing fail closed instead of forgetting every suppression.
 *
 * The key may be in a file outside of the database (secret_key.c).
 *
 * Whoever is erased (cdp_erase.sql) leaves hashes of the same kind: tombstones,
 * which ingest looks for, so that their records are refused; what they had
 * answered, as cdp.consent_proof; and their requests, in the ledger
 * cdp.privacy_request (privacy.sql).  cdp.restriction names, by identifiers,
 * profiles that are only kept.
 */
#ifndef CDP_CONSENT_H
#define CDP_CONSENT_H

/* Called by _PG_init. */
extern void cdp_consent_init(void);

/* The hash, of 32 bytes, by which a key is told. */
extern void cdp_consent_hash_key_check(const bytea *key, uint8 *hash);

#endif							/* CDP_CONSENT_H */
