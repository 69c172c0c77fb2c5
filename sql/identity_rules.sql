-- Rules are rows: types, blocked values, and what follows when they change.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\i :fresh
\i :stand_ins
SELECT type, priority, strong, scope, max_per_profile, max_strong_per_value,
	stitches, time_to_live, normaliser
FROM cdp.identifier_type ORDER BY priority NULLS LAST;
CREATE VIEW pg_temp.placed AS
SELECT type || ':' || identifier.scope || '/' || value AS key, root AS profile, blocked, shared
FROM cdp.identifier JOIN cdp.identifier_type USING (type_id)
LEFT JOIN cdp.profile ON profile_id = leaf;
CREATE FUNCTION pg_temp.bring() RETURNS void
LANGUAGE sql AS $$
	SELECT cdp._stitch(cdp._attach('web', '[
		{"ids": [["anonymous_id", "c1"], ["device_id", "dead-beef"]]},
		{"ids": [["anonymous_id", "c2"], ["device_id", "dead-beef"]]},
		{"ids": [["user_id", "u1"], ["anonymous_id", "c2"]]},
		{"ids": [["device_id", "dead-beef"]]}]', false));
$$;
CREATE VIEW pg_temp.state AS
SELECT 'identifier' AS what, identifier_id AS id, concat_ws(',', leaf, blocked, shared) AS says
FROM cdp.identifier
UNION ALL
SELECT 'profile', profile_id, concat_ws(',', root) FROM cdp.profile WHERE root = profile_id
UNION ALL
SELECT 'owner', set_id, concat_ws(',', owner) FROM cdp.identifier_set;
SELECT pg_temp.bring();
TABLE pg_temp.placed ORDER BY key;
CREATE TABLE pg_temp.first AS TABLE pg_temp.state;
-- block after ingest: the value leaves, what it held together parts
SELECT cdp.block_value('device_id', 'DEAD-beef', 'default of a broken SDK');
TABLE pg_temp.placed ORDER BY key;
SELECT change, profile_before, profile_after, identifiers FROM cdp.identity_log ORDER BY log_id;
SELECT set_id, owner FROM cdp.identifier_set ORDER BY 1;
SELECT misplaced, ok FROM cdp.verify_identity();
-- blocking it twice is nothing
SELECT cdp.block_value('device_id', 'dead-beef');
-- unblock: as if it had never been, live ids included
SELECT cdp.unblock_value('device_id', 'dead-beef');
SELECT what, id, live.says, first.says AS first_said
FROM pg_temp.state AS live FULL JOIN pg_temp.first USING (what, id)
WHERE live.says IS DISTINCT FROM first.says AND what <> 'identifier';
SELECT key, profile FROM pg_temp.placed ORDER BY key;
SELECT misplaced, ok FROM cdp.verify_identity();
-- a pattern blocks all that match, and those that come later
SELECT cdp.block_value('anonymous_id', reason => 'robots', pattern => '^c[0-9]$');
SELECT cdp._stitch(cdp._attach('web', '[{"ids": [["anonymous_id", "c5"], ["user_id", "u5"]]}]', false));
TABLE pg_temp.placed ORDER BY key;
SELECT misplaced, ok FROM cdp.verify_identity();
-- a strong value that is blocked counts no more: what it made shared is free
SELECT cdp._stitch(cdp._attach('web', '[
	{"ids": [["user_id", "demo"], ["email", "kim@x.de"]]},
	{"ids": [["user_id", "kim"], ["email", "kim@x.de"]]}]', false));
SELECT key, shared FROM pg_temp.placed WHERE key ~ 'kim' ORDER BY key;
SELECT cdp.block_value('user_id', 'demo');
SELECT key, shared FROM pg_temp.placed WHERE key ~ 'kim' ORDER BY key;
SELECT count(DISTINCT profile) FROM pg_temp.placed WHERE key ~ 'kim';
-- for all types at once
SELECT cdp.block_value(NULL, 'kim', 'a test account');
SELECT misplaced, ok FROM cdp.verify_identity();
-- rules that change between attach and stitch are seen by the stitcher
SELECT cdp._attach('web', '[{"ids": [["anonymous_id", "bot"], ["user_id", "v1"]]},
	{"ids": [["anonymous_id", "bot"], ["email", "v@x.de"]]}]', true);
INSERT INTO cdp.blocked_value (type, value, reason) VALUES ('anonymous_id', 'bot', 'by hand');
SELECT cdp._stitch_step(100);
SELECT key, blocked, profile IS NULL AS nobodys FROM pg_temp.placed WHERE key ~ 'bot|/v' ORDER BY key;
SELECT misplaced, ok FROM cdp.verify_identity();
-- a rule that is a row like any other takes full effect with a rebuild
DELETE FROM cdp.blocked_value WHERE value = 'bot';
SELECT cdp._stitch_rebuild(1);
SELECT key, blocked FROM pg_temp.placed WHERE key ~ 'bot' ORDER BY key;
SELECT misplaced, ok FROM cdp.verify_identity();
-- a type of one's own, known at once
SELECT cdp.add_identifier_type('loyalty_id', 2, 'number on the card', strong => true,
	max_per_profile => 1, pattern => '^[0-9]{6}$') AS type_id;
SELECT cdp._stitch(cdp._attach('till', '[
	{"ids": [["loyalty_id", "123456"], ["email", "lo@x.de"]]},
	{"ids": [["loyalty_id", "12345"], ["email", "lo@x.de"]]}]', false)) IS NOT NULL AS stitched;
SELECT key FROM pg_temp.placed WHERE key ~ 'loyal|lo@' ORDER BY key;
SELECT cdp.add_identifier_type('seat', description => 'only describes') AS type_id;
SELECT type, priority, stitches FROM cdp.identifier_type WHERE type IN ('seat', 'loyalty_id') ORDER BY type;
-- functions that change rules judge what that is about, and leave what others
-- changed by hand for the next merge run; the log tells who caused what
SELECT action_id, action, reason, detail - 'blocked_value_id' AS detail
FROM cdp.steward_action ORDER BY 1;
SELECT action_id, count(*) FROM cdp.identity_log
WHERE action_id IS NOT NULL GROUP BY 1 ORDER BY 1;
CREATE FUNCTION pg_temp.pending() RETURNS boolean
LANGUAGE sql AS 'SELECT judge_all FROM cdp.identity_state';
UPDATE cdp.identity_state SET judge_all = false;
SELECT cdp.block_value('email', 'q@x.de'), pg_temp.pending();
SELECT cdp.block_value('email', 'q@x.de'), pg_temp.pending();
SELECT cdp.unblock_value('email', 'q@x.de', reason => 'a person after all'), pg_temp.pending();
SELECT cdp.unblock_value('email', 'q@x.de'), pg_temp.pending();
SELECT cdp.add_identifier_type('badge', 8) > 0 AS added, pg_temp.pending();
SELECT action, reason, detail - 'blocked_value_id' AS detail
FROM cdp.steward_action ORDER BY action_id DESC LIMIT 2;
UPDATE cdp.identifier_type SET max_per_profile = 2 WHERE type = 'phone';
SELECT pg_temp.pending();
SELECT cdp.block_value('email', 'q@x.de'), pg_temp.pending();
SELECT cdp.unblock_value('email', 'q@x.de'), pg_temp.pending();
SELECT cdp.add_identifier_type('locker', 8) > 0 AS added, pg_temp.pending();
-- written by hand: read as written, in lower case
INSERT INTO cdp.blocked_value (type, value, reason) VALUES ('email', 'Q@X.de', 'by hand');
SELECT value FROM cdp.blocked_value WHERE reason = 'by hand';
-- what nothing has yet may become anything
UPDATE cdp.identifier_type SET type = 'tag', scope = 'source', normaliser = 'lower' WHERE type = 'badge';
DELETE FROM cdp.identifier_type WHERE type = 'tag';
-- what cannot be
\set SHOW_CONTEXT never
UPDATE cdp.identifier_type SET type = 'cookie' WHERE type = 'anonymous_id';
UPDATE cdp.identifier_type SET scope = 'source' WHERE type = 'email';
UPDATE cdp.identifier_type SET normaliser = 'text' WHERE type = 'email';
UPDATE cdp.identifier_type SET type_id = DEFAULT WHERE type = 'locker';
DELETE FROM cdp.identifier_type WHERE type = 'email';
TRUNCATE cdp.identifier_type CASCADE;
UPDATE cdp.identifier_type SET pattern = '(' WHERE type = 'email';
INSERT INTO cdp.identifier_type (type, description, pattern) VALUES ('bad', 'bad', '[');
INSERT INTO cdp.blocked_value (pattern, reason) VALUES ('*', 'bad');
UPDATE cdp.identifier_type SET max_per_profile = 0 WHERE type = 'email';
UPDATE cdp.identifier_type SET strong = true WHERE type = 'ip';
SELECT cdp.add_identifier_type('email', 2, 'again');
SELECT cdp.add_identifier_type('Loyalty Id', 2, 'no');
SELECT cdp.add_identifier_type('zero', 0, 'no');
SELECT cdp.add_identifier_type('limit_of_zero', 3, 'no', max_strong_per_value => 0);
SELECT cdp.add_identifier_type('strong', NULL, 'no', strong => true);
SELECT cdp.add_identifier_type('scoped', 3, 'no', scope => 'galaxy');
SELECT cdp.add_identifier_type('odd', 3, 'no', normaliser => 'magic');
SELECT cdp.add_identifier_type('odd', 3, 'no', pattern => '(');
SELECT cdp.add_identifier_type(NULL);
SELECT cdp.block_value('telex', 'x');
SELECT cdp.block_value('email');
SELECT cdp.block_value('email', 'x', pattern => 'y');
SELECT cdp.block_value('email', pattern => '(');
-- a value is blocked for all sources
SELECT cdp.block_value('crm_id', 'web/17');
SELECT cdp.block_value('user_id', 'till/17');
SELECT cdp.block_value('email', 'web/17');
SELECT cdp.unblock_value('email', 'web/17');
SELECT cdp.unblock_value('telex', 'x');
SELECT cdp._attach('web', '[{"ids": [["telex", "1"]]}]');
-- a time to live leads to a time
SELECT cdp.add_identifier_type('far', priority => 9, time_to_live => '500000 years');
SELECT cdp.add_identifier_type('near', priority => 9, time_to_live => '-1 day');
UPDATE cdp.identifier_type SET time_to_live = '1001 years' WHERE type = 'third_party_id';
-- no identifier is that long
SELECT cdp.block_value('user_id', repeat('z', 1025));
-- what is shown is masked
SELECT cdp._parse_identifier('email:a...@e...com');
