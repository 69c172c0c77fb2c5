-- Who is like my best customers?
--
-- Those who look like the members of a segment, the seeds, by a ridge logistic
-- regression of seeds against the rest.  What it looks at are rows of
-- cdp.lookalike_feature: numbers and booleans, as in the propensity room
-- (sign(x) ln(1 + |x|), and a column more where some are unknown), and texts, of
-- which each of the twenty most frequent values is a column.  None may be about
-- a trait that is personal or special (cdp.trait.pii), or that nobody has declared
-- to be neither, since who resembles whom by these is not for advertisers to know,
-- nor about segments, since the seeds' own would tell all.
--
-- Only profiles that granted the purpose and channel take part, as seeds, as the
-- rest, and in what comes out; nobody whose channel is suppressed comes out.
--
-- How good is it?  A fifth of all, by cdp.bucket(), is held out of a first fit:
-- its AUC, and how many of the held-out seeds are among the best so many per
-- cent (the reach curve), are told.  The scores are of a second fit, to all.

CREATE FUNCTION cdp._check_lookalike_feature(expression cdp.predicate) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
	secret text[] := ARRAY(SELECT name::text FROM cdp.trait WHERE pii <> 'none' OR NOT strict);
	bound record := cdp._expression_bind($1, context);
	why text;
BEGIN
	SELECT reason INTO why
	FROM (VALUES
		(1, 'traits', 'It is about a trait that is personal or special, or that nobody has declared (cdp.trait.pii).'),
		(2, 'segments', 'It is about a segment, and the seeds'' own would tell all.')
	) AS rule (position, part, reason)
	WHERE EXISTS (
		SELECT message
		FROM cdp._predicate_check(bound.expression, context || jsonb_build_object(rule.part,
			CASE rule.part WHEN 'traits' THEN coalesce(nullif(context -> 'traits', 'null'), '{}') - secret
				ELSE '{}' END)) AS checked
		EXCEPT ALL
		SELECT message FROM cdp._predicate_check(bound.expression, context))
	ORDER BY rule.position
	LIMIT 1;
	IF why IS NULL AND bound.type NOT IN ('number', 'boolean', 'text') THEN
		why := 'It is neither a number nor a boolean nor a text.';
	END IF;
	IF why IS NOT NULL THEN
		RAISE EXCEPTION '"%" cannot be a feature of lookalikes', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = why;
	END IF;
	RETURN bound.type;
END
$$;
COMMENT ON FUNCTION cdp._check_lookalike_feature(cdp.predicate) IS
'the type of an expression that lookalikes may look at; raises if they may not';

CREATE FUNCTION cdp._check_lookalike_row() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bound record := cdp._expression_bind(NEW.expression, cdp._evaluation_context());
BEGIN
	PERFORM cdp._check_lookalike_feature(NEW.expression);
	NEW.expression := bound.expression;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_lookalike_row() IS
'trigger: raise unless lookalikes may look at that';

-- Those who take part, and what the expressions are worth for them.
CREATE FUNCTION cdp._lookalike_sample(
	segment_id integer,
	expressions cdp.predicate[],
	purpose text,
	channel text,
	as_of timestamptz)
RETURNS TABLE (profile_id bigint, is_seed boolean, said jsonb[])
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	context jsonb := cdp._evaluation_context();
	seeds cdp.profile_bitmap := coalesce(cdp._current_members($1), '{}');
BEGIN
	RETURN QUERY
	SELECT current.profile_id, cdp.bitmap_contains(seeds, current.ord),
		cdp._evaluate_values($2, context, $5, current.profile_id, first.data,
			later.timelines, cdp._facts(current, score, NULL))
	FROM cdp.profile_current AS current
	JOIN cdp.consent_state AS held ON held.profile_id = current.profile_id
		AND held.purpose = $3 AND held.channel = $4 AND held.state = 'granted'
		AND (held.expires_at IS NULL OR held.expires_at > $5)
	LEFT JOIN cdp.timeline_chunk AS first
		ON first.profile_id = current.profile_id AND first.chunk = 1
	LEFT JOIN (
		SELECT timeline_chunk.profile_id,
			array_agg(timeline_chunk.data ORDER BY timeline_chunk.chunk) AS timelines
		FROM cdp.timeline_chunk
		WHERE timeline_chunk.chunk > 1
		GROUP BY timeline_chunk.profile_id
	) AS later ON later.profile_id = current.profile_id
	LEFT JOIN cdp.profile_score AS score ON score.profile_id = current.profile_id
	WHERE current.kind <> 'third_party';
END
$$;
COMMENT ON FUNCTION cdp._lookalike_sample IS
'profiles that granted the purpose and channel: are they seeds, and what are the features worth for them';

-- A value as the number of a column: of a category, whether it is that one; of
-- an unknown one, 0; the category "" is that it is unknown.
CREATE FUNCTION cdp._lookalike_number(value jsonb, type text, category text)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN type = 'text' THEN (coalesce(value #>> '{}', '') = category)::integer
	WHEN category = '' THEN (value IS NULL OR value = 'null')::integer
	WHEN value IS NULL OR value = 'null' THEN 0
	WHEN type = 'boolean' THEN (value = 'true')::integer
	ELSE sign((value #>> '{}')::double precision)
		* ln(1 + abs((value #>> '{}')::double precision)) END;
COMMENT ON FUNCTION cdp._lookalike_number(jsonb, text, text) IS
'what a column of lookalikes makes of the value of its feature';

CREATE FUNCTION cdp._check_seeds(segment text, seeds bigint, rest bigint, members bigint)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $2 < 100 THEN
		RAISE EXCEPTION 'too few seeds in segment "%": %', $1, $2
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = format('Of its %s members %s granted the purpose and channel; it takes 100 to tell what they have in common.', $4, $2);
	END IF;
	IF $3 < 100 THEN
		RAISE EXCEPTION 'too few profiles besides segment "%": %', $1, $3
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'It takes 100 others who granted the purpose and channel to tell what sets the seeds apart.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_seeds(text, bigint, bigint, bigint) IS
'raise unless there are enough to learn from';

-- All in one statement, so that the sample is taken once.
CREATE FUNCTION cdp._lookalike_learn(
	segment_id integer,
	expressions cdp.predicate[],
	types text[],
	purpose text,
	channel text,
	n integer,
	as_of timestamptz,
	OUT seeds bigint,
	OUT rest bigint,
	OUT auc double precision,
	OUT factors jsonb,
	OUT reach jsonb,
	OUT found jsonb)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH sample AS MATERIALIZED (
		SELECT asked.profile_id, asked.is_seed, asked.said,
			cdp.bucket('lookalike', asked.profile_id::text, 5) = 0 AS held_out
		FROM cdp._lookalike_sample($1, $2, $4, $5, $7) AS asked
	), category AS (
		SELECT feature.place, value.name, count(*) AS profiles,
			row_number() OVER (PARTITION BY feature.place
				ORDER BY count(*) DESC, value.name COLLATE "C") AS rank
		FROM sample
		CROSS JOIN unnest($3) WITH ORDINALITY AS feature (type, place)
		CROSS JOIN LATERAL (SELECT sample.said[feature.place] #>> '{}' AS name) AS value
		WHERE feature.type = 'text' AND value.name <> ''
		GROUP BY feature.place, value.name
	), part AS MATERIALIZED (
		SELECT row_number() OVER (ORDER BY made.place, made.category COLLATE "C" NULLS FIRST) AS ord,
			made.place, made.type, made.category
		FROM (
			SELECT feature.place, feature.type, NULL AS category
			FROM unnest($3) WITH ORDINALITY AS feature (type, place)
			WHERE feature.type <> 'text'
			UNION ALL
			SELECT feature.place, feature.type, ''
			FROM unnest($3) WITH ORDINALITY AS feature (type, place)
			WHERE feature.type <> 'text' AND EXISTS (
				SELECT FROM sample
				WHERE coalesce(sample.said[feature.place], 'null') = 'null')
			UNION ALL
			SELECT category.place, 'text', category.name FROM category WHERE category.rank <= 20
		) AS made
	), design AS MATERIALIZED (
		SELECT sample.profile_id, sample.is_seed, sample.held_out, ARRAY(
			SELECT cdp._lookalike_number(sample.said[part.place], part.type, part.category)
			FROM part
			ORDER BY part.ord) AS features
		FROM sample
	), total AS MATERIALIZED (
		SELECT count(*) FILTER (WHERE is_seed) AS seeds,
			count(*) FILTER (WHERE NOT is_seed) AS rest
		FROM design
	), early AS MATERIALIZED (
		SELECT cdp.fit_logistic(is_seed, features, 1.0 ORDER BY profile_id) AS model
		FROM design
		WHERE NOT held_out AND (SELECT least(seeds, rest) >= 100 FROM total)
		HAVING count(*) > 0
	), late AS MATERIALIZED (
		SELECT cdp.fit_logistic(is_seed, features, 1.0 ORDER BY profile_id) AS model
		FROM design
		WHERE (SELECT least(seeds, rest) >= 100 FROM total)
		HAVING count(*) > 0
	), judged AS MATERIALIZED (
		SELECT design.is_seed, cdp.predict_logistic(early.model, design.features) AS score
		FROM design CROSS JOIN early
		WHERE design.held_out
	), ranked AS MATERIALIZED (
		SELECT design.profile_id, cdp.predict_logistic(late.model, design.features) AS score,
			row_number() OVER (ORDER BY cdp.predict_logistic(late.model, design.features) DESC,
				design.profile_id) AS place
		FROM design CROSS JOIN late
		WHERE NOT design.is_seed
			AND NOT EXISTS (
				SELECT FROM cdp._suppressed AS held
				WHERE held.profile_id = design.profile_id AND held.channels ? $5)
			AND cdp._verifies_key((SELECT key FROM cdp.secret_key),
				(SELECT check_value FROM cdp.secret_key))
	)
	SELECT total.seeds, total.rest,
		(SELECT cdp.auc(score, is_seed) FROM judged),
		(SELECT jsonb_agg(jsonb_build_object('name', weighed.name, 'weight', weighed.weight,
				'seeds', weighed.of_seeds, 'others', weighed.of_others)
				ORDER BY abs(weighed.weight) DESC, weighed.ord)
			FROM (
				SELECT part.ord, CASE WHEN part.type = 'text' THEN format('%s = %s', $2[part.place], quote_literal(part.category))
						WHEN part.category = '' THEN format('%s is null', $2[part.place])
						ELSE $2[part.place]::text END AS name,
					cdp._coefficient((SELECT model FROM late), part.ord::integer)
						* stddev_pop(design.features[part.ord]) AS weight,
					avg(design.features[part.ord]) FILTER (WHERE design.is_seed) AS of_seeds,
					avg(design.features[part.ord]) FILTER (WHERE NOT design.is_seed) AS of_others
				FROM part CROSS JOIN design
				GROUP BY part.ord, part.place, part.type, part.category
			) AS weighed
			WHERE weighed.weight <> 0),
		(SELECT jsonb_agg(jsonb_build_object('fraction', step.fraction,
				'profiles', (SELECT ceil(step.fraction * count(*)) FROM ranked),
				'score', (SELECT min(ranked.score) FROM ranked
					WHERE ranked.place <= (SELECT ceil(step.fraction * count(*)) FROM ranked)),
				'found', (SELECT avg((ordered.place <= ceil(step.fraction * ordered.many))::integer)
					FROM (SELECT judged.is_seed, count(*) OVER () AS many,
						row_number() OVER (ORDER BY judged.score DESC, judged.is_seed) AS place FROM judged) AS ordered
					WHERE ordered.is_seed))
				ORDER BY step.fraction)
			FROM unnest('{0.01,0.02,0.05,0.1,0.2,0.5,1}'::numeric[]) AS step (fraction)),
		(SELECT jsonb_agg(jsonb_build_array(ranked.profile_id, ranked.score) ORDER BY ranked.place)
			FROM ranked WHERE ranked.place <= $6)
	FROM total
$$;
COMMENT ON FUNCTION cdp._lookalike_learn IS
'who looks like the members of a segment, by what, and how sure that is';

CREATE FUNCTION cdp._lookalike(segment text, n integer, purpose text, channel text, as_of timestamptz)
RETURNS TABLE (
	seeds bigint,
	rest bigint,
	auc double precision,
	factors jsonb,
	reach jsonb,
	found jsonb)
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	seed_id integer := (SELECT segment_id FROM cdp.segment AS defined WHERE defined.name = $1);
	expressions cdp.predicate[];
	types text[];
	learnt record;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_segments(ARRAY[$1]);
	PERFORM cdp._check_count($2);
	PERFORM cdp._check_purpose($3);
	PERFORM cdp._check_channel($4);
	SELECT array_agg(listed.expression ORDER BY listed.position),
		array_agg(cdp._check_lookalike_feature(listed.expression) ORDER BY listed.position)
	INTO expressions, types
	FROM cdp.lookalike_feature AS listed;
	IF expressions IS NULL THEN
		RAISE EXCEPTION 'lookalikes have nothing to look at'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'Insert expressions into cdp.lookalike_feature.';
	END IF;
	learnt := cdp._lookalike_learn(seed_id, expressions, types, $3, $4, $2, $5);
	PERFORM cdp._check_seeds($1, learnt.seeds, learnt.rest,
		cdp.bitmap_cardinality(coalesce(cdp._current_members(seed_id), '{}')));
	RETURN QUERY SELECT learnt.seeds, learnt.rest, learnt.auc, learnt.factors,
		learnt.reach, learnt.found;
END
$$;
COMMENT ON FUNCTION cdp._lookalike(text, integer, text, text, timestamptz) IS
'what the doors cdp.lookalike() and cdp.lookalike_report() do';
