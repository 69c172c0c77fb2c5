#!/usr/bin/env bash
# growth.sh [LEVELS...]: what the next 10,000 records cost in stores of LEVELS
# (100000 1000000) events, phase by phase, as a table for RESULTS.md.  One store
# grows from level to level; medians of the CPU of five batches.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
levels=${*:-100000 1000000}
case $levels in
	*[!0-9\ ]*) sed -n 's/^# growth/usage: growth/p' "$0"; exit 2 ;;
esac
. "$here/load_server.sh"

made growth.sh "$levels"
echo "| events in the store | ms of CPU for the next 10,000 records: ingest | stitch | timeline | profile | all, to the first level |"
echo "|---|---|---|---|---|---|"
fresh growth
sql -d growth -v levels="$levels" -f "$here/growth.sql"
