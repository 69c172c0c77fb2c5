-- measure.sql: one round of segments.sh.
SET search_path = bench, pg_catalog;
CREATE FUNCTION pg_temp.note(what text, n integer, since double precision, members bigint) RETURNS void LANGUAGE sql AS $$
	INSERT INTO bench.took SELECT current_setting('bench.round')::integer, $1, $2, bench.cpu() - $3, $4 $$;
SELECT set_config('bench.round', :'round', false);
-- all is in memory, and plans are made
SELECT count(*) FROM cdp._evaluate_all(ARRAY(SELECT predicate FROM predicate ORDER BY n), '2026-06-01 00:00+00');
SELECT sum(length(data::text) * 0 + 1) FROM (SELECT data FROM cdp.timeline_chunk LIMIT 1) AS one;

-- the scan alone: each timeline once, twenty predicates, which the plan knows as
-- that of a refresh does
SET plan_cache_mode = force_custom_plan;
DO $$
DECLARE
	asked cdp.predicate[] := ARRAY(SELECT predicate FROM predicate ORDER BY n);
	context jsonb := cdp._evaluation_context();
	start double precision := bench.cpu();
	members bigint;
BEGIN
	SELECT sum(cardinality(cdp._evaluate(asked, context, '2026-06-01 00:00+00', first.profile_id, first.data, later.timelines))) INTO members
	FROM cdp.timeline_chunk AS first
	LEFT JOIN (SELECT profile_id, array_agg(data ORDER BY chunk) AS timelines FROM cdp.timeline_chunk WHERE chunk > 1 GROUP BY profile_id) AS later
		USING (profile_id)
	WHERE first.chunk = 1;
	PERFORM pg_temp.note('scan', 20, start, members);
END
$$;
RESET plan_cache_mode;

-- with the join to all profiles, and the members of each counted
DO $$
DECLARE
	start double precision;
	asked integer;
BEGIN
	-- two are the least: one by itself may be taken from the log
	FOREACH asked IN ARRAY '{2,10,20,100}'::integer[] LOOP
		start := bench.cpu();
		CREATE TEMP TABLE counted AS
		SELECT place, members
		FROM unnest(cdp._count_all(ARRAY(SELECT predicate FROM many WHERE n <= asked ORDER BY n), '2026-06-01 00:00+00')) WITH ORDINALITY AS counted (members, place);
		PERFORM pg_temp.note('join', asked, start, (SELECT sum(members)::bigint FROM counted));
		IF asked = 20 THEN
			INSERT INTO took SELECT current_setting('bench.round')::integer, 'count', predicate.n, 0, coalesce(counted.members, 0)
			FROM predicate LEFT JOIN counted ON place = predicate.n;
		END IF;
		DROP TABLE counted;
	END LOOP;
END
$$;

-- the same with a row a profile, as a refresh takes it
DO $$
DECLARE
	start double precision := bench.cpu();
	members bigint;
BEGIN
	SELECT sum(counted.members) INTO members
	FROM (SELECT place, count(*) AS members
		FROM cdp._evaluate_all(ARRAY(SELECT predicate FROM predicate ORDER BY n), '2026-06-01 00:00+00'), unnest(matched) AS place
		GROUP BY place) AS counted;
	PERFORM pg_temp.note('rows', 20, start, members);
END
$$;

-- one by one in SQL over the flat table
DO $$
DECLARE
	start double precision;
	asked record;
	members bigint;
BEGIN
	FOR asked IN SELECT * FROM predicate ORDER BY n LOOP
		start := bench.cpu();
		EXECUTE asked.query INTO members;
		PERFORM pg_temp.note('sql', asked.n, start, members);
	END LOOP;
END
$$;

-- single predicates, by timelines and from the log
DO $$
DECLARE
	start double precision;
	asked record;
	members bigint;
BEGIN
	FOR asked IN
		SELECT n, predicate FROM (VALUES (1, 'country = ''DE'''::cdp.predicate), (2, 'did(page_view, 1 day)'), (3, 'did(rare)'),
			(4, 'count(order) >= 5'), (5, 'did(order where note = ''x'')')) AS given (n, predicate)
	LOOP
		start := bench.cpu();
		members := cdp.segment_size(asked.predicate, '2026-06-01 00:00+00');
		PERFORM pg_temp.note('ad hoc', asked.n, start, members);
		IF asked.n IN (1, 4) THEN
			start := bench.cpu();
			SELECT count(*) INTO members FROM cdp._evaluate_log(ARRAY[asked.predicate], '2026-06-01 00:00+00', NULL) AS evaluated WHERE evaluated.matched <> '{}';
			PERFORM pg_temp.note('from log', asked.n, start, members);
		END IF;
	END LOOP;
END
$$;
