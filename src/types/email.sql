-- cdp.email: an email address in its canonical form.  Bytes are canonical text,
-- so output, comparison and hash are the server's own (types.h).

CREATE TYPE cdp.email;

CREATE FUNCTION cdp.email_in(cstring) RETURNS cdp.email
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp_email_in';
COMMENT ON FUNCTION cdp.email_in(cstring) IS 'I/O';

CREATE FUNCTION cdp.email_out(cdp.email) RETURNS cstring
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
AS 'textout';
COMMENT ON FUNCTION cdp.email_out(cdp.email) IS 'I/O';

CREATE FUNCTION cdp.email_recv(internal) RETURNS cdp.email
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp_email_recv';
COMMENT ON FUNCTION cdp.email_recv(internal) IS 'I/O';

CREATE FUNCTION cdp.email_send(cdp.email) RETURNS bytea
LANGUAGE internal STABLE STRICT PARALLEL SAFE
AS 'textsend';
COMMENT ON FUNCTION cdp.email_send(cdp.email) IS 'I/O';

CREATE TYPE cdp.email (
	INPUT = cdp.email_in,
	OUTPUT = cdp.email_out,
	RECEIVE = cdp.email_recv,
	SEND = cdp.email_send,
	STORAGE = extended
);
COMMENT ON TYPE cdp.email IS
'an email address in canonical form: case-folded, the domain in ASCII';

-- To text for assignment, so that a comparison with text is an error and not
-- a comparison with a value that nobody normalised.
CREATE CAST (cdp.email AS text) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (cdp.email AS text) IS
'the canonical text';
CREATE CAST (text AS cdp.email) WITH INOUT;
COMMENT ON CAST (text AS cdp.email) IS
'an email address from text; raises if it is none';

CREATE FUNCTION cdp.email_eq(cdp.email, cdp.email) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteaeq';
COMMENT ON FUNCTION cdp.email_eq(cdp.email, cdp.email) IS 'implementation of = operator';
CREATE OPERATOR cdp.= (
	FUNCTION = cdp.email_eq,
	LEFTARG = cdp.email,
	RIGHTARG = cdp.email,
	COMMUTATOR = OPERATOR(cdp.=),
	NEGATOR = OPERATOR(cdp.<>),
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES,
	MERGES
);
COMMENT ON OPERATOR cdp.= (cdp.email, cdp.email) IS 'equal';

CREATE FUNCTION cdp.email_ne(cdp.email, cdp.email) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteane';
COMMENT ON FUNCTION cdp.email_ne(cdp.email, cdp.email) IS 'implementation of <> operator';
CREATE OPERATOR cdp.<> (
	FUNCTION = cdp.email_ne,
	LEFTARG = cdp.email,
	RIGHTARG = cdp.email,
	COMMUTATOR = OPERATOR(cdp.<>),
	NEGATOR = OPERATOR(cdp.=),
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);
COMMENT ON OPERATOR cdp.<> (cdp.email, cdp.email) IS 'not equal';

CREATE FUNCTION cdp.email_lt(cdp.email, cdp.email) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'bytealt';
COMMENT ON FUNCTION cdp.email_lt(cdp.email, cdp.email) IS 'implementation of < operator';
CREATE OPERATOR cdp.< (
	FUNCTION = cdp.email_lt,
	LEFTARG = cdp.email,
	RIGHTARG = cdp.email,
	COMMUTATOR = OPERATOR(cdp.>),
	NEGATOR = OPERATOR(cdp.>=),
	RESTRICT = scalarltsel,
	JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR cdp.< (cdp.email, cdp.email) IS 'less than';

CREATE FUNCTION cdp.email_le(cdp.email, cdp.email) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteale';
COMMENT ON FUNCTION cdp.email_le(cdp.email, cdp.email) IS 'implementation of <= operator';
CREATE OPERATOR cdp.<= (
	FUNCTION = cdp.email_le,
	LEFTARG = cdp.email,
	RIGHTARG = cdp.email,
	COMMUTATOR = OPERATOR(cdp.>=),
	NEGATOR = OPERATOR(cdp.>),
	RESTRICT = scalarlesel,
	JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR cdp.<= (cdp.email, cdp.email) IS 'less than or equal';

CREATE FUNCTION cdp.email_ge(cdp.email, cdp.email) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteage';
COMMENT ON FUNCTION cdp.email_ge(cdp.email, cdp.email) IS 'implementation of >= operator';
CREATE OPERATOR cdp.>= (
	FUNCTION = cdp.email_ge,
	LEFTARG = cdp.email,
	RIGHTARG = cdp.email,
	COMMUTATOR = OPERATOR(cdp.<=),
	NEGATOR = OPERATOR(cdp.<),
	RESTRICT = scalargesel,
	JOIN = scalargejoinsel
);
COMMENT ON OPERATOR cdp.>= (cdp.email, cdp.email) IS 'greater than or equal';

CREATE FUNCTION cdp.email_gt(cdp.email, cdp.email) RETURNS boolean
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteagt';
COMMENT ON FUNCTION cdp.email_gt(cdp.email, cdp.email) IS 'implementation of > operator';
CREATE OPERATOR cdp.> (
	FUNCTION = cdp.email_gt,
	LEFTARG = cdp.email,
	RIGHTARG = cdp.email,
	COMMUTATOR = OPERATOR(cdp.<),
	NEGATOR = OPERATOR(cdp.<=),
	RESTRICT = scalargtsel,
	JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR cdp.> (cdp.email, cdp.email) IS 'greater than';

CREATE FUNCTION cdp.email_cmp(cdp.email, cdp.email) RETURNS integer
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'byteacmp';
COMMENT ON FUNCTION cdp.email_cmp(cdp.email, cdp.email) IS 'less-equal-greater, by bytes';

CREATE FUNCTION cdp.email_sortsupport(internal) RETURNS void
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
AS 'bytea_sortsupport';
COMMENT ON FUNCTION cdp.email_sortsupport(internal) IS 'sort support';

CREATE FUNCTION cdp.email_hash(cdp.email) RETURNS integer
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'hashvarlena';
COMMENT ON FUNCTION cdp.email_hash(cdp.email) IS 'hash';

CREATE FUNCTION cdp.email_hash_extended(cdp.email, bigint) RETURNS bigint
LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'hashvarlenaextended';
COMMENT ON FUNCTION cdp.email_hash_extended(cdp.email, bigint) IS 'hash with a seed';

CREATE OPERATOR CLASS cdp.email_ops DEFAULT FOR TYPE cdp.email USING btree AS
	OPERATOR 1 cdp.<,
	OPERATOR 2 cdp.<=,
	OPERATOR 3 cdp.=,
	OPERATOR 4 cdp.>=,
	OPERATOR 5 cdp.>,
	FUNCTION 1 cdp.email_cmp(cdp.email, cdp.email),
	FUNCTION 2 cdp.email_sortsupport(internal),
	FUNCTION 4 btequalimage(oid);
COMMENT ON OPERATOR CLASS cdp.email_ops USING btree IS 'order by bytes';
COMMENT ON OPERATOR FAMILY cdp.email_ops USING btree IS 'order by bytes';

CREATE OPERATOR CLASS cdp.email_ops DEFAULT FOR TYPE cdp.email USING hash AS
	OPERATOR 1 cdp.=,
	FUNCTION 1 cdp.email_hash(cdp.email),
	FUNCTION 2 cdp.email_hash_extended(cdp.email, bigint);
COMMENT ON OPERATOR CLASS cdp.email_ops USING hash IS 'equality of bytes';
COMMENT ON OPERATOR FAMILY cdp.email_ops USING hash IS 'equality of bytes';
