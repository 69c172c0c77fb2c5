-- Months of the event log.  Only the merge run comes here, before it has
-- locked anything else.  A month is made as a table of its own, filled with
-- what event_other holds of it, and attached: of the log itself that needs a
-- lock that readers and writers do not notice; event_other is locked until
-- the batch commits.  Whoever ingests takes its lock on event_other before any
-- other (batch.c), so it waits here holding nothing and no circle can close.
-- If the lock is not to be had within a second (a long report reads the log),
-- the months stay in event_other until another run.
CREATE FUNCTION cdp._make_event_month(month date) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	partition text := 'event_' || to_char(month, 'YYYYMM');
	month_start timestamptz := month::timestamp AT TIME ZONE 'UTC';
	month_end timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
	owner regrole;
BEGIN
	EXECUTE format(
		'CREATE TABLE cdp.%1$I (LIKE cdp.event INCLUDING CONSTRAINTS'
		' INCLUDING DEFAULTS INCLUDING STORAGE);'
		' ALTER TABLE cdp.%1$I ALTER properties SET STATISTICS 0',
		partition);
	SELECT relowner INTO owner FROM pg_class WHERE oid = 'cdp.event'::regclass;
	IF owner <> current_user::regrole THEN
		EXECUTE format('ALTER TABLE cdp.%I OWNER TO %s', partition, owner);
	END IF;
	IF EXISTS (SELECT FROM cdp.event_other
			WHERE occurred_at >= month_start AND occurred_at < month_end) THEN
		EXECUTE format(
			'WITH moved AS (DELETE FROM cdp.event_other'
			' WHERE occurred_at >= $1 AND occurred_at < $2 RETURNING *)'
			' INSERT INTO cdp.%I SELECT * FROM moved', partition)
		USING month_start, month_end;
	END IF;
	EXECUTE format(
		'ALTER TABLE cdp.event ATTACH PARTITION cdp.%I FOR VALUES FROM (%L) TO (%L)',
		partition, month_start, month_end);
	EXECUTE format('COMMENT ON TABLE cdp.%I IS %L', partition,
		'events of ' || to_char(month, 'YYYY-MM') || ' (UTC)');
END
$$;
COMMENT ON FUNCTION cdp._make_event_month(date) IS
'make the partition of a month and move its events there';

CREATE FUNCTION cdp._make_event_months(months date[]) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
	missing date[] := ARRAY(
		SELECT DISTINCT month
		FROM unnest($1) AS month
		WHERE to_regclass('cdp.event_' || to_char(month, 'YYYYMM')) IS NULL
		ORDER BY month);
BEGIN
	IF cardinality(missing) = 0 THEN
		RETURN 0;
	END IF;
	LOCK TABLE cdp.event_other IN ACCESS EXCLUSIVE MODE;
	PERFORM cdp._make_event_month(month) FROM unnest(missing) AS month;
	RETURN cardinality(missing);
EXCEPTION
	WHEN lock_not_available THEN
		RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._make_event_months(date[]) IS
'make the partitions of these months (their first days) that do not exist; 0 also when the log is busy';

-- Months that event_other holds so much of that a partition is worth it.
-- Counting reads all of it, so not before it is large enough to hold one.
CREATE FUNCTION cdp._worthy_event_months() RETURNS date[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	enough bigint := cdp._read_setting('partition_rows'::text)::bigint;
BEGIN
	IF pg_relation_size('cdp.event_other') < enough * 60 THEN
		RETURN '{}';
	END IF;
	RETURN (
		SELECT array_agg(month)
		FROM (SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date AS month
			FROM cdp.event_other
			GROUP BY 1
			HAVING count(*) >= enough) AS worthy);
END
$$;
COMMENT ON FUNCTION cdp._worthy_event_months() IS
'months of which event_other holds at least partition_rows events';

-- Folded: rows of the tally that are older than an hour, one per source and
-- day.  Kept 90 days: rejects and warnings.
CREATE FUNCTION cdp._ingest_upkeep() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	today date := (cdp.clock() AT TIME ZONE 'UTC')::date;
BEGIN
	PERFORM cdp._make_event_months(ARRAY(
		SELECT (date_trunc('month', today) + ahead * interval '1 month')::date
		FROM generate_series(0, 3) AS ahead)
		|| cdp._worthy_event_months());
	WITH folded AS (
		DELETE FROM cdp.ingest_tally
		WHERE counted_at < cdp.clock() - interval '1 hour'
			AND (SELECT count(*) FROM cdp.ingest_tally) > 1000
		RETURNING *
	)
	INSERT INTO cdp.ingest_tally (source, counted_at, records, stored,
		duplicates, rejected, without_key)
	SELECT source, date_trunc('day', counted_at, 'UTC'), sum(records),
		sum(stored), sum(duplicates), sum(rejected), sum(without_key)
	FROM folded
	GROUP BY 1, 2;
	DELETE FROM cdp.message WHERE expires_at <= cdp.clock();
	DELETE FROM cdp.ingest_warning
	WHERE warned_at < cdp.clock() - interval '90 days';
	DELETE FROM cdp.reject
	WHERE rejected_at < cdp.clock() - interval '90 days';
END
$$;
COMMENT ON FUNCTION cdp._ingest_upkeep() IS
'once per merge run: partitions ahead, months out of event_other, counts folded, old rejects, warnings and message keys removed';
