/*
 * predicate_from_json.c
 *		Reads a predicate that is written as JSON; predicate_json.c tells how.
 *
 * Each function reads one kind of node from a value and the place where that
 * stands (json_call.h).
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "segment/calendar.h"
#include "segment/json_call.h"
#include "segment/predicate.h"
#include "segment/predicate_json.h"

PG_FUNCTION_INFO_V1(cdp_predicate_from_jsonb);

/* An op whose args are nodes. */
typedef struct OpInfo
{
	const char *op;
	CdpNodeKind kind;
	int			number;			/* op of the node */
	int			min_args;
	int			max_args;
	bool		negated;
	bool		ignore_case;
} OpInfo;

static const OpInfo ops[] = {
	{"or", CDP_NODE_OR, 0, 2, CDP_JSON_MANY},
	{"and", CDP_NODE_AND, 0, 2, CDP_JSON_MANY},
	{"not", CDP_NODE_NOT, 0, 1, 1},
	{"=", CDP_NODE_COMPARE, CDP_EQ, 2, 2},
	{"!=", CDP_NODE_COMPARE, CDP_NE, 2, 2},
	{"<", CDP_NODE_COMPARE, CDP_LT, 2, 2},
	{"<=", CDP_NODE_COMPARE, CDP_LE, 2, 2},
	{">", CDP_NODE_COMPARE, CDP_GT, 2, 2},
	{">=", CDP_NODE_COMPARE, CDP_GE, 2, 2},
	{"in", CDP_NODE_IN, 0, 2, CDP_JSON_MANY},
	{"not in", CDP_NODE_IN, 0, 2, CDP_JSON_MANY, true},
	{"between", CDP_NODE_BETWEEN, 0, 3, 3},
	{"not between", CDP_NODE_BETWEEN, 0, 3, 3, true},
	{"like", CDP_NODE_LIKE, 0, 2, 2},
	{"not like", CDP_NODE_LIKE, 0, 2, 2, true},
	{"ilike", CDP_NODE_LIKE, 0, 2, 2, false, true},
	{"not ilike", CDP_NODE_LIKE, 0, 2, 2, true, true},
	{"contains", CDP_NODE_CONTAINS, CDP_CONTAINS_ONE, 2, 2},
	{"contains any", CDP_NODE_CONTAINS, CDP_CONTAINS_ANY, 2, CDP_JSON_MANY},
	{"contains all", CDP_NODE_CONTAINS, CDP_CONTAINS_ALL, 2, CDP_JSON_MANY},
	{"is null", CDP_NODE_IS, CDP_IS_NULL, 1, 1},
	{"is not null", CDP_NODE_IS, CDP_IS_NULL, 1, 1, true},
	{"is true", CDP_NODE_IS, CDP_IS_TRUE, 1, 1},
	{"is not true", CDP_NODE_IS, CDP_IS_TRUE, 1, 1, true},
	{"is false", CDP_NODE_IS, CDP_IS_FALSE, 1, 1},
	{"is not false", CDP_NODE_IS, CDP_IS_FALSE, 1, 1, true},
	{"is distinct from", CDP_NODE_IS, CDP_IS_DISTINCT, 2, 2},
	{"is not distinct from", CDP_NODE_IS, CDP_IS_DISTINCT, 2, 2, true},
	{"+", CDP_NODE_ARITHMETIC, '+', 2, 2},
	{"-", CDP_NODE_ARITHMETIC, '-', 1, 2},
	{"*", CDP_NODE_ARITHMETIC, '*', 2, 2},
	{"/", CDP_NODE_ARITHMETIC, '/', 2, 2},
	{"now", CDP_NODE_NOW, 0, 0, 0},
	{"today", CDP_NODE_TODAY, 0, 0, 0}
};

static CdpNode *read_node(const JsonbValue *json, const CdpJsonPlace *place);

/* A number by its decimal text. */
static CdpNode *
read_number(const JsonbValue *json, const CdpJsonPlace *place)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_NUMBER, 0);
	char	   *text;

	if (json->type != jbvNumeric)
		cdp_segment_json_refuse(place, "Expected a number.");
	text = DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(json->val.numeric)));
	if (strlen(text) - (*text == '-') > CDP_PREDICATE_MAX_NUMBER)
		cdp_segment_json_refuse(place,
								psprintf("A number has at most %d characters.",
										 CDP_PREDICATE_MAX_NUMBER));
	node->text = text;
	return node;
}

/* One that counts units of time: not negative, and for months whole. */
static CdpNode *
read_length(const JsonbValue *json, const CdpJsonPlace *place, CdpUnit unit)
{
	CdpNode    *node = read_number(json, place);

	if (*node->text == '-')
		cdp_segment_json_refuse(place, "A length of time is not negative.");
	if (unit >= CDP_MONTH && strspn(node->text, "0123456789") <
		strlen(node->text))
		cdp_segment_json_refuse(place, "Months, quarters and years are whole numbers.");
	return node;
}

static CdpUnit
read_unit(const JsonbValue *json, const CdpJsonPlace *place)
{
	char	   *name = cdp_segment_json_text(json, place, "a unit of time");
	int			unit = cdp_segment_find_name(name, cdp_segment_unit_names,
											 CDP_UNIT_COUNT);

	if (unit < 0)
		cdp_segment_json_refuse(place, "A unit of time is second, minute, hour, day, week, month, quarter or year.");
	return unit;
}

/* duration: a number and a unit */
static CdpNode *
read_duration_call(const CdpJsonCall *call)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_DURATION, 0);
	CdpJsonPlace number = cdp_segment_json_arg(call, 0);
	CdpJsonPlace unit = cdp_segment_json_arg(call, 1);

	cdp_segment_json_check_keys(call, NULL, NULL);
	cdp_segment_json_check_count(call, 2, 2);
	node->unit = read_unit(&call->args[1], &unit);
	node->text = read_length(&call->args[0], &number, node->unit)->text;
	return node;
}

static CdpNode *
read_duration(const JsonbValue *json, const CdpJsonPlace *place)
{
	CdpJsonCall *call = cdp_segment_json_open(json, place, "a duration");

	if (strcmp(call->op, "duration") != 0)
		cdp_segment_json_refuse_op(call, "duration");
	return read_duration_call(call);
}

/* Does the text have the form, where 0 is any digit? */
static bool
has_form(const char *text, const char *form)
{
	for (; *form && *text; form++, text++)
		if (*form == '0' ? *text < '0' || *text > '9' : *text != *form)
			return false;
	return *form == '\0' && *text == '\0';
}

/* date: a text that is one in the language as well */
static CdpNode *
read_date_call(const CdpJsonCall *call)
{
	static const char *const forms[] = {
		"0000-00-00", "0000-00-00T00:00", "0000-00-00T00:00Z",
		"0000-00-00T00:00:00", "0000-00-00T00:00:00Z"
	};
	CdpNode    *node = cdp_segment_node(CDP_NODE_DATE, 0);
	CdpJsonPlace place = cdp_segment_json_arg(call, 0);
	bool		is_date = false;
	TimestampTz at;

	cdp_segment_json_check_keys(call, NULL, NULL);
	cdp_segment_json_check_count(call, 1, 1);
	node->text = cdp_segment_json_text(&call->args[0], &place, "a text");
	for (int i = 0; i < lengthof(forms); i++)
		is_date |= has_form(node->text, forms[i]);
	if (!is_date || strncmp(node->text, "0000", 4) == 0 ||
		!cdp_segment_read_time(node->text, strlen(node->text), pg_tzset("GMT"),
							   &at))
		cdp_segment_json_refuse(&place, "Expected a date or time such as 2026-01-31 or 2026-01-31T10:00Z.");
	return node;
}

static CdpNode *
read_date(const JsonbValue *json, const CdpJsonPlace *place)
{
	CdpJsonCall *call = cdp_segment_json_open(json, place, "a date");

	if (strcmp(call->op, "date") != 0)
		cdp_segment_json_refuse_op(call, "date");
	return read_date_call(call);
}

static char *
read_name(const JsonbValue *json, const CdpJsonPlace *place)
{
	char	   *name = cdp_segment_json_text(json, place, "a name");

	if (*name == '\0')
		cdp_segment_json_refuse(place, "A name has at least one character.");
	return name;
}

/* The args from an index on as names. */
static List *
read_names(const CdpJsonCall *call, int first)
{
	List	   *names = NIL;

	for (int i = first; i < call->nargs; i++)
	{
		CdpJsonPlace place = cdp_segment_json_arg(call, i);

		names = lappend(names, read_name(&call->args[i], &place));
	}
	return names;
}

static CdpNode *
read_path_call(const CdpJsonCall *call)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_PATH, 0);

	cdp_segment_json_check_keys(call, NULL, NULL);
	cdp_segment_json_check_count(call, 1, CDP_JSON_MANY);
	node->names = read_names(call, 0);
	return node;
}

/* Children from an index of the args on. */
static void
read_args(const CdpJsonCall *call, CdpNode *node, int first)
{
	for (int i = first; i < call->nargs; i++)
	{
		CdpJsonPlace place = cdp_segment_json_arg(call, i);

		cdp_segment_add_arg(node, read_node(&call->args[i], &place));
	}
}

/* A word that needs no quotes and is none of an aggregate or sequence. */
static bool
can_be_called(const char *name)
{
	StringInfoData printed;

	initStringInfo(&printed);
	cdp_segment_print_name(&printed, name);
	return strcmp(printed.data, name) == 0 && strcmp(name, "sequence") != 0 &&
		cdp_segment_find_name(name, cdp_segment_aggregate_names,
							  CDP_AGGREGATE_COUNT) < 0;
}

static CdpNode *
read_function_call(const CdpJsonCall *call)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_FUNCTION, 0);
	CdpJsonPlace place = cdp_segment_json_arg(call, 0);

	cdp_segment_json_check_keys(call, NULL, NULL);
	cdp_segment_json_check_count(call, 1, CDP_JSON_MANY);
	node->text = cdp_segment_json_text(&call->args[0], &place,
									   "the name of a function");
	if (!can_be_called(node->text))
		cdp_segment_json_refuse(&place,
								psprintf("\"%s\" cannot be the name of a function.",
										 node->text));
	read_args(call, node, 1);
	return node;
}

static CdpNode *
read_event(const JsonbValue *json, const CdpJsonPlace *place)
{
	CdpJsonCall *call = cdp_segment_json_open(json, place, "an event");
	CdpNode    *node = cdp_segment_node(CDP_NODE_EVENT, 0);
	CdpJsonPlace place_of_name = cdp_segment_json_arg(call, 0);
	CdpJsonPlace place_of_where = cdp_segment_json_key(call, "where");
	JsonbValue	where;

	if (strcmp(call->op, "event") != 0)
		cdp_segment_json_refuse_op(call, "event");
	cdp_segment_json_check_keys(call, "where", NULL);
	cdp_segment_json_check_count(call, 1, CDP_JSON_MANY);
	if (call->args[0].type != jbvNull)
		node->text = read_name(&call->args[0], &place_of_name);
	node->names = read_names(call, 1);
	if (cdp_segment_json_get(call, "where", &where))
	{
		node->where = read_node(&where, &place_of_where);
		cdp_segment_deepen(node, node->where);
	}
	return node;
}

static void
check_calendar(const CdpNode *duration, const CdpJsonPlace *place)
{
	if (duration->unit < CDP_DAY ||
		strspn(duration->text, "0123456789") < strlen(duration->text))
		cdp_segment_json_refuse(place, "A calendar window counts whole days, weeks, months, quarters or years.");
}

/* The args of a window, which is of that kind. */
static void
read_window_args(const CdpJsonCall *call, CdpNode *window)
{
	CdpJsonPlace first = cdp_segment_json_arg(call, 0);
	CdpJsonPlace second = cdp_segment_json_arg(call, 1);
	CdpNode    *duration;

	switch ((CdpWindowKind) window->op)
	{
		case CDP_WINDOW_DURATION:
			cdp_segment_add_arg(window, read_duration_call(call));
			break;
		case CDP_WINDOW_CALENDAR:
			duration = read_duration(&call->args[0], &first);
			check_calendar(duration, &first);
			cdp_segment_add_arg(window, duration);
			break;
		case CDP_WINDOW_AGO:
			duration = read_duration(&call->args[1], &second);
			cdp_segment_add_arg(window, read_length(&call->args[0], &first,
													duration->unit));
			cdp_segment_add_arg(window, duration);
			break;
		case CDP_WINDOW_DATES:
			cdp_segment_add_arg(window, read_date(&call->args[0], &first));
			cdp_segment_add_arg(window, read_date(&call->args[1], &second));
			break;
		case CDP_WINDOW_SINCE:
			cdp_segment_add_arg(window, read_node(&call->args[0], &first));
			break;
		case CDP_WINDOW_TODAY:
			break;
		case CDP_WINDOW_THIS:
		case CDP_WINDOW_LAST:
			window->unit = read_unit(&call->args[0], &first);
			if (window->unit < CDP_WEEK)
				cdp_segment_json_refuse(&first, "Expected week, month, quarter or year.");
			break;
	}
}

static CdpNode *
read_window(const JsonbValue *json, const CdpJsonPlace *place)
{
	/* in the order of CdpWindowKind */
	static const int counts[] = {2, 1, 2, 2, 1, 0, 1, 1};
	CdpJsonCall *call = cdp_segment_json_open(json, place, "a window");
	CdpNode    *window = cdp_segment_node(CDP_NODE_WINDOW, 0);

	window->op = cdp_segment_find_name(call->op, cdp_segment_window_names,
									   lengthof(cdp_segment_window_names));
	if (window->op < 0)
		cdp_segment_json_refuse_op(call, "window");
	cdp_segment_json_check_keys(call, NULL, NULL);
	cdp_segment_json_check_count(call, counts[window->op], counts[window->op]);
	read_window_args(call, window);
	return window;
}

/* What may stand beside the args of an aggregate or a sequence. */
static void
read_own_window(const CdpJsonCall *call, CdpNode *node)
{
	CdpJsonPlace place = cdp_segment_json_key(call, "window");
	JsonbValue	window;

	cdp_segment_json_check_keys(call, "window", NULL);
	if (!cdp_segment_json_get(call, "window", &window))
		return;
	node->window = read_window(&window, &place);
	cdp_segment_deepen(node, node->window);
}

static CdpNode *
read_aggregate_call(const CdpJsonCall *call, int kind)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_AGGREGATE, 0);
	CdpJsonPlace place = cdp_segment_json_arg(call, 0);

	node->op = kind;
	cdp_segment_json_check_count(call, 1, 1);
	cdp_segment_add_arg(node, read_event(&call->args[0], &place));
	read_own_window(call, node);
	return node;
}

/* A step; the first one is nothing but an event. */
static CdpNode *
read_step(const JsonbValue *json, const CdpJsonPlace *place, bool is_first)
{
	CdpJsonCall *call = cdp_segment_json_open(json, place, "a step");
	CdpNode    *node = cdp_segment_node(CDP_NODE_STEP, 0);
	CdpJsonPlace event = cdp_segment_json_arg(call, 0);
	CdpJsonPlace place_of_within = cdp_segment_json_key(call, "within");
	CdpJsonPlace place_of_same = cdp_segment_json_key(call, "same");
	JsonbValue	within;
	JsonbValue	same;

	node->negated = !is_first && strcmp(call->op, "no step") == 0;
	if (!node->negated && strcmp(call->op, "step") != 0)
		cdp_segment_json_refuse_op(call, is_first ? "first step" : "step");
	cdp_segment_json_check_keys(call, is_first ? NULL : "within",
								is_first ? NULL : "same");
	cdp_segment_json_check_count(call, 1, 1);
	cdp_segment_add_arg(node, read_event(&call->args[0], &event));
	if (cdp_segment_json_get(call, "within", &within))
		node->within = read_duration(&within, &place_of_within);
	if (cdp_segment_json_get(call, "same", &same))
	{
		CdpJsonCall *path = cdp_segment_json_open(&same, &place_of_same, "a path");

		if (strcmp(path->op, "path") != 0)
			cdp_segment_json_refuse_op(path, "path");
		node->same = read_path_call(path);
	}
	return node;
}

static CdpNode *
read_sequence_call(const CdpJsonCall *call)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_SEQUENCE, 0);

	cdp_segment_json_check_count(call, 1, CDP_JSON_MANY);
	for (int i = 0; i < call->nargs; i++)
	{
		CdpJsonPlace place = cdp_segment_json_arg(call, i);

		cdp_segment_add_arg(node, read_step(&call->args[i], &place, i == 0));
	}
	read_own_window(call, node);
	return node;
}

/* An op whose args are nodes; NULL: it is none of those. */
static CdpNode *
read_plain_call(const CdpJsonCall *call)
{
	for (int i = 0; i < lengthof(ops); i++)
	{
		const OpInfo *info = &ops[i];
		CdpNode    *node;
		CdpJsonPlace pattern = cdp_segment_json_arg(call, 1);

		if (strcmp(info->op, call->op) != 0)
			continue;
		cdp_segment_json_check_keys(call, NULL, NULL);
		cdp_segment_json_check_count(call, info->min_args, info->max_args);
		node = cdp_segment_node(call->nargs < 2 && info->number == '-' ?
								CDP_NODE_NEGATE : info->kind, 0);
		node->op = info->number;
		node->negated = info->negated;
		node->ignore_case = info->ignore_case;
		read_args(call, node, 0);
		if (node->kind == CDP_NODE_LIKE &&
			cdp_segment_arg(node, 1)->kind != CDP_NODE_STRING)
			cdp_segment_json_refuse(&pattern, "Expected a text.");
		return node;
	}
	return NULL;
}

static CdpNode *
read_call(const CdpJsonCall *call)
{
	int			aggregate = cdp_segment_find_name(call->op,
												  cdp_segment_aggregate_names,
												  CDP_AGGREGATE_COUNT);
	CdpNode    *node;

	if (aggregate >= 0)
		return read_aggregate_call(call, aggregate);
	if (strcmp(call->op, "date") == 0)
		return read_date_call(call);
	if (strcmp(call->op, "duration") == 0)
		return read_duration_call(call);
	if (strcmp(call->op, "path") == 0)
		return read_path_call(call);
	if (strcmp(call->op, "call") == 0)
		return read_function_call(call);
	if (strcmp(call->op, "sequence") == 0)
		return read_sequence_call(call);
	node = read_plain_call(call);
	if (node == NULL)
		cdp_segment_json_refuse_op(call, "question or value");
	return node;
}

/* Any question or value. */
static CdpNode *
read_node(const JsonbValue *json, const CdpJsonPlace *place)
{
	CdpNode    *node;

	check_stack_depth();
	switch (json->type)
	{
		case jbvNull:
			return cdp_segment_node(CDP_NODE_NULL, 0);
		case jbvBool:
			node = cdp_segment_node(CDP_NODE_BOOLEAN, 0);
			node->op = json->val.boolean;
			return node;
		case jbvNumeric:
			return read_number(json, place);
		case jbvString:
			node = cdp_segment_node(CDP_NODE_STRING, 0);
			node->text = pnstrdup(json->val.string.val, json->val.string.len);
			return node;
		default:
			return read_call(cdp_segment_json_open(json, place, "a question or value"));
	}
}

/* The whole, perhaps with a time zone around it. */
static CdpPredicate *
read_predicate(const JsonbValue *json)
{
	CdpPredicate *predicate = palloc0(sizeof(CdpPredicate));
	CdpJsonPlace whole = {NULL, NULL, 0};
	CdpJsonCall *call = NULL;

	if (json->type == jbvBinary)
		call = cdp_segment_json_open(json, &whole, "an object");
	if (call != NULL && strcmp(call->op, "at time zone") == 0)
	{
		CdpJsonPlace inner = cdp_segment_json_arg(call, 0);
		CdpJsonPlace zone = cdp_segment_json_arg(call, 1);

		cdp_segment_json_check_keys(call, NULL, NULL);
		cdp_segment_json_check_count(call, 2, 2);
		predicate->root = read_node(&call->args[0], &inner);
		predicate->time_zone = cdp_segment_json_text(&call->args[1], &zone,
										 "the name of a time zone");
	}
	else
		predicate->root = read_node(json, &whole);
	return predicate;
}

/* The cast from jsonb to cdp.predicate. */
Datum
cdp_predicate_from_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb	   *json = PG_GETARG_JSONB_P(0);
	JsonbValue	value;
	char	   *text;

	if (JB_ROOT_IS_SCALAR(json))
		value = *getIthJsonbValueFromContainer(&json->root, 0);
	else
	{
		value.type = jbvBinary;
		value.val.binary.data = &json->root;
		value.val.binary.len = VARSIZE(json) - VARHDRSZ;
	}
	text = cdp_segment_print(read_predicate(&value));
	PG_RETURN_TEXT_P(cdp_segment_predicate_from_text(text, strlen(text)));
}
