-- ingest.sql: refreshes of 20 segments, and calls of cdp.ingest() while they are
-- active.
SET client_min_messages = warning;
SELECT cdp.define_segment('bench_' || n, predicate) FROM bench.predicate \g /dev/null
CREATE FUNCTION bench.refresh() RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	start double precision := bench.cpu();
BEGIN
	PERFORM cdp.refresh_segments();
	RETURN round(((bench.cpu() - start) * 1000)::numeric);
END
$$;
SELECT bench.refresh() AS first_ms \gset
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY bench.refresh()) AS again_ms FROM generate_series(1, 3) \gset
SELECT format('cdp.refresh_segments() of the 20 as segments: %s ms of CPU the first time, %s ms when nothing has changed.', :first_ms, :again_ms);
SELECT '';
CREATE FUNCTION bench.calls(OUT wal bigint, OUT ms double precision, OUT changes bigint) LANGUAGE plpgsql AS $$
DECLARE
	start double precision := bench.cpu();
	at pg_lsn := pg_current_wal_insert_lsn();
	before bigint := (SELECT count(*) FROM cdp.membership_change);
BEGIN
	FOR n IN 1 .. 1000 LOOP
		PERFORM cdp.ingest('web', format('{"type": "track", "event": "order", "userId": "u%s", "messageId": "b%s", "timestamp": "2026-05-31T12:00:00Z", "properties": {"total": 20, "currency": "EUR", "category": "c1"}}',
			n * 7, n)::jsonb);
	END LOOP;
	wal := pg_current_wal_insert_lsn() - at;
	ms := (bench.cpu() - start) * 1000;
	changes := (SELECT count(*) FROM cdp.membership_change) - before;
END
$$;
CHECKPOINT;
SELECT format('A thousand cdp.ingest() of orders with 20 active segments: %s MB of WAL, %s ms of CPU a call, %s changes of membership.',
	round(wal / 1e6, 1), round((ms / 1000)::numeric, 2), changes)
FROM bench.calls();
SELECT '';
