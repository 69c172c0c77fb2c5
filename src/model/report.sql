-- What models say of themselves and of one customer, in words.

CREATE FUNCTION cdp._model_report(model text)
RETURNS TABLE (
	model text, status text, detail text, kind text, version integer,
	fitted_on bigint, fitted_as_of timestamptz,
	holdout_from timestamptz, holdout_to timestamptz,
	said double precision, happened double precision, auc double precision,
	calibration jsonb, verdict text, says text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT described.name, described.status, described.detail,
		coalesce(made.count_model, made.logistic)::jsonb ->> 'kind', made.version,
		made.customers, made.as_of,
		quality.holdout_from, quality.holdout_to,
		quality.said, quality.happened, quality.auc,
		quality.calibration, quality.verdict,
		CASE
			WHEN described.status = 'failed' THEN
				format('failed: %s', described.detail)
			WHEN made.version IS NULL THEN
				format('waiting: %s', coalesce(described.detail, 'not fitted yet'))
			WHEN quality.model IS NULL AND described.kind = 'contract' THEN
				format('fitted on %s contracts, of which %s had ended; too little history to hold some back and measure it', made.customers, made.ended)
			WHEN quality.model IS NULL THEN
				format('fitted on %s customers; too little history to hold some back and measure it', made.customers)
			WHEN described.kind = 'propensity' THEN
				format('learnt from %s customers, of whom %s did it; of %s held back it said %s %% would, %s %% did: %s',
					made.customers, made.labels, quality.customers,
					round((100 * quality.said)::numeric, 1),
					round((100 * quality.happened)::numeric, 1), quality.verdict)
			WHEN described.kind = 'contract' THEN
				format('fitted on %s contracts, of which %s had ended; of %s held back it said %s %% would end, %s %% did: %s',
					made.customers, made.ended, quality.customers,
					round((100 * quality.said)::numeric, 1),
					round((100 * quality.happened)::numeric, 1), quality.verdict)
			WHEN described.kind = 'churn' THEN
				format('fitted on %s customers; of %s held back it said %s %% would not buy, %s %% did not: %s',
					made.customers, quality.customers,
					round((100 * quality.said)::numeric, 1),
					round((100 * quality.happened)::numeric, 1), quality.verdict)
			ELSE
				format('fitted on %s customers; of %s held back it said %s revenue, %s came: %s',
					made.customers, quality.customers, round(quality.said::numeric),
					round(quality.happened::numeric), quality.verdict)
		END
	FROM cdp.model AS described
		LEFT JOIN cdp.model_version AS made
			ON made.model = described.name AND made.version = described.version
		LEFT JOIN cdp.model_quality AS quality
			ON quality.model = made.model AND quality.version = made.version
	WHERE described.name = $1
$$;
COMMENT ON FUNCTION cdp._model_report(text) IS
'what the door cdp.model_report() does';

-- A bar is as long as what happened, of at most 40 signs; "|" is where it was
-- said to end.
CREATE FUNCTION cdp._model_calibration(model text)
RETURNS TABLE (band bigint, customers bigint, said numeric, did numeric, bar text)
LANGUAGE sql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	WITH banded AS (
		SELECT one.ord, (one.value -> 'customers')::bigint AS customers,
			(one.value -> 'said')::double precision AS said,
			(one.value -> 'happened')::double precision AS did,
			described.kind = 'clv' AS is_amount
		FROM cdp.model AS described
			JOIN cdp.model_quality AS quality
				ON quality.model = described.name AND quality.version = described.version
			CROSS JOIN LATERAL jsonb_array_elements(quality.calibration)
				WITH ORDINALITY AS one (value, ord)
		WHERE described.name = $1
	), scaled AS (
		SELECT banded.*, 40 / nullif(max(greatest(said, did)) OVER (), 0) AS signs
		FROM banded
	)
	SELECT ord, customers,
		round((said * CASE WHEN is_amount THEN 1 ELSE 100 END)::numeric, 1),
		round((did * CASE WHEN is_amount THEN 1 ELSE 100 END)::numeric, 1),
		rtrim(overlay(rpad(repeat('#', round(did * signs)::integer), 41)
			PLACING '|' FROM 1 + round(said * signs)::integer))
	FROM scaled
	ORDER BY ord
$$;
COMMENT ON FUNCTION cdp._model_calibration(text) IS
'what the door cdp.model_calibration() does';

-- "31 days", "1 day"
CREATE FUNCTION cdp._say_days(days numeric) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN concat(round(days), CASE WHEN round(days) = 1 THEN ' day' ELSE ' days' END);

-- "; 87 % of customers are less likely to leave"; nothing before the first
-- refresh of all scores has ranked the profile.
CREATE FUNCTION cdp._say_rank(score jsonb, others text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '; ' || round((score ->> 'percentile')::numeric) || ' % of ' || others;

-- A customer's rhythm of purchases as a sentence.
CREATE FUNCTION cdp._say_rhythm(profile_id bigint, as_of timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
	WITH zone AS (
		SELECT coalesce(cdp._read_setting('time_zone'::text), 'UTC') AS name
	), purchase AS (
		SELECT (occurred_at AT TIME ZONE zone.name)::date AS day
		FROM cdp._purchases AS one, zone
		WHERE one.profile_id = $1 AND one.occurred_at < $2
		GROUP BY 1
		HAVING sum(amount) > 0
	), gap AS (
		SELECT day - lag(day) OVER (ORDER BY day) AS days FROM purchase
	), rhythm AS (
		SELECT (SELECT count(*) FROM purchase) AS purchases,
			($2 AT TIME ZONE zone.name)::date - (SELECT max(day) FROM purchase) AS silent,
			count(days) AS gaps, avg(days) AS usual
		FROM gap, zone
		GROUP BY zone.name
	)
	SELECT CASE
		WHEN purchases = 0 THEN NULL
		WHEN purchases = 1 THEN format('bought once, %s ago', cdp._say_days(silent))
		ELSE format('bought %s times, every %s on average; last %s ago, %s',
			purchases, cdp._say_days(usual), cdp._say_days(silent),
			CASE
				WHEN gaps = 1 AND shorter = 1 THEN 'longer than the one gap'
				WHEN gaps = 1 THEN 'no longer than the one gap'
				WHEN shorter = 0 THEN format('no longer than any of %s gaps', gaps)
				WHEN shorter = gaps THEN format('longer than each of %s gaps', gaps)
				ELSE format('longer than %s of %s gaps', shorter, gaps) END)
		END
	FROM rhythm, LATERAL (SELECT count(*) AS shorter FROM gap WHERE days < silent) AS compared
$$;
COMMENT ON FUNCTION cdp._say_rhythm(bigint, timestamptz) IS
'"bought 6 times, every 31 days on average; last 94 days ago, longer than each of 5 gaps"';

-- Why a customer has the score of a model of purchase counts.
CREATE FUNCTION cdp._count_reasons(profile_id bigint, model text)
RETURNS TABLE (reason text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT said.reason
	FROM cdp.profile_score AS scored
		JOIN cdp.model AS described ON described.name = $2 AND described.kind <> 'contract'
		LEFT JOIN cdp.model_version AS made
			ON made.model = described.name AND made.version = described.version,
		LATERAL (SELECT scored.scores -> $2 AS score,
			cdp._model_option(described.options, 'horizon')::interval AS horizon) AS one,
		LATERAL (VALUES
			(1, cdp._say_rhythm($1, scored.as_of)),
			(2, CASE described.kind
				WHEN 'churn' THEN format('no purchase in the next %s: %s %%%s',
					cdp._say_days((extract(epoch FROM one.horizon) / 86400)::numeric),
					round(100 * (one.score ->> 'value')::numeric),
					cdp._say_rank(one.score, 'customers are less likely to leave'))
				ELSE format('expected in the next %s: %s purchases of %s on average, worth %s (%s to %s)',
					cdp._say_days((extract(epoch FROM one.horizon) / 86400)::numeric),
					round(cdp.expected_purchases(made.count_model, scored.rfm, one.horizon)::numeric, 1),
					round(cdp.expected_spend(made.spend_model, scored.rfm)::numeric, 2),
					one.score ->> 'value', one.score ->> 'low', one.score ->> 'high')
				END)
		) AS said (position, reason)
	WHERE scored.profile_id = $1
		AND one.score IS NOT NULL
		AND said.reason IS NOT NULL
	ORDER BY said.position
$$;
COMMENT ON FUNCTION cdp._count_reasons(bigint, text) IS
'why a profile has the score of a model of purchase counts: its own purchases in words';
