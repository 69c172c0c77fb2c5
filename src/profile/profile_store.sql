-- The registry of traits.
CREATE TABLE cdp.trait (
	name text COLLATE "C" PRIMARY KEY,
	type text NOT NULL DEFAULT 'text',
	rule text NOT NULL DEFAULT 'latest',
	strict boolean NOT NULL DEFAULT true,
	format text CHECK (format IS NULL OR ('' ~ format) IS NOT NULL),
	form text,
	pii text NOT NULL DEFAULT 'none',
	indexed boolean NOT NULL DEFAULT false,
	history boolean NOT NULL DEFAULT false,
	sources text[],
	exposed integer UNIQUE,
	reserved boolean NOT NULL DEFAULT false,
	description text NOT NULL DEFAULT ''
);
COMMENT ON TABLE cdp.trait IS
'attributes of profiles; unknown ones are registered on sight';
COMMENT ON COLUMN cdp.trait.rule IS
'which observation survives: latest, earliest, source_priority, most_frequent; min, max (not of json), longest (of text and json), sum (of number), union (of json: an array of all); non_empty_... passes over empty ones';
COMMENT ON COLUMN cdp.trait.strict IS
'values that are not of the type are not used; false where the type is a guess, from the first value seen';
COMMENT ON COLUMN cdp.trait.format IS
'regular expression; values that do not match it are not used';
COMMENT ON COLUMN cdp.trait.form IS
'canonical form that values of type text are brought into: country, language, time_zone (what has none is not used) or text (cleaned of white space and invisible characters); NULL: as they came';
COMMENT ON COLUMN cdp.trait.pii IS
'none, personal, contact, or special (health, religion, ...: never used for modelling)';
COMMENT ON COLUMN cdp.trait.sources IS
'sources in the order in which they count for this trait; NULL: by cdp.source.priority';
COMMENT ON COLUMN cdp.trait.exposed IS
'place among the columns that cdp.expose_trait() added to cdp.unified_profile';
SELECT cdp._watch_table('cdp.trait');
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE OF type, rule, form, pii
	ON cdp.trait
	FOR EACH ROW EXECUTE FUNCTION cdp._check_trait();

-- Views keep the names and types of their columns for ever; built-in traits
-- are in them, and what was said of a trait was said under its name.
CREATE FUNCTION cdp._keep_trait() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF OLD.exposed IS NOT NULL THEN
		RAISE EXCEPTION 'cannot rename, retype, hide or delete trait "%"', OLD.name
			USING ERRCODE = 'object_in_use',
				DETAIL = 'It is a column of cdp.unified_profile, which keeps its columns.';
	ELSIF OLD.reserved THEN
		RAISE EXCEPTION 'cannot rename or delete trait "%"', OLD.name
			USING ERRCODE = 'object_in_use',
				DETAIL = 'It is built in.';
	END IF;
	RAISE EXCEPTION 'cannot rename trait "%"', OLD.name
		USING ERRCODE = 'object_in_use',
			DETAIL = 'Its values came under this name, and would be out of sight.',
			HINT = 'Add another trait, or map the field to another name.';
END
$$;
CREATE TRIGGER keep_exposed BEFORE UPDATE OF name, type, exposed OR DELETE ON cdp.trait
	FOR EACH ROW WHEN (OLD.exposed IS NOT NULL)
	EXECUTE FUNCTION cdp._keep_trait();
CREATE TRIGGER keep_name BEFORE UPDATE OF name ON cdp.trait
	FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name)
	EXECUTE FUNCTION cdp._keep_trait();
CREATE TRIGGER keep_reserved BEFORE DELETE ON cdp.trait
	FOR EACH ROW WHEN (OLD.reserved)
	EXECUTE FUNCTION cdp._keep_trait();

-- A changed rule holds for all profiles from the next merge run on.
CREATE TRIGGER note_rule AFTER UPDATE OF name, rule, sources ON cdp.trait
	FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name
		OR OLD.rule IS DISTINCT FROM NEW.rule
		OR OLD.sources IS DISTINCT FROM NEW.sources)
	EXECUTE FUNCTION cdp._note_all_profiles();
CREATE TRIGGER note_removal AFTER DELETE ON cdp.trait
	FOR EACH ROW EXECUTE FUNCTION cdp._note_all_profiles();
CREATE TRIGGER note_rank AFTER UPDATE OF name, kind, priority ON cdp.source
	FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name
		OR OLD.kind IS DISTINCT FROM NEW.kind
		OR OLD.priority IS DISTINCT FROM NEW.priority)
	EXECUTE FUNCTION cdp._note_all_profiles();
CREATE TRIGGER note_business_key AFTER UPDATE OF name, business_key ON cdp.event_type
	FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name
		OR OLD.business_key IS DISTINCT FROM NEW.business_key)
	EXECUTE FUNCTION cdp._note_all_profiles();
CREATE TRIGGER note_event_type AFTER INSERT OR DELETE ON cdp.event_type
	FOR EACH ROW EXECUTE FUNCTION cdp._note_all_profiles();
CREATE TRIGGER note_time_to_live AFTER UPDATE OF time_to_live ON cdp.identifier_type
	FOR EACH ROW WHEN (OLD.time_to_live IS DISTINCT FROM NEW.time_to_live)
	EXECUTE FUNCTION cdp._note_all_profiles();
CREATE TRIGGER note_region AFTER UPDATE OF value ON cdp.setting
	FOR EACH ROW WHEN (NEW.name = 'default_region'
		AND OLD.value IS DISTINCT FROM NEW.value)
	EXECUTE FUNCTION cdp._note_all_profiles();

INSERT INTO cdp.trait (name, type, pii, reserved, description) VALUES
	('email', 'text', 'contact', true, 'e-mail address'),
	('phone', 'text', 'contact', true, 'phone number'),
	('title', 'text', 'personal', true, 'form of address'),
	('first_name', 'text', 'personal', true, 'given name'),
	('middle_name', 'text', 'personal', true, 'further given names'),
	('last_name', 'text', 'personal', true, 'family name'),
	('name', 'text', 'personal', true, 'whole name'),
	('birth_date', 'date', 'personal', true, 'YYYY-MM-DD'),
	('gender', 'text', 'personal', true, ''),
	('company', 'text', 'personal', true, 'employer'),
	('job_title', 'text', 'personal', true, ''),
	('street', 'text', 'contact', true, 'street and house number'),
	('city', 'text', 'personal', true, ''),
	('region', 'text', 'none', true, 'state or province'),
	('postal_code', 'text', 'personal', true, ''),
	('country', 'text', 'none', true, 'ISO 3166 code of two letters'),
	('latitude', 'number', 'personal', true, 'degrees'),
	('longitude', 'number', 'personal', true, 'degrees'),
	('language', 'text', 'none', true, 'BCP 47 tag'),
	('time_zone', 'text', 'none', true, 'IANA name'),
	('owner', 'text', 'none', true, 'who looks after the customer'),
	('loyalty_level', 'text', 'none', true, ''),
	('loyalty_points', 'number', 'none', true, ''),
	('crm_stage', 'text', 'none', true, ''),
	('account_id', 'text', 'none', true, 'company account, from groupId');
UPDATE cdp.trait SET form = name
WHERE name IN ('country', 'language', 'time_zone');
UPDATE cdp.trait SET form = 'text'
WHERE name IN ('title', 'first_name', 'middle_name', 'last_name', 'name',
	'company', 'job_title', 'street', 'city', 'region', 'postal_code');

-- What sources said.  The set says of whom, and from which source.
CREATE TABLE cdp.trait_observation (
	set_id bigint NOT NULL,
	observed_at timestamptz NOT NULL,
	first_observed_at timestamptz NOT NULL,
	source_id integer NOT NULL,
	name text COLLATE "C" NOT NULL,
	value jsonb NOT NULL,
	raw jsonb,
	expires_at timestamptz,
	PRIMARY KEY (set_id, name)
) WITH (fillfactor = 90);
CREATE INDEX trait_observation_expires_at_idx ON cdp.trait_observation (expires_at)
	WHERE expires_at IS NOT NULL AND value <> '""';
ALTER TABLE cdp.trait_observation
	ALTER value SET STATISTICS 0, ALTER raw SET STATISTICS 0;
COMMENT ON TABLE cdp.trait_observation IS
'the latest value of each trait that came with each identifier set; a JSON null says there is no value any more';
COMMENT ON COLUMN cdp.trait_observation.raw IS
'what the source wrote, where the registry changed it; NULL: value';
COMMENT ON COLUMN cdp.trait_observation.expires_at IS
'from then on it is as if it had never been said; NULL: never.  A merge run empties the value then; that the row stays, as long as its source''s retention, ends what was said before it';

CREATE TABLE cdp.trait_history (
	set_id bigint NOT NULL,
	observed_at timestamptz NOT NULL,
	source_id integer NOT NULL,
	name text COLLATE "C" NOT NULL,
	value jsonb NOT NULL,
	raw jsonb,
	expires_at timestamptz,
	PRIMARY KEY (set_id, name, observed_at, value)
);
CREATE INDEX trait_history_expires_at_idx ON cdp.trait_history (expires_at)
	WHERE expires_at IS NOT NULL;
COMMENT ON TABLE cdp.trait_history IS
'every observation of traits with history, the latest included';
COMMENT ON COLUMN cdp.trait_history.raw IS
'what the source wrote, where the registry changed it; NULL: value';
COMMENT ON COLUMN cdp.trait_history.expires_at IS
'from then on it is as if it had never been said; NULL: never';

-- What a steward decided.  It hangs on the identifier that founded the
-- profile, so it goes where the profile id goes.
CREATE TABLE cdp.trait_pin (
	identifier_id bigint NOT NULL,
	pinned_at timestamptz NOT NULL,
	name text COLLATE "C" NOT NULL,
	value jsonb NOT NULL,
	reason text NOT NULL,
	actor text NOT NULL,
	PRIMARY KEY (identifier_id, name)
);
COMMENT ON TABLE cdp.trait_pin IS
'values that win over every observation until cdp.unpin_trait()';

-- One row per live profile.
CREATE TABLE cdp.profile_current (
	profile_id bigint PRIMARY KEY,
	first_seen timestamptz,
	last_seen timestamptz,
	events bigint NOT NULL DEFAULT 0,
	orders bigint NOT NULL DEFAULT 0,
	first_order_at timestamptz,
	last_order_at timestamptz,
	as_of timestamptz NOT NULL,
	ord integer NOT NULL,
	kind text COLLATE "C" NOT NULL,
	gross_revenue numeric NOT NULL DEFAULT 0,
	revenue numeric NOT NULL DEFAULT 0,
	sources text[] NOT NULL DEFAULT '{}',
	segment_ids integer[] NOT NULL DEFAULT '{}',
	traits jsonb NOT NULL DEFAULT '{}',
	lineage jsonb NOT NULL DEFAULT '{}',
	identifiers jsonb NOT NULL DEFAULT '{}',
	consents jsonb NOT NULL DEFAULT '{}',
	identifier_count integer NOT NULL
		GENERATED ALWAYS AS (jsonb_array_length(
			jsonb_path_query_array(identifiers, '$.*[*]'))) STORED,
	expiring jsonb,
	identifiers_until jsonb
) WITH (fillfactor = 85);
ALTER TABLE cdp.profile_current
	ALTER traits SET STATISTICS 0, ALTER lineage SET STATISTICS 0,
	ALTER expiring SET STATISTICS 0, ALTER identifiers SET STATISTICS 0, ALTER consents SET STATISTICS 0,
	ALTER identifiers_until SET STATISTICS 0;
CREATE UNIQUE INDEX profile_current_ord_idx ON cdp.profile_current (ord);
CREATE INDEX profile_current_identifier_count_idx
	ON cdp.profile_current (identifier_count);
COMMENT ON TABLE cdp.profile_current IS
'derived: one row per live profile; read it through cdp.unified_profile';
COMMENT ON COLUMN cdp.profile_current.lineage IS
'for each trait the source, set, time and rule of its value';
COMMENT ON COLUMN cdp.profile_current.expiring IS
'for each trait that expires what survives until when, with its lineage; none of these is in traits; NULL: there is none';
COMMENT ON COLUMN cdp.profile_current.identifiers IS
'values by type, the best first; of a source''s own as source/value';
COMMENT ON COLUMN cdp.profile_current.identifiers_until IS
'by type, until when those of them last that expire; NULL: none expires';
COMMENT ON COLUMN cdp.profile_current.identifier_count IS
'how many identifiers; cdp.health shows the largest';
COMMENT ON COLUMN cdp.profile_current.as_of IS
'when the row was last made different';

CREATE VIEW cdp.profile_trait AS
SELECT current.profile_id, trait.name, trait.value,
	trait.lineage ->> 'source' AS source,
	(trait.lineage ->> 'at')::timestamptz AS observed_at,
	trait.lineage ->> 'rule' AS rule,
	(trait.lineage ->> 'set_id')::bigint AS set_id,
	(trait.lineage ->> 'until')::timestamptz AS expires_at
FROM cdp.profile_current AS current
CROSS JOIN LATERAL (
	SELECT lasting.name, lasting.value, current.lineage -> lasting.name AS lineage
	FROM jsonb_each(current.traits) AS lasting (name, value)
	UNION ALL
	SELECT held.name, held.step -> 'value', held.step
	FROM cdp._expiring_at(current.expiring, cdp.clock()) AS held
) AS trait;
COMMENT ON VIEW cdp.profile_trait IS
'the traits of each profile, one a row, and where each came from';
COMMENT ON COLUMN cdp.profile_trait.expires_at IS
'until when it has this value; NULL: until something else is said';

CREATE VIEW cdp.profile_trait_history WITH (security_barrier) AS
SELECT owner.profile_id, said.name::text AS name, said.value,
	source.name::text AS source, said.observed_at, said.set_id, said.raw
FROM cdp.trait_history AS said
JOIN cdp._set_profile AS owner ON owner.set_id = said.set_id
JOIN cdp.source ON source.source_id = said.source_id
WHERE (said.expires_at IS NULL OR said.expires_at > cdp.clock())
	AND (source.retention IS NULL
		OR said.observed_at > cdp._kept_after(source.retention))
	AND owner.profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept);
COMMENT ON VIEW cdp.profile_trait_history IS
'every value that was ever said of a profile, of traits with cdp.trait.history; it goes with its set through merges and splits';

-- By what profiles are known; above the consent room, for who is restricted is only
-- kept (cdp.restrict_subject()), as in the views after it.
CREATE VIEW cdp.profile_identifier WITH (security_barrier) AS
SELECT profile.root AS profile_id,
	identifier_type.type::text AS type,
	identifier.scope::text AS scope,
	identifier.value::text AS value,
	seen.first_seen, seen.last_seen, seen.records,
	identifier.shared, identifier.blocked, identifier.identifier_id
FROM cdp.identifier
JOIN cdp.profile ON profile.profile_id = identifier.leaf
JOIN cdp.identifier_type ON identifier_type.type_id = identifier.type_id
LEFT JOIN LATERAL (
	SELECT min(identifier_set.first_seen) AS first_seen,
		max(identifier_set.last_seen) AS last_seen,
		sum(identifier_set.records)::bigint AS records
	FROM cdp.identifier_set_member
	JOIN cdp.identifier_set USING (set_id)
	WHERE identifier_set_member.identifier_id = identifier.identifier_id
		AND NOT identifier_set.retracted
) AS seen ON true
WHERE coalesce(cdp._kept_until(seen.last_seen, identifier_type.time_to_live)
		> cdp.clock(), true)
	AND profile.root NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept);
COMMENT ON VIEW cdp.profile_identifier IS
'the identifiers of each live profile, with when and how often they were seen; not those that were last seen longer ago than their type''s time_to_live, nor those of people who are restricted';

-- What has been kept long enough is out of sight at that very instant, and out of
-- the log by the next merge run of another day.
CREATE VIEW cdp.profile_event WITH (security_barrier) AS
SELECT owner.profile_id, event.event_id, event.name::text AS name,
	event.occurred_at::timestamptz AS occurred_at,
	event.amount::numeric AS amount, event.currency, event.properties,
	source.name::text AS source
FROM cdp.event
JOIN cdp._set_profile AS owner ON owner.set_id = event.set_id
JOIN cdp.source ON source.source_id = event.source_id
WHERE (source.retention IS NULL
		OR event.occurred_at > cdp._kept_after(source.retention))
	AND owner.profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept);
COMMENT ON VIEW cdp.profile_event IS
'the event log with the live profile of each event; for one profile cdp.timeline_of() is faster';

-- A trait that was registered on sight becomes what is asked for.
CREATE FUNCTION cdp.add_trait(
	name text,
	type text DEFAULT 'text',
	rule text DEFAULT 'latest',
	format text DEFAULT NULL,
	pii text DEFAULT 'none',
	history boolean DEFAULT false,
	sources text[] DEFAULT NULL,
	description text DEFAULT '')
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	IF $1 = '' THEN
		RAISE EXCEPTION 'a trait needs a name'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	INSERT INTO cdp.trait AS old (name, type, rule, format, pii, history,
		sources, description)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
	ON CONFLICT ON CONSTRAINT trait_pkey DO UPDATE
	SET strict = true, type = excluded.type, rule = excluded.rule,
		format = excluded.format, pii = excluded.pii,
		history = excluded.history, sources = excluded.sources,
		description = excluded.description
	WHERE NOT old.strict;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'trait "%" exists already', $1
			USING ERRCODE = 'duplicate_object',
				HINT = 'Change its row in cdp.trait.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp.add_trait(text, text, text, text, text, boolean, text[], text) IS
'register a trait whose values are checked: those that are not of the type, or do not match the format, are not used';

CREATE FUNCTION cdp.pin_trait(
	profile_id bigint,
	name text,
	value jsonb,
	reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint;
	known text;
BEGIN
	PERFORM cdp._lock_merger();
	live := cdp._profile_to_change($1);
	IF num_nulls($2, $3, $4) > 0 OR $4 = '' THEN
		RAISE EXCEPTION 'a pin needs a trait, a value and a reason'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'To pin that there is no value, give the JSON value null.';
	END IF;
	known := cdp._known_trait($2);
	PERFORM cdp._check_not_erased(known, $3 #>> '{}', 'cdp.readmit_identifier() lets it in again.');
	INSERT INTO cdp.trait_pin (identifier_id, pinned_at, name, value, reason, actor)
	SELECT founder, cdp.clock(), known, cdp._fit_trait(known, $3), $4, cdp._actor()
	FROM cdp.profile
	WHERE profile.profile_id = live
	ON CONFLICT ON CONSTRAINT trait_pin_pkey DO UPDATE
	SET pinned_at = excluded.pinned_at, value = excluded.value,
		reason = excluded.reason, actor = excluded.actor;
	PERFORM cdp._refresh_profiles(ARRAY[live]);
END
$$;
COMMENT ON FUNCTION cdp.pin_trait(bigint, text, jsonb, text) IS
'fix a trait of a profile against all observations, with a reason; survives merges and rebuilds';

CREATE FUNCTION cdp.unpin_trait(profile_id bigint, name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint;
	found_pin boolean;
BEGIN
	PERFORM cdp._lock_merger();
	live := cdp._profile_to_change($1);
	DELETE FROM cdp.trait_pin
	USING cdp.identifier, cdp.profile
	WHERE identifier.identifier_id = trait_pin.identifier_id
		AND profile.profile_id = identifier.leaf
		AND profile.root = live
		AND trait_pin.name = coalesce(cdp._find_trait($2), $2);
	found_pin := FOUND;
	PERFORM cdp._refresh_profiles(ARRAY[live]);
	RETURN found_pin;
END
$$;
COMMENT ON FUNCTION cdp.unpin_trait(bigint, text) IS
'let observations decide about a trait again; false if it was not pinned';

CREATE FUNCTION cdp.rebuild_profiles() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._check_store();
	SELECT cdp._lock_merger();
	SELECT cdp._profile_make_all(10000);
$$;
COMMENT ON FUNCTION cdp.rebuild_profiles() IS
'make the rows of all profiles anew; returns how many there are';

REVOKE ALL ON FUNCTION
	cdp.add_trait(text, text, text, text, text, boolean, text[], text),
	cdp.pin_trait(bigint, text, jsonb, text),
	cdp.unpin_trait(bigint, text), cdp.rebuild_profiles() FROM PUBLIC;
