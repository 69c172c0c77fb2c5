-- From identifiers of records to rows: identifiers, sets, provisional profiles.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\i :fresh
\i :stand_ins
CREATE VIEW pg_temp.identifier AS
SELECT identifier_id AS id, type, identifier.scope, value, leaf, blocked, shared
FROM cdp.identifier JOIN cdp.identifier_type USING (type_id);
-- values become canonical, repeats of a key in a record count once, and a
-- record whose keys are all known makes nothing
SELECT cdp._attach('web', '[
	{"ids": [["email", " Ann@Example.COM "], ["email", "ann@example.com"], ["anonymous_id", "c1"]]},
	{"ids": [["anonymous_id", "c1"], ["email", "ANN@example.com"]]},
	{"ids": [["phone", "030 1234567"], ["anonymous_id", "c2"]]}]');
TABLE pg_temp.identifier ORDER BY id;
SELECT set_id, identifiers, records, owner FROM cdp.identifier_set ORDER BY set_id;
TABLE cdp.identifier_set_member ORDER BY 1, 2;
SELECT profile_id, root, founder, ord FROM cdp.profile ORDER BY 1;
SELECT phase, ids FROM cdp.todo ORDER BY todo_id;
-- the same again makes nothing new: numbers stay dense, known sets are only
-- counted, and that by rows of their own
SELECT cdp._attach('web', '[{"ids": [["anonymous_id", "c1"], ["email", "ann@example.com"]]}]')
FROM generate_series(1, 3);
SELECT (SELECT last_value FROM cdp.identifier_id_seq) AS identifiers,
	(SELECT last_value FROM cdp.identifier_set_id_seq) AS sets,
	(SELECT last_value FROM cdp.profile_id_seq) AS profiles,
	(SELECT count(*) FROM cdp.todo) AS todo;
SELECT set_id, records FROM cdp.identifier_set_seen;
SELECT cdp._fold_seen();
SELECT set_id, records FROM cdp.identifier_set ORDER BY 1;
-- the same identifiers from another source are another set
SELECT cdp._attach('crm', '[{"ids": [["anonymous_id", "c1"], ["email", "ann@example.com"]]}]');
-- a new identifier is born into the profile of the strongest known one; a
-- chain within one batch is followed
SELECT cdp._attach('web', '[
	{"ids": [["anonymous_id", "c1"], ["user_id", "u1"]]},
	{"ids": [["anonymous_id", "c3"], ["user_id", "u1"]]},
	{"ids": [["anonymous_id", "c3"], ["anonymous_id", "c4"]]}]');
SELECT value, leaf FROM pg_temp.identifier WHERE id > 4 ORDER BY id;
-- source-scoped types keep one source's numbers from another's; so does
-- own_user_ids for user_id
SELECT cdp._attach('crm', '[{"ids": [["crm_id", "123"]]}, {"ids": [["user_id", "123"]]}]');
SELECT cdp._attach('crm2', '[{"ids": [["crm_id", "123"]]}, {"ids": [["user_id", "123"]]}]');
SELECT cdp._attach('till', '[{"ids": [["crm_id", "123"]]}, {"ids": [["user_id", "123"]]}]');
SELECT type, scope, value, leaf FROM pg_temp.identifier WHERE value = '123' ORDER BY id;
-- blocked values and those that only describe are kept and found nobody
SELECT cdp._attach('web', '[
	{"ids": [["email", "info@shop.de"], ["ip", "10.0.0.1"]]},
	{"ids": [["email", "NoReply@shop.de"], ["anonymous_id", "c9"]]},
	{"ids": [["user_id", "NULL"]]}, {"ids": [["device_id", "00000000-0000-0000-0000-000000000000"]]},
	{"ids": [["phone", "+49 1111111111"]]}]');
SELECT type, value, leaf, blocked FROM pg_temp.identifier
WHERE blocked OR type = 'ip' OR value = 'c9' ORDER BY type, value;
SELECT identifiers, owner IS NULL AS nobodys FROM cdp.identifier_set
ORDER BY set_id DESC LIMIT 5;
-- invalid values are left out; a record without any is refused, and so is one
-- with too many; the others of the batch are not touched by that
SELECT cdp._attach('web', jsonb_build_array(
	'{"ids": [["email", "a@@b"], ["anonymous_id", "c1"]]}'::jsonb,
	'{"ids": [["email", "a@@b"]]}'::jsonb,
	jsonb_build_object('ids', (SELECT jsonb_agg(jsonb_build_array('anonymous_id', 'x' || n)) FROM generate_series(1, 65) AS n)),
	jsonb_build_object('ids', (SELECT jsonb_agg(jsonb_build_array('anonymous_id', 'y' || n)) FROM generate_series(1, 64) AS n)),
	jsonb_build_object('ids', (SELECT jsonb_agg(jsonb_build_array('anonymous_id', 'z')) FROM generate_series(1, 100)))));
SELECT left(value, 1) AS value, count(*) FROM pg_temp.identifier
WHERE value ~ '^[xyz]' GROUP BY 1 ORDER BY 1;
-- every founder was born with the profile it founded
SELECT count(*) FROM cdp.profile
LEFT JOIN cdp.identifier ON identifier_id = founder AND leaf = profile_id
WHERE identifier_id IS NULL;
