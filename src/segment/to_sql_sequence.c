/*
 * to_sql_sequence.c
 *		A sequence of events as SQL; see to_sql.h.
 *
 * Each step is a relation of its events; the sequence is one of the profiles
 * in which steps that must happen follow one another, and for which no event
 * of a step that must not happen lies between the two around it.
 */
#include "postgres.h"

#include "segment/to_sql.h"

/* The events of a step, with the values that "same" compares. */
static const char *
make_step(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	CdpSqlScope *outer = query->scope;
	CdpSqlScope scope = {.has_event = true};
	const char *columns = "profile_id, event.occurred_at";
	const char *relation;
	ListCell   *cell;

	query->scope = &scope;
	foreach(cell, aggregate->collected)
		columns = cdp_segment_sql("%s, %s AS value_%d", columns,
								  cdp_segment_sql_column(lfirst(cell)),
								  foreach_current_index(cell));
	relation = cdp_segment_sql_relation(query, "step",
										cdp_segment_sql_events(query, aggregate,
															   columns));
	query->scope = outer;
	return relation;
}

static const CdpAggregate *
collector(const CdpSqlQuery *query, const CdpStep *step)
{
	return list_nth(query->program->aggregates, step->aggregate);
}

/* The property value that a step keeps. */
static CdpSqlValue
kept_value(const CdpSqlQuery *query, const CdpStep *step,
		   const char *relation, int number)
{
	return cdp_segment_sql_of_column(list_nth(collector(query, step)->collected,
											  number),
									 cdp_segment_sql("%s.value_%d", relation,
													 number));
}

/* When it is too late for a step; NULL: never. */
static const char *
deadline(const CdpSequence *sequence, const CdpStep *step, const char *before)
{
	if (!step->has_within)
		return NULL;
	return cdp_segment_sql_move(cdp_segment_sql("%s.occurred_at", before), 1,
								&step->within, sequence->zone);
}

/* The step's event comes after that of the step before it, and suits it. */
static const char *
follows(const CdpSqlQuery *query, const CdpSequence *sequence, int number,
		const char *const *relations)
{
	const CdpStep *step = &sequence->steps[number];
	const char *here = relations[number];
	const char *before = relations[step->before];
	const char *until = deadline(sequence, step, before);
	const char *condition = cdp_segment_sql("%s.occurred_at > %s.occurred_at",
											here, before);
	CdpSqlValue same;
	CdpSqlValue same_before;

	if (until != NULL)
		condition = cdp_segment_sql("%s AND %s.occurred_at < %s", condition,
									here, until);
	if (step->same < 0)
		return condition;
	same = kept_value(query, step, here, step->same);
	same_before = kept_value(query, &sequence->steps[step->before], before,
							 step->same_before);
	return cdp_segment_sql("%s AND %s", condition,
						   cdp_segment_sql_compare(CDP_EQ, &same_before, &same,
												   sequence->zone));
}

/* The next step that must happen; -1: there is none. */
static int
next_step(const CdpSequence *sequence, int number)
{
	for (int i = number + 1; i < sequence->nsteps; i++)
		if (!sequence->steps[i].negated)
			return i;
	return -1;
}

/* No event of the step stands between those around it. */
static const char *
forbids(const CdpSqlQuery *query, const CdpSequence *sequence, int number,
		const char *const *relations)
{
	const CdpStep *step = &sequence->steps[number];
	const char *here = relations[number];
	const char *before = relations[step->before];
	const char *until = deadline(sequence, step, before);
	int			next = next_step(sequence, number);
	const char *end = "";
	const char *over = "";

	if (next >= 0)
		end = cdp_segment_sql(" AND %s.occurred_at < %s.occurred_at", here,
							  relations[next]);
	else if (until != NULL)
		over = cdp_segment_sql("\n	AND %s <= %s", until, query->now);
	return cdp_segment_sql("%s\n	AND NOT EXISTS (SELECT FROM %s\n"
						   "		WHERE %s.profile_id = %s.profile_id AND %s%s)",
						   over, here, here, before,
						   follows(query, sequence, number, relations), end);
}

static const char *
sequence_body(const CdpSqlQuery *query, const CdpSequence *sequence,
			  const char *const *relations)
{
	StringInfoData from;
	StringInfoData conditions;

	initStringInfo(&from);
	initStringInfo(&conditions);
	appendStringInfoString(&from, relations[0]);
	for (int i = 1; i < sequence->nsteps; i++)
	{
		if (sequence->steps[i].negated)
		{
			appendStringInfoString(&conditions,
								   forbids(query, sequence, i, relations));
			continue;
		}
		appendStringInfo(&from, "\nJOIN %s USING (profile_id)", relations[i]);
		appendStringInfo(&conditions, "\n	AND %s",
						 follows(query, sequence, i, relations));
	}
	return cdp_segment_sql("SELECT DISTINCT profile_id\nFROM %s\nWHERE true%s",
						   from.data, conditions.data);
}

/* The relation of the profiles in which the sequence happened. */
const char *
cdp_segment_sql_sequence(CdpSqlQuery *query, const CdpSequence *sequence)
{
	CdpSqlSequence *made;
	const char **relations;
	ListCell   *cell;

	foreach(cell, query->sequences)
	{
		made = lfirst(cell);
		if (made->sequence == sequence)
			return made->relation;
	}
	relations = palloc(sizeof(char *) * sequence->nsteps);
	for (int i = 0; i < sequence->nsteps; i++)
		relations[i] = make_step(query, collector(query, &sequence->steps[i]));
	made = palloc(sizeof(CdpSqlSequence));
	made->sequence = sequence;
	made->relation = cdp_segment_sql_relation(query, "sequence",
											  sequence_body(query, sequence, relations));
	query->sequences = lappend(query->sequences, made);
	return made->relation;
}
