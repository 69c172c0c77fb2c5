-- The rules.  Rows, so that a store can change them and a dump carries them.
CREATE TABLE cdp.identifier_type (
	type text COLLATE "C" PRIMARY KEY CHECK (type ~ '^[a-z][a-z0-9_]{0,30}$'),
	type_id integer GENERATED ALWAYS AS IDENTITY UNIQUE,
	priority integer CHECK (priority > 0),
	strong boolean NOT NULL DEFAULT false,
	scope text NOT NULL DEFAULT 'global' CHECK (scope IN ('global', 'source')),
	max_per_profile integer CHECK (max_per_profile > 0),
	max_strong_per_value integer CHECK (max_strong_per_value > 0),
	stitches boolean NOT NULL DEFAULT true,
	joins_known boolean NOT NULL DEFAULT true,
	stands_in boolean NOT NULL DEFAULT false,
	time_to_live interval CHECK (time_to_live > '0'),
	pattern text,
	normaliser text NOT NULL DEFAULT 'text'
		CHECK (normaliser IN ('email', 'phone', 'uuid', 'text', 'lower')),
	description text NOT NULL,
	CHECK (priority IS NOT NULL OR NOT strong)
);
COMMENT ON TABLE cdp.identifier_type IS
'the kinds of identifiers and how far each is trusted; add one with cdp.add_identifier_type()';
COMMENT ON COLUMN cdp.identifier_type.priority IS
'1 is the strongest; NULL: the type only describes and never stitches';
COMMENT ON COLUMN cdp.identifier_type.strong IS
'a value stands for one person; weak values seen with too many strong ones are shared';
COMMENT ON COLUMN cdp.identifier_type.scope IS
'global: a value means the same everywhere; source: each source has its own values';
COMMENT ON COLUMN cdp.identifier_type.max_per_profile IS
'more values than that in one profile are a conflict; NULL: no limit';
COMMENT ON COLUMN cdp.identifier_type.max_strong_per_value IS
'a value seen with more strong values of one type than that is shared; NULL: never';
COMMENT ON COLUMN cdp.identifier_type.joins_known IS
'false: a value never joins two profiles that are both known';
COMMENT ON COLUMN cdp.identifier_type.stands_in IS
'counts as strong as long as the store has no value of a strong type';
COMMENT ON COLUMN cdp.identifier_type.time_to_live IS
'how long after it was last seen a value stitches';
COMMENT ON COLUMN cdp.identifier_type.pattern IS
'a regular expression that a normalised value must match';
SELECT cdp._watch_table('cdp.identifier_type');

INSERT INTO cdp.identifier_type (type, priority, strong, scope, max_per_profile,
	max_strong_per_value, stitches, joins_known, stands_in, time_to_live,
	normaliser, description)
VALUES
	('user_id', 1, true, 'global', 1, NULL, true, true, false, NULL, 'text',
		'number or name of an account of the owner of the store'),
	('crm_id', 2, true, 'source', 1, NULL, true, true, false, NULL, 'text',
		'number of a customer in one CRM'),
	('email', 3, false, 'global', 5, 1, true, true, true, NULL, 'email',
		'e-mail address'),
	('phone', 4, false, 'global', 3, 1, true, true, false, NULL, 'phone',
		'phone number, E.164'),
	('device_id', 5, false, 'global', 5, 1, true, true, false, NULL, 'uuid',
		'advertising or vendor id of a device'),
	('anonymous_id', 6, false, 'global', NULL, 1, true, true, false, NULL, 'text',
		'cookie or installation'),
	('third_party_id', 7, false, 'source', NULL, 1, true, false, false, '90 days', 'text',
		'id of a data provider'),
	('ip', NULL, false, 'global', NULL, NULL, false, true, false, '90 days', 'text',
		'network address; only describes');

CREATE TABLE cdp.blocked_value (
	blocked_value_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	type text COLLATE "C" REFERENCES cdp.identifier_type ON DELETE CASCADE,
	value text COLLATE "C",
	pattern text,
	reason text NOT NULL,
	UNIQUE NULLS NOT DISTINCT (type, value, pattern),
	CHECK (num_nonnulls(value, pattern) = 1)
);
COMMENT ON TABLE cdp.blocked_value IS
'values that mean nothing and never link; add one with cdp.block_value()';
COMMENT ON COLUMN cdp.blocked_value.type IS 'NULL: values of any type';
COMMENT ON COLUMN cdp.blocked_value.value IS
'the value, in lower case; upper and lower case count as equal';
COMMENT ON COLUMN cdp.blocked_value.pattern IS
'a regular expression over the value in lower case';

INSERT INTO cdp.blocked_value (value, reason)
SELECT value, 'stands for a missing value'
FROM unnest(ARRAY['null', '(null)', 'none', 'nil', 'n/a', 'na', 'nan', '-1',
	'undefined', 'unknown', 'anonymous', 'guest', 'test', 'true', 'false',
	'[object object]']) AS value;
INSERT INTO cdp.blocked_value (type, pattern, reason) VALUES
	(NULL, '^[0-]*$', 'only zeros: stands for a missing value'),
	('phone', '^\+[0-9]{1,3}([0-9])\1{4,}$', 'one digit repeated'),
	('email', '^(a|aa|x|xx|abc|anonymous|asdf|example|fake|guest|na|nil|no|noemail|nomail|no-email|none|nobody|null|test|tester|testing|undefined|unknown|user)@',
		'stands for a missing address'),
	('email', '^(no-?reply|do-?not-?reply|postmaster|mailer-daemon|webmaster|hostmaster|abuse)@',
		'mailbox of a machine'),
	('email', '^(info|office|contact|hello|mail|admin|administrator|sales|support|service|billing|accounts?|marketing|help|team|jobs|kontakt|vertrieb|buero)@',
		'mailbox of a role, read by many');

CREATE TABLE cdp.identity_state (
	epoch bigint NOT NULL DEFAULT 1,
	rules_epoch bigint NOT NULL DEFAULT 1,
	rules_version uuid NOT NULL DEFAULT gen_random_uuid(),
	has_strong boolean NOT NULL DEFAULT false,
	judge_all boolean NOT NULL DEFAULT false,
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO cdp.identity_state DEFAULT VALUES;
COMMENT ON TABLE cdp.identity_state IS
'one row: when profiles were last split and rules last changed, counted in epochs';
COMMENT ON COLUMN cdp.identity_state.epoch IS
'grows whenever something stops being true: a split, a newly shared identifier, a rule';
COMMENT ON COLUMN cdp.identity_state.rules_epoch IS
'the epoch in which types or blocked values last changed';
COMMENT ON COLUMN cdp.identity_state.has_strong IS
'the store has values of strong types, so that no other type stands in for them';
COMMENT ON COLUMN cdp.identity_state.judge_all IS
'rules changed: the next merge run judges all profiles anew';
COMMENT ON COLUMN cdp.identity_state.rules_version IS
'sessions that know the rules of this version need not read them again';

-- The merger's lock comes before the rows of the rules, as it does for whoever
-- judges by them.  So an ingest beside a change that is not committed yet
-- leaves its merging to the merge run, instead of waiting for identity_state.
CREATE FUNCTION cdp._wait_for_merger() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._lock_merger();
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._wait_for_merger() IS
'trigger: wait until nobody judges by the identity rules, and let nobody begin';

CREATE FUNCTION cdp._note_rules_changed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE cdp.identity_state
	SET epoch = epoch + 1, rules_epoch = epoch + 1,
		rules_version = gen_random_uuid(), judge_all = true;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._note_rules_changed() IS
'trigger: the identity rules are of a new version';

CREATE TRIGGER wait_for_merger
BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON cdp.identifier_type
FOR EACH STATEMENT EXECUTE FUNCTION cdp._wait_for_merger();
CREATE TRIGGER note_rules_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cdp.identifier_type
FOR EACH STATEMENT EXECUTE FUNCTION cdp._note_rules_changed();
CREATE TRIGGER wait_for_merger
BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON cdp.blocked_value
FOR EACH STATEMENT EXECUTE FUNCTION cdp._wait_for_merger();
CREATE TRIGGER note_rules_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cdp.blocked_value
FOR EACH STATEMENT EXECUTE FUNCTION cdp._note_rules_changed();

-- Identifiers: insert-only on the way in.
CREATE SEQUENCE cdp.identifier_id_seq;
COMMENT ON SEQUENCE cdp.identifier_id_seq IS 'numbers of identifiers';
CREATE TABLE cdp.identifier (
	identifier_id bigint NOT NULL DEFAULT nextval('cdp.identifier_id_seq')
		PRIMARY KEY,
	leaf bigint,
	former_leaf bigint,
	first_seen timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT cdp.clock(),
	type_id integer NOT NULL,
	blocked boolean NOT NULL DEFAULT false,
	shared boolean NOT NULL DEFAULT false,
	expired boolean NOT NULL DEFAULT false,
	expires_at timestamptz,
	scope text COLLATE "C" NOT NULL DEFAULT '',
	value text COLLATE "C" NOT NULL
);
ALTER SEQUENCE cdp.identifier_id_seq OWNED BY cdp.identifier.identifier_id;
CREATE UNIQUE INDEX identifier_key_idx ON cdp.identifier (type_id, scope, value);
CREATE INDEX identifier_expires_at_idx ON cdp.identifier (expires_at)
	WHERE expires_at IS NOT NULL;
CREATE INDEX identifier_leaf_idx ON cdp.identifier (leaf) WHERE leaf IS NOT NULL;
COMMENT ON TABLE cdp.identifier IS
'every identifier ever seen, normalised';
COMMENT ON COLUMN cdp.identifier.leaf IS
'the profile id it was born with; profile.root of it is its profile now; NULL: belongs to no profile (blocked, only describes, or all its evidence is retracted)';
COMMENT ON COLUMN cdp.identifier.former_leaf IS
'what leaf was when the identifier last left its profile for none';
COMMENT ON COLUMN cdp.identifier.first_seen IS
'time of the record that brought it; the views give the earliest of all';
COMMENT ON COLUMN cdp.identifier.created_at IS
'when the store came to know it';
COMMENT ON COLUMN cdp.identifier.scope IS
'name of the source whose value it is; empty: the same everywhere';
COMMENT ON COLUMN cdp.identifier.shared IS
'used by several people: kept, but links nothing';
COMMENT ON COLUMN cdp.identifier.expired IS
'not seen for longer than its type''s time_to_live: kept, but links nothing until it is seen again';
COMMENT ON COLUMN cdp.identifier.expires_at IS
'when to look whether it has expired; NULL: never, or it has';

-- Evidence.
CREATE SEQUENCE cdp.identifier_set_id_seq;
COMMENT ON SEQUENCE cdp.identifier_set_id_seq IS 'numbers of identifier sets';
CREATE TABLE cdp.identifier_set (
	set_id bigint NOT NULL DEFAULT nextval('cdp.identifier_set_id_seq')
		PRIMARY KEY,
	owner bigint,
	epoch bigint NOT NULL,
	first_seen timestamptz NOT NULL,
	last_seen timestamptz NOT NULL,
	records bigint NOT NULL,
	source_id integer NOT NULL,
	retracted boolean NOT NULL DEFAULT false,
	identifiers bigint[] NOT NULL
) WITH (fillfactor = 90);
ALTER SEQUENCE cdp.identifier_set_id_seq OWNED BY cdp.identifier_set.set_id;
CREATE UNIQUE INDEX identifier_set_key_idx
	ON cdp.identifier_set (identifiers, source_id);
CREATE INDEX identifier_set_retracted_idx ON cdp.identifier_set (set_id) WHERE retracted;
COMMENT ON TABLE cdp.identifier_set IS
'the unit of evidence: identifiers that came in one record, once per distinct set and source';
COMMENT ON COLUMN cdp.identifier_set.identifiers IS 'ascending and distinct';
COMMENT ON COLUMN cdp.identifier_set.records IS
'how many records had it; brought up to date by the merge run, as are first_seen and last_seen';
COMMENT ON COLUMN cdp.identifier_set.retracted IS
'a steward took it back: it is no evidence of anything';
COMMENT ON COLUMN cdp.identifier_set.owner IS
'the identifier whose profile has the set''s events; NULL: none has';
COMMENT ON COLUMN cdp.identifier_set.epoch IS
'the epoch that placed its identifiers';

CREATE TABLE cdp.identifier_set_member (
	identifier_id bigint NOT NULL,
	set_id bigint NOT NULL,
	PRIMARY KEY (identifier_id, set_id)
);
COMMENT ON TABLE cdp.identifier_set_member IS
'the sets that an identifier is in';

-- Insert-only, so that records of one set never wait for each other.
CREATE TABLE cdp.identifier_set_seen (
	set_id bigint NOT NULL,
	first_seen timestamptz NOT NULL,
	last_seen timestamptz NOT NULL,
	records bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
COMMENT ON TABLE cdp.identifier_set_seen IS
'known sets seen again; the merge run adds it to identifier_set';

CREATE TABLE cdp.identifier_strong (
	weak_id bigint NOT NULL,
	strong_id bigint NOT NULL,
	PRIMARY KEY (weak_id, strong_id)
);
COMMENT ON TABLE cdp.identifier_strong IS
'derived: which strong identifiers a weak one was seen with; too many make it shared';

-- Profiles.
CREATE SEQUENCE cdp.profile_id_seq;
COMMENT ON SEQUENCE cdp.profile_id_seq IS 'profile ids; one is never given twice';
CREATE SEQUENCE cdp.profile_ord_seq AS integer;
COMMENT ON SEQUENCE cdp.profile_ord_seq IS 'profile.ord: dense numbers for bitmaps';
CREATE TABLE cdp.profile (
	profile_id bigint NOT NULL DEFAULT nextval('cdp.profile_id_seq') PRIMARY KEY,
	root bigint NOT NULL,
	founder bigint NOT NULL,
	former_founder bigint,
	split_epoch bigint NOT NULL DEFAULT 0,
	created_at timestamptz NOT NULL,
	rooted_at timestamptz NOT NULL,
	marks smallint NOT NULL DEFAULT 0,
	watched bigint[] NOT NULL DEFAULT '{}',
	ord integer NOT NULL DEFAULT nextval('cdp.profile_ord_seq') UNIQUE
) WITH (fillfactor = 90);
ALTER SEQUENCE cdp.profile_id_seq OWNED BY cdp.profile.profile_id;
ALTER SEQUENCE cdp.profile_ord_seq OWNED BY cdp.profile.ord;
CREATE INDEX profile_root_idx ON cdp.profile (root) WHERE root <> profile_id;
COMMENT ON TABLE cdp.profile IS
'every profile id ever given; it is live if it is its own root';
COMMENT ON COLUMN cdp.profile.root IS
'the live profile it is part of now; never more than one step away';
COMMENT ON COLUMN cdp.profile.founder IS
'the identifier that caused the id: where it goes, the id goes';
COMMENT ON COLUMN cdp.profile.former_founder IS
'whose heir the founder is: it caused the id and belongs to no profile now; where it comes back, the id goes back';
COMMENT ON COLUMN cdp.profile.split_epoch IS
'the epoch in which something last left it';
COMMENT ON COLUMN cdp.profile.rooted_at IS 'since when root is what it is';
COMMENT ON COLUMN cdp.profile.marks IS
'derived, of a live profile: 1 has an identifier that never joins known ones, 2 is known, 4 is part of a replayed component (sums of these)';
COMMENT ON COLUMN cdp.profile.watched IS
'derived, of a live profile: its identifiers that limits or decisions "never" count, ascending';
COMMENT ON COLUMN cdp.profile.ord IS
'dense and never reused: the profile''s place in bitmaps';

CREATE TABLE cdp.identity_log (
	log_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL,
	change text NOT NULL CHECK (change IN ('merge', 'split')),
	profile_before bigint,
	profile_after bigint,
	set_id bigint,
	decision_id bigint,
	action_id bigint,
	profiles bigint[] NOT NULL DEFAULT '{}',
	identifiers bigint[] NOT NULL DEFAULT '{}',
	leaves bigint[] NOT NULL DEFAULT '{}'
);
CREATE INDEX identity_log_before_idx ON cdp.identity_log (profile_before);
CREATE INDEX identity_log_after_idx ON cdp.identity_log (profile_after);
COMMENT ON TABLE cdp.identity_log IS
'append-only: every merge and split; what was profile_before became, wholly (merge) or in part (split), profile_after; where both are equal nothing moved, but identifiers were given another leaf';
COMMENT ON COLUMN cdp.identity_log.profile_before IS
'NULL: the identifiers had no profile (they were blocked, or without evidence)';
COMMENT ON COLUMN cdp.identity_log.profile_after IS
'NULL: the identifiers have no profile any more';
COMMENT ON COLUMN cdp.identity_log.set_id IS
'the evidence that joined them; NULL for a split';
COMMENT ON COLUMN cdp.identity_log.decision_id IS
'the decision that joined them, where no set did';
COMMENT ON COLUMN cdp.identity_log.action_id IS
'the steward''s action that caused it, if one did';
COMMENT ON COLUMN cdp.identity_log.profiles IS
'the ids that led to profile_before and now lead to profile_after';
COMMENT ON COLUMN cdp.identity_log.identifiers IS
'the identifiers that were given profile_after as their leaf';
COMMENT ON COLUMN cdp.identity_log.leaves IS
'the leaves that those identifiers had before, 0 for none, in their order';

CREATE VIEW cdp.profile_id_map AS
SELECT profile_id, root AS current_profile_id, rooted_at AS since
FROM cdp.profile;
COMMENT ON VIEW cdp.profile_id_map IS
'every profile id ever given and the live one that it leads to now: join old ids through it';

-- The profiles that each live one was merged from, itself among them.  In two
-- arms, for cdp.profile has an index on root only where it is another.
CREATE VIEW cdp._profile_leaf AS
SELECT profile_id AS root, profile_id AS leaf FROM cdp.profile WHERE root = profile_id
UNION ALL
SELECT root, profile_id FROM cdp.profile WHERE root <> profile_id;
COMMENT ON VIEW cdp._profile_leaf IS
'live profiles and the ones that they were merged from';

-- The same of one: inlined beside the profile that it is given, it is a probe of
-- that index, whatever the planner thinks of the store.
CREATE FUNCTION cdp._profile_leaves(profile_id bigint)
RETURNS TABLE (leaf bigint)
LANGUAGE sql STABLE ROWS 2
BEGIN ATOMIC
	SELECT $1 AS leaf
	UNION ALL
	SELECT merged.profile_id
	FROM cdp.profile AS merged
	WHERE merged.root = $1 AND merged.root <> merged.profile_id;
END;
COMMENT ON FUNCTION cdp._profile_leaves(bigint) IS
'this live profile and the ones merged into it';

-- Inlined as well: where a type has no time to live, nothing is looked up.
CREATE FUNCTION cdp._identifier_until(identifier_id bigint, time_to_live interval)
RETURNS TABLE (until timestamptz)
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
	SELECT cdp._kept_until(max(held.last_seen), $2)
	FROM cdp.identifier_set_member AS member
	JOIN cdp.identifier_set AS held ON held.set_id = member.set_id
	WHERE $2 IS NOT NULL AND member.identifier_id = $1 AND NOT held.retracted;
END;
COMMENT ON FUNCTION cdp._identifier_until(bigint, interval) IS
'from when on an identifier has expired, as it was last seen; NULL: never';

-- Doors.
-- In PL/pgSQL, which keeps the plan for the session: a function in SQL plans
-- again in every query, which is most of the cost of resolving one id.
CREATE FUNCTION cdp.resolve(profile_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT profile.root FROM cdp.profile WHERE profile.profile_id = $1);
END
$$;
COMMENT ON FUNCTION cdp.resolve(bigint) IS
'the live profile that a profile id leads to, whenever it was given; NULL if it never was';

CREATE FUNCTION cdp.find_profile(type text, value text, source text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._find_profile($1, $2, $3);
END
$$;
COMMENT ON FUNCTION cdp.find_profile(text, text, text) IS
'the live profile of an identifier as it was written (it is normalised first); source is for types whose values are a source''s own';

REVOKE ALL ON FUNCTION cdp.resolve(bigint), cdp.find_profile(text, text, text)
	FROM PUBLIC;
