-- incremental_ingest.sql: what incremental.sh runs second: calls of cdp.ingest()
-- against the same rows written by kept plans.
SET client_min_messages = warning;
SET synchronous_commit = off;
SET check_function_bodies = off;
\pset format unaligned
\pset tuples_only on

CREATE EXTENSION cdp;
SELECT cdp.setup(), cdp.add_source('web') \g /dev/null
\ir incremental_records.sql

-- 60,000 records to begin with, by the merge run, and 20 segments.
CREATE FUNCTION bench.lines(batch integer) RETURNS TABLE (record integer, line text) LANGUAGE sql AS $$
	SELECT record, jsonb_strip_nulls(jsonb_build_object('type', 'track',
		'event', CASE WHEN record % 8 = 0 THEN 'Order Completed' WHEN record % 3 = 0 THEN 'Product Viewed' ELSE 'Page Viewed' END,
		'messageId', batch || '-' || record,
		'timestamp', to_char('2025-12-01'::timestamp + make_interval(mins => batch * 100 + record / 100), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
		'anonymousId', min(value) FILTER (WHERE type = 'anonymous_id'),
		'userId', min(value) FILTER (WHERE type = 'user_id'),
		'context', CASE WHEN bool_or(type = 'device_id') THEN jsonb_build_object('device',
			jsonb_build_object('id', min(value) FILTER (WHERE type = 'device_id'))) END,
		'externalIds', jsonb_agg(jsonb_build_object('type', 'crm_id', 'id', value)) FILTER (WHERE type = 'crm_id'),
		'properties', jsonb_build_object('email', min(value) FILTER (WHERE type = 'email'),
			'phone', min(value) FILTER (WHERE type = 'phone'),
			'total', CASE WHEN record % 8 = 0 THEN 10 + record % 90 END)))::text
	FROM bench.key
	GROUP BY record
$$;
DO $$
BEGIN
	FOR batch IN 1 .. 6 LOOP
		PERFORM bench.make_batch(10000);
		INSERT INTO cdp.inbox (source, record) SELECT 'web', line FROM bench.lines(batch);
	END LOOP;
END
$$;
CALL cdp.merge();
SELECT cdp.define_segment('bench_' || n, format(CASE n % 5
	WHEN 0 THEN 'count(page_view) >= %s' WHEN 1 THEN 'orders >= %s'
	WHEN 2 THEN 'sum(order.amount, %s0 days) > 50' WHEN 3 THEN 'did(product_view) and not did(order, %s days)'
	ELSE 'kind = ''known'' and did(any, %s days)' END, n)::cdp.predicate)
FROM generate_series(1, 20 - (SELECT count(*)::integer FROM cdp.segment WHERE active)) AS n \g /dev/null
CALL cdp.merge();
VACUUM ANALYZE;

-- The floor's tables: copies of the store's as they are now, indexes too.
CREATE FUNCTION bench.copy_table(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	definition text;
BEGIN
	EXECUTE format('CREATE TABLE bench.%1$I (LIKE cdp.%1$I); INSERT INTO bench.%1$I SELECT * FROM cdp.%1$I', name);
	FOR definition IN SELECT indexdef FROM pg_indexes WHERE schemaname = 'cdp' AND tablename = name LOOP
		EXECUTE replace(replace(definition, ' ON cdp.', ' ON bench.'), ' ON ONLY cdp.', ' ON bench.');
	END LOOP;
END
$$;
SELECT bench.copy_table(name)
FROM unnest('{message,identifier,profile,identifier_set,identifier_set_member,identifier_set_seen,identifier_strong,event,ingest_tally,timeline_chunk,profile_current,membership_change}'::text[]) AS name \g /dev/null
CREATE TABLE bench.mark AS
SELECT (SELECT max(identifier_id) FROM cdp.identifier) AS last_identifier,
	(SELECT max(set_id) FROM cdp.identifier_set) AS last_set,
	(SELECT max(profile_id) FROM cdp.profile) AS last_profile,
	(SELECT coalesce(max(change_id), 0) FROM cdp.membership_change) AS last_change;

-- The calls.
CREATE TABLE bench.call AS SELECT record, line::jsonb AS line
FROM (SELECT bench.make_batch(1200)) AS made, bench.lines(7) ORDER BY record;
CREATE TABLE bench.took (what text, record integer, ms double precision);
CREATE TABLE bench.used (what text, ms double precision);
CREATE PROCEDURE bench.call_all(from_record integer, to_record integer) LANGUAGE plpgsql AS $$
DECLARE
	one record;
	started timestamptz;
	used double precision := bench.cpu();
BEGIN
	FOR one IN SELECT * FROM bench.call WHERE record BETWEEN from_record AND to_record LOOP
		started := clock_timestamp();
		PERFORM cdp.ingest('web', one.line);
		COMMIT;
		INSERT INTO bench.took VALUES ('ingest', one.record, 1000 * extract(epoch FROM clock_timestamp() - started));
	END LOOP;
	INSERT INTO bench.used VALUES ('ingest', 1000 * (bench.cpu() - used) / (to_record - from_record + 1));
	COMMIT;
END
$$;
CALL bench.call_all(1, 200);
TRUNCATE bench.took, bench.used;
CALL bench.call_all(201, 1200);

-- What each call wrote, to be written again: the newest state stands for those
-- between, and rows that say nothing of it (the ledger's key) are made up.
CREATE TABLE bench.write AS
SELECT call.record, event, current, piece, evidence,
	evidence.set_id > mark.last_set AND row_number() OVER (PARTITION BY set_id ORDER BY event_id) = 1 AS set_is_new,
	ARRAY(SELECT identifier FROM cdp.identifier
		WHERE identifier_id = ANY (evidence.identifiers) AND identifier_id > mark.last_identifier) AS identifiers,
	ARRAY(SELECT pair FROM cdp.identifier_strong AS pair
		WHERE weak_id = ANY (evidence.identifiers) AND strong_id = ANY (evidence.identifiers)) AS pairs,
	ARRAY(SELECT profile FROM cdp.profile
		WHERE founder = ANY (evidence.identifiers) AND profile_id > mark.last_profile) AS profiles,
	ARRAY(SELECT moved FROM cdp.membership_change AS moved
		WHERE moved.profile_id = profile.root AND change_id > mark.last_change) AS changes
FROM bench.call CROSS JOIN bench.mark
	JOIN cdp.event ON message_id = '7-' || call.record
	JOIN cdp.identifier_set AS evidence USING (set_id)
	JOIN cdp.identifier ON identifier.identifier_id = evidence.owner
	JOIN cdp.profile ON profile.profile_id = identifier.leaf
	JOIN cdp.profile_current AS current ON current.profile_id = profile.root
	JOIN cdp.timeline_chunk AS piece ON piece.profile_id = profile.root AND piece.chunk = 1
WHERE record > 200;

CREATE FUNCTION bench.write(one bench.write) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO bench.message (source_id, key) VALUES (1, gen_random_uuid()) ON CONFLICT DO NOTHING;
	IF one.set_is_new THEN
		INSERT INTO bench.identifier SELECT * FROM unnest(one.identifiers) ON CONFLICT DO NOTHING;
		INSERT INTO bench.profile SELECT * FROM unnest(one.profiles) ON CONFLICT DO NOTHING;
		INSERT INTO bench.identifier_set SELECT (one.evidence).* ON CONFLICT DO NOTHING;
		INSERT INTO bench.identifier_set_member
		SELECT identifier_id, (one.evidence).set_id FROM unnest((one.evidence).identifiers) AS identifier_id;
		INSERT INTO bench.identifier_strong SELECT * FROM unnest(one.pairs) ON CONFLICT DO NOTHING;
	ELSE
		INSERT INTO bench.identifier_set_seen
		VALUES ((one.evidence).set_id, (one.evidence).first_seen, (one.evidence).last_seen, 1);
	END IF;
	INSERT INTO bench.event SELECT (one.event).*;
	INSERT INTO bench.ingest_tally VALUES ('web', now(), 1, 1, 0, 0, 0);
	INSERT INTO bench.timeline_chunk SELECT (one.piece).*
	ON CONFLICT (profile_id, chunk) DO UPDATE SET data = excluded.data;
	INSERT INTO bench.profile_current SELECT (one.current).*
	ON CONFLICT (profile_id) DO UPDATE SET last_seen = excluded.last_seen, events = excluded.events,
		orders = excluded.orders, last_order_at = excluded.last_order_at, as_of = excluded.as_of,
		revenue = excluded.revenue, traits = excluded.traits, lineage = excluded.lineage,
		identifiers = excluded.identifiers, segment_ids = excluded.segment_ids;
	INSERT INTO bench.membership_change SELECT * FROM unnest(one.changes) ON CONFLICT DO NOTHING;
END
$$;
CREATE PROCEDURE bench.write_all() LANGUAGE plpgsql AS $$
DECLARE
	one bench.write;
	started timestamptz;
	used double precision := bench.cpu();
BEGIN
	FOR one IN SELECT * FROM bench.write ORDER BY record LOOP
		started := clock_timestamp();
		PERFORM bench.write(one);
		COMMIT;
		INSERT INTO bench.took VALUES ('floor', one.record, 1000 * extract(epoch FROM clock_timestamp() - started));
	END LOOP;
	INSERT INTO bench.used VALUES ('floor', 1000 * (bench.cpu() - used) / (SELECT count(*) FROM bench.write));
	COMMIT;
END
$$;
CALL bench.write_all();

\echo '| 1,000 calls, 20 active segments | calls | CPU ms a call | wall ms, median | p95 | p99 |'
\echo '|---|---|---|---|---|---|'
SELECT format('| %s | %s | %s | %s | %s | %s |', CASE what WHEN 'ingest' THEN 'cdp.ingest()' ELSE 'floor: the same rows by kept plans' END,
	count(*), round(min(used.ms)::numeric, 2),
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY took.ms)::numeric, 2),
	round(percentile_cont(0.95) WITHIN GROUP (ORDER BY took.ms)::numeric, 2),
	round(percentile_cont(0.99) WITHIN GROUP (ORDER BY took.ms)::numeric, 2))
FROM bench.took JOIN bench.used USING (what)
GROUP BY what
ORDER BY what;
\echo
\echo '| synchronous | target | value |'
\echo '|---|---|---|'
SELECT format('| CPU against the floor | at most 1.5 | %s |', round((ingest.ms / floor.ms)::numeric, 2))
FROM bench.used AS ingest, bench.used AS floor WHERE ingest.what = 'ingest' AND floor.what = 'floor';
SELECT format('| p95 wall, synchronous_commit = off | 2 ms | %s |', round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::numeric, 2))
FROM bench.took WHERE what = 'ingest';
