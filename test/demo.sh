#!/usr/bin/env bash
# demo.sh: what cdp does, shown on a small shop; the one demo command.
#
# Builds a copy of the tree, starts a throw-away server with cdp in it, makes
# the records of a shop's six systems (test/demo), loads them by COPY, merges
# them, and tells a story, each answer under the SQL that gave it.  Nothing
# stays, and nothing of the system changes but Debian packages that were
# missing and could be installed (as root or with sudo).
#
#	test/demo.sh			run, tell, clean up
#	test/demo.sh identity	who is who: six orders, one truth, and back
#	test/demo.sh ingest	records in: nothing lost, each value explained
#	test/demo.sh segments	who is in which segment, when, and why
#	test/demo.sh scores	who is worth what, who will leave, and how we know
#	test/demo.sh questions	what each team asks, each answer under its SQL
#	test/demo.sh privacy	who agreed to what, who may be reached, and to be forgotten
#	... --keep				leave the server running to play with
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/packages.sh"
. "$here/server.sh"

keep=
story=shop
for word in "$@"; do
	case $word in
		identity | ingest | segments | scores | questions | privacy) story=$word ;;
		--keep) keep=yes ;;
		*) sed -n 's/^#\t//p' "$0"; exit 2 ;;
	esac
done

export LC_ALL=C.UTF-8
unset PGOPTIONS PGSERVICE PGPASSFILE PGAPPNAME PGCLIENTENCODING PGTZ PGDATESTYLE
packages_need build
work=$(mktemp -d /tmp/cdp-demo.XXXXXX)
chmod 755 "$work"
leave() {
	[ -z "$keep" ] || return 0
	server_stop "$work/server" >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap leave EXIT

tree_copy "$here/.." "$work/tree"
server_root=$work/tree
echo "building cdp for $("$PG_CONFIG" --version) ..."
if ! server_build "$work/server" >"$work/build.log" 2>&1; then
	tail -n 40 "$work/build.log"
	exit 1
fi
SERVER_CONF="cdp.test_clock = '2026-06-01 12:00:00+00'
	timezone = 'Europe/Berlin'"
server_start "$work/server"

cd "$work"
server_as createdb shop
run_sql() { psql -X -q -v ON_ERROR_STOP=1 -d shop "$@"; }
tell() { sed -e '/^[-+]*$/d' -e 's/ *$//' -e 's/^## /\n&/'; }

# Make the records: files of JSON lines, as the systems would send them.
tell_shop() {
	run_sql -v people=3000 -f "$here/demo/shop.sql"
	for source in web app till crm_north crm_south dmp; do
		run_sql -c "\\copy (SELECT line FROM shop.record WHERE source = '$source' ORDER BY at, line COLLATE \"C\") TO '$source.jsonl' WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
	done
	run_sql -o /dev/null -f "$here/demo/setup.sql" -f "$here/demo/catalog.sql"
	run_sql -f "$here/demo/load.sql" 2>&1 | sed 's/^psql:[^ ]* NOTICE: */   /'
	run_sql -f "$here/demo/story.sql" 2>&1 | tell
}

# From the records of the six systems to a profile, with what goes wrong.
tell_ingest() {
	run_sql -v people=1000 -f "$here/demo/shop.sql"
	run_sql -o /dev/null -f "$here/demo/setup.sql" \
		-c 'INSERT INTO cdp.inbox (source, record) SELECT source, line FROM shop.record ORDER BY at, line COLLATE "C"' \
		-f "$here/demo/catalog.sql"
	run_sql -c 'SET client_min_messages = warning' -f "$here/demo/ingest_story.sql" 2>&1 | tell |
		sed 's/^psql:[^ ]*: \(ERROR\|WARNING\)/\1/'
}

# Members at an instant, and why: the shop's records, merged.
tell_segments() {
	run_sql -v people=1000 -f "$here/demo/shop.sql"
	run_sql -o /dev/null -c 'SET client_min_messages = warning' -f "$here/demo/setup.sql" \
		-c 'INSERT INTO cdp.inbox (source, record) SELECT source, line FROM shop.record ORDER BY at, line COLLATE "C"' \
		-f "$here/demo/catalog.sql" -c 'CALL cdp.merge()'
	run_sql -c 'SET client_min_messages = warning' -f "$here/demo/segments_story.sql" 2>&1 | tell
}

# What customers are worth and whether they stay, in a shop and under contract.
tell_scores() {
	run_sql -v people=2000 -f "$here/demo/shop.sql"
	run_sql -o /dev/null -c 'SET client_min_messages = warning' -f "$here/demo/setup.sql" \
		-c 'INSERT INTO cdp.inbox (source, record) SELECT source, line FROM shop.record ORDER BY at, line COLLATE "C"' \
		-f "$here/demo/subscription.sql" -f "$here/demo/catalog.sql" -c 'CALL cdp.merge()'
	run_sql -c 'SET client_min_messages = warning' -f "$here/demo/scores_story.sql" 2>&1 | tell
}

# What people ask, in turn: the shop's records, merged.
tell_questions() {
	run_sql -v people=1000 -f "$here/demo/shop.sql"
	run_sql -o /dev/null -c 'SET client_min_messages = warning' -f "$here/demo/setup.sql" \
		-c 'INSERT INTO cdp.inbox (source, record) SELECT source, line FROM shop.record ORDER BY at, line COLLATE "C"' \
		-f "$here/demo/catalog.sql" -c 'CALL cdp.merge()'
	run_sql -c 'SET client_min_messages = warning' -f "$here/demo/questions_story.sql" 2>&1 | tell
}

# What people agreed to and what becomes of who asks; errors are part of it.
tell_privacy() {
	run_sql -v people=300 -f "$here/demo/shop.sql"
	run_sql -o /dev/null -c 'SET client_min_messages = warning' -f "$here/demo/setup.sql" \
		-c 'INSERT INTO cdp.inbox (source, record) SELECT source, line FROM shop.record ORDER BY at, line COLLATE "C"' \
		-f "$here/demo/catalog.sql" -c 'CALL cdp.merge()'
	run_sql -c 'SET client_min_messages = warning' -f "$here/demo/privacy_story.sql" 2>&1 | tell |
		sed 's/^psql:[^ ]*: \(ERROR\|WARNING\)/\1/'
}

# The records of one month, in six orders into six stores; then the story, in
# the first of them.
tell_identity() {
	run_sql -o /dev/null -c 'CREATE EXTENSION cdp' -c "SELECT cdp.setup(time_zone => 'Europe/Berlin')" \
		-f "$here/demo/identity_records.sql" -f "$here/demo/identity_arrival.sql"
	turn=0
	for batch in 10000 1000 100 10 3 1; do
		turn=$((turn + 1))
		server_as createdb -T shop "store$turn"
		psql -X -q -At -F '	' -v ON_ERROR_STOP=1 -d "store$turn" -v turn="$turn" -v batch="$batch" \
			-f "$here/demo/identity_load.sql" 2>>"$work/load.log" >>answers.tsv
	done
	server_as dropdb shop
	server_as psql -q -d postgres -c 'ALTER DATABASE store1 RENAME TO shop'
	run_sql -o /dev/null -c 'SET client_min_messages = warning' \
		-c 'SELECT household.arrive(turn) FROM generate_series(1, 6) AS turn'
	run_sql -c 'SET client_min_messages = warning' -f "$here/demo/identity_story.sql" 2>&1 | tell
}

"tell_$story"

if [ -n "$keep" ]; then
	echo
	echo "The server stays:  psql -h $work/server/run -U postgres shop"
	as=
	[ "$(id -u)" -ne 0 ] || as="runuser -u postgres -- "
	echo "To remove it:      $as$(server_as sh -c 'command -v pg_ctl') -D $work/server/data stop -m fast && rm -r $work"
fi
