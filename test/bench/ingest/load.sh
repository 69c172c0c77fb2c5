#!/usr/bin/env bash
# load.sh [RECORDS [RUNS]]: what it costs to take records in, as tables for
# RESULTS.md.
#
# RECORDS (a million) JSON lines like those of a shop's SDKs, mailing and CRM,
# one in a hundred sent twice, made by SQL from a fixed seed, are loaded by COPY
# into the inbox and the ingest phase of a merge run.  Beside it, in the same
# session: COPY of the same lines into a jsonb table with one btree; plain
# set-based SQL that takes the same lines from an inbox to the same rows
# (load_peer.sql); and the floor, those rows ready-made, by INSERT ... SELECT.
# All tables have the store's columns and indexes, all work is done in batches
# of 10,000 records.  CPU of the backend; medians of RUNS (3).
#
# Then the other phases of the merge run, and records per second when 1, 2, 4
# and 8 sessions call cdp.ingest_batch(), or COPY and merge, at once.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
records=${1:-1000000}
runs=${2:-3}
case $records$runs in
	*[!0-9]*) sed -n 's/^# load/usage: load/p' "$0"; exit 2 ;;
esac
. "$here/load_server.sh"

made load.sh "$records" "$runs"
server_as createdb results
sql -d results -c "CREATE TABLE took (run integer, what text, seconds double precision)"
for run in $(seq "$runs"); do
	fresh load
	sql -d load -v records="$records" -v file="$work/server/run/lines.csv" -v last="$((run == runs))" -f "$here/load.sql"
	sql -d load -c "COPY (SELECT $run, what, seconds FROM bench.took) TO STDOUT" |
		sql -d results -c "COPY took FROM STDIN"
	sql -d load -c "COPY bench.said TO STDOUT" >"$work/said"
done
sql -d results -v records="$records" -f "$here/load_report.sql"
echo
cat "$work/said"

echo
echo "| sessions at once | records per second by cdp.ingest_batch() of 100 | by COPY of 1,000, one merging all the time |"
echo "|---|---|---|"
for sessions in 1 2 4 8; do
	bash "$here/load_sessions.sh" "$sessions"
done
