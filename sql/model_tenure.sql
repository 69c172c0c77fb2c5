-- Models of contracts, from events of profiles: what a contract is, the fit of
-- a published curve, its scores, measure and reasons.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\pset format unaligned
SET TIME ZONE 'UTC';
SET client_min_messages = warning;

-- by hand: a month from one renewal to the next, 7 days of grace, as of 1 June
CREATE FUNCTION pg_temp.state(events text) RETURNS TABLE (started_at date, renewals bigint, renewed_at date, ended boolean)
LANGUAGE sql AS $$
	SELECT state.started_at::date, state.renewals, state.renewed_at::date, state.ended
	FROM (SELECT array_agg(split_part(event, ' ', 1) ORDER BY n) AS names, array_agg(split_part(event, ' ', 2)::timestamptz ORDER BY n) AS times
			FROM unnest(string_to_array($1, ', ')) WITH ORDINALITY AS u (event, n)) AS history,
		LATERAL cdp._contract_state(names, times, '2026-06-01', '1 month', '7 days') AS state
$$;
SELECT what, state.* FROM (VALUES
	(1, 'begun, nothing due yet', 'contract_start 2026-05-10'),
	(2, 'renewed twice', 'contract_start 2026-03-10, renewal 2026-04-10, renewal 2026-05-10'),
	(3, 'overdue, may still come', 'contract_start 2026-03-26, renewal 2026-04-26'),
	(4, 'overdue for too long', 'contract_start 2026-03-25, renewal 2026-04-25'),
	(5, 'cancelled', 'contract_start 2026-04-10, renewal 2026-05-10, cancellation 2026-05-20'),
	(6, 'renewed after all', 'contract_start 2026-04-10, cancellation 2026-05-01, renewal 2026-05-10'),
	(7, 'a second contract', 'contract_start 2026-01-10, renewal 2026-02-10, cancellation 2026-02-20, contract_start 2026-05-20'),
	(8, 'renewals only: the first begins it', 'renewal 2026-03-10, renewal 2026-04-10, renewal 2026-05-10'),
	(9, 'what is to come is not known', 'contract_start 2026-05-20, cancellation 2026-06-01'),
	(10, 'no contract', 'cancellation 2026-05-20')
) AS one (n, what, events) LEFT JOIN LATERAL pg_temp.state(events) AS state ON true ORDER BY n;

-- how many fall due: by the calendar, against counting one by one, seed 3
SELECT setseed(0.3) \g /dev/null
SELECT count(*), count(*) FILTER (WHERE due.periods <> counted.n) AS different, max(counted.n) > 100 AS far
FROM (SELECT timestamptz '2024-01-31 00:00+00' + floor(random() * 800) * interval '1 hour' AS renewed_at,
			(ARRAY['1 month', '1 year', '3 months', '30 days', '7 days', '36 hours', '1 month 1 day'])[1 + floor(random() * 7)]::interval AS period,
			floor(random() * 2000) * interval '1 day' AS horizon FROM generate_series(1, 2000)) AS one,
	LATERAL cdp._renewals_due(renewed_at, period, renewed_at, horizon) AS due,
	LATERAL (SELECT count(*) AS n FROM generate_series(1, 1400) AS k WHERE renewed_at + k * period <= renewed_at + horizon) AS counted;

-- an option that cannot be is refused where it is written
INSERT INTO cdp.model (name, kind) VALUES ('renews', 'contract');
INSERT INTO cdp.model (name, kind, options) VALUES ('renews', 'contract', '{"period": "1 year", "color": "red"}');
INSERT INTO cdp.model (name, kind, options) VALUES ('renews', 'contract', '{"period": "-1 year"}');
INSERT INTO cdp.model (name, kind, options) VALUES ('renews', 'contract', '{"period": "1 year", "grace": "-1 day"}');
INSERT INTO cdp.model (name, kind, options) VALUES ('renews', 'contract', '{"period": "1 year", "min_ended": 0}');
INSERT INTO cdp.model (name, kind, options) VALUES ('churn2', 'churn', '{}');
UPDATE cdp.model SET options = options || '{"kinds": ["sbg"]}' WHERE name = 'churn';
UPDATE cdp.model SET options = options || '{"margin": 0}' WHERE name = 'clv';
UPDATE cdp.model SET options = options || '{"annual_rate": -1}' WHERE name = 'clv';
UPDATE cdp.model SET options = options || '{"horizon": "soon"}' WHERE name = 'clv';
UPDATE cdp.model SET options = '{"l2": 3}' WHERE name = 'lead';

-- one contract, and none that ended: it waits
INSERT INTO cdp.model (name, kind, description, options) VALUES
	('renews', 'contract', 'will not renew within a year', '{"period": "1 year", "horizon": "365 days"}');
SELECT cdp.add_source('billing') > 0 AS billing;
SELECT cdp.ingest('billing', '{"type": "track", "event": "Subscription Started", "messageId": "1", "userId": "first", "timestamp": "2026-05-01T00:00:00Z"}') > 0 AS profile;
SELECT cdp._fit_models();
SELECT status, says FROM cdp.model_report('renews');
SELECT model, started_at, renewals, renews_at, ended, churn FROM cdp.contract;
SELECT cdp.ingest('billing', '{"type": "track", "event": "Subscription Cancelled", "messageId": "2", "userId": "first", "timestamp": "2026-05-02T00:00:00Z"}') > 0 AS profile;
SELECT renews_at, ended FROM cdp.contract;
UPDATE cdp.model SET options = options || '{"min_ended": 1}' WHERE name = 'renews';
SELECT cdp._fit_models();
SELECT status, says FROM cdp.model_report('renews');
UPDATE cdp.model SET options = options - 'min_ended' WHERE name = 'renews';

-- 1000 customers of 2018, by how many were left after each yearly renewal: the
-- regular segment of Fader, Hardie 2007, table 1; half of those who left said so
SET cdp.test_clock = '2017-12-31';
INSERT INTO cdp.inbox (source, record)
SELECT 'billing', jsonb_build_object('type', 'track', 'event', event, 'messageId', customer || event || n, 'userId', 'u' || customer,
	'timestamp', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'properties', jsonb_build_object('renewal_id', customer || '-' || n))
FROM generate_series(1, 1000) AS customer,
	LATERAL (SELECT count(*) FILTER (WHERE customer <= left_over)::int AS renewals FROM unnest('{631,468,382,326,289,262,241}'::int[]) AS left_over) AS lasted,
	LATERAL (
		SELECT 'Subscription Started' AS event, 0 AS n, timestamptz '2018-01-01 12:00+00' AS at
		UNION ALL SELECT 'Subscription Renewed', n, '2018-01-01 12:00+00'::timestamptz + n * interval '1 year' FROM generate_series(1, renewals) AS n
		UNION ALL SELECT 'Subscription Cancelled', 0, '2018-02-01 12:00+00'::timestamptz + renewals * interval '1 year' WHERE renewals < 7 AND customer % 2 = 0) AS happened;
SET cdp.test_clock = '2025-06-01 12:00:00+00';
SELECT cdp.drop_model('lead'), cdp.drop_model('purchase_30d') \g /dev/null
CALL cdp.merge();
SELECT renewals, ended, count(*) FROM cdp.contract GROUP BY 1, 2 ORDER BY 1, 2;
SELECT customers, ended, abs(cdp.model_param(count_model, 'alpha') / 0.704077298473516 - 1) < 1e-8 AS alpha,
	abs(cdp.model_param(count_model, 'beta') / 1.18204302620948 - 1) < 1e-8 AS beta, count_model::jsonb ->> 'unit' AS unit
FROM cdp.model_version WHERE model = 'renews' AND version = (SELECT version FROM cdp.model WHERE name = 'renews');

-- held back: the last renewal, which 241 of 262 took; of the 21, 11 had cancelled
-- by then and are not asked
SELECT holdout_from, holdout_to, quality.customers, abs(happened - 10 / 251.0) < 1e-12 AS happened,
	abs(said - cdp.churn(early.model, 6, 1)) < 1e-9 AS said, verdict
FROM cdp.model_quality AS quality, LATERAL (
	SELECT cdp.fit_sbg(least(tenure, 6), tenure < 7, customers) AS model
	FROM (VALUES (1, 369), (2, 163), (3, 86), (4, 56), (5, 37), (6, 27), (7, 262)) AS curve (tenure, customers)) AS early
WHERE quality.model = 'renews';
SELECT status, says FROM cdp.model_report('renews');

-- scores: by the published parameters, of the next renewal; none of who left
SELECT count(*), count(DISTINCT value), bool_and(abs(value - 0.704077298473516 / (0.704077298473516 + 1.18204302620948 + 7)) < 1e-8) AS churn,
	bool_and(low < value AND value < high) AS within, min(made_by) AS made_by FROM cdp.score WHERE model = 'renews';
-- the renewals to come in five years, one by one
SELECT count(*), bool_and(abs(lifetime - expected) < 1e-7) AS lifetime FROM cdp.contract,
	(SELECT sum(exp(logs)) AS expected FROM (
		SELECT sum(ln((1.18204302620948 + 7 + k) / (0.704077298473516 + 1.18204302620948 + 7 + k))) OVER (ORDER BY k) AS logs FROM generate_series(0, 4) AS k) AS each) AS plain
WHERE lifetime IS NOT NULL;
-- the interval is that of the delta method: of the log odds of leaving, ln a - ln(b + 7)
SELECT abs(ln(low / (1 - low)) - (ln(p / (1 - p)) - 1.959963984540054 * sd)) < 1e-6 AS low, abs(ln(high / (1 - high)) - (ln(p / (1 - p)) + 1.959963984540054 * sd)) < 1e-6 AS high
FROM (SELECT DISTINCT low, high, value AS p FROM cdp.score WHERE model = 'renews') AS score,
	(SELECT cdp.model_param(count_model, 'alpha') AS a, cdp.model_param(count_model, 'beta') AS b, count_model::jsonb -> 'covariance' AS c
		FROM cdp.model_version WHERE model = 'renews' ORDER BY version DESC LIMIT 1) AS fit,
	LATERAL (SELECT 1 / a AS by_a, -1 / (b + 7) AS by_b) AS gradient,
	LATERAL (SELECT sqrt(by_a ^ 2 * (c -> 0 ->> 0)::float8 + 2 * by_a * by_b * (c -> 1 ->> 0)::float8 + by_b ^ 2 * (c -> 1 ->> 1)::float8) AS sd) AS error;
SELECT reason FROM cdp.score_reasons((SELECT min(profile_id) FROM cdp.score WHERE model = 'renews'), 'renews');
SELECT count(*) FROM cdp.score_reasons((SELECT min(profile_id) FROM cdp.contract WHERE ended), 'renews');
SELECT cdp.segment_size('score(''renews'') < 0.1') AS may_leave;

-- a contract that renews is scored behind the record; a horizon in which
-- nothing falls due has nobody leave
SET cdp.test_clock = '2026-01-05 12:00:00+00';
SELECT cdp.ingest('billing', '{"type": "track", "event": "Subscription Renewed", "messageId": "r8", "userId": "u1", "timestamp": "2026-01-01T12:00:00Z"}') AS u1 \gset
SELECT cdp.churn(count_model, 8, 1) > 0.999 * value AND cdp.churn(count_model, 8, 1) < 1.001 * value AS eighth, renewals
FROM cdp.score JOIN cdp.contract USING (profile_id, model), cdp.model_version AS made
WHERE profile_id = :u1 AND made.model = 'renews' AND made.version = score.version;
UPDATE cdp.model SET options = options || '{"horizon": "90 days"}' WHERE name = 'renews';
SELECT cdp.refresh_scores() > 0 AS scored;
SELECT value, count(*) FROM cdp.score WHERE model = 'renews' GROUP BY value = 0, value ORDER BY value;
SELECT reason FROM cdp.score_reasons(:u1, 'renews') OFFSET 1 LIMIT 1;
SELECT model, count(*) FROM cdp.score GROUP BY model;
-- the days pass, and the silence of those who did not renew has told
SET cdp.test_clock = '2026-01-09 12:00:00+00';
SELECT cdp.refresh_scores() > 0 AS scored;
SELECT count(*) FROM cdp.score WHERE model = 'renews';

-- a rebuild leaves the same
CREATE TABLE public.before AS SELECT * FROM cdp.profile_score;
CALL cdp.rebuild();
SELECT count(*) AS different FROM public.before FULL JOIN cdp.profile_score AS after USING (profile_id)
WHERE to_jsonb(before) IS DISTINCT FROM to_jsonb(after);
DROP TABLE public.before;

-- who is restricted has no contract and no score, until that is lifted
BEGIN;
SELECT cdp.restrict_subject(:u1, 'disputes it') IS NOT NULL AS restricted;
SELECT cdp.ingest('billing', '{"type": "track", "event": "Subscription Renewed", "messageId": "r9", "userId": "u1", "timestamp": "2026-01-08T12:00:00Z"}') = :u1 AS kept;
SELECT count(*) FROM cdp.contract WHERE profile_id = :u1;
SELECT count(*) FROM cdp.profile_score WHERE profile_id = :u1;
SELECT cdp.refresh_scores();
SELECT count(*) FROM cdp.profile_score WHERE profile_id = :u1;
SELECT cdp.unrestrict_subject(:u1, 'settled') IS NOT NULL AS lifted;
SELECT model, renewals, lifetime IS NOT NULL AS scored FROM cdp.contract WHERE profile_id = :u1;
ROLLBACK;

-- hours or years: the same contracts, faster
SELECT cdp.fit_sbg(state.renewals + state.ended::int, state.ended)::jsonb - 'unit' = made.count_model::jsonb - 'unit' AS same, count(*)
FROM cdp._contract_history AS history
	CROSS JOIN (SELECT count_model FROM cdp.model_version WHERE model = 'renews' ORDER BY version DESC LIMIT 1) AS made
	CROSS JOIN LATERAL (SELECT array_agg('2018-01-01 12:00+00'::timestamptz + extract(epoch FROM at - '2018-01-01 12:00+00')::float8 / 8766 * interval '1 second' ORDER BY n) AS times
		FROM unnest(history.times) WITH ORDINALITY AS u (at, n)) AS faster
	CROSS JOIN LATERAL cdp._contract_state(history.names, faster.times, '2018-01-01 19:25:00+00', '1 hour', '30 seconds') AS state
WHERE history.times[1] < '2020-01-01'
GROUP BY made.count_model::text, made.count_model::jsonb;

-- a model of contracts can go
SELECT cdp.drop_model('renews'), cdp.drop_model('churn');
SELECT cdp.drop_model('renews');
SELECT count(*) FROM cdp.profile_score;
