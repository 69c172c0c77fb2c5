CREATE FUNCTION cdp.overlap(segments text[], ways integer DEFAULT NULL)
RETURNS TABLE (combination text[], members bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT combination, members FROM cdp._overlap($1, $2)
$$;
REVOKE ALL ON FUNCTION cdp.overlap(text[], integer) FROM PUBLIC;
COMMENT ON FUNCTION cdp.overlap(text[], integer) IS
'how many profiles are in all segments of each combination, of at most "ways" segments';

CREATE FUNCTION cdp.waterfall(segments text[])
RETURNS TABLE (priority integer, segment text, members bigint, new bigint, running_total bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT priority, segment, members, new, running_total FROM cdp._waterfall($1)
$$;
REVOKE ALL ON FUNCTION cdp.waterfall(text[]) FROM PUBLIC;
COMMENT ON FUNCTION cdp.waterfall(text[]) IS
'segments by priority: members of each, how many of them are in none before it, and how many profiles so far';

CREATE FUNCTION cdp.segment_diff(
	segment text,
	"from" timestamptz,
	"to" timestamptz DEFAULT cdp.clock())
RETURNS TABLE (change text, reason text, members bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT change, reason, members FROM cdp._segment_diff($1, $2, $3)
$$;
REVOKE ALL ON FUNCTION cdp.segment_diff(text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.segment_diff(text, timestamptz, timestamptz) IS
'how a segment changed between two instants of the last 400 days: size before, how many entered and exited for which reason, size after';
