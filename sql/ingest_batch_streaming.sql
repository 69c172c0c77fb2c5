-- Two ways in, one result: the same records, shuffled, one by one through
-- cdp.ingest(), in chunks through cdp.ingest_batch(), through the inbox with
-- merge runs in between, and by all of them in turn, leave the same store.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set digest :abs_srcdir '/test/data/digest.sql'
\i :fresh
\set ECHO none
\i :digest
\set ECHO all
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = error;
\set SHOW_CONTEXT never
\set seed 0.4631
\echo seed :seed
SELECT setseed(:seed) \g /dev/null

-- What may be in a record.  Orders and returns of a person have numbers, which
-- two sources may report.  Consents come with the user id alone: of what
-- profiles said before they were merged the more restrictive counts, so it
-- does matter to other consents when their identifiers met.
CREATE TEMP TABLE dice AS
SELECT n, (1 + floor(random() * 40))::int AS person, floor(random() * 100)::int AS form, floor(random() * 100)::int AS who,
	floor(random() * 100)::int AS detail, (ARRAY['web', 'till', 'crm'])[1 + floor(random() * 3)] AS source,
	date_trunc('hour', timestamptz '2024-06-05' + random() * interval '24 months') AS at, floor(random() * 9000) / 100 AS amount,
	(ARRAY['EUR', 'usd', 'GBP', 'CHF'])[1 + floor(random() * 3.2)] AS currency
FROM generate_series(1, 1200) AS n;

CREATE FUNCTION pg_temp.ids(dice dice) RETURNS jsonb LANGUAGE sql AS $$
	SELECT CASE
		WHEN who < 30 THEN jsonb_build_object('anonymousId', format('c%s-%s', person, who % 3))
		WHEN who < 55 THEN jsonb_build_object('userId', 'u' || person)
		WHEN who < 75 THEN jsonb_build_object('userId', 'u' || person, 'anonymousId', format('c%s-%s', person, who % 3))
		WHEN who < 80 THEN jsonb_build_object('userId', 'u' || person, 'anonymousId', 'kiosk-' || who % 2)
		WHEN who < 83 THEN jsonb_build_object('userId', 'null', 'anonymousId', format('c%s-%s', person, who % 3))
		WHEN who < 92 THEN jsonb_build_object('userId', 'u' || person, 'context', jsonb_build_object('device', jsonb_build_object('id', 'd' || person / 2)))
		ELSE jsonb_build_object('externalIds', jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', 'k' || person),
			jsonb_build_object('type', 'email', 'id', format('P%s@Example.com', person)))) END
	FROM (SELECT dice.*) AS d $$;

CREATE FUNCTION pg_temp.saying(dice dice) RETURNS jsonb LANGUAGE sql AS $$
	SELECT CASE
		WHEN form < 18 THEN jsonb_build_object('type', 'identify', 'timestamp', date_trunc('month', at), 'traits', jsonb_strip_nulls(jsonb_build_object(
			'email', CASE WHEN detail < 40 THEN format('p%s@example.com', CASE WHEN who < 30 THEN person / 2 ELSE person END) WHEN detail < 44 THEN 'office@example.com' END,
			'phone', CASE WHEN detail BETWEEN 40 AND 60 THEN '+49 30 20030' || 100 + person WHEN detail = 61 THEN '12' END,
			'firstName', 'Name ' || detail % 5, 'address', jsonb_build_object('city', 'City ' || detail % 7), 'size', detail % 9, 'birthday', '1990-02-03')))
		WHEN form < 40 THEN jsonb_build_object('type', 'track', 'event', 'Order Completed', 'timestamp', at, 'properties', jsonb_build_object(
			'order_id', format('o%s-%s', person, detail % 8), 'total', amount, 'currency', currency, 'products', '[{"product_id": "bag"}]'::jsonb))
		WHEN form < 46 THEN jsonb_build_object('type', 'track', 'event', 'Order Refunded', 'timestamp', at, 'properties', jsonb_strip_nulls(jsonb_build_object(
			'return_id', CASE WHEN detail < 70 THEN format('r%s-%s', person, detail % 3) END, 'total', amount / 10, 'currency', currency)))
		WHEN form < 60 THEN jsonb_build_object('type', 'track', 'event', (ARRAY['Product Viewed', 'Product Added', 'Some Thing'])[1 + detail % 3],
			'originalTimestamp', at, 'sentAt', at + interval '1 second', 'receivedAt', at + detail % 3 * interval '1 hour', 'properties', jsonb_build_object('product_id', 'p' || detail))
		WHEN form < 70 THEN jsonb_build_object('type', 'page', 'name', 'Page ' || detail, 'timestamp', at)
		WHEN form < 74 THEN jsonb_build_object('type', 'screen', 'name', 'Screen')
		WHEN form < 79 THEN jsonb_build_object('type', 'group', 'groupId', 'g' || person % 4, 'traits', '{"name": "G"}'::jsonb, 'timestamp', at)
		WHEN form < 84 THEN jsonb_build_object('type', 'alias', 'previousId', format('c%s-old', person), 'timestamp', at)
		WHEN form < 92 THEN jsonb_build_object('type', 'identify', 'timestamp', at, 'consent', jsonb_build_array(jsonb_build_object(
			'purpose', 'marketing', 'channel', 'email', 'state', (ARRAY['granted', 'denied', 'withdrawn'])[1 + detail % 3], 'at', date_trunc('month', at))))
		WHEN form < 95 THEN jsonb_build_object('type', 'track', 'event', 'x', 'timestamp', CASE WHEN detail < 50 THEN '1969-01-01' ELSE 'soon' END)
		ELSE jsonb_build_object('type', 'track', 'event', 'x', 'timestamp', at, 'properties', jsonb_build_object('email', 'a@@b' || detail, 'revenue', 'much')) END
	FROM (SELECT dice.*) AS d $$;

CREATE TEMP TABLE sent (n serial, source text, record jsonb);
INSERT INTO sent (source, record)
SELECT source, jsonb_build_object('messageId', CASE WHEN detail % 20 > 0 OR form < 20 THEN 'm' || n END, 'note', n)
	|| CASE WHEN form BETWEEN 84 AND 91 THEN jsonb_build_object('userId', 'u' || person) WHEN who <> 50 THEN pg_temp.ids(dice) ELSE '{}' END || pg_temp.saying(dice)
FROM dice ORDER BY n;
INSERT INTO sent (source, record)
SELECT 'dmp', jsonb_build_object('id', 'p' || person, 'segment', 'segment ' || detail % 6, 'value', detail, 'message_id', 'd' || n,
	'at', at, 'expires', CASE WHEN who < 20 THEN '2026-01-01' ELSE '2027-01-01' END)
FROM dice WHERE n <= 150 ORDER BY n;
INSERT INTO sent (source, record)
SELECT 'dmp', jsonb_build_object('type', 'identify', 'messageId', 'e' || n, 'timestamp', at, 'externalIds', jsonb_build_array(
	jsonb_build_object('type', 'third_party_id', 'id', 'p' || person), jsonb_build_object('type', 'email', 'id', format('p%s@example.com', person))))
FROM dice WHERE n <= 20 ORDER BY n;
-- an eighth comes twice, some from another source, where that is no repeat
INSERT INTO sent (source, record)
SELECT CASE WHEN n % 3 = 0 THEN 'crm' ELSE source END, record FROM sent
WHERE n % 8 = 0 AND record ->> 'messageId' IS NOT NULL ORDER BY n;
SELECT count(*) AS records, count(DISTINCT (source, record)) AS distinct FROM sent;

-- the same store for each way, rates that change over time included
CREATE PROCEDURE pg_temp.make_sources() LANGUAGE sql AS $$
	SELECT cdp.add_source('web'), cdp.add_source('till', priority => 200), cdp.add_source('crm', priority => 300),
		cdp.add_source('dmp', kind => 'third_party', priority => 10, retention => '100 years');
	INSERT INTO cdp.exchange_rate (currency, valid_from, rate)
	SELECT currency, month, round((1 + extract(month FROM month) / 40)::numeric, 4) / divisor
	FROM generate_series(timestamptz '2024-06-01', '2026-06-01', '1 month') AS month, (VALUES ('USD', 1.1), ('GBP', 0.8)) AS rated (currency, divisor);
	UPDATE cdp.trait SET history = true WHERE name = 'city';
	UPDATE cdp.trait SET rule = 'source_priority' WHERE name = 'first_name';
$$;

-- What the canonical digest leaves out: lineage, orders, what was counted.  A
-- conflict names one of the records that are its evidence and equally old.
CREATE FUNCTION pg_temp.further_part() RETURNS TABLE (name text, query text) LANGUAGE sql AS $$
	VALUES
		('trait', 'SELECT identifiers, t.name, t.value, t.source, observed_at, rule
			FROM cdp.profile_trait AS t JOIN cdp.unified_profile USING (profile_id)'),
		('trait_history', 'SELECT identifiers, h.name, h.value, h.source, observed_at
			FROM cdp.profile_trait_history AS h JOIN cdp.unified_profile USING (profile_id)'),
		('order', 'SELECT identifiers, order_key, occurred_at, amount, source_id FROM cdp.profile_order JOIN cdp.unified_profile USING (profile_id)'),
		('return', 'SELECT identifiers, return_key, occurred_at, amount, source_id FROM cdp.profile_return JOIN cdp.unified_profile USING (profile_id)'),
		('consent', 'SELECT identifiers, purpose, channel, state, at FROM cdp.consent_state JOIN cdp.unified_profile USING (profile_id)'),
		('conflict', 'SELECT rule, type, least(identifier_a, identifier_b), greatest(identifier_a, identifier_b), first_seen
			FROM cdp.conflict'),
		('count', 'SELECT source, sum(records) AS records, sum(stored) AS stored, sum(duplicates) AS duplicates,
				sum(rejected) AS rejected, sum(without_key) AS without_key FROM cdp.ingest_count GROUP BY source'),
		('warning', 'SELECT source_id, reason, field, sum(records) AS records FROM cdp.ingest_warning GROUP BY 1, 2, 3')
$$;
CREATE TEMP TABLE found (way text, name text, rows bigint, digest text);
CREATE PROCEDURE pg_temp.note(way text) LANGUAGE sql AS $$
	INSERT INTO found SELECT way, * FROM pg_temp.canonical_digest()
	UNION ALL
	SELECT way, part.name, made.* FROM pg_temp.further_part() AS part, LATERAL pg_temp.digest_of(part.query) AS made;
$$;
CREATE TEMP TABLE line (place int, chunk int, source text, record jsonb);
CREATE PROCEDURE pg_temp.shuffle() LANGUAGE sql AS $$
	TRUNCATE line;
	INSERT INTO line SELECT row_number() OVER (), 0, source, record
	FROM (SELECT *, random() AS at FROM sent ORDER BY at) AS shuffled;
	UPDATE line SET chunk = of.chunk FROM (
		SELECT place, sum(starts) OVER (ORDER BY place) AS chunk
		FROM (SELECT place, (random() < 0.02)::int AS starts FROM line ORDER BY place) AS thrown) AS of
	WHERE of.place = line.place;
$$;
CREATE FUNCTION pg_temp.one_by_one(lines int4range) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(cdp.ingest(source, record)) FROM (SELECT * FROM line WHERE place <@ lines ORDER BY place) AS ordered $$;
CREATE FUNCTION pg_temp.in_chunks(lines int4range) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (SELECT source, jsonb_agg(record ORDER BY place) AS records
		FROM line WHERE place <@ lines GROUP BY chunk, source ORDER BY chunk, source) AS chunk,
		LATERAL cdp.ingest_batch(source, records) $$;
-- Slices of the lines go to the inbox, after each a merge run that may end
-- early.  Models are fitted at the end alone: they stay what they were fitted on.
CREATE FUNCTION pg_temp.through_inbox(lines int4range) RETURNS TABLE (command text) LANGUAGE sql AS $$
	SELECT command FROM (SELECT DISTINCT chunk FROM line WHERE place <@ lines) AS slice, LATERAL (VALUES
		(1, format('INSERT INTO cdp.inbox (source, record) SELECT source, record::text FROM line WHERE chunk = %s AND place <@ %L::int4range ORDER BY place', chunk, lines)),
		(2, format('CALL cdp.merge(batch => %s, phases => %L)', 1 + floor(random() * 60),
			CASE WHEN random() < 0.3 THEN '{ingest}' ELSE '{ingest,stitch,timeline,profile}' END))) AS step (number, command)
	ORDER BY chunk, number $$;

-- one by one
CALL pg_temp.make_sources();
CALL pg_temp.shuffle();
SELECT pg_temp.one_by_one('[1,100000)') > 0 AS some_profiles;
CALL cdp.merge();
CALL pg_temp.note('one by one');

-- in chunks
\i :fresh
SET client_min_messages = error;
CALL pg_temp.make_sources();
CALL pg_temp.shuffle();
SELECT pg_temp.in_chunks('[1,100000)') = count(*) AS all_answered FROM sent;
CALL cdp.merge();
CALL pg_temp.note('in chunks');

-- through the inbox
\i :fresh
SET client_min_messages = error;
CALL pg_temp.make_sources();
CALL pg_temp.shuffle();
\set ECHO none
SELECT pg_temp.through_inbox('[1,100000)') \gexec
\set ECHO all
CALL cdp.merge();
CALL pg_temp.note('inbox');

-- by all of them in turn, nothing merged between the inbox and the calls
\i :fresh
SET client_min_messages = error;
CALL pg_temp.make_sources();
CALL pg_temp.shuffle();
\set ECHO none
SELECT pg_temp.through_inbox('[1,300)') \gexec
\set ECHO all
INSERT INTO cdp.inbox (source, record) SELECT source, record::text FROM line WHERE place BETWEEN 300 AND 500 ORDER BY place;
SELECT pg_temp.one_by_one('[501,900)') > 0 AS some_profiles;
SELECT pg_temp.in_chunks('[900,100000)') = count(*) AS all_answered FROM line WHERE place >= 900;
CALL cdp.merge(batch => 13);
CALL pg_temp.note('in turn');

-- and a rebuild changes nothing
CALL cdp.rebuild();
CALL pg_temp.note('rebuilt');

-- the test is about something: of each part there are rows, and nothing waits
SELECT name, CASE WHEN name IN ('todo', 'inbox') THEN rows::text ELSE (rows > 0)::text END AS rows
FROM found WHERE way = 'one by one' ORDER BY name COLLATE "C";
SELECT count(DISTINCT currency) AS currencies, count(*) FILTER (WHERE amount IS NULL AND currency = 'CHF') > 0 AS without_rate
FROM cdp.event WHERE name = 'order';
SELECT count(*) > count(DISTINCT properties ->> 'order_id') AS order_reported_twice FROM cdp.event WHERE name = 'order';
SELECT source, stored > 0 AS stored, duplicates > 0 AS duplicates, rejected > 0 AS rejected, records = stored + duplicates + rejected AS adds_up
FROM cdp.ingest_count ORDER BY source;

-- the same whichever way
SELECT other.way, other.name FROM found AS other JOIN found AS first USING (name)
WHERE first.way = 'one by one' AND (other.rows, other.digest) IS DISTINCT FROM (first.rows, first.digest)
ORDER BY 1, 2;
SELECT way, count(*) AS parts FROM found GROUP BY way ORDER BY way;
