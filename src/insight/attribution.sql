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
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__campaign_name';
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

-- The same of the timelines of one profile.  Slots are 0 where timelines do not hold
-- the property; of the reports of one conversion that of the source with the highest
-- of the priorities counts.
CREATE FUNCTION cdp._timeline_touches(
	timeline cdp.timeline,
	later_timelines cdp.timeline[],
	conversion_id integer,
	key_slot integer,
	campaign_slot integer,
	page_ids integer[],
	sent_ids integer[],
	source_ids integer[],
	priorities integer[],
	"window" interval,
	since timestamptz,
	until timestamptz)
RETURNS TABLE (
	amount double precision,
	kind text,
	campaign text,
	place bigint,
	touches bigint,
	last_campaign bigint,
	decayed double precision)
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 10
AS 'MODULE_PATHNAME', 'cdp__timeline_touches';
COMMENT ON FUNCTION cdp._timeline_touches(cdp.timeline, cdp.timeline[], integer, integer, integer, integer[], integer[], integer[], integer[], interval, timestamptz, timestamptz) IS
'cdp._touches() of one profile, by its timelines';

-- Every conversion from since on with each of its touches, or with none.  The
-- touches of a conversion are numbered from the first on; last_campaign is the
-- number of the last one that is not direct, decayed the share of time_decay.
CREATE FUNCTION cdp._touches(
	conversion text,
	"window" interval,
	since timestamptz,
	until timestamptz)
RETURNS TABLE (
	amount double precision,
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
	key_slot integer := coalesce((
		SELECT cdp._slot_of(type.business_key) FROM cdp.event_type AS type WHERE type.name = $1)::integer, 0);
	campaign_slot integer := coalesce(cdp._slot_of('campaign')::integer, 0);
	page_ids integer[] := ARRAY(
		SELECT name_id FROM cdp.event_name WHERE name IN ('page_view', 'screen_view'));
	sent_ids integer[] := ARRAY(
		SELECT known.name_id
		FROM cdp.event_name AS known
		JOIN cdp.channel_rule AS rule ON rule.event = known.name
		WHERE rule.role = 'sent');
	source_ids integer[] := ARRAY(SELECT source_id FROM cdp.source ORDER BY source_id);
	priorities integer[] := ARRAY(SELECT priority FROM cdp.source ORDER BY source_id);
BEGIN
	RETURN QUERY
	SELECT met.*
	FROM cdp.timeline_chunk AS first
	LEFT JOIN (
		SELECT chunk.profile_id, array_agg(chunk.data ORDER BY chunk.chunk) AS timelines,
			bool_or(cdp.timeline_may_contain(chunk.data, conversion_id)) AS converted
		FROM cdp.timeline_chunk AS chunk
		WHERE chunk.chunk > 1
		GROUP BY chunk.profile_id
	) AS later ON later.profile_id = first.profile_id
	CROSS JOIN LATERAL cdp._timeline_touches(first.data, coalesce(later.timelines, '{}'),
		conversion_id, key_slot, campaign_slot, page_ids, sent_ids, source_ids, priorities,
		$2, $3, $4) AS met
	WHERE first.chunk = 1
		AND first.profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept)
		AND (cdp.timeline_may_contain(first.data, conversion_id) OR later.converted);
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
			coalesce(sum(credited.credit * credited.amount), 0) AS revenue
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
