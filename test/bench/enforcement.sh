#!/usr/bin/env bash
# enforcement.sh [PROFILES [ROUNDS]]: what it costs that the view of audiences
# enforces consent and suppression, as a table for RESULTS.md.
#
# A store of PROFILES (200,000) customers, made by a merge run from generated
# records: all have an e-mail address and agreed to something by e-mail, six in
# ten to marketing, of whom one in twenty is suppressed.  All are in the segment
# of one audience.  One backend reads, in turn and ROUNDS (9) times, what
# cdp.audience_member shows of it, and what it joins with nothing enforced:
# segment, members and best addresses.  What is measured is the CPU time of the
# backend, which reads it itself from /proc/self/schedstat; median and spread.
# JIT and parallel workers are off, whose time would not be seen.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../packages.sh"
. "$here/../server.sh"

profiles=${1:-200000}
rounds=${2:-9}
case $profiles$rounds in
	*[!0-9]*) sed -n 's/^# enforcement/usage: enforcement/p' "$0"; exit 2 ;;
esac
SERVER_CONF="cdp.test_clock = '2026-06-01 00:00:00+00'
	timezone = 'UTC'
	autovacuum = off
	jit = off
	max_parallel_workers_per_gather = 0
	shared_buffers = 1GB"
server_scratch enforcement
psql -X -q -v ON_ERROR_STOP=1 -v profiles="$profiles" -f "$here/enforcement_store.sql" >"$work/load.log"
echo "Made by \`test/bench/enforcement.sh $profiles $rounds\` on $(date -u +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)."
echo
psql -X -q -v ON_ERROR_STOP=1 -v rounds="$rounds" -f "$here/enforcement.sql"
