/*
 * compile.c
 *		Makes one program of many predicates.
 *
 * Each predicate is parsed and bound; then the lists of the program become
 * arrays, and each level gets its dispatch (dispatch.c), so that an event costs
 * nothing to the predicates that do not ask for it.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "segment/dispatch.h"
#include "segment/program.h"

#define ECHO_LENGTH 100			/* bytes of a predicate repeated in a message */

/* Raise a message of the binder. */
static void
raise_message(const CdpMessage *message, const char *source)
{
	int			length = strlen(source);
	int			shown = pg_mbcliplen(source, length, ECHO_LENGTH);

	ereport(ERROR,
			(errcode(message->errcode),
			 errmsg_internal("%s", message->text),
			 errdetail("At character %d of the predicate \"%.*s%s\".",
					   pg_mbstrlen_with_len(source, message->position) + 1,
					   shown, source, shown < length ? "..." : ""),
			 message->hint ? errhint("%s", message->hint) : 0));
}

/* See program.h. */
void
cdp_segment_raise_first(const List *messages, const char *source)
{
	ListCell   *cell;

	foreach(cell, messages)
	{
		const CdpMessage *message = lfirst(cell);

		if (message->is_error)
			raise_message(message, source);
	}
}

static void
compile_predicate(CdpProgram *program, CdpRoot *root, text *predicate)
{
	char	   *source = text_to_cstring(predicate);
	List	   *messages = NIL;

	root->expr = cdp_segment_bind(program,
								  cdp_segment_parse(source, strlen(source)),
								  CDP_TYPE_BOOLEAN, &messages);
	cdp_segment_raise_first(messages, source);
}

static bool
has_error(const List *messages)
{
	ListCell   *cell;

	foreach(cell, messages)
		if (((const CdpMessage *) lfirst(cell))->is_error)
			return true;
	return false;
}

/*
 * What half of a failed binding leaves in a program must not run, so it is
 * tried in another one first.
 */
static void
compile_value(CdpProgram *program, CdpRoot *root, text *expression)
{
	CdpPredicate *parsed = cdp_segment_parse(text_to_cstring(expression),
											 VARSIZE_ANY_EXHDR(expression));
	List	   *messages = NIL;

	cdp_segment_bind_alone(parsed, CDP_TYPE_ANY, program->context.json,
						   &messages);
	if (!has_error(messages))
		root->expr = cdp_segment_bind(program, parsed, CDP_TYPE_ANY, &messages);
}

/* The lists of the program as arrays. */
static void
make_arrays(CdpProgram *program)
{
	ListCell   *cell;

	program->nroots = list_length(program->roots);
	program->root = palloc(sizeof(CdpRoot *) * program->nroots);
	foreach(cell, program->roots)
		program->root[foreach_current_index(cell)] = lfirst(cell);
	program->naggregates = list_length(program->aggregates);
	program->aggregate = palloc(sizeof(CdpAggregate *) *
								Max(program->naggregates, 1));
	foreach(cell, program->aggregates)
		program->aggregate[foreach_current_index(cell)] = lfirst(cell);
}

/* A program whose first roots wait for their expressions. */
static CdpProgram *
make_program(Jsonb *context, int npredicates)
{
	CdpProgram *program = palloc0(sizeof(CdpProgram));

	program->context.json = context;
	program->npredicates = npredicates;
	for (int i = 0; i < npredicates; i++)
		program->roots = lappend(program->roots, palloc0(sizeof(CdpRoot)));
	return program;
}

/* All roots are bound: make the program ready to run. */
static CdpProgram *
finish(CdpProgram *program)
{
	make_arrays(program);
	program->dispatch = palloc(sizeof(CdpDispatch) * Max(program->levels, 1));
	for (int i = 0; i < program->levels; i++)
		cdp_segment_make_dispatch(&program->dispatch[i], program, i + 1);
	return program;
}

/* See program.h. */
CdpProgram *
cdp_segment_compile(Jsonb *context, text **predicates, int npredicates)
{
	CdpProgram *program = make_program(context, npredicates);

	for (int i = 0; i < npredicates; i++)
		compile_predicate(program, list_nth(program->roots, i), predicates[i]);
	return finish(program);
}

/* See program.h. */
CdpProgram *
cdp_segment_compile_values(Jsonb *context, text **expressions,
						   int nexpressions)
{
	CdpProgram *program = make_program(context, nexpressions);

	for (int i = 0; i < nexpressions; i++)
		compile_value(program, list_nth(program->roots, i), expressions[i]);
	return finish(program);
}

/* See program.h. */
CdpProgram *
cdp_segment_bind_alone(const CdpPredicate *predicate, CdpType wanted,
					   Jsonb *context, List **messages)
{
	CdpProgram *program = make_program(context, 1);
	CdpRoot    *root = linitial(program->roots);

	program->takes_undeclared = wanted == CDP_TYPE_BOOLEAN;
	*messages = NIL;
	root->expr = cdp_segment_bind(program, predicate, wanted, messages);
	return program;
}
