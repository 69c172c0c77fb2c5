-- Whom audiences list, against a plain oracle: a loop over every profile,
-- audience and contact point of a random store.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\set seed 17
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
SELECT cdp._consent_starter() \g /dev/null
UPDATE cdp.purpose SET time_to_live = '20 days' WHERE purpose = 'analytics';
SELECT cdp.add_source('web') \g /dev/null
SELECT cdp.define_segment('all', 'kind <> ''third_party'''), cdp.define_segment('some', 'city = ''Ulm''') \g /dev/null
SELECT count(cdp.add_audience(segment || '_' || purpose || '_' || channel, segment, purpose, channel)) AS audiences
FROM unnest(ARRAY['all', 'some']) AS segment, unnest(ARRAY['marketing', 'analytics']) AS purpose, cdp.channel;
UPDATE cdp.audience SET active = false WHERE name = 'some_marketing_sms';

-- people of up to four addresses and numbers, some of them merged, answers, and
-- suppressions that hold, have ended, or are of one channel
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', 'identify', 'messageId', n, 'userId', 'u' || (n % 150),
	'timestamp', timestamptz '2026-05-01' + n * interval '1 hour',
	'traits', jsonb_build_object('email', 'p' || n % 150 || '-' || floor(random() * 4) || '@example.com',
		'city', CASE WHEN n % 3 = 0 THEN 'Ulm' ELSE 'Bonn' END),
	'externalIds', CASE WHEN random() < 0.6 THEN jsonb_build_array(jsonb_build_object('type', 'phone',
		'id', '+49170' || 1000000 + (n % 150) * 10 + floor(random() * 3))) ELSE '[]' END,
	'anonymousId', 'c' || floor(random() * 200) || '-' || n % 150,
	'consent', (SELECT jsonb_agg(jsonb_build_object('purpose', purpose, 'channel', channel.channel,
			'state', CASE WHEN random() < 0.7 THEN 'granted' ELSE 'denied' END))
		FROM unnest(ARRAY['marketing', 'analytics']) AS purpose, cdp.channel WHERE n > 0 AND random() < 0.5))::text
FROM generate_series(1, 500) AS n;
CALL cdp.merge();
SELECT count(cdp.decide('user_id:u' || n, 'user_id:u' || n + 40, 'always', 'one person')) AS decided FROM generate_series(1, 20) AS n;
CALL cdp.merge();
INSERT INTO cdp.suppression (key_hash, channel, type, reason, until)
SELECT key_hash, coalesce(nullif(channel, 'any'), ''), type, 'bounce',
	CASE floor(random() * 3) WHEN 0 THEN cdp.clock() WHEN 1 THEN cdp.clock() + interval '1 day' END
FROM (SELECT DISTINCT key_hash, type FROM cdp.contact_point) AS point
	CROSS JOIN unnest(ARRAY['any', 'email', 'sms', 'ads']) AS channel
WHERE random() < 0.15;
SELECT max(rank) > 2 AS many, count(*) > 300 AS points FROM cdp.contact_point;

CREATE FUNCTION pg_temp.plainly() RETURNS TABLE (audience text, profile_id bigint, identifier text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	sent record;
	member record;
	point record;
BEGIN
	FOR sent IN SELECT audience.name, segment.name AS segment, purpose, channel, identifier_types, one_per_member
		FROM cdp.audience JOIN cdp.channel USING (channel) JOIN cdp.segment_definition AS segment USING (segment_id)
		WHERE audience.active
	LOOP
		FOR member IN SELECT profile_id FROM cdp.segment_member WHERE segment = sent.segment LOOP
			CONTINUE WHEN cdp.consent(member.profile_id, sent.purpose, sent.channel) <> 'granted';
			IF sent.identifier_types = '{}' THEN
				RETURN QUERY VALUES (sent.name::text, member.profile_id, NULL::text);
			END IF;
			FOR point IN SELECT * FROM cdp.contact_point
				WHERE profile_id = member.profile_id AND type = ANY (sent.identifier_types) ORDER BY type, rank
			LOOP
				CONTINUE WHEN (SELECT bool_or(coalesce(until, 'infinity') > cdp.clock()) FROM cdp.suppression
					WHERE key_hash = point.key_hash AND channel IN ('', sent.channel));
				RETURN QUERY VALUES (sent.name::text, member.profile_id, point.value::text);
				EXIT WHEN sent.one_per_member;
			END LOOP;
		END LOOP;
	END LOOP;
END
$$;
CREATE TEMP TABLE plain AS SELECT * FROM pg_temp.plainly();
CREATE TEMP VIEW listed AS SELECT audience, profile_id, identifier FROM cdp.audience_member;
SELECT count(DISTINCT audience) AS audiences, count(*) > 1000 AS many FROM plain;
-- those that are not the best address, but the best that is left
SELECT count(*) > 20 AS next_best FROM listed JOIN cdp.contact_point AS point USING (profile_id)
WHERE point.value = identifier AND point.rank > 1 AND audience ~ '_(email|sms|phone)$';
TABLE plain EXCEPT ALL TABLE listed;
TABLE listed EXCEPT ALL TABLE plain;
-- one profile at a time, which is planned otherwise
SELECT count(*) AS profiles_otherwise
FROM cdp.profile CROSS JOIN LATERAL (
	SELECT jsonb_agg(jsonb_build_array(audience, identifier) ORDER BY audience, identifier) AS found
	FROM (SELECT * FROM listed WHERE listed.profile_id = profile.profile_id OFFSET 0) AS own) AS one
WHERE found IS DISTINCT FROM (SELECT jsonb_agg(jsonb_build_array(audience, identifier) ORDER BY audience, identifier)
	FROM plain WHERE plain.profile_id = profile.profile_id);
