-- The dictionary of event names: timelines hold the number.
CREATE TABLE cdp.event_name (
	name_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE
);
COMMENT ON TABLE cdp.event_name IS
'every event name that was ever seen, numbered';
SELECT cdp._watch_table('cdp.event_name');

INSERT INTO cdp.event_name (name)
SELECT name FROM cdp.event_type
ORDER BY name NOT IN ('order', 'return'), name;

-- Which properties of which events ride along in timelines.  A property has
-- one slot, whatever the event, so that "any event with category x" is one
-- question.
CREATE TABLE cdp.property_slot (
	slot integer PRIMARY KEY CHECK (slot BETWEEN 1 AND 255),
	property text COLLATE "C" NOT NULL UNIQUE,
	UNIQUE (property, slot)
);
COMMENT ON TABLE cdp.property_slot IS
'the number under which timelines hold a property';
SELECT cdp._watch_table('cdp.property_slot');

CREATE TABLE cdp.event_property (
	event text COLLATE "C" NOT NULL,
	property text COLLATE "C" NOT NULL,
	slot integer NOT NULL,
	kind text NOT NULL DEFAULT 'text'
		CHECK (kind IN ('text', 'number', 'boolean', 'json')),
	ready boolean NOT NULL DEFAULT false,
	reserved boolean NOT NULL DEFAULT false,
	PRIMARY KEY (event, property),
	FOREIGN KEY (property, slot) REFERENCES cdp.property_slot (property, slot)
);
COMMENT ON TABLE cdp.event_property IS
'properties that timelines hold, so that segments over them are fast; change it with cdp.declare_property() and cdp.undeclare_property()';
COMMENT ON COLUMN cdp.event_property.event IS 'name of the event; * is any event';
COMMENT ON COLUMN cdp.event_property.ready IS
'all timelines hold it: until then predicates find it in the event log';
COMMENT ON COLUMN cdp.event_property.kind IS
'what values are expected to be; others are kept as they are';
COMMENT ON COLUMN cdp.event_property.reserved IS
'answers read it, so timelines always hold it';
SELECT cdp._watch_table('cdp.event_property');

-- What answers ask of any event is which products it is about: those of its list,
-- each with category and quantity at the same place of theirs, or the one that
-- its own properties tell (cdp._product_items()).

WITH declared (event, property, kind) AS (
	VALUES
		('order', 'order_id', 'text'),
		('return', 'return_id', 'text'),
		('return', 'order_id', 'text'),
		('renewal', 'renewal_id', 'text'),
		('*', 'product_id', 'text'),
		('*', 'category', 'text'),
		('*', 'quantity', 'number'),
		('cart_add', 'cart_id', 'text'),
		('cart_remove', 'cart_id', 'text'),
		('checkout', 'cart_id', 'text'),
		('order', 'cart_id', 'text'),
		('order', 'channel', 'text'),
		('*', 'campaign', 'text'),
		('search', 'query', 'text'),
		('survey', 'score', 'number'),
		('review', 'rating', 'number'),
		('ticket', 'ticket_id', 'text'),
		('ticket', 'status', 'text'),
		('deal_stage', 'deal_id', 'text'),
		('deal_stage', 'stage', 'text'),
		('*', 'products.product_id', 'json'),
		('*', 'products.category', 'json'),
		('*', 'products.quantity', 'json')
), slotted AS (
	INSERT INTO cdp.property_slot (slot, property)
	SELECT row_number() OVER (ORDER BY min(place)), property
	FROM (SELECT property, row_number() OVER () AS place FROM declared) AS placed
	GROUP BY property
	RETURNING slot, property
)
INSERT INTO cdp.event_property (event, property, slot, kind, ready, reserved)
SELECT declared.event, declared.property, slotted.slot, declared.kind, true,
	declared.property ~ '^(products\.)?(product_id|category|quantity)$'
FROM declared
JOIN slotted ON slotted.property = declared.property;

-- Two events are told to be one from their timelines, so these have to hold
-- the property that says so.
CREATE FUNCTION cdp._check_business_key() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (
		SELECT FROM cdp.event_property
		WHERE event_property.event IN (NEW.name, '*')
			AND event_property.property = NEW.business_key)
	THEN
		RAISE EXCEPTION 'property "%" of event "%" is not declared', NEW.business_key, NEW.name
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'Timelines hold declared properties, and a business key is looked for there.',
				HINT = format('SELECT cdp.declare_property(%L, %L) first.', NEW.name, NEW.business_key);
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER check_business_key
	BEFORE INSERT OR UPDATE OF name, business_key ON cdp.event_type
	FOR EACH ROW WHEN (NEW.business_key IS NOT NULL)
	EXECUTE FUNCTION cdp._check_business_key();

-- The timelines.  A chunk is about 1.5 kB and stays in its row; the room left
-- in a page lets the last chunk of a profile grow in place.
CREATE TABLE cdp.timeline_chunk (
	profile_id bigint NOT NULL,
	chunk integer NOT NULL,
	data cdp.timeline NOT NULL,
	PRIMARY KEY (profile_id, chunk)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.1);
ALTER TABLE cdp.timeline_chunk ALTER COLUMN data SET STORAGE MAIN;
COMMENT ON TABLE cdp.timeline_chunk IS
'derived: the events of each live profile, packed, in chunks numbered from 1';

-- Whose the events of a set are.
CREATE VIEW cdp._set_profile AS
SELECT identifier_set.set_id, profile.root AS profile_id
FROM cdp.identifier_set
JOIN cdp.identifier ON identifier.identifier_id = identifier_set.owner
JOIN cdp.profile ON profile.profile_id = identifier.leaf;
COMMENT ON VIEW cdp._set_profile IS
'the live profile to which the events of an identifier set belong; sets that belong to nobody are left out';

-- The properties that an event's timeline entry carries, as parallel arrays.
CREATE VIEW cdp._event_slots AS
SELECT event_name.name_id, event_name.name,
	declared.properties, declared.slots
FROM cdp.event_name
CROSS JOIN LATERAL (
	SELECT array_agg(event_property.property::text ORDER BY event_property.slot)
			AS properties,
		array_agg(event_property.slot ORDER BY event_property.slot) AS slots
	FROM (
		SELECT DISTINCT property, slot
		FROM cdp.event_property
		WHERE event_property.event IN (event_name.name, '*')
	) AS event_property
) AS declared;
COMMENT ON VIEW cdp._event_slots IS
'event names with their numbers and the names and slots of their declared properties';

-- From where on a profile's chunks change when events are added whose first
-- is at first_at, and what they become.  A chunk that begins before first_at
-- is the first that can change: the chunks before it are full.
CREATE FUNCTION cdp._timeline_splice(
	profile_id bigint,
	added cdp.timeline[],
	first_at timestamptz)
RETURNS TABLE (chunk integer, data cdp.timeline)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT (start.chunk + spliced.place - 1)::integer, spliced.data
	FROM (
		SELECT coalesce((
			SELECT earlier.chunk
			FROM cdp.timeline_chunk AS earlier
			WHERE earlier.profile_id = _timeline_splice.profile_id
				AND cdp.timeline_first(earlier.data) < first_at
			ORDER BY earlier.chunk DESC
			LIMIT 1), 1) AS chunk
	) AS start,
	LATERAL unnest(cdp._timeline_chunks(ARRAY(
			SELECT later.data
			FROM cdp.timeline_chunk AS later
			WHERE later.profile_id = _timeline_splice.profile_id
				AND later.chunk >= start.chunk
			ORDER BY later.chunk) || added))
		WITH ORDINALITY AS spliced (data, place);
END;
COMMENT ON FUNCTION cdp._timeline_splice(bigint, cdp.timeline[], timestamptz) IS
'what the chunks of a profile become when events are added, from the first that changes on';

-- The events with these ids.  Ids of one batch are mostly a run of numbers,
-- which is one range of each partition's key.
CREATE FUNCTION cdp._timeline_find_events(
	event_ids bigint[],
	since timestamptz,
	until timestamptz)
RETURNS cdp.event[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
DECLARE
	low bigint;
	high bigint;
	found cdp.event[];
BEGIN
	SELECT min(id), max(id) INTO low, high FROM unnest($1) AS id;
	IF high - low < 4 * cardinality($1) THEN
		WITH run AS MATERIALIZED (
			SELECT event.event_id, event
			FROM cdp.event
			WHERE event.event_id BETWEEN low AND high
				AND event.occurred_at BETWEEN $2 AND $3
		)
		SELECT array_agg(run.event) INTO found
		FROM run
		JOIN (SELECT DISTINCT unnest($1) AS event_id) AS wanted USING (event_id);
	ELSE
		SELECT array_agg(event) INTO found
		FROM cdp.event
		WHERE event.event_id = ANY ($1)
			AND event.occurred_at BETWEEN $2 AND $3;
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION cdp._timeline_find_events(bigint[], timestamptz, timestamptz) IS
'the events of the log with these ids; times bound the partitions to look in';

-- When no timeline waits to be made anew, all hold what is declared.
CREATE FUNCTION cdp._timeline_note_ready() RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE cdp.event_property SET ready = true
	WHERE NOT ready AND NOT EXISTS (
		SELECT FROM cdp.todo
		WHERE todo.phase IN ('rebuild_timeline', 'rescan_timeline'))
$$;
COMMENT ON FUNCTION cdp._timeline_note_ready() IS
'if no timeline waits to be made anew, note that all hold the declared properties';

-- The lock waits for transactions that have packed events with the properties
-- as they were, so that their timelines are among those made anew.
CREATE FUNCTION cdp.declare_property(event text, property text, kind text DEFAULT 'text')
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_slot integer;
BEGIN
	PERFORM cdp._check_store();
	IF num_nulls($1, $2, $3) > 0 THEN
		RAISE EXCEPTION 'an event, a property and a kind are needed'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF $3 NOT IN ('text', 'number', 'boolean', 'json') THEN
		RAISE EXCEPTION 'unknown kind of property "%"', $3
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It is one of text, number, boolean, json.';
	END IF;
	IF $1 NOT IN ('*', coalesce(cdp.normalise_event_name($1), '')) THEN
		RAISE EXCEPTION 'no event can have the name "%"', $1
			USING ERRCODE = 'invalid_name',
				DETAIL = 'Names of events are kept in snake_case.',
				HINT = format('Declare it of %s.', coalesce(quote_literal(cdp.normalise_event_name($1)), 'another event'));
	END IF;
	LOCK TABLE cdp.event_property IN ACCESS EXCLUSIVE MODE;
	IF EXISTS (SELECT FROM cdp.event_property AS held
		WHERE held.event = $1 AND held.property = $2 AND held.reserved)
	THEN
		RETURN;
	END IF;
	SELECT slot INTO new_slot FROM cdp.property_slot
	WHERE property_slot.property = $2;
	IF new_slot IS NULL THEN
		SELECT min(free) INTO new_slot
		FROM generate_series(1, 255) AS free
		WHERE NOT EXISTS (SELECT FROM cdp.property_slot WHERE slot = free);
		IF new_slot IS NULL THEN
			RAISE EXCEPTION 'there are 255 declared properties already'
				USING ERRCODE = 'program_limit_exceeded',
					HINT = 'Free one with cdp.undeclare_property().';
		END IF;
		INSERT INTO cdp.property_slot (slot, property) VALUES (new_slot, $2);
	END IF;
	INSERT INTO cdp.event_property (event, property, slot, kind)
	VALUES ($1, $2, new_slot, $3)
	ON CONFLICT ON CONSTRAINT event_property_pkey DO UPDATE
	SET kind = excluded.kind;
	PERFORM cdp._timeline_queue_event($1);
	PERFORM cdp._timeline_note_ready();
END
$$;
COMMENT ON FUNCTION cdp.declare_property(text, text, text) IS
'let timelines hold a property of an event (* is any event), from its first event on; segments over it become fast after the next merge run';

CREATE FUNCTION cdp.undeclare_property(event text, property text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	LOCK TABLE cdp.event_property IN ACCESS EXCLUSIVE MODE;
	IF EXISTS (SELECT FROM cdp.event_property AS held
		WHERE held.event = $1 AND held.property = $2 AND held.reserved)
	THEN
		RAISE EXCEPTION 'property "%" is reserved', $2
			USING ERRCODE = 'object_in_use',
				DETAIL = 'Answers about products read it.',
				HINT = 'Reserved properties are those of cdp.event_property where reserved.';
	END IF;
	DELETE FROM cdp.event_property
	WHERE event_property.event = $1 AND event_property.property = $2;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'property "%" of event "%" is not declared', $2, $1
			USING ERRCODE = 'undefined_object',
				HINT = 'Declared properties are rows of cdp.event_property.';
	END IF;
	IF EXISTS (
		SELECT FROM cdp.event_type
		WHERE $1 IN (event_type.name, '*') AND event_type.business_key = $2
			AND NOT EXISTS (
				SELECT FROM cdp.event_property
				WHERE event_property.event IN (event_type.name, '*')
					AND event_property.property = $2))
	THEN
		RAISE EXCEPTION 'property "%" of event "%" is a business key', $2, $1
			USING ERRCODE = 'object_in_use',
				HINT = 'Change cdp.event_type.business_key first.';
	END IF;
	DELETE FROM cdp.property_slot
	WHERE property_slot.property = $2 AND NOT EXISTS (
		SELECT FROM cdp.event_property
		WHERE event_property.property = $2);
	PERFORM cdp._timeline_queue_event($1);
END
$$;
COMMENT ON FUNCTION cdp.undeclare_property(text, text) IS
'let timelines no longer hold a property of an event';

REVOKE ALL ON FUNCTION cdp.declare_property(text, text, text),
	cdp.undeclare_property(text, text) FROM PUBLIC;
