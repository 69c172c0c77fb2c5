-- Identifiers with a time to live: released and shown a microsecond before it is
-- over, and no more then; as before once they were seen again.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
\set digest :abs_srcdir '/test/data/digest.sql'
\set ECHO none
\i :digest
\set ECHO all
UPDATE cdp.identifier_type SET time_to_live = '30 days' WHERE type IN ('email', 'phone', 'device_id');
SELECT cdp.add_source('web'), cdp.add_source('dmp', 'third_party') \g /dev/null
SELECT cdp.define_segment('all', 'did(any)') \g /dev/null
SELECT cdp.add_audience('mail', 'all', 'marketing', 'email'), cdp.add_audience('app', 'all', 'marketing', 'push') \g /dev/null

-- Ann gave two addresses, the newer of which is used, and has a device; a partner
-- knows her, too
SET cdp.test_clock = '2026-06-01 10:00:00.5+00';
SELECT cdp.ingest('web', '{"type": "identify", "userId": "ann", "messageId": "1", "timestamp": "2026-05-20T10:00:00Z", "traits": {"email": "old@example.com"}}') AS ann \gset
SELECT cdp.ingest('web', '{"type": "track", "event": "app opened", "userId": "ann", "messageId": "2", "timestamp": "2026-06-01T10:00:00.5Z",
	"context": {"traits": {"email": "ann@example.com"}, "device": {"advertisingId": "11111111-2222-3333-4444-555555555555"}},
	"consent": [{"purpose": "marketing", "channel": "email", "state": "granted"}, {"purpose": "marketing", "channel": "push", "state": "granted"}]}') = :ann AS same;
SELECT count(*) FROM cdp.ingest_batch('dmp', '[{"type": "identify", "userId": "ann", "messageId": "3", "timestamp": "2026-06-01T10:00:00.5Z",
	"externalIds": [{"type": "third_party_id", "id": "p-9"}]}]');
SET cdp.test_clock = '2026-06-01 10:00:01+00';
CALL cdp.merge();
CREATE FUNCTION pg_temp.seen(ann bigint) RETURNS TABLE (place text, shown text)
LANGUAGE sql AS $$
	SELECT 'profile_identifier', string_agg(i.value, ' ' ORDER BY i.value) FROM cdp.profile_identifier AS i WHERE i.profile_id = $1
	UNION ALL SELECT 'identifiers', (SELECT string_agg(v, ' ' ORDER BY v) FROM jsonb_each(u.identifiers) AS t, jsonb_array_elements_text(t.value) AS v) FROM cdp.unified_profile AS u WHERE u.profile_id = $1
	UNION ALL SELECT 'email', u.email FROM cdp.unified_profile AS u WHERE u.profile_id = $1
	UNION ALL SELECT 'profile()', p.email FROM cdp.profile('user_id', 'ann') AS p WHERE p.identifiers = (SELECT identifiers FROM cdp.unified_profile AS u WHERE u.profile_id = $1)
	UNION ALL SELECT 'crm_contact', concat_ws(' ', c.email, c.permissions) FROM cdp.crm_contact AS c WHERE c.profile_id = $1
	UNION ALL SELECT 'audience ' || a.name, (SELECT string_agg(m.identifier, ' ') FROM cdp.audience_member AS m WHERE m.audience = a.name AND m.profile_id = $1) FROM cdp.audience AS a
	UNION ALL SELECT 'why not ' || a.name, cdp.why_not($1, a.name) FROM cdp.audience AS a
$$;
SET cdp.test_clock = '2026-07-01 10:00:00.499999+00';
SELECT * FROM pg_temp.seen(:ann);
SELECT step, members, lost FROM cdp.audience_funnel('mail');
SET cdp.test_clock = '2026-07-01 10:00:00.5+00';
SELECT * FROM pg_temp.seen(:ann);
SELECT step, members, lost, reason FROM cdp.audience_funnel('mail');
SET timezone = 'America/New_York';
SET cdp.test_clock = '2026-07-01 10:00:00.499999+00';
SELECT count(*) FROM cdp.audience_member;
SET timezone = 'UTC';

-- who is suppressed has other addresses than that which is over
SET cdp.test_clock = '2026-06-10 00:00:00+00';
SELECT cdp.suppress('email', 'old@example.com', 'email');
SELECT audience, identifier FROM cdp.audience_member WHERE identifier_type = 'email';
SELECT cdp.unsuppress('email', 'old@example.com', 'email') AS lifted, cdp.suppress('email', 'ann@example.com', 'email');
SELECT audience, identifier FROM cdp.audience_member WHERE identifier_type = 'email';
SELECT cdp.is_member(:ann, 'suppressed(''email'')') AS suppressed;
SET cdp.test_clock = '2026-06-19 10:00:00+00';
SELECT audience, identifier FROM cdp.audience_member WHERE identifier_type = 'email';
SELECT cdp.is_member(:ann, 'suppressed(''email'')') AS suppressed;
SELECT cdp.unsuppress('email', 'ann@example.com', 'email') AS lifted;

-- what is seen again lasts longer from the next merge run on, also if that comes
-- only when it was over
SET cdp.test_clock = '2026-06-20 10:00:00+00';
SELECT cdp.ingest('web', '{"type": "track", "event": "app opened", "userId": "ann", "messageId": "4", "timestamp": "2026-06-20T10:00:00Z",
	"context": {"traits": {"email": "ann@example.com"}, "device": {"advertisingId": "11111111-2222-3333-4444-555555555555"}}}') = :ann AS same;
CALL cdp.merge();
SET cdp.test_clock = '2026-07-20 09:59:59.999999+00';
SELECT * FROM pg_temp.seen(:ann);
SET cdp.test_clock = '2026-07-20 10:00:00+00';
SELECT * FROM pg_temp.seen(:ann);

-- the merge run takes it out of the row: the address is a profile of its own, which
-- nobody knows, until it comes again
CALL cdp.merge();
SELECT identifiers, identifiers_until FROM cdp.profile_current WHERE profile_id = :ann;
SELECT kind, identifiers, email FROM cdp.unified_profile WHERE profile_id <> :ann;
SELECT count(*) AS contact_points FROM cdp.contact_point;
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.canonical_digest();
CALL cdp.rebuild();
SELECT now.name FROM pg_temp.canonical_digest() AS now
	LEFT JOIN before ON before = now WHERE before IS NULL;
SET cdp.test_clock = '2026-08-30 10:00:00.5+00';
SELECT identifiers FROM cdp.unified_profile WHERE profile_id = :ann;
CALL cdp.merge();
SELECT identifiers, identifiers_until FROM cdp.profile_current WHERE profile_id = :ann;
SELECT cdp.ingest('web', '{"type": "track", "event": "app opened", "userId": "ann", "messageId": "5", "timestamp": "2026-08-30T10:00:00Z",
	"context": {"traits": {"email": "ann@example.com"}, "device": {"advertisingId": "11111111-2222-3333-4444-555555555555"}}}') = :ann AS same;
CALL cdp.merge();
SELECT * FROM pg_temp.seen(:ann);
SELECT cdp.resolve(:ann) = :ann AS lives, count(*) AS profiles FROM cdp.unified_profile;

-- an address that only a trait tells stands in for as long; one that is pinned, for
-- good
SELECT cdp.ingest('web', '{"type": "identify", "userId": "bob", "messageId": "6", "timestamp": "2026-08-01T10:00:00Z", "traits": {"email": "bob@example.com"}}') AS bob \gset
CALL cdp.merge();
SET cdp.test_clock = '2026-08-31 09:59:59.999999+00';
SELECT (cdp.profile('user_id', 'bob')).email, (SELECT email FROM cdp.unified_profile WHERE profile_id = :bob) AS viewed;
SET cdp.test_clock = '2026-08-31 10:00:00+00';
SELECT (cdp.profile('user_id', 'bob')).email, (SELECT email FROM cdp.unified_profile WHERE profile_id = :bob) AS viewed;
CALL cdp.merge();
SELECT (cdp.profile('user_id', 'bob')).email, (SELECT email FROM cdp.unified_profile WHERE profile_id = :bob) AS viewed;
SELECT cdp.pin_trait(:bob, 'email', '"bob@example.com"', 'he says so');
SET cdp.test_clock = '2026-12-31 10:00:00+00';
SELECT (cdp.profile('user_id', 'bob')).email, (SELECT email FROM cdp.unified_profile WHERE profile_id = :bob) AS viewed;

-- another time to live holds for everybody from the next merge run on
UPDATE cdp.identifier_type SET time_to_live = NULL WHERE type IN ('email', 'device_id');
CALL cdp.merge();
SELECT * FROM pg_temp.seen(:ann);

-- random people, addresses and times, against what was said of each, as time goes by
\set seed 0.73
SELECT setseed(:seed) AS "seed 0.73";
SET cdp.test_clock = '2027-01-01 00:00:00+00';
UPDATE cdp.identifier_type SET time_to_live = '1 month' WHERE type = 'email';
CREATE TEMP TABLE said AS
SELECT n, (random() * 29)::integer AS person, (random() * 2)::integer AS address,
	timestamptz '2026-11-25' + make_interval(secs => (random() * 37 * 86400)::integer) AS at
FROM generate_series(1, 400) AS n;
SELECT outcome, count(*) FROM cdp.ingest_batch('web', (SELECT jsonb_agg(jsonb_build_object('type', 'track', 'event', 'visit', 'messageId', 'r' || n,
	'userId', 'r' || person, 'timestamp', at, 'context', jsonb_build_object('traits', jsonb_build_object('email', format('r%s-%s@example.com', person, address))),
	'consent', jsonb_build_object('purpose', 'marketing', 'channel', 'email', 'state', 'granted', 'at', timestamptz '2026-11-25')) ORDER BY random()) FROM said)) GROUP BY 1;
CALL cdp.merge();
-- as the store is, addresses are shown that were seen last within a month of the clock
CREATE FUNCTION pg_temp.differ() RETURNS TABLE (addresses bigint, in_rows bigint, released bigint, wrong bigint)
LANGUAGE sql AS $$
	WITH kept AS (
		SELECT 'r' || person AS who, format('r%s-%s@example.com', person, address) AS email
		FROM said GROUP BY 1, 2
		HAVING (max(at) AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC' > cdp.clock()
	), shown AS (
		SELECT identifiers -> 'user_id' ->> 0 AS who, listed.value AS email
		FROM cdp.unified_profile, jsonb_array_elements_text(identifiers -> 'email') AS listed
		WHERE identifiers #>> '{user_id,0}' LIKE 'r%'
	), released AS (
		SELECT identifiers -> 'user_id' ->> 0 AS who, identifier AS email
		FROM cdp.audience_member JOIN cdp.unified_profile USING (profile_id)
		WHERE audience = 'mail' AND identifiers #>> '{user_id,0}' LIKE 'r%'
	)
	SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM shown), (SELECT count(*) FROM released),
		(SELECT count(*) FROM (TABLE kept EXCEPT TABLE shown) AS a) + (SELECT count(*) FROM (TABLE shown EXCEPT TABLE kept) AS b)
		+ (SELECT count(*) FROM (TABLE released EXCEPT TABLE kept) AS c)
		+ abs((SELECT count(DISTINCT who) FROM kept) - (SELECT count(*) FROM released))
$$;
SELECT command FROM generate_series(timestamptz '2027-01-01', '2027-02-02', '4 days') AS clock (at),
	LATERAL (VALUES (format('SET cdp.test_clock = %L', clock.at)), ('SELECT * FROM pg_temp.differ()')) AS run (command) \gexec
