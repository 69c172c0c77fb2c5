CREATE FUNCTION cdp._reflag(identifier_ids bigint[]) RETURNS bigint[]
LANGUAGE c VOLATILE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__reflag';
COMMENT ON FUNCTION cdp._reflag(bigint[]) IS
'compare "blocked" of identifiers (NULL: of all) with the rules; those that changed';

CREATE FUNCTION cdp.add_identifier_type(
	type text,
	priority integer DEFAULT NULL,
	description text DEFAULT '',
	strong boolean DEFAULT false,
	scope text DEFAULT 'global',
	max_per_profile integer DEFAULT NULL,
	max_strong_per_value integer DEFAULT 1,
	normaliser text DEFAULT 'text',
	pattern text DEFAULT NULL,
	time_to_live interval DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	added integer;
BEGIN
	PERFORM cdp._check_identifier_type(type, priority, strong, scope,
		normaliser, pattern);
	PERFORM cdp._check_limit('priority', priority);
	PERFORM cdp._check_limit('max_per_profile', max_per_profile);
	PERFORM cdp._check_limit('max_strong_per_value', max_strong_per_value);
	INSERT INTO cdp.identifier_type AS new (type, priority, description, strong,
		scope, max_per_profile, max_strong_per_value, stitches, normaliser,
		pattern, time_to_live)
	VALUES (type, priority, description, strong, scope, max_per_profile,
		CASE WHEN NOT strong THEN max_strong_per_value END,
		priority IS NOT NULL, normaliser, pattern, time_to_live)
	RETURNING new.type_id INTO added;
	RETURN added;
END
$$;
COMMENT ON FUNCTION cdp.add_identifier_type(text, integer, text, boolean, text, integer, integer, text, text, interval) IS
'add a kind of identifier; without a priority it only describes';

CREATE FUNCTION cdp._check_identifier_type(
	type text,
	priority integer,
	strong boolean,
	scope text,
	normaliser text,
	pattern text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IS NULL OR $1 !~ '^[a-z][a-z0-9_]{0,30}$' THEN
		RAISE EXCEPTION 'invalid identifier type "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A type is a word of up to 31 lower-case letters, digits and underscores that begins with a letter.';
	ELSIF EXISTS (SELECT FROM cdp.identifier_type AS known WHERE known.type = $1) THEN
		RAISE EXCEPTION 'identifier type "%" exists already', $1
			USING ERRCODE = 'duplicate_object',
				HINT = 'Types are rows of cdp.identifier_type, which may be updated; run CALL cdp.rebuild() then.';
	ELSIF $3 AND $2 IS NULL THEN
		RAISE EXCEPTION 'identifier type "%" cannot be strong without a priority', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A type without a priority only describes.';
	ELSIF $4 IS NULL OR $4 NOT IN ('global', 'source') THEN
		RAISE EXCEPTION 'invalid scope "%"', coalesce($4, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A scope is global or source.';
	ELSIF $5 IS NULL OR $5 NOT IN ('email', 'phone', 'uuid', 'text', 'lower') THEN
		RAISE EXCEPTION 'unknown normaliser "%"', coalesce($5, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A normaliser is email, phone, uuid, text or lower.';
	END IF;
	-- A pattern that is not a regular expression raises here.
	PERFORM '' ~ $6;
END
$$;
COMMENT ON FUNCTION cdp._check_identifier_type(text, integer, boolean, text, text, text) IS
'raise unless the arguments can be a row of cdp.identifier_type';

CREATE FUNCTION cdp._check_limit(name text, value integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $2 < 1 THEN
		RAISE EXCEPTION '% must be at least 1', $1
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'NULL is no limit.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_limit(text, integer) IS
'raise unless a limit is positive or NULL';

CREATE FUNCTION cdp._affected_by_block(type text, value text, pattern text)
RETURNS bigint[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(identifier.identifier_id)
	FROM cdp.identifier
	JOIN cdp.identifier_type USING (type_id)
	WHERE ($1 IS NULL OR identifier_type.type = $1)
		AND ($2 IS NULL OR lower(identifier.value COLLATE "C") = $2)
		AND ($3 IS NULL OR lower(identifier.value COLLATE "C") ~ $3)
$$;
COMMENT ON FUNCTION cdp._affected_by_block(text, text, text) IS
'identifiers that a row of cdp.blocked_value is about';

-- The merger's lock comes first: the trigger of the rules locks
-- identity_state, which the stitcher locks under the merger's lock.
CREATE FUNCTION cdp.block_value(
	type text,
	value text DEFAULT NULL,
	reason text DEFAULT 'blocked by hand',
	pattern text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed bigint[];
BEGIN
	PERFORM cdp._check_blocked($1, $2, $4);
	PERFORM pg_advisory_xact_lock(6513776, 2);
	INSERT INTO cdp.blocked_value (type, value, pattern, reason)
	VALUES ($1, lower($2 COLLATE "C"), $4, $3)
	ON CONFLICT DO NOTHING;
	changed := cdp._reflag(coalesce(
		cdp._affected_by_block($1, lower($2 COLLATE "C"), $4), '{}'));
	PERFORM cdp._rejudge(changed);
	RETURN cardinality(changed);
END
$$;
COMMENT ON FUNCTION cdp.block_value(text, text, text, text) IS
'from now on a value (or all that match a pattern) of a type (NULL: of any) links nothing; profiles it held together part at once; returns how many identifiers it is about';

CREATE FUNCTION cdp.unblock_value(
	type text,
	value text DEFAULT NULL,
	pattern text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed bigint[];
BEGIN
	PERFORM cdp._check_blocked($1, $2, $3);
	PERFORM pg_advisory_xact_lock(6513776, 2);
	DELETE FROM cdp.blocked_value AS blocked
	WHERE blocked.type IS NOT DISTINCT FROM $1
		AND blocked.value IS NOT DISTINCT FROM lower($2 COLLATE "C")
		AND blocked.pattern IS NOT DISTINCT FROM $3;
	changed := cdp._reflag(coalesce(
		cdp._affected_by_block($1, lower($2 COLLATE "C"), $3), '{}'));
	PERFORM cdp._rejudge(changed);
	RETURN cardinality(changed);
END
$$;
COMMENT ON FUNCTION cdp.unblock_value(text, text, text) IS
'take a rule of cdp.block_value() back; what the value held together comes together again';

CREATE FUNCTION cdp._check_blocked(type text, value text, pattern text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF num_nonnulls($2, $3) <> 1 THEN
		RAISE EXCEPTION 'either a value or a pattern is needed'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF $1 IS NOT NULL AND NOT EXISTS (
			SELECT FROM cdp.identifier_type WHERE identifier_type.type = $1) THEN
		RAISE EXCEPTION 'unknown identifier type "%"', $1
			USING ERRCODE = 'undefined_object',
				HINT = 'See cdp.identifier_type; cdp.add_identifier_type() adds one.';
	END IF;
	-- A pattern that is not a regular expression raises here.
	PERFORM '' ~ $3;
END
$$;
COMMENT ON FUNCTION cdp._check_blocked(text, text, text) IS
'raise unless the arguments can be a row of cdp.blocked_value';
