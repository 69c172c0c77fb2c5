-- From expressions to the rows that a model learns from.

CREATE FUNCTION cdp._feature_row(said jsonb[], unknown integer[])
RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__feature_row';
COMMENT ON FUNCTION cdp._feature_row(jsonb[], integer[]) IS
'values of expressions as numbers, then whether those that unknown lists are unknown';

CREATE FUNCTION cdp._feature_sum(state double precision[], features double precision[])
RETURNS double precision[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__feature_sum';
CREATE FUNCTION cdp._feature_mean(state double precision[])
RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__feature_mean';
CREATE AGGREGATE cdp._feature_means(features double precision[]) (
	SFUNC = cdp._feature_sum, STYPE = double precision[],
	FINALFUNC = cdp._feature_mean);
COMMENT ON AGGREGATE cdp._feature_means(double precision[]) IS
'the mean of each number of the rows';

-- What a shop's customers do before they buy; for stores without computed
-- traits to learn from.
CREATE FUNCTION cdp._standard_features() RETURNS cdp.predicate[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['days_since(any)', 'active_days(any, 30 days)', 'count(any, 7 days)',
	'count(page_view, 30 days)', 'count(product_view, 30 days)', 'count(search, 30 days)',
	'count(cart_add, 30 days)', 'count(checkout, 30 days)', 'count(email_click, 30 days)',
	'count(order)', 'count(order, 90 days)', 'days_since(order)', 'sum(order.amount, 365 days)'
	]::cdp.predicate[];
COMMENT ON FUNCTION cdp._standard_features() IS
'features about standard events';

-- Each may take two columns of the 254 that cdp.fit_logistic() allows.
CREATE FUNCTION cdp._max_features() RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 127;

-- NULL: it is about events that timelines hold, and says all of itself; else
-- why it is not.
CREATE FUNCTION cdp._why_no_feature(expression cdp.predicate, context jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN cdp._asks_facts(ARRAY[$1], $2) THEN 'facts'
		WHEN cdp._has_undeclared(ARRAY[$1], $2) THEN 'undeclared'
		WHEN EXISTS (
			SELECT message
			FROM cdp._predicate_check($1, $2 || '{"segments": {}, "computed": {}}')
			EXCEPT ALL
			SELECT message FROM cdp._predicate_check($1, $2)) THEN 'names'
	END
$$;
COMMENT ON FUNCTION cdp._why_no_feature(cdp.predicate, jsonb) IS
'NULL if what this asks was known at any instant of the past, and stays what it is: facts, undeclared, names';

CREATE FUNCTION cdp._default_features() RETURNS cdp.predicate[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((array_agg(trait.expression ORDER BY trait.name))[:cdp._max_features()],
		cdp._standard_features())
	FROM cdp.computed_trait AS trait, cdp._evaluation_context() AS context
	WHERE trait.type IN ('number', 'boolean')
		AND cdp._why_no_feature(trait.expression, context) IS NULL
$$;
COMMENT ON FUNCTION cdp._default_features() IS
'the first computed traits that are numbers or booleans about events; without any, features about standard events';

-- The profiles with an event before the cut of which who was true then; what
-- their features were, and whether the label came true by until.
CREATE FUNCTION cdp._propensity_sample(
	label cdp.predicate,
	who cdp.predicate,
	features cdp.predicate[],
	cut timestamptz,
	until timestamptz DEFAULT NULL,
	only_profile bigint DEFAULT NULL)
RETURNS TABLE (profile_id bigint, happened boolean, said jsonb[])
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	context jsonb := cdp._evaluation_context();
BEGIN
	RETURN QUERY
	SELECT first.profile_id,
		CASE WHEN $5 IS NOT NULL THEN cardinality(cdp._evaluate(ARRAY[$1], context,
			$5, first.profile_id, cdp.timeline_between(first.data, $4, $5),
			CASE WHEN later.timelines IS NOT NULL THEN ARRAY(
				SELECT cdp.timeline_between(chunk, $4, $5)
				FROM unnest(later.timelines) AS chunk)
			END)) > 0
		END,
		cdp._evaluate_values($3, context, $4, first.profile_id, first.data,
			later.timelines)
	FROM cdp.timeline_chunk AS first
	LEFT JOIN (
		SELECT timeline_chunk.profile_id,
			array_agg(timeline_chunk.data ORDER BY timeline_chunk.chunk) AS timelines
		FROM cdp.timeline_chunk
		WHERE timeline_chunk.chunk > 1
			AND ($6 IS NULL OR timeline_chunk.profile_id = $6)
		GROUP BY timeline_chunk.profile_id
	) AS later ON later.profile_id = first.profile_id
	WHERE first.chunk = 1
		AND first.profile_id NOT IN (SELECT restricted.profile_id FROM cdp._restricted_profile AS restricted)
		AND ($6 IS NULL OR first.profile_id = $6)
		AND cdp.timeline_first(first.data) < $4
		AND cardinality(cdp._evaluate(ARRAY[$2], context, $4, first.profile_id,
			first.data, later.timelines)) > 0;
END
$$;
COMMENT ON FUNCTION cdp._propensity_sample IS
'of whom a model may learn, or whom it may score: features as of the cut, and whether the label came true until then';

CREATE FUNCTION cdp._coefficient(logistic cdp.clv_model, "position" integer)
RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cdp.model_param(logistic, concat('x', "position"));
COMMENT ON FUNCTION cdp._coefficient(cdp.clv_model, integer) IS
'the coefficient of a feature';
