/*
 * reflag.c
 *		Whether identifiers are blocked, judged again by today's rules.
 *
 * Done for the members of sets that were attached before the rules last
 * changed, for the values a new rule is about, and in a rebuild for all.
 * Whether the store has a value of a strong type at all is judged here as well.
 * Only the flag is written: what follows from it (leaf, links, owners) is the
 * stitcher's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/stitch.h"

#define FETCH_ROWS 1000

/* Changed identifiers, by what they are now. */
typedef struct Flags
{
	CdpIdList	blocked;
	CdpIdList	unblocked;
} Flags;

/* identifier_id, type_id, value, blocked */
static void
judge_row(HeapTuple row, TupleDesc columns, Flags *flags)
{
	bool		isnull;
	int64		id = DatumGetInt64(SPI_getbinval(row, columns, 1, &isnull));
	int			type_id = DatumGetInt32(SPI_getbinval(row, columns, 2, &isnull));
	bool		was = DatumGetBool(SPI_getbinval(row, columns, 4, &isnull));
	const CdpIdentityType *type = cdp_identity_type_by_id(type_id);
	char	   *value;
	bool		is;

	if (type == NULL)
		return;
	value = SPI_getvalue(row, columns, 3);
	is = cdp_identity_is_blocked(type, value);
	pfree(value);
	if (is != was)
		cdp_identity_list_add(is ? &flags->blocked : &flags->unblocked, id);
}

static void
write_flags(const CdpIdList *ids, bool blocked)
{
	static CdpPlan update_plan = {
		"UPDATE cdp.identifier SET blocked = $2"
		" FROM unnest($1::bigint[]) AS given (identifier_id)"
		" WHERE identifier.identifier_id = given.identifier_id",
		2, {INT8ARRAYOID, BOOLOID}
	};

	if (ids->count > 0)
		cdp_base_execute(&update_plan, (Datum[]) {
			cdp_identity_list_array(ids), BoolGetDatum(blocked)
		}, NULL, false, 0);
}

/* See stitch.h; inside an SPI connection. */
void
cdp_identity_reflag(const CdpIdList *ids, CdpIdList *changed)
{
	static CdpPlan expiry_plan = {
		"SELECT cdp._judge_expiry($1)", 1, {INT8ARRAYOID}
	};
	Oid			argtypes[1] = {INT8ARRAYOID};
	Datum		values[1] = {ids ? cdp_identity_list_array(ids) : (Datum) 0};
	Flags		flags = {{0}, {0}};
	Portal		cursor;

	cursor = SPI_cursor_open_with_args(NULL, ids ?
									   "SELECT identifier_id, type_id, value, blocked"
									   " FROM unnest($1) AS given (identifier_id)"
									   " JOIN cdp.identifier USING (identifier_id)" :
									   "SELECT identifier_id, type_id, value, blocked"
									   " FROM cdp.identifier",
									   ids ? 1 : 0, argtypes, values, NULL,
									   false, 0);
	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, FETCH_ROWS);
		for (uint64 i = 0; i < SPI_processed; i++)
			judge_row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, &flags);
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(cursor);
	write_flags(&flags.blocked, true);
	write_flags(&flags.unblocked, false);
	for (int i = 0; i < flags.blocked.count; i++)
		cdp_identity_list_add(changed, flags.blocked.ids[i]);
	for (int i = 0; i < flags.unblocked.count; i++)
		cdp_identity_list_add(changed, flags.unblocked.ids[i]);
	/* Only what is not blocked expires. */
	if (changed->count > 0)
		cdp_base_execute(&expiry_plan, (Datum[]) {
			cdp_identity_list_array(changed)
		}, NULL, false, 0);
}

/* See stitch.h; inside an SPI connection. */
bool
cdp_identity_check_strong(void)
{
	static CdpPlan check_plan = {
		"UPDATE cdp.identity_state"
		" SET has_strong = NOT has_strong, rules_version = gen_random_uuid()"
		" WHERE has_strong <> EXISTS (SELECT FROM cdp.identifier_type AS type"
		" JOIN cdp.identifier USING (type_id)"
		" WHERE type.strong AND type.stitches AND NOT identifier.blocked"
		" AND EXISTS (SELECT FROM cdp.identifier_set_member AS member"
		" JOIN cdp.identifier_set USING (set_id)"
		" WHERE member.identifier_id = identifier.identifier_id"
		" AND NOT identifier_set.retracted))"
		" RETURNING true", 0
	};

	cdp_base_execute(&check_plan, NULL, NULL, false, 0);
	if (SPI_processed == 0)
		return false;
	(void) cdp_identity_refresh_rules();
	return true;
}
