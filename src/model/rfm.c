/*
 * rfm.c
 *		Type cdp.rfm_summary: a customer's purchases in a few numbers.
 *
 * Recency, frequency and money, in the terms of the papers (count.c): x repeat
 * purchases, the last of them t_x after the first purchase, watched until t
 * after it, and the mean amount m of the repeat purchases.  cdp.rfm_agg makes
 * it from purchases; it can be written, too, as JSON:
 *
 *	{"x":2,"t_x":30.43,"t":38.86,"m":22.35}
 *
 * with unit (default 7 days), first_at, last_at and refused if known.  It
 * knows its unit, so a model fitted in weeks scores a summary in days.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"

#include "model/clv_model.h"
#include "model/json_field.h"
#include "model/rfm.h"

PG_FUNCTION_INFO_V1(cdp__rfm_summary_in);
PG_FUNCTION_INFO_V1(cdp__rfm_summary_out);
PG_FUNCTION_INFO_V1(cdp__rfm_summary_recv);
PG_FUNCTION_INFO_V1(cdp__rfm_summary_send);
PG_FUNCTION_INFO_V1(cdp__rfm_summary_to_jsonb);
PG_FUNCTION_INFO_V1(cdp_make_rfm);
PG_FUNCTION_INFO_V1(cdp_x);
PG_FUNCTION_INFO_V1(cdp_t_x);
PG_FUNCTION_INFO_V1(cdp_t);
PG_FUNCTION_INFO_V1(cdp_m);
PG_FUNCTION_INFO_V1(cdp_first_at);
PG_FUNCTION_INFO_V1(cdp_last_at);

static const char type_name[] = "cdp.rfm_summary";

/* Which rule do these numbers break?  NULL: none. */
static const char *
customer_fault(const CdpCustomer *customer, const char **argument)
{
	*argument = "x";
	if (!isfinite(customer->x) || customer->x < 0 ||
		customer->x != floor(customer->x))
		return "It is the number of repeat purchases, whole and not negative.";
	*argument = "t";
	if (!isfinite(customer->t) || customer->t < 0)
		return "It is the time since the first purchase, finite and not negative.";
	*argument = "t_x";
	if (!isfinite(customer->t_x) || customer->t_x < 0)
		return "It is the time from the first to the last purchase, finite and not negative.";
	if (customer->t_x > customer->t)
		return "The last purchase cannot be after the end of the time under watch, t.";
	if (customer->x == 0 && customer->t_x != 0)
		return "Without a repeat purchase (x = 0) it is 0.";
	return NULL;
}

/* See rfm.h. */
void
cdp_model_check_customer(const CdpCustomer *customer)
{
	const char *argument;
	const char *fault = customer_fault(customer, &argument);

	if (likely(fault == NULL))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid argument %s (x = %g, t_x = %g, t = %g)", argument,
					customer->x, customer->t_x, customer->t),
			 errdetail("%s", fault)));
}

/* See rfm.h. */
void
cdp_model_check_amount(double m)
{
	if (unlikely(!isfinite(m)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument m"),
				 errdetail("It is the mean amount of the repeat purchases, a finite number.")));
}

/* See rfm.h. */
int64
cdp_model_check_unit(const Interval *unit)
{
	int64		unit_us;

	if (!cdp_model_interval_us(unit, &unit_us) || unit_us <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unit must be a positive length of time")));
	return unit_us;
}

/* Read a time; "not known" if absent. */
static TimestampTz
read_time(const CdpJsonObject *object, const char *name)
{
	char	   *text = cdp_model_json_string(object, name);
	TimestampTz at;

	if (text == NULL)
		return DT_NOBEGIN;
	at = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
												 CStringGetDatum(text),
												 ObjectIdGetDatum(InvalidOid),
												 Int32GetDatum(-1)));
	if (TIMESTAMP_NOT_FINITE(at))
		cdp_model_json_fail(object, "Field \"%s\" must be a finite time.", name);
	return at;
}

/* Text input; see the file's story. */
Datum
cdp__rfm_summary_in(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"x", "t_x", "t", "m", "unit", "first_at", "last_at", "refused"
	};
	CdpRfm	   *rfm = palloc0(sizeof(CdpRfm));
	CdpJsonObject object;
	CdpCustomer customer;
	const char *argument;
	const char *fault;

	cdp_model_json_open(&object, PG_GETARG_CSTRING(0), type_name);
	cdp_model_json_check_names(&object, names, lengthof(names));
	if (!cdp_model_json_number(&object, "x", &rfm->x) ||
		!cdp_model_json_number(&object, "t_x", &rfm->t_x) ||
		!cdp_model_json_number(&object, "t", &rfm->t))
		cdp_model_json_fail(&object, "It needs the fields \"x\", \"t_x\" and \"t\".");
	customer = (CdpCustomer) {rfm->x, rfm->t_x, rfm->t};
	fault = customer_fault(&customer, &argument);
	if (fault != NULL)
		cdp_model_json_fail(&object, "Field \"%s\": %s", argument, fault);
	cdp_model_json_number(&object, "m", &rfm->m);
	cdp_model_json_number(&object, "refused", &rfm->refused);
	if (!isfinite(rfm->m) || !(rfm->refused >= 0))
		cdp_model_json_fail(&object, "Fields \"m\" and \"refused\" must be finite, and the latter not negative.");
	rfm->unit_us = cdp_model_unit_us(&object,
									 cdp_model_json_string(&object, "unit"));
	rfm->first_at = read_time(&object, "first_at");
	rfm->last_at = read_time(&object, "last_at");
	PG_RETURN_POINTER(rfm);
}

/* Append ,"name":"2026-06-01T12:00:00+00:00" unless not known. */
static void
append_time(StringInfo out, const char *name, TimestampTz at)
{
	char		text[MAXDATELEN + 1];
	Datum		value = TimestampTzGetDatum(at);

	if (at == DT_NOBEGIN)
		return;
	JsonEncodeDateTime(text, value, TIMESTAMPTZOID, NULL);
	appendStringInfo(out, ",\"%s\":\"%s\"", name, text);
}

static char *
rfm_text(const CdpRfm *rfm)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"x\":");
	cdp_model_json_append(&out, rfm->x);
	appendStringInfoString(&out, ",\"t_x\":");
	cdp_model_json_append(&out, rfm->t_x);
	appendStringInfoString(&out, ",\"t\":");
	cdp_model_json_append(&out, rfm->t);
	appendStringInfoString(&out, ",\"m\":");
	cdp_model_json_append(&out, rfm->m);
	appendStringInfo(&out, ",\"unit\":\"%s\"",
					 cdp_model_unit_text(rfm->unit_us));
	append_time(&out, "first_at", rfm->first_at);
	append_time(&out, "last_at", rfm->last_at);
	if (rfm->refused > 0)
	{
		appendStringInfoString(&out, ",\"refused\":");
		cdp_model_json_append(&out, rfm->refused);
	}
	appendStringInfoChar(&out, '}');
	return out.data;
}

Datum
cdp__rfm_summary_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(rfm_text(PG_GETARG_RFM(0)));
}

/* The summary as jsonb. */
Datum
cdp__rfm_summary_to_jsonb(PG_FUNCTION_ARGS)
{
	char	   *text = rfm_text(PG_GETARG_RFM(0));

	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/* Binary input: a version byte, then the fields in order. */
Datum
cdp__rfm_summary_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	CdpRfm	   *rfm = palloc0(sizeof(CdpRfm));
	int			version = pq_getmsgbyte(buffer);
	CdpCustomer customer;
	const char *argument;

	rfm->x = pq_getmsgfloat8(buffer);
	rfm->t_x = pq_getmsgfloat8(buffer);
	rfm->t = pq_getmsgfloat8(buffer);
	rfm->m = pq_getmsgfloat8(buffer);
	rfm->unit_us = pq_getmsgint64(buffer);
	rfm->first_at = pq_getmsgint64(buffer);
	rfm->last_at = pq_getmsgint64(buffer);
	rfm->refused = pq_getmsgfloat8(buffer);
	customer = (CdpCustomer) {rfm->x, rfm->t_x, rfm->t};
	if (version != 0 || customer_fault(&customer, &argument) != NULL ||
		!isfinite(rfm->m) || rfm->unit_us <= 0 ||
		!isfinite(rfm->refused) || rfm->refused < 0 ||
		(rfm->first_at != DT_NOBEGIN && !IS_VALID_TIMESTAMP(rfm->first_at)) ||
		(rfm->last_at != DT_NOBEGIN && !IS_VALID_TIMESTAMP(rfm->last_at)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid external \"%s\" value", type_name)));
	PG_RETURN_POINTER(rfm);
}

Datum
cdp__rfm_summary_send(PG_FUNCTION_ARGS)
{
	CdpRfm	   *rfm = PG_GETARG_RFM(0);
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendbyte(&buffer, 0);
	pq_sendfloat8(&buffer, rfm->x);
	pq_sendfloat8(&buffer, rfm->t_x);
	pq_sendfloat8(&buffer, rfm->t);
	pq_sendfloat8(&buffer, rfm->m);
	pq_sendint64(&buffer, rfm->unit_us);
	pq_sendint64(&buffer, rfm->first_at);
	pq_sendint64(&buffer, rfm->last_at);
	pq_sendfloat8(&buffer, rfm->refused);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* cdp.make_rfm(x, t_x, t, m, unit) */
Datum
cdp_make_rfm(PG_FUNCTION_ARGS)
{
	CdpRfm	   *rfm = palloc0(sizeof(CdpRfm));
	CdpCustomer customer = {
		PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)
	};

	cdp_model_check_customer(&customer);
	rfm->x = customer.x;
	rfm->t_x = customer.t_x;
	rfm->t = customer.t;
	rfm->m = PG_GETARG_FLOAT8(3);
	cdp_model_check_amount(rfm->m);
	rfm->unit_us = cdp_model_check_unit(PG_GETARG_INTERVAL_P(4));
	rfm->first_at = rfm->last_at = DT_NOBEGIN;
	PG_RETURN_POINTER(rfm);
}

Datum
cdp_x(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(PG_GETARG_RFM(0)->x);
}

Datum
cdp_t_x(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(PG_GETARG_RFM(0)->t_x);
}

Datum
cdp_t(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(PG_GETARG_RFM(0)->t);
}

Datum
cdp_m(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(PG_GETARG_RFM(0)->m);
}

Datum
cdp_first_at(PG_FUNCTION_ARGS)
{
	if (PG_GETARG_RFM(0)->first_at == DT_NOBEGIN)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(PG_GETARG_RFM(0)->first_at);
}

Datum
cdp_last_at(PG_FUNCTION_ARGS)
{
	if (PG_GETARG_RFM(0)->last_at == DT_NOBEGIN)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(PG_GETARG_RFM(0)->last_at);
}
