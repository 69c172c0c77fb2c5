-- Random histories against a brute-force oracle: whatever the order, the
-- batches and the mix of ways in, the store says what the oracle says, and a
-- rebuild changes nothing, ids included.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\set oracle :abs_srcdir '/test/data/identity_oracle.sql'
\i :fresh
\i :stand_ins
\i :oracle
-- this oracle knows no limits
UPDATE cdp.identifier_type SET max_per_profile = NULL, joins_known = true, stands_in = false;
CREATE FUNCTION pg_temp.try(number integer, people integer, records integer)
RETURNS TABLE (seed integer, differences bigint, changed_by_rebuild bigint, ok boolean,
	has_shared boolean, has_splits boolean)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(number / 1000.0), identity_test.forget();
	PERFORM identity_test.make_history(people, records);
	PERFORM identity_test.play(number % 2 = 0);
	RETURN QUERY
	SELECT number, (SELECT sum(d.rows)::bigint FROM identity_test.differences() AS d),
		identity_test.changed_by_rebuild(), (SELECT v.ok FROM cdp.verify_identity() AS v),
		EXISTS (SELECT FROM cdp.identifier WHERE shared),
		EXISTS (SELECT FROM cdp.identity_log WHERE change = 'split');
END
$$;
SELECT tried.* FROM generate_series(1, 8) AS n,
	LATERAL pg_temp.try(n, 3 + n * 3, 60 + n * 20) AS tried;
-- the same records in other orders and batches: the same partition
CREATE TABLE pg_temp.partition AS SELECT key, part, shared FROM identity_test.stored;
CREATE TABLE pg_temp.history AS TABLE identity_test.record;
CREATE FUNCTION pg_temp.shuffle(seed integer) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(seed / 1000.0), identity_test.forget();
	TRUNCATE identity_test.record, identity_test.attached;
	INSERT INTO identity_test.record
	SELECT row_number() OVER (ORDER BY random()), source, keys FROM pg_temp.history;
	PERFORM identity_test.play();
	RETURN (SELECT count(*)
		FROM pg_temp.partition AS p
		FULL JOIN identity_test.stored AS s USING (key, part, shared)
		WHERE p.part IS NULL OR s.part IS NULL);
END
$$;
SELECT seed, pg_temp.shuffle(seed) AS differences FROM generate_series(1, 4) AS seed;
-- blocking in the middle of things
CREATE FUNCTION pg_temp.block(number integer) RETURNS TABLE (seed integer, differences bigint, ok boolean)
LANGUAGE plpgsql AS $$
DECLARE
	size integer;
	key text;
BEGIN
	PERFORM setseed(number / 1000.0), identity_test.forget();
	PERFORM identity_test.make_history(12, 120);
	FOR step IN 0 .. 3 LOOP
		PERFORM cdp._add_todo('stitch', identity_test.attach(step * 30 + 1, step * 30 + 30));
		IF random() < 0.6 THEN
			PERFORM cdp._stitch_step(8);
		END IF;
		FOR key IN
			SELECT DISTINCT k FROM identity_test.record, unnest(keys) AS k
			WHERE identity_test.key_type(k) <> 'ip' ORDER BY 1
		LOOP
			CONTINUE WHEN random() > 0.1;
			IF random() < 0.6 THEN
				PERFORM cdp.block_value(identity_test.key_type(key), identity_test.key_value(key));
			ELSE
				PERFORM cdp.unblock_value(identity_test.key_type(key), identity_test.key_value(key));
			END IF;
		END LOOP;
	END LOOP;
	WHILE cdp._stitch_step(7) > 0 LOOP END LOOP;
	RETURN QUERY
	SELECT number, (SELECT sum(d.rows)::bigint FROM identity_test.differences() AS d),
		(SELECT v.ok FROM cdp.verify_identity() AS v);
END
$$;
SELECT blocked.* FROM generate_series(1, 6) AS n, LATERAL pg_temp.block(n) AS blocked;
DROP SCHEMA identity_test CASCADE;
