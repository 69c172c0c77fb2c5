# shellcheck shell=bash
# load_server.sh: sourced by load.sh and growth.sh: the server that both load on,
# sql() for its psql, fresh() for a store, made() for the line above the tables.
. "$here/../../packages.sh"
. "$here/../../server.sh"
SERVER_CONF="cdp.test_clock = '2026-01-02 00:00:00+00'
	timezone = 'UTC'
	jit = off
	synchronous_commit = off
	work_mem = '64MB'
	max_wal_size = 16GB
	shared_buffers = 1GB"
server_scratch ingest
sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@" 2> >(grep -vE 'NOTICE|skipping analyze' >&2); }
# A store of its own for each measurement.
fresh() {
	server_as dropdb --if-exists "$1" 2>/dev/null
	server_as createdb "$1"
	sql -d "$1" -f "$here/load_store.sql"
}
made() {
	echo "Made by \`test/bench/ingest/$*\` on $(date -u +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)."
	echo
}
