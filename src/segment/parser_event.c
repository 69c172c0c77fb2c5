/*
 * parser_event.c
 *		Reads what is about events: aggregates, sequences, windows, durations.
 *
 * The words of this part of the grammar (units, since, ago, last, no, same,
 * ...) are no keywords: they mean something only where these functions look
 * for them, and are names elsewhere.  Two places need a rule: an unquoted any
 * that begins an event is any event, and an unquoted no after "then" makes
 * the step negative.
 */
#include "postgres.h"

#include "segment/parser.h"

/* The unit that a token names, singular or plural; -1: none. */
int
cdp_segment_unit_of(const CdpToken *token)
{
	char		word[16];
	int			length;

	if (token->kind != CDP_TOKEN_WORD)
		return -1;
	length = strlen(token->text);
	if (length >= sizeof(word))
		return -1;
	strcpy(word, token->text);
	if (length > 1 && word[length - 1] == 's')
		word[length - 1] = '\0';
	return cdp_segment_find_name(word, cdp_segment_unit_names, CDP_UNIT_COUNT);
}

/* Months have no fixed length, so there is no half of one. */
static void
check_whole(CdpParser *parser, const CdpNode *duration)
{
	if (duration->unit >= CDP_MONTH && strchr(duration->text, '.') != NULL)
		cdp_segment_syntax_error(parser->source, duration->position,
								 "months, quarters and years are whole numbers");
}

/* duration = number unit */
CdpNode *
cdp_segment_parse_duration(CdpParser *parser)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_DURATION,
										parser->token->position);
	int			unit;

	if (parser->token->kind != CDP_TOKEN_NUMBER)
		cdp_segment_expected(parser, "a duration such as 7 days");
	node->text = parser->token->text;
	parser->token++;
	unit = cdp_segment_unit_of(parser->token);
	if (unit < 0)
		cdp_segment_expected(parser, "a unit of time (second to year)");
	parser->token++;
	node->unit = unit;
	check_whole(parser, node);
	return node;
}

/* event = name { "." name } [ "where" or_expr ] */
static CdpNode *
parse_event(CdpParser *parser)
{
	CdpNode    *event = cdp_segment_node(CDP_NODE_EVENT,
										 parser->token->position);

	if (!cdp_segment_accept_word(parser, "any"))
		event->text = cdp_segment_parse_name(parser, "the name of an event");
	while (cdp_segment_accept_symbol(parser, "."))
		event->names = lappend(event->names,
							   (void *) cdp_segment_parse_name(parser, "the name of a property"));
	if (cdp_segment_accept_word(parser, "where"))
	{
		event->where = cdp_segment_parse_or(parser);
		cdp_segment_deepen(event, event->where);
	}
	return event;
}

static CdpNode *
make_window(CdpWindowKind kind, int position)
{
	CdpNode    *window = cdp_segment_node(CDP_NODE_WINDOW, position);

	window->op = kind;
	return window;
}

/* A calendar counts whole days or more. */
static void
check_calendar(CdpParser *parser, const CdpNode *duration)
{
	if (duration->unit < CDP_DAY || strchr(duration->text, '.') != NULL)
		cdp_segment_syntax_error(parser->source, duration->position,
								 "a calendar window counts whole days, weeks, months, quarters or years");
}

/* A date as the bound of a window. */
static CdpNode *
parse_date(CdpParser *parser)
{
	CdpNode    *date = cdp_segment_node(CDP_NODE_DATE, parser->token->position);

	if (parser->token->kind != CDP_TOKEN_DATE)
		cdp_segment_expected(parser, "a date");
	date->text = parser->token->text;
	parser->token++;
	return date;
}

/* "between" number "and" duration "ago" | "between" date "and" date */
static CdpNode *
parse_between_window(CdpParser *parser, int position)
{
	CdpNode    *window;
	CdpNode    *from;

	if (parser->token->kind == CDP_TOKEN_DATE)
	{
		window = make_window(CDP_WINDOW_DATES, position);
		cdp_segment_add_arg(window, parse_date(parser));
		cdp_segment_need_word(parser, "and");
		cdp_segment_add_arg(window, parse_date(parser));
		return window;
	}
	if (parser->token->kind != CDP_TOKEN_NUMBER)
		cdp_segment_expected(parser, "a number or a date");
	window = make_window(CDP_WINDOW_AGO, position);
	from = cdp_segment_node(CDP_NODE_NUMBER, parser->token->position);
	from->text = parser->token->text;
	parser->token++;
	cdp_segment_add_arg(window, from);
	cdp_segment_need_word(parser, "and");
	cdp_segment_add_arg(window, cdp_segment_parse_duration(parser));
	from->unit = cdp_segment_arg(window, 1)->unit;
	check_whole(parser, from);
	cdp_segment_need_word(parser, "ago");
	return window;
}

/* ("this"|"last") ("week"|"month"|"quarter"|"year"), after its first word */
static CdpNode *
parse_period(CdpParser *parser, CdpWindowKind kind, int position)
{
	CdpNode    *window = make_window(kind, position);
	int			unit = cdp_segment_unit_of(parser->token);

	if (unit < CDP_WEEK ||
		strcmp(parser->token->text, cdp_segment_unit_names[unit]) != 0)
		cdp_segment_expected(parser,
							 "\"week\", \"month\", \"quarter\" or \"year\"");
	parser->token++;
	window->unit = unit;
	return window;
}

/* window; NULL for ever */
static CdpNode *
parse_window(CdpParser *parser)
{
	int			position = parser->token->position;
	CdpNode    *window;

	if (cdp_segment_accept_word(parser, "ever"))
		return NULL;
	if (cdp_segment_accept_word(parser, "today"))
		return make_window(CDP_WINDOW_TODAY, position);
	if (cdp_segment_accept_word(parser, "this"))
		return parse_period(parser, CDP_WINDOW_THIS, position);
	if (cdp_segment_accept_word(parser, "last"))
		return parse_period(parser, CDP_WINDOW_LAST, position);
	if (cdp_segment_accept_word(parser, "between"))
		return parse_between_window(parser, position);
	if (cdp_segment_accept_word(parser, "since"))
	{
		window = make_window(CDP_WINDOW_SINCE, position);
		cdp_segment_add_arg(window, cdp_segment_parse_add(parser));
		return window;
	}
	if (cdp_segment_accept_word(parser, "calendar"))
	{
		window = make_window(CDP_WINDOW_CALENDAR, position);
		cdp_segment_add_arg(window, cdp_segment_parse_duration(parser));
		check_calendar(parser, cdp_segment_arg(window, 0));
		return window;
	}
	if (parser->token->kind != CDP_TOKEN_NUMBER)
		cdp_segment_expected(parser, "a window such as 90 days");
	window = make_window(CDP_WINDOW_DURATION, position);
	cdp_segment_add_arg(window, cdp_segment_parse_duration(parser));
	return window;
}

/* [ "," window ] ")" */
static void
parse_call_end(CdpParser *parser, CdpNode *call)
{
	if (cdp_segment_accept_symbol(parser, ","))
	{
		call->window = parse_window(parser);
		if (call->window != NULL)
			cdp_segment_deepen(call, call->window);
	}
	cdp_segment_need_symbol(parser, ")");
}

/* agg = agg_name "(" event [ "," window ] ")" */
CdpNode *
cdp_segment_parse_aggregate(CdpParser *parser, int kind)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_AGGREGATE,
										parser->token->position);

	node->op = kind;
	parser->token += 2;
	cdp_segment_add_arg(node, parse_event(parser));
	parse_call_end(parser, node);
	return node;
}

/* [ "no" ] event [ "within" duration ] [ "same" path ] */
static CdpNode *
parse_step(CdpParser *parser)
{
	CdpNode    *step = cdp_segment_node(CDP_NODE_STEP,
										parser->token->position);

	step->negated = cdp_segment_accept_word(parser, "no");
	cdp_segment_add_arg(step, parse_event(parser));
	if (cdp_segment_accept_word(parser, "within"))
		step->within = cdp_segment_parse_duration(parser);
	if (cdp_segment_accept_word(parser, "same"))
		step->same = cdp_segment_parse_path(parser);
	return step;
}

/* "sequence" "(" event { "then" step } [ "," window ] ")" */
CdpNode *
cdp_segment_parse_sequence(CdpParser *parser)
{
	CdpNode    *node = cdp_segment_node(CDP_NODE_SEQUENCE,
										parser->token->position);
	CdpNode    *first;

	parser->token += 2;
	first = cdp_segment_node(CDP_NODE_STEP, parser->token->position);
	cdp_segment_add_arg(first, parse_event(parser));
	cdp_segment_add_arg(node, first);
	while (cdp_segment_accept_word(parser, "then"))
		cdp_segment_add_arg(node, parse_step(parser));
	parse_call_end(parser, node);
	return node;
}
