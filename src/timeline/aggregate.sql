CREATE FUNCTION cdp._event_property(properties jsonb, name text) RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__event_property';
COMMENT ON FUNCTION cdp._event_property(jsonb, text) IS
'a property of an event of the log; a.b is the property of that name, or else b inside the object a';

CREATE FUNCTION cdp._timeline_agg_step(
	state internal,
	name_id integer,
	at timestamptz,
	amount numeric,
	properties jsonb)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__timeline_agg_step';

CREATE FUNCTION cdp._timeline_agg_store_step(
	state internal,
	name_id integer,
	source_id integer,
	at timestamptz,
	amount numeric,
	properties jsonb,
	names text[],
	slots integer[])
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__timeline_agg_store_step';

CREATE FUNCTION cdp._timeline_agg_combine(state internal, other internal)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__timeline_agg_combine';

CREATE FUNCTION cdp._timeline_agg_serialize(state internal) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__timeline_agg_serialize';

CREATE FUNCTION cdp._timeline_agg_deserialize(serialized bytea, other internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__timeline_agg_deserialize';

CREATE FUNCTION cdp._timeline_agg_final(state internal) RETURNS cdp.timeline
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__timeline_agg_final';

CREATE FUNCTION cdp._timeline_agg_chunks(state internal)
RETURNS cdp.timeline[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__timeline_agg_chunks';

CREATE AGGREGATE cdp.timeline_agg(
	name_id integer,
	at timestamptz,
	amount numeric,
	properties jsonb)
(
	SFUNC = cdp._timeline_agg_step,
	STYPE = internal,
	SSPACE = 4096,
	FINALFUNC = cdp._timeline_agg_final,
	COMBINEFUNC = cdp._timeline_agg_combine,
	SERIALFUNC = cdp._timeline_agg_serialize,
	DESERIALFUNC = cdp._timeline_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cdp.timeline_agg(integer, timestamptz, numeric, jsonb) IS
'pack events into a timeline; properties are values by slot, {"1": "p-7"}; rows without name or time are skipped';

CREATE AGGREGATE cdp._timeline_agg(
	name_id integer,
	source_id integer,
	at timestamptz,
	amount numeric,
	properties jsonb,
	names text[],
	slots integer[])
(
	SFUNC = cdp._timeline_agg_store_step,
	STYPE = internal,
	SSPACE = 4096,
	FINALFUNC = cdp._timeline_agg_chunks,
	COMBINEFUNC = cdp._timeline_agg_combine,
	SERIALFUNC = cdp._timeline_agg_serialize,
	DESERIALFUNC = cdp._timeline_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cdp._timeline_agg(integer, integer, timestamptz, numeric, jsonb, text[], integer[]) IS
'pack events of the log, with the properties declared for them, into chunks';
