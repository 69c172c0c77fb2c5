-- incremental_records.sql: records like those of a real store, from a fixed
-- seed, for incremental.sql and incremental_ingest.sql.
CREATE SCHEMA bench;

-- CPU seconds that this backend has used, to the nanosecond.
CREATE FUNCTION bench.cpu() RETURNS double precision
LANGUAGE sql VOLATILE
RETURN split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::double precision / 1e9;

-- A number from 0 to 1 that belongs to a person for ever.
CREATE FUNCTION bench.trait(person bigint, salt integer) RETURNS double precision
LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(person, salt) & 1048575) / 1048576.0;

-- The records of one batch, a row a key.  Three in five are of people who were
-- there before, the recent and the busy more often; the others of new ones.
-- People have a cookie that changes now and then, most an account, an address,
-- some a device and a telephone; one in fifty records is of a browser that a
-- household of four shares, one in a thousand of a kiosk.
CREATE TABLE bench.people (only_row boolean PRIMARY KEY DEFAULT true, count bigint);
INSERT INTO bench.people (count) VALUES (1000);
CREATE UNLOGGED TABLE bench.key (record integer, type text, value text);
CREATE FUNCTION bench.make_batch(records integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	people bigint := (SELECT count FROM bench.people);
BEGIN
	TRUNCATE bench.key;
	INSERT INTO bench.key
	WITH visit AS MATERIALIZED (
		SELECT record, random() AS what, random() AS place, random() AS cookie,
			CASE WHEN random() < 0.6 THEN people - 1 - floor(people * random() ^ 3)
				ELSE people + record END::bigint AS person
		FROM generate_series(1, records) AS record
	), act AS (
		SELECT *, what < 0.35 AND bench.trait(person, 1) < 0.6 AS logs_in,
			what BETWEEN 0.25 AND 0.5 AND bench.trait(person, 2) < 0.7 AS mails
		FROM visit
	)
	SELECT record, 'anonymous_id', CASE WHEN place < 0.001 THEN 'kiosk-' || person % 50
			WHEN place < 0.02 THEN 'home-' || person / 4
			ELSE 'cookie-' || person || '-' || floor(cookie ^ 2 * (1 + 3 * bench.trait(person, 3))) END
	FROM act
	WHERE what < 0.97
	UNION ALL SELECT record, 'user_id', 'u' || person FROM act WHERE logs_in
	UNION ALL SELECT record, 'email', 'person' || person || '@mail.example' FROM act WHERE mails OR what >= 0.97
	UNION ALL SELECT record, 'device_id', 'device-' || person FROM act WHERE what BETWEEN 0.1 AND 0.2 OR what BETWEEN 0.7 AND 0.75
	UNION ALL SELECT record, 'phone', '+4930' || 10000000 + person FROM act WHERE what BETWEEN 0.45 AND 0.5
	UNION ALL SELECT record, 'crm_id', 'c' || person FROM act WHERE what >= 0.97;
	UPDATE bench.people SET count = count + records;
END
$$;

SELECT setseed(0.3) \g /dev/null
