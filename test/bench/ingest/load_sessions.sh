#!/usr/bin/env bash
# load_sessions.sh SESSIONS: a row of load.sh's table of sessions.  The store is
# new each time; load.sh has started the server.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sessions=$1
calls=600
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
quiet() { psql -X -q -At -v ON_ERROR_STOP=1 -d sessions "$@" 2> >(grep -v NOTICE >&2); }
fresh() {
	dropdb --if-exists sessions 2>/dev/null
	createdb sessions
	quiet -f "$here/load_store.sql"
	quiet <<-SQL
		CREATE TABLE bench.line AS SELECT * FROM bench.lines(1000000, 1, $calls * 100);
		CREATE TABLE bench.call AS SELECT (n - 1) / 100 AS n, source, jsonb_agg(line::jsonb) AS records
		FROM bench.line GROUP BY 1, 2;
		CREATE INDEX ON bench.call (n);
		CREATE INDEX ON bench.line (n);
		CREATE SEQUENCE bench.next MINVALUE 0;
		CALL cdp.merge();
		VACUUM ANALYZE bench.line, bench.call;
	SQL
}
# Records per second: how many went in, divided by the seconds since "started".
rate() { quiet -c "SELECT round(sum(records) / (extract(epoch FROM clock_timestamp()) - $started)) FROM cdp.ingest_count"; }
now() { quiet -c "SELECT extract(epoch FROM clock_timestamp())"; }

fresh
cat >"$scratch/call.sql" <<'SQL'
SELECT count(*) FROM (SELECT nextval('bench.next') AS n OFFSET 0) AS turn JOIN bench.call USING (n),
	cdp.ingest_batch(call.source, call.records);
SQL
started=$(now)
pgbench -n -d sessions -c "$sessions" -j 2 -t $((calls / sessions)) -f "$scratch/call.sql" >"$scratch/out" 2>&1 ||
	{ cat "$scratch/out" >&2; exit 1; }
called=$(rate)

fresh
cat >"$scratch/copy.sql" <<'SQL'
INSERT INTO cdp.inbox (source, record)
SELECT source, line FROM (SELECT nextval('bench.next') AS part OFFSET 0) AS turn
JOIN bench.line ON n > part * 1000 AND n <= (part + 1) * 1000;
SQL
started=$(now)
pgbench -n -d sessions -c "$sessions" -j 2 -t $((calls / 10 / sessions)) -f "$scratch/copy.sql" >"$scratch/out" 2>&1 &
loaders=$!
while kill -0 "$loaders" 2>/dev/null; do quiet -c "CALL cdp.merge(phases => '{ingest}')"; done
wait "$loaders" || { cat "$scratch/out" >&2; exit 1; }
quiet -c "CALL cdp.merge(phases => '{ingest}')"
echo "| $sessions | $called | $(rate) |"
