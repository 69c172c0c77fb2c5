-- The forecast: chances against a plain estimator, ranges against simulated deals.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
SELECT cdp.add_source('crm') \g /dev/null
-- nothing is known of nothing
SELECT * FROM cdp.forecast();
SELECT part, pipeline, expected, happened FROM cdp.forecast_backtest('30 days', 1);
SELECT * FROM cdp.forecast('0 days');
SELECT * FROM cdp.forecast_backtest('30 days', 0);
-- many deals that are nearly sure, or nearly lost
SELECT deals, chance, round(range.mean::numeric, 2) AS mean, range.low, range.high
FROM (VALUES (1, 0.9999), (81, 0.9999), (100, 0.9999), (100, 0.0001), (100, '1e-200'::float8)) AS v (deals, chance)
CROSS JOIN LATERAL cdp._sum_range(array_fill(1000::float8, ARRAY[deals]), array_fill(chance, ARRAY[deals]),
	array_fill(0::float8, ARRAY[deals])) AS range;

-- Deals of thirty pipelines, each with a world of its own: how long a deal stays
-- in a stage, and how often it goes on from there.
\set seed 0.2718
SELECT setseed(:seed) AS "seed 0.2718";
INSERT INTO cdp.pipeline_stage (pipeline, stage, position, outcome)
SELECT 'p' || p, stage, position, outcome
FROM generate_series(1, 30) AS p,
	(VALUES ('talk', 1, 'open'), ('offer', 2, 'open'), ('won', 3, 'won'), ('lost', 4, 'lost')) AS s (stage, position, outcome);
CREATE TEMP TABLE world AS
SELECT p, 10 + 40 * random() AS talk_days, 10 + 60 * random() AS offer_days,
	0.3 + 0.5 * random() AS goes_on, 0.2 + 0.6 * random() AS wins
FROM generate_series(1, 30) AS p;
CREATE TEMP TABLE deal AS
SELECT row_number() OVER () AS n, world.*, opened, round((20 + 2000 * random() ^ 3)::numeric, 2) AS amount,
	-talk_days * ln(1 - random()) AS talks, -offer_days * ln(1 - random()) AS offers,
	random() < goes_on AS gets_offer, random() < wins AS is_won
FROM world, LATERAL (
	SELECT timestamptz '2024-06-01' + make_interval(secs => 86400 * 720 * random()) AS opened
	FROM generate_series(1, 150 + 0 * p)) AS drawn;
CREATE TEMP TABLE told AS
SELECT n, p, amount, opened AS at, 'talk' AS stage FROM deal
UNION ALL
SELECT n, p, amount, opened + make_interval(secs => 86400 * talks), CASE WHEN gets_offer THEN 'offer' ELSE 'lost' END FROM deal
UNION ALL
SELECT n, p, amount, opened + make_interval(secs => 86400 * (talks + offers)), CASE WHEN is_won THEN 'won' ELSE 'lost' END
FROM deal WHERE gets_offer;
SELECT outcome, count(*) FROM cdp.ingest_batch('crm', (
	SELECT jsonb_agg(jsonb_build_object('type', 'track', 'event', 'deal_stage', 'userId', 'u' || n % 500,
		'messageId', n || stage, 'timestamp', to_json(at), 'properties', jsonb_build_object(
			'deal_id', n, 'pipeline', 'p' || p, 'stage', stage, 'amount', amount)))
	FROM told WHERE at < timestamptz '2026-06-01 12:00')) GROUP BY 1;

-- the chances, against the estimator written as a loop
CREATE TEMP TABLE stay AS
SELECT 'p' || p AS pipeline, 'talk' AS stage, date_trunc('milliseconds', opened) AS entered,
	date_trunc('milliseconds', opened + make_interval(secs => 86400 * talks)) AS gone,
	date_trunc('milliseconds', opened + make_interval(secs => 86400 * CASE WHEN gets_offer THEN talks + offers ELSE talks END)) AS ended,
	gets_offer AND is_won AS won
FROM deal
UNION ALL
SELECT 'p' || p, 'offer', date_trunc('milliseconds', opened + make_interval(secs => 86400 * talks)),
	date_trunc('milliseconds', opened + make_interval(secs => 86400 * (talks + offers))),
	date_trunc('milliseconds', opened + make_interval(secs => 86400 * (talks + offers))), is_won
FROM deal WHERE gets_offer;
CREATE FUNCTION pg_temp.share_won(line text, at_stage text, as_of timestamptz, age float8, days float8) RETURNS float8
LANGUAGE plpgsql AS $$
DECLARE
	one record;
	at_risk integer;
	still_open float8 := 1;
	won float8 := 0;
BEGIN
	CREATE TEMP TABLE seen AS
	SELECT extract(epoch FROM least(ended, $3) - entered)::float8 / 86400 - $4 AS t, ended < $3 AS ended, ended < $3 AND stay.won AS won
	FROM stay
	WHERE pipeline = $1 AND stage = $2 AND entered < $3
		AND extract(epoch FROM least(gone, $3) - entered) / 86400 > $4;
	FOR one IN SELECT DISTINCT t FROM seen WHERE ended AND t <= $5 ORDER BY t LOOP
		at_risk := (SELECT count(*) FROM seen WHERE t >= one.t);
		won := won + still_open * (SELECT count(*) FROM seen WHERE t = one.t AND seen.won) / at_risk;
		still_open := still_open * (1 - (SELECT count(*) FROM seen WHERE t = one.t AND ended) / at_risk::float8);
	END LOOP;
	DROP TABLE seen;
	RETURN won;
END $$;
SELECT count(*) > 100 AS cells, count(*) FILTER (WHERE abs(told.chance
	- pg_temp.share_won(pipeline, stage, '2026-01-01', age, 60)) > 1e-4) AS wrong
FROM cdp._deal_chances('2026-01-01', 60) AS told WHERE pipeline IN ('p1', 'p2', 'p3', 'p17') AND known > 0;

-- what a stage leads to in the end is learnt by the merge run, for cdp.deal
CALL cdp.merge();
SELECT count(*) AS stages, count(*) FILTER (WHERE learnt_from < 5 OR abs(learnt_probability
	- pg_temp.share_won(pipeline, stage, '2026-06-01 12:00', 0, 1e9)) > 1e-4) AS wrong,
	count(learnt_probability) AS learnt FROM cdp.pipeline_stage WHERE outcome = 'open' AND pipeline <> 'sales';
SELECT count(*) > 100 AS deals, count(probability) = count(*) AS known FROM cdp.deal WHERE outcome = 'open';
-- an open deal has the chance of the latest age before its own
SELECT count(*) > 100 AS deals, count(*) FILTER (WHERE chance IS NULL) AS unknown, count(*) FILTER (WHERE abs(open.chance - (
	SELECT soon.chance FROM cdp._deal_chances('2026-01-01', 60) AS soon
	WHERE (soon.pipeline, soon.stage) = (open.pipeline, open.stage) AND soon.known >= CASE WHEN soon.age = 0 THEN 5 ELSE 20 END
		AND soon.age <= extract(epoch FROM '2026-01-01' - stay.entered) / 86400
	ORDER BY soon.age DESC LIMIT 1)) > 1e-9) AS wrong
FROM cdp._open_deals('2026-01-01', '2026-03-02') AS open
JOIN deal ON deal.n::text = open.deal_id
JOIN stay ON stay.pipeline = open.pipeline AND stay.stage = open.stage
	AND stay.entered = CASE open.stage WHEN 'talk' THEN date_trunc('milliseconds', opened)
		ELSE date_trunc('milliseconds', opened + make_interval(secs => 86400 * talks)) END;

-- The back-test: the truth of the plain table is what it says happened, and lies
-- within the ranges about as often as these say: 95 times of 100.
CREATE TEMP TABLE tested AS
SELECT * FROM cdp.forecast_backtest('60 days', 4, '2026-06-01');
SELECT count(*) AS forecasts, count(*) FILTER (WHERE happened <> (
	SELECT coalesce(sum(amount), 0) FROM deal
	WHERE 'p' || p = pipeline AND gets_offer AND is_won AND opened < origin
		AND opened + make_interval(secs => 86400 * (talks + offers)) >= origin
		AND opened + make_interval(secs => 86400 * (talks + offers)) < origin + interval '60 days')) AS wrong,
	avg(covered::integer) BETWEEN 0.9 AND 0.995 AS covers,
	sum(expected) / sum(happened) BETWEEN 0.85 AND 1.15 AS unbiased
FROM tested WHERE part = 'deals';
-- of many deals it says more
SELECT count(*) AS forecasts, bool_and(covered) AS covers, max((high - low) / expected) < 0.7 AS narrow
FROM tested WHERE part = 'total';

-- a probability that was given is that of winning in the end; what was learnt
-- says how much of it falls into the horizon
UPDATE cdp.pipeline_stage SET probability = 0.1 WHERE pipeline = 'p1' AND stage = 'offer';
SELECT bool_and(chance <= 0.1) AS at_most, bool_or(chance < 0.1) AS some_later, count(*) > 0 AS there
FROM cdp._open_deals('2026-01-01', '2026-02-01') WHERE pipeline = 'p1' AND stage = 'offer';
-- as long as nothing was learnt, the expected date does
INSERT INTO cdp.pipeline_stage VALUES ('new', 'first', 1, 0.5), ('new', 'second', 2, NULL);
SELECT cdp.ingest('crm', jsonb_build_object('type', 'track', 'event', 'deal_stage', 'userId', 'u1', 'messageId', 'new' || n,
	'timestamp', '2026-05-01', 'properties', jsonb_build_object('deal_id', 'new' || n, 'pipeline', 'new', 'stage', stage, 'amount', 1000, 'expected_close', close)))
FROM (VALUES (1, 'first', '2026-06-20'), (2, 'first', '2026-09-20'), (3, 'first', NULL), (4, 'second', NULL)) AS v (n, stage, close) \g /dev/null
SELECT deal_id, stage, amount, chance FROM cdp._open_deals('2026-06-01', '2026-08-30') WHERE pipeline = 'new' ORDER BY 1;
SELECT part, pipeline, units, unknown, open_amount, expected, low, high FROM cdp.forecast('90 days', '2026-06-01') WHERE pipeline = 'new';
-- the total is the sum
SELECT abs(sum(expected) FILTER (WHERE part = 'total') - sum(expected) FILTER (WHERE part <> 'total')) < 0.2 AS adds_up,
	sum(open_amount) FILTER (WHERE part = 'total') = sum(open_amount) FILTER (WHERE part <> 'total') AS amounts
FROM cdp.forecast('90 days', '2026-06-01');

-- Customers without an open deal: half of the revenue of a few hundred regulars.
SELECT cdp.ingest_batch('crm', (
	SELECT jsonb_agg(jsonb_build_object('type', 'track', 'event', 'order', 'userId', 'c' || c, 'messageId', 'c' || c || ' ' || n,
		'timestamp', to_json(timestamptz '2024-06-01' + make_interval(hours => (24 * (c % 30 + n * (10 + c % 50) * (0.5 + random())))::integer)),
		'properties', jsonb_build_object('order_id', 'c' || c || ' ' || n, 'total', 10 + c % 20)))
	FROM generate_series(1, 300) AS c, generate_series(0, 700 / (10 + c % 50)) AS n)) \g /dev/null
SELECT cdp.ingest('crm', jsonb_build_object('type', 'track', 'event', 'deal_stage', 'userId', 'c' || c, 'messageId', 'busy' || c,
	'timestamp', '2026-03-01', 'properties', jsonb_build_object('deal_id', 'busy' || c, 'pipeline', 'new', 'stage', 'first')))
FROM generate_series(1, 100) AS c \g /dev/null
SELECT origin, part, covered, happened = (
	SELECT sum(amount) FROM cdp.profile_order
	WHERE occurred_at >= origin AND occurred_at < origin + interval '60 days'
		AND order_key ~ '^c' AND (origin < '2026-03-01' OR substring(order_key FROM '^c(\d+)')::integer > 100)
		AND profile_id IN (SELECT profile_id FROM cdp.profile_order AS earlier WHERE earlier.occurred_at < origin)) AS true
FROM cdp.forecast_backtest('60 days', 2, '2026-05-20') WHERE part = 'customers' ORDER BY origin;
