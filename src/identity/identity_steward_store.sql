-- What stewards did and decided.  Nothing is ever deleted from either table.
CREATE TABLE cdp.steward_action (
	action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT cdp.clock(),
	actor text NOT NULL DEFAULT cdp._actor(),
	action text NOT NULL CHECK (action IN ('always', 'never', 'undecide',
		'unmerge', 'retract', 'unretract', 'undo', 'block', 'unblock',
		'change_rules')),
	reason text,
	detail jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE cdp.steward_action IS
'append-only: what was done to identities by hand: by whom, when, why';
COMMENT ON COLUMN cdp.steward_action.detail IS
'what it was done to: ids of identifiers, sets, decisions, profiles; never values';
COMMENT ON COLUMN cdp.steward_action.actor IS
'who was connected, whatever role they had set';

CREATE TABLE cdp.decision (
	decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	verdict text NOT NULL CHECK (verdict IN ('always', 'never')),
	identifier_a bigint NOT NULL,
	identifier_b bigint NOT NULL,
	action_id bigint NOT NULL REFERENCES cdp.steward_action,
	withdrawn_by bigint REFERENCES cdp.steward_action,
	set_id bigint,
	CHECK (identifier_a < identifier_b)
);
CREATE UNIQUE INDEX decision_pair_idx ON cdp.decision (identifier_a, identifier_b)
	WHERE withdrawn_by IS NULL;
CREATE INDEX decision_b_idx ON cdp.decision (identifier_b)
	WHERE withdrawn_by IS NULL;
CREATE INDEX decision_withdrawn_idx ON cdp.decision (identifier_a, identifier_b)
	WHERE withdrawn_by IS NOT NULL;
COMMENT ON TABLE cdp.decision IS
'evidence given by stewards, or by a source about its own numbers: two identifiers are always, or never, the same profile';
COMMENT ON COLUMN cdp.decision.action_id IS 'the action that made it';
COMMENT ON COLUMN cdp.decision.withdrawn_by IS
'the action that took it back; NULL: it holds';
COMMENT ON COLUMN cdp.decision.set_id IS
'the record in which a source said so; NULL: a steward did';

-- Derived: links that canonical replay refused.
CREATE TABLE cdp.refused_link (
	identifier_a bigint NOT NULL,
	identifier_b bigint NOT NULL,
	set_id bigint NOT NULL,
	rule text NOT NULL CHECK (rule IN ('never', 'max_per_profile', 'joins_known')),
	type_id integer,
	found_at timestamptz NOT NULL,
	PRIMARY KEY (identifier_a, identifier_b)
);
CREATE INDEX refused_link_b_idx ON cdp.refused_link (identifier_b);
COMMENT ON TABLE cdp.refused_link IS
'derived: links of two identifiers that a rule refused; read it as cdp.conflict';
COMMENT ON COLUMN cdp.refused_link.set_id IS
'the earliest of the sets that say so';
COMMENT ON COLUMN cdp.refused_link.type_id IS
'max_per_profile: the type that would have been exceeded; joins_known: the type that may not join';

-- Doors.
CREATE FUNCTION cdp.decide(a text, b text, verdict text, reason text)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._decide_identifiers($1, $2, $3, $4)
$$;
COMMENT ON FUNCTION cdp.decide(text, text, text, text) IS
'from now on two identifiers (type:value, or type:source/value) are always, or never, one profile; returns the number of the decision; rows, timelines and segments follow with the next merge run';

CREATE FUNCTION cdp.decide(a bigint, b bigint, verdict text, reason text)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._decide_profiles($1, $2, $3, $4)
$$;
COMMENT ON FUNCTION cdp.decide(bigint, bigint, text, text) IS
'from now on two profiles, by any ids they ever had, are always, or never, one: a decision about the strongest identifier of each';

CREATE FUNCTION cdp.undecide(a text, b text, reason text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._undecide_identifiers($1, $2, $3)
$$;
COMMENT ON FUNCTION cdp.undecide(text, text, text) IS
'take back the decision about two identifiers: profiles are as if it had never been made; returns the number of the action';

CREATE FUNCTION cdp.undecide(decision_id bigint, reason text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._undecide($1, $2)
$$;
COMMENT ON FUNCTION cdp.undecide(bigint, text) IS
'take back a decision, by its number in cdp.decision';

CREATE FUNCTION cdp.unmerge(profile_id bigint, identifiers text[], reason text)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._unmerge($1, $2, $3)
$$;
COMMENT ON FUNCTION cdp.unmerge(bigint, text[], text) IS
'these identifiers leave a profile and are one profile together, the rest stays one: by decisions, so it lasts; returns the id of the profile that they have now; rows, timelines and segments follow with the next merge run';

CREATE FUNCTION cdp.retract(set_id bigint, reason text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._retract($1, true, $2)
$$;
COMMENT ON FUNCTION cdp.retract(bigint, text) IS
'an identifier set is no evidence any more, also if it comes again, and what it decided as an alias is withdrawn: profiles are as if it had never come, what was agreed to on its records does not count, and its events stay with the strongest identifier in it that other evidence knows; returns the number of the action; rows, timelines and segments follow with the next merge run';

CREATE FUNCTION cdp.unretract(set_id bigint, reason text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._retract($1, false, $2)
$$;
COMMENT ON FUNCTION cdp.unretract(bigint, text) IS
'a retracted identifier set is evidence again; returns the number of the action';

CREATE FUNCTION cdp.undo_action(action_id bigint, reason text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._undo_action($1, $2)
$$;
COMMENT ON FUNCTION cdp.undo_action(bigint, text) IS
'reverse a decision, unmerge, retraction or undo as a whole, by its number in cdp.steward_action: profiles are as if it had not been done; returns the number of the new action';

REVOKE ALL ON FUNCTION cdp.decide(text, text, text, text),
	cdp.decide(bigint, bigint, text, text), cdp.undecide(text, text, text),
	cdp.undecide(bigint, text), cdp.unmerge(bigint, text[], text),
	cdp.retract(bigint, text), cdp.unretract(bigint, text),
	cdp.undo_action(bigint, text) FROM PUBLIC;
