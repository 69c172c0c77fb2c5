-- ingest.sql: calls of cdp.ingest() while 20 segments are active.
SET client_min_messages = warning;
SELECT cdp.define_segment('bench_' || n, predicate) FROM bench.predicate \g /dev/null
SELECT cdp.refresh_segments() \g /dev/null
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
