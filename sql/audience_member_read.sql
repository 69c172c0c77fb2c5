-- Members are listed part by part of their bitmaps: of one profile, only the
-- part that it would be in.  An audience lists none: it asks the bitmap about
-- those who granted.  And an experiment asks about one profile without reading
-- any list.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';

-- ten profiles, each in a part of its own, and one beside the third
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, n, n, '2026-01-01', '2026-01-01', ord
FROM (SELECT n, n * 70000 AS ord FROM generate_series(1, 10) AS n UNION ALL VALUES (11, 210001)) AS given;
INSERT INTO cdp.profile_current (profile_id, ord, kind, revenue, as_of)
SELECT profile_id, ord, 'known', profile_id * 10, '2026-01-01' FROM cdp.profile;
ANALYZE cdp.profile, cdp.profile_current;
DELETE FROM cdp.segment;
SELECT cdp.define_segment('everyone', 'kind = ''known'''), cdp.define_segment('rich', 'revenue > 50') \g /dev/null
SELECT cdp.refresh_segments();
SELECT cdp.add_audience('mail', 'everyone', 'marketing', 'post') \g /dev/null
INSERT INTO cdp.consent_state (profile_id, purpose, channel, state, at)
SELECT profile_id, 'marketing', 'post', 'granted', '2026-01-01' FROM cdp.profile;

ANALYZE cdp.audience, cdp.channel, cdp.consent_state, cdp.segment_membership;

-- the ords that a query lists
CREATE FUNCTION pg_temp.listed(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) ' || query INTO plan;
	RETURN (SELECT coalesce(sum((scan ->> 'Actual Rows')::numeric * (scan ->> 'Actual Loops')::numeric), 0)
		FROM jsonb_path_query(plan, 'strict $.** ? (@."Function Name" == "_part_members")') AS scan);
END
$$;
SELECT read, pg_temp.listed('SELECT * FROM ' || read) AS listed
FROM unnest(ARRAY['cdp.segment_member',
	'cdp.segment_member WHERE profile_id = 3', 'cdp.segment_member WHERE profile_id = 9',
	'cdp.segment_member WHERE profile_id = 9 AND segment = ''rich''', 'cdp.segment_member WHERE profile_id = 99',
	'cdp.audience_member WHERE audience = ''mail''',
	'cdp.audience_member WHERE audience = ''mail'' AND profile_id = 9']) AS read;
SELECT count(*) AS in_the_audience FROM cdp.audience_member WHERE audience = 'mail';

-- what one read tells is what all tell, after a refresh and after changes since
CREATE FUNCTION pg_temp.differ() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (
		SELECT profile_id, segment FROM cdp.segment_member
		EXCEPT ALL
		SELECT own.* FROM cdp.profile CROSS JOIN LATERAL (SELECT member.profile_id, member.segment
			FROM cdp.segment_member AS member WHERE member.profile_id = profile.profile_id) AS own) AS d
$$;
SELECT count(*), pg_temp.differ() FROM cdp.segment_member;
UPDATE cdp.profile_current SET revenue = 100 - revenue WHERE profile_id IN (3, 9);
SELECT cdp._evaluate_profiles('{3,9}');
SELECT count(*), pg_temp.differ() FROM cdp.segment_member;
SELECT segment FROM cdp.segment_member WHERE profile_id = 3 ORDER BY 1;
SELECT segment FROM cdp.segment_member WHERE profile_id = 9 ORDER BY 1;

-- a visitor gets an arm, or none, and no change since the refresh is read
SELECT cdp.add_experiment('seen', 'revenue > 1000', segment => 'rich'),
	cdp.add_experiment('posted', 'revenue > 1000', audience => 'mail') \g /dev/null
CREATE FUNCTION pg_temp.changes_read() RETURNS bigint LANGUAGE sql AS $$
	SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
	FROM pg_stat_xact_user_tables WHERE relid = 'cdp.membership_change'::regclass
$$;
BEGIN;
SELECT pg_temp.changes_read() AS before \gset
SELECT cdp.experiment_arm('seen', 3) IS NOT NULL AS member, cdp.experiment_arm('seen', 9) AS no_member,
	cdp.experiment_arm('seen', 99) AS nobody;
SELECT pg_temp.changes_read() - :before AS changes_read;
SELECT count(*) > 0 AS counted FROM cdp.segment_member;
SELECT pg_temp.changes_read() - :before > 0 AS members_read_them;
SELECT cdp.experiment_arm('posted', 3) IS NOT NULL AS member, cdp.experiment_arm('posted', 99) AS nobody;
COMMIT;
