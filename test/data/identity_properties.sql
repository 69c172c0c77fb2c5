-- What the identity function promises, tried on random histories; after
-- identity_histories.sql.
\set ECHO none

-- The answer for what is in some profile, in terms of keys.
CREATE VIEW identity_test.answer AS
SELECT key, part, concat_ws(' ', shared, expired) AS says
FROM identity_test.stored WHERE root IS NOT NULL
UNION ALL
SELECT a, b, concat_ws(' ', rule, type) FROM identity_test.stored_refused;

-- What holds at the end of a history, told anew: the records in any order and
-- batches; each decision, retraction, block and rule anywhere after what it is
-- about.  Without: the records of retracted sets never were.
CREATE TABLE identity_test.retold AS
SELECT random() AS place, what, a, b, c, keys, at FROM identity_test.step WITH NO DATA;
CREATE FUNCTION identity_test.retell(without boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE identity_test.retold, identity_test.step;
	INSERT INTO identity_test.retold (place, what, at) SELECT 0, 'clock', cdp.clock();
	INSERT INTO identity_test.retold (place, what, a, keys, at)
	SELECT random(), 'record', source, keys, at
	FROM identity_test.record
	WHERE NOT without OR NOT EXISTS (SELECT FROM identity_test.retracted AS back
		WHERE (back.source, back.keys) = (record.source, identity_test.sorted(record.keys)));
	INSERT INTO identity_test.retold (place, what, a, b)
	SELECT known.place + random() * (1 - known.place), verdict, decision.a, decision.b
	FROM identity_test.decision, LATERAL (SELECT greatest(
		min(place) FILTER (WHERE decision.a = ANY (keys)),
		min(place) FILTER (WHERE decision.b = ANY (keys))) AS place,
		bool_or(decision.a = ANY (keys)) AND bool_or(decision.b = ANY (keys)) AS ends
		FROM identity_test.retold WHERE what = 'record') AS known
	WHERE known.ends;
	INSERT INTO identity_test.retold (place, what, a, keys)
	SELECT known.place + random() * (1 - known.place), 'retract', source, keys
	FROM identity_test.retracted, LATERAL (SELECT min(place) AS place
		FROM identity_test.retold WHERE what = 'record' AND a = source
			AND identity_test.sorted(keys) = retracted.keys) AS known
	WHERE NOT without;
	INSERT INTO identity_test.retold (place, what, a)
	SELECT random(), 'block', type || ':/' || value
	FROM (TABLE cdp.blocked_value EXCEPT TABLE identity_test.default_blocked) AS blocked;
	INSERT INTO identity_test.retold (place, what, a, b, c)
	SELECT random(), 'rule', new.type, rule.key, rule.value
	FROM cdp.identifier_type AS new
	JOIN identity_test.default_type AS old USING (type),
		LATERAL jsonb_each_text(to_jsonb(new)) AS rule
	WHERE rule.value IS DISTINCT FROM to_jsonb(old) ->> rule.key;
	INSERT INTO identity_test.retold (place, what)
	SELECT random(), (ARRAY['stitch', 'queue', 'drain', 'rebuild'])[ceil(4 * random() ^ 2)]
	FROM generate_series(1, 12);
	INSERT INTO identity_test.step (n, what, a, b, c, keys, at)
	SELECT row_number() OVER (ORDER BY place), what, a, b, c, keys, at
	FROM identity_test.retold;
END
$$;

-- Play a retold history and count what is answered differently.  NULL: a
-- decision was refused that had been taken.
CREATE TABLE identity_test.base AS TABLE identity_test.answer;
CREATE FUNCTION identity_test.play_retold(without boolean) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	told bigint;
BEGIN
	PERFORM identity_test.retell(without);
	told := (SELECT count(*) FROM identity_test.step WHERE what IN ('always', 'never'));
	PERFORM identity_test.play();
	IF told > (SELECT count(*) FROM identity_test.decision) THEN
		RETURN NULL;
	END IF;
	RETURN (SELECT count(*) FROM (
		(TABLE identity_test.base EXCEPT TABLE identity_test.answer)
		UNION ALL (TABLE identity_test.answer EXCEPT TABLE identity_test.base)) AS d);
END
$$;

-- Told anew a history has the same answer, in whatever order; and so has one
-- in which the records of retracted sets never were.  The first telling that
-- differs stays in identity_test.step.
CREATE FUNCTION identity_test.try_orders(seed integer, orders integer)
RETURNS TABLE (telling text, differences bigint)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.make_seed(seed), identity_test.play();
	PERFORM identity_test.retract(true, source, identity_test.sorted(keys))
	FROM identity_test.record WHERE random() < 0.1;
	PERFORM identity_test.drain();
	TRUNCATE identity_test.base;
	INSERT INTO identity_test.base TABLE identity_test.answer;
	telling := 'first';
	differences := (SELECT sum(d.rows) FROM identity_test.differences() AS d);
	IF differences > 0 THEN
		RETURN NEXT;
		RETURN;
	END IF;
	FOR n IN 1 .. orders + 1 LOOP
		telling := CASE WHEN n > orders THEN 'without' ELSE 'order ' || n END;
		differences := identity_test.play_retold(n > orders);
		-- A decision that was refused is lost to the tellings that follow.
		EXIT WHEN differences IS NULL;
		IF differences > 0 THEN
			RETURN NEXT;
			RETURN;
		END IF;
	END LOOP;
END
$$;

-- What undoing must bring back: whose each identifier and each set's events
-- are, what is refused, and where every profile id leads.
CREATE VIEW identity_test.placed AS
SELECT 'identifier' AS what, identifier_id AS id,
	concat_ws(' ', profile.root, blocked, shared, expired AND leaf IS NOT NULL) AS says
FROM cdp.identifier LEFT JOIN cdp.profile ON profile_id = leaf
UNION ALL
SELECT 'set', set_id, concat_ws(' ', owner, first_seen, last_seen, retracted) FROM cdp.identifier_set
UNION ALL
SELECT 'refused', identifier_a, concat_ws(' ', identifier_b, set_id, rule, type_id) FROM cdp.refused_link
UNION ALL
SELECT 'profile', profile_id, root::text FROM cdp.profile;
CREATE TABLE identity_test.placed_before (depth integer, what text, id bigint, says text);

-- A deed that changes something now, and the one that undoes it.  Not the other
-- way round for blocks and retractions: what comes back takes the id that it
-- founded with it, and he who had inherited that gets a new one for good.
CREATE FUNCTION identity_test.random_pair(OUT deed identity_test.step, OUT undo identity_test.step)
LANGUAGE plpgsql AS $$
BEGIN
	deed := identity_test.random_deed();
	undo := deed;
	CASE
		WHEN deed.what IN ('always', 'never') AND NOT EXISTS (
				SELECT FROM identity_test.decision AS made
				WHERE made.a = least(deed.a, deed.b) AND made.b = greatest(deed.a, deed.b)) THEN
			undo.what := 'undecide';
		WHEN deed.what = 'undecide' AND EXISTS (SELECT FROM identity_test.decision AS made
				WHERE made.a = least(deed.a, deed.b) AND made.b = greatest(deed.a, deed.b)) THEN
			undo.what := (SELECT verdict FROM identity_test.decision AS made
				WHERE made.a = least(deed.a, deed.b) AND made.b = greatest(deed.a, deed.b));
		WHEN deed.what IN ('block', 'block_row') AND NOT EXISTS (SELECT FROM cdp.blocked_value
				WHERE type = identity_test.key_type(deed.a) AND value = identity_test.key_value(deed.a)) THEN
			undo.what := 'un' || deed.what;
		WHEN deed.what = 'retract' AND NOT EXISTS (SELECT FROM identity_test.retracted AS back
				WHERE (back.source, back.keys) = (deed.a, deed.keys)) THEN
			undo.what := 'unretract';
		WHEN deed.what = 'unmerge' AND NOT EXISTS (SELECT FROM cdp.decision
				JOIN cdp.steward_action USING (action_id)
				WHERE withdrawn_by IS NULL AND action = 'unmerge') THEN
			undo.what := 'undo_unmerge';
		WHEN deed.what IN ('rule', 'change') THEN
			undo.c := (SELECT to_jsonb(now) ->> deed.b FROM cdp.identifier_type AS now
				WHERE type = deed.a);
		ELSE
			deed.what := 'drain';
			undo.what := 'drain';
	END CASE;
END
$$;

-- Do and undo, with others done and undone between; rows that are not as
-- before.  The pair that did not undo is noted in identity_test.not_undone.
CREATE TABLE identity_test.not_undone (depth integer, deed identity_test.step, what text, id bigint, says text);
CREATE FUNCTION identity_test.do_and_undo(deep integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	pair record := identity_test.random_pair();
	wrong bigint := 0;
BEGIN
	DELETE FROM identity_test.placed_before WHERE depth = deep;
	INSERT INTO identity_test.placed_before SELECT deep, placed.* FROM identity_test.placed;
	PERFORM identity_test.perform(pair.deed);
	IF random() < 0.7 THEN
		PERFORM identity_test.drain();
	END IF;
	IF deep > 1 THEN
		PERFORM identity_test.drain();
		wrong := identity_test.do_and_undo(deep - 1);
	END IF;
	IF random() < 0.1 THEN
		PERFORM cdp._stitch_rebuild(1);
	END IF;
	PERFORM identity_test.perform(pair.undo), identity_test.drain();
	INSERT INTO identity_test.not_undone
	SELECT deep, pair.deed, was.what, was.id, was.says
	FROM (SELECT what, id, says FROM identity_test.placed_before WHERE depth = deep
		EXCEPT TABLE identity_test.placed) AS was
	UNION ALL
	SELECT deep, pair.deed, now.what, now.id, now.says
	FROM (SELECT * FROM identity_test.placed WHERE what <> 'profile'
		EXCEPT SELECT what, id, says FROM identity_test.placed_before WHERE depth = deep) AS now;
	RETURN wrong + (SELECT count(*) FROM identity_test.not_undone WHERE depth = deep);
END
$$;
CREATE FUNCTION identity_test.try_undo(seed integer, pairs integer)
RETURNS TABLE (not_undone bigint, differences bigint)
LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE identity_test.not_undone, identity_test.placed_before;
	PERFORM identity_test.make_seed(seed), identity_test.play();
	not_undone := 0;
	FOR n IN 1 .. pairs LOOP
		not_undone := not_undone + identity_test.do_and_undo(1 + floor(random() * 3)::integer);
		EXIT WHEN not_undone > 0;
	END LOOP;
	differences := (SELECT sum(d.rows) FROM identity_test.differences() AS d);
	RETURN NEXT;
END
$$;

-- A chain of cookies, a hub of cookies around one account, a device of as many
-- accounts; a second account at the far end of the chain, which is too much.
CREATE FUNCTION identity_test.attach_large(chain integer, hub integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.forget();
	PERFORM cdp._attach('web', jsonb_agg(jsonb_build_object(
		'at', timestamptz '2026-05-01 00:00:00+00' + n * interval '1 second',
		'ids', CASE WHEN n = 0 THEN jsonb_build_array(jsonb_build_array('user_id', 'first'))
				ELSE jsonb_build_array(jsonb_build_array('anonymous_id', 'c' || n)) END
			|| CASE WHEN n = chain THEN jsonb_build_array(jsonb_build_array('user_id', 'last'))
				ELSE jsonb_build_array(jsonb_build_array('anonymous_id', 'c' || n + 1)) END)))
	FROM generate_series(0, chain) AS n GROUP BY n / 50000;
	PERFORM cdp._attach('web', jsonb_agg(jsonb_build_object('at', '2026-05-01', 'ids', jsonb_build_array(
		jsonb_build_array('user_id', 'hub'), jsonb_build_array('anonymous_id', 'h' || n)))))
	FROM generate_series(1, hub) AS n GROUP BY n / 50000;
	PERFORM cdp._attach('web', jsonb_agg(jsonb_build_object('at', '2026-05-01', 'ids', jsonb_build_array(
		jsonb_build_array('user_id', 'g' || n), jsonb_build_array('device_id', 'gate')))))
	FROM generate_series(1, hub) AS n GROUP BY n / 50000;
END
$$;
-- The profiles of it by size, largest first, with the strongest of each.
CREATE FUNCTION identity_test.large_profiles()
RETURNS TABLE (identifiers bigint, profiles bigint, example text)
LANGUAGE sql AS $$
	SELECT identifiers, count(*), min(example)
	FROM (SELECT count(*) AS identifiers, (array_agg(identity_test.as_written(key)
			ORDER BY key DESC))[1] AS example
		FROM (SELECT profile.root, type || ':/' || value AS key
			FROM cdp.identifier JOIN cdp.profile ON profile_id = leaf
			JOIN cdp.identifier_type USING (type_id)) AS placed
		GROUP BY root) AS profile
	GROUP BY identifiers ORDER BY identifiers DESC
$$;
\set ECHO all
