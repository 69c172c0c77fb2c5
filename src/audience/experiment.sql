-- Experiments: do those who were treated do it more often than the others?
--
-- Each member of a segment or audience gets an arm on first sight, by
-- cdp.bucket(salt, profile id): the same wherever it is computed, and stored,
-- so that nothing that happens later moves anybody.  The first arm is the
-- control: hold it out.
--
-- The metric is a predicate.  A profile converted if it is true at the end of
-- the experiment (or now), and was not when the arm was given.  Members of
-- whom it was true before are left out of all arms alike: what made it true
-- was not the treatment.  A metric with a window from the start on, such as
-- did(order, since 2026-06-01), leaves out hardly anybody.
--
-- Rates are with Wilson's score interval (E. B. Wilson, JASA 22, 1927, p. 209),
--
--	(p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n),
--
-- and differences with that of R. G. Newcombe (Statistics in Medicine 17, 1998,
-- p. 873, method 10), made of the limits l and u of the two rates: from
-- d - sqrt((p1-l1)^2 + (u0-p0)^2) to d + sqrt((u1-p1)^2 + (p0-l0)^2).  Both hold
-- for few profiles and for rates near 0 and 1.  z is that of 95 %.
--
-- The check of the sample ratio is Pearson's chi-square of the arms' sizes
-- against their shares, over all who have an arm: if it says that such sizes
-- are next to impossible, somebody was assigned or counted wrongly.

CREATE FUNCTION cdp._chi_square_tail(statistic double precision, freedom integer)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__chi_square_tail';
COMMENT ON FUNCTION cdp._chi_square_tail(double precision, integer) IS
'probability of a chi-square statistic at least that large with that many degrees of freedom (1 to 1000)';

CREATE FUNCTION cdp._wilson_interval(
	hits bigint,
	tries bigint,
	OUT low double precision,
	OUT high double precision)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN $1 = 0 THEN 0 ELSE greatest(middle - half, 0) END,
		CASE WHEN $1 = $2 THEN 1 ELSE least(middle + half, 1) END
	FROM (SELECT (p + zz / (2 * n)) / (1 + zz / n) AS middle,
			sqrt(zz * (p * (1 - p) / n + zz / (4 * n * n))) / (1 + zz / n) AS half
		FROM (SELECT $2::double precision AS n, $1 / $2::double precision AS p,
				1.959963984540054 ^ 2 AS zz
			WHERE $2 > 0) AS given) AS computed
$$;
COMMENT ON FUNCTION cdp._wilson_interval(bigint, bigint) IS
'the 95 % interval of a rate; NULL if nobody tried';

CREATE FUNCTION cdp._newcombe_interval(
	hits bigint,
	tries bigint,
	control_hits bigint,
	control_tries bigint,
	OUT low double precision,
	OUT high double precision)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p - c - sqrt((p - own.low) ^ 2 + (control.high - c) ^ 2),
		p - c + sqrt((own.high - p) ^ 2 + (c - control.low) ^ 2)
	FROM (SELECT $1 / $2::double precision AS p, $3 / $4::double precision AS c
			WHERE $2 > 0 AND $4 > 0) AS given,
		cdp._wilson_interval($1, $2) AS own, cdp._wilson_interval($3, $4) AS control
$$;
COMMENT ON FUNCTION cdp._newcombe_interval(bigint, bigint, bigint, bigint) IS
'the 95 % interval of the difference of two rates; NULL if nobody tried one of them';

CREATE FUNCTION cdp._check_arms(arms text[], shares numeric[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(array_ndims($1), 0) <> 1 OR cardinality($1) NOT BETWEEN 2 AND 100
		OR EXISTS (SELECT FROM unnest($1) AS arm WHERE arm IS NULL OR arm = '')
		OR (SELECT count(DISTINCT arm) FROM unnest($1) AS arm) <> cardinality($1)
	THEN
		RAISE EXCEPTION 'invalid arms of an experiment'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'An experiment has 2 to 100 arms with different names; the first is the control.';
	END IF;
	IF coalesce(array_ndims($2), 0) <> 1 OR cardinality($2) <> cardinality($1)
		OR EXISTS (SELECT FROM unnest($2) AS share
			WHERE share IS NULL OR share <= 0 OR share > 1 OR share * 10000 <> trunc(share * 10000))
		OR (SELECT sum(share) FROM unnest($2) AS share) <> 1
	THEN
		RAISE EXCEPTION 'invalid shares of an experiment'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'Each arm has a share above 0, of at most four decimals, and their sum is 1.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_arms(text[], numeric[]) IS
'raise unless an experiment may have these arms';

-- Whether the metric can be evaluated is for cdp._predicate_bind() to say.
CREATE FUNCTION cdp.add_experiment(
	name text,
	metric cdp.predicate,
	segment text DEFAULT NULL,
	audience text DEFAULT NULL,
	arms text[] DEFAULT '{control,treatment}',
	shares numeric[] DEFAULT NULL,
	starts_at timestamptz DEFAULT NULL,
	ends_at timestamptz DEFAULT NULL,
	salt text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	shared numeric[] := coalesce($6, CASE cardinality($5) WHEN 2 THEN '{0.5,0.5}'::numeric[] END);
	new_id integer;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_release_name('experiment', $1);
	PERFORM cdp._check_arms($5, shared);
	IF $2 IS NULL OR num_nonnulls($3, $4) <> 1 THEN
		RAISE EXCEPTION 'experiment "%" needs a metric, and a segment or an audience', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = CASE WHEN $2 IS NULL THEN 'It has no metric.'
					WHEN num_nonnulls($3, $4) = 2 THEN 'It is over one of them, not both.'
					ELSE 'It is over neither.' END;
	END IF;
	IF $8 <= coalesce($7, cdp.clock()) THEN
		RAISE EXCEPTION 'experiment "%" would end before it starts', $1
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF $3 IS NOT NULL THEN
		PERFORM cdp._check_segments(ARRAY[$3]);
	ELSE
		PERFORM cdp._find_audience($4);
	END IF;
	INSERT INTO cdp.experiment (name, metric, segment_id, audience_id, arms, shares,
		starts_at, ends_at, salt)
	VALUES ($1, cdp._predicate_bind($2, cdp._evaluation_context()),
		(SELECT segment_id FROM cdp.segment WHERE segment.name = $3),
		(SELECT audience_id FROM cdp.audience WHERE audience.name = $4),
		$5, shared, coalesce($7, cdp.clock()), $8, coalesce($9, $1))
	RETURNING experiment_id INTO new_id;
	RETURN new_id;
EXCEPTION WHEN unique_violation THEN
	RAISE EXCEPTION 'there is an experiment "%" already', $1
		USING ERRCODE = 'duplicate_object',
			HINT = 'Give it another name, or drop the old one with cdp.drop_experiment().';
END
$$;
COMMENT ON FUNCTION cdp.add_experiment(text, cdp.predicate, text, text, text[], numeric[], timestamptz, timestamptz, text) IS
'begin an experiment over the members of a segment or an audience: arms, the first of which is the control, their shares, and the metric that is true of who converted; returns its experiment_id';

CREATE FUNCTION cdp.drop_experiment(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._find_experiment($1);
	DELETE FROM cdp.experiment WHERE experiment.name = $1;
END
$$;
COMMENT ON FUNCTION cdp.drop_experiment(text) IS
'remove an experiment and who was in which arm';

CREATE FUNCTION cdp._find_experiment(name text) RETURNS integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	id integer := (SELECT experiment_id FROM cdp.experiment WHERE experiment.name = $1);
BEGIN
	IF id IS NULL THEN
		RAISE EXCEPTION 'unknown experiment "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Run SELECT name, arms FROM cdp.experiment.';
	END IF;
	RETURN id;
END
$$;
COMMENT ON FUNCTION cdp._find_experiment(text) IS
'the number of an experiment; raises if there is none of that name';

-- Where the arms end among the ten thousand buckets: a profile's arm is the one
-- whose part its bucket is in.
CREATE FUNCTION cdp._arm_ends(shares numeric[]) RETURNS numeric[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(upto ORDER BY n)
	FROM (SELECT n, sum(share) OVER (ORDER BY n) * 10000 AS upto
		FROM unnest($1) WITH ORDINALITY AS listed (share, n)) AS stacked
$$;
COMMENT ON FUNCTION cdp._arm_ends(numeric[]) IS
'the first bucket after each arm of an experiment';

-- A query for each case: one for all would join for each what the others need.
-- The row of a profile tells which segments it is in, so that whoever comes by
-- and is no member costs one look-up.
CREATE FUNCTION cdp._experiment_members(segment_id integer, audience_id integer, only_profile bigint)
RETURNS SETOF bigint
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $3 IS NOT NULL AND NOT EXISTS (
			SELECT FROM cdp.profile_current AS live
			WHERE live.profile_id = $3 AND live.segment_ids @> ARRAY[coalesce($1,
				(SELECT audience.segment_id FROM cdp.audience WHERE audience.audience_id = $2))])
	THEN
		RETURN;
	END IF;
	IF $1 IS NULL THEN
		RETURN QUERY
		SELECT DISTINCT reached.profile_id FROM cdp.audience_member AS reached
		WHERE reached.audience = (SELECT name FROM cdp.audience WHERE audience.audience_id = $2)
			AND ($3 IS NULL OR reached.profile_id = $3);
	ELSIF $3 IS NULL THEN
		RETURN QUERY
		SELECT member.profile_id FROM cdp._member AS member WHERE member.segment_id = $1;
	ELSE
		RETURN NEXT $3;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._experiment_members(integer, integer, bigint) IS
'who may get an arm: the members of a segment, or those who may be reached of an audience; all of them (NULL), or one profile if it is among them';

-- Members without an arm get one: all of them, or one profile of which it is
-- known that it has none.
CREATE FUNCTION cdp._assign_arms(experiment_id integer, only_profile bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	about record;
	ends numeric[];
	new_ids bigint[];
	given bigint;
BEGIN
	SELECT * INTO about FROM cdp.experiment WHERE experiment.experiment_id = $1;
	IF cdp.clock() < about.starts_at OR cdp.clock() >= about.ends_at THEN
		RETURN 0;
	END IF;
	new_ids := ARRAY(SELECT cdp._experiment_members(about.segment_id, about.audience_id, $2));
	IF $2 IS NULL THEN
		new_ids := ARRAY(
			SELECT unnest(new_ids)
			EXCEPT
			SELECT merged.root
			FROM cdp.experiment_member AS seen
				JOIN cdp.profile AS merged ON merged.profile_id = seen.profile_id
			WHERE seen.experiment_id = $1);
	END IF;
	ends := cdp._arm_ends(about.shares);
	INSERT INTO cdp.experiment_member (experiment_id, profile_id, assigned_at, converted_before, arm)
	SELECT $1, evaluated.profile_id, cdp.clock(), cardinality(evaluated.matched) > 0,
		about.arms[1 + width_bucket(cdp.bucket(about.salt, evaluated.profile_id::text, 10000)::numeric, ends)]
	FROM cdp._evaluate_all(ARRAY[about.metric], cdp.clock(), new_ids) AS evaluated
	ORDER BY evaluated.profile_id
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS given = ROW_COUNT;
	RETURN given;
END
$$;
COMMENT ON FUNCTION cdp._assign_arms(integer, bigint) IS
'give an arm to the members of a running experiment that have none (NULL), or to one profile that has none; returns to how many';

CREATE FUNCTION cdp.assign_experiment(name text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	RETURN cdp._assign_arms(cdp._find_experiment($1), NULL);
END
$$;
COMMENT ON FUNCTION cdp.assign_experiment(text) IS
'give an arm to every member of a running experiment that has none; returns to how many';

-- As cdp.experiment_assignment says, by the keys of one profile.
CREATE FUNCTION cdp._arm_of(experiment_id integer, live bigint) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT seen.arm
	FROM cdp._profile_leaf AS born
		JOIN cdp.experiment_member AS seen ON seen.profile_id = born.leaf
	WHERE born.root = $2 AND seen.experiment_id = $1
	ORDER BY seen.assigned_at, seen.profile_id
	LIMIT 1
$$;
COMMENT ON FUNCTION cdp._arm_of(integer, bigint) IS
'the arm that a live profile has in an experiment; NULL: none yet';

CREATE FUNCTION cdp._experiment_arm(name text, profile_id bigint) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := (SELECT root FROM cdp.profile WHERE profile.profile_id = $2);
	id integer;
	found_arm text;
BEGIN
	PERFORM cdp._check_store();
	id := cdp._find_experiment($1);
	IF live IS NULL OR cdp._is_restricted(live) THEN
		RETURN NULL;
	END IF;
	found_arm := cdp._arm_of(id, live);
	IF found_arm IS NULL THEN
		PERFORM cdp._assign_arms(id, live);
		found_arm := cdp._arm_of(id, live);
	END IF;
	RETURN found_arm;
END
$$;
COMMENT ON FUNCTION cdp._experiment_arm(text, bigint) IS
'what the door cdp.experiment_arm() does';

CREATE FUNCTION cdp._count_arms(experiment_id integer)
RETURNS TABLE (n bigint, arm text, share double precision, assigned bigint, profiles bigint, conversions bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	about record;
BEGIN
	SELECT * INTO about FROM cdp.experiment WHERE experiment.experiment_id = $1;
	RETURN QUERY
	WITH member AS MATERIALIZED (
		SELECT profile_id, arm, converted_before
		FROM cdp.experiment_assignment
		WHERE experiment = about.name
	), converted AS (
		SELECT profile_id
		FROM cdp._evaluate_all(ARRAY[about.metric], least(about.ends_at, cdp.clock()),
			(SELECT coalesce(array_agg(profile_id), '{}') FROM member WHERE NOT converted_before))
		WHERE cardinality(matched) > 0
	)
	SELECT listed.n, listed.arm, listed.share::double precision, count(member.profile_id),
		count(*) FILTER (WHERE NOT member.converted_before), count(converted.profile_id)
	FROM unnest(about.arms, about.shares) WITH ORDINALITY AS listed (arm, share, n)
		LEFT JOIN member ON member.arm = listed.arm
		LEFT JOIN converted ON converted.profile_id = member.profile_id
	GROUP BY listed.n, listed.arm, listed.share;
END
$$;
COMMENT ON FUNCTION cdp._count_arms(integer) IS
'who is in each arm of an experiment: with an arm, without those who had converted before, and converted since';

CREATE FUNCTION cdp._experiment_result(name text)
RETURNS TABLE (arm text, profiles bigint, conversions bigint, rate double precision,
	rate_low double precision, rate_high double precision, lift double precision,
	lift_low double precision, lift_high double precision, sample_ratio_p double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	id integer;
BEGIN
	PERFORM cdp._check_store();
	id := cdp._find_experiment($1);
	RETURN QUERY
	WITH counted AS MATERIALIZED (
		SELECT n, arm, share, assigned, profiles, conversions,
			conversions / nullif(profiles, 0)::double precision AS rate
		FROM cdp._count_arms(id)
	), ratio AS (
		SELECT cdp._chi_square_tail(sum((assigned - share * total) ^ 2 / (share * total)),
			count(*)::integer - 1) AS p
		FROM counted, (SELECT sum(assigned)::double precision AS total FROM counted) AS whole
		WHERE total > 0
	)
	SELECT own.arm, own.profiles, own.conversions, own.rate, wilson.low, wilson.high,
		own.rate - control.rate, newcombe.low, newcombe.high, ratio.p
	FROM counted AS own
		JOIN counted AS control ON control.n = 1
		CROSS JOIN ratio
		LEFT JOIN LATERAL cdp._wilson_interval(own.conversions, own.profiles) AS wilson ON true
		LEFT JOIN LATERAL cdp._newcombe_interval(own.conversions, own.profiles,
			control.conversions, control.profiles) AS newcombe ON own.n > 1
	ORDER BY own.n;
END
$$;
COMMENT ON FUNCTION cdp._experiment_result(text) IS
'what the door cdp.experiment_result() does';

CREATE FUNCTION cdp._keep_experiment() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.experiment_member WHERE experiment_id = OLD.experiment_id)
		AND (NEW.salt, NEW.arms, NEW.shares, NEW.metric::text, NEW.segment_id, NEW.audience_id, NEW.starts_at)
			IS DISTINCT FROM
			(OLD.salt, OLD.arms, OLD.shares, OLD.metric::text, OLD.segment_id, OLD.audience_id, OLD.starts_at)
	THEN
		RAISE EXCEPTION 'cannot change experiment "%"', OLD.name
			USING ERRCODE = 'object_in_use',
				DETAIL = 'Members have been given arms; only its name and end can be changed.',
				HINT = 'Begin another experiment.';
	END IF;
	PERFORM cdp._check_arms(NEW.arms, NEW.shares);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._keep_experiment() IS
'trigger: an experiment stays what it was when members got their arms';
