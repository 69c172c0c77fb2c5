#!/usr/bin/env bash
# real.sh DIR: the main job on real input, as a table for RESULTS.md.
#
# DIR/clv/cdnow_full_tx.csv (69,659 purchases of 23,570 CDNOW customers) is a
# source of orders; DIR/identity/febrl4a.csv and febrl4b.csv (5,000 persons
# each, one to one) are two CRMs whose people share a social security number,
# declared as an identifier type.  Reported are what went in and what came
# out, the BG/NBD fit beside the reference in DIR/clv/fits.csv, predicted
# against actual purchases in the holdout, the time of each phase, and disk
# and WAL per million events.  A throw-away server does the work.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../packages.sh"
. "$here/../server.sh"

if [ ! -f "${1:-}/clv/cdnow_full_tx.csv" ]; then
	echo "usage: test/bench/real.sh DIR, where DIR/clv and DIR/identity hold the data"
	exit 2
fi
data=$(cd "$1" && pwd)
# The day after the last purchase; durable, as a real store would be.
SERVER_CONF="cdp.test_clock = '1998-07-01 00:00:00+00'
	fsync = on
	wal_compression = off
	timezone = 'UTC'"
server_scratch real
server_as createdb real

echo "Made by \`test/bench/real.sh DIR\` on $(date -u +%F), $(nproc) cores, $("$PG_CONFIG" --version)."
echo
psql -X -q -v ON_ERROR_STOP=1 -v data="$data" -v work="$work" -d real -f "$here/real.sql"
