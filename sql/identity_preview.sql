-- Rules that change, with a preview: what it says is what then happens, and it
-- changes nothing itself.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\set oracle :abs_srcdir '/test/data/identity_oracle.sql'
\set histories :abs_srcdir '/test/data/identity_histories.sql'
\i :fresh
\i :stand_ins
\set SHOW_CONTEXT never
-- two cookies on one tablet, a phone of two, a mailbox of a role
SELECT cdp._stitch(cdp._attach('web', '[
	{"ids": [["anonymous_id", "c1"], ["device_id", "tablet"]]},
	{"ids": [["anonymous_id", "c2"], ["device_id", "tablet"]]},
	{"ids": [["user_id", "u1"], ["anonymous_id", "c2"]]},
	{"ids": [["user_id", "u1"], ["email", "ann@x.de"]]},
	{"ids": [["user_id", "u2"], ["email", "bob@x.de"]]},
	{"ids": [["user_id", "u2"], ["phone", "+49301234567"]]},
	{"ids": [["user_id", "u3"], ["phone", "+49301234567"]]},
	{"ids": [["email", "info@x.de"], ["user_id", "u3"]]}]', false)) IS NOT NULL AS stitched;
-- nothing to change, nothing to say
SELECT * FROM cdp.preview_rules('{}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {}, "ip": {"description": "network"}}, "block": []}');
\x on
SELECT * FROM cdp.preview_rules('{"identifier_type": {"device_id": {"stitches": false}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {
	"phone": {"max_strong_per_value": 2}, "user_id": {"max_per_profile": null}}}');
SELECT * FROM cdp.preview_rules('{"block": [{"value": "Ann@x.de"}], "unblock": [{"type": "email", "pattern":
	"^(info|office|contact|hello|mail|admin|administrator|sales|support|service|billing|accounts?|marketing|help|team|jobs|kontakt|vertrieb|buero)@"}]}');
\x off
SELECT * FROM cdp._preview_diff('{"identifier_type": {"device_id": {"stitches": false}}}') ORDER BY 1;
-- it needs no right to write, and takes no lock that anyone could wait for
BEGIN READ ONLY;
SELECT change, identifiers FROM cdp.preview_rules('{"identifier_type": {"phone": {"max_strong_per_value": 2}}}');
SELECT DISTINCT locktype, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype <> 'virtualxid' ORDER BY 1, 2;
COMMIT;
-- an error in between: the session goes by the store's rules again
BEGIN;
ALTER TABLE cdp.identifier_set RENAME COLUMN epoch TO era;
SELECT * FROM cdp.preview_rules('{"block": [{"type": "email", "pattern": "."}]}');
ROLLBACK;
SELECT cdp._stitch(cdp._attach('web', '[{"ids": [["user_id", "u4"], ["email", "di@x.de"]]}]', false)) IS NOT NULL AS stitched;
SELECT blocked FROM cdp.identifier WHERE value = 'di@x.de';
-- made: the same is said of what was done; who did it is noted, without values
\x on
SELECT * FROM cdp.change_rules('{"identifier_type": {"device_id": {"stitches": false, "max_per_profile": 2}},
	"block": [{"value": "Ann@x.de", "reason": "not a person"}, {"type": "email", "pattern": "^bob@"}]}', 'tablets are shared');
SELECT action, reason, detail #- '{block,0,blocked_value_id}' #- '{block,1,blocked_value_id}' AS detail
FROM cdp.steward_action;
\x off
SELECT change, profile_before, profile_after, action_id, identifiers FROM cdp.identity_log ORDER BY log_id;
SELECT type, value, pattern, reason FROM cdp.blocked_value ORDER BY blocked_value_id DESC LIMIT 2;
SELECT judge_all FROM cdp.identity_state;
SELECT misplaced, ok FROM cdp.verify_identity();
SELECT change, profiles_before, profiles_after, identifiers
FROM cdp.change_rules('{"identifier_type": {"device_id": {"stitches": true, "max_per_profile": 5}},
	"unblock": [{"value": "ann@x.de"}, {"type": "email", "pattern": "^bob@"}]}', 'back');
-- many of one kind: only as many examples as one can read
SELECT cdp._stitch(cdp._attach('web', (SELECT jsonb_agg(jsonb_build_object('ids', jsonb_build_array(
		jsonb_build_array('device_id', 'hall' || n / 7), jsonb_build_array('anonymous_id', 'a' || n))))
	FROM generate_series(1, 40) AS n), false)) IS NOT NULL AS stitched;
\x on
SELECT * FROM cdp.preview_rules('{"identifier_type": {"device_id": {"priority": null}}}');
\x off

SELECT cdp.add_identifier_type('card', 4, 'loyalty card', max_per_profile => 2) > 0 AS added;
\i :oracle
\i :histories
-- Random histories and random changes: the preview's difference is the one
-- that is made, and changing back leaves all as it was, ids included.
CREATE TABLE pg_temp.seen (change text);
CREATE TABLE pg_temp.was (identifier_id bigint PRIMARY KEY, part bigint, says text);
CREATE VIEW pg_temp.now AS
SELECT identifier_id, CASE WHEN root IS NOT NULL THEN min(identifier_id) OVER (PARTITION BY root) END AS part,
	concat_ws(',', coalesce(root, 0), shared, blocked, expired) AS says
FROM cdp.identifier LEFT JOIN cdp.profile ON profile_id = leaf;
CREATE VIEW pg_temp.owned AS
SELECT set_id, owner FROM cdp.identifier_set;
CREATE FUNCTION pg_temp.digest() RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	name text;
	part text;
	whole text := '';
BEGIN
	FOR name IN SELECT oid::regclass::text FROM pg_class
			WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('r', 'S') ORDER BY 1 LOOP
		EXECUTE format('SELECT md5(string_agg(t::text, e''\n'' ORDER BY t::text)) FROM (SELECT * FROM %s) AS t', name) INTO part;
		whole := whole || name || coalesce(part, '-');
	END LOOP;
	RETURN md5(whole);
END
$$;
CREATE FUNCTION pg_temp.any(VARIADIC choices text[]) RETURNS text
LANGUAGE sql RETURN choices[1 + floor(random() * cardinality(choices))];
CREATE FUNCTION pg_temp.random_change(kind text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	type text := pg_temp.any('user_id', 'crm_id', 'email', 'phone', 'card', 'device_id', 'anonymous_id', 'third_party_id');
	entry jsonb;
BEGIN
	IF kind IN ('block', 'unblock') THEN
		SELECT jsonb_build_object('type', known.type, 'value', known.value, 'pattern', known.pattern) INTO entry
		FROM cdp.blocked_value AS known ORDER BY random() LIMIT 1;
		IF kind = 'block' THEN
			SELECT CASE WHEN random() < 0.5 THEN jsonb_build_object('type', t.type, 'value', i.value)
				WHEN random() < 0.5 THEN jsonb_build_object('pattern', '^' || left(i.value, 2))
				ELSE jsonb_build_object('value', upper(i.value)) END INTO entry
			FROM cdp.identifier AS i JOIN cdp.identifier_type AS t USING (type_id)
			WHERE t.priority IS NOT NULL ORDER BY random() LIMIT 1;
		END IF;
		RETURN jsonb_build_object(kind, jsonb_build_array(entry));
	END IF;
	RETURN jsonb_build_object('identifier_type', jsonb_build_object(type, CASE kind
		WHEN 'limit' THEN jsonb_build_object('max_per_profile', nullif(floor(random() * 4)::integer, 0))
		WHEN 'sharing' THEN jsonb_build_object('max_strong_per_value', nullif(floor(random() * 4)::integer, 0))
		WHEN 'strong' THEN jsonb_build_object('strong', random() < 0.5, 'stands_in', random() < 0.5)
		WHEN 'order' THEN jsonb_build_object('priority', 1 + floor(random() * 8)::integer)
		WHEN 'describes' THEN jsonb_build_object('priority', NULL, 'strong', false)
		WHEN 'links' THEN jsonb_build_object('stitches', random() < 0.3, 'joins_known', random() < 0.5)
		WHEN 'expiry' THEN jsonb_build_object('time_to_live',
			pg_temp.any('20 days', '40 days 6 hours', '1 year', NULL)) END));
END
$$;
-- The changes that lead back to the rules of a copy.
CREATE FUNCTION pg_temp.back(types jsonb, blocked jsonb) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('identifier_type', $1,
		'block', coalesce((SELECT jsonb_agg(b) FROM jsonb_array_elements($2) AS b
			WHERE NOT EXISTS (SELECT FROM cdp.blocked_value AS known
				WHERE jsonb_build_object('type', known.type, 'value', known.value, 'pattern', known.pattern) = b)), '[]'),
		'unblock', coalesce((SELECT jsonb_agg(b) FROM (SELECT jsonb_build_object('type', type, 'value', value, 'pattern', pattern)
			FROM cdp.blocked_value) AS known (b) WHERE NOT $2 @> jsonb_build_array(b)), '[]'))
$$;
CREATE FUNCTION pg_temp.try(number integer)
RETURNS TABLE (round integer, kinds text, untouched boolean, same_diff boolean, same_summary boolean,
	ok boolean, same_ids boolean, same_owners boolean, seen text[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	all_kinds text[] := ARRAY['limit', 'sharing', 'strong', 'order', 'describes', 'links', 'expiry', 'block', 'unblock'];
	changes jsonb := '{}';
	one jsonb;
	kind text;
	types jsonb;
	blocked jsonb;
	dump text;
	diff jsonb;
	said jsonb;
	done jsonb;
	owners jsonb;
BEGIN
	round := number;
	kinds := all_kinds[1 + number % cardinality(all_kinds)];
	IF random() < 0.5 THEN
		kinds := kinds || ',' || pg_temp.any(VARIADIC all_kinds);
	END IF;
	FOREACH kind IN ARRAY string_to_array(kinds, ',') LOOP
		one := pg_temp.random_change(kind);
		changes := changes || jsonb_build_object('identifier_type',
				coalesce(changes -> 'identifier_type', '{}') || coalesce(one -> 'identifier_type', '{}'),
			'block', coalesce(changes -> 'block', '[]') || coalesce(one -> 'block', '[]'),
			'unblock', coalesce(changes -> 'unblock', '[]') || coalesce(one -> 'unblock', '[]'));
	END LOOP;
	SELECT jsonb_object_agg(type, to_jsonb(known) - 'type' - 'type_id') INTO types FROM cdp.identifier_type AS known;
	SELECT jsonb_agg(jsonb_build_object('type', type, 'value', value, 'pattern', pattern)) INTO blocked FROM cdp.blocked_value;
	TRUNCATE pg_temp.was;
	INSERT INTO pg_temp.was SELECT * FROM pg_temp.now;
	owners := (SELECT jsonb_agg(owned ORDER BY set_id) FROM pg_temp.owned);
	dump := pg_temp.digest();
	SELECT jsonb_object_agg(identifier_id, part) INTO diff FROM cdp._preview_diff(changes);
	SELECT jsonb_agg(p) INTO said FROM cdp.preview_rules(changes) AS p;
	untouched := dump = pg_temp.digest();
	SELECT jsonb_agg(c) INTO done FROM cdp.change_rules(changes, 'round ' || number) AS c;
	same_summary := said IS NOT DISTINCT FROM done;
	seen := ARRAY(SELECT c ->> 'change' FROM jsonb_array_elements(done) AS c);
	same_diff := NOT EXISTS (
		SELECT FROM pg_temp.was FULL JOIN pg_temp.now USING (identifier_id)
		WHERE now.part IS DISTINCT FROM CASE WHEN diff ? was.identifier_id::text
			THEN (diff ->> was.identifier_id::text)::bigint ELSE was.part END);
	ok := (SELECT v.ok FROM cdp.verify_identity() AS v);
	PERFORM cdp.change_rules(pg_temp.back(types, blocked), 'back');
	same_ids := NOT EXISTS (SELECT FROM pg_temp.was FULL JOIN pg_temp.now USING (identifier_id)
		WHERE now.says IS DISTINCT FROM was.says);
	INSERT INTO pg_temp.seen SELECT unnest(seen);
	same_owners := owners = (SELECT jsonb_agg(owned ORDER BY set_id) FROM pg_temp.owned);
	ok := ok AND (SELECT v.ok FROM cdp.verify_identity() AS v);
	RETURN NEXT;
END
$$;
CREATE FUNCTION pg_temp.tries(seed integer, people integer, records integer, rounds integer)
RETURNS TABLE (seed_is integer, tried bigint, untouched bigint, same_diff bigint, same_summary bigint, ok bigint,
	same_ids bigint, same_owners bigint)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(seed / 1000.0), identity_test.make_history(people, records, 0.15), identity_test.play();
	RETURN QUERY
	SELECT seed, count(*), count(*) FILTER (WHERE t.untouched), count(*) FILTER (WHERE t.same_diff),
		count(*) FILTER (WHERE t.same_summary), count(*) FILTER (WHERE t.ok),
		count(*) FILTER (WHERE t.same_ids), count(*) FILTER (WHERE t.same_owners)
	FROM generate_series(1, rounds) AS n, LATERAL pg_temp.try(n) AS t;
END
$$;
SELECT tries.* FROM generate_series(1, 3) AS seed, LATERAL pg_temp.tries(seed, 4 + seed * 4, 40 + seed * 35, 18) AS tries;
SELECT DISTINCT change FROM pg_temp.seen ORDER BY 1;
-- work that waits plays no part in what the rules do
CREATE FUNCTION pg_temp.waiting(seed integer) RETURNS TABLE (seed_is integer, waits boolean, same_counts boolean, ok boolean)
LANGUAGE plpgsql AS $$
DECLARE
	changes jsonb := '{"identifier_type": {"device_id": {"max_strong_per_value": 3}, "phone": {"stitches": false}}}';
	said jsonb;
	done jsonb;
BEGIN
	PERFORM setseed(seed / 1000.0), identity_test.make_history(12, 120, 0);
	PERFORM identity_test.forget();
	PERFORM identity_test.perform(step) FROM (SELECT step FROM identity_test.step
		WHERE what = 'record' ORDER BY n LIMIT 60) AS first (step);
	PERFORM cdp._stitch(identity_test.attach());
	PERFORM identity_test.perform(step) FROM (SELECT step FROM identity_test.step
		WHERE what = 'record' ORDER BY n OFFSET 60) AS rest (step);
	PERFORM identity_test.queue(), cdp._fold_seen();
	seed_is := seed;
	waits := cdp._todo_size('stitch') > 0;
	SELECT jsonb_agg(to_jsonb(p) - 'profiles' - 'examples') INTO said FROM cdp.preview_rules(changes) AS p;
	SELECT jsonb_agg(to_jsonb(c) - 'profiles' - 'examples') INTO done FROM cdp.change_rules(changes, 'try') AS c;
	same_counts := said = done;
	ok := (SELECT v.ok FROM cdp.verify_identity() AS v);
	PERFORM cdp.change_rules('{"identifier_type": {"device_id": {"max_strong_per_value": 1}, "phone": {"stitches": true}}}', 'back');
	RETURN NEXT;
END
$$;
SELECT waiting.* FROM generate_series(1, 4) AS seed, LATERAL pg_temp.waiting(seed);
-- what cannot be: each error names the place
SELECT * FROM cdp.preview_rules(NULL);
SELECT * FROM cdp.preview_rules('[]');
SELECT * FROM cdp.preview_rules('{"colour": {}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": []}');
SELECT * FROM cdp.preview_rules('{"block": {}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"telex": {}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": 3}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"colour": 3}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"type": "mail"}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"max_per_profile": 0}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"max_per_profile": 1.5}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"max_per_profile": "3"}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"max_strong_per_value": 4000000000}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"priority": -1}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"strong": null}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"stitches": "yes"}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"time_to_live": "soon"}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"time_to_live": "-1 day"}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"time_to_live": 90}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"pattern": "("}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"pattern": 1}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"description": null}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"scope": "galaxy"}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"scope": "source"}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"normaliser": "magic"}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"email": {"normaliser": "text"}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"user_id": {"priority": null}}}');
SELECT * FROM cdp.preview_rules('{"identifier_type": {"ip": {"strong": true}}}');
SELECT * FROM cdp.preview_rules('{"block": ["x"]}');
SELECT * FROM cdp.preview_rules('{"block": [{"value": "x"}, {"value": 3}]}');
SELECT * FROM cdp.preview_rules('{"block": [{"value": "x", "colour": "red"}]}');
SELECT * FROM cdp.preview_rules('{"block": [{"type": "email"}]}');
SELECT * FROM cdp.preview_rules('{"block": [{"value": "x", "pattern": "y"}]}');
SELECT * FROM cdp.preview_rules('{"block": [{"type": "telex", "value": "x"}]}');
SELECT * FROM cdp.preview_rules('{"block": [{"pattern": "("}]}');
SELECT * FROM cdp.preview_rules('{"unblock": [{"value": "x", "reason": "y"}]}');
SELECT * FROM cdp.preview_rules('{"unblock": [{"value": "never blocked"}]}');
SELECT * FROM cdp.change_rules('{"identifier_type": {"email": {"max_per_profile": 0}}}', 'no');
SELECT * FROM cdp.change_rules(NULL, 'no');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM cdp.change_rules('{}', 'no');
ROLLBACK;
DROP SCHEMA identity_test CASCADE;
