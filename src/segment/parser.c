/*
 * parser.c
 *		Reads expressions: recursive descent, one function a grammar rule.
 *
 * The grammar is in ast.h; each rule is a function that reads from
 * parser->token on and leaves it behind what it read.  The only look-ahead is
 * one token: a word is a function if "(" follows, a number is a duration if a
 * unit follows.  What can nest (parentheses, not, calls) passes through
 * enter(), which bounds the recursion; trees that grow without nesting, such
 * as 1 + 1 + 1, are bounded where nodes are joined.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "segment/parser.h"

/* Each way to nest comes here first; leave() ends it. */
static void
enter(CdpParser *parser)
{
	check_stack_depth();
	if (++parser->depth > CDP_PREDICATE_MAX_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("predicate is nested too deeply"),
				 errdetail("A predicate has at most %d levels.",
						   CDP_PREDICATE_MAX_DEPTH)));
}

static void
leave(CdpParser *parser)
{
	parser->depth--;
}

/* Raise: the next token is not what the grammar has here. */
void
cdp_segment_expected(CdpParser *parser, const char *what)
{
	CdpToken   *token = parser->token;
	int			length = pg_mbcliplen(parser->source + token->position,
									  token->end - token->position, 40);
	char	   *found = pnstrdup(parser->source + token->position, length);

	if (token->kind == CDP_TOKEN_END)
		found = "the end";
	else if (*found != '"')
		found = psprintf("\"%s\"", found);
	cdp_segment_syntax_error(parser->source, token->position,
							 psprintf("expected %s, found %s", what, found));
}

bool
cdp_segment_at_word(const CdpToken *token, const char *word)
{
	return token->kind == CDP_TOKEN_WORD && strcmp(token->text, word) == 0;
}

bool
cdp_segment_at_symbol(const CdpToken *token, const char *symbol)
{
	return token->kind == CDP_TOKEN_SYMBOL && strcmp(token->text, symbol) == 0;
}

bool
cdp_segment_accept_word(CdpParser *parser, const char *word)
{
	if (!cdp_segment_at_word(parser->token, word))
		return false;
	parser->token++;
	return true;
}

bool
cdp_segment_accept_symbol(CdpParser *parser, const char *symbol)
{
	if (!cdp_segment_at_symbol(parser->token, symbol))
		return false;
	parser->token++;
	return true;
}

void
cdp_segment_need_word(CdpParser *parser, const char *word)
{
	if (!cdp_segment_accept_word(parser, word))
		cdp_segment_expected(parser, psprintf("\"%s\"", word));
}

void
cdp_segment_need_symbol(CdpParser *parser, const char *symbol)
{
	if (!cdp_segment_accept_symbol(parser, symbol))
		cdp_segment_expected(parser, psprintf("\"%s\"", symbol));
}

/* name */
const char *
cdp_segment_parse_name(CdpParser *parser, const char *expected)
{
	CdpToken   *token = parser->token;

	if (token->kind != CDP_TOKEN_QUOTED &&
		(token->kind != CDP_TOKEN_WORD || cdp_segment_is_reserved(token->text)))
		cdp_segment_expected(parser, expected);
	parser->token++;
	return token->text;
}

/* path = name { "." name } */
CdpNode *
cdp_segment_parse_path(CdpParser *parser)
{
	CdpNode    *path = cdp_segment_node(CDP_NODE_PATH, parser->token->position);

	do
	{
		path->names = lappend(path->names,
							  (void *) cdp_segment_parse_name(parser, "a name"));
	} while (cdp_segment_accept_symbol(parser, "."));
	return path;
}

/* A node with two children. */
static CdpNode *
make_pair(CdpNodeKind kind, int op, CdpNode *left, CdpNode *right)
{
	CdpNode    *node = cdp_segment_node(kind, left->position);

	node->op = op;
	cdp_segment_add_arg(node, left);
	cdp_segment_add_arg(node, right);
	return node;
}

/* add {"," add} ")" as children of the node */
static void
parse_list(CdpParser *parser, CdpNode *node)
{
	do
	{
		cdp_segment_add_arg(node, cdp_segment_parse_add(parser));
	} while (cdp_segment_accept_symbol(parser, ","));
	cdp_segment_need_symbol(parser, ")");
}

/* func = name "(" [ add {"," add} ] ")" */
static CdpNode *
parse_function(CdpParser *parser)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_FUNCTION,
										parser->token->position);

	node->text = parser->token->text;
	parser->token += 2;
	if (!cdp_segment_accept_symbol(parser, ")"))
		parse_list(parser, node);
	return node;
}

/* agg, sequence or func: a word before "(" */
static CdpNode *
parse_call(CdpParser *parser)
{
	CdpNode    *node;
	int			aggregate;

	enter(parser);
	aggregate = cdp_segment_find_name(parser->token->text,
									  cdp_segment_aggregate_names,
									  CDP_AGGREGATE_COUNT);
	if (aggregate >= 0)
		node = cdp_segment_parse_aggregate(parser, aggregate);
	else if (cdp_segment_at_word(parser->token, "sequence"))
		node = cdp_segment_parse_sequence(parser);
	else
		node = parse_function(parser);
	leave(parser);
	return node;
}

/* A token that is a primary by itself; NULL: it is none. */
static CdpNode *
parse_constant(CdpParser *parser)
{
	CdpToken   *token = parser->token;
	CdpNode    *node = NULL;

	if (token->kind == CDP_TOKEN_STRING)
		node = cdp_segment_node(CDP_NODE_STRING, token->position);
	else if (token->kind == CDP_TOKEN_DATE)
		node = cdp_segment_node(CDP_NODE_DATE, token->position);
	else if (token->kind == CDP_TOKEN_NUMBER)
		node = cdp_segment_node(CDP_NODE_NUMBER, token->position);
	else if (cdp_segment_at_word(token, "true") ||
			 cdp_segment_at_word(token, "false"))
		node = cdp_segment_node(CDP_NODE_BOOLEAN, token->position);
	else if (cdp_segment_at_word(token, "null"))
		node = cdp_segment_node(CDP_NODE_NULL, token->position);
	else if (cdp_segment_at_word(token, "now"))
		node = cdp_segment_node(CDP_NODE_NOW, token->position);
	else if (cdp_segment_at_word(token, "today"))
		node = cdp_segment_node(CDP_NODE_TODAY, token->position);
	else
		return NULL;
	if (node->kind == CDP_NODE_BOOLEAN)
		node->op = *token->text == 't';
	else
		node->text = token->text;
	parser->token++;
	return node;
}

/* primary */
static CdpNode *
parse_primary(CdpParser *parser)
{
	CdpToken   *token = parser->token;
	CdpNode    *node;

	if (cdp_segment_accept_symbol(parser, "("))
	{
		enter(parser);
		node = cdp_segment_parse_or(parser);
		leave(parser);
		cdp_segment_need_symbol(parser, ")");
		return node;
	}
	if (token->kind == CDP_TOKEN_NUMBER && cdp_segment_unit_of(token + 1) >= 0)
		return cdp_segment_parse_duration(parser);
	node = parse_constant(parser);
	if (node != NULL)
		return node;
	if (token->kind == CDP_TOKEN_WORD && !cdp_segment_is_reserved(token->text) &&
		cdp_segment_at_symbol(token + 1, "("))
		return parse_call(parser);
	if (token->kind == CDP_TOKEN_QUOTED ||
		(token->kind == CDP_TOKEN_WORD && !cdp_segment_is_reserved(token->text)))
		return cdp_segment_parse_path(parser);
	cdp_segment_expected(parser, "a value");
}

/* The negative of a number is a number; zero has no sign. */
static CdpNode *
negate_number(CdpNode *number, int position)
{
	number->position = position;
	if (*number->text == '-')
		number->text++;
	else if (strcmp(number->text, "0") != 0)
		number->text = psprintf("-%s", number->text);
	return number;
}

/* unary = ["-"] primary */
static CdpNode *
parse_unary(CdpParser *parser)
{
	int			position = parser->token->position;
	CdpNode    *node;
	CdpNode    *operand;

	if (!cdp_segment_accept_symbol(parser, "-"))
		return parse_primary(parser);
	operand = parse_primary(parser);
	if (operand->kind == CDP_NODE_NUMBER)
		return negate_number(operand, position);
	node = cdp_segment_node(CDP_NODE_NEGATE, position);
	cdp_segment_add_arg(node, operand);
	return node;
}

/* mul = unary { ("*"|"/") unary } */
static CdpNode *
parse_mul(CdpParser *parser)
{
	CdpNode    *left = parse_unary(parser);

	while (cdp_segment_at_symbol(parser->token, "*") ||
		   cdp_segment_at_symbol(parser->token, "/"))
	{
		int			op = *parser->token++->text;

		left = make_pair(CDP_NODE_ARITHMETIC, op, left, parse_unary(parser));
	}
	return left;
}

/* add = mul { ("+"|"-") mul } */
CdpNode *
cdp_segment_parse_add(CdpParser *parser)
{
	CdpNode    *left = parse_mul(parser);

	while (cdp_segment_at_symbol(parser->token, "+") ||
		   cdp_segment_at_symbol(parser->token, "-"))
	{
		int			op = *parser->token++->text;

		left = make_pair(CDP_NODE_ARITHMETIC, op, left, parse_mul(parser));
	}
	return left;
}

/* "in" "(" add {"," add} ")" */
static CdpNode *
parse_in(CdpParser *parser, CdpNode *value)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_IN, value->position);

	cdp_segment_add_arg(node, value);
	cdp_segment_need_symbol(parser, "(");
	parse_list(parser, node);
	return node;
}

/* "between" add "and" add */
static CdpNode *
parse_between(CdpParser *parser, CdpNode *value)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_BETWEEN, value->position);

	cdp_segment_add_arg(node, value);
	cdp_segment_add_arg(node, cdp_segment_parse_add(parser));
	cdp_segment_need_word(parser, "and");
	cdp_segment_add_arg(node, cdp_segment_parse_add(parser));
	return node;
}

/* ("like"|"ilike") string */
static CdpNode *
parse_like(CdpParser *parser, CdpNode *value, bool ignore_case)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_LIKE, value->position);

	if (parser->token->kind != CDP_TOKEN_STRING)
		cdp_segment_expected(parser, "a string");
	node->ignore_case = ignore_case;
	cdp_segment_add_arg(node, value);
	cdp_segment_add_arg(node, parse_constant(parser));
	return node;
}

/* "contains" ( ("any"|"all") "(" add {"," add} ")" | add ) */
static CdpNode *
parse_contains(CdpParser *parser, CdpNode *value)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_CONTAINS, value->position);
	bool		is_list = cdp_segment_at_symbol(parser->token + 1, "(");

	cdp_segment_add_arg(node, value);
	if (is_list && cdp_segment_at_word(parser->token, "any"))
		node->op = CDP_CONTAINS_ANY;
	else if (is_list && cdp_segment_at_word(parser->token, "all"))
		node->op = CDP_CONTAINS_ALL;
	else
	{
		node->op = CDP_CONTAINS_ONE;
		cdp_segment_add_arg(node, cdp_segment_parse_add(parser));
		return node;
	}
	parser->token += 2;
	parse_list(parser, node);
	return node;
}

/* "is" ["not"] ( "null" | "true" | "false" | "distinct" "from" add ) */
static CdpNode *
parse_is(CdpParser *parser, CdpNode *value)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_IS, value->position);

	cdp_segment_add_arg(node, value);
	node->negated = cdp_segment_accept_word(parser, "not");
	if (cdp_segment_accept_word(parser, "null"))
		node->op = CDP_IS_NULL;
	else if (cdp_segment_accept_word(parser, "true"))
		node->op = CDP_IS_TRUE;
	else if (cdp_segment_accept_word(parser, "false"))
		node->op = CDP_IS_FALSE;
	else if (cdp_segment_accept_word(parser, "distinct"))
	{
		node->op = CDP_IS_DISTINCT;
		cdp_segment_need_word(parser, "from");
		cdp_segment_add_arg(node, cdp_segment_parse_add(parser));
	}
	else
		cdp_segment_expected(parser,
							 "\"null\", \"true\", \"false\" or \"distinct from\"");
	return node;
}

/* The tests that "not" may stand before; NULL: none is next. */
static CdpNode *
parse_negatable(CdpParser *parser, CdpNode *value)
{
	if (cdp_segment_accept_word(parser, "in"))
		return parse_in(parser, value);
	if (cdp_segment_accept_word(parser, "between"))
		return parse_between(parser, value);
	if (cdp_segment_accept_word(parser, "like"))
		return parse_like(parser, value, false);
	if (cdp_segment_accept_word(parser, "ilike"))
		return parse_like(parser, value, true);
	return NULL;
}

/* test */
static CdpNode *
parse_test(CdpParser *parser)
{
	static const char *const symbols[] = {"=", "!=", "<", "<=", ">", ">="};
	CdpNode    *value = cdp_segment_parse_add(parser);
	CdpNode    *node;

	if (parser->token->kind == CDP_TOKEN_SYMBOL)
	{
		int			op = cdp_segment_find_name(parser->token->text, symbols,
											   lengthof(symbols));

		if (op < 0)
			return value;
		parser->token++;
		return make_pair(CDP_NODE_COMPARE, op, value,
						 cdp_segment_parse_add(parser));
	}
	if (cdp_segment_accept_word(parser, "is"))
		return parse_is(parser, value);
	if (cdp_segment_accept_word(parser, "contains"))
		return parse_contains(parser, value);
	if (cdp_segment_accept_word(parser, "not"))
	{
		node = parse_negatable(parser, value);
		if (node == NULL)
			cdp_segment_expected(parser,
								 "\"in\", \"between\", \"like\" or \"ilike\"");
		node->negated = true;
		return node;
	}
	node = parse_negatable(parser, value);
	return node != NULL ? node : value;
}

/* not_expr = "not" not_expr | test */
static CdpNode *
parse_not(CdpParser *parser)
{
	CdpNode    *node;

	if (!cdp_segment_at_word(parser->token, "not"))
		return parse_test(parser);
	node = cdp_segment_node(CDP_NODE_NOT, parser->token->position);
	parser->token++;
	enter(parser);
	cdp_segment_add_arg(node, parse_not(parser));
	leave(parser);
	return node;
}

/*
 * A chain of one connective.  A link that is itself such a chain, in
 * parentheses, gives its links to this one: both connectives are associative.
 */
static CdpNode *
parse_chain(CdpParser *parser, CdpNodeKind kind, const char *word,
			CdpNode *(*parse_link) (CdpParser *))
{
	CdpNode    *first = parse_link(parser);
	CdpNode    *link = first;
	CdpNode    *chain;

	if (!cdp_segment_at_word(parser->token, word))
		return first;
	chain = cdp_segment_node(kind, first->position);
	for (;;)
	{
		ListCell   *cell;

		if (link->kind != kind)
			cdp_segment_add_arg(chain, link);
		else
			foreach(cell, link->args)
				cdp_segment_add_arg(chain, lfirst(cell));
		if (!cdp_segment_accept_word(parser, word))
			return chain;
		link = parse_link(parser);
	}
}

/* and_expr = not_expr { "and" not_expr } */
static CdpNode *
parse_and(CdpParser *parser)
{
	return parse_chain(parser, CDP_NODE_AND, "and", parse_not);
}

/* or_expr = and_expr { "or" and_expr } */
CdpNode *
cdp_segment_parse_or(CdpParser *parser)
{
	return parse_chain(parser, CDP_NODE_OR, "or", parse_and);
}

static void
check_size(int length)
{
	if (length > CDP_PREDICATE_MAX_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("predicate is too long"),
				 errdetail("A predicate has at most %d bytes, this one has %d.",
						   CDP_PREDICATE_MAX_SIZE, length)));
}

/* predicate = or_expr [ "at" "time" "zone" string ]; text ends with NUL */
CdpPredicate *
cdp_segment_parse(const char *text, int length)
{
	CdpPredicate *predicate = palloc0(sizeof(CdpPredicate));
	CdpParser	parser = {text, NULL, 0};

	check_size(length);
	parser.token = cdp_segment_tokens(text, length);
	predicate->root = cdp_segment_parse_or(&parser);
	if (cdp_segment_accept_word(&parser, "at"))
	{
		cdp_segment_need_word(&parser, "time");
		cdp_segment_need_word(&parser, "zone");
		if (parser.token->kind != CDP_TOKEN_STRING)
			cdp_segment_expected(&parser, "the name of a time zone as a string");
		predicate->time_zone = parser.token->text;
		parser.token++;
	}
	if (parser.token->kind != CDP_TOKEN_END)
		cdp_segment_expected(&parser, predicate->time_zone != NULL ? "the end" :
							 "\"and\", \"or\" or the end");
	return predicate;
}
