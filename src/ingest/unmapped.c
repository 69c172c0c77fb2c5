/*
 * unmapped.c
 *		The fields of a record that a mapping makes no use of.
 *
 * A value is used if a path led to it, or to something that holds it.  Paths
 * return places in the tree of the record, so being used is being that place.
 * An array of which nothing is used is one field; of others each element is
 * looked at.
 *
 * Cost: values in the record times paths; only the preview asks.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "ingest/record.h"

/* Is something inside the value used? */
static bool
holds_used(const JsonbValue *value, const List *used)
{
	if (list_member_ptr(used, value))
		return true;
	check_stack_depth();
	if (value->type == jbvArray)
	{
		for (int i = 0; i < value->val.array.nElems; i++)
			if (holds_used(&value->val.array.elems[i], used))
				return true;
	}
	else if (value->type == jbvObject)
	{
		for (int i = 0; i < value->val.object.nPairs; i++)
			if (holds_used(&value->val.object.pairs[i].value, used))
				return true;
	}
	return false;
}

/* The path of a member, as a mapping would write it. */
static char *
member_path(const char *path, const char *key)
{
	StringInfoData quoted;

	if (strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") > 0 &&
		strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == strlen(key))
		return psprintf("%s.%s", path, key);
	initStringInfo(&quoted);
	escape_json(&quoted, key);
	return psprintf("%s.%s", path, quoted.data);
}

static void
note_unmapped(const JsonbValue *value, const char *path,
			  CdpUnmapped *unmapped)
{
	Jsonb	   *jsonb = JsonbValueToJsonb((JsonbValue *) value);

	unmapped->paths = lappend(unmapped->paths, pstrdup(path));
	unmapped->values = lappend(unmapped->values,
							   JsonbToCString(NULL, &jsonb->root,
											  VARSIZE(jsonb)));
}

static void
find_unmapped(const JsonbValue *value, const char *path, const List *used,
			  CdpUnmapped *unmapped)
{
	CHECK_FOR_INTERRUPTS();
	if (list_member_ptr(used, value))
		return;
	if (value->type == jbvObject && value->val.object.nPairs > 0)
	{
		for (int i = 0; i < value->val.object.nPairs; i++)
		{
			const JsonbPair *pair = &value->val.object.pairs[i];

			find_unmapped(&pair->value,
						  member_path(path, cdp_json_key(pair)), used,
						  unmapped);
		}
	}
	else if (value->type == jbvArray && holds_used(value, used))
	{
		for (int i = 0; i < value->val.array.nElems; i++)
			find_unmapped(&value->val.array.elems[i],
						  psprintf("%s[%d]", path, i), used, unmapped);
	}
	else
		note_unmapped(value, path, unmapped);
}

/* Append what is not used. */
void
cdp_ingest_find_unmapped(const JsonbValue *root, const List *used,
						 CdpUnmapped *unmapped)
{
	find_unmapped(root, "$", used, unmapped);
}
