-- History and lineage go with their sets, through a merge and back.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
SELECT cdp.add_source('web', priority => 100), cdp.add_source('crm', priority => 200) \g /dev/null
UPDATE cdp.trait SET history = true WHERE name = 'city';
CREATE FUNCTION pg_temp.said(id text, city text, at text) RETURNS bigint LANGUAGE sql AS $$
	SELECT cdp.ingest(CASE id WHEN 'b' THEN 'crm' ELSE 'web' END, jsonb_build_object('type', 'identify', 'messageId', id || at,
		'timestamp', at, 'anonymousId', id, 'traits', jsonb_build_object('city', city, 'nick', city))) $$;
SELECT count(pg_temp.said(id, city, at)) FROM (VALUES ('a', 'Ulm', '2026-05-01'), ('a', 'Bonn', '2026-05-03'), ('a', 'Kiel', '2026-05-02'),
	('b', 'Rom', '2026-05-02'), ('b', 'Pisa', '2026-05-04')) AS v (id, city, at);
-- every value, also one that came late; only of the trait that asks for it
SELECT * FROM cdp.profile_trait_history ORDER BY profile_id, observed_at;
SELECT profile_id, lineage.* FROM cdp.profile_current, cdp.lineage(profile_id, 'city') ORDER BY 1, set_id;
CREATE TEMP TABLE before AS SELECT profile_id, traits, lineage FROM cdp.profile_current;
CREATE TEMP TABLE history_before AS TABLE cdp.profile_trait_history;

-- one person after all: one history, one winner, the other a loser
SELECT count(cdp.ingest('web', jsonb_build_object('type', 'identify', 'messageId', 'same ' || id, 'anonymousId', id, 'userId', 'u',
	'timestamp', '2026-05-10'))) FROM unnest('{a,b}'::text[]) AS id;
CALL cdp.merge();
SELECT * FROM cdp.profile_trait_history ORDER BY profile_id, observed_at, set_id;
SELECT * FROM cdp.lineage(1, 'city') ORDER BY set_id;
CREATE TEMP TABLE merged AS SELECT profile_id, traits, lineage FROM cdp.profile_current;
SELECT cdp.rebuild_profiles();
SELECT count(*) AS rebuilt_same FROM merged JOIN cdp.profile_current USING (profile_id, traits, lineage);

-- and apart again, with what each brought
SELECT cdp.unmerge(1, '{anonymous_id:b}', 'a mistake') \g /dev/null
CALL cdp.merge();
SELECT * FROM cdp.profile_trait_history ORDER BY profile_id, observed_at;
SELECT profile_id, lineage.* FROM cdp.profile_current, cdp.lineage(profile_id, 'city') ORDER BY 1, set_id;
SELECT count(*) AS as_before FROM before JOIN cdp.profile_current USING (profile_id, traits, lineage);
SELECT count(*) AS history_differs FROM (TABLE history_before EXCEPT TABLE cdp.profile_trait_history) AS differs;
