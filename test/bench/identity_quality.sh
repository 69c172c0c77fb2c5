#!/usr/bin/env bash
# identity_quality.sh FILE...: are the profiles the persons?  Tables for
# RESULTS.md.
#
# A FILE is what gen_identity.py writes in its wide format: one event a line,
# its identifiers (shared browsers, family mailboxes, kiosks, recycled phones,
# junk, dirty spellings among them) and the true person.  Its events go the way
# of all records, COPY into the inbox and CALL cdp.merge(), once as they are
# and once without user_id and crm_id, so that email stands in as the strong
# type.  (Only the first run of all goes on when the profiles are made.)  Then
# each event's profile is compared with its person: pairwise precision and
# recall over all pairs of events, exactly, from the sums of the contingency
# table.  Last, event by event, with the profiles of a plain reference
# (identity_quality.py) that shares nothing with cdp but the rules.  A
# throw-away server does the work.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../packages.sh"
. "$here/../server.sh"

if [ $# -eq 0 ] || [ ! -f "$1" ]; then
	echo "usage: test/bench/identity_quality.sh FILE..., each made by gen_identity.py --format wide"
	exit 2
fi
# A day after the last event; durable, as a real store would be.
SERVER_CONF="cdp.test_clock = '2026-01-02 00:00:00+00'
	fsync = on
	timezone = 'UTC'"
server_scratch quality

# measure FILE NAME PHASES [TYPE...]: load FILE without these types, write NAME.
measure() {
	local file=$1 name=$2 phases=$3
	shift 3
	python3 "$here/identity_quality.py" --profiles "$work/reference.tsv" "$file" "$@" >"$work/reference.log"
	server_as createdb quality
	(cd "$work" && psql -X -q -v ON_ERROR_STOP=1 -v file="$file" -v without="$*" \
		-v phases="$phases" -d quality -f "$here/identity_quality.sql") >"$work/$name"
	server_as dropdb quality
}

echo "Made by \`test/bench/identity_quality.sh FILE...\` on $(date -u +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)."
phases=ingest,stitch,timeline,profile,score,segment
for file in "$@"; do
	file=$(realpath "$file")
	cp "$file" "$work/file.tsv"
	measure "$work/file.tsv" default "$phases"
	measure "$work/file.tsv" without ingest,stitch user_id crm_id
	echo
	echo "| $(basename "$file") | target | default rules | without user_id, crm_id |"
	echo "|---|---|---|---|"
	join -t '	' -o 0,1.2,1.3,2.3 "$work/default" "$work/without" |
		sed -E 's/^[0-9]+ //; s/\t/ | /g; s/^.*$/| & |/'
	phases=ingest,stitch
done
