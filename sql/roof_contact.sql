-- Who may be reached by which address follows what says so: types of a channel,
-- blocked values, a restriction that is lifted.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SELECT cdp.add_source('web') \g /dev/null
SELECT cdp.define_segment('all', 'did(any)') \g /dev/null
SELECT cdp.add_audience('news', 'all', 'marketing', 'email') \g /dev/null
SELECT cdp.ingest('web', format('{"type": "track", "event": "visit", "userId": "%s", "messageId": "%1$s", "timestamp": "2026-06-01T10:00:00Z",
	"context": {"traits": {"email": "%1$s@example.com"}}, "consent": {"purpose": "marketing", "channel": "email", "state": "granted"}}', who)::jsonb) IS NOT NULL AS known
FROM unnest('{ann,bob,eve}'::text[]) AS who;
CALL cdp.merge();
CREATE FUNCTION pg_temp.released() RETURNS TABLE (released text)
LANGUAGE sql AS $$ SELECT string_agg(identifier_type || ' ' || identifier, ', ' ORDER BY identifier_type, identifier) FROM cdp.audience_member $$;
SELECT * FROM pg_temp.released();

-- a platform that knows customers by the own ids wants them of those, too, who had
-- agreed before; at the next merge run, and at once no more
UPDATE cdp.channel SET identifier_types = '{email,user_id}' WHERE channel = 'email';
CALL cdp.merge();
SELECT * FROM pg_temp.released();
UPDATE cdp.channel SET identifier_types = '{email}' WHERE channel = 'email';
SELECT * FROM pg_temp.released();
CALL cdp.merge();
SELECT type, count(*) FROM cdp.contact_point GROUP BY 1;

-- an address that is blocked is released no more from that moment on
SELECT cdp.block_value('email', 'Ann@example.com', 'of a robot');
SELECT * FROM pg_temp.released();
SELECT cdp.block_value(NULL, reason => 'all robots', pattern => '^bob@');
SELECT * FROM pg_temp.released();
CALL cdp.merge();
SELECT * FROM pg_temp.released();

-- who is restricted is nobody's member, and is again as soon as that is lifted
SELECT cdp.restrict_subject(cdp.find_profile('user_id', 'eve'), 'she doubts it') > 0 AS restricted;
SELECT * FROM pg_temp.released();
SELECT count(*) FROM cdp.segment_member WHERE profile_id = cdp.find_profile('user_id', 'eve');
SELECT cdp.unrestrict_subject(cdp.find_profile('user_id', 'eve'), 'it is right') > 0 AS lifted;
SELECT segment FROM cdp.segment_member WHERE profile_id = cdp.find_profile('user_id', 'eve');
SELECT * FROM pg_temp.released();
