#!/usr/bin/env bash
# profile_reads.sh [PROFILES [ROUNDS]]: what it costs to read one profile, as a
# table for RESULTS.md.
#
# A store of PROFILES (200,000) customers with traits, identifiers, orders,
# scores and segments, made by merge runs from generated records, and beside
# it a plain table with the same columns and rows and a primary key.  pgbench
# reads 20,000 random profiles over one connection, ROUNDS (5) times in turn:
# the plain table by its key, cdp.profile() by e-mail address, the view by
# profile_id, cdp.find_profile(); by the simple protocol, and by prepared
# statements.  What is measured is the CPU time of the backend, which reads it
# itself from /proc/self/schedstat before and after (the first 1,000 reads warm
# up), so sending and waiting count but the client does not.  Median and spread
# of the rounds; the ratio is to the plain table by the same protocol.
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

psql -X -q -v ON_ERROR_STOP=1 -c "CREATE TABLE cpu (ns bigint)"
cores=$(nproc)
# The e-mail address is written out by the simple protocol, as a client does.
script() {
	local query=$2
	[ "$3" = prepared ] || query=${query//\' || :id || \'/:id}
	cat >"$work/$1.$3.sql" <<-SQL
		\\set n :n + 1
		\\set id random(1, $profiles)
		\\if :n = 1000 or :n = 21000
		INSERT INTO cpu SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint;
		\\endif
		$query;
	SQL
}
for protocol in simple prepared; do
	script 1_nothing 'SELECT 1' "$protocol"
	script 2_plain 'SELECT * FROM plain WHERE profile_id = :id' "$protocol"
	script 3_profile "SELECT * FROM cdp.profile('email', 'person' || :id || '@example.com')" "$protocol"
	script 4_view 'SELECT * FROM cdp.unified_profile WHERE profile_id = :id' "$protocol"
	script 5_find "SELECT cdp.find_profile('email', 'person' || :id || '@example.com')" "$protocol"
done

for round in $(seq 1 "$rounds"); do
	for query in 1_nothing 2_plain 3_profile 4_view 5_find; do
		for protocol in simple prepared; do
			psql -X -q -c "TRUNCATE cpu"
			pgbench -n -c 1 -t 21000 -D n=0 -M "$protocol" -f "$work/$query.$protocol.sql" >/dev/null
			printf '%s\t%s\t%s\n' "$protocol" "$query" \
				"$(psql -X -q -At -c "SELECT round((max(ns) - min(ns)) / 20000e6, 4) FROM cpu")"
		done
	done
done >"$work/times.tsv"

echo "Made by \`test/bench/profile_reads.sh $profiles $rounds\` on $(date -u +%F), $cores cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)."
echo
psql -X -q -v ON_ERROR_STOP=1 -f "$here/profile_reads_table.sql" <"$work/times.tsv"
