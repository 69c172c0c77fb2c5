#!/usr/bin/env bash
# store.sh [PROFILES [EVENTS [ROUNDS]]]: what the scores of a store cost, as a
# table for RESULTS.md.
#
# A store of PROFILES (200,000) customers, made by a merge run, with the orders
# of two years as customers of a BG/NBD model place them, and EVENTS (10 million)
# other events, more before orders than elsewhere; events are written into the
# log by SQL and packed into timelines.  Then, ROUNDS (3) times each: fits of the
# models churn and clv with their holdout, all scores made anew, the labelled
# model purchase_30d (13 features) learnt from the past with its holdout, and
# all scored by it; and scores at ingest: of 1,000 profiles at once, as behind a
# batch, one by one, as behind a record, and 1,000 calls of cdp.ingest() with an
# order of which they are part.
#
# Seconds are CPU of the backend (/proc/self/schedstat), each in a connection of
# its own; MB are the most that it held (VmHWM), less what it held before, of
# which shared buffers are up to 256 MB.  Medians and spread.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../packages.sh"
. "$here/../../server.sh"

profiles=${1:-200000}
events=${2:-10000000}
rounds=${3:-3}
case $profiles$events$rounds in
	*[!0-9]*) sed -n 's/^# store/usage: store/p' "$0"; exit 2 ;;
esac
SERVER_CONF="cdp.test_clock = '2026-06-01 00:00:00+00'
	timezone = 'UTC'
	jit = off
	autovacuum = off
	max_parallel_workers_per_gather = 0
	synchronous_commit = off
	max_wal_size = 16GB"
server_scratch score-store
sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@" 2> >(grep -vE 'NOTICE|skipping analyze' >&2); }

# measure WHAT UNITS STATEMENT: in a new connection, ROUNDS times.
measure() {
	for _ in $(seq "$rounds"); do
		sql -v what="$1" -v units="$2" -v statement="$3" -f "$here/measure.sql" >/dev/null
		sql -c "VACUUM cdp.profile_score" >/dev/null
	done
}

sql -v profiles="$profiles" -v events="$events" -f "$here/store.sql" >"$work/store.log"
measure 'fit of churn and clv, with holdout' "$profiles" 'SELECT cdp._fit_models()'
measure 'cdp.refresh_scores()' "$profiles" 'SELECT cdp.refresh_scores()'
measure 'purchase_30d learnt, with holdout' "$profiles" "SELECT cdp._fit_propensity('purchase_30d', cdp.clock())"
measure 'purchase_30d scored' "$profiles" "SELECT cdp._refresh_propensity('{purchase_30d}')"
measure 'scores of 1,000 profiles at once' 1000 'SELECT cdp._score_profiles(ids) FROM bench.few'
measure 'scores of 1,000 profiles one by one' 1000 'SELECT count(cdp._score_profiles(ARRAY[id])) FROM bench.few, unnest(ids) AS id'
measure 'cdp.ingest() of an order' 1000 'CALL bench.ingest()'

echo "Made by \`test/bench/scores/store.sh $profiles $events $rounds\` on $(date -u +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)."
echo
sql -f "$here/store_report.sql"
