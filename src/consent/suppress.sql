CREATE FUNCTION cdp._hash_key() RETURNS bytea
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	held cdp.secret_key;
BEGIN
	SELECT * INTO held FROM cdp.secret_key;
	PERFORM cdp._verifies_key(held.key, held.check_value);
	RETURN coalesce(cdp._file_key(), held.key);
END
$$;
COMMENT ON FUNCTION cdp._hash_key() IS
'the key of keyed hashes, verified; for the owner only';

-- What is hashed: the text of the identifier's key.
CREATE FUNCTION cdp._suppression_key(type text, scope text, value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN type || ':' || CASE WHEN scope = '' THEN '' ELSE scope || '/' END || value;
COMMENT ON FUNCTION cdp._suppression_key(text, text, text) IS
'the text of an identifier that a suppression is the keyed hash of';

CREATE FUNCTION cdp._check_suppressed_until(until timestamptz) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 <= cdp.clock() THEN
		RAISE EXCEPTION 'argument "until" is not in the future: %', $1
			USING ERRCODE = 'datetime_field_overflow',
				DETAIL = 'Such a suppression would stop nothing.',
				HINT = 'Without "until" it is for ever; cdp.unsuppress() lifts one.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_suppressed_until(timestamptz) IS
'raise if a suppression until then would be over';

-- A suppression of an address on a channel that never uses it would stop nothing.
CREATE FUNCTION cdp._check_suppressed_channel(type text, channel text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	users text := (SELECT string_agg(format('"%s"', known.channel), ', ' ORDER BY known.channel)
		FROM cdp.channel AS known WHERE $1 = ANY (known.identifier_types));
BEGIN
	IF $2 IS NULL AND users IS NULL THEN
		RAISE EXCEPTION 'no channel reaches anybody by an identifier of type "%"', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'Such a suppression would stop nothing.',
				HINT = 'Suppress the customer''s addresses, or record what they said: cdp.record_consent().';
	END IF;
	IF NOT EXISTS (SELECT FROM cdp.channel AS known
		WHERE known.channel = coalesce($2, known.channel) AND $1 = ANY (known.identifier_types))
	THEN
		RAISE EXCEPTION 'channel "%" reaches nobody by an identifier of type "%"', $2, $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'Such a suppression would stop nothing.',
				HINT = CASE WHEN users IS NULL THEN 'No channel does: see cdp.channel.'
					ELSE format('Channels that do: %s; without a channel it is for all of them.', users) END;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_suppressed_channel(text, text) IS
'raise unless the channel, or any (NULL), uses identifiers of that type';

CREATE FUNCTION cdp._suppress(
	type text, value text, channel text, reason text, until timestamptz, source text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	normal text;
BEGIN
	PERFORM cdp._check_store();
	normal := cdp._normal_value($1, $2, $6);
	IF $3 IS NOT NULL THEN
		PERFORM cdp._check_channel($3);
	END IF;
	PERFORM cdp._check_suppressed_channel($1, $3);
	PERFORM cdp._check_suppressed_until($5);
	INSERT INTO cdp.suppression AS held (key_hash, channel, type, reason, until)
	VALUES (cdp._keyed_hash(cdp._hash_key(),
			cdp._suppression_key($1, cdp._identifier_scope($1, $6), normal)),
		coalesce($3, ''), $1, coalesce($4, 'objection'), $5)
	ON CONFLICT ON CONSTRAINT suppression_pkey DO UPDATE
	SET reason = excluded.reason,
		until = CASE WHEN held.until IS NULL OR excluded.until IS NULL THEN NULL
			ELSE greatest(held.until, excluded.until) END,
		created_at = excluded.created_at,
		actor = excluded.actor;
END
$$;
COMMENT ON FUNCTION cdp._suppress(text, text, text, text, timestamptz, text) IS
'what the door cdp.suppress() does: the longer of two suppressions holds';

CREATE FUNCTION cdp._unsuppress(type text, value text, channel text, source text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	DELETE FROM cdp.suppression
	WHERE key_hash = cdp._keyed_hash(cdp._hash_key(),
			cdp._suppression_key($1, cdp._identifier_scope($1, $4), cdp._normal_value($1, $2, $4)))
		AND suppression.channel = coalesce($3, '');
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION cdp._unsuppress(text, text, text, text) IS
'what the door cdp.unsuppress() does';
