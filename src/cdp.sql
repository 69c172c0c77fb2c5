CREATE PROCEDURE cdp.merge(
	batch integer DEFAULT 10000,
	phases text[] DEFAULT NULL,
	wait boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', 'cdp_merge';
COMMENT ON PROCEDURE cdp.merge(integer, text[], boolean) IS
'do all pending work in committed batches: ingest, stitch, timeline, profile, score, segment';

CREATE PROCEDURE cdp.rebuild(wait boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', 'cdp_rebuild';
COMMENT ON PROCEDURE cdp.rebuild(boolean) IS
'make everything derived anew from events and evidence; the result equals what the increments left';

CREATE FUNCTION cdp.setup(
	time_zone text DEFAULT 'UTC',
	default_region text DEFAULT NULL,
	currency text DEFAULT NULL,
	starter boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	room text;
BEGIN
	IF to_regclass('cdp.store') IS NOT NULL THEN
		RAISE EXCEPTION 'there is a store in this database already'
			USING ERRCODE = 'duplicate_object',
				HINT = 'Run CALL cdp.migrate() to bring it to this version.';
	END IF;
	IF NOT has_schema_privilege('cdp', 'CREATE') THEN
		RAISE EXCEPTION 'permission denied to make a store in schema cdp'
			USING ERRCODE = 'insufficient_privilege',
				HINT = format('Run GRANT CREATE, USAGE ON SCHEMA cdp TO %I as the schema''s owner.', current_user);
	END IF;
	PERFORM cdp._check_time_zone(setup.time_zone);
	PERFORM cdp._check_region(setup.default_region);
	PERFORM cdp._check_currency(setup.currency);
	FOREACH room IN ARRAY cdp._rooms() LOOP
		EXECUTE coalesce(cdp._store_ddl(room), '');
	END LOOP;
	INSERT INTO cdp.store (version)
	SELECT extversion FROM pg_extension WHERE extname = 'cdp';
	INSERT INTO cdp.setting (name, value, description) VALUES
		('time_zone', setup.time_zone, 'time zone of calendar windows and reports'),
		('default_region', upper(setup.default_region), 'region of phone numbers written without a country code'),
		('currency', upper(coalesce(setup.currency, 'USD')), 'currency of amounts in the store');
END
$$;
COMMENT ON FUNCTION cdp.setup(text, text, text, boolean) IS
'make the store: the tables, views and doors of schema cdp, owned by the caller; starter brings purposes, models and segments';

CREATE FUNCTION cdp._check_time_zone(time_zone text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_timezone_names WHERE lower(name) = lower($1)) THEN
		RAISE EXCEPTION 'unknown time zone "%"', $1
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'See pg_timezone_names.';
	END IF;
END
$$;

CREATE FUNCTION cdp._check_region(region text) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 !~ '^[A-Za-z]{2}$' THEN
		RAISE EXCEPTION 'invalid region "%"', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A region is a country code of two letters, such as DE.';
	END IF;
END
$$;

CREATE FUNCTION cdp._check_currency(currency text) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 !~ '^[A-Za-z]{3}$' THEN
		RAISE EXCEPTION 'invalid currency "%"', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A currency is a code of three letters, such as EUR.';
	END IF;
END
$$;
