-- Deals: their state, funnels and the forecast, against oracles over plain tables.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
SET intervalstyle = 'postgres';
SELECT cdp.add_source('crm', default_region => 'DE') \g /dev/null

-- plain types only, for tools of every kind
SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) AS columns
FROM pg_attribute WHERE attrelid = 'cdp.deal'::regclass AND attnum > 0 \gx

CREATE FUNCTION pg_temp.tell(person text, at timestamptz, properties jsonb) RETURNS bigint LANGUAGE sql AS $$
	SELECT cdp.ingest('crm', jsonb_build_object('type', 'track', 'event', 'deal_stage', 'userId', person,
		'messageId', gen_random_uuid(), 'timestamp', to_json(at), 'properties', properties)) $$;

-- one deal by hand: what an event leaves out stays, stages are told in any case
SELECT pg_temp.tell('ann', '2026-05-01', '{"deal_id": 7, "stage": "Qualification", "amount": 100, "owner": "Eve", "expected_close": "2026-06-30"}') AS ann \gset
SELECT pg_temp.tell('ann', '2026-05-03', '{"deal_id": "7", "amount": 120}') \g /dev/null
SELECT pg_temp.tell('ann', '2026-05-04', '{"deal_id": "7", "stage": "proposal", "owner": ""}') \g /dev/null
SELECT pg_temp.tell('ann', '2026-05-20', '{"deal_id": "7", "stage": "proposal", "expected_close": "soon"}') \g /dev/null
SELECT deal_id, profile_id = :ann AS is_ann, pipeline, stage, position, outcome, amount, owner,
	expected_close, opened_at, stage_since, time_in_stage, closed_at FROM cdp.deal \gx
-- what has no deal_id is about no deal, a stage that is not listed is open, an
-- event of the future is not yet seen, and at one instant the later stage counts
SELECT pg_temp.tell('ann', '2026-05-21', '{"stage": "won"}'), pg_temp.tell('ann', '2026-05-21', '{"deal_id": "", "stage": "won"}'),
	pg_temp.tell('bob', '2026-05-21', '{"deal_id": "8", "stage": "legal check", "pipeline": "partners"}'),
	pg_temp.tell('ann', '2026-06-01 12:00', '{"deal_id": "7", "stage": "won"}'),
	pg_temp.tell('cyd', '2026-05-21', '{"deal_id": "9", "stage": "Closed Won", "amount": 5}'),
	pg_temp.tell('cyd', '2026-05-21', '{"deal_id": "9", "stage": "negotiation"}') \g /dev/null
SELECT deal_id, pipeline, stage, position, outcome, amount, closed_at FROM cdp.deal ORDER BY deal_id;
-- a deal is of whom its last event is about; merged ids lead to the live profile
SELECT pg_temp.tell('bob', '2026-05-30', '{"deal_id": "7"}') AS bob \gset
SELECT deal_id, stage, owner FROM cdp.deals_of(:ann);
SELECT deal_id, stage, owner FROM cdp.deals_of(:bob);
SELECT cdp.decide('user_id:ann', 'user_id:bob', 'always', 'one desk') \g /dev/null
SELECT deal_id, stage, owner FROM cdp.deals_of(greatest(:ann, :bob));
SELECT cdp.deals_of(987654321);
SELECT cdp.deals_of(NULL);
-- without the property in timelines the log answers
SELECT cdp.undeclare_property('deal_stage', 'deal_id');
SELECT deal_id, stage FROM cdp.deals_of(:ann);
SELECT open_deals = (SELECT count(*) FROM cdp.deals_of(:ann) WHERE outcome = 'open') AS same, open_deals > 0 AS some FROM cdp.contact_of(:ann);
SELECT cdp.declare_property('deal_stage', 'deal_id');
-- deals of whom is restricted are only kept
SELECT count(*) > 0 AS some, cdp.resolve(:ann) AS ann FROM cdp.deal WHERE profile_id = cdp.resolve(:ann) \gset
SELECT :'some' AS some, cdp.restrict_subject(:ann, 'disputes them') IS NOT NULL AS restricted;
SELECT count(*) FROM cdp.deal WHERE profile_id = :ann;
SELECT cdp.unrestrict_subject(:ann, 'settled') IS NOT NULL AS lifted;
SELECT count(*) > 0 AS some FROM cdp.deal WHERE profile_id = :ann;
-- stages are checked
INSERT INTO cdp.pipeline_stage (pipeline, stage, position) VALUES ('sales', 'Legal Check', 3);
INSERT INTO cdp.pipeline_stage (pipeline, stage, position, outcome) VALUES ('sales', 'gone', 3, 'gone');
INSERT INTO cdp.pipeline_stage (pipeline, stage, position, probability) VALUES ('sales', 'gone', 3, 1.5);

-- random deals: what the view says against what a reader of the plain table says
\set seed 0.1811
SELECT setseed(:seed) AS "seed 0.1811";
CREATE TEMP TABLE told AS
SELECT n, 'r' || deal AS deal, 'p' || CASE WHEN random() < 0.1 THEN 3 ELSE deal % 13 END AS person,
	timestamptz '2025-01-01' + make_interval(mins => (n * 617 + random() * 600)::integer) AS at,
	(ARRAY['qualification', 'proposal', 'negotiation', 'won', 'lost', 'other', NULL, NULL])[1 + (random() * 7)::integer] AS stage,
	CASE WHEN random() < 0.5 THEN (random() * 1000)::integer END AS amount,
	CASE WHEN random() < 0.3 THEN 'o' || (random() * 3)::integer END AS owner
FROM (SELECT n, (random() * 99)::integer AS deal FROM generate_series(1, 700) AS n) AS drawn;
SELECT outcome, count(*) FROM cdp.ingest_batch('crm', (
	SELECT jsonb_agg(jsonb_build_object('type', 'track', 'event', 'deal_stage', 'userId', person,
		'messageId', n::text, 'timestamp', to_json(at), 'properties', jsonb_strip_nulls(jsonb_build_object(
			'deal_id', deal, 'stage', stage, 'amount', amount, 'owner', owner))) ORDER BY random()) FROM told)) GROUP BY 1;
CREATE FUNCTION pg_temp.known_stage(about text, until timestamptz) RETURNS text LANGUAGE sql AS $$
	SELECT stage FROM told WHERE deal = $1 AND at <= $2 AND stage IS NOT NULL ORDER BY at DESC LIMIT 1 $$;
CREATE TEMP VIEW oracle AS
SELECT one.deal AS deal_id, cdp.find_profile('user_id', last.person) AS profile_id, now.stage,
	coalesce((SELECT min(told.at) FROM told WHERE told.deal = one.deal AND told.at > (
		SELECT max(other.at) FROM told AS other WHERE other.deal = one.deal
			AND pg_temp.known_stage(one.deal, other.at) IS DISTINCT FROM now.stage)),
		(SELECT min(told.at) FROM told WHERE told.deal = one.deal)) AS stage_since,
	(SELECT told.amount FROM told WHERE told.deal = one.deal AND told.amount IS NOT NULL ORDER BY told.at DESC LIMIT 1)::numeric AS amount,
	(SELECT told.owner FROM told WHERE told.deal = one.deal AND told.owner IS NOT NULL ORDER BY told.at DESC LIMIT 1) AS owner,
	(SELECT min(told.at) FROM told WHERE told.deal = one.deal) AS opened_at
FROM (SELECT DISTINCT deal FROM told) AS one
CROSS JOIN LATERAL (SELECT person FROM told WHERE told.deal = one.deal ORDER BY at DESC LIMIT 1) AS last
CROSS JOIN LATERAL (SELECT pg_temp.known_stage(one.deal, 'infinity') AS stage) AS now;
CREATE TEMP VIEW answer AS
SELECT deal_id, profile_id, stage, stage_since, amount, owner, opened_at FROM cdp.deal WHERE deal_id LIKE 'r%';
SELECT (SELECT count(*) FROM answer) AS deals,
	(SELECT count(*) FROM (TABLE oracle EXCEPT ALL TABLE answer) AS missing) AS missing,
	(SELECT count(*) FROM (TABLE answer EXCEPT ALL TABLE oracle) AS wrong) AS wrong;
-- and profile by profile
SELECT count(*) AS wrong FROM (
	SELECT DISTINCT profile_id FROM cdp.profile_id_map JOIN cdp.profile_identifier USING (profile_id)
	WHERE type = 'user_id' AND value LIKE 'p%') AS one
CROSS JOIN LATERAL (
	(SELECT deal_id FROM cdp.deals_of(one.profile_id) EXCEPT SELECT deal_id FROM oracle WHERE profile_id = one.profile_id)
	UNION ALL
	(SELECT deal_id FROM oracle WHERE profile_id = one.profile_id EXCEPT SELECT deal_id FROM cdp.deals_of(one.profile_id))) AS wrong;

-- the funnel: a deal has reached a step if it has seen it or one after it
CREATE TEMP VIEW place AS
SELECT deal, at, pg_temp.known_stage(deal, at) AS stage FROM told;
CREATE FUNCTION pg_temp.step_at(about text, step integer) RETURNS timestamptz LANGUAGE sql AS $$
	SELECT min(at) FROM place WHERE deal = $1
		AND ($2 = 1 OR stage = ANY ((ARRAY['qualification', 'proposal', 'negotiation', 'won'])[$2:])) $$;
WITH opened AS (
	SELECT deal FROM told GROUP BY deal HAVING min(at) >= timestamptz '2026-05-01' - interval '400 days'
), reached AS (
	SELECT deal, step, pg_temp.step_at(deal, step) AS at FROM opened, generate_series(1, 4) AS step
), expected AS (
	SELECT step, count(at) AS reached,
		(SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY two.at - one.at)
			FROM reached AS one JOIN reached AS two USING (deal)
			WHERE one.step = reached.step - 1 AND two.step = reached.step) AS took,
		(SELECT count(*) FROM opened WHERE pg_temp.known_stage(deal, 'infinity') = 'lost'
			AND (SELECT max(other.step) FROM reached AS other WHERE other.deal = opened.deal AND other.at IS NOT NULL) = reached.step) AS lost
	FROM reached GROUP BY step
)
SELECT count(*) AS steps, bool_and(told.reached = expected.reached AND told.lost = expected.lost
	AND told.median_time IS NOT DISTINCT FROM expected.took) AS equal
FROM cdp.funnel('sales', '400 days', '2026-05-01') AS told JOIN expected USING (step);
SELECT step, stage, reached > 0 AS reached, conversion BETWEEN 0 AND 1 AS converts, of_first BETWEEN 0 AND 1 AS of_first
FROM cdp.funnel('sales', '400 days', '2026-05-01');
SELECT * FROM cdp.funnel('nothing');
SELECT * FROM cdp.funnel('sales', '-1 day');
SELECT * FROM cdp.funnel('sales', NULL);
