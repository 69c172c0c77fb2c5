CREATE TABLE cdp.segment (
	segment_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE
		CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
	predicate cdp.predicate NOT NULL,
	version integer NOT NULL DEFAULT 1,
	description text,
	active boolean NOT NULL DEFAULT true,
	notify boolean NOT NULL DEFAULT false,
	author text NOT NULL DEFAULT current_user,
	defined_at timestamptz NOT NULL DEFAULT now(),
	size bigint,
	as_of timestamptz,
	error text
);
COMMENT ON TABLE cdp.segment IS
'segments as they are defined now; change them with cdp.define_segment() and cdp.drop_segment()';
COMMENT ON COLUMN cdp.segment.active IS 'refreshed; others lose their members at the next refresh of all';
COMMENT ON COLUMN cdp.segment.notify IS
'changes of its members are told on the channel cdp_segment; set by cdp.notify_segment()';
COMMENT ON COLUMN cdp.segment.size IS 'members at the last refresh';
COMMENT ON COLUMN cdp.segment.as_of IS 'the instant of the last refresh';
COMMENT ON COLUMN cdp.segment.error IS
'why it could not be evaluated, by the last refresh or an ingest since; until one can, its members stay';
SELECT cdp._watch_table('cdp.segment', 'name, predicate');

CREATE TABLE cdp.segment_version (
	segment_id integer NOT NULL
		REFERENCES cdp.segment (segment_id) ON DELETE CASCADE,
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
	(score).churn_band, suppressed)::cdp._profile_facts;
COMMENT ON FUNCTION cdp._facts(cdp.profile_current, cdp.profile_score, jsonb) IS
'what predicates see of a profile besides its events, from its rows';
