-- What a CRM asks of one customer: what to do next, and what there was.

CREATE FUNCTION cdp._check_action_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NEW.predicate := cdp._predicate_bind(NEW.predicate, cdp._evaluation_context());
	NEW.error := NULL;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_action_rule() IS
'trigger: a rule for the next action has a predicate that can be asked';

CREATE FUNCTION cdp._note_crm_rules() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._lock_merger();
	UPDATE cdp.crm_feed SET acted_at = NULL, checked_at = NULL;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._note_crm_rules() IS
'trigger: the next merge run makes next actions and looks at all customers';

CREATE FUNCTION cdp._action_starter() RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.next_action_rule (position, predicate, action, description) VALUES
		(10, 'kind = ''known'' and in_segment(''at_risk_high_value'')', 'call',
			'worth a lot, and about to leave'),
		(20, 'latest(ticket.status, 90 days) in (''new'', ''open'', ''pending'')', 'answer ticket',
			'waits for an answer'),
		(30, 'in_segment(''abandoned_cart'')', 'finish cart',
			'left a cart'),
		(40, 'did(order, between 7 and 60 days ago) and not did(review, 60 days)', 'ask for review',
			'has bought, and not said how it was'),
		(50, 'did(any)', 'recommend', 'nothing else is due')
	ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION cdp._action_starter() IS
'the rules for next actions that a new store begins with';

CREATE FUNCTION cdp._next_action(profile_id bigint, as_of timestamptz)
RETURNS TABLE ("position" integer, action text, description text)
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	live bigint := cdp._person_asked($1);
	context jsonb := cdp._evaluation_context();
	rules cdp.next_action_rule[] := ARRAY(
		SELECT rule FROM cdp.next_action_rule AS rule
		WHERE NOT EXISTS (SELECT FROM cdp._predicate_check(rule.predicate, context)
			WHERE severity = 'error')
		ORDER BY rule.position);
	first integer := (
		SELECT min(number)
		FROM cdp._evaluate_all(ARRAY(SELECT rule.predicate FROM unnest(rules) AS rule),
				$2, ARRAY[live]) AS asked,
			unnest(asked.matched) AS number);
BEGIN
	IF first IS NOT NULL THEN
		RETURN QUERY SELECT rules[first].position, rules[first].action, rules[first].description;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._next_action(bigint, timestamptz) IS
'the first rule for next actions that is true of a profile';

-- All customers in one pass, as segments are; a rule that cannot be asked is
-- passed over and says why.
CREATE FUNCTION cdp._refresh_actions(as_of timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	context jsonb := cdp._evaluation_context();
	predicates cdp.predicate[];
	positions integer[];
	changed bigint;
BEGIN
	UPDATE cdp.next_action_rule AS rule SET error = found.message
	FROM (
		SELECT every.position, (
			SELECT min(message) FROM cdp._predicate_check(every.predicate, context)
			WHERE severity = 'error') AS message
		FROM cdp.next_action_rule AS every
	) AS found
	WHERE found.position = rule.position AND rule.error IS DISTINCT FROM found.message;
	SELECT coalesce(array_agg(predicate ORDER BY position), '{}'),
		coalesce(array_agg(position ORDER BY position), '{}')
	INTO predicates, positions
	FROM cdp.next_action_rule
	WHERE error IS NULL;
	WITH wanted AS MATERIALIZED (
		SELECT asked.profile_id, positions[first.number] AS position
		FROM cdp._evaluate_all(predicates, $1) AS asked
		JOIN cdp.profile_current AS current ON current.profile_id = asked.profile_id
			AND current.kind = 'known'
		CROSS JOIN LATERAL (SELECT min(number) AS number FROM unnest(asked.matched) AS number) AS first
		WHERE first.number IS NOT NULL
	), gone AS (
		DELETE FROM cdp.profile_action AS old
		WHERE NOT EXISTS (SELECT FROM wanted WHERE wanted.profile_id = old.profile_id)
		RETURNING 1
	), put AS (
		INSERT INTO cdp.profile_action AS old (profile_id, position)
		SELECT profile_id, position FROM wanted
		ON CONFLICT ON CONSTRAINT profile_action_pkey DO UPDATE
		SET position = excluded.position
		WHERE old.position <> excluded.position
		RETURNING 1
	)
	SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM put) INTO changed;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION cdp._refresh_actions(timestamptz) IS
'make the next action of every customer; returns how many changed';

CREATE FUNCTION cdp._learn_pipelines(as_of timestamptz) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE cdp.pipeline_stage AS stage
	SET learnt_probability = CASE WHEN learnt.known >= 5 THEN learnt.ever END,
		learnt_from = coalesce(learnt.known, 0)
	FROM cdp.pipeline_stage AS every
	LEFT JOIN cdp._deal_chances($1, 'infinity') AS learnt
		ON learnt.pipeline = every.pipeline AND learnt.stage = every.stage AND learnt.age = 0
	WHERE (every.pipeline, every.stage) = (stage.pipeline, stage.stage)
		AND stage.outcome = 'open'
		AND (stage.learnt_from, stage.learnt_probability) IS DISTINCT FROM
			(coalesce(learnt.known, 0), CASE WHEN learnt.known >= 5 THEN learnt.ever END)
$$;
COMMENT ON FUNCTION cdp._learn_pipelines(timestamptz) IS
'note how many deals of each open stage are won in the end';

-- The timeline tells which events there were and when; the log, probed by name
-- and time, what they said.
CREATE FUNCTION cdp._interaction_history(profile_id bigint, "limit" integer, as_of timestamptz)
RETURNS TABLE (
	occurred_at timestamptz,
	event text,
	channel text,
	direction text,
	subject text,
	amount numeric,
	source text,
	properties jsonb)
LANGUAGE plpgsql STABLE ROWS 50
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	live bigint := cdp._person_asked($1);
	name_ids integer[] := ARRAY(
		SELECT name_id FROM cdp.event_name JOIN cdp.interaction_type ON event = name);
BEGIN
	IF $2 IS NULL OR $2 < 0 THEN
		RAISE EXCEPTION 'invalid limit %', coalesce($2::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is 0 or more.';
	END IF;
	RETURN QUERY
	SELECT logged.occurred_at::timestamptz, logged.name::text, kind.channel, kind.direction,
		coalesce(logged.properties ->> 'subject', logged.properties ->> 'title',
			logged.properties ->> 'text', logged.properties ->> 'stage',
			logged.properties ->> 'campaign', logged.properties ->> 'product_name'),
		logged.amount::numeric, source.name::text, logged.properties
	FROM (
		SELECT DISTINCT newest.name_id, newest.occurred_at
		FROM (
			SELECT event.name_id, event.occurred_at
			FROM cdp.timeline_chunk AS chunk
			CROSS JOIN LATERAL cdp.timeline_events(chunk.data, name_ids) AS event
			LEFT JOIN cdp.source AS sender ON sender.source_id = event.source_id
			WHERE chunk.profile_id = live AND event.occurred_at < $3
				AND coalesce(event.occurred_at > cdp._kept_after(sender.retention), true)
			ORDER BY event.occurred_at DESC, event.name_id
			LIMIT $2
		) AS newest
		OFFSET 0
	) AS happened
	JOIN cdp.event_name AS named ON named.name_id = happened.name_id
	JOIN cdp.interaction_type AS kind ON kind.event = named.name
	CROSS JOIN LATERAL (
		SELECT event.*
		FROM cdp.event
		WHERE event.name = named.name AND event.occurred_at = happened.occurred_at
		OFFSET 0
	) AS logged
	CROSS JOIN LATERAL (
		SELECT owned.profile_id FROM cdp._set_profile AS owned
		WHERE owned.set_id = logged.set_id
		OFFSET 0
	) AS owner
	JOIN cdp.source ON source.source_id = logged.source_id
	WHERE owner.profile_id = live
		AND coalesce(logged.occurred_at > cdp._kept_after(source.retention), true)
	ORDER BY 1 DESC, 2, 7, logged.event_id DESC
	LIMIT $2;
END
$$;
COMMENT ON FUNCTION cdp._interaction_history(bigint, integer, timestamptz) IS
'what cdp.interaction_history() tells';
