-- cdp.phone: a phone number in E.164.  Bytes are canonical text, so output,
-- comparison and hash are the server's own (types.h).

CREATE TYPE cdp.phone;

CREATE FUNCTION cdp.phone_in(cstring) RETURNS cdp.phone
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp_phone_in';
COMMENT ON FUNCTION cdp.phone_in(cstring) IS 'I/O';

CREATE FUNCTION cdp.phone_out(cdp.phone) RETURNS cstring
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
AS 'textout';
COMMENT ON FUNCTION cdp.phone_out(cdp.phone) IS 'I/O';

CREATE FUNCTION cdp.phone_recv(internal) RETURNS cdp.phone
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp_phone_recv';
COMMENT ON FUNCTION cdp.phone_recv(internal) IS 'I/O';

CREATE FUNCTION cdp.phone_send(cdp.phone) RETURNS bytea
LANGUAGE internal STABLE STRICT PARALLEL SAFE
AS 'textsend';
COMMENT ON FUNCTION cdp.phone_send(cdp.phone) IS 'I/O';

CREATE TYPE cdp.phone (
	INPUT = cdp.phone_in,
	OUTPUT = cdp.phone_out,
	RECEIVE = cdp.phone_recv,
	SEND = cdp.phone_send,
	STORAGE = extended
);
COMMENT ON TYPE cdp.phone IS
'a phone number in E.164: "+", country code, number';

-- To text for assignment, so that a comparison with text is an error and not
-- a comparison with a value that nobody normalised.
CREATE CAST (cdp.phone AS text) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (cdp.phone AS text) IS
'the canonical text';
CREATE CAST (text AS cdp.phone) WITH INOUT;
COMMENT ON CAST (text AS cdp.phone) IS
'a phone number from text; raises if it is none';

CREATE FUNCTION cdp.phone_eq(cdp.phone, cdp.phone) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteaeq';
COMMENT ON FUNCTION cdp.phone_eq(cdp.phone, cdp.phone) IS 'implementation of = operator';
CREATE OPERATOR cdp.= (
	FUNCTION = cdp.phone_eq,
	LEFTARG = cdp.phone,
	RIGHTARG = cdp.phone,
	COMMUTATOR = OPERATOR(cdp.=),
	NEGATOR = OPERATOR(cdp.<>),
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES,
	MERGES
);
COMMENT ON OPERATOR cdp.= (cdp.phone, cdp.phone) IS 'equal';

CREATE FUNCTION cdp.phone_ne(cdp.phone, cdp.phone) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteane';
COMMENT ON FUNCTION cdp.phone_ne(cdp.phone, cdp.phone) IS 'implementation of <> operator';
CREATE OPERATOR cdp.<> (
	FUNCTION = cdp.phone_ne,
	LEFTARG = cdp.phone,
	RIGHTARG = cdp.phone,
	COMMUTATOR = OPERATOR(cdp.<>),
	NEGATOR = OPERATOR(cdp.=),
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);
COMMENT ON OPERATOR cdp.<> (cdp.phone, cdp.phone) IS 'not equal';

CREATE FUNCTION cdp.phone_lt(cdp.phone, cdp.phone) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'bytealt';
COMMENT ON FUNCTION cdp.phone_lt(cdp.phone, cdp.phone) IS 'implementation of < operator';
CREATE OPERATOR cdp.< (
	FUNCTION = cdp.phone_lt,
	LEFTARG = cdp.phone,
	RIGHTARG = cdp.phone,
	COMMUTATOR = OPERATOR(cdp.>),
	NEGATOR = OPERATOR(cdp.>=),
	RESTRICT = scalarltsel,
	JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR cdp.< (cdp.phone, cdp.phone) IS 'less than';

CREATE FUNCTION cdp.phone_le(cdp.phone, cdp.phone) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteale';
COMMENT ON FUNCTION cdp.phone_le(cdp.phone, cdp.phone) IS 'implementation of <= operator';
CREATE OPERATOR cdp.<= (
	FUNCTION = cdp.phone_le,
	LEFTARG = cdp.phone,
	RIGHTARG = cdp.phone,
	COMMUTATOR = OPERATOR(cdp.>=),
	NEGATOR = OPERATOR(cdp.>),
	RESTRICT = scalarlesel,
	JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR cdp.<= (cdp.phone, cdp.phone) IS 'less than or equal';

CREATE FUNCTION cdp.phone_ge(cdp.phone, cdp.phone) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteage';
COMMENT ON FUNCTION cdp.phone_ge(cdp.phone, cdp.phone) IS 'implementation of >= operator';
CREATE OPERATOR cdp.>= (
	FUNCTION = cdp.phone_ge,
	LEFTARG = cdp.phone,
	RIGHTARG = cdp.phone,
	COMMUTATOR = OPERATOR(cdp.<=),
	NEGATOR = OPERATOR(cdp.<),
	RESTRICT = scalargesel,
	JOIN = scalargejoinsel
);
COMMENT ON OPERATOR cdp.>= (cdp.phone, cdp.phone) IS 'greater than or equal';

CREATE FUNCTION cdp.phone_gt(cdp.phone, cdp.phone) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteagt';
COMMENT ON FUNCTION cdp.phone_gt(cdp.phone, cdp.phone) IS 'implementation of > operator';
CREATE OPERATOR cdp.> (
	FUNCTION = cdp.phone_gt,
	LEFTARG = cdp.phone,
	RIGHTARG = cdp.phone,
	COMMUTATOR = OPERATOR(cdp.<),
	NEGATOR = OPERATOR(cdp.<=),
	RESTRICT = scalargtsel,
	JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR cdp.> (cdp.phone, cdp.phone) IS 'greater than';

CREATE FUNCTION cdp.phone_cmp(cdp.phone, cdp.phone) RETURNS integer
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteacmp';
COMMENT ON FUNCTION cdp.phone_cmp(cdp.phone, cdp.phone) IS 'less-equal-greater, by bytes';

CREATE FUNCTION cdp.phone_sortsupport(internal) RETURNS void
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
AS 'bytea_sortsupport';
COMMENT ON FUNCTION cdp.phone_sortsupport(internal) IS 'sort support';

CREATE FUNCTION cdp.phone_hash(cdp.phone) RETURNS integer
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'hashvarlena';
COMMENT ON FUNCTION cdp.phone_hash(cdp.phone) IS 'hash';

CREATE FUNCTION cdp.phone_hash_extended(cdp.phone, bigint) RETURNS bigint
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'hashvarlenaextended';
COMMENT ON FUNCTION cdp.phone_hash_extended(cdp.phone, bigint) IS 'hash with a seed';

CREATE OPERATOR CLASS cdp.phone_ops DEFAULT FOR TYPE cdp.phone USING btree AS
	OPERATOR 1 cdp.<,
	OPERATOR 2 cdp.<=,
	OPERATOR 3 cdp.=,
	OPERATOR 4 cdp.>=,
	OPERATOR 5 cdp.>,
	FUNCTION 1 cdp.phone_cmp(cdp.phone, cdp.phone),
	FUNCTION 2 cdp.phone_sortsupport(internal),
	FUNCTION 4 btequalimage(oid);
COMMENT ON OPERATOR CLASS cdp.phone_ops USING btree IS 'order by bytes';
COMMENT ON OPERATOR FAMILY cdp.phone_ops USING btree IS 'order by bytes';

CREATE OPERATOR CLASS cdp.phone_ops DEFAULT FOR TYPE cdp.phone USING hash AS
	OPERATOR 1 cdp.=,
	FUNCTION 1 cdp.phone_hash(cdp.phone),
	FUNCTION 2 cdp.phone_hash_extended(cdp.phone, bigint);
COMMENT ON OPERATOR CLASS cdp.phone_ops USING hash IS 'equality of bytes';
COMMENT ON OPERATOR FAMILY cdp.phone_ops USING hash IS 'equality of bytes';
