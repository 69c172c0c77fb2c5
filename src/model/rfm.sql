-- Type cdp.rfm_summary: a customer's purchases in a few numbers.
CREATE TYPE cdp.rfm_summary;

CREATE FUNCTION cdp._rfm_summary_in(cstring) RETURNS cdp.rfm_summary
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_summary_in';
CREATE FUNCTION cdp._rfm_summary_out(cdp.rfm_summary) RETURNS cstring
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_summary_out';
CREATE FUNCTION cdp._rfm_summary_recv(internal) RETURNS cdp.rfm_summary
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_summary_recv';
CREATE FUNCTION cdp._rfm_summary_send(cdp.rfm_summary) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_summary_send';

CREATE TYPE cdp.rfm_summary (
	INPUT = cdp._rfm_summary_in,
	OUTPUT = cdp._rfm_summary_out,
	RECEIVE = cdp._rfm_summary_recv,
	SEND = cdp._rfm_summary_send,
	INTERNALLENGTH = 72,
	ALIGNMENT = double,
	STORAGE = plain
);
COMMENT ON TYPE cdp.rfm_summary IS
'a customer''s purchases: x repeat purchases, the last t_x and the as-of time t after the first, mean amount m of the repeat ones; made by cdp.rfm_agg';

CREATE FUNCTION cdp._rfm_summary_to_jsonb(cdp.rfm_summary) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_summary_to_jsonb';
CREATE CAST (cdp.rfm_summary AS jsonb)
	WITH FUNCTION cdp._rfm_summary_to_jsonb(cdp.rfm_summary);

CREATE FUNCTION cdp.make_rfm(
	x double precision,
	t_x double precision,
	t double precision,
	m double precision DEFAULT 0,
	unit interval DEFAULT '7 days')
RETURNS cdp.rfm_summary
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_make_rfm';
COMMENT ON FUNCTION cdp.make_rfm(double precision, double precision, double precision, double precision, interval) IS
'a summary from its numbers';

CREATE FUNCTION cdp.x(rfm cdp.rfm_summary) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_x';
COMMENT ON FUNCTION cdp.x(cdp.rfm_summary) IS
'repeat purchases: purchases after the first';

CREATE FUNCTION cdp.t_x(rfm cdp.rfm_summary) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_t_x';
COMMENT ON FUNCTION cdp.t_x(cdp.rfm_summary) IS
'time from the first to the last purchase, in units';

CREATE FUNCTION cdp.t(rfm cdp.rfm_summary) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_t';
COMMENT ON FUNCTION cdp.t(cdp.rfm_summary) IS
'time from the first purchase to the as-of time, in units';

CREATE FUNCTION cdp.m(rfm cdp.rfm_summary) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_m';
COMMENT ON FUNCTION cdp.m(cdp.rfm_summary) IS
'mean amount of the repeat purchases; 0 if there are none';

CREATE FUNCTION cdp.first_at(rfm cdp.rfm_summary) RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_first_at';
COMMENT ON FUNCTION cdp.first_at(cdp.rfm_summary) IS
'the time of the first purchase';

CREATE FUNCTION cdp.last_at(rfm cdp.rfm_summary) RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_last_at';
COMMENT ON FUNCTION cdp.last_at(cdp.rfm_summary) IS
'the time of the last purchase';

-- The aggregate.  Aggregates take no defaults, so each tail has an overload.
CREATE FUNCTION cdp._rfm_agg_step(internal, timestamptz, numeric, timestamptz)
RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_agg_step';
CREATE FUNCTION cdp._rfm_agg_step(internal, timestamptz, numeric, timestamptz, interval)
RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_agg_step';
CREATE FUNCTION cdp._rfm_agg_step(internal, timestamptz, numeric, timestamptz, interval, text)
RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_agg_step';
CREATE FUNCTION cdp._rfm_agg_step(internal, timestamptz, numeric, timestamptz, interval, text, text)
RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_agg_step';
CREATE FUNCTION cdp._rfm_agg_combine(internal, internal) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_agg_combine';
CREATE FUNCTION cdp._rfm_agg_serial(internal) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_agg_serial';
CREATE FUNCTION cdp._rfm_agg_deserial(bytea, internal) RETURNS internal
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_agg_deserial';
CREATE FUNCTION cdp._rfm_agg_final(internal) RETURNS cdp.rfm_summary
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__rfm_agg_final';

CREATE AGGREGATE cdp.rfm_agg(at timestamptz, amount numeric, as_of timestamptz) (
	SFUNC = cdp._rfm_agg_step, STYPE = internal, SSPACE = 512,
	FINALFUNC = cdp._rfm_agg_final, COMBINEFUNC = cdp._rfm_agg_combine,
	SERIALFUNC = cdp._rfm_agg_serial, DESERIALFUNC = cdp._rfm_agg_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.rfm_agg(timestamptz, numeric, timestamptz) IS
'summary of the purchases before as_of, in weeks; purchases of one day count once';
CREATE AGGREGATE cdp.rfm_agg(at timestamptz, amount numeric, as_of timestamptz, unit interval) (
	SFUNC = cdp._rfm_agg_step, STYPE = internal, SSPACE = 512,
	FINALFUNC = cdp._rfm_agg_final, COMBINEFUNC = cdp._rfm_agg_combine,
	SERIALFUNC = cdp._rfm_agg_serial, DESERIALFUNC = cdp._rfm_agg_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.rfm_agg(timestamptz, numeric, timestamptz, interval) IS
'summary of the purchases before as_of, times in this unit';
CREATE AGGREGATE cdp.rfm_agg(at timestamptz, amount numeric, as_of timestamptz, unit interval, grain text) (
	SFUNC = cdp._rfm_agg_step, STYPE = internal, SSPACE = 512,
	FINALFUNC = cdp._rfm_agg_final, COMBINEFUNC = cdp._rfm_agg_combine,
	SERIALFUNC = cdp._rfm_agg_serial, DESERIALFUNC = cdp._rfm_agg_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.rfm_agg(timestamptz, numeric, timestamptz, interval, text) IS
'summary of the purchases before as_of; grain: instant, hour, day, week or month, within which purchases count once';
CREATE AGGREGATE cdp.rfm_agg(at timestamptz, amount numeric, as_of timestamptz, unit interval, grain text, time_zone text) (
	SFUNC = cdp._rfm_agg_step, STYPE = internal, SSPACE = 512,
	FINALFUNC = cdp._rfm_agg_final, COMBINEFUNC = cdp._rfm_agg_combine,
	SERIALFUNC = cdp._rfm_agg_serial, DESERIALFUNC = cdp._rfm_agg_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.rfm_agg(timestamptz, numeric, timestamptz, interval, text, text) IS
'summary of the purchases before as_of; grains begin at midnight of this time zone rather than the session''s';
