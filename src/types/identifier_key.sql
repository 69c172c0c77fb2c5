-- cdp.identifier_key: type, scope and value of an identifier in one word.
-- Bytes are canonical text, so output, comparison and hash are the server's
-- own (types.h).

CREATE TYPE cdp.identifier_key;

CREATE FUNCTION cdp.identifier_key_in(cstring) RETURNS cdp.identifier_key
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'cdp_identifier_key_in';
COMMENT ON FUNCTION cdp.identifier_key_in(cstring) IS 'I/O';

CREATE FUNCTION cdp.identifier_key_out(cdp.identifier_key) RETURNS cstring
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
AS 'textout';
COMMENT ON FUNCTION cdp.identifier_key_out(cdp.identifier_key) IS 'I/O';

CREATE FUNCTION cdp.identifier_key_recv(internal) RETURNS cdp.identifier_key
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'cdp_identifier_key_recv';
COMMENT ON FUNCTION cdp.identifier_key_recv(internal) IS 'I/O';

CREATE FUNCTION cdp.identifier_key_send(cdp.identifier_key) RETURNS bytea
LANGUAGE internal STABLE STRICT PARALLEL SAFE
AS 'textsend';
COMMENT ON FUNCTION cdp.identifier_key_send(cdp.identifier_key) IS 'I/O';

CREATE TYPE cdp.identifier_key (
	INPUT = cdp.identifier_key_in,
	OUTPUT = cdp.identifier_key_out,
	RECEIVE = cdp.identifier_key_recv,
	SEND = cdp.identifier_key_send,
	STORAGE = extended
);
COMMENT ON TYPE cdp.identifier_key IS
'an identifier in one word: type:value, or type:scope/value for one that means something within its scope only';

-- To text for assignment, so that a comparison with text is an error and not
-- a comparison with a value that nobody normalised.
CREATE CAST (cdp.identifier_key AS text) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (cdp.identifier_key AS text) IS
'the canonical text';
CREATE CAST (text AS cdp.identifier_key) WITH INOUT;
COMMENT ON CAST (text AS cdp.identifier_key) IS
'an identifier key from text; raises if it is none';

CREATE FUNCTION cdp.identifier_key(type text, value text, scope text DEFAULT '')
RETURNS cdp.identifier_key
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_identifier_key';
COMMENT ON FUNCTION cdp.identifier_key(text, text, text) IS
'the identifier key of these parts; no scope means a global value; the value is taken as it is';

CREATE FUNCTION cdp.key_type(key cdp.identifier_key) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_key_type';
COMMENT ON FUNCTION cdp.key_type(cdp.identifier_key) IS
'the identifier type of a key';

CREATE FUNCTION cdp.key_scope(key cdp.identifier_key) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_key_scope';
COMMENT ON FUNCTION cdp.key_scope(cdp.identifier_key) IS
'the scope of a key, the empty text if it is global';

CREATE FUNCTION cdp.key_value(key cdp.identifier_key) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_key_value';
COMMENT ON FUNCTION cdp.key_value(cdp.identifier_key) IS
'the value of a key';

CREATE FUNCTION cdp.identifier_key_eq(cdp.identifier_key, cdp.identifier_key) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteaeq';
COMMENT ON FUNCTION cdp.identifier_key_eq(cdp.identifier_key, cdp.identifier_key) IS 'implementation of = operator';
CREATE OPERATOR cdp.= (
	FUNCTION = cdp.identifier_key_eq,
	LEFTARG = cdp.identifier_key,
	RIGHTARG = cdp.identifier_key,
	COMMUTATOR = OPERATOR(cdp.=),
	NEGATOR = OPERATOR(cdp.<>),
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES,
	MERGES
);
COMMENT ON OPERATOR cdp.= (cdp.identifier_key, cdp.identifier_key) IS 'equal';

CREATE FUNCTION cdp.identifier_key_ne(cdp.identifier_key, cdp.identifier_key) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteane';
COMMENT ON FUNCTION cdp.identifier_key_ne(cdp.identifier_key, cdp.identifier_key) IS 'implementation of <> operator';
CREATE OPERATOR cdp.<> (
	FUNCTION = cdp.identifier_key_ne,
	LEFTARG = cdp.identifier_key,
	RIGHTARG = cdp.identifier_key,
	COMMUTATOR = OPERATOR(cdp.<>),
	NEGATOR = OPERATOR(cdp.=),
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);
COMMENT ON OPERATOR cdp.<> (cdp.identifier_key, cdp.identifier_key) IS 'not equal';

CREATE FUNCTION cdp.identifier_key_lt(cdp.identifier_key, cdp.identifier_key) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'bytealt';
COMMENT ON FUNCTION cdp.identifier_key_lt(cdp.identifier_key, cdp.identifier_key) IS 'implementation of < operator';
CREATE OPERATOR cdp.< (
	FUNCTION = cdp.identifier_key_lt,
	LEFTARG = cdp.identifier_key,
	RIGHTARG = cdp.identifier_key,
	COMMUTATOR = OPERATOR(cdp.>),
	NEGATOR = OPERATOR(cdp.>=),
	RESTRICT = scalarltsel,
	JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR cdp.< (cdp.identifier_key, cdp.identifier_key) IS 'less than';

CREATE FUNCTION cdp.identifier_key_le(cdp.identifier_key, cdp.identifier_key) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteale';
COMMENT ON FUNCTION cdp.identifier_key_le(cdp.identifier_key, cdp.identifier_key) IS 'implementation of <= operator';
CREATE OPERATOR cdp.<= (
	FUNCTION = cdp.identifier_key_le,
	LEFTARG = cdp.identifier_key,
	RIGHTARG = cdp.identifier_key,
	COMMUTATOR = OPERATOR(cdp.>=),
	NEGATOR = OPERATOR(cdp.>),
	RESTRICT = scalarlesel,
	JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR cdp.<= (cdp.identifier_key, cdp.identifier_key) IS 'less than or equal';

CREATE FUNCTION cdp.identifier_key_ge(cdp.identifier_key, cdp.identifier_key) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteage';
COMMENT ON FUNCTION cdp.identifier_key_ge(cdp.identifier_key, cdp.identifier_key) IS 'implementation of >= operator';
CREATE OPERATOR cdp.>= (
	FUNCTION = cdp.identifier_key_ge,
	LEFTARG = cdp.identifier_key,
	RIGHTARG = cdp.identifier_key,
	COMMUTATOR = OPERATOR(cdp.<=),
	NEGATOR = OPERATOR(cdp.<),
	RESTRICT = scalargesel,
	JOIN = scalargejoinsel
);
COMMENT ON OPERATOR cdp.>= (cdp.identifier_key, cdp.identifier_key) IS 'greater than or equal';

CREATE FUNCTION cdp.identifier_key_gt(cdp.identifier_key, cdp.identifier_key) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteagt';
COMMENT ON FUNCTION cdp.identifier_key_gt(cdp.identifier_key, cdp.identifier_key) IS 'implementation of > operator';
CREATE OPERATOR cdp.> (
	FUNCTION = cdp.identifier_key_gt,
	LEFTARG = cdp.identifier_key,
	RIGHTARG = cdp.identifier_key,
	COMMUTATOR = OPERATOR(cdp.<),
	NEGATOR = OPERATOR(cdp.<=),
	RESTRICT = scalargtsel,
	JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR cdp.> (cdp.identifier_key, cdp.identifier_key) IS 'greater than';

CREATE FUNCTION cdp.identifier_key_cmp(cdp.identifier_key, cdp.identifier_key) RETURNS integer
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteacmp';
COMMENT ON FUNCTION cdp.identifier_key_cmp(cdp.identifier_key, cdp.identifier_key) IS 'less-equal-greater, by bytes';

CREATE FUNCTION cdp.identifier_key_sortsupport(internal) RETURNS void
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
AS 'bytea_sortsupport';
COMMENT ON FUNCTION cdp.identifier_key_sortsupport(internal) IS 'sort support';

CREATE FUNCTION cdp.identifier_key_hash(cdp.identifier_key) RETURNS integer
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'hashvarlena';
COMMENT ON FUNCTION cdp.identifier_key_hash(cdp.identifier_key) IS 'hash';

CREATE FUNCTION cdp.identifier_key_hash_extended(cdp.identifier_key, bigint) RETURNS bigint
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'hashvarlenaextended';
COMMENT ON FUNCTION cdp.identifier_key_hash_extended(cdp.identifier_key, bigint) IS 'hash with a seed';

CREATE OPERATOR CLASS cdp.identifier_key_ops DEFAULT FOR TYPE cdp.identifier_key USING btree AS
	OPERATOR 1 cdp.<,
	OPERATOR 2 cdp.<=,
	OPERATOR 3 cdp.=,
	OPERATOR 4 cdp.>=,
	OPERATOR 5 cdp.>,
	FUNCTION 1 cdp.identifier_key_cmp(cdp.identifier_key, cdp.identifier_key),
	FUNCTION 2 cdp.identifier_key_sortsupport(internal),
	FUNCTION 4 btequalimage(oid);
COMMENT ON OPERATOR CLASS cdp.identifier_key_ops USING btree IS 'order by bytes';
COMMENT ON OPERATOR FAMILY cdp.identifier_key_ops USING btree IS 'order by bytes';

CREATE OPERATOR CLASS cdp.identifier_key_ops DEFAULT FOR TYPE cdp.identifier_key USING hash AS
	OPERATOR 1 cdp.=,
	FUNCTION 1 cdp.identifier_key_hash(cdp.identifier_key),
	FUNCTION 2 cdp.identifier_key_hash_extended(cdp.identifier_key, bigint);
COMMENT ON OPERATOR CLASS cdp.identifier_key_ops USING hash IS 'equality of bytes';
COMMENT ON OPERATOR FAMILY cdp.identifier_key_ops USING hash IS 'equality of bytes';
