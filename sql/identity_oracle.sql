-- Random histories against a brute-force oracle: whatever the order, the
-- batches, the mix of ways in, and what stewards do and rules become between,
-- the store says what the oracle says, and a rebuild changes nothing, ids
-- included.  A seed that fails is looked into with identity_test.make_seed(),
-- CALL identity_test.shrink() and identity_test.tell(), as
-- test/soak/identity_histories.sh does.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\set oracle :abs_srcdir '/test/data/identity_oracle.sql'
\set histories :abs_srcdir '/test/data/identity_histories.sql'
\i :fresh
\i :stand_ins
SELECT cdp.add_identifier_type('card', 4, 'loyalty card', max_per_profile => 2);
\i :oracle
\i :histories
CALL identity_test.run_seeds(1, 30);
SELECT 'seed ' || seed AS failed, what, rows FROM identity_test.failed ORDER BY seed, what;
-- the histories met everything that they are about
SELECT what, histories > 2 AS met FROM identity_test.met ORDER BY what;
DROP SCHEMA identity_test CASCADE;
