\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
SELECT cdp.add_source('shop');
INSERT INTO cdp.exchange_rate (currency, valid_from, rate) VALUES
	('USD', '2026-01-01', 0.9), ('USD', '2026-03-01', 0.95),
	('JPY', '2026-01-01', 0.0061), ('GBP', '2026-01-01', 1.17);
CREATE TEMP TABLE sent (n serial, at text, properties text);

-- which property is the amount
INSERT INTO sent (at, properties) VALUES
	('2026-05-01', '{"revenue":1,"total":2,"value":3,"amount":4}'),
	('2026-05-01', '{"total":2,"value":3,"amount":4}'),
	('2026-05-01', '{"value":3,"amount":4}'),
	('2026-05-01', '{"amount":"4.50"}'),
	('2026-05-01', '{"revenue":null,"total":2}'),
	('2026-05-01', '{"price":4}');
-- half to even at the fourth place, warned of
INSERT INTO sent (at, properties) VALUES
	('2026-05-01', '{"total":1.00005}'), ('2026-05-01', '{"total":1.00015}'),
	('2026-05-01', '{"total":1.00025}'), ('2026-05-01', '{"total":-1.00005}'),
	('2026-05-01', '{"total":-1.00015}'), ('2026-05-01', '{"total":1.000050001}'),
	('2026-05-01', '{"total":1.00004999}'), ('2026-05-01', '{"total":0.1000000000}'),
	('2026-05-01', '{"total":1e-300}');
-- currencies, by the rate valid then
INSERT INTO sent (at, properties) VALUES
	('2026-05-01', '{"total":100,"currency":"EUR"}'),
	('2026-05-01', '{"total":100,"currency":"usd"}'),
	('2026-03-01', '{"total":100,"currency":"USD"}'),
	('2026-02-28T23:59:59.999Z', '{"total":100,"currency":"USD"}'),
	('2025-12-31', '{"total":100,"currency":"USD"}'),
	('2026-05-01', '{"total":12345,"currency":"JPY"}'),
	('2026-05-01', '{"total":100,"currency":"CHF"}'),
	('2026-05-01', '{"total":100,"currency":"$"}');
-- what cannot be an amount
INSERT INTO sent (at, properties) VALUES
	('2026-05-01', '{"total":"12,50"}'), ('2026-05-01', '{"total":"NaN"}'),
	('2026-05-01', '{"total":"1e5"}'), ('2026-05-01', '{"total":"0x10"}'),
	('2026-05-01', '{"total":""}'), ('2026-05-01', '{"total":[1]}'),
	('2026-05-01', '{"total":922337203685477}'),
	('2026-05-01', '{"total":922337203685477.5}'),
	('2026-05-01', '{"total":-1e15}'), ('2026-05-01', '{"total":1e300}');
INSERT INTO cdp.inbox (source, record)
SELECT 'shop', format('{"messageId":%s,"userId":"u","event":"Order Completed","timestamp":"%s","properties":%s}', n, at, properties)
FROM sent ORDER BY n;
CALL cdp.merge(phases => '{ingest}');
SELECT sent.properties AS sent, at, amount, currency
FROM sent JOIN cdp.event ON message_id = n::text ORDER BY n;
SELECT reason, field, records, example_value, message FROM cdp.ingest_warning ORDER BY 1, 2;
SELECT count(*) FROM cdp.reject;

-- rounding agrees with its definition on many ties
INSERT INTO cdp.inbox (source, record)
SELECT 'shop', format('{"messageId":"tie%s","userId":"u","event":"tie","properties":{"n":%s,"total":%s}}', n, n, n * 0.00005)
FROM generate_series(-301, 301, 2) AS n;
CALL cdp.merge(phases => '{ingest}');
SELECT count(*) AS ties,
	count(*) FILTER (WHERE abs(amount - (properties ->> 'total')::numeric) <> 0.00005) AS not_a_neighbour,
	count(*) FILTER (WHERE amount * 10000 % 2 <> 0) AS odd
FROM cdp.event WHERE name = 'tie';
