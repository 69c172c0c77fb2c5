-- Proof: which texts people were shown, and what a customer answered to which.

CREATE FUNCTION cdp._add_consent_document(
	document text, purpose text, version text, body text, language text, url text)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hash bytea := sha256(convert_to($4, 'UTF8'));
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_purpose($2);
	IF num_nulls($1, $3, $4) > 0 OR $1 = '' OR $3 = '' OR $4 = '' THEN
		RAISE EXCEPTION 'a consent document needs a name, a version and its text'
			USING ERRCODE = 'null_value_not_allowed',
				DETAIL = 'The text is not kept, but its hash, which proves what it was.';
	END IF;
	INSERT INTO cdp.consent_document (document, purpose, version, language, text_sha256, url)
	VALUES ($1, $2, $3, coalesce(cdp.normalise_language($5), $5), hash, $6);
	RETURN encode(hash, 'hex');
EXCEPTION WHEN unique_violation THEN
	RAISE EXCEPTION 'there is a consent document "%" already', $1
		USING ERRCODE = 'duplicate_object',
			DETAIL = 'What people saw when they answered cannot be changed.',
			HINT = 'Give the new text a name of its own, such as one with its version.';
END
$$;
COMMENT ON FUNCTION cdp._add_consent_document(text, text, text, text, text, text) IS
'what the door cdp.add_consent_document() does';

-- Of a refusal that is kept it tells who gave it, unless they were erased.  Of a
-- document that nobody added only the name is known that the answer came with.
CREATE FUNCTION cdp._consent_answers(
	profile_id bigint, purpose text, channel text, at timestamptz, known_at timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
	SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
			'consent_id', said.consent_id, 'state', said.state, 'at', said.at,
			'recorded_at', said.recorded_at,
			'identifier', CASE WHEN type.type IS NOT NULL
				THEN jsonb_build_object('type', type.type, 'scope', nullif(identifier.scope, ''),
					'value', identifier.value) END,
			'source', source.name, 'basis', said.basis, 'actor', said.actor,
			'document', CASE WHEN said.document IS NOT NULL THEN jsonb_build_object(
				'document', said.document, 'version', seen.version, 'language', seen.language,
				'text_sha256', encode(seen.text_sha256, 'hex'), 'url', seen.url,
				'added_at', seen.created_at) END))
			-- evidence is as it came, nulls in it included
			|| CASE WHEN coalesce(said.evidence, given.evidence) IS NULL THEN '{}'
				ELSE jsonb_build_object('evidence', coalesce(said.evidence, given.evidence)) END
		ORDER BY said.at DESC, said.consent_id DESC), '[]')
	FROM cdp._answers(ARRAY[$1], $5) AS counted
		JOIN cdp.consent_log AS said USING (consent_id)
		LEFT JOIN cdp.consent_log AS given ON given.consent_id = said.kept_of
		LEFT JOIN cdp.identifier ON identifier.identifier_id
			= CASE WHEN said.kept_of IS NULL THEN said.identifier_id ELSE given.identifier_id END
		LEFT JOIN cdp.identifier_type AS type USING (type_id)
		LEFT JOIN cdp.source ON source.source_id = said.source_id
		LEFT JOIN cdp.consent_document AS seen ON seen.document = said.document
	WHERE counted.purpose = $2 AND counted.channel = $3 AND counted.at <= $4
$$;
COMMENT ON FUNCTION cdp._consent_answers(bigint, text, text, timestamptz, timestamptz) IS
'the answers of a profile about a purpose and channel, the latest first, each with its proof';

CREATE FUNCTION cdp._consent_receipt(
	profile_id bigint, purpose text, channel text, at timestamptz, known_at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	asked bigint := cdp._profile_known_as($1, $5);
	instant timestamptz := coalesce($4, cdp.clock());
	held record;
BEGIN
	PERFORM cdp._check_purpose($2);
	PERFORM cdp._check_channel($3);
	SELECT combined.expires_at, combined.consent_id INTO held
	FROM cdp._combine_consents(ARRAY[asked], instant, $5) AS combined
	WHERE combined.purpose = $2 AND combined.channel = $3;
	RETURN jsonb_build_object('profile_id', asked, 'channel', $3, 'at', instant,
			'known_at', coalesce($5, cdp.clock()),
			'purpose', (SELECT jsonb_build_object('purpose', about.purpose,
					'description', about.description, 'legal_basis', about.legal_basis,
					'double_opt_in', about.double_opt_in)
				FROM cdp.purpose AS about WHERE about.purpose = $2),
			'state', cdp._consent_then(asked, $2, $3, instant, $5),
			'expires_at', held.expires_at, 'decided_by', held.consent_id,
			'answers', cdp._consent_answers(asked, $2, $3, instant, $5));
END
$$;
COMMENT ON FUNCTION cdp._consent_receipt(bigint, text, text, timestamptz, timestamptz) IS
'what the door cdp.consent_receipt() does';
