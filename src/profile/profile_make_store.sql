-- How the row of a profile is made of its evidence: identifiers, sets,
-- observations, pins, timelines and consents; and, for those who ask, what of
-- that evidence lost.

-- This and the readers after it are inlined where they are used, beside the
-- profile that they are given, so each is a chain of index probes, whatever the
-- planner thinks of the store.

-- The sets whose events and observations are this live profile's.  Sets are
-- found through their members; a set belongs to the profile of its owner.
CREATE FUNCTION cdp._profile_sets(profile_id bigint)
RETURNS TABLE (
	set_id bigint,
	source_id integer,
	first_seen timestamptz,
	retracted boolean)
LANGUAGE sql STABLE ROWS 10
BEGIN ATOMIC
	SELECT held.set_id, held.source_id, held.first_seen, held.retracted
	FROM cdp._profile_leaves($1) AS own
	JOIN cdp.identifier ON identifier.leaf = own.leaf
	JOIN cdp.identifier_set_member AS member
		ON member.identifier_id = identifier.identifier_id
	JOIN cdp.identifier_set AS held ON held.set_id = member.set_id
		AND held.owner = identifier.identifier_id;
END;
COMMENT ON FUNCTION cdp._profile_sets(bigint) IS
'the identifier sets that belong to this live profile';

-- The observations of a live profile, each with what survivorship needs.
CREATE FUNCTION cdp._profile_observation(profile_id bigint)
RETURNS TABLE (
	set_id bigint,
	name text,
	value jsonb,
	observed_at timestamptz,
	first_observed_at timestamptz,
	source text,
	priority integer,
	rule text,
	raw jsonb,
	expires_at timestamptz)
LANGUAGE sql STABLE ROWS 10
BEGIN ATOMIC
	SELECT said.set_id, said.name::text, said.value,
		said.observed_at, said.first_observed_at, source.name::text,
		CASE WHEN trait.sources IS NULL THEN source.priority
			ELSE coalesce(-array_position(trait.sources, source.name::text),
				-1000000)
			END,
		trait.rule, said.raw, said.expires_at
	FROM cdp._profile_sets($1) AS owned
	JOIN cdp.trait_observation AS said ON said.set_id = owned.set_id
	JOIN cdp.trait ON trait.name = said.name
	JOIN cdp.source ON source.source_id = said.source_id
	WHERE said.expires_at IS NULL OR said.value <> '""' OR said.expires_at > cdp.clock();
END;
COMMENT ON FUNCTION cdp._profile_observation(bigint) IS
'observations of the traits of this live profile, without those that were emptied when they expired';

-- What survives of the traits of which some observation expires: an array of
-- steps for each, as expiring.c tells.  With every observation that expires
-- there may be another survivor.  A partner may say hundreds of segments of
-- somebody, so names meet by hash.
CREATE FUNCTION cdp._expiring_traits(profile_id bigint, pinned text[]) RETURNS jsonb
LANGUAGE sql STABLE
SET enable_hashjoin = on
BEGIN ATOMIC
	WITH own AS MATERIALIZED (
		SELECT * FROM cdp._profile_observation($1) AS said WHERE said.name <> ALL ($2)
	)
	SELECT jsonb_object_agg(trait.name, trait.steps)
	FROM (
		SELECT step.name, jsonb_agg(step.survivor || jsonb_build_object('until', step.until)
				ORDER BY step.until) AS steps
		FROM (
			SELECT ending.name, ending.until,
				cdp._survivor(said.value, said.observed_at, said.priority,
					said.rule, said.source, said.set_id) AS survivor
			FROM (
				SELECT DISTINCT own.name, own.expires_at AS until
				FROM own
				WHERE own.name IN (
					SELECT other.name FROM own AS other WHERE other.expires_at IS NOT NULL)
			) AS ending
			JOIN own AS said ON said.name = ending.name
				AND coalesce(said.expires_at, 'infinity') >= coalesce(ending.until, 'infinity')
			GROUP BY ending.name, ending.until
		) AS step
		GROUP BY step.name
	) AS trait;
END;
COMMENT ON FUNCTION cdp._expiring_traits(bigint, text[]) IS
'what survives until when of the expiring traits of a live profile, without pinned ones; NULL: there are none';

-- Of pins that merged profiles brought along the newest wins.
CREATE FUNCTION cdp._profile_pin(profile_id bigint)
RETURNS TABLE (
	name text,
	value jsonb,
	pinned_at timestamptz,
	wins boolean)
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
	SELECT pin.name::text, pin.value, pin.pinned_at,
		row_number() OVER (PARTITION BY pin.name
			ORDER BY pin.pinned_at DESC, pin.identifier_id) = 1
	FROM cdp._profile_leaves($1) AS own
	JOIN cdp.identifier ON identifier.leaf = own.leaf
	JOIN cdp.trait_pin AS pin ON pin.identifier_id = identifier.identifier_id;
END;
COMMENT ON FUNCTION cdp._profile_pin(bigint) IS
'pins of this live profile';

-- Business events as timelines hold them, duplicates included.  The key is
-- the property named by cdp.event_type.business_key; an empty one is none.
CREATE VIEW cdp._business_event AS
SELECT chunk.profile_id, type.name, chunk.chunk, event.place,
	event.occurred_at, event.amount, event.source_id,
	nullif(event.properties ->> type.slot, '') AS business_key
FROM (
	SELECT event_name.name_id, event_name.name::text AS name,
		property_slot.slot::text AS slot
	FROM cdp.event_name
	LEFT JOIN cdp.event_type ON event_type.name = event_name.name
	LEFT JOIN cdp.property_slot
		ON property_slot.property = event_type.business_key
	WHERE event_name.name IN ('order', 'return', 'contract_start', 'renewal', 'cancellation')
) AS type
JOIN cdp.timeline_chunk AS chunk
	ON cdp.timeline_may_contain(chunk.data, type.name_id)
CROSS JOIN LATERAL cdp.timeline_events(chunk.data, ARRAY[type.name_id])
	WITH ORDINALITY AS event (name_id, source_id, occurred_at, amount,
		properties, place);
COMMENT ON VIEW cdp._business_event IS
'orders, returns and what becomes of contracts, by profile, repeated ones included';

-- Which of several events with one business key counts: that of the source
-- with the highest priority.  Events without a key all count.  Rows of profiles go by
-- "rank", as they are until the next pass of retention; who reads events now, by
-- "kept_rank", among those that their source allows to be kept.
CREATE VIEW cdp._ranked_business_event AS
SELECT raw.profile_id, raw.name, raw.business_key, raw.occurred_at, raw.amount,
	raw.source_id,
	row_number() OVER (
		PARTITION BY raw.profile_id, raw.name, raw.business_key,
			CASE WHEN raw.business_key IS NULL THEN raw.chunk END,
			CASE WHEN raw.business_key IS NULL THEN raw.place END
		ORDER BY source.priority DESC NULLS LAST, raw.occurred_at,
			raw.source_id, raw.amount) AS rank,
	kept.is_kept,
	row_number() OVER (
		PARTITION BY raw.profile_id, raw.name, raw.business_key,
			CASE WHEN raw.business_key IS NULL THEN raw.chunk END,
			CASE WHEN raw.business_key IS NULL THEN raw.place END
		ORDER BY kept.is_kept DESC, source.priority DESC NULLS LAST,
			raw.occurred_at, raw.source_id, raw.amount) AS kept_rank
FROM cdp._business_event AS raw
LEFT JOIN cdp.source ON source.source_id = raw.source_id
CROSS JOIN LATERAL (
	SELECT coalesce(raw.occurred_at > cdp._kept_after(source.retention), true) AS is_kept
) AS kept;
COMMENT ON VIEW cdp._ranked_business_event IS
'business events of profiles; of those with one business key rank 1 counts';

CREATE VIEW cdp.profile_order AS
SELECT profile_id, business_key AS order_key, occurred_at, amount, source_id
FROM cdp._ranked_business_event
WHERE name = 'order' AND kept_rank = 1 AND is_kept
	AND profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept);
COMMENT ON VIEW cdp.profile_order IS
'the orders of each profile; one that two sources report is one order, as the source with the higher priority has it';

CREATE VIEW cdp.profile_return AS
SELECT profile_id, business_key AS return_key, occurred_at, abs(amount) AS amount,
	source_id
FROM cdp._ranked_business_event
WHERE name = 'return' AND kept_rank = 1 AND is_kept
	AND profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept);
COMMENT ON VIEW cdp.profile_return IS
'the returns of each profile, each once; amounts are positive, whatever sign they came with';

CREATE VIEW cdp._purchases AS
SELECT profile_id, business_key AS order_key, occurred_at,
	CASE name WHEN 'return' THEN -abs(amount) ELSE amount END AS amount,
	source_id
FROM cdp._ranked_business_event
WHERE name IN ('order', 'return') AND rank = 1;
COMMENT ON VIEW cdp._purchases IS
'orders with their amounts and returns with theirs taken away';

-- One row for all that became of a profile's contract, so that whoever asks as
-- of some instant reads each timeline once.  Who is restricted has none.
CREATE VIEW cdp._contract_history AS
SELECT profile_id,
	array_agg(name ORDER BY occurred_at, name) AS names,
	array_agg(occurred_at ORDER BY occurred_at, name) AS times
FROM cdp._ranked_business_event
WHERE name IN ('contract_start', 'renewal', 'cancellation') AND rank = 1
	AND profile_id NOT IN (SELECT restricted.profile_id FROM cdp._restricted_profile AS restricted)
GROUP BY profile_id;
COMMENT ON VIEW cdp._contract_history IS
'what became of the contract of each profile: events in their order';

-- Live profiles: those with identifiers.  One whose identifiers have all been
-- blocked has none.  Those that are restricted are only kept.
CREATE VIEW cdp._live_profile AS
SELECT profile.profile_id, profile.ord
FROM cdp.profile
WHERE profile.root = profile.profile_id
	AND (NOT (SELECT EXISTS (SELECT FROM cdp.restriction)) OR NOT cdp._is_restricted(profile.profile_id))
	AND (EXISTS (
			SELECT
			FROM cdp.identifier
			WHERE identifier.leaf = profile.profile_id)
		OR EXISTS (
			SELECT
			FROM cdp.profile AS merged
			JOIN cdp.identifier ON identifier.leaf = merged.profile_id
			WHERE merged.root = profile.profile_id
				AND merged.root <> merged.profile_id));
COMMENT ON VIEW cdp._live_profile IS
'profiles that have a row in profile_current';

-- What the rows of these profiles are to be: for each of them, what it is known
-- by, who has told of it, what was said, what happened, what it bought and what
-- it agreed to.
CREATE FUNCTION cdp._make_profiles(profile_ids bigint[])
RETURNS TABLE (
	profile_id bigint,
	ord integer,
	kind text,
	traits jsonb,
	lineage jsonb,
	identifiers jsonb,
	sources text[],
	first_seen timestamptz,
	last_seen timestamptz,
	events bigint,
	orders bigint,
	gross_revenue numeric,
	revenue numeric,
	first_order_at timestamptz,
	last_order_at timestamptz,
	consents jsonb,
	expiring jsonb,
	identifiers_until jsonb)
LANGUAGE sql STABLE ROWS 100
BEGIN ATOMIC
	SELECT live.profile_id, live.ord,
		CASE WHEN identified.known THEN 'known'
			WHEN sourced.third_party THEN 'third_party'
			ELSE 'anonymous' END,
		coalesce(described.traits, '{}') || pinned.traits,
		coalesce(described.lineage, '{}') || pinned.lineage,
		coalesce(identified.identifiers, '{}'), coalesce(sourced.sources, '{}'),
		least(sourced.first_seen, described.first_seen, happened.first_seen),
		greatest(sourced.last_seen, described.last_seen, happened.last_seen),
		coalesce(happened.events, 0), bought.orders,
		coalesce(bought.gross, 0),
		coalesce(bought.gross, 0) - coalesce(bought.returned, 0),
		bought.first_order_at, bought.last_order_at,
		coalesce(consented.consents, '{}'),
		CASE WHEN described.some_expire
			THEN cdp._expiring_traits(live.profile_id, pinned.names) END,
		identified.until
	FROM cdp._live_profile AS live
	CROSS JOIN LATERAL (
		SELECT bool_or(listed.known) AS known,
			jsonb_object_agg(listed.type, listed.list) AS identifiers,
			jsonb_object_agg(listed.type, listed.until)
				FILTER (WHERE listed.until IS NOT NULL) AS until
		FROM (
			SELECT type.type::text AS type,
				bool_or((type.strong OR type.type IN ('email', 'phone'))
					AND NOT identifier.shared AND NOT identifier.blocked) AS known,
				jsonb_agg(written.value ORDER BY seen.first_seen DESC,
					identifier.value, identifier.scope) AS list,
				jsonb_object_agg(written.value, seen.until)
					FILTER (WHERE seen.until IS NOT NULL) AS until
			FROM cdp._profile_leaves(live.profile_id) AS own
			JOIN cdp.identifier ON identifier.leaf = own.leaf
			JOIN cdp.identifier_type AS type ON type.type_id = identifier.type_id
			CROSS JOIN LATERAL (
				SELECT min(held.first_seen) AS first_seen,
					cdp._kept_until(max(held.last_seen), type.time_to_live) AS until
				FROM cdp.identifier_set_member AS member
				JOIN cdp.identifier_set AS held ON held.set_id = member.set_id
				WHERE member.identifier_id = identifier.identifier_id
					AND NOT held.retracted
			) AS seen
			CROSS JOIN LATERAL (
				SELECT CASE WHEN identifier.scope = '' THEN identifier.value
					ELSE identifier.scope || '/' || identifier.value END AS value
			) AS written
			WHERE seen.until IS NULL OR seen.until > cdp.clock()
			GROUP BY type.type
		) AS listed
	) AS identified
	CROSS JOIN LATERAL (
		SELECT array_agg(DISTINCT source.name::text ORDER BY source.name::text)
				AS sources,
			bool_and(source.kind = 'third_party') AS third_party,
			min(owned.first_seen) AS first_seen,
			max(owned.first_seen) AS last_seen
		FROM cdp._profile_sets(live.profile_id) AS owned
		JOIN cdp.source ON source.source_id = owned.source_id
		WHERE NOT owned.retracted
	) AS sourced
	CROSS JOIN LATERAL (
		SELECT coalesce(array_agg(pin.name), '{}') AS names,
			coalesce(jsonb_object_agg(pin.name, pin.value)
				FILTER (WHERE pin.value <> 'null'), '{}') AS traits,
			coalesce(jsonb_object_agg(pin.name, jsonb_build_object(
					'rule', 'pinned', 'source', 'pin', 'at', pin.pinned_at))
				FILTER (WHERE pin.value <> 'null'), '{}') AS lineage
		FROM cdp._profile_pin(live.profile_id) AS pin
		WHERE pin.wins
	) AS pinned
	CROSS JOIN LATERAL (
		SELECT jsonb_object_agg(chosen.name, chosen.survivor -> 'value')
				FILTER (WHERE chosen.survives) AS traits,
			jsonb_object_agg(chosen.name, chosen.survivor - 'value')
				FILTER (WHERE chosen.survives) AS lineage,
			min(chosen.first_seen) AS first_seen,
			max(chosen.last_seen) AS last_seen,
			bool_or(chosen.expires) AS some_expire
		FROM (
			SELECT weighed.*, weighed.survivor ->> 'value' IS NOT NULL
				AND weighed.name <> ALL (pinned.names)
				AND NOT weighed.expires AS survives
			FROM (
				SELECT said.name,
					cdp._survivor(said.value, said.observed_at, said.priority,
						said.rule, said.source, said.set_id) AS survivor,
					min(said.first_observed_at) AS first_seen,
					max(said.observed_at) AS last_seen,
					bool_or(said.expires_at IS NOT NULL) AS expires
				FROM cdp._profile_observation(live.profile_id) AS said
				GROUP BY said.name
			) AS weighed
		) AS chosen
	) AS described
	CROSS JOIN LATERAL (
		SELECT sum(cdp.timeline_count(chunk.data))::bigint AS events,
			min(cdp.timeline_first(chunk.data)) AS first_seen,
			max(cdp.timeline_last(chunk.data)) AS last_seen
		FROM cdp.timeline_chunk AS chunk
		WHERE chunk.profile_id = live.profile_id
	) AS happened
	CROSS JOIN LATERAL (
		SELECT count(*) FILTER (WHERE business.name = 'order') AS orders,
			sum(business.amount) FILTER (WHERE business.name = 'order') AS gross,
			sum(abs(business.amount)) FILTER (WHERE business.name = 'return') AS returned,
			min(business.occurred_at)
				FILTER (WHERE business.name = 'order') AS first_order_at,
			max(business.occurred_at)
				FILTER (WHERE business.name = 'order') AS last_order_at
		FROM cdp._ranked_business_event AS business
		WHERE business.profile_id = live.profile_id AND business.rank = 1
			AND business.name IN ('order', 'return')
	) AS bought
	CROSS JOIN LATERAL (
		SELECT jsonb_object_agg(said.purpose || '/' || said.channel,
				jsonb_strip_nulls(jsonb_build_object('state', said.state,
					'at', said.at, 'expires_at', said.expires_at))) AS consents
		FROM cdp.consent_state AS said
		WHERE said.profile_id = live.profile_id
	) AS consented
	WHERE live.profile_id = ANY (profile_ids);
END;
COMMENT ON FUNCTION cdp._make_profiles(bigint[]) IS
'the rows of profile_current of these profiles, computed';

CREATE FUNCTION cdp.lineage(
	profile_id bigint,
	trait text DEFAULT NULL)
RETURNS TABLE (
	trait_name text,
	value jsonb,
	wins boolean,
	source text,
	observed_at timestamptz,
	rule text,
	set_id bigint,
	raw jsonb)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT said.name, said.value,
		chosen.lineage ->> 'rule' IS DISTINCT FROM 'pinned'
			AND (chosen.lineage ->> 'set_id')::bigint
				IS NOT DISTINCT FROM said.set_id,
		said.source, said.observed_at, said.rule, said.set_id, said.raw
	FROM cdp.profile_current AS current
	CROSS JOIN LATERAL cdp._profile_observation(current.profile_id) AS said
	JOIN cdp.source AS sender ON sender.name = said.source
	CROSS JOIN LATERAL (
		SELECT coalesce(current.lineage -> said.name, (
			SELECT held.step
			FROM cdp._expiring_at(current.expiring, cdp.clock()) AS held
			WHERE held.name = said.name)) AS lineage
	) AS chosen
	WHERE current.profile_id = cdp.resolve($1)
		AND ($2 IS NULL OR said.name = (SELECT coalesce(cdp._find_trait($2), $2)))
		AND (said.expires_at IS NULL OR said.expires_at > cdp.clock())
		AND coalesce(said.observed_at > cdp._kept_after(sender.retention), true)
	UNION ALL
	SELECT pin.name, pin.value, pin.wins, 'pin', pin.pinned_at, 'pinned', NULL, NULL
	FROM cdp._profile_pin(cdp.resolve($1)) AS pin
	WHERE ($2 IS NULL OR pin.name = (SELECT coalesce(cdp._find_trait($2), $2)))
		AND NOT cdp._is_restricted(cdp.resolve($1))
	ORDER BY 1, 3 DESC, 5 DESC, 7
$$;
COMMENT ON FUNCTION cdp.lineage(bigint, text) IS
'every observation and pin of a profile''s traits, or of one: which one wins, what lost, and from where';

REVOKE ALL ON FUNCTION cdp.lineage(bigint, text) FROM PUBLIC;
