-- Rules that are written by hand are as sound as those that functions write:
-- a row that could not be read would stop all sessions, and one that gives
-- stored values another meaning would make them lie.  An attach that runs
-- beside such a change may still bring the type's first value.
CREATE FUNCTION cdp._check_type_row() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP <> 'DELETE' THEN
		PERFORM cdp._check_pattern(NEW.pattern,
			format('the pattern of identifier type "%s"', NEW.type));
	END IF;
	IF TG_OP = 'UPDATE' THEN
		PERFORM cdp._check_type_change(OLD.type, CASE
			WHEN NEW.type_id <> OLD.type_id THEN 'type_id'
			WHEN NEW.type <> OLD.type THEN 'name'
			WHEN NEW.scope <> OLD.scope THEN 'scope'
			WHEN NEW.normaliser <> OLD.normaliser THEN 'normaliser' END);
	ELSIF TG_OP = 'DELETE' THEN
		PERFORM cdp._check_type_change(OLD.type, 'row');
		RETURN OLD;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_type_row() IS
'trigger: a row of identifier_type can be read, and values that came stay true to it';

CREATE TRIGGER check_row
BEFORE INSERT OR UPDATE OR DELETE ON cdp.identifier_type
FOR EACH ROW EXECUTE FUNCTION cdp._check_type_row();

CREATE FUNCTION cdp._check_types_emptied() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.identifier) THEN
		RAISE EXCEPTION 'cannot delete all identifier types'
			USING ERRCODE = 'object_in_use',
				DETAIL = 'Identifiers of them exist.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._check_types_emptied() IS
'trigger: identifier_type is not truncated while there are identifiers';

CREATE TRIGGER check_emptied BEFORE TRUNCATE ON cdp.identifier_type
FOR EACH STATEMENT EXECUTE FUNCTION cdp._check_types_emptied();

CREATE FUNCTION cdp._check_blocked_row() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_pattern(NEW.pattern, 'a blocked pattern');
	NEW.value := lower(NEW.value COLLATE "C");
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_blocked_row() IS
'trigger: a row of blocked_value can be read, and its value is in lower case';

CREATE TRIGGER check_row
BEFORE INSERT OR UPDATE ON cdp.blocked_value
FOR EACH ROW EXECUTE FUNCTION cdp._check_blocked_row();
