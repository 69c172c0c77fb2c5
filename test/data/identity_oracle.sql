-- A brute-force oracle of the identity function, plain and slow, to hold the
-- store against.  It knows the records, the decisions, the retracted sets, the
-- rules and the clock, and none of the store's derived tables.
--
-- It needs no notion of a broken component: every link goes through the
-- replay, in order.  Where no rule is broken the replay refuses nothing.
\set ECHO none
SET client_min_messages = warning;
SET timezone = 'UTC';
DROP SCHEMA IF EXISTS identity_test CASCADE;
CREATE SCHEMA identity_test;

-- What the oracle is given.  Keys are canonical and written type:scope/value;
-- a set is the distinct keys of a record and its source.
CREATE TABLE identity_test.record (n integer PRIMARY KEY,
	source text COLLATE "C" NOT NULL, at timestamptz NOT NULL,
	keys text[] COLLATE "C" NOT NULL);
CREATE TABLE identity_test.decision (a text COLLATE "C", b text COLLATE "C",
	verdict text NOT NULL, PRIMARY KEY (a, b), CHECK (a < b));
CREATE TABLE identity_test.retracted (source text COLLATE "C",
	keys text[] COLLATE "C", PRIMARY KEY (source, keys));

CREATE FUNCTION identity_test.key_type(key text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN split_part(key, ':', 1);
CREATE FUNCTION identity_test.key_value(key text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN substr(key, strpos(key, '/') + 1);
CREATE FUNCTION identity_test.key_scope(key text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN split_part(split_part(key, '/', 1), ':', 2);
CREATE FUNCTION identity_test.sorted(keys text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN (SELECT array_agg(DISTINCT k COLLATE "C" ORDER BY k COLLATE "C") FROM unnest(keys) AS k);

-- What the oracle finds.
CREATE TABLE identity_test.evidence (e integer GENERATED ALWAYS AS IDENTITY,
	source text COLLATE "C", keys text[] COLLATE "C", first_seen timestamptz,
	last_seen timestamptz, retracted boolean, owner text COLLATE "C");
CREATE TABLE identity_test.member (e integer, key text COLLATE "C", PRIMARY KEY (key, e));
CREATE TABLE identity_test.key (key text COLLATE "C" PRIMARY KEY,
	type_id integer, scope text COLLATE "C", value text COLLATE "C",
	type text, priority integer, strong_type boolean, stands_in boolean,
	joins_known boolean, max_per_profile integer, max_strong_per_value integer,
	blocked boolean NOT NULL, expired boolean, usable boolean,
	strong boolean, shared boolean NOT NULL DEFAULT false,
	links boolean, part text COLLATE "C");
CREATE TABLE identity_test.link (a text COLLATE "C", b text COLLATE "C",
	rank integer, first_seen timestamptz, evidence integer[], PRIMARY KEY (a, b));
CREATE TABLE identity_test.refused (a text COLLATE "C", b text COLLATE "C",
	rule text, type text, PRIMARY KEY (a, b));

-- Sets, and identifiers with the rules of their types: blocked, expired,
-- usable, strong.
CREATE FUNCTION identity_test.read_records() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE identity_test.evidence, identity_test.member, identity_test.key,
		identity_test.link, identity_test.refused;
	INSERT INTO identity_test.evidence (source, keys, first_seen, last_seen)
	SELECT source, identity_test.sorted(keys), min(at), max(at)
	FROM identity_test.record GROUP BY 1, 2;
	UPDATE identity_test.evidence AS set
	SET retracted = EXISTS (SELECT FROM identity_test.retracted AS back
		WHERE (back.source, back.keys) = (set.source, set.keys));
	INSERT INTO identity_test.member
	SELECT e, unnest(keys) FROM identity_test.evidence;
	INSERT INTO identity_test.key
	SELECT DISTINCT given.key, type.type_id, given.scope, given.value,
		type.type, type.priority, type.strong, type.stands_in,
		type.joins_known, type.max_per_profile, type.max_strong_per_value,
		EXISTS (SELECT FROM cdp.blocked_value AS blocked
			WHERE (blocked.type IS NULL OR blocked.type = type.type)
				AND (lower(given.value) = blocked.value OR lower(given.value) ~ blocked.pattern))
	FROM (SELECT key, identity_test.key_type(key) AS type,
			identity_test.key_scope(key) AS scope, identity_test.key_value(key) AS value
		FROM identity_test.member) AS given
	JOIN cdp.identifier_type AS type USING (type);
	ANALYZE identity_test.evidence, identity_test.member, identity_test.key;
	UPDATE identity_test.key
	SET usable = type.priority IS NOT NULL AND type.stitches AND NOT key.blocked
			AND seen.last IS NOT NULL,
		expired = type.priority IS NOT NULL AND type.stitches
			AND coalesce(seen.last + type.time_to_live <= cdp.clock(), false)
	FROM cdp.identifier_type AS type,
		(SELECT key, max(last_seen) FILTER (WHERE NOT retracted) AS last
		FROM identity_test.member JOIN identity_test.evidence USING (e)
		GROUP BY key) AS seen
	WHERE type.type = key.type AND seen.key = key.key;
	UPDATE identity_test.key
	SET strong = usable AND (strong_type OR stands_in AND NOT EXISTS (
		SELECT FROM identity_test.key AS other WHERE other.usable AND other.strong_type));
END
$$;

-- Shared: in sets with too many strong keys of one type and scope.  What is
-- usable, not shared and not expired links.
CREATE FUNCTION identity_test.find_shared() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE identity_test.key SET shared = true
	FROM (SELECT mine.key, count(DISTINCT strong.key) AS strong
		FROM identity_test.member AS mine
		JOIN identity_test.evidence AS set ON set.e = mine.e AND NOT set.retracted
		JOIN identity_test.member AS other ON other.e = mine.e
		JOIN identity_test.key AS strong ON strong.key = other.key
		WHERE strong.strong AND NOT strong.expired
		GROUP BY mine.key, strong.type_id, strong.scope) AS beside
	WHERE key.key = beside.key AND key.usable AND NOT key.strong
		AND beside.strong > key.max_strong_per_value;
	UPDATE identity_test.key SET links = usable AND NOT shared AND NOT expired;
END
$$;

-- A link is a set's strongest linking key with each other one; its ends are
-- in the order of their keys.
CREATE FUNCTION identity_test.find_links() RETURNS void
LANGUAGE sql AS $$
	WITH linking AS (
		SELECT set.e, set.first_seen, key.key, key.priority,
			first_value(key.key) OVER strongest AS center,
			first_value(key.priority) OVER strongest AS center_priority
		FROM identity_test.evidence AS set
		JOIN identity_test.member USING (e)
		JOIN identity_test.key USING (key)
		WHERE NOT set.retracted AND key.links
		WINDOW strongest AS (PARTITION BY set.e
			ORDER BY key.priority, key.type_id, key.scope, key.value)
	), pair AS (
		SELECT linking.*, (a.type_id, a.scope, a.value) < (b.type_id, b.scope, b.value) AS center_first
		FROM linking
		JOIN identity_test.key AS a ON a.key = linking.center
		JOIN identity_test.key AS b ON b.key = linking.key
		WHERE linking.key <> linking.center
	), given AS (
		SELECT CASE WHEN center_first THEN center ELSE key END AS a,
			CASE WHEN center_first THEN key ELSE center END AS b,
			greatest(priority, center_priority) AS rank, e, first_seen,
			min(first_seen) OVER (PARTITION BY center_first, center, key) AS pair_seen
		FROM pair
	), earliest AS (
		SELECT *, min(first_seen) OVER (PARTITION BY a, b) AS least FROM given
	)
	INSERT INTO identity_test.link
	SELECT a, b, max(rank), least, array_agg(e) FILTER (WHERE first_seen = least)
	FROM earliest GROUP BY a, b, least
$$;

-- Why two parts may not become one by a link, as (rule, type); NULL: they may.
CREATE FUNCTION identity_test.why_not(link identity_test.link, x text, y text,
	OUT rule text, OUT type text)
LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM identity_test.decision
			JOIN identity_test.key AS a ON a.key = decision.a
			JOIN identity_test.key AS b ON b.key = decision.b
			WHERE verdict = 'never' AND (a.part, b.part) IN ((x, y), (y, x))) THEN
		rule := 'never';
		RETURN;
	END IF;
	SELECT 'max_per_profile', key.type INTO rule, type
	FROM identity_test.key
	WHERE part IN (x, y) AND max_per_profile IS NOT NULL
	GROUP BY key.type, type_id, scope, priority, max_per_profile
	HAVING count(DISTINCT part) = 2 AND count(*) > max_per_profile
	ORDER BY priority, type_id
	LIMIT 1;
	IF FOUND THEN
		RETURN;
	END IF;
	SELECT 'joins_known', joiner.type INTO rule, type
	FROM identity_test.key AS joiner
	WHERE key IN (link.a, link.b) AND NOT joins_known
		AND (SELECT count(DISTINCT part) = 2 FROM identity_test.key
			WHERE part IN (x, y) AND (strong OR key.type IN ('email', 'phone')))
	ORDER BY priority, type_id
	LIMIT 1;
END
$$;

CREATE FUNCTION identity_test.join_parts(x text, y text) RETURNS void
LANGUAGE sql AS $$
	UPDATE identity_test.key SET part = least(x COLLATE "C", y COLLATE "C")
	WHERE part = greatest(x COLLATE "C", y COLLATE "C")
$$;

-- Decisions first, then the links in their order; each joins two parts or is
-- refused.  A part is named by its smallest key.
CREATE FUNCTION identity_test.replay() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	next identity_test.link;
	x text;
	y text;
	reason record;
BEGIN
	UPDATE identity_test.key SET part = key WHERE usable;
	FOR x, y IN
		SELECT a, b FROM identity_test.decision WHERE verdict = 'always' ORDER BY a, b
	LOOP
		SELECT key.part INTO x FROM identity_test.key WHERE key.key = x;
		SELECT key.part INTO y FROM identity_test.key WHERE key.key = y;
		PERFORM identity_test.join_parts(x, y) WHERE x <> y;
	END LOOP;
	FOR next IN
		SELECT link.* FROM identity_test.link
		JOIN identity_test.key AS a ON a.key = link.a
		JOIN identity_test.key AS b ON b.key = link.b
		ORDER BY link.rank, link.first_seen, a.type_id, a.scope, a.value,
			b.type_id, b.scope, b.value
	LOOP
		SELECT key.part INTO x FROM identity_test.key WHERE key.key = next.a;
		SELECT key.part INTO y FROM identity_test.key WHERE key.key = next.b;
		CONTINUE WHEN x = y;
		reason := identity_test.why_not(next, x, y);
		IF reason.rule IS NULL THEN
			PERFORM identity_test.join_parts(x, y);
		ELSE
			INSERT INTO identity_test.refused VALUES (next.a, next.b, reason.rule, reason.type);
		END IF;
	END LOOP;
END
$$;

CREATE FUNCTION identity_test.judge() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.read_records();
	PERFORM identity_test.find_shared();
	PERFORM identity_test.find_links();
	PERFORM identity_test.replay();
	UPDATE identity_test.evidence AS set
	SET owner = (SELECT key FROM identity_test.member JOIN identity_test.key USING (key)
		WHERE member.e = set.e AND key.usable
		ORDER BY key.links DESC, key.priority, key.type_id, key.scope, key.value
		LIMIT 1);
END
$$;

-- What the store says, in the same terms.
CREATE TABLE identity_test.attached (n integer PRIMARY KEY, set_id bigint);
CREATE VIEW identity_test.stored AS
SELECT key, CASE WHEN root IS NOT NULL THEN min(key) OVER (PARTITION BY root) END AS part,
	blocked, shared, expired, root, identifier_id
FROM (SELECT (type.type || ':' || identifier.scope || '/' || identifier.value) COLLATE "C" AS key,
		profile.root, identifier.blocked, identifier.shared, identifier.expired,
		identifier.identifier_id
	FROM cdp.identifier
	JOIN cdp.identifier_type AS type USING (type_id)
	LEFT JOIN cdp.profile ON profile.profile_id = identifier.leaf) AS placed;

CREATE VIEW identity_test.set_of_record AS
SELECT evidence.e, min(attached.set_id) AS set_id, count(DISTINCT attached.set_id) AS sets
FROM identity_test.evidence
JOIN identity_test.record ON record.source = evidence.source
	AND identity_test.sorted(record.keys) = evidence.keys
JOIN identity_test.attached USING (n)
GROUP BY evidence.e;

-- A refused link: its pair in the order of the text, rule, type, evidence.
CREATE VIEW identity_test.oracle_refused AS
SELECT least(a, b) AS a, greatest(a, b) AS b, rule, type,
	(SELECT min(set_id) FROM identity_test.set_of_record WHERE e = ANY (link.evidence)) AS set_id
FROM identity_test.refused JOIN identity_test.link USING (a, b);
CREATE VIEW identity_test.stored_refused AS
SELECT least(a.key, b.key) AS a, greatest(a.key, b.key) AS b, rule, type.type, set_id
FROM cdp.refused_link AS refused
LEFT JOIN cdp.identifier_type AS type USING (type_id)
JOIN identity_test.stored AS a ON a.identifier_id = refused.identifier_a
JOIN identity_test.stored AS b ON b.identifier_id = refused.identifier_b;

-- Each fact that oracle and store see differently.
CREATE VIEW identity_test.difference AS
SELECT fact.what, key, fact.oracle, fact.store
FROM identity_test.key AS o
FULL JOIN identity_test.stored AS s USING (key),
	LATERAL (VALUES ('partition', o.part, s.part),
		('blocked', o.blocked::text, s.blocked::text),
		('shared', o.shared::text, s.shared::text),
		('expired', o.expired::text, CASE WHEN o.usable THEN s.expired::text ELSE o.expired::text END)) AS fact (what, oracle, store)
WHERE fact.oracle IS DISTINCT FROM fact.store
UNION ALL
SELECT CASE WHEN key.part IS NOT DISTINCT FROM stored.part THEN 'owner_key' ELSE 'owner' END,
	evidence.source || ' ' || evidence.keys::text, evidence.owner, stored.key
FROM identity_test.evidence
JOIN identity_test.set_of_record USING (e)
LEFT JOIN cdp.identifier_set AS set ON set.set_id = set_of_record.set_id
LEFT JOIN identity_test.key ON key.key = evidence.owner
LEFT JOIN identity_test.stored ON stored.identifier_id = set.owner
WHERE evidence.owner IS DISTINCT FROM stored.key
UNION ALL
SELECT 'set', evidence.source || ' ' || evidence.keys::text,
	concat_ws(' ', 1, evidence.first_seen, evidence.last_seen, evidence.retracted),
	concat_ws(' ', of.sets, set.first_seen, set.last_seen, set.retracted)
FROM identity_test.evidence
JOIN identity_test.set_of_record AS of USING (e)
LEFT JOIN cdp.identifier_set AS set ON set.set_id = of.set_id
WHERE (of.sets, evidence.first_seen, evidence.last_seen, evidence.retracted)
	IS DISTINCT FROM (1, set.first_seen, set.last_seen, set.retracted)
UNION ALL
SELECT 'refused', concat_ws(' ', a, b), concat_ws(' ', o.rule, o.type, o.set_id),
	concat_ws(' ', s.rule, s.type, s.set_id)
FROM identity_test.oracle_refused AS o
FULL JOIN identity_test.stored_refused AS s USING (a, b)
WHERE (o.rule, o.type, o.set_id) IS DISTINCT FROM (s.rule, s.type, s.set_id)
UNION ALL
SELECT 'has_strong', NULL, o.has_strong::text, s.has_strong::text
FROM cdp.identity_state AS s,
	(SELECT coalesce(bool_or(usable AND strong_type), false) AS has_strong
	FROM identity_test.key) AS o
WHERE o.has_strong <> s.has_strong
-- The id of a part is the smallest whose founder is in it, and an id leads
-- where its founder is.
UNION ALL
SELECT 'id', 'profile ' || profile.profile_id, founder.least::text, profile.root::text
FROM cdp.profile
JOIN (SELECT founder.identifier_id, min(founded.profile_id) OVER (PARTITION BY founder.root) AS least
	FROM identity_test.stored AS founder
	JOIN cdp.profile AS founded ON founded.founder = founder.identifier_id
	WHERE founder.root IS NOT NULL) AS founder ON founder.identifier_id = profile.founder
WHERE profile.root <> founder.least
UNION ALL
SELECT 'id', stored.key, 'a live profile founded in it', stored.root::text
FROM identity_test.stored
JOIN cdp.profile ON profile.profile_id = stored.root
LEFT JOIN identity_test.stored AS founder ON founder.identifier_id = profile.founder
WHERE founder.root IS DISTINCT FROM stored.root;

-- How many of each kind.
CREATE FUNCTION identity_test.differences()
RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.judge();
	RETURN QUERY
	SELECT kind.what, count(difference.what)
	FROM unnest(ARRAY['partition', 'blocked', 'shared', 'expired', 'owner',
		'owner_key', 'set', 'refused', 'has_strong', 'id']) AS kind (what)
	LEFT JOIN identity_test.difference USING (what)
	GROUP BY kind.what ORDER BY kind.what;
END
$$;
\set ECHO all
