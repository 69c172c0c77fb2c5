CREATE TYPE cdp.profile_bitmap;

CREATE FUNCTION cdp.profile_bitmap_in(cstring) RETURNS cdp.profile_bitmap
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_profile_bitmap_in';

CREATE FUNCTION cdp.profile_bitmap_out(cdp.profile_bitmap) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_profile_bitmap_out';

CREATE FUNCTION cdp.profile_bitmap_recv(internal) RETURNS cdp.profile_bitmap
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_profile_bitmap_recv';

CREATE FUNCTION cdp.profile_bitmap_send(cdp.profile_bitmap) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_profile_bitmap_send';

COMMENT ON FUNCTION cdp.profile_bitmap_in(cstring) IS 'text input of cdp.profile_bitmap';
COMMENT ON FUNCTION cdp.profile_bitmap_out(cdp.profile_bitmap) IS 'text output of cdp.profile_bitmap';
COMMENT ON FUNCTION cdp.profile_bitmap_recv(internal) IS 'binary input of cdp.profile_bitmap';
COMMENT ON FUNCTION cdp.profile_bitmap_send(cdp.profile_bitmap) IS 'binary output of cdp.profile_bitmap';

-- Bitmaps are compressed already: EXTERNAL keeps pglz from trying again.
CREATE TYPE cdp.profile_bitmap (
	INPUT = cdp.profile_bitmap_in,
	OUTPUT = cdp.profile_bitmap_out,
	RECEIVE = cdp.profile_bitmap_recv,
	SEND = cdp.profile_bitmap_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = external
);
COMMENT ON TYPE cdp.profile_bitmap IS
'a compressed set of profile ords; written as {1,2,5}';

CREATE FUNCTION cdp.bitmap_contains(bitmap cdp.profile_bitmap, ord integer) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_bitmap_contains';
COMMENT ON FUNCTION cdp.bitmap_contains(cdp.profile_bitmap, integer) IS
'is the ord in the bitmap';

CREATE FUNCTION cdp.bitmap_cardinality(bitmap cdp.profile_bitmap) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_bitmap_cardinality';
COMMENT ON FUNCTION cdp.bitmap_cardinality(cdp.profile_bitmap) IS
'how many ords are in the bitmap';

CREATE FUNCTION cdp.bitmap_members(bitmap cdp.profile_bitmap) RETURNS SETOF integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10000
AS 'MODULE_PATHNAME', 'cdp_bitmap_members';
COMMENT ON FUNCTION cdp.bitmap_members(cdp.profile_bitmap) IS
'the ords in the bitmap, ascending';

-- These two tell the planner of 20,000 members, half of which it expects to be in
-- their part: as many as cdp.bitmap_members() tells of.  Of less than 200 parts
-- it would keep what it lists of each (Memoize), as if parts came again.
CREATE FUNCTION cdp._bitmap_parts(
	bitmap cdp.profile_bitmap,
	OUT number integer,
	OUT members cdp.profile_bitmap)
RETURNS SETOF record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 200
AS 'MODULE_PATHNAME', 'cdp__bitmap_parts';
COMMENT ON FUNCTION cdp._bitmap_parts(cdp.profile_bitmap) IS
'the bitmap in parts, each with those ords that are its number when divided by 65536';

CREATE FUNCTION cdp._part_members(part cdp.profile_bitmap) RETURNS SETOF integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'cdp_bitmap_members';
COMMENT ON FUNCTION cdp._part_members(cdp.profile_bitmap) IS
'the ords in a part of a bitmap; the planner takes them for fewer than those of a whole one';

CREATE FUNCTION cdp.bitmap_and(a cdp.profile_bitmap, b cdp.profile_bitmap)
RETURNS cdp.profile_bitmap
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp_bitmap_and';
COMMENT ON FUNCTION cdp.bitmap_and(cdp.profile_bitmap, cdp.profile_bitmap) IS
'the ords in both bitmaps';

CREATE FUNCTION cdp.bitmap_or(a cdp.profile_bitmap, b cdp.profile_bitmap)
RETURNS cdp.profile_bitmap
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp_bitmap_or';
COMMENT ON FUNCTION cdp.bitmap_or(cdp.profile_bitmap, cdp.profile_bitmap) IS
'the ords in either bitmap';

CREATE FUNCTION cdp.bitmap_andnot(a cdp.profile_bitmap, b cdp.profile_bitmap)
RETURNS cdp.profile_bitmap
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp_bitmap_andnot';
COMMENT ON FUNCTION cdp.bitmap_andnot(cdp.profile_bitmap, cdp.profile_bitmap) IS
'the ords in the first bitmap that are not in the second';

CREATE FUNCTION cdp.bitmap_and_cardinality(a cdp.profile_bitmap, b cdp.profile_bitmap)
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'cdp_bitmap_and_cardinality';
COMMENT ON FUNCTION cdp.bitmap_and_cardinality(cdp.profile_bitmap, cdp.profile_bitmap) IS
'how many ords are in both bitmaps';

CREATE FUNCTION cdp.bitmap_or_cardinality(a cdp.profile_bitmap, b cdp.profile_bitmap)
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'cdp_bitmap_or_cardinality';
COMMENT ON FUNCTION cdp.bitmap_or_cardinality(cdp.profile_bitmap, cdp.profile_bitmap) IS
'how many ords are in either bitmap';

CREATE FUNCTION cdp.bitmap_andnot_cardinality(a cdp.profile_bitmap, b cdp.profile_bitmap)
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'cdp_bitmap_andnot_cardinality';
COMMENT ON FUNCTION cdp.bitmap_andnot_cardinality(cdp.profile_bitmap, cdp.profile_bitmap) IS
'how many ords of the first bitmap are not in the second';

CREATE FUNCTION cdp._overlaps(names text[], bitmaps cdp.profile_bitmap[], ways integer)
RETURNS TABLE (combination text[], members bigint)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
AS 'MODULE_PATHNAME', 'cdp__overlaps';
COMMENT ON FUNCTION cdp._overlaps(text[], cdp.profile_bitmap[], integer) IS
'how many ords are in all bitmaps of each combination of at most so many; names are those of the bitmaps';

CREATE FUNCTION cdp.bitmap_equal(a cdp.profile_bitmap, b cdp.profile_bitmap) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_bitmap_equal';
COMMENT ON FUNCTION cdp.bitmap_equal(cdp.profile_bitmap, cdp.profile_bitmap) IS
'do both bitmaps hold the same ords';

CREATE FUNCTION cdp.bitmap_not_equal(a cdp.profile_bitmap, b cdp.profile_bitmap) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_bitmap_not_equal';
COMMENT ON FUNCTION cdp.bitmap_not_equal(cdp.profile_bitmap, cdp.profile_bitmap) IS
'do the bitmaps differ';

CREATE FUNCTION cdp.bitmap_hash(bitmap cdp.profile_bitmap) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_bitmap_hash';
COMMENT ON FUNCTION cdp.bitmap_hash(cdp.profile_bitmap) IS
'hash of a bitmap; equal bitmaps have equal hashes';

CREATE OPERATOR cdp.= (
	LEFTARG = cdp.profile_bitmap, RIGHTARG = cdp.profile_bitmap,
	FUNCTION = cdp.bitmap_equal,
	COMMUTATOR = OPERATOR(cdp.=), NEGATOR = OPERATOR(cdp.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
COMMENT ON OPERATOR cdp.= (cdp.profile_bitmap, cdp.profile_bitmap) IS
'do both bitmaps hold the same ords';

CREATE OPERATOR cdp.<> (
	LEFTARG = cdp.profile_bitmap, RIGHTARG = cdp.profile_bitmap,
	FUNCTION = cdp.bitmap_not_equal,
	COMMUTATOR = OPERATOR(cdp.<>), NEGATOR = OPERATOR(cdp.=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR cdp.<> (cdp.profile_bitmap, cdp.profile_bitmap) IS
'do the bitmaps differ';

CREATE OPERATOR CLASS cdp.profile_bitmap_ops
DEFAULT FOR TYPE cdp.profile_bitmap USING hash AS
	OPERATOR 1 cdp.= (cdp.profile_bitmap, cdp.profile_bitmap),
	FUNCTION 1 cdp.bitmap_hash(cdp.profile_bitmap);
COMMENT ON OPERATOR CLASS cdp.profile_bitmap_ops USING hash IS
'equality of bitmaps';

CREATE FUNCTION cdp._bitmap_agg_add(state internal, ord integer) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__bitmap_agg_add';

CREATE FUNCTION cdp._bitmap_or_add(state internal, bitmap cdp.profile_bitmap) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__bitmap_or_add';

CREATE FUNCTION cdp._bitmap_and_add(state internal, bitmap cdp.profile_bitmap) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__bitmap_and_add';

CREATE FUNCTION cdp._bitmap_or_combine(a internal, b internal) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__bitmap_or_combine';

CREATE FUNCTION cdp._bitmap_and_combine(a internal, b internal) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__bitmap_and_combine';

CREATE FUNCTION cdp._bitmap_ship(state internal) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__bitmap_pack';

CREATE FUNCTION cdp._bitmap_unpack(state bytea, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__bitmap_unpack';

CREATE FUNCTION cdp._bitmap_pack(state internal) RETURNS cdp.profile_bitmap
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__bitmap_pack';

CREATE FUNCTION cdp._bitmap_pack_or_empty(state internal) RETURNS cdp.profile_bitmap
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__bitmap_pack_or_empty';

CREATE AGGREGATE cdp.bitmap_agg(ord integer) (
	SFUNC = cdp._bitmap_agg_add, STYPE = internal,
	FINALFUNC = cdp._bitmap_pack_or_empty,
	COMBINEFUNC = cdp._bitmap_or_combine,
	SERIALFUNC = cdp._bitmap_ship, DESERIALFUNC = cdp._bitmap_unpack,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cdp.bitmap_agg(integer) IS
'the ords as one bitmap; of no rows, the empty one';

CREATE FUNCTION cdp._bitmap_moved_add(
	state internal,
	base cdp.profile_bitmap,
	ord integer,
	enters boolean)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__bitmap_moved_add';

CREATE AGGREGATE cdp._bitmap_moved(base cdp.profile_bitmap, ord integer, enters boolean) (
	SFUNC = cdp._bitmap_moved_add, STYPE = internal,
	FINALFUNC = cdp._bitmap_pack,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cdp._bitmap_moved(cdp.profile_bitmap, integer, boolean) IS
'the base after each ord has entered or left, in the order of the rows; of no rows, NULL';

CREATE AGGREGATE cdp.bitmap_or_agg(bitmap cdp.profile_bitmap) (
	SFUNC = cdp._bitmap_or_add, STYPE = internal,
	FINALFUNC = cdp._bitmap_pack,
	COMBINEFUNC = cdp._bitmap_or_combine,
	SERIALFUNC = cdp._bitmap_ship, DESERIALFUNC = cdp._bitmap_unpack,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cdp.bitmap_or_agg(cdp.profile_bitmap) IS
'the ords in any of the bitmaps; of no rows, NULL';

CREATE AGGREGATE cdp.bitmap_and_agg(bitmap cdp.profile_bitmap) (
	SFUNC = cdp._bitmap_and_add, STYPE = internal,
	FINALFUNC = cdp._bitmap_pack,
	COMBINEFUNC = cdp._bitmap_and_combine,
	SERIALFUNC = cdp._bitmap_ship, DESERIALFUNC = cdp._bitmap_unpack,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cdp.bitmap_and_agg(cdp.profile_bitmap) IS
'the ords in all of the bitmaps; of no rows, NULL';
