-- What has been kept long enough goes: the "retain" phase of a merge run.
--
-- What expires by itself (trait observations of third parties) is emptied by the
-- first run after that, and goes with what its source sent.
--
-- A source's retention covers what it sent: events by occurred_at, trait
-- observations by observed_at.  Identifiers and the evidence that joins them
-- stay (they have a time to live of their own), and so do consents and the
-- message ledger, so that a message that was removed does not come back.
--
-- Whole months go first: a partition of the log in which every event has been
-- kept long enough is dropped, which costs nothing by event.  If the log is too
-- busy for that, its rows go like any others.
--
-- Once a day.  Whoever reads the log, timelines or observations for somebody to see
-- (cdp.profile_event, cdp.event_product, cdp.profile_order, cdp.profile_return,
-- cdp.profile_session, cdp.profile_trait_history, cdp.lineage(), cdp.timeline_of(),
-- cdp.interaction_history(), cdp.search_text()) does not wait for it: they show
-- nothing that has been kept for its time, to the instant.  What is derived (rows
-- of profiles with their traits, segments, scores) follows with the pass, within
-- a day.  cdp.retention_rule lists the times.
-- Limits are cut to the day (UTC), for a pass costs more than what a minute brings
-- is worth: timelines that lose events are made anew from the log, and
-- observations, of which no index knows the time (that would be written with every
-- record), are read from end to end.
-- cdp.source.removed_before tells how far a source has been cleared, so a run
-- with nothing to do reads that table and no other.  A pass reads the
-- partitions between that instant and the new limit, and all observations.
-- When the retention changes, the next pass begins at the beginning of time.
--
-- Each step removes a batch and commits with it what follows from it as
-- cdp.todo.  A source is marked by the step that finds nothing more, so a
-- pass that was cut off goes on in the next run.
--
-- Locks.  Nobody else locks events that are this old.  Observations that an
-- ingest holds are skipped: they are being made new.  So nothing here waits but
-- for somebody who is changing the row of the same source.

-- Records that were let in just before the last pass may have been committed
-- after it.
CREATE FUNCTION cdp._due_retentions()
RETURNS TABLE (
	source_id integer,
	retention interval,
	since timestamptz,
	until timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT source.source_id, source.retention,
		coalesce(source.removed_before - interval '2 days', '-infinity'),
		due.until
	FROM cdp.source,
		LATERAL (SELECT date_trunc('day', (cdp.clock() AT TIME ZONE 'UTC')
			- source.retention) AT TIME ZONE 'UTC' AS until) AS due
	WHERE source.retention IS NOT NULL
		AND coalesce(source.removed_before < due.until, true)
$$;
COMMENT ON FUNCTION cdp._due_retentions() IS
'sources that a pass of retention is due for, and the times of events that it looks through';

CREATE FUNCTION cdp._remove_events(source_id integer, since timestamptz, until timestamptz, units integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	removed bigint;
	sets bigint[];
BEGIN
	WITH chosen AS MATERIALIZED (
		SELECT event.event_id, event.occurred_at
		FROM cdp.event
		WHERE event.source_id = $1
			AND event.occurred_at >= $2 AND event.occurred_at < $3
		LIMIT $4
	), gone AS (
		DELETE FROM cdp.event
		USING chosen
		WHERE event.event_id = chosen.event_id
			AND event.occurred_at = chosen.occurred_at
		RETURNING event.set_id
	)
	SELECT count(*), array_agg(DISTINCT set_id) INTO removed, sets FROM gone;
	PERFORM cdp._add_todo('rebuild_timeline', cdp._profiles_of_sets(sets));
	RETURN removed;
END
$$;
COMMENT ON FUNCTION cdp._remove_events(integer, timestamptz, timestamptz, integer) IS
'remove at most "units" events of a source and note that timelines must follow; returns how many';

-- The next month that has nothing that must be kept; NULL: there is none.
CREATE FUNCTION cdp._outdated_event_month() RETURNS regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	month record;
	is_kept boolean;
BEGIN
	FOR month IN
		SELECT partition.oid::regclass AS name,
			(to_date(right(partition.relname, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC' AS until
		FROM pg_inherits
			JOIN pg_class AS partition ON partition.oid = inhrelid
		WHERE inhparent = 'cdp.event'::regclass AND partition.relname ~ '^event_[0-9]{6}$'
		ORDER BY 2
	LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM cdp._due_retentions() AS due
			WHERE due.until >= month.until);
		EXECUTE format('SELECT EXISTS (SELECT FROM %s AS event'
			' LEFT JOIN cdp.source USING (source_id)'
			' WHERE source.retention IS NULL OR cdp._kept_after(source.retention) < $1)', month.name)
		INTO is_kept USING month.until;
		IF NOT is_kept THEN
			RETURN month.name;
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._outdated_event_month() IS
'the oldest partition of the log in which every event has been kept as long as its source allows';

-- Ingest locks event_other from the beginning to the end of its transaction
-- (batch.c): what it was about to bring is looked at once the lock is ours.
-- Readers lock cdp.event first, so that lock is none that they wait for.
CREATE FUNCTION cdp._drop_event_month() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
	month regclass := cdp._outdated_event_month();
	removed bigint;
	sets bigint[];
BEGIN
	IF month IS NULL THEN
		RETURN 0;
	END IF;
	LOCK TABLE cdp.event_other IN SHARE ROW EXCLUSIVE MODE;
	IF month IS DISTINCT FROM cdp._outdated_event_month() THEN
		RETURN 0;
	END IF;
	EXECUTE format('SELECT count(*), array_agg(DISTINCT set_id) FROM %s', month)
	INTO removed, sets;
	EXECUTE format('DROP TABLE %s', month);
	PERFORM cdp._add_todo('rebuild_timeline', cdp._profiles_of_sets(sets));
	RETURN greatest(removed, 1);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._drop_event_month() IS
'drop one month of the log that has nothing to keep, and note that timelines must follow; returns how many events went, 0 also when the log is busy';

CREATE FUNCTION cdp._remove_observations(source_id integer, until timestamptz, units integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	removed bigint;
	sets bigint[];
BEGIN
	WITH chosen AS MATERIALIZED (
		SELECT set_id, name
		FROM cdp.trait_observation
		WHERE source_id = $1 AND observed_at < $2
		LIMIT $3
		FOR UPDATE SKIP LOCKED
	), gone AS (
		DELETE FROM cdp.trait_observation AS old
		USING chosen
		WHERE old.set_id = chosen.set_id AND old.name = chosen.name
		RETURNING old.set_id
	), chosen_history AS MATERIALIZED (
		SELECT ctid
		FROM cdp.trait_history
		WHERE source_id = $1 AND observed_at < $2
		LIMIT $3
		FOR UPDATE SKIP LOCKED
	), gone_history AS (
		DELETE FROM cdp.trait_history AS old
		WHERE old.ctid = ANY (ARRAY(SELECT ctid FROM chosen_history))
		RETURNING old.set_id
	), every AS (
		SELECT set_id FROM gone UNION ALL SELECT set_id FROM gone_history
	)
	SELECT count(*), array_agg(DISTINCT set_id) INTO removed, sets FROM every;
	PERFORM cdp._add_todo('profile', cdp._profiles_of_sets(sets));
	RETURN removed;
END
$$;
COMMENT ON FUNCTION cdp._remove_observations(integer, timestamptz, integer) IS
'remove at most "units" trait observations of a source, and as many of their history, and note that profiles must follow; returns how many';

-- An observation that expired is emptied, not deleted: were it gone, what was
-- said before it would count if it came now.
CREATE FUNCTION cdp._remove_expired(units integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	removed bigint;
	sets bigint[];
BEGIN
	WITH chosen AS MATERIALIZED (
		SELECT set_id, name
		FROM cdp.trait_observation
		WHERE expires_at <= cdp.clock() AND value <> '""'
		ORDER BY expires_at
		LIMIT $1
		FOR UPDATE SKIP LOCKED
	), gone AS (
		UPDATE cdp.trait_observation AS old
		SET value = '""', raw = NULL
		FROM chosen
		WHERE old.set_id = chosen.set_id AND old.name = chosen.name
		RETURNING old.set_id
	), chosen_history AS MATERIALIZED (
		SELECT ctid
		FROM cdp.trait_history
		WHERE expires_at <= cdp.clock()
		ORDER BY expires_at
		LIMIT $1
		FOR UPDATE SKIP LOCKED
	), gone_history AS (
		DELETE FROM cdp.trait_history AS old
		WHERE old.ctid = ANY (ARRAY(SELECT ctid FROM chosen_history))
		RETURNING old.set_id
	), every AS (
		SELECT set_id FROM gone UNION ALL SELECT set_id FROM gone_history
	)
	SELECT count(*), array_agg(DISTINCT set_id) INTO removed, sets FROM every;
	PERFORM cdp._add_todo('profile', cdp._profiles_of_sets(sets));
	RETURN removed;
END
$$;
COMMENT ON FUNCTION cdp._remove_expired(integer) IS
'empty at most "units" trait observations that have expired, remove as many of their history, and note that profiles must follow; returns how many';

-- Timelines are made anew some tens of thousands at a time, so steps are larger
-- than others.
CREATE FUNCTION cdp._retain_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	due record;
	removed bigint;
BEGIN
	PERFORM cdp._check_store();
	removed := cdp._drop_event_month();
	IF removed = 0 THEN
		removed := cdp._remove_expired(20 * $1);
	END IF;
	IF removed > 0 THEN
		RETURN removed;
	END IF;
	FOR due IN SELECT * FROM cdp._due_retentions() ORDER BY source_id LOOP
		removed := cdp._remove_events(due.source_id, due.since, due.until, 20 * $1)
			+ cdp._remove_observations(due.source_id, due.until, 20 * $1);
		IF removed > 0 THEN
			RETURN removed;
		END IF;
		-- One whose retention changed meanwhile is left to the next run.
		UPDATE cdp.source SET removed_before = due.until
		WHERE source.source_id = due.source_id
			AND source.retention = due.retention;
	END LOOP;
	DELETE FROM cdp.run_log
	WHERE started_at < cdp.clock() - interval '90 days' AND state <> 'running';
	RETURN cdp._forget_old_memberships() + cdp._thin_segment_history();
END
$$;
COMMENT ON FUNCTION cdp._retain_step(integer) IS
'remove a batch of what has expired or what sources sent longer ago than their retention; returns how many rows, 0 when nothing is left to remove';

CREATE FUNCTION cdp._restart_retention() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NEW.removed_before := NULL;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._restart_retention() IS
'trigger: the next pass looks through all times';
