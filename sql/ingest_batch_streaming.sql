\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set digest :abs_srcdir '/test/data/digest.sql'
\set ECHO none
SET client_min_messages = error;
\i :digest
\set ECHO all
-- Batch = streaming: the same records of all forms, shuffled, one by one, in
-- calls of some, and through the inbox in batches, leave the same store.
\set seed 0.2718
\echo seed :seed
SELECT setseed(:seed) \g /dev/null
-- who may be anybody of sixty people, under what they are known by
CREATE TEMP TABLE record AS
WITH drawn AS MATERIALIZED (
	SELECT n, floor(random() * 60)::integer AS person, random() AS form, random() AS who,
		timestamptz '2026-05-01 00:00+00' + floor(random() * 720) * interval '1 hour' AS at,
		floor(random() * 40)::integer AS number, floor(random() * 3)::integer AS third
	FROM generate_series(1, 700) AS n
), named AS (
	SELECT *, jsonb_strip_nulls(jsonb_build_object('messageId', 'm' || n, 'timestamp', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
			'anonymousId', CASE WHEN who < 0.6 THEN 'c' || person || '-' || third END,
			'userId', CASE WHEN who > 0.4 AND person % 3 > 0 OR who >= 0.6 THEN 'u' || person END)) AS base,
		CASE WHEN who < 0.3 THEN 'web' WHEN who < 0.7 THEN 'app' ELSE 'till' END AS source
	FROM drawn
)
SELECT n, CASE WHEN form > 0.96 THEN 'dmp' WHEN form > 0.93 THEN 'crm' ELSE source END AS source, CASE
	WHEN form < 0.2 THEN base || jsonb_build_object('type', 'page', 'name', 'page ' || number)
	WHEN form < 0.25 THEN base || jsonb_build_object('type', 'screen', 'name', 'screen ' || number)
	WHEN form < 0.5 THEN base || jsonb_build_object('type', 'track', 'event', (ARRAY['Product Viewed', 'Product Added', 'Odd Event'])[1 + third],
		'properties', jsonb_build_object('product_id', 'p' || number, 'category', 'k' || number % 4))
	-- one order may be reported by two sources, in three currencies with rates
	WHEN form < 0.65 THEN base || jsonb_build_object('type', 'track', 'event', 'Order Completed', 'properties', jsonb_build_object(
		'order_id', 'o' || person || '-' || number % 5, 'total', (number + 1) * 1.25, 'currency', (ARRAY['EUR', 'USD', 'GBP'])[1 + third],
		'email', CASE WHEN number % 3 = 0 THEN 'Person' || person || '@Example.com' END))
	WHEN form < 0.7 THEN base || jsonb_build_object('type', 'track', 'event', 'return', 'properties', jsonb_build_object(
		'return_id', 'r' || person || '-' || number % 3, 'total', number * 0.5, 'currency', 'EUR'))
	WHEN form < 0.85 THEN base || jsonb_build_object('type', 'identify', 'traits', jsonb_build_object('email', 'person' || person || '@example.com',
		'first_name', 'Name ' || number % 7, 'address', jsonb_build_object('city', 'City ' || third), 'size', 30 + number,
		'phone', CASE number % 6 WHEN 0 THEN '030 12345' || 10 + person WHEN 1 THEN 'none' END),
		'consent', CASE WHEN number % 4 = 0 THEN jsonb_build_array(jsonb_build_object('purpose', 'marketing', 'channel', 'email',
			'state', CASE third WHEN 0 THEN 'denied' ELSE 'granted' END, 'at', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))) END)
	WHEN form < 0.88 THEN base || jsonb_build_object('type', 'group', 'groupId', 'g' || third, 'traits', jsonb_build_object('plan', number))
	WHEN form < 0.91 THEN base || jsonb_build_object('type', 'alias', 'userId', 'u' || person, 'previousId', 'former' || person)
	-- nobody, no such time, nothing that is a record
	WHEN form < 0.93 THEN (ARRAY[base - '{userId,anonymousId}'::text[], base || '{"timestamp": "soon"}', '[]'])[1 + third]
	WHEN form < 0.96 THEN jsonb_build_object('nr', n, 'id', 'k' || person, 'mail', 'person' || person || '@example.com',
		'changed', to_char(at, 'YYYY-MM-DD HH24:MI'), 'city', 'Town ' || number % 3)
	ELSE jsonb_build_object('id', 'x' || person, 'segment', 's' || number % 4, 'value', number,
		'expires', CASE third WHEN 0 THEN '2026-05-20' ELSE '2026-12-31' END, 'nr', n)
	END AS record
FROM named;
-- one in eight comes twice
INSERT INTO record SELECT 1000 + n, source, record FROM record WHERE n % 8 = 0;
CREATE TEMP TABLE answer (way text, name text, rows bigint, digest text);
SELECT count(*) AS records FROM record;

\i :fresh
CREATE FUNCTION pg_temp.add_sources() RETURNS void LANGUAGE sql AS $$
	SELECT cdp.add_source('web', priority => 100), cdp.add_source('app', priority => 100),
		cdp.add_source('till', priority => 200), cdp.add_source('dmp', kind => 'third_party'),
		cdp.add_source('crm', priority => 300, mapping => '{"identifiers": {"crm_id": "$.id", "email": "$.mail"},
			"at": "$.changed", "message_id": "$.nr", "traits": {"city": "$.city"}}');
	INSERT INTO cdp.exchange_rate VALUES ('USD', '2020-01-01', 0.5), ('USD', '2026-05-10', 0.75), ('GBP', '2026-05-05', 1.25)
$$;
SELECT pg_temp.add_sources() \g /dev/null
-- one by one, in one order; who is rejected is looked at below
SET client_min_messages = error;
SELECT count(cdp.ingest(source, record)) FROM (SELECT * FROM record ORDER BY n) AS ordered \g /dev/null
CALL cdp.merge();
INSERT INTO answer SELECT 'one by one', * FROM pg_temp.canonical_digest();

\i :fresh
SELECT pg_temp.add_sources() \g /dev/null
-- in calls of some, in another order
SELECT setseed(:seed / 2) \g /dev/null
CREATE TEMP TABLE call AS
SELECT source, part, jsonb_agg(record ORDER BY place) AS records
FROM (SELECT *, row_number() OVER (ORDER BY chance) AS place, floor(random() * 60) AS part
	FROM (SELECT *, random() AS chance FROM record) AS shuffled) AS placed
GROUP BY source, part;
SELECT sum((SELECT count(*) FROM cdp.ingest_batch(source, records))) FROM (SELECT * FROM call ORDER BY part, source) AS ordered;
CALL cdp.merge();
INSERT INTO answer SELECT 'in calls of some', * FROM pg_temp.canonical_digest();

\i :fresh
SELECT pg_temp.add_sources() \g /dev/null
-- through the inbox, in a third order, a run now and then
INSERT INTO cdp.inbox (source, record) SELECT source, record::text FROM record WHERE n % 5 < 2 ORDER BY md5(n::text);
CALL cdp.merge(batch => 13);
INSERT INTO cdp.inbox (source, record) SELECT source, record::text FROM record WHERE n % 5 >= 2 ORDER BY md5('x' || n);
CALL cdp.merge(batch => 100);
INSERT INTO answer SELECT 'through the inbox', * FROM pg_temp.canonical_digest();

-- the same three times, and not nothing
SELECT name, count(DISTINCT digest) AS answers, bool_and(rows > 0) AS something
FROM answer GROUP BY name ORDER BY name COLLATE "C";
-- each record is stored, a duplicate or rejected: as many as a plain count says
-- (rows of data partners have neither a message id nor a time)
SELECT sum(records) AS records, sum(duplicates) AS duplicates, sum(stored) + sum(duplicates) + sum(rejected) = sum(records) AS adds_up
FROM cdp.ingest_count;
SELECT count(*) AS sent_twice FROM record WHERE n > 1000 AND source <> 'dmp' AND NOT EXISTS (
	SELECT FROM cdp.reject WHERE reject.record::jsonb = record.record);
SELECT identifiers, misplaced, pending FROM (SELECT identifiers > 100 AS identifiers, misplaced, pending FROM cdp.verify_identity()) AS verified;
