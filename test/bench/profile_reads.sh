#!/usr/bin/env bash
# profile_reads.sh [PROFILES [ROUNDS]]: what it costs to read one profile, as a
# table for RESULTS.md.
#
# A store of PROFILES (200,000) customers with traits, identifiers, orders,
# scores and segments, made by merge runs from generated records, and beside
# it a plain table with the same columns and rows and a primary key.  pgbench
# reads random profiles over one connection, ROUNDS (5) times in turn: the
# plain table by its key, cdp.profile() by e-mail address, the view by
# profile_id, cdp.find_profile(); by the simple protocol, and by prepared
# statements.  Server and client are bound to one processor, or waking each
# other up would be most of what is measured.  Median and spread of the
# rounds; the ratio is to the plain table by the same protocol.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../packages.sh"
. "$here/../server.sh"

profiles=${1:-200000}
rounds=${2:-5}
case $profiles$rounds in
	*[!0-9]*) sed -n 's/^# profile_reads/usage: profile_reads/p' "$0"; exit 2 ;;
esac
SERVER_CONF="cdp.test_clock = '2026-06-01 00:00:00+00'
	timezone = 'UTC'
	autovacuum = off
	shared_buffers = 1GB"
server_scratch profile-reads
psql -X -q -v ON_ERROR_STOP=1 -v profiles="$profiles" -f "$here/profile_reads.sql" >"$work/load.log"

cores=$(nproc)
cpu=$((cores - 1))
taskset -acp "$cpu" "$(head -n 1 "$work/server/data/postmaster.pid")" >/dev/null
taskset -cp "$cpu" $$ >/dev/null
script() {
	printf '\\set id random(1, %s)\n%s;\n' "$profiles" "$2" >"$work/$1.sql"
}
script 1_nothing 'SELECT 1'
script 2_plain 'SELECT * FROM plain WHERE profile_id = :id'
script 3_profile "SELECT * FROM cdp.profile('email', 'person' || :id || '@example.com')"
script 4_view 'SELECT * FROM cdp.unified_profile WHERE profile_id = :id'
script 5_find "SELECT cdp.find_profile('email', 'person' || :id || '@example.com')"

for round in $(seq 0 "$rounds"); do
	for query in 1_nothing 2_plain 3_profile 4_view 5_find; do
		for protocol in simple prepared; do
			latency=$(pgbench -n -c 1 -T 2 -M "$protocol" -f "$work/$query.sql" |
				sed -n 's/^latency average = \([0-9.]*\) ms/\1/p')
			# the first round warms up
			[ "$round" -eq 0 ] || printf '%s\t%s\t%s\n' "$protocol" "$query" "$latency"
		done
	done
done >"$work/times.tsv"

echo "Made by \`test/bench/profile_reads.sh $profiles $rounds\` on $(date -u +%F), $cores cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)."
echo
psql -X -q -v ON_ERROR_STOP=1 -f "$here/profile_reads_table.sql" <"$work/times.tsv"
