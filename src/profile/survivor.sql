CREATE FUNCTION cdp._survivor_step(
	state internal,
	value jsonb,
	observed_at timestamptz,
	priority integer,
	rule text)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__survivor_step';

CREATE FUNCTION cdp._survivor_step(
	state internal,
	value jsonb,
	observed_at timestamptz,
	priority integer,
	rule text,
	source text,
	set_id bigint)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__survivor_step';

CREATE FUNCTION cdp._survivor_combine(state internal, other internal)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__survivor_combine';

CREATE FUNCTION cdp._survivor_serialize(state internal) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__survivor_serialize';

CREATE FUNCTION cdp._survivor_deserialize(serialized bytea, other internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__survivor_deserialize';

CREATE FUNCTION cdp._survivor_value(state internal) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__survivor_value';

CREATE FUNCTION cdp._survivor_lineage(state internal) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__survivor_lineage';

CREATE AGGREGATE cdp.survivor(
	value jsonb,
	observed_at timestamptz,
	priority integer,
	rule text)
(
	SFUNC = cdp._survivor_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = cdp._survivor_value,
	COMBINEFUNC = cdp._survivor_combine,
	SERIALFUNC = cdp._survivor_serialize,
	DESERIALFUNC = cdp._survivor_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cdp.survivor(jsonb, timestamptz, integer, text) IS
'the value that survives among observations: latest, earliest, source_priority, most_frequent, longest, min, max, sum, union, each also as non_empty_...; the same whatever the order of rows';

CREATE AGGREGATE cdp._survivor(
	value jsonb,
	observed_at timestamptz,
	priority integer,
	rule text,
	source text,
	set_id bigint)
(
	SFUNC = cdp._survivor_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = cdp._survivor_lineage,
	COMBINEFUNC = cdp._survivor_combine,
	SERIALFUNC = cdp._survivor_serialize,
	DESERIALFUNC = cdp._survivor_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cdp._survivor(jsonb, timestamptz, integer, text, text, bigint) IS
'the surviving value with its lineage: {"value", "source", "set_id", "at", "rule"}';

CREATE FUNCTION cdp._iso_date(value text) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__iso_date';
COMMENT ON FUNCTION cdp._iso_date(text) IS
'the date that a text begins with, YYYY-MM-DD; NULL if it is none';

CREATE FUNCTION cdp._trait_text(traits jsonb, name text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__trait_text';
COMMENT ON FUNCTION cdp._trait_text(jsonb, text) IS
'a trait that is a JSON string, number or boolean as text; NULL for arrays, objects and null';
