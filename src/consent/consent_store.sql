-- The ways to reach somebody, and the identifiers that each of them needs.
CREATE TABLE cdp.channel (
	channel text COLLATE "C" PRIMARY KEY CHECK (channel ~ '^[a-z][a-z0-9_]{0,62}$'),
	identifier_types text[] NOT NULL DEFAULT '{}',
	one_per_member boolean NOT NULL DEFAULT true,
	description text NOT NULL
);
COMMENT ON TABLE cdp.channel IS
'the ways by which somebody is reached';
COMMENT ON COLUMN cdp.channel.identifier_types IS
'identifiers that the channel needs; none: it needs no identifier';
COMMENT ON COLUMN cdp.channel.one_per_member IS
'audiences list one identifier of a member, the best; otherwise all of them';
SELECT cdp._watch_table('cdp.channel');

INSERT INTO cdp.channel (channel, identifier_types, one_per_member, description) VALUES
	('email', '{email}', true, 'e-mail'),
	('sms', '{phone}', true, 'text message'),
	('phone', '{phone}', true, 'telephone call'),
	('push', '{device_id}', false, 'notification of an app'),
	('web', '{anonymous_id}', false, 'the owner''s own pages'),
	('ads', '{email,phone}', false, 'advertisements on other pages'),
	('post', '{}', true, 'letter');

CREATE TABLE cdp.purpose (
	purpose text COLLATE "C" PRIMARY KEY CHECK (purpose ~ '^[a-z][a-z0-9_]{0,62}$'),
	description text NOT NULL,
	legal_basis text NOT NULL DEFAULT 'consent' CHECK (legal_basis IN ('consent',
		'contract', 'legal_obligation', 'vital_interests', 'public_task',
		'legitimate_interests')),
	double_opt_in boolean NOT NULL DEFAULT false,
	time_to_live interval CHECK (time_to_live > '0')
);
COMMENT ON TABLE cdp.purpose IS
'what customer data may be used for; nothing is released for a purpose that is not here';
COMMENT ON COLUMN cdp.purpose.legal_basis IS
'basis of answers that name none (GDPR, article 6)';
COMMENT ON COLUMN cdp.purpose.double_opt_in IS
'a grant counts as a request until there was one: sources record a request first, and the grant when it is confirmed';
COMMENT ON COLUMN cdp.purpose.time_to_live IS
'how long a grant lasts, in UTC; NULL: until it is taken back';
SELECT cdp._watch_table('cdp.purpose');

CREATE TABLE cdp.consent_document (
	document text COLLATE "C" PRIMARY KEY,
	purpose text COLLATE "C" REFERENCES cdp.purpose,
	version text NOT NULL,
	language text,
	text_sha256 bytea CHECK (length(text_sha256) = 32),
	url text,
	created_at timestamptz NOT NULL DEFAULT cdp.clock(),
	actor text NOT NULL DEFAULT cdp._actor()
);
COMMENT ON TABLE cdp.consent_document IS
'append-only: what people saw when they answered; made by cdp.add_consent_document()';
COMMENT ON COLUMN cdp.consent_document.text_sha256 IS
'of the text in UTF-8: tells whether a text is the one that they saw';
CREATE TRIGGER refuse_change
BEFORE UPDATE OR DELETE OR TRUNCATE ON cdp.consent_document
FOR EACH STATEMENT EXECUTE FUNCTION cdp._refuse_change();

-- The truth.
CREATE TABLE cdp.consent_log (
	consent_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	identifier_id bigint NOT NULL,
	at timestamptz NOT NULL,
	recorded_at timestamptz NOT NULL,
	source_id integer,
	purpose text COLLATE "C" NOT NULL REFERENCES cdp.purpose,
	channel text COLLATE "C" NOT NULL REFERENCES cdp.channel,
	state text COLLATE "C" NOT NULL CHECK (state IN
		('requested', 'granted', 'denied', 'withdrawn', 'expired', 'objected')),
	basis text NOT NULL,
	document text,
	evidence jsonb,
	actor text NOT NULL,
	set_id bigint,
	speaks_for bigint[],
	kept_of bigint
);
CREATE INDEX consent_log_identifier_idx
	ON cdp.consent_log (identifier_id, purpose, channel, at);
COMMENT ON TABLE cdp.consent_log IS
'every answer about consent, append-only';
COMMENT ON COLUMN cdp.consent_log.identifier_id IS 'who answered (cdp.identifier)';
COMMENT ON COLUMN cdp.consent_log.at IS 'when the answer was given';
COMMENT ON COLUMN cdp.consent_log.evidence IS
'the proof as it came, such as a TCF string';
COMMENT ON COLUMN cdp.consent_log.actor IS 'who recorded it';
COMMENT ON COLUMN cdp.consent_log.set_id IS
'the identifiers of the record that it rode on; NULL: it came by a call';
COMMENT ON COLUMN cdp.consent_log.speaks_for IS
'identifiers that it speaks for as well while they are of the same profile, one of each that had been merged; of a refusal that is kept: for which it is kept, first';
COMMENT ON COLUMN cdp.consent_log.kept_of IS
'the refusal, of an identifier that stands for nobody any more, that this one keeps for the person that it stood for';

CREATE TRIGGER refuse_change
BEFORE UPDATE OR DELETE OR TRUNCATE ON cdp.consent_log
FOR EACH STATEMENT EXECUTE FUNCTION cdp._refuse_change();

-- Derived; see consent.h.
CREATE TABLE cdp.consent_state (
	profile_id bigint NOT NULL,
	at timestamptz NOT NULL,
	expires_at timestamptz,
	purpose text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	state text COLLATE "C" NOT NULL,
	PRIMARY KEY (profile_id, purpose, channel)
);
-- Who granted a purpose and channel, without reading what others answered.
CREATE INDEX consent_state_granted_idx
	ON cdp.consent_state (purpose, channel, profile_id) INCLUDE (at, expires_at)
	WHERE state = 'granted';
COMMENT ON TABLE cdp.consent_state IS
'what each profile has agreed to, derived from the log; ask cdp.consent()';
COMMENT ON COLUMN cdp.consent_state.expires_at IS
'from then on the state is expired';

CREATE TABLE cdp.contact_point (
	profile_id bigint NOT NULL,
	identifier_id bigint NOT NULL,
	expires_at timestamptz,
	rank integer NOT NULL,
	type text COLLATE "C" NOT NULL,
	value text COLLATE "C" NOT NULL,
	key_hash bytea NOT NULL,
	PRIMARY KEY (profile_id, type, rank)
);
CREATE INDEX contact_point_next_idx ON cdp.contact_point (profile_id, type, rank)
	WHERE rank > 1;
COMMENT ON TABLE cdp.contact_point IS
'identifiers by which profiles that granted anything can be reached, best first; derived';
COMMENT ON COLUMN cdp.contact_point.expires_at IS
'from then on it is none, as its type''s time_to_live says, unless it is seen again; NULL: never';
COMMENT ON COLUMN cdp.contact_point.rank IS '1 is the best of its type';
COMMENT ON COLUMN cdp.contact_point.key_hash IS 'joins with cdp.suppression';

-- What holds of a purpose's answers follows from its row.
CREATE TRIGGER note_rule AFTER UPDATE OF time_to_live, double_opt_in ON cdp.purpose
	FOR EACH ROW WHEN (OLD.time_to_live IS DISTINCT FROM NEW.time_to_live
		OR OLD.double_opt_in <> NEW.double_opt_in)
	EXECUTE FUNCTION cdp._note_purpose();

CREATE TRIGGER drop_blocked AFTER INSERT OR UPDATE ON cdp.blocked_value
	FOR EACH ROW EXECUTE FUNCTION cdp._drop_blocked_points();
CREATE TRIGGER note_types AFTER UPDATE OF identifier_types ON cdp.channel
	FOR EACH ROW WHEN (OLD.identifier_types IS DISTINCT FROM NEW.identifier_types)
	EXECUTE FUNCTION cdp._note_channel();

-- Suppression.
CREATE TABLE cdp.secret_key (
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	key bytea CHECK (length(key) >= 32),
	check_value bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT cdp.clock()
);
INSERT INTO cdp.secret_key (key, check_value)
SELECT key, cdp._key_check_value(key) FROM cdp._random_key() AS key;
REVOKE ALL ON cdp.secret_key FROM PUBLIC;
COMMENT ON TABLE cdp.secret_key IS
'the key of keyed hashes; for the owner only, and to be kept with every backup';
COMMENT ON COLUMN cdp.secret_key.check_value IS
'tells whether the key is the one that the hashes were made with';

CREATE TABLE cdp.suppression (
	key_hash bytea NOT NULL,
	channel text COLLATE "C" NOT NULL DEFAULT '',
	type text NOT NULL,
	reason text NOT NULL,
	until timestamptz,
	created_at timestamptz NOT NULL DEFAULT cdp.clock(),
	actor text NOT NULL DEFAULT cdp._actor(),
	PRIMARY KEY (key_hash, channel)
);
COMMENT ON TABLE cdp.suppression IS
'do not contact: keyed hashes of identifiers; made by cdp.suppress()';
COMMENT ON COLUMN cdp.suppression.channel IS 'empty: every channel';
COMMENT ON COLUMN cdp.suppression.until IS 'NULL: for ever';

-- Where a channel wants one identifier of a member, the best that is neither over
-- nor suppressed: all that come after it.  From second ones on, which are few, and
-- as a relation of its own, so that joins are planned by what they cost: of a
-- subquery in a condition the planner thinks that it runs for every row, beside
-- which no other choice matters.
CREATE VIEW cdp._outranked AS
SELECT point.profile_id, point.type, point.rank, channel.channel
FROM cdp.contact_point AS point
	JOIN cdp.channel ON channel.one_per_member
		AND point.type = ANY (channel.identifier_types)
	JOIN cdp.contact_point AS better ON better.profile_id = point.profile_id
		AND better.type = point.type
		AND better.rank < point.rank
		AND (better.expires_at IS NULL OR better.expires_at > cdp.clock())
WHERE point.rank > 1
	AND NOT EXISTS (
		SELECT FROM cdp.suppression
		WHERE suppression.key_hash = better.key_hash
			AND suppression.channel IN ('', channel.channel)
			AND (suppression.until IS NULL OR suppression.until > cdp.clock()));
COMMENT ON VIEW cdp._outranked IS
'contact points that are not used on a channel, because there is a better one now';

-- A channel is suppressed for a profile while each of its contact points for
-- the channel is: the same that leaves it out of cdp.audience_member.  From the
-- suppressions on, which are few.
CREATE VIEW cdp._suppressed AS
SELECT profile_id, jsonb_object_agg(channel,
	CASE WHEN until < '9999-12-31 00:00+00' THEN to_jsonb(until) ELSE 'true' END) AS channels
FROM (
	SELECT profile_id, channel, min(until) AS until, count(*) AS points
	FROM (
		SELECT point.profile_id, channel.channel, point.type, point.rank,
			max(coalesce(suppression.until, 'infinity')) AS until
		FROM cdp.suppression
			JOIN cdp.contact_point AS point USING (key_hash)
			JOIN cdp.channel ON point.type = ANY (channel.identifier_types)
				AND suppression.channel IN ('', channel.channel)
		WHERE point.expires_at IS NULL OR point.expires_at > cdp.clock()
		GROUP BY 1, 2, 3, 4) AS suppressed_point
	GROUP BY 1, 2) AS suppressed
WHERE points = (
	SELECT count(*)
	FROM cdp.contact_point AS point
		JOIN cdp.channel ON point.type = ANY (channel.identifier_types)
	WHERE point.profile_id = suppressed.profile_id
		AND channel.channel = suppressed.channel
		AND (point.expires_at IS NULL OR point.expires_at > cdp.clock()))
GROUP BY profile_id;
COMMENT ON VIEW cdp._suppressed IS
'channels by which profiles must not be contacted, and until when; true: for good';

-- Doors.
-- Also of who is restricted: what one has agreed to is kept as proof of it.
CREATE FUNCTION cdp.consent(
	profile_id bigint,
	purpose text,
	channel text,
	as_of timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._consent($1, $2, $3, $4);
END
$$;
REVOKE ALL ON FUNCTION cdp.consent(bigint, text, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.consent(bigint, text, text, timestamptz) IS
'what a profile has answered about a purpose and channel, now or as of a past instant: granted, requested, expired, withdrawn, denied, objected or unknown';

CREATE FUNCTION cdp.consent_at(
	profile_id bigint,
	purpose text,
	channel text,
	at timestamptz,
	known_at timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._consent_at($1, $2, $3, $4, $5);
END
$$;
REVOKE ALL ON FUNCTION cdp.consent_at(bigint, text, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.consent_at(bigint, text, text, timestamptz, timestamptz) IS
'what a profile had answered by an instant, as the store knew it at known_at: from the answers recorded by then, of the identifiers that the id stood for then; NULL: as it knows now';

CREATE FUNCTION cdp.consent_receipt(
	profile_id bigint,
	purpose text,
	channel text,
	at timestamptz DEFAULT NULL,
	known_at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._consent_receipt($1, $2, $3, $4, $5);
END
$$;
REVOKE ALL ON FUNCTION cdp.consent_receipt(bigint, text, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.consent_receipt(bigint, text, text, timestamptz, timestamptz) IS
'proof of what a profile has agreed to: the state, and every answer with when, by which identifier, on which text (version, language, hash), evidence and who recorded it; times in UTC';

CREATE FUNCTION cdp.add_consent_document(
	document text,
	purpose text,
	version text,
	body text,
	language text DEFAULT NULL,
	url text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._add_consent_document($1, $2, $3, $4, $5, $6);
END
$$;
REVOKE ALL ON FUNCTION cdp.add_consent_document(text, text, text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.add_consent_document(text, text, text, text, text, text) IS
'keep which text people see when they answer: its version, language and hash, never to be changed; returns the hash (SHA-256, hexadecimal)';

CREATE FUNCTION cdp.record_consent(
	type text,
	value text,
	purpose text,
	channel text,
	state text,
	at timestamptz DEFAULT NULL,
	basis text DEFAULT NULL,
	document text DEFAULT NULL,
	evidence jsonb DEFAULT NULL,
	source text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._record_consent($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
END
$$;
REVOKE ALL ON FUNCTION cdp.record_consent(text, text, text, text, text,
	timestamptz, text, text, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.record_consent(text, text, text, text, text,
	timestamptz, text, text, jsonb, text) IS
'record what a customer, named by an identifier, answered about a purpose and channel; it counts for the whole profile';

CREATE FUNCTION cdp.suppress(
	type text,
	value text,
	channel text DEFAULT NULL,
	reason text DEFAULT 'objection',
	until timestamptz DEFAULT NULL,
	source text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._suppress($1, $2, $3, $4, $5, $6);
END
$$;
REVOKE ALL ON FUNCTION cdp.suppress(text, text, text, text, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.suppress(text, text, text, text, timestamptz, text) IS
'do not contact this identifier again, by one channel or (NULL) any; it outlives erasure';

CREATE FUNCTION cdp.unsuppress(
	type text,
	value text,
	channel text DEFAULT NULL,
	source text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._unsuppress($1, $2, $3, $4);
END
$$;
REVOKE ALL ON FUNCTION cdp.unsuppress(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.unsuppress(text, text, text, text) IS
'take a suppression back; false: there was none for that channel';
