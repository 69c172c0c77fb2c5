-- Who enters or leaves a segment is told on the channel cdp_segment, on request,
-- since every transaction that tells anything waits for the others' commits.
-- What is told names no person: whoever may connect may listen.
CREATE FUNCTION cdp.notify_segment(name text, notify boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	IF $1 IS NULL OR $2 IS NULL THEN
		RAISE EXCEPTION 'segment and notify must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM cdp._check_segments(ARRAY[$1]);
	UPDATE cdp.segment SET notify = $2
	WHERE segment.name = $1 AND segment.notify <> $2;
END
$$;
COMMENT ON FUNCTION cdp.notify_segment(text, boolean) IS
'tell who enters and leaves a segment on the channel cdp_segment, or no more';

-- By cdp.ingest: one profile.
CREATE FUNCTION cdp._tell_change(segment_id integer, profile_id bigint, change text) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_notify('cdp_segment', json_build_object('segment', segment.name,
		'profile_id', $2, 'change', $3)::text)
	FROM cdp.segment
	WHERE segment.segment_id = $1
$$;
COMMENT ON FUNCTION cdp._tell_change(integer, bigint, text) IS
'tell listeners that a profile entered or exited a segment';

-- By a refresh: how many.
CREATE FUNCTION cdp._tell_refresh(segment_id integer, entered bigint, exited bigint, size bigint)
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_notify('cdp_segment', json_build_object('segment', segment.name,
		'entered', $2, 'exited', $3, 'size', $4)::text)
	FROM cdp.segment
	WHERE segment.segment_id = $1 AND segment.notify AND $2 + $3 > 0
$$;
COMMENT ON FUNCTION cdp._tell_refresh(integer, bigint, bigint, bigint) IS
'tell listeners, if the segment is to be told of, how many entered and exited it';
