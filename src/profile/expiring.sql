-- Traits and identifiers that expire, as of an instant; see expiring.c.

CREATE FUNCTION cdp._traits_at(traits jsonb, expiring jsonb, at timestamptz)
RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__traits_at';
COMMENT ON FUNCTION cdp._traits_at(jsonb, jsonb, timestamptz) IS
'traits together with those of cdp.profile_current.expiring that have a value at that instant';

CREATE FUNCTION cdp._lasting_identifiers(identifiers jsonb, until jsonb, at timestamptz)
RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__lasting_identifiers';
COMMENT ON FUNCTION cdp._lasting_identifiers(jsonb, jsonb, timestamptz) IS
'identifiers of cdp.profile_current without those that have expired by that instant';

CREATE FUNCTION cdp._contact_lasts(lineage jsonb, name text, time_to_live interval, at timestamptz)
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__contact_lasts';
COMMENT ON FUNCTION cdp._contact_lasts(jsonb, text, interval, timestamptz) IS
'does an address that a trait tells still stand in for an identifier, whose type has this time to live (NULL: for ever)';

CREATE FUNCTION cdp._expiring_at(expiring jsonb, at timestamptz)
RETURNS TABLE (name text, step jsonb)
LANGUAGE sql STABLE ROWS 5
BEGIN ATOMIC
	SELECT trait.name, step.value
	FROM jsonb_each($1) AS trait (name, steps)
	CROSS JOIN LATERAL (
		SELECT one.value
		FROM jsonb_array_elements(trait.steps) WITH ORDINALITY AS one (value, place)
		WHERE coalesce((one.value ->> 'until')::timestamptz, 'infinity') > $2
		ORDER BY one.place
		LIMIT 1
	) AS step
	WHERE step.value ->> 'value' IS NOT NULL;
END;
COMMENT ON FUNCTION cdp._expiring_at(jsonb, timestamptz) IS
'the expiring traits that have a value at that instant: value, source, at, set_id, rule, until';

CREATE FUNCTION cdp._may_expire(name text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__may_expire';
COMMENT ON FUNCTION cdp._may_expire(text) IS
'observations of a trait of this name may expire';
