-- Scores: by a version, or by points.

-- By the version in use.
CREATE FUNCTION cdp._score_by_version(model text, as_of timestamptz)
RETURNS TABLE (profile_id bigint, value double precision)
LANGUAGE sql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH in_use AS MATERIALIZED (
		SELECT made.logistic, defined.who,
			cdp._feature_expressions(made.features) AS features,
			cdp._feature_unknown(made.features) AS unknown
		FROM cdp.model AS described
		JOIN cdp.model_version AS made
			ON made.model = described.name AND made.version = described.version
		JOIN cdp.propensity AS defined ON defined.model = described.name
		WHERE described.name = $1
	)
	SELECT sample.profile_id, cdp.predict_logistic(in_use.logistic,
		cdp._feature_row(sample.said, in_use.unknown))
	FROM in_use
	CROSS JOIN LATERAL cdp._propensity_sample(NULL, in_use.who, in_use.features, $2) AS sample
$$;
COMMENT ON FUNCTION cdp._score_by_version(text, timestamptz) IS
'how likely is the label of all whom the model scores';

-- By the points of the rules that hold; without rules there is no score.
CREATE FUNCTION cdp._score_by_points(model text, as_of timestamptz)
RETURNS TABLE (profile_id bigint, value double precision)
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	predicates cdp.predicate[];
	points double precision[];
BEGIN
	SELECT array_agg(rule.predicate ORDER BY rule.rule_id),
		array_agg(rule.points ORDER BY rule.rule_id)
	INTO predicates, points
	FROM cdp.lead_rule AS rule
	WHERE rule.model = $1;
	IF predicates IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT sample.profile_id, (
		SELECT coalesce(sum(points[number]), 0)
		FROM unnest(asked.matched) AS number)
	FROM cdp.propensity AS defined
	CROSS JOIN LATERAL cdp._propensity_sample(NULL, defined.who, '{}', $2) AS sample
	JOIN cdp._evaluate_all(predicates, $2) AS asked
		ON asked.profile_id = sample.profile_id
	WHERE defined.model = $1;
END
$$;
COMMENT ON FUNCTION cdp._score_by_points(text, timestamptz) IS
'the points of all whom the model scores';

CREATE FUNCTION cdp._score_propensity(model text, as_of timestamptz)
RETURNS TABLE (profile_id bigint, score jsonb)
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	in_use integer := (SELECT described.version FROM cdp.model AS described
		WHERE described.name = $1);
BEGIN
	RETURN QUERY
	SELECT scored.profile_id, jsonb_strip_nulls(jsonb_build_object(
		'value', scored.value,
		'percentile', round((100 * percent_rank() OVER (ORDER BY scored.value))::numeric, 1),
		'version', in_use))
	FROM (
		SELECT * FROM cdp._score_by_version($1, $2) WHERE in_use IS NOT NULL
		UNION ALL
		SELECT * FROM cdp._score_by_points($1, $2) WHERE in_use IS NULL
	) AS scored;
END
$$;
COMMENT ON FUNCTION cdp._score_propensity(text, timestamptz) IS
'the scores of a model as of a time, as cdp.profile_score keeps them';

-- Scores of these models, which replace those that they gave before.
CREATE FUNCTION cdp._write_propensity(models text[], as_of timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH made AS MATERIALIZED (
		SELECT one.profile_id, jsonb_object_agg(name, one.score) AS scores
		FROM unnest($1) AS name
		CROSS JOIN LATERAL cdp._score_propensity(name, $2) AS one
		GROUP BY one.profile_id
	), written AS (
		INSERT INTO cdp.profile_score AS kept (profile_id, scores, as_of)
		SELECT made.profile_id, made.scores, $2
		FROM made
		ORDER BY made.profile_id
		ON CONFLICT (profile_id) DO UPDATE SET
			scores = kept.scores - $1 || excluded.scores,
			as_of = CASE WHEN kept.revenue IS NULL THEN $2 ELSE kept.as_of END
		RETURNING kept.profile_id
	), gone AS MATERIALIZED (
		SELECT kept.profile_id, kept.scores - $1 AS others,
			kept.revenue IS NULL AND kept.scores - $1 = '{}' AS is_empty
		FROM cdp.profile_score AS kept
		WHERE kept.scores ?| $1
			AND NOT EXISTS (SELECT FROM made WHERE made.profile_id = kept.profile_id)
	), taken AS (
		UPDATE cdp.profile_score AS kept SET scores = gone.others
		FROM gone
		WHERE gone.profile_id = kept.profile_id AND NOT gone.is_empty
	), removed AS (
		DELETE FROM cdp.profile_score AS kept
		USING gone
		WHERE gone.profile_id = kept.profile_id AND gone.is_empty
	)
	SELECT count(*) FROM written
$$;
COMMENT ON FUNCTION cdp._write_propensity(text[], timestamptz) IS
'score everybody whom these models score; returns how many';

-- A model that fails keeps its scores, and is tried again when it is due.
CREATE FUNCTION cdp._refresh_propensity(models text[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	at timestamptz := cdp._score_clock();
	working text[] := $1;
	scored bigint;
BEGIN
	BEGIN
		scored := cdp._write_propensity(working, at);
	EXCEPTION WHEN OTHERS THEN
		IF cdp._may_pass(SQLSTATE) THEN
			RAISE;
		END IF;
		working := cdp._models_that_score($1, at,
			'SELECT FROM cdp._score_propensity($1, $2)');
		scored := cdp._write_propensity(working, at);
	END;
	UPDATE cdp.propensity SET tried_at = clock_timestamp(), scored_at = CASE
		WHEN model = ANY (working) THEN at ELSE scored_at END
	WHERE model = ANY ($1);
	PERFORM cdp._note_scored(working);
	RETURN scored;
END
$$;
COMMENT ON FUNCTION cdp._refresh_propensity(text[]) IS
'score everybody whom these models score as of now; returns how many';

-- Due with the scores of the model room, and when a definition or rule changed.
CREATE FUNCTION cdp._propensity_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	due text[] := ARRAY(
		SELECT model FROM cdp.propensity
		WHERE tried_at IS NULL OR tried_at < (SELECT statement_at FROM cdp.score_run)
		ORDER BY model);
BEGIN
	IF cardinality(due) = 0 THEN
		RETURN 0;
	END IF;
	PERFORM cdp._fit_propensities(only_missing => true);
	RETURN cdp._refresh_propensity(due);
END
$$;
COMMENT ON FUNCTION cdp._propensity_step(integer) IS
'the propensity phase of a merge run: when due, learn models that have no version yet, and score everybody';

-- The score phase before it has taken all scores away.
CREATE FUNCTION cdp._propensity_rebuild(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._refresh_propensity(ARRAY(
		SELECT model FROM cdp.propensity ORDER BY model));
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._propensity_rebuild(integer) IS
'the propensity phase of a rebuild: make scores anew with the versions and rules in use';
