-- cdp.crm_contact, over the unified profile and what the rooms know besides.
--
-- What a profile did is taken from its timeline, so one contact costs a few
-- look-ups by key.  Permissions are those that audiences are made by: granted,
-- not expired, with a contact point that is not suppressed.
--
-- Each of the dear columns is an expression of its own, which is not computed if
-- the column is not asked for; OFFSET 0 keeps what two columns are made of from
-- being computed twice.
CREATE VIEW cdp.crm_contact AS
SELECT person.profile_id,
	ARRAY(SELECT jsonb_array_elements_text(person.identifiers -> 'crm_id')) AS crm_ids,
	person.email, person.phone, person.first_name, person.last_name, person.name,
	person.company, person.street, person.city, person.region, person.postal_code,
	person.country, person.language, person.time_zone, person.account_id,
	cdp._trait_text(person.traits, 'owner') AS owner,
	cdp._trait_text(person.traits, 'crm_stage') AS crm_stage,
	cdp._trait_text(person.traits, 'loyalty_level') AS loyalty_level,
	(cdp._typed_trait(person.traits -> 'loyalty_points', 'number') #>> '{}')::numeric
		AS loyalty_points,
	ARRAY(
		SELECT held.purpose || '/' || held.channel
		FROM cdp.consent_state AS held
		JOIN cdp.channel ON channel.channel = held.channel
		WHERE held.profile_id = person.profile_id
			AND held.state = 'granted'
			AND (held.expires_at IS NULL OR held.expires_at > known.at)
			AND (channel.identifier_types = '{}' OR EXISTS (
				SELECT FROM cdp.contact_point AS point
				WHERE point.profile_id = person.profile_id
					AND point.type = ANY (channel.identifier_types)
					AND (point.expires_at IS NULL OR point.expires_at > known.at)
					AND NOT EXISTS (
						SELECT FROM cdp.suppression
						WHERE suppression.key_hash = point.key_hash
							AND suppression.channel IN ('', channel.channel)
							AND (suppression.until IS NULL OR suppression.until > known.at))))
			AND cdp._verifies_key((SELECT key FROM cdp.secret_key),
				(SELECT check_value FROM cdp.secret_key))
		ORDER BY held.purpose, held.channel
	) AS permissions,
	person.first_seen,
	(newest.dealing).occurred_at AS last_interaction_at,
	(newest.dealing).name AS last_interaction,
	person.last_order_at, person.orders, person.revenue, person.currency,
	(
		SELECT count(*)
		FROM (
			SELECT DISTINCT ON (event.properties ->> known.ticket_id)
				event.properties ->> known.status AS status
			FROM cdp.timeline_chunk AS chunk
			CROSS JOIN LATERAL cdp.timeline_events(chunk.data, ARRAY[known.ticket]) AS event
			LEFT JOIN cdp.source AS sender ON sender.source_id = event.source_id
			WHERE chunk.profile_id = person.profile_id
				AND cdp.timeline_may_contain(chunk.data, known.ticket)
				AND event.properties ->> known.ticket_id <> ''
				AND event.occurred_at < known.at
				AND coalesce(event.occurred_at > cdp._kept_after(sender.retention), true)
			ORDER BY event.properties ->> known.ticket_id, event.occurred_at DESC,
				event.properties ->> known.status
		) AS told
		LEFT JOIN cdp.ticket_status ON ticket_status.status = lower(told.status)
		WHERE coalesce(ticket_status.is_open, true)
	) AS open_tickets,
	coalesce((deal.open).deals, 0) AS open_deals,
	(deal.open).amount AS open_deal_amount,
	person.clv_365d, person.churn_90d, person.churn_band, person.segments,
	rule.action AS next_action
FROM cdp.unified_profile AS person
LEFT JOIN cdp.profile_action AS acted ON acted.profile_id = person.profile_id
LEFT JOIN cdp.next_action_rule AS rule ON rule.position = acted.position
CROSS JOIN (
	SELECT cdp.clock() AS at,
		(SELECT name_id FROM cdp.event_name WHERE name = 'ticket') AS ticket,
		(SELECT name_id FROM cdp.event_name WHERE name = 'deal_stage') AS deal_stage,
		ARRAY(SELECT name_id FROM cdp.event_name
			JOIN cdp.interaction_type ON event = name) AS interactions,
		(SELECT slot::text FROM cdp.property_slot WHERE property = 'ticket_id') AS ticket_id,
		(SELECT slot::text FROM cdp.property_slot WHERE property = 'status') AS status
	OFFSET 0
) AS known
CROSS JOIN LATERAL (
	SELECT (
		-- the first chunk, from the last on, that has one: older ones are not read
		SELECT ROW(dealing.occurred_at, dealing.name)::cdp._dealing
		FROM cdp.timeline_chunk AS chunk
		CROSS JOIN LATERAL (
			SELECT event.occurred_at, event_name.name::text AS name
			FROM cdp.timeline_events(chunk.data, known.interactions) AS event
			JOIN cdp.event_name ON event_name.name_id = event.name_id
			LEFT JOIN cdp.source AS sender ON sender.source_id = event.source_id
			WHERE event.occurred_at < known.at
				AND coalesce(event.occurred_at > cdp._kept_after(sender.retention), true)
			ORDER BY event.occurred_at DESC, event_name.name
			LIMIT 1
		) AS dealing
		WHERE chunk.profile_id = person.profile_id
			AND cdp.timeline_first(chunk.data) < known.at
		ORDER BY chunk.chunk DESC
		LIMIT 1
	) AS dealing
	OFFSET 0
) AS newest
CROSS JOIN LATERAL (
	-- not called, for it is strict, where the timeline has no deal
	SELECT cdp.open_deals(CASE WHEN EXISTS (
			SELECT FROM cdp.timeline_chunk AS chunk
			WHERE chunk.profile_id = person.profile_id
				AND cdp.timeline_may_contain(chunk.data, known.deal_stage))
		THEN person.profile_id END) AS open
	OFFSET 0
) AS deal
WHERE person.kind = 'known';
COMMENT ON VIEW cdp.crm_contact IS
'one row per customer, for a CRM: contact data, permissions, loyalty, owner, last interaction, open tickets and deals, value, risk, next best action';
COMMENT ON COLUMN cdp.crm_contact.last_interaction IS
'the newest event of cdp.interaction_type, the first that cdp.interaction_history() has';
COMMENT ON COLUMN cdp.crm_contact.permissions IS
'as purpose/channel: what the customer has granted, and can be reached for now; what is not here is not permitted';
COMMENT ON COLUMN cdp.crm_contact.crm_ids IS
'as source/id';
COMMENT ON COLUMN cdp.crm_contact.next_action IS
'as of the last merge run; cdp.next_action() tells it as of now';

INSERT INTO cdp.crm_field (field, owned_by)
SELECT attname, CASE WHEN attname IN ('owner', 'crm_stage', 'open_deals', 'open_deal_amount')
	THEN 'crm' ELSE 'cdp' END
FROM pg_catalog.pg_attribute
WHERE attrelid = 'cdp.crm_contact'::regclass AND attnum > 0
	AND attname NOT IN ('profile_id', 'crm_ids');

-- To plan the view takes as long as to read one contact, so the plan is kept.
CREATE FUNCTION cdp.contact_of(profile_id bigint)
RETURNS SETOF cdp.crm_contact
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
DECLARE
	live bigint := cdp._profile_to_change($1);
BEGIN
	RETURN QUERY
	SELECT contact.* FROM cdp.crm_contact AS contact WHERE contact.profile_id = live;
END
$$;
REVOKE ALL ON FUNCTION cdp.contact_of(bigint) FROM PUBLIC;
COMMENT ON FUNCTION cdp.contact_of(bigint) IS
'the row of cdp.crm_contact of a profile, whichever of its ids is given; faster than the view';
