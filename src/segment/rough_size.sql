-- How many profiles a predicate is true of, for those who may not read them.
--
-- Who may ask any question and gets an exact answer knows everything of
-- everybody: email = 'ann@example.com' and city = 'Berlin' is true of one
-- profile or none.  So who works with figures only is answered about what is
-- declared not to be personal, to the nearest ten, and nothing of less than ten.
-- Segments, computed traits and scores that the predicate names are answered
-- about whatever they ask for: somebody who may has defined them.
--
-- That keeps a question from being about one person.  It is no proof against
-- many questions that differ by one profile; what such a series would tell is
-- a trait that was declared not to be personal.

-- Paths of a profile: in a where-clause those that begin with "profile", and
-- any in a window, which is the profile's own.
CREATE FUNCTION cdp._asked_paths(predicate cdp.predicate) RETURNS SETOF text[]
LANGUAGE sql IMMUTABLE STRICT ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE node (tree, of_event) AS (
		SELECT cdp.predicate_to_jsonb($1), false
		UNION ALL
		SELECT child.value, CASE child.key WHEN 'where' THEN true WHEN 'same' THEN true
			WHEN 'window' THEN false ELSE node.of_event END
		FROM node
			CROSS JOIN LATERAL (
				SELECT key, value
				FROM jsonb_each(CASE jsonb_typeof(node.tree) WHEN 'object' THEN node.tree END)
				UNION ALL
				SELECT NULL, value
				FROM jsonb_array_elements(CASE jsonb_typeof(node.tree) WHEN 'array' THEN node.tree END)
			) AS child
	), path AS (
		SELECT of_event, ARRAY(SELECT jsonb_array_elements_text(tree -> 'args')) AS names
		FROM node
		WHERE jsonb_typeof(tree) = 'object' AND tree ->> 'op' = 'path'
	)
	SELECT CASE WHEN of_event THEN names[2:] ELSE names END
	FROM path
	WHERE NOT of_event OR names[1] = 'profile' AND cardinality(names) > 1
$$;
COMMENT ON FUNCTION cdp._asked_paths(cdp.predicate) IS
'the fields and traits of profiles that a predicate asks for by itself, each as its names';

-- A trait that nobody announced is one of which nobody knows what it is.  One is
-- asked for by its name or as a record writes it.
CREATE FUNCTION cdp._check_impersonal(predicate cdp.predicate) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	refused text;
BEGIN
	SELECT min(trait.name) INTO refused
	FROM cdp._asked_paths($1) AS asked (names)
		JOIN cdp.trait ON trait.name IN (asked.names[1], array_to_string(asked.names, '.'),
			cdp.normalise_event_name(asked.names[1]))
	WHERE trait.pii <> 'none' OR NOT trait.strict;
	IF refused IS NOT NULL THEN
		RAISE EXCEPTION 'permission denied for trait "%"', refused
			USING ERRCODE = 'insufficient_privilege',
				DETAIL = 'It is personal, or nobody has declared that it is not (cdp.trait.pii).',
				HINT = 'Ask an operator to declare it with cdp.add_trait(), or to define a segment and use in_segment().';
	END IF;
	SELECT min(asked.property) INTO refused
	FROM cdp._undeclared(ARRAY[$1], cdp._evaluation_context()) AS asked;
	IF refused IS NOT NULL THEN
		RAISE EXCEPTION 'permission denied for property "%"', refused
			USING ERRCODE = 'insufficient_privilege',
				DETAIL = 'What is not declared of events may be anything.',
				HINT = 'Ask an operator to declare it with cdp.declare_property().';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_impersonal(cdp.predicate) IS
'raise if a predicate asks by itself for what is personal, or may be';

CREATE FUNCTION cdp._rough_size(predicate cdp.predicate) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	size bigint;
BEGIN
	PERFORM cdp._check_store();
	IF $1 IS NULL THEN
		RETURN NULL;
	END IF;
	PERFORM cdp._check_impersonal($1);
	size := cdp.segment_size($1);
	RETURN CASE WHEN size < 10 THEN 0 ELSE round(size, -1) END;
END
$$;
COMMENT ON FUNCTION cdp._rough_size(cdp.predicate) IS
'what the door cdp.rough_size() does; NULL of no predicate';
