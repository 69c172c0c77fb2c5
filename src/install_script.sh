#!/usr/bin/env bash
# install_script.sh ROOM ...: print the install script of the extension.
#
# Each room gives its SQL in file-name order under a "-- src/room/file.sql"
# line.  A room's <room>_store.sql, and after it its <room>_*_store.sql, are
# not run at CREATE EXTENSION: they become the text that cdp._store_ddl('<room>') returns, for cdp.setup() to run as
# the store's owner.  An ordered list in src/<room>/parts, if there is one,
# takes the place of file-name order.
set -euo pipefail
cd "$(dirname "$0")"

print_file() {
	printf '\n-- src/%s\n' "$1"
	cat "$1"
}

room_parts() {
	[ -d "$1" ] || return 0
	if [ -f "$1/parts" ]; then
		sed "s|^|$1/|" "$1/parts"
	else
		find "$1" -name '*.sql' ! -name '*_store.sql' | LC_ALL=C sort
	fi
}

print_store() {
	printf "\tWHEN '%s' THEN \$cdp_store_ddl\$\n" "$1"
	shift
	cat "$@"
	printf '\t$cdp_store_ddl$\n'
}

cat <<'SQL'
\echo Use "CREATE EXTENSION cdp" to load this file. \quit
SET LOCAL check_function_bodies = off;
SQL

for room in "$@"; do
	for part in $(room_parts "$room"); do
		print_file "$part"
	done
done
for part in cdp*.sql; do
	case $part in
		*_store.sql) ;;
		*) print_file "$part" ;;
	esac
done

cat <<'SQL'

-- the store: what cdp.setup() runs, room by room
CREATE FUNCTION cdp._store_ddl(room text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE room
SQL
for room in "$@"; do
	if [ -f "$room/${room}_store.sql" ]; then
		print_store "$room" "$room/${room}_store.sql" \
			$(find "$room" -name "${room}_*_store.sql" | LC_ALL=C sort)
	fi
done
print_store cdp cdp*_store.sql
echo 'END;'

printf "\nCREATE FUNCTION cdp._rooms() RETURNS text[]\n"
printf "LANGUAGE sql IMMUTABLE PARALLEL SAFE\nRETURN ARRAY["
printf "'%s', " "$@"
printf "'cdp']::text[];\n"

# Each src/upgrade/store--FROM--TO.sql is one step of cdp.migrate().
print_migration() {
	local name=${1#upgrade/store--}
	name=${name%.sql}
	printf "UNION ALL SELECT '%s', '%s', \$cdp_store_ddl\$\n" \
		"${name%--*}" "${name#*--}"
	cat "$1"
	printf '$cdp_store_ddl$\n'
}

cat <<'SQL'

CREATE FUNCTION cdp._migrations()
RETURNS TABLE (from_version text, to_version text, ddl text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT NULL::text, NULL::text, NULL::text WHERE false
SQL
for part in upgrade/store--*.sql; do
	if [ -f "$part" ]; then
		print_migration "$part"
	fi
done
printf ';\nEND;\n'
