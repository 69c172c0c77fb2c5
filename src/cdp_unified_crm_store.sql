-- cdp.crm_contact, over the unified profile and what the rooms know besides.
--
-- To plan a subquery costs many times what it costs to answer it for one profile, so
-- what is told besides comes from two doors (cdp_contact.c), whose plans are kept.
-- OFFSET 0 keeps the one that several columns are made of from being called for
-- each; it is not called if none of them is asked for.

-- Permissions are those that audiences are made by: granted, not expired, with a
-- contact point that is not suppressed.
CREATE FUNCTION cdp.permissions_of(profile_id bigint) RETURNS text[]
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._permissions($1);
END
$$;
REVOKE ALL ON FUNCTION cdp.permissions_of(bigint) FROM PUBLIC;
COMMENT ON FUNCTION cdp.permissions_of(bigint) IS
'what a profile has granted and can be reached for now, as purpose/channel; what is not here is not permitted';

CREATE FUNCTION cdp.contact_state(profile_id bigint) RETURNS cdp._contact
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._contact_state($1);
END
$$;
REVOKE ALL ON FUNCTION cdp.contact_state(bigint) FROM PUBLIC;
COMMENT ON FUNCTION cdp.contact_state(bigint) IS
'the last interaction with a profile, its open tickets and deals, and the next action';

CREATE VIEW cdp.crm_contact AS
SELECT person.profile_id,
	ARRAY(SELECT jsonb_array_elements_text(person.identifiers -> 'crm_id')) AS crm_ids,
	person.email, person.phone, person.first_name, person.last_name, person.name,
	person.company, person.street, person.city, person.region, person.postal_code,
	person.country, person.language, person.time_zone, person.account_id,
	cdp._trait_text(person.traits, 'owner') AS owner,
	cdp._trait_text(person.traits, 'crm_stage') AS crm_stage,
	cdp._trait_text(person.traits, 'loyalty_level') AS loyalty_level,
	cdp._trait_number(person.traits -> 'loyalty_points') AS loyalty_points,
	cdp.permissions_of(person.profile_id) AS permissions,
	person.first_seen,
	(own.state).last_interaction_at,
	(own.state).last_interaction,
	person.last_order_at, person.orders, person.revenue, person.currency,
	(own.state).open_tickets,
	(own.state).open_deals,
	(own.state).open_deal_amount,
	person.clv_365d, person.churn_90d, person.churn_band, person.segments,
	(own.state).next_action
FROM cdp.unified_profile AS person
CROSS JOIN LATERAL (
	SELECT cdp.contact_state(person.profile_id) AS state
	OFFSET 0
) AS own
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
