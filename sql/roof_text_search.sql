-- Search in free text: what is marked as text is found by its words.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SELECT cdp.add_source('desk') \g /dev/null
INSERT INTO cdp.inbox (source, record)
SELECT 'desk', jsonb_build_object('type', 'track', 'event', event, 'userId', who, 'messageId', id, 'timestamp', at, 'properties', properties)
FROM (VALUES
	(1, 'chat', 'ann', '2026-05-01', '{"body": "The zip of my blue bag is broken", "topic": "a refund"}'::jsonb),
	(2, 'chat', 'bob', '2026-05-02', '{"body": "Where is my order? Paul''s Müller-Straße 1"}'),
	(3, 'chat', 'cid', '2026-04-30', '{"body": "A refund, a refund, my order for a refund!"}'),
	(4, 'chat', 'dan', '2026-05-03', '{"body": "No refund came, and the bags are gone"}'),
	(5, 'survey', 'eve', '2026-05-04', '{"answer": "I want a refund"}'),
	(6, 'chat', 'fay', '2026-05-05', '{"body": null}'),
	(7, 'chat', 'gus', '2026-05-05', '{"body": 42, "topic": ["refund"]}'),
	(8, 'page_view', 'ann', '2026-05-05', '{"body": "refund"}')
) AS sent (id, event, who, at, properties);
INSERT INTO cdp.inbox (source, record)
SELECT 'desk', jsonb_build_object('type', 'track', 'event', 'chat', 'userId', 'x' || n, 'messageId', 'x' || n, 'timestamp', '2026-05-01',
	'properties', jsonb_build_object('body', 'word' || n || ' and so on'))
FROM generate_series(1, 2000) AS n;
CALL cdp.merge(phases => '{ingest,stitch,timeline,profile}');

CREATE FUNCTION pg_temp.found(query text, event text DEFAULT NULL, property text DEFAULT NULL, "limit" bigint DEFAULT 100)
RETURNS TABLE (who text, name text, property_name text, occurred_at timestamptz, headline text)
LANGUAGE sql AS $$
	SELECT identifiers #>> '{user_id,0}', hit.name, hit.property_name, hit.occurred_at, hit.headline
	FROM cdp.search_text($1, $2, $3, $4) AS hit JOIN cdp.unified_profile USING (profile_id)
$$;

-- nothing is searched that nobody asked for
SELECT * FROM cdp.search_text('refund');
SELECT * FROM cdp.search_text('refund', 'chat', 'body');
SELECT cdp.index_text('chat', 'body');
SELECT cdp.index_text('survey', 'answer', 'english');
SELECT * FROM cdp.search_text('refund', 'survey', 'body');
SELECT * FROM cdp.text_property ORDER BY event;

-- best first, then newest; the words are found as a web search has them
SELECT * FROM pg_temp.found('refund');
SELECT * FROM pg_temp.found('refund', 'chat');
SELECT * FROM pg_temp.found('refund', "limit" => 1);
SELECT * FROM pg_temp.found('refund', property => 'answer');
SELECT * FROM pg_temp.found('refund -order');
SELECT * FROM pg_temp.found('"blue bag" or müller');
SELECT * FROM pg_temp.found('nowhere');
SELECT * FROM pg_temp.found(NULL);
-- a number is found as its text; words are as the configuration has them
SELECT who FROM pg_temp.found('42');
SELECT who, headline FROM pg_temp.found('wanted', 'survey');
SELECT who FROM pg_temp.found('bag', 'chat');

-- the index answers, where there is something to find
ANALYZE cdp.event;
SET enable_seqscan = off;
CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || cdp._text_query('chat', 'body', 'simple') USING query, 100;
END
$$;
SELECT substring(line FROM '\w+ Index Scan on event_202605_[a-z]+') AS scan
FROM pg_temp.plan('word7') AS line WHERE line ~ 'Scan.* event_202605_';
RESET enable_seqscan;

-- what comes later is found too, in a month that is made later as well, and
-- text without end stops nothing
SELECT cdp.ingest('desk', jsonb_build_object('type', 'track', 'event', 'chat', 'userId', 'hal', 'messageId', 'later',
	'timestamp', '2021-01-01', 'properties', jsonb_build_object('body', 'much later'))) IS NOT NULL AS stored;
SELECT 'start ' || string_agg(md5(n::text), ' ') AS long FROM generate_series(1, 31000) AS n \gset
SELECT to_tsvector('simple', :'long');
SELECT cdp.ingest('desk', jsonb_build_object('type', 'track', 'event', 'chat', 'userId', 'ida', 'messageId', 'long', 'timestamp', '2021-01-02',
	'properties', jsonb_build_object('body', :'long'))) IS NOT NULL AS stored;
SELECT cdp._make_event_months('{2021-01-01}');
SELECT tableoid::regclass, message_id FROM cdp.event WHERE occurred_at < '2022-01-01' ORDER BY 2;
SELECT who FROM pg_temp.found('later');
SELECT who, headline LIKE '%<b>start</b>%' AS marked FROM pg_temp.found('start');
SELECT count(*) AS invalid FROM pg_index WHERE indrelid = 'cdp.event'::regclass AND NOT indisvalid;

-- an event without a profile is not found
SELECT cdp.block_value('user_id', 'hal') \g /dev/null
CALL cdp.merge(phases => '{stitch,timeline,profile}');
SELECT count(*) FROM cdp.search_text('later');

-- nor one that has been kept for its time
BEGIN;
UPDATE cdp.source SET retention = cdp.clock() - timestamptz '2026-05-02 12:00+00';
SELECT who, occurred_at FROM pg_temp.found('refund', 'chat');
ROLLBACK;

-- once is enough; another configuration is another index
SELECT cdp.index_text('chat', 'body');
SELECT cdp.index_text('chat', 'body', 'english');
SELECT cdp.index_text('chat', NULL);
SELECT cdp.unindex_text('chat', 'body'), cdp.unindex_text('chat', 'topic');
SELECT to_regclass('cdp.' || cdp._text_index('chat', 'body')) AS left_over;
SELECT cdp.index_text('chat', 'body', 'english');
SELECT who FROM pg_temp.found('bag', 'chat');

-- names that need quotes
SELECT cdp.index_text('it''s "so"', 'a''b "c" %s');
SELECT who FROM pg_temp.found('refund', 'it''s "so"');
SELECT cdp.unindex_text('it''s "so"', 'a''b "c" %s');

-- a steward searches, and indexes nothing
SET client_min_messages = warning;
DROP ROLE IF EXISTS cdp_test_steward, cdp_test_reader;
RESET client_min_messages;
CREATE ROLE cdp_test_steward;
CREATE ROLE cdp_test_reader;
SELECT cdp.grant_role('cdp_test_steward', 'steward'), cdp.grant_role('cdp_test_reader', 'reader');
SET ROLE cdp_test_steward;
SELECT count(*) FROM cdp.search_text('refund');
SELECT count(*) FROM cdp.text_property;
SELECT cdp.index_text('chat', 'topic');
SET ROLE cdp_test_reader;
SELECT count(*) FROM cdp.search_text('refund');
RESET ROLE;
DROP OWNED BY cdp_test_steward, cdp_test_reader;
DROP ROLE cdp_test_steward, cdp_test_reader;
