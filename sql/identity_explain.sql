-- Looking profiles up, and why they are what they are.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\i :fresh
\i :stand_ins
SELECT cdp._attach('web', '[
	{"at": "2026-04-30 23:30+00", "ids": [["anonymous_id", "c-71"], ["ip", "10.1.1.1"]]},
	{"at": "2026-05-02", "ids": [["anonymous_id", "c-71"], ["email", "Ann@Example.com"]]},
	{"at": "2026-05-03", "ids": [["anonymous_id", "c-71"], ["email", "Ann@Example.com"]]},
	{"at": "2026-05-04", "ids": [["anonymous_id", "a/b"], ["device_id", "tablet"]]},
	{"at": "2026-05-04", "ids": [["user_id", "u1"], ["device_id", "tablet"]]},
	{"at": "2026-05-04", "ids": [["user_id", "u2"], ["device_id", "tablet"]]},
	{"at": "2026-05-04", "ids": [["user_id", "u2"], ["email", "info@x.de"]]}]');
SELECT cdp._attach('crm', '[
	{"at": "2026-05-05 20:00+00", "ids": [["crm_id", "0031"], ["email", "ann@example.com"], ["phone", "030 1234567"]]}]');
SELECT cdp._stitch_step(100);
-- the path of evidence, with what is personal left out
SELECT step, source, records, from_identifier, to_identifier
FROM cdp.explain_identity('anonymous_id:c-71', 'crm_id:crm/0031');
SELECT says FROM cdp.explain_identity('anonymous_id:c-71', 'crm_id:crm/0031');
SELECT says FROM cdp.explain_identity('phone:030 1234567', 'anonymous_id:c-71');
-- days are those of the store's time zone
UPDATE cdp.setting SET value = 'Asia/Tokyo' WHERE name = 'time_zone';
SELECT says FROM cdp.explain_identity('email:ann@example.com', 'crm_id:crm/0031');
-- why not
SELECT step, says FROM cdp.explain_identity('anonymous_id:c-71', 'user_id:u1');
SELECT says FROM cdp.explain_identity('anonymous_id:a/b', 'device_id:tablet');
SELECT says FROM cdp.explain_identity('user_id:u2', 'email:info@x.de');
SELECT says FROM cdp.explain_identity('ip:10.1.1.1', 'anonymous_id:c-71');
SELECT says FROM cdp.explain_identity('user_id:u1', 'user_id:u1');
SELECT says FROM cdp.explain_identity('user_id:u1', 'user_id:nobody');
SELECT says FROM cdp.explain_identity('crm_id:0031', 'user_id:u1');
SELECT says FROM cdp.explain_identity('telex:1', 'user_id:u1');
SELECT says FROM cdp.explain_identity('', 'user_id:u1');
SELECT says FROM cdp.explain_identity(NULL, 'user_id:u1');
-- values are looked up as they were written
SELECT cdp.find_profile('email', ' ANN@example.com') AS by_email,
	cdp.find_profile('phone', '(030) 123 45 67') AS by_phone,
	cdp.find_profile('crm_id', '0031', 'crm') AS by_number,
	cdp.find_profile('crm_id', '0031') AS without_source,
	cdp.find_profile('email', 'bob@example.com') AS nobody,
	cdp.find_profile('email', 'a@@b') AS no_address,
	cdp.find_profile('email', 'info@x.de') AS blocked,
	cdp.find_profile('email', NULL) AS null_value;
SELECT cdp.find_profile('telex', '1');
SELECT profile_id, type, scope, value, first_seen, last_seen, records, shared
FROM cdp.profile_identifier ORDER BY profile_id, type, value;

-- of all paths the one whose weakest link is the strongest: cookie c-1 was
-- seen with both addresses, and so was the account
\i :fresh
\i :stand_ins
SELECT cdp._attach('web', '[
	{"at": "2026-05-02", "ids": [["anonymous_id", "c-1"], ["email", "one@x.de"]]},
	{"at": "2026-05-01", "ids": [["anonymous_id", "c-1"], ["email", "two@x.de"]]},
	{"at": "2026-05-07", "ids": [["user_id", "u1"], ["email", "one@x.de"]]},
	{"at": "2026-05-06", "ids": [["user_id", "u1"], ["email", "two@x.de"], ["phone", "030 1234567"]]},
	{"at": "2026-05-05", "ids": [["user_id", "u1"], ["email", "two@x.de"]]}]') \g /dev/null
SELECT cdp._attach('till', '[
	{"at": "2026-05-09", "ids": [["user_id", "7"], ["phone", "030 7654321"]]},
	{"at": "2026-05-09", "ids": [["user_id", "7"], ["anonymous_id", "k/1"]]}]') \g /dev/null
SELECT cdp._stitch_step(100);
SELECT step, rule, source, first_seen, last_seen, records, set_id, from_identifier, to_identifier
FROM cdp.explain_identity('email:one@x.de', 'email:two@x.de');
SELECT says FROM cdp.explain_identity('email:one@x.de', 'email:two@x.de');
-- among equals the earlier counts
SELECT step, from_identifier, to_identifier
FROM cdp.explain_identity('anonymous_id:c-1', 'user_id:u1');
-- a profile's evidence, the strongest first
SELECT step, set_id, from_identifier, to_identifier, says
FROM cdp.explain_identity(cdp.find_profile('user_id', 'u1'));
-- with the name of the event, where the record was one
INSERT INTO cdp.event (source_id, name, occurred_at, received_at, set_id)
SELECT source_id, 'sign_in', first_seen, first_seen, set_id
FROM cdp.identifier_set WHERE set_id = 3;
INSERT INTO cdp.event_name (name) VALUES ('sign_in') ON CONFLICT DO NOTHING;
SELECT says FROM cdp.explain_identity('user_id:u1', 'phone:030 1234567');
-- one way to write identifiers: a value may hold a slash itself
SELECT says FROM cdp.explain_identity('user_id:till/7', 'anonymous_id:k/1');
SELECT says FROM cdp.explain_identity('user_id:7', 'anonymous_id:k/1');
SELECT says FROM cdp.explain_identity('user_id:till/', 'anonymous_id:k/1');

-- Decisions come first, and count for what is shared or expired, too.
CREATE FUNCTION pg_temp.decide(a text, b text, verdict text, reason text)
RETURNS bigint LANGUAGE sql AS $$
	WITH action AS (
		INSERT INTO cdp.steward_action (actor, action, reason)
		VALUES ('ann', $3, $4) RETURNING action_id
	)
	INSERT INTO cdp.decision (verdict, identifier_a, identifier_b, action_id)
	SELECT $3, least(a, b), greatest(a, b), action_id
	FROM action, cdp._parse_identifier($1) AS a, cdp._parse_identifier($2) AS b
	RETURNING decision_id
$$;
SELECT cdp._attach('web', '[
	{"at": "2026-05-01", "ids": [["user_id", "u2"], ["device_id", "tablet"]]},
	{"at": "2026-05-02", "ids": [["user_id", "u3"], ["device_id", "tablet"]]},
	{"at": "2026-05-02", "ids": [["user_id", "u3"], ["email", "info@x.de"]]},
	{"at": "2026-05-03", "ids": [["user_id", "u4"], ["email", "c@x.de"]]},
	{"at": "2026-05-04", "ids": [["user_id", "u4"], ["crm_id", "17"]]},
	{"at": "2026-05-05", "ids": [["user_id", "u5"], ["crm_id", "17"]]},
	{"at": "2026-05-06", "ids": [["email", "d@x.de"], ["third_party_id", "t-1"]]},
	{"at": "2026-05-07", "ids": [["phone", "030 1111111"], ["third_party_id", "t-1"]]},
	{"at": "2026-01-01", "ids": [["email", "d@x.de"], ["third_party_id", "t-0"]]},
	{"at": "2026-05-08", "ids": [["device_id", "phone-3"], ["anonymous_id", "c-3"]]}]') \g /dev/null
SELECT pg_temp.decide('user_id:u1', 'email:one@x.de', 'always', 'twin accounts');
SELECT pg_temp.decide('device_id:tablet', 'user_id:u2', 'always', NULL);
SELECT pg_temp.decide('user_id:u2', 'user_id:u3', 'never', 'brothers');
SELECT cdp._stitch_everything() IS NOT NULL AS judged;
SELECT step, rule, source, first_seen, records, set_id, says
FROM cdp.explain_identity('email:one@x.de', 'phone:030 1234567');
SELECT rule, says FROM cdp.explain_identity('device_id:tablet', 'user_id:u2');
-- why not
SELECT rule, first_seen, says FROM cdp.explain_identity('user_id:u3', 'user_id:u2');
SELECT rule, says FROM cdp.explain_identity('user_id:u3', 'device_id:tablet');
SELECT rule, source, set_id, says FROM cdp.explain_identity('user_id:u5', 'email:c@x.de');
SELECT rule, source, set_id, says FROM cdp.explain_identity('email:d@x.de', 'phone:030 1111111');
SELECT rule, says FROM cdp.explain_identity('email:d@x.de', 'third_party_id:web/t-0');
SELECT rule, says FROM cdp.explain_identity('email:info@x.de', 'user_id:u3');
SELECT rule, says FROM cdp.explain_identity('user_id:u1', 'user_id:u5');
-- what was seen with both, and is no key
SELECT cdp._attach('web', '[
	{"at": "2026-05-02", "ids": [["user_id", "u6"], ["device_id", "tablet-2"]]},
	{"at": "2026-05-02", "ids": [["user_id", "u7"], ["device_id", "tablet-2"]]},
	{"at": "2026-05-02", "ids": [["user_id", "u7"], ["phone", "030 2222222"]]}]') \g /dev/null
SELECT cdp._stitch_step(100);
SELECT rule, says FROM cdp.explain_identity('phone:030 2222222', 'user_id:u6');
SELECT step, rule, says FROM cdp.explain_identity(cdp.find_profile('device_id', 'tablet-2'));
SELECT step, rule, says FROM cdp.explain_identity(cdp.find_profile('user_id', 'u6'));
-- what waits for the merge run
SELECT cdp._attach('web', '[{"at": "2026-05-09", "ids": [["user_id", "u6"], ["device_id", "phone-3"]]}]') \g /dev/null
SELECT rule, says FROM cdp.explain_identity('user_id:u6', 'anonymous_id:c-3');
-- evidence that was taken back
UPDATE cdp.identifier_set SET retracted = true
WHERE cdp._parse_identifier('anonymous_id:c-3') = ANY (identifiers);
SELECT cdp._stitch_everything() IS NOT NULL AS judged;
SELECT rule, says FROM cdp.explain_identity('anonymous_id:c-3', 'device_id:phone-3');
SELECT says FROM cdp.explain_identity(4711);
SELECT says FROM cdp.explain_identity(NULL);


-- what is personal is left out, whatever the type is called
SELECT type, value, cdp._mask(type, value)
FROM (VALUES ('email', 'ann@example.com'), ('email', 'a@b.co.uk'), ('user_id', 'ann@localhost'),
	('user_id', 'ann.smith@mail.example.org'), ('user_id', 'ann%40example.com'), ('user_id', '@'),
	('user_id', '+49301234567'), ('phone', '+49301234567'), ('phone', '110'),
	('ip', '10.1.1.1'), ('ip', '2001:db8::1'), ('device_id', 'tablet-9'),
	('device_id', '6D92078A-8246-4BA4-AE5B-76104861E7DC'), ('user_id', 'u-4711')) AS given (type, value);

-- Oracle: the weakest link of a path decides.  For each k, do the first k links
-- join the two ends?  The least k that does is the weakest link of the path.
CREATE FUNCTION pg_temp.is_joined(a integer[], b integer[], k integer, start integer, goal integer)
RETURNS boolean LANGUAGE sql AS $$
	WITH RECURSIVE link AS (
		SELECT a, b FROM unnest($1[:$3], $2[:$3]) AS l (a, b)
	), reached AS (
		SELECT $4 AS node
		UNION
		SELECT CASE WHEN link.a = reached.node THEN link.b ELSE link.a END
		FROM reached JOIN link ON reached.node IN (link.a, link.b)
	)
	SELECT $5 IN (SELECT node FROM reached)
$$;
\set seed 0.42
\echo seed :seed
SELECT setseed(:seed) \g /dev/null
CREATE TEMP TABLE trial AS
SELECT n, nodes, a, b, start, goal, cdp._tree_path(nodes, a, b, start, goal) AS path
FROM (SELECT n, nodes, 1 + floor(random() * nodes)::integer AS start,
		1 + floor(random() * nodes)::integer AS goal, link.a, link.b
	FROM (SELECT n, 2 + n % 12 AS nodes, 1 + n % 25 AS links FROM generate_series(1, 300) AS n) AS size
	CROSS JOIN LATERAL (SELECT array_agg(1 + floor(random() * nodes + 0 * i)::integer) AS a,
		array_agg(1 + floor(random() * nodes + 0 * i)::integer) AS b
		FROM generate_series(1, links) AS i) AS link) AS graph;
SELECT count(*) AS trials, count(*) FILTER (WHERE path <> '{}') > 100 AS many_joined,
	count(*) FILTER (WHERE CASE WHEN path = '{}'
		THEN start <> goal AND pg_temp.is_joined(a, b, cardinality(a), start, goal)
		ELSE NOT pg_temp.is_joined(a, b, weakest, start, goal)
			OR pg_temp.is_joined(a, b, weakest - 1, start, goal) END) AS wrong_weakest,
	count(*) FILTER (WHERE path <> '{}' AND (walked[1] <> start OR ends[cardinality(ends)] <> goal
		OR walked[2:] <> ends[:cardinality(ends) - 1])) AS broken,
	count(*) FILTER (WHERE NOT ARRAY(SELECT abs(l) FROM unnest(path) AS l) <@ cdp._spanning_tree(nodes, a, b)) AS off_the_tree
FROM trial
CROSS JOIN LATERAL (SELECT max(abs(l)) AS weakest,
	array_agg(CASE WHEN l > 0 THEN a[l] ELSE b[-l] END ORDER BY place) AS walked,
	array_agg(CASE WHEN l > 0 THEN b[l] ELSE a[-l] END ORDER BY place) AS ends
	FROM unnest(path) WITH ORDINALITY AS step (l, place)) AS taken;
-- arrays that are no graph
SELECT cdp._tree_path(2, '{1}', '{3}', 1, 2);
SELECT cdp._tree_path(2, '{1}', '{2,1}', 1, 2);
SELECT cdp._spanning_tree(2, '{1,NULL}', '{2,1}');
SELECT cdp._spanning_tree(-1, '{}', '{}');
SELECT cdp._spanning_tree(0, '{}', '{}'), cdp._tree_path(1, '{}', '{}', 1, 1);
