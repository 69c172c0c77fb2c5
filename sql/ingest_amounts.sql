-- Amounts that came before their exchange rate: kept, counted, and computed
-- later as ingest would have.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
\set SHOW_CONTEXT never
SELECT cdp.add_source('shop') \g /dev/null
SELECT cdp.add_source('till', mapping => '{"identifiers": {"user_id": "$.who"}, "message_id": "$.no", "event": "order",
	"at": "$.at", "amount": "$.price * $.count", "currency": "$.money", "properties": "$.detail"}') \g /dev/null
-- what is sent is kept as cdp_amount, whatever a sender calls by that name
INSERT INTO cdp.inbox (source, record)
SELECT 'shop', format('{"messageId":"s%s","userId":"ann","event":"order","timestamp":"2026-03-%s","properties":%s}', lpad(n::text, 2, '0'), lpad(n::text, 2, '0'), properties)
FROM unnest(ARRAY['{"currency":"USD","total":"10.00025","value":7}', '{"currency":"usd","revenue":null,"amount":5}',
	'{"currency":"USD","cdp_amount":99,"total":3}', '{"currency":"USD","total":"n/a","value":7}',
	'{"currency":"USD","price":7}', '{"currency":"USD","total":1.9e15}', '{"currency":"EUR","total":9e15}',
	'{"currency":"CHF","total":4}', '{"total":8}', '{"currency":"USD","cdp_amount":99}']) WITH ORDINALITY AS sent (properties, n);
INSERT INTO cdp.inbox (source, record)
SELECT 'till', format('{"no":"t%s","who":"bob","at":"2026-03-0%s","price":2.5,"count":3,"money":"%s","detail":%s}', n, n, money, detail)
FROM (VALUES (1, 'USD', '{"id":"t1"}'), (2, 'USD', '{"id":"t2","total":7.50}'), (3, 'USD', '{"id":"t3","total":8.5}'),
	(4, 'USD', 'null'), (5, 'USD', '{"cdp_amount":"free"}'), (6, 'EUR', '{"total":1}')) AS sent (n, money, detail);
CALL cdp.merge();
SELECT message_id, amount, currency, properties FROM cdp.event ORDER BY message_id COLLATE "C";
SELECT reason, field, sum(records) AS records FROM cdp.ingest_warning GROUP BY 1, 2 ORDER BY 1, 2;
SELECT value, state, hint FROM cdp.health WHERE name = 'amounts_without_rate';
-- a preview shows what is kept, too
SELECT part, field, value, becomes FROM cdp.preview_mapping('till', NULL,
	'{"no":"t9","who":"bob","at":"2026-03-09","price":2.5,"count":3,"money":"GBP","detail":{"id":"t9"}}')
WHERE part IN ('amount', 'property');
-- without a rate there is nothing to do, and nothing is written
SELECT cdp.convert_amounts();
SELECT count(*) FROM cdp.todo;
-- a rate counts from when it is valid; the store's own currency needs none,
-- whatever the table says
INSERT INTO cdp.exchange_rate VALUES ('USD', '2026-03-02', 0.5), ('EUR', '2026-01-01', 7);
SELECT cdp.convert_amounts();
SELECT phase, cardinality(ids) AS profiles FROM cdp.todo;
SELECT message_id, amount, currency, properties FROM cdp.event ORDER BY message_id COLLATE "C";
SELECT value, state FROM cdp.health WHERE name = 'amounts_without_rate';
SELECT cdp.convert_amounts();
CALL cdp.merge();
SELECT identifiers, orders, revenue, last_order_at FROM cdp.unified_profile ORDER BY identifiers;
SELECT occurred_at, amount FROM cdp.timeline_of(cdp.find_profile('user_id', 'ann'));
-- whoever reads by an old snapshot could miss what others did
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT cdp.convert_amounts();
ROLLBACK;
-- stewards may; who only sends records may not
SET client_min_messages = warning;
DROP ROLE IF EXISTS cdp_test_steward, cdp_test_ingest;
CREATE ROLE cdp_test_steward;
CREATE ROLE cdp_test_ingest;
SELECT cdp.grant_role('cdp_test_steward', 'steward'), cdp.grant_role('cdp_test_ingest', 'ingest') \g /dev/null
SET ROLE cdp_test_ingest;
SELECT cdp.convert_amounts();
RESET ROLE;
SET ROLE cdp_test_steward;
SELECT cdp.convert_amounts();
RESET ROLE;
DROP OWNED BY cdp_test_steward, cdp_test_ingest;
DROP ROLE cdp_test_steward, cdp_test_ingest;
-- the currency of a store without amounts may change: what waited in the new
-- one has its amount then
\i :fresh
SELECT cdp.add_source('shop') \g /dev/null
SELECT cdp.ingest('shop', '{"messageId":"1","userId":"ann","event":"order","properties":{"currency":"CHF","total":1.00005}}') IS NOT NULL AS stored;
UPDATE cdp.setting SET value = 'CHF' WHERE name = 'currency';
SELECT cdp.convert_amounts();
SELECT amount, currency FROM cdp.event;

-- Random orders and returns in five currencies, from both kinds of source and
-- by all ways in, ingested and merged before there are rates, which come in
-- two parts; against a store that had the rates from the start.
\if :{?seed}
\else
\set seed 0.42
\endif
\echo seed :seed
SELECT setseed(:seed) \g /dev/null
CREATE TEMP TABLE sent AS
WITH drawn AS (
	SELECT n, floor(random() * 150)::int AS person, random() < 0.5 AS known, random() < 0.5 AS mapped, random() < 0.2 AS returned, random() < 0.05 AS joins,
		timestamptz '2026-01-01 00:00+00' + random() * interval '150 days' AS at,
		(ARRAY['EUR', 'USD', 'gbp', 'JPY', 'CHF', NULL])[1 + floor(random() * 6)::int] AS currency,
		(ARRAY['revenue', 'total', 'value', 'amount', 'cdp_amount', 'price'])[1 + floor(random() * 6)::int] AS name,
		(ARRAY['revenue', 'total', 'value', 'amount', 'cdp_amount', 'price'])[1 + floor(random() * 6)::int] AS other_name,
		round((random() * 300)::numeric, floor(random() * 6)::int) AS amount,
		round((random() * 300)::numeric, 1) AS other, random() AS shape
	FROM generate_series(1, 3000) AS n
), valued AS (
	SELECT *, CASE WHEN shape < 0.8 THEN to_jsonb(amount) WHEN shape < 0.9 THEN to_jsonb(amount::text)
		WHEN shape < 0.93 THEN 'null' WHEN shape < 0.96 THEN '"12,5"' WHEN shape < 0.98 THEN '1e17' ELSE to_jsonb(-amount) END AS value
	FROM drawn
)
SELECT n, CASE WHEN mapped THEN 'till' ELSE 'shop' END AS source,
	CASE WHEN mapped THEN jsonb_build_object('no', n, 'who', CASE WHEN known OR joins THEN 'u' || person END, 'cookie', CASE WHEN NOT known OR joins THEN 'c' || person END, 'at', at,
			'kind', CASE WHEN returned THEN 'return' ELSE 'order' END, 'sum', value, 'money', currency,
			'detail', jsonb_build_object('order_id', 'o' || n, other_name, other))
		ELSE jsonb_build_object('messageId', n, 'userId', CASE WHEN known OR joins THEN 'u' || person END,
			'anonymousId', CASE WHEN NOT known OR joins THEN 'c' || person END, 'timestamp', at, 'event', CASE WHEN returned THEN 'return' ELSE 'order' END,
			'properties', jsonb_build_object('order_id', 'o' || n, other_name, other) || jsonb_build_object(name, value, 'currency', currency))
		END AS record
FROM valued;
CREATE TEMP TABLE rated AS
SELECT * FROM (VALUES (1, 'USD', '2026-02-01', 0.9123), (1, 'USD', '2026-04-01', 0.9777), (1, 'GBP', '2026-01-01', 1.1751),
	(2, 'USD', '2026-01-20', 0.888), (2, 'JPY', '2025-01-01', 0.0061), (2, 'JPY', '2026-03-01 12:00', 0.00595)) AS rate (part, currency, valid_from, rate);
CREATE FUNCTION pg_temp.add_sources() RETURNS void LANGUAGE sql AS $$
	SELECT cdp.add_source('shop'), cdp.add_source('till', mapping => '{"identifiers": {"user_id": "$.who", "anonymous_id": "$.cookie"}, "message_id": "$.no",
		"at": "$.at", "event": "$.kind", "amount": "$.sum", "currency": "$.money", "properties": "$.detail"}'),
		cdp.define_segment('spender', 'sum(order.amount) > 1500')
$$;
CREATE FUNCTION pg_temp.send(first integer, last integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO cdp.inbox (source, record) SELECT source, record::text FROM sent WHERE n BETWEEN $1 AND $2 ORDER BY n
$$;
CREATE FUNCTION pg_temp.add_rates(part integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO cdp.exchange_rate SELECT currency, valid_from::timestamptz, rate FROM rated WHERE rated.part = $1
$$;
-- what a store says, and where two differ
CREATE FUNCTION pg_temp.says() RETURNS TABLE (part text, said jsonb) LANGUAGE sql AS $$
	SELECT 'event', jsonb_build_object('source', source_id, 'message', message_id, 'amount', amount, 'currency', currency, 'properties', properties)
	FROM cdp.event
	UNION ALL
	SELECT 'profile', to_jsonb(profile) FROM (SELECT identifiers, events, orders, revenue, average_order_value, first_order_at, last_order_at
		FROM cdp.unified_profile) AS profile
	UNION ALL
	SELECT 'timeline', jsonb_build_object('who', identifiers, 'at', occurred_at, 'amount', amount)
	FROM cdp.unified_profile AS whole, cdp.timeline_of(whole.profile_id, 10000)
	UNION ALL
	SELECT 'segment', to_jsonb(identifiers) FROM cdp.segment_member JOIN cdp.unified_profile USING (profile_id) WHERE segment = 'spender'
$$;

\i :fresh
SET cdp.test_clock = '2026-06-01 12:00+00';
SELECT pg_temp.add_sources(), pg_temp.send(1, 1500) \g /dev/null
CALL cdp.merge();
-- one at a time, some beside work that waits
SELECT count(cdp.ingest(source, record)) > 0 AS ingested FROM sent WHERE n BETWEEN 1501 AND 1800;
SELECT pg_temp.send(1801, 2500) \g /dev/null
CALL cdp.merge(phases => '{ingest}');
SELECT pg_temp.add_rates(1) \g /dev/null
SELECT cdp.convert_amounts() > 0 AS converted;
CALL cdp.merge();
SELECT pg_temp.add_rates(2) \g /dev/null
SELECT pg_temp.send(2501, 3000) \g /dev/null
CALL cdp.merge(phases => '{ingest,stitch,timeline}');
SELECT cdp.convert_amounts() > 0 AS converted;
CALL cdp.merge();
CREATE TEMP TABLE said_late AS SELECT * FROM pg_temp.says();
SELECT value AS waiting FROM cdp.health WHERE name = 'amounts_without_rate' \gset
CALL cdp.rebuild();
CREATE TEMP TABLE said_rebuilt AS SELECT * FROM pg_temp.says();

\i :fresh
SET cdp.test_clock = '2026-06-01 12:00+00';
SELECT pg_temp.add_sources(), pg_temp.add_rates(1), pg_temp.add_rates(2), pg_temp.send(1, 3000) \g /dev/null
CALL cdp.merge();
CREATE TEMP TABLE said_early AS SELECT * FROM pg_temp.says();
SELECT value = :waiting AND value > 0 AS same_waiting FROM cdp.health WHERE name = 'amounts_without_rate';
SELECT part, count(*) > 0 AS any,
	(SELECT count(*) FROM (SELECT * FROM said_late EXCEPT ALL SELECT * FROM said_early) AS differs WHERE differs.part = said_early.part) AS too_many,
	(SELECT count(*) FROM (SELECT * FROM said_early EXCEPT ALL SELECT * FROM said_late) AS differs WHERE differs.part = said_early.part) AS missing,
	(SELECT count(*) FROM (SELECT * FROM said_late EXCEPT ALL SELECT * FROM said_rebuilt) AS differs WHERE differs.part = said_early.part) AS after_rebuild
FROM said_early GROUP BY 1 ORDER BY 1;
-- and against plain SQL
WITH told AS (
	SELECT n, (CASE WHEN text ~ '^-?[0-9.]+$' THEN text END)::numeric AS amount, upper(coalesce(currency, 'EUR')) AS currency
	FROM sent, LATERAL (SELECT record ->> 'sum' AS text, record ->> 'money' AS currency WHERE source = 'till'
		UNION ALL
		SELECT coalesce(said ->> 'revenue', said ->> 'total', said ->> 'value', said ->> 'amount'), said ->> 'currency'
		FROM (SELECT record -> 'properties' AS said) AS properties WHERE source = 'shop') AS parts
), converted AS (
	SELECT event.amount, told.amount * CASE WHEN told.currency = 'EUR' THEN 1 ELSE (SELECT rate FROM cdp.exchange_rate AS known
		WHERE known.currency = told.currency AND known.valid_from <= event.occurred_at ORDER BY known.valid_from DESC LIMIT 1) END AS exact
	FROM cdp.event JOIN told ON told.n::text = event.message_id
)
SELECT count(amount) > 1500 AS many, count(*) FILTER (WHERE CASE WHEN abs(exact) <= 922337203685477
	THEN abs(amount - exact) <= 0.00005 IS NOT TRUE ELSE amount IS NOT NULL END) AS wrong
FROM converted;
