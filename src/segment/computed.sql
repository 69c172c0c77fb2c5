-- Traits that are computed from events.  A steady one, which changes with
-- nothing but the profile's events, is a trait like others: cdp.trait has it,
-- and cdp._refresh_profiles() puts its value into the profile's row.  The
-- others depend on the clock, or on what is told of the profile, and are
-- computed when they are read.  No expression refers to one of those, nor to its
-- own trait; predicates may.

-- What expressions are worth for a profile; one plan, by keys.
CREATE FUNCTION cdp._profile_values(
	profile_id bigint,
	expressions cdp.predicate[],
	as_of timestamptz)
RETURNS jsonb[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
BEGIN
	RETURN (
		SELECT cdp._evaluate_values($2, context, $3, current.profile_id,
			first.data, (
				SELECT array_agg(later.data ORDER BY later.chunk)
				FROM cdp.timeline_chunk AS later
				WHERE later.profile_id = current.profile_id AND later.chunk > 1),
			cdp._facts(current, score,
				CASE WHEN cdp._asks_suppressed($2, context) THEN (
					SELECT held.channels FROM cdp._suppressed AS held
					WHERE held.profile_id = current.profile_id)
				END))
		FROM cdp.profile_current AS current
		LEFT JOIN cdp.timeline_chunk AS first
			ON first.profile_id = current.profile_id AND first.chunk = 1
		LEFT JOIN cdp.profile_score AS score
			ON score.profile_id = current.profile_id
		WHERE current.profile_id = $1);
END
$$;
COMMENT ON FUNCTION cdp._profile_values(bigint, cdp.predicate[], timestamptz) IS
'the values of expressions for a live profile at an instant';

-- Called for a profile whose row is being made: only events are looked at, all
-- of them, those that a wrong clock sent from the future included, or the value
-- would depend on when it was computed.
CREATE FUNCTION cdp._steady_values(
	profile_id bigint,
	names text[],
	expressions cdp.predicate[],
	context jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT coalesce(jsonb_object_agg(trait.name, trait.value), '{}')
		FROM unnest($2, cdp._evaluate_values($3, $4, 'infinity', $1, (
				SELECT first.data
				FROM cdp.timeline_chunk AS first
				WHERE first.profile_id = $1 AND first.chunk = 1), (
				SELECT array_agg(later.data ORDER BY later.chunk)
				FROM cdp.timeline_chunk AS later
				WHERE later.profile_id = $1 AND later.chunk > 1)))
			AS trait (name, value)
		WHERE trait.value IS NOT NULL);
END
$$;
COMMENT ON FUNCTION cdp._steady_values(bigint, text[], cdp.predicate[], jsonb) IS
'the traits that these expressions give a profile, without those that have no value';

-- A name stands for one thing: a column of profiles, what sources tell, or
-- what is computed.
CREATE FUNCTION cdp._check_computed_name(name text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IS NULL OR $1 !~ '^[a-z][a-z0-9_]{0,62}$' THEN
		RAISE EXCEPTION 'invalid name of a computed trait "%"', $1
			USING ERRCODE = 'invalid_name',
				DETAIL = 'It is a lower-case letter and up to 62 more letters, digits and underscores.';
	END IF;
	IF EXISTS (SELECT FROM cdp.computed_trait WHERE computed_trait.name = $1 AND steady) THEN
		RETURN;
	END IF;
	IF EXISTS (SELECT FROM cdp.trait WHERE trait.name = $1) THEN
		RAISE EXCEPTION 'trait "%" comes from sources', $1
			USING ERRCODE = 'duplicate_object',
				DETAIL = 'It is a row of cdp.trait.',
				HINT = 'Choose another name.';
	END IF;
	IF EXISTS (
		SELECT FROM pg_attribute
		WHERE attrelid IN ('cdp.unified_profile'::regclass, 'cdp.profile_current'::regclass)
			AND attname = $1)
	THEN
		RAISE EXCEPTION '"%" is a column of profiles', $1
			USING ERRCODE = 'duplicate_object',
				HINT = 'Choose another name.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_computed_name(text) IS
'raise unless a computed trait may have that name';

-- The registry has the steady ones, so that they can be exposed, and used in
-- predicates by name.  One that a source has registered meanwhile is not taken
-- over: the insert raises.
CREATE FUNCTION cdp._register_computed(name text, type text, description text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.computed_trait AS trait WHERE trait.name = $1 AND steady) THEN
		UPDATE cdp.trait SET type = $2 WHERE trait.name = $1 AND trait.type <> $2;
		UPDATE cdp.trait SET description = $3 WHERE trait.name = $1;
	ELSE
		INSERT INTO cdp.trait (name, type, description) VALUES ($1, $2, $3);
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._register_computed(text, text, text) IS
'have a computed trait in the registry of traits';

-- The context in which a name is a computed trait that moves with the clock.
CREATE FUNCTION cdp._context_with_computed(name text, expression text) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
BEGIN
	RETURN context || jsonb_build_object('computed',
		coalesce(nullif(context -> 'computed', 'null'), '{}')
		|| jsonb_build_object($1, $2));
END
$$;
COMMENT ON FUNCTION cdp._context_with_computed(text, text) IS
'the evaluation context as if that computed trait were defined, and moved with the clock';

-- Others cannot refer to one that moves.  Those that do are found by giving the
-- name an expression that the binder complains about wherever it is used.
CREATE FUNCTION cdp._check_may_move(name text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	context jsonb := cdp._context_with_computed($1, '1 + ''x''');
	users text := (
		SELECT string_agg(format('computed trait "%s"', trait.name), ', ' ORDER BY trait.name)
		FROM cdp.computed_trait AS trait
		WHERE trait.name <> $1 AND EXISTS (
			SELECT FROM cdp._predicate_check(trait.expression, context) AS checked
			WHERE starts_with(checked.message, format('computed trait "%s": ', $1))));
BEGIN
	IF users IS NOT NULL THEN
		RAISE EXCEPTION 'computed trait "%" cannot move with the clock', $1
			USING ERRCODE = 'dependent_objects_still_exist',
				DETAIL = format('It is used by %s.', users),
				HINT = 'Define these without it, or drop them, first.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_may_move(text) IS
'raise if other computed traits refer to that name: it could not move with the clock then';

CREATE FUNCTION cdp.define_computed_trait(
	name text,
	expression cdp.predicate,
	description text DEFAULT '')
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bound record;
	was_steady boolean;
BEGIN
	PERFORM cdp._check_store();
	IF num_nulls($2, $3) > 0 THEN
		RAISE EXCEPTION 'computed trait "%" needs an expression and a description', $1
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'The description may be empty.';
	END IF;
	LOCK TABLE cdp.segment_definition, cdp.computed_trait IN SHARE ROW EXCLUSIVE MODE;
	PERFORM cdp._check_computed_name($1);
	bound := cdp._expression_bind($2, cdp._context_with_computed($1, $2::text));
	SELECT steady INTO was_steady
	FROM cdp.computed_trait
	WHERE computed_trait.name = $1;
	IF bound.steady THEN
		PERFORM cdp._register_computed($1, bound.type, $3);
	ELSE
		PERFORM cdp._check_may_move($1);
		DELETE FROM cdp.trait WHERE trait.name = $1 AND was_steady;
	END IF;
	INSERT INTO cdp.computed_trait (name, expression, type, steady, description,
		created_at)
	VALUES ($1, bound.expression, bound.type, bound.steady, $3, cdp.clock())
	ON CONFLICT ON CONSTRAINT computed_trait_pkey DO UPDATE
	SET expression = excluded.expression, type = excluded.type,
		steady = excluded.steady, description = excluded.description;
END
$$;
COMMENT ON FUNCTION cdp.define_computed_trait(text, cdp.predicate, text) IS
'define or redefine a trait that is computed from events by an expression such as count(order, 90 days)';

CREATE FUNCTION cdp.drop_computed_trait(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	is_steady boolean;
BEGIN
	PERFORM cdp._check_store();
	LOCK TABLE cdp.segment_definition, cdp.computed_trait IN SHARE ROW EXCLUSIVE MODE;
	SELECT steady INTO is_steady
	FROM cdp.computed_trait
	WHERE computed_trait.name = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no computed trait "%"', $1
			USING ERRCODE = 'undefined_object',
				HINT = 'Computed traits are rows of cdp.computed_trait.';
	END IF;
	PERFORM cdp._check_unused('computed trait',
		CASE WHEN is_steady THEN 'traits' ELSE 'computed' END, $1);
	DELETE FROM cdp.computed_trait WHERE computed_trait.name = $1;
	IF is_steady THEN
		DELETE FROM cdp.trait WHERE trait.name = $1;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp.drop_computed_trait(text) IS
'remove a computed trait; profiles lose its value with the next merge run; refused while a segment, an experiment or another one refers to it';
