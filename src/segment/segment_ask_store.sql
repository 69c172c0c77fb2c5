-- Doors for those who write predicates and may not read profiles.
CREATE FUNCTION cdp.predicate_check(
	predicate cdp.predicate,
	OUT severity text,
	OUT "position" integer,
	OUT message text,
	OUT hint text)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT checked.severity, checked."position", checked.message, checked.hint
	FROM cdp._predicate_check($1, cdp._evaluation_context() || jsonb_build_object('told_twice', (
		SELECT jsonb_object_agg(event_type.name, event_type.business_key)
		FROM cdp.event_type
		WHERE event_type.business_key IS NOT NULL
			AND (SELECT count(*) FROM cdp.source) > 1))) AS checked
$$;
REVOKE ALL ON FUNCTION cdp.predicate_check(cdp.predicate) FROM PUBLIC;
COMMENT ON FUNCTION cdp.predicate_check(cdp.predicate) IS
'names and types of a predicate against the store: errors, and warnings of what is probably not meant';

CREATE FUNCTION cdp.rough_size(predicate cdp.predicate) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._rough_size($1)
$$;
REVOKE ALL ON FUNCTION cdp.rough_size(cdp.predicate) FROM PUBLIC;
COMMENT ON FUNCTION cdp.rough_size(cdp.predicate) IS
'how many profiles the predicate is true of, to the nearest ten (less than ten: 0), for those who may not read profiles; refused if it asks for what is personal';
