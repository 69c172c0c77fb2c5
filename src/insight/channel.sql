-- Where do they like to be met?
--
-- cdp.channel_rule tells which events are ours (sent), which are theirs because
-- of that (response), and which are theirs alone (contact), and on which channel.
-- What a channel's share is counted in are days: a visit of fifty pages is one.
--
-- A send is answered if a response on its channel follows before the next send.
-- Of few sends the rate says little, so it is drawn to the mean of all: as if
-- response_prior sends more had been answered at that mean rate.
-- Hour and weekday are those of the person's own clock.

CREATE FUNCTION cdp._own_zone(profile_id bigint) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((
			SELECT cdp._trait_text(current.traits, 'time_zone')
			FROM cdp.profile_current AS current
			WHERE current.profile_id = $1),
		cdp._read_setting('time_zone'));
END
$$;
COMMENT ON FUNCTION cdp._own_zone(bigint) IS
'the time zone of a live profile, or else the store''s';

-- The events of a live profile that the rules name, with their channel.
CREATE FUNCTION cdp._own_contacts(profile_id bigint, as_of timestamptz)
RETURNS TABLE (channel text, role text, occurred_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	channel_slot text := cdp._slot_of('channel');
BEGIN
	RETURN QUERY
	SELECT told.channel, told.role, told.occurred_at
	FROM (
		SELECT coalesce(rule.channel, event.properties ->> channel_slot) AS channel,
			rule.role::text AS role, event.occurred_at
		FROM cdp._own_events($1, $2, ARRAY(SELECT rule.event FROM cdp.channel_rule AS rule)) AS event
		JOIN cdp.channel_rule AS rule ON rule.event = event.name
	) AS told
	WHERE told.channel <> '';
END
$$;
COMMENT ON FUNCTION cdp._own_contacts(bigint, timestamptz) IS
'on which channels a live profile was met, and how';

CREATE FUNCTION cdp._channel_preference(profile_id bigint, as_of timestamptz)
RETURNS TABLE (
	channel text,
	share double precision,
	days bigint,
	sends bigint,
	answered bigint,
	response_rate double precision,
	usual_rate double precision,
	best_hour integer,
	best_weekday integer,
	time_zone text,
	last_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	live bigint := cdp._person_asked($1);
	zone text := cdp._own_zone(live);
	prior double precision := cdp._read_setting('response_prior');
BEGIN
	RETURN QUERY
	WITH told AS MATERIALIZED (
		SELECT met.channel, met.role, met.occurred_at,
			met.occurred_at AT TIME ZONE zone AS local_at
		FROM cdp._own_contacts(live, $2) AS met
	), acted AS (
		SELECT told.channel, count(DISTINCT told.local_at::date) AS days,
			mode() WITHIN GROUP (ORDER BY extract(hour FROM told.local_at)::integer) AS best_hour,
			mode() WITHIN GROUP (ORDER BY extract(isodow FROM told.local_at)::integer) AS best_weekday,
			max(told.occurred_at) AS last_at
		FROM told
		WHERE told.role <> 'sent'
		GROUP BY told.channel
	), numbered AS (
		SELECT told.channel, told.role, count(*) FILTER (WHERE told.role = 'sent') OVER (
			PARTITION BY told.channel ORDER BY told.occurred_at, told.role = 'response'
			ROWS UNBOUNDED PRECEDING) AS send
		FROM told
		WHERE told.role <> 'contact'
	), sent AS (
		SELECT numbered.channel, count(*) FILTER (WHERE numbered.role = 'sent') AS sends,
			count(DISTINCT numbered.send) FILTER (
				WHERE numbered.role = 'response' AND numbered.send > 0) AS answered
		FROM numbered
		GROUP BY numbered.channel
	)
	SELECT met.channel, coalesce(acted.days, 0) / nullif(sum(acted.days) OVER (), 0)::double precision,
		coalesce(acted.days, 0), coalesce(sent.sends, 0), coalesce(sent.answered, 0),
		(coalesce(sent.answered, 0) + prior * usual.rate) / (coalesce(sent.sends, 0) + prior),
		usual.rate, acted.best_hour, acted.best_weekday, zone, acted.last_at
	FROM (SELECT DISTINCT told.channel FROM told) AS met
	LEFT JOIN acted USING (channel)
	LEFT JOIN sent USING (channel)
	LEFT JOIN cdp.usual_response AS usual ON usual.channel = met.channel
	ORDER BY 2 DESC NULLS LAST, 6 DESC NULLS LAST, 1;
END
$$;
COMMENT ON FUNCTION cdp._channel_preference(bigint, timestamptz) IS
'what the door cdp.channel_preference() does';

-- The same of all profiles, from their timelines.
CREATE FUNCTION cdp._refresh_responses(as_of timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	channel_slot text := cdp._slot_of('channel');
	name_ids integer[] := ARRAY(
		SELECT known.name_id
		FROM cdp.event_name AS known
		JOIN cdp.channel_rule AS rule ON rule.event = known.name
		WHERE rule.role <> 'contact');
	made bigint;
BEGIN
	DELETE FROM cdp.usual_response;
	INSERT INTO cdp.usual_response (channel, sends, answered, rate, as_of)
	SELECT numbered.channel, count(*) FILTER (WHERE numbered.role = 'sent'),
		count(DISTINCT (numbered.profile_id, numbered.send)) FILTER (
			WHERE numbered.role = 'response' AND numbered.send > 0),
		count(DISTINCT (numbered.profile_id, numbered.send)) FILTER (
			WHERE numbered.role = 'response' AND numbered.send > 0)
			/ count(*) FILTER (WHERE numbered.role = 'sent')::double precision, $1
	FROM (
		SELECT told.profile_id, told.channel, told.role,
			count(*) FILTER (WHERE told.role = 'sent') OVER (
				PARTITION BY told.profile_id, told.channel
				ORDER BY told.occurred_at, told.role = 'response'
				ROWS UNBOUNDED PRECEDING) AS send
		FROM (
			SELECT chunk.profile_id, rule.role, event.occurred_at,
				coalesce(rule.channel, event.properties ->> channel_slot) AS channel
			FROM cdp.timeline_chunk AS chunk
			CROSS JOIN LATERAL cdp.timeline_events(chunk.data, name_ids) AS event
			JOIN cdp.event_name AS known USING (name_id)
			JOIN cdp.channel_rule AS rule ON rule.event = known.name
			WHERE event.occurred_at < $1
				AND chunk.profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept)
		) AS told
		WHERE told.channel <> ''
	) AS numbered
	GROUP BY numbered.channel
	HAVING count(*) FILTER (WHERE numbered.role = 'sent') > 0;
	GET DIAGNOSTICS made = ROW_COUNT;
	RETURN made;
END
$$;
COMMENT ON FUNCTION cdp._refresh_responses(timestamptz) IS
'make cdp.usual_response anew; returns how many rows';
