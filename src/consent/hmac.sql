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

CREATE FUNCTION cdp._key_check_value(key bytea) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'cdp__key_check_value';
COMMENT ON FUNCTION cdp._key_check_value(bytea) IS
'what cdp.secret_key.check_value is when the key is the right one';

CREATE FUNCTION cdp._file_key() RETURNS bytea
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'cdp__file_key';
COMMENT ON FUNCTION cdp._file_key() IS
'the key in the file that cdp.secret_key_file names, for who may read cdp.secret_key; NULL: it names none';

-- Fail closed: without the right key every suppression would be forgotten.
-- NULLs are keys and check values that are missing.
CREATE FUNCTION cdp._verifies_key(key bytea, check_value bytea) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp__verifies_key';
COMMENT ON FUNCTION cdp._verifies_key(bytea, bytea) IS
'true if the key, or the one of cdp.secret_key_file if there is one, is the store''s own; raises otherwise';
