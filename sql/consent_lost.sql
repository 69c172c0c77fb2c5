-- Whose answer is it?  Answers after a split, of identifiers that stand for nobody
-- any more, and of records that were retracted.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT cdp.add_source('web') \g /dev/null
SELECT cdp.define_segment('everyone', 'kind = ''known''') \g /dev/null
SELECT cdp.add_audience('news', 'everyone', 'marketing', 'email'), cdp.add_audience('texts', 'everyone', 'marketing', 'sms') \g /dev/null
CREATE FUNCTION pg_temp.say(who jsonb, at timestamptz, channel text DEFAULT NULL, state text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	SELECT cdp.ingest('web', who || jsonb_build_object('type', 'identify', 'timestamp', at)
		|| CASE WHEN state IS NULL THEN '{}' ELSE jsonb_build_object('consent',
			jsonb_build_object('purpose', 'marketing', 'channel', channel, 'state', state)) END)
$$;
CREATE FUNCTION pg_temp.states(channel text, VARIADIC users text[]) RETURNS TABLE (who text, state text, released bigint, answers text) LANGUAGE sql AS $$
	SELECT name, cdp.consent(id, 'marketing', channel), (SELECT count(*) FROM cdp.audience_member
			WHERE profile_id = id AND audience = CASE channel WHEN 'sms' THEN 'texts' ELSE 'news' END),
		(SELECT string_agg(concat(answer #>> '{identifier,type}', ' ', answer ->> 'state'), ', ' ORDER BY n)
			FROM jsonb_array_elements(cdp.consent_receipt(id, 'marketing', channel) -> 'answers') WITH ORDINALITY AS list (answer, n))
	FROM unnest(users) AS name, cdp.find_profile('user_id', name) AS id ORDER BY name
$$;

-- Two people were taken for one when she agreed: it was for all that was known to
-- be hers, and after the split it was hers alone.
UPDATE cdp.identifier_type SET max_per_profile = NULL WHERE type = 'user_id';
SELECT pg_temp.say('{"userId": "anna", "traits": {"email": "anna@example.com"}}', '2026-05-01') AS anna,
	pg_temp.say('{"userId": "bert", "traits": {"email": "bert@example.com"}}', '2026-05-01', 'email', 'denied') AS bert \gset
SELECT cdp.decide('user_id:anna', 'user_id:bert', 'always', 'one address') IS NOT NULL AS decided;
CALL cdp.merge();
SELECT * FROM pg_temp.states('email', 'anna', 'bert');
SELECT cdp.record_consent('email', 'anna@example.com', 'marketing', 'email', 'granted', evidence => '{"form": "hers"}');
SELECT cdp.refresh_segments() \g /dev/null
SELECT * FROM pg_temp.states('email', 'anna', 'bert');
SET cdp.test_clock = '2026-06-02 12:00:00+00';
SELECT cdp.undecide('user_id:anna', 'user_id:bert', 'two people') IS NOT NULL AS undecided;
-- his address is not released for what she agreed to, not even until the merge run
SELECT value FROM cdp.contact_point ORDER BY value;
CALL cdp.merge();
SELECT * FROM pg_temp.states('email', 'anna', 'bert');
SELECT cdp.export_subject(cdp.find_profile('user_id', 'bert')) ->> 'consents' ~ 'hers' AS his_has_hers,
	cdp.export_subject(cdp.find_profile('user_id', 'anna')) ->> 'consents' ~ 'hers' AS hers_has;
-- what was known while they were one is what held then
SELECT cdp.consent_at(:bert, 'marketing', 'email', known_at, known_at) AS bert, cdp.consent_at(:anna, 'marketing', 'email', known_at, known_at) AS anna
FROM unnest(ARRAY['2026-06-01 12:00:00+00', '2026-06-02 12:00:00+00']::timestamptz[]) AS known_at;

-- An address becomes that of five: what it refused stays hers, the number is not
-- released, and only she can lift it.
SELECT pg_temp.say('{"userId": "ann", "traits": {"email": "ann@example.com", "phone": "+436641234567"}}', '2026-05-01', 'sms', 'granted') AS ann \gset
CALL cdp.merge();
SELECT * FROM pg_temp.states('sms', 'ann');
SELECT cdp.record_consent('email', 'ann@example.com', 'marketing', 'sms', 'withdrawn', '2026-06-01', evidence => '{"link": 7}');
SELECT pg_temp.say(jsonb_build_object('userId', 'other' || n, 'traits', '{"email": "ann@example.com"}'::jsonb), '2026-06-02') IS NOT NULL AS known
FROM generate_series(1, 4) AS n;
CALL cdp.merge();
SELECT shared FROM cdp.identifier WHERE value = 'ann@example.com';
SELECT * FROM pg_temp.states('sms', 'ann', 'other1');
SELECT consent ->> 'identifier' AS identifier, consent ->> 'state' AS state, consent -> 'evidence' AS evidence
FROM cdp.export_subject(:ann) AS document, jsonb_array_elements(document -> 'consents') AS consent;
SELECT cdp.consent_at(:ann, 'marketing', 'sms', cdp.clock(), cdp.clock());
CALL cdp.rebuild();
SELECT count(*) FROM cdp.consent_log WHERE kept_of IS NOT NULL;
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'sms', 'granted');
SELECT * FROM pg_temp.states('sms', 'ann');

-- A cookie is forgotten after ten days.  The profile began with it, so the id
-- stays with it; and it had answered before anybody knew whose it was.
UPDATE cdp.identifier_type SET time_to_live = '10 days' WHERE type = 'anonymous_id';
SELECT pg_temp.say('{"anonymousId": "c-1"}', '2026-06-01', 'email', 'denied') IS NOT NULL AS cookie;
SELECT pg_temp.say('{"userId": "carl", "traits": {"email": "carl@example.com"}}', '2026-06-01 11:00', 'email', 'granted') IS NOT NULL AS carl;
SELECT pg_temp.say('{"userId": "carl", "anonymousId": "c-1"}', '2026-06-02') IS NOT NULL AS both;
CALL cdp.merge();
SELECT * FROM pg_temp.states('email', 'carl');
SET cdp.test_clock = '2026-06-20 12:00:00+00';
CALL cdp.merge();
SELECT value, expired FROM cdp.identifier WHERE value IN ('c-1', 'carl') ORDER BY 1;
SELECT * FROM pg_temp.states('email', 'carl');
-- it comes back and speaks for itself, once; and is forgotten again
SELECT pg_temp.say('{"userId": "carl", "anonymousId": "c-1"}', '2026-06-20') IS NOT NULL AS both;
CALL cdp.merge();
SELECT * FROM pg_temp.states('email', 'carl');
SET cdp.test_clock = '2026-07-20 12:00:00+00';
CALL cdp.merge();
SELECT * FROM pg_temp.states('email', 'carl');
SELECT cdp.record_consent('email', 'carl@example.com', 'marketing', 'email', 'granted');
SELECT * FROM pg_temp.states('email', 'carl');

-- An address that a steward blocks had objected.
SELECT pg_temp.say('{"userId": "dora", "traits": {"email": "dora@example.com", "phone": "+436641234568"}}', '2026-07-01', 'sms', 'granted') IS NOT NULL AS dora;
SELECT cdp.record_consent('email', 'dora@example.com', 'marketing', 'sms', 'objected');
SELECT cdp.block_value('email', 'dora@example.com', 'of a shop') > 0 AS blocked;
CALL cdp.merge();
SELECT * FROM pg_temp.states('sms', 'dora');
-- erased, nothing of it is left
SELECT cdp.erase_subject(cdp.find_profile('user_id', 'dora'), 'asked') -> 'rows' -> 'consent_log' AS answers;
SELECT count(*) FROM cdp.consent_log AS said LEFT JOIN cdp.identifier USING (identifier_id) WHERE identifier.identifier_id IS NULL;

-- A record that is retracted said nothing, at once; what was known before stays.
SELECT pg_temp.say('{"userId": "emil", "traits": {"email": "emil@example.com"}}', '2026-07-01') AS emil,
	pg_temp.say('{"userId": "emil", "anonymousId": "c-2"}', '2026-07-02', 'email', 'granted') IS NOT NULL AS agreed \gset
CALL cdp.merge();
SELECT * FROM pg_temp.states('email', 'emil');
SET cdp.test_clock = '2026-07-21 12:00:00+00';
SELECT cdp.retract(max(set_id), 'of a test machine') IS NOT NULL AS retracted FROM cdp.identifier_set;
SELECT * FROM pg_temp.states('email', 'emil');
CALL cdp.merge();
SELECT * FROM pg_temp.states('email', 'emil');
SELECT known_at, cdp.consent_at(:emil, 'marketing', 'email', known_at, known_at)
FROM unnest(ARRAY['2026-07-21 11:59:59.999999+00', '2026-07-21 12:00:00+00']::timestamptz[]) AS known_at;
SELECT cdp.unretract(max(set_id), 'it was not') IS NOT NULL AS unretracted FROM cdp.identifier_set;
SELECT * FROM pg_temp.states('email', 'emil');

-- The address was what held a cookie and an account together: both keep what it
-- refused, whichever is older.
SELECT pg_temp.say('{"anonymousId": "c-3", "traits": {"email": "fay@example.com"}}', '2026-07-20') AS fay \gset
CALL cdp.merge();
SELECT pg_temp.say('{"userId": "fay", "traits": {"email": "fay@example.com", "phone": "+436641234569"}}', '2026-07-20', 'sms', 'granted') = :fay AS one;
CALL cdp.merge();
SELECT * FROM pg_temp.states('sms', 'fay');
SELECT cdp.record_consent('email', 'fay@example.com', 'marketing', 'sms', 'withdrawn') \g /dev/null
SELECT pg_temp.say(jsonb_build_object('userId', 'kin' || n, 'traits', '{"email": "fay@example.com"}'::jsonb), '2026-07-21') IS NOT NULL AS known
FROM generate_series(1, 4) AS n \g /dev/null
CALL cdp.merge();
SELECT * FROM pg_temp.states('sms', 'fay', 'kin1');
SELECT cdp.find_profile('user_id', 'fay') <> id AS apart, cdp.consent(id, 'marketing', 'sms')
FROM cdp.find_profile('anonymous_id', 'c-3') AS id;
-- those that stand alone are not lost again, and not locked, whenever all is judged
BEGIN;
SELECT cdp._lock_merger(), cdp._stitch_everything() \g /dev/null
SELECT count(*) > 0 AS stand_alone, count(*) FILTER (WHERE profile.xmax = pg_current_xact_id()::xid) AS locked
FROM cdp.identifier JOIN cdp.profile ON profile_id = leaf WHERE shared OR expired;
COMMIT;

-- Random histories against a plain oracle: six people are taken for one another
-- and told apart again; they answer on records and by calls.  What the test keeps
-- is who said what, and by a call for whom: all who were one person with them.
\i :fresh
\pset format unaligned
SELECT cdp.add_source('web') \g /dev/null
UPDATE cdp.identifier_type SET max_per_profile = NULL WHERE type = 'user_id';
SELECT cdp.ingest('web', jsonb_build_object('type', 'identify', 'userId', 'p' || n)) IS NOT NULL AS known FROM generate_series(1, 6) AS n \g /dev/null
CREATE TEMP TABLE journal (person text, at timestamptz, state text, persons text[]);
CREATE TEMP TABLE held (at timestamptz, born bigint, person text, expected text, got text);
CREATE FUNCTION pg_temp.together(person text) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg('p' || n) FROM generate_series(1, 6) AS n
	WHERE cdp.find_profile('user_id', 'p' || n) = cdp.find_profile('user_id', person)
$$;
CREATE FUNCTION pg_temp.expected(person text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	worse_than text[] := ARRAY['granted', 'requested', 'expired', 'withdrawn', 'denied', 'objected'];
	same text[] := pg_temp.together(person);
	worst integer := 0;
	voice text;
	said record;
BEGIN
	FOREACH voice IN ARRAY same LOOP
		CONTINUE WHEN NOT EXISTS (SELECT FROM journal WHERE journal.person = voice);
		SELECT * INTO said FROM journal
		WHERE journal.person = ANY (same) AND (journal.person = voice OR voice = ANY (persons))
		ORDER BY at DESC, array_position(worse_than, state) DESC LIMIT 1;
		worst := greatest(worst, array_position(worse_than, said.state));
	END LOOP;
	RETURN coalesce(worse_than[nullif(worst, 0)], 'unknown');
END
$$;
CREATE FUNCTION pg_temp.act() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	a text := 'p' || ceil(random() * 6);
	b text := 'p' || ceil(random() * 6);
	word text := (ARRAY['requested', 'granted', 'granted', 'granted', 'denied', 'withdrawn', 'objected'])[ceil(random() * 7)];
	told timestamptz := cdp.clock() - floor(random() * 3) * interval '1 hour';
BEGIN
	CASE floor(random() * 4)
	WHEN 0 THEN
		PERFORM cdp.ingest('web', jsonb_build_object('type', 'identify', 'userId', a, 'timestamp', told,
			'consent', jsonb_build_object('purpose', 'marketing', 'channel', 'email', 'state', word)));
		INSERT INTO journal VALUES (a, told, word, '{}');
	WHEN 1 THEN
		PERFORM cdp.record_consent('user_id', a, 'marketing', 'email', word, told);
		INSERT INTO journal VALUES (a, told, word, pg_temp.together(a));
	WHEN 2 THEN
		IF a <> b THEN
			PERFORM cdp.decide('user_id:' || a, 'user_id:' || b, 'always', 'test');
		END IF;
	ELSE
		SELECT pg_temp.key(identifier_a), pg_temp.key(identifier_b) INTO a, b
		FROM cdp.decision WHERE withdrawn_by IS NULL ORDER BY random() LIMIT 1;
		IF FOUND THEN
			PERFORM cdp.undecide(a, b, 'test');
		END IF;
	END CASE;
END
$$;
CREATE FUNCTION pg_temp.key(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT 'user_id:' || value FROM cdp.identifier WHERE identifier_id = id
$$;
CREATE FUNCTION pg_temp.history(seed double precision) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(seed);
	FOR n IN 1 .. 100 LOOP
		PERFORM set_config('cdp.test_clock', (timestamptz '2026-06-01 12:00:00+00' + n * interval '1 hour')::text, false);
		PERFORM pg_temp.act();
		PERFORM cdp._refresh_consents(array_agg(DISTINCT root ORDER BY root)) FROM cdp.profile;
		INSERT INTO held
		SELECT cdp.clock(), profile.profile_id, identifier.value, pg_temp.expected(identifier.value),
			cdp.consent(profile.profile_id, 'marketing', 'email')
		FROM cdp.identifier JOIN cdp.profile ON founder = identifier_id;
	END LOOP;
	RETURN format('seed %s: %s answers, %s questions, %s states, %s wrong', seed, (SELECT count(*) FROM journal),
		(SELECT count(*) FROM held), (SELECT count(DISTINCT expected) FROM held), (SELECT count(*) FROM held WHERE expected <> got));
END
$$;
SELECT pg_temp.history(0.4711);
-- and what was known at each of those times
SELECT count(*) AS asked, count(*) FILTER (WHERE cdp.consent_at(born, 'marketing', 'email', at, at) <> expected) AS wrong
FROM held WHERE extract(hour FROM at)::integer % 12 = 0;

-- Random people with cookies and addresses, which agree and refuse; then every
-- second of those is lost.  Whoever had refused has still, and in the same words.
\i :fresh
SELECT cdp.add_source('web') \g /dev/null
CREATE TEMP TABLE before (name text, state text);
CREATE FUNCTION pg_temp.lose(seed double precision) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	who jsonb;
	whose double precision;
BEGIN
	PERFORM setseed(seed);
	UPDATE cdp.identifier_type SET time_to_live = '30 days' WHERE type = 'anonymous_id';
	FOR n IN 1 .. 300 LOOP
		whose := random();
		who := jsonb_build_object('type', 'identify', 'timestamp', timestamptz '2026-05-20' + random() * interval '10 days')
			|| CASE WHEN whose < 0.6 THEN jsonb_build_object('userId', 'p' || n % 40) ELSE '{}' END
			|| CASE WHEN whose > 0.3 THEN jsonb_build_object('anonymousId', format('c%s-%s', n % 40, floor(random() * 2))) ELSE '{}' END
			|| CASE WHEN random() < 0.3 THEN jsonb_build_object('traits', jsonb_build_object('email', format('p%s@example.com', n % 40))) ELSE '{}' END;
		IF random() < 0.3 THEN
			who := who || jsonb_build_object('consent', jsonb_build_object('purpose', 'marketing', 'channel', 'sms',
				'state', (ARRAY['requested', 'granted', 'granted', 'denied', 'withdrawn', 'objected'])[ceil(random() * 6)]));
		END IF;
		PERFORM cdp.ingest('web', who);
	END LOOP;
	FOR n IN 0 .. 39 LOOP
		PERFORM cdp.ingest('web', jsonb_build_object('type', 'identify', 'userId', 'p' || n, 'traits',
			jsonb_build_object('email', format('p%s@example.com', n)), 'timestamp', timestamptz '2026-05-31'));
		FOR cookie IN 0 .. 1 LOOP
			PERFORM cdp.ingest('web', jsonb_build_object('type', 'identify', 'userId', 'p' || n,
				'anonymousId', format('c%s-%s', n, cookie), 'timestamp', timestamptz '2026-05-31'));
		END LOOP;
	END LOOP;
	PERFORM cdp.record_consent('email', format('p%s@example.com', n), 'marketing', 'sms',
		(ARRAY['granted', 'withdrawn'])[ceil(random() * 2)], timestamptz '2026-05-31')
	FROM generate_series(0, 39) AS n WHERE random() < 0.3;
	INSERT INTO before SELECT 'p' || n, cdp.consent(cdp.find_profile('user_id', 'p' || n), 'marketing', 'sms') FROM generate_series(0, 39) AS n;
	PERFORM cdp.block_value('email', format('p%s@example.com', n), 'test') FROM generate_series(0, 39) AS n WHERE random() < 0.5;
	PERFORM set_config('cdp.test_clock', '2026-06-15 12:00:00+00', false);
	PERFORM cdp.ingest('web', jsonb_build_object('type', 'identify', 'userId', 'p' || n, 'anonymousId', format('c%s-0', n)))
	FROM generate_series(0, 39) AS n WHERE random() < 0.5;
	PERFORM set_config('cdp.test_clock', '2026-07-10 12:00:00+00', false);
	RETURN format('seed %s: %s states before', seed, (SELECT count(DISTINCT state) FROM before));
END
$$;
SELECT pg_temp.lose(0.815);
CALL cdp.merge();
SELECT count(*) > 30 AS lost FROM cdp.identifier WHERE expired OR blocked;
SELECT count(*) AS people,
	count(*) FILTER (WHERE cdp._consent_strictness(before.state) >= 4 AND before.state <> after) AS refusals_changed,
	count(*) FILTER (WHERE cdp._consent_strictness(before.state) >= 4) > 10 AS many_had_refused
FROM before, cdp.consent(cdp.find_profile('user_id', name), 'marketing', 'sms') AS after;

-- Random people whom only an address joins to their cookies, until it is blocked:
-- what it had refused, user and cookies refuse still.
\i :fresh
SELECT cdp.add_source('web') \g /dev/null
CREATE FUNCTION pg_temp.part(seed double precision) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	address text;
	named jsonb;
BEGIN
	PERFORM setseed(seed);
	FOR n IN 1 .. 240 LOOP
		address := format('q%s@example.com', n % 30);
		named := (ARRAY[
			jsonb_build_object('userId', 'q' || n % 30),
			jsonb_build_object('userId', 'q' || n % 30, 'traits', jsonb_build_object('email', address)),
			jsonb_build_object('anonymousId', format('d%s-%s', n % 30, n % 2), 'traits', jsonb_build_object('email', address)),
			jsonb_build_object('traits', jsonb_build_object('email', address))])[CASE WHEN n <= 210 THEN ceil(random() * 4) ELSE 2 END];
		PERFORM cdp.ingest('web', named || jsonb_build_object('type', 'identify', 'timestamp', timestamptz '2026-05-20' + random() * interval '10 days')
			|| CASE WHEN named ? 'anonymousId' THEN '{}' ELSE jsonb_build_object('consent', jsonb_build_object('purpose', 'marketing', 'channel', 'sms',
				'state', CASE WHEN named ? 'userId' THEN 'granted' ELSE (ARRAY['granted', 'denied', 'withdrawn', 'objected'])[ceil(random() * 4)] END)) END);
	END LOOP;
END
$$;
SELECT pg_temp.part(0.31415) \g /dev/null
CALL cdp.merge();
CREATE TEMP TABLE refused AS
SELECT identifier.value AS who, cdp.consent(profile.root, 'marketing', 'sms') AS state
FROM cdp.identifier JOIN cdp.profile ON profile_id = leaf WHERE identifier.value !~ '@';
SELECT cdp.block_value('email', format('q%s@example.com', n), 'seed 0.31415') > 0 AS blocked FROM generate_series(0, 29) AS n \g /dev/null
CALL cdp.merge();
SELECT count(*) > 15 AS many_refused, count(*) FILTER (WHERE cdp.consent(profile.root, 'marketing', 'sms') <> refused.state) AS changed
FROM refused JOIN cdp.identifier ON value = who JOIN cdp.profile ON profile_id = leaf
WHERE refused.state IN ('denied', 'withdrawn', 'objected');
SELECT count(*) > 40 AS parts FROM cdp.profile WHERE root = profile_id AND EXISTS (SELECT FROM cdp.identifier WHERE leaf = profile_id);

-- what is said for an address that stands for nobody is kept, and does not go unnoticed
SELECT cdp.ingest('web', '{"type": "identify", "traits": {"email": "p1@example.com"}}') \g /dev/null
SELECT cdp.block_value('email', 'p1@example.com', 'test') \g /dev/null
SELECT cdp.record_consent('email', 'p1@example.com', 'marketing', 'email', 'objected');
