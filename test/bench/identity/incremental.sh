#!/usr/bin/env bash
# incremental.sh [BATCHES [IDENTIFIERS...]]: what one batch, and one call, costs
# the identity graph, as tables for RESULTS.md.
#
# Records like those of a real store (people who come back with their cookie
# and log in, new ones, few busy and many quiet, shared browsers), made by SQL
# from a fixed seed, fill stores of the given numbers of identifiers (100,000
# and a million).  Then BATCHES (9) of 10,000 records each are attached and
# stitched; beside it, in the same run and on tables with the same rows and
# indexes, run the floors: sorted INSERT ... ON CONFLICT of the batch's
# identifiers, and plain set-based SQL for its sets and their members.  CPU of
# the backend, median and spread.
#
# Then 1,000 calls of cdp.ingest() on a store of its own with 20 active
# segments, against a PL/pgSQL function that writes the same rows with kept
# plans; CPU, and wall time with synchronous_commit off.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../packages.sh"
. "$here/../../server.sh"

batches=${1:-9}
[ $# -eq 0 ] || shift
levels=${*:-100000 1000000}
case $batches$levels in
	*[!0-9\ ]*) sed -n 's/^# incremental/usage: incremental/p' "$0"; exit 2 ;;
esac
SERVER_CONF="cdp.test_clock = '2026-01-02 00:00:00+00'
	timezone = 'UTC'
	shared_buffers = 1GB"
server_scratch incremental

echo "Made by \`test/bench/identity/incremental.sh $batches $levels\` on $(date -u +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)."
echo
for part in incremental incremental_ingest; do
	server_as createdb "$part"
	psql -X -q -v ON_ERROR_STOP=1 -v levels="$levels" -v batches="$batches" -d "$part" -f "$here/$part.sql"
	echo
done
