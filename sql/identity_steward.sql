-- What stewards do by hand: decide, unmerge, retract; and what is refused.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\i :fresh
\i :stand_ins
\set SHOW_CONTEXT never
CREATE VIEW pg_temp.placed AS
SELECT string_agg(type || ':' || CASE WHEN identifier.scope <> '' THEN identifier.scope || '/' ELSE '' END || value,
	' ' ORDER BY priority, value COLLATE "C") COLLATE "C" AS identifiers, root AS profile
FROM cdp.identifier JOIN cdp.identifier_type USING (type_id)
JOIN cdp.profile ON profile_id = leaf
GROUP BY root;
CREATE FUNCTION pg_temp.seen(source text, ids text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	set_ids bigint[] := cdp._attach(source, jsonb_build_array(jsonb_build_object(
		'ids', (SELECT jsonb_agg(jsonb_build_array(split_part(id, ':', 1), split_part(id, ':', 2)))
			FROM unnest(string_to_array(ids, ' ')) AS id))), false);
BEGIN
	PERFORM cdp._stitch(set_ids);
	RETURN set_ids[1];
END
$$;
CREATE FUNCTION pg_temp.survives() RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
	was text := (SELECT string_agg(placed::text, ';' ORDER BY profile) FROM pg_temp.placed);
BEGIN
	PERFORM cdp._stitch_rebuild(1);
	RETURN (SELECT ok FROM cdp.verify_identity())
		AND was = (SELECT string_agg(placed::text, ';' ORDER BY profile) FROM pg_temp.placed);
END
$$;

SET client_min_messages = notice;
-- always: two profiles are one, by the older id; the log says which decision
-- and which action did it
SELECT pg_temp.seen('web', 'user_id:u1 email:ann@x.de');
SELECT pg_temp.seen('crm', 'crm_id:7 phone:+49301234567');
SELECT pg_temp.seen('web', 'anonymous_id:c1 email:ann@x.de');
TABLE pg_temp.placed ORDER BY profile;
SELECT cdp.decide('email:Ann@X.de ', 'crm_id:crm/7', 'always', 'said so on the phone');
TABLE pg_temp.placed ORDER BY profile;
SELECT change, profile_before, profile_after, set_id, decision_id, action_id
FROM cdp.identity_log;
SELECT decision_id, verdict, identifier_a, identifier_b, action_id, withdrawn_by FROM cdp.decision;
SELECT pg_temp.survives();
-- what others have to do waits for the merge run
SELECT phase, ids FROM cdp.todo WHERE phase = 'profile' ORDER BY todo_id DESC LIMIT 1;
-- once more is no news; the opposite must be taken back first
SELECT cdp.decide('crm_id:crm/7', 'email:ann@x.de', 'always', 'again');
SELECT cdp.decide('crm_id:crm/7', 'email:ann@x.de', 'never', 'or not?');
SELECT cdp.undecide('crm_id:crm/7', 'email:ann@x.de', 'it was her sister');
TABLE pg_temp.placed ORDER BY profile;
SELECT cdp.undecide('crm_id:crm/7', 'email:ann@x.de', 'twice');
SELECT cdp.undecide(1, 'twice');

-- never: the weakest link between the two is refused
SELECT cdp.decide('user_id:u1', 'anonymous_id:c1', 'never', 'a browser in a library');
TABLE pg_temp.placed ORDER BY profile;
SELECT rule, identifier_a, identifier_b, source, set_id FROM cdp.conflict;
SELECT change, profile_before, profile_after, action_id FROM cdp.identity_log ORDER BY log_id;
SELECT pg_temp.seen('web', 'user_id:u1 anonymous_id:c1');
TABLE pg_temp.placed ORDER BY profile;
SELECT pg_temp.survives();
SELECT cdp.undecide(2, 'it was her own');
TABLE pg_temp.placed ORDER BY profile;
SELECT count(*) AS conflicts FROM cdp.conflict;
-- an end of it is watched though the component of the other is not judged
SELECT pg_temp.seen('crm', 'phone:+49301234567 anonymous_id:p1') IS NOT NULL AS seen;
SELECT cdp.decide('anonymous_id:c1', 'anonymous_id:p1', 'never', 'strangers') IS NOT NULL AS done;
SELECT cdp.decide('anonymous_id:c1', 'email:ann@x.de', 'always', 'x') IS NOT NULL AS done;
SELECT pg_temp.seen('web', 'email:ann@x.de phone:+49301234567') IS NOT NULL AS seen;
TABLE pg_temp.placed ORDER BY profile;
SELECT cdp.undo_action(action_id, 'x') IS NOT NULL AS undone FROM cdp.decision
WHERE withdrawn_by IS NULL ORDER BY action_id;
SELECT max(set_id) AS set FROM cdp.identifier_set \gset
SELECT cdp.retract(:set, 'x') IS NOT NULL AS done;

-- decisions that contradict each other: the last is refused, with the path
SELECT cdp.decide('email:ann@x.de', 'crm_id:crm/7', 'always', 'a is b');
SELECT cdp.decide('crm_id:crm/7', 'anonymous_id:c1', 'always', 'b is c');
SELECT cdp.decide('anonymous_id:c1', 'email:ann@x.de', 'never', 'a is not c');
-- nor does it help that one on the path is blocked: it may be freed
SELECT cdp.block_value('crm_id', '7');
SELECT cdp.decide('anonymous_id:c1', 'email:ann@x.de', 'never', 'a is not c');
SELECT cdp.unblock_value('crm_id', '7');
SELECT cdp.undecide('email:ann@x.de', 'crm_id:crm/7', 'make room');
SELECT cdp.decide('anonymous_id:c1', 'email:ann@x.de', 'never', 'a is not c');
SELECT cdp.decide('email:ann@x.de', 'crm_id:crm/7', 'always', 'a is b');
-- two ends that meet in the middle
SELECT cdp.decide('user_id:u1', 'email:ann@x.de', 'always', 'longer');
SELECT cdp.decide('user_id:u1', 'phone:+49301234567', 'always', 'longer');
SELECT cdp.decide('phone:+49301234567', 'crm_id:crm/7', 'always', 'too long');
SELECT count(*) FILTER (WHERE withdrawn_by IS NULL) AS hold, count(*) FROM cdp.decision;
TABLE pg_temp.placed ORDER BY profile;
SELECT pg_temp.survives();
-- whole profiles, by any ids they ever had
SELECT pg_temp.seen('web', 'user_id:bob');
SELECT pg_temp.seen('web', 'anonymous_id:b1');
SELECT pg_temp.seen('web', 'user_id:bob anonymous_id:b1 phone:+49301111111');
SELECT pg_temp.seen('crm2', 'crm_id:bob');
SELECT identifiers, profile, (SELECT array_agg(profile_id ORDER BY profile_id) FROM cdp.profile WHERE root = placed.profile) AS ids
FROM pg_temp.placed WHERE identifiers ~ 'bob' ORDER BY profile;
SELECT profile_id AS old FROM cdp.profile_id_map
WHERE profile_id <> current_profile_id
	AND current_profile_id = cdp.find_profile('user_id', 'bob') \gset
SELECT cdp.find_profile('crm_id', 'bob', 'crm2') AS other \gset
SELECT cdp.decide(:old, :other, 'always', 'same address') AS decision \gset
SELECT cdp._identifier_key(identifier_a), verdict, cdp._identifier_key(identifier_b)
FROM cdp.decision WHERE decision_id = :decision;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 'bob';
SELECT cdp.decide(:old, :other, 'never', 'x') IS NULL;
SELECT cdp.decide(:old, :old, 'always', 'x') IS NULL;
SELECT cdp.decide(:other, 999, 'never', 'x');
SELECT cdp.decide(NULL::bigint, 1, 'never', 'x');
SELECT cdp.undecide(:decision, 'another address') IS NOT NULL AS done;

-- unmerge: a record of Kim's address and Lee's number joined two customers;
-- unmerged each has the profile and the id that it had
SELECT pg_temp.seen('crm', 'crm_id:kim email:kim@x.de');
SELECT pg_temp.seen('web', 'phone:+49302222222 anonymous_id:l1');
SELECT * FROM pg_temp.placed WHERE identifiers ~ 'kim|l1' ORDER BY profile;
SELECT pg_temp.seen('web', 'email:kim@x.de phone:+49302222222');
SELECT * FROM pg_temp.placed WHERE identifiers ~ 'kim|l1' ORDER BY profile;
SELECT cdp.unmerge(cdp.find_profile('crm_id', 'kim', 'crm'),
	'{"phone:030 2222222", anonymous_id:l1}', 'Lee is her son') AS profile;
SELECT * FROM pg_temp.placed WHERE identifiers ~ 'kim|l1' ORDER BY profile;
SELECT rule, identifier_a, identifier_b FROM cdp.conflict;
-- it took two decisions: about what came together, and about the strongest
SELECT cdp._identifier_key(identifier_a) AS a, verdict, cdp._identifier_key(identifier_b) AS b
FROM cdp.decision WHERE withdrawn_by IS NULL
	AND action_id = (SELECT max(action_id) FROM cdp.steward_action) ORDER BY decision_id;
SELECT action, detail - 'identifiers' AS detail FROM cdp.steward_action ORDER BY action_id DESC LIMIT 1;
SELECT change, profile_before, profile_after,
	action_id = (SELECT max(action_id) FROM cdp.steward_action) AS by_it
FROM cdp.identity_log ORDER BY log_id DESC LIMIT 1;
-- new records that say so again join nothing
SET cdp.test_clock = '2026-06-02 12:00:00+00';
SELECT pg_temp.seen('crm', 'email:kim@x.de anonymous_id:l1');
SELECT pg_temp.seen('crm', 'crm_id:kim phone:+49302222222');
SELECT * FROM pg_temp.placed WHERE identifiers ~ 'kim|l1' ORDER BY profile;
SELECT pg_temp.survives();

-- what leaves would fall apart without its hub: it is held together, and so
-- is what stays if the hub leaves
SELECT pg_temp.seen('web', 'user_id:hub anonymous_id:h' || n) IS NOT NULL AS seen FROM generate_series(1, 5) AS n;
SELECT pg_temp.seen('web', 'anonymous_id:h4 anonymous_id:h5');
SELECT cdp.unmerge(cdp.find_profile('user_id', 'hub'), '{anonymous_id:h1,anonymous_id:h2,anonymous_id:h3}', 'x') AS profile \gset
SELECT :profile = cdp.find_profile('anonymous_id', 'h3') AS theirs;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 'h[1-5]' ORDER BY 1;
SELECT cdp.unmerge(cdp.find_profile('user_id', 'hub'), '{user_id:hub}', 'x') IS NOT NULL AS done;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 'h[1-5]|hub' ORDER BY 1;
SELECT verdict, count(*) FROM cdp.decision
WHERE action_id >= (SELECT max(action_id) - 1 FROM cdp.steward_action) GROUP BY 1;
SELECT pg_temp.survives();
-- the parting makes room: w2 is with another user now, whom a limit had kept
-- away
SELECT pg_temp.seen('web', 'user_id:v1 anonymous_id:w1');
SELECT pg_temp.seen('web', 'anonymous_id:w1 anonymous_id:w2');
SELECT pg_temp.seen('web', 'anonymous_id:w2 anonymous_id:w3');
SELECT pg_temp.seen('web', 'anonymous_id:w3 email:v2@x.de');
SELECT pg_temp.seen('web', 'user_id:v2 email:v2@x.de');
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ ':v|w1' ORDER BY 1;
SELECT rule, type, identifier_a, identifier_b FROM cdp.conflict WHERE identifier_a ~ 'w' OR identifier_b ~ 'w';
SELECT cdp.unmerge(cdp.find_profile('user_id', 'v1'), '{anonymous_id:w2}', 'x') = cdp.find_profile('user_id', 'v2') AS with_v2;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ ':v|w1' ORDER BY 1;
SELECT pg_temp.survives();
-- room for both that leave, with two others: they stay together nevertheless
CREATE FUNCTION pg_temp.seen(at timestamptz, ids text) RETURNS void
LANGUAGE sql AS $$
	SELECT cdp._stitch(cdp._attach('web', jsonb_build_array(jsonb_build_object('at', at,
		'ids', (SELECT jsonb_agg(jsonb_build_array(split_part(id, ':', 1), split_part(id, ':', 2)))
			FROM unnest(string_to_array(ids, ' ')) AS id))), false));
$$;
SELECT count(pg_temp.seen(at::timestamptz, ids)) FROM (VALUES
	('2026-05-01', 'user_id:A anonymous_id:x'), ('2026-05-01', 'user_id:A anonymous_id:y'),
	('2026-05-01', 'user_id:B anonymous_id:bb'), ('2026-05-02', 'anonymous_id:bb anonymous_id:y'),
	('2026-05-01', 'user_id:C anonymous_id:cc'), ('2026-05-03', 'anonymous_id:cc anonymous_id:x'),
	('2026-05-04', 'anonymous_id:x anonymous_id:y')) AS given (at, ids);
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 'user_id:[ABC]' ORDER BY 1;
SELECT cdp.unmerge(cdp.find_profile('user_id', 'A'), '{anonymous_id:x,anonymous_id:y}', 'x') = cdp.find_profile('user_id', 'B') AS with_b;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 'user_id:[ABC]' ORDER BY 1;
SELECT cdp._identifier_key(identifier_a) AS a, verdict, cdp._identifier_key(identifier_b) AS b
FROM cdp.decision WHERE action_id = (SELECT max(action_id) FROM cdp.steward_action) ORDER BY decision_id;
SELECT rule, identifier_a, identifier_b FROM cdp.conflict WHERE identifier_a ~ ':[xybc]+$';
SELECT pg_temp.survives();
-- unmerged it is when rules change as well
UPDATE cdp.identifier_type SET max_per_profile = NULL WHERE type = 'user_id';
SELECT cdp._stitch_step(10) > 0 AS judged;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ ':v|w1' ORDER BY 1;
UPDATE cdp.identifier_type SET max_per_profile = 1 WHERE type = 'user_id';
SELECT cdp._stitch_step(10) > 0 AS judged;
-- what cannot be
SELECT cdp.unmerge(999, '{email:kim@x.de}', 'x');
SELECT cdp.unmerge(NULL, '{email:kim@x.de}', 'x');
SELECT cdp.find_profile('crm_id', 'kim', 'crm') AS kim \gset
SELECT cdp.unmerge(:kim, '{}', 'x');
SELECT cdp.unmerge(:kim, NULL, 'x');
SELECT cdp.unmerge(:kim, '{email:kim@x.de,NULL}', 'x');
SELECT cdp.unmerge(:kim, '{email:kim@x.de,anonymous_id:w1}', 'x');
SELECT cdp.unmerge(:kim, '{email:kim@x.de,ip:10.0.0.1}', 'x');
SELECT pg_temp.seen('web', 'user_id:i1 ip:10.0.0.1');
SELECT cdp.unmerge(:kim, '{email:kim@x.de,ip:10.0.0.1}', 'x');
SELECT cdp.unmerge(:kim, '{email:kim@x.de,crm_id:crm/kim}', 'x');
SELECT pg_temp.seen('web', 'anonymous_id:kc email:kim@x.de');
SELECT cdp.decide('anonymous_id:kc', 'anonymous_id:b1', 'always', 'x') IS NOT NULL AS done;
SELECT cdp.decide('anonymous_id:b1', 'email:kim@x.de', 'always', 'x') IS NOT NULL AS done;
SELECT cdp.unmerge(cdp.find_profile('crm_id', 'kim', 'crm'), '{email:kim@x.de,crm_id:crm/kim}', 'x');

-- retract: the set is no evidence any more, nor when it comes again; its
-- events stay with the strongest that other evidence knows
SELECT pg_temp.seen('web', 'user_id:r1 device_id:tablet');
SELECT pg_temp.seen('web', 'email:r@x.de user_id:r1');
SELECT pg_temp.seen('web', 'user_id:r2 device_id:tablet') AS wrong \gset
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 'r[12]|tablet' ORDER BY 1;
SELECT value, shared FROM cdp.identifier WHERE value = 'tablet';
SELECT cdp.retract(:wrong, 'a clerk mistyped') IS NOT NULL AS done;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 'r[12]|tablet' ORDER BY 1;
SELECT value, shared FROM cdp.identifier WHERE value = 'tablet';
SELECT value FROM cdp.identifier_set JOIN cdp.identifier ON identifier_id = owner WHERE set_id = :wrong;
SELECT pg_temp.seen('web', 'user_id:r2 device_id:tablet') = :wrong AS same;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 'r[12]|tablet' ORDER BY 1;
SELECT pg_temp.survives();
SELECT cdp.decide('user_id:r2', 'email:r@x.de', 'always', 'x');
SELECT cdp.retract(:wrong, 'twice');
SELECT cdp.unretract(:wrong, 'she did not') IS NOT NULL AS done;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 'r[12]|tablet' ORDER BY 1;
SELECT pg_temp.survives();
SELECT cdp.unretract(:wrong, 'twice');
SELECT cdp.retract(999, 'x');
SELECT cdp.retract(NULL, 'x');
-- what was seen last decides when an identifier expires
SELECT cdp._stitch(cdp._attach('crm', '[{"at": "2026-01-01 00:00:00+00", "ids": [["third_party_id", "t1"], ["email", "t@x.de"]]}]', false)) IS NOT NULL AS seen;
SELECT cdp._stitch(cdp._attach('crm', '[{"ids": [["third_party_id", "t1"]]}]', false)) IS NOT NULL AS seen;
SELECT set_id AS latest FROM cdp.identifier_set ORDER BY set_id DESC LIMIT 1 \gset
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 't1|t@' ORDER BY 1;
SELECT cdp.retract(:latest, 'x') IS NOT NULL AS done;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 't1|t@' ORDER BY 1;
SELECT cdp.unretract(:latest, 'x') IS NOT NULL AS done;
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ 't1|t@' ORDER BY 1;

-- undo reverses a whole action, an undo as well
SELECT max(action_id) AS unmerged FROM cdp.steward_action WHERE action = 'unmerge' \gset
SELECT cdp.undo_action(:unmerged, 'they are one after all') AS undone \gset
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ ':v|w1' ORDER BY 1;
SELECT cdp.undo_action(:unmerged, 'twice') IS NULL;
SELECT cdp.undo_action(:undone, 'no, they are not') AS redone \gset
SELECT identifiers FROM pg_temp.placed WHERE identifiers ~ ':v|w1' ORDER BY 1;
SELECT action, detail = jsonb_build_object('undoes', :undone) AS says FROM cdp.steward_action WHERE action_id = :redone;
SELECT cdp.undo_action(:unmerged, 'the decisions are another action''s now') IS NULL;
SELECT cdp.retract(:wrong, 'x') AS action \gset
SELECT cdp.undo_action(:action, 'x') AS action \gset
SELECT retracted FROM cdp.identifier_set WHERE set_id = :wrong;
SELECT cdp.undo_action(:action, 'x') AS action \gset
SELECT retracted FROM cdp.identifier_set WHERE set_id = :wrong;
SELECT cdp.unretract(:wrong, 'x') IS NOT NULL AS done;
SELECT cdp.undo_action(:action, 'dealt with since') IS NULL;
SELECT cdp.undecide('anonymous_id:kc', 'anonymous_id:b1', 'x') AS action \gset
SELECT cdp.decide('anonymous_id:kc', 'anonymous_id:b1', 'never', 'x') AS decision \gset
SELECT cdp.undo_action(:action, 'x') IS NULL;
SELECT cdp.undo_action(999, 'x');
SELECT cdp.undo_action(NULL, 'x');
SELECT cdp.block_value('email', 'nobody@x.de');
SELECT max(action_id) AS action FROM cdp.steward_action \gset
SELECT cdp.undo_action(:action, 'x') IS NULL;
SELECT pg_temp.survives();

-- what else cannot be decided
SELECT cdp.decide('user_id:u1', 'email:ann@x.de', 'perhaps', 'x');
SELECT cdp.decide('user_id:u1', 'email:ann@x.de', NULL, 'x');
SELECT cdp.decide('user_id:u1', 'email:ann@x.de', 'never', ' ');
SELECT cdp.undecide(1, NULL);
SELECT cdp.decide(NULL, 'email:ann@x.de', 'never', 'x');
SELECT cdp.decide('user_id:u1', NULL, 'never', 'x');
SELECT cdp.undecide('user_id:u1', NULL, 'x');
SELECT cdp.undecide(999, 'x');
SELECT cdp.undecide(NULL::bigint, 'x');
SELECT cdp.decide('user_id:nobody', 'email:ann@x.de', 'never', 'x');
SELECT cdp.decide('telex:1', 'email:ann@x.de', 'never', 'x');
SELECT cdp.decide('email:Ann@x.de', 'email:ann@X.de', 'never', 'x');
SELECT cdp.decide('user_id:i1', 'ip:10.0.0.1', 'never', 'x');
SELECT pg_temp.seen('web', 'user_id:i1 email:info@x.de');
SELECT cdp.decide('user_id:i1', 'email:info@x.de', 'never', 'x');
SELECT cdp.block_value('user_id', 'i1');
SELECT cdp.find_profile('anonymous_id', 'c1') AS some \gset
SELECT pg_temp.seen('web', 'user_id:gone');
SELECT cdp.find_profile('user_id', 'gone') AS gone \gset
SELECT cdp.block_value('user_id', 'gone');
SELECT cdp.decide(:gone, :some, 'never', 'x') IS NULL;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT cdp.decide('user_id:u1', 'email:ann@x.de', 'never', 'x');
ROLLBACK;

-- a steward may, a reader may not; who it was is kept
SET client_min_messages = warning;
DROP ROLE IF EXISTS cdp_test_steward, cdp_test_reader;
CREATE ROLE cdp_test_steward;
CREATE ROLE cdp_test_reader;
RESET client_min_messages;
SELECT cdp.grant_role('cdp_test_steward', 'steward'), cdp.grant_role('cdp_test_reader', 'reader');
SET ROLE cdp_test_steward;
SELECT cdp.decide('user_id:bob', 'crm_id:crm2/bob', 'always', 'the same Bob') AS decision \gset
SELECT cdp.find_profile('user_id', 'bob') AS bob \gset
SELECT cdp.undecide(:decision, 'x') IS NOT NULL AS done;
SELECT cdp.unmerge(:bob, '{phone:+49301111111}', 'x') IS NOT NULL AS done;
SELECT max(action_id) AS action FROM cdp.steward_action \gset
SELECT cdp.undo_action(:action, 'x') IS NOT NULL AS done;
SELECT cdp.retract(:wrong, 'x') IS NOT NULL AS done;
SELECT cdp.unretract(:wrong, 'x') IS NOT NULL AS done;
SELECT count(*) FROM cdp.identifier;
SET ROLE cdp_test_reader;
SELECT cdp.decide('user_id:bob', 'crm_id:crm2/bob', 'always', 'x');
SELECT cdp.decide(1, 2, 'always', 'x');
SELECT cdp.undecide('user_id:bob', 'crm_id:crm2/bob', 'x');
SELECT cdp.undecide(1, 'x');
SELECT cdp.unmerge(1, '{anonymous_id:b1}', 'x');
SELECT cdp.retract(1, 'x');
SELECT cdp.unretract(1, 'x');
SELECT cdp.undo_action(1, 'x');
RESET ROLE;
SELECT action, count(*), count(*) FILTER (WHERE actor = session_user) AS ours,
	count(*) FILTER (WHERE actor = 'cdp_test_steward') AS stewards,
	min(at) >= '2026-06-01 12:00:00+00' AND max(at) <= cdp.clock() AS by_the_stores_clock
FROM cdp.steward_action GROUP BY 1 ORDER BY 1;
-- every change of a profile since has its action, but for those that records made
SELECT change, action_id IS NOT NULL AS by_steward, set_id IS NOT NULL AS by_record, count(*)
FROM cdp.identity_log GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
DROP OWNED BY cdp_test_steward, cdp_test_reader;
DROP ROLE cdp_test_steward, cdp_test_reader;
