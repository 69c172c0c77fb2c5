-- Where records come from.
CREATE TABLE cdp.source (
	source_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE,
	kind text NOT NULL DEFAULT 'first_party',
	priority integer NOT NULL DEFAULT 100,
	trust double precision NOT NULL DEFAULT 1,
	default_region text,
	retention interval,
	mapping jsonb,
	own_user_ids boolean NOT NULL DEFAULT false,
	dedupe_for interval,
	removed_before timestamptz,
	created_at timestamptz NOT NULL DEFAULT cdp.clock()
);
COMMENT ON TABLE cdp.source IS
'systems that records come from; made by cdp.add_source()';
COMMENT ON COLUMN cdp.source.priority IS
'where sources disagree, the one with the higher number counts';
COMMENT ON COLUMN cdp.source.own_user_ids IS
'user ids of this source are its own: number 123 here is nobody''s number 123 elsewhere';
COMMENT ON COLUMN cdp.source.dedupe_for IS
'how long message keys are remembered; NULL: for ever';
COMMENT ON COLUMN cdp.source.retention IS
'events and trait observations of this source that are older are not shown, removed by the merge run, and rejected when they come; NULL: kept for ever';
COMMENT ON COLUMN cdp.source.removed_before IS
'what is older has been removed; NULL: not looked at since the retention changed';
SELECT cdp._watch_table('cdp.source');
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON cdp.source
	FOR EACH ROW EXECUTE FUNCTION cdp._check_source();
CREATE TRIGGER check_unused BEFORE DELETE ON cdp.source
	FOR EACH ROW EXECUTE FUNCTION cdp._check_source_unused();
CREATE TRIGGER restart_retention BEFORE UPDATE OF retention ON cdp.source
	FOR EACH ROW WHEN (OLD.retention IS DISTINCT FROM NEW.retention)
	EXECUTE FUNCTION cdp._restart_retention();

-- A table, view or foreign table that is read in place by the merge run.
CREATE TABLE cdp.table_source (
	source_id integer PRIMARY KEY REFERENCES cdp.source ON DELETE CASCADE,
	relation text NOT NULL,
	key text NOT NULL,
	watermark text,
	overlap interval NOT NULL DEFAULT '1 hour',
	active boolean NOT NULL DEFAULT true,
	high_watermark timestamptz,
	position_watermark timestamptz,
	position_key text,
	position_run bigint,
	settled_key text,
	settling_key text,
	settling_xid xid8,
	done_run bigint,
	unread_rows bigint NOT NULL DEFAULT 0,
	error text
);
CREATE TRIGGER check_row
	BEFORE INSERT OR UPDATE OF relation, key, watermark ON cdp.table_source
	FOR EACH ROW EXECUTE FUNCTION cdp._check_table_source();
COMMENT ON TABLE cdp.table_source IS
'sources that are tables of this database; made by cdp.add_table_source()';
COMMENT ON COLUMN cdp.table_source.key IS
'column that tells rows apart; without a watermark it is a number or a time, and that of new rows must ascend';
COMMENT ON COLUMN cdp.table_source.watermark IS
'column that every change of a row renews; a row in which it is null is not read: name a view with coalesce(changed_at, created_at) instead';
COMMENT ON COLUMN cdp.table_source.high_watermark IS
'newest watermark read so far, infinite and future ones left out; the next run starts "overlap" before it';
COMMENT ON COLUMN cdp.table_source.position_key IS
'last row that the run under way has read; NULL with a watermark once it has read all';
COMMENT ON COLUMN cdp.table_source.position_run IS
'run under way when the position was noted; another one starts anew from the watermark';
COMMENT ON COLUMN cdp.table_source.settled_key IS
'without a watermark: no row up to this key can come any more, so the next run starts after it; NULL: at the beginning';
COMMENT ON COLUMN cdp.table_source.settling_key IS
'without a watermark: the last key that was read before settling_xid, of whose transactions one may bring a row with a lower key';
COMMENT ON COLUMN cdp.table_source.settling_xid IS
'NULL: all these transactions have ended';
COMMENT ON COLUMN cdp.table_source.done_run IS
'run that has read this source to its end, or found that it cannot be read';
COMMENT ON COLUMN cdp.table_source.unread_rows IS
'rows that the last run did not read because their watermark is null';
COMMENT ON COLUMN cdp.table_source.error IS
'why the last run could not read this source; NULL: it could';

-- What COPY brings.  Text, so that one bad line costs one reject and not the
-- whole COPY.
CREATE TABLE cdp.inbox (
	inbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	source text DEFAULT current_setting('cdp.source', true),
	record text,
	received_at timestamptz NOT NULL DEFAULT cdp.clock(),
	message_id text
) WITH (autovacuum_vacuum_scale_factor = 0.02,
	autovacuum_vacuum_threshold = 10000);
-- Statistics of whole records cost more than all else that ANALYZE does, and no
-- plan asks for them.
ALTER TABLE cdp.inbox ALTER record SET STATISTICS 0;
COMMENT ON TABLE cdp.inbox IS
'records as they came, until the merge run takes them; COPY into (source, record) or, after SET cdp.source, into (record)';
COMMENT ON COLUMN cdp.inbox.message_id IS
'message id of a record that has none of its own: that of a row of a table source which is tried again';

CREATE TABLE cdp.reject (
	reject_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	source text,
	reason text NOT NULL,
	message text NOT NULL,
	field text,
	record text,
	received_at timestamptz NOT NULL,
	rejected_at timestamptz NOT NULL DEFAULT cdp.clock(),
	message_id text
);
CREATE INDEX reject_rejected_at_idx ON cdp.reject (rejected_at);
-- Hashed: a key of somebody's table may be longer than a btree takes.
CREATE INDEX reject_message_id_idx ON cdp.reject USING hash (message_id)
	WHERE message_id IS NOT NULL;
COMMENT ON TABLE cdp.reject IS
'records that could not be used, whole and raw, with the reason; cdp.retry_rejects() tries them again';
COMMENT ON COLUMN cdp.reject.message_id IS
'key and watermark of a row of a table source, by which it is rejected once however often it is read; NULL: any other record';

CREATE TABLE cdp.ingest_warning (
	warning_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	source_id integer NOT NULL REFERENCES cdp.source ON DELETE CASCADE,
	reason text NOT NULL,
	field text NOT NULL,
	message text NOT NULL,
	records integer NOT NULL,
	example_value text,
	example_message_id text,
	warned_at timestamptz NOT NULL DEFAULT cdp.clock()
);
CREATE INDEX ingest_warning_warned_at_idx ON cdp.ingest_warning (warned_at);
COMMENT ON TABLE cdp.ingest_warning IS
'fields that could not be used in records that were stored: one row per call, source, reason and field';
COMMENT ON COLUMN cdp.ingest_warning.field IS
'where in the record, as the sender or the mapping calls it';
COMMENT ON COLUMN cdp.ingest_warning.example_value IS
'what stood there in one of the records, at most 100 bytes of it';
COMMENT ON COLUMN cdp.ingest_warning.example_message_id IS
'message id of that record; NULL: it had none';

-- Insert-only, so that concurrent calls never meet; the merge run folds old
-- rows into one per source and day.  Rejects that are tried again are rows with
-- negative numbers, and are counted anew.
CREATE TABLE cdp.ingest_tally (
	source text,
	counted_at timestamptz NOT NULL DEFAULT cdp.clock(),
	records bigint NOT NULL,
	stored bigint NOT NULL,
	duplicates bigint NOT NULL,
	rejected bigint NOT NULL,
	without_key bigint NOT NULL
);
COMMENT ON TABLE cdp.ingest_tally IS
'what became of records, per call and source; read it through the view cdp.ingest_count';

CREATE VIEW cdp.ingest_count AS
SELECT source, (counted_at AT TIME ZONE 'UTC')::date AS day,
	sum(records)::bigint AS records, sum(stored)::bigint AS stored,
	sum(duplicates)::bigint AS duplicates, sum(rejected)::bigint AS rejected,
	sum(without_key)::bigint AS without_key
FROM cdp.ingest_tally
GROUP BY 1, 2;
COMMENT ON VIEW cdp.ingest_count IS
'records by source and day (UTC): each is stored, a duplicate or rejected, and one that was tried again counts once; without_key were stored but a repeat of them cannot be told';

-- The message ledger: which messages were accepted.  Nothing exact is
-- smaller; expires_at is NULL (and then takes no room) unless the source has
-- dedupe_for.
CREATE TABLE cdp.message (
	source_id integer NOT NULL,
	key uuid NOT NULL,
	expires_at timestamptz,
	PRIMARY KEY (source_id, key)
);
CREATE INDEX message_expires_at_idx ON cdp.message (expires_at)
	WHERE expires_at IS NOT NULL;
COMMENT ON TABLE cdp.message IS
'keys of messages that were accepted; a repeated one is counted, not stored';

-- The event log: append-only, by month of event time.  Months are made by the
-- merge run (cdp._make_event_month()); until then rows go to event_other.
CREATE SEQUENCE cdp.event_id_seq;
COMMENT ON SEQUENCE cdp.event_id_seq IS 'numbers of events';

CREATE TABLE cdp.event (
	event_id bigint NOT NULL DEFAULT nextval('cdp.event_id_seq'),
	source_id integer NOT NULL,
	message_id text,
	name text COLLATE "C" NOT NULL,
	occurred_at timestamptz(3) NOT NULL,
	received_at timestamptz(3) NOT NULL,
	set_id bigint NOT NULL,
	amount numeric(19,4),
	currency text,
	properties jsonb,
	PRIMARY KEY (event_id, occurred_at)
) PARTITION BY RANGE (occurred_at);
ALTER SEQUENCE cdp.event_id_seq OWNED BY cdp.event.event_id;
CREATE INDEX event_name_idx ON cdp.event (name, occurred_at)
	INCLUDE (set_id, amount);
-- amounts that wait for an exchange rate: money.c
CREATE INDEX event_waiting_idx ON cdp.event (currency, occurred_at)
	WHERE amount IS NULL AND currency IS NOT NULL AND properties ? 'cdp_amount';
ALTER TABLE cdp.event ALTER properties SET STATISTICS 0;
CREATE TABLE cdp.event_other PARTITION OF cdp.event DEFAULT;
ALTER TABLE cdp.event_other ALTER properties SET STATISTICS 0;
COMMENT ON TABLE cdp.event IS
'the event log, partitioned by month of occurred_at (UTC)';
COMMENT ON COLUMN cdp.event.set_id IS
'the identifiers that came with it (cdp.identifier_set); whose event it is follows from them; 0: of somebody who was erased';
COMMENT ON COLUMN cdp.event.amount IS
'in the store''s currency; NULL if there was none, or no exchange rate for it: then the property cdp_amount keeps it for cdp.convert_amounts()';
COMMENT ON COLUMN cdp.event.currency IS
'currency in which the sender gave the amount; NULL: the store''s';
COMMENT ON TABLE cdp.event_other IS
'events of months that have no partition yet';

CREATE TABLE cdp.event_type (
	name text COLLATE "C" PRIMARY KEY,
	business_key text,
	aliases text[] NOT NULL DEFAULT '{}',
	description text NOT NULL DEFAULT '',
	reserved boolean NOT NULL DEFAULT false
);
CREATE INDEX event_type_aliases_idx ON cdp.event_type USING gin (aliases);
COMMENT ON TABLE cdp.event_type IS
'names of events that one can rely on; any other name is welcome too';
COMMENT ON COLUMN cdp.event_type.business_key IS
'property by which two events are one, whatever their sources';
COMMENT ON COLUMN cdp.event_type.aliases IS
'other names, in snake_case, that are stored under this one';
COMMENT ON COLUMN cdp.event_type.reserved IS
'built in: its name stays';

INSERT INTO cdp.event_type (name, business_key, aliases, description) VALUES
	('order', 'order_id', '{order_completed,order_placed,purchase}', 'a purchase'),
	('return', 'return_id', '{order_refunded,refund}', 'goods given back; its amount lessens revenue'),
	('contract_start', NULL, '{subscription_started,subscription_created}', 'a contract or subscription begun'),
	('renewal', 'renewal_id', '{subscription_renewed}', 'a contract or subscription renewed'),
	('cancellation', NULL, '{subscription_cancelled,subscription_canceled}', 'a contract or subscription cancelled: it will not renew'),
	('cart_add', NULL, '{product_added,wishlist_product_added_to_cart}', 'a product put into the cart'),
	('cart_remove', NULL, '{product_removed}', 'a product taken out of the cart'),
	('checkout', NULL, '{checkout_started}', 'checkout begun'),
	('product_view', NULL, '{product_viewed}', 'a product looked at'),
	('page_view', NULL, '{page_viewed}', 'a page looked at'),
	('screen_view', NULL, '{screen_viewed}', 'a screen of an app looked at'),
	('search', NULL, '{products_searched}', 'a search'),
	('email_sent', NULL, '{email_delivered}', 'an e-mail sent'),
	('email_open', NULL, '{email_opened}', 'an e-mail opened'),
	('email_click', NULL, '{email_clicked,email_link_clicked}', 'a link in an e-mail followed'),
	('campaign_response', NULL, '{promotion_clicked}', 'an answer to a campaign'),
	('survey', NULL, '{survey_completed}', 'a survey answered'),
	('review', NULL, '{product_reviewed}', 'a product reviewed'),
	('ticket', 'ticket_id', '{ticket_created}', 'a support case opened'),
	('call', NULL, '{}', 'a telephone call'),
	('chat', NULL, '{live_chat_conversation_started}', 'a chat'),
	('deal_stage', NULL, '{}', 'a deal has reached a stage'),
	('sign_up', NULL, '{signed_up,account_created}', 'an account opened'),
	('sign_in', NULL, '{signed_in}', 'a sign-in');
UPDATE cdp.event_type SET reserved = true;

CREATE FUNCTION cdp._keep_event_type() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION 'cannot rename or delete event type "%"', OLD.name
		USING ERRCODE = 'object_in_use',
			DETAIL = 'It is built in.',
			HINT = 'Change its aliases, business_key or description, or add an event type of your own.';
END
$$;
COMMENT ON FUNCTION cdp._keep_event_type() IS
'trigger: event types that are built in keep their rows and names';
CREATE TRIGGER keep_reserved BEFORE DELETE ON cdp.event_type
	FOR EACH ROW WHEN (OLD.reserved)
	EXECUTE FUNCTION cdp._keep_event_type();
CREATE TRIGGER keep_reserved_name BEFORE UPDATE OF name, reserved ON cdp.event_type
	FOR EACH ROW WHEN (OLD.reserved
		AND (OLD.name <> NEW.name OR NOT NEW.reserved))
	EXECUTE FUNCTION cdp._keep_event_type();

CREATE TABLE cdp.exchange_rate (
	currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
	valid_from timestamptz NOT NULL,
	rate numeric NOT NULL CHECK (rate > 0 AND rate < 1e9),
	PRIMARY KEY (currency, valid_from)
);
COMMENT ON TABLE cdp.exchange_rate IS
'what one unit of a currency is worth in the store''s currency, from an instant on';

CREATE TABLE cdp.catalog (
	product_id text NOT NULL,
	name text,
	category text,
	price numeric(19,4) CHECK (price >= 0 AND price < 'NaN'),
	currency text,
	stock integer CHECK (stock >= 0),
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	properties jsonb NOT NULL DEFAULT '{}',
	PRIMARY KEY (product_id, valid_from),
	CHECK (valid_to > valid_from)
);
COMMENT ON TABLE cdp.catalog IS
'products, each with as many rows as it changed; cdp.event_product joins them with events';
COMMENT ON COLUMN cdp.catalog.valid_from IS
'instant from which the row holds; of rows that overlap the one with the later valid_from counts';
COMMENT ON COLUMN cdp.catalog.valid_to IS
'instant at which it ends to hold; NULL: until the next row';

INSERT INTO cdp.setting (name, value, description, kind) VALUES
	('max_record_size', '1048576', 'bytes of one record; a longer one is rejected (at most 16777216)', 'integer'),
	('future_tolerance', '1 day', 'an event may be dated this far in the future; beyond it is rejected', 'interval'),
	('clock_skew_tolerance', '1 minute', 'sender clocks that are off by more are corrected by sentAt', 'interval'),
	('partition_rows', '10000', 'events of one month that make a partition worth it', 'integer');

-- Doors: what a role without rights on the tables may do.

-- A record by a call: in the caller's transaction, merged before it returns.
CREATE FUNCTION cdp.ingest(source text, record jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	done record;
	profile_id bigint;
BEGIN
	IF ingest.source IS NULL OR ingest.record IS NULL THEN
		RAISE EXCEPTION 'source and record of cdp.ingest() must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF NOT cdp._store_is_current() THEN
		PERFORM cdp._queue_records(ingest.source, ARRAY[ingest.record], NULL);
		RETURN NULL;
	END IF;
	PERFORM cdp._hash_key();
	SELECT * INTO done
	FROM cdp._ingest_records(ingest.source, ARRAY[ingest.record::text], NULL);
	IF done.outcomes[1] = 'rejected' THEN
		RAISE WARNING 'record rejected: %', done.reasons[1]
			USING DETAIL = CASE done.reasons[1]
					-- what the server says may hold values, and this is logged
					WHEN 'internal_error' THEN 'The row of cdp.reject has the error.'
					ELSE done.messages[1] END,
				HINT = CASE done.reasons[1]
					WHEN 'erased' THEN 'cdp.readmit_identifier() lets somebody who comes back of their own will in again.'
					ELSE format('The record is kept as row %s of cdp.reject.', done.reject_ids[1]) END;
		RETURN NULL;
	END IF;
	IF done.outcomes[1] = 'stored' THEN
		PERFORM cdp._settle(done.set_ids, done.new_sets, done.event_ids,
			done.since, done.until);
	END IF;
	profile_id := cdp._record_profile(done.set_ids[1], done.owners[1]);
	IF done.outcomes[1] = 'stored' AND profile_id IS NULL THEN
		RAISE WARNING 'record was stored without a profile'
			USING DETAIL = 'No identifier of it may stand for a person: each is blocked, only describes, or has no evidence that is not retracted.',
				HINT = 'See cdp.blocked_value, cdp.identifier_type and cdp.steward_action.';
	END IF;
	RETURN profile_id;
END
$$;
REVOKE ALL ON FUNCTION cdp.ingest(text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION cdp.ingest(text, jsonb) IS
'take one record into the store; returns its profile id, or NULL with a warning if it was rejected or none of its identifiers may stand for a person, with a notice if it waits for cdp.migrate()';

-- Many records by a call: an array, or an envelope of the SDKs,
-- {"batch": [...], "sentAt": ...}.
CREATE FUNCTION cdp.ingest_batch(source text, records jsonb)
RETURNS TABLE (record integer, outcome text, profile_id bigint, reject_id bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	done record;
	list jsonb := ingest_batch.records;
BEGIN
	IF ingest_batch.source IS NULL OR ingest_batch.records IS NULL THEN
		RAISE EXCEPTION 'source and records of cdp.ingest_batch() must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF jsonb_typeof(list) = 'object' THEN
		list := list -> 'batch';
	END IF;
	IF jsonb_typeof(list) IS DISTINCT FROM 'array' THEN
		RAISE EXCEPTION 'records of cdp.ingest_batch() must be an array'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'Or an object that has it as "batch".';
	END IF;
	IF NOT cdp._store_is_current() THEN
		PERFORM cdp._queue_records(ingest_batch.source,
			ARRAY(SELECT jsonb_array_elements(list)),
			CASE WHEN jsonb_typeof(ingest_batch.records) = 'object'
				THEN ingest_batch.records -> 'sentAt' END);
		RETURN QUERY
		SELECT place, 'queued', NULL::bigint, NULL::bigint
		FROM generate_series(1, jsonb_array_length(list)) AS place;
		RETURN;
	END IF;
	PERFORM cdp._hash_key();
	SELECT * INTO done
	FROM cdp._ingest_records(ingest_batch.source,
		ARRAY(SELECT element::text FROM jsonb_array_elements(list) AS element),
		CASE WHEN jsonb_typeof(ingest_batch.records) = 'object'
			THEN ingest_batch.records ->> 'sentAt' END);
	PERFORM cdp._settle(
		ARRAY(SELECT DISTINCT written.set_id
			FROM unnest(done.outcomes, done.set_ids) AS written (outcome, set_id)
			WHERE written.outcome = 'stored'),
		done.new_sets, done.event_ids, done.since, done.until);
	RETURN QUERY
	SELECT position::integer, result.outcome,
		cdp._record_profile(result.set_id, result.owner), result.reject_id
	FROM unnest(done.outcomes, done.set_ids, done.owners, done.reject_ids)
		WITH ORDINALITY AS result (outcome, set_id, owner, reject_id, position);
END
$$;
REVOKE ALL ON FUNCTION cdp.ingest_batch(text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION cdp.ingest_batch(text, jsonb) IS
'take an array of records, or an SDK''s batch envelope, into the store; one row per record: stored, duplicate, rejected, or queued until cdp.migrate() has run';
