/*
 * audience.h
 *		Front door of the audience room: who is in which segment, and to whom
 *		a segment may be released.
 *
 * Membership.  The members of a segment at its last refresh are one roaring
 * bitmap over profile ords (type cdp.profile_bitmap, table
 * cdp.segment_membership): 100 segments of a million profiles take 4 MB.
 * Only cdp.refresh_segments() writes bitmaps.  cdp.ingest() re-evaluates its
 * own profile and appends to cdp.membership_change, since changing one bit
 * would rewrite the whole value and queue all ingests behind its row lock.
 * Readers take the bitmap and the few changes after the one it has folded.
 *
 * Refresh and ingest exclude each other by the merger's lock: refresh holds
 * it, and cdp._evaluate_profiles() evaluates only if it can have it.  If not,
 * it leaves a row of cdp.todo (phase "segment"), and the next refresh, which is
 * always a full pass, covers it.  So a refresh never reads half of an ingest,
 * and the last change that a refresh sees is a true mark: every later change
 * has a higher number.
 *
 * A profile that loses its row of profile_current, because it was merged or
 * has no evidence any more, exits from all it was in by a trigger; so whatever
 * becomes of it later begins with nothing, as its new row does.  Hence at every
 * time profile_current.segment_ids is what bitmap and changes say.
 *
 * Who holds the merger's lock never waits for who defines segments, who may ask
 * for it next: evaluations write cdp.segment_state, definitions
 * cdp.segment_definition, and the key that the former refer to is not what the
 * latter change.  cdp.drop_segment(), which takes it all away, asks for the
 * merger's lock first.
 *
 * The change log tells who entered and left and why.  A new or changed
 * definition moves many members for one reason, so it is logged as one bitmap
 * (cdp.membership_base), not as rows.
 *
 * Audiences.  cdp.audience_member is the only thing that tools which reach
 * people may read: a security barrier view whose joins are the enforcement of
 * consent and suppression; see the consent room.  Whatever goes out is made
 * of its rows: views for single tools (view.sql), match keys (match_key.c),
 * and deltas, by which a destination holds an audience and loses every key
 * that it was ever sent and should no longer hold (delta.sql).
 *
 * Experiments give members of a segment or audience an arm for good, and
 * compare how many of each arm converted (experiment.sql).
 *
 * The room has no C functions for others.
 */
#ifndef CDP_AUDIENCE_H
#define CDP_AUDIENCE_H

#endif							/* CDP_AUDIENCE_H */
