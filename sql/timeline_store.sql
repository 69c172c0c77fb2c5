\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
SELECT cdp.add_source('web') AS web, cdp.add_source('till') AS till \g /dev/null

-- what a record's event becomes, newest first; undeclared properties stay in
-- the log
SELECT cdp.ingest('web', '{"type": "track", "event": "Product Viewed", "userId": "u1", "messageId": "1",
	"timestamp": "2026-05-02T10:00:00.123Z", "properties": {"product_id": "p-1", "category": "shoes", "price": 5}}');
SELECT cdp.ingest('till', '{"type": "track", "event": "order", "userId": "u1", "messageId": "2",
	"timestamp": "2026-05-03T10:00:00Z", "properties": {"order_id": "o-1", "total": 49.90, "currency": "EUR", "quantity": 2}}');
-- a late one goes where it belongs
SELECT cdp.ingest('web', '{"type": "track", "event": "Something Else", "userId": "u1", "messageId": "3",
	"timestamp": "2025-05-02T10:00:00Z"}');
SELECT * FROM cdp.timeline_of(1);
SELECT occurred_at, name FROM cdp.timeline_of(1, 2);
SELECT * FROM cdp.timeline_of(1, 0);
SELECT * FROM cdp.timeline_of(4711);
SELECT * FROM cdp.timeline_of(NULL);
SELECT chunk, data FROM cdp.timeline_chunk WHERE profile_id = 1;

-- many events by many ways: in bulk, one by one, late, from merged profiles.
-- Timelines equal the log, and a rebuild changes no byte of them
SELECT setseed(0.11) \g /dev/null
INSERT INTO cdp.inbox (source, record)
SELECT CASE WHEN n % 5 = 0 THEN 'till' ELSE 'web' END, jsonb_build_object('type', 'track',
	'event', (ARRAY['page_view', 'product_view', 'cart_add', 'order', 'return', 'odd_one'])[1 + floor(random() * 6)::int],
	'messageId', 'bulk-' || n,
	'timestamp', to_char(timestamp '2026-01-01' + floor(random() * 1e7) * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'anonymousId', 'cookie-' || who * 2 + (random() < 0.5)::int,
	'userId', CASE WHEN random() < 0.02 THEN 'user-' || who END,
	'properties', jsonb_build_object('product_id', 'p-' || floor(random() * 30), 'order_id', 'o-' || n / 2,
		'total', round((random() * 100)::numeric, 2), 'currency', 'EUR'))::text
FROM (SELECT n, floor(random() ^ 3 * 30)::int AS who FROM generate_series(1, 3000) AS n) AS event;
CALL cdp.merge(batch => 700);
SELECT count(cdp.ingest(CASE WHEN n % 5 = 0 THEN 'till' ELSE 'web' END, jsonb_build_object('type', 'track',
	'event', 'page_view', 'messageId', 'one-' || n,
	'timestamp', to_char(timestamp '2026-01-01' + floor(random() * 1e7) * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'anonymousId', 'cookie-' || floor(random() * 60), 'userId', CASE WHEN n % 12 = 0 THEN 'user-' || n / 12 END)))
FROM generate_series(1, 60) AS n;
CALL cdp.merge();
SELECT count(*) FROM cdp.todo;
CREATE TEMP VIEW from_log AS
SELECT profile_id, event.name, event.source, occurred_at, amount,
	(SELECT coalesce(jsonb_object_agg(property, properties -> property), '{}') FROM (SELECT DISTINCT property FROM cdp.event_property
		WHERE event_property.event IN (event.name, '*') AND properties ? property) AS declared) AS properties,
	count(*) AS times
FROM cdp.profile_event AS event GROUP BY 1, 2, 3, 4, 5, 6;
CREATE TEMP VIEW from_timeline AS
SELECT profile_id, event_name.name::text, source.name::text AS source, occurred_at, amount,
	cdp._timeline_name_properties(properties) AS properties, count(*) AS times
FROM cdp.timeline_chunk, cdp.timeline_events(data) AS event
	JOIN cdp.event_name USING (name_id) JOIN cdp.source USING (source_id)
GROUP BY 1, 2, 3, 4, 5, 6;
SELECT sum(times) AS events, count(DISTINCT profile_id) > 10 AS several_profiles FROM from_timeline;
SELECT count(*) AS differ FROM ((TABLE from_log EXCEPT TABLE from_timeline) UNION ALL (TABLE from_timeline EXCEPT TABLE from_log)) AS both_ways;
SELECT max(pg_column_size(data)) <= 1536 AS short, max(chunk) > 2 AS several_chunks,
	sum(pg_column_size(data)) / sum(cdp.timeline_count(data)) < 14 AS compact FROM cdp.timeline_chunk;
CREATE TEMP TABLE before AS TABLE cdp.timeline_chunk;
SELECT cdp._timeline_rebuild(1);
SELECT count(*) AS differ FROM before FULL JOIN cdp.timeline_chunk AS now USING (profile_id, chunk)
WHERE (before.data OPERATOR(cdp.=) now.data) IS NOT true;

-- some made anew from the log: the same
SELECT cdp._add_todo('rebuild_timeline', array_agg(DISTINCT profile_id)) FROM before WHERE profile_id % 2 = 0;
SELECT cdp._timeline_step(100) > 0 AS worked;
SELECT cdp._timeline_step(100);
SELECT count(*) AS differ FROM before FULL JOIN cdp.timeline_chunk AS now USING (profile_id, chunk)
WHERE (before.data OPERATOR(cdp.=) now.data) IS NOT true;
SELECT phase, count(*) FROM cdp.todo GROUP BY phase;

-- looked up by the timelines that hold them, whosever these are, the events are
-- those that are found by reading the whole log
SELECT array_agg(DISTINCT profile_id) AS several FROM before WHERE profile_id % 3 > 0 \gset
SELECT cdp._timeline_are_few(:'several') AS few;
CREATE TEMP VIEW turned AS
SELECT next_id AS profile_id, chunk, data
FROM before JOIN (SELECT id AS profile_id, coalesce(lead(id) OVER (ORDER BY id), min(id) OVER ()) AS next_id
	FROM unnest(:'several'::bigint[]) AS id) AS turn USING (profile_id);
DELETE FROM cdp.timeline_chunk WHERE profile_id = ANY (:'several');
INSERT INTO cdp.timeline_chunk TABLE turned;
SELECT cdp._timeline_make(:'several', :'several');
SELECT count(*) AS differ FROM before FULL JOIN cdp.timeline_chunk AS now USING (profile_id, chunk)
WHERE (before.data OPERATOR(cdp.=) now.data) IS NOT true;

-- events of which there is no timeline are not found so, only by the log; who
-- notes more than one step takes has the log read, too
DELETE FROM cdp.timeline_chunk WHERE profile_id = ANY (:'several');
SELECT cdp._add_todo('rebuild_timeline', :'several');
SELECT cdp._timeline_step(10) = cardinality(:'several'::bigint[]) AS made, (SELECT count(*) FROM cdp.timeline_chunk WHERE profile_id = ANY (:'several')) AS chunks;
SELECT cdp._add_todo('rescan_timeline', :'several');
SELECT cdp._timeline_step(10) = cardinality(:'several'::bigint[]) AS made;
SELECT count(*) AS differ FROM before FULL JOIN cdp.timeline_chunk AS now USING (profile_id, chunk)
WHERE (before.data OPERATOR(cdp.=) now.data) IS NOT true;
DELETE FROM cdp.timeline_chunk WHERE profile_id = ANY (:'several');
SELECT cdp._add_todo('rebuild_timeline', ARRAY[id]) FROM unnest(:'several'::bigint[]) AS id \g /dev/null
SELECT cdp._timeline_remake_some(2), cdp._timeline_remake_some(1000) = cardinality(:'several'::bigint[]) - 2 AS others;
SELECT count(*) AS differ FROM before FULL JOIN cdp.timeline_chunk AS now USING (profile_id, chunk)
WHERE (before.data OPERATOR(cdp.=) now.data) IS NOT true;
SELECT phase, count(*) > 0 FROM cdp.todo GROUP BY phase;
DELETE FROM cdp.todo;

-- a profile that somebody else holds is left to cdp.todo, which the same
-- session cannot show: an isolation spec does.  Events of nobody are done
-- with; unknown ids are nothing to do
SELECT cdp._timeline_append('{}'), cdp._timeline_append(NULL), cdp._timeline_append('{-5}');

-- declaring a property fills it in from the first event on
SELECT cdp.declare_property('product_view', 'price', 'number');
CALL cdp.merge();
SELECT name, properties FROM cdp.timeline_of(1) WHERE name = 'product_view';
SELECT cdp.declare_property('*', 'price', 'number');
SELECT cdp.undeclare_property('product_view', 'price');
CALL cdp.merge();
SELECT name, properties FROM cdp.timeline_of(1) WHERE name = 'product_view';
SELECT cdp.undeclare_property('*', 'price');
CALL cdp.merge();
SELECT count(*) AS differ FROM before FULL JOIN cdp.timeline_chunk AS now USING (profile_id, chunk)
WHERE (before.data OPERATOR(cdp.=) now.data) IS NOT true;
-- a timeline that waits to be made anew, and holds an event of another, moves
-- whole into a third, though its profile stays: that third one waits, too
SELECT cdp.ingest(source, format('{"type": "track", "event": "page_view", "messageId": "third-%s", "timestamp": "2026-03-0%sT00:00:00Z",
	"anonymousId": "third-%s", "properties": {"email": "third%s@x.de"}, "traits": {"email": "third%s@x.de"}}', n, n, n, n, n)::jsonb) > 0 AS stored
FROM generate_series(1, 2) AS n, (VALUES ('web')) AS from_source (source);
SELECT cdp.decide('email:third1@x.de', 'anonymous_id:third-1', 'never', 'test') > 0 AS never,
	cdp.decide('email:third1@x.de', 'email:third2@x.de', 'always', 'test') > 0 AS always;
CALL cdp.merge();
SELECT cdp.undecide('email:third1@x.de', 'email:third2@x.de', 'test') > 0 AS undone;
SELECT cdp.block_value('email', 'third1@x.de', 'test') > 0 AS blocked;
CALL cdp.merge();
SELECT count(*) AS differ FROM ((TABLE from_log EXCEPT TABLE from_timeline) UNION ALL (TABLE from_timeline EXCEPT TABLE from_log)) AS both_ways;
SELECT count(DISTINCT profile_id) AS profiles FROM from_timeline WHERE profile_id IN (
	cdp.find_profile('anonymous_id', 'third-1'), cdp.find_profile('email', 'third2@x.de'));

-- what is refused
SELECT cdp.undeclare_property('*', 'price');
SELECT cdp.undeclare_property('*', 'products.product_id');
SELECT cdp.declare_property('order', 'price', 'money');
SELECT cdp.declare_property('order', NULL);
SELECT count(cdp.declare_property('order', 'extra-' || n)) FROM generate_series(1, 255) AS n;
