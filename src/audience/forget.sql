-- What is told of memberships, for 400 days.  The members at the limit become
-- a base like that of a new definition (membership.sql), and the changes that
-- it contains go.  So any later instant is answered as before, but that who
-- was a member at the limit is so since the limit; an earlier instant is
-- refused.  Once a day and segment, in one step: the base is right only if
-- all changes before it are in it.

CREATE FUNCTION cdp._members_at(segment_id integer, at timestamptz, OUT folded bigint, OUT members cdp.profile_bitmap)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH base AS (
		SELECT membership_base.folded, membership_base.members
		FROM cdp.membership_base
		WHERE membership_base.segment_id = $1 AND membership_base.at <= $2
		ORDER BY membership_base.at DESC, membership_base.folded DESC
		LIMIT 1
	)
	SELECT greatest(base.folded, (SELECT max(change_id) FROM cdp.membership_change AS since
			WHERE since.segment_id = $1 AND since.at <= $2)),
		coalesce((
			SELECT cdp._bitmap_moved(base.members, since.ord, since.change = 'entered')
			FROM (
				SELECT told.ord, told.change
				FROM cdp.membership_change AS told
				WHERE told.segment_id = $1 AND told.change_id > base.folded
					AND told.at <= $2
				ORDER BY told.change_id) AS since
		), base.members)
	FROM base
$$;
COMMENT ON FUNCTION cdp._members_at(integer, timestamptz) IS
'who was in a segment at an instant, and the last change that counts; no base: NULL';

CREATE FUNCTION cdp._forget_memberships(segment_id integer, before timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	kept record;
	forgotten bigint;
BEGIN
	SELECT * INTO kept FROM cdp._members_at($1, $2);
	IF kept.members IS NULL THEN
		RETURN 0;
	END IF;
	INSERT INTO cdp.membership_base (segment_id, folded, version, at, members)
	SELECT $1, kept.folded, base.version, $2, kept.members
	FROM cdp.membership_base AS base
	WHERE base.segment_id = $1 AND base.at <= $2
	ORDER BY base.at DESC, base.folded DESC
	LIMIT 1
	ON CONFLICT ON CONSTRAINT membership_base_pkey DO NOTHING;
	DELETE FROM cdp.membership_base AS base
	WHERE base.segment_id = $1 AND base.at < $2;
	DELETE FROM cdp.membership_change AS told
	WHERE told.segment_id = $1 AND told.change_id <= kept.folded AND told.at <= $2;
	GET DIAGNOSTICS forgotten = ROW_COUNT;
	RETURN forgotten;
END
$$;
COMMENT ON FUNCTION cdp._forget_memberships(integer, timestamptz) IS
'fold what is told of a segment up to an instant into one base; returns how many changes went';

-- The first change by number is the oldest, so a segment costs one probe.
-- Members as they are now must not need a change that goes.
CREATE FUNCTION cdp._forget_old_memberships() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	before timestamptz := date_trunc('day', cdp.clock() - interval '400 days', 'UTC');
	forgotten bigint;
BEGIN
	SELECT coalesce(sum(cdp._forget_memberships(segment.segment_id, before)), 0) INTO forgotten
	FROM cdp.segment
		LEFT JOIN cdp.segment_membership AS held USING (segment_id)
	WHERE before <= coalesce(held.as_of, 'infinity')
		AND (SELECT told.at FROM cdp.membership_change AS told
			WHERE told.segment_id = segment.segment_id
			ORDER BY told.change_id LIMIT 1) <= before;
	IF forgotten > 0 THEN
		UPDATE cdp.segment_refresh SET told_since = before;
	END IF;
	RETURN forgotten;
END
$$;
COMMENT ON FUNCTION cdp._forget_old_memberships() IS
'forget changes of membership older than 400 days; returns how many';

CREATE FUNCTION cdp._check_told(at timestamptz) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 < (SELECT told_since FROM cdp.segment_refresh) THEN
		RAISE EXCEPTION 'memberships of so long ago are not kept'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'Changes of membership are kept 400 days.',
				HINT = 'SELECT told_since FROM cdp.segment_refresh gives the earliest instant.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_told(timestamptz) IS
'raise if memberships at that instant are no longer told';

-- Sizes change with every run; after 30 days the last one of a day is enough.
-- Entered and exited are added up, so that a size is still the one before it
-- and what moved.  Each day is thinned once, in the first run after it.
CREATE FUNCTION cdp._thin_segment_history() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	before timestamptz := date_trunc('day', cdp.clock() - interval '30 days', 'UTC');
	since timestamptz := (SELECT coalesce(thinned_before, '-infinity') FROM cdp.segment_refresh);
	thinned bigint;
BEGIN
	IF before <= since THEN
		RETURN 0;
	END IF;
	WITH old AS (
		SELECT log.ctid AS row_id,
			row_number() OVER (the_day ORDER BY log.as_of DESC, log.ctid DESC) AS n,
			sum(log.entered) OVER the_day AS entered,
			sum(log.exited) OVER the_day AS exited
		FROM cdp.segment_size_log AS log
		WHERE log.as_of >= since AND log.as_of < before
		WINDOW the_day AS (PARTITION BY log.segment_id, date_trunc('day', log.as_of, 'UTC'))
	), kept AS (
		UPDATE cdp.segment_size_log AS log
		SET entered = old.entered, exited = old.exited
		FROM old
		WHERE log.ctid = old.row_id AND old.n = 1
			AND (log.entered, log.exited) <> (old.entered, old.exited)
	)
	DELETE FROM cdp.segment_size_log AS log
	USING old
	WHERE log.ctid = old.row_id AND old.n > 1;
	GET DIAGNOSTICS thinned = ROW_COUNT;
	UPDATE cdp.segment_refresh SET thinned_before = before;
	RETURN thinned;
END
$$;
COMMENT ON FUNCTION cdp._thin_segment_history() IS
'leave one row a day of sizes older than 30 days; returns how many went';
