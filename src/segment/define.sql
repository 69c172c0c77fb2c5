CREATE FUNCTION cdp._check_segment_name(name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IS NULL OR $1 !~ '^[a-z][a-z0-9_]{0,62}$' THEN
		RAISE EXCEPTION 'invalid segment name "%"', $1
			USING ERRCODE = 'invalid_name',
				DETAIL = 'A segment name is a lower-case letter and up to 62 more letters, digits and underscores.';
	END IF;
END
$$;

-- The predicate as the segment of that name will keep it, after all checks.
-- For them the segment is already defined so: a circle through it shows.
CREATE FUNCTION cdp._bind_segment(name text, predicate cdp.predicate)
RETURNS cdp.predicate
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
	segments jsonb := coalesce(nullif(context -> 'segments', 'null'), '{}');
BEGIN
	segments := segments || jsonb_build_object($1, $2::text);
	RETURN cdp._predicate_bind($2, context
		|| jsonb_build_object('segments', segments));
END
$$;

-- A new version only if something changed.  The lock keeps two sessions from
-- making two halves of a circle.
CREATE FUNCTION cdp._define_segment(
	name text,
	predicate cdp.predicate,
	description text)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bound cdp.predicate;
	defined cdp.segment_definition;
BEGIN
	LOCK TABLE cdp.segment_definition IN SHARE ROW EXCLUSIVE MODE;
	bound := cdp._bind_segment($1, $2);
	SELECT * INTO defined
	FROM cdp.segment_definition AS known
	WHERE known.name = $1;
	IF defined.active
		AND defined.predicate OPERATOR(cdp.=) bound
		AND defined.description IS NOT DISTINCT FROM coalesce($3, defined.description)
	THEN
		RETURN defined.segment_id;
	END IF;
	INSERT INTO cdp.segment_definition AS known (name, predicate, description, defined_at)
	VALUES ($1, bound, $3, cdp.clock())
	ON CONFLICT ON CONSTRAINT segment_definition_name_key DO UPDATE SET
		predicate = excluded.predicate,
		description = coalesce(excluded.description, known.description),
		version = known.version + 1,
		active = true,
		author = current_user,
		defined_at = excluded.defined_at
	RETURNING * INTO defined;
	INSERT INTO cdp.segment_version
		(segment_id, version, predicate, description, author, defined_at)
	VALUES (defined.segment_id, defined.version, defined.predicate,
		defined.description, defined.author, defined.defined_at);
	RETURN defined.segment_id;
END
$$;

CREATE FUNCTION cdp.define_segment(
	name text,
	predicate cdp.predicate,
	description text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	segment_id integer;
	warning record;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_segment_name($1);
	IF $2 IS NULL THEN
		RAISE EXCEPTION 'segment "%" needs a predicate', $1
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	segment_id := cdp._define_segment($1, $2, $3);
	FOR warning IN
		SELECT checked.message, checked.hint
		FROM cdp.predicate_check($2) AS checked
	LOOP
		RAISE NOTICE '%', warning.message
			USING HINT = coalesce(warning.hint, 'See cdp.predicate_check().');
	END LOOP;
	RETURN segment_id;
END
$$;
COMMENT ON FUNCTION cdp.define_segment(text, cdp.predicate, text) IS
'define or redefine a segment; its members follow at the next refresh; returns its segment_id';

-- Whoever refers to a segment ('segments'), computed trait ('computed', or
-- 'traits' of a steady one) or model ('scores') by name.  Those are the ones
-- about which the binder has more to say once the name means nothing; what it
-- says of a segment or computed trait that is part of another one is that one's
-- matter.
CREATE FUNCTION cdp._users_of(name_space text, name text)
RETURNS TABLE (kind text, user_name text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
	without jsonb := context || jsonb_build_object($1,
		coalesce(nullif(context -> $1, 'null'), '{}') - $2);
BEGIN
	RETURN QUERY
	SELECT defined.kind, defined.name
	FROM (
		SELECT 'segment', known.name::text, known.predicate
		FROM cdp.segment_definition AS known
		WHERE $1 <> 'segments' OR known.name <> $2
		UNION ALL
		SELECT 'computed trait', trait.name::text, trait.expression
		FROM cdp.computed_trait AS trait
		WHERE $1 IN ('segments', 'scores') OR $1 = 'traits' AND trait.name <> $2
		UNION ALL
		SELECT 'lead rule', rule.rule_id::text, rule.predicate
		FROM cdp.lead_rule AS rule
		UNION ALL
		SELECT 'experiment', experiment.name::text, experiment.metric
		FROM cdp.experiment
		) AS defined (kind, name, predicate)
	WHERE EXISTS (
		SELECT checked.message FROM cdp._predicate_check(defined.predicate, without) AS checked
		WHERE checked.message !~ '^(segment|computed trait) "[^"]*": '
		EXCEPT ALL
		SELECT checked.message FROM cdp._predicate_check(defined.predicate, context) AS checked)
	UNION
	SELECT listed.kind, listed.name
	FROM (
		SELECT 'audience', audience.name::text, audience.segment_id
		FROM cdp.audience
		UNION ALL
		SELECT 'experiment', experiment.name::text, experiment.segment_id
		FROM cdp.experiment
		) AS listed (kind, name, segment_id)
		JOIN cdp.segment USING (segment_id)
	WHERE $1 = 'segments' AND segment.name = $2;
END
$$;
COMMENT ON FUNCTION cdp._users_of(text, text) IS
'the segments, computed traits, lead rules, audiences and experiments that refer to a segment, computed trait or model by name';

CREATE FUNCTION cdp._check_unused(what text, name_space text, name text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	users text := (SELECT string_agg(format('%s "%s"', used.kind, used.user_name), ', '
			ORDER BY used.kind DESC, used.user_name)
		FROM cdp._users_of($2, $3) AS used);
BEGIN
	IF users IS NOT NULL THEN
		RAISE EXCEPTION 'cannot drop % "%"', $1, $3
			USING ERRCODE = 'dependent_objects_still_exist',
				DETAIL = format('It is used by %s.', users),
				HINT = 'Define these without it, or drop them, first.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_unused(text, text, text) IS
'raise if anything refers to a segment, computed trait or model by name';

-- What was made of the segment goes with it, so under the merger's lock, which
-- comes first.
CREATE FUNCTION cdp.drop_segment(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._lock_merger();
	LOCK TABLE cdp.segment_definition, cdp.computed_trait IN SHARE ROW EXCLUSIVE MODE;
	PERFORM cdp._check_unused('segment', 'segments', $1);
	DELETE FROM cdp.segment_definition AS defined WHERE defined.name = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no segment "%"', $1
			USING ERRCODE = 'undefined_object',
				HINT = 'Segments are rows of cdp.segment.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp.drop_segment(text) IS
'remove a segment and its versions; refused while another segment, a computed trait, an audience or an experiment refers to it';

CREATE FUNCTION cdp._segment_starter() RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._define_segment(name, predicate, description)
	FROM (VALUES
		('new_customers',
			cdp.predicate 'kind = ''known'' and first(order) >= now - 30 days',
			'customers whose first order is at most 30 days old'),
		('abandoned_cart',
			cdp.predicate 'sequence(cart_add then no order within 4 hours, 7 days)
				and not did(order, since last(cart_add))',
			'put something into a cart in the last week and ordered neither within four hours nor since'),
		('lapsed_vip',
			cdp.predicate 'orders >= 3 and rfm_monetary >= 4 and not did(order, 180 days)',
			'among the best spenders, but no order for 180 days'),
		('at_risk_high_value',
			cdp.predicate 'churn_band = ''high'' and percentile(''clv'') >= 80',
			'in the top fifth by expected value, and likely to leave'),
		('sleeping',
			cdp.predicate 'kind = ''known'' and did(any) and not did(any, 90 days)',
			'customers without any event for 90 days'),
		('one_time_buyers',
			cdp.predicate 'orders = 1',
			'have ordered exactly once')
	) AS starter (name, predicate, description)
$$;
COMMENT ON FUNCTION cdp._segment_starter() IS
'define the segments that a new store begins with';
