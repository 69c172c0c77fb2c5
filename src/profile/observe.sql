-- Make sure that these traits are registered.  Their type is that of the
-- first value seen of each; a text that begins with an ISO date and time is a
-- timestamp.  That is a guess, and no later value is refused for it.
CREATE FUNCTION cdp._register_traits(names text[], "values" jsonb[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.trait (name, strict, type)
	SELECT said.name, false, min(CASE jsonb_typeof(said.value)
		WHEN 'number' THEN 'number'
		WHEN 'boolean' THEN 'boolean'
		WHEN 'object' THEN 'json'
		WHEN 'array' THEN 'json'
		WHEN 'string' THEN
			CASE WHEN said.value #>> '{}' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d'
				THEN 'timestamp' ELSE 'text' END
		ELSE 'text' END)
	FROM unnest($1, $2) AS said (name, value)
	WHERE NOT EXISTS (SELECT FROM cdp.trait WHERE trait.name = said.name)
		AND said.name <> ''
	GROUP BY said.name
	ORDER BY said.name COLLATE "C"
	ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION cdp._register_traits(text[], jsonb[]) IS
'register traits that are not known yet, with a type by content and the default rule';

-- Of each set and trait the latest survives; of equal times the greater text,
-- so that the order of arrival plays no part.  What a source wrote is kept
-- beside a value that the registry changed.  A value that is refused is taken
-- for one without a set.  One that never expires does so at infinity.
CREATE FUNCTION cdp._observe_traits(
	source_ids integer[],
	names text[],
	"values" jsonb[],
	observed_at timestamptz[],
	set_ids bigint[],
	expires_at timestamptz[])
RETURNS SETOF integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fitted record;
	raws jsonb[] := array_fill(NULL::jsonb, ARRAY[cardinality($3)]);
BEGIN
	PERFORM cdp._register_traits($2, $3)
	WHERE EXISTS (
		SELECT FROM unnest($2) AS said (name)
		WHERE NOT EXISTS (SELECT FROM cdp.trait WHERE trait.name = said.name));

	FOR fitted IN SELECT fit.ordinal, fit.value FROM cdp._fit_traits($2, $3) AS fit LOOP
		raws[fitted.ordinal] := "values"[fitted.ordinal];
		"values"[fitted.ordinal] := fitted.value;
		IF fitted.value IS NULL THEN
			set_ids[fitted.ordinal] := 0;
			RETURN NEXT fitted.ordinal;
		END IF;
	END LOOP;

	INSERT INTO cdp.trait_history AS old (set_id, observed_at, source_id, name,
		value, raw, expires_at)
	SELECT DISTINCT ON (said.set_id, said.name COLLATE "C", said.at, said.value)
		said.set_id, said.at, said.source_id, said.name, said.value, said.raw,
		nullif(max(said.expires_at) OVER (
			PARTITION BY said.set_id, said.name, said.at, said.value), 'infinity')
	FROM unnest($1, $2, $3, $4, $5, $6, raws)
		AS said (source_id, name, value, at, set_id, expires_at, raw)
	JOIN cdp.trait ON trait.name = said.name AND trait.history
	WHERE said.set_id > 0
	ORDER BY said.set_id, said.name COLLATE "C", said.at, said.value,
		said.raw::text COLLATE "C" DESC NULLS LAST
	ON CONFLICT ON CONSTRAINT trait_history_pkey DO UPDATE
	SET raw = CASE WHEN excluded.raw::text COLLATE "C" > coalesce(old.raw::text, '')
			THEN excluded.raw ELSE old.raw END,
		expires_at = CASE WHEN coalesce(excluded.expires_at, 'infinity')
				> coalesce(old.expires_at, 'infinity')
			THEN excluded.expires_at ELSE old.expires_at END
	WHERE excluded.raw::text COLLATE "C" > coalesce(old.raw::text, '')
		OR coalesce(excluded.expires_at, 'infinity') > coalesce(old.expires_at, 'infinity');

	INSERT INTO cdp.trait_observation AS old (set_id, observed_at,
		first_observed_at, source_id, name, value, raw, expires_at)
	SELECT DISTINCT ON (said.set_id, said.name COLLATE "C") said.set_id, said.at,
		min(said.at) OVER (PARTITION BY said.set_id, said.name),
		said.source_id, said.name, coalesce(said.value, 'null'), said.raw,
		nullif(said.expires_at, 'infinity')
	FROM unnest($1, $2, $3, $4, $5, $6, raws)
		AS said (source_id, name, value, at, set_id, expires_at, raw)
	WHERE said.set_id > 0 AND said.name <> ''
	ORDER BY said.set_id, said.name COLLATE "C", said.at DESC,
		said.value::text COLLATE "C" DESC,
		said.raw::text COLLATE "C" DESC NULLS LAST, said.expires_at DESC
	ON CONFLICT ON CONSTRAINT trait_observation_pkey DO UPDATE
	SET first_observed_at = least(old.first_observed_at, excluded.first_observed_at),
		observed_at = greatest(old.observed_at, excluded.observed_at),
		(value, raw, expires_at) = (
			SELECT latest.value, latest.raw, latest.expires_at
			FROM (VALUES (old.observed_at, old.value, old.raw, old.expires_at),
					(excluded.observed_at, excluded.value, excluded.raw, excluded.expires_at))
				AS latest (at, value, raw, expires_at)
			ORDER BY latest.at DESC, latest.value::text COLLATE "C" DESC,
				latest.raw::text COLLATE "C" DESC NULLS LAST,
				latest.expires_at DESC NULLS FIRST
			LIMIT 1)
	WHERE (excluded.observed_at, excluded.value::text COLLATE "C",
				coalesce(excluded.raw::text, '') COLLATE "C",
				coalesce(excluded.expires_at, 'infinity'))
			> (old.observed_at, old.value::text COLLATE "C",
				coalesce(old.raw::text, '') COLLATE "C",
				coalesce(old.expires_at, 'infinity'))
		OR excluded.first_observed_at < old.first_observed_at;
END
$$;
COMMENT ON FUNCTION cdp._observe_traits(integer[], text[], jsonb[], timestamptz[], bigint[], timestamptz[]) IS
'note what records say about traits, one element a trait; returns the places of those that the registry refuses; the caller sees to it that the profiles of the sets are refreshed';

CREATE FUNCTION cdp._profile_to_change(profile_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := cdp.resolve($1);
BEGIN
	PERFORM cdp._check_store();
	IF live IS NULL THEN
		RAISE EXCEPTION 'profile % does not exist', coalesce($1::text, 'NULL')
			USING ERRCODE = 'undefined_object',
				HINT = 'cdp.find_profile(type, value) gives the profile of an identifier.';
	END IF;
	RETURN live;
END
$$;
COMMENT ON FUNCTION cdp._profile_to_change(bigint) IS
'the live profile behind an id; raises if there is none';
