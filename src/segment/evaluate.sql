-- What predicates see of a profile besides its events: columns of its rows, in
-- the order of CdpFact (evaluate.h).
CREATE TYPE cdp._profile_facts AS (
	traits jsonb,
	identifiers jsonb,
	consents jsonb,
	scores jsonb,
	kind text,
	first_seen timestamptz,
	last_seen timestamptz,
	events bigint,
	orders bigint,
	gross_revenue numeric,
	revenue numeric,
	first_order_at timestamptz,
	last_order_at timestamptz,
	rfm_recency integer,
	rfm_frequency integer,
	rfm_monetary integer,
	lifecycle text,
	clv_365d numeric,
	churn_90d double precision,
	churn_band text,
	suppressed jsonb,
	expiring jsonb
);
COMMENT ON TYPE cdp._profile_facts IS
'what predicates see of a profile besides its events';

-- One call per profile of a scan.
CREATE FUNCTION cdp._evaluate(
	predicates cdp.predicate[],
	context jsonb,
	as_of timestamptz,
	profile_id bigint DEFAULT NULL,
	timeline cdp.timeline DEFAULT NULL,
	later_timelines cdp.timeline[] DEFAULT NULL,
	facts cdp._profile_facts DEFAULT NULL)
RETURNS integer[]
LANGUAGE c STABLE PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'cdp__evaluate';
COMMENT ON FUNCTION cdp._evaluate IS
'the numbers, from 1, of the predicates that are true of a profile; all it needs to know is in its arguments';

-- Expressions are written as predicates are, and their text is of that type;
-- what is wanted here is not whether they are true, but what they are worth.
CREATE FUNCTION cdp._evaluate_values(
	expressions cdp.predicate[],
	context jsonb,
	as_of timestamptz,
	profile_id bigint DEFAULT NULL,
	timeline cdp.timeline DEFAULT NULL,
	later_timelines cdp.timeline[] DEFAULT NULL,
	facts cdp._profile_facts DEFAULT NULL)
RETURNS jsonb[]
LANGUAGE c STABLE PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'cdp__evaluate_values';
COMMENT ON FUNCTION cdp._evaluate_values IS
'the values of expressions for a profile; all it needs to know is in its arguments';

-- The same arguments and since, for predicates each of which is asked of what
-- happened after the one before it was true; as_of is when the asking ends.
CREATE FUNCTION cdp._stages_reached(
	stages cdp.predicate[],
	context jsonb,
	as_of timestamptz,
	profile_id bigint,
	timeline cdp.timeline,
	later_timelines cdp.timeline[],
	facts cdp._profile_facts,
	since timestamptz)
RETURNS timestamptz[]
LANGUAGE c STABLE PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'cdp__stages_reached';
COMMENT ON FUNCTION cdp._stages_reached IS
'when a profile reached each of the stages after the one before it, as far as it came; all it needs to know is in its arguments';

-- A scan for predicates that are about events only need not read, join and
-- hand over the rows of profiles.
CREATE FUNCTION cdp._asks_facts(predicates cdp.predicate[], context jsonb)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__asks_facts';
COMMENT ON FUNCTION cdp._asks_facts(cdp.predicate[], jsonb) IS
'is one of these predicates about more of a profile than its events';

CREATE FUNCTION cdp._predicate_check(
	predicate cdp.predicate,
	context jsonb,
	OUT severity text,
	OUT "position" integer,
	OUT message text,
	OUT hint text)
RETURNS SETOF record
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 3
AS 'MODULE_PATHNAME', 'cdp__predicate_check';
COMMENT ON FUNCTION cdp._predicate_check(cdp.predicate, jsonb) IS
'errors and warnings about a predicate, for a context that cdp._evaluation_context() made';

CREATE FUNCTION cdp._predicate_bind(predicate cdp.predicate, context jsonb)
RETURNS cdp.predicate
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__predicate_bind';
COMMENT ON FUNCTION cdp._predicate_bind(cdp.predicate, jsonb) IS
'the predicate with the time zone that it needs; raises if it cannot be evaluated';

CREATE FUNCTION cdp._expression_bind(
	INOUT expression cdp.predicate,
	context jsonb,
	OUT type text,
	OUT steady boolean)
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__expression_bind';
COMMENT ON FUNCTION cdp._expression_bind(cdp.predicate, jsonb) IS
'the expression with the time zone that it needs, the type of a trait for its value, and whether that changes with events only; raises if it has no value';

CREATE FUNCTION cdp.bucket(salt text, id text, count integer) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_bucket';
COMMENT ON FUNCTION cdp.bucket(text, text, integer) IS
'stable assignment of an id to one of count groups, 0 to count - 1: SHA-256 of salt:id';
