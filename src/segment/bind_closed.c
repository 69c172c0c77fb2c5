/*
 * bind_closed.c
 *		Warns of a text that a field never is.
 *
 * Some fields have few values, which the store knows: lifecycle = 'activ' is
 * true of nobody, and looks like a segment that is empty for now.  The lists
 * are of the context ("values"): what a field of free text may be, nobody
 * knows, and nothing is said of it.
 */
#include "postgres.h"

#include "segment/bind.h"

/* The hint: the value that was probably meant, or all there are. */
static char *
hint_values(const CdpContext *context, const char *field, const char *value)
{
	char	   *suggestion = cdp_segment_suggest_value(context, field, value);

	if (suggestion != NULL)
		return suggestion;
	return psprintf("Its values are %s.",
					cdp_segment_list_values(context, field));
}

static void
check_value(CdpBinder *binder, const CdpExpr *field, const CdpExpr *constant)
{
	const CdpContext *context = &binder->program->context;
	const char *name;
	const char *value = constant->node->text;

	if (field->kind != CDP_EXPR_FIELD || constant->kind != CDP_EXPR_CONSTANT ||
		constant->node->kind != CDP_NODE_STRING)
		return;
	name = cdp_segment_fields[field->number].name;
	if (cdp_segment_may_be_value(context, name, value))
		return;
	cdp_segment_bind_warning(binder, constant->node,
							 psprintf("\"%s\" is never '%s'", name, value),
							 hint_values(context, name, value));
}

/* See bind.h. */
void
cdp_segment_bind_closed(CdpBinder *binder, const CdpExpr *a, const CdpExpr *b)
{
	check_value(binder, a, b);
	check_value(binder, b, a);
}
