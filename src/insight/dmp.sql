-- What a DMP asks: categories, who browsed them, how far audiences reach.

CREATE FUNCTION cdp._check_taxonomy() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	above text := NEW.parent;
BEGIN
	-- Two that move categories at one time could make a circle.
	PERFORM cdp._lock_merger();
	WHILE above IS NOT NULL LOOP
		IF above = NEW.category THEN
			RAISE EXCEPTION 'category "%" would be below itself', NEW.category
				USING ERRCODE = 'invalid_parameter_value',
					DETAIL = 'Categories are a tree.';
		END IF;
		above := (SELECT parent FROM cdp.taxonomy WHERE category = above);
	END LOOP;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_taxonomy() IS
'trigger: cdp.taxonomy is a tree';

CREATE FUNCTION cdp._check_category(category text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cdp.taxonomy WHERE taxonomy.category = $1) THEN
		RAISE EXCEPTION 'unknown category "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A category is a row of cdp.taxonomy.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_category(text) IS 'raise unless it is a category';

-- The catalogue says a category as events do.
CREATE FUNCTION cdp._classify(kind text, value text) RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found text;
BEGIN
	IF $1 IS NULL OR $1 NOT IN ('event', 'product', 'audience') THEN
		RAISE EXCEPTION 'unknown kind "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is event, product or audience.';
	END IF;
	found := (SELECT item.category FROM cdp.taxonomy_item AS item
		WHERE (item.kind, item.value) = ($1, $2));
	IF found IS NULL AND $1 = 'product' THEN
		RETURN cdp._classify('event', (
			SELECT catalog.category FROM cdp.catalog
			WHERE catalog.product_id = $2 AND catalog.valid_from <= cdp.clock()
				AND (catalog.valid_to > cdp.clock() OR catalog.valid_to IS NULL)
			ORDER BY catalog.valid_from DESC
			LIMIT 1));
	END IF;
	IF found IS NULL AND $1 = 'event' THEN
		found := (SELECT category FROM cdp.taxonomy WHERE category = $2);
	END IF;
	RETURN (SELECT array_agg(path.ancestor ORDER BY path.distance DESC)
		FROM cdp.taxonomy_path AS path WHERE path.category = found);
END
$$;
COMMENT ON FUNCTION cdp._classify(text, text) IS
'the categories of an event, product or audience, from the root down';

-- A product counts where its events do not say a category themselves.  What third
-- parties send is kept apart: it is no browsing that anybody here has seen.
CREATE FUNCTION cdp._browsing(
	category text,
	days integer,
	purpose text,
	channel text,
	as_of timestamptz)
RETURNS TABLE (profile_id bigint, kind text, views bigint, last_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	since timestamptz;
	below text[] := ARRAY(SELECT path.category FROM cdp.taxonomy_path AS path WHERE path.ancestor = $1);
	names text[] := ARRAY(
		SELECT item.value::text FROM cdp.taxonomy_item AS item
		WHERE item.kind = 'event' AND item.category = ANY (below)
		UNION
		SELECT name FROM unnest(below) AS name
		WHERE NOT EXISTS (SELECT FROM cdp.taxonomy_item AS item
			WHERE item.kind = 'event' AND item.value = name AND item.category <> ALL (below)));
	products text[] := ARRAY(
		SELECT DISTINCT product_id FROM cdp.catalog
		WHERE cdp._classify('product', product_id) @> ARRAY[$1]
		UNION
		SELECT item.value::text FROM cdp.taxonomy_item AS item
		WHERE item.kind = 'product' AND item.category = ANY (below));
	name_ids integer[] := ARRAY(SELECT name_id FROM cdp.event_name
		WHERE name IN ('page_view', 'screen_view', 'product_view'));
	partners integer[] := ARRAY(SELECT source_id FROM cdp.source WHERE kind = 'third_party');
	category_slot text := (SELECT slot FROM cdp.property_slot WHERE property = 'category');
	product_slot text := (SELECT slot FROM cdp.property_slot WHERE property = 'product_id');
BEGIN
	PERFORM cdp._check_category($1);
	PERFORM cdp._check_purpose($3);
	PERFORM cdp._check_channel($4);
	IF NOT coalesce($2 BETWEEN 1 AND 3660, false) THEN
		RAISE EXCEPTION 'invalid number of days %', coalesce($2::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is from 1 to 3660.';
	END IF;
	since := $5 - make_interval(hours => 24 * $2);
	RETURN QUERY
	SELECT current.profile_id, current.kind::text, count(*), max(event.occurred_at)
	FROM cdp.consent_state AS held
	JOIN cdp.profile_current AS current ON current.profile_id = held.profile_id
	JOIN cdp.timeline_chunk AS chunk ON chunk.profile_id = held.profile_id
		AND cdp.timeline_last(chunk.data) >= since
	CROSS JOIN LATERAL cdp.timeline_events(chunk.data, name_ids) AS event
	WHERE event.source_id <> ALL (partners) AND held.purpose = $3 AND held.channel = $4 AND held.state = 'granted'
		AND (held.expires_at IS NULL OR held.expires_at > cdp.clock())
		AND NOT EXISTS (
			SELECT FROM cdp._suppressed AS stopped
			WHERE stopped.profile_id = held.profile_id AND stopped.channels ? $4)
		AND cdp._verifies_key((SELECT key FROM cdp.secret_key),
			(SELECT check_value FROM cdp.secret_key))
		AND event.occurred_at >= since AND event.occurred_at < $5
		AND CASE WHEN event.properties ->> category_slot <> ''
			THEN event.properties ->> category_slot = ANY (names)
			ELSE event.properties ->> product_slot = ANY (products) END
	GROUP BY current.profile_id, current.kind;
END
$$;
COMMENT ON FUNCTION cdp._browsing(text, integer, text, text, timestamptz) IS
'who has looked at a category within so many days, of those who have granted the purpose and are not suppressed';

CREATE FUNCTION cdp._check_audiences(audiences text[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing text;
BEGIN
	IF coalesce(cardinality($1), 0) = 0 THEN
		RAISE EXCEPTION 'audiences must not be empty'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT coalesce(asked.name, 'NULL') INTO missing
	FROM unnest($1) AS asked (name)
	WHERE NOT EXISTS (SELECT FROM cdp.audience WHERE audience.name = asked.name)
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'audience "%" does not exist', missing
			USING ERRCODE = 'undefined_object',
				DETAIL = 'Audiences are rows of cdp.audience.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_audiences(text[]) IS
'raise unless all of these are audiences';

CREATE FUNCTION cdp._audience_reach(audiences text[])
RETURNS TABLE (
	audience text,
	destination text,
	channel text,
	people bigint,
	addressable bigint,
	identifiers bigint,
	overlap bigint,
	contacts_7d double precision,
	contacts_30d double precision)
LANGUAGE plpgsql STABLE ROWS 5
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	now timestamptz := cdp.clock();
BEGIN
	PERFORM cdp._check_audiences($1);
	RETURN QUERY
	WITH asked AS MATERIALIZED (
		SELECT audience.* FROM cdp.audience WHERE audience.name = ANY ($1)
	), member AS MATERIALIZED (
		SELECT released.audience, released.channel, released.profile_id,
			count(*) AS identifiers,
			count(*) OVER (PARTITION BY released.profile_id) AS audiences
		FROM cdp.audience_member AS released
		WHERE released.audience = ANY ($1)
		GROUP BY released.audience, released.channel, released.profile_id
	), contacted AS MATERIALIZED (
		SELECT person.channel, person.profile_id,
			count(*) FILTER (WHERE event.occurred_at >= now - interval '168 hours') AS in_7,
			count(*) AS in_30
		FROM (SELECT DISTINCT channel, profile_id FROM member) AS person
		JOIN cdp.timeline_chunk AS chunk ON chunk.profile_id = person.profile_id
			AND cdp.timeline_last(chunk.data) >= now - interval '720 hours'
		CROSS JOIN LATERAL cdp.timeline_events(chunk.data, ARRAY(
			SELECT event_name.name_id
			FROM cdp.interaction_type AS type
			JOIN cdp.event_name ON event_name.name = type.event
			WHERE type.channel = person.channel AND type.direction = 'out')) AS event
		WHERE event.occurred_at >= now - interval '720 hours' AND event.occurred_at < now
		GROUP BY person.channel, person.profile_id
	), each AS (
		SELECT asked.name::text AS audience, asked.destination::text AS destination,
			asked.channel::text AS channel, held.people,
			count(member.profile_id) AS addressable,
			coalesce(sum(member.identifiers), 0)::bigint AS identifiers,
			count(*) FILTER (WHERE member.audiences > 1) AS overlap,
			sum(coalesce(contacted.in_7, 0)) / nullif(count(member.profile_id), 0)::double precision AS in_7,
			sum(coalesce(contacted.in_30, 0)) / nullif(count(member.profile_id), 0)::double precision AS in_30
		FROM asked
		CROSS JOIN LATERAL (
			SELECT count(*) AS people FROM cdp._member AS inside
			WHERE inside.segment_id = asked.segment_id
		) AS held
		LEFT JOIN member ON member.audience = asked.name
		LEFT JOIN contacted ON contacted.profile_id = member.profile_id
			AND contacted.channel = member.channel
		GROUP BY asked.name, asked.destination, asked.channel, held.people
	)
	(SELECT * FROM each ORDER BY each.audience)
	UNION ALL
	SELECT NULL, NULL, NULL,
		(SELECT count(DISTINCT inside.profile_id) FROM cdp._member AS inside
			JOIN asked ON asked.segment_id = inside.segment_id),
		count(*), sum(person.identifiers)::bigint,
		count(*) FILTER (WHERE person.audiences > 1),
		avg(person.in_7)::double precision, avg(person.in_30)::double precision
	FROM (
		SELECT member.profile_id, max(member.audiences) AS audiences,
			sum(member.identifiers) AS identifiers,
			coalesce(max(every.in_7), 0) AS in_7, coalesce(max(every.in_30), 0) AS in_30
		FROM member
		LEFT JOIN (
			SELECT contacted.profile_id, sum(contacted.in_7) AS in_7, sum(contacted.in_30) AS in_30
			FROM contacted
			GROUP BY contacted.profile_id
		) AS every ON every.profile_id = member.profile_id
		GROUP BY member.profile_id
	) AS person;
END
$$;
COMMENT ON FUNCTION cdp._audience_reach(text[]) IS
'how far these audiences reach, each and together';
