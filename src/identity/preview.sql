-- Changes of rules, given as jsonb:
--
--	{"identifier_type": {"email": {"max_per_profile": 3, "strong": true}},
--	 "block": [{"type": "email", "value": "x@y.de", "reason": "..."},
--		{"type": null, "pattern": "^test"}],
--	 "unblock": [{"type": "email", "value": "x@y.de"}]}
--
-- cdp._types_with() and cdp._blocked_with() give the rules with them: what
-- cdp.preview_rules() judges by is what cdp.change_rules() writes.
CREATE FUNCTION cdp._refuse_change(
	place text,
	detail text,
	hint text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $3 IS NULL THEN
		RAISE EXCEPTION 'invalid change of rules at "%"', $1
			USING ERRCODE = 'invalid_parameter_value', DETAIL = $2;
	END IF;
	RAISE EXCEPTION 'invalid change of rules at "%"', $1
		USING ERRCODE = 'invalid_parameter_value', DETAIL = $2, HINT = $3;
END
$$;
COMMENT ON FUNCTION cdp._refuse_change(text, text, text) IS
'raise that changes of rules are wrong at a path of keys';

-- Columns of identifier_type that may change; the rule that a value breaks.
CREATE FUNCTION cdp._broken_by_column(name text, value jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kind text := jsonb_typeof($2);
	says text := $2 #>> '{}';
BEGIN
	CASE
	WHEN $1 IN ('priority', 'max_per_profile', 'max_strong_per_value') THEN
		IF kind <> 'null' AND (kind <> 'number' OR says !~ '^[1-9][0-9]{0,9}$'
				OR says::bigint > 2147483647) THEN
			RETURN CASE WHEN $1 = 'priority'
				THEN 'A priority is a whole number of at least 1, or null for a type that only describes.'
				ELSE 'A limit is a whole number of at least 1, or null for no limit.' END;
		END IF;
	WHEN $1 IN ('strong', 'stitches', 'joins_known', 'stands_in') THEN
		IF kind <> 'boolean' THEN
			RETURN 'It is true or false.';
		END IF;
	WHEN $1 = 'time_to_live' THEN
		BEGIN
			IF kind <> 'null' AND (kind <> 'string'
					OR NOT cdp._is_time_to_live(says::interval)) THEN
				RETURN 'A time to live is an interval above zero, such as "90 days", of at most 1000 years, or null.';
			END IF;
		EXCEPTION WHEN data_exception THEN
			RETURN 'A time to live is an interval above zero, such as "90 days", of at most 1000 years, or null.';
		END;
	WHEN $1 = 'pattern' THEN
		IF kind NOT IN ('string', 'null') THEN
			RETURN 'A pattern is a regular expression, or null.';
		END IF;
		PERFORM cdp._check_pattern(says, 'the pattern of the type');
	WHEN $1 = 'description' THEN
		IF kind <> 'string' THEN
			RETURN 'A description is text.';
		END IF;
	WHEN $1 = 'scope' THEN
		IF kind <> 'string' OR says NOT IN ('global', 'source') THEN
			RETURN 'A scope is global or source.';
		END IF;
	WHEN $1 = 'normaliser' THEN
		IF kind <> 'string' OR says NOT IN ('email', 'phone', 'uuid', 'text', 'lower') THEN
			RETURN 'A normaliser is email, phone, uuid, text or lower.';
		END IF;
	ELSE
		RETURN 'What may change of a type is priority, strong, scope, max_per_profile,'
			' max_strong_per_value, stitches, joins_known, stands_in, time_to_live,'
			' pattern, normaliser and description.';
	END CASE;
	RETURN NULL;
EXCEPTION WHEN invalid_regular_expression THEN
	RETURN 'A pattern is a regular expression, or null.';
END
$$;
COMMENT ON FUNCTION cdp._broken_by_column(text, jsonb) IS
'the rule that a new value of a column of identifier_type breaks; NULL: none';

CREATE FUNCTION cdp._check_changed_type(known_type text, changes jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	place text := 'identifier_type.' || $1;
	known jsonb;
	column_name text;
	value jsonb;
	broken text;
BEGIN
	SELECT to_jsonb(identifier_type) INTO known
	FROM cdp.identifier_type WHERE type = $1;
	IF known IS NULL THEN
		PERFORM cdp._refuse_change(place, 'There is no identifier type of this name.',
			'See cdp.identifier_type; cdp.add_identifier_type() adds one.');
	ELSIF jsonb_typeof($2) <> 'object' THEN
		PERFORM cdp._refuse_change(place, 'It is an object of columns and their new values.');
	END IF;
	FOR column_name, value IN SELECT each.key, each.value FROM jsonb_each($2) AS each LOOP
		broken := cdp._broken_by_column(column_name, value);
		IF broken IS NOT NULL THEN
			PERFORM cdp._refuse_change(place || '.' || column_name, broken);
		END IF;
		IF column_name IN ('scope', 'normaliser') AND known -> column_name <> value
				AND EXISTS (SELECT FROM cdp.identifier
					WHERE type_id = (known -> 'type_id')::integer) THEN
			PERFORM cdp._refuse_change(place || '.' || column_name,
				'Identifiers of the type exist, and mean what they meant when they came.',
				'Add another type with cdp.add_identifier_type().');
		END IF;
	END LOOP;
	known := known || $2;
	IF known ->> 'priority' IS NULL AND (known -> 'strong')::boolean THEN
		PERFORM cdp._refuse_change(place || '.' ||
				CASE WHEN $2 ? 'strong' THEN 'strong' ELSE 'priority' END,
			'A type without a priority only describes, and cannot be strong.');
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_changed_type(text, jsonb) IS
'raise unless a type can be changed so';

CREATE FUNCTION cdp._check_changed_block(place text, entry jsonb, unblocks boolean)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	key text;
BEGIN
	IF jsonb_typeof($2) <> 'object' THEN
		PERFORM cdp._refuse_change($1, 'It is an object with a type (or null for all of them) and a value or a pattern.');
	END IF;
	FOR key IN SELECT jsonb_object_keys($2) LOOP
		IF key NOT IN ('type', 'value', 'pattern') AND (unblocks OR key <> 'reason') THEN
			PERFORM cdp._refuse_change($1 || '.' || key, CASE WHEN unblocks
				THEN 'The keys are type, value and pattern.'
				ELSE 'The keys are type, value, pattern and reason.' END);
		ELSIF jsonb_typeof($2 -> key) NOT IN ('string', 'null') THEN
			PERFORM cdp._refuse_change($1 || '.' || key, 'It is a string, or null.');
		END IF;
	END LOOP;
	IF num_nonnulls($2 ->> 'value', $2 ->> 'pattern') <> 1 THEN
		PERFORM cdp._refuse_change($1, 'Either a value or a pattern is needed.');
	ELSIF $2 ->> 'type' IS NOT NULL
			AND NOT EXISTS (SELECT FROM cdp.identifier_type WHERE type = $2 ->> 'type') THEN
		PERFORM cdp._refuse_change($1 || '.type', 'There is no identifier type of this name.',
			'See cdp.identifier_type; cdp.add_identifier_type() adds one.');
	END IF;
	BEGIN
		PERFORM cdp._check_pattern($2 ->> 'pattern', $1);
	EXCEPTION WHEN invalid_regular_expression THEN
		PERFORM cdp._refuse_change($1 || '.pattern', 'It is not a regular expression.');
	END;
	IF unblocks AND NOT EXISTS (SELECT FROM cdp.blocked_value AS blocked
			WHERE blocked.type IS NOT DISTINCT FROM $2 ->> 'type'
				AND blocked.value IS NOT DISTINCT FROM lower(($2 ->> 'value') COLLATE "C")
				AND blocked.pattern IS NOT DISTINCT FROM $2 ->> 'pattern') THEN
		PERFORM cdp._refuse_change($1, 'There is no such row of cdp.blocked_value.',
			'Give the type, and the value or pattern, as that row has them.');
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_changed_block(text, jsonb, boolean) IS
'raise unless an entry of "block" or "unblock" can be a row of blocked_value, or is one';

CREATE FUNCTION cdp._check_changes(changes jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	key text;
	part text;
	value jsonb;
	n bigint;
BEGIN
	IF $1 IS NULL OR jsonb_typeof($1) <> 'object' THEN
		RAISE EXCEPTION 'changes of rules must be an object'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'For example {"identifier_type": {"phone": {"max_per_profile": 2}}}.';
	END IF;
	FOR part, value IN SELECT each.key, each.value FROM jsonb_each($1) AS each LOOP
		IF part NOT IN ('identifier_type', 'block', 'unblock') THEN
			PERFORM cdp._refuse_change(part, 'The keys are identifier_type, block and unblock.');
		ELSIF part = 'identifier_type' AND jsonb_typeof(value) <> 'object' THEN
			PERFORM cdp._refuse_change(part, 'It is an object of types and their changes.');
		ELSIF part <> 'identifier_type' AND jsonb_typeof(value) <> 'array' THEN
			PERFORM cdp._refuse_change(part, 'It is an array of objects.');
		END IF;
	END LOOP;
	FOR key, value IN SELECT each.key, each.value
			FROM jsonb_each($1 -> 'identifier_type') AS each LOOP
		PERFORM cdp._check_changed_type(key, value);
	END LOOP;
	FOR part, value, n IN SELECT given.part, entry.value, entry.n - 1
			FROM unnest(ARRAY['block', 'unblock']) AS given (part),
				jsonb_array_elements($1 -> given.part) WITH ORDINALITY AS entry (value, n)
	LOOP
		PERFORM cdp._check_changed_block(format('%s[%s]', part, n), value, part = 'unblock');
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._check_changes(jsonb) IS
'raise unless rules can be changed so';

CREATE FUNCTION cdp._types_with(changes jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT to_jsonb(known) || coalesce($1 -> 'identifier_type' -> known.type, '{}')
	FROM cdp.identifier_type AS known;
END
$$;
COMMENT ON FUNCTION cdp._types_with(jsonb) IS
'the rows of identifier_type with changes';

CREATE FUNCTION cdp._changed_blocks(entries jsonb)
RETURNS TABLE (type text, value text, pattern text, reason text)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT DISTINCT ON (1, 2, 3) entry.value ->> 'type',
		lower((entry.value ->> 'value') COLLATE "C"), entry.value ->> 'pattern',
		coalesce(entry.value ->> 'reason', 'blocked by hand')
	FROM jsonb_array_elements($1) AS entry
$$;
COMMENT ON FUNCTION cdp._changed_blocks(jsonb) IS
'entries of "block" or "unblock" as rows of blocked_value';

-- What is unblocked goes first.
CREATE FUNCTION cdp._blocked_with(changes jsonb)
RETURNS TABLE (type text, value text, pattern text, reason text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH gone AS (
		SELECT type, value, pattern FROM cdp._changed_blocks($1 -> 'unblock')
	), fresh AS (
		SELECT * FROM cdp._changed_blocks($1 -> 'block')
	)
	SELECT known.type::text, known.value::text, known.pattern, known.reason
	FROM cdp.blocked_value AS known
	WHERE NOT EXISTS (SELECT FROM gone
			WHERE (gone.type, gone.value, gone.pattern)
				IS NOT DISTINCT FROM (known.type, known.value, known.pattern))
		AND NOT EXISTS (SELECT FROM fresh
			WHERE (fresh.type, fresh.value, fresh.pattern)
				IS NOT DISTINCT FROM (known.type, known.value, known.pattern))
	UNION ALL
	SELECT * FROM fresh;
END
$$;
COMMENT ON FUNCTION cdp._blocked_with(jsonb) IS
'the rows of blocked_value with changes';

-- As cdp._judge_expiry() has it: days and months are those of UTC.
CREATE FUNCTION cdp._expired_with(changes jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT identifier.identifier_id
	FROM cdp._types_with($1) AS changed (body)
	CROSS JOIN jsonb_populate_record(NULL::cdp.identifier_type, changed.body) AS type
	JOIN cdp.identifier ON identifier.type_id = type.type_id
	WHERE type.stitches AND type.priority IS NOT NULL
		AND type.time_to_live IS NOT NULL
		AND (SELECT max(identifier_set.last_seen)
			FROM cdp.identifier_set_member AS member
			JOIN cdp.identifier_set USING (set_id)
			WHERE member.identifier_id = identifier.identifier_id
				AND NOT identifier_set.retracted) AT TIME ZONE 'UTC' + type.time_to_live
			<= cdp.clock() AT TIME ZONE 'UTC';
END
$$;
COMMENT ON FUNCTION cdp._expired_with(jsonb) IS
'the identifiers whose time to live is over by the rules with changes, blocked or not';

-- Work that waits is done first, so that what follows is the rules' doing.
CREATE FUNCTION cdp._settle_rules() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	FOR step IN 0 .. cdp._todo_size('stitch') / 1000 + 1 LOOP
		EXIT WHEN cdp._stitch_step(1000) = 0;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._settle_rules() IS
'judge what waits by the rules as they are; the caller holds the merger''s lock';

CREATE FUNCTION cdp._write_types(changes jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	was jsonb;
BEGIN
	SELECT jsonb_object_agg(known.type, (
			SELECT jsonb_object_agg(key, to_jsonb(known) -> key)
			FROM jsonb_object_keys(given.value) AS key)) INTO was
	FROM jsonb_each($1 -> 'identifier_type') AS given
	JOIN cdp.identifier_type AS known ON known.type = given.key
	WHERE given.value <> '{}';
	UPDATE cdp.identifier_type AS known
	SET priority = new.priority, strong = new.strong, scope = new.scope,
		max_per_profile = new.max_per_profile,
		max_strong_per_value = new.max_strong_per_value,
		stitches = new.stitches, joins_known = new.joins_known,
		stands_in = new.stands_in, time_to_live = new.time_to_live,
		pattern = new.pattern, normaliser = new.normaliser,
		description = new.description
	FROM cdp._types_with($1) AS changed (body)
	CROSS JOIN jsonb_populate_record(NULL::cdp.identifier_type, changed.body) AS new
	WHERE new.type_id = known.type_id AND new IS DISTINCT FROM known;
	RETURN jsonb_build_object('identifier_type', $1 -> 'identifier_type', 'was', was);
END
$$;
COMMENT ON FUNCTION cdp._write_types(jsonb) IS
'change identifier_type; what was asked for, and what it was before';

CREATE FUNCTION cdp._write_blocked(changes jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	gone jsonb;
	fresh jsonb;
BEGIN
	WITH deleted AS (
		DELETE FROM cdp.blocked_value AS known
		WHERE NOT EXISTS (SELECT FROM cdp._blocked_with($1) AS new
			WHERE (new.type, new.value, new.pattern)
				IS NOT DISTINCT FROM (known.type, known.value, known.pattern))
		RETURNING known.blocked_value_id, known.type
	)
	SELECT jsonb_agg(to_jsonb(deleted) ORDER BY blocked_value_id) INTO gone FROM deleted;
	WITH added AS (
		INSERT INTO cdp.blocked_value AS known (type, value, pattern, reason)
		SELECT new.type, new.value, new.pattern, new.reason
		FROM cdp._blocked_with($1) AS new
		WHERE NOT EXISTS (SELECT FROM cdp.blocked_value AS other
			WHERE (new.type, new.value, new.pattern)
				IS NOT DISTINCT FROM (other.type, other.value, other.pattern))
		RETURNING known.blocked_value_id, known.type
	)
	SELECT jsonb_agg(to_jsonb(added) ORDER BY blocked_value_id) INTO fresh FROM added;
	RETURN jsonb_build_object('block', fresh, 'unblock', gone);
END
$$;
COMMENT ON FUNCTION cdp._write_blocked(jsonb) IS
'change blocked_value; which rows came and went, without their values';

CREATE FUNCTION cdp._apply_changes(changes jsonb, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	last_log bigint := cdp._last_log();
	detail jsonb := '{}';
BEGIN
	IF $1 ? 'identifier_type' THEN
		detail := cdp._write_types($1);
	END IF;
	IF $1 ?| ARRAY['block', 'unblock'] THEN
		detail := detail || cdp._write_blocked($1);
	END IF;
	PERFORM cdp._stitch_everything();
	IF $1 ? 'block' THEN
		PERFORM cdp._drop_points(NULL);
	END IF;
	UPDATE cdp.identity_state SET judge_all = false;
	RETURN cdp._note_rules_action('change_rules', $2,
		(SELECT coalesce(jsonb_object_agg(key, value), '{}')
			FROM jsonb_each(detail) WHERE value <> 'null'), last_log);
END
$$;
COMMENT ON FUNCTION cdp._apply_changes(jsonb, text) IS
'change rules, judge everything by them and note who did; the caller holds the merger''s lock and checked the changes';

CREATE FUNCTION cdp._compare_rules(changes jsonb, apply boolean, reason text)
RETURNS TABLE (
	identifier_id bigint,
	profile_before bigint,
	part_before bigint,
	part bigint,
	case_id bigint)
LANGUAGE c VOLATILE ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__compare_rules';
COMMENT ON FUNCTION cdp._compare_rules(jsonb, boolean, text) IS
'the identifiers of all profiles that changes of rules merge, split or else change: the live profile, the part before and after (its smallest identifier_id; NULL: none), and the smallest identifier_id of all that is changed together; apply: make the changes, otherwise judge in memory only';

CREATE FUNCTION cdp._preview_diff(changes jsonb)
RETURNS TABLE (
	identifier_id bigint,
	profile_before bigint,
	part_before bigint,
	part bigint)
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT identifier_id, profile_before, part_before, part
	FROM cdp._compare_rules($1, false, NULL)
	WHERE part IS DISTINCT FROM part_before
$$;
COMMENT ON FUNCTION cdp._preview_diff(jsonb) IS
'the identifiers whose part gets another name by changes of rules; a part''s name is the smallest identifier_id in it, NULL is none: with the partition as it is they give the whole partition as it would be';

CREATE FUNCTION cdp._say_identifiers(identifier_ids bigint[]) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(cdp._identifier_key(first.identifier_id), ', ' ORDER BY first.n)
		|| CASE WHEN max(first.total) > 3 THEN format(' and %s more', max(first.total) - 3) ELSE '' END
	FROM (
		SELECT identifier.identifier_id, count(*) OVER () AS total,
			row_number() OVER (ORDER BY type.priority NULLS LAST, identifier.identifier_id) AS n
		FROM unnest($1) AS given (identifier_id)
		JOIN cdp.identifier ON identifier.identifier_id = given.identifier_id
		JOIN cdp.identifier_type AS type ON type.type_id = identifier.type_id
	) AS first
	WHERE first.n <= 3
$$;
COMMENT ON FUNCTION cdp._say_identifiers(bigint[]) IS
'the strongest few of some identifiers, masked, and how many more there are';

CREATE FUNCTION cdp._say_change(
	profiles bigint[],
	after bigint,
	parts text[],
	nparts bigint)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN cardinality($1) = 1 THEN 'profile ' ELSE 'profiles ' END
		|| array_to_string($1[:5], ', ')
		|| CASE WHEN cardinality($1) > 5 THEN format(' and %s more', cardinality($1) - 5) ELSE '' END
		|| CASE WHEN cardinality($1) = 1 THEN ' becomes ' ELSE ' become ' END
		|| CASE WHEN $2 = 1 THEN 'one' ELSE $2::text END || ': '
		|| array_to_string($3, ' | ')
		|| CASE WHEN $4 > cardinality($3) THEN format(' | and %s more', $4 - cardinality($3)) ELSE '' END
$$;
COMMENT ON FUNCTION cdp._say_change(bigint[], bigint, text[], bigint) IS
'a sentence about profiles that become others: some of the parts, and how many there are';

-- The parts shown are those before of a merge, those after of anything else.
CREATE FUNCTION cdp._summarise_rules(changes jsonb, apply boolean, reason text)
RETURNS TABLE (
	change text,
	cases bigint,
	profiles_before bigint,
	profiles_after bigint,
	identifiers bigint,
	profiles bigint[],
	examples text[])
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH moved AS MATERIALIZED (
		SELECT * FROM cdp._compare_rules($1, $2, $3)
	), sized AS (
		SELECT case_id, count(*) AS identifiers,
			count(DISTINCT part_before) AS before, count(DISTINCT part) AS after
		FROM moved
		WHERE part_before IS NOT NULL AND part IS NOT NULL
		GROUP BY case_id
	), told AS (
		SELECT sized.*, kind.change,
			row_number() OVER (PARTITION BY kind.change
				ORDER BY identifiers DESC, case_id) AS n
		FROM sized
		CROSS JOIN LATERAL (SELECT CASE WHEN before = 1 THEN 'split'
			WHEN after = 1 THEN 'merge' ELSE 'regroup' END) AS kind (change)
		WHERE before > 1 OR after > 1
	), example AS (
		SELECT told.change, told.n, mine.profiles,
			cdp._say_change(mine.profiles, told.after, mine.parts,
				CASE WHEN told.change = 'merge' THEN told.before ELSE told.after END) AS says
		FROM told
		CROSS JOIN LATERAL (
			SELECT (SELECT array_agg(DISTINCT profile_before ORDER BY profile_before)
					FROM moved WHERE moved.case_id = told.case_id AND part IS NOT NULL) AS profiles,
				(SELECT array_agg(cdp._say_identifiers(part.ids) ORDER BY part.shown)
					FROM (SELECT grouped.shown, array_agg(identifier_id) AS ids
						FROM moved
						CROSS JOIN LATERAL (SELECT CASE WHEN told.change = 'merge'
							THEN part_before ELSE part END) AS grouped (shown)
						WHERE moved.case_id = told.case_id
							AND part_before IS NOT NULL AND part IS NOT NULL
						GROUP BY grouped.shown ORDER BY grouped.shown LIMIT 5) AS part) AS parts
		) AS mine
		WHERE told.n <= 3
	), crossed AS (
		SELECT moved.*, kind.change,
			row_number() OVER (PARTITION BY kind.change ORDER BY identifier_id) AS n
		FROM moved
		CROSS JOIN LATERAL (SELECT CASE WHEN part IS NULL THEN 'leave' ELSE 'join' END) AS kind (change)
		WHERE (part IS NULL) <> (part_before IS NULL)
	), crossing AS (
		SELECT crossed.change, crossed.n, known.profile_id,
			cdp._identifier_key(identifier_id) || CASE
				WHEN crossed.change = 'leave' THEN coalesce(' leaves profile ' || known.profile_id, ' leaves its profile')
				ELSE coalesce(' joins profile ' || known.profile_id, ' gets a profile of its own') END AS says
		FROM crossed
		CROSS JOIN LATERAL (
			SELECT CASE WHEN crossed.change = 'leave' THEN crossed.profile_before
				ELSE (SELECT min(other.profile_before) FROM moved AS other
					WHERE other.part = crossed.part) END
		) AS known (profile_id)
		WHERE crossed.n <= 3
	), counted AS (
		SELECT change, count(*) AS cases, sum(before)::bigint AS before,
			sum(after)::bigint AS after, sum(identifiers)::bigint AS identifiers
		FROM told
		GROUP BY change
		UNION ALL
		SELECT change, count(DISTINCT coalesce(part, part_before)),
			count(DISTINCT part_before), count(DISTINCT part), count(*)
		FROM crossed
		GROUP BY change
	), shown AS (
		SELECT change, n, profiles, says FROM example
		UNION ALL
		SELECT change, n, ARRAY[profile_id], says FROM crossing
	)
	SELECT counted.change, counted.cases, counted.before, counted.after,
		counted.identifiers,
		ARRAY(SELECT DISTINCT profile_id
			FROM shown, unnest(shown.profiles[:5]) AS profile_id
			WHERE shown.change = counted.change AND profile_id IS NOT NULL ORDER BY 1),
		ARRAY(SELECT shown.says FROM shown
			WHERE shown.change = counted.change ORDER BY shown.n)
	FROM counted
	ORDER BY array_position(ARRAY['merge', 'split', 'regroup', 'leave', 'join'], counted.change);
END
$$;
COMMENT ON FUNCTION cdp._summarise_rules(jsonb, boolean, text) IS
'what changes of rules do to profiles, in counts and examples; apply: make the changes';

CREATE FUNCTION cdp.change_rules(changes jsonb, reason text)
RETURNS TABLE (
	change text,
	cases bigint,
	profiles_before bigint,
	profiles_after bigint,
	identifiers bigint,
	profiles bigint[],
	examples text[])
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_store_owner('change rules');
	RETURN QUERY SELECT * FROM cdp._summarise_rules($1, true, $2);
END
$$;
COMMENT ON FUNCTION cdp.change_rules(jsonb, text) IS
'change rules as given to cdp.preview_rules(), judge all profiles by them in this one transaction (however large the store), and say what became of profiles, as the preview did; work that waits is done first';
