-- Canonical forms of raw values.  NULL in, or a value that has no canonical
-- form, gives NULL; see the types of src/types for an error instead.

CREATE FUNCTION cdp.normalise_text(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp_normalise_text';
COMMENT ON FUNCTION cdp.normalise_text(text) IS
'text as a key: Unicode form NFKC, plain white space, trimmed, invisible characters removed; NULL if nothing is left';

CREATE FUNCTION cdp.normalise_email(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp_normalise_email';
COMMENT ON FUNCTION cdp.normalise_email(text) IS
'an email address as a key: case-folded, the domain in ASCII; NULL if it is not an address';

-- CALLED ON NULL INPUT: a NULL value gives NULL, a NULL region is none.
CREATE FUNCTION cdp.normalise_phone(value text, region text DEFAULT NULL)
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp_normalise_phone';
COMMENT ON FUNCTION cdp.normalise_phone(text, text) IS
'a phone number as a key, in E.164; region (such as DE) is where numbers without country code are from; NULL if no such number is possible';

CREATE FUNCTION cdp.normalise_name(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_normalise_name';
COMMENT ON FUNCTION cdp.normalise_name(text) IS
'a name for matching: case, accents and punctuation folded away; NULL if it has no letter or digit';

CREATE FUNCTION cdp.normalise_event_name(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp_normalise_event_name';
COMMENT ON FUNCTION cdp.normalise_event_name(text) IS
'an event name in lower case with underscores: order_completed for "Order Completed" and "orderCompleted"; NULL if it has no letter or digit';

CREATE FUNCTION cdp.normalise_country(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_normalise_country';
COMMENT ON FUNCTION cdp.normalise_country(text) IS
'the ISO 3166 code of two letters, from codes of two or three letters and from names in English, German, French, Spanish, Italian, Dutch, Polish and Portuguese; NULL if it is no country';

CREATE FUNCTION cdp.normalise_language(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_normalise_language';
COMMENT ON FUNCTION cdp.normalise_language(text) IS
'a BCP 47 tag: de-DE for "de_DE.UTF-8"; NULL if it is no tag of a known language';

CREATE FUNCTION cdp.normalise_time_zone(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_normalise_time_zone';
COMMENT ON FUNCTION cdp.normalise_time_zone(text) IS
'the canonical IANA name: America/New_York for "US/Eastern"; NULL if it is no time zone that PostgreSQL knows, or an abbreviation';

CREATE FUNCTION cdp._normalise_display(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp__normalise_display';
COMMENT ON FUNCTION cdp._normalise_display(text) IS
'a name or place as it is shown: NFC, single spaces, trimmed, invisible characters removed; NULL if nothing is left';

-- CALLED ON NULL INPUT: a NULL normaliser or value gives NULL.
CREATE FUNCTION cdp._normalise_identifier(
	normaliser text,
	value text,
	region text DEFAULT NULL,
	OUT canonical text,
	OUT reason text)
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp__normalise_identifier';
COMMENT ON FUNCTION cdp._normalise_identifier(text, text, text) IS
'the canonical value of an identifier by a normaliser (email, phone, uuid, text, lower), or the reason why it has none';

CREATE FUNCTION cdp._name_distance(a text, b text) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp__name_distance';
COMMENT ON FUNCTION cdp._name_distance(text, text) IS
'how many letters are to change, to add or to leave out between two names; NULL if one is longer than 100 bytes';

CREATE FUNCTION cdp.icu_version() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_icu_version';
COMMENT ON FUNCTION cdp.icu_version() IS
'the versions of ICU and Unicode that canonical forms are made with; keys made under another one may differ';
