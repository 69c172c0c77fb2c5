/*
 * path.c
 *		Paths of mappings into records: SQL's path language (jsonpath).
 *
 * Most paths are $, then .name, ."any name", [index from 0] or [*] as often as
 * needed.  Those are compiled into steps and walked here, on the tree that the
 * record was parsed into, because it happens for each field of each record.
 * They mean what the server makes of them in its lax mode: a name looks into
 * each element of an array, an index takes what is no array for an array of
 * one.  Any other path is the server's to evaluate, on the record as jsonb,
 * made once per record.
 *
 * No path raises on what a record says.  The server evaluates silently, and
 * what it raises all the same is refused when the path is compiled: variables,
 * for which there is no value, and templates of datetime() that are none.  What
 * is left are the server's limits: a path that multiplies a record beyond what
 * a jsonb array holds raises, and costs that record (step.c).  The time zone of the session plays no part: times without an offset are in the
 * store's.
 *
 * The server has no way to parse a path without raising, so compiling runs in
 * a subtransaction; that is once per mapping and session.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/xact.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonpath.h"
#include "utils/resowner.h"

#include "ingest/path.h"

typedef enum StepKind
{
	STEP_MEMBER,				/* .name */
	STEP_ELEMENT,				/* [index] */
	STEP_ELEMENTS				/* [*] */
} StepKind;

typedef struct PathStep
{
	StepKind	kind;
	char	   *key;
	int			index;
} PathStep;

struct CdpPath
{
	List	   *steps;			/* of PathStep; the whole path if jsonpath is NULL */
	JsonPath   *jsonpath;
	List	   *stems;			/* of List of PathStep: where jsonpath begins to
								 * look */
};

/* Read "any name" from behind its first quote. */
static bool
read_quoted_key(const char **at, PathStep *step)
{
	size_t		length = strcspn(*at, "\"\\");

	if ((*at)[length] != '"')
		return false;
	step->key = pnstrdup(*at, length);
	*at += length + 1;
	return true;
}

/* Read a name that needs no quotes. */
static bool
read_bare_key(const char **at, PathStep *step)
{
	size_t		length = 0;

	while (isalnum((unsigned char) (*at)[length]) || (*at)[length] == '_' ||
		   IS_HIGHBIT_SET((*at)[length]))
		length++;
	if (length == 0 || isdigit((unsigned char) **at))
		return false;
	step->key = pnstrdup(*at, length);
	*at += length;
	return true;
}

/* Read index] or *]. */
static bool
read_subscript(const char **at, PathStep *step)
{
	size_t		length = strspn(*at, "0123456789");

	step->kind = STEP_ELEMENT;
	if (**at == '*')
	{
		step->kind = STEP_ELEMENTS;
		length = 1;
	}
	else if (length < 1 || length > 6 || (**at == '0' && length > 1))
		return false;
	else
		step->index = atoi(*at);
	if ((*at)[length] != ']')
		return false;
	*at += length + 1;
	return true;
}

/* Read one step; printed: by the server, which puts every name in quotes. */
static bool
read_step(const char **at, bool printed, PathStep *step)
{
	memset(step, 0, sizeof(PathStep));
	if (**at == '[')
	{
		(*at)++;
		return read_subscript(at, step);
	}
	if (**at != '.')
		return false;
	if (*++(*at) != '"')
		return !printed && read_bare_key(at, step);
	(*at)++;
	return read_quoted_key(at, step);
}

/* Steps from behind a "$", as far as they go; *rest is behind them. */
static List *
read_steps(const char *at, bool printed, const char **rest)
{
	List	   *steps = NIL;
	PathStep	step;

	*rest = at;
	while (read_step(&at, printed, &step))
	{
		PathStep   *copy = palloc(sizeof(PathStep));

		*copy = step;
		steps = lappend(steps, copy);
		*rest = at;
	}
	return steps;
}

/* From a quote to behind its fellow. */
static const char *
skip_string(const char *at)
{
	for (at++; *at != '"' && *at != '\0'; at++)
		if (*at == '\\')
			at++;
	return *at == '"' ? at + 1 : at;
}

/* Raises unless the template from the quote on is one. */
static void
check_template(const char *quote)
{
	char	   *text = psprintf("$.datetime(%s)",
								pnstrdup(quote, skip_string(quote) - quote));
	Datum		path = DirectFunctionCall1(jsonpath_in, CStringGetDatum(text));
	Datum		record = DirectFunctionCall1(jsonb_in, CStringGetDatum("\"\""));
	Datum		none = DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));

	(void) DirectFunctionCall4(jsonb_path_query_array_tz, record, path, none,
							   BoolGetDatum(true));
}

/*
 * Find where the path begins to look and check its templates; it is written
 * as the server prints it.  False: it has a variable.
 */
static bool
scan_jsonpath(CdpPath *path, const char *at)
{
	static const char datetime[] = ".datetime(";
	const char *rest;

	while (*at != '\0')
	{
		if (*at == '"')
			at = skip_string(at);
		else if (*at == '$' && at[1] == '"')
			return false;
		else if (*at == '$')
		{
			path->stems = lappend(path->stems, read_steps(at + 1, true, &rest));
			at = rest > at ? rest : at + 1;
		}
		else if (strncmp(at, datetime, strlen(datetime)) == 0)
		{
			at += strlen(datetime);
			if (*at == '"')
				check_template(at);
		}
		else
			at++;
	}
	return true;
}

/* A path for the server; false: it cannot be used.  May raise. */
static bool
parse_jsonpath(CdpPath *path, const char *text)
{
	Datum		parsed = DirectFunctionCall1(jsonpath_in,
											 CStringGetDatum(text));

	path->jsonpath = DatumGetJsonPathP(parsed);
	return scan_jsonpath(path,
						 DatumGetCString(DirectFunctionCall1(jsonpath_out,
															 parsed)));
}

/* The same, raising nothing that the text is to blame for. */
static bool
try_jsonpath(CdpPath *path, const char *text)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool usable = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		usable = parse_jsonpath(path, text);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION &&
			error->sqlerrcode != ERRCODE_SYNTAX_ERROR &&
			error->sqlerrcode != ERRCODE_FEATURE_NOT_SUPPORTED)
			ReThrowError(error);
		usable = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return usable;
}

CdpPath *
cdp_ingest_compile_path(const char *text)
{
	CdpPath    *path = palloc0(sizeof(CdpPath));
	const char *rest = text;

	if (text[0] == '$')
		path->steps = read_steps(text + 1, false, &rest);
	if (*rest == '\0' || try_jsonpath(path, text))
		return path;
	return NULL;
}

/* Append what the steps from number "first" on lead to. */
static void
walk(const JsonbValue *value, const List *steps, int first, List **matches)
{
	const PathStep *step;

	if (first == list_length(steps))
	{
		*matches = lappend(*matches, (void *) value);
		return;
	}
	step = list_nth(steps, first);
	if (value->type == jbvArray)
	{
		for (int i = 0; i < value->val.array.nElems; i++)
		{
			const JsonbValue *element = &value->val.array.elems[i];

			if (step->kind == STEP_ELEMENTS ||
				(step->kind == STEP_ELEMENT && step->index == i))
				walk(element, steps, first + 1, matches);
			else if (step->kind == STEP_MEMBER && element->type == jbvObject)
				walk(element, steps, first, matches);
		}
	}
	else if (step->kind != STEP_MEMBER)
	{
		if (step->index == 0)
			walk(value, steps, first + 1, matches);
	}
	else if (cdp_json_find(value, step->key) != NULL)
		walk(cdp_json_find(value, step->key), steps, first + 1, matches);
}

/* Would the server raise, if it were not silent? */
static bool
has_failed(const CdpPath *path, const CdpPathTarget *target, Datum vars)
{
	LOCAL_FCINFO(call, 4);

	InitFunctionCallInfoData(*call, NULL, 4, InvalidOid, NULL, NULL);
	call->args[0].value = JsonbPGetDatum(target->jsonb);
	call->args[1].value = PointerGetDatum(path->jsonpath);
	call->args[2].value = vars;
	call->args[3].value = BoolGetDatum(true);
	for (int i = 0; i < 4; i++)
		call->args[i].isnull = false;
	(void) jsonb_path_exists_tz(call);
	return call->isnull;
}

/* The array of what the server finds. */
static JsonbValue *
query_server(const CdpPath *path, CdpPathTarget *target)
{
	pg_tz	   *session_zone = session_timezone;
	Datum		vars = DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
	Datum		found = (Datum) 0;
	JsonbValue *matches;

	if (target->jsonb == NULL)
		target->jsonb = JsonbValueToJsonb((JsonbValue *) target->root);
	session_timezone = target->zone;
	PG_TRY();
	{
		found = DirectFunctionCall4(jsonb_path_query_array_tz,
									JsonbPGetDatum(target->jsonb),
									PointerGetDatum(path->jsonpath), vars,
									BoolGetDatum(true));
		matches = cdp_json_tree(DatumGetJsonbP(found));
		target->failed = matches->val.array.nElems == 0 &&
			has_failed(path, target, vars);
	}
	PG_FINALLY();
	{
		session_timezone = session_zone;
	}
	PG_END_TRY();
	return matches;
}

/* Note what a path of the server's begins to look at. */
static void
note_stems(const CdpPath *path, CdpPathTarget *target)
{
	ListCell   *cell;

	foreach(cell, path->stems)
		if (lfirst(cell) != NIL)
			walk(target->root, lfirst(cell), 0, target->used);
}

static List *
find_matches(const CdpPath *path, CdpPathTarget *target)
{
	List	   *matches = NIL;
	JsonbValue *found;

	target->failed = false;
	if (path->jsonpath == NULL)
	{
		walk(target->root, path->steps, 0, &matches);
		if (target->used != NULL)
			*target->used = list_concat(*target->used, matches);
		return matches;
	}
	if (target->used != NULL)
		note_stems(path, target);
	found = query_server(path, target);
	for (int i = 0; i < found->val.array.nElems; i++)
		matches = lappend(matches, &found->val.array.elems[i]);
	return matches;
}

List *
cdp_ingest_path_all(const CdpPath *path, CdpPathTarget *target)
{
	MemoryContext caller = MemoryContextSwitchTo(target->scratch);
	List	   *matches = find_matches(path, target);

	MemoryContextSwitchTo(caller);
	return matches;
}

static bool
same_step(const PathStep *a, const PathStep *b)
{
	return a->kind == b->kind && a->index == b->index &&
		(a->kind != STEP_MEMBER || strcmp(a->key, b->key) == 0);
}

/* Of a path of the server's, what it looks at first counts. */
const char *
cdp_ingest_path_member(const CdpPath *path, const CdpPath *whole)
{
	const List *steps = path->stems == NIL ? path->steps :
		linitial(path->stems);
	int			depth = list_length(whole->steps);

	if (whole->jsonpath != NULL || list_length(steps) <= depth)
		return NULL;
	for (int i = 0; i < depth; i++)
		if (!same_step(list_nth(steps, i), list_nth(whole->steps, i)))
			return NULL;
	for (int i = depth + 1; i < list_length(steps); i++)
		if (((PathStep *) list_nth(steps, i))->kind == STEP_MEMBER)
			return NULL;
	return ((PathStep *) list_nth(steps, depth))->key;
}

/* The member of the record that steps begin with. */
static List *
add_column(List *columns, const List *steps)
{
	const PathStep *first = steps == NIL ? NULL : linitial(steps);

	if (first == NULL || first->kind != STEP_MEMBER)
		return columns;
	return lappend(columns, first->key);
}

/* A path of the server's may begin in several places. */
List *
cdp_ingest_path_columns(const CdpPath *path, List *columns)
{
	ListCell   *cell;

	if (path->jsonpath == NULL)
		return add_column(columns, path->steps);
	foreach(cell, path->stems)
		columns = add_column(columns, lfirst(cell));
	return columns;
}
