-- What the registry has of a trait, and what it lets through in what form.

-- Where a rule would leave a trait without a value of its type, or choose by
-- what means nothing for the type, it is refused: numbers alone have a sum, and
-- a union is an array.
CREATE FUNCTION cdp._trait_rules(type text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE type
	WHEN 'text' THEN '{latest,earliest,source_priority,most_frequent,longest,min,max}'::text[]
	WHEN 'number' THEN '{latest,earliest,source_priority,most_frequent,min,max,sum}'
	WHEN 'boolean' THEN '{latest,earliest,source_priority,most_frequent,min,max}'
	WHEN 'timestamp' THEN '{latest,earliest,source_priority,most_frequent,min,max}'
	WHEN 'date' THEN '{latest,earliest,source_priority,most_frequent,min,max}'
	WHEN 'json' THEN '{latest,earliest,source_priority,most_frequent,longest,union}'
	END;
COMMENT ON FUNCTION cdp._trait_rules(text) IS
'rules by which a trait of that type may survive; NULL: there is no such type';

-- One rule, one message, for cdp.add_trait() and for who changes the row.
-- Nulls are the table's to refuse.
CREATE FUNCTION cdp._check_trait() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rules text[] := cdp._trait_rules(NEW.type);
BEGIN
	IF NEW.type IS NOT NULL AND rules IS NULL THEN
		RAISE EXCEPTION 'invalid type "%" of trait "%"', NEW.type, NEW.name
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'The type of a trait is text, number, boolean, timestamp, date or json.';
	END IF;
	IF regexp_replace(NEW.rule, '^non_empty_', '') <> ALL (rules) THEN
		RAISE EXCEPTION 'invalid rule "%" of trait "%"', NEW.rule, NEW.name
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('The rule of a trait of type %s is one of %s, each also with the prefix non_empty_.',
					NEW.type, array_to_string(rules, ', '));
	END IF;
	IF NEW.form NOT IN ('country', 'language', 'time_zone', 'text')
			OR (NEW.form IS NOT NULL AND NEW.type <> 'text') THEN
		RAISE EXCEPTION 'invalid form "%" of trait "%"', NEW.form, NEW.name
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format(CASE NEW.type
					WHEN 'text' THEN 'The form of a trait of type text is country, language, time_zone or text, or NULL: as values came.'
					ELSE 'Only traits of type text have a form; this one is of type %s.' END, NEW.type);
	END IF;
	IF NEW.pii NOT IN ('none', 'personal', 'contact', 'special') THEN
		RAISE EXCEPTION 'invalid pii "%" of trait "%"', NEW.pii, NEW.name
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is none, personal, contact or special.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_trait() IS
'raise unless a row of cdp.trait can be used';

-- A value as its type has it: a number that came as text is a number, and a
-- date has no time.  NULL if it is not of the type.  Not STRICT, and no less
-- volatile than to_jsonb(), so that it is inlined.
CREATE FUNCTION cdp._typed_trait(value jsonb, type text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE type
	WHEN 'json' THEN value
	WHEN 'text' THEN
		CASE WHEN jsonb_typeof(value) IN ('string', 'number', 'boolean')
			THEN value END
	WHEN 'number' THEN
		CASE WHEN jsonb_typeof(value) = 'number' THEN value
			WHEN jsonb_typeof(value) = 'string'
				AND value #>> '{}' ~ '^\s*[-+]?(\d{1,255}(\.\d{0,255})?|\.\d{1,255})([eE][-+]?\d{1,3})?\s*$'
			THEN to_jsonb((value #>> '{}')::numeric) END
	WHEN 'boolean' THEN
		CASE WHEN jsonb_typeof(value) = 'boolean' THEN value
			WHEN value IN ('"true"', '"false"')
			THEN to_jsonb((value #>> '{}')::boolean) END
	WHEN 'date' THEN
		CASE WHEN jsonb_typeof(value) = 'string'
				AND cdp._iso_date(value #>> '{}') IS NOT NULL
			THEN to_jsonb(left(value #>> '{}', 10)) END
	WHEN 'timestamp' THEN
		CASE WHEN jsonb_typeof(value) = 'string'
				AND cdp._iso_date(value #>> '{}') IS NOT NULL
				AND substr(value #>> '{}', 11) ~ '^([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d+)?)?\s*(Z|[-+]\d\d(:?\d\d)?)?)?$'
			THEN value END
	END;
COMMENT ON FUNCTION cdp._typed_trait(jsonb, text) IS
'the value in the form of a trait''s type; NULL if it is not of that type';

-- For columns of views: not inlined, since to plan the expression takes longer than
-- all else there.
CREATE FUNCTION cdp._trait_number(value jsonb) RETURNS numeric
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (cdp._typed_trait($1, 'number') #>> '{}')::numeric;
END
$$;
COMMENT ON FUNCTION cdp._trait_number(jsonb) IS
'the number that the value of a trait is; NULL if it is none';

-- A value as the form of its trait has it; NULL if it has none there.  Empty
-- text is what sources say when they know no name, and stays.  Inlined as the
-- function above.
CREATE FUNCTION cdp._formed_trait(value jsonb, form text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
	WHEN form IS NULL OR value IS NULL THEN value
	WHEN jsonb_typeof(value) <> 'string' THEN
		CASE WHEN form = 'text' THEN value END
	ELSE to_jsonb(CASE form
		WHEN 'country' THEN cdp.normalise_country(value #>> '{}')
		WHEN 'language' THEN cdp.normalise_language(value #>> '{}')
		WHEN 'time_zone' THEN cdp.normalise_time_zone(value #>> '{}')
		WHEN 'text' THEN coalesce(cdp._normalise_display(value #>> '{}'), '')
		END)
	END;
COMMENT ON FUNCTION cdp._formed_trait(jsonb, text) IS
'the value in the canonical form that cdp.trait.form names; NULL if it has none';

-- What becomes of values that the registry looks at: only those that change
-- are given back, which is seldom one.  A JSON null is always welcome, it says
-- that there is no value any more.  OFFSET 0 keeps each value from being worked
-- out wherever it is used, and lets the two functions be inlined.
CREATE FUNCTION cdp._fit_traits(names text[], "values" jsonb[])
RETURNS TABLE (ordinal integer, value jsonb)
LANGUAGE sql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT formed.ordinal::integer,
		CASE WHEN formed.format IS NULL OR formed.fitted #>> '{}' ~ formed.format
			THEN formed.fitted END
	FROM (
		SELECT typed.ordinal, typed.value, typed.format,
			cdp._formed_trait(typed.fitted, typed.form) AS fitted
		FROM (
			SELECT said.ordinal, said.value, trait.format, trait.form,
				CASE WHEN trait.strict THEN cdp._typed_trait(said.value, trait.type)
					ELSE said.value END AS fitted
			FROM unnest($1, $2) WITH ORDINALITY AS said (name, value, ordinal)
			JOIN cdp.trait ON trait.name = said.name
			WHERE (trait.strict OR trait.format IS NOT NULL OR trait.form IS NOT NULL)
				AND jsonb_typeof(said.value) <> 'null'
			OFFSET 0
		) AS typed
		OFFSET 0
	) AS formed
	WHERE formed.fitted IS DISTINCT FROM formed.value
		OR formed.fitted #>> '{}' !~ formed.format
$$;
COMMENT ON FUNCTION cdp._fit_traits(text[], jsonb[]) IS
'which of these values the registry changes or, with NULL, refuses';

-- The same for one value, which somebody gave by hand.
CREATE FUNCTION cdp._fit_trait(name text, value jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fitted record;
BEGIN
	SELECT * INTO fitted FROM cdp._fit_traits(ARRAY[$1], ARRAY[$2]);
	IF NOT FOUND THEN
		RETURN $2;
	END IF;
	IF fitted.value IS NULL THEN
		RAISE EXCEPTION 'the value does not fit trait "%"', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is not of the type or form, or does not match the format, that cdp.trait has for it.';
	END IF;
	RETURN fitted.value;
END
$$;
COMMENT ON FUNCTION cdp._fit_trait(text, jsonb) IS
'the value as the registry wants it; raises if it refuses it';

-- People write names of traits as they saw them in records: "First Name" and
-- "größe" are stored as first_name and grösse.
CREATE FUNCTION cdp._find_trait(name text) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	normal text := cdp._trait_name($1);
BEGIN
	RETURN (
		SELECT trait.name
		FROM cdp.trait
		WHERE trait.name IN ($1, normal)
		ORDER BY trait.name = $1 DESC
		LIMIT 1);
END
$$;
COMMENT ON FUNCTION cdp._find_trait(text) IS
'the name of the trait that is called so exactly, else of the one that a record would have written to; NULL: there is none';

CREATE FUNCTION cdp._known_trait(name text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text := cdp._find_trait($1);
	near text;
BEGIN
	IF known IS NOT NULL THEN
		RETURN known;
	END IF;
	SELECT trait.name INTO near
	FROM cdp.trait,
		cdp._name_distance(trait.name, coalesce(cdp._trait_name($1), $1)) AS distance
	WHERE distance <= greatest(2, length($1) / 3)
	ORDER BY distance, trait.name
	LIMIT 1;
	RAISE EXCEPTION 'trait "%" does not exist', coalesce($1, 'NULL')
		USING ERRCODE = 'undefined_object',
			HINT = coalesce('Did you mean "' || near || '"? ', '')
				|| 'cdp.add_trait() registers one that no record has brought yet.';
END
$$;
COMMENT ON FUNCTION cdp._known_trait(text) IS
'cdp._find_trait(), or raise with the trait that was perhaps meant';
