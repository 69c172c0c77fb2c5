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

CREATE FUNCTION cdp.close_request(request_id bigint, reason text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._close_request($1, $2)
$$;
COMMENT ON FUNCTION cdp.close_request(bigint, text) IS
'note in the ledger that a request is answered with nothing to do: it is about nobody, or was refused';

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

CREATE FUNCTION cdp.export_subject(profile_id bigint, reason text DEFAULT 'asked for access')
RETURNS jsonb
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._export_subject($1, $2)
$$;
COMMENT ON FUNCTION cdp.export_subject(bigint, text) IS
'everything that is held about a profile, as one JSON document; noted in cdp.privacy_request';

CREATE FUNCTION cdp.restrict_subject(profile_id bigint, reason text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._restrict_subject($1, true, $2)
$$;
COMMENT ON FUNCTION cdp.restrict_subject(bigint, text) IS
'only keep the data of a profile: it is in no view of profiles, of what they did or are known by, in no segment or audience and not scored, also after merges; answers about one profile refuse it, but for what it has consented to and how its identifiers belong together; returns the number of the request';

CREATE FUNCTION cdp.unrestrict_subject(profile_id bigint, reason text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._restrict_subject($1, false, $2)
$$;
COMMENT ON FUNCTION cdp.unrestrict_subject(bigint, text) IS
'lift a restriction; segments and scores follow with the next merge run; returns the number of the request';

CREATE FUNCTION cdp.rectify_subject(profile_id bigint, trait text, value jsonb, reason text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._rectify_trait($1, $2, $3, $4)
$$;
COMMENT ON FUNCTION cdp.rectify_subject(bigint, text, jsonb, text) IS
'correct a trait by pinning it; returns the number of the request';

CREATE FUNCTION cdp.rectify_subject(profile_id bigint, type text, wrong text, correct text, reason text)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._rectify_identifier($1, $2, $3, $4, $5)
$$;
COMMENT ON FUNCTION cdp.rectify_subject(bigint, text, text, text, text) IS
'correct the value of an identifier, which keeps all its evidence, and the trait of that name; returns the number of the request';

CREATE FUNCTION cdp.find_value(value text)
RETURNS TABLE (table_name text, column_name text, rows bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._find_value($1)
$$;
COMMENT ON FUNCTION cdp.find_value(text) IS
'where in the store a value stands, in any case and also as a part of what others wrote; reads every table';

-- Whatever writes a rule.  Doors hold the merger's lock by then, as erasing does, so
-- that the tombstones are seen of whoever was erased meanwhile.
CREATE FUNCTION cdp._check_blocked_erased() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_not_erased(NEW.type, NEW.value,
		'Records that name it are rejected without a rule.');
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_blocked_erased() IS
'trigger: a row of blocked_value does not keep the value of somebody who was erased';

CREATE TRIGGER check_erased BEFORE INSERT OR UPDATE OF type, value ON cdp.blocked_value
	FOR EACH ROW EXECUTE FUNCTION cdp._check_blocked_erased();

-- The steward's.
CREATE FUNCTION cdp.block_value(
	type text,
	value text DEFAULT NULL,
	reason text DEFAULT 'blocked by hand',
	pattern text DEFAULT NULL)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._block_value($1, $2, $3, $4);
$$;
COMMENT ON FUNCTION cdp.block_value(text, text, text, text) IS
'from now on a value (or all that match pattern, a regular expression) of a type (NULL: of any) links nothing; profiles it held together part at once; returns how many identifiers it is about';

REVOKE ALL ON FUNCTION
	cdp.block_value(text, text, text, text),
	cdp.request_privacy(text, text, text, text, timestamptz, text),
	cdp.close_request(bigint, text),
	cdp.erase_subject(bigint, text, text),
	cdp.readmit_identifier(text, text, text, text),
	cdp.export_subject(bigint, text),
	cdp.restrict_subject(bigint, text),
	cdp.unrestrict_subject(bigint, text),
	cdp.rectify_subject(bigint, text, jsonb, text),
	cdp.rectify_subject(bigint, text, text, text, text),
	cdp.find_value(text) FROM PUBLIC;
