CREATE TYPE cdp.timeline;

CREATE FUNCTION cdp.timeline_in(cstring) RETURNS cdp.timeline
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_in';

CREATE FUNCTION cdp.timeline_out(cdp.timeline) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_out';

CREATE FUNCTION cdp.timeline_recv(internal) RETURNS cdp.timeline
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_recv';

CREATE FUNCTION cdp.timeline_send(cdp.timeline) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_send';

CREATE TYPE cdp.timeline (
	INPUT = cdp.timeline_in,
	OUTPUT = cdp.timeline_out,
	RECEIVE = cdp.timeline_recv,
	SEND = cdp.timeline_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = main
);

COMMENT ON TYPE cdp.timeline IS
'events packed and sorted: name, source, time to the millisecond, amount, declared properties';
COMMENT ON FUNCTION cdp.timeline_in(cstring) IS 'I/O of cdp.timeline';
COMMENT ON FUNCTION cdp.timeline_out(cdp.timeline) IS 'I/O of cdp.timeline';
COMMENT ON FUNCTION cdp.timeline_recv(internal) IS 'I/O of cdp.timeline';
COMMENT ON FUNCTION cdp.timeline_send(cdp.timeline) IS 'I/O of cdp.timeline';

CREATE FUNCTION cdp.timeline_eq(a cdp.timeline, b cdp.timeline) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_eq';
COMMENT ON FUNCTION cdp.timeline_eq(cdp.timeline, cdp.timeline) IS
'do both hold the same events?';

CREATE FUNCTION cdp.timeline_ne(a cdp.timeline, b cdp.timeline) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_ne';
COMMENT ON FUNCTION cdp.timeline_ne(cdp.timeline, cdp.timeline) IS
'do they hold different events?';

CREATE FUNCTION cdp.timeline_hash(timeline cdp.timeline) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_hash';
COMMENT ON FUNCTION cdp.timeline_hash(cdp.timeline) IS
'hash of the events, for hash joins and grouping';

CREATE FUNCTION cdp.timeline_hash_extended(timeline cdp.timeline, seed bigint)
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_hash_extended';
COMMENT ON FUNCTION cdp.timeline_hash_extended(cdp.timeline, bigint) IS
'hash of the events with a seed, for hash partitioning';

CREATE OPERATOR cdp.= (
	LEFTARG = cdp.timeline,
	RIGHTARG = cdp.timeline,
	FUNCTION = cdp.timeline_eq,
	COMMUTATOR = OPERATOR(cdp.=),
	NEGATOR = OPERATOR(cdp.<>),
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES
);
COMMENT ON OPERATOR cdp.= (cdp.timeline, cdp.timeline) IS
'do both hold the same events?';

CREATE OPERATOR cdp.<> (
	LEFTARG = cdp.timeline,
	RIGHTARG = cdp.timeline,
	FUNCTION = cdp.timeline_ne,
	COMMUTATOR = OPERATOR(cdp.<>),
	NEGATOR = OPERATOR(cdp.=),
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);
COMMENT ON OPERATOR cdp.<> (cdp.timeline, cdp.timeline) IS
'do they hold different events?';

CREATE OPERATOR CLASS cdp.timeline_ops
DEFAULT FOR TYPE cdp.timeline USING hash AS
	OPERATOR 1 cdp.=,
	FUNCTION 1 cdp.timeline_hash(cdp.timeline),
	FUNCTION 2 cdp.timeline_hash_extended(cdp.timeline, bigint);

CREATE FUNCTION cdp.timeline_count(timeline cdp.timeline) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_count';
COMMENT ON FUNCTION cdp.timeline_count(cdp.timeline) IS
'how many events it holds';

CREATE FUNCTION cdp.timeline_first(timeline cdp.timeline) RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_first';
COMMENT ON FUNCTION cdp.timeline_first(cdp.timeline) IS
'the time of its first event; NULL if it is empty';

CREATE FUNCTION cdp.timeline_last(timeline cdp.timeline) RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_last';
COMMENT ON FUNCTION cdp.timeline_last(cdp.timeline) IS
'the time of its last event; NULL if it is empty';

CREATE FUNCTION cdp.timeline_may_contain(timeline cdp.timeline, name_id integer)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_may_contain';
COMMENT ON FUNCTION cdp.timeline_may_contain(cdp.timeline, integer) IS
'does it hold an event of that name; quick, for a timeline begins with the list of them';

CREATE FUNCTION cdp.timeline_events(
	timeline cdp.timeline,
	names integer[] DEFAULT NULL)
RETURNS TABLE (
	name_id integer,
	source_id integer,
	occurred_at timestamptz,
	amount numeric,
	properties jsonb)
LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 50
AS 'MODULE_PATHNAME', 'cdp_timeline_events_sql';
COMMENT ON FUNCTION cdp.timeline_events(cdp.timeline, integer[]) IS
'the events of a timeline as rows, in order, or only those of some names; properties by slot (cdp.event_property)';

CREATE FUNCTION cdp.timeline_merge(timelines cdp.timeline[]) RETURNS cdp.timeline
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_merge_sql';
COMMENT ON FUNCTION cdp.timeline_merge(cdp.timeline[]) IS
'all the events of several timelines as one timeline';

CREATE FUNCTION cdp.timeline_between(
	timeline cdp.timeline,
	since timestamptz,
	until timestamptz)
RETURNS cdp.timeline
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_timeline_between';
COMMENT ON FUNCTION cdp.timeline_between(cdp.timeline, timestamptz, timestamptz) IS
'the events of a timeline from since on and before until, as a timeline';

CREATE FUNCTION cdp._timeline_chunks(timelines cdp.timeline[])
RETURNS cdp.timeline[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__timeline_chunks';
COMMENT ON FUNCTION cdp._timeline_chunks(cdp.timeline[]) IS
'all the events of several timelines, cut into chunks to be stored';
