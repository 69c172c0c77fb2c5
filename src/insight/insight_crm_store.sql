-- What a CRM works with: rules, the next action of each customer, and the
-- outbox that it reads.  The view cdp.crm_contact stands on all rooms and is
-- made under the roof.

CREATE TABLE cdp.ticket_status (
	status text COLLATE "C" PRIMARY KEY CHECK (status = lower(status)),
	is_open boolean NOT NULL
);
COMMENT ON TABLE cdp.ticket_status IS
'which statuses of tickets are open; one that is not here is';
INSERT INTO cdp.ticket_status (status, is_open) VALUES
	('new', true), ('open', true), ('pending', true), ('on_hold', true),
	('solved', false), ('resolved', false), ('closed', false), ('cancelled', false);

CREATE TABLE cdp.interaction_type (
	event text COLLATE "C" PRIMARY KEY,
	channel text NOT NULL,
	direction text NOT NULL CHECK (direction IN ('in', 'out'))
);
COMMENT ON TABLE cdp.interaction_type IS
'events that are dealings with a customer, for cdp.interaction_history()';
COMMENT ON COLUMN cdp.interaction_type.direction IS
'in: the customer did it; out: it was done to the customer';
INSERT INTO cdp.interaction_type (event, channel, direction) VALUES
	('order', 'shop', 'in'), ('return', 'shop', 'in'), ('renewal', 'shop', 'in'),
	('email_sent', 'email', 'out'), ('email_open', 'email', 'in'), ('email_click', 'email', 'in'),
	('sms_sent', 'sms', 'out'), ('letter_sent', 'post', 'out'),
	('campaign_response', 'campaign', 'in'), ('survey', 'survey', 'in'), ('review', 'web', 'in'),
	('ticket', 'support', 'in'), ('call', 'phone', 'in'), ('chat', 'chat', 'in'),
	('note', 'note', 'out'), ('deal_stage', 'sales', 'out'), ('sign_up', 'web', 'in');

CREATE TABLE cdp.next_action_rule (
	position integer PRIMARY KEY,
	predicate cdp.predicate NOT NULL,
	action text NOT NULL CHECK (action <> ''),
	description text,
	error text
);
COMMENT ON TABLE cdp.next_action_rule IS
'the next best action of a customer is that of the first rule, by position, whose predicate is true';
COMMENT ON COLUMN cdp.next_action_rule.error IS
'why the last merge run passed over the rule; NULL: it did not';

CREATE TABLE cdp.profile_action (
	profile_id bigint PRIMARY KEY,
	position integer NOT NULL
);
COMMENT ON TABLE cdp.profile_action IS
'derived: the rule that gives each customer the next action, as of the last merge run';

-- The outbox.  See outbox.sql.
CREATE TABLE cdp.crm_feed (
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	active boolean NOT NULL DEFAULT false,
	last_change_no bigint NOT NULL DEFAULT 0,
	since_log_id bigint NOT NULL DEFAULT 0,
	checked_at timestamptz,
	acted_at timestamptz,
	run_id bigint,
	learnt_at timestamptz
);
INSERT INTO cdp.crm_feed DEFAULT VALUES;
COMMENT ON TABLE cdp.crm_feed IS
'one row: whether cdp.crm_outbox is written, and how far; change it with cdp.feed_crm()';
COMMENT ON COLUMN cdp.crm_feed.since_log_id IS
'the last row of cdp.identity_log when it began';
COMMENT ON COLUMN cdp.crm_feed.checked_at IS
'when all customers were last compared with what was told of them; NULL: the next merge run does';
COMMENT ON COLUMN cdp.crm_feed.acted_at IS
'the refresh of segments after which next actions were last made; NULL: the next merge run makes them';
COMMENT ON COLUMN cdp.crm_feed.run_id IS
'the run of that refresh';
COMMENT ON COLUMN cdp.crm_feed.learnt_at IS
'when the probabilities of cdp.pipeline_stage were last learnt';

CREATE TABLE cdp.crm_outbox (
	change_no bigint PRIMARY KEY,
	change text NOT NULL CHECK (change IN
		('created', 'updated', 'merged', 'split', 'removed', 'erased')),
	profile_id bigint NOT NULL,
	previous_profile_ids bigint[] NOT NULL DEFAULT '{}',
	crm_ids text[] NOT NULL DEFAULT '{}',
	contact jsonb,
	changed_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX crm_outbox_profile_idx ON cdp.crm_outbox (profile_id)
	WHERE contact IS NOT NULL;
COMMENT ON TABLE cdp.crm_outbox IS
'what changed for a CRM, numbered in the order of commit: read WHERE change_no > the last one seen, ORDER BY change_no';
COMMENT ON COLUMN cdp.crm_outbox.change IS
'created, updated, merged (previous_profile_ids are this profile now), split (it was part of previous_profile_ids), removed (no customer any more), erased';
COMMENT ON COLUMN cdp.crm_outbox.contact IS
'columns of cdp.crm_contact that are not the CRM''s own; NULL: there is none any more, or a later row tells';

CREATE TABLE cdp.crm_field (
	field text COLLATE "C" PRIMARY KEY,
	owned_by text NOT NULL DEFAULT 'cdp' CHECK (owned_by IN ('cdp', 'crm'))
);
COMMENT ON TABLE cdp.crm_field IS
'columns of cdp.crm_contact, and who keeps them: those of the CRM are never told to it';

INSERT INTO cdp.setting (name, value, description, kind) VALUES
	('crm_every', '1 day', 'a merge run compares all customers with what cdp.crm_outbox told of them when that was longer ago than this: what time alone changes is told then', 'interval');

CREATE TRIGGER check_rule BEFORE INSERT OR UPDATE OF predicate ON cdp.next_action_rule
	FOR EACH ROW EXECUTE FUNCTION cdp._check_action_rule();
CREATE TRIGGER note_rule AFTER INSERT OR DELETE OR UPDATE OF position, predicate, action
	ON cdp.next_action_rule
	FOR EACH STATEMENT EXECUTE FUNCTION cdp._note_crm_rules();
CREATE TRIGGER note_field AFTER INSERT OR DELETE OR UPDATE ON cdp.crm_field
	FOR EACH STATEMENT EXECUTE FUNCTION cdp._note_crm_rules();
CREATE TRIGGER note_status AFTER INSERT OR DELETE OR UPDATE ON cdp.ticket_status
	FOR EACH STATEMENT EXECUTE FUNCTION cdp._note_crm_rules();

-- Disabled until cdp.feed_crm().
SELECT cdp._make_crm_triggers();

-- Doors.
CREATE FUNCTION cdp.interaction_history(
	profile_id bigint,
	"limit" integer DEFAULT 50,
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (
	occurred_at timestamptz,
	event text,
	channel text,
	direction text,
	subject text,
	amount numeric,
	source text,
	properties jsonb)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._interaction_history($1, $2, coalesce($3, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.interaction_history(bigint, integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.interaction_history(bigint, integer, timestamptz) IS
'the newest dealings with a customer, newest first: events of cdp.interaction_type, with all their properties';

CREATE FUNCTION cdp.next_action(profile_id bigint, as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE ("position" integer, action text, description text)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._next_action($1, coalesce($2, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.next_action(bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.next_action(bigint, timestamptz) IS
'the next best action of a profile at this instant: that of the first row of cdp.next_action_rule that is true';

CREATE FUNCTION cdp.feed_crm(active boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._feed_crm($1);
END
$$;
REVOKE ALL ON FUNCTION cdp.feed_crm(boolean) FROM PUBLIC;
COMMENT ON FUNCTION cdp.feed_crm(boolean) IS
'from the next merge run on write cdp.crm_outbox, which then tells all customers; false: stop and empty it';
