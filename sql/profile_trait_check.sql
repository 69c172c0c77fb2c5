-- What the registry lets through: values of the type and format of a trait.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SELECT cdp.add_source('web') \g /dev/null

-- a type by itself: what it takes, and as what
SELECT type, value, cdp._typed_trait(value, type) AS typed
FROM unnest('{text,number,boolean,date,timestamp,json}'::text[]) WITH ORDINALITY AS t (type, place),
	unnest(ARRAY['"a"', '12', '" -1.50e2 "', '"1e9999"', '"."', '"NaN"', 'true', '"false"', '"False"', '"2024-02-29"',
		'"2023-02-29"', '"2024-02-29T23:59:59.5+01:00"', '"2024-02-29 24:00"', '[1]', '{}']::jsonb[]) WITH ORDINALITY AS v (value, n)
WHERE cdp._typed_trait(value, type) IS NOT NULL
ORDER BY place, n;

-- what does not fit is a warning, and the record is stored with the rest
SELECT cdp.add_trait('shoe_size', 'number', format => '^\d\d$');
SELECT cdp.add_trait('member', 'boolean', history => true);
SELECT cdp.ingest('web', '{"type": "identify", "userId": "u1", "messageId": "1", "timestamp": "2026-05-01T10:00:00Z",
	"traits": {"shoe_size": "42", "member": "true", "city": "Ulm", "birth_date": "2000-01-31"}}');
SELECT cdp.ingest('web', '{"type": "identify", "userId": "u1", "messageId": "2", "timestamp": "2026-05-02T10:00:00Z",
	"traits": {"shoe_size": 420, "member": "perhaps", "city": ["Ulm"], "birth_date": "31.1.2000", "loyalty_points": "many", "nick": "Jo"}}');
SELECT name, value FROM cdp.profile_trait ORDER BY name COLLATE "C";
SELECT name, value FROM cdp.trait_history;
SELECT reason, field, records, example_value, example_message_id, message FROM cdp.ingest_warning ORDER BY field COLLATE "C";
SELECT reason, count(*) FROM cdp.reject GROUP BY reason;
-- a batch warns once a field, and its good records count
SELECT cdp.ingest_batch('web', '[
	{"type": "identify", "userId": "u2", "messageId": "3", "traits": {"shoe_size": 38, "title": {}}},
	{"type": "identify", "userId": "u3", "messageId": "4", "traits": {"shoe_size": 9}},
	{"type": "identify", "userId": "u4", "messageId": "5", "traits": {"shoe_size": "ten", "name": "Ina"}}]') \g /dev/null
SELECT field, sum(records) AS records FROM cdp.ingest_warning GROUP BY field ORDER BY field COLLATE "C";
SELECT name, value FROM cdp.trait_observation WHERE set_id > 1 ORDER BY name COLLATE "C", value;
-- a null is no value of a wrong type: it takes the value away
SELECT count(*) AS refused FROM cdp._observe_traits('{1}', '{shoe_size}', '{null}', '{2026-05-04}', '{1}', '{infinity}');
SELECT value FROM cdp.trait_observation WHERE set_id = 1 AND name = 'shoe_size';

-- a trait that came by itself has a type that is a guess: nothing is refused
SELECT type, strict FROM cdp.trait WHERE name = 'nick';
SELECT count(*) AS refused FROM cdp._observe_traits('{1}', '{nick}', '{"[1, 2]"}', '{2026-05-04}', '{1}', '{infinity}');
SELECT cdp.add_trait('nick', 'text', 'longest', '^[A-Z]', 'personal');
SELECT type, rule, format, pii, strict, reserved FROM cdp.trait WHERE name = 'nick';
SELECT cdp._observe_traits('{1,1}', '{nick,nick}', '{"\"jo\"","[1, 2]"}', '{2026-05-05,2026-05-05}', '{1,1}', '{infinity,infinity}') AS refused ORDER BY 1;

-- a steward is held to the same
SELECT cdp.pin_trait(1, 'shoe_size', '"large"', 'as told');
SELECT cdp.pin_trait(1, 'shoe_size', '"44"', 'as told');
SELECT traits -> 'shoe_size' AS shoe_size FROM cdp.profile_current WHERE profile_id = 1;

-- a form: the canonical value counts, and what the source wrote is kept
SELECT name, form FROM cdp.trait WHERE form IS NOT NULL ORDER BY name COLLATE "C";
UPDATE cdp.trait SET history = true WHERE name = 'country';
SELECT cdp.ingest('web', '{"type": "identify", "userId": "u9", "messageId": "9", "timestamp": "2026-05-06T10:00:00Z",
	"traits": {"country": "Brasil", "language": "pt_BR", "time_zone": "america/sao paulo", "city": " São  Paulo ", "shoe_size": "41", "first_name": "Ana", "last_name": " "}}') AS profile \gset
SELECT trait_name, value, wins, raw FROM cdp.lineage(:profile) ORDER BY trait_name COLLATE "C";
SELECT value, raw FROM cdp.profile_trait_history WHERE name = 'country';
-- what has none is not used
SELECT cdp.ingest('web', '{"type": "identify", "userId": "u9", "messageId": "10", "timestamp": "2026-05-07T10:00:00Z",
	"traits": {"country": "Atlantis", "language": "klingonish", "time_zone": "CET", "city": 7}}') = :profile AS same;
SELECT field, reason FROM cdp.ingest_warning WHERE example_message_id = '10' ORDER BY field COLLATE "C";
SELECT trait_name, value, raw FROM cdp.lineage(:profile) WHERE trait_name IN ('city', 'country', 'language', 'time_zone') ORDER BY trait_name COLLATE "C";
-- a date is kept without the time that came with it, for an observation, its
-- history and a pin; what has the form already is left as it is
UPDATE cdp.trait SET history = true WHERE name = 'birth_date';
SELECT cdp.ingest('web', '{"type": "identify", "userId": "u9", "messageId": "11", "timestamp": "2026-05-07T11:00:00Z",
	"traits": {"birthday": "1990-05-01T23:30:00-08:00"}}') = :profile AS same;
SELECT value, raw FROM cdp.lineage(:profile, 'birth_date');
SELECT value, raw FROM cdp.profile_trait_history WHERE name = 'birth_date';
SELECT traits ->> 'birth_date' AS birth_date FROM cdp.profile_current WHERE profile_id = :profile;
SELECT becomes FROM cdp.preview_mapping('web', '{"identifiers": {"user_id": "$.id"}, "traits": {"birth_date": "$.born"}}',
	'{"id": "u9", "born": "1990-05-01 00:00:00"}') WHERE part = 'trait';
SELECT cdp._fit_trait('birth_date', '"1990-05-01T10:00:00Z"'), cdp._fit_trait('birth_date', '"1990-05-01"');
SELECT count(*) AS changed FROM cdp._fit_traits('{birth_date}', '{"\"1990-05-01\""}');
-- of one instant the order of arrival decides neither the value nor what was written
SELECT count(refused) AS refused
FROM (VALUES ('{"\"Germany\"","\"Deutschland\""}'::jsonb[]), ('{"\"DE\"","\"Austria\""}'), ('{"\"Alemania\"","\"DE\""}')) AS v (said),
	cdp._observe_traits('{1,1}', '{country,country}', said, '{2026-05-08,2026-05-08}', '{1,1}', '{infinity,infinity}') AS refused;
SELECT value, raw FROM cdp.trait_observation WHERE set_id = 1 AND name = 'country';
SELECT value, raw FROM cdp.trait_history WHERE set_id = 1 AND name = 'country' ORDER BY value;
-- another trait may have a form, one that was registered on sight too, and a
-- built-in one none
UPDATE cdp.trait SET form = 'country' WHERE name = 'nick';
UPDATE cdp.trait SET form = NULL WHERE name = 'language';
SELECT ordinal, value FROM cdp._fit_traits('{nick,nick,nick,language}', '{"\"POLSKA\"","\"Joe\"",[1],"\"any\""}') ORDER BY ordinal;
-- a steward's value is brought into the form as well
SELECT cdp.pin_trait(:profile, 'country', '"Portugal"', 'as told'), cdp.pin_trait(:profile, 'country', '"Atlantis"', 'as told');
SELECT cdp.pin_trait(:profile, 'country', '"Portugal"', 'as told');
SELECT value, wins, raw FROM cdp.lineage(:profile, 'country');

-- what cannot be
UPDATE cdp.trait SET form = 'planet' WHERE name = 'nick';
SELECT cdp.add_trait('shoe_size', 'number');
SELECT cdp.add_trait('', 'number');
SELECT cdp.add_trait('hat', 'size');
SELECT cdp.add_trait('hat', pii => 'secret');
SELECT cdp.add_trait('hat', format => '(');
UPDATE cdp.trait SET format = '[' WHERE name = 'nick';
-- a rule or form that does not suit the type would leave the trait without a
-- value: each type has its own, which the message names
SELECT type, rule, rule <> ALL (cdp._trait_rules(type)) AS refused
FROM unnest('{text,number,boolean,timestamp,date,json}'::text[]) WITH ORDINALITY AS t (type, place),
	unnest('{longest,min,sum,union}'::text[]) WITH ORDINALITY AS r (rule, n)
ORDER BY place, n \crosstabview type rule refused
SELECT cdp.add_trait('hat', rule => 'sum');
SELECT cdp.add_trait('hat', rule => 'newest');
SELECT cdp.add_trait('hat', 'number', 'non_empty_union');
SELECT cdp.add_trait('hat', 'number', 'non_empty_sum'), cdp.add_trait('hats', 'json', 'union');
UPDATE cdp.trait SET type = 'text' WHERE name = 'hat';
UPDATE cdp.trait SET type = 'text', rule = 'longest' WHERE name = 'hat';
UPDATE cdp.trait SET rule = 'sum' WHERE name = 'city';
UPDATE cdp.trait SET form = 'text' WHERE name = 'shoe_size';
UPDATE cdp.trait SET type = 'boolean' WHERE name = 'country';
INSERT INTO cdp.trait (name, type, pii) VALUES ('scarf', 'text', '');
INSERT INTO cdp.trait (name, type) VALUES ('scarf', NULL);
SELECT name, type, rule, form FROM cdp.trait WHERE name IN ('hat', 'hats', 'scarf', 'shoe_size') ORDER BY name COLLATE "C";
