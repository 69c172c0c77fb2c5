-- What third parties say until then: seen a microsecond before, and no more then.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
SELECT cdp.add_source('web'), cdp.add_source('dmp', 'third_party', retention => '100 years') \g /dev/null
CREATE FUNCTION pg_temp.row(id text, segment text, at timestamptz, expires timestamptz, value jsonb DEFAULT 'true') RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('id', id, 'segment', segment, 'value', value,
		'at', to_json(at), 'expires', to_json(expires), 'message_id', md5(concat(id, segment, at, expires, value))))
$$;

-- one person, by two ids of the partner; a history is kept of one segment
SELECT cdp.add_trait('third_party.dmp.golf', 'boolean', history => true), cdp.add_trait('third_party.dmp.size', 'number') \g /dev/null
SELECT cdp.expose_trait('third_party.dmp.golf');
SELECT outcome, count(*) FROM cdp.ingest_batch('dmp', jsonb_build_array(
	'{"type": "identify", "userId": "ann", "messageId": "1", "timestamp": "2026-05-01", "traits": {"city": "Rome"},
		"externalIds": [{"type": "third_party_id", "id": "p1"}, {"type": "third_party_id", "id": "p2"}]}'::jsonb,
	pg_temp.row('p1', 'golf', '2026-05-02', '2026-06-10 08:00:00.123'),
	pg_temp.row('p1', 'size', '2026-05-02', '2026-06-10 08:00:00.123', '44'),
	pg_temp.row('p2', 'size', '2026-05-01', '2026-06-12', '43'),
	pg_temp.row('p2', 'sail', '2026-05-01', NULL))) GROUP BY 1;
CALL cdp.merge();
SELECT cdp.find_profile('user_id', 'ann') AS ann \gset
SELECT cdp.define_segment('golfers', '"third_party.dmp.golf"') \g /dev/null
CREATE FUNCTION pg_temp.seen(ann bigint) RETURNS TABLE (place text, golf text, size text)
LANGUAGE sql AS $$
	SELECT 'unified_profile', p.traits ->> 'third_party.dmp.golf', p.traits ->> 'third_party.dmp.size' FROM cdp.unified_profile AS p WHERE p.profile_id = $1
	UNION ALL SELECT 'its column', p."third_party.dmp.golf"::text, NULL FROM cdp.unified_profile AS p WHERE p.profile_id = $1
	UNION ALL SELECT 'profile()', p."third_party.dmp.golf"::text, p.traits ->> 'third_party.dmp.size' FROM cdp.profile('user_id', 'ann') AS p
	UNION ALL SELECT 'profile_trait', max(t.value::text) FILTER (WHERE t.name LIKE '%golf'), max(t.value::text) FILTER (WHERE t.name LIKE '%size') FROM cdp.profile_trait AS t WHERE t.profile_id = $1
	UNION ALL SELECT 'lineage()', max(t.value::text) FILTER (WHERE t.trait_name LIKE '%golf'), string_agg(t.value::text || CASE WHEN t.wins THEN '' ELSE ' lost' END, ', ') FILTER (WHERE t.trait_name LIKE '%size') FROM cdp.lineage($1) AS t
	UNION ALL SELECT 'history', (SELECT max(t.value::text) FROM cdp.profile_trait_history AS t WHERE t.profile_id = $1), NULL
	UNION ALL SELECT 'predicate', cdp.is_member($1, '"third_party.dmp.golf"')::text, (SELECT string_agg(n::text, ' ') FROM generate_series(43, 44) AS n WHERE cdp.is_member($1, ('"third_party.dmp.size" = ' || n)::cdp.predicate))
	UNION ALL SELECT 'segment_size()', cdp.segment_size('"third_party.dmp.golf"')::text, NULL
$$;
SET cdp.test_clock = '2026-06-10 08:00:00.122999+00';
SELECT * FROM pg_temp.seen(:ann);
SELECT name, value, expires_at FROM cdp.profile_trait WHERE profile_id = :ann ORDER BY name;
SET cdp.test_clock = '2026-06-10 08:00:00.123+00';
SELECT * FROM pg_temp.seen(:ann);
SELECT name, value, expires_at FROM cdp.profile_trait WHERE profile_id = :ann ORDER BY name;
-- as of an instant before, predicates see what held then
SELECT cdp.is_member(:ann, '"third_party.dmp.golf"', '2026-06-10 08:00:00.122999') AS before;
SELECT cdp.predicate_to_sql('"third_party.dmp.size" > 40') LIKE '%_traits_at%' AS expiring, cdp.predicate_to_sql('city = ''Rome''') LIKE '%_traits_at%' AS lasting;

-- the next merge run empties it, and nothing else changes
SELECT name, value, expires_at FROM cdp.trait_observation ORDER BY 3, 1;
SELECT value FROM cdp.health WHERE name = 'retention_overdue';
CALL cdp.merge();
SELECT name, value, expires_at FROM cdp.trait_observation ORDER BY 3, 1;
SELECT count(*) AS history FROM cdp.trait_history WHERE name LIKE 'third_party.%';
SELECT * FROM pg_temp.seen(:ann);
SET cdp.test_clock = '2026-06-12 00:00:00+00';
SELECT * FROM pg_temp.seen(:ann) WHERE size IS NOT NULL;
CALL cdp.merge();
SELECT expiring IS NULL AS nothing_expires FROM cdp.profile_current WHERE profile_id = :ann;

-- a pin wins over what expires, and the steward may take it back
SET cdp.test_clock = '2026-06-12 12:00:00+00';
SELECT count(*) FROM cdp.ingest_batch('dmp', jsonb_build_array(pg_temp.row('p1', 'golf', '2026-06-12', '2026-06-13')));
SELECT cdp.pin_trait(:ann, 'third_party.dmp.golf', 'false', 'she does not');
SELECT traits -> 'third_party.dmp.golf' AS golf FROM cdp.unified_profile WHERE profile_id = :ann;
SELECT cdp.unpin_trait(:ann, 'third_party.dmp.golf');
SELECT traits -> 'third_party.dmp.golf' AS golf FROM cdp.unified_profile WHERE profile_id = :ann;
-- an index does not know the time
SELECT cdp.index_trait('third_party.dmp.golf');

-- a row that has expired when it comes is not seen, but ends what was said before
-- it, whichever comes first
SELECT outcome, count(*) FROM cdp.ingest_batch('dmp', jsonb_build_array(
	pg_temp.row('q1', 'ski', '2026-06-01', NULL), pg_temp.row('q1', 'ski', '2026-06-02', '2026-06-05'),
	pg_temp.row('q2', 'ski', '2026-06-02', '2026-06-05'), pg_temp.row('q2', 'ski', '2026-06-01', NULL))) GROUP BY 1;
SELECT field, records, message FROM cdp.ingest_warning;
SELECT count(*) AS ski FROM cdp.profile_trait WHERE name = 'third_party.dmp.ski';

-- a merge run between the two changes nothing
CALL cdp.merge();
SELECT outcome FROM cdp.ingest_batch('dmp', jsonb_build_array(pg_temp.row('q2', 'ski', '2026-06-01 12:00', NULL)));
CALL cdp.merge();
SELECT count(*) AS ski FROM cdp.profile_trait WHERE name = 'third_party.dmp.ski';
-- and what is said after it counts
SELECT outcome FROM cdp.ingest_batch('dmp', jsonb_build_array(pg_temp.row('q2', 'ski', '2026-06-03', NULL)));
SELECT count(*) AS ski FROM cdp.profile_trait WHERE name = 'third_party.dmp.ski';

-- an id of a partner joins no two customers, whatever it says and until when
SELECT cdp.ingest('web', '{"type": "identify", "userId": "bob", "messageId": "b"}') AS bob,
	cdp.ingest('web', '{"type": "identify", "userId": "eve", "messageId": "e"}') AS eve \gset
SELECT count(*) FROM cdp.ingest_batch('dmp', jsonb_build_array(
	'{"type": "identify", "userId": "bob", "messageId": "bd", "externalIds": [{"type": "third_party_id", "id": "r"}]}'::jsonb,
	pg_temp.row('r', 'ski', '2026-06-11', '2026-07-01'),
	'{"type": "identify", "userId": "eve", "messageId": "ed", "externalIds": [{"type": "third_party_id", "id": "r"}]}'::jsonb));
CALL cdp.merge();
SELECT cdp.resolve(:bob) <> cdp.resolve(:eve) AS apart, (SELECT string_agg(kind, ' ') FROM cdp.profile_trait JOIN cdp.profile_current USING (profile_id)
	WHERE name = 'third_party.dmp.ski') AS told_of;

-- random rows of 40 people with three ids each, against a plain oracle, as time goes by
\set seed 0.2026
SELECT setseed(:seed) AS "seed 0.2026";
SET cdp.test_clock = '2026-07-01 00:00:00+00';
CREATE TEMP TABLE said AS
SELECT n, (random() * 39)::integer AS person, (random() * 2)::integer AS id, (random() * 3)::integer AS segment, (random() * 5)::integer AS value,
	timestamptz '2026-06-01' + make_interval(secs => n % 700) AS at,
	CASE WHEN random() < 0.7 THEN timestamptz '2026-07-01' + make_interval(days => (random() * 9)::integer) END AS expires
FROM generate_series(1, 1500) AS n;
SELECT outcome, count(*) FROM cdp.ingest_batch('dmp', (SELECT jsonb_agg(record ORDER BY random()) FROM (
	SELECT pg_temp.row(format('s%s-%s', person, id), 't' || segment, at, expires, to_jsonb(value)) AS record FROM said
	UNION ALL SELECT jsonb_build_object('type', 'identify', 'userId', 's' || n, 'messageId', 's' || n, 'timestamp', '2026-06-01', 'externalIds', (
		SELECT jsonb_agg(jsonb_build_object('type', 'third_party_id', 'id', format('s%s-%s', n, id))) FROM generate_series(0, 2) AS id))
	FROM generate_series(0, 39) AS n) AS record)) GROUP BY 1 ORDER BY 1;
CALL cdp.merge();
CREATE TEMP VIEW oracle AS
SELECT DISTINCT ON (person, segment) person, segment, value
FROM (SELECT DISTINCT ON (person, id, segment) * FROM said
	ORDER BY person, id, segment, at DESC, value DESC, expires DESC NULLS FIRST) AS last
WHERE expires IS NULL OR expires > cdp.clock()
ORDER BY person, segment, at DESC;
CREATE FUNCTION pg_temp.differ() RETURNS TABLE (traits bigint, wrong bigint, missing bigint, other bigint)
LANGUAGE sql AS $$
	WITH answer AS (SELECT substr(identifiers -> 'user_id' ->> 0, 2)::integer AS person, right(name, 1)::integer AS segment, value::integer
		FROM cdp.profile_trait JOIN cdp.profile_current USING (profile_id) WHERE name LIKE 'third_party.dmp.t_' AND identifiers ? 'user_id'),
	tied AS (SELECT DISTINCT a.person, a.segment FROM said AS a JOIN said AS b USING (person, segment, at) WHERE a.id <> b.id)
	SELECT count(*), count(*) FILTER (WHERE answer.value <> oracle.value), count(*) FILTER (WHERE answer.value IS NULL), count(*) FILTER (WHERE oracle.value IS NULL)
	FROM (SELECT * FROM answer WHERE (person, segment) NOT IN (TABLE tied)) AS answer
		FULL JOIN (SELECT * FROM oracle WHERE (person, segment) NOT IN (TABLE tied)) AS oracle USING (person, segment)
$$;
SELECT command FROM generate_series(timestamptz '2026-07-01', '2026-07-10', '3 days') AS clock (at),
	LATERAL (VALUES (format('SET cdp.test_clock = %L', clock.at)), ('SELECT * FROM pg_temp.differ()')) AS run (command) \gexec
-- and so it is when runs have removed what is over, and after a rebuild
SET cdp.test_clock = '2026-07-03 23:59:59.999999+00';
CALL cdp.merge();
SELECT * FROM pg_temp.differ();
SET cdp.test_clock = '2026-07-04 00:00:00+00';
SELECT * FROM pg_temp.differ();
CALL cdp.merge();
SELECT * FROM pg_temp.differ();
SELECT count(*) > 0 AS emptied, count(*) FILTER (WHERE value <> '""') AS left FROM cdp.trait_observation WHERE expires_at <= cdp.clock();
CREATE TEMP TABLE before AS SELECT profile_id, traits, lineage, expiring FROM cdp.profile_current;
SELECT cdp.rebuild_profiles() > 0 AS made;
SELECT count(*) AS differ FROM (TABLE before EXCEPT SELECT profile_id, traits, lineage, expiring FROM cdp.profile_current) AS changed;
-- the person who asks is told what is held of her, and until when
SELECT count(*) > 0 AS told FROM jsonb_array_elements(cdp.export_subject(cdp.find_profile('user_id', 's1'), 'she asks') -> 'observations') AS said WHERE said ? 'expires_at';
-- whoever may see the schema may ask with any JSON, as views do that are read with
-- the caller's rights: what has another form is not there
CREATE TEMP VIEW odd AS
SELECT format(form, said)::jsonb AS json FROM (VALUES
	('{"a": %s}'), ('{"a": [%s]}'), ('{"a": [[%s]]}'), ('{"a": {"b": %s}}'), ('{"a": {"rule": %s}}'), ('[%s]'), ('%s')) AS shape (form)
	CROSS JOIN (VALUES ('1'), ('"xxx@"'), ('"2026-07-01"'), ('true'), ('null'), ('{}'), ('[]'), ('[1]')) AS leaf (said);
SELECT count(*) AS asked, count(*) FILTER (WHERE cdp._traits_at('{}', json, '2026-06-01') <> '{}') AS traits,
	count(*) FILTER (WHERE cdp._contact_lasts(json, 'a', '1 day', '2026-08-01')) AS last FROM odd;
SELECT cdp._lasting_identifiers(a.json, b.json, '2026-08-01') AS lasting, count(*)
FROM odd AS a CROSS JOIN odd AS b WHERE b.json ? 'a' GROUP BY 1 ORDER BY 1;
SELECT json FROM odd WHERE cdp._asks_facts(ARRAY['lifecycle = ''x''']::cdp.predicate[], jsonb_build_object('values', json))
	IS DISTINCT FROM true OR cdp._asks_facts(ARRAY['lifecycle = ''x''']::cdp.predicate[], jsonb_build_object('values', jsonb_build_object('lifecycle', json))) IS DISTINCT FROM true;
