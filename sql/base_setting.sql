-- Settings: each is checked for its kind when it is written.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SELECT name, kind FROM cdp.setting ORDER BY name COLLATE "C";

-- what no run could read is refused when it is written, not by the next run
UPDATE cdp.setting SET value = 'abc' WHERE name = 'partition_rows';
UPDATE cdp.setting SET value = '0' WHERE name = 'partition_rows';
UPDATE cdp.setting SET value = '9999999999' WHERE name = 'max_record_size';
UPDATE cdp.setting SET value = NULL WHERE name = 'max_record_size';
UPDATE cdp.setting SET value = 'soon' WHERE name = 'refresh_every';
UPDATE cdp.setting SET value = '-1 day' WHERE name = 'score_every';
UPDATE cdp.setting SET value = 'Mars/Olympus' WHERE name = 'time_zone';
UPDATE cdp.setting SET value = 'Germany' WHERE name = 'default_region';
UPDATE cdp.setting SET value = 'euros' WHERE name = 'currency';
UPDATE cdp.setting SET kind = 'colour' WHERE name = 'currency';
INSERT INTO cdp.setting (name, value, description, kind) VALUES ('own', 'x', '', 'integer');

-- what can be read is taken, codes in capitals
INSERT INTO cdp.setting (name, value, description) VALUES ('own', 'x', '');
UPDATE cdp.setting SET value = '2 hours' WHERE name = 'refresh_every';
UPDATE cdp.setting SET value = '0' WHERE name = 'refresh_every';
UPDATE cdp.setting SET value = 'at' WHERE name = 'default_region';
UPDATE cdp.setting SET value = 'chf' WHERE name = 'currency';
SELECT name, value FROM cdp.setting
WHERE name IN ('own', 'refresh_every', 'default_region', 'currency') ORDER BY name COLLATE "C";
UPDATE cdp.setting SET value = NULL WHERE name = 'default_region';

-- what the store reads by its name stays; what users added may go
DELETE FROM cdp.setting WHERE name = 'refresh_every';
UPDATE cdp.setting SET name = 'refresh' WHERE name = 'refresh_every';
UPDATE cdp.setting SET kind = 'text' WHERE name = 'refresh_every';
UPDATE cdp.setting SET built_in = false WHERE name = 'refresh_every';
UPDATE cdp.setting SET name = 'mine' WHERE name = 'own';
DELETE FROM cdp.setting WHERE name = 'mine' RETURNING name;

-- amounts are in the store's currency: it stays while there are any
SELECT cdp.add_source('web') \g /dev/null
SELECT cdp.ingest('web', '{"type": "page", "userId": "u1", "messageId": "1"}') \g /dev/null
UPDATE cdp.setting SET value = 'EUR' WHERE name = 'currency';
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "u1", "messageId": "2", "properties": {"total": 10}}') \g /dev/null
UPDATE cdp.setting SET value = 'USD' WHERE name = 'currency';
UPDATE cdp.setting SET value = 'EUR' WHERE name = 'currency';
