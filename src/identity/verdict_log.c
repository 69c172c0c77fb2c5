/*
 * verdict_log.c
 *		Tells the identity log what a judgement moved, and by what evidence.
 *
 * A line for each pair of profiles that something moved between: a merge if
 * all of the one became part of the other, else a split.  Identifiers that had
 * no profile (blocked, or without evidence) come from profile NULL, and those
 * that lose theirs go there.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/verdict.h"

/* Where a profile of before was joined with another; of the first evidence. */
static void
note_evidence(CdpGraph *graph, int64 *evidence, int64 profile_id, int64 source)
{
	int32		place = cdp_id_map_get(graph->profile_map, profile_id);

	if (evidence[place] == 0 || (source > 0 && source < evidence[place]))
		evidence[place] = source;
}

static void
find_evidence_of_set(CdpGraph *graph, const GraphSet *set, int64 *evidence)
{
	const int32 *members = graph->members + set->first_member;
	int64		first = 0;
	int32		part = -1;
	bool		joins = false;

	for (int i = 0; i < set->nmembers; i++)
	{
		const GraphNode *node = &graph->nodes[members[i]];
		int64		before = node_old_profile(graph, node);

		if (node->part < 0 || !node_links(graph, node) || before == 0)
			continue;
		joins |= first != 0 && first != before && part == node->part;
		first = before;
		part = node->part;
	}
	for (int i = 0; joins && i < set->nmembers; i++)
	{
		const GraphNode *node = &graph->nodes[members[i]];
		int64		before = node_old_profile(graph, node);

		if (node->part >= 0 && node_links(graph, node) && before != 0)
			note_evidence(graph, evidence, before, set->set_id);
	}
}

/*
 * For each profile of before, by place: the first set that joined it to
 * another, or minus the decision that did; 0: none.
 */
static int64 *
find_evidence(CdpGraph *graph)
{
	int64	   *evidence = palloc_extended(sizeof(int64) * (Size) (graph->nprofiles + 1),
										   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int64 i = 0; i < graph->nsets; i++)
		if (!graph->sets[i].retracted)
			find_evidence_of_set(graph, &graph->sets[i], evidence);
	for (int64 i = 0; i < graph->ndecisions; i++)
	{
		const GraphDecision *decision = &graph->decisions[i];
		int64		a = node_old_profile(graph, &graph->nodes[decision->a]);
		int64		b = node_old_profile(graph, &graph->nodes[decision->b]);

		if (!decision->always || a == b || a == 0 || b == 0 ||
			!cdp_judge_holds(graph, decision))
			continue;
		note_evidence(graph, evidence, a, -decision->decision_id);
		note_evidence(graph, evidence, b, -decision->decision_id);
	}
	return evidence;
}

#define COMPARE_FIELD(field) \
	do { \
		if (left->field != right->field) \
			return left->field < right->field ? -1 : 1; \
	} while (0)

static int
compare_moves(const void *a, const void *b)
{
	const CdpMove *left = a;
	const CdpMove *right = b;

	COMPARE_FIELD(before);
	COMPARE_FIELD(after);
	COMPARE_FIELD(profile_id);
	COMPARE_FIELD(identifier_id);
	return 0;
}

/* Lines of the log, by place. */
typedef struct LogLines
{
	CdpIdList	before;
	CdpIdList	after;
	CdpIdList	evidence;
	bool	   *merged;
	const char **profiles;
	const char **identifiers;
	const char **leaves;
} LogLines;

static void
begin_array(StringInfo text)
{
	initStringInfo(text);
	appendStringInfoChar(text, '{');
}

static void
append_id(StringInfo text, int64 id)
{
	appendStringInfo(text, "%s" INT64_FORMAT, text->len > 1 ? "," : "", id);
}

static const char *
end_array(StringInfo text)
{
	appendStringInfoChar(text, '}');
	return text->data;
}

/*
 * Did all of the profile of before go to that of after?  Not if they are the
 * same: then identifiers were only given another leaf.
 */
static bool
is_merge(CdpGraph *graph, const CdpMove *move)
{
	int32		place;

	if (move->before == 0 || move->after == 0)
		return move->before == 0;
	if (move->before == move->after)
		return false;
	place = cdp_id_map_get(graph->profile_map, move->before);
	return profile_new_root(graph, &graph->profiles[place]) == move->after;
}

/* One line from the moves between two profiles. */
static void
add_line(CdpGraph *graph, const CdpMove *moves, int64 count,
		 const int64 *evidence, LogLines *lines)
{
	int			line = lines->before.count;
	bool		merged = is_merge(graph, &moves[0]);
	int64		by = 0;
	StringInfoData profiles;
	StringInfoData identifiers;
	StringInfoData leaves;

	begin_array(&profiles);
	begin_array(&identifiers);
	begin_array(&leaves);
	for (int64 i = 0; i < count; i++)
	{
		if (moves[i].profile_id != 0)
			append_id(&profiles, moves[i].profile_id);
		if (moves[i].identifier_id == 0)
			continue;
		append_id(&identifiers, moves[i].identifier_id);
		append_id(&leaves, moves[i].old_leaf);
	}
	if (merged && moves[0].before != 0)
		by = evidence[cdp_id_map_get(graph->profile_map, moves[0].before)];
	lines->merged[line] = merged;
	lines->profiles[line] = end_array(&profiles);
	lines->identifiers[line] = end_array(&identifiers);
	lines->leaves[line] = end_array(&leaves);
	cdp_identity_list_add(&lines->evidence, by);
	cdp_identity_list_add(&lines->before, moves[0].before);
	cdp_identity_list_add(&lines->after, moves[0].after);
}

static void
insert_lines(const LogLines *lines)
{
	static CdpPlan insert_plan = {
		"INSERT INTO cdp.identity_log (at, change, profile_before,"
		" profile_after, set_id, decision_id, profiles, identifiers, leaves)"
		" SELECT $8, CASE WHEN merged THEN 'merge' ELSE 'split' END,"
		" nullif(profile_before, 0), nullif(profile_after, 0),"
		" CASE WHEN evidence > 0 THEN evidence END,"
		" CASE WHEN evidence < 0 THEN -evidence END,"
		" profiles::bigint[], identifiers::bigint[], leaves::bigint[]"
		" FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[],"
		" $5::text[], $6::text[], $7::text[])"
		" AS given (profile_before, profile_after, evidence, merged,"
		" profiles, identifiers, leaves)",
		8, {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, BOOLARRAYOID,
			TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZOID}
	};
	int			count = lines->before.count;

	cdp_base_execute(&insert_plan, (Datum[]) {
		cdp_identity_list_array(&lines->before),
		cdp_identity_list_array(&lines->after),
		cdp_identity_list_array(&lines->evidence),
		cdp_identity_bool_array(lines->merged, count),
		cdp_identity_text_array(lines->profiles, count),
		cdp_identity_text_array(lines->identifiers, count),
		cdp_identity_text_array(lines->leaves, count),
		TimestampTzGetDatum(cdp_base_clock())
	}, NULL, false, 0);
}

/* See verdict.h. */
void
cdp_verdict_write_log(CdpGraph *graph, CdpMoveList *list)
{
	CdpMove    *moves = list->moves;
	Size		count = list->count;
	int64	   *evidence;
	LogLines	lines = {{0}};

	if (count == 0)
		return;
	evidence = find_evidence(graph);
	qsort(moves, count, sizeof(CdpMove), compare_moves);
	lines.merged = palloc_extended(sizeof(bool) * count, MCXT_ALLOC_HUGE);
	lines.profiles = palloc_extended(sizeof(char *) * count, MCXT_ALLOC_HUGE);
	lines.identifiers = palloc_extended(sizeof(char *) * count, MCXT_ALLOC_HUGE);
	lines.leaves = palloc_extended(sizeof(char *) * count, MCXT_ALLOC_HUGE);
	for (Size first = 0, next; first < count; first = next)
	{
		for (next = first; next < count &&
			 moves[next].before == moves[first].before &&
			 moves[next].after == moves[first].after;)
			next++;
		add_line(graph, moves + first, next - first, evidence, &lines);
	}
	insert_lines(&lines);
}
