#!/usr/bin/env bash
# scaling.sh [ROUNDS [CUSTOMERS...]]: fits and scores of 10,000 to 10 million
# customers (or of CUSTOMERS), as a table for RESULTS.md.
#
# Customers are drawn from a Pareto/NBD model, spend from a Gamma-Gamma, outcomes
# from a logistic one; times are of whole days, as those of a shop are, and for
# one row of the table of any instant, so that no two customers are alike.  Each
# figure is of a connection of its own, ROUNDS (3) times: CPU seconds of the
# backend (/proc/self/schedstat), and MB, the most that it held (VmHWM) less what
# it held before; of that 16 MB at the most are shared buffers.
#
# Then each fit is cancelled at five instants of its course (statement_timeout), and
# the longest time printed from there until the statement has ended, by the wall
# clock; a busy machine adds its own waits.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../packages.sh"
. "$here/../../server.sh"

rounds=${1:-3}
levels=("${@:2}")
[ "${#levels[@]}" -gt 0 ] || levels=(10000 100000 1000000 10000000)
case $rounds${levels[*]} in
	*[!0-9\ ]*) sed -n 's/^# scaling/usage: scaling/p' "$0"; exit 2 ;;
esac
SERVER_CONF="timezone = 'UTC'
	jit = off
	autovacuum = off
	max_parallel_workers_per_gather = 0
	shared_buffers = 16MB"
server_scratch score-scaling
sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@" 2> >(grep -vE 'NOTICE|skipping analyze' >&2); }

sql -f "$here/scaling.sql" >"$work/store.log"
for level in "${levels[@]}"; do
	sql -v customers="$level" -f "$here/scaling_draw.sql" >>"$work/store.log"
	while IFS=$'\t' read -r what statement; do
		for _ in $(seq "$rounds"); do
			sql -v what="$what" -v units="$level" -v statement="$statement" -f "$here/measure.sql" >/dev/null
		done
	done < <(sql -F $'\t' -c "SELECT what, query FROM bench.asked ORDER BY n")
	sql -v units="$level" -f "$here/scaling_cancel.sql" >/dev/null
done

echo "Made by \`test/bench/scores/scaling.sh $rounds ${levels[*]}\` on $(date -u +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)."
echo
sql -f "$here/scaling_report.sql"
