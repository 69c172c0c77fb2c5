#!/usr/bin/env bash
# segments.sh [PROFILES [EVENTS [ROUNDS]]]: what segments cost, as tables for
# RESULTS.md.
#
# A store of PROFILES (200,000) profiles, made by a merge run, and EVENTS (10
# million) events of the last year, written into the log by SQL and packed into
# timelines; few people do much, many little.  Twenty behavioural predicates
# (predicates.sql) are evaluated in one pass, beside two peers that have the
# same events in one flat table with the profile of each: PostgreSQL, indexed,
# one SQL query a predicate; and DuckDB, by npm's @duckdb/node-api, the same
# queries (left out where npm cannot install it).  All three count the members
# of each predicate, and the counts must agree.  CPU of one processor, no
# parallel workers; medians of ROUNDS (5), in turn.
#
# Then 2, 10 and 100 predicates; single predicates over few and many events, by
# timelines and from the log; sizes on disk; the overlaps of 100 segments of a
# million profiles; some timelines made anew; refreshes of 20 segments, WAL and
# time of 1,000 cdp.ingest() while they are active; what the bytes of timelines are, and the least that the
# events could be told with.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../packages.sh"
. "$here/../../server.sh"

profiles=${1:-200000}
events=${2:-10000000}
rounds=${3:-5}
case $profiles$events$rounds in
	*[!0-9]*) sed -n 's/^# segments/usage: segments/p' "$0"; exit 2 ;;
esac
SERVER_CONF="cdp.test_clock = '2026-06-01 00:00:00+00'
	timezone = 'UTC'
	jit = off
	autovacuum = off
	max_parallel_workers_per_gather = 0
	synchronous_commit = off
	work_mem = '256MB'
	max_wal_size = 16GB
	shared_buffers = 4GB"
server_scratch segments
sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@" 2> >(grep -vE 'NOTICE|skipping analyze' >&2); }

sql -v profiles="$profiles" -v events="$events" -f "$here/store.sql" -f "$here/predicates.sql" >"$work/store.log"
sql -c "COPY (SELECT n, query FROM bench.predicate ORDER BY n) TO STDOUT" >"$work/queries.tsv"
duckdb=
mkdir "$work/duckdb"
if (cd "$work/duckdb" && npm install --silent --no-audit --no-fund @duckdb/node-api >/dev/null 2>&1); then
	duckdb=yes
	cp "$here/duckdb.mjs" "$work/duckdb/"
	chmod 777 "$work/duckdb"
	sql -c "COPY bench.event TO '$work/duckdb/event.csv' (FORMAT csv, HEADER)" -c "COPY bench.profile TO '$work/duckdb/profile.csv' (FORMAT csv, HEADER)"
fi

for round in $(seq "$rounds"); do
	sql -v round="$round" -f "$here/measure.sql" >/dev/null
	if [ -n "$duckdb" ]; then
		(cd "$work/duckdb" && node duckdb.mjs event.csv profile.csv ../queries.tsv "$round") >"$work/duckdb/took.tsv"
		sql -c "COPY bench.took FROM STDIN" <"$work/duckdb/took.tsv"
	fi
done

echo "Made by \`test/bench/segments/segments.sh $profiles $events $rounds\` on $(date -u +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)${duckdb:+, DuckDB $(cat "$work/duckdb/version")}."
echo
sql -f "$here/report.sql"
sql -f "$here/remake.sql"
sql -v records=1000 -f "$here/ingest.sql"
sql -f "$here/overlap.sql"
