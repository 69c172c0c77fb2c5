-- The rows of cdp.profile_score: of all profiles, or of a few.
--
-- Scores are a function of purchases, contracts, versions in use and as-of
-- time.  cdp.refresh_scores() makes them all anew each score_every, because
-- silence is news.  In between, whoever does something is scored at once: by
-- cdp.ingest() behind the record, in the merge run behind the batch.  Both ways
-- compute by the same inlined functions (model_score_store.sql); only ranks
-- among all profiles, fifths and percentiles, stay those of the last refresh.
--
-- Whoever writes holds the merger's lock, cdp._lock_merger().

-- What a row of cdp.profile_score is made of.
CREATE TYPE cdp._score_parts AS (
	profile_id bigint,
	rfm cdp.rfm_summary,
	revenue numeric,
	recency integer,
	frequency integer,
	monetary integer,
	lifecycle text,
	verdict text,
	churn_version integer,
	churn double precision,
	churn_low double precision,
	churn_high double precision,
	churn_band text,
	churn_percentile numeric,
	clv_version integer,
	clv double precision,
	clv_low double precision,
	clv_high double precision,
	clv_percentile numeric,
	contracts jsonb
);
COMMENT ON TYPE cdp._score_parts IS
'what models and ranks say of a profile; contracts by model, as cdp.profile_score has them';

-- Of a few profiles: one plan by keys, as in cdp._refresh_profiles().  A profile
-- that has a row and nothing to score any more is among them, all NULL.
CREATE FUNCTION cdp._score_few(
	profile_ids bigint[],
	as_of timestamptz,
	models text[])
RETURNS SETOF cdp._score_parts
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_material = off
SET join_collapse_limit = 1
SET jit = off
AS $$
DECLARE
	zone text := coalesce(cdp._read_setting('time_zone'), 'UTC');
	has_contracts boolean := EXISTS (SELECT FROM cdp.model WHERE kind = 'contract' AND version IS NOT NULL);
BEGIN
	RETURN QUERY
	SELECT wanted.profile_id, customer.rfm, customer.revenue,
		kept.rfm_recency, kept.rfm_frequency, kept.rfm_monetary, one.lifecycle,
		in_use.verdict, in_use.churn_version,
		one.churn, one.churn_low, one.churn_high, one.churn_band,
		(kept.scores -> 'churn' ->> 'percentile')::numeric,
		in_use.clv_version, one.clv, one.clv_low, one.clv_high,
		(kept.scores -> 'clv' ->> 'percentile')::numeric,
		contracted.scores
	FROM cdp._purchase_models($3) AS in_use
	CROSS JOIN unnest($1) AS wanted (profile_id)
	LEFT JOIN cdp.profile_score AS kept ON kept.profile_id = wanted.profile_id
	CROSS JOIN LATERAL (
		SELECT cdp.rfm_agg(purchase.occurred_at, purchase.amount, $2, '7 days', 'day', zone) AS rfm,
			CASE WHEN count(*) > 0 THEN coalesce(sum(purchase.amount), 0) END AS revenue
		FROM cdp._purchases AS purchase
		WHERE purchase.profile_id = wanted.profile_id AND purchase.occurred_at < $2
			AND (NOT (SELECT EXISTS (SELECT FROM cdp.restriction)) OR NOT cdp._is_restricted(wanted.profile_id))
	) AS customer
	CROSS JOIN LATERAL cdp._customer_scores(customer.rfm, $2, in_use.churn_model,
		in_use.churn_horizon, in_use.count_model, in_use.spend_model,
		in_use.annual_rate, in_use.clv_horizon, in_use.margin) AS one
	CROSS JOIN LATERAL (
		SELECT jsonb_object_agg(renewing.name, jsonb_build_object(
			'value', said.value, 'low', said.low, 'high', said.high,
			'percentile', (kept.scores -> renewing.name ->> 'percentile')::numeric,
			'version', renewing.version, 'lifetime', said.lifetime)) AS scores
		FROM cdp._model_in_use AS renewing
		CROSS JOIN LATERAL (
			SELECT held.names, held.times
			FROM cdp._contract_history AS held
			WHERE held.profile_id = wanted.profile_id
		) AS history
		CROSS JOIN LATERAL cdp._contract_scores(history.names, history.times, $2,
			renewing.count_model, renewing.period, renewing.grace, renewing.horizon,
			renewing.lifetime) AS said
		WHERE has_contracts AND renewing.kind = 'contract' AND renewing.name = ANY ($3)
	) AS contracted
	WHERE customer.revenue IS NOT NULL OR contracted.scores IS NOT NULL
		OR kept.revenue IS NOT NULL OR kept.scores ?| $3;
END
$$;
COMMENT ON FUNCTION cdp._score_few(bigint[], timestamptz, text[]) IS
'what these models say of these profiles as of a time, with the ranks that they have';

CREATE FUNCTION cdp._score_contracts(as_of timestamptz, models text[])
RETURNS TABLE (profile_id bigint, scores jsonb)
LANGUAGE sql STABLE ROWS 10000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH said AS (
		SELECT history.profile_id, in_use.name, in_use.version, made.*
		FROM cdp._model_in_use AS in_use
			CROSS JOIN cdp._contract_history AS history
			CROSS JOIN LATERAL cdp._contract_scores(history.names, history.times, $1,
				in_use.count_model, in_use.period, in_use.grace, in_use.horizon,
				in_use.lifetime) AS made
		WHERE in_use.kind = 'contract' AND in_use.name = ANY ($2)
	), placed AS (
		SELECT said.*, round((100 * percent_rank() OVER (
			PARTITION BY name ORDER BY value))::numeric, 1) AS percentile
		FROM said
	)
	SELECT placed.profile_id, jsonb_object_agg(placed.name, jsonb_build_object(
		'value', placed.value, 'low', placed.low, 'high', placed.high,
		'percentile', placed.percentile, 'version', placed.version,
		'lifetime', placed.lifetime))
	FROM placed
	GROUP BY placed.profile_id
$$;
COMMENT ON FUNCTION cdp._score_contracts(timestamptz, text[]) IS
'what these models of contracts say of all profiles under contract as of a time';

CREATE FUNCTION cdp._score_all(as_of timestamptz, models text[])
RETURNS SETOF cdp._score_parts
LANGUAGE sql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH in_use AS MATERIALIZED (
		SELECT * FROM cdp._purchase_models($2)
	), scored AS MATERIALIZED (
		SELECT customer.profile_id, customer.rfm, customer.revenue, one.*
		FROM cdp._customer_rfm($1) AS customer
			CROSS JOIN in_use
			CROSS JOIN LATERAL cdp._customer_scores(customer.rfm, $1, in_use.churn_model,
				in_use.churn_horizon, in_use.count_model, in_use.spend_model,
				in_use.annual_rate, in_use.clv_horizon, in_use.margin) AS one
	), placed AS (
		SELECT scored.*,
			ntile(5) OVER (PARTITION BY rfm IS NULL
				ORDER BY cdp.last_at(rfm), cdp.x(rfm), revenue, profile_id) AS recency,
			ntile(5) OVER (PARTITION BY rfm IS NULL
				ORDER BY cdp.x(rfm), revenue, cdp.last_at(rfm), profile_id) AS frequency,
			ntile(5) OVER (PARTITION BY rfm IS NULL
				ORDER BY revenue, cdp.x(rfm), cdp.last_at(rfm), profile_id) AS monetary,
			round((100 * percent_rank() OVER (PARTITION BY churn IS NULL ORDER BY churn))::numeric, 1) AS churn_percentile,
			round((100 * percent_rank() OVER (PARTITION BY clv IS NULL ORDER BY clv))::numeric, 1) AS clv_percentile
		FROM scored
	)
	SELECT profile_id, rfm, revenue,
		CASE WHEN rfm IS NOT NULL THEN recency END,
		CASE WHEN rfm IS NOT NULL THEN frequency END,
		CASE WHEN rfm IS NOT NULL THEN monetary END,
		lifecycle, in_use.verdict,
		in_use.churn_version, churn, churn_low, churn_high, churn_band, churn_percentile,
		in_use.clv_version, clv, clv_low, clv_high, clv_percentile, contracted.scores
	FROM placed
		FULL JOIN cdp._score_contracts($1, $2) AS contracted USING (profile_id)
		FULL JOIN (
			SELECT profile_id
			FROM cdp.profile_score AS kept
			WHERE kept.revenue IS NOT NULL OR kept.scores ?| $2
		) AS kept USING (profile_id)
		CROSS JOIN in_use
$$;
COMMENT ON FUNCTION cdp._score_all(timestamptz, text[]) IS
'what these models say of all profiles as of a time, and their ranks; all NULL for one that has a row and nothing to score any more';

-- A model that is not among these keeps what it said, and so do labelled ones.
CREATE FUNCTION cdp._write_scores(
	profile_ids bigint[],
	as_of timestamptz,
	models text[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
DECLARE
	scored bigint;
	emptied bigint;
BEGIN
	WITH written AS (
		INSERT INTO cdp.profile_score AS kept (profile_id, rfm_recency, rfm_frequency,
			rfm_monetary, lifecycle, clv_365d, clv_365d_low, clv_365d_high, churn_90d,
			churn_band, model_verdict, scores, as_of, revenue, rfm)
		SELECT made.profile_id, made.recency, made.frequency, made.monetary,
			made.lifecycle, round(made.clv::numeric, 2), round(made.clv_low::numeric, 2),
			round(made.clv_high::numeric, 2), made.churn, made.churn_band,
			CASE WHEN made.revenue IS NOT NULL THEN made.verdict END,
			CASE WHEN made.churn IS NULL THEN '{}' ELSE jsonb_build_object('churn', jsonb_build_object(
				'value', made.churn, 'low', made.churn_low, 'high', made.churn_high,
				'percentile', made.churn_percentile, 'version', made.churn_version)) END
			|| CASE WHEN made.clv IS NULL THEN '{}' ELSE jsonb_build_object('clv', jsonb_build_object(
				'value', round(made.clv::numeric, 2), 'low', round(made.clv_low::numeric, 2),
				'high', round(made.clv_high::numeric, 2),
				'percentile', made.clv_percentile, 'version', made.clv_version)) END
			|| coalesce(made.contracts, '{}'),
			$2, made.revenue, made.rfm
		FROM (
			SELECT * FROM cdp._score_all($2, $3) WHERE $1 IS NULL
			UNION ALL
			SELECT * FROM cdp._score_few($1, $2, $3) WHERE $1 IS NOT NULL
		) AS made
		ORDER BY made.profile_id
		ON CONFLICT ON CONSTRAINT profile_score_pkey DO UPDATE SET
			rfm_recency = excluded.rfm_recency,
			rfm_frequency = excluded.rfm_frequency,
			rfm_monetary = excluded.rfm_monetary,
			lifecycle = excluded.lifecycle,
			clv_365d = CASE WHEN 'clv' = ANY ($3) THEN excluded.clv_365d ELSE kept.clv_365d END,
			clv_365d_low = CASE WHEN 'clv' = ANY ($3) THEN excluded.clv_365d_low ELSE kept.clv_365d_low END,
			clv_365d_high = CASE WHEN 'clv' = ANY ($3) THEN excluded.clv_365d_high ELSE kept.clv_365d_high END,
			churn_90d = CASE WHEN 'churn' = ANY ($3) THEN excluded.churn_90d ELSE kept.churn_90d END,
			churn_band = CASE WHEN 'churn' = ANY ($3) THEN excluded.churn_band ELSE kept.churn_band END,
			model_verdict = excluded.model_verdict,
			scores = kept.scores - $3 || excluded.scores,
			as_of = excluded.as_of,
			revenue = excluded.revenue,
			rfm = excluded.rfm
		RETURNING kept.revenue IS NOT NULL OR kept.scores ?| $3 AS is_scored,
			kept.scores = '{}' AS says_nothing
	)
	SELECT count(*) FILTER (WHERE is_scored),
		count(*) FILTER (WHERE NOT is_scored AND says_nothing)
	INTO scored, emptied
	FROM written;
	IF emptied > 0 THEN
		DELETE FROM cdp.profile_score AS kept
		WHERE kept.revenue IS NULL AND kept.scores = '{}'
			AND kept.profile_id = ANY (coalesce($1, ARRAY(
				SELECT one.profile_id FROM cdp.profile_score AS one
				WHERE one.revenue IS NULL AND one.scores = '{}')));
	END IF;
	RETURN scored;
END
$$;
COMMENT ON FUNCTION cdp._write_scores(bigint[], timestamptz, text[]) IS
'write what these models say of these profiles (NULL: all) as of a time; returns of how many';

-- The models of two rooms are tried alike: attempt is how theirs score, a
-- statement about model $1 as of $2.
CREATE FUNCTION cdp._models_that_score(models text[], as_of timestamptz, attempt text)
RETURNS text[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text;
	working text[] := '{}';
BEGIN
	FOREACH name IN ARRAY $1 LOOP
		BEGIN
			EXECUTE $3 USING name, $2;
			working := working || name;
		EXCEPTION WHEN OTHERS THEN
			IF cdp._may_pass(SQLSTATE) THEN
				RAISE;
			END IF;
			PERFORM cdp._note_failure(name, 'score', SQLERRM);
		END;
	END LOOP;
	RETURN working;
END
$$;
COMMENT ON FUNCTION cdp._models_that_score(text[], timestamptz, text) IS
'these models but for those of which the attempt to score fails, which are named in warnings';

CREATE FUNCTION cdp._note_scored(models text[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE cdp.model SET detail = NULL, status = coalesce((
		SELECT made.status FROM cdp.model_version AS made
		WHERE made.model = model.name AND made.version = model.version), 'waiting')
	WHERE name = ANY ($1) AND detail LIKE 'could not score: %'
$$;
COMMENT ON FUNCTION cdp._note_scored(text[]) IS
'forget the errors of models that score again';

-- Whoever writes scores takes their instant when the merger's lock is theirs: a
-- statement that waited for it began before the scores that it waited for, and
-- scores must not go back in time.  A test clock may.
CREATE FUNCTION cdp._score_clock() RETURNS timestamptz
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN coalesce(current_setting('cdp.test_clock', true), '') = ''
	THEN clock_timestamp() ELSE cdp.clock() END;
COMMENT ON FUNCTION cdp._score_clock() IS
'the instant that scores written now are as of';

CREATE FUNCTION cdp.refresh_scores() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	at timestamptz;
	models text[];
	scored bigint;
BEGIN
	PERFORM cdp._check_store();
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION 'cannot score above isolation level READ COMMITTED'
			USING ERRCODE = 'feature_not_supported',
				DETAIL = 'A snapshot taken before the work of another session would miss purchases that it scored.',
				HINT = 'Run SET default_transaction_isolation = ''read committed''.';
	END IF;
	PERFORM cdp._lock_merger();
	at := cdp._score_clock();
	models := ARRAY(SELECT name FROM cdp.model WHERE kind <> 'propensity' ORDER BY name);
	BEGIN
		scored := cdp._write_scores(NULL, at, models);
	EXCEPTION WHEN OTHERS THEN
		IF cdp._may_pass(SQLSTATE) THEN
			RAISE;
		END IF;
		models := cdp._models_that_score(models, at,
			'SELECT FROM cdp._score_all($2, ARRAY[$1])');
		scored := cdp._write_scores(NULL, at, models);
	END;
	PERFORM cdp._note_scored(models);
	DELETE FROM cdp.todo WHERE phase = 'score';
	INSERT INTO cdp.score_run (as_of, profiles, statement_at)
	VALUES (at, scored, statement_timestamp())
	ON CONFLICT (only_row) DO UPDATE SET as_of = excluded.as_of,
		profiles = excluded.profiles, statement_at = excluded.statement_at;
	RETURN scored;
END
$$;
COMMENT ON FUNCTION cdp.refresh_scores() IS
'score every profile with an order or contract as of now, whether touched or not: silence is news; returns how many';

-- Those of these profiles that are customers or under contract, or were.
CREATE FUNCTION cdp._profiles_to_score(profile_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET jit = off
AS $$
DECLARE
	has_contracts boolean := EXISTS (SELECT FROM cdp.model WHERE kind = 'contract');
BEGIN
	RETURN (
		SELECT array_agg(wanted.profile_id)
		FROM unnest($1) AS wanted (profile_id)
		WHERE has_contracts
			OR EXISTS (SELECT FROM cdp.profile_score AS scored
				WHERE scored.profile_id = wanted.profile_id AND scored.revenue IS NOT NULL)
			OR EXISTS (SELECT FROM cdp.profile_current AS current
				WHERE current.profile_id = wanted.profile_id
					AND (current.orders > 0 OR current.revenue <> 0)));
END
$$;
COMMENT ON FUNCTION cdp._profiles_to_score(bigint[]) IS
'which of these profiles may have scores to make or to lose: most visitors of a shop have none';

-- A model that failed at the last refresh is left out, and whatever else goes
-- wrong here is left to the next one, which finds out which model it is: a
-- record is taken in all the same.
CREATE FUNCTION cdp._score_profiles(profile_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[] := cdp._profiles_to_score($1);
BEGIN
	IF ids IS NULL THEN
		RETURN;
	END IF;
	PERFORM cdp._write_scores(ids, cdp._score_clock(), ARRAY(
		SELECT name FROM cdp.model
		WHERE kind <> 'propensity' AND NOT coalesce(detail LIKE 'could not score: %', false)));
EXCEPTION WHEN OTHERS THEN
	IF cdp._may_pass(SQLSTATE) THEN
		RAISE;
	END IF;
	RAISE WARNING 'profiles could not be scored and keep the scores that they had'
		USING DETAIL = SQLERRM,
			HINT = 'SELECT cdp.refresh_scores() names the model that fails.';
END
$$;
COMMENT ON FUNCTION cdp._score_profiles(bigint[]) IS
'bring the scores of these profiles up to date at once; the caller holds the merger''s lock';

-- Due: never done, done long ago, or more than one in a hundred customers
-- came since, who were scored at once and have no ranks.  A run scores once: the
-- statement's time tells.
CREATE FUNCTION cdp._scores_due() RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((
		SELECT statement_at <> statement_timestamp()
			AND (cdp.clock() >= as_of + coalesce(cdp._read_setting('score_every'::text), '1 day')::interval
				OR (SELECT count(*) FROM cdp.profile_score AS unranked
					WHERE unranked.revenue IS NOT NULL AND unranked.rfm_recency IS NULL
						AND unranked.rfm IS NOT NULL)
					> profiles / 100)
		FROM cdp.score_run), true)
$$;
COMMENT ON FUNCTION cdp._scores_due() IS
'should a merge run score all customers now';

CREATE FUNCTION cdp._score_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
BEGIN
	IF NOT cdp._scores_due() THEN
		ids := cdp._take_todo('score', $1);
		IF ids IS NULL THEN
			RETURN 0;
		END IF;
		PERFORM cdp._score_profiles(ids);
		IF NOT cdp._scores_due() THEN
			RETURN cardinality(ids);
		END IF;
	END IF;
	PERFORM cdp._fit_models(only_missing => true);
	RETURN cdp.refresh_scores();
END
$$;
COMMENT ON FUNCTION cdp._score_step(integer) IS
'the score phase of a merge run: when due, fit models that have no version yet, and score all customers; else those that the run touched';

-- Versions are truth, so a rebuild scores again and fits nothing.
CREATE FUNCTION cdp._score_rebuild(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM cdp.profile_score;
	PERFORM cdp.refresh_scores();
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._score_rebuild(integer) IS
'the score phase of a rebuild: make all scores anew with the model versions in use';
