-- Random histories: whatever happened to profiles, consents and deltas, a
-- destination that applies what it is told holds the audience of the instant.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = error;
SET timezone = 'UTC';
INSERT INTO cdp.purpose (purpose, description, time_to_live) VALUES ('news', 'news', NULL), ('hints', 'hints that get old', '3 days');
SELECT cdp.add_source('shop') \g /dev/null
SELECT cdp.define_segment('everyone', 'kind is not null') \g /dev/null
SELECT cdp.define_segment('some', 'city in (''A'', ''B'')') \g /dev/null
SELECT cdp.refresh_segments();
SELECT cdp.add_destination('mailer', 'email service'), cdp.add_destination('letters', 'mail house'),
	cdp.add_destination('google', 'platform', options => '{"platform": "google"}') \g /dev/null
SELECT cdp.add_audience('mails', 'some', 'news', 'email', 'mailer'), cdp.add_audience('hints', 'everyone', 'hints', 'email', 'mailer'),
	cdp.add_audience('ads', 'everyone', 'news', 'ads', 'google'), cdp.add_audience('posts', 'everyone', 'news', 'post', 'letters') \g /dev/null

CREATE FUNCTION pg_temp.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE
RETURN choices[1 + floor(random() * cardinality(choices))::integer];
-- few, so that people share them; to Google the first two are one
CREATE FUNCTION pg_temp.address() RETURNS text LANGUAGE sql VOLATILE
RETURN pg_temp.one_of('a.b@gmail.com', 'ab@gmail.com', 'cc@x.de', 'dd@x.de', 'ee@x.de', 'ff@x.de', 'gg@x.de', 'hh@x.de');
CREATE FUNCTION pg_temp.identifier() RETURNS text LANGUAGE sql VOLATILE
RETURN pg_temp.one_of('email:' || pg_temp.address(), 'email:' || pg_temp.address(),
	'user_id:u' || pg_temp.one_of('48', '49', '50', '51', '52'), 'phone:+493012345' || pg_temp.one_of('97', '99', '100', '101', '102'));

CREATE TABLE pg_temp.done (what text);
-- what may be refused, such as a decision against another, is not done
CREATE FUNCTION pg_temp.happen(n integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	what text := pg_temp.one_of('ingest', 'ingest', 'ingest', 'ingest', 'answer', 'answer', 'answer', 'answer', 'answer',
		'answer', 'withdraw', 'suppress', 'unsuppress', 'merge', 'split', 'retract', 'erase', 'switch');
	who text := pg_temp.identifier();
	address text := pg_temp.address();
	-- an address that several accounts use is shared, and reaches nobody
	own text := 'u' || CASE WHEN random() < 0.03 THEN 9 ELSE ascii(address) / 2 END;
BEGIN
	CASE what
	WHEN 'ingest' THEN
		PERFORM cdp.ingest('shop', jsonb_build_object('type', 'identify', 'messageId', n::text, 'anonymousId', 'c' || pg_temp.one_of('1', '2', '3', '4', '5', '6', '7', '8'))
			|| CASE WHEN random() < 0.5 THEN jsonb_build_object('userId', own) ELSE '{}' END
			|| jsonb_build_object('traits', jsonb_build_object('city', pg_temp.one_of('A', 'B', 'C'), 'email', address)
				|| CASE WHEN random() < 0.3 THEN jsonb_build_object('phone', '+493012345' || ascii(address)) ELSE '{}' END));
	WHEN 'answer' THEN
		PERFORM cdp.record_consent(split_part(who, ':', 1), split_part(who, ':', 2), purpose, channel, 'granted', cdp.clock())
		FROM (VALUES ('news', 'email'), ('news', 'ads'), ('news', 'post'), ('hints', 'email')) AS asked (purpose, channel)
		WHERE random() < 0.7;
	WHEN 'withdraw' THEN
		PERFORM cdp.record_consent(split_part(who, ':', 1), split_part(who, ':', 2), pg_temp.one_of('news', 'hints'),
			pg_temp.one_of('email', 'ads', 'post'), pg_temp.one_of('withdrawn', 'denied'), cdp.clock());
	WHEN 'suppress' THEN
		PERFORM cdp.suppress('email', pg_temp.address(), pg_temp.one_of('email', NULL), until => cdp.clock()
			+ pg_temp.one_of('5 hours', '2 days')::interval);
	WHEN 'unsuppress' THEN
		PERFORM cdp.unsuppress('email', pg_temp.address());
	WHEN 'merge' THEN
		PERFORM cdp.decide(who, pg_temp.identifier(), 'always', 'test');
	WHEN 'split' THEN
		PERFORM cdp.unmerge(cdp.find_profile(split_part(who, ':', 1), split_part(who, ':', 2)), ARRAY[who], 'test');
	WHEN 'retract' THEN
		PERFORM cdp.retract((SELECT set_id FROM cdp.identifier_set ORDER BY random() LIMIT 1), 'test');
	WHEN 'erase' THEN
		-- nothing is left by which the audience could be found
		DELETE FROM cdp.contact_point WHERE profile_id = cdp.find_profile(split_part(who, ':', 1), split_part(who, ':', 2));
		DELETE FROM cdp.consent_state WHERE profile_id = cdp.find_profile(split_part(who, ':', 1), split_part(who, ':', 2));
	WHEN 'switch' THEN
		UPDATE cdp.audience SET active = NOT active OR random() < 0.4
		WHERE name = pg_temp.one_of('mails', 'hints', 'ads', 'posts');
	END CASE;
	INSERT INTO pg_temp.done VALUES (what);
EXCEPTION WHEN OTHERS THEN
	INSERT INTO pg_temp.done VALUES ('refused');
END
$$;

-- what a destination should hold, from the view alone
CREATE FUNCTION pg_temp.wanted(about text) RETURNS TABLE (type text, key text, profile_id bigint) LANGUAGE sql AS $$
	SELECT coalesce(identifier_type, 'profile_id'), key, min(profile_id)
	FROM (SELECT *, CASE WHEN identifier IS NULL THEN profile_id::text WHEN audience <> 'ads' THEN identifier
			ELSE encode(sha256(CASE identifier WHEN 'a.b@gmail.com' THEN 'ab@gmail.com' ELSE identifier END::bytea), 'hex') END AS key
		FROM cdp.audience_member WHERE audience = about) AS member
	GROUP BY 1, 2
$$;
CREATE TABLE pg_temp.held (audience text, type text, key text, profile_id bigint, PRIMARY KEY (audience, type, key));
CREATE TABLE pg_temp.applied (audience text PRIMARY KEY, upto bigint);
INSERT INTO pg_temp.applied SELECT name, 0 FROM cdp.audience;
CREATE TABLE pg_temp.checked (audience text, what text, adds bigint, removes bigint, listed_wrongly bigint, differences bigint);

CREATE FUNCTION pg_temp.apply(about text, told jsonb) RETURNS void LANGUAGE sql AS $$
	DELETE FROM pg_temp.held USING jsonb_to_recordset(told) AS line (change text, identifier_type text, key text)
	WHERE change = 'remove' AND audience = about AND held.type = identifier_type AND held.key = line.key;
	INSERT INTO pg_temp.held
	SELECT about, identifier_type, key, profile_id
	FROM jsonb_to_recordset(told) AS line (change text, identifier_type text, key text, profile_id bigint)
	WHERE change = 'add'
	ON CONFLICT (audience, type, key) DO UPDATE SET profile_id = excluded.profile_id;
$$;

CREATE FUNCTION pg_temp.differences(about text) RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
	SELECT count(*) FROM (
		(SELECT type, key, profile_id FROM pg_temp.held WHERE audience = about
			EXCEPT ALL SELECT type, key, profile_id FROM pg_temp.wanted(about))
		UNION ALL
		(SELECT type, key, profile_id FROM pg_temp.wanted(about)
			EXCEPT ALL SELECT type, key, profile_id FROM pg_temp.held WHERE audience = about)) AS d;
END;

-- one delta: lost, or applied, twice, acknowledged or not or in part
CREATE FUNCTION pg_temp.deliver(about text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	what text := pg_temp.one_of('lost', 'lost', 'applied', 'acknowledged', 'acknowledged', 'twice', 'in part', 'since');
	told jsonb;
	line record;
BEGIN
	SELECT coalesce(jsonb_agg(d ORDER BY delta), '[]') INTO told
	FROM cdp.audience_delta(about, CASE WHEN what = 'since' THEN (SELECT greatest(upto, acknowledged)
		FROM pg_temp.applied JOIN cdp.audience ON name = applied.audience JOIN cdp.audience_progress USING (audience_id)
		WHERE applied.audience = about) END) AS d;
	SELECT count(*) FILTER (WHERE change = 'add') AS adds, count(*) FILTER (WHERE change = 'remove') AS removes,
		count(*) FILTER (WHERE change = 'add' AND NOT EXISTS (SELECT FROM pg_temp.wanted(about) AS w
			WHERE (w.type, w.key, w.profile_id) = (given.identifier_type, given.key, given.profile_id))) AS wrong,
		max(delta) AS last, min(delta) AS first
	INTO line
	FROM jsonb_to_recordset(told) AS given (delta bigint, change text, identifier_type text, key text, profile_id bigint);
	IF what <> 'lost' THEN
		PERFORM pg_temp.apply(about, told);
		IF what = 'twice' THEN
			PERFORM pg_temp.apply(about, told);
		END IF;
		UPDATE pg_temp.applied SET upto = greatest(upto, line.last) WHERE audience = about;
		IF what IN ('acknowledged', 'in part') AND line.last IS NOT NULL THEN
			PERFORM cdp.audience_ack(about, CASE what WHEN 'in part' THEN line.first ELSE line.last END);
		END IF;
	END IF;
	INSERT INTO pg_temp.checked
	SELECT about, what, line.adds, line.removes, line.wrong,
		CASE WHEN what = 'lost' THEN 0 ELSE pg_temp.differences(about) END;
END
$$;

\set seed 0.1973
\echo seed :seed
SELECT setseed(:seed) \g /dev/null
-- an hour a step, a merge run now and then
SELECT step FROM generate_series(1, 300) AS n, LATERAL (VALUES
	(1, format('SET cdp.test_clock = %L', timestamptz '2026-06-01 12:00+00' + n * interval '1 hour')),
	(2, format('SELECT pg_temp.happen(%s)', n)),
	(3, CASE n % 9 WHEN 0 THEN 'CALL cdp.merge()' END),
	(4, CASE n % 3 WHEN 1 THEN format('SELECT pg_temp.deliver(%L)', (ARRAY['mails', 'hints', 'ads', 'posts'])[1 + n / 3 % 4]) END))
	AS steps (rank, step)
WHERE step IS NOT NULL ORDER BY n, rank
\set ECHO none
\o /dev/null
\gexec
\set ECHO all
-- at the end somebody agrees anew, and all hold what they should
UPDATE cdp.audience SET active = true;
SELECT cdp.record_consent('user_id', 'u' || n, purpose, channel, 'granted', cdp.clock())
FROM generate_series(48, 52) AS n, (VALUES ('news', 'email'), ('news', 'ads'), ('news', 'post'), ('hints', 'email')) AS asked (purpose, channel)
WHERE cdp.find_profile('user_id', 'u' || n) IS NOT NULL;
SELECT pg_temp.apply(name, told.rows), cdp.audience_ack(name, told.last) FROM cdp.audience CROSS JOIN LATERAL (
	SELECT jsonb_agg(d) AS rows, max(delta) AS last FROM cdp.audience_delta(name) AS d) AS told
WHERE told.last IS NOT NULL;
\o
SELECT name, pg_temp.differences(name) FROM cdp.audience ORDER BY name;
SELECT count(*) > 5 AS some_are_held FROM pg_temp.held;
SELECT count(*) AS deliveries, sum(listed_wrongly) AS listed_wrongly, sum(differences) AS differences,
	sum(adds) > 60 AS many_adds, sum(removes) > 60 AS many_removes FROM pg_temp.checked;
SELECT * FROM pg_temp.checked WHERE differences > 0 OR listed_wrongly > 0 LIMIT 5;
-- it was a history of everything
SELECT what FROM pg_temp.done GROUP BY what HAVING count(*) >= 3 ORDER BY what;
SELECT change FROM cdp.identity_log GROUP BY change HAVING count(*) >= 3 ORDER BY change;
SELECT count(*) FROM cdp.audience_sent WHERE removed IS NOT NULL;
