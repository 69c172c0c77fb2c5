#!/usr/bin/env bash
# privacy.sh [PROFILES [EVENTS]]: what exporting and erasing one person costs.
#
# A store of PROFILES (50,000) customers with an account, a cookie, an e-mail
# address, traits, a consent and EVENTS (2,500,000) events (the most active have
# many times the mean), segments and an audience that was released; privacy.sql
# tells how it is made.  A hundred segments more are refreshed, which is another
# target at the same size (segments/refresh.sql).  Persons are exported and then erased: the CPU time and
# the wall time of each, and how often the log was read from end to end.  Needs
# no root; the target is 200 ms at a million profiles and 50 million events,
# which take an hour and a half, and 40 GB of disk.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../packages.sh"
. "$here/../server.sh"

profiles=${1:-50000}
events=${2:-2500000}
case $profiles$events in
	*[!0-9]*) sed -n 's/^# privacy/usage: privacy/p' "$0"; exit 2 ;;
esac
SERVER_CONF="cdp.test_clock = '2026-06-01 00:00:00+00'
	timezone = 'UTC'
	autovacuum = off
	shared_buffers = 1GB
	wal_level = minimal
	max_wal_senders = 0
	max_wal_size = 2GB"
server_scratch privacy
began=$SECONDS
psql -X -q -v ON_ERROR_STOP=1 -v profiles="$profiles" -v events="$events" -f "$here/privacy.sql" >"$work/load.log"
echo "Made by \`test/bench/privacy.sh $profiles $events\` on $(date -u +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version); the store was made in $((SECONDS - began)) s."
echo
psql -X -q -v ON_ERROR_STOP=1 -f "$here/segments/refresh.sql"
echo
psql -X -q -v ON_ERROR_STOP=1 -f "$here/privacy_measure.sql"
