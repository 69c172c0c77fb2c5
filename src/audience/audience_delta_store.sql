-- What destinations were told; delta.sql tells how.
CREATE TABLE cdp.audience_progress (
	audience_id integer PRIMARY KEY REFERENCES cdp.audience ON DELETE CASCADE,
	last_delta bigint NOT NULL DEFAULT 0,
	acknowledged bigint NOT NULL DEFAULT 0,
	acknowledged_at timestamptz,
	CHECK (acknowledged <= last_delta)
);
COMMENT ON TABLE cdp.audience_progress IS
'how far the destination of each audience has followed its deltas';
COMMENT ON COLUMN cdp.audience_progress.last_delta IS
'the number of the last delta that was given out; 0: none yet';

CREATE TABLE cdp.audience_sent (
	audience_id integer NOT NULL,
	profile_id bigint NOT NULL,
	added bigint NOT NULL,
	removed bigint,
	identifier_type text COLLATE "C" NOT NULL,
	key text COLLATE "C" NOT NULL,
	PRIMARY KEY (audience_id, key, identifier_type)
);
CREATE INDEX audience_sent_profile_idx ON cdp.audience_sent (profile_id);
COMMENT ON TABLE cdp.audience_sent IS
'the keys that destinations hold, or may hold, as they were sent: of platforms hashed; kept until their removal is acknowledged, whatever became of the profile';
COMMENT ON COLUMN cdp.audience_sent.added IS
'the delta that told of the key and its profile';
COMMENT ON COLUMN cdp.audience_sent.removed IS
'the delta that told that the key must go; NULL: it may stay';

CREATE TABLE cdp.release_log (
	release_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT cdp.clock(),
	run_id bigint,
	delta bigint NOT NULL,
	added bigint NOT NULL,
	removed bigint NOT NULL,
	event text COLLATE "C" NOT NULL CHECK (event IN ('released', 'acknowledged')),
	audience text COLLATE "C" NOT NULL,
	segment text COLLATE "C" NOT NULL,
	destination text COLLATE "C",
	purpose text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	content_hash bytea,
	actor text NOT NULL DEFAULT cdp._actor()
);
CREATE INDEX release_log_audience_idx ON cdp.release_log (audience, release_id);
COMMENT ON TABLE cdp.release_log IS
'append-only: what was released to which destination, for what, by whom and when, and what was acknowledged';
COMMENT ON COLUMN cdp.release_log.run_id IS
'the merge run that last refreshed segments; NULL: it was none';
COMMENT ON COLUMN cdp.release_log.delta IS
'the last delta of the release, or the one that was acknowledged';
COMMENT ON COLUMN cdp.release_log.content_hash IS
'keyed hash of the rows that were released: tells whether a file is the release';

CREATE TRIGGER refuse_change
BEFORE UPDATE OR DELETE OR TRUNCATE ON cdp.release_log
FOR EACH STATEMENT EXECUTE FUNCTION cdp._refuse_change();

-- Who holds keys must be told of their removal.
CREATE TRIGGER keep_destination BEFORE UPDATE OF destination ON cdp.audience
	FOR EACH ROW WHEN (OLD.destination IS DISTINCT FROM NEW.destination)
	EXECUTE FUNCTION cdp._keep_destination();
CREATE TRIGGER keep_audience BEFORE DELETE ON cdp.audience
	FOR EACH ROW EXECUTE FUNCTION cdp._keep_destination();
CREATE TRIGGER check_platform BEFORE INSERT OR UPDATE OF options ON cdp.destination
	FOR EACH ROW EXECUTE FUNCTION cdp._check_platform();

CREATE FUNCTION cdp.audience_delta(audience text, since bigint DEFAULT NULL)
RETURNS TABLE (delta bigint, change text, profile_id bigint, identifier_type text, key text)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT delta, change, profile_id, identifier_type, key
	FROM cdp._audience_delta($1, $2)
$$;
REVOKE ALL ON FUNCTION cdp.audience_delta(text, bigint) FROM PUBLIC;
COMMENT ON FUNCTION cdp.audience_delta(text, bigint) IS
'what the destination of an audience must add and remove to hold the members of now, since what it acknowledged or a later delta; an add of a key that it holds is about its profile';

CREATE FUNCTION cdp.audience_ack(audience text, upto bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._audience_ack($1, $2);
END
$$;
REVOKE ALL ON FUNCTION cdp.audience_ack(text, bigint) FROM PUBLIC;
COMMENT ON FUNCTION cdp.audience_ack(text, bigint) IS
'the destination of an audience has done all deltas up to that one: they are not told again';
