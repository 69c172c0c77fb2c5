-- Random histories of a store, to hold against the oracle; after
-- identity_oracle.sql.  A history is a table of steps.  Each step means
-- something at any time, so steps can be left out: identity_test.shrink()
-- leaves out all that a difference does not need.
\set ECHO none
CREATE TABLE identity_test.step (
	n integer PRIMARY KEY,
	what text NOT NULL,		-- see identity_test.perform
	a text COLLATE "C", b text COLLATE "C", c text COLLATE "C",
	keys text[] COLLATE "C", at timestamptz, number integer);
CREATE TABLE identity_test.default_type AS TABLE cdp.identifier_type;
CREATE TABLE identity_test.default_blocked AS TABLE cdp.blocked_value;

-- An empty store with the rules that it had when this file was read.
CREATE FUNCTION identity_test.forget() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE cdp.identifier, cdp.identifier_set, cdp.identifier_set_member,
		cdp.identifier_set_seen, cdp.identifier_strong, cdp.profile,
		cdp.identity_log, cdp.refused_link, cdp.decision, cdp.steward_action,
		cdp.todo RESTART IDENTITY;
	TRUNCATE identity_test.record, identity_test.decision,
		identity_test.retracted, identity_test.attached;
	UPDATE cdp.identifier_type AS type SET priority = d.priority, strong = d.strong,
		max_per_profile = d.max_per_profile, max_strong_per_value = d.max_strong_per_value,
		stitches = d.stitches, joins_known = d.joins_known, stands_in = d.stands_in,
		time_to_live = d.time_to_live
	FROM identity_test.default_type AS d WHERE d.type = type.type;
	DELETE FROM cdp.blocked_value AS blocked WHERE NOT EXISTS (
		SELECT FROM identity_test.default_blocked AS d
		WHERE d.blocked_value_id = blocked.blocked_value_id);
	UPDATE cdp.identity_state SET has_strong = false, judge_all = false;
	PERFORM set_config('cdp.test_clock', '2026-06-01 12:00:00+00', false);
END
$$;

-- One step of a history.
CREATE FUNCTION identity_test.attach() RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
	part record;
	set_ids bigint[];
	all_ids bigint[] := '{}';
BEGIN
	FOR part IN
		SELECT r.source, array_agg(n ORDER BY n) AS ns, jsonb_agg(jsonb_build_object(
				'at', at, 'ids', (SELECT jsonb_agg(jsonb_build_array(
					identity_test.key_type(k), identity_test.key_value(k)) ORDER BY m)
					FROM unnest(keys) WITH ORDINALITY AS k (k, m))) ORDER BY n) AS body
		FROM identity_test.record AS r
		WHERE NOT EXISTS (SELECT FROM identity_test.attached WHERE attached.n = r.n)
		GROUP BY r.source ORDER BY r.source
	LOOP
		set_ids := cdp._attach(part.source, part.body, false);
		INSERT INTO identity_test.attached SELECT * FROM unnest(part.ns, set_ids);
		all_ids := all_ids || set_ids;
	END LOOP;
	RETURN all_ids;
END
$$;

-- As the doors take it.
CREATE FUNCTION identity_test.as_written(key text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN replace(key, ':/', ':');

CREATE FUNCTION identity_test.id_of(wanted text) RETURNS bigint
LANGUAGE sql RETURN (SELECT identifier_id FROM identity_test.stored WHERE key = wanted);

CREATE FUNCTION identity_test.set_of(source text, wanted text[]) RETURNS bigint
LANGUAGE sql RETURN (SELECT set_id
	FROM cdp.identifier_set
	WHERE identifiers = (SELECT array_agg(identifier_id ORDER BY identifier_id)
			FROM identity_test.stored WHERE key = ANY (wanted))
		AND cdp._source_name(source_id) = source
		AND cardinality(identifiers) = cardinality(wanted));

-- What records brought is there when it is decided about, judged or not.
CREATE FUNCTION identity_test.queue() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM cdp._add_todo('stitch', identity_test.attach());
END
$$;

-- A decision is refused if it contradicts others: then nothing is noted.
CREATE FUNCTION identity_test.decide(verdict text, a text, b text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.queue();
	IF identity_test.id_of(a) IS NULL OR identity_test.id_of(b) IS NULL OR EXISTS (
			SELECT FROM identity_test.decision AS made
			WHERE made.a = least($2, $3) AND made.b = greatest($2, $3)) THEN
		RETURN;
	END IF;
	PERFORM cdp.decide(identity_test.as_written(a), identity_test.as_written(b), verdict, 'test');
	INSERT INTO identity_test.decision VALUES (least(a, b), greatest(a, b), verdict);
EXCEPTION
	WHEN SQLSTATE '22023' OR object_not_in_prerequisite_state THEN
		RETURN;
END
$$;

CREATE FUNCTION identity_test.undecide(a text, b text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM identity_test.decision AS made
	WHERE made.a = least($1, $2) AND made.b = greatest($1, $2);
	IF FOUND THEN
		PERFORM cdp.undecide(identity_test.as_written(a), identity_test.as_written(b), 'test');
	END IF;
END
$$;

CREATE FUNCTION identity_test.retract(back boolean, source text, keys text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	set_id bigint;
BEGIN
	PERFORM identity_test.queue();
	set_id := identity_test.set_of(source, keys);
	IF set_id IS NULL OR back = EXISTS (SELECT FROM identity_test.retracted AS r
			WHERE (r.source, r.keys) = ($2, $3)) THEN
		RETURN;
	ELSIF back THEN
		PERFORM cdp.retract(set_id, 'test');
		INSERT INTO identity_test.retracted VALUES (source, keys);
	ELSE
		PERFORM cdp.unretract(set_id, 'test');
		DELETE FROM identity_test.retracted AS r WHERE (r.source, r.keys) = ($2, $3);
	END IF;
END
$$;

-- unmerge makes decisions: the oracle is given those.
CREATE FUNCTION identity_test.copy_decisions() RETURNS void
LANGUAGE sql AS $$
	TRUNCATE identity_test.decision;
	INSERT INTO identity_test.decision
	SELECT least(a.key, b.key), greatest(a.key, b.key), verdict
	FROM cdp.decision
	JOIN identity_test.stored AS a ON a.identifier_id = identifier_a
	JOIN identity_test.stored AS b ON b.identifier_id = identifier_b
	WHERE withdrawn_by IS NULL
$$;

-- Those of the given keys that are in the profile of the first leave it, and
-- are one profile then.
CREATE FUNCTION identity_test.unmerge(given text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	profile bigint;
	leaving text[];
	staying text[];
BEGIN
	PERFORM identity_test.queue(), identity_test.drain();
	profile := (SELECT root FROM identity_test.stored WHERE key = given[1]);
	SELECT array_agg(key) FILTER (WHERE key = ANY (given)),
		array_agg(key) FILTER (WHERE key <> ALL (given))
	INTO leaving, staying
	FROM identity_test.stored WHERE root = profile;
	IF leaving IS NULL OR staying IS NULL THEN
		RETURN;
	END IF;
	PERFORM cdp.unmerge(profile, ARRAY(SELECT identity_test.as_written(key)
		FROM unnest(leaving) AS key), 'test');
	PERFORM identity_test.copy_decisions();
	IF (SELECT count(DISTINCT root) <> 1 OR bool_or(root IS NULL) FROM identity_test.stored
			WHERE key = ANY (leaving)) OR (SELECT count(DISTINCT root) <> 1
			FROM identity_test.stored WHERE key = ANY (staying))
		OR EXISTS (SELECT FROM identity_test.stored AS a JOIN identity_test.stored AS b USING (root)
			WHERE a.key = ANY (leaving) AND b.key = ANY (staying)) THEN
		RAISE EXCEPTION 'unmerge did not make two of one';
	END IF;
EXCEPTION
	WHEN SQLSTATE '22023' OR object_not_in_prerequisite_state THEN
		RETURN;
END
$$;

CREATE FUNCTION identity_test.undo_unmerge() RETURNS void
LANGUAGE sql AS $$
	SELECT cdp.undo_action(max(action_id), 'test')
	FROM cdp.decision JOIN cdp.steward_action USING (action_id)
	WHERE withdrawn_by IS NULL AND action = 'unmerge'
	HAVING count(*) > 0;
	SELECT identity_test.copy_decisions();
$$;

-- A direct UPDATE of a rule is legal; the next merge run judges by it.
CREATE FUNCTION identity_test.set_rule(type text, rule text, value text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('UPDATE cdp.identifier_type SET %I = %L WHERE type = %L', rule, value, type);
END
$$;

CREATE FUNCTION identity_test.change_rule(type text, rule text, value text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.queue();
	PERFORM cdp.change_rules(jsonb_build_object('identifier_type', jsonb_build_object(type,
		jsonb_build_object(rule, CASE WHEN rule = 'time_to_live' THEN to_jsonb(value)
			ELSE value::jsonb END))), 'test');
END
$$;

CREATE FUNCTION identity_test.drain() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	WHILE cdp._stitch_step(7) > 0 LOOP END LOOP;
END
$$;

CREATE FUNCTION identity_test.perform(step identity_test.step) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	CASE step.what
		WHEN 'record' THEN
			INSERT INTO identity_test.record VALUES (step.n, step.a, step.at, step.keys);
		WHEN 'stitch' THEN
			PERFORM cdp._stitch(identity_test.attach());
		WHEN 'queue' THEN
			PERFORM identity_test.queue();
		WHEN 'work' THEN
			PERFORM cdp._stitch_step(step.number);
		WHEN 'drain' THEN
			PERFORM identity_test.drain();
		WHEN 'rebuild' THEN
			PERFORM cdp._stitch_rebuild(1);
		WHEN 'clock' THEN
			PERFORM set_config('cdp.test_clock', step.at::text, false);
		WHEN 'always', 'never' THEN
			PERFORM identity_test.decide(step.what, step.a, step.b);
		WHEN 'undecide' THEN
			PERFORM identity_test.undecide(step.a, step.b);
		WHEN 'block' THEN
			PERFORM cdp.block_value(identity_test.key_type(step.a), identity_test.key_value(step.a));
		WHEN 'unblock' THEN
			PERFORM cdp.unblock_value(identity_test.key_type(step.a), identity_test.key_value(step.a));
		WHEN 'retract', 'unretract' THEN
			PERFORM identity_test.retract(step.what = 'retract', step.a, step.keys);
		WHEN 'block_row' THEN
			INSERT INTO cdp.blocked_value (type, value, reason)
			VALUES (identity_test.key_type(step.a), identity_test.key_value(step.a), 'test')
			ON CONFLICT DO NOTHING;
		WHEN 'unblock_row' THEN
			DELETE FROM cdp.blocked_value
			WHERE type = identity_test.key_type(step.a) AND value = identity_test.key_value(step.a);
		WHEN 'rule' THEN
			PERFORM identity_test.set_rule(step.a, step.b, step.c);
		WHEN 'change' THEN
			PERFORM identity_test.change_rule(step.a, step.b, step.c);
		WHEN 'unmerge' THEN
			PERFORM identity_test.unmerge(step.keys);
		WHEN 'undo_unmerge' THEN
			PERFORM identity_test.undo_unmerge();
	END CASE;
END
$$;

-- Play the steps in an empty store, then let the merge run finish.
CREATE FUNCTION identity_test.play() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	step identity_test.step;
BEGIN
	PERFORM identity_test.forget();
	FOR step IN SELECT * FROM identity_test.step ORDER BY n LOOP
		PERFORM identity_test.perform(step);
	END LOOP;
	PERFORM identity_test.queue(), identity_test.drain();
END
$$;

-- A random record: people with accounts in the shop, two CRMs and a till that
-- numbers alike, families on one tablet, a kiosk, junk, cookies, cards.
-- strong: how often it names an account; 0: never.
CREATE FUNCTION identity_test.random_record(people integer, strong float8,
	OUT source text, OUT keys text[], OUT at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
	person integer := floor(random() * people);
	other integer := floor(random() * people);
BEGIN
	source := (ARRAY['web', 'crm', 'crm2', 'till'])[1 + floor(random() ^ 2 * 4)];
	at := timestamptz '2026-05-01 00:00:00+00' + floor(random() * 30 * 24) * interval '1 hour';
	keys := '{}';
	IF random() < strong THEN
		keys := keys || CASE source
			WHEN 'web' THEN format('user_id:/u%s', person)
			WHEN 'till' THEN format('user_id:till/u%s', person % 7)
			ELSE format('crm_id:%s/%s', source, person % 11) END;
		IF random() < 0.04 THEN
			keys := keys || CASE source WHEN 'web' THEN format('user_id:/u%s', other)
				WHEN 'till' THEN format('user_id:till/u%s', other % 7)
				ELSE format('user_id:/u%s', other) END;
		END IF;
	END IF;
	IF random() < 0.45 THEN
		keys := keys || CASE WHEN random() < 0.08 THEN 'email:/info@shop.de'
			ELSE format('email:/p%s.%s@x.de', person, floor(random() ^ 3 * 7)) END;
	END IF;
	IF random() < 0.2 THEN
		keys := keys || format('phone:/+49301234%s', 100 + person / 2);
	END IF;
	IF random() < 0.12 THEN
		keys := keys || format('card:/k%s', (person + floor(random() ^ 4 * 4)) / 2);
	END IF;
	IF random() < 0.3 THEN
		keys := keys || CASE WHEN random() < 0.05 THEN 'device_id:/00000'
			WHEN random() < 0.2 THEN 'device_id:/kiosk'
			ELSE format('device_id:/tablet%s', person / 3) END;
	END IF;
	IF random() < 0.4 THEN
		keys := keys || format('anonymous_id:/c%s-%s', person, floor(random() * 4));
	END IF;
	IF random() < 0.06 THEN
		keys := keys || format('anonymous_id:/c%s-%s', other, floor(random() * 4));
	END IF;
	IF random() < 0.25 THEN
		keys := keys || format('third_party_id:%s/t%s', source, (person + floor(random() ^ 3 * 3)) / 2);
		at := at - floor(random() ^ 2 * 120) * interval '1 day';
	END IF;
	IF random() < 0.15 THEN
		keys := keys || format('ip:/10.0.0.%s', person % 5);
	END IF;
	IF keys = '{}' THEN
		keys := ARRAY[format('anonymous_id:/c%s-%s', person, floor(random() * 4))];
	END IF;
	keys := (SELECT array_agg(k ORDER BY random()) FROM (SELECT DISTINCT unnest(keys) AS k) AS k);
END
$$;

CREATE FUNCTION identity_test.random_rule(OUT a text, OUT b text, OUT c text)
LANGUAGE sql AS $$
	SELECT type, rule, (string_to_array(choices, ' ', '-'))[1 + floor(random()
		* cardinality(string_to_array(choices, ' ')))]
	FROM (VALUES ('user_id', 'max_per_profile', '1 2 -'), ('crm_id', 'max_per_profile', '1 2 -'),
		('email', 'max_per_profile', '1 2 3 5 -'), ('phone', 'max_per_profile', '1 3'),
		('device_id', 'max_per_profile', '1 2 5'), ('anonymous_id', 'max_per_profile', '2 -'),
		('card', 'max_per_profile', '1 2 -'),
		('email', 'max_strong_per_value', '1 2 -'), ('device_id', 'max_strong_per_value', '1 2 -'),
		('anonymous_id', 'max_strong_per_value', '1 2'), ('third_party_id', 'max_strong_per_value', '1 2'),
		('card', 'max_strong_per_value', '1 -'), ('third_party_id', 'joins_known', 'true false'),
		('card', 'joins_known', 'true false'), ('device_id', 'joins_known', 'true false'),
		('email', 'stands_in', 'true false'), ('phone', 'stands_in', 'true false'),
		('crm_id', 'strong', 'true false'), ('email', 'strong', 'true false'),
		('user_id', 'stitches', 'true false'), ('device_id', 'stitches', 'true false'),
		('phone', 'priority', '4 7 -'), ('anonymous_id', 'priority', '2 6'),
		('third_party_id', 'time_to_live', '30days 90days -'),
		('anonymous_id', 'time_to_live', '20days 60days -')) AS rule (type, rule, choices)
	ORDER BY random() LIMIT 1
$$;

-- A step that is no record, about what the history has said before.
CREATE FUNCTION identity_test.random_deed(OUT deed identity_test.step)
LANGUAGE plpgsql AS $$
DECLARE
	one identity_test.step;
	two identity_test.step;
	dice float8 := random();
BEGIN
	SELECT * INTO one FROM identity_test.step WHERE what = 'record' ORDER BY random() LIMIT 1;
	SELECT * INTO two FROM identity_test.step WHERE what = 'record' ORDER BY random() LIMIT 1;
	deed.a := one.keys[1 + floor(random() * cardinality(one.keys))];
	IF dice < 0.3 THEN
		deed.what := CASE WHEN random() < 0.5 THEN 'always' ELSE 'never' END;
		IF random() < 0.4 THEN
			two := one;
		END IF;
		deed.b := two.keys[1 + floor(random() * cardinality(two.keys))];
		IF deed.a = deed.b THEN
			deed.what := 'drain';
		END IF;
	ELSIF dice < 0.36 THEN
		deed.what := 'unmerge';
		deed.keys := CASE WHEN random() < 0.5 THEN ARRAY[deed.a] ELSE one.keys || two.keys END;
	ELSIF dice < 0.45 THEN
		SELECT 'undecide', known.a, known.b INTO deed.what, deed.a, deed.b
		FROM identity_test.step AS known WHERE known.what IN ('always', 'never')
		ORDER BY random() LIMIT 1;
	ELSIF dice < 0.55 THEN
		deed.what := CASE WHEN random() < 0.7 THEN 'block' ELSE 'block_row' END;
	ELSIF dice < 0.6 THEN
		SELECT CASE WHEN random() < 0.7 THEN 'unblock' ELSE 'unblock_row' END, known.a
		INTO deed.what, deed.a
		FROM identity_test.step AS known WHERE known.what IN ('block', 'block_row')
		ORDER BY random() LIMIT 1;
	ELSIF dice < 0.75 THEN
		deed.what := 'retract';
		deed.a := one.a;
		deed.keys := identity_test.sorted(one.keys);
	ELSIF dice < 0.8 THEN
		SELECT 'unretract', known.a, known.keys INTO deed.what, deed.a, deed.keys
		FROM identity_test.step AS known WHERE known.what = 'retract'
		ORDER BY random() LIMIT 1;
	ELSE
		SELECT CASE WHEN random() < 0.7 THEN 'rule' ELSE 'change' END, rule.* INTO deed.what, deed.a, deed.b, deed.c
		FROM identity_test.random_rule() AS rule;
	END IF;
	deed.what := coalesce(deed.what, 'drain');
END
$$;

CREATE FUNCTION identity_test.add_step(step identity_test.step) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	step.n := (SELECT coalesce(max(n), 0) + 1 FROM identity_test.step);
	INSERT INTO identity_test.step VALUES (step.*);
END
$$;

-- Batches of random sizes; each is stitched at once, left to todo, or left for
-- long; between them deeds, merge steps, rebuilds; the clock moves on.
CREATE FUNCTION identity_test.make_history(people integer, records integer, deeds float8)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	step identity_test.step;
	strong float8 := (ARRAY[0.35, 0.35, 0.35, 0.6, 0.01, 0])[1 + floor(random() * 6)];
	repeats float8 := random() * 0.4;
	batch float8 := (ARRAY[1, 4, 20])[1 + floor(random() * 3)];
	clock timestamptz := '2026-06-01 12:00:00+00';
BEGIN
	DELETE FROM identity_test.step;
	FOR n IN 1 .. records LOOP
		step := NULL;
		step.what := 'record';
		IF random() < repeats THEN
			SELECT a, keys INTO step.a, step.keys FROM identity_test.step
			WHERE what = 'record' ORDER BY random() LIMIT 1;
		END IF;
		SELECT coalesce(step.a, source), coalesce(step.keys, keys), at
		INTO step.a, step.keys, step.at
		FROM identity_test.random_record(people, strong);
		PERFORM identity_test.add_step(step);
		IF random() * batch < 1 THEN
			step := NULL;
			step.what := CASE WHEN random() < 0.5 THEN 'stitch' ELSE 'queue' END;
			PERFORM identity_test.add_step(step);
		END IF;
		IF random() < deeds THEN
			PERFORM identity_test.add_step(identity_test.random_deed());
		END IF;
		IF random() * batch < 0.3 THEN
			step := NULL;
			step.what := 'work';
			step.number := 1 + floor(random() * 10);
			PERFORM identity_test.add_step(step);
		END IF;
		IF random() < 0.03 THEN
			step := NULL;
			step.what := CASE WHEN random() < 0.3 THEN 'rebuild' ELSE 'drain' END;
			PERFORM identity_test.add_step(step);
		END IF;
		IF random() < 0.04 THEN
			clock := clock + floor(random() * 25) * interval '1 day';
			step := NULL;
			step.what := 'clock';
			step.at := clock;
			PERFORM identity_test.add_step(step);
		END IF;
	END LOOP;
END
$$;

-- The history of a seed.
CREATE FUNCTION identity_test.make_seed(seed integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(seed % 1000003 / 1000003.0);
	-- The first numbers after nearby seeds are alike.
	PERFORM random() FROM generate_series(1, 20);
	PERFORM identity_test.make_history(2 + floor(random() * 14)::integer,
		20 + floor(random() ^ 2 * 140)::integer, random() * 0.4);
END
$$;

-- Everything that a rebuild must leave as it is.
CREATE VIEW identity_test.state AS
SELECT 'identifier' AS what, identifier_id AS id,
	concat_ws(',', leaf, shared, blocked, expired AND leaf IS NOT NULL) AS says
FROM cdp.identifier
UNION ALL
SELECT 'profile', profile_id, concat_ws(',', root, founder) FROM cdp.profile
UNION ALL
SELECT 'set', set_id, concat_ws(',', owner, records, first_seen, last_seen)
FROM cdp.identifier_set
UNION ALL
SELECT 'strong', weak_id, string_agg(strong_id::text, ',' ORDER BY strong_id)
FROM cdp.identifier_strong GROUP BY weak_id
UNION ALL
SELECT 'refused with ' || identifier_b, identifier_a,
	concat_ws(',', set_id, rule, type_id, found_at)
FROM cdp.refused_link
UNION ALL
SELECT 'log', count(*), NULL FROM cdp.identity_log;

CREATE TABLE identity_test.before_rebuild AS TABLE identity_test.state WITH NO DATA;
CREATE TABLE identity_test.after_rebuild AS TABLE identity_test.state WITH NO DATA;
CREATE FUNCTION identity_test.changed_by_rebuild() RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE identity_test.before_rebuild, identity_test.after_rebuild;
	INSERT INTO identity_test.before_rebuild TABLE identity_test.state;
	PERFORM cdp._stitch_rebuild(1);
	INSERT INTO identity_test.after_rebuild TABLE identity_test.state;
	RETURN (SELECT count(*) FROM (
		(TABLE identity_test.before_rebuild EXCEPT TABLE identity_test.after_rebuild)
		UNION ALL (TABLE identity_test.after_rebuild EXCEPT TABLE identity_test.before_rebuild)) AS d);
END
$$;

-- The history of a seed against the oracle and a rebuild; what differs, and
-- how often.  No row: all is well.
CREATE FUNCTION identity_test.check_steps() RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.play();
	RETURN QUERY
	SELECT * FROM identity_test.differences() AS d WHERE d.rows > 0
	UNION ALL
	SELECT * FROM (SELECT 'rebuild', identity_test.changed_by_rebuild()) AS d (what, rows)
	WHERE d.rows > 0
	UNION ALL
	SELECT 'verify', 1::bigint FROM cdp.verify_identity() AS v WHERE NOT v.ok;
EXCEPTION WHEN OTHERS THEN
	RETURN QUERY SELECT sqlerrm, 1::bigint;
END
$$;
CREATE FUNCTION identity_test.replay_seed(seed integer) RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.make_seed(seed);
	RETURN QUERY SELECT * FROM identity_test.check_steps();
END
$$;

-- Seeds that failed, and what histories met, so that one sees that they met
-- everything.
CREATE TABLE identity_test.failed (seed integer, what text, rows bigint);
CREATE TABLE identity_test.met (what text PRIMARY KEY, histories integer NOT NULL);
CREATE FUNCTION identity_test.note_met() RETURNS void
LANGUAGE sql AS $$
	INSERT INTO identity_test.met AS met
	SELECT what, count(*) FROM (
		SELECT DISTINCT 'refused by ' || rule AS what FROM cdp.refused_link
		UNION ALL SELECT DISTINCT verdict FROM identity_test.decision
		UNION ALL SELECT DISTINCT change FROM cdp.identity_log
		UNION ALL SELECT 'retracted' WHERE EXISTS (SELECT FROM identity_test.retracted)
		UNION ALL SELECT 'shared' WHERE EXISTS (SELECT FROM cdp.identifier WHERE shared)
		UNION ALL SELECT 'expired' WHERE EXISTS (SELECT FROM cdp.identifier WHERE expired)
		UNION ALL SELECT 'stand-ins' WHERE EXISTS (SELECT FROM identity_test.key
			WHERE strong AND NOT strong_type)
		UNION ALL SELECT 'another rule' WHERE EXISTS (
			SELECT FROM cdp.identifier_type AS new
			JOIN identity_test.default_type AS old USING (type) WHERE new::text <> old::text)) AS seen
	GROUP BY what
	ON CONFLICT (what) DO UPDATE SET histories = met.histories + 1
$$;
CREATE PROCEDURE identity_test.run_seeds(first integer, last integer)
LANGUAGE plpgsql AS $$
BEGIN
	FOR seed IN first .. last LOOP
		INSERT INTO identity_test.failed
		SELECT seed, found.* FROM identity_test.replay_seed(seed) AS found;
		PERFORM identity_test.note_met();
		COMMIT;
	END LOOP;
END
$$;

-- Does the history in identity_test.step still fail in the given way?
CREATE FUNCTION identity_test.fails(wanted text) RETURNS boolean
LANGUAGE sql RETURN (SELECT coalesce(bool_or(what = wanted OR wanted IS NULL), false)
	FROM identity_test.check_steps());

-- Leave out steps, then keys of records, as long as the history still fails.
CREATE PROCEDURE identity_test.shrink(wanted text DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
	size integer := (SELECT count(*) FROM identity_test.step);
	place record;
	ns integer[];
BEGIN
	CREATE TABLE IF NOT EXISTS identity_test.kept (LIKE identity_test.step);
	DELETE FROM identity_test.kept;
	INSERT INTO identity_test.kept TABLE identity_test.step;
	IF NOT identity_test.fails(wanted) THEN
		RETURN;
	END IF;
	WHILE size > 0 LOOP
		FOR place IN
			SELECT array_agg(n) AS ns FROM (SELECT n, row_number() OVER (ORDER BY n DESC) / size AS chunk
				FROM identity_test.step) AS numbered
			GROUP BY chunk ORDER BY chunk
		LOOP
			DELETE FROM identity_test.step WHERE n = ANY (place.ns);
			IF identity_test.fails(wanted) THEN
				DELETE FROM identity_test.kept;
				INSERT INTO identity_test.kept TABLE identity_test.step;
			ELSE
				DELETE FROM identity_test.step;
				INSERT INTO identity_test.step TABLE identity_test.kept;
			END IF;
			COMMIT;
		END LOOP;
		size := CASE WHEN size > 2 THEN size / 2 ELSE size - 1 END;
	END LOOP;
	FOR place IN
		SELECT n, k FROM identity_test.step, unnest(keys) AS k WHERE what = 'record' ORDER BY n, k
	LOOP
		UPDATE identity_test.step SET keys = array_remove(keys, place.k)
		WHERE n = place.n AND cardinality(keys) > 1;
		IF identity_test.fails(wanted) THEN
			DELETE FROM identity_test.kept;
			INSERT INTO identity_test.kept TABLE identity_test.step;
		ELSE
			DELETE FROM identity_test.step;
			INSERT INTO identity_test.step TABLE identity_test.kept;
		END IF;
		COMMIT;
	END LOOP;
END
$$;

\ir identity_language.sql
\set ECHO all
