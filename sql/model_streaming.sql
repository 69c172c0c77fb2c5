-- Scores behind cdp.ingest(): as of now, the same as a refresh of all scores
-- says, for customers and contracts; and what fails stands in no record's way.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET TIME ZONE 'UTC';
SET client_min_messages = warning;
SELECT cdp.add_source('web') > 0 AS web;
\set seed 21
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CREATE FUNCTION pg_temp.record(who text, event text, at timestamptz, number text, amount numeric) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('type', 'track', 'messageId', concat_ws('/', $1, $2, $4), 'userId', $1, 'event', $2,
		'timestamp', to_char($3 AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
		'properties', jsonb_strip_nulls(jsonb_build_object('order_id', CASE WHEN $2 = 'order' THEN $4 END,
			'renewal_id', CASE WHEN $2 = 'renewal' THEN $4 END, 'total', $5)))
$$;

-- 300 customers with a rhythm and a level of spend of their own, some of whom
-- give things back; 200 contracts of a month, which end with a chance of their own
CREATE TABLE public.history AS
SELECT 'c' || c AS who, event, at, row_number() OVER () AS number, amount
FROM (SELECT c, 3 + random() * 60 AS gap, 10 + random() * 90 AS spend, random() * 300 AS start, 1 + floor(random() ^ 2 * 9)::int AS times
		FROM generate_series(1, 300) AS c) AS customer,
	LATERAL (
		SELECT 'order' AS event, timestamptz '2025-06-01' + (start + n * gap * (0.6 + random() * 0.8)) * interval '1 day' AS at,
			round((spend * (0.5 + random()))::numeric, 2) AS amount
		FROM generate_series(0, times) AS n
		UNION ALL
		SELECT 'return', timestamptz '2025-06-01' + (start + times * gap / 2) * interval '1 day', round((spend / 2)::numeric, 2)
		WHERE c % 7 = 0) AS bought
WHERE at < '2026-06-01'
UNION ALL
SELECT 'm' || c, event, at, 100000 + row_number() OVER (), NULL
FROM (SELECT c, date '2025-06-01' + floor(random() * 300)::int AS start, random() * random() AS leaves
		FROM generate_series(1, 200) AS c) AS contract,
	LATERAL (SELECT least(floor(ln(1 - random()) / ln(1 - leaves)), 20)::int AS renewals) AS lasted,
	LATERAL (
		SELECT 'contract_start' AS event, start::timestamptz AS at
		UNION ALL SELECT 'renewal', (start + n * interval '1 month')::timestamptz FROM generate_series(1, renewals) AS n
		UNION ALL SELECT 'cancellation', (start + renewals * interval '1 month' + interval '9 days')::timestamptz WHERE renewals < 20 AND c % 3 > 0) AS happened
WHERE at < '2026-06-01';
INSERT INTO cdp.model (name, kind, options) VALUES
	('renews', 'contract', '{"period": "1 month", "horizon": "90 days"}'),
	('renews_next', 'contract', '{"period": "1 month", "horizon": "1 month", "grace": "3 days"}');
-- a run that found nobody does not keep those from being scored who come next:
-- half of them are known, and scored
CALL cdp.merge();
SELECT profiles FROM cdp.score_run;
INSERT INTO cdp.inbox (source, record)
SELECT 'web', pg_temp.record(who, event, at, number::text, amount) FROM public.history
WHERE right(who, 1) < '5' AND at < '2026-05-01';
CALL cdp.merge();
SELECT name, status, version FROM cdp.model WHERE kind <> 'propensity' ORDER BY name COLLATE "C";

-- the rest comes by calls, one at a time and in bunches; then what a refresh says
SELECT count(cdp.ingest('web', pg_temp.record(who, event, at, number::text, amount))) > 500 AS one_by_one
FROM (SELECT * FROM public.history WHERE number % 2 = 0 ORDER BY at, number) AS line;
SELECT count(*) > 10 AS bunches
FROM (SELECT jsonb_agg(pg_temp.record(who, event, at, number::text, amount) ORDER BY at, number) AS records
		FROM public.history WHERE number % 2 = 1 GROUP BY number / 50) AS line, LATERAL cdp.ingest_batch('web', records);
CREATE TABLE public.streamed AS SELECT * FROM cdp.profile_score;
SELECT cdp.refresh_scores() = count(*) AS scored FROM public.streamed WHERE revenue IS NOT NULL OR scores ?| '{renews,renews_next}';
-- one instant, every customer and contract: all but the ranks is the same
CREATE FUNCTION pg_temp.unranked(jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT $1 - '{rfm_recency,rfm_frequency,rfm_monetary,scores}'::text[] || jsonb_build_object('scores', (
		SELECT jsonb_object_agg(key, value - 'percentile') FROM jsonb_each($1 -> 'scores')))
$$;
SELECT count(after.revenue) = (SELECT count(DISTINCT who) FROM public.history WHERE who LIKE 'c%') AS customers,
	count(after.scores -> 'renews') = (SELECT count(*) FROM cdp.contract WHERE model = 'renews' AND NOT ended) AS contracts,
	count(after.scores -> 'renews') > 50 AS many,
	count(*) FILTER (WHERE pg_temp.unranked(to_jsonb(streamed)) IS DISTINCT FROM pg_temp.unranked(to_jsonb(after))) AS different
FROM public.streamed FULL JOIN cdp.profile_score AS after USING (profile_id);
-- ranks were those of the run before, and whoever came since had none
SELECT bool_or((scores -> 'churn' -> 'percentile') IS DISTINCT FROM 'null') AS some_ranked,
	count(*) FILTER (WHERE rfm IS NOT NULL AND rfm_recency IS NULL) > 100 AS some_not FROM public.streamed;
SELECT count(*) FILTER (WHERE percentile IS NULL) AS unranked FROM cdp.score WHERE model IN ('churn', 'clv', 'renews');

-- a caller reads its own write, and so do segments
SELECT cdp.define_segment('leaving', 'score(''churn'') >= 0.7') \g /dev/null
SELECT cdp.refresh_segments() > 0 AS leaving;
SELECT profile_id AS id, who FROM cdp.profile_current, LATERAL (SELECT identifiers -> 'user_id' ->> 0 AS who) AS named
WHERE cdp.is_member(profile_id, 'in_segment(''leaving'')') AND orders >= 3 ORDER BY profile_id LIMIT 1 \gset
SELECT value AS before, percentile AS rank FROM cdp.score WHERE profile_id = :id AND model = 'churn' \gset
BEGIN;
SELECT cdp.ingest('web', pg_temp.record(:'who', 'order', timestamptz '2026-06-01 12:00:00+00' - make_interval(days => 3 * n), 'own' || n, 20)) = :id AS hers
FROM generate_series(1, 6) AS n;
SELECT value < :before AS less, percentile = :rank AS ranked_as_before, as_of = cdp.clock() AS now
FROM cdp.score WHERE profile_id = :id AND model = 'churn';
SELECT 'leaving' = ANY (segments) AS leaving FROM cdp.unified_profile WHERE profile_id = :id;
ROLLBACK;

-- by the server's clock, a statement that waited for a refresh began before it:
-- its scores do not go back in time
BEGIN;
SET LOCAL cdp.test_clock = '';
SELECT count(cdp._score_profiles(ARRAY[:id]::bigint[])) AS scored, count(cdp._refresh_propensity('{lead}')) AS lead
FROM (SELECT cdp.refresh_scores() OFFSET 0) AS before;
SELECT scored.as_of > run.as_of AS after, lead.scored_at > run.as_of AS lead_after
FROM cdp.profile_score AS scored, cdp.score_run AS run, cdp.propensity AS lead
WHERE scored.profile_id = :id AND lead.model = 'lead';
ROLLBACK;

-- what happens at the instant itself is not yet seen, as in every question
SELECT revenue AS before FROM cdp.profile_score WHERE profile_id = :id \gset
SELECT cdp.ingest('web', pg_temp.record(:'who', 'order', cdp.clock(), 'instant', 20)) = :id AS hers;
SELECT revenue = :before AS as_before FROM cdp.profile_score WHERE profile_id = :id;
-- a visitor has nothing to score
SELECT cdp.ingest('web', pg_temp.record('visitor', 'page_view', '2026-05-31', '1', NULL)) AS visitor \gset
SELECT count(*) FROM cdp.profile_score WHERE profile_id = :visitor;
-- two customers who turn out to be one: the row that is left says it all
SELECT cdp.ingest('web', jsonb_build_object('type', 'identify', 'messageId', who || ' is one', 'userId', who, 'timestamp', '2026-05-31T00:00:00Z',
	'traits', '{"email": "one@example.com"}'::jsonb)) IS NOT NULL AS known FROM unnest('{x1,x2}'::text[]) AS who;
SELECT count(cdp.ingest('web', pg_temp.record(who, 'order', '2026-05-30', 'of ' || who, 10))) FROM unnest('{y1,y2}'::text[]) AS who;
SELECT cdp.ingest('web', jsonb_build_object('type', 'alias', 'messageId', 'y', 'userId', 'y1', 'previousId', 'y2', 'timestamp', '2026-05-31T00:00:00Z')) AS y \gset
CREATE TABLE public.left_over AS SELECT * FROM cdp.profile_score;
SELECT cdp.refresh_scores() > 0 AS scored;
SELECT count(*) AS different FROM public.left_over FULL JOIN cdp.profile_score AS after USING (profile_id)
WHERE left_over.profile_id IS NULL OR after.profile_id IS NULL;

-- the merge run scores whom it touched, without scoring everybody
INSERT INTO cdp.inbox (source, record) SELECT 'web', pg_temp.record(:'who', 'order', '2026-05-31 10:00', 'inbox', 33);
SELECT statement_at AS run FROM cdp.score_run \gset
CALL cdp.merge();
SELECT revenue = :before + 33 AS scored, statement_at = :'run' AS no_refresh FROM cdp.profile_score, cdp.score_run WHERE profile_id = :id;
SELECT count(*) FROM cdp.todo;

-- many customers without ranks make a refresh due, but not those of whom no
-- purchase is seen yet
SELECT count(cdp.ingest('web', pg_temp.record('later' || n, 'order', cdp.clock(), 'later' || n, 10))) FROM generate_series(1, 10) AS n;
SELECT cdp._scores_due();
SELECT count(cdp.ingest('web', pg_temp.record('new' || n, 'order', '2026-05-31', 'new' || n, 10))) FROM generate_series(1, 10) AS n;
SELECT cdp._scores_due();
INSERT INTO cdp.inbox (source, record) SELECT 'web', pg_temp.record('new11', 'order', '2026-05-31', 'new11', 10);
CALL cdp.merge();
SELECT cdp._scores_due(), count(*) FILTER (WHERE rfm_recency IS NULL) AS unranked FROM cdp.profile_score WHERE rfm IS NOT NULL;

-- models that are missing, cannot be fitted, or fail: the record is taken in
SET client_min_messages = warning;
UPDATE cdp.model_version SET spend_model = '{"kind":"sbg","params":{"alpha":1,"beta":1}}' WHERE model = 'clv';
SELECT clv_365d AS clv FROM cdp.profile_score WHERE profile_id = :id \gset
SELECT cdp.ingest('web', pg_temp.record(:'who', 'order', '2026-05-31 11:00', 'failing', 20)) = :id AS taken_in;
SELECT cdp.refresh_scores() > 0 AS scored;
SELECT status, detail FROM cdp.model WHERE name = 'clv';
SELECT cdp.ingest('web', pg_temp.record(:'who', 'order', '2026-05-31 11:30', 'without', 20)) = :id AS taken_in;
SELECT clv_365d = :clv AS clv_stays, (scores -> 'clv' ->> 'value')::numeric = :clv AS score_stays, revenue = :before + 73 AS others_go_on
FROM cdp.profile_score WHERE profile_id = :id;
UPDATE cdp.model SET version = NULL, status = 'waiting', detail = NULL WHERE kind <> 'propensity';
SELECT cdp.ingest('web', pg_temp.record(:'who', 'order', '2026-05-31 11:45', 'none', 20)) = :id AS taken_in;
SELECT scores - '{lead,purchase_30d}'::text[] AS scores, lifecycle, revenue = :before + 93 AS seen FROM cdp.profile_score WHERE profile_id = :id;
DROP TABLE public.history, public.streamed, public.left_over;
