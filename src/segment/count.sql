-- How many profiles match: counted as they are evaluated, without a row a
-- profile, which would be a quarter of the whole work.
CREATE FUNCTION cdp._count_matched_step(counts bigint[], matched integer[], predicates integer)
RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__count_matched_step';

CREATE FUNCTION cdp._count_matched_combine(counts bigint[], other bigint[])
RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__count_matched_combine';

CREATE AGGREGATE cdp._count_matched(matched integer[], predicates integer)
(
	SFUNC = cdp._count_matched_step,
	STYPE = bigint[],
	COMBINEFUNC = cdp._count_matched_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cdp._count_matched(integer[], integer) IS
'how often each of so many predicates is among the numbers in matched; NULL if there are no rows';

-- In parallel: PL/pgSQL runs RETURN with workers, an assignment without.
CREATE FUNCTION cdp._count_all(
	predicates cdp.predicate[],
	as_of timestamptz DEFAULT NULL)
RETURNS bigint[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
	at timestamptz := coalesce($2, cdp.clock());
	asks_facts boolean := cdp._asks_facts($1, context);
	asks_suppressed boolean := cdp._asks_suppressed($1, context);
	none bigint[] := array_fill(0::bigint, ARRAY[cardinality($1)]);
BEGIN
	IF cdp._has_undeclared($1, context) OR cdp._is_about_few($1, NULL) THEN
		RETURN coalesce((
			SELECT cdp._count_matched(matched, cardinality($1))
			FROM cdp._evaluate_all($1, at)), none);
	END IF;
	RETURN coalesce((
		SELECT cdp._count_matched(matched, cardinality($1))
		FROM cdp._evaluate_scan($1, context, at, NULL, asks_facts, asks_suppressed)), none);
END
$$;
COMMENT ON FUNCTION cdp._count_all(cdp.predicate[], timestamptz) IS
'of how many live profiles each of these predicates is true at an instant';
