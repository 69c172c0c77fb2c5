\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
SELECT cdp.add_source('web', priority => 100) AS web, cdp.add_source('crm', priority => 200) AS crm \g /dev/null
SELECT cdp.ingest('web', '{"type": "identify", "anonymousId": "c1", "userId": "u1", "messageId": "1", "timestamp": "2026-05-01T10:00:00Z",
	"traits": {"first_name": "Ann", "city": "Ulm", "nick": "a", "size": 40}}');
SELECT cdp.ingest('crm', '{"type": "identify", "userId": "u1", "messageId": "2", "timestamp": "2026-04-01T10:00:00Z",
	"traits": {"first_name": "Anna", "city": "Bonn", "size": "forty"}}');

-- each value says where it came from, and what lost
SELECT * FROM cdp.profile_trait ORDER BY name;
SELECT * FROM cdp.lineage(1);
UPDATE cdp.trait SET rule = 'source_priority' WHERE name IN ('first_name', 'size');
SELECT cdp._refresh_profiles('{1}');
SELECT name, value, source, rule FROM cdp.profile_trait ORDER BY name;
SELECT trait_name, value, wins, source FROM cdp.lineage(1, 'first_name');
UPDATE cdp.trait SET rule = 'newest' WHERE name = 'city';

-- of one set the latest stays, whatever comes late
SELECT cdp.ingest('web', '{"type": "identify", "anonymousId": "c1", "userId": "u1", "messageId": "3", "timestamp": "2026-05-03T10:00:00Z",
	"traits": {"city": "Kiel"}}');
SELECT cdp.ingest('web', '{"type": "identify", "anonymousId": "c1", "userId": "u1", "messageId": "4", "timestamp": "2026-05-02T10:00:00Z",
	"traits": {"city": "Jena", "nick": "b"}}');
SELECT name, value, source, observed_at FROM cdp.profile_trait ORDER BY name;
SELECT set_id, name, value, observed_at, first_observed_at FROM cdp.trait_observation ORDER BY 1, 2;
-- a JSON null says that there is no value any more
SELECT count(*) AS refused FROM cdp._observe_traits('{1}', '{nick}', '{null}', '{2026-05-04}', '{1}', '{infinity}');
SELECT cdp._refresh_profiles('{1}');
SELECT name, value FROM cdp.profile_trait WHERE name = 'nick';
-- equal times: the same value in either order
SELECT count(*) AS refused FROM cdp._observe_traits('{1,1}', '{tie,tie}', '{"\"x\"","\"y\""}', '{2026-05-05,2026-05-05}', '{1,1}', '{infinity,infinity}');
SELECT count(*) AS refused FROM cdp._observe_traits('{1}', '{tie}', '{"\"w\""}', '{2026-05-05}', '{1}', '{infinity}');
SELECT value FROM cdp.trait_observation WHERE name = 'tie';
-- history where it is asked for
UPDATE cdp.trait SET history = true WHERE name = 'city';
SELECT count(*) AS refused FROM cdp._observe_traits('{1,1}', '{city,nick}', '{"\"Rom\"","\"c\""}', '{2026-05-06,2026-05-06}', '{1,1}', '{infinity,infinity}');
SELECT count(*) AS refused FROM cdp._observe_traits('{1}', '{city}', '{"\"Pisa\""}', '{2026-05-05}', '{1}', '{infinity}');
SELECT name, value, observed_at FROM cdp.trait_history ORDER BY observed_at;

-- a pin wins over all, through merges and rebuilds, until it is taken back
SELECT cdp.pin_trait(1, 'first_name', '"Annie"', 'she told us on the phone');
SELECT traits ->> 'first_name' AS first_name, lineage -> 'first_name' AS lineage FROM cdp.profile_current;
SELECT trait_name, value, wins, source, observed_at, rule FROM cdp.lineage(1, 'first_name');
SELECT cdp.ingest('web', '{"type": "identify", "anonymousId": "c0", "messageId": "5", "timestamp": "2026-05-20T10:00:00Z",
	"traits": {"first_name": "Someone"}}') AS other \gset
SELECT cdp.pin_trait(:other, 'first_name', '"Other"', 'later');
SELECT cdp.ingest('web', '{"type": "identify", "anonymousId": "c0", "userId": "u1", "messageId": "6", "timestamp": "2026-05-21T10:00:00Z"}');
SET cdp.test_clock = '2026-06-02 12:00:00+00';
SELECT cdp.pin_trait(:other, 'nick', 'null', 'none wanted');
SELECT profile_id, traits ->> 'first_name' AS first_name, traits ? 'nick' AS nick FROM cdp.profile_current;
CALL cdp.rebuild();
SELECT profile_id, traits ->> 'first_name' AS first_name, traits ? 'nick' AS nick FROM cdp.profile_current;
SELECT cdp.unpin_trait(1, 'first_name'), cdp.unpin_trait(1, 'nick');
SELECT cdp.unpin_trait(1, 'first_name');
SELECT profile_id, traits ->> 'first_name' AS first_name, traits ->> 'nick' AS nick FROM cdp.profile_current;
SELECT cdp.pin_trait(99, 'first_name', '"x"', 'y');
SELECT cdp.pin_trait(1, 'first_name', '"x"', NULL);
SELECT cdp.unpin_trait(NULL, 'first_name');

-- a name as a record has it is the trait that the record would write to; what is
-- no trait is refused, not registered
SELECT cdp.ingest('web', '{"type": "identify", "userId": "u7", "messageId": "s1", "timestamp": "2026-05-20T10:00:00Z",
	"traits": {"Größe": 40}}') AS seven \gset
SELECT cdp.pin_trait(:seven, 'First Name', '"Zoe"', 'r'), cdp.pin_trait(:seven, 'größe', '41', 'r');
SELECT traits FROM cdp.profile_current WHERE profile_id = :seven;
SELECT trait_name, value, wins FROM cdp.lineage(:seven, 'firstName');
SELECT cdp.pin_trait(:seven, 'citty', '"Ulm"', 'r');
SELECT cdp.pin_trait(:seven, 'nothing like it', '"Ulm"', 'r');
SELECT cdp.unpin_trait(:seven, 'firstName'), cdp.unpin_trait(:seven, 'größe'), cdp.unpin_trait(:seven, 'citty');
SELECT count(*) FROM cdp.trait WHERE name IN ('First Name', 'größe', 'citty', 'nothing like it');
SELECT cdp.erase_subject(:seven, 'test') IS NOT NULL AS erased;

-- the order of arrival plays no part: shuffled, one by one or in bulk
CREATE TEMP TABLE record AS
SELECT n, CASE WHEN n % 3 = 0 THEN 'crm' ELSE 'web' END AS source, jsonb_build_object('type', 'identify', 'messageId', 'r' || n,
	'timestamp', '2026-02-0' || 1 + n % 7 || 'T00:00:00Z', 'userId', 'p' || n % 5, 'anonymousId', CASE WHEN n % 3 > 0 THEN 'p' || n % 10 END,
	'traits', jsonb_build_object('plan', 'plan ' || n * 7 % 11, 'shoe', n * 5 % 13)) AS record
FROM generate_series(1, 60) AS n;
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(line, ',' ORDER BY line COLLATE "C")) FROM (
		SELECT format('%s %s %s %s %s', identifiers, traits, first_seen, last_seen, sources) AS line
		FROM cdp.unified_profile WHERE traits ? 'plan') AS lines $$;
SELECT count(cdp.ingest(source, record)) FROM (SELECT * FROM record ORDER BY n) AS ordered;
CALL cdp.merge();
CREATE TEMP TABLE state AS SELECT pg_temp.state() AS digest;
\i :fresh
SELECT cdp.add_source('web', priority => 100) AS web, cdp.add_source('crm', priority => 200) AS crm \g /dev/null
SELECT count(cdp.ingest(source, record)) FROM (SELECT * FROM record ORDER BY md5(n::text)) AS shuffled;
CALL cdp.merge();
SELECT pg_temp.state() = digest AS same FROM state;
\i :fresh
SELECT cdp.add_source('web', priority => 100) AS web, cdp.add_source('crm', priority => 200) AS crm \g /dev/null
INSERT INTO cdp.inbox (source, record) SELECT source, record::text FROM record ORDER BY n DESC;
CALL cdp.merge(batch => 7);
SELECT pg_temp.state() = digest AS same FROM state;
