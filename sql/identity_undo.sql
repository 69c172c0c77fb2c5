-- What stewards do can be undone: decisions, unmerges and retractions on
-- random histories, taken back in any order, leave the store as if they had
-- never been, ids of profiles included.
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
-- An id goes back to the identifier that caused it, whoever had it meanwhile:
-- e2's id 2 is c1's while e2 has no evidence, and e2's again when it has.
SELECT cdp._stitch(cdp._attach('web', '[{"ids": [["user_id", "u1"], ["anonymous_id", "c1"]]}]', false)) IS NOT NULL AS seen;
SELECT cdp._stitch(cdp._attach('web', '[{"ids": [["email", "e2@x.de"]]}]', false)) IS NOT NULL AS seen;
CREATE VIEW pg_temp.profile AS
SELECT value, root FROM cdp.identifier LEFT JOIN cdp.profile ON profile_id = leaf;
SELECT cdp.decide('email:e2@x.de', 'anonymous_id:c1', 'always', 'test'),
	cdp.decide('user_id:u1', 'anonymous_id:c1', 'never', 'test');
TABLE pg_temp.profile ORDER BY 1;
SELECT cdp.retract(2, 'test');
TABLE pg_temp.profile ORDER BY 1;
SELECT profile_id, founder, former_founder FROM cdp.profile ORDER BY 1;
SELECT cdp.unretract(2, 'test');
SELECT cdp.undecide(1, 'test'), cdp.undecide(2, 'test');
TABLE pg_temp.profile ORDER BY 1;
SELECT profile_id, root, founder, former_founder FROM cdp.profile ORDER BY 1;
-- Unblocked, a value is as if it had never been blocked, when it came as well:
-- what was seen too long ago links nothing.
SELECT cdp.block_value('third_party_id', 't9');
SELECT cdp._stitch(cdp._attach('web', '[{"at": "2026-01-01 00:00:00+00",
	"ids": [["third_party_id", "t9"], ["email", "e9@x.de"]]}]', false)) IS NOT NULL AS seen;
SELECT cdp.unblock_value('third_party_id', 't9');
SELECT value, expired, blocked FROM cdp.identifier WHERE value = 't9';
SELECT count(DISTINCT root) FROM pg_temp.profile WHERE value ~ '9';
SELECT ok FROM cdp.verify_identity();
-- A history of records alone.
CREATE FUNCTION pg_temp.play_records(seed integer, people integer, records integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(seed / 1000.0);
	PERFORM random() FROM generate_series(1, 20);
	PERFORM identity_test.make_history(people, records, 0);
	PERFORM identity_test.play();
END
$$;
-- All that profiles are made of.  (A leaf is not: an identifier that left a
-- profile and came back keeps the id that it was given meanwhile.)
CREATE VIEW pg_temp.state AS
SELECT 'identifier' AS what, identifier_id AS id,
	concat_ws(',', root, shared, blocked, expired) AS says
FROM cdp.identifier LEFT JOIN cdp.profile ON profile_id = leaf
UNION ALL
SELECT 'set', set_id, concat_ws(',', profile.root, retracted, records)
FROM cdp.identifier_set
LEFT JOIN cdp.identifier ON identifier_id = owner
LEFT JOIN cdp.profile ON profile_id = leaf
UNION ALL
SELECT 'refused', identifier_a, concat_ws(',', identifier_b, set_id, rule, type_id)
FROM cdp.refused_link
UNION ALL
SELECT 'decision', decision_id, concat_ws(',', verdict, identifier_a, identifier_b)
FROM cdp.decision WHERE withdrawn_by IS NULL;
CREATE FUNCTION pg_temp.key(identifier_id bigint) RETURNS text
LANGUAGE sql AS $$
	SELECT type || ':' || CASE WHEN identifier.scope <> '' THEN identifier.scope || '/' ELSE '' END || value
	FROM cdp.identifier JOIN cdp.identifier_type USING (type_id)
	WHERE identifier.identifier_id = $1
$$;
CREATE FUNCTION pg_temp.some_identifier() RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT pg_temp.key(identifier_id) FROM cdp.identifier
	WHERE leaf IS NOT NULL ORDER BY random() LIMIT 1
$$;
-- Some identifiers of some profile leave it: true if both sides are whole.
CREATE FUNCTION pg_temp.unmerge_some() RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
	chosen bigint;
	members bigint[];
	size integer;
	after bigint;
	left_ids bigint[];
BEGIN
	SELECT root, array_agg(identifier_id ORDER BY random()) INTO chosen, members
	FROM cdp.identifier JOIN cdp.profile ON profile_id = leaf
	GROUP BY root HAVING count(*) > 1 ORDER BY random() LIMIT 1;
	size := 1 + floor(random() * (cardinality(members) - 1));
	after := cdp.unmerge(chosen, ARRAY(SELECT pg_temp.key(id) FROM unnest(members[:size]) AS id), 'test');
	SELECT array_agg(DISTINCT root) INTO left_ids
	FROM cdp.identifier JOIN cdp.profile ON profile_id = leaf WHERE identifier_id = ANY (members[:size]);
	RETURN left_ids = ARRAY[after] AND (SELECT count(DISTINCT root) = 1 AND min(root) <> after
		FROM cdp.identifier JOIN cdp.profile ON profile_id = leaf
		WHERE identifier_id = ANY (members[size + 1:]));
END
$$;
-- One action of a random kind: done, refused, or wrong.
CREATE FUNCTION pg_temp.act() RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	kind integer := floor(random() * 10);
BEGIN
	IF kind < 2 THEN
		PERFORM cdp.decide(pg_temp.some_identifier(), pg_temp.some_identifier(), 'always', 'test');
	ELSIF kind < 4 THEN
		PERFORM cdp.decide(pg_temp.some_identifier(), pg_temp.some_identifier(), 'never', 'test');
	ELSIF kind < 7 THEN
		RETURN CASE WHEN pg_temp.unmerge_some() THEN 'done' ELSE 'wrong' END;
	ELSIF kind < 9 THEN
		PERFORM cdp.retract((SELECT set_id FROM cdp.identifier_set ORDER BY random() LIMIT 1), 'test');
	ELSE
		PERFORM cdp.undo_action((SELECT action_id FROM cdp.steward_action ORDER BY random() LIMIT 1), 'test');
	END IF;
	RETURN 'done';
EXCEPTION WHEN object_not_in_prerequisite_state OR invalid_parameter_value OR undefined_object THEN
	RETURN 'refused';
END
$$;
CREATE FUNCTION pg_temp.undo_all() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	action bigint;
BEGIN
	WHILE EXISTS (SELECT FROM cdp.decision WHERE withdrawn_by IS NULL)
		OR EXISTS (SELECT FROM cdp.identifier_set WHERE retracted)
	LOOP
		SELECT action_id INTO action
		FROM (SELECT action_id FROM cdp.decision WHERE withdrawn_by IS NULL
			UNION
			SELECT max(action_id) FROM cdp.identifier_set AS held
			JOIN cdp.steward_action ON detail -> 'retracted' @> to_jsonb(set_id)
			WHERE retracted GROUP BY set_id) AS open
		ORDER BY random() LIMIT 1;
		PERFORM cdp.undo_action(action, 'test');
	END LOOP;
END
$$;
CREATE FUNCTION pg_temp.try(number integer)
RETURNS TABLE (seed integer, enough boolean, wrong bigint, not_ok bigint, changed_by_rebuild bigint,
	differences_after_undo bigint, changed_by_rebuild_after bigint)
LANGUAGE plpgsql AS $$
DECLARE
	outcome text;
	done integer := 0;
BEGIN
	PERFORM pg_temp.play_records(number, 4 + number * 2, 40 + number * 20);
	DROP TABLE IF EXISTS pg_temp.first;
	CREATE TEMP TABLE first AS TABLE pg_temp.state;
	seed := number;
	wrong := 0;
	not_ok := 0;
	FOR n IN 1 .. 20 LOOP
		outcome := pg_temp.act();
		done := done + (outcome = 'done')::integer;
		wrong := wrong + (outcome = 'wrong')::integer;
		not_ok := not_ok + (SELECT NOT v.ok FROM cdp.verify_identity() AS v)::integer;
	END LOOP;
	enough := done > 9;
	changed_by_rebuild := identity_test.changed_by_rebuild();
	PERFORM pg_temp.undo_all();
	differences_after_undo := (SELECT count(*) FROM (
		(TABLE pg_temp.first EXCEPT TABLE pg_temp.state)
		UNION ALL (TABLE pg_temp.state EXCEPT TABLE pg_temp.first)) AS d);
	changed_by_rebuild_after := identity_test.changed_by_rebuild();
	RETURN NEXT;
END
$$;
SET client_min_messages = warning;
SELECT tried.* FROM generate_series(3, 7) AS n, LATERAL pg_temp.try(n) AS tried;
-- what actions there were
SELECT action, count(*) > 0 AS some FROM cdp.steward_action GROUP BY 1 ORDER BY 1;

-- Retracted, a set is as if it had never come: the same as a history without
-- the records that brought it.
CREATE FUNCTION pg_temp.never_had(number integer)
RETURNS TABLE (seed integer, retracted bigint, differences bigint)
LANGUAGE plpgsql AS $$
DECLARE
	chosen bigint[];
BEGIN
	PERFORM pg_temp.play_records(number, 10, 150);
	chosen := ARRAY(SELECT set_id FROM cdp.identifier_set ORDER BY random() LIMIT 10);
	PERFORM cdp.retract(set_id, 'test') FROM unnest(chosen) AS set_id;
	DROP TABLE IF EXISTS pg_temp.without;
	CREATE TEMP TABLE without AS SELECT key, part, shared FROM identity_test.stored WHERE part IS NOT NULL;
	DELETE FROM identity_test.step WHERE n IN (
		SELECT n FROM identity_test.attached WHERE set_id = ANY (chosen));
	PERFORM identity_test.play();
	RETURN QUERY SELECT number, cardinality(chosen)::bigint, (SELECT count(*)
		FROM pg_temp.without AS p
		FULL JOIN (SELECT key, part, shared FROM identity_test.stored WHERE part IS NOT NULL) AS s USING (key, part, shared)
		WHERE p IS NULL OR s IS NULL);
END
$$;
SELECT tried.* FROM generate_series(11, 14) AS n, LATERAL pg_temp.never_had(n) AS tried;

-- Two profiles that a record merges and an unmerge parts are what they were,
-- ids included; and again when the unmerge is undone and the record retracted.
CREATE FUNCTION pg_temp.merge_and_unmerge(number integer)
RETURNS TABLE (seed integer, merged boolean, unmerged_differences bigint, retracted_differences bigint)
LANGUAGE plpgsql AS $$
DECLARE
	one bigint;
	other bigint;
	theirs bigint[];
	merged_set bigint;
BEGIN
	PERFORM pg_temp.play_records(number, 10, 120);
	DROP TABLE IF EXISTS pg_temp.first;
	CREATE TEMP TABLE first AS TABLE pg_temp.state;
	-- one without a strong identifier, so that no limit keeps them apart
	CREATE TEMP TABLE candidate AS
	SELECT root, max(identifier_id) FILTER (WHERE type.scope = 'global' AND identifier.scope = ''
			AND NOT shared) AS identifier_id, bool_or(strong) AS has_strong, array_agg(identifier_id) AS members
	FROM cdp.identifier JOIN cdp.profile ON profile_id = leaf
	JOIN cdp.identifier_type AS type USING (type_id)
	GROUP BY root ORDER BY random();
	SELECT root, members INTO other, theirs FROM pg_temp.candidate
	WHERE NOT has_strong AND identifier_id IS NOT NULL LIMIT 1;
	SELECT root INTO one FROM pg_temp.candidate
	WHERE root <> other AND identifier_id IS NOT NULL AND cardinality(members) > 2 LIMIT 1;
	merged_set := (cdp._attach('web', (SELECT jsonb_build_array(jsonb_build_object('ids',
			jsonb_agg(jsonb_build_array(type.type, value))))
		FROM pg_temp.candidate JOIN cdp.identifier USING (identifier_id)
		JOIN cdp.identifier_type AS type USING (type_id)
		WHERE root IN (one, other)), false))[1];
	DROP TABLE pg_temp.candidate;
	PERFORM cdp._stitch(ARRAY[merged_set]);
	seed := number;
	merged := cdp.resolve(one) = cdp.resolve(other);
	PERFORM cdp.unmerge(cdp.resolve(one), ARRAY(SELECT pg_temp.key(id) FROM unnest(theirs) AS id), 'test');
	unmerged_differences := (SELECT count(*) FROM (
		(SELECT * FROM pg_temp.first WHERE what = 'identifier'
			EXCEPT TABLE pg_temp.state)
		UNION ALL (SELECT * FROM pg_temp.state WHERE what = 'identifier'
			EXCEPT TABLE pg_temp.first)) AS d);
	PERFORM cdp.undo_action((SELECT max(action_id) FROM cdp.steward_action), 'test');
	PERFORM cdp.retract(merged_set, 'test');
	retracted_differences := (SELECT count(*) FROM (
		(TABLE pg_temp.first EXCEPT TABLE pg_temp.state)
		UNION ALL (SELECT * FROM pg_temp.state WHERE (what, id) <> ('set', merged_set)
			EXCEPT TABLE pg_temp.first)) AS d);
	RETURN NEXT;
END
$$;
SELECT tried.* FROM generate_series(21, 24) AS n, LATERAL pg_temp.merge_and_unmerge(n) AS tried;
DROP SCHEMA identity_test CASCADE;
