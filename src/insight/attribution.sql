-- What did the campaign do?
--
-- A visit is what a profile did without a pause of more than half an hour.  A
-- touch is a campaign in a visit, at its first event there: an event has one by
-- its property campaign, its name if it is an object.  What was merely sent to a
-- person (cdp.channel_rule) is no touch and no visit.  A visit with a page or
-- screen, and without a campaign, is a direct touch.
--
-- A conversion is an event of a name, an order once.  Its touches are those at
-- most "window" before it, its own included.  They share its credit, which is 1:
--
--		first, last			the first, the last one
--		last_non_direct		the last one that is not direct, if there is any
--		linear				all the same
--		position			first and last 0.4 each, the others 0.2 together;
--							of two 0.5 each
--		time_decay			weight 2 ^ (-age / 7 days), then to the sum of 1
--
-- A conversion without touches credits nobody, in a row of its own.  So credits
-- add up to conversions, and revenue to theirs, by every model.
--
-- Only profiles with such a conversion are decoded: their timelines tell by
-- their heads whether they have one.

CREATE FUNCTION cdp._campaign_name(campaign jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(btrim(CASE jsonb_typeof(campaign)
	WHEN 'object' THEN coalesce(campaign ->> 'name', campaign ->> 'source')
	WHEN 'string' THEN campaign #>> '{}'
	WHEN 'number' THEN campaign #>> '{}' END), '');
COMMENT ON FUNCTION cdp._campaign_name(jsonb) IS
'the campaign of an event: its name, or else its source; NULL: none';

CREATE FUNCTION cdp._check_attribution(conversion text, "window" interval, model text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cdp.event_name WHERE event_name.name = $1) THEN
		RAISE EXCEPTION 'there is no event "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'undefined_object',
				HINT = 'Events are rows of cdp.event_name.';
	END IF;
	IF $2 IS NULL OR NOT isfinite($2) OR $2 <= '0' THEN
		RAISE EXCEPTION 'invalid window "%"', coalesce($2::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is longer than 0, such as 30 days.';
	END IF;
	IF $3 <> ALL (cdp._attribution_models()) THEN
		RAISE EXCEPTION 'unknown model of attribution "%"', $3
			USING ERRCODE = 'invalid_parameter_value',
				HINT = format('It is one of %s, or NULL for all of them.',
					array_to_string(cdp._attribution_models(), ', '));
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_attribution(text, interval, text) IS
'raise unless this can be attributed so';

CREATE FUNCTION cdp._attribution_models() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['first', 'last', 'last_non_direct', 'linear', 'position', 'time_decay'];

-- All that converting profiles did, each visit numbered.
CREATE FUNCTION cdp._converting_events(conversion text, until timestamptz)
RETURNS TABLE (
	profile_id bigint,
	name text,
	occurred_at timestamptz,
	amount numeric,
	source_id integer,
	business_key text,
	campaign text,
	visit bigint)
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	conversion_id integer := (SELECT name_id FROM cdp.event_name WHERE event_name.name = $1);
	key_slot text := (
		SELECT cdp._slot_of(type.business_key) FROM cdp.event_type AS type WHERE type.name = $1);
	campaign_slot text := cdp._slot_of('campaign');
BEGIN
	RETURN QUERY
	SELECT begun.profile_id, begun.name, begun.occurred_at, begun.amount,
		begun.source_id, begun.business_key, begun.campaign,
		count(*) FILTER (WHERE begun.begins) OVER (
			PARTITION BY begun.profile_id ORDER BY begun.occurred_at)
	FROM (
		SELECT chunk.profile_id, known.name::text AS name, event.occurred_at,
			event.amount, event.source_id,
			nullif(event.properties ->> key_slot, '') AS business_key,
			cdp._campaign_name(event.properties -> campaign_slot) AS campaign,
			coalesce(event.occurred_at - lag(event.occurred_at) OVER (
				PARTITION BY chunk.profile_id ORDER BY event.occurred_at)
				> interval '30 minutes', true) AS begins
		FROM cdp.timeline_chunk AS chunk
		CROSS JOIN LATERAL cdp.timeline_events(chunk.data) AS event
		JOIN cdp.event_name AS known USING (name_id)
		WHERE event.occurred_at < $2
			AND chunk.profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept)
			AND chunk.profile_id IN (
				SELECT holder.profile_id
				FROM cdp.timeline_chunk AS holder
				WHERE cdp.timeline_may_contain(holder.data, conversion_id))
			AND NOT EXISTS (
				SELECT
				FROM cdp.channel_rule AS rule
				WHERE rule.event = known.name AND rule.role = 'sent')
	) AS begun;
END
$$;
COMMENT ON FUNCTION cdp._converting_events(text, timestamptz) IS
'the events before an instant of profiles that have one of that name and are not restricted, with their campaign and the number of their visit';

-- Every conversion from since on with each of its touches, or with none.  The
-- touches of a conversion are numbered from the first on.
CREATE FUNCTION cdp._touches(
	conversion text,
	"window" interval,
	since timestamptz,
	until timestamptz)
RETURNS TABLE (
	conversion_no bigint,
	occurred_at timestamptz,
	amount numeric,
	kind text,
	campaign text,
	touched_at timestamptz,
	place bigint,
	touches bigint)
LANGUAGE sql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH happened AS MATERIALIZED (
		SELECT * FROM cdp._converting_events($1, $4)
	), touch AS MATERIALIZED (
		SELECT profile_id, 'campaign' AS kind, campaign, min(occurred_at) AS touched_at
		FROM happened
		WHERE campaign IS NOT NULL
		GROUP BY profile_id, visit, campaign
		UNION ALL
		SELECT profile_id, 'direct', NULL, min(occurred_at)
		FROM happened
		GROUP BY profile_id, visit
		HAVING count(campaign) = 0
			AND count(*) FILTER (WHERE name IN ('page_view', 'screen_view')) > 0
	), told AS (
		SELECT happened.profile_id, happened.occurred_at, happened.amount, row_number() OVER (
			PARTITION BY happened.profile_id, happened.business_key,
				CASE WHEN happened.business_key IS NULL THEN happened.place END
			ORDER BY source.priority DESC NULLS LAST, happened.occurred_at,
				happened.source_id, happened.amount) AS rank
		FROM (SELECT happened.*, row_number() OVER () AS place FROM happened
			WHERE happened.name = $1) AS happened
		LEFT JOIN cdp.source USING (source_id)
	), converted AS MATERIALIZED (
		SELECT row_number() OVER () AS conversion_no, profile_id, occurred_at, amount
		FROM told
		WHERE rank = 1 AND occurred_at >= $3
	)
	SELECT converted.conversion_no, converted.occurred_at, converted.amount,
		coalesce(touch.kind, 'none'), touch.campaign, touch.touched_at,
		row_number() OVER (PARTITION BY converted.conversion_no
			ORDER BY touch.touched_at, touch.kind, touch.campaign COLLATE "C"),
		count(touch.touched_at) OVER (PARTITION BY converted.conversion_no)
	FROM converted
	LEFT JOIN touch ON touch.profile_id = converted.profile_id
		AND touch.touched_at <= converted.occurred_at
		AND touch.touched_at >= converted.occurred_at - $2
$$;
COMMENT ON FUNCTION cdp._touches(text, interval, timestamptz, timestamptz) IS
'conversions with each of their touches, numbered; a conversion without touches has one row of kind none';

-- What a touch weighs; last_campaign is the place of the last one that is not
-- direct.
CREATE FUNCTION cdp._touch_weight(
	model text,
	place bigint,
	touches bigint,
	last_campaign bigint,
	age interval)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN touches <= 1 THEN 1
	WHEN model = 'first' THEN (place = 1)::integer
	WHEN model = 'last' THEN (place = touches)::integer
	WHEN model = 'last_non_direct' THEN (place = coalesce(last_campaign, touches))::integer
	WHEN model = 'linear' THEN 1
	WHEN model = 'position' AND touches = 2 THEN 0.5
	WHEN model = 'position' AND place IN (1, touches) THEN 0.4
	WHEN model = 'position' THEN 0.2 / (touches - 2)
	ELSE power(2::double precision, greatest(
		-extract(epoch FROM age)::double precision / 604800, -1000)) END;
COMMENT ON FUNCTION cdp._touch_weight(text, bigint, bigint, bigint, interval) IS
'what a touch of a conversion weighs beside its other touches';

CREATE FUNCTION cdp._attribution(
	conversion text,
	"window" interval,
	model text,
	since timestamptz,
	until timestamptz)
RETURNS TABLE (
	model_name text,
	kind text,
	campaign text,
	touches bigint,
	conversions double precision,
	revenue double precision,
	cost numeric,
	cost_per_conversion double precision,
	return_on_cost double precision)
LANGUAGE plpgsql STABLE ROWS 50
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	zone text := cdp._read_setting('time_zone');
BEGIN
	PERFORM cdp._check_attribution($1, $2, $3);
	RETURN QUERY
	WITH met AS MATERIALIZED (
		SELECT touch.*, max(touch.place) FILTER (WHERE touch.kind = 'campaign') OVER (
			PARTITION BY touch.conversion_no) AS last_campaign
		FROM cdp._touches($1, $2, $4, $5) AS touch
	), weighed AS (
		SELECT asked.name, asked.position, met.conversion_no, met.kind, met.campaign, met.amount,
			met.touches, cdp._touch_weight(asked.name, met.place, met.touches,
				met.last_campaign, met.occurred_at - met.touched_at) AS weight
		FROM met
		CROSS JOIN unnest(cdp._attribution_models()) WITH ORDINALITY AS asked (name, position)
		WHERE $3 IS NULL OR asked.name = $3
	), credited AS (
		SELECT weighed.*, weighed.weight / sum(weighed.weight) OVER (
			PARTITION BY weighed.name, weighed.conversion_no) AS credit
		FROM weighed
	), summed AS (
		SELECT credited.name, credited.position, credited.kind, credited.campaign,
			count(*) FILTER (WHERE credited.touches > 0) AS touches,
			sum(credited.credit) AS conversions,
			coalesce(sum(credited.credit * credited.amount::double precision), 0) AS revenue
		FROM credited
		GROUP BY credited.name, credited.position, credited.kind, credited.campaign
	), spent AS (
		SELECT paid.campaign, sum(paid.cost) AS cost
		FROM cdp.campaign AS paid
		WHERE paid.spent_on >= ($4 AT TIME ZONE zone)::date
			AND paid.spent_on <= ($5 AT TIME ZONE zone)::date
		GROUP BY paid.campaign
	), asked AS (
		SELECT asked.name, asked.position
		FROM unnest(cdp._attribution_models()) WITH ORDINALITY AS asked (name, position)
		WHERE $3 IS NULL OR asked.name = $3
	), listed AS (
		SELECT summed.name, summed.position, summed.kind, summed.campaign, summed.touches,
			summed.conversions, summed.revenue
		FROM summed
		UNION ALL
		SELECT asked.name, asked.position, 'campaign', spent.campaign, 0, 0, 0
		FROM asked
		CROSS JOIN spent
		WHERE NOT EXISTS (
			SELECT FROM summed
			WHERE summed.name = asked.name AND summed.campaign = spent.campaign)
	)
	SELECT listed.name::text, listed.kind, listed.campaign::text, listed.touches,
		listed.conversions, listed.revenue, spent.cost,
		spent.cost::double precision / nullif(listed.conversions, 0),
		listed.revenue / nullif(spent.cost, 0)::double precision
	FROM listed
	LEFT JOIN spent ON spent.campaign = listed.campaign
	ORDER BY listed.position, listed.conversions DESC, listed.kind, listed.campaign COLLATE "C";
END
$$;
COMMENT ON FUNCTION cdp._attribution(text, interval, text, timestamptz, timestamptz) IS
'what the door cdp.attribution() does';
