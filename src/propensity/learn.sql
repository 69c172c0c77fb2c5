-- A version of a labelled model: fitted, measured, kept.

-- One look at the past, from one cut.  Unknown values are a column of their
-- own where there are any.  Without enough labels, or enough of those who did
-- not, nothing is fitted.  Means add up in one order, whatever the plan.
CREATE FUNCTION cdp._learn(
	model text,
	features cdp.predicate[],
	cut timestamptz,
	until timestamptz,
	min_labels bigint,
	OUT logistic cdp.clv_model,
	OUT means double precision[],
	OUT unknown integer[],
	OUT customers bigint,
	OUT labels bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH sample AS MATERIALIZED (
		SELECT sample.profile_id, sample.happened, sample.said, defined.l2
		FROM cdp.propensity AS defined
		CROSS JOIN LATERAL cdp._propensity_sample(defined.label, defined.who, $2, $3, $4)
			AS sample
		WHERE defined.model = $1
	), total AS MATERIALIZED (
		SELECT count(*) AS customers,
			count(*) FILTER (WHERE happened) AS labels,
			cdp._feature_means(cdp._feature_row(said,
				ARRAY(SELECT generate_subscripts($2, 1))) ORDER BY profile_id) AS means
		FROM sample
	), shape AS MATERIALIZED (
		SELECT total.*, ARRAY(
			SELECT place
			FROM generate_subscripts($2, 1) AS place
			WHERE means[cardinality($2) + place] > 0) AS unknown
		FROM total
	)
	SELECT fitted.logistic,
		shape.means[:cardinality($2)] || ARRAY(
			SELECT shape.means[cardinality($2) + place] FROM unnest(shape.unknown) AS place),
		shape.unknown, shape.customers, shape.labels
	FROM shape
	LEFT JOIN LATERAL (
		SELECT cdp.fit_logistic(sample.happened,
			cdp._feature_row(sample.said, shape.unknown), sample.l2) AS logistic
		FROM sample
		WHERE least(shape.labels, shape.customers - shape.labels) >= $5
	) AS fitted ON true
$$;
COMMENT ON FUNCTION cdp._learn IS
'fit what was known before the cut to what happened from it until then';

-- A usual value in words a person would use: the share of yes, or the mean of
-- sign(x) ln(1 + |x|) taken back.
CREATE FUNCTION cdp._usual_value(is_share boolean, mean double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN is_share THEN mean
	ELSE sign(mean) * (exp(least(abs(mean), 700)) - 1) END;

-- What each coefficient is of; names of computed traits, or the expressions.
CREATE FUNCTION cdp._describe_features(
	features cdp.predicate[],
	unknown integer[],
	means double precision[])
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH described AS (
		SELECT column_of.place, column_of.ord, column_of.ord > cardinality($1) AS is_unknown,
			bound.type, $3[column_of.ord] AS mean,
			1 - coalesce($3[cardinality($1) + array_position($2, column_of.place)], 0) AS known
		FROM unnest(ARRAY(SELECT generate_subscripts($1, 1)) || $2)
			WITH ORDINALITY AS column_of (place, ord)
		CROSS JOIN LATERAL cdp._expression_bind($1[column_of.place],
			cdp._evaluation_context()) AS bound
	)
	SELECT coalesce(jsonb_agg(jsonb_build_object(
			'name', coalesce((
				SELECT min(trait.name::text)
				FROM cdp.computed_trait AS trait
				WHERE trait.expression OPERATOR(cdp.=) $1[described.place]),
				$1[described.place]::text),
			'expression', $1[described.place]::text,
			'type', described.type,
			'place', described.place,
			'unknown', is_unknown,
			'mean', mean,
			'usual', CASE WHEN is_unknown THEN mean
				ELSE cdp._usual_value(described.type = 'boolean', mean / nullif(known, 0)) END)
		ORDER BY described.ord), '[]')
	FROM described
$$;
COMMENT ON FUNCTION cdp._describe_features(cdp.predicate[], integer[], double precision[]) IS
'the features of a version, as cdp.model_version lists them';

-- The parts of such a list that scoring needs.
CREATE FUNCTION cdp._feature_expressions(features jsonb) RETURNS cdp.predicate[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg((one.value ->> 'expression')::cdp.predicate ORDER BY one.ord), '{}')
	FROM jsonb_array_elements($1) WITH ORDINALITY AS one (value, ord)
	WHERE NOT (one.value -> 'unknown')::boolean
$$;
COMMENT ON FUNCTION cdp._feature_expressions(jsonb) IS
'the expressions of a version''s features, in their order';

CREATE FUNCTION cdp._feature_unknown(features jsonb) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg((one.value -> 'place')::integer ORDER BY one.ord), '{}')
	FROM jsonb_array_elements($1) WITH ORDINALITY AS one (value, ord)
	WHERE (one.value -> 'unknown')::boolean
$$;
COMMENT ON FUNCTION cdp._feature_unknown(jsonb) IS
'the numbers of the expressions whose being unknown is a feature of a version';

-- Learn once more, a horizon earlier, and compare what that says of the last
-- horizon with what happened in it.
CREATE FUNCTION cdp._measure_propensity(
	model text,
	version integer,
	features cdp.predicate[],
	as_of timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $$
DECLARE
	defined cdp.propensity;
	cut timestamptz;
	early record;
BEGIN
	SELECT * INTO STRICT defined FROM cdp.propensity WHERE propensity.model = $1;
	cut := $4 - defined.horizon;
	early := cdp._learn($1, $3, cut - defined.horizon, cut, 10);
	IF coalesce(cdp.model_status(early.logistic), '') NOT IN ('converged', 'boundary') THEN
		RETURN;
	END IF;
	PERFORM cdp._keep_quality($1, $2, 'propensity', cut, $4,
		array_agg(cdp.predict_logistic(early.logistic,
			cdp._feature_row(held.said, early.unknown))),
		array_agg(held.happened::integer::double precision))
	FROM cdp._propensity_sample(defined.label, defined.who, $3, cut, $4) AS held;
END
$$;
COMMENT ON FUNCTION cdp._measure_propensity(text, integer, cdp.predicate[], timestamptz) IS
'write the holdout figures and verdict of a version; nothing when too little is known of the horizon before';

CREATE FUNCTION cdp._keep_version(
	model text,
	features cdp.predicate[],
	learnt record,
	as_of timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	next_version integer := (SELECT coalesce(max(made.version), 0) + 1
		FROM cdp.model_version AS made WHERE made.model = $1);
	fit_status text := cdp.model_status(learnt.logistic);
BEGIN
	INSERT INTO cdp.model_version (model, version, as_of, status, customers, labels,
		logistic, features)
	VALUES ($1, next_version, $4, fit_status, learnt.customers, learnt.labels,
		learnt.logistic, cdp._describe_features($2, learnt.unknown, learnt.means));
	UPDATE cdp.model SET version = next_version, status = fit_status, detail = NULL
	WHERE name = $1;
	PERFORM cdp._measure_propensity($1, next_version, $2, $4);
END
$$;

-- A fit that is not usable leaves the version in use.
CREATE FUNCTION cdp._fit_propensity(model text, as_of timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET IntervalStyle = 'postgres'
AS $$
DECLARE
	defined cdp.propensity;
	features cdp.predicate[];
	learnt record;
BEGIN
	SELECT * INTO STRICT defined FROM cdp.propensity WHERE propensity.model = $1;
	features := coalesce(defined.features, cdp._default_features());
	learnt := cdp._learn($1, features, $2 - defined.horizon, $2, defined.min_labels);
	IF cdp.model_status(learnt.logistic) IN ('converged', 'boundary') THEN
		PERFORM cdp._keep_version($1, features, learnt, $2);
		RETURN true;
	END IF;
	UPDATE cdp.model SET status = CASE WHEN version IS NULL THEN 'waiting' ELSE status END,
		detail = format('%s of %s customers did it within %s; it takes %s, and as many who did not, to learn%s',
			learnt.labels, learnt.customers, defined.horizon, defined.min_labels,
			CASE WHEN version IS NULL THEN '; until then it scores by points'
				ELSE '; the version in use stays' END)
	WHERE name = $1;
	RETURN false;
END
$$;
COMMENT ON FUNCTION cdp._fit_propensity(text, timestamptz) IS
'learn from the last horizon and keep it as a new version; false when there are too few labels';

-- One model that fails does not keep the others from learning.
CREATE FUNCTION cdp._fit_propensities(only_missing boolean DEFAULT false)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text;
	fitted bigint := 0;
BEGIN
	FOR name IN
		SELECT described.name
		FROM cdp.model AS described
		WHERE described.kind = 'propensity' AND (described.version IS NULL OR NOT $1)
		ORDER BY described.name
	LOOP
		BEGIN
			fitted := fitted + cdp._fit_propensity(name, cdp.clock())::integer;
		EXCEPTION WHEN OTHERS THEN
			IF cdp._may_pass(SQLSTATE) THEN
				RAISE;
			END IF;
			PERFORM cdp._note_failure(name, 'learn', SQLERRM);
		END;
	END LOOP;
	RETURN fitted;
END
$$;
COMMENT ON FUNCTION cdp._fit_propensities(boolean) IS
'learn all labelled models, or those without a version; returns how many got one';

CREATE FUNCTION cdp._learn_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._fit_propensities();
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._learn_step(integer) IS
'the learn phase of cdp.fit_models(): all labelled models in one batch';
