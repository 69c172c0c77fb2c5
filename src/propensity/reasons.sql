-- Why does a profile have its score?

-- "3", "0.4"
CREATE FUNCTION cdp._say_number(number double precision) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN trim_scale(round(number::numeric, 1))::text;

-- "count(order) is 3, usually 0.4"; "opened_mail: yes, usually of 12 %"
CREATE FUNCTION cdp._say_feature(feature jsonb, value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE $1 ->> 'type'
		WHEN 'boolean' THEN format('%s: %s, yes for %s %%', $1 ->> 'name',
			CASE $2 WHEN 'true' THEN 'yes' WHEN 'false' THEN 'no' ELSE 'unknown' END,
			coalesce(cdp._say_number(100 * ($1 ->> 'usual')::double precision), 'no'))
		ELSE format('%s is %s, usually %s', $1 ->> 'name',
			coalesce(cdp._say_number($2::double precision), 'unknown'),
			coalesce(cdp._say_number(($1 ->> 'usual')::double precision), 'unknown'))
	END
$$;
COMMENT ON FUNCTION cdp._say_feature(jsonb, jsonb) IS
'a feature of a profile in words';

-- Of an expression with two columns, its value and that it is unknown, both
-- count together.  LIMIT 1 tells the planner that it is about one profile: it
-- would make hash tables for as many as there are.
CREATE FUNCTION cdp._version_reasons(profile_id bigint, model text)
RETURNS TABLE (reason text, contribution double precision)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH made AS MATERIALIZED (
		SELECT version.logistic, version.features, sample.said,
			cdp._feature_row(sample.said, cdp._feature_unknown(version.features)) AS numbers
		FROM cdp.model AS described
		JOIN cdp.model_version AS version
			ON version.model = described.name AND version.version = described.version
		JOIN cdp.propensity AS defined ON defined.model = described.name
		CROSS JOIN LATERAL (
			SELECT asked.said
			FROM cdp._propensity_sample(NULL, defined.who,
				cdp._feature_expressions(version.features), defined.scored_at, NULL, $1) AS asked
			LIMIT 1
		) AS sample
		WHERE described.name = $2
	), part AS (
		SELECT (feature.value -> 'place')::integer AS place,
			made.features -> (feature.value -> 'place')::integer - 1 AS described,
			cdp._coefficient(made.logistic, feature.ord::integer)
				* (made.numbers[feature.ord] - (feature.value -> 'mean')::double precision)
				AS contribution,
			made.said
		FROM made
		CROSS JOIN LATERAL jsonb_array_elements(made.features)
			WITH ORDINALITY AS feature (value, ord)
	)
	SELECT cdp._say_feature(described, said[place]), sum(part.contribution)
	FROM part
	GROUP BY place, described, said
	HAVING abs(sum(part.contribution)) >= 0.005
	ORDER BY abs(sum(part.contribution)) DESC, place
	LIMIT 5
$$;
COMMENT ON FUNCTION cdp._version_reasons(bigint, text) IS
'what adds most to, or takes most from, the log odds that a labelled model gives a profile';

CREATE FUNCTION cdp._points_reasons(profile_id bigint, model text)
RETURNS TABLE (reason text, contribution double precision)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	SELECT coalesce(rule.description, rule.predicate::text), rule.points
	FROM (
		SELECT array_agg(kept.predicate ORDER BY kept.rule_id) AS predicates,
			array_agg(kept.rule_id ORDER BY kept.rule_id) AS ids
		FROM cdp.lead_rule AS kept
		WHERE kept.model = $2
		HAVING count(*) > 0
	) AS rules
	JOIN cdp.propensity AS defined ON defined.model = $2
	CROSS JOIN LATERAL cdp._evaluate_all(rules.predicates, defined.scored_at, ARRAY[$1]) AS asked
	CROSS JOIN LATERAL unnest(asked.matched) AS number
	JOIN cdp.lead_rule AS rule ON rule.rule_id = rules.ids[number]
	ORDER BY abs(rule.points) DESC, rule.rule_id
$$;
COMMENT ON FUNCTION cdp._points_reasons(bigint, text) IS
'the rules that hold for a profile, with their points';

-- "did(order, 90 days) within 90 days: 23 %; 87 % of those scored are less likely"
CREATE FUNCTION cdp._say_propensity(model text, score jsonb) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET IntervalStyle = 'postgres'
AS $$
	SELECT format(CASE WHEN $2 ->> 'version' IS NULL
			THEN '%3$s points for %1$s; %4$s %% of those scored have fewer'
			ELSE '%1$s, within %2$s: %3$s %%; %4$s %% of those scored are less likely' END,
		defined.label, defined.horizon,
		cdp._say_number(CASE WHEN $2 ->> 'version' IS NULL THEN 1 ELSE 100 END
			* ($2 -> 'value')::double precision),
		round(($2 -> 'percentile')::numeric))
	FROM cdp.propensity AS defined
	WHERE defined.model = $1
$$;
COMMENT ON FUNCTION cdp._say_propensity(text, jsonb) IS
'a score of a labelled model as a sentence';

CREATE FUNCTION cdp._score_reasons(profile_id bigint, model text)
RETURNS TABLE (reason text, contribution double precision)
LANGUAGE plpgsql STABLE ROWS 6
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := cdp.resolve($1);
	score jsonb := (SELECT scored.scores -> $2 FROM cdp.profile_score AS scored
		WHERE scored.profile_id = live);
	kind text := (SELECT described.kind FROM cdp.model AS described WHERE described.name = $2);
BEGIN
	IF score IS NULL THEN
		RETURN;
	END IF;
	IF kind = 'contract' THEN
		RETURN QUERY SELECT said.reason, NULL::double precision
		FROM cdp._contract_reasons(live, $2) AS said;
		RETURN;
	END IF;
	IF kind IS DISTINCT FROM 'propensity' THEN
		RETURN QUERY SELECT said.reason, NULL::double precision
		FROM cdp._count_reasons(live, $2) AS said;
		RETURN;
	END IF;
	RETURN QUERY SELECT cdp._say_propensity($2, score), NULL::double precision;
	IF score ->> 'version' IS NULL THEN
		RETURN QUERY SELECT * FROM cdp._points_reasons(live, $2);
	ELSE
		RETURN QUERY SELECT * FROM cdp._version_reasons(live, $2);
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._score_reasons(bigint, text) IS
'what the door cdp.score_reasons() does';
