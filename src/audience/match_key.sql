-- CALLED ON NULL INPUT: a NULL region is none.
CREATE FUNCTION cdp.match_key(
	platform text,
	type text,
	value text,
	region text DEFAULT NULL)
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp_match_key';
COMMENT ON FUNCTION cdp.match_key(text, text, text, text) IS
'a value as google, meta, tiktok or liveramp match people by it, hashed where the platform wants it; region (such as DE) is the country that phone numbers and places are from; NULL if the value has no such form';
