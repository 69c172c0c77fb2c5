-- Looking profiles up, and why they are what they are.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\i :fresh
\i :stand_ins
SELECT cdp._attach('web', '[
	{"at": "2026-04-30 23:30+00", "ids": [["anonymous_id", "c-71"], ["ip", "10.1.1.1"]]},
	{"at": "2026-05-02", "ids": [["anonymous_id", "c-71"], ["email", "Ann@Example.com"]]},
	{"at": "2026-05-03", "ids": [["anonymous_id", "c-71"], ["email", "Ann@Example.com"]]},
	{"at": "2026-05-04", "ids": [["anonymous_id", "a/b"], ["device_id", "tablet"]]},
	{"at": "2026-05-04", "ids": [["user_id", "u1"], ["device_id", "tablet"]]},
	{"at": "2026-05-04", "ids": [["user_id", "u2"], ["device_id", "tablet"]]},
	{"at": "2026-05-04", "ids": [["user_id", "u2"], ["email", "info@x.de"]]}]');
SELECT cdp._attach('crm', '[
	{"at": "2026-05-05 20:00+00", "ids": [["crm_id", "0031"], ["email", "ann@example.com"], ["phone", "030 1234567"]]}]');
SELECT cdp._stitch_step(100);
-- the path of evidence, with what is personal left out
SELECT step, source, records, from_identifier, to_identifier
FROM cdp.explain_identity('anonymous_id:c-71', 'crm_id:crm/0031');
SELECT says FROM cdp.explain_identity('anonymous_id:c-71', 'crm_id:crm/0031');
SELECT says FROM cdp.explain_identity('phone:030 1234567', 'anonymous_id:c-71');
-- days are those of the store's time zone
UPDATE cdp.setting SET value = 'Asia/Tokyo' WHERE name = 'time_zone';
SELECT says FROM cdp.explain_identity('email:ann@example.com', 'crm_id:crm/0031');
-- why not
SELECT step, says FROM cdp.explain_identity('anonymous_id:c-71', 'user_id:u1');
SELECT says FROM cdp.explain_identity('anonymous_id:a/b', 'device_id:tablet');
SELECT says FROM cdp.explain_identity('user_id:u2', 'email:info@x.de');
SELECT says FROM cdp.explain_identity('ip:10.1.1.1', 'anonymous_id:c-71');
SELECT says FROM cdp.explain_identity('user_id:u1', 'user_id:u1');
SELECT says FROM cdp.explain_identity('user_id:u1', 'user_id:nobody');
SELECT says FROM cdp.explain_identity('crm_id:0031', 'user_id:u1');
SELECT says FROM cdp.explain_identity('telex:1', 'user_id:u1');
SELECT says FROM cdp.explain_identity('', 'user_id:u1');
-- values are looked up as they were written
SELECT cdp.find_profile('email', ' ANN@example.com') AS by_email,
	cdp.find_profile('phone', '(030) 123 45 67') AS by_phone,
	cdp.find_profile('crm_id', '0031', 'crm') AS by_number,
	cdp.find_profile('crm_id', '0031') AS without_source,
	cdp.find_profile('email', 'bob@example.com') AS nobody,
	cdp.find_profile('email', 'a@@b') AS no_address,
	cdp.find_profile('email', 'info@x.de') AS blocked,
	cdp.find_profile('email', NULL) AS null_value;
SELECT cdp.find_profile('telex', '1');
SELECT profile_id, type, scope, value, first_seen, last_seen, records, shared
FROM cdp.profile_identifier ORDER BY profile_id, type, value;
