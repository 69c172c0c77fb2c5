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
	was_pending boolean;
BEGIN
	PERFORM cdp._check_identifier_type(type, priority, strong, scope,
		normaliser, pattern);
	PERFORM cdp._check_limit('priority', priority);
	PERFORM cdp._check_limit('max_per_profile', max_per_profile);
	PERFORM cdp._check_limit('max_strong_per_value', max_strong_per_value);
	PERFORM cdp._check_time_to_live(time_to_live);
	-- No identifier is of the type, so none need be judged.
	was_pending := cdp._lock_rules();
	INSERT INTO cdp.identifier_type AS new (type, priority, description, strong,
		scope, max_per_profile, max_strong_per_value, stitches, normaliser,
		pattern, time_to_live)
	VALUES (type, priority, description, strong, scope, max_per_profile,
		CASE WHEN NOT strong THEN max_strong_per_value END,
		priority IS NOT NULL, normaliser, pattern, time_to_live)
	RETURNING new.type_id INTO added;
	UPDATE cdp.identity_state SET judge_all = was_pending;
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
				HINT = 'Change its rules with cdp.change_rules(); cdp.preview_rules() tells before what that does.';
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
	PERFORM cdp._check_pattern($6, 'the pattern of the type');
END
$$;
COMMENT ON FUNCTION cdp._check_identifier_type(text, integer, boolean, text, text, text) IS
'raise unless the arguments can be a row of cdp.identifier_type';

CREATE FUNCTION cdp._check_pattern(pattern text, place text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 = '' THEN
		RAISE EXCEPTION 'an empty regular expression in %', $2
			USING ERRCODE = 'invalid_regular_expression',
				DETAIL = 'It matches every value.';
	END IF;
	PERFORM '' ~ $1;
EXCEPTION WHEN invalid_regular_expression THEN
	IF $1 = '' THEN
		RAISE;
	END IF;
	RAISE EXCEPTION 'invalid regular expression in %', $2
		USING ERRCODE = 'invalid_regular_expression', DETAIL = SQLERRM;
END
$$;
COMMENT ON FUNCTION cdp._check_pattern(text, text) IS
'raise unless a pattern is a regular expression, or NULL; place says whose';

CREATE FUNCTION cdp._check_type_change(type text, changed text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $2 = 'type_id' THEN
		RAISE EXCEPTION 'cannot change the number of identifier type "%"', $1
			USING ERRCODE = 'feature_not_supported',
				DETAIL = 'Identifiers are kept under it.';
	ELSIF $2 IS NULL OR NOT EXISTS (
			SELECT FROM cdp.identifier JOIN cdp.identifier_type AS known USING (type_id)
			WHERE known.type = $1) THEN
		RETURN;
	ELSIF $2 = 'row' THEN
		RAISE EXCEPTION 'cannot delete identifier type "%"', $1
			USING ERRCODE = 'object_in_use',
				DETAIL = 'Identifiers of it exist.',
				HINT = 'Set stitches = false instead: it only describes then.';
	END IF;
	RAISE EXCEPTION 'cannot change the % of identifier type "%"', $2, $1
		USING ERRCODE = 'object_in_use',
			DETAIL = 'Identifiers of it exist, and mean what they meant when they came.',
			HINT = 'Add another type with cdp.add_identifier_type().';
END
$$;
COMMENT ON FUNCTION cdp._check_type_change(text, text) IS
'raise if what is changed (name, scope, normaliser, the whole row; NULL: nothing of the kind) would give identifiers of the type another meaning';

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

-- Longer ones would lead out of what a time can be.
CREATE FUNCTION cdp._is_time_to_live(time_to_live interval) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN time_to_live > interval '0' AND time_to_live <= interval '1000 years';
COMMENT ON FUNCTION cdp._is_time_to_live(interval) IS
'can values of an identifier type live that long';

CREATE FUNCTION cdp._check_time_to_live(time_to_live interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT cdp._is_time_to_live($1) THEN
		RAISE EXCEPTION 'invalid time to live "%"', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is an interval above zero and of at most 1000 years.',
				HINT = 'NULL is for ever.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_time_to_live(interval) IS
'raise unless values of an identifier type can live that long';

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
CREATE FUNCTION cdp._lock_rules() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._lock_merger();
	RETURN (SELECT judge_all FROM cdp.identity_state FOR UPDATE);
END
$$;
COMMENT ON FUNCTION cdp._lock_rules() IS
'take the merger''s lock, then keep others from changing rules; whether rules that others changed are yet to take effect';

CREATE FUNCTION cdp._last_log() RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(max(log_id), 0) FROM cdp.identity_log
$$;
COMMENT ON FUNCTION cdp._last_log() IS
'the newest row of the identity log; 0 if there is none';

CREATE FUNCTION cdp._note_rules_action(
	action text,
	reason text,
	detail jsonb,
	last_log bigint)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	added bigint;
BEGIN
	INSERT INTO cdp.steward_action (action, reason, detail)
	VALUES ($1, $2, $3)
	RETURNING action_id INTO added;
	UPDATE cdp.identity_log SET action_id = added
	WHERE log_id > $4;
	RETURN added;
END
$$;
COMMENT ON FUNCTION cdp._note_rules_action(text, text, jsonb, bigint) IS
'note what was done to the rules, and that it caused the rows of the log after last_log; the caller holds the merger''s lock';

-- Rules that others changed by hand are judged later: what they left in
-- judge_all stays.
CREATE FUNCTION cdp._block_value(
	type text,
	value text,
	reason text,
	pattern text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed bigint[];
	rule integer;
	was_pending boolean;
	last_log bigint;
BEGIN
	PERFORM cdp._check_blocked($1, $2, $4);
	PERFORM cdp._check_blocked_source($1, $2);
	was_pending := cdp._lock_rules();
	last_log := cdp._last_log();
	INSERT INTO cdp.blocked_value (type, value, pattern, reason)
	VALUES ($1, lower($2 COLLATE "C"), $4, $3)
	ON CONFLICT DO NOTHING
	RETURNING blocked_value_id INTO rule;
	changed := cdp._reflag(coalesce(
		cdp._affected_by_block($1, lower($2 COLLATE "C"), $4), '{}'));
	PERFORM cdp._rejudge(changed);
	PERFORM cdp._drop_points(changed);
	UPDATE cdp.identity_state SET judge_all = was_pending;
	IF rule IS NOT NULL THEN
		PERFORM cdp._note_rules_action('block', $3, jsonb_build_object(
			'blocked_value_id', rule, 'type', $1, 'identifiers', cardinality(changed)), last_log);
	END IF;
	RETURN cardinality(changed);
END
$$;
COMMENT ON FUNCTION cdp._block_value(text, text, text, text) IS
'cdp.block_value()';

CREATE FUNCTION cdp._unblock_value(
	type text,
	value text,
	pattern text,
	reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed bigint[];
	rule integer;
	was_pending boolean;
	last_log bigint;
BEGIN
	PERFORM cdp._check_blocked($1, $2, $3);
	was_pending := cdp._lock_rules();
	last_log := cdp._last_log();
	DELETE FROM cdp.blocked_value AS blocked
	WHERE blocked.type IS NOT DISTINCT FROM $1
		AND blocked.value IS NOT DISTINCT FROM lower($2 COLLATE "C")
		AND blocked.pattern IS NOT DISTINCT FROM $3
	RETURNING blocked.blocked_value_id INTO rule;
	changed := cdp._reflag(coalesce(
		cdp._affected_by_block($1, lower($2 COLLATE "C"), $3), '{}'));
	PERFORM cdp._rejudge(changed);
	UPDATE cdp.identity_state SET judge_all = was_pending;
	IF rule IS NOT NULL THEN
		PERFORM cdp._note_rules_action('unblock', $4, jsonb_build_object(
			'blocked_value_id', rule, 'type', $1, 'identifiers', cardinality(changed)), last_log);
	END IF;
	RETURN cardinality(changed);
END
$$;
COMMENT ON FUNCTION cdp._unblock_value(text, text, text, text) IS
'cdp.unblock_value()';

CREATE FUNCTION cdp._check_known_type(type text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cdp.identifier_type WHERE identifier_type.type = $1) THEN
		RAISE EXCEPTION 'unknown identifier type "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'undefined_object',
				HINT = 'See cdp.identifier_type; cdp.add_identifier_type() adds one.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_known_type(text) IS 'raise unless it is a type of identifiers';

CREATE FUNCTION cdp._check_blocked(type text, value text, pattern text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF num_nonnulls($2, $3) <> 1 THEN
		RAISE EXCEPTION 'either a value or a pattern is needed'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF octet_length($2) > 1024 THEN
		RAISE EXCEPTION 'cannot block a value of % bytes', octet_length($2)
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'No identifier is longer than 1024 bytes.';
	END IF;
	IF $1 IS NOT NULL THEN
		PERFORM cdp._check_known_type($1);
	END IF;
	PERFORM cdp._check_pattern($3, 'the pattern');
END
$$;
COMMENT ON FUNCTION cdp._check_blocked(text, text, text) IS
'raise unless the arguments can be a row of cdp.blocked_value';

-- Elsewhere crm_id:web/17 is number 17 of source web; here it would be a value
-- that nobody has, and nothing would be blocked.
CREATE FUNCTION cdp._check_blocked_source(type text, value text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	named text := split_part($2, '/', 1);
BEGIN
	IF $2 !~ '/' OR cdp._affected_by_block($1, lower($2 COLLATE "C"), NULL) IS NOT NULL
			OR NOT EXISTS (SELECT FROM cdp.source WHERE source.name = named)
			OR coalesce(cdp._identifier_scope($1, named), '') = '' THEN
		RETURN;
	END IF;
	RAISE EXCEPTION 'cannot block value "%" of one source', $2
		USING ERRCODE = 'invalid_parameter_value',
			DETAIL = 'A blocked value is blocked in all sources.',
			HINT = format('Block "%s", or pattern "^%s$" if the value itself is written like that.',
				substr($2, strpos($2, '/') + 1), $2);
END
$$;
COMMENT ON FUNCTION cdp._check_blocked_source(text, text) IS
'raise if a value to be blocked is written source/value';
