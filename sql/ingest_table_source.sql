\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
DROP SCHEMA IF EXISTS shop CASCADE;
CREATE SCHEMA shop;

-- a log that only grows, read in place by its key
CREATE TABLE shop.sale (id integer PRIMARY KEY, customer text, "Total" numeric, sold_at timestamptz);
INSERT INTO shop.sale
SELECT n, 'c' || n % 5, n, '2026-05-01'::timestamptz + n * interval '1 hour' FROM generate_series(1, 25) AS n;
SELECT cdp.add_table_source('till', 'shop.sale',
	'{"identifiers": {"user_id": "$.customer"}, "at": "$.sold_at", "event": "order", "amount": "$.Total", "properties": {"order_id": "$.id"}}',
	key => 'id', own_user_ids => true);
SELECT relation, key, watermark, active FROM cdp.table_source;
SELECT cdp._ingest_backlog();
CALL cdp.merge(batch => 10, phases => '{ingest}');
SELECT count(*), sum(amount), min(occurred_at), max(occurred_at), min(message_id), max(properties::text) FROM cdp.event;
-- nothing new, then something
CALL cdp.merge(batch => 10, phases => '{ingest}');
SELECT cdp._ingest_backlog();
INSERT INTO shop.sale VALUES (26, 'c1', 100, '2026-05-20'), (27, NULL, 1, '2026-05-20');
CALL cdp.merge(phases => '{ingest}');
SELECT records, stored, duplicates, rejected FROM cdp.ingest_count;
SELECT reason, record FROM cdp.reject;

-- rows that change, read by a watermark with overlap: each version once
CREATE TABLE shop.contact (no text PRIMARY KEY, mail text, city text, changed timestamp NOT NULL);
INSERT INTO shop.contact VALUES
	('k1', 'ann@example.com', 'Berlin', '2026-05-01 10:00'),
	('k2', 'bob@example.com', 'Wien', '2026-05-01 10:00'),
	('k3', 'cem@example.com', 'Bern', '2026-05-01 10:30');
SELECT cdp.add_table_source('crm', 'shop.contact',
	'{"identifiers": {"crm_id": "$.no", "email": "$.mail"}, "at": "$.changed", "traits": {"city": "$.city"}}',
	key => 'no', watermark => 'changed', "overlap" => '1 hour', priority => 200);
CALL cdp.merge(batch => 1, phases => '{ingest}');
SELECT records, stored, duplicates FROM cdp.ingest_count WHERE source = 'crm';
-- one changed, one came late with a time already passed
UPDATE shop.contact SET city = 'Hamburg', changed = '2026-05-01 11:00' WHERE no = 'k1';
INSERT INTO shop.contact VALUES ('k0', 'dan@example.com', 'Graz', '2026-05-01 09:45');
CALL cdp.merge(batch => 2, phases => '{ingest}');
SELECT records, stored, duplicates FROM cdp.ingest_count WHERE source = 'crm';
SELECT high_watermark FROM cdp.table_source WHERE watermark IS NOT NULL;
SELECT value FROM cdp.trait_observation WHERE name = 'city' ORDER BY value::text COLLATE "C";
-- the zone and date style of the session play no part in what is a repeat
SET timezone = 'America/New_York';
SET datestyle = 'German';
CALL cdp.merge(phases => '{ingest}');
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SELECT stored FROM cdp.ingest_count WHERE source = 'crm';
-- a bad row is rejected once, however often the overlap brings it
INSERT INTO shop.contact VALUES
	('k4', NULL, 'Linz', '2026-05-01 10:50'),
	('k5', 'fay@@example.com', 'Genf', '2026-05-01 10:55');
UPDATE cdp.source SET mapping = mapping || '{"identifiers": {"email": "$.mail"}}' WHERE name = 'crm';
CALL cdp.merge(batch => 2, phases => '{ingest}');
CALL cdp.merge(batch => 3, phases => '{ingest}');
SELECT reject_id - min(reject_id) OVER () AS nth, reason, message_id FROM cdp.reject WHERE source = 'crm' ORDER BY 1;
SELECT sum(rejected) AS rejected, sum(records) = sum(stored + duplicates + rejected) AS adds_up
FROM cdp.ingest_count WHERE source = 'crm';
-- tried again in vain it is the same reject still; changed, it is another one
CALL cdp.retry_rejects('crm');
CALL cdp.merge(phases => '{ingest}');
UPDATE shop.contact SET city = 'Basel' WHERE no = 'k5';
CALL cdp.merge(phases => '{ingest}');
SELECT message_id, record::jsonb ->> 'city' AS city FROM cdp.reject WHERE source = 'crm' ORDER BY 1, 2;
-- tried again after it was mended it is stored once, and the bad row that is
-- still in the table is a repeat of it
UPDATE cdp.reject SET record = jsonb_set(record::jsonb, '{mail}', '"fay@example.com"') WHERE record::jsonb ->> 'city' = 'Basel';
CALL cdp.retry_rejects('crm');
CALL cdp.merge(phases => '{ingest}');
UPDATE cdp.source SET mapping = mapping || '{"identifiers": {"crm_id": "$.no", "email": "$.mail"}}' WHERE name = 'crm';
CALL cdp.merge(phases => '{ingest}');
CALL cdp.retry_rejects('crm');
CALL cdp.merge(phases => '{ingest}');
SELECT count(*) FROM cdp.reject WHERE source = 'crm';
SELECT value, count(*) FROM cdp.trait_observation WHERE value IN ('"Linz"', '"Genf"', '"Basel"') GROUP BY value ORDER BY value::text COLLATE "C";
DELETE FROM shop.contact WHERE no IN ('k4', 'k5');

-- it can be paused
UPDATE cdp.table_source SET active = false WHERE watermark IS NOT NULL;
UPDATE shop.contact SET city = 'Bremen', changed = '2026-05-02 11:00' WHERE no = 'k1';
CALL cdp.merge(phases => '{ingest}');
SELECT stored FROM cdp.ingest_count WHERE source = 'crm';

-- a view will do
CREATE VIEW shop.big_sale AS SELECT * FROM shop.sale WHERE "Total" > 20;
SELECT cdp.add_table_source('big', 'shop.big_sale', '{"identifiers": {"user_id": "$.customer"}, "event": "big sale"}', key => 'id');
CALL cdp.merge(phases => '{ingest}');
SELECT source, stored FROM cdp.ingest_count ORDER BY source;

-- an infinite or future watermark is read but hides no later row
UPDATE cdp.table_source SET active = true WHERE watermark IS NOT NULL;
INSERT INTO shop.contact VALUES
	('k7', 'inf@example.com', 'Rom', 'infinity'),
	('k8', 'far@example.com', 'Oslo', '2999-01-01');
CALL cdp.merge(batch => 1, phases => '{ingest}');
SELECT high_watermark FROM cdp.table_source WHERE watermark IS NOT NULL;
INSERT INTO shop.contact VALUES ('k9', 'eve@example.com', 'Turin', '2026-05-03');
CALL cdp.merge(batch => 2, phases => '{ingest}');
SELECT high_watermark FROM cdp.table_source WHERE watermark IS NOT NULL;
SELECT value FROM cdp.trait_observation WHERE value = '"Turin"';

-- a source that cannot be read stops neither the others nor the run
CREATE VIEW shop.faulty AS SELECT id, customer, 1 / (id - 1) AS boom FROM shop.sale;
CREATE TABLE shop.gone (id integer, customer text);
CREATE TABLE shop.late (id integer, customer text);
INSERT INTO shop.late VALUES (1, 'late');
SELECT cdp.add_table_source('faulty', 'shop.faulty', '{"identifiers": {"user_id": "$.customer"}, "event": "e"}', key => 'id');
SELECT cdp.add_table_source('gone', 'shop.gone', '{"identifiers": {"user_id": "$.customer"}, "event": "e"}', key => 'id');
SELECT cdp.add_table_source('late', 'shop.late', '{"identifiers": {"user_id": "$.customer"}, "event": "e"}', key => 'id');
DROP TABLE shop.gone;
SELECT cdp._ingest_backlog() > 1 AS backlog;
CALL cdp.merge(phases => '{ingest}');
SELECT name, error FROM cdp.table_source JOIN cdp.source USING (source_id) WHERE error IS NOT NULL ORDER BY 1;
SELECT source, stored FROM cdp.ingest_count WHERE source IN ('faulty', 'gone', 'late') ORDER BY source;
-- it is tried again, and the error goes when it can be read
CREATE OR REPLACE VIEW shop.faulty AS SELECT id, customer, 1 AS boom FROM shop.sale;
CREATE TABLE shop.gone (id integer, customer text);
CALL cdp.merge(phases => '{ingest}');
SELECT count(*) FROM cdp.table_source WHERE error IS NOT NULL;
SELECT source, stored FROM cdp.ingest_count WHERE source IN ('faulty', 'gone', 'late') ORDER BY source;

-- a column that is gone is named; when it is there again nothing was lost
ALTER TABLE shop.late ADD city text, ADD changed date DEFAULT '2026-05-01';
UPDATE cdp.table_source SET watermark = 'changed' WHERE relation = 'shop.late';
UPDATE cdp.source SET mapping = mapping || '{"traits": {"city": "$.city", "size": "$.size()", "first": "$.city ? (@ starts with \"A\")"}}' WHERE name = 'late';
INSERT INTO shop.late VALUES (2, 'later', 'Aachen', '2026-05-01');
ALTER TABLE shop.late RENAME city TO town;
ALTER TABLE shop.gone RENAME id TO no;
INSERT INTO shop.sale VALUES (29, 'c1', 1, '2026-05-21');
CALL cdp.merge(phases => '{ingest}');
SELECT name, error FROM cdp.table_source JOIN cdp.source USING (source_id) WHERE error IS NOT NULL ORDER BY 1;
ALTER TABLE shop.late RENAME town TO city;
ALTER TABLE shop.late RENAME changed TO renewed;
ALTER TABLE shop.gone RENAME no TO id;
CALL cdp.merge(phases => '{ingest}');
ALTER TABLE shop.late ADD changed text;
CALL cdp.merge(phases => '{ingest}');
ALTER TABLE shop.late DROP changed;
ALTER TABLE shop.late RENAME renewed TO changed;
CALL cdp.merge(phases => '{ingest}');
SELECT name, error FROM cdp.table_source JOIN cdp.source USING (source_id) WHERE error IS NOT NULL ORDER BY 1;
SELECT source, stored FROM cdp.ingest_count WHERE source IN ('faulty', 'gone', 'late') ORDER BY source;
SELECT cdp._mapping_columns('{"identifiers": {"email": ["$.mail", "lax $.\"E Mail\"[0].x", "$.a + $.b"], "user_id": "u"}, "at": "$.at.datetime()",
	"event": "order", "message_id": "$.id", "amount": "$.total", "currency": "$.currency", "properties": "$.all", "traits": "$",
	"consents": [{"purpose": "marketing", "channel": "email", "state": "$.opt_in"}]}');
SELECT cdp._mapping_columns('{"identifiers": {"email": "$$"}}');

-- what is wrong with the server, and a cancel, still stop the run
CREATE FUNCTION shop.fail(code text) RETURNS integer LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'failed as told' USING ERRCODE = code; END $$;
CREATE OR REPLACE VIEW shop.faulty AS SELECT id, customer, shop.fail('53200') AS boom FROM shop.sale;
INSERT INTO shop.sale VALUES (30, 'c1', 1, '2026-05-21');
CALL cdp.merge(phases => '{ingest}');
CREATE OR REPLACE VIEW shop.faulty AS SELECT id, customer, shop.fail('40P01') AS boom FROM shop.sale;
CALL cdp.merge(phases => '{ingest}');
CREATE OR REPLACE VIEW shop.faulty AS SELECT id, customer, length(pg_sleep(600)::text) AS boom FROM shop.sale;
SET statement_timeout = '2s';
CALL cdp.merge(phases => '{ingest}');
RESET statement_timeout;
SELECT error FROM cdp.run ORDER BY run_id DESC LIMIT 1;
SELECT count(*) FROM cdp.table_source WHERE error IS NOT NULL;
-- what another server says of itself does not, nor a cancel that is not ours
CREATE OR REPLACE VIEW shop.faulty AS SELECT id, customer, shop.fail('57P01') AS boom FROM shop.sale;
CALL cdp.merge(phases => '{ingest}');
CREATE OR REPLACE VIEW shop.faulty AS SELECT id, customer, shop.fail('08006') AS boom FROM shop.sale;
CALL cdp.merge(phases => '{ingest}');
CREATE OR REPLACE VIEW shop.faulty AS SELECT id, customer, shop.fail('57014') AS boom FROM shop.sale;
CALL cdp.merge(phases => '{ingest}');
SELECT error FROM cdp.table_source WHERE error IS NOT NULL;
CREATE OR REPLACE VIEW shop.faulty AS SELECT id, customer, 1 AS boom FROM shop.sale;

-- mistakes
SELECT cdp.add_table_source('x', 'shop.sale', '{"identifiers": {"user_id": ["$.customer", "$.\"Custommer\".id"]}}', key => 'id');
SELECT cdp.add_table_source('x', 'shop.nothing', '{"identifiers": {"user_id": "$.customer"}}', key => 'id');
SELECT cdp.add_table_source('x', 'shop.sale', '{"identifiers": {"user_id": "$.customer"}}', key => 'no_column');
SELECT cdp.add_table_source('x', 'shop.sale', '{"identifiers": {"user_id": "$.customer"}}', key => 'id', watermark => 'no_column');
SELECT cdp.add_table_source('x', 'shop.sale', '{"identifiers": {"user_id": "$.customer"}}', key => 'id', watermark => 'customer');
SELECT cdp.add_table_source('x', 'shop.sale', '{"identifiers": {"user_id": "$.customer"}}', key => NULL);
SELECT cdp.add_table_source('x', 'shop.sale', NULL, key => 'id');
SELECT cdp.add_table_source('till', 'shop.sale', '{"identifiers": {"user_id": "$.customer"}}', key => 'id');
UPDATE cdp.table_source SET key = 'no_column' WHERE watermark IS NOT NULL;
SELECT cdp.add_table_source('x', 'shop.sale', '{"identifiers": {"user_id": "$.customer"}, "traits": {"city": "$.town"}}', key => 'id');
UPDATE cdp.table_source SET relation = 'shop.nothing' WHERE watermark IS NOT NULL;

-- rows without a watermark are not read, and counted
CREATE TABLE shop.visit (id integer, customer text, seen timestamptz);
INSERT INTO shop.visit VALUES (1, 'c1', '2026-05-01'), (2, 'c2', NULL), (3, 'c3', NULL);
SELECT cdp.add_table_source('visit', 'shop.visit', '{"identifiers": {"user_id": "$.customer"}, "event": "visit"}',
	key => 'id', watermark => 'seen');
SELECT value, state FROM cdp.health WHERE name = 'table_rows_unread';
INSERT INTO shop.visit VALUES (4, 'c4', NULL), (5, 'c5', '2026-05-02');
CALL cdp.merge(batch => 1, phases => '{ingest}');
SELECT unread_rows, (SELECT sum(stored) FROM cdp.ingest_count WHERE source = 'visit') AS stored
FROM cdp.table_source WHERE relation = 'shop.visit';
SELECT value, state, hint FROM cdp.health WHERE name = 'table_rows_unread';
UPDATE shop.visit SET seen = '2026-05-03' WHERE seen IS NULL;
CALL cdp.merge(phases => '{ingest}');
SELECT unread_rows, (SELECT sum(stored) FROM cdp.ingest_count WHERE source = 'visit') AS stored
FROM cdp.table_source WHERE relation = 'shop.visit';
-- where the table says that there are none, nobody looks
ALTER TABLE shop.visit ALTER seen SET NOT NULL;
SELECT cdp._count_unread('shop.visit', 'seen'), cdp._count_unread('shop.visit', NULL);

-- a right that is missing is named with who needs it
SELECT cdp._store_owner() AS owner \gset
CREATE ROLE regress_merger;
CREATE ROLE regress_shop;
GRANT :"owner" TO regress_merger;
CREATE SCHEMA regress_shop AUTHORIZATION regress_shop;
CREATE TABLE regress_shop."Card" (id integer, customer text);
INSERT INTO regress_shop."Card" VALUES (1, 'c1');
CREATE VIEW regress_shop.card AS SELECT * FROM regress_shop."Card";
ALTER TABLE regress_shop."Card" OWNER TO regress_shop;
SELECT cdp.add_table_source('card', 'regress_shop."Card"', '{"identifiers": {"user_id": "$.customer"}, "event": "e"}', key => 'id');
CREATE FUNCTION pg_temp.card_error() RETURNS text LANGUAGE sql AS $$
	SELECT replace(error, cdp._store_owner(), 'OWNER') FROM cdp.table_source WHERE relation ILIKE '%card%'
$$;
SET client_min_messages = error;
SET ROLE regress_merger;
CALL cdp.merge(phases => '{ingest}');
RESET ROLE;
SELECT pg_temp.card_error();
GRANT USAGE ON SCHEMA regress_shop TO :"owner";
SET ROLE regress_merger;
CALL cdp.merge(phases => '{ingest}');
RESET ROLE;
SELECT pg_temp.card_error();
GRANT SELECT ON regress_shop."Card" TO :"owner";
SET ROLE regress_merger;
CALL cdp.merge(phases => '{ingest}');
RESET ROLE;
SELECT pg_temp.card_error();
SELECT stored FROM cdp.ingest_count WHERE source = 'card';
-- a view reads with its owner's rights
CREATE ROLE regress_view;
ALTER VIEW regress_shop.card OWNER TO regress_view;
GRANT SELECT ON regress_shop.card TO :"owner";
UPDATE cdp.table_source SET relation = 'regress_shop.card' WHERE relation = 'regress_shop."Card"';
SET ROLE regress_merger;
CALL cdp.merge(phases => '{ingest}');
RESET ROLE;
SELECT pg_temp.card_error();
RESET client_min_messages;
DELETE FROM cdp.table_source WHERE relation = 'regress_shop.card';
DROP VIEW regress_shop.card;
DROP TABLE regress_shop."Card";
DROP SCHEMA regress_shop;
REVOKE :"owner" FROM regress_merger;
DROP ROLE regress_merger, regress_shop, regress_view;

-- with the key as message id a row counts once, whatever becomes of it
SET client_min_messages = notice;
SELECT cdp.add_table_source('once', 'shop.contact',
	'{"identifiers": {"crm_id": "$.no"}, "message_id": "$.no", "traits": {"city": "$.city"}}',
	key => 'no', watermark => 'changed');
RESET client_min_messages;

-- a preview of a table source begins with its first rows, as a run reads them
SELECT record, part, field, value, becomes, problem
FROM cdp.preview_mapping('till') WHERE record = 2;
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
-- without a watermark the key says which rows are new, and must tell them apart
CREATE TABLE regress_word (code text PRIMARY KEY, n bigint, customer text);
SELECT cdp.add_table_source('word', 'public.regress_word', '{"identifiers": {"user_id": "$.customer"}}', key => 'code');
SELECT cdp.add_table_source('word', 'public.regress_word', '{"identifiers": {"user_id": "$.customer"}}', key => 'n') > 0 AS added;
DROP TABLE regress_word;
