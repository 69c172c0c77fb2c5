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
		PERFORM cdp._check_time_to_live(NEW.time_to_live);
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

-- Doors.
CREATE FUNCTION cdp.preview_rules(changes jsonb)
RETURNS TABLE (
	change text,
	cases bigint,
	profiles_before bigint,
	profiles_after bigint,
	identifiers bigint,
	profiles bigint[],
	examples text[])
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._summarise_rules($1, false, NULL)
$$;
COMMENT ON FUNCTION cdp.preview_rules(jsonb) IS
'what changes of rules ({"identifier_type": {"email": {"max_per_profile": 3}}, "block": [{"type": "email", "value": "x@y.de"}], "unblock": [...]}) would do to profiles, on the real data, changing and locking nothing: a row each for profiles that merge, split or regroup, and for identifiers that leave their profile for none or join one, with counts, the ids of some of the profiles and masked examples.  Everything is judged twice in memory, by the rules as they are and as they would be: work that waits for the merge run plays no part';

CREATE FUNCTION cdp.unblock_value(
	type text,
	value text DEFAULT NULL,
	pattern text DEFAULT NULL,
	reason text DEFAULT NULL)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._unblock_value($1, $2, $3, $4)
$$;
COMMENT ON FUNCTION cdp.unblock_value(text, text, text, text) IS
'take a rule of cdp.block_value() back; what the value held together comes together again';

REVOKE ALL ON FUNCTION cdp.preview_rules(jsonb),
	cdp.unblock_value(text, text, text, text) FROM PUBLIC;
