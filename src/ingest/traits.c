/*
 * traits.c
 *		Traits of a person out of a JSON object.
 *
 * Names are folded to snake_case, reserved ones of the Segment spec brought
 * to ours (birthday is birth_date).  Objects that the spec knows are taken
 * apart, so that rules, columns and segments reach what is in them: the
 * members of an address are traits themselves, a company's name is the trait
 * company and its plan company_plan.  Any other object is one value.
 */
#include "postgres.h"

#include "ingest/record.h"
#include "norm/norm.h"

/* Reserved traits of the spec that we call otherwise. */
static const char *const trait_names[][2] = {
	{"birthday", "birth_date"},
	{"state", "region"},
	{"postalcode", "postal_code"},
	{"zip", "postal_code"},
	{"firstname", "first_name"},
	{"lastname", "last_name"},
	{"timezone", "time_zone"},
	{"title", "job_title"},
	{"loyalty_tier", "loyalty_level"}
};

/* See record.h. */
char *
cdp_ingest_trait_name(const char *name, int len)
{
	StringInfoData folded;

	initStringInfo(&folded);
	if (!cdp_norm_snake_case(name, len, &folded, NULL))
		return NULL;
	for (int i = 0; i < lengthof(trait_names); i++)
		if (strcmp(folded.data, trait_names[i][0]) == 0)
			return pstrdup(trait_names[i][1]);
	return folded.data;
}

static char *
trait_name(const JsonbPair *pair)
{
	return cdp_ingest_trait_name(pair->key.val.string.val,
								 pair->key.val.string.len);
}

static void
warn_of_trait_name(CdpRecord *record, const JsonbPair *pair)
{
	cdp_ingest_warn(record, "invalid_name", "traits", cdp_json_key(pair),
					"The name of a trait has letters or digits.");
}

/* A company: its name is the trait company, its plan company_plan. */
static void
read_company(CdpRecord *record, const JsonbValue *company)
{
	for (int i = 0; i < company->val.object.nPairs; i++)
	{
		JsonbPair  *pair = &company->val.object.pairs[i];
		char	   *name = trait_name(pair);

		if (name == NULL)
			warn_of_trait_name(record, pair);
		else if (strcmp(name, "name") == 0)
			cdp_ingest_add_trait(record, "company", &pair->value);
		else
			cdp_ingest_add_trait(record, psprintf("company_%s", name),
								 &pair->value);
	}
}

/* Traits of a person: each member, an address and a company in parts. */
void
cdp_ingest_read_traits(CdpRecord *record, const JsonbValue *traits)
{
	for (int i = 0; i < traits->val.object.nPairs; i++)
	{
		JsonbPair  *pair = &traits->val.object.pairs[i];
		char	   *name = trait_name(pair);
		JsonbValue *value = &pair->value;

		if (name == NULL)
			warn_of_trait_name(record, pair);
		else if (strcmp(name, "address") == 0 && value->type == jbvObject)
			cdp_ingest_read_traits(record, value);
		else if (strcmp(name, "company") == 0 && value->type == jbvObject)
			read_company(record, value);
		else
			cdp_ingest_add_trait(record, name, value);
	}
}
