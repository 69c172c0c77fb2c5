CREATE TABLE cdp.computed_trait (
	name text COLLATE "C" PRIMARY KEY,
	expression cdp.predicate NOT NULL,
	type text NOT NULL,
	steady boolean NOT NULL,
	description text NOT NULL,
	created_at timestamptz NOT NULL
);
COMMENT ON TABLE cdp.computed_trait IS
'traits computed from events; change them with cdp.define_computed_trait() and cdp.drop_computed_trait()';
COMMENT ON COLUMN cdp.computed_trait.type IS 'as in cdp.trait';
COMMENT ON COLUMN cdp.computed_trait.steady IS
'changes with the profile''s events only: kept in the profile''s row as its other traits are; others are computed on reading';

SELECT cdp._watch_table('cdp.computed_trait');

CREATE TRIGGER note_definition AFTER INSERT ON cdp.computed_trait
	FOR EACH ROW WHEN (NEW.steady)
	EXECUTE FUNCTION cdp._note_all_profiles();
CREATE TRIGGER note_change AFTER UPDATE ON cdp.computed_trait
	FOR EACH ROW WHEN ((OLD.steady OR NEW.steady)
		AND (OLD.name <> NEW.name OR OLD.steady <> NEW.steady
			OR OLD.expression OPERATOR(cdp.<>) NEW.expression))
	EXECUTE FUNCTION cdp._note_all_profiles();
CREATE TRIGGER note_removal AFTER DELETE ON cdp.computed_trait
	FOR EACH ROW WHEN (OLD.steady)
	EXECUTE FUNCTION cdp._note_all_profiles();

-- What a property means decides about values as well.
CREATE FUNCTION cdp._note_steady_traits() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.computed_trait WHERE steady) THEN
		PERFORM cdp._add_todo('all_profiles', '{0}');
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER note_computed AFTER INSERT OR UPDATE OR DELETE
	ON cdp.event_property
	FOR EACH STATEMENT EXECUTE FUNCTION cdp._note_steady_traits();

CREATE FUNCTION cdp.computed_traits_of(
	profile_id bigint,
	at timestamptz DEFAULT cdp.clock())
RETURNS TABLE (name text, value jsonb, as_of timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	names text[];
	expressions cdp.predicate[];
BEGIN
	SELECT array_agg(trait.name::text ORDER BY trait.name),
		array_agg(trait.expression ORDER BY trait.name)
	INTO names, expressions
	FROM cdp.computed_trait AS trait;
	RETURN QUERY
	SELECT trait.name, trait.value, $2
	FROM unnest(names, cdp._profile_values(cdp.resolve($1), expressions, $2))
		AS trait (name, value)
	WHERE EXISTS (
		SELECT FROM cdp.profile_current AS current
		WHERE current.profile_id = cdp.resolve($1));
END
$$;
COMMENT ON FUNCTION cdp.computed_traits_of(bigint, timestamptz) IS
'the computed traits of a profile at an instant, from the events before it';

CREATE VIEW cdp.profile_computed_trait AS
SELECT current.profile_id, trait.name, trait.value, trait.as_of
FROM cdp.profile_current AS current
CROSS JOIN LATERAL cdp.computed_traits_of(current.profile_id) AS trait;
COMMENT ON VIEW cdp.profile_computed_trait IS
'the computed traits of each profile, one a row, computed when they are read';

REVOKE ALL ON FUNCTION cdp.computed_traits_of(bigint, timestamptz) FROM PUBLIC;
