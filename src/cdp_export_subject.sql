-- Everything that is held about one subject, as one JSON document, for the
-- person who asks (GDPR, articles 15 and 20).  Times are in UTC.
--
-- Each part is an array of objects, or an object, of a function of its own; a
-- person's sets name identifiers of others where a record named both.  Events
-- are found as erasure finds them, without reading the log: in timelines, so
-- what waits for the profile is done before, under the merger's lock.

CREATE FUNCTION cdp._export_evidence(members bigint[], sets bigint[]) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
	SELECT jsonb_build_object(
		'identifiers', (
			SELECT jsonb_agg(jsonb_build_object('type', type.type, 'source', nullif(identifier.scope, ''),
				'value', identifier.value, 'first_seen', identifier.first_seen, 'known_since', identifier.created_at,
				'shared', identifier.shared, 'expired', identifier.expired) ORDER BY identifier.identifier_id)
			FROM cdp.identifier JOIN cdp.identifier_type AS type USING (type_id)
			WHERE identifier.identifier_id = ANY ($1)),
		'records', (
			SELECT jsonb_agg(jsonb_build_object('set_id', held.set_id, 'source', source.name,
				'first_seen', held.first_seen, 'last_seen', held.last_seen, 'records', held.records,
				'retracted', held.retracted, 'identifiers', (
					SELECT jsonb_agg(cdp._suppression_key(type.type, named.scope, named.value) ORDER BY named.identifier_id)
					FROM cdp.identifier AS named JOIN cdp.identifier_type AS type USING (type_id)
					WHERE named.identifier_id = ANY (held.identifiers))) ORDER BY held.set_id)
			FROM cdp.identifier_set AS held JOIN cdp.source USING (source_id)
			WHERE held.set_id = ANY ($2)),
		'observations', (
			SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('set_id', said.set_id, 'trait', said.name,
				'raw', said.raw, 'observed_at', said.observed_at, 'expires_at', said.expires_at,
				'source', source.name))
				|| jsonb_build_object('value', said.value) ORDER BY said.set_id, said.name, said.observed_at)
			FROM (SELECT set_id, source_id, name, value, raw, observed_at, expires_at FROM cdp.trait_observation
					WHERE set_id = ANY ($2)
				UNION SELECT set_id, source_id, name, value, raw, observed_at, expires_at FROM cdp.trait_history
					WHERE set_id = ANY ($2)) AS said
				JOIN cdp.source USING (source_id)),
		'pins', (
			SELECT jsonb_agg(jsonb_build_object('trait', pin.name, 'value', pin.value, 'reason', pin.reason,
				'at', pin.pinned_at, 'by', pin.actor) ORDER BY pin.pinned_at, pin.name)
			FROM cdp.trait_pin AS pin WHERE pin.identifier_id = ANY ($1)))
$$;
COMMENT ON FUNCTION cdp._export_evidence(bigint[], bigint[]) IS
'identifiers, records, observations and pins of cdp.export_subject()';

CREATE FUNCTION cdp._export_events(leaves bigint[], sets bigint[]) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
	SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('event_id', event.event_id, 'name', event.name,
		'occurred_at', event.occurred_at, 'received_at', event.received_at, 'source', source.name,
		'message_id', event.message_id, 'amount', event.amount, 'currency', event.currency))
		|| jsonb_build_object('properties', coalesce(event.properties, '{}'))
		ORDER BY event.occurred_at, event.event_id)
	FROM (SELECT * FROM cdp._events_of($1, $2) OFFSET 0) AS found
	JOIN cdp.event ON event.event_id = found.event_id AND event.occurred_at = found.occurred_at
	JOIN cdp.source USING (source_id)
$$;
COMMENT ON FUNCTION cdp._export_events(bigint[], bigint[]) IS
'events of cdp.export_subject()';

CREATE FUNCTION cdp._export_consents(members bigint[], live bigint) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
	SELECT jsonb_build_object(
		'consents', (
			SELECT jsonb_agg(jsonb_build_object('identifier', cdp._suppression_key(type.type, named.scope, named.value),
				'purpose', said.purpose, 'channel', said.channel, 'state', said.state, 'basis', said.basis,
				'at', said.at, 'recorded_at', said.recorded_at, 'recorded_by', said.actor, 'source', source.name,
				'evidence', coalesce(said.evidence, given.evidence), 'document', said.document, 'text', (
					SELECT jsonb_build_object('version', shown.version, 'language', shown.language,
						'sha256', encode(shown.text_sha256, 'hex'), 'url', shown.url)
					FROM cdp.consent_document AS shown WHERE shown.document = said.document))
				ORDER BY said.consent_id)
			FROM unnest($1) AS own (identifier_id)
				JOIN cdp.consent_log AS said USING (identifier_id)
				LEFT JOIN cdp.consent_log AS given ON given.consent_id = said.kept_of
				LEFT JOIN cdp.source ON source.source_id = said.source_id
				JOIN cdp.identifier AS named
					ON named.identifier_id = coalesce(given.identifier_id, own.identifier_id)
				JOIN cdp.identifier_type AS type USING (type_id)
			WHERE given.identifier_id = ANY ($1) IS NOT TRUE),
		'consent_now', (
			SELECT jsonb_agg(jsonb_build_object('purpose', held.purpose, 'channel', held.channel,
				'state', CASE WHEN held.expires_at <= cdp.clock() THEN 'expired' ELSE held.state END,
				'at', held.at, 'expires_at', held.expires_at) ORDER BY held.purpose, held.channel)
			FROM cdp.consent_state AS held WHERE held.profile_id = $2),
		'suppressions', (
			SELECT jsonb_agg(jsonb_build_object('type', hidden.type, 'channel', nullif(hidden.channel, ''),
				'reason', hidden.reason, 'until', hidden.until, 'at', hidden.created_at)
				ORDER BY hidden.created_at, hidden.type, hidden.channel)
			FROM cdp._identifier_hashes($1) AS own JOIN cdp.suppression AS hidden USING (key_hash)),
		'requests', (
			SELECT jsonb_agg(jsonb_build_object('request_id', asked.request_id, 'kind', asked.kind,
				'requested_at', asked.requested_at, 'due_at', asked.due_at, 'done_at', asked.done_at,
				'reason', asked.reason) ORDER BY asked.request_id)
			FROM cdp.privacy_request AS asked
			WHERE asked.subject && ARRAY(SELECT key_hash FROM cdp._identifier_hashes($1))))
$$;
COMMENT ON FUNCTION cdp._export_consents(bigint[], bigint) IS
'answers, suppressions and requests of cdp.export_subject()';

CREATE FUNCTION cdp._export_use(members bigint[], leaves bigint[], live bigint) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
	SELECT jsonb_build_object(
		'segments', (
			SELECT jsonb_agg(to_jsonb(known) ORDER BY known.segment) FROM cdp._memberships_now($3) AS known),
		'membership_changes', (
			SELECT jsonb_agg(jsonb_build_object('segment', segment.name, 'change', told.change,
				'reason', told.reason, 'at', told.at) ORDER BY told.change_id)
			FROM cdp.membership_change AS told JOIN cdp.segment USING (segment_id)
			WHERE told.profile_id = ANY ($2)),
		'released', (
			SELECT jsonb_agg(jsonb_build_object('audience', audience.name, 'destination', audience.destination,
				'purpose', audience.purpose, 'channel', audience.channel, 'key_type', sent.identifier_type,
				'key', sent.key, 'being_removed', sent.removed IS NOT NULL) ORDER BY audience.name, sent.key)
			FROM cdp.audience_sent AS sent JOIN cdp.audience USING (audience_id)
			WHERE sent.profile_id = ANY ($2)),
		'experiments', (
			SELECT jsonb_agg(jsonb_build_object('experiment', experiment.name, 'arm', member.arm,
				'at', member.assigned_at) ORDER BY member.assigned_at, experiment.name)
			FROM cdp.experiment JOIN cdp.experiment_member AS member USING (experiment_id)
			WHERE member.profile_id = ANY ($2)),
		'groups', (
			SELECT jsonb_agg(to_jsonb(held) - 'profile_id' ORDER BY held.kind)
			FROM cdp.profile_group AS held WHERE held.profile_id = $3),
		'scores', (
			SELECT to_jsonb(scored) - '{rfm,profile_id}'::text[]
			FROM cdp.profile_score AS scored WHERE scored.profile_id = $3),
		'merges', (
			SELECT jsonb_agg(jsonb_build_object('at', log.at, 'change', log.change,
				'profile_before', log.profile_before, 'profile_after', log.profile_after) ORDER BY log.log_id)
			FROM cdp.identity_log AS log
			WHERE log.profile_before = ANY ($2) OR log.profile_after = ANY ($2)),
		'decisions', (
			SELECT jsonb_agg(jsonb_build_object('verdict', made.verdict, 'at', action.at, 'by', action.actor,
				'reason', action.reason, 'holds', made.withdrawn_by IS NULL) ORDER BY made.decision_id)
			FROM cdp.decision AS made JOIN cdp.steward_action AS action USING (action_id)
			WHERE made.identifier_a = ANY ($1) OR made.identifier_b = ANY ($1)))
$$;
COMMENT ON FUNCTION cdp._export_use(bigint[], bigint[], bigint) IS
'segments, releases, scores, merges and decisions of cdp.export_subject()';

CREATE FUNCTION cdp._export_raw(members bigint[]) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
	WITH found AS MATERIALIZED (
		SELECT raw.* FROM cdp._subject_values($1) AS named,
			cdp._raw_records_of(named.keys, named.values) AS raw
	)
	SELECT jsonb_build_object(
		'waiting', (SELECT jsonb_agg(jsonb_build_object('source', inbox.source, 'record', inbox.record,
				'received_at', inbox.received_at) ORDER BY inbox_id)
			FROM cdp.inbox WHERE inbox_id IN (SELECT id FROM found WHERE in_inbox)),
		'rejected', (SELECT jsonb_agg(jsonb_build_object('source', reject.source, 'record', reject.record,
				'reason', reject.reason, 'received_at', reject.received_at) ORDER BY reject_id)
			FROM cdp.reject WHERE reject_id IN (SELECT id FROM found WHERE NOT in_inbox)))
$$;
COMMENT ON FUNCTION cdp._export_raw(bigint[]) IS
'waiting and rejected records of cdp.export_subject()';

CREATE FUNCTION cdp._export_subject(profile_id bigint, reason text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET jit = off
AS $$
DECLARE
	live bigint;
	whom record;
	hashes bytea[];
	request bigint;
	document jsonb;
	counts jsonb;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_reason($2);
	PERFORM cdp._begin_action($2);
	live := cdp._settle_profile($1);
	SELECT * INTO whom FROM cdp._find_subject(live);
	document := jsonb_build_object('format', 'cdp.subject/1', 'exported_at', cdp.clock(),
			'profile_id', live, 'profile_ids', to_jsonb(whom.leaves),
			'restricted', cdp._is_restricted(live),
			'profile', (SELECT to_jsonb(shown) FROM cdp.unified_profile AS shown WHERE shown.profile_id = live),
			'traits', (SELECT jsonb_agg(to_jsonb(shown) - 'profile_id' ORDER BY shown.name)
				FROM cdp.profile_trait AS shown WHERE shown.profile_id = live),
			'events', cdp._export_events(whom.leaves, whom.sets))
		|| cdp._export_evidence(whom.members, whom.sets)
		|| cdp._export_consents(whom.members, live)
		|| cdp._export_use(whom.members, whom.leaves, live)
		|| cdp._export_raw(whom.members);
	SELECT jsonb_object_agg(part.key, CASE jsonb_typeof(part.value)
			WHEN 'null' THEN '[]' ELSE part.value END) INTO document
	FROM jsonb_each(document) AS part;
	SELECT jsonb_object_agg(part.key, jsonb_array_length(part.value)) INTO counts
	FROM jsonb_each(document) AS part
	WHERE jsonb_typeof(part.value) = 'array' AND part.value <> '[]';
	hashes := ARRAY(SELECT own.key_hash FROM cdp._identifier_hashes(whom.members) AS own);
	request := cdp._begin_request('export', hashes, $2);
	PERFORM cdp._close_request(request, hashes, $2, counts, document);
	RETURN document;
END
$$;
COMMENT ON FUNCTION cdp._export_subject(bigint, text) IS
'what the door cdp.export_subject() does';
