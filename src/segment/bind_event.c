/*
 * bind_event.c
 *		Binds what is about events: aggregates, windows, sequences.
 *
 * Of an event's properties, amount and occurred_at are always there; total,
 * revenue and value are other names of amount.  The others ride on the
 * timeline once cdp.event_property declares them.  One that is not declared is
 * collected where the caller can evaluate from the log (needs.c), and else
 * refused; either way with the statement that declares it.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "segment/bind.h"

static const char *const amount_names[] = {
	"amount", "total", "revenue", "value"
};

/* The statement that declares a property, after one that it may be a slip of. */
static char *
hint_undeclared(const CdpContext *context, const char *event,
				const char *property)
{
	const char *known[lengthof(amount_names) + 1];
	char	   *suggestion;

	memcpy(known, amount_names, sizeof(amount_names));
	known[lengthof(amount_names)] = "occurred_at";
	suggestion = cdp_segment_suggest_property(context, event, property, known,
											  lengthof(known));
	return psprintf("%s SELECT cdp.declare_property(%s, %s), then CALL cdp.merge().",
					suggestion == NULL ? "Run" :
					psprintf("%s If not, run", suggestion),
					quote_literal_cstr(event == NULL ? "*" : event),
					quote_literal_cstr(property));
}

/* A property that does not ride on the timeline. */
static CdpExpr *
bind_undeclared(CdpBinder *binder, const CdpNode *node, const char *event,
				const char *property)
{
	CdpProgram *program = binder->program;
	CdpUndeclared *undeclared = palloc(sizeof(CdpUndeclared));
	const char *text = event == NULL ?
		psprintf("property \"%s\" is not declared of every event", property) :
		psprintf("property \"%s\" of event \"%s\" is not declared", property,
				 event);
	const char *hint = hint_undeclared(&program->context, event, property);

	if (!program->takes_undeclared)
	{
		cdp_segment_bind_error(binder, ERRCODE_FEATURE_NOT_SUPPORTED, node,
							   text, hint);
		return cdp_segment_make_expr(binder, CDP_EXPR_CONSTANT, CDP_TYPE_ANY,
									 node);
	}
	cdp_segment_bind_warning(binder, node,
							 psprintf("%s, so its events are read from the log, which is slower",
									  text), hint);
	undeclared->event = event;
	undeclared->property = property;
	program->undeclared = lappend(program->undeclared, undeclared);
	return cdp_segment_make_expr(binder, CDP_EXPR_EVENT_PROPERTY,
								 CDP_TYPE_ANY, node);
}

/* A property of the event whose where-clause or aggregate this is. */
CdpExpr *
cdp_segment_bind_property(CdpBinder *binder, const CdpNode *node,
						  const List *names)
{
	const char *name = cdp_segment_join_names(names);
	CdpExpr    *expr;
	int			slot;

	if (list_length(names) == 1 &&
		cdp_segment_find_name(name, amount_names, lengthof(amount_names)) >= 0)
		return cdp_segment_make_expr(binder, CDP_EXPR_EVENT_AMOUNT,
									 CDP_TYPE_NUMBER, node);
	if (strcmp(name, "occurred_at") == 0)
		return cdp_segment_make_expr(binder, CDP_EXPR_EVENT_TIME,
									 CDP_TYPE_TIME, node);
	slot = cdp_segment_lookup_slot(&binder->program->context,
								   binder->event->text, name);
	if (slot < 0)
		return bind_undeclared(binder, node, binder->event->text, name);
	expr = cdp_segment_make_expr(binder, CDP_EXPR_EVENT_PROPERTY,
								 CDP_TYPE_ANY, node);
	expr->number = slot;
	return expr;
}

/* The event by the name that the store has it under. */
static const CdpNode *
stored_event(CdpBinder *binder, const CdpNode *event)
{
	CdpNode    *stored;

	if (event->text == NULL)
		return event;
	stored = palloc(sizeof(CdpNode));
	*stored = *event;
	stored->text = unconstify(char *,
							  cdp_segment_stored_name(&binder->program->context,
													  CDP_NAMES_EVENTS,
													  event->text));
	return stored;
}

/* The id of an event's name; one never seen is worth a warning. */
static int
find_event(CdpBinder *binder, const CdpNode *event)
{
	CdpContext *context = &binder->program->context;
	const char *hint;
	int			name_id;

	if (event->text == NULL)
		return CDP_ANY_EVENT;
	name_id = cdp_segment_lookup_number(context, CDP_NAMES_EVENTS, event->text);
	if (name_id >= 0)
		return name_id;
	hint = cdp_segment_suggest(context, CDP_NAMES_EVENTS, event->text, NULL, 0);
	cdp_segment_bind_warning(binder, event,
							 psprintf("no event \"%s\" has been seen",
									  event->text),
							 hint != NULL ? hint :
							 "It counts as never until a source sends it.");
	return CDP_NO_EVENT;
}

/* The where-clause, in the scope of the event. */
static void
bind_where(CdpBinder *binder, CdpAggregate *aggregate, const CdpNode *event)
{
	const CdpNode *outer = binder->event;

	if (event->where == NULL)
		return;
	binder->event = event;
	aggregate->where = cdp_segment_bind_question(binder, event->where);
	aggregate->level = Max(aggregate->level, aggregate->where->level + 1);
	binder->event = outer;
}

/* A window that holds no instant finds nothing, so it is a mistake. */
static void
check_window(CdpBinder *binder, const CdpNode *window, bool holds_something,
			 const char *rule)
{
	if (!holds_something)
		cdp_segment_bind_error(binder, ERRCODE_INVALID_PARAMETER_VALUE,
							   window, rule, NULL);
}

static bool
is_longer(const CdpDuration *a, const CdpDuration *b)
{
	return a->months > b->months || a->days > b->days || a->us > b->us;
}

/* A window of a length that ends at the as-of instant. */
static void
bind_length(CdpBinder *binder, CdpAggregate *aggregate, const CdpNode *window)
{
	static const CdpDuration nothing = {0, 0, 0};
	CdpDuration *length = &aggregate->from;

	if (!cdp_segment_bind_duration(binder, cdp_segment_arg(window, 0), length))
		return;
	if (window->op == CDP_WINDOW_CALENDAR)
	{
		length->days = length->us / USECS_PER_DAY;
		length->us = 0;
		binder->uses_zone = true;
	}
	check_window(binder, window, is_longer(length, &nothing),
				 "a window is longer than nothing");
}

/* A window between two ages. */
static void
bind_ages(CdpBinder *binder, CdpAggregate *aggregate, const CdpNode *window)
{
	if (!cdp_segment_bind_duration(binder, cdp_segment_arg(window, 1),
								   &aggregate->from) ||
		!cdp_segment_bind_duration(binder, cdp_segment_arg(window, 0),
								   &aggregate->to))
		return;
	check_window(binder, window, is_longer(&aggregate->from, &aggregate->to),
				 "a window between two ages names the lesser one first");
}

/* A window between two dates. */
static void
bind_dates(CdpBinder *binder, CdpAggregate *aggregate, const CdpNode *window)
{
	for (int i = 0; i < 2; i++)
		aggregate->dates[i] =
			cdp_segment_bind_date(binder, cdp_segment_arg(window, i));
	check_window(binder, window, aggregate->dates[0] < aggregate->dates[1],
				 "a window between two dates names the earlier one first");
}

/* since: a time of the profile, not of an event in hand */
static void
bind_since(CdpBinder *binder, CdpAggregate *aggregate, const CdpNode *window)
{
	const CdpNode *outer = binder->event;

	binder->event = NULL;
	aggregate->since = cdp_segment_bind_expr(binder, cdp_segment_arg(window, 0));
	if (aggregate->since->type != CDP_TYPE_TIME)
		binder->uses_zone = true;
	cdp_segment_bind_need(binder, aggregate->since, CDP_TYPE_TIME);
	aggregate->level = Max(aggregate->level, aggregate->since->level + 1);
	binder->event = outer;
}

static void
bind_window(CdpBinder *binder, CdpAggregate *aggregate, const CdpNode *window)
{
	aggregate->window = window;
	if (window == NULL)
		return;
	switch ((CdpWindowKind) window->op)
	{
		case CDP_WINDOW_DURATION:
		case CDP_WINDOW_CALENDAR:
			bind_length(binder, aggregate, window);
			break;
		case CDP_WINDOW_AGO:
			bind_ages(binder, aggregate, window);
			break;
		case CDP_WINDOW_DATES:
			bind_dates(binder, aggregate, window);
			break;
		case CDP_WINDOW_SINCE:
			bind_since(binder, aggregate, window);
			break;
		default:				/* today, this and last period */
			binder->uses_zone = true;
			break;
	}
}

/* An aggregate without its value. */
static CdpAggregate *
make_aggregate(CdpBinder *binder, int kind, const CdpNode *event,
			   const CdpNode *window)
{
	CdpAggregate *aggregate = palloc0(sizeof(CdpAggregate));

	event = stored_event(binder, event);
	aggregate->kind = kind;
	aggregate->level = 1;
	aggregate->after = -1;
	aggregate->zone = binder->zone;
	aggregate->event = event;
	aggregate->name_id = find_event(binder, event);
	bind_where(binder, aggregate, event);
	bind_window(binder, aggregate, window);
	return aggregate;
}

/* Does the aggregate look at a property of its events? */
static bool
takes_property(CdpAggregateKind kind)
{
	return kind == CDP_SUM || kind == CDP_AVG || kind == CDP_MIN ||
		kind == CDP_MAX || kind == CDP_DISTINCT_COUNT ||
		kind == CDP_EARLIEST || kind == CDP_LATEST ||
		kind == CDP_MOST_FREQUENT || kind == CDP_UNIQUE_LIST;
}

/* The property that an aggregate is over. */
static void
bind_value(CdpBinder *binder, CdpAggregate *aggregate, const CdpNode *node,
		   const CdpNode *event)
{
	const CdpNode *outer = binder->event;
	const char *name = cdp_segment_aggregate_names[node->op];

	if (!takes_property(node->op))
	{
		if (event->names != NIL)
			cdp_segment_bind_error(binder, ERRCODE_DATATYPE_MISMATCH, event,
								   psprintf("%s is over events, not over a property",
											name),
								   "Leave the property out, or use it in a where-clause.");
		return;
	}
	if (event->names == NIL)
	{
		cdp_segment_bind_error(binder, ERRCODE_DATATYPE_MISMATCH, event,
							   psprintf("%s is over a property of events", name),
							   psprintf("Name the property, as in %s(%s.amount).",
										name, event->text ? event->text : "any"));
		return;
	}
	binder->event = event;
	aggregate->value = cdp_segment_bind_property(binder, event, event->names);
	if (node->op == CDP_SUM || node->op == CDP_AVG)
		cdp_segment_bind_need(binder, aggregate->value, CDP_TYPE_NUMBER);
	binder->event = outer;
}

/*
 * Timelines hold events as they were told.  What two sources tell of, such as an
 * order, is two events, which the views of profiles take for one by its
 * business key, and a count or sum does not.
 */
static void
warn_told_twice(CdpBinder *binder, const CdpNode *node, const CdpNode *event)
{
	const char *name = event->text;
	const char *key;

	if (name == NULL || (node->op != CDP_COUNT && node->op != CDP_SUM &&
						 node->op != CDP_AVG))
		return;
	key = cdp_segment_lookup_text(&binder->program->context,
								  CDP_NAMES_TOLD_TWICE, name);
	if (key == NULL)
		return;
	cdp_segment_bind_warning(binder, node,
							 psprintf("\"%s\" of which two sources tell is two events to %s",
									  name,
									  cdp_segment_aggregate_names[node->op]),
							 psprintf("Each counts once in distinct_count(%s.%s)%s.",
									  name, key,
									  strcmp(name, "order") != 0 ? "" :
									  ", and in orders, revenue and gross_revenue"));
}

/* The events that are pages; a name that was never seen is no event's. */
static void
find_pages(CdpBinder *binder, CdpAggregate *aggregate)
{
	static const char *const names[] = {"page_view", "screen_view"};

	for (int i = 0; i < 2; i++)
		aggregate->pages[i] =
			cdp_segment_lookup_number(&binder->program->context,
									  CDP_NAMES_EVENTS, names[i]);
}

static CdpType
aggregate_type(const CdpNode *node, const CdpAggregate *aggregate)
{
	switch ((CdpAggregateKind) node->op)
	{
		case CDP_DID:
			return CDP_TYPE_BOOLEAN;
		case CDP_FIRST:
		case CDP_LAST:
			return CDP_TYPE_TIME;
		case CDP_MIN:
		case CDP_MAX:
		case CDP_EARLIEST:
		case CDP_LATEST:
		case CDP_MOST_FREQUENT:
			return aggregate->value != NULL ? aggregate->value->type :
				CDP_TYPE_ANY;
		case CDP_UNIQUE_LIST:
			return CDP_TYPE_ANY;
		default:
			return CDP_TYPE_NUMBER;
	}
}

/* The number of an equal aggregate that is there already; -1: none. */
static int
find_equal(const CdpProgram *program, const char *key)
{
	ListCell   *cell;

	foreach(cell, program->aggregates)
	{
		CdpAggregate *aggregate = lfirst(cell);

		if (aggregate->key != NULL && strcmp(aggregate->key, key) == 0)
			return foreach_current_index(cell);
	}
	return -1;
}

/* Append to the program's list; the number is returned. */
static int
add_aggregate(CdpProgram *program, CdpAggregate *aggregate)
{
	program->aggregates = lappend(program->aggregates, aggregate);
	program->levels = Max(program->levels, aggregate->level);
	return list_length(program->aggregates) - 1;
}

CdpExpr *
cdp_segment_bind_aggregate(CdpBinder *binder, const CdpNode *node)
{
	const CdpNode *event = cdp_segment_arg(node, 0);
	const char *key = psprintf("%s in %s", cdp_segment_print_node(node),
							   pg_get_timezone_name(binder->zone));
	CdpExpr    *expr = cdp_segment_make_expr(binder, CDP_EXPR_AGGREGATE,
											 CDP_TYPE_ANY, node);
	CdpAggregate *aggregate;
	bool		used_zone = binder->uses_zone;

	binder->uses_zone = false;
	expr->number = find_equal(binder->program, key);
	if (expr->number < 0)
	{
		aggregate = make_aggregate(binder, node->op, event, node->window);
		bind_value(binder, aggregate, node, aggregate->event);
		warn_told_twice(binder, node, aggregate->event);
		find_pages(binder, aggregate);
		aggregate->key = key;
		aggregate->uses_zone = binder->uses_zone || node->op == CDP_ACTIVE_DAYS;
		expr->number = add_aggregate(binder->program, aggregate);
	}
	aggregate = list_nth(binder->program->aggregates, expr->number);
	expr->level = aggregate->level;
	expr->type = aggregate_type(node, aggregate);
	binder->uses_zone = used_zone || aggregate->uses_zone;
	return expr;
}

/*
 * Have the step keep the value of a path of its events; returns its place
 * among the values kept.
 */
static int
collect_value(CdpBinder *binder, CdpAggregate *aggregate, const CdpNode *path)
{
	const CdpNode *outer = binder->event;
	CdpExpr    *value;

	binder->event = aggregate->event;
	value = cdp_segment_bind_property(binder, path, path->names);
	binder->event = outer;
	aggregate->collected = lappend(aggregate->collected, value);
	return list_length(aggregate->collected) - 1;
}

static void
bind_within(CdpBinder *binder, CdpStep *step, const CdpNode *within)
{
	static const CdpDuration nothing = {0, 0, 0};

	step->has_within = within != NULL;
	if (within == NULL)
		return;
	cdp_segment_bind_duration(binder, within, &step->within);
	check_window(binder, within, is_longer(&step->within, &nothing),
				 "a deadline is later than its step");
}

/*
 * An event of a step is of interest only behind one of the step before it.
 * Whether there is one is known if that is collected earlier or meanwhile.
 */
static void
bind_order(CdpBinder *binder, CdpAggregate *aggregate, int before)
{
	const CdpAggregate *earlier = list_nth(binder->program->aggregates, before);

	if (earlier->level <= aggregate->level)
		aggregate->after = before;
}

/*
 * One step.  Steps that must happen do so in the window; one that must not is
 * looked for up to the as-of instant, so that an order after the window still
 * saves the cart in it.
 */
static void
bind_step(CdpBinder *binder, const CdpNode *node, CdpSequence *sequence,
		  int number)
{
	CdpStep    *step = &sequence->steps[number];
	const CdpNode *step_node = cdp_segment_arg(node, number);
	const CdpNode *event = cdp_segment_arg(step_node, 0);
	CdpAggregate *aggregate;

	if (event->names != NIL)
		cdp_segment_bind_error(binder, ERRCODE_DATATYPE_MISMATCH, event,
							   "a step of a sequence is an event, not a property",
							   NULL);
	aggregate = make_aggregate(binder, CDP_COLLECT, event,
							   step_node->negated ? NULL : node->window);
	step->negated = step_node->negated;
	step->aggregate = add_aggregate(binder->program, aggregate);
	step->same = -1;
	for (step->before = number - 1; step->before > 0;)
	{
		if (!sequence->steps[step->before].negated)
			break;
		step->before--;
	}
	if (number > 0)
		bind_order(binder, aggregate, sequence->steps[step->before].aggregate);
	bind_within(binder, step, step_node->within);
	if (step_node->same != NULL)
	{
		int			collector = sequence->steps[step->before].aggregate;

		step->same = collect_value(binder, aggregate, step_node->same);
		step->same_before =
			collect_value(binder,
						  list_nth(binder->program->aggregates, collector),
						  step_node->same);
	}
}

CdpExpr *
cdp_segment_bind_sequence(CdpBinder *binder, const CdpNode *node)
{
	CdpExpr    *expr = cdp_segment_make_expr(binder, CDP_EXPR_SEQUENCE,
											 CDP_TYPE_BOOLEAN, node);
	CdpSequence *sequence = palloc0(sizeof(CdpSequence));

	sequence->zone = binder->zone;
	sequence->nsteps = list_length(node->args);
	sequence->steps = palloc0(sizeof(CdpStep) * sequence->nsteps);
	expr->sequence = sequence;
	for (int i = 0; i < sequence->nsteps; i++)
	{
		CdpAggregate *aggregate;

		bind_step(binder, node, sequence, i);
		aggregate = list_nth(binder->program->aggregates,
							 sequence->steps[i].aggregate);
		expr->level = Max(expr->level, aggregate->level);
	}
	return expr;
}
