-- Forms and people write names as they like: "E-Mail" is email.  A denial must not
-- be lost for its spelling.
CREATE FUNCTION cdp._folded_name(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(translate(written, E'-_ \t\r\n', '') COLLATE "C");
COMMENT ON FUNCTION cdp._folded_name(text) IS
'a name in lower case, without what sets its parts apart';

-- Exactly that name first; a spelling that two names share is neither.
CREATE FUNCTION cdp._find_name(written text, known text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN $1 = ANY ($2) THEN $1
		ELSE (SELECT min(name) FROM unnest($2) AS name
			WHERE cdp._folded_name(name) = cdp._folded_name($1)
			HAVING count(*) = 1) END
$$;
COMMENT ON FUNCTION cdp._find_name(text, text[]) IS
'the one of these names that somebody wrote so; NULL: none, or more than one';

CREATE FUNCTION cdp._find_purpose(written text) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._find_name($1, ARRAY(SELECT known.purpose::text FROM cdp.purpose AS known));
END
$$;
COMMENT ON FUNCTION cdp._find_purpose(text) IS
'the purpose that somebody wrote so; NULL: none, or more than one';

CREATE FUNCTION cdp._find_channel(written text) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._find_name($1, ARRAY(SELECT known.channel::text FROM cdp.channel AS known));
END
$$;
COMMENT ON FUNCTION cdp._find_channel(text) IS
'the channel that somebody wrote so; NULL: none, or more than one';

CREATE FUNCTION cdp._find_consent_state(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN cdp._consent_strictness(cdp._folded_name(written)) IS NOT NULL
	THEN cdp._folded_name(written) END;
COMMENT ON FUNCTION cdp._find_consent_state(text) IS
'the state of consent that somebody wrote so; NULL: none';

-- Consents of many records at once.  Answers that name an unknown purpose,
-- channel or state are not written but returned, by their position, so that
-- ingest can warn and keep the rest of the record.  So are those on a document
-- that nobody has added, but they are written: it may be added yet.
CREATE FUNCTION cdp._record_consents(
	identifier_ids bigint[],
	source_ids integer[],
	purposes text[],
	channels text[],
	states text[],
	ats timestamptz[],
	evidence jsonb[] DEFAULT NULL,
	bases text[] DEFAULT NULL,
	documents text[] DEFAULT NULL,
	actors text[] DEFAULT NULL,
	set_ids bigint[] DEFAULT NULL,
	speaks_for bigint[] DEFAULT NULL)
RETURNS TABLE (ordinal integer, reason text)
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH named_purpose AS MATERIALIZED (
		SELECT every.written, cdp._find_purpose(every.written) AS purpose
		FROM (SELECT DISTINCT unnest($3) AS written) AS every
	), named_channel AS MATERIALIZED (
		SELECT every.written, cdp._find_channel(every.written) AS channel
		FROM (SELECT DISTINCT unnest($4) AS written) AS every
	), given AS MATERIALIZED (
		SELECT n::integer AS n, identifier_id, source_id, purpose.purpose,
			channel.channel, cdp._find_consent_state(given.state) AS state, at,
			given.evidence, basis, given.document, given.actor, set_id, purpose.legal_basis,
			given.document IS NOT NULL AND seen.document IS NULL AS unseen,
			CASE
				WHEN identifier_id IS NULL OR at IS NULL THEN 'incomplete'
				WHEN purpose.purpose IS NULL THEN 'unknown_purpose'
				WHEN channel.channel IS NULL THEN 'unknown_channel'
				WHEN cdp._find_consent_state(given.state) IS NULL THEN 'invalid_state'
			END AS refused
		FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4),
				unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
				unnest($10), unnest($11)) WITH ORDINALITY
				AS given (identifier_id, source_id, purpose, channel, state, at,
					evidence, basis, document, actor, set_id, n)
			LEFT JOIN named_purpose ON named_purpose.written = given.purpose
			LEFT JOIN cdp.purpose ON purpose.purpose = named_purpose.purpose
			LEFT JOIN named_channel ON named_channel.written = given.channel
			LEFT JOIN cdp.channel ON channel.channel = named_channel.channel
			LEFT JOIN cdp.consent_document AS seen ON seen.document = given.document
	), written AS (
		INSERT INTO cdp.consent_log (identifier_id, at, recorded_at, source_id,
			purpose, channel, state, basis, document, evidence, actor, set_id, speaks_for)
		SELECT identifier_id, least(at, cdp.clock()), cdp.clock(), source_id,
			purpose, channel, state, coalesce(basis, legal_basis), document,
			evidence, coalesce(actor, cdp._actor()), set_id, $12
		FROM given
		WHERE refused IS NULL
		ORDER BY n
	)
	SELECT n, coalesce(refused, 'unknown_document')
	FROM given
	WHERE refused IS NOT NULL OR unseen
	ORDER BY n
$$;
COMMENT ON FUNCTION cdp._record_consents(bigint[], integer[], text[], text[],
	text[], timestamptz[], jsonb[], text[], text[], text[], bigint[], bigint[]) IS
'append answers to the consent log; returns the positions to warn of, with why: all but those of an unknown document were refused';

CREATE FUNCTION cdp._normal_value(type text, value text, source text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	region text := (SELECT default_region FROM cdp.source WHERE source.name = $3);
	normal text := cdp._canonical_value($1, $2, region);
	broken text;
BEGIN
	IF normal IS NOT NULL THEN
		RETURN normal;
	END IF;
	SELECT reason INTO broken
	FROM cdp.identifier_type AS of_type,
		cdp._normalise_identifier(of_type.normaliser, $2,
			coalesce(region, cdp._read_setting('default_region')))
	WHERE of_type.type = $1;
	RAISE EXCEPTION 'invalid value for an identifier of type "%"', $1
		USING ERRCODE = 'invalid_parameter_value',
			DETAIL = coalesce(broken, 'It is not of the form that the type has.');
END
$$;
COMMENT ON FUNCTION cdp._normal_value(text, text, text) IS
'the canonical form of a value of an identifier type; raises when it has none';

-- A merge that is under way must not end unseen between reading whose the
-- identifier is and writing that profile's answers, or it would go on without
-- them: so the profile is read again once it is locked.
CREATE FUNCTION cdp._lock_profile_of(identifier_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint;
	locked bigint;
BEGIN
	LOOP
		live := (SELECT profile.root
			FROM cdp.identifier JOIN cdp.profile ON profile.profile_id = identifier.leaf
			WHERE identifier.identifier_id = $1);
		IF live IS NOT DISTINCT FROM locked THEN
			RETURN live;
		END IF;
		PERFORM FROM cdp.profile WHERE profile_id = live FOR NO KEY UPDATE;
		locked := live;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._lock_profile_of(bigint) IS
'live profile of an identifier, locked; NULL: it has none';

-- Senders' clocks may be ahead by as much as those of records may; the answer
-- is kept as of now then.  A later time is a mistake: nobody has answered yet.  So is
-- one that no record may have, or a grant would count since ever.
CREATE FUNCTION cdp._check_answered(at timestamptz) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 > cdp.clock() + cdp._read_setting('future_tolerance')::interval THEN
		RAISE EXCEPTION 'argument "at" is in the future: %', $1
			USING ERRCODE = 'datetime_field_overflow',
				DETAIL = 'An answer counts from when it was given, and cannot be given ahead of time.',
				HINT = 'Record it when its time has come; without "at" it counts from now.';
	END IF;
	IF $1 < '1970-01-01 00:00+00' THEN
		RAISE EXCEPTION 'argument "at" is before 1970: %', $1
			USING ERRCODE = 'datetime_field_overflow',
				DETAIL = 'Times before 1970 are not accepted.',
				HINT = 'Without "at" it counts from now.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_answered(timestamptz) IS
'raise if that is too far in the future, or past, to be when a customer answered';

-- One of each other profile that was merged into the live one, and those whose
-- refusals are kept: whoever speaks now speaks for them, too.
CREATE FUNCTION cdp._other_speakers(named bigint, live bigint) RETURNS bigint[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH speaker AS MATERIALIZED (
		SELECT identifier.identifier_id, identifier.leaf
		FROM cdp._profile_leaf AS leaf JOIN cdp.identifier USING (leaf)
		WHERE leaf.root = $2
	), other AS (
		SELECT min(identifier_id) AS id
		FROM speaker
		WHERE leaf <> (SELECT own.leaf FROM cdp.identifier AS own WHERE own.identifier_id = $1)
		GROUP BY leaf
		UNION
		SELECT said.speaks_for[1]
		FROM speaker JOIN cdp.consent_log AS said USING (identifier_id)
		WHERE said.kept_of IS NOT NULL AND said.speaks_for[1] <> said.identifier_id
	)
	SELECT array_agg(id ORDER BY id) FROM other
$$;
COMMENT ON FUNCTION cdp._other_speakers(bigint, bigint) IS
'identifiers that speak for what else is known of a live profile than what was born with the one named; NULL: there is nothing else';

CREATE FUNCTION cdp._refusers(identifier_ids bigint[]) RETURNS bigint[]
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(DISTINCT id)
	FROM unnest($1) AS id
		JOIN cdp.consent_log AS said ON said.identifier_id = id
			AND said.state IN ('withdrawn', 'denied', 'objected')
$$;
COMMENT ON FUNCTION cdp._refusers(bigint[]) IS
'those of these identifiers that ever refused anything; NULL: none';

-- Called before identifiers come to stand for nobody (shared, blocked, expired,
-- without evidence), while it can be seen for whom they stood; the caller has
-- locked those profiles.  An identifier has as many heirs as its profile fell into
-- parts; one that was born with it takes its voice.
CREATE FUNCTION cdp._keep_refusals(lost bigint[], heirs bigint[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.consent_log (identifier_id, at, recorded_at, source_id, purpose,
		channel, state, basis, document, actor, set_id, speaks_for, kept_of)
	SELECT heir.identifier_id, said.at, cdp.clock(), said.source_id, said.purpose,
		said.channel, said.state, said.basis, said.document, said.actor, said.set_id,
		CASE WHEN said.speaks_for[1] <> said.identifier_id AND said.kept_of IS NOT NULL
			THEN said.speaks_for
			ELSE CASE WHEN heir.leaf = own.leaf THEN heir.identifier_id ELSE own.identifier_id END
				|| said.speaks_for END,
		coalesce(said.kept_of, said.consent_id)
	FROM unnest($1, $2) AS given (id, heir)
		JOIN cdp.consent_log AS said ON said.identifier_id = given.id
			AND said.state IN ('withdrawn', 'denied', 'objected')
		JOIN cdp.identifier AS own ON own.identifier_id = given.id
		JOIN cdp.identifier AS heir ON heir.identifier_id = given.heir
	WHERE NOT EXISTS (
		SELECT FROM cdp.consent_log AS known
		WHERE known.identifier_id = heir.identifier_id
			AND known.kept_of = coalesce(said.kept_of, said.consent_id))
	ORDER BY said.consent_id, heir.identifier_id
$$;
COMMENT ON FUNCTION cdp._keep_refusals(bigint[], bigint[]) IS
'write what each of these identifiers refused for the one in its place in the second list, of the same profile so far, which keeps it';

-- While the profile was waited for, it may have been erased.
CREATE FUNCTION cdp._check_still_known(type text, identifier_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM cdp.identifier WHERE identifier.identifier_id = $2 FOR KEY SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the customer known by that identifier of type "%" was erased meanwhile', $1
			USING ERRCODE = 'no_data_found';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_still_known(text, bigint) IS
'raise if an identifier is gone; who deletes it later waits';

CREATE FUNCTION cdp._check_document(document text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	near text;
BEGIN
	IF $1 IS NULL OR EXISTS (
			SELECT FROM cdp.consent_document AS known WHERE known.document = $1) THEN
		RETURN;
	END IF;
	SELECT known.document INTO near
	FROM cdp.consent_document AS known,
		cdp._name_distance(known.document, $1) AS distance
	WHERE distance <= greatest(2, length($1) / 3)
	ORDER BY distance, known.document
	LIMIT 1;
	RAISE EXCEPTION 'consent document "%" does not exist', $1
		USING ERRCODE = 'undefined_object',
			DETAIL = 'A receipt could not tell which text was agreed to.',
			HINT = coalesce('Did you mean "' || near || '"? ', '')
				|| 'cdp.add_consent_document() adds one.';
END
$$;
COMMENT ON FUNCTION cdp._check_document(text) IS
'raise if a document is named that nobody has added';

CREATE FUNCTION cdp._record_consent(
	type text, value text, purpose text, channel text, state text,
	at timestamptz, basis text, document text, evidence jsonb, source text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	named bigint;
	live bigint;
BEGIN
	PERFORM cdp._check_store();
	purpose := coalesce(cdp._find_purpose($3), $3);
	channel := coalesce(cdp._find_channel($4), $4);
	state := coalesce(cdp._find_consent_state($5), $5);
	PERFORM cdp._check_purpose($3), cdp._check_channel($4), cdp._check_consent_state($5);
	PERFORM cdp._check_answered($6);
	PERFORM cdp._check_document($8);
	PERFORM cdp._normal_value($1, $2, $10);
	named := cdp._find_identifier($1, $2, $10);
	IF named IS NULL THEN
		RAISE EXCEPTION 'no customer is known by that identifier of type "%"', $1
			USING ERRCODE = 'no_data_found',
				HINT = 'Send the consent with a record: cdp.ingest(source, ''{"consent": ...}'').';
	END IF;
	live := cdp._lock_profile_of(named);
	PERFORM cdp._check_still_known($1, named);
	PERFORM cdp._record_consents(ARRAY[named],
		ARRAY[(SELECT source_id FROM cdp.source WHERE source.name = $10)], ARRAY[$3],
		ARRAY[$4], ARRAY[$5], ARRAY[coalesce($6, cdp.clock())], ARRAY[$9], ARRAY[$7],
		ARRAY[$8], speaks_for => cdp._other_speakers(named, live));
	IF live IS NULL THEN
		RAISE WARNING 'the answer is kept, but counts for nobody'
			USING ERRCODE = 'no_data_found',
				DETAIL = format('That identifier of type "%s" stands for nobody: several people use it, or it is blocked.', $1),
				HINT = 'Record the answer for another identifier of the customer; cdp.suppress() keeps an address from everybody.';
		RETURN;
	END IF;
	PERFORM cdp._refresh_consents(ARRAY[live]);
	PERFORM cdp._add_todo('profile', ARRAY[live]);
END
$$;
COMMENT ON FUNCTION cdp._record_consent(text, text, text, text, text,
	timestamptz, text, text, jsonb, text) IS
'what the door cdp.record_consent() does';
