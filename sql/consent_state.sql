-- Consent: the log is the truth, the state is derived.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SELECT cdp._consent_starter() \g /dev/null
SELECT purpose, legal_basis, double_opt_in, time_to_live FROM cdp.purpose ORDER BY purpose;
SELECT channel, identifier_types, one_per_member FROM cdp.channel ORDER BY channel;
SELECT cdp.add_source('web') AS web \gset

SELECT cdp.add_consent_document('newsletter-3', 'marketing', '3', 'Yes.') IS NOT NULL AS kept;
-- people are made by records; the consent rides on one
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "a1", "userId": "ann",
	"traits": {"email": "ann@example.com"}}') AS ann \gset
SELECT cdp.consent(:ann, 'marketing', 'email');
SELECT cdp.record_consent('email', 'Ann@Example.com', 'marketing', 'email', 'requested', '2026-05-01');
SELECT cdp.consent(:ann, 'marketing', 'email');
SELECT cdp.record_consent('email', 'ann@example.com', 'marketing', 'email', 'granted', '2026-05-02',
	document => 'newsletter-3', evidence => '{"form": "footer"}');
SELECT cdp.consent(:ann, 'marketing', 'email'), cdp.consent(:ann, 'marketing', 'sms'),
	cdp.consent(:ann, 'analytics', 'web');

-- an answer that arrives late is older all the same
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'email', 'denied', '2026-04-30');
SELECT cdp.consent(:ann, 'marketing', 'email');
-- as of any past instant, to the microsecond
SELECT at, cdp.consent(:ann, 'marketing', 'email', at)
FROM unnest(ARRAY['2026-04-29', '2026-04-30', '2026-05-01', '2026-05-01 23:59:59.999999', '2026-05-02']::timestamptz[]) AS at;
-- nobody answers in the future: within future_tolerance it counts from when it
-- was recorded, beyond it is refused, as in records
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'sms', 'granted', cdp.clock() + interval '1 day 1 microsecond');
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'sms', 'granted', at => 'infinity');
-- nor since ever
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'sms', 'granted', at => '-infinity');
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'sms', 'granted', at => '1969-12-31 23:59:59.999999+00');
SELECT cdp.consent(:ann, 'marketing', 'sms');
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'email', 'withdrawn', cdp.clock() + interval '1 day');
SELECT cdp.consent(:ann, 'marketing', 'email'), (SELECT max(at) FROM cdp.consent_log);
SELECT state, at, recorded_at, basis, document, evidence, actor = session_user AS own
FROM cdp.consent_log ORDER BY consent_id;

-- expiry: at t + ttl minus one microsecond, and at it
SELECT cdp.record_consent('user_id', 'ann', 'ads_personalisation', 'ads', 'granted', '2025-05-31 10:00+00');
SET cdp.test_clock = '2026-06-30 09:59:59.999999+00';
SELECT cdp.consent(:ann, 'ads_personalisation', 'ads');
SET cdp.test_clock = '2026-06-30 10:00:00+00';
SELECT cdp.consent(:ann, 'ads_personalisation', 'ads');
-- an expired grant is expired: neither an older denial nor an older grant is back
SELECT cdp.record_consent('user_id', 'ann', 'ads_personalisation', 'ads', 'denied', '2025-05-30');
SELECT cdp.consent(:ann, 'ads_personalisation', 'ads');
-- whatever the session's time zone
SET timezone = 'America/New_York';
SELECT expires_at AT TIME ZONE 'UTC' AS expires_at_utc FROM cdp.consent_state WHERE purpose = 'ads_personalisation';
RESET timezone;
SET cdp.test_clock = '2026-06-01 12:00:00+00';

-- a merge keeps the denial of either side, though it is older
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "b1", "anonymousId": "c-1"}') AS cookie \gset
SELECT cdp.record_consent('anonymous_id', 'c-1', 'analytics', 'web', 'denied', '2026-05-01');
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "b2", "userId": "bob"}') AS bob \gset
SELECT cdp.record_consent('user_id', 'bob', 'analytics', 'web', 'granted', '2026-05-20');
SELECT cdp.consent(:cookie, 'analytics', 'web'), cdp.consent(:bob, 'analytics', 'web');
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "b3", "userId": "bob", "anonymousId": "c-1"}') IN (:bob, :cookie) AS merged;
SELECT cdp.consent(:cookie, 'analytics', 'web'), cdp.consent(:bob, 'analytics', 'web');
-- until the person speaks again, for all that is theirs
SELECT cdp.record_consent('user_id', 'bob', 'analytics', 'web', 'granted', '2026-05-30');
SELECT cdp.consent(:cookie, 'analytics', 'web'), cdp.consent(:bob, 'analytics', 'web');

-- what is refused
SELECT cdp.record_consent('user_id', 'ann', 'spam', 'email', 'granted');
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'pigeon', 'granted');
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'email', 'yes');
SELECT cdp.record_consent('user_id', 'nobody', 'marketing', 'email', 'granted');
SELECT cdp.record_consent('badge', 'ann', 'marketing', 'email', 'granted');
SELECT cdp.record_consent('email', 'a@@b', 'marketing', 'email', 'granted');
SELECT cdp.consent(:ann, 'spam', 'email');
SELECT cdp.consent(:ann, 'marketing', NULL);
SELECT * FROM cdp._record_consents(ARRAY[1, 1, 1, NULL, 1], ARRAY[:web, :web, :web, :web, NULL],
	ARRAY['marketing', 'spam', 'marketing', 'marketing', 'marketing'],
	ARRAY['email', 'email', 'pigeon', 'email', 'sms'],
	ARRAY['granted', 'granted', 'granted', 'granted', NULL],
	array_fill('2026-01-01'::timestamptz, ARRAY[5]));

-- the log is append-only
UPDATE cdp.consent_log SET state = 'granted';
DELETE FROM cdp.consent_log;
TRUNCATE cdp.consent_log;

-- no state of a profile that is not live, and deriving anew changes nothing
CREATE TEMP TABLE before AS SELECT * FROM cdp.consent_state;
DELETE FROM cdp.consent_state;
SELECT cdp._refresh_consents(array_agg(profile_id)) FROM cdp.profile;
(TABLE before EXCEPT TABLE cdp.consent_state) UNION ALL (TABLE cdp.consent_state EXCEPT TABLE before);
SELECT count(*) FROM cdp.consent_state JOIN cdp.profile USING (profile_id) WHERE root <> profile_id;
