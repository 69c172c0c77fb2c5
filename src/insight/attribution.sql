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

-- Every conversion from since on with each of its touches, or with none.  The
-- touches of a conversion are numbered from the first on; last_campaign is the
-- number of the last one that is not direct, decayed the share of time_decay.
CREATE FUNCTION cdp._touches(
	conversion text,
	"window" interval,
	since timestamptz,
	until timestamptz)
RETURNS TABLE (
	amount numeric,
	kind text,
	campaign text,
	place bigint,
	touches bigint,
	last_campaign bigint,
	decayed double precision)
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
	page_ids integer[] := ARRAY(
		SELECT name_id FROM cdp.event_name WHERE name IN ('page_view', 'screen_view'));
	did_ids integer[] := ARRAY(
		SELECT known.name_id FROM cdp.event_name AS known
		WHERE NOT EXISTS (
			SELECT FROM cdp.channel_rule AS rule
			WHERE rule.event = known.name AND rule.role = 'sent'));
BEGIN
	RETURN QUERY
	WITH happened AS MATERIALIZED (
		SELECT begun.profile_id, begun.occurred_at, begun.name_id, begun.campaign,
			begun.amount, begun.source_id, begun.business_key,
			count(*) FILTER (WHERE begun.begins) OVER (
				PARTITION BY begun.profile_id ORDER BY begun.occurred_at) AS visit
		FROM (
			SELECT chunk.profile_id, event.occurred_at, event.name_id, event.amount,
				event.source_id,
				CASE WHEN event.name_id = conversion_id
					THEN nullif(event.properties ->> key_slot, '') END AS business_key,
				cdp._campaign_name(event.properties -> campaign_slot) AS campaign,
				coalesce(event.occurred_at - lag(event.occurred_at) OVER (
					PARTITION BY chunk.profile_id ORDER BY event.occurred_at)
					> interval '30 minutes', true) AS begins
			FROM cdp.timeline_chunk AS chunk
			CROSS JOIN LATERAL cdp.timeline_events(chunk.data, did_ids) AS event
			WHERE event.occurred_at < $4
				AND chunk.profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept)
				AND chunk.profile_id IN (
					SELECT holder.profile_id
					FROM cdp.timeline_chunk AS holder
					WHERE cdp.timeline_may_contain(holder.data, conversion_id))
		) AS begun
	), touch AS (
		SELECT profile_id, 'campaign' AS kind, campaign, min(occurred_at) AS touched_at
		FROM happened
		WHERE campaign IS NOT NULL
		GROUP BY profile_id, visit, campaign
		UNION ALL
		SELECT profile_id, 'direct', NULL, min(occurred_at)
		FROM happened
		GROUP BY profile_id, visit
		HAVING count(campaign) = 0 AND bool_or(name_id = ANY (page_ids))
	), told AS (
		SELECT happened.profile_id, happened.occurred_at, happened.amount, row_number() OVER (
			PARTITION BY happened.profile_id, happened.business_key,
				CASE WHEN happened.business_key IS NULL THEN happened.place END
			ORDER BY source.priority DESC NULLS LAST, happened.occurred_at,
				happened.source_id, happened.amount) AS rank
		FROM (SELECT happened.*, row_number() OVER () AS place FROM happened
			WHERE happened.name_id = conversion_id) AS happened
		LEFT JOIN cdp.source USING (source_id)
	), converted AS MATERIALIZED (
		SELECT row_number() OVER () AS conversion_no, profile_id, occurred_at, amount,
			occurred_at - $2 AS touched_since
		FROM told
		WHERE rank = 1 AND occurred_at >= $3
	), met AS (
		SELECT converted.conversion_no, converted.amount,
			coalesce(touch.kind, 'none') AS kind, touch.campaign, touch.touched_at,
			power(2::double precision, greatest(-extract(epoch FROM
				converted.occurred_at - touch.touched_at)::double precision / 604800, -1000)) AS weight,
			row_number() OVER (PARTITION BY converted.conversion_no
				ORDER BY touch.touched_at, touch.kind, touch.campaign COLLATE "C") AS place
		FROM converted
		LEFT JOIN touch ON touch.profile_id = converted.profile_id
			AND touch.touched_at <= converted.occurred_at
			AND touch.touched_at >= converted.touched_since
	)
	SELECT met.amount, met.kind, met.campaign, met.place,
		count(met.touched_at) OVER conversion,
		max(met.place) FILTER (WHERE met.kind = 'campaign') OVER conversion,
		met.weight / sum(met.weight) OVER conversion
	FROM met
	WINDOW conversion AS (PARTITION BY met.conversion_no);
END
$$;
COMMENT ON FUNCTION cdp._touches(text, interval, timestamptz, timestamptz) IS
'conversions with each of their touches, numbered; a conversion without touches has one row of kind none';

-- The credits of the touches of one conversion add up to 1.
CREATE FUNCTION cdp._touch_credit(
	model text,
	place bigint,
	touches bigint,
	last_campaign bigint,
	decayed double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN touches <= 1 THEN 1
	WHEN model = 'first' THEN (place = 1)::integer
	WHEN model = 'last' THEN (place = touches)::integer
	WHEN model = 'last_non_direct' THEN (place = coalesce(last_campaign, touches))::integer
	WHEN model = 'linear' THEN 1 / touches::double precision
	WHEN model = 'position' AND touches = 2 THEN 0.5
	WHEN model = 'position' AND place IN (1, touches) THEN 0.4
	WHEN model = 'position' THEN 0.2 / (touches - 2)
	ELSE decayed END;
COMMENT ON FUNCTION cdp._touch_credit(text, bigint, bigint, bigint, double precision) IS
'the share of a conversion that is one touch''s';

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
	WITH asked AS (
		SELECT asked.name, asked.position
		FROM unnest(cdp._attribution_models()) WITH ORDINALITY AS asked (name, position)
		WHERE $3 IS NULL OR asked.name = $3
	), credited AS (
		SELECT asked.name, asked.position, met.kind, met.campaign, met.amount, met.touches,
			cdp._touch_credit(asked.name, met.place, met.touches, met.last_campaign,
				met.decayed) AS credit
		FROM cdp._touches($1, $2, $4, $5) AS met
		CROSS JOIN asked
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
