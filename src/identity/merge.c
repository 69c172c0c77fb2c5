/*
 * merge.c
 *		Makes profiles part of others: the monotone step.
 *
 * A merge updates profile rows, never identifiers: an attach that runs beside
 * it gives a new identifier the loser's id as leaf, and that leads to the
 * winner all the same.  Every id that led to the loser leads to the winner, so
 * a root is never more than one step away.
 *
 * What the winner watches (verdict_marks.c) grows with it; the loser's row
 * says nothing any more.  A profile that merges with none may come here as a
 * winner, because it watches more than it did.
 *
 * Locks: the rows of losers and winners FOR UPDATE, in id order.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/base.h"
#include "identity/stitch.h"

/* Lock the live profiles of both sides. */
static void
lock_both(const CdpIdList *losers, const CdpIdList *winners,
		  const CdpIdList *marked)
{
	CdpIdList	both = {0};

	for (int i = 0; i < losers->count; i++)
	{
		cdp_identity_list_add(&both, losers->ids[i]);
		cdp_identity_list_add(&both, winners->ids[i]);
	}
	for (int i = 0; i < marked->count; i++)
		cdp_identity_list_add(&both, marked->ids[i]);
	cdp_verdict_lock_profiles(&both);
}

static void
write_marks(const CdpMergedMarks *marks)
{
	static CdpPlan marks_plan = {
		"UPDATE cdp.profile SET marks = given.marks,"
		" watched = given.watched::bigint[]"
		" FROM unnest($1::bigint[], $2::bigint[], $3::text[])"
		" AS given (profile_id, marks, watched)"
		" WHERE profile.profile_id = given.profile_id",
		3, {INT8ARRAYOID, INT8ARRAYOID, TEXTARRAYOID}
	};

	if (marks->winners.count > 0)
		cdp_base_execute(&marks_plan, (Datum[]) {
			cdp_identity_list_array(&marks->winners),
			cdp_identity_list_array(&marks->marks),
			cdp_identity_text_array(marks->watched, marks->winners.count)
		}, NULL, false, 0);
}

/* See stitch.h; inside an SPI connection. */
void
cdp_identity_merge_profiles(const CdpIdList *losers, const CdpIdList *winners,
							const CdpIdList *set_ids, const CdpIdList *epochs,
							const CdpMergedMarks *marks)
{
	static CdpPlan merge_plan = {
		"WITH given AS MATERIALIZED ("
		"SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])"
		" AS given (loser, winner, set_id)"
		"), target AS MATERIALIZED ("
		"SELECT profile.profile_id, given.* FROM given"
		" JOIN cdp.profile ON profile.profile_id = given.loser"
		" UNION ALL"
		" SELECT profile.profile_id, given.* FROM given"
		" JOIN cdp.profile ON profile.root = given.loser"
		" AND profile.root <> profile.profile_id"
		"), moved AS ("
		"UPDATE cdp.profile SET root = target.winner, rooted_at = $4,"
		" marks = 0, watched = '{}'"
		" FROM target WHERE profile.profile_id = target.profile_id"
		")"
		" INSERT INTO cdp.identity_log (at, change, profile_before,"
		" profile_after, set_id, profiles)"
		" SELECT $4, 'merge', loser, winner, set_id,"
		" array_agg(profile_id ORDER BY profile_id)"
		" FROM target GROUP BY loser, winner, set_id ORDER BY loser",
		4, {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID}
	};
	static CdpPlan epoch_plan = {
		"UPDATE cdp.profile SET split_epoch = given.epoch"
		" FROM (SELECT winner, max(epoch) AS epoch"
		" FROM unnest($1::bigint[], $2::bigint[]) AS given (winner, epoch)"
		" GROUP BY winner) AS given"
		" WHERE profile.profile_id = given.winner"
		" AND profile.split_epoch < given.epoch",
		2, {INT8ARRAYOID, INT8ARRAYOID}
	};

	if (losers->count == 0 && marks->winners.count == 0)
		return;
	lock_both(losers, winners, &marks->winners);
	write_marks(marks);
	if (losers->count == 0)
		return;
	cdp_base_execute(&merge_plan, (Datum[]) {
		cdp_identity_list_array(losers),
		cdp_identity_list_array(winners),
		cdp_identity_list_array(set_ids),
		TimestampTzGetDatum(cdp_base_clock())
	}, NULL, false, 0);
	cdp_base_execute(&epoch_plan, (Datum[]) {
		cdp_identity_list_array(winners), cdp_identity_list_array(epochs)
	}, NULL, false, 0);
}
