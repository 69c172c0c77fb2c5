-- What the identity function promises, on random histories.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\set oracle :abs_srcdir '/test/data/identity_oracle.sql'
\set histories :abs_srcdir '/test/data/identity_histories.sql'
\set properties :abs_srcdir '/test/data/identity_properties.sql'
\i :fresh
\i :stand_ins
SELECT cdp.add_identifier_type('card', 4, 'loyalty card', max_per_profile => 2);
\i :oracle
\i :histories
\i :properties
-- the same records, decisions and rules in other orders and batches: the same
-- answer; so too if the records that were retracted never came.  Seeds that
-- fail, with the rows that differ
SELECT 'seed ' || seed AS failed, tried.*
FROM generate_series(1, 6) AS seed, LATERAL identity_test.try_orders(seed, 2) AS tried;
-- decide and undecide, block and unblock, retract and unretract, change a rule
-- and change it back, one within another: all is as before, ids included
SELECT 'seed ' || seed AS failed, tried.*
FROM generate_series(1, 8) AS seed, LATERAL identity_test.try_undo(seed, 5) AS tried
WHERE not_undone > 0 OR differences > 0;
SELECT identity_test.write_step(deed) AS failed, depth, what, id, says
FROM identity_test.not_undone;
-- a long chain with an account at each end, of which it keeps one; a hub of
-- one account; a device of as many accounts as that, which joins none
SELECT identity_test.attach_large(20000, 5000);
SELECT identity_test.drain();
SELECT * FROM identity_test.large_profiles();
SELECT identifier_a, identifier_b, rule, type FROM cdp.conflict;
-- one record in the middle, and the chain is judged anew in its turn
SELECT cdp._stitch(cdp._attach('web', '[{"at": "2026-05-01", "ids": [["user_id", "last"], ["anonymous_id", "c10000"]]}]')) IS NOT NULL AS joined;
SELECT * FROM identity_test.large_profiles();
SELECT identifier_a, identifier_b, rule, type FROM cdp.conflict;
SELECT ok FROM cdp.verify_identity();
SELECT identity_test.changed_by_rebuild();
DROP SCHEMA identity_test CASCADE;
