-- What segments are, and apart from it how the last refresh of each went: who
-- defines a segment never waits for an evaluation, nor the other way round.
CREATE TABLE cdp.segment_definition (
	segment_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE
		CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
	predicate cdp.predicate NOT NULL,
	version integer NOT NULL DEFAULT 1,
	description text,
	active boolean NOT NULL DEFAULT true,
	notify boolean NOT NULL DEFAULT false,
	author text NOT NULL DEFAULT current_user,
	defined_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cdp.segment_definition IS
'segments as they are defined now; read them as cdp.segment';
SELECT cdp._watch_table('cdp.segment_definition', 'name, predicate');
-- Predicates are checked against the values that these know.
SELECT cdp._watch_table('cdp.lifecycle_rule', 'stage');
SELECT cdp._watch_table('cdp.churn_band_rule', 'band');

CREATE TABLE cdp.segment_state (
	segment_id integer PRIMARY KEY
		REFERENCES cdp.segment_definition ON DELETE CASCADE,
	size bigint,
	as_of timestamptz,
	failed_version integer,
	error text,
	CHECK ((failed_version IS NULL) = (error IS NULL))
);
COMMENT ON TABLE cdp.segment_state IS
'how the last evaluation of each segment went; written under the merger''s lock, read as cdp.segment';
COMMENT ON COLUMN cdp.segment_state.failed_version IS
'the version of the definition that could not be evaluated; NULL: it could';

CREATE VIEW cdp.segment AS
SELECT defined.segment_id, defined.name, defined.predicate::text AS predicate,
	defined.version, defined.description, defined.active, defined.notify,
	defined.author, defined.defined_at,
	(SELECT state.size FROM cdp.segment_state AS state
		WHERE state.segment_id = defined.segment_id) AS size,
	(SELECT state.as_of FROM cdp.segment_state AS state
		WHERE state.segment_id = defined.segment_id) AS as_of,
	(SELECT state.error FROM cdp.segment_state AS state
		WHERE state.segment_id = defined.segment_id
			AND state.failed_version = defined.version) AS error,
	cdp.clock() - (SELECT state.as_of FROM cdp.segment_state AS state
		WHERE state.segment_id = defined.segment_id) AS freshness
FROM cdp.segment_definition AS defined;
COMMENT ON VIEW cdp.segment IS
'segments as they are defined now, and how the last refresh of each went; change them with cdp.define_segment() and cdp.drop_segment()';
COMMENT ON COLUMN cdp.segment.active IS 'refreshed; others lose their members at the next refresh of all';
COMMENT ON COLUMN cdp.segment.notify IS
'changes of its members are told on the channel cdp_segment; set by cdp.notify_segment()';
COMMENT ON COLUMN cdp.segment.size IS 'members at the last refresh';
COMMENT ON COLUMN cdp.segment.as_of IS 'the instant of the last refresh';
COMMENT ON COLUMN cdp.segment.error IS
'why it could not be evaluated, by the last refresh or an ingest since; until one can, its members stay';
COMMENT ON COLUMN cdp.segment.freshness IS 'how long ago the last refresh was';

CREATE TABLE cdp.segment_version (
	segment_id integer NOT NULL
		REFERENCES cdp.segment_definition ON DELETE CASCADE,
	version integer NOT NULL,
	predicate cdp.predicate NOT NULL,
	description text,
	author text NOT NULL,
	defined_at timestamptz NOT NULL,
	PRIMARY KEY (segment_id, version)
);
COMMENT ON TABLE cdp.segment_version IS
'every definition that a segment has had, by whom and when';

-- Inlined where it is used, so where facts are not asked for no column is read.
CREATE FUNCTION cdp._facts(
	current cdp.profile_current,
	score cdp.profile_score,
	suppressed jsonb)
RETURNS cdp._profile_facts
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ROW((current).traits, (current).identifiers, (current).consents,
	(score).scores, (current).kind, (current).first_seen, (current).last_seen,
	(current).events, (current).orders, (current).gross_revenue,
	(current).revenue, (current).first_order_at, (current).last_order_at,
	(score).rfm_recency, (score).rfm_frequency, (score).rfm_monetary,
	(score).lifecycle, (score).clv_365d, (score).churn_90d,
	(score).churn_band, suppressed, (current).expiring)::cdp._profile_facts;
COMMENT ON FUNCTION cdp._facts(cdp.profile_current, cdp.profile_score, jsonb) IS
'what predicates see of a profile besides its events, from its rows';

-- A function, because a scan of all profiles is to run in parallel: the view has
-- sub-selects that depend on a row or that the planner would rather give workers
-- of their own, and a plan that begins inside a worker may have neither.
CREATE FUNCTION cdp._suppressed_channels(profile_ids bigint[])
RETURNS TABLE (profile_id bigint, channels jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT held.profile_id, held.channels
	FROM cdp._suppressed AS held
	WHERE $1 IS NULL OR held.profile_id = ANY ($1);
END
$$;
COMMENT ON FUNCTION cdp._suppressed_channels(bigint[]) IS
'cdp._suppressed of these profiles, or of all';

-- One pass over all profiles, or some.  Plain joins, because a scan of all is to
-- run in parallel, and what looks chunks up profile by profile cannot.  Nearly
-- all profiles have one chunk, so only later chunks are gathered into arrays.
-- Without facts, timelines are evaluated where they are read, and what is
-- joined with profiles is the answer: a hash table of timelines would cost as
-- much as all the rest.
-- Inlined, so what is a constant where it is used decides between a scan and a
-- few look-ups (profile_ids), and what is read of profiles (asks_facts): without
-- facts, next to nothing.  DISTINCT ON tells the planner that it may leave out a
-- join whose columns nobody asks for.
CREATE FUNCTION cdp._evaluate_scan(
	predicates cdp.predicate[],
	context jsonb,
	as_of timestamptz,
	profile_ids bigint[],
	asks_facts boolean,
	asks_suppressed boolean)
RETURNS TABLE (profile_id bigint, ord integer, segment_ids integer[], matched integer[])
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT current.profile_id, current.ord, current.segment_ids,
		CASE WHEN $5 THEN
			cdp._evaluate($1, $2, $3, current.profile_id, told.data, told.later,
				cdp._facts(current, score, held.channels))
		ELSE
			coalesce(told.matched, cdp._evaluate($1, $2, $3, current.profile_id))
		END
	FROM cdp.profile_current AS current
	LEFT JOIN (
		SELECT first.profile_id, first.data, later.timelines AS later,
			cdp._evaluate($1, $2, $3, first.profile_id, first.data, later.timelines)
				AS matched
		FROM cdp.timeline_chunk AS first
		LEFT JOIN (
			SELECT timeline_chunk.profile_id,
				array_agg(timeline_chunk.data ORDER BY timeline_chunk.chunk) AS timelines
			FROM cdp.timeline_chunk
			WHERE timeline_chunk.chunk > 1
				AND ($4 IS NULL OR timeline_chunk.profile_id = ANY ($4))
			GROUP BY timeline_chunk.profile_id
		) AS later ON later.profile_id = first.profile_id
		WHERE first.chunk = 1
			AND ($4 IS NULL OR first.profile_id = ANY ($4))
	) AS told ON told.profile_id = current.profile_id
	LEFT JOIN cdp.profile_score AS score
		ON score.profile_id = current.profile_id
	LEFT JOIN (
		SELECT DISTINCT ON (suppressed.profile_id) suppressed.profile_id, suppressed.channels
		FROM cdp._suppressed_channels($4) AS suppressed
		WHERE $6
	) AS held ON held.profile_id = current.profile_id
	WHERE $4 IS NULL OR current.profile_id = ANY ($4);
END;
COMMENT ON FUNCTION cdp._evaluate_scan(cdp.predicate[], jsonb, timestamptz, bigint[], boolean, boolean) IS
'for every live profile, or those given, the numbers, from 1, of the predicates that are true of it; what it needs to know of the store is in its arguments';
