-- When profiles reach the stages of a funnel, against a query that evaluates each
-- stage anew at every instant at which it is asked: random predicates, random data.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET TIME ZONE 'Asia/Tokyo';	-- nobody should care
SET client_min_messages = warning;
\set oracle :abs_srcdir '/test/data/segment_oracle.sql'
\set ECHO none
\i :oracle
\set ECHO all
\set seed 23
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0), set_config('segment_test.favourite', '1 day', false) \g /dev/null
CALL segment_test.make_data(24, 1000);
-- what some people are said to be expires
UPDATE cdp.profile_current
SET traits = traits - 'country', expiring = jsonb_build_object('country', (
	SELECT jsonb_agg(jsonb_build_object('until', until, 'value', country) ORDER BY until)
	FROM (VALUES (segment_test.random_time(), 'DE'), (segment_test.random_time(), 'BR'), (NULL, 'de')) AS step (until, country)))
WHERE random() < 0.4;

-- the events since, packed, asked at since and after each of them
CREATE FUNCTION segment_test.stage_reached(stage cdp.predicate, profile_id bigint, since timestamptz, until timestamptz)
RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
	tick CONSTANT interval := '1 millisecond';
	chunks cdp.timeline[] := ARRAY(
		SELECT cdp.timeline_between(chunk.data, $3 + tick, $4)
		FROM cdp.timeline_chunk AS chunk WHERE chunk.profile_id = $2 ORDER BY chunk.chunk);
BEGIN
	RETURN (
		SELECT candidate.at
		FROM (SELECT $3 AS at
			UNION SELECT event.occurred_at FROM unnest(chunks) AS chunk, cdp.timeline_events(chunk) AS event
			ORDER BY at OFFSET 0) AS candidate
		CROSS JOIN (
			SELECT cdp._facts(current, score, (SELECT held.channels FROM cdp._suppressed AS held WHERE held.profile_id = $2)) AS facts
			FROM cdp.profile_current AS current LEFT JOIN cdp.profile_score AS score USING (profile_id)
			WHERE current.profile_id = $2 OFFSET 0) AS known
		WHERE cardinality(cdp._evaluate(ARRAY[$1], context, candidate.at + tick, $2, chunks[1], chunks[2:], known.facts)) > 0
		ORDER BY candidate.at LIMIT 1);
END
$$;
CREATE FUNCTION segment_test.stages_reached(stages cdp.predicate[], profile_id bigint, since timestamptz, until timestamptz)
RETURNS timestamptz[] LANGUAGE plpgsql AS $$
DECLARE
	reached timestamptz[] := '{}';
	at timestamptz := since;
	stage cdp.predicate;
BEGIN
	FOREACH stage IN ARRAY stages LOOP
		at := segment_test.stage_reached(stage, $2, at, $4);
		EXIT WHEN at IS NULL;
		reached := reached || at;
	END LOOP;
	RETURN reached;
END
$$;

-- Stages that only events move, and any others about what timelines hold.
CREATE FUNCTION segment_test.stage() RETURNS cdp.predicate LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	stage cdp.predicate;
BEGIN
	IF random() < 0.5 THEN
		RETURN segment_test.pick(
			'did(order)', 'did(page_view)', 'did(never_seen)', 'not did(order)', 'did(order where amount > 5)', 'did(any where occurred_at >= 2019-02-10)',
			'count(order) >= 3', 'count(order) = 2 and not did(cart_add)', 'sum(order.amount) > 100', 'avg(order.amount) between 1 and 90',
			'active_days(any) >= 3', 'sessions(any) = 2', 'min(order.weight) < 1', 'latest(order.category) = ''shoes''', 'distinct_count(any.category) > 2',
			'unique_list(order.category) contains ''hats''', 'most_frequent(any.category) = ''Bags''', 'count(order, between 2018-11-04 and 2019-02-11) = 2',
			'did(page_view, since first(order))', 'did(order, since first_seen)', 'count(order where amount > avg(order.amount)) > 1', 'country = ''BR'' and did(order)',
			'sequence(page_view then order)', 'sequence(order then no page_view then order same category)', 'sequence(order then no page_view within 1 day)',
			'in_segment(''buyers'')', 'did(order, 7 days) and not did(page_view, 1 day)', 'days_since(order) >= 1', 'vip or suppressed(''email'')',
			'consent(''marketing'', ''email'')', 'last(order) > 2019-01-01 - 30 days');
	END IF;
	LOOP
		stage := (segment_test.predicates(1))[1];
		IF NOT cdp._has_undeclared(ARRAY[stage], cdp._evaluation_context()) THEN
			RETURN stage;
		END IF;
	END LOOP;
END
$$;
CREATE TABLE segment_test.funnel AS
SELECT n, (SELECT array_agg(segment_test.stage()) FROM generate_series(1, 1 + n % 3)) AS stages, since,
	since + random() * interval '100 days' + segment_test.pick('0', '1 us', '1 ms', '1 day', '100 days')::interval AS until
FROM (SELECT n, CASE WHEN n % 5 = 0 THEN timestamptz '2018-01-01' ELSE segment_test.random_time() END
	- segment_test.pick('0', '1 us', '1 ms', '999 us', '1001 us')::interval AS since FROM generate_series(1, 150) AS n OFFSET 0) AS begun;
CREATE TABLE segment_test.reached AS
SELECT funnel.n, told.profile_id, told.reached, segment_test.stages_reached(stages, told.profile_id, since, until) AS expected
FROM segment_test.funnel, cdp._funnel_reached(stages, since, until) AS told;
SELECT n, profile_id, stages, since, until, reached, expected
FROM segment_test.reached JOIN segment_test.funnel USING (n) WHERE reached IS DISTINCT FROM expected;
-- they tell: first and later stages are reached at once, by an event, and never
SELECT count(*) > 2000 AS compared, count(*) FILTER (WHERE reached[1] = since) > 300 AS at_once, count(*) FILTER (WHERE reached[1] > since) > 300 AS later,
	count(*) FILTER (WHERE cardinality(reached) BETWEEN 1 AND cardinality(stages) - 1) > 300 AS gave_up,
	count(*) FILTER (WHERE reached[2] > reached[1] AND reached[1] > since) > 100 AS later_again
FROM segment_test.reached JOIN segment_test.funnel USING (n);

-- the funnel is what that comes to
SELECT count(*) AS stages, count(*) FILTER (WHERE (told.stage, told.reached) IS DISTINCT FROM (cdp._predicate_bind(stages[told.step], cdp._evaluation_context())::text, expected.reached)
	OR told.conversion IS DISTINCT FROM expected.reached / nullif(before, 0)::float8 OR told.of_first IS DISTINCT FROM expected.reached / nullif(first, 0)::float8
	OR told.median_time IS DISTINCT FROM expected.took) AS wrong, count(told.median_time) > 5 AS timed
FROM segment_test.funnel, LATERAL (SELECT * FROM cdp.funnel(stages, '60 days', until) WHERE until > since) AS told
LEFT JOIN LATERAL (
	SELECT count(at[told.step]) AS reached, CASE WHEN told.step > 1 THEN count(at[told.step - 1]) END AS before, count(at[1]) AS first,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(at[told.step], until - interval '60 days') - greatest(at[told.step - 1], until - interval '60 days'))
			FILTER (WHERE told.step > 1 AND at[told.step] IS NOT NULL) AS took
	FROM (SELECT segment_test.stages_reached(stages, profile_id, until - interval '60 days 1 ms', until) FROM cdp.profile_current) AS one (at)) AS expected ON true
WHERE n <= 60;

-- beyond the ends of time, and of what is asked without an answer
SELECT cdp._stages_reached('{vip,did(order)}', cdp._evaluation_context(), 'infinity', 1, NULL, NULL, NULL, since) FROM unnest('{-infinity,infinity}'::timestamptz[]) AS since;
SELECT cdp._stages_reached('{not did(order),not did(order)}', cdp._evaluation_context(), 'infinity', 1, NULL, NULL, NULL, since) FROM unnest('{-infinity,infinity}'::timestamptz[]) AS since;
SELECT cdp._stages_reached('{"days_since(order) is null"}', cdp._evaluation_context(), 'infinity', 1, NULL, NULL, NULL, '294276-12-31 23:59:59.9995+00');
SELECT cdp._stages_reached('{}', cdp._evaluation_context(), 'infinity', 1, NULL, NULL, NULL, '2020-01-01'), cdp._stages_reached(NULL, '{}', now(), 1, NULL, NULL, NULL, now()) IS NULL AS nothing;
-- stages of each row
SELECT cdp._stages_reached(ARRAY[stage]::cdp.predicate[], cdp._evaluation_context(), '2020-01-02', 1, NULL, NULL, NULL, '2020-01-01+00') <> '{}' AS reached
FROM unnest('{not did(order),did(order),did(order),count(order) = 0}'::text[]) AS stage;
DROP SCHEMA segment_test CASCADE;
