-- Every small combination of answers against a plain oracle.
--
-- Three profiles merged into one, each with up to two answers, in every
-- combination of state and time, at instants before, at and after expiry.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
INSERT INTO cdp.purpose (purpose, description, time_to_live) VALUES
	('short', 'expires after two days', '2 days'), ('long', 'never expires', NULL);

-- what one profile says: nothing, one answer, or two
CREATE TEMP TABLE said (said_id integer GENERATED ALWAYS AS IDENTITY, states text[], days integer[]);
INSERT INTO said (states, days)
SELECT '{}', '{}'
UNION ALL
SELECT ARRAY[s], ARRAY[d]
FROM unnest(ARRAY['requested', 'granted', 'denied', 'withdrawn', 'expired', 'objected']) AS s,
	generate_series(1, 2) AS d
UNION ALL
SELECT ARRAY[s, t], ARRAY[d, e]
FROM unnest(ARRAY['requested', 'granted', 'denied']) AS s,
	unnest(ARRAY['requested', 'granted', 'denied']) AS t,
	(VALUES (1, 1), (1, 2), (2, 1)) AS days (d, e);

-- all pairs, and all triples of the shorter ones
CREATE TEMP TABLE combination (root bigint GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT 10),
	purpose text, parts integer[]);
INSERT INTO combination (purpose, parts)
SELECT purpose, ARRAY[a.said_id, b.said_id]
FROM said AS a, said AS b, unnest(ARRAY['short', 'long']) AS purpose
UNION ALL
SELECT 'short', ARRAY[a.said_id, b.said_id, c.said_id]
FROM said AS a, said AS b, said AS c
WHERE cardinality(a.states || b.states || c.states) <= 3
	AND a.states <@ '{requested,granted,expired,denied}'
	AND b.states <@ '{requested,granted,expired,denied}'
	AND c.states <@ '{requested,granted,expired,denied}';

-- a profile of as many parts: part k is leaf root + k - 1 with one identifier
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at)
SELECT root + k - 1, root, root + k - 1, '2026-01-01', '2026-01-01'
FROM combination, generate_series(1, cardinality(parts)) AS k;
INSERT INTO cdp.identifier (identifier_id, leaf, type_id, value, first_seen)
SELECT root + k - 1, root + k - 1, type_id, (root + k - 1)::text, '2026-01-01'
FROM combination, generate_series(1, cardinality(parts)) AS k, cdp.identifier_type
WHERE type = 'anonymous_id';
INSERT INTO cdp.consent_log (identifier_id, at, recorded_at, purpose, channel, state, basis, actor)
SELECT root + k - 1, timestamptz '2026-01-01 00:00+00' + days[n] * interval '1 day', '2026-01-10',
	purpose, 'email', states[n], 'consent', 'test'
FROM combination, unnest(parts) WITH ORDINALITY AS part (said_id, k)
	JOIN said USING (said_id), generate_series(1, cardinality(states)) AS n
ORDER BY n DESC, root;
SELECT cdp._refresh_consents(array_agg(root)) FROM combination;

-- The oracle says it again, plainly: at an instant, each part's last word,
-- the worst of equals; a grant past its time is expired; the worst of all.
CREATE FUNCTION pg_temp.oracle(purpose text, parts integer[], instant timestamptz) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	worst text := 'unknown';
	word text;
	latest integer;
	part said;
	order_of text[] := ARRAY['unknown', 'granted', 'requested', 'expired', 'withdrawn', 'denied', 'objected'];
BEGIN
	FOR part IN SELECT said.* FROM unnest(parts) AS id JOIN said ON said_id = id LOOP
		word := 'unknown';
		latest := 0;
		FOR n IN 1 .. cardinality(part.states) LOOP
			CONTINUE WHEN timestamptz '2026-01-01 00:00+00' + part.days[n] * interval '1 day' > instant;
			IF part.days[n] > latest OR part.days[n] = latest
					AND array_position(order_of, part.states[n]) > array_position(order_of, word) THEN
				latest := part.days[n];
				word := part.states[n];
			END IF;
		END LOOP;
		IF word = 'granted' AND purpose = 'short'
				AND instant >= timestamptz '2026-01-01 00:00+00' + (latest + 2) * interval '1 day' THEN
			word := 'expired';
		END IF;
		IF array_position(order_of, word) > array_position(order_of, worst) THEN
			worst := word;
		END IF;
	END LOOP;
	RETURN worst;
END
$$;

-- as of every instant that matters, through the log
CREATE TEMP TABLE instant AS
SELECT timestamptz '2026-01-01 00:00+00' + day * interval '1 day' + microseconds * interval '1 microsecond' AS instant
FROM generate_series(0, 5) AS day, unnest(ARRAY[-1, 0]) AS microseconds;
CREATE TEMP TABLE answer AS
SELECT instant, root, CASE WHEN expires_at <= instant THEN 'expired' ELSE state END AS state
FROM instant, cdp._combine_consents(NULL, instant) AS held
	JOIN combination ON held.profile_id = root AND held.purpose = combination.purpose;
SELECT count(*) AS questions,
	count(*) FILTER (WHERE coalesce(answer.state, 'unknown')
		<> pg_temp.oracle(combination.purpose, parts, instant)) AS wrong
FROM combination CROSS JOIN instant LEFT JOIN answer USING (root, instant);

-- and now, through the state, as the clock passes expiry
SELECT count(*) AS profiles, count(DISTINCT state) AS states,
	count(*) FILTER (WHERE coalesce(state, 'unknown')
		<> pg_temp.oracle(combination.purpose, parts, clock)) AS wrong
FROM combination
	CROSS JOIN (VALUES (timestamptz '2026-01-03 00:00+00'), ('2026-01-04 00:00+00'), ('2026-01-05')) AS c (clock)
	LEFT JOIN LATERAL (SELECT CASE WHEN expires_at <= clock THEN 'expired' ELSE held.state END AS state
		FROM cdp.consent_state AS held
		WHERE held.profile_id = root AND held.purpose = combination.purpose AND channel = 'email') AS held ON true
WHERE clock >= '2026-01-03';

-- cdp.consent() is the same
SELECT count(*) AS asked,
	count(*) FILTER (WHERE cdp.consent(root, purpose, 'email') <> pg_temp.oracle(purpose, parts, cdp.clock())) AS wrong
FROM combination WHERE root % 70 = 0;

-- a split gives each part exactly what its own records said
UPDATE cdp.profile SET root = profile_id;
SELECT cdp._refresh_consents(array_agg(profile_id)) FROM cdp.profile;
SELECT count(*) AS parts,
	count(*) FILTER (WHERE coalesce(cdp.consent(root + k - 1, purpose, 'email'), 'unknown')
		<> pg_temp.oracle(purpose, parts[k:k], cdp.clock())) AS wrong
FROM combination, generate_series(1, cardinality(parts)) AS k
WHERE root % 70 = 0;
