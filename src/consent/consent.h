/*
 * consent.h
 *		Front door of the consent room: what a customer's data may be used for.
 *
 * The truth is cdp.consent_log, append-only: an identifier's answer about a
 * purpose and a channel, when it was given, on which text, by whom.  All else
 * is derived from it by one query, cdp._combine_consents(), for one profile
 * or for all, now or as of any past instant:
 *
 *	1. The answers of a profile are those of its identifiers.  They are taken
 *	   by the profile that each identifier was born into (identifier.leaf), so
 *	   a profile that two were merged into has two groups of answers.
 *	2. In a group the latest answer counts; of those given at one instant, the
 *	   most restrictive.  What was said before is history: a grant that has
 *	   expired is expired, and no older grant comes back.
 *	3. Across groups the most restrictive counts.  Whoever merges two people
 *	   by mistake must not lose the denial of one of them.  The order is
 *	   granted, requested, expired, withdrawn, denied, objected.  A group that
 *	   said nothing has no say.
 *	4. A grant lasts as long as its purpose says (cdp.purpose.time_to_live);
 *	   the combination of several as long as the first of them.
 *
 * So that a person can lift the older denial of a merged profile, the door
 * cdp.record_consent() writes the answer for each group of the profile: the
 * person speaks for all that is known to be theirs.  A split gives each part
 * exactly what was recorded for its own identifiers.
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
 *						first, each with its keyed hash.
 *
 * Suppression outlives erasure, so it keeps no value: cdp.suppression holds
 * keyed hashes (hmac.c) under a key that only the store's owner reads, and
 * enforcement is a join on contact_point.key_hash, effective at once.  If the
 * key is not the one the store was made with (a restore beside another), the
 * stored check value does not verify, and suppressing, refreshing and reading
 * audiences fail closed instead of forgetting every suppression.
 *
 * The room has no C functions for others.
 */
#ifndef CDP_CONSENT_H
#define CDP_CONSENT_H

#endif							/* CDP_CONSENT_H */
