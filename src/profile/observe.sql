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
-- for one without a set.
CREATE FUNCTION cdp._observe_traits(
	identifier_ids bigint[],
	source_ids integer[],
	names text[],
	"values" jsonb[],
	observed_at timestamptz[],
	set_ids bigint[])
RETURNS SETOF integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fitted record;
	raws jsonb[] := array_fill(NULL::jsonb, ARRAY[cardinality($4)]);
BEGIN
	PERFORM cdp._register_traits($3, $4)
	WHERE EXISTS (
		SELECT FROM unnest($3) AS said (name)
		WHERE NOT EXISTS (SELECT FROM cdp.trait WHERE trait.name = said.name));

	FOR fitted IN SELECT fit.ordinal, fit.value FROM cdp._fit_traits($3, $4) AS fit LOOP
		raws[fitted.ordinal] := "values"[fitted.ordinal];
		"values"[fitted.ordinal] := fitted.value;
		IF fitted.value IS NULL THEN
			set_ids[fitted.ordinal] := 0;
			RETURN NEXT fitted.ordinal;
		END IF;
	END LOOP;

	INSERT INTO cdp.trait_history AS old (set_id, observed_at, source_id, name,
		value, raw)
	SELECT DISTINCT ON (said.set_id, said.name COLLATE "C", said.at, said.value)
		said.set_id, said.at, said.source_id, said.name, said.value, said.raw
	FROM unnest($2, $3, $4, $5, $6, raws)
		AS said (source_id, name, value, at, set_id, raw)
	JOIN cdp.trait ON trait.name = said.name AND trait.history
	WHERE said.set_id > 0
	ORDER BY said.set_id, said.name COLLATE "C", said.at, said.value,
		said.raw::text COLLATE "C" DESC NULLS LAST
	ON CONFLICT ON CONSTRAINT trait_history_pkey DO UPDATE
	SET raw = excluded.raw
	WHERE excluded.raw::text COLLATE "C" > coalesce(old.raw::text, '');

	INSERT INTO cdp.trait_observation AS old (set_id, observed_at,
		first_observed_at, source_id, name, value, raw)
	SELECT DISTINCT ON (said.set_id, said.name COLLATE "C") said.set_id, said.at,
		min(said.at) OVER (PARTITION BY said.set_id, said.name),
		said.source_id, said.name, coalesce(said.value, 'null'), said.raw
	FROM unnest($2, $3, $4, $5, $6, raws)
		AS said (source_id, name, value, at, set_id, raw)
	WHERE said.set_id > 0 AND said.name <> ''
	ORDER BY said.set_id, said.name COLLATE "C", said.at DESC,
		said.value::text COLLATE "C" DESC,
		said.raw::text COLLATE "C" DESC NULLS LAST
	ON CONFLICT ON CONSTRAINT trait_observation_pkey DO UPDATE
	SET first_observed_at = least(old.first_observed_at, excluded.first_observed_at),
		observed_at = greatest(old.observed_at, excluded.observed_at),
		(value, raw) = (
			SELECT latest.value, latest.raw
			FROM (VALUES (old.observed_at, old.value, old.raw),
					(excluded.observed_at, excluded.value, excluded.raw))
				AS latest (at, value, raw)
			ORDER BY latest.at DESC, latest.value::text COLLATE "C" DESC,
				latest.raw::text COLLATE "C" DESC NULLS LAST
			LIMIT 1)
	WHERE (excluded.observed_at, excluded.value::text COLLATE "C",
				coalesce(excluded.raw::text, '') COLLATE "C")
			> (old.observed_at, old.value::text COLLATE "C",
				coalesce(old.raw::text, '') COLLATE "C")
		OR excluded.first_observed_at < old.first_observed_at;
END
$$;
COMMENT ON FUNCTION cdp._observe_traits(bigint[], integer[], text[], jsonb[], timestamptz[], bigint[]) IS
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
