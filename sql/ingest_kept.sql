-- What a session keeps of settings and sources, where others use it meanwhile.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET client_min_messages = warning;
SELECT cdp.add_source('web') \g /dev/null

-- a user's trigger that ingests, and makes the session read all of it anew
CREATE FUNCTION pg_temp.echo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() < 2 THEN
		FOR n IN 1 .. 2 LOOP
			UPDATE cdp.source SET priority = priority + 1 WHERE name = 'web';
			PERFORM cdp.ingest('web', jsonb_build_object('type', 'track', 'event', format('echo %s of %s', n, NEW.name),
				'userId', 'e1', 'messageId', format('%s-%s', NEW.event_id, n)));
		END LOOP;
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER echo AFTER INSERT ON cdp.event FOR EACH ROW EXECUTE FUNCTION pg_temp.echo();
SELECT cdp.ingest('web', '{"type": "track", "event": "a", "userId": "u1", "traits": {"city": "Bonn"}, "messageId": "a"}') > 0 AS stored;
SELECT cdp.ingest('web', '{"type": "track", "event": "b", "userId": "u1", "traits": {"city": "Ulm"}, "messageId": "b"}') > 0 AS stored;
SELECT count(*) AS events, count(DISTINCT name) AS names FROM cdp.event;
SELECT identifiers, traits FROM cdp.unified_profile ORDER BY profile_id;
DROP TRIGGER echo ON cdp.event;

-- a change that was read before its statement failed is not kept
UPDATE cdp.setting SET value = NULL WHERE name = 'default_region';
SET client_min_messages = error;
SELECT cdp.ingest('web', '{"type": "track", "event": "call", "userId": "u1"}') > 0 AS stored;
WITH changed AS (
	UPDATE cdp.setting SET value = 'DE' WHERE name = 'default_region' RETURNING 1
)
SELECT 1 / (cdp.ingest('web', '{"type": "track", "event": "call", "userId": "u2",
	"externalIds": [{"type": "phone", "id": "030 200301"}]}') * 0) FROM changed;
SELECT cdp.ingest('web', '{"type": "track", "event": "call", "userId": "u3",
	"externalIds": [{"type": "phone", "id": "030 200302"}]}') > 0 AS stored;
SELECT type, value FROM cdp.profile_identifier WHERE value ~ 'u3|200302';
