CREATE PROCEDURE cdp.merge(
	batch integer DEFAULT 10000,
	phases text[] DEFAULT NULL,
	wait boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', 'cdp_merge';
COMMENT ON PROCEDURE cdp.merge(integer, text[], boolean) IS
'do all pending work in committed batches: ingest, retain, stitch, timeline, profile, score, propensity, segment, insight, crm';

CREATE PROCEDURE cdp.rebuild(wait boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', 'cdp_rebuild';
COMMENT ON PROCEDURE cdp.rebuild(boolean) IS
'make everything derived anew from events and evidence; the result equals what the increments left';

CREATE PROCEDURE cdp.fit_models(wait boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', 'cdp_fit_models';
COMMENT ON PROCEDURE cdp.fit_models(boolean) IS
'fit every model to the customers of now, keep it as a new version, measure it on a holdout, and score all customers';

-- It is a row of the view that cdp.setup() makes.
CREATE FUNCTION cdp._read_profile(type text, value text, source text)
RETURNS record
LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'cdp__read_profile';
COMMENT ON FUNCTION cdp._read_profile(text, text, text) IS
'the row of cdp.unified_profile of an identifier as it was written; NULL if it is nobody''s';

CREATE TYPE cdp._contact AS (
	last_interaction_at timestamptz,
	last_interaction text,
	open_tickets bigint,
	open_deals bigint,
	open_deal_amount numeric,
	next_action text);
COMMENT ON TYPE cdp._contact IS
'what was with a customer, what is open, and what to do next';

CREATE FUNCTION cdp._contact_state(profile_id bigint) RETURNS cdp._contact
LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'cdp__contact_state';
COMMENT ON FUNCTION cdp._contact_state(bigint) IS
'what cdp.contact_state() tells';

CREATE FUNCTION cdp._permissions(profile_id bigint) RETURNS text[]
LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'cdp__permissions';
COMMENT ON FUNCTION cdp._permissions(bigint) IS
'what cdp.permissions_of() tells';

-- A store is migrated step by step: each step is the DDL of one file
-- src/upgrade/store--FROM--TO.sql, committed with the version it leads to.
CREATE PROCEDURE cdp.migrate()
LANGUAGE c
AS 'MODULE_PATHNAME', 'cdp_migrate';
COMMENT ON PROCEDURE cdp.migrate() IS
'bring the store to the version of the extension, in committed, resumable steps';

CREATE FUNCTION cdp._migrate_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present text := (SELECT store.version FROM cdp.store);
	wanted text := (SELECT extversion FROM pg_extension WHERE extname = 'cdp');
	step record;
BEGIN
	IF present = wanted THEN
		RETURN 0;
	END IF;
	SELECT * INTO step FROM cdp._migrations() AS m WHERE m.from_version = present;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'cannot migrate a store of version % to version %', present, wanted
			USING ERRCODE = 'feature_not_supported',
				HINT = 'Update the extension in the steps that its CHANGELOG names.';
	END IF;
	EXECUTE step.ddl;
	UPDATE cdp.store SET version = step.to_version;
	RETURN 1;
END
$$;

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
	PERFORM cdp._check_encoding(getdatabaseencoding());
	PERFORM cdp._check_time_zone(setup.time_zone);
	PERFORM cdp._check_region(setup.default_region);
	PERFORM cdp._check_currency(setup.currency);
	FOREACH room IN ARRAY cdp._rooms() LOOP
		EXECUTE coalesce(cdp._store_ddl(room), '');
	END LOOP;
	INSERT INTO cdp.store (version)
	SELECT extversion FROM pg_extension WHERE extname = 'cdp';
	UPDATE cdp.setting SET value = setup.time_zone WHERE name = 'time_zone';
	UPDATE cdp.setting SET value = setup.default_region WHERE name = 'default_region';
	UPDATE cdp.setting SET value = coalesce(setup.currency, value) WHERE name = 'currency';
	UPDATE cdp.setting SET built_in = true;
	IF setup.starter THEN
		PERFORM cdp._consent_starter();
		PERFORM cdp._model_starter();
		PERFORM cdp._segment_starter();
		PERFORM cdp._propensity_starter();
		PERFORM cdp._action_starter();
	END IF;
END
$$;
COMMENT ON FUNCTION cdp.setup(text, text, text, boolean) IS
'make the store: the tables, views and doors of schema cdp, owned by the caller; starter brings purposes, models and segments';

CREATE FUNCTION cdp._check_encoding(encoding name) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 <> 'UTF8' THEN
		RAISE EXCEPTION 'cannot make a store in a database with encoding "%"', $1
			USING ERRCODE = 'feature_not_supported',
				DETAIL = 'Names, addresses and JSON come in any script, which needs encoding UTF8.',
				HINT = 'Run CREATE DATABASE cdp ENCODING ''UTF8'' TEMPLATE template0 and make the store there.';
	END IF;
END
$$;

CREATE FUNCTION cdp._check_time_zone(time_zone text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- The usual one first: the view reads hundreds of files.
	IF $1 IS DISTINCT FROM 'UTC'
		AND NOT EXISTS (SELECT FROM pg_timezone_names WHERE lower(name) = lower($1)) THEN
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
	PERFORM cdp.normalise_phone('1', $1);	-- raises for a region of no numbers
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

-- The rule that a value of that kind breaks, as the DETAIL of an error.
CREATE FUNCTION cdp._setting_rule(kind text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE kind
	WHEN 'integer' THEN 'It is a whole number from 1 to 2147483647.'
	WHEN 'interval' THEN 'It is an interval of 0 or more, such as 1 day.'
	WHEN 'time_zone' THEN 'It is a time zone by its name in pg_timezone_names.'
	WHEN 'region' THEN 'It is a country code of two letters, such as DE, or NULL.'
	WHEN 'currency' THEN 'It is a code of three letters, such as EUR.' END;
COMMENT ON FUNCTION cdp._setting_rule(text) IS
'what values a setting of that kind takes';

-- Raises, or gives false, if the value is none of that kind.
CREATE FUNCTION cdp._is_setting_value(kind text, value text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CASE
		WHEN $1 = 'text' OR $1 = 'region' AND $2 IS NULL THEN RETURN true;
		WHEN $2 IS NULL THEN RETURN false;
		WHEN $1 = 'integer' THEN RETURN $2::integer >= 1;
		WHEN $1 = 'interval' THEN RETURN isfinite($2::interval) AND $2::interval >= '0';
		WHEN $1 = 'time_zone' THEN PERFORM cdp._check_time_zone($2);
		WHEN $1 = 'region' THEN PERFORM cdp._check_region($2);
		WHEN $1 = 'currency' THEN PERFORM cdp._check_currency($2);
		ELSE RETURN false;
	END CASE;
	RETURN true;
EXCEPTION WHEN data_exception THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION cdp._is_setting_value(text, text) IS
'may a setting of that kind have that value';

-- Amounts are kept in the store's currency, so it stays while there are any.
CREATE FUNCTION cdp._check_no_amounts(currency text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.event WHERE amount IS NOT NULL) THEN
		RAISE EXCEPTION 'cannot change the currency of the store'
			USING ERRCODE = 'object_in_use',
				DETAIL = format('It holds events with amounts in %s.', $1),
				HINT = 'Amounts in other currencies are converted by the rates in cdp.exchange_rate.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_no_amounts(text) IS
'raise if events hold amounts, which are in that currency';

CREATE FUNCTION cdp._check_setting_stays(name text, built_in boolean, stays boolean)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $2 AND NOT $3 THEN
		RAISE EXCEPTION 'cannot delete or rename setting "%"', $1
			USING ERRCODE = 'object_in_use',
				DETAIL = 'The store reads it by its name.',
				HINT = 'Change its value; settings of your own can be deleted.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_setting_stays(text, boolean, boolean) IS
'raise if a setting that the store reads would not stay what it is';

CREATE FUNCTION cdp._check_setting() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		PERFORM cdp._check_setting_stays(OLD.name, OLD.built_in, false);
		RETURN OLD;
	END IF;
	IF NOT cdp._is_setting_value(NEW.kind, NEW.value) THEN
		RAISE EXCEPTION 'invalid value for setting "%": "%"', NEW.name, coalesce(NEW.value, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = coalesce(cdp._setting_rule(NEW.kind), format('There is no kind "%s" of setting.', NEW.kind));
	END IF;
	IF NEW.kind IN ('region', 'currency') THEN
		NEW.value := upper(NEW.value);
	END IF;
	IF TG_OP = 'UPDATE' THEN
		PERFORM cdp._check_setting_stays(OLD.name, OLD.built_in,
			(NEW.name, NEW.kind, NEW.built_in) = (OLD.name, OLD.kind, OLD.built_in));
	END IF;
	IF TG_OP = 'UPDATE' AND OLD.name = 'currency'
		AND NEW.value IS DISTINCT FROM OLD.value
	THEN
		PERFORM cdp._check_no_amounts(OLD.value);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_setting() IS
'raise unless the setting may have its new value';
