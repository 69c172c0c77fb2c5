-- Indexes over single traits, for those who look profiles up by them.
--
-- A value may be longer than an entry of a btree index can be, and one such
-- value would stop the merge run: texts and JSON have hash indexes, which take
-- any length and serve equality; the other types have btree indexes.

CREATE FUNCTION cdp._trait_index(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('profile_current_trait_%s_idx', left(md5($1), 16))
$$;
COMMENT ON FUNCTION cdp._trait_index(text) IS
'the name of the index over a trait; trait names can be longer than names of indexes';

-- The flag says that there is an index, so it follows the index.
CREATE FUNCTION cdp._check_trait_index() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.indexed AND NEW.indexed THEN
		RAISE EXCEPTION 'cannot rename, retype or delete trait "%"', OLD.name
			USING ERRCODE = 'object_in_use',
				DETAIL = 'It has an index.',
				HINT = format('Run SELECT cdp.unindex_trait(%L).', OLD.name);
	END IF;
	IF NEW.indexed <> (to_regclass('cdp.' || cdp._trait_index(NEW.name)) IS NOT NULL) THEN
		RAISE EXCEPTION 'cannot set "indexed" of trait "%"', NEW.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'It says whether there is an index.',
				HINT = 'Use cdp.index_trait() and cdp.unindex_trait().';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER check_index_insert BEFORE INSERT ON cdp.trait
	FOR EACH ROW WHEN (NEW.indexed)
	EXECUTE FUNCTION cdp._check_trait_index();
CREATE TRIGGER check_index_flag BEFORE UPDATE ON cdp.trait
	FOR EACH ROW WHEN (OLD.indexed <> NEW.indexed)
	EXECUTE FUNCTION cdp._check_trait_index();
CREATE TRIGGER keep_indexed BEFORE UPDATE ON cdp.trait
	FOR EACH ROW WHEN (OLD.indexed AND NEW.indexed
		AND (OLD.name <> NEW.name OR OLD.type <> NEW.type))
	EXECUTE FUNCTION cdp._check_trait_index();
CREATE TRIGGER keep_indexed_row BEFORE DELETE ON cdp.trait
	FOR EACH ROW WHEN (OLD.indexed)
	EXECUTE FUNCTION cdp._check_trait_index();

CREATE FUNCTION cdp.index_trait(name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text;
	found_trait cdp.trait;
BEGIN
	PERFORM cdp._check_store();
	known := cdp._known_trait($1);
	SELECT * INTO found_trait FROM cdp.trait WHERE trait.name = known FOR UPDATE;
	IF known IN ('email', 'phone', 'name') THEN
		RAISE EXCEPTION 'cannot index trait "%"', known
			USING ERRCODE = 'feature_not_supported',
				DETAIL = 'Its column in cdp.unified_profile is made of more than the trait.',
				HINT = 'cdp.find_profile() finds profiles by e-mail address and phone number.';
	END IF;
	IF cdp._may_expire(known) THEN
		RAISE EXCEPTION 'cannot index trait "%"', known
			USING ERRCODE = 'feature_not_supported',
				DETAIL = 'What third parties say may expire, and an index does not know the time.',
				HINT = 'A segment or audience over it finds the profiles.';
	END IF;
	IF found_trait.indexed THEN
		RETURN;
	END IF;
	EXECUTE format('CREATE INDEX %I ON cdp.profile_current USING %s ((%s))',
		cdp._trait_index(known),
		CASE WHEN found_trait.type IN ('number', 'boolean', 'date')
			THEN 'btree' ELSE 'hash' END,
		cdp._trait_column('traits', known, found_trait.type));
	UPDATE cdp.trait SET indexed = true WHERE trait.name = known;
END
$$;
COMMENT ON FUNCTION cdp.index_trait(text) IS
'index the column of a trait, so that profiles are found by it; profiles cannot be written meanwhile';

CREATE FUNCTION cdp.unindex_trait(name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text;
	found_index boolean;
BEGIN
	PERFORM cdp._check_store();
	known := coalesce(cdp._find_trait($1), $1);
	found_index := to_regclass('cdp.' || cdp._trait_index(known)) IS NOT NULL;
	IF found_index THEN
		EXECUTE format('DROP INDEX cdp.%I', cdp._trait_index(known));
	END IF;
	UPDATE cdp.trait SET indexed = false WHERE trait.name = known AND indexed;
	RETURN found_index;
END
$$;
COMMENT ON FUNCTION cdp.unindex_trait(text) IS
'drop the index that cdp.index_trait() made; false if there is none';

REVOKE ALL ON FUNCTION cdp.index_trait(text), cdp.unindex_trait(text)
	FROM PUBLIC;
