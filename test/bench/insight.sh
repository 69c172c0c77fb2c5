#!/usr/bin/env bash
# insight.sh [PROFILES [EVENTS [PEOPLE [ROUNDS]]]]: what answers cost, as tables
# for RESULTS.md.
#
# The store of segments/segments.sh with PROFILES (200,000) profiles and EVENTS (10
# million) events of a year, and besides a catalogue, campaigns, sends, tickets and
# deals (one event in twenty more), an address and region of everybody, the consent
# of every second one, two audiences; merged, scored, with all that answers compare
# with.
#
# Then every answer about one profile is asked about PEOPLE (40) profiles drawn at
# random, and about the quarter as many that did most; and every answer about all
# profiles ROUNDS (3) times, beside plain SQL over the log where a query of one
# page can say the same.  CPU time of the backend, without parallel workers.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../packages.sh"
. "$here/../server.sh"

profiles=${1:-200000}
events=${2:-10000000}
people=${3:-40}
rounds=${4:-3}
case $profiles$events$people$rounds in
	*[!0-9]*) sed -n 's/^# insight/usage: insight/p' "$0"; exit 2 ;;
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
server_scratch insight
sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@" 2> >(grep -vE 'NOTICE|skipping analyze' >&2); }

sql -v profiles="$profiles" -v events="$events" -v more="$here/insight_store.sql" \
	-f "$here/segments/store.sql" -f "$here/insight_people.sql" >"$work/store.log"
echo "Made by \`test/bench/insight.sh $profiles $events $people $rounds\` on $(date -u +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)."
echo
sql -v people="$people" -v only= -f "$here/insight_answers.sql"
sql -v rounds="$rounds" -v only= -f "$here/insight_whole.sql"
