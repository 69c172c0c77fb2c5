CREATE FUNCTION cdp._keyed_hash(key bytea, value text) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'cdp__keyed_hash';
COMMENT ON FUNCTION cdp._keyed_hash(bytea, text) IS
'HMAC-SHA256 of the value under the key';

CREATE FUNCTION cdp._random_key() RETURNS bytea
LANGUAGE c VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__random_key';
COMMENT ON FUNCTION cdp._random_key() IS
'32 random bytes';
