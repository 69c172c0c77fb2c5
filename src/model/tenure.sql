-- Models of contracts: who will not renew, learnt from events of profiles.
--
-- A contract begins with a contract_start, renews with each renewal, and ends
-- with a cancellation, or when no renewal has come by the day that it was due
-- and some grace.  A store that sends renewals only is fine: there a contract
-- begins with its first renewal.  Who never renewed once is not seen then, and
-- needs not be: renewals after the first follow a shifted beta-geometric model
-- too, with beta larger by 1.
--
-- Tenure is how many renewals a contract has faced.  The model (sBG; Fader,
-- Hardie 2007) tells from it alone who will go: those who are easily lost are
-- lost early, so the longer a contract has run the likelier it goes on.
--
-- A contract that was cancelled has ended as far as scores go, though it may
-- run for a while.  Those of which no cancellation has come are scored as of
-- their last renewal; since some of those that will end have said so, the
-- others are better than their scores: of p that leave and a of them that have
-- said so, p (1 - a) / (1 - p a) of the rest do.  The measure shows by how much.

-- How many renewals fall due until as_of + horizon, for a contract renewed last
-- at renewed_at; whole periods are counted by the calendar, in UTC.  Inlined.
CREATE FUNCTION cdp._renewals_due(
	renewed_at timestamptz,
	period interval,
	as_of timestamptz,
	horizon interval)
RETURNS TABLE (periods double precision)
LANGUAGE sql IMMUTABLE ROWS 1
BEGIN ATOMIC
	SELECT greatest(CASE
		WHEN known.start + (guess.whole + 1) * $2 <= known.until THEN guess.whole + 1
		WHEN known.start + guess.whole * $2 <= known.until THEN guess.whole
		ELSE guess.whole - 1 END, 0)
	FROM (
		SELECT ($1 AT TIME ZONE 'UTC') AS start, ($3 AT TIME ZONE 'UTC') + $4 AS until
	) AS known
	CROSS JOIN LATERAL (
		SELECT floor(extract(epoch FROM known.until - known.start)::double precision
			/ (extract(epoch FROM 12 * $2)::double precision / 12)) AS whole
		OFFSET 0
	) AS guess;
END;
COMMENT ON FUNCTION cdp._renewals_due(timestamptz, interval, timestamptz, interval) IS
'how many renewals fall due after renewed_at, until as_of + horizon';

-- Contracts that have not faced a renewal tell nothing.  Who has cancelled a
-- contract that still runs has not faced it either: of its age only those would
-- be counted who leave.
CREATE FUNCTION cdp._fit_tenures(
	period interval,
	grace interval,
	as_of timestamptz,
	OUT model cdp.clv_model,
	OUT contracts bigint,
	OUT ended bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET jit = off
AS $$
	SELECT cdp.model_with_unit(
			cdp.fit_sbg(state.renewals + faced.refused::integer, faced.refused), $1),
		count(*), count(*) FILTER (WHERE state.ended)
	FROM cdp._contract_history AS history
	CROSS JOIN LATERAL cdp._contract_state(history.names, history.times, $3, $1, $2) AS state
	CROSS JOIN LATERAL (
		SELECT state.ended AND state.renewed_at + $1 <= $3 AS refused
	) AS faced
$$;
COMMENT ON FUNCTION cdp._fit_tenures(interval, interval, timestamptz) IS
'fit who renews to all contracts as of a time';

-- Asked are contracts that went on then and had a renewal due since.  One that
-- was due, with its grace, and did not come is a loss, though another contract
-- may have begun after it.
CREATE FUNCTION cdp._contract_holdout(
	model cdp.clv_model,
	period interval,
	grace interval,
	holdout_from timestamptz,
	holdout_to timestamptz)
RETURNS TABLE (said double precision, happened double precision)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET jit = off
AS $$
	SELECT cdp.churn($1, earlier.renewals, due.periods),
		(later.started_at > earlier.started_at
			OR later.ended AND later.renewed_at + $2 + $3 <= $5)::integer
	FROM cdp._contract_history AS history
	CROSS JOIN LATERAL cdp._contract_state(history.names, history.times, $4, $2, $3) AS earlier
	CROSS JOIN LATERAL cdp._contract_state(history.names, history.times, $5, $2, $3) AS later
	CROSS JOIN LATERAL cdp._renewals_due(earlier.renewed_at, $2, $5, -$3) AS due
	WHERE NOT earlier.ended AND due.periods > 0
$$;
COMMENT ON FUNCTION cdp._contract_holdout(cdp.clv_model, interval, interval, timestamptz, timestamptz) IS
'per contract that went on at holdout_from: how likely a model fitted then said it was to end by holdout_to, and whether it did';

CREATE FUNCTION cdp._measure_contracts(fitted record, version integer, as_of timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	period interval := fitted.options ->> 'period';
	grace interval := cdp._model_option(fitted.options, 'grace');
	cut timestamptz := cdp._holdout_from(fitted.options, (
		SELECT min(times[1]) FROM cdp._contract_history WHERE times[1] < $3), $3);
	early record;
BEGIN
	SELECT * INTO early FROM cdp._fit_tenures(period, grace, cut);
	IF coalesce(cdp.model_status(early.model), '') NOT IN ('converged', 'boundary') THEN
		RETURN;
	END IF;
	PERFORM cdp._keep_quality(fitted.name, $2, fitted.kind, cut, $3,
		array_agg(held.said), array_agg(held.happened))
	FROM cdp._contract_holdout(early.model, period, grace, cut, $3) AS held;
END
$$;
COMMENT ON FUNCTION cdp._measure_contracts(record, integer, timestamptz) IS
'write the holdout figures and verdict of a version; nothing when there is too little before the holdout';

CREATE FUNCTION cdp._fit_contracts(fitted record, as_of timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	needed bigint := cdp._model_option(fitted.options, 'min_ended')::bigint;
	fit record;
	missing text;
	next_version integer;
BEGIN
	SELECT * INTO fit FROM cdp._fit_tenures((fitted.options ->> 'period')::interval,
		cdp._model_option(fitted.options, 'grace')::interval, $2);
	missing := CASE
		WHEN fit.ended < needed THEN
			format('%s of %s contracts that ended', fit.ended, needed)
		WHEN coalesce(cdp.model_status(fit.model), '') NOT IN ('converged', 'boundary') THEN
			'the model does not converge on these contracts'
	END;
	IF missing IS NOT NULL THEN
		PERFORM cdp._keep_waiting(fitted.name, missing);
		RETURN false;
	END IF;
	next_version := cdp._use_next_version(fitted.name, cdp.model_status(fit.model));
	INSERT INTO cdp.model_version (model, version, as_of, status, customers, ended, count_model)
	VALUES (fitted.name, next_version, $2, cdp.model_status(fit.model), fit.contracts,
		fit.ended, fit.model);
	PERFORM cdp._measure_contracts(fitted, next_version, $2);
	RETURN true;
END
$$;
COMMENT ON FUNCTION cdp._fit_contracts(record, timestamptz) IS
'fit a model of contracts as of a time and keep it as a new version; false when it has to wait';

-- "renewed 14 times since 2025-03-12; due on 2026-06-12"
CREATE FUNCTION cdp._say_tenure(renewals bigint, started_at timestamptz, renews_at timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('%s since %s; next renewal due on %s',
		CASE $1 WHEN 0 THEN 'not renewed yet, under contract' WHEN 1 THEN 'renewed once'
			ELSE format('renewed %s times', $1) END,
		($2 AT TIME ZONE zone.name)::date, ($3 AT TIME ZONE zone.name)::date)
	FROM (SELECT coalesce(cdp._read_setting('time_zone'::text), 'UTC') AS name) AS zone
$$;

CREATE FUNCTION cdp._contract_reasons(profile_id bigint, model text)
RETURNS TABLE (reason text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
AS $$
	SELECT said.reason
	FROM cdp.profile_score AS scored
		JOIN cdp._model_in_use AS made ON made.name = $2
		JOIN cdp._contract_history AS history ON history.profile_id = scored.profile_id
		CROSS JOIN LATERAL cdp._contract_state(history.names, history.times, scored.as_of,
			made.period, made.grace) AS state
		CROSS JOIN LATERAL cdp._renewals_due(state.renewed_at, made.period, scored.as_of,
			made.horizon) AS due
		CROSS JOIN LATERAL (SELECT scored.scores -> $2 AS score, due.periods AS due) AS one
		CROSS JOIN LATERAL (VALUES
			(1, cdp._say_tenure(state.renewals, state.started_at, state.renewed_at + made.period)),
			(2, CASE WHEN one.due = 0 THEN format('no renewal due in the next %s: cannot leave', made.horizon)
				ELSE format('will not renew when due in the next %s (%s): %s %%%s',
					made.horizon, CASE one.due WHEN 1 THEN 'once' ELSE format('%s times', one.due) END,
					round(100 * (one.score ->> 'value')::numeric),
					cdp._say_rank(one.score, 'contracts are less likely to end')) END),
			(3, format('of all that once were at this point %s %% renewed next time',
				round((100 * cdp.retention(made.count_model, state.renewals + 1))::numeric))),
			(4, format('expected to renew %s times in the next %s',
				round((one.score ->> 'lifetime')::numeric, 1), made.lifetime))
		) AS said (position, reason)
	WHERE scored.profile_id = $1
		AND one.score IS NOT NULL
		AND said.reason IS NOT NULL
	ORDER BY said.position
$$;
COMMENT ON FUNCTION cdp._contract_reasons(bigint, text) IS
'why a profile has the score of a model of contracts: its own renewals in words';
