-- What one profile did, from its timeline.

CREATE FUNCTION cdp._person_asked(profile_id bigint) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._unrestricted(cdp._profile_to_change($1))
$$;
COMMENT ON FUNCTION cdp._person_asked(bigint) IS
'the live profile behind an id that an answer is about; raises if there is none, or if it is restricted';

CREATE FUNCTION cdp._slot_of(property text) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT slot FROM cdp.property_slot WHERE property_slot.property = $1);
END
$$;
COMMENT ON FUNCTION cdp._slot_of(text) IS
'the key under which properties of a timeline''s events have a property; NULL: timelines do not hold it';

-- What is asked of timelines by functions in C: walk.h says what it means.
CREATE TYPE cdp._question AS (
	name_ids integer[],
	key_slots integer[],
	source_ids integer[],
	priorities integer[],
	slots integer[],
	more_slot integer,
	by_products boolean);
COMMENT ON TYPE cdp._question IS
'which events of timelines are asked for, and where they say what';

CREATE FUNCTION cdp._question_of(
	names text[],
	property text DEFAULT NULL,
	by_products boolean DEFAULT false)
RETURNS cdp._question
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	question cdp._question;
BEGIN
	SELECT coalesce(array_agg(known.name_id ORDER BY known.name_id), '{}'),
		coalesce(array_agg(coalesce(held.slot, 0) ORDER BY known.name_id), '{}')
	INTO question.name_ids, question.key_slots
	FROM cdp.event_name AS known
	LEFT JOIN cdp.event_type AS type ON type.name = known.name
		AND type.name IN ('order', 'return')
	LEFT JOIN cdp.property_slot AS held ON held.property = type.business_key
	WHERE known.name = ANY ($1);
	SELECT coalesce(array_agg(source.source_id ORDER BY source.source_id), '{}'),
		coalesce(array_agg(source.priority ORDER BY source.source_id), '{}')
	INTO question.source_ids, question.priorities
	FROM cdp.source;
	question.slots := ARRAY(
		SELECT coalesce(held.slot, 0)
		FROM unnest('{product_id,category,quantity,products.product_id,products.category,products.quantity}'::text[])
			WITH ORDINALITY AS wanted (property, place)
		LEFT JOIN cdp.property_slot AS held ON held.property = wanted.property
		ORDER BY wanted.place);
	question.more_slot := coalesce(cdp._slot_of($2)::integer, 0);
	question.by_products := $3;
	RETURN question;
END
$$;
COMMENT ON FUNCTION cdp._question_of(text[], text, boolean) IS
'the question for events of these names, and for a property of theirs besides; by_products: of the reports of one event, one that tells products counts before those that tell none';

CREATE FUNCTION cdp._timeline_told(
	timelines cdp.timeline[],
	question cdp._question,
	since timestamptz,
	until timestamptz)
RETURNS TABLE (
	name_id integer,
	source_id integer,
	occurred_at timestamptz,
	amount numeric,
	business_key text,
	said text)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'cdp__timeline_told';
COMMENT ON FUNCTION cdp._timeline_told(cdp.timeline[], cdp._question, timestamptz, timestamptz) IS
'the events of a profile''s timelines, in order, that a question asks for, from since on and before until, each order and return once';

CREATE FUNCTION cdp._timeline_products(
	timelines cdp.timeline[],
	question cdp._question,
	since timestamptz,
	until timestamptz)
RETURNS TABLE (
	name_id integer,
	source_id integer,
	occurred_at timestamptz,
	event integer,
	"position" integer,
	product_id text,
	category text,
	quantity jsonb)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'cdp__timeline_products';
COMMENT ON FUNCTION cdp._timeline_products(cdp.timeline[], cdp._question, timestamptz, timestamptz) IS
'the products, or at least the category, of those events; event numbers these';

-- A report of an order from before since may be the one that counts.
CREATE FUNCTION cdp._own_chunks(profile_id bigint, names text[], since timestamptz)
RETURNS cdp.timeline[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
	ends_from timestamptz := CASE WHEN $2 && '{order,return}' THEN '-infinity' ELSE $3 END;
BEGIN
	RETURN ARRAY(
		SELECT chunk.data
		FROM cdp.timeline_chunk AS chunk
		WHERE chunk.profile_id = $1 AND cdp.timeline_last(chunk.data) >= ends_from
		ORDER BY chunk.chunk);
END
$$;
COMMENT ON FUNCTION cdp._own_chunks(bigint, text[], timestamptz) IS
'the chunks of a live profile that tell of events of these names from since on';

CREATE FUNCTION cdp._own_events(
	profile_id bigint,
	until timestamptz,
	names text[],
	since timestamptz DEFAULT '-infinity',
	property text DEFAULT NULL,
	by_products boolean DEFAULT false)
RETURNS TABLE (
	name text,
	source_id integer,
	occurred_at timestamptz,
	amount numeric,
	business_key text,
	said text)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT known.name::text, event.source_id, event.occurred_at, event.amount,
		event.business_key, event.said
	FROM cdp._timeline_told(cdp._own_chunks($1, $3, $4), cdp._question_of($3, $5, $6),
		$4, $2) AS event
	JOIN cdp.event_name AS known USING (name_id);
END
$$;
COMMENT ON FUNCTION cdp._own_events(bigint, timestamptz, text[], timestamptz, text, boolean) IS
'the events of a live profile of these names from since on and before until, each order and return once, with what they say of a property';

-- The products of those events, which are what cdp._product_items() says.
CREATE FUNCTION cdp._own_products(
	profile_id bigint,
	until timestamptz,
	names text[],
	since timestamptz DEFAULT '-infinity')
RETURNS TABLE (
	name text,
	occurred_at timestamptz,
	product_id text,
	category text,
	quantity numeric)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT known.name::text, product.occurred_at, product.product_id, product.category,
		CASE WHEN product.quantity IS NOT NULL THEN
			(cdp._typed_trait(product.quantity, 'number') #>> '{}')::numeric END
	FROM cdp._timeline_products(cdp._own_chunks($1, $3, $4),
		cdp._question_of($3, by_products => true),
		$4, $2) AS product
	JOIN cdp.event_name AS known USING (name_id);
END
$$;
COMMENT ON FUNCTION cdp._own_products(bigint, timestamptz, text[], timestamptz) IS
'the products, or at least the category, of the events of a live profile from since on and before until; each order once';

-- What the catalogue does not know is as the last order told it, or else the last
-- event.  The log is asked by name and time; of an instant that thousands share,
-- as orders imported by day do, only the profile's own events are opened.
CREATE FUNCTION cdp._told_products(
	profile_id bigint,
	product_ids text[],
	names text[],
	until timestamptz)
RETURNS TABLE (product_id text, name text, category text, price numeric)
LANGUAGE plpgsql STABLE ROWS 5
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	set_ids bigint[];
BEGIN
	IF coalesce($2, '{}') = '{}' THEN
		RETURN;
	END IF;
	set_ids := ARRAY(SELECT set_id FROM cdp._profile_sets($1));
	RETURN QUERY
	WITH last AS MATERIALIZED (
		SELECT DISTINCT ON (own.product_id) own.product_id, own.name, own.occurred_at
		FROM cdp._own_products($1, $4, $3) AS own
		WHERE own.product_id = ANY ($2)
		ORDER BY own.product_id, own.name = 'order' DESC, own.occurred_at DESC
	), told AS MATERIALIZED (
		SELECT logged.name, logged.occurred_at, logged.currency, item.product_id, item.product
		FROM (SELECT DISTINCT last.name, last.occurred_at FROM last) AS happened
		CROSS JOIN LATERAL (
			SELECT event.*
			FROM cdp.event
			WHERE event.name = happened.name AND event.occurred_at = happened.occurred_at
				AND event.set_id = ANY (set_ids)
			OFFSET 0
		) AS logged
		JOIN cdp.source USING (source_id)
		CROSS JOIN LATERAL cdp._product_items(logged.properties) AS item
		WHERE coalesce(logged.occurred_at > cdp._kept_after(source.retention), true)
	)
	SELECT last.product_id, max(nullif(told.product ->> 'name', '')),
		max(nullif(told.product ->> 'category', '')),
		max(cdp._own_price((cdp._typed_trait(told.product -> 'price', 'number') #>> '{}')::numeric,
			told.currency::text, told.occurred_at))
	FROM last
	JOIN told ON told.product_id = last.product_id AND told.name = last.name
		AND told.occurred_at = last.occurred_at
	GROUP BY last.product_id;
END
$$;
COMMENT ON FUNCTION cdp._told_products(bigint, text[], text[], timestamptz) IS
'names, categories and prices (in the store''s currency) of products as the last order of a live profile before until, or its last event of these names, told them';

CREATE FUNCTION cdp._all_products(
	names text[],
	until timestamptz,
	since timestamptz DEFAULT '-infinity')
RETURNS TABLE (
	profile_id bigint,
	occurred_at timestamptz,
	event integer,
	product_id text,
	category text,
	quantity jsonb)
LANGUAGE plpgsql STABLE ROWS 1000000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	question cdp._question := cdp._question_of($1, by_products => true);
BEGIN
	RETURN QUERY
	SELECT told.profile_id, (told.product).occurred_at, (told.product).event,
		(told.product).product_id, (told.product).category, (told.product).quantity
	FROM (
		SELECT own.profile_id,
			cdp._timeline_products(own.chunks, question, $3, $2) AS product
		FROM cdp._all_chunks() AS own
	) AS told;
END
$$;
COMMENT ON FUNCTION cdp._all_products(text[], timestamptz, timestamptz) IS
'the products, or at least the category, of the events of all profiles from since on and before until, each order once';

CREATE FUNCTION cdp._check_count(n integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IS NULL OR $1 < 1 THEN
		RAISE EXCEPTION 'invalid number of rows %', coalesce($1::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is at least 1.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_count(integer) IS
'raise unless so many rows can be asked for';
