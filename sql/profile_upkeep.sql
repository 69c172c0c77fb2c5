-- Rows of profiles are kept up by increments: after any history they are what
-- cdp.rebuild_profiles() makes, and what nobody touched is not written.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
SELECT cdp.add_source('web', priority => 100) AS web, cdp.add_source('till', priority => 200) AS till,
	cdp.add_source('crm', priority => 150) AS crm \g /dev/null
CREATE TABLE pg_temp.failed (seed integer, what text, rows bigint);

-- Something that a source, a steward or an operator does.
CREATE FUNCTION pg_temp.record(n integer) RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('messageId', 'm' || n,
		'type', CASE WHEN kind < 5 THEN 'identify' ELSE 'track' END,
		'event', (ARRAY['page_view', 'order', 'order', 'order', 'return'])[kind - 4],
		'userId', CASE WHEN random() < 0.5 THEN 'u' || floor(random() * 12) END,
		'anonymousId', 'c' || floor(random() * 20),
		'timestamp', to_char(timestamp '2025-01-01' + floor(random() * 100) * interval '5 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
		'traits', CASE WHEN kind < 5 THEN jsonb_build_object('email', 'e' || floor(random() * 15) || '@example.com',
			'city', 'city ' || floor(random() * 5), 'plan', floor(random() * 4), 'tags', ARRAY[floor(random() * 3)]) END,
		'properties', CASE WHEN kind >= 5 THEN jsonb_build_object('order_id', 'o' || floor(random() * 40),
			'return_id', 'r' || floor(random() * 10), 'total', floor(random() * 100), 'currency', 'EUR') END))::text
	FROM (SELECT 1 + floor(random() * 9)::integer AS kind OFFSET 0) AS chosen $$;

CREATE FUNCTION pg_temp.some_profile() RETURNS bigint
LANGUAGE sql VOLATILE AS $$
	SELECT profile_id FROM cdp.profile_current ORDER BY random(), profile_id LIMIT 1 $$;

CREATE FUNCTION pg_temp.act(n integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	sender text := (ARRAY['web', 'till', 'crm'])[1 + floor(random() * 3)];
	dice double precision := random() * 100;
BEGIN
	CASE
		WHEN dice < 45 THEN PERFORM cdp.ingest(sender, pg_temp.record(n)::jsonb);
		WHEN dice < 80 THEN INSERT INTO cdp.inbox (source, record) SELECT sender, pg_temp.record(n * 1000 + m) FROM generate_series(1, 5) AS m;
		WHEN dice < 84 THEN PERFORM cdp.pin_trait(pg_temp.some_profile(), 'city', '"pinned"', 'test');
		WHEN dice < 86 THEN PERFORM cdp.unpin_trait(pg_temp.some_profile(), 'city');
		WHEN dice < 89 THEN PERFORM cdp.decide(pg_temp.some_profile(), pg_temp.some_profile(), (ARRAY['always', 'never'])[1 + n % 2], 'test');
		WHEN dice < 91 THEN PERFORM cdp.retract(set_id, 'test') FROM (SELECT set_id FROM cdp.identifier_set ORDER BY random(), set_id LIMIT 1) AS chosen;
		WHEN dice < 93 THEN PERFORM cdp.undo_action(action_id, 'test') FROM (SELECT action_id FROM cdp.steward_action ORDER BY random(), action_id LIMIT 1) AS chosen;
		WHEN dice < 95 THEN PERFORM cdp.unmerge(profile_id, ARRAY[type || ':' || value], 'test')
			FROM (SELECT profile_id, type, value FROM cdp.profile_identifier ORDER BY random(), type, value LIMIT 1) AS chosen;
		WHEN dice < 97 THEN UPDATE cdp.source SET priority = 100 + floor(random() * 100) WHERE name = sender;
		ELSE UPDATE cdp.trait SET rule = (ARRAY['latest', 'earliest', 'source_priority', 'most_frequent', 'max'])[1 + floor(random() * 5)]
			WHERE name = (ARRAY['city', 'plan', 'email'])[1 + floor(random() * 3)];
	END CASE;
EXCEPTION WHEN undefined_object OR invalid_parameter_value OR object_not_in_prerequisite_state THEN
	NULL;		-- a profile that is gone, or a deed that is done already
END
$$;

CREATE PROCEDURE pg_temp.compare(seed integer)
LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE before AS SELECT xmin::text AS written_by, * FROM cdp.profile_current;
	PERFORM set_config('cdp.test_clock', '2026-07-01 00:00:00+00', false);
	PERFORM cdp.rebuild_profiles();
	INSERT INTO failed
	SELECT seed, 'rows differ', count(*) FROM (
		(TABLE before EXCEPT SELECT xmin::text, * FROM cdp.profile_current)
		UNION ALL (SELECT xmin::text, * FROM cdp.profile_current EXCEPT TABLE before)) AS both_ways
	HAVING count(*) > 0
	UNION ALL
	SELECT seed, 'work is left', count(*) FROM cdp.todo HAVING count(*) > 0;
	DROP TABLE before;
	PERFORM set_config('cdp.test_clock', '2026-06-01 12:00:00+00', false);
END
$$;

-- eight histories one after the other in one store, each with merge runs of
-- several batch sizes; a seed that fails is named
\set ECHO none
SELECT CASE WHEN part = 0 THEN format('SELECT setseed(%s / 100.0)', seed) END AS start,
	format('SELECT count(pg_temp.act(%s * 100 + n)) FROM generate_series(1, 20) AS n', seed * 4 + part) AS acts,
	format('CALL cdp.merge(batch => %s)', (ARRAY[3, 50, 10000])[1 + part % 3]) AS merge,
	CASE WHEN part = 3 THEN format('CALL pg_temp.compare(%s)', seed) END AS compare
FROM generate_series(1, 8) AS seed, generate_series(0, 3) AS part
ORDER BY seed, part
\o /dev/null
\gexec
\o
\set ECHO all
SELECT 'seed ' || seed AS failed, what, rows FROM pg_temp.failed ORDER BY seed, what;
-- the histories met what they are about
SELECT (SELECT count(*) > 5 FROM cdp.profile_current) AS profiles,
	(SELECT count(*) > 5 FROM cdp.identity_log WHERE profile_before <> profile_after) AS merges_and_splits,
	(SELECT count(*) > 2 FROM cdp.steward_action) AS deeds,
	(SELECT count(*) > 0 FROM cdp.trait_pin) AS pins,
	(SELECT sum(orders) > 10 FROM cdp.profile_current) AS orders,
	(SELECT count(*) > 0 FROM cdp.trait WHERE rule <> 'latest') AS rules;

-- a changed rule, rank or region reaches the rows with the next merge run, and
-- a change that changes nothing is no work
\i :fresh
SELECT cdp.add_source('web', priority => 100) AS web, cdp.add_source('crm', priority => 200) AS crm \g /dev/null
SELECT cdp.ingest('crm', '{"type": "identify", "userId": "u1", "messageId": "1", "timestamp": "2026-05-01T10:00:00Z", "traits": {"city": "Bonn"}}'),
	cdp.ingest('web', '{"type": "identify", "userId": "u1", "messageId": "2", "timestamp": "2026-05-02T10:00:00Z", "traits": {"city": "Ulm"}}'),
	cdp.ingest('web', '{"type": "identify", "userId": "u2", "messageId": "3", "timestamp": "2026-05-02T10:00:00Z", "traits": {"city": "Ulm"}}');
CALL cdp.merge();
CREATE VIEW pg_temp.city AS SELECT profile_id, traits ->> 'city' AS city, lineage -> 'city' ->> 'rule' AS rule FROM cdp.profile_current;
UPDATE cdp.trait SET rule = 'source_priority' WHERE name = 'city';
SELECT phase FROM cdp.todo;
CALL cdp.merge();
SELECT * FROM pg_temp.city ORDER BY profile_id;
UPDATE cdp.source SET priority = 300 WHERE name = 'web';
CALL cdp.merge();
SELECT * FROM pg_temp.city ORDER BY profile_id;
UPDATE cdp.trait SET sources = '{crm,web}' WHERE name = 'city';
CALL cdp.merge(batch => 1);
SELECT * FROM pg_temp.city ORDER BY profile_id;
UPDATE cdp.trait SET rule = rule, sources = sources, description = 'where' WHERE name = 'city';
UPDATE cdp.source SET priority = priority, retention = '10 years';
UPDATE cdp.setting SET value = 'DE' WHERE name = 'default_region';
SELECT count(*) AS nothing FROM cdp.todo;
UPDATE cdp.setting SET value = 'AT' WHERE name = 'default_region';
UPDATE cdp.source SET name = 'shop' WHERE name = 'web';
CALL cdp.merge();
SELECT profile_id, sources FROM cdp.profile_current ORDER BY profile_id;
-- a trait that is taken out of the registry leaves the rows; a built-in one
-- stays, and none takes another name
SELECT cdp.ingest('crm', '{"type": "identify", "userId": "u1", "messageId": "3b", "timestamp": "2026-05-02T10:00:00Z", "traits": {"hat": "red"}}') > 0 AS stored;
CALL cdp.merge();
SELECT count(*) AS hats FROM cdp.profile_trait WHERE name = 'hat';
UPDATE cdp.trait SET name = 'headgear' WHERE name = 'hat';
DELETE FROM cdp.trait WHERE name = 'city';
DELETE FROM cdp.trait WHERE name = 'hat';
CALL cdp.merge();
SELECT count(*) AS hats FROM cdp.profile_trait WHERE name = 'hat';

-- only the profile that a record is about is written, and "as_of" says when
-- it was made different; one that says nothing new writes none
SET cdp.test_clock = '2026-06-02 12:00:00+00';
CREATE VIEW pg_temp.written_row AS
SELECT profile_id, xmin::text AS written_by, as_of AT TIME ZONE 'UTC' AS as_of FROM cdp.profile_current;
CREATE TABLE pg_temp.before AS TABLE pg_temp.written_row;
SELECT cdp.ingest('crm', '{"type": "identify", "userId": "u1", "messageId": "4", "timestamp": "2026-05-03T10:00:00Z", "traits": {"plan": "gold"}}');
CALL cdp.merge();
SELECT profile_id, now.written_by <> before.written_by AS written, now.as_of
FROM pg_temp.written_row AS now JOIN pg_temp.before USING (profile_id) ORDER BY profile_id;
TRUNCATE pg_temp.before;
INSERT INTO pg_temp.before TABLE pg_temp.written_row;
SET cdp.test_clock = '2026-06-03 12:00:00+00';
INSERT INTO cdp.inbox (source, record) VALUES
	('crm', '{"type": "identify", "userId": "u1", "messageId": "4", "timestamp": "2026-05-03T10:00:00Z", "traits": {"plan": "gold"}}'),
	('crm', '{"type": "identify", "userId": "u1", "messageId": "5", "timestamp": "2026-05-02T10:00:00Z", "traits": {"plan": "silver"}}');
CALL cdp.merge();
SELECT profile_id, now.written_by <> before.written_by AS written, now.as_of
FROM pg_temp.written_row AS now JOIN pg_temp.before USING (profile_id) ORDER BY profile_id;

-- a business key is a property that timelines hold; a changed one holds for
-- every profile from the next merge run on
SELECT cdp.ingest('crm', jsonb_build_object('type', 'track', 'event', 'order', 'userId', 'u1', 'messageId', 'o' || n,
	'timestamp', '2026-05-04T10:00:00Z', 'properties', jsonb_build_object('order_id', n, 'receipt', n / 2, 'total', 10))) > 0 AS stored
FROM generate_series(2, 5) AS n;
CREATE VIEW pg_temp.orders AS SELECT orders, revenue FROM cdp.unified_profile WHERE orders > 0;
CALL cdp.merge();
TABLE pg_temp.orders;
UPDATE cdp.event_type SET business_key = 'receipt' WHERE name = 'order';
SELECT cdp.declare_property('order', 'receipt', 'number');
UPDATE cdp.event_type SET business_key = 'receipt' WHERE name = 'order';
CALL cdp.merge();
TABLE pg_temp.orders;
SELECT cdp.undeclare_property('order', 'receipt');
UPDATE cdp.event_type SET business_key = NULL WHERE name = 'order';
SELECT cdp.undeclare_property('order', 'receipt');
CALL cdp.merge();
TABLE pg_temp.orders;
SELECT cdp.rebuild_profiles() > 0 AS rebuilt;
TABLE pg_temp.orders;
-- an event type that comes or goes is a change of its key as well
UPDATE cdp.event_type SET business_key = 'order_id' WHERE name = 'order';
CALL cdp.merge();
INSERT INTO cdp.event_type (name) VALUES ('repair');
SELECT phase FROM cdp.todo;
CALL cdp.merge();
DELETE FROM cdp.event_type WHERE name = 'repair';
SELECT phase FROM cdp.todo;
CALL cdp.merge();
-- those that are built in stay
DELETE FROM cdp.event_type WHERE name = 'order';
UPDATE cdp.event_type SET name = 'looking' WHERE name = 'search';
UPDATE cdp.event_type SET reserved = false WHERE name = 'search';
-- an empty key is none; a return takes its amount away, whatever its sign
SELECT cdp.ingest('crm', jsonb_build_object('type', 'track', 'event', event, 'userId', 'u1', 'messageId', event || n,
	'timestamp', '2026-05-05T10:00:00Z', 'properties', jsonb_build_object(event || '_id', '', 'total', total))) > 0 AS stored
FROM (VALUES (1, 'order', 5), (2, 'order', 6), (3, 'return', -20), (4, 'return', 1)) AS sent (n, event, total);
CALL cdp.merge();
TABLE pg_temp.orders;
SELECT sum(amount) AS purchases FROM cdp._purchases;
SELECT amount FROM cdp.profile_return ORDER BY amount;
