/*
 * functions.c
 *		The SQL functions of the norm room.
 *
 * cdp.normalise_*(value) give the canonical form, or NULL for a value that
 * has none: they are for cleaning columns of doubtful quality.  The types of
 * src/types raise instead.  A region that does not exist is a mistake in the
 * query, not in the data, and raises.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/uversion.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "norm/norm.h"

PG_FUNCTION_INFO_V1(cdp_normalise_text);
PG_FUNCTION_INFO_V1(cdp_normalise_email);
PG_FUNCTION_INFO_V1(cdp_normalise_phone);
PG_FUNCTION_INFO_V1(cdp_normalise_name);
PG_FUNCTION_INFO_V1(cdp_normalise_event_name);
PG_FUNCTION_INFO_V1(cdp_normalise_country);
PG_FUNCTION_INFO_V1(cdp_normalise_language);
PG_FUNCTION_INFO_V1(cdp_normalise_time_zone);
PG_FUNCTION_INFO_V1(cdp__normalise_display);
PG_FUNCTION_INFO_V1(cdp__normalise_identifier);
PG_FUNCTION_INFO_V1(cdp__name_distance);
PG_FUNCTION_INFO_V1(cdp_icu_version);

#define NAME_BYTES	100			/* names that are longer are not compared */

typedef bool (*Normaliser) (const char *s, int len,
							StringInfo out, const char **reason);

/* Raise unless the database is encoded in UTF-8. */
void
cdp_norm_check_encoding(void)
{
	if (GetDatabaseEncoding() != PG_UTF8)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cdp does not support database encoding \"%s\"",
						GetDatabaseEncodingName()),
				 errdetail("Normalisation follows the rules of Unicode."),
				 errhint("Create the database with ENCODING 'UTF8'.")));
}

/* Argument 0 through a normaliser; NULL if it refuses. */
static Datum
normalise_argument(FunctionCallInfo fcinfo, Normaliser normalise)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	StringInfoData out;

	cdp_norm_check_encoding();
	initStringInfo(&out);
	if (!normalise(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &out, NULL))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* cdp.normalise_text(value) */
Datum
cdp_normalise_text(PG_FUNCTION_ARGS)
{
	return normalise_argument(fcinfo, cdp_norm_text);
}

/* cdp.normalise_email(value) */
Datum
cdp_normalise_email(PG_FUNCTION_ARGS)
{
	return normalise_argument(fcinfo, cdp_norm_email);
}

/* cdp.normalise_name(value) */
Datum
cdp_normalise_name(PG_FUNCTION_ARGS)
{
	return normalise_argument(fcinfo, cdp_norm_name);
}

/* cdp.normalise_event_name(value) */
Datum
cdp_normalise_event_name(PG_FUNCTION_ARGS)
{
	return normalise_argument(fcinfo, cdp_norm_snake_case);
}

/* cdp.normalise_country(value) */
Datum
cdp_normalise_country(PG_FUNCTION_ARGS)
{
	return normalise_argument(fcinfo, cdp_norm_country);
}

/* cdp.normalise_language(value) */
Datum
cdp_normalise_language(PG_FUNCTION_ARGS)
{
	return normalise_argument(fcinfo, cdp_norm_language);
}

/* A zone that ICU has and PostgreSQL has not could be used nowhere. */
static bool
normalise_time_zone(const char *s, int len,
					StringInfo out, const char **reason)
{
	return cdp_norm_time_zone(s, len, out, reason) &&
		pg_tzset(out->data) != NULL;
}

/* cdp.normalise_time_zone(value) */
Datum
cdp_normalise_time_zone(PG_FUNCTION_ARGS)
{
	return normalise_argument(fcinfo, normalise_time_zone);
}

/* cdp._normalise_display(value) */
Datum
cdp__normalise_display(PG_FUNCTION_ARGS)
{
	return normalise_argument(fcinfo, cdp_norm_display);
}

/* cdp.normalise_phone(value, region); value may be NULL, and so may region */
Datum
cdp_normalise_phone(PG_FUNCTION_ARGS)
{
	text	   *value;
	char	   *region = NULL;
	const char *reason;
	StringInfoData out;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	cdp_norm_check_encoding();
	value = PG_GETARG_TEXT_PP(0);
	if (!PG_ARGISNULL(1))
		region = text_to_cstring(PG_GETARG_TEXT_PP(1));
	initStringInfo(&out);
	if (cdp_norm_phone(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), region,
					   &out, &reason))
		PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
	if (reason == cdp_norm_region_unknown)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown region \"%s\"", region),
				 errdetail("%s", reason)));
	PG_RETURN_NULL();
}

/*
 * cdp._normalise_identifier(normaliser, value, region): the canonical value
 * and, if there is none, the reason.
 */
Datum
cdp__normalise_identifier(PG_FUNCTION_ARGS)
{
	TupleDesc	descriptor;
	Datum		values[2] = {0};
	bool		nulls[2] = {true, true};
	char	   *normaliser;
	char	   *region = NULL;
	const char *reason;
	text	   *value;
	StringInfoData out;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	cdp_norm_check_encoding();
	normaliser = text_to_cstring(PG_GETARG_TEXT_PP(0));
	value = PG_GETARG_TEXT_PP(1);
	if (!PG_ARGISNULL(2))
		region = text_to_cstring(PG_GETARG_TEXT_PP(2));
	initStringInfo(&out);
	if (cdp_norm_identifier(normaliser,
							VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
							region, &out, &reason))
	{
		values[0] = CStringGetTextDatum(out.data);
		nulls[0] = false;
	}
	else
	{
		values[1] = CStringGetTextDatum(reason);
		nulls[1] = false;
	}
	descriptor = BlessTupleDesc(descriptor);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(descriptor,
													  values, nulls)));
}

/* cdp.icu_version() */
Datum
cdp_icu_version(PG_FUNCTION_ARGS)
{
	UVersionInfo version;
	char		icu[U_MAX_VERSION_STRING_LENGTH];
	char		unicode[U_MAX_VERSION_STRING_LENGTH];

	u_getVersion(version);
	u_versionToString(version, icu);
	u_getUnicodeVersion(version);
	u_versionToString(version, unicode);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s (Unicode %s)",
											  icu, unicode)));
}

/*
 * cdp._name_distance(a, b): the letters to change, add or leave out.  The
 * server's own function refuses longer names.
 */
Datum
cdp__name_distance(PG_FUNCTION_ARGS)
{
	text	   *a = PG_GETARG_TEXT_PP(0);
	text	   *b = PG_GETARG_TEXT_PP(1);

	if (VARSIZE_ANY_EXHDR(a) > NAME_BYTES || VARSIZE_ANY_EXHDR(b) > NAME_BYTES)
		PG_RETURN_NULL();
	PG_RETURN_INT32(varstr_levenshtein(VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a),
									   VARDATA_ANY(b), VARSIZE_ANY_EXHDR(b),
									   1, 1, 1, true));
}
