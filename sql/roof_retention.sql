-- Retention by source: what is too old goes, and all that follows from it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set digest :abs_srcdir '/test/data/digest.sql'
\set ECHO none
\i :digest
\set ECHO all

-- a retention is longer than nothing
SELECT cdp.add_source('bad', retention => '0');
SELECT cdp.add_source('web', retention => '90 days') \g /dev/null
SELECT cdp.add_source('shop') \g /dev/null
SELECT cdp.add_source('partner', 'third_party', retention => '1 month') \g /dev/null
\set VERBOSITY terse
UPDATE cdp.source SET retention = '-1 day' WHERE name = 'web';
\set VERBOSITY default
UPDATE cdp.trait SET history = true WHERE name = 'city';
SELECT cdp.define_segment('viewers', 'count(product_view) >= 1') \g /dev/null

-- an event a day from both sources, before and since; ann and bob share them
INSERT INTO cdp.inbox (source, record)
SELECT source, format('{"type": "track", "event": "Product Viewed", "userId": "%s", "messageId": "%s-%s", "timestamp": "%s"}',
	CASE WHEN n % 2 = 0 THEN 'ann' ELSE 'bob' END, source, n, to_char(timestamp '2026-03-10 12:00' + n * interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
FROM unnest('{web,shop}'::text[]) AS source, generate_series(0, 80) AS n;
INSERT INTO cdp.inbox (source, record) VALUES
	('web', '{"type": "identify", "userId": "ann", "messageId": "i1", "timestamp": "2026-03-10T12:00:00Z", "traits": {"city": "Graz"}}'),
	('web', '{"type": "identify", "userId": "ann", "messageId": "i2", "timestamp": "2026-05-10T12:00:00Z", "traits": {"name": "Ann"}}'),
	('web', '{"type": "track", "event": "Product Viewed", "userId": "cleo", "messageId": "c1", "timestamp": "2026-03-10T12:00:00Z"}'),
	('partner', '{"id": "p-1", "segment": "golfers", "at": "2026-05-20T12:00:00Z"}');
CALL cdp.merge();

CREATE FUNCTION pg_temp.kept() RETURNS TABLE (source text, events bigint, oldest timestamptz)
LANGUAGE sql AS $$
	SELECT source.name, count(event_id), min(occurred_at)
	FROM cdp.source LEFT JOIN cdp.event USING (source_id) GROUP BY 1 ORDER BY 1
$$;
CREATE FUNCTION pg_temp.profiles() RETURNS TABLE (who text, events bigint, in_timeline bigint, city text, segments text[])
LANGUAGE sql AS $$
	SELECT u.identifiers #>> '{user_id,0}', u.events,
		(SELECT count(*) FROM cdp.profile_event AS e WHERE e.profile_id = u.profile_id), u.city, u.segments
	FROM cdp.unified_profile AS u ORDER BY 1
$$;
SELECT * FROM pg_temp.kept();
SELECT * FROM pg_temp.profiles();

-- a record that comes too late is rejected, and so is a repeat
SELECT cdp.ingest('web', '{"type": "track", "event": "late", "userId": "ann", "timestamp": "2026-03-03T11:59:59Z", "messageId": "l1"}');
SELECT source, reason, field, message FROM cdp.reject ORDER BY reject_id;

-- nothing is too old yet
SELECT name, removed_before FROM cdp.source ORDER BY name;
-- two weeks later, in batches smaller than what there is to do
SET cdp.test_clock = '2026-06-14 12:00:00+00';
CALL cdp.merge(batch => 1);
SELECT * FROM pg_temp.kept();
SELECT * FROM pg_temp.profiles();
SELECT count(*) AS history FROM cdp.trait_history;
SELECT name, removed_before FROM cdp.source ORDER BY name;
SELECT count(*) AS identifiers FROM cdp.identifier;
SELECT count(*) AS waiting FROM cdp.todo;
-- what is gone does not come back
SELECT cdp.ingest('web', '{"type": "track", "event": "Product Viewed", "userId": "ann", "messageId": "web-0"}') IS NOT NULL AS known;
SELECT * FROM pg_temp.kept();

-- once a day; later that day nothing is looked at
SET cdp.test_clock = '2026-06-14 23:00:00+00';
SELECT count(*) AS due FROM cdp._due_retentions();

-- a shorter retention takes more, at any time of day; a longer one brings
-- nothing back and lets older records in
UPDATE cdp.source SET retention = '30 days' WHERE name = 'web';
CALL cdp.merge();
SELECT * FROM pg_temp.kept();
UPDATE cdp.source SET retention = '1 year' WHERE name = 'web';
SELECT cdp.ingest('web', '{"type": "track", "event": "Product Viewed", "userId": "ann", "timestamp": "2026-01-01T00:00:00Z", "messageId": "old"}') IS NOT NULL AS known;
CALL cdp.merge();
SELECT * FROM pg_temp.kept();
UPDATE cdp.source SET retention = '30 days' WHERE name = 'web';
CALL cdp.merge();
SELECT * FROM pg_temp.kept();

-- a day on, what the pass looks through are the months at its limit
SET cdp.test_clock = '2026-06-16 12:00:00+00';
SELECT since, until FROM cdp._due_retentions() JOIN cdp.source USING (source_id) WHERE name = 'web';
CALL cdp.merge();
-- the partner's list has run out
SELECT count(*) AS third_party FROM cdp.trait_observation WHERE name LIKE 'third_party.%';
SET cdp.test_clock = '2026-06-21 12:00:00+00';
CALL cdp.merge();
SELECT count(*) AS third_party FROM cdp.trait_observation WHERE name LIKE 'third_party.%';

-- a rebuild finds the same
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.canonical_digest();
CALL cdp.rebuild();
SELECT now.name FROM pg_temp.canonical_digest() AS now
	LEFT JOIN before ON before = now WHERE before IS NULL;

-- exact to the microsecond, whatever the merge run did: at t + retention it is out
-- of sight, a microsecond before it is not
SELECT cdp.add_source('brief', retention => '10 days'), cdp.add_source('list', 'third_party') \g /dev/null
SELECT name, retention FROM cdp.source WHERE name IN ('brief', 'list') ORDER BY name;
SELECT cdp.ingest('brief', '{"type": "track", "event": "order", "userId": "dora", "messageId": "x1", "timestamp": "2026-06-20T10:00:00Z", "properties": {"product_id": "p"}}') AS dora \gset
SELECT cdp.ingest('brief', format('{"type": "track", "event": "%s", "userId": "dora", "messageId": "%1$s", "timestamp": "2026-06-20T10:00:00Z", "properties": {"return_id": "r", "ticket_id": "t", "total": 5}}', name)::jsonb) = :dora AS same
FROM unnest('{return,ticket}'::text[]) AS name;
-- an order that is gone from the source that counts is kept by another
UPDATE cdp.source SET priority = 900 WHERE name = 'brief';
SELECT cdp.ingest(source, '{"type": "track", "event": "order", "userId": "dora", "messageId": "x3", "timestamp": "2026-06-20T10:00:00Z", "properties": {"order_id": "o-1"}}') = :dora AS same
FROM unnest('{brief,shop}'::text[]) AS source;
SELECT cdp.ingest('brief', '{"type": "identify", "userId": "dora", "messageId": "x2", "timestamp": "2026-06-20T10:00:00Z", "traits": {"city": "Linz"}}') \g /dev/null
SELECT cdp.ingest('list', '{"id": "p-9", "segment": "golfers", "at": "2026-06-20T10:00:00Z"}') AS golfer \gset
CALL cdp.merge();
CREATE FUNCTION pg_temp.seen(dora bigint, golfer bigint) RETURNS TABLE (events bigint, products bigint, cities bigint, identifiers bigint, as_of timestamptz)
LANGUAGE sql AS $$
	SELECT (SELECT count(*) FROM cdp.profile_event AS e WHERE e.profile_id = $1), (SELECT count(*) FROM cdp.event_product AS e WHERE e.profile_id = $1),
		(SELECT count(*) FROM cdp.profile_trait_history AS t WHERE t.profile_id = $1 AND name = 'city'),
		(SELECT count(*) FROM cdp.profile_identifier AS i WHERE i.profile_id = $2),
		(SELECT u.as_of FROM cdp.unified_profile AS u WHERE u.profile_id = $1)
$$;
CREATE FUNCTION pg_temp.told(dora bigint) RETURNS TABLE (orders text, returns bigint, sessions numeric, timeline bigint, newest bigint, interactions bigint, said bigint)
LANGUAGE sql AS $$
	SELECT (SELECT string_agg(coalesce(order_key, 'none') || ' of ' || source.name, ', ' ORDER BY order_key) FROM cdp.profile_order JOIN cdp.source USING (source_id) WHERE profile_id = $1),
		(SELECT count(*) FROM cdp.profile_return AS r WHERE r.profile_id = $1), (SELECT sum(events) FROM cdp.profile_session AS s WHERE s.profile_id = $1),
		(SELECT count(*) FROM cdp.timeline_of($1)), (SELECT count(*) FROM cdp.timeline_of($1, 1)), (SELECT count(*) FROM cdp.interaction_history($1)),
		(SELECT count(*) FROM cdp.lineage($1, 'city'))
$$;
SET cdp.test_clock = '2026-06-30 09:59:59.999999+00';
SELECT * FROM pg_temp.seen(:dora, :golfer);
SELECT * FROM pg_temp.told(:dora);
SET cdp.test_clock = '2026-06-30 10:00:00+00';
SELECT * FROM pg_temp.seen(:dora, :golfer);
SELECT * FROM pg_temp.told(:dora);
SET timezone = 'America/New_York';
SET cdp.test_clock = '2026-06-30 09:59:59.999999+00';
SELECT events, products, cities FROM pg_temp.seen(:dora, :golfer);
SET timezone = 'UTC';
SET cdp.test_clock = '2026-09-18 09:59:59.999999+00';
SELECT identifiers FROM pg_temp.seen(:dora, :golfer);
SET cdp.test_clock = '2026-09-18 10:00:00+00';
SELECT identifiers FROM pg_temp.seen(:dora, :golfer);
-- what is derived follows with the next run, and says so
SELECT city, events, as_of < cdp.clock() AS of_before FROM cdp.unified_profile WHERE profile_id = :dora;
CALL cdp.merge();
SELECT city, events, as_of = cdp.clock() AS of_now FROM cdp.unified_profile WHERE profile_id = :dora;

-- a month in which nothing must be kept is dropped whole, one with something of a
-- source that keeps it is not
SET cdp.test_clock = '2026-11-20 12:00:00+00';
INSERT INTO cdp.inbox (source, record)
SELECT source, format('{"type": "track", "event": "x", "userId": "%s", "messageId": "%s-%s-%s", "timestamp": "%s"}',
	CASE n % 2 WHEN 0 THEN 'ann' ELSE 'bob' END, source, at, n, to_char(at::timestamp + n * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
FROM (VALUES ('web', '2026-10-30'), ('web', '2026-11-01'), ('shop', '2026-11-02')) AS given (source, at), generate_series(0, 3) AS n;
UPDATE cdp.source SET retention = '30 days' WHERE name = 'web';
CALL cdp.merge();
SELECT count(*) AS october FROM cdp.event_202610;
SET cdp.test_clock = '2026-12-05 12:00:00+00';
CALL cdp.merge();
SELECT to_regclass('cdp.event_202610') IS NULL AS october_gone, to_regclass('cdp.event_202611') IS NULL AS november_gone;
SELECT source, count(*) FROM cdp.profile_event WHERE name = 'x' GROUP BY 1;
SELECT sum((SELECT count(*) FROM cdp.timeline_chunk AS chunk, cdp.timeline_events(chunk.data) AS event JOIN cdp.event_name USING (name_id)
	WHERE event_name.name = 'x' AND chunk.profile_id = u.profile_id)) AS in_timelines FROM cdp.unified_profile AS u;
SELECT * FROM cdp.retention_rule ORDER BY data_class, source, identifier_type, purpose;
TRUNCATE before;
INSERT INTO before SELECT * FROM pg_temp.canonical_digest();
CALL cdp.rebuild();
SELECT now.name FROM pg_temp.canonical_digest() AS now
	LEFT JOIN before ON before = now WHERE before IS NULL;

-- runs are kept 90 days
UPDATE cdp.run_log SET started_at = cdp.clock() - interval '91 days' WHERE run_id = 1;
CALL cdp.merge();
SELECT min(run_id) AS oldest_run FROM cdp.run;
