-- Judging sets: merges, shared identifiers, ids, owners, log.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\i :fresh
\i :stand_ins
CREATE VIEW pg_temp.placed AS
SELECT type || ':' || identifier.scope || '/' || value AS key, leaf, root AS profile, shared
FROM cdp.identifier JOIN cdp.identifier_type USING (type_id)
LEFT JOIN cdp.profile ON profile_id = leaf;
CREATE FUNCTION pg_temp.seen(source text, ids text) RETURNS bigint[]
LANGUAGE sql AS $$
	SELECT cdp._stitch(cdp._attach(source, jsonb_build_array(jsonb_build_object(
		'ids', (SELECT jsonb_agg(jsonb_build_array(split_part(id, ':', 1), split_part(id, ':', 2)))
			FROM unnest(string_to_array(ids, ' ')) AS id))), false));
$$;
-- a cookie becomes a known customer: two profiles merge into the older id;
-- those affected are the winner and the one that is no more
SELECT pg_temp.seen('web', 'anonymous_id:c1');
SELECT pg_temp.seen('crm', 'crm_id:7 email:ann@x.de');
SELECT pg_temp.seen('web', 'anonymous_id:c1 email:ann@x.de');
TABLE pg_temp.placed ORDER BY key;
SELECT change, profile_before, profile_after, set_id, profiles, identifiers
FROM cdp.identity_log;
TABLE cdp.profile_id_map ORDER BY 1;
SELECT cdp.resolve(2), cdp.resolve(99);
-- one customer of two CRMs is one profile with two crm_ids
SELECT pg_temp.seen('crm2', 'crm_id:9 email:ann@x.de');
TABLE pg_temp.placed ORDER BY key;
-- two tills with the same customer number are two
SELECT pg_temp.seen('till', 'user_id:5');
SELECT pg_temp.seen('web', 'user_id:5');
-- a second customer on the tablet: it is shared, belongs to neither, and
-- neither changes; what it had joined parts, and keeps its founders' ids
SELECT pg_temp.seen('web', 'user_id:u1 device_id:tablet');
SELECT pg_temp.seen('web', 'device_id:tablet anonymous_id:c7');
SELECT pg_temp.seen('web', 'user_id:u2 device_id:tablet');
SELECT * FROM pg_temp.placed WHERE key ~ 'u1|u2|tablet|c7' ORDER BY key;
SELECT change, profile_before, profile_after, set_id, identifiers
FROM cdp.identity_log WHERE change = 'split' ORDER BY log_id;
-- the events of a set belong to its strongest identifier that links, else to
-- the shared one's own profile
SELECT pg_temp.seen('web', 'device_id:tablet') IS NULL AS seen;
SELECT array_agg(DISTINCT value ORDER BY value) AS identifiers,
	(SELECT value FROM cdp.identifier WHERE identifier_id = owner) AS owner, profile_id
FROM cdp.identifier_set
JOIN cdp.identifier_set_member USING (set_id)
JOIN cdp.identifier USING (identifier_id)
LEFT JOIN LATERAL cdp._owner_profiles(ARRAY[identifier_set.set_id]) AS owned ON true
GROUP BY identifier_set.set_id, owner, profile_id
HAVING 'tablet' = ANY (array_agg(value))
ORDER BY 1;
-- the order of arrival plays no part: known as shared before the third comes
SELECT pg_temp.seen('web', 'user_id:u3 device_id:tablet');
SELECT * FROM pg_temp.placed WHERE key ~ 'u3' ORDER BY key;
-- two shared identifiers and nobody else: the stronger one's profile has it
SELECT pg_temp.seen('web', 'user_id:u1 device_id:kiosk');
SELECT pg_temp.seen('web', 'user_id:u2 device_id:kiosk');
SELECT pg_temp.seen('web', 'device_id:tablet device_id:kiosk') IS NOT NULL AS seen;
SELECT value FROM cdp.identifier_set JOIN cdp.identifier ON identifier_id = owner
ORDER BY set_id DESC LIMIT 1;
-- everything so far equals a rebuild, which writes nothing
SELECT identifiers, profiles, misplaced, wrongly_shared, pending, ok,
	stored_hash = computed_hash AS equal_hash FROM cdp.verify_identity();
SELECT count(*) AS before FROM cdp.identity_log \gset
SELECT cdp._stitch_everything(), cdp._stitch_rebuild(100),
	(SELECT count(*) FROM cdp.identity_log) = :before AS log_is_as_it_was;
-- what was queued for others: split timelines are made anew
SELECT phase, ids FROM cdp.todo WHERE phase <> 'profile' ORDER BY todo_id;
-- steps of the merge run: todo in, profiles out
SELECT cdp._attach('web', '[{"ids": [["user_id", "q1"], ["anonymous_id", "qc"]]},
	{"ids": [["email", "q@x.de"], ["anonymous_id", "qc"]]}]');
SELECT cdp._attach('web', '[{"ids": [["email", "q@x.de"], ["phone", "+49301234567"]]}]');
SELECT cdp._stitch_step(1);
SELECT cdp._stitch_step(1);
SELECT cdp._stitch_step(1);
SELECT count(DISTINCT profile) FROM pg_temp.placed WHERE key ~ 'q|4930';
-- a great backlog is judged at once
SELECT cardinality(cdp._attach('web', jsonb_agg(jsonb_build_object('ids',
	jsonb_build_array(jsonb_build_array('user_id', 'm' || n / 2), jsonb_build_array('anonymous_id', 'mc' || n))))))
FROM generate_series(1, 60) AS n;
SELECT cdp._should_stitch_everything(2);
SELECT cdp._stitch_step(2), cdp._stitch_step(2);
SELECT identifiers, profiles, ok FROM cdp.verify_identity();
-- above READ COMMITTED it refuses: the snapshot may be older than the lock
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT cdp._stitch('{1}');
ROLLBACK;
SELECT cdp._stitch('{1,NULL}');
SELECT cdp._stitch('{}');
-- sets that are not there are nothing to judge
SELECT cdp._stitch('{123456789}');
