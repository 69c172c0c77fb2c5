/*
 * bind_function.c
 *		Binds calls of the closed list of functions.
 *
 *		in_segment(name)			the profile is in that segment, now
 *		score(name)					the value of a model
 *		percentile(name)			its rank, 0 to 100, at the last score run
 *		consent(purpose, channel)	granted and not expired
 *		bucket(salt, count)			arm 0 to count - 1, by profile id
 *		suppressed(channel)			no identifier that the channel needs may be used
 *		near(latitude, longitude, latitude, longitude, kilometres)
 *									the two points are at most so far apart
 *		days_to_anniversary(time)	0 on the day itself
 *		has_id(type)				the profile has such an identifier
 *		lower(text), coalesce(value, ...), abs(number)
 *		length(text or array)		characters or elements
 */
#include "postgres.h"

#include "segment/bind.h"

typedef struct FunctionInfo
{
	const char *name;
	int			min_args;
	int			max_args;
	int			nstrings;		/* its first arguments are written-out strings */
	CdpType		type;
} FunctionInfo;

/* In the order of CdpFunction. */
static const FunctionInfo functions[CDP_FUNCTION_COUNT] = {
	{"in_segment", 1, 1, 1, CDP_TYPE_BOOLEAN},
	{"score", 1, 1, 1, CDP_TYPE_NUMBER},
	{"percentile", 1, 1, 1, CDP_TYPE_NUMBER},
	{"consent", 2, 2, 2, CDP_TYPE_BOOLEAN},
	{"suppressed", 1, 1, 1, CDP_TYPE_BOOLEAN},
	{"bucket", 2, 2, 1, CDP_TYPE_NUMBER},
	{"near", 5, 5, 0, CDP_TYPE_BOOLEAN},
	{"days_to_anniversary", 1, 1, 0, CDP_TYPE_NUMBER},
	{"has_id", 1, 1, 1, CDP_TYPE_BOOLEAN},
	{"lower", 1, 1, 0, CDP_TYPE_TEXT},
	{"coalesce", 1, 100, 0, CDP_TYPE_ANY},
	{"abs", 1, 1, 0, CDP_TYPE_NUMBER},
	{"length", 1, 1, 0, CDP_TYPE_NUMBER}
};

static int
find_function(const char *name)
{
	for (int i = 0; i < CDP_FUNCTION_COUNT; i++)
		if (strcmp(functions[i].name, name) == 0)
			return i;
	return -1;
}

/* An expression that is unknown; stands for what could not be bound. */
static CdpExpr *
make_unknown(CdpBinder *binder, const CdpNode *node, CdpType type)
{
	return cdp_segment_make_expr(binder, CDP_EXPR_CONSTANT, type, node);
}

static CdpExpr *
refuse_function(CdpBinder *binder, const CdpNode *node)
{
	const char *names[CDP_FUNCTION_COUNT + CDP_AGGREGATE_COUNT];
	const char *hint;

	for (int i = 0; i < CDP_FUNCTION_COUNT; i++)
		names[i] = functions[i].name;
	for (int i = 0; i < CDP_AGGREGATE_COUNT; i++)
		names[CDP_FUNCTION_COUNT + i] = cdp_segment_aggregate_names[i];
	hint = cdp_segment_suggest(&binder->program->context, CDP_NAMES_NONE,
							   node->text, names, lengthof(names));
	cdp_segment_bind_error(binder, ERRCODE_UNDEFINED_FUNCTION, node,
						   psprintf("unknown function \"%s\"", node->text),
						   hint);
	return make_unknown(binder, node, CDP_TYPE_ANY);
}

static bool
check_count(CdpBinder *binder, const CdpNode *node,
			const FunctionInfo *function)
{
	int			count = list_length(node->args);
	int			wanted = count < function->min_args ? function->min_args :
		function->max_args;
	const char *how = function->min_args == function->max_args ? "" :
		count < function->min_args ? "at least " : "at most ";

	if (count >= function->min_args && count <= function->max_args)
		return true;
	cdp_segment_bind_error(binder, ERRCODE_UNDEFINED_FUNCTION, node,
						   psprintf("%s takes %s%d argument%s, found %d",
									function->name, how, wanted,
									wanted == 1 ? "" : "s", count), NULL);
	return false;
}

/* Check the number of arguments, and which must be strings as written. */
static bool
check_arguments(CdpBinder *binder, const CdpNode *node,
				const FunctionInfo *function)
{
	if (!check_count(binder, node, function))
		return false;
	for (int i = 0; i < function->nstrings; i++)
	{
		CdpNode    *arg = cdp_segment_arg(node, i);

		if (arg->kind == CDP_NODE_STRING)
			continue;
		cdp_segment_bind_error(binder, ERRCODE_DATATYPE_MISMATCH, arg,
							   psprintf("%s takes a string as written here, such as 'x'",
										function->name), NULL);
		return false;
	}
	return true;
}

/* The root of a segment that is bound already; -1: none. */
static int
find_root(const CdpProgram *program, const char *segment)
{
	ListCell   *cell;

	foreach(cell, program->roots)
	{
		CdpRoot    *root = lfirst(cell);

		if (root->segment != NULL && strcmp(root->segment, segment) == 0)
			return foreach_current_index(cell);
	}
	return -1;
}

/* Bind a segment's predicate as a root; its errors are ours. */
static int
add_root(CdpBinder *binder, const CdpNode *node, const char *name,
		 const char *source)
{
	CdpProgram *program = binder->program;
	CdpRoot    *root = palloc0(sizeof(CdpRoot));
	List	   *messages = NIL;
	ListCell   *cell;
	bool		used_zone = program->uses_zone;
	int			number = list_length(program->roots);

	root->segment = name;
	program->roots = lappend(program->roots, root);
	root->expr = cdp_segment_bind(program,
								  cdp_segment_parse(source, strlen(source)),
								  CDP_TYPE_BOOLEAN, &messages);
	program->uses_zone = used_zone;
	foreach(cell, messages)
	{
		CdpMessage *message = lfirst(cell);

		if (!message->is_error)
			continue;
		if (message->errcode != ERRCODE_INVALID_OBJECT_DEFINITION)
			message->text = psprintf("segment \"%s\": %s", name, message->text);
		cdp_segment_bind_error(binder, message->errcode, node, message->text,
							   message->hint);
		break;
	}
	return number;
}

static CdpExpr *
bind_in_segment(CdpBinder *binder, const CdpNode *node, CdpExpr *expr)
{
	const char *name = linitial(expr->names);
	CdpContext *context = &binder->program->context;
	const char *source = cdp_segment_lookup_text(context, CDP_NAMES_SEGMENTS,
												 name);
	CdpRoot    *root;

	expr->kind = CDP_EXPR_IN_SEGMENT;
	if (source == NULL)
	{
		cdp_segment_bind_error(binder, ERRCODE_UNDEFINED_OBJECT, node,
							   psprintf("there is no segment \"%s\"", name),
							   cdp_segment_suggest(context, CDP_NAMES_SEGMENTS,
												   name, NULL, 0));
		return make_unknown(binder, node, CDP_TYPE_BOOLEAN);
	}
	expr->number = find_root(binder->program, name);
	if (expr->number < 0)
		expr->number = add_root(binder, node, name, source);
	root = list_nth(binder->program->roots, expr->number);
	if (root->expr == NULL)
	{
		cdp_segment_bind_error(binder, ERRCODE_INVALID_OBJECT_DEFINITION, node,
							   psprintf("segment \"%s\" refers to itself", name),
							   "A segment cannot be part of its own definition, directly or through others.");
		return make_unknown(binder, node, CDP_TYPE_BOOLEAN);
	}
	expr->level = root->expr->level;
	return expr;
}

/* Names that must exist somewhere are only warned about. */
static void
warn_unknown_name(CdpBinder *binder, const CdpNode *node, CdpNameSpace names,
				  const char *what, const char *name)
{
	CdpContext *context = &binder->program->context;

	if (cdp_segment_lookup_member(context, names, name))
		return;
	cdp_segment_bind_warning(binder, node,
							 psprintf("there is no %s \"%s\"", what, name),
							 cdp_segment_suggest(context, names, name, NULL, 0));
}

static void
check_bucket(CdpBinder *binder, const CdpNode *node, CdpExpr *expr)
{
	const CdpExpr *count = expr->args[1];
	int64		arms = 0;

	if (count->kind == CDP_EXPR_CONSTANT && count->type == CDP_TYPE_NUMBER &&
		count->constant.as.number.numeric == NULL &&
		count->constant.as.number.fixed % CDP_FIXED_SCALE == 0)
		arms = count->constant.as.number.fixed / CDP_FIXED_SCALE;
	if (arms < 1 || arms > 10000)
		cdp_segment_bind_error(binder, ERRCODE_INVALID_PARAMETER_VALUE, node,
							   "bucket takes a whole number of arms from 1 to 10000",
							   NULL);
	expr->number = arms;
}

/* What is written out must be on the globe; data that is not is unknown. */
static void
check_near(CdpBinder *binder, CdpExpr *expr)
{
	static const char *const complaints[] = {
		"a latitude is a number of degrees from -90 to 90",
		"a longitude is a number of degrees from -180 to 180",
		"a latitude is a number of degrees from -90 to 90",
		"a longitude is a number of degrees from -180 to 180",
		"a distance is a number of kilometres from 0 to 100000"
	};
	static const int lowest[] = {-90, -180, -90, -180, 0};
	static const int highest[] = {90, 180, 90, 180, 100000};

	for (int i = 0; i < expr->nargs; i++)
	{
		const CdpExpr *arg = expr->args[i];
		CdpValue	low = cdp_segment_integer(lowest[i]);
		CdpValue	high = cdp_segment_integer(highest[i]);
		int			order;

		if (!cdp_segment_bind_need(binder, arg, CDP_TYPE_NUMBER) ||
			arg->kind != CDP_EXPR_CONSTANT)
			continue;
		if ((cdp_segment_compare(&arg->constant, &low, NULL, &order) &&
			 order < 0) ||
			(cdp_segment_compare(&arg->constant, &high, NULL, &order) &&
			 order > 0))
			cdp_segment_bind_error(binder, ERRCODE_INVALID_PARAMETER_VALUE,
								   arg->node, complaints[i], NULL);
	}
}

/* All arguments of coalesce that have a type have the same. */
static void
bind_coalesce(CdpBinder *binder, CdpExpr *expr)
{
	for (int i = 0; i < expr->nargs; i++)
	{
		CdpType		type = expr->args[i]->type;

		if (expr->type == CDP_TYPE_ANY)
			expr->type = type;
		else
			cdp_segment_bind_need(binder, expr->args[i], expr->type);
	}
	for (int i = 0; i < expr->nargs; i++)
		if (expr->args[i]->type == CDP_TYPE_ANY)
			expr->type = CDP_TYPE_ANY;
}

/* Functions whose arguments are values. */
static void
check_values(CdpBinder *binder, const CdpNode *node, CdpExpr *expr)
{
	switch ((CdpFunction) expr->op)
	{
		case CDP_FUNCTION_BUCKET:
			check_bucket(binder, node, expr);
			break;
		case CDP_FUNCTION_NEAR:
			check_near(binder, expr);
			break;
		case CDP_FUNCTION_SUPPRESSED:
			warn_unknown_name(binder, node, CDP_NAMES_CHANNELS, "channel",
							  linitial(expr->names));
			break;
		case CDP_FUNCTION_DAYS_TO_ANNIVERSARY:
			binder->uses_zone = true;
			cdp_segment_bind_need(binder, expr->args[0], CDP_TYPE_TIME);
			break;
		case CDP_FUNCTION_LOWER:
			cdp_segment_bind_need(binder, expr->args[0], CDP_TYPE_TEXT);
			break;
		case CDP_FUNCTION_COALESCE:
			bind_coalesce(binder, expr);
			break;
		case CDP_FUNCTION_ABS:
			cdp_segment_bind_need(binder, expr->args[0], CDP_TYPE_NUMBER);
			break;
		case CDP_FUNCTION_LENGTH:
			if (expr->args[0]->type != CDP_TYPE_ANY)
				cdp_segment_bind_need(binder, expr->args[0], CDP_TYPE_TEXT);
			break;
		case CDP_FUNCTION_CONSENT:
			warn_unknown_name(binder, cdp_segment_arg(node, 0),
							  CDP_NAMES_PURPOSES, "purpose",
							  linitial(expr->names));
			warn_unknown_name(binder, cdp_segment_arg(node, 1),
							  CDP_NAMES_CHANNELS, "channel",
							  lsecond(expr->names));
			expr->text = psprintf("%s/%s", (char *) linitial(expr->names),
								  (char *) lsecond(expr->names));
			break;
		case CDP_FUNCTION_HAS_ID:
			warn_unknown_name(binder, node, CDP_NAMES_IDENTIFIERS,
							  "identifier type", linitial(expr->names));
			break;
		case CDP_FUNCTION_SCORE:
		case CDP_FUNCTION_PERCENTILE:
			warn_unknown_name(binder, node, CDP_NAMES_SCORES, "score",
							  linitial(expr->names));
			break;
		default:
			break;
	}
}

/* Does the function look at the profile, besides its arguments? */
static bool
asks_facts(CdpFunction function)
{
	return function == CDP_FUNCTION_SCORE ||
		function == CDP_FUNCTION_PERCENTILE ||
		function == CDP_FUNCTION_CONSENT ||
		function == CDP_FUNCTION_SUPPRESSED || function == CDP_FUNCTION_HAS_ID;
}

CdpExpr *
cdp_segment_bind_function(CdpBinder *binder, const CdpNode *node)
{
	int			function = find_function(node->text);
	CdpExpr    *expr;

	if (function < 0)
		return refuse_function(binder, node);
	if (!check_arguments(binder, node, &functions[function]))
		return make_unknown(binder, node, functions[function].type);
	expr = cdp_segment_make_expr(binder, CDP_EXPR_FUNCTION,
								 functions[function].type, node);
	expr->op = function;
	binder->program->asks_facts |= asks_facts(function);
	cdp_segment_bind_args(binder, expr, node);
	for (int i = 0; i < functions[function].nstrings; i++)
		expr->names = lappend(expr->names,
							  (void *) cdp_segment_arg(node, i)->text);
	if (function == CDP_FUNCTION_IN_SEGMENT)
		return bind_in_segment(binder, node, expr);
	check_values(binder, node, expr);
	return expr;
}
