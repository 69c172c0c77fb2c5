-- A plain view of one audience, for tools that want a table.  Its rows are
-- those of cdp.audience_member, which enforces consent; its columns are picked
-- from those of cdp.audience_member and cdp.unified_profile, and from match
-- keys, written platform.type.
--
-- Not every column may be picked.  Traits of a special category are for no
-- audience.  Addresses other than the one that the member may be reached by
-- would let a tool reach people in ways that they did not agree to.

-- The expression for a match key: of an address that of the row, of anything
-- else the profile's.
CREATE FUNCTION cdp._match_key_column(platform text, type text) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN type IN ('email', 'phone') THEN
		format('CASE WHEN member.identifier_type = %L THEN cdp.match_key(%L, %1$L, member.identifier) END',
			type, platform)
	ELSE format('cdp.match_key(%L, %L, profile.%I::text, cdp.normalise_country(profile.country))',
		platform, type, type) END;
COMMENT ON FUNCTION cdp._match_key_column(text, text) IS
'the expression of a match key in the view of an audience';

CREATE FUNCTION cdp._is_column(view regclass, name text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM pg_attribute
		WHERE attrelid = $1 AND attname = $2 AND attnum > 0 AND NOT attisdropped)
$$;
COMMENT ON FUNCTION cdp._is_column(regclass, text) IS 'has a view that column';

-- A whole name may be made of its parts.
CREATE FUNCTION cdp._column_tells(wanted text, trait text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN trait = wanted OR wanted LIKE '%.%' AND trait = split_part(wanted, '.', 2)
	OR wanted = 'name' AND trait IN ('first_name', 'last_name');
COMMENT ON FUNCTION cdp._column_tells(text, text) IS
'does a column of an audience''s view tell the value of a trait';

CREATE FUNCTION cdp._check_audience_column(wanted text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IN ('email', 'phone', 'identifiers', 'traits') THEN
		RAISE EXCEPTION 'cannot show column "%" in the view of an audience', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = CASE WHEN $1 = 'traits' THEN 'It holds all traits, those of special categories included.'
					ELSE 'It holds addresses that may be suppressed, or that the member did not agree to be reached by.' END,
				HINT = CASE WHEN $1 = 'traits' THEN 'Name single traits; cdp.expose_trait() makes columns of them.'
					ELSE 'Column "identifier" is the address that may be used.' END;
	END IF;
	IF EXISTS (SELECT FROM cdp.trait
		WHERE cdp._column_tells($1, trait.name) AND trait.pii = 'special')
	THEN
		RAISE EXCEPTION 'cannot show trait "%" in the view of an audience', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is of a special category (cdp.trait.pii), which no audience is told.';
	END IF;
	IF $1 IS NULL OR NOT (cdp._is_column('cdp.audience_member', $1) OR cdp._is_column('cdp.unified_profile', $1)) THEN
		RAISE EXCEPTION 'there is no column "%" for the view of an audience', coalesce($1, 'NULL')
			USING ERRCODE = 'undefined_column',
				DETAIL = 'Columns are those of cdp.audience_member and cdp.unified_profile, and match keys such as google.email.',
				HINT = 'cdp.expose_trait() makes a column of a trait.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_audience_column(text) IS
'raise unless the view of an audience may show that column';

-- "city" or "google.email" as an item of the view's select list.
CREATE FUNCTION cdp._audience_column(wanted text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	platform text := split_part($1, '.', 1);
	kind text := split_part($1, '.', 2);
BEGIN
	IF $1 LIKE '%.%' THEN
		PERFORM cdp.match_key(platform, substr($1, strpos($1, '.') + 1), NULL);
		IF kind NOT IN ('email', 'phone') THEN
			PERFORM cdp._check_audience_column(kind);
		END IF;
		RETURN format('%s AS %I', cdp._match_key_column(platform, kind), platform || '_' || kind);
	END IF;
	PERFORM cdp._check_audience_column($1);
	RETURN format('%s.%I', CASE WHEN cdp._is_column('cdp.audience_member', $1)
		THEN 'member' ELSE 'profile' END, $1);
END
$$;
COMMENT ON FUNCTION cdp._audience_column(text) IS
'the item of a select list for a column of an audience''s view';

CREATE FUNCTION cdp._check_view_name(view_name text, audience_id integer) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_release_name('view', $1);
	IF EXISTS (SELECT FROM pg_class WHERE relnamespace = 'cdp'::regnamespace AND relname = $1)
		AND NOT EXISTS (SELECT FROM cdp.audience_view AS made
			WHERE made.view_name = $1 AND made.audience_id = $2)
	THEN
		RAISE EXCEPTION 'there is a relation "cdp.%" already', $1
			USING ERRCODE = 'duplicate_table',
				DETAIL = 'It is no view of this audience.',
				HINT = 'Give another name as view_name.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_view_name(text, integer) IS
'raise unless the view of an audience may have that name';

-- Who may read cdp.audience_member may read the view, and nobody else.
CREATE FUNCTION cdp._grant_audience_view(view_name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner name := cdp._store_owner();
	held record;
BEGIN
	EXECUTE format('ALTER VIEW cdp.%I OWNER TO %I', $1, owner);
	FOR held IN
		SELECT DISTINCT acl.grantee
		FROM pg_class, aclexplode(relacl) AS acl
		WHERE pg_class.oid = format('cdp.%I', $1)::regclass
			AND acl.grantee <> relowner
	LOOP
		EXECUTE format('REVOKE ALL ON cdp.%I FROM %s', $1,
			CASE held.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(held.grantee)) END);
	END LOOP;
	FOR held IN
		SELECT DISTINCT pg_get_userbyid(acl.grantee) AS name
		FROM pg_class, aclexplode(relacl) AS acl
		WHERE pg_class.oid = 'cdp.audience_member'::regclass
			AND acl.privilege_type = 'SELECT' AND acl.grantee NOT IN (0, relowner)
	LOOP
		EXECUTE format('GRANT SELECT ON cdp.%I TO %I', $1, held.name);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._grant_audience_view(text) IS
'give a view to the owner of the store, and its reading to those who may read cdp.audience_member';

CREATE FUNCTION cdp.create_audience_view(
	audience text,
	columns text[] DEFAULT ARRAY['identifier_type', 'identifier'],
	view_name text DEFAULT NULL)
RETURNS regclass
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target text := coalesce($3, 'audience_' || $1);
	id integer;
	select_list text;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_store_owner('make the view of an audience');
	id := cdp._find_audience($1);
	PERFORM cdp._check_view_name(target, id);
	SELECT string_agg(', ' || cdp._audience_column(wanted.name), '' ORDER BY wanted.n) INTO select_list
	FROM unnest($2) WITH ORDINALITY AS wanted (name, n)
	WHERE wanted.name IS DISTINCT FROM 'profile_id';
	PERFORM cdp._drop_audience_view(target);
	EXECUTE format($view$
CREATE VIEW cdp.%I WITH (security_barrier) AS
SELECT member.profile_id%s
FROM cdp.audience_member AS member
	JOIN cdp.unified_profile AS profile ON profile.profile_id = member.profile_id
WHERE member.audience = %L
$view$, target, select_list, $1);
	EXECUTE format('COMMENT ON VIEW cdp.%I IS %L', target,
		format('who may be reached of audience %s, now; made by cdp.create_audience_view()', $1));
	PERFORM cdp._grant_audience_view(target);
	INSERT INTO cdp.audience_view (view_name, audience_id, columns)
	VALUES (target, id, $2);
	RETURN format('cdp.%I', target)::regclass;
END
$$;
COMMENT ON FUNCTION cdp.create_audience_view(text, text[], text) IS
'make, or make anew, a view of an audience for tools that want a table: its members as in cdp.audience_member, with columns of that, of cdp.unified_profile, and match keys such as google.email';

CREATE FUNCTION cdp._drop_audience_view(view_name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM cdp.audience_view AS made WHERE made.view_name = $1;
	IF FOUND THEN
		EXECUTE format('DROP VIEW IF EXISTS cdp.%I', $1);
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._drop_audience_view(text) IS
'drop a view that cdp.create_audience_view() made; nothing else';

CREATE FUNCTION cdp._keep_from_audiences() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	shown_in text := (SELECT min(made.view_name) FROM cdp.audience_view AS made
		CROSS JOIN LATERAL unnest(made.columns) AS shown (name)
		WHERE cdp._column_tells(shown.name, NEW.name));
BEGIN
	IF shown_in IS NOT NULL THEN
		RAISE EXCEPTION 'cannot make trait "%" one of a special category', NEW.name
			USING ERRCODE = 'object_in_use',
				DETAIL = format('View cdp.%I shows it to the readers of an audience.', shown_in),
				HINT = 'Make the view anew without it: cdp.create_audience_view().';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._keep_from_audiences() IS
'trigger: a trait that the view of an audience shows cannot become one of a special category';
