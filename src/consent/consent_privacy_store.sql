-- What erasure, restriction and requests leave; privacy.sql tells the story.
CREATE TABLE cdp.privacy_request (
	request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('export', 'erase', 'restrict', 'unrestrict',
		'rectify', 'readmit')),
	requested_at timestamptz NOT NULL DEFAULT cdp.clock(),
	due_at timestamptz NOT NULL,
	done_at timestamptz,
	actor text NOT NULL DEFAULT cdp._actor(),
	reason text NOT NULL,
	done_by text,
	answer text,
	counts jsonb,
	receipt_sha256 bytea CHECK (length(receipt_sha256) = 32),
	subject bytea[] NOT NULL
);
CREATE INDEX privacy_request_subject_idx ON cdp.privacy_request USING gin (subject);
CREATE INDEX privacy_request_open_idx ON cdp.privacy_request (due_at) WHERE done_at IS NULL;
COMMENT ON TABLE cdp.privacy_request IS
'the ledger of requests of those whose data it is: what was asked, until when it is due, and what was done';
COMMENT ON COLUMN cdp.privacy_request.due_at IS
'one month after the request (GDPR, article 12(3))';
COMMENT ON COLUMN cdp.privacy_request.reason IS
'why, in the words of the actor who entered it; it outlives erasure, so nobody is to be named there';
COMMENT ON COLUMN cdp.privacy_request.answer IS
'why, in the words of who did it (done_by); nobody is to be named there either';
COMMENT ON COLUMN cdp.privacy_request.counts IS
'how many rows of which table it took';
COMMENT ON COLUMN cdp.privacy_request.receipt_sha256 IS
'hash of the receipt as it was given: sha256(convert_to(receipt::text, ''UTF8''))';
COMMENT ON COLUMN cdp.privacy_request.subject IS
'keyed hashes of the subject''s identifiers, never their values';

CREATE FUNCTION cdp._keep_request() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION 'cannot change request % of cdp.privacy_request', OLD.request_id
		USING ERRCODE = 'integrity_constraint_violation',
			DETAIL = 'A request that is done stays as it is.';
END
$$;
COMMENT ON FUNCTION cdp._keep_request() IS
'trigger: the ledger of requests is written once';
CREATE TRIGGER keep_done BEFORE UPDATE OR DELETE ON cdp.privacy_request
	FOR EACH ROW WHEN (OLD.done_at IS NOT NULL)
	EXECUTE FUNCTION cdp._keep_request();

CREATE TABLE cdp.tombstone (
	key_hash bytea PRIMARY KEY CHECK (length(key_hash) = 32),
	type text COLLATE "C" NOT NULL,
	erased_at timestamptz NOT NULL DEFAULT cdp.clock(),
	events text CHECK (events IN ('delete', 'anonymise'))
);
COMMENT ON TABLE cdp.tombstone IS
'identifiers that were erased, as keyed hashes: records that name one are rejected';
COMMENT ON COLUMN cdp.tombstone.key_hash IS
'HMAC-SHA256 under the store''s key of type:value, or type:source/value';
COMMENT ON COLUMN cdp.tombstone.events IS
'what became of the events, and becomes of them when this is replayed; NULL: not known, as the setting erase_events says then';

-- Tombstones on their way to a store that was restored from an older dump:
-- COPY reads this view, and COPY into it adds what is missing.
CREATE VIEW cdp.erasure AS
SELECT encode(key_hash, 'hex') AS key_hash, type::text AS type, erased_at, events
FROM cdp.tombstone;
COMMENT ON VIEW cdp.erasure IS
'what to keep outside of the database, to erase again after an older dump was restored: COPY it out, and back in before CALL cdp.replay_erasures()';

CREATE FUNCTION cdp._add_erasure() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO cdp.tombstone (key_hash, type, erased_at, events)
	VALUES (decode(NEW.key_hash, 'hex'), NEW.type, coalesce(NEW.erased_at, cdp.clock()), NEW.events)
	ON CONFLICT DO NOTHING;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._add_erasure() IS
'trigger: add a tombstone if it is not there';
CREATE TRIGGER add_erasure INSTEAD OF INSERT ON cdp.erasure
	FOR EACH ROW EXECUTE FUNCTION cdp._add_erasure();

-- That somebody agreed must be provable after they are gone.
CREATE TABLE cdp.consent_proof (
	proof_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL,
	recorded_at timestamptz NOT NULL,
	source_id integer,
	key_hash bytea NOT NULL,
	purpose text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	state text COLLATE "C" NOT NULL,
	basis text NOT NULL,
	document text,
	evidence_hash bytea
);
CREATE INDEX consent_proof_key_hash_idx ON cdp.consent_proof (key_hash);
COMMENT ON TABLE cdp.consent_proof IS
'what people who were erased had answered, under the keyed hash of their identifier: proof for whoever knows the identifier';
COMMENT ON COLUMN cdp.consent_proof.evidence_hash IS
'keyed hash of the evidence as it was in cdp.consent_log: whoever has a copy can show that it is the one';
CREATE TRIGGER refuse_change
BEFORE UPDATE OR TRUNCATE ON cdp.consent_proof
FOR EACH STATEMENT EXECUTE FUNCTION cdp._refuse_change();

CREATE TABLE cdp.restriction (
	identifier_id bigint PRIMARY KEY,
	since timestamptz NOT NULL DEFAULT cdp.clock(),
	request_id bigint NOT NULL REFERENCES cdp.privacy_request
);
COMMENT ON TABLE cdp.restriction IS
'identifiers of people whose data is only kept: a profile that has one is in no segment or audience and not scored; made by cdp.restrict_subject()';

-- By profile, for those who ask about one; most stores restrict nobody, and
-- that costs one look at an empty table.
CREATE FUNCTION cdp._is_restricted(profile_id bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT (SELECT EXISTS (SELECT FROM cdp.restriction)) AND EXISTS (
		SELECT FROM (
			SELECT $1 AS id
			UNION ALL
			SELECT merged.profile_id FROM cdp.profile AS merged
			WHERE merged.root = $1 AND merged.root <> merged.profile_id) AS leaf
		JOIN cdp.identifier ON identifier.leaf = leaf.id
		JOIN cdp.restriction ON restriction.identifier_id = identifier.identifier_id);
END;
COMMENT ON FUNCTION cdp._is_restricted(bigint) IS
'whether this live profile is restricted';

CREATE VIEW cdp._restricted_profile AS
SELECT DISTINCT profile.root AS profile_id
FROM cdp.restriction
	JOIN cdp.identifier USING (identifier_id)
	JOIN cdp.profile ON profile.profile_id = identifier.leaf;
COMMENT ON VIEW cdp._restricted_profile IS
'live profiles that are restricted';

INSERT INTO cdp.setting (name, value, description) VALUES
	('erase_events', 'delete', 'what cdp.erase_subject() does with events: delete them, or anonymise them, so that totals of revenue stay');
