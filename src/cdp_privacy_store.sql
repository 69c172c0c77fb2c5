-- Doors of the privacy officer.
CREATE FUNCTION cdp.request_privacy(
	kind text,
	type text,
	value text,
	reason text,
	requested_at timestamptz DEFAULT NULL,
	source text DEFAULT NULL)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._request_privacy($1, $2, $3, $4, $5, $6)
$$;
COMMENT ON FUNCTION cdp.request_privacy(text, text, text, text, timestamptz, text) IS
'enter into the ledger that somebody, known by an identifier, asks for export, erase, restrict, unrestrict or rectify; due a month later; what answers it closes it; returns its number';

CREATE FUNCTION cdp.erase_subject(profile_id bigint, reason text, events text DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._erase_subject($1, $2, $3)
$$;
COMMENT ON FUNCTION cdp.erase_subject(bigint, text, text) IS
'erase everything about a profile, with all that was merged into it, and let none of its identifiers in again; events: delete or anonymise (NULL: the setting erase_events); returns a receipt without personal data';

CREATE FUNCTION cdp.readmit_identifier(type text, value text, reason text, source text DEFAULT NULL)
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._readmit_identifier($1, $2, $3, $4)
$$;
COMMENT ON FUNCTION cdp.readmit_identifier(text, text, text, text) IS
'let an identifier that was erased in again, because its owner has come back of their own will; false: it was not erased';

REVOKE ALL ON FUNCTION
	cdp.request_privacy(text, text, text, text, timestamptz, text),
	cdp.erase_subject(bigint, text, text),
	cdp.readmit_identifier(text, text, text, text) FROM PUBLIC;
