-- Every small combination of answers against a plain oracle.
--
-- What one profile may have said: nothing, one or two answers in every
-- combination of the six states, of two times and of the order in which they
-- arrived, and, for confirmation, three in a row.  All pairs of these merged
-- into one profile, all triples of the shorter ones, and each alone; about
-- three purposes at once: whose grants last two days, last for ever, and count
-- only once they are confirmed.  Asked at every instant at which anything
-- changes and one microsecond before.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
INSERT INTO cdp.purpose (purpose, description, time_to_live, double_opt_in) VALUES
	('short', 'expires after two days', '2 days', false),
	('long', 'never expires', NULL, false),
	('confirmed', 'needs a confirmation', '2 days', true);

-- answer n arrived on the n-th day of recording, about day days[n]
CREATE TEMP TABLE said (said_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, states text[], days integer[]);
WITH state AS (
	SELECT unnest(ARRAY['requested', 'granted', 'denied', 'withdrawn', 'expired', 'objected']) AS state
)
INSERT INTO said (states, days)
SELECT '{}', '{}'
UNION ALL
SELECT ARRAY[state], ARRAY[d] FROM state, generate_series(1, 2) AS d
UNION ALL
SELECT ARRAY[a.state, b.state], ARRAY[d, e]
FROM state AS a, state AS b, (VALUES (1, 1), (1, 2), (2, 1)) AS days (d, e)
UNION ALL
SELECT ARRAY[a.state, b.state, c.state], ARRAY[1, 2, 3]
FROM state AS a, state AS b, state AS c;

CREATE TEMP TABLE combination (root bigint GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT 10) PRIMARY KEY,
	parts integer[]);
INSERT INTO combination (parts)
SELECT ARRAY[said_id] FROM said
UNION ALL
SELECT ARRAY[a.said_id, b.said_id]
FROM said AS a JOIN said AS b ON a.said_id <= b.said_id
WHERE cardinality(a.states) <= 2 AND cardinality(b.states) <= 2
UNION ALL
SELECT ARRAY[a.said_id, b.said_id, c.said_id]
FROM said AS a JOIN said AS b ON a.said_id <= b.said_id JOIN said AS c ON b.said_id <= c.said_id
WHERE cardinality(a.states) <= 1 AND cardinality(b.states) <= 1 AND cardinality(c.states) <= 1;

-- a profile of as many parts: part k is leaf root + k - 1 with one identifier
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at)
SELECT root + k - 1, root, root + k - 1, '2026-01-01', '2026-01-01'
FROM combination, generate_series(1, cardinality(parts)) AS k;
INSERT INTO cdp.identifier (identifier_id, leaf, type_id, value, first_seen, created_at)
SELECT root + k - 1, root + k - 1, type_id, (root + k - 1)::text, '2026-01-01', '2026-01-01'
FROM combination, generate_series(1, cardinality(parts)) AS k, cdp.identifier_type
WHERE type = 'anonymous_id';
INSERT INTO cdp.consent_log (identifier_id, at, recorded_at, purpose, channel, state, basis, actor)
SELECT root + k - 1, timestamptz '2026-01-01' + days[n] * interval '1 day',
	timestamptz '2026-01-10' + n * interval '1 day', purpose, 'email', states[n], 'consent', 'test'
FROM combination, unnest(parts) WITH ORDINALITY AS part (said_id, k)
	JOIN said USING (said_id), generate_series(1, cardinality(states)) AS n,
	unnest(ARRAY['short', 'long', 'confirmed']) AS purpose
ORDER BY n DESC, root;
ANALYZE cdp.profile, cdp.identifier, cdp.consent_log;
SELECT cdp._refresh_consents(array_agg(root)) FROM combination;
ANALYZE cdp.consent_state;

-- The oracle, plainly: what one part says at an instant, of its first "known"
-- answers.  It tries each answer: one that came later, or as late and worse,
-- takes its word back.
CREATE FUNCTION pg_temp.word(states text[], days integer[], known integer, purpose text, instant timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	worse_than text[] := ARRAY['granted', 'requested', 'expired', 'withdrawn', 'denied', 'objected'];
	word text;
	day integer := 0;
	heard text;
	asked integer;
BEGIN
	FOR n IN 1 .. least(known, cardinality(states)) LOOP
		CONTINUE WHEN timestamptz '2026-01-01' + days[n] * interval '1 day' > instant;
		heard := states[n];
		IF heard = 'granted' AND purpose = 'confirmed' THEN
			-- a request before it that nothing has refused since
			heard := 'requested';
			FOR r IN 1 .. least(known, cardinality(states)) LOOP
				CONTINUE WHEN states[r] <> 'requested' OR days[r] > days[n];
				asked := days[r];
				FOR s IN 1 .. least(known, cardinality(states)) LOOP
					IF states[s] IN ('denied', 'withdrawn', 'objected') AND days[s] BETWEEN asked AND days[n] THEN
						asked := NULL;
					END IF;
				END LOOP;
				IF asked IS NOT NULL THEN
					heard := 'granted';
				END IF;
			END LOOP;
		END IF;
		IF days[n] > day OR days[n] = day AND array_position(worse_than, heard) > array_position(worse_than, word) THEN
			day := days[n];
			word := heard;
		END IF;
	END LOOP;
	IF word = 'granted' AND purpose <> 'long' AND instant >= timestamptz '2026-01-01' + (day + 2) * interval '1 day' THEN
		word := 'expired';
	END IF;
	RETURN coalesce(array_position(worse_than, word), 0);
END
$$;
CREATE TEMP TABLE instant AS
SELECT timestamptz '2026-01-01' + day * interval '1 day' + us * interval '1 microsecond' AS instant
FROM generate_series(1, 5) AS day, unnest(ARRAY[-1, 0]) AS us
UNION SELECT '2026-01-06 00:00:00.000001';
CREATE TEMP TABLE word AS
SELECT said_id, purpose, instant, known, pg_temp.word(states, days, known, purpose, instant) AS word
FROM said, unnest(ARRAY['short', 'long', 'confirmed']) AS purpose, instant, generate_series(0, 3) AS known;
CREATE UNIQUE INDEX ON word (said_id, purpose, instant, known);
ANALYZE word;
-- of all parts the worst word counts
CREATE TEMP TABLE expected AS
SELECT root, purpose, instant, known,
	(ARRAY['unknown', 'granted', 'requested', 'expired', 'withdrawn', 'denied', 'objected'])[1 + max(word)] AS state
FROM combination, unnest(parts) AS part (said_id) JOIN word USING (said_id)
WHERE known = 3 OR root % 9700 = 0
GROUP BY 1, 2, 3, 4;
CREATE UNIQUE INDEX ON expected (root, purpose, instant, known);
ANALYZE expected;

-- as of every instant, through the log
CREATE TEMP TABLE answer AS
SELECT instant, held.profile_id AS root, purpose, CASE WHEN expires_at <= instant THEN 'expired' ELSE state END AS state
FROM instant, cdp._combine_consents(NULL, instant) AS held;
ANALYZE answer;
SELECT cardinality(parts) AS profiles, count(DISTINCT root) AS combinations, count(*) AS questions,
	count(DISTINCT expected.state) AS states,
	count(*) FILTER (WHERE coalesce(answer.state, 'unknown') <> expected.state) AS wrong
FROM expected JOIN combination USING (root) LEFT JOIN answer USING (root, purpose, instant)
WHERE known = 3
GROUP BY 1 ORDER BY 1;

-- and through the state, as the clock passes what is left to come: every answer
-- was given by then, but grants go on expiring
SELECT count(*) AS questions, count(*) FILTER (WHERE coalesce(CASE WHEN held.expires_at <= instant THEN 'expired' ELSE held.state END,
		'unknown') <> expected.state) AS wrong
FROM expected LEFT JOIN cdp.consent_state AS held ON held.profile_id = root AND held.purpose = expected.purpose
WHERE known = 3 AND instant >= '2026-01-04';

-- cdp.consent() and cdp.consent_at() are the same; and what was known at a time
-- is what had been recorded by it
SELECT count(*) AS asked,
	count(*) FILTER (WHERE cdp.consent(root, purpose, 'email', instant) <> state) AS consent_wrong,
	count(*) FILTER (WHERE cdp.consent_at(root, purpose, 'email', instant) <> state) AS consent_at_wrong,
	count(*) FILTER (WHERE instant > '2026-01-06' AND cdp.consent(root, purpose, 'email') <> state) AS now_wrong
FROM expected WHERE known = 3 AND root % 9700 = 0;
SELECT us, count(*) AS asked, count(*) FILTER (WHERE cdp.consent_at(root, purpose, 'email', instant,
		timestamptz '2026-01-10' + (known + (us < 0)::integer) * interval '1 day' + us * interval '1 microsecond') <> state) AS wrong
FROM expected, unnest(ARRAY[-1, 0, 1]) AS us
WHERE root % 9700 = 0 AND instant IN ('2026-01-02 00:00', '2026-01-02 23:59:59.999999', '2026-01-03 00:00', '2026-01-06 00:00:00.000001')
GROUP BY us ORDER BY us;

-- a split gives each part exactly what its own records said
UPDATE cdp.profile SET root = profile_id WHERE root <> profile_id;
SELECT cdp._refresh_consents(array_agg(profile_id)) FROM cdp.profile;
SELECT count(*) AS parts, count(*) FILTER (WHERE coalesce(CASE WHEN held.expires_at <= cdp.clock() THEN 'expired' ELSE held.state END, 'unknown')
	<> (ARRAY['unknown', 'granted', 'requested', 'expired', 'withdrawn', 'denied', 'objected'])[1 + word]) AS wrong
FROM combination CROSS JOIN unnest(parts) WITH ORDINALITY AS part (said_id, k)
	JOIN word ON word.said_id = part.said_id AND known = 3 AND instant = '2026-01-06 00:00:00.000001'
	LEFT JOIN cdp.consent_state AS held ON held.profile_id = root + k - 1 AND held.purpose = word.purpose;
