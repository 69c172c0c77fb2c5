-- Tombstones and the ledger of requests: what remains of somebody who is gone.
--
-- cdp.erase_subject() (cdp_erase.sql) leaves a tombstone for each identifier of
-- its subject: HMAC-SHA256 under the store's secret key of the text of the
-- identifier, the same that suppressions are made of.  Nothing leads from it to
-- a person but the identifier itself.  Every way in looks for it
-- (ingest/erased.c), so the person does not come back by the next record of
-- their browser; cdp.readmit_identifier() lifts it for somebody who comes back
-- of their own will.
--
-- cdp.privacy_request is the ledger: a row for each request, opened by
-- cdp.request_privacy() when somebody asks, or made by what answers it; one that
-- asks about nobody is closed by cdp.close_request().  Its subject is a list of
-- keyed hashes, so one can later tell whether and when something was done for a
-- given identifier, and not who it was.
--
-- A restriction belongs to identifiers, so it stays with them through merges
-- and splits: whatever profile has one of them is restricted.

-- Views leave the restricted out by cdp._restricted_profile; doors about one ask here.
CREATE FUNCTION cdp._unrestricted(live bigint) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF cdp._is_restricted($1) THEN
		RAISE EXCEPTION 'profile % is restricted', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'Its data is only kept.',
				HINT = 'cdp.unrestrict_subject() lifts that.';
	END IF;
	RETURN $1;
END
$$;
COMMENT ON FUNCTION cdp._unrestricted(bigint) IS
'that live profile; raises if it is restricted';

CREATE FUNCTION cdp._identifier_hashes(identifier_ids bigint[])
RETURNS TABLE (identifier_id bigint, type text, key_hash bytea)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT identifier.identifier_id, type.type::text,
		cdp._keyed_hash((SELECT cdp._hash_key()),
			cdp._suppression_key(type.type, identifier.scope, identifier.value))
	FROM unnest($1) AS given (id)
	JOIN cdp.identifier ON identifier.identifier_id = given.id
	JOIN cdp.identifier_type AS type USING (type_id)
	ORDER BY identifier.identifier_id;
END
$$;
COMMENT ON FUNCTION cdp._identifier_hashes(bigint[]) IS
'keyed hashes of identifiers';

CREATE FUNCTION cdp._key_hash(type text, value text, source text) RETURNS bytea
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._keyed_hash(cdp._hash_key(), cdp._suppression_key($1,
		cdp._identifier_scope($1, $3), cdp._normal_value($1, $2, $3)));
END
$$;
COMMENT ON FUNCTION cdp._key_hash(text, text, text) IS
'keyed hash of an identifier as somebody wrote it';

CREATE FUNCTION cdp._check_reason(reason text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(btrim($1), '') = '' THEN
		RAISE EXCEPTION 'a reason is needed'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'What is done with the data of a person at their request is kept with who did it and why.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_reason(text) IS 'raise if there is none';

-- A month in UTC: when something is due must not depend on the session.
CREATE FUNCTION cdp._open_request(kind text, subject bytea[], reason text, requested_at timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked timestamptz := coalesce($4, cdp.clock());
	made bigint;
BEGIN
	PERFORM cdp._check_reason($3);
	IF asked > cdp.clock() THEN
		RAISE EXCEPTION 'a request cannot be made ahead of time'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'What is due is counted from when the request came in.';
	END IF;
	INSERT INTO cdp.privacy_request (kind, subject, reason, requested_at, due_at)
	VALUES ($1, $2, $3, asked, (asked AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC')
	RETURNING request_id INTO made;
	RETURN made;
END
$$;
COMMENT ON FUNCTION cdp._open_request(text, bytea[], text, timestamptz) IS
'enter a request into the ledger; its number';

-- What answers a request is an answer to all open ones of its kind about the
-- same subject; but a correction to one only, as others may ask for another.
-- The oldest gives it its number; each keeps when it was asked, why, and who
-- entered it.
CREATE FUNCTION cdp._begin_request(kind text, subject bytea[], reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_id bigint;
BEGIN
	PERFORM cdp._check_reason($3);
	SELECT request_id INTO found_id
	FROM cdp.privacy_request AS request
	WHERE request.kind = $1 AND request.subject && $2 AND done_at IS NULL
	ORDER BY request_id
	LIMIT 1
	FOR UPDATE;
	RETURN coalesce(found_id, cdp._open_request($1, $2, $3, NULL));
END
$$;
COMMENT ON FUNCTION cdp._begin_request(text, bytea[], text) IS
'the open request of that kind about a subject, or a new one';

CREATE FUNCTION cdp._close_request(request_id bigint, subject bytea[], reason text, counts jsonb, receipt jsonb)
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE cdp.privacy_request AS request
	SET done_at = cdp.clock(), done_by = cdp._actor(), answer = $3, subject = $2,
		counts = $4, receipt_sha256 = sha256(convert_to($5::text, 'UTF8'))
	FROM cdp.privacy_request AS answered
	WHERE answered.request_id = $1
		AND (request.request_id = $1
			OR request.kind = answered.kind AND request.kind <> 'rectify'
				AND request.subject && $2 AND request.done_at IS NULL)
$$;
COMMENT ON FUNCTION cdp._close_request(bigint, bytea[], text, jsonb, jsonb) IS
'note in the ledger that a request is done, and how, and with it all others of its kind about the same subject, unless it is a correction';

CREATE FUNCTION cdp._close_request(request_id bigint, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_reason($2);
	UPDATE cdp.privacy_request AS request
	SET done_at = cdp.clock(), done_by = cdp._actor(), answer = $2
	WHERE request.request_id = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'request % does not exist', coalesce($1::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Open requests are the rows of cdp.privacy_request without done_at.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._close_request(bigint, text) IS
'what the door cdp.close_request() does';

CREATE FUNCTION cdp._request_privacy(kind text, type text, value text, reason text,
	requested_at timestamptz, source text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	IF $1 IS NULL OR $1 NOT IN ('export', 'erase', 'restrict', 'unrestrict', 'rectify') THEN
		RAISE EXCEPTION 'unknown kind of request "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A kind is export, erase, restrict, unrestrict or rectify.';
	END IF;
	RETURN cdp._open_request($1, ARRAY[cdp._key_hash($2, $3, $6)], $4, $5);
END
$$;
COMMENT ON FUNCTION cdp._request_privacy(text, text, text, text, timestamptz, text) IS
'what the door cdp.request_privacy() does';

CREATE FUNCTION cdp._readmit_identifier(type text, value text, reason text, source text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hash bytea;
	request bigint;
	was_dead boolean;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_reason($3);
	hash := cdp._key_hash($1, $2, $4);
	DELETE FROM cdp.tombstone WHERE key_hash = hash;
	was_dead := FOUND;
	IF was_dead THEN
		request := cdp._begin_request('readmit', ARRAY[hash], $3);
		PERFORM cdp._close_request(request, ARRAY[hash], $3, '{"tombstone": 1}', NULL);
	END IF;
	RETURN was_dead;
END
$$;
COMMENT ON FUNCTION cdp._readmit_identifier(text, text, text, text) IS
'what the door cdp.readmit_identifier() does';

-- Tombstones first: from here on whoever looks finds them.
CREATE FUNCTION cdp._bury(identifier_ids bigint[], events text) RETURNS bytea[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hashes bytea[];
BEGIN
	WITH dead AS MATERIALIZED (
		SELECT * FROM cdp._identifier_hashes($1)
	), buried AS (
		INSERT INTO cdp.tombstone (key_hash, type, events)
		SELECT dead.key_hash, dead.type, $2 FROM dead
		ORDER BY dead.key_hash
		ON CONFLICT DO NOTHING
	)
	SELECT array_agg(dead.key_hash ORDER BY dead.identifier_id) INTO hashes FROM dead;
	RETURN coalesce(hashes, '{}');
END
$$;
COMMENT ON FUNCTION cdp._bury(bigint[], text) IS
'leave tombstones for identifiers, with what becomes of their events; their keyed hashes';

-- The log is append-only but for erasure, which turns answers into proof.
CREATE FUNCTION cdp._erase_consents(identifier_ids bigint[], profile_ids bigint[])
RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
	said bigint;
	points bigint;
BEGIN
	INSERT INTO cdp.consent_proof (key_hash, at, recorded_at, source_id, purpose,
		channel, state, basis, document, evidence_hash)
	SELECT hashed.key_hash, said.at, said.recorded_at, said.source_id, said.purpose,
		said.channel, said.state, said.basis, said.document,
		cdp._keyed_hash(cdp._hash_key(), said.evidence::text)
	FROM cdp._identifier_hashes($1) AS hashed
	JOIN cdp.consent_log AS said USING (identifier_id)
	ORDER BY said.consent_id;
	PERFORM set_config('cdp_erase.transaction', pg_current_xact_id()::text, true);
	DELETE FROM cdp.consent_log WHERE identifier_id = ANY ($1);
	GET DIAGNOSTICS said = ROW_COUNT;
	PERFORM set_config('cdp_erase.transaction', '', true);
	DELETE FROM cdp.consent_state WHERE profile_id = ANY ($2);
	DELETE FROM cdp.contact_point WHERE profile_id = ANY ($2);
	GET DIAGNOSTICS points = ROW_COUNT;
	DELETE FROM cdp.restriction WHERE identifier_id = ANY ($1);
	RETURN jsonb_build_object('consent_log', said, 'contact_point', points);
END
$$;
COMMENT ON FUNCTION cdp._erase_consents(bigint[], bigint[]) IS
'turn the answers of identifiers that are still there into proof without them, and remove what is derived from them; how many rows';
