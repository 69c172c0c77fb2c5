-- Groups of profiles: households, accounts, whatever shares identifiers of
-- certain types.  A group is a finding beside the profiles: it merges nothing.
CREATE TABLE cdp.group_kind (
	kind text COLLATE "C" PRIMARY KEY CHECK (kind ~ '^[a-z][a-z0-9_]{0,30}$'),
	types text[] NOT NULL CHECK (cardinality(types) > 0),
	max_profiles_per_value integer NOT NULL DEFAULT 20
		CHECK (max_profiles_per_value > 1),
	description text NOT NULL DEFAULT '',
	made_from text
);
COMMENT ON TABLE cdp.group_kind IS
'kinds of groups of profiles, such as households; add one with cdp.add_group_kind()';
COMMENT ON COLUMN cdp.group_kind.types IS
'identifier types whose values link profiles; types that only describe may be among them';
COMMENT ON COLUMN cdp.group_kind.max_profiles_per_value IS
'a value of more profiles than that links none of them: a kiosk is no household';
COMMENT ON COLUMN cdp.group_kind.made_from IS
'derived: the state of the store that the groups were made from; NULL: make them anew';

CREATE FUNCTION cdp._check_group_row() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_group_rule(NEW.kind, NEW.types, NEW.max_profiles_per_value);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_group_row() IS
'trigger: groups can be made by the rule of their kind';

CREATE TRIGGER check_row
BEFORE UPDATE OF types, max_profiles_per_value ON cdp.group_kind
FOR EACH ROW EXECUTE FUNCTION cdp._check_group_row();

CREATE TABLE cdp.profile_group (
	kind text COLLATE "C" NOT NULL REFERENCES cdp.group_kind ON DELETE CASCADE,
	profile_id bigint NOT NULL,
	group_id bigint NOT NULL,
	PRIMARY KEY (kind, profile_id)
);
CREATE INDEX profile_group_group_idx ON cdp.profile_group (kind, group_id);
COMMENT ON TABLE cdp.profile_group IS
'derived: which group a live profile is in, kind by kind; a profile without a row is alone';
COMMENT ON COLUMN cdp.profile_group.group_id IS
'the smallest profile id in the group';
