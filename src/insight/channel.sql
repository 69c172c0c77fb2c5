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

-- The orders and returns of a live profile, each once, if the rules name them,
-- with their channel.
CREATE FUNCTION cdp._own_contacts(profile_id bigint, as_of timestamptz)
RETURNS TABLE (channel text, role text, occurred_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT told.channel, told.role, told.occurred_at
	FROM (
		SELECT coalesce(rule.channel, event.said) AS channel,
			rule.role::text AS role, event.occurred_at
		FROM cdp._own_events($1, $2, ARRAY(
				SELECT rule.event FROM cdp.channel_rule AS rule
				WHERE rule.event IN ('order', 'return')), property => 'channel') AS event
		JOIN cdp.channel_rule AS rule ON rule.event = event.name
	) AS told
	WHERE told.channel <> '';
END
$$;
COMMENT ON FUNCTION cdp._own_contacts(bigint, timestamptz) IS
'on which channels a live profile bought and returned';

CREATE FUNCTION cdp._timeline_contacts(
	timelines cdp.timeline[],
	names integer[],
	channels text[],
	roles text[],
	channel_slot integer,
	zone text,
	as_of timestamptz,
	more_times timestamptz[],
	more_channels text[],
	more_roles text[])
RETURNS TABLE (
	channel text,
	days bigint,
	sends bigint,
	answered bigint,
	best_hour integer,
	best_weekday integer,
	last_at timestamptz)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 5
AS 'MODULE_PATHNAME', 'cdp__timeline_contacts';
COMMENT ON FUNCTION cdp._timeline_contacts(cdp.timeline[], integer[], text[], text[], integer, text, timestamptz, timestamptz[], text[], text[]) IS
'how often and when, before an instant, events of timelines that rules name met somebody on each channel, and more contacts that are given';

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
	WITH rule AS (
		SELECT coalesce(array_agg(known.name_id), '{}') AS names,
			coalesce(array_agg(named.channel::text), '{}') AS channels,
			coalesce(array_agg(named.role::text), '{}') AS roles
		FROM cdp.channel_rule AS named
		JOIN cdp.event_name AS known ON known.name = named.event
		WHERE named.event NOT IN ('order', 'return')
	), bought AS (
		SELECT coalesce(array_agg(own.occurred_at), '{}') AS times,
			coalesce(array_agg(own.channel), '{}') AS channels,
			coalesce(array_agg(own.role), '{}') AS roles
		FROM cdp._own_contacts(live, $2) AS own
	)
	SELECT met.channel, met.days / nullif(sum(met.days) OVER (), 0)::double precision,
		met.days, met.sends, met.answered,
		(met.answered + prior * usual.rate) / (met.sends + prior),
		usual.rate, met.best_hour, met.best_weekday, zone, met.last_at
	FROM rule
	CROSS JOIN bought
	CROSS JOIN LATERAL cdp._timeline_contacts(
		ARRAY(SELECT chunk.data FROM cdp.timeline_chunk AS chunk WHERE chunk.profile_id = live),
		rule.names, rule.channels, rule.roles,
		coalesce(cdp._slot_of('channel')::integer, 0), zone, $2,
		bought.times, bought.channels, bought.roles) AS met
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
