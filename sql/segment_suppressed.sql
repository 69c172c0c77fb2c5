-- suppressed(): from cdp.suppress() to the predicate, the same as audiences do.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'Asia/Kolkata';	-- nobody should care
SELECT cdp._consent_starter() \g /dev/null
SELECT cdp.add_source('shop') \g /dev/null

-- ann has two addresses and a phone, bob an address, cid never agreed
CREATE FUNCTION pg_temp.agree(id text, type text, value text, channel text) RETURNS void
LANGUAGE sql AS $$
	SELECT cdp.ingest('shop', jsonb_build_object('type', 'identify',
		'messageId', id || value || channel, 'userId', id,
		'traits', jsonb_build_object(type, value),
		'consent', jsonb_build_object('purpose', 'marketing', 'channel', channel,
			'state', CASE id WHEN 'cid' THEN 'denied' ELSE 'granted' END,
			'at', '2026-05-01T00:00:00Z')))
$$;
SELECT pg_temp.agree('ann', 'email', 'ann@example.com', 'email'),
	pg_temp.agree('ann', 'email', 'ann@example.org', 'email'),
	pg_temp.agree('ann', 'phone', '+49301234567', 'sms'),
	pg_temp.agree('ann', 'phone', '+49301234567', 'ads'),
	pg_temp.agree('bob', 'email', 'bob@example.com', 'email'),
	pg_temp.agree('cid', 'email', 'cid@example.com', 'email') \g /dev/null
CALL cdp.merge();
SELECT cdp.define_segment('quiet', 'suppressed(''email'')') \g /dev/null
SELECT cdp.define_segment('loud', 'not in_segment(''quiet'')') \g /dev/null
SELECT cdp.refresh_segments('{quiet,loud}') \g /dev/null

-- what is true of whom, by every way to ask
CREATE FUNCTION pg_temp.who(predicate text, as_of timestamptz DEFAULT cdp.clock()) RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(string_agg(map.value, ' ' ORDER BY map.value), 'nobody')
	FROM (SELECT profile_id, value FROM cdp.profile_identifier WHERE type = 'user_id') AS map
	WHERE cdp.is_member(map.profile_id, $1::cdp.predicate, $2)
		AND (SELECT matched FROM cdp._evaluate_few(ARRAY[$1]::cdp.predicate[], $2,
				ARRAY[map.profile_id])) = '{1}'
		AND cdp._profile_values(map.profile_id, ARRAY[$1]::cdp.predicate[], $2) = '{true}'
$$;
CREATE FUNCTION pg_temp.show() RETURNS TABLE (channel text, who text, not_who text)
LANGUAGE sql AS $$
	SELECT channel.channel, pg_temp.who(format('suppressed(%L)', channel.channel)),
		pg_temp.who(format('not suppressed(%L)', channel.channel))
	FROM cdp.channel WHERE channel.channel IN ('email', 'sms', 'ads', 'post') ORDER BY 1
$$;
SELECT * FROM pg_temp.show();
-- one of two addresses: she can still be reached; cid has no contact point
SELECT cdp.suppress('email', 'ann@example.com', reason => 'hard_bounce'),
	cdp.suppress('email', 'bob@example.com', 'email'),
	cdp.suppress('email', 'cid@example.com') \g /dev/null
SELECT * FROM pg_temp.show();
-- the other one too, until July; ads still have her phone
SELECT cdp.suppress('email', 'ann@example.org', 'email', until => '2026-07-01 00:00+00') \g /dev/null
SELECT * FROM pg_temp.show();
SELECT pg_temp.who('suppressed(''email'')', '2026-06-30 23:59:59.999+00'),
	pg_temp.who('suppressed(''email'')', '2026-07-01 00:00+00');
-- of two suppressions the longer one counts
SELECT cdp.suppress('email', 'ann@example.org', until => '2026-07-02 00:00+00') \g /dev/null
SELECT pg_temp.who('suppressed(''email'')', '2026-07-01 12:00+00'),
	pg_temp.who('suppressed(''email'')', '2026-07-02 00:00+00'),
	pg_temp.who('suppressed(''ads'')');
SELECT cdp.suppress('phone', '+49301234567') \g /dev/null
SELECT * FROM pg_temp.show();
-- an end beyond four digits of a year is no end
SELECT cdp.suppress('email', 'ann@example.org', 'email', until => '20000-01-01') \g /dev/null
SELECT pg_temp.who('suppressed(''email'')', '9990-01-01');

-- segments, and segments within; a computed trait has it by name
SELECT cdp.refresh_segments('{quiet,loud}');
SELECT segment, value FROM cdp.segment_member JOIN cdp.profile_identifier USING (profile_id)
WHERE segment IN ('quiet', 'loud') AND type = 'user_id' ORDER BY 1, 2;
SELECT cdp.define_computed_trait('mute', 'suppressed(''sms'')');
SELECT name, value FROM cdp.computed_traits_of(cdp.find_profile('email', 'ann@example.com'));
SELECT pg_temp.who('not in_segment(''loud'')'), pg_temp.who('suppressed(''sms'') and in_segment(''quiet'')');
SELECT cdp.segment_size('mute'), cdp.segment_size('mute is null');
SELECT cdp._asks_suppressed(ARRAY['mute']::cdp.predicate[], cdp._evaluation_context()) AS by_name,
	cdp._asks_suppressed(ARRAY['vip']::cdp.predicate[], '{}') AS without;

-- taken back: nobody, with the next ingest at once
SELECT cdp.unsuppress('email', 'bob@example.com', 'email');
SELECT cdp.ingest('shop', '{"type": "track", "event": "order", "messageId": "o", "userId": "bob"}') \g /dev/null
SELECT segment FROM cdp.memberships(cdp.find_profile('email', 'bob@example.com'))
WHERE segment IN ('quiet', 'loud');

-- the scan of all profiles stays parallel; without suppressed() nothing is joined,
-- and without facts no score either
CREATE FUNCTION pg_temp.plan(asks boolean) RETURNS TABLE (is_parallel boolean, looks boolean, scores boolean)
LANGUAGE plpgsql AS $$
DECLARE
	plan text;
BEGIN
	SET LOCAL parallel_setup_cost = 0;
	SET LOCAL parallel_tuple_cost = 0;
	SET LOCAL min_parallel_table_scan_size = 0;
	EXECUTE format('EXPLAIN (FORMAT JSON) SELECT * FROM cdp._evaluate_scan(''{true}'', ''{}'', now(), NULL, %L, %L)',
		asks, asks) INTO plan;
	RETURN QUERY SELECT
		plan ~ '"Parallel Aware": true,[^{}]*"Relation Name": "profile_current"', plan ~ '"Function Name": "_suppressed_channels"',
		plan ~ '"Relation Name": "profile_score"';
END
$$;
SELECT * FROM pg_temp.plan(true);
SELECT * FROM pg_temp.plan(false);

-- always what audiences say: somebody with a contact point is released or
-- suppressed; random suppressions of random contact points
\set seed 11
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
DELETE FROM cdp.suppression;
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, n, n, '2026-01-01', '2026-01-01', n FROM generate_series(1001, 1400) AS n;
INSERT INTO cdp.profile_current (profile_id, ord, kind, as_of)
SELECT n, n, 'known', '2026-01-01' FROM generate_series(1001, 1400) AS n;
INSERT INTO cdp.consent_state (profile_id, at, purpose, channel, state)
SELECT n, '2026-01-01', 'marketing', channel, 'granted'
FROM generate_series(1001, 1400) AS n, unnest('{email,sms,ads}'::text[]) AS channel;
INSERT INTO cdp.contact_point (profile_id, identifier_id, rank, type, value, key_hash)
SELECT n, n * 10 + rank, rank, type, type || n || '-' || rank,
	sha256((type || n || '-' || rank)::bytea)
FROM generate_series(1001, 1400) AS n, unnest('{email,phone}'::text[]) AS type,
	generate_series(1, floor(random() * 4 + 0 * n)::integer) AS rank;
INSERT INTO cdp.suppression (key_hash, channel, type, reason, until)
SELECT key_hash, channel, type, 'test',
	CASE WHEN random() < 0.5 THEN cdp.clock() + (random() * 20 - 10)::integer * interval '1 day' END
FROM cdp.contact_point, unnest('{"",email,sms,ads}'::text[]) AS channel
WHERE profile_id > 1000 AND random() < 0.3;
SELECT cdp.define_segment('all', 'true') \g /dev/null
SELECT cdp.refresh_segments('{all}') \g /dev/null
SELECT cdp.add_audience(channel, 'all', 'marketing', channel)
FROM unnest('{email,sms,ads}'::text[]) AS channel \g /dev/null
SELECT channel, count(*) > 100 AS enough, count(*) FILTER (WHERE is_suppressed) > 20 AS some,
	count(*) FILTER (WHERE is_suppressed = is_released) AS wrong
FROM cdp.channel CROSS JOIN LATERAL (
	SELECT point.profile_id,
		coalesce(evaluated.matched = '{1}', false) AS is_suppressed,
		EXISTS (SELECT FROM cdp.audience_member AS member
			WHERE member.audience = channel.channel AND member.profile_id = point.profile_id) AS is_released
	FROM (SELECT DISTINCT profile_id FROM cdp.contact_point
			WHERE type = ANY (channel.identifier_types) AND profile_id > 1000) AS point
		JOIN cdp._evaluate_all(ARRAY[format('suppressed(%L)', channel.channel)]::cdp.predicate[],
			cdp.clock()) AS evaluated USING (profile_id)) AS each
WHERE channel IN ('email', 'sms', 'ads')
GROUP BY channel ORDER BY channel;
