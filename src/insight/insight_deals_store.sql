-- Deals: the stages of pipelines, and what the log says of each deal.

CREATE TABLE cdp.pipeline_stage (
	pipeline text COLLATE "C" NOT NULL CHECK (pipeline <> ''),
	stage text COLLATE "C" NOT NULL
		CHECK (stage = cdp.normalise_event_name(stage)),
	position integer NOT NULL,
	probability double precision CHECK (probability BETWEEN 0 AND 1),
	outcome text NOT NULL DEFAULT 'open'
		CHECK (outcome IN ('open', 'won', 'lost')),
	learnt_probability double precision,
	learnt_from bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (pipeline, stage)
);
COMMENT ON TABLE cdp.pipeline_stage IS
'the stages of each pipeline of deals, in order; a stage that is not here is open, and comes before all others';
COMMENT ON COLUMN cdp.pipeline_stage.stage IS
'in snake_case, as stages of deals are compared: closed_won for "Closed Won"';
COMMENT ON COLUMN cdp.pipeline_stage.position IS
'stages of one position are one step';
COMMENT ON COLUMN cdp.pipeline_stage.probability IS
'share of the deals in this stage that are won in the end; NULL: learnt';
COMMENT ON COLUMN cdp.pipeline_stage.learnt_probability IS
'what the merge run has learnt from the deals that were in this stage; NULL: too few';
COMMENT ON COLUMN cdp.pipeline_stage.learnt_from IS
'how many deals that was learnt from';

INSERT INTO cdp.pipeline_stage (pipeline, stage, position, outcome) VALUES
	('sales', 'qualification', 1, 'open'),
	('sales', 'proposal', 2, 'open'),
	('sales', 'negotiation', 3, 'open'),
	('sales', 'won', 4, 'won'),
	('sales', 'closed_won', 4, 'won'),
	('sales', 'lost', 5, 'lost'),
	('sales', 'closed_lost', 5, 'lost');

-- The events of one deal, whosever they are.
CREATE INDEX event_deal_idx ON cdp.event ((properties ->> 'deal_id'), occurred_at)
	WHERE name = 'deal_stage';

-- Each event of each deal with what was known of the deal from then on: an
-- event that leaves something out leaves it as it was.  At one instant the later
-- stage is the later event.
CREATE VIEW cdp._deal_step AS
SELECT step.deal_id, step.profile_id, step.pipeline, step.stage,
	stage.position, coalesce(stage.outcome, 'open') AS outcome,
	coalesce(stage.probability, stage.learnt_probability) AS probability,
	step.amount, step.owner, step.expected_close, step.occurred_at, step.place,
	step.opened_at, step.entered, step.until,
	max(step.occurred_at) FILTER (WHERE step.entered) OVER (
		PARTITION BY step.deal_id ORDER BY step.place) AS stage_since
FROM (
	SELECT known.*,
		lead(known.occurred_at) OVER deal AS until,
		first_value(known.occurred_at) OVER deal AS opened_at,
		known.pipeline IS DISTINCT FROM lag(known.pipeline) OVER deal
			OR known.stage IS DISTINCT FROM lag(known.stage) OVER deal
			OR known.place = 1 AS entered
	FROM (
		SELECT told.deal_id, told.profile_id, told.occurred_at, told.place,
			coalesce((array_agg(told.pipeline) FILTER (WHERE told.pipeline <> '') OVER so_far)[
				count(nullif(told.pipeline, '')) OVER so_far], 'sales') AS pipeline,
			(array_agg(told.stage) FILTER (WHERE told.stage IS NOT NULL) OVER so_far)[
				count(told.stage) OVER so_far] AS stage,
			(array_agg(told.amount) FILTER (WHERE told.amount IS NOT NULL) OVER so_far)[
				count(told.amount) OVER so_far] AS amount,
			(array_agg(told.owner) FILTER (WHERE told.owner <> '') OVER so_far)[
				count(nullif(told.owner, '')) OVER so_far] AS owner,
			(array_agg(told.expected_close) FILTER (WHERE told.expected_close IS NOT NULL) OVER so_far)[
				count(told.expected_close) OVER so_far] AS expected_close
		FROM (
			SELECT said.*, row_number() OVER (
					PARTITION BY said.deal_id
					ORDER BY said.occurred_at, ranked.position NULLS FIRST,
						said.stage NULLS FIRST, said.amount NULLS FIRST,
						said.event_id) AS place
			FROM (
				SELECT event.event_id, owner.profile_id,
					event.properties ->> 'deal_id' AS deal_id,
					event.properties ->> 'pipeline' AS pipeline,
					cdp.normalise_event_name(event.properties ->> 'stage') AS stage,
					event.properties ->> 'owner' AS owner,
					cdp._iso_date(event.properties ->> 'expected_close') AS expected_close,
					event.amount::numeric AS amount,
					event.occurred_at::timestamptz AS occurred_at
				FROM cdp.event
				JOIN cdp._set_profile AS owner ON owner.set_id = event.set_id
				WHERE event.name = 'deal_stage'
					AND event.properties ->> 'deal_id' <> ''
					AND owner.profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept)
			) AS said
			LEFT JOIN cdp.pipeline_stage AS ranked
				ON ranked.pipeline = coalesce(nullif(said.pipeline, ''), 'sales')
				AND ranked.stage = said.stage
		) AS told
		WINDOW so_far AS (PARTITION BY told.deal_id ORDER BY told.place)
	) AS known
	WINDOW deal AS (PARTITION BY known.deal_id ORDER BY known.place)
) AS step
LEFT JOIN cdp.pipeline_stage AS stage
	ON stage.pipeline = step.pipeline AND stage.stage = step.stage;
COMMENT ON VIEW cdp._deal_step IS
'every event of every deal, and what was known of the deal from then (occurred_at) until the next one (until)';

CREATE VIEW cdp.deal AS
SELECT deal_id, profile_id, pipeline, stage::text AS stage, position,
	outcome, amount, owner, expected_close, probability, opened_at,
	stage_since, now.at - stage_since AS time_in_stage,
	CASE WHEN outcome <> 'open' THEN stage_since END AS closed_at
FROM cdp._deal_step
CROSS JOIN (SELECT cdp.clock() AS at OFFSET 0) AS now
WHERE occurred_at < now.at AND (until IS NULL OR until >= now.at);
COMMENT ON VIEW cdp.deal IS
'one row per deal, as its events say: where it is, since when, what it is worth; it is the profile''s that its last event is about';
COMMENT ON COLUMN cdp.deal.outcome IS 'open, won or lost';
COMMENT ON COLUMN cdp.deal.probability IS
'that a deal in this stage is won in the end: of cdp.pipeline_stage, given or learnt';
COMMENT ON COLUMN cdp.deal.closed_at IS 'NULL while it is open';

-- Where timelines do not hold which deal an event is about, the log says what the
-- events of its instant are about: those of others may be among them.
CREATE VIEW cdp._profile_deal AS
SELECT DISTINCT chunk.profile_id, told.deal_id
FROM cdp.timeline_chunk AS chunk
CROSS JOIN cdp.event_name AS known
CROSS JOIN (
	SELECT min(slot)::text AS slot
	FROM cdp.event_property
	WHERE event IN ('deal_stage', '*') AND property = 'deal_id' AND ready
) AS declared
CROSS JOIN LATERAL cdp.timeline_events(chunk.data, ARRAY[known.name_id]) AS event
CROSS JOIN LATERAL (
	SELECT event.properties ->> declared.slot AS deal_id
	WHERE declared.slot IS NOT NULL
	UNION ALL
	SELECT logged.properties ->> 'deal_id'
	FROM cdp.event AS logged
	WHERE declared.slot IS NULL AND logged.name = 'deal_stage'
		AND logged.occurred_at = event.occurred_at
) AS told
WHERE known.name = 'deal_stage' AND told.deal_id <> ''
	AND cdp.timeline_may_contain(chunk.data, known.name_id);
COMMENT ON VIEW cdp._profile_deal IS
'the deals that events of live profiles are about, and perhaps others';

-- Doors.
CREATE FUNCTION cdp.deals_of(profile_id bigint)
RETURNS SETOF cdp.deal
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 3
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
	live bigint := cdp._person_asked($1);
	ids text[] := ARRAY(SELECT own.deal_id FROM cdp._profile_deal AS own WHERE own.profile_id = live);
BEGIN
	IF cardinality(ids) = 0 THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT deal.*
	FROM cdp.deal
	WHERE deal.deal_id = ANY (ids) AND deal.profile_id = live
	ORDER BY deal.opened_at DESC, deal.deal_id;
END
$$;
REVOKE ALL ON FUNCTION cdp.deals_of(bigint) FROM PUBLIC;
COMMENT ON FUNCTION cdp.deals_of(bigint) IS
'the deals of one profile, the newest first';

-- For cdp.crm_contact, which asks it of those whose timelines tell of deals.  The
-- plan is kept, since to plan a look at all months of the log takes longer than
-- the look.
CREATE FUNCTION cdp.open_deals(
	profile_id bigint,
	OUT deals bigint,
	OUT amount numeric)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
	live bigint := cdp._person_asked($1);
	ids text[] := ARRAY(SELECT own.deal_id FROM cdp._profile_deal AS own WHERE own.profile_id = live);
BEGIN
	SELECT count(*), sum(state.amount)
	INTO deals, amount
	FROM cdp.deal AS state
	WHERE state.deal_id = ANY (ids) AND state.profile_id = live AND state.outcome = 'open';
END
$$;
REVOKE ALL ON FUNCTION cdp.open_deals(bigint) FROM PUBLIC;
COMMENT ON FUNCTION cdp.open_deals(bigint) IS
'how many open deals a profile has, and what they are worth together';

CREATE FUNCTION cdp.funnel(
	pipeline text DEFAULT 'sales',
	"window" interval DEFAULT '365 days',
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (
	step integer,
	stage text,
	reached bigint,
	conversion double precision,
	of_first double precision,
	median_time interval,
	lost bigint)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._pipeline_funnel($1, $2, coalesce($3, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.funnel(text, interval, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.funnel(text, interval, timestamptz) IS
'of the deals of a pipeline that were opened within the window: how many reached each step or one after it, how long that took from the step before, and how many were lost from there';

CREATE FUNCTION cdp.forecast(
	horizon interval DEFAULT '90 days',
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (
	part text,
	pipeline text,
	units bigint,
	unknown bigint,
	open_amount numeric,
	expected numeric,
	low numeric,
	high numeric)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._forecast($1, coalesce($2, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.forecast(interval, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.forecast(interval, timestamptz) IS
'what open deals will bring within the horizon, pipeline by pipeline, what customers without an open deal will, and the total, each with the range that holds it in 95 of 100 cases; unknown: deals whose chance or amount nobody knows';

CREATE FUNCTION cdp.forecast_backtest(
	horizon interval DEFAULT '90 days',
	periods integer DEFAULT 4,
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (
	origin timestamptz,
	part text,
	pipeline text,
	expected numeric,
	low numeric,
	high numeric,
	happened numeric,
	covered boolean)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 12
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._forecast_backtest($1, $2, coalesce($3, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.forecast_backtest(interval, integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.forecast_backtest(interval, integer, timestamptz) IS
'what cdp.forecast() would have said at the beginnings of the last periods, each as long as the horizon, knowing no more than was known then, and what happened';
