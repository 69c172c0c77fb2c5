-- Visits: what a profile did without a pause of more than half an hour.  Read
-- from timelines, so that those of one profile cost no look into the log.
CREATE VIEW cdp.profile_session AS
SELECT told.profile_id, told.session, min(told.occurred_at) AS started_at,
	max(told.occurred_at) AS ended_at,
	round(extract(epoch FROM max(told.occurred_at) - min(told.occurred_at)) / 60, 2)
		AS minutes,
	count(*) AS events,
	count(*) FILTER (WHERE told.name IN ('page_view', 'screen_view')) AS pages
FROM (
	SELECT paused.profile_id, paused.name, paused.occurred_at,
		count(*) FILTER (WHERE paused.begins) OVER (
			PARTITION BY paused.profile_id ORDER BY paused.occurred_at) AS session
	FROM (
		SELECT chunk.profile_id, event_name.name::text AS name, event.occurred_at,
			coalesce(event.occurred_at - lag(event.occurred_at) OVER (
				PARTITION BY chunk.profile_id ORDER BY event.occurred_at)
				> interval '30 minutes', true) AS begins
		FROM cdp.timeline_chunk AS chunk
		CROSS JOIN LATERAL cdp.timeline_events(chunk.data) AS event
		JOIN cdp.event_name ON event_name.name_id = event.name_id
		LEFT JOIN cdp.source ON source.source_id = event.source_id
		WHERE coalesce(event.occurred_at > cdp._kept_after(source.retention), true)
			AND chunk.profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept)
	) AS paused
) AS told
GROUP BY told.profile_id, told.session;
COMMENT ON VIEW cdp.profile_session IS
'visits of each profile, numbered from 1: its events without a pause of more than 30 minutes, with their minutes and pages';
