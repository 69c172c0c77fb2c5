/*
 * verdict_refused.c
 *		Brings cdp.refused_link up to date with what replay refused.
 *
 * A refused link lies within one link component, so whatever the table has of
 * inside identifiers is replaced by what replay found; rows that stay keep the
 * time they were found.  A profile that is part of a replayed component is
 * marked, so without such a profile there is nothing to look for.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/base.h"
#include "identity/verdict.h"

/* Could the table have rows of inside identifiers? */
static bool
may_have_rows(const CdpGraph *graph)
{
	for (int64 i = 0; i < graph->nprofiles; i++)
		if ((graph->profiles[i].marks & CDP_MARK_REPLAYED) != 0)
			return true;
	return graph->nrefusals > 0;
}

/* Delete rows of inside identifiers that are not among those given. */
static void
delete_rows(const CdpGraph *graph, Datum a, Datum b)
{
	static CdpPlan delete_plan = {
		"DELETE FROM cdp.refused_link AS refused"
		" USING (SELECT identifier_a, identifier_b FROM unnest($1::bigint[])"
		" AS inside (id) JOIN cdp.refused_link ON identifier_a = inside.id"
		" UNION SELECT identifier_a, identifier_b FROM unnest($1::bigint[])"
		" AS inside (id) JOIN cdp.refused_link ON identifier_b = inside.id"
		" EXCEPT SELECT * FROM unnest($2::bigint[], $3::bigint[])) AS gone"
		" WHERE refused.identifier_a = gone.identifier_a"
		" AND refused.identifier_b = gone.identifier_b",
		3, {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID}
	};
	CdpIdList	inside = {0};

	for (int64 i = 0; i < graph->nnodes; i++)
		if ((graph->nodes[i].flags & NODE_INSIDE) != 0)
			cdp_identity_list_add(&inside, graph->nodes[i].identifier_id);
	cdp_base_execute(&delete_plan, (Datum[]) {
		cdp_identity_list_array(&inside), a, b
	}, NULL, false, 0);
}

static void
insert_rows(const CdpGraph *graph, Datum a, Datum b)
{
	static CdpPlan insert_plan = {
		"INSERT INTO cdp.refused_link AS known (identifier_a, identifier_b,"
		" set_id, rule, type_id, found_at)"
		" SELECT identifier_a, identifier_b, set_id,"
		" (ARRAY['never', 'max_per_profile', 'joins_known'])[rule],"
		" nullif(type_id, 0), $6"
		" FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[],"
		" $5::integer[])"
		" AS given (identifier_a, identifier_b, set_id, rule, type_id)"
		" ON CONFLICT (identifier_a, identifier_b) DO UPDATE"
		" SET set_id = excluded.set_id, rule = excluded.rule,"
		" type_id = excluded.type_id"
		" WHERE (known.set_id, known.rule, known.type_id) IS DISTINCT FROM"
		" (excluded.set_id, excluded.rule, excluded.type_id)",
		6, {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID,
			INT4ARRAYOID, TIMESTAMPTZOID}
	};
	CdpIdList	set_ids = {0};
	int32	   *rules = palloc(sizeof(int32) * (graph->nrefusals + 1));
	int32	   *types = palloc(sizeof(int32) * (graph->nrefusals + 1));

	for (int64 i = 0; i < graph->nrefusals; i++)
	{
		cdp_identity_list_add(&set_ids, graph->refusals[i].set_id);
		rules[i] = graph->refusals[i].rule + 1;
		types[i] = graph->refusals[i].type_id;
	}
	if (set_ids.count > 0)
		cdp_base_execute(&insert_plan, (Datum[]) {
			a, b, cdp_identity_list_array(&set_ids),
			cdp_identity_int4_array(rules, set_ids.count),
			cdp_identity_int4_array(types, set_ids.count),
			TimestampTzGetDatum(cdp_base_clock())
		}, NULL, false, 0);
}

/* See verdict.h. */
void
cdp_verdict_write_refused(CdpGraph *graph)
{
	CdpIdList	a = {0};
	CdpIdList	b = {0};
	Datum		a_array;
	Datum		b_array;

	if (!may_have_rows(graph))
		return;
	for (int64 i = 0; i < graph->nrefusals; i++)
	{
		cdp_identity_list_add(&a, graph->refusals[i].identifier_a);
		cdp_identity_list_add(&b, graph->refusals[i].identifier_b);
	}
	a_array = cdp_identity_list_array(&a);
	b_array = cdp_identity_list_array(&b);
	delete_rows(graph, a_array, b_array);
	insert_rows(graph, a_array, b_array);
}
