CREATE TYPE cdp.predicate;

CREATE FUNCTION cdp.predicate_in(cstring) RETURNS cdp.predicate
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_in';
COMMENT ON FUNCTION cdp.predicate_in(cstring) IS
'input function of cdp.predicate: checks the syntax and makes it canonical';

CREATE FUNCTION cdp.predicate_out(cdp.predicate) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_out';
COMMENT ON FUNCTION cdp.predicate_out(cdp.predicate) IS
'output function of cdp.predicate: its canonical text';

CREATE FUNCTION cdp.predicate_recv(internal) RETURNS cdp.predicate
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_recv';
COMMENT ON FUNCTION cdp.predicate_recv(internal) IS
'binary input function of cdp.predicate: the text, checked as any input';

CREATE FUNCTION cdp.predicate_send(cdp.predicate) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_send';
COMMENT ON FUNCTION cdp.predicate_send(cdp.predicate) IS
'binary output function of cdp.predicate';

CREATE TYPE cdp.predicate (
	INPUT = cdp.predicate_in,
	OUTPUT = cdp.predicate_out,
	RECEIVE = cdp.predicate_recv,
	SEND = cdp.predicate_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE cdp.predicate IS
'a yes/no/unknown question about a profile, such as: country = ''BR'' and count(order, 90 days) >= 3';

CREATE FUNCTION cdp.predicate_eq(cdp.predicate, cdp.predicate) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_eq';
COMMENT ON FUNCTION cdp.predicate_eq(cdp.predicate, cdp.predicate) IS
'do both have the same canonical text';

CREATE FUNCTION cdp.predicate_ne(cdp.predicate, cdp.predicate) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_ne';
COMMENT ON FUNCTION cdp.predicate_ne(cdp.predicate, cdp.predicate) IS
'do their canonical texts differ';

CREATE FUNCTION cdp.predicate_lt(cdp.predicate, cdp.predicate) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_lt';
COMMENT ON FUNCTION cdp.predicate_lt(cdp.predicate, cdp.predicate) IS
'does the first canonical text come before the second, by bytes';

CREATE FUNCTION cdp.predicate_le(cdp.predicate, cdp.predicate) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_le';
COMMENT ON FUNCTION cdp.predicate_le(cdp.predicate, cdp.predicate) IS
'does the first canonical text not come after the second, by bytes';

CREATE FUNCTION cdp.predicate_gt(cdp.predicate, cdp.predicate) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_gt';
COMMENT ON FUNCTION cdp.predicate_gt(cdp.predicate, cdp.predicate) IS
'does the first canonical text come after the second, by bytes';

CREATE FUNCTION cdp.predicate_ge(cdp.predicate, cdp.predicate) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_ge';
COMMENT ON FUNCTION cdp.predicate_ge(cdp.predicate, cdp.predicate) IS
'does the first canonical text not come before the second, by bytes';

CREATE FUNCTION cdp.predicate_cmp(cdp.predicate, cdp.predicate) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_cmp';
COMMENT ON FUNCTION cdp.predicate_cmp(cdp.predicate, cdp.predicate) IS
'-1, 0 or 1: the order of the canonical texts by bytes';

CREATE FUNCTION cdp.predicate_hash(cdp.predicate) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_hash';
COMMENT ON FUNCTION cdp.predicate_hash(cdp.predicate) IS
'hash of the canonical text';

CREATE FUNCTION cdp.predicate_hash_extended(cdp.predicate, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_hash_extended';
COMMENT ON FUNCTION cdp.predicate_hash_extended(cdp.predicate, bigint) IS
'seeded 64-bit hash of the canonical text';

CREATE OPERATOR cdp.= (
	FUNCTION = cdp.predicate_eq,
	LEFTARG = cdp.predicate, RIGHTARG = cdp.predicate,
	COMMUTATOR = OPERATOR(cdp.=), NEGATOR = OPERATOR(cdp.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES, MERGES
);
COMMENT ON OPERATOR cdp.= (cdp.predicate, cdp.predicate) IS
'same canonical text';

CREATE OPERATOR cdp.<> (
	FUNCTION = cdp.predicate_ne,
	LEFTARG = cdp.predicate, RIGHTARG = cdp.predicate,
	COMMUTATOR = OPERATOR(cdp.<>), NEGATOR = OPERATOR(cdp.=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR cdp.<> (cdp.predicate, cdp.predicate) IS
'different canonical texts';

CREATE OPERATOR cdp.< (
	FUNCTION = cdp.predicate_lt,
	LEFTARG = cdp.predicate, RIGHTARG = cdp.predicate,
	COMMUTATOR = OPERATOR(cdp.>), NEGATOR = OPERATOR(cdp.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR cdp.< (cdp.predicate, cdp.predicate) IS
'before, by bytes of the canonical text';

CREATE OPERATOR cdp.<= (
	FUNCTION = cdp.predicate_le,
	LEFTARG = cdp.predicate, RIGHTARG = cdp.predicate,
	COMMUTATOR = OPERATOR(cdp.>=), NEGATOR = OPERATOR(cdp.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR cdp.<= (cdp.predicate, cdp.predicate) IS
'before or same, by bytes of the canonical text';

CREATE OPERATOR cdp.> (
	FUNCTION = cdp.predicate_gt,
	LEFTARG = cdp.predicate, RIGHTARG = cdp.predicate,
	COMMUTATOR = OPERATOR(cdp.<), NEGATOR = OPERATOR(cdp.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR cdp.> (cdp.predicate, cdp.predicate) IS
'after, by bytes of the canonical text';

CREATE OPERATOR cdp.>= (
	FUNCTION = cdp.predicate_ge,
	LEFTARG = cdp.predicate, RIGHTARG = cdp.predicate,
	COMMUTATOR = OPERATOR(cdp.<=), NEGATOR = OPERATOR(cdp.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR cdp.>= (cdp.predicate, cdp.predicate) IS
'after or same, by bytes of the canonical text';

CREATE OPERATOR CLASS cdp.predicate_ops
	DEFAULT FOR TYPE cdp.predicate USING btree AS
	OPERATOR 1 cdp.< ,
	OPERATOR 2 cdp.<= ,
	OPERATOR 3 cdp.= ,
	OPERATOR 4 cdp.>= ,
	OPERATOR 5 cdp.> ,
	FUNCTION 1 cdp.predicate_cmp(cdp.predicate, cdp.predicate);
COMMENT ON OPERATOR CLASS cdp.predicate_ops USING btree IS
'order of predicates by their canonical text';

CREATE OPERATOR CLASS cdp.predicate_hash_ops
	DEFAULT FOR TYPE cdp.predicate USING hash AS
	OPERATOR 1 cdp.= ,
	FUNCTION 1 cdp.predicate_hash(cdp.predicate),
	FUNCTION 2 cdp.predicate_hash_extended(cdp.predicate, bigint);
COMMENT ON OPERATOR CLASS cdp.predicate_hash_ops USING hash IS
'equality of predicates by their canonical text';

-- Explicit, since JSON can be much that is no predicate.
CREATE FUNCTION cdp.predicate_to_jsonb(predicate cdp.predicate) RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_to_jsonb';
COMMENT ON FUNCTION cdp.predicate_to_jsonb(cdp.predicate) IS
'the tree of a predicate, for builders: {"op": ..., "args": [...]}';

CREATE FUNCTION cdp.predicate_from_jsonb(tree jsonb) RETURNS cdp.predicate
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predicate_from_jsonb';
COMMENT ON FUNCTION cdp.predicate_from_jsonb(jsonb) IS
'the predicate of a tree that a builder made: {"op": ..., "args": [...]}';

CREATE CAST (cdp.predicate AS jsonb)
	WITH FUNCTION cdp.predicate_to_jsonb(cdp.predicate);
COMMENT ON CAST (cdp.predicate AS jsonb) IS
'the tree of a predicate, for builders';

CREATE CAST (jsonb AS cdp.predicate)
	WITH FUNCTION cdp.predicate_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS cdp.predicate) IS
'the predicate of a tree that a builder made';
