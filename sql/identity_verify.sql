-- Verification sees whatever the store says wrongly.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\i :fresh
\i :stand_ins
CREATE VIEW pg_temp.verified AS
SELECT misplaced, wrongly_shared AS shared, wrongly_blocked AS blocked, wrongly_expired AS expired,
	wrong_profiles AS profiles, wrong_owners AS owners, wrong_conflicts AS conflicts,
	pending, stored_hash = computed_hash AS same_hash, ok
FROM cdp.verify_identity();
-- an empty store is right
TABLE pg_temp.verified;
-- two accounts on one record, a shared phone, a mailbox of a role, an old id
SELECT cdp._stitch(cdp._attach('web', '[
	{"at": "2026-05-01T00:00:00Z", "ids": [["user_id", "u1"], ["email", "ann@x.de"]]},
	{"at": "2026-05-01T00:00:00Z", "ids": [["user_id", "u2"], ["phone", "+49301234567"]]},
	{"at": "2026-05-01T00:00:00Z", "ids": [["user_id", "u3"], ["phone", "+49301234567"]]},
	{"at": "2026-05-01T00:00:00Z", "ids": [["user_id", "u4"], ["user_id", "u5"]]},
	{"at": "2026-05-01T00:00:00Z", "ids": [["email", "info@x.de"], ["anonymous_id", "c1"]]},
	{"at": "2026-05-01T00:00:00Z", "ids": [["third_party_id", "t1"], ["anonymous_id", "c2"]]},
	{"at": "2026-05-01T00:00:00Z", "ids": [["anonymous_id", "c2"], ["device_id", "d1"]]}]', false)) IS NOT NULL AS stitched;
TABLE pg_temp.verified;
-- time passes: what is over waits for the merge run
SET cdp.test_clock = '2026-09-01 12:00:00+00';
TABLE pg_temp.verified;
SELECT cdp._stitch_step(100);
TABLE pg_temp.verified;
SELECT rule, identifier_a, identifier_b FROM cdp.conflict;
-- each of these is seen, and judging everything puts it right
CREATE FUNCTION pg_temp.break(what text, damage text)
RETURNS TABLE (broken text, misplaced bigint, shared bigint, blocked bigint, expired bigint,
	profiles bigint, owners bigint, conflicts bigint, same_hash boolean, ok boolean, mended boolean)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE damage;
	RETURN QUERY
	SELECT what, v.misplaced, v.shared, v.blocked, v.expired, v.profiles, v.owners, v.conflicts, v.same_hash, v.ok,
		NULL::boolean FROM pg_temp.verified AS v;
	PERFORM cdp._stitch_rebuild(1);
	RETURN QUERY
	SELECT what, v.misplaced, v.shared, v.blocked, v.expired, v.profiles, v.owners, v.conflicts, v.same_hash, v.ok,
		true FROM pg_temp.verified AS v WHERE v.ok;
END
$$;
SELECT * FROM pg_temp.break('leaf', $$UPDATE cdp.identifier SET leaf = 2 WHERE value = 'ann@x.de'$$);
SELECT * FROM pg_temp.break('no leaf', $$UPDATE cdp.identifier SET leaf = NULL, former_leaf = leaf WHERE value = 'ann@x.de'$$);
SELECT * FROM pg_temp.break('shared', $$UPDATE cdp.identifier SET shared = NOT shared WHERE value = '+49301234567'$$);
SELECT * FROM pg_temp.break('blocked', $$UPDATE cdp.identifier SET blocked = NOT blocked WHERE value IN ('info@x.de', 'u1')$$);
SELECT * FROM pg_temp.break('expired', $$UPDATE cdp.identifier SET expired = NOT expired WHERE value = 't1'$$);
SELECT * FROM pg_temp.break('root', $$UPDATE cdp.profile SET root = 2 WHERE profile_id = 1$$);
SELECT * FROM pg_temp.break('founder', $$UPDATE cdp.profile SET founder = 2 WHERE profile_id = 1$$);
SELECT * FROM pg_temp.break('marks', $$UPDATE cdp.profile SET marks = 0, watched = '{}' WHERE profile_id = 1$$);
SELECT * FROM pg_temp.break('owner', $$UPDATE cdp.identifier_set SET owner = 2 WHERE owner = 1$$);
SELECT * FROM pg_temp.break('conflict gone', $$DELETE FROM cdp.refused_link$$);
SELECT * FROM pg_temp.break('conflict too many', $$INSERT INTO cdp.refused_link VALUES (1, 2, 1, 'never', NULL, cdp.clock())$$);
SELECT * FROM pg_temp.break('conflict differs', $$UPDATE cdp.refused_link SET rule = 'never'$$);
-- rules that were written by hand and wait for the merge run
SELECT * FROM pg_temp.break('rules', $$UPDATE cdp.identifier_type SET max_strong_per_value = 2 WHERE type = 'phone'$$);
-- it needs no right to write
BEGIN READ ONLY;
SELECT ok FROM pg_temp.verified;
COMMIT;
