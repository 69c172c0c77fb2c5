-- What the profile of an identifier was at some time, and what happened to it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\set oracle :abs_srcdir '/test/data/identity_oracle.sql'
\set histories :abs_srcdir '/test/data/identity_histories.sql'
\i :fresh
\i :stand_ins
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.seen(source text, ids text) RETURNS bigint[]
LANGUAGE sql AS $$
	SELECT cdp._stitch(cdp._attach(source, jsonb_build_array(jsonb_build_object(
		'ids', (SELECT jsonb_agg(jsonb_build_array(split_part(id, ':', 1), split_part(id, ':', 2)))
			FROM unnest(string_to_array(ids, ' ')) AS id))), false));
$$;
-- a cookie becomes known, then turns out to be used by two
SET cdp.test_clock = '2026-05-01 10:00:00+00';
SELECT pg_temp.seen('web', 'anonymous_id:c1') \g /dev/null
SELECT pg_temp.seen('crm', 'user_id:ann email:ann@example.com') \g /dev/null
SET cdp.test_clock = '2026-05-02 10:00:00+00';
SELECT pg_temp.seen('web', 'anonymous_id:c1 user_id:ann') \g /dev/null
SET cdp.test_clock = '2026-05-03 10:00:00+00';
SELECT pg_temp.seen('web', 'anonymous_id:c1 user_id:bob') \g /dev/null
SET cdp.test_clock = '2026-05-04 10:00:00+00';
SELECT cdp.block_value('anonymous_id', 'c1', 'a demo device');
SET cdp.test_clock = '2026-05-05 10:00:00+00';
SELECT cdp.unblock_value('anonymous_id', 'c1');
SELECT at, change, profile_before AS before, profile_after AS after, set_id, says
FROM cdp.identity_history('anonymous_id:c1');
SELECT at, change, profile_before AS before, profile_after AS after, set_id, says
FROM cdp.identity_history('email:ann@example.com');
-- what befell the cookie's profile before bob came is not bob's story
SELECT at, change, profile_before AS before, profile_after AS after, set_id, says
FROM cdp.identity_history('user_id:bob');
-- a change counts from its very moment on
SELECT at, cdp.identity_at('anonymous_id:c1', at) AS cookie,
	cdp.identity_at('user_id:ann', at) AS ann, cdp.identity_at('user_id:bob', at) AS bob
FROM (SELECT timestamptz '2026-05-01 10:00:00+00' + n * interval '1 day' - early AS at
	FROM generate_series(0, 5) AS n, unnest(ARRAY[interval '1 microsecond', '0']) AS early) AS times
ORDER BY at;
SELECT cdp.identity_at('anonymous_id:c1', 'infinity'), cdp.identity_at('anonymous_id:c1', '-infinity') IS NULL AS before_all,
	cdp.identity_at('anonymous_id:c1', NULL) IS NULL AS at_no_time;
SELECT cdp.identity_at('anonymous_id:nobody', 'infinity');
-- what never was a key was never a profile's
SELECT pg_temp.seen('web', 'ip:10.0.0.1 user_id:ann') \g /dev/null
SELECT cdp.identity_at('ip:10.0.0.1', 'infinity') IS NULL AS is_null;
SELECT at, change, profile_after AS after, says FROM cdp.identity_history('ip:10.0.0.1');

-- Random histories: after every eleventh step the live profile of each
-- identifier is noted, and at the end the log must tell the same of each time.
SELECT cdp.add_identifier_type('card', 4, 'loyalty card', max_per_profile => 2) > 0 AS added;
\i :oracle
\i :histories
CREATE TABLE pg_temp.truth (step integer, at timestamptz, identifier_id bigint, profile_id bigint,
	PRIMARY KEY (step, identifier_id));
CREATE FUNCTION pg_temp.play(seed integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	step identity_test.step;
	clock timestamptz := '2026-06-01 12:00:00+00';
BEGIN
	PERFORM identity_test.make_seed(seed), identity_test.forget();
	DELETE FROM pg_temp.truth;
	FOR step IN SELECT * FROM identity_test.step ORDER BY n LOOP
		clock := clock + interval '1 minute';
		IF step.what = 'clock' THEN
			clock := greatest(clock, step.at);
		END IF;
		PERFORM set_config('cdp.test_clock', clock::text, false);
		IF step.what <> 'clock' THEN
			PERFORM identity_test.perform(step);
		END IF;
		CONTINUE WHEN step.n % 11 <> 0;
		INSERT INTO pg_temp.truth
		SELECT step.n, clock, identifier_id, root
		FROM cdp.identifier LEFT JOIN cdp.profile ON profile_id = leaf;
	END LOOP;
	-- what was not known yet had no profile
	INSERT INTO pg_temp.truth
	SELECT times.step, times.at, identifier_id, NULL
	FROM (SELECT DISTINCT truth.step, truth.at FROM pg_temp.truth) AS times, cdp.identifier
	ON CONFLICT DO NOTHING;
END
$$;
CREATE FUNCTION pg_temp.try(seed integer)
RETURNS TABLE (wrong bigint, moved boolean, left_all boolean)
LANGUAGE sql AS $$
	SELECT pg_temp.play($1);
	SELECT count(*) FILTER (WHERE told IS DISTINCT FROM profile_id),
		count(DISTINCT identifier_id) < count(DISTINCT (identifier_id, profile_id)),
		EXISTS (SELECT FROM cdp.identity_log WHERE profile_after IS NULL)
	FROM (SELECT truth.*, cdp._identity_at(identifier_id, at) AS told FROM pg_temp.truth) AS compared;
$$;
CREATE TABLE pg_temp.tried AS
SELECT seed, tried.* FROM generate_series(1, 10) AS seed, LATERAL pg_temp.try(seed) AS tried;
SELECT 'seed ' || seed AS failed, wrong FROM pg_temp.tried WHERE wrong > 0;
-- they were moved, and left without a profile
SELECT count(*) FILTER (WHERE moved) > 3 AS moved, count(*) FILTER (WHERE left_all) > 3 AS left_all
FROM pg_temp.tried;
DROP SCHEMA identity_test CASCADE;
