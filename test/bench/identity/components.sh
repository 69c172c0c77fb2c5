#!/usr/bin/env bash
# components.sh [LINKS]: connected components by cdp and by others, as a table.
#
# LINKS (1000000) links of a graph like those of real identities
# (components_data.sql), and a path, a star and a random graph of a million.
# Figures are CPU seconds of the one process that does the work, so that other
# jobs of the machine count little: median of RUNS (3) after one to warm up,
# least and most; wall seconds beside; the most private memory the process
# took.  Parallel query and JIT are off: one core against one core.
#
# Floors: count(*) of the table, and both columns hashed in SQL, that is
# sum(hashint8(a) + hashint8(b)): what reading and hashing take without any
# table of nodes.  The nodes in a hash aggregate, count(*) of a UNION b, is
# shown beside it.
#
# Peers run if they are there, and up to a million links: pgRouting as an
# extension of the server, igraph and numpy as modules of $PYTHON (python3),
# DuckDB where DUCKDB says that npm installed @duckdb/node-api, and in SQL a
# stitching loop and a recursive CTE, the latter on a tenth of the links.
# After PEER_SECONDS (100) of CPU they are stopped, ">100"; what takes more
# than 10 s runs once.
#
# Every partition is compared: one that differs fails the bench.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../packages.sh"
. "$here/../../server.sh"

links=${1:-1000000}
runs=${RUNS:-3}
peer_seconds=${PEER_SECONDS:-100}
python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "components.sh needs python3"; exit 1; }

SERVER_CONF="max_parallel_workers_per_gather = 0
	jit = off
	work_mem = 512MB
	cdp.components_memory = 4GB"
server_scratch components
chmod 777 "$work"

sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }
bad=0

# make_graphs DATABASE LINKS SHAPE_LINKS
make_graphs() {
	createdb "$1"
	sql "$1" "CREATE EXTENSION cdp"
	psql -Xq -d "$1" -v links="$2" -v shape_links="$3" -f "$here/components_data.sql"
	psql -Xq -v ON_ERROR_STOP=1 -d "$1" -f "$here/components_peers.sql"
}

# figure DATABASE STATEMENT: sets cpu, least, most, wall, memory, answer
figure() {
	IFS='|' read -r cpu least most wall memory answer < <(
		"$python" "$here/components_time.py" "$1" "$runs" "${limit:-3600}" "$2")
}

ratio() { awk -v a="${1#>}" -v b="$2" -v more="${1%%[0-9]*}" 'BEGIN { printf "%s%.1f", more, a / b }'; }

# row NAME [FLOOR [TARGET]]: the figures as a row; a target is a ratio at most
row() {
	local times="" target="" per_node=""
	if [ -n "${2:-}" ]; then
		times="$(ratio "$cpu" "$2")x"
	fi
	if [ -n "${3:-}" ]; then
		target="$3x $(awk -v a="$cpu" -v b="$2" -v t="$3" 'BEGIN { print (a <= b * t ? "ok" : "MISSED") }')"
	fi
	if [ -n "${nodes:-}" ] && [ -n "$memory" ]; then
		per_node=$(awk -v m="$memory" -v n="$nodes" 'BEGIN { printf "%.0f", m * 1048576 / n }')
	fi
	echo "| $1 | $cpu | $least-$most | $wall | $times | $target | $memory | $per_node |"
}

head_of_table() {
	echo
	echo "| $1 | CPU s | least-most | wall s | ratio | target | memory MB | B a node |"
	echo "|---|---|---|---|---|---|---|---|"
}

# same_partition NAME ANSWER TRUTH
same_partition() {
	if [ "$2" != "$3" ]; then
		echo "DIFFERENT PARTITION by $1: \"$2\", not \"$3\""
		bad=1
	fi
}

digest="count(*) || ' ' || count(*) FILTER (WHERE node = component) || ' ' || sum(partition_digest(node, component))"
of_table="cdp.component_rows(cdp.components_of('link', 'a', 'b'))"
of_aggregate="(SELECT cdp.components(a, b) AS map FROM link) AS graph, cdp.component_rows(map)"

# texts: all links within a component, and as many nodes and components
check_texts() {
	local outside
	outside=$(sql main "CREATE TEMP TABLE label AS SELECT r.*
			FROM (SELECT cdp.components(a, b) AS map FROM link_text) AS graph, cdp.component_rows(map) AS r;
		SELECT (SELECT count(*) || ' ' || count(DISTINCT component) FROM label) || ' ' || count(*) FILTER (
			WHERE a.component IS DISTINCT FROM b.component)
		FROM link_text JOIN label AS a ON a.node = link_text.a JOIN label AS b ON b.node = link_text.b")
	same_partition "text aggregate" "$outside" "${truth% *} 0"
}

# cdp_rows: what cdp takes against the floors
cdp_rows() {
	local floor hash
	head_of_table "$links links, $nodes nodes, ${component_count} components"
	nodes_kept=$nodes
	nodes=""
	figure main "SELECT count(*) FROM link"
	floor=$cpu
	row "count(*), ids" "$floor"
	figure main "SELECT sum(hashint8(a) + hashint8(b)::bigint) FROM link"
	hash=$cpu
	row "both columns hashed, ids" "$floor"
	nodes=$nodes_kept
	figure main "SELECT count(*) FROM (SELECT a FROM link UNION SELECT b FROM link) AS node"
	row "nodes in a hash aggregate, ids" "$hash"
	figure main "SELECT cdp.components_of('link', 'a', 'b') IS NOT NULL"
	row "cdp.components_of, to count(*)" "$floor" 1.6
	dense=$cpu
	figure main "SELECT cdp.components(a, b) IS NOT NULL FROM link"
	row "cdp.components(bigint, bigint), to hashed" "$hash" 3.5
	figure main "SELECT cdp.components(a * 1000003, b * 1000003) IS NOT NULL FROM link"
	row "the same over ids that are far apart" "$hash"
	figure main "SELECT count(row) FROM (SELECT cdp.component_rows(cdp.components_of('link', 'a', 'b')) AS row OFFSET 0) AS rows"
	row "cdp.components_of, read row by row, to the map" "$dense"
	streamed=$cpu streamed_memory=$memory
	figure main "SELECT count(*) FROM $of_table"
	row "cdp.components_of, read as rows, to the map" "$dense"
	rows=$cpu rows_memory=$memory
	nodes=""
	figure main "SELECT count(*) FROM link_text"
	floor=$cpu
	row "count(*), texts of 20 bytes" "$floor"
	figure main "SELECT sum(hashtext(a) + hashtext(b)::bigint) FROM link_text"
	hash=$cpu
	row "both columns hashed, texts" "$floor"
	nodes=$nodes_kept
	figure main "SELECT cdp.components(a, b) IS NOT NULL FROM link_text"
	row "cdp.components(text, text), to hashed" "$hash" 4
}

shape_rows() {
	local random
	head_of_table "a million links: shapes, to the random graph"
	for way in "components_of" "components"; do
		for shape in random path star; do
			nodes=$(sql main "SELECT count(*) FROM (SELECT a FROM $shape UNION SELECT b FROM $shape) AS node")
			case $way in
				components_of) figure main "SELECT cdp.components_of('$shape', 'a', 'b') IS NOT NULL" ;;
				components) figure main "SELECT cdp.components(a, b) IS NOT NULL FROM $shape" ;;
			esac
			case $shape in
				random) random=$cpu; row "cdp.$way, random" ;;
				*) row "cdp.$way, $shape" "$random" 1.5 ;;
			esac
		done
	done
}

# peer NAME DATABASE FROM TRUTH: rows (node, component); the comparison is not
# timed
peer() {
	limit=$peer_seconds figure "$2" "SELECT count(*) FROM $3"
	row "$1" "$base"
	if [ -n "$answer" ]; then
		same_partition "$1" "$(sql "$2" "SET client_min_messages = warning; SELECT $digest FROM $3")" "$4"
	fi
}

outside_peer() {
	local name=$1
	shift
	IFS='|' read -r cpu least most wall memory answer < <("$@")
	row "$name" "$base"
	if [ -n "$answer" ]; then
		same_partition "$name" "$answer" "$truth"
	fi
}

peer_rows() {
	local small_truth
	head_of_table "peers, to cdp.components_of read as rows"
	base=$rows
	cpu=$rows least=$rows most=$rows wall="" memory=$rows_memory
	row "cdp.components_of, read as rows" "$base"
	cpu=$streamed least=$streamed most=$streamed memory=$streamed_memory
	row "cdp.components_of, read row by row" "$base"
	sql main "COPY link TO STDOUT (FORMAT csv)" >"$work/links.csv"
	if "$python" -c "import igraph, numpy" 2>/dev/null; then
		outside_peer "igraph $("$python" -c "import igraph; print(igraph.__version__)")" \
			"$python" "$here/components_igraph.py" "$work/links.csv" "$runs"
	else
		echo "| igraph: not installed | | | | | | | |"
	fi
	if [ -n "${DUCKDB:-}" ] && [ -d "$DUCKDB/node_modules/@duckdb/node-api" ]; then
		outside_peer "DuckDB $(sed -n 's/.*"version": "\([^"]*\)".*/\1/p' "$DUCKDB/node_modules/@duckdb/node-api/package.json"), recursive CTE with a key" \
			node "$here/components_duckdb.mjs" "$work/links.csv" "$runs" "$peer_seconds"
	else
		echo "| DuckDB: not installed (DUCKDB is not set) | | | | | | | |"
	fi
	if sql main "CREATE EXTENSION pgrouting CASCADE" >/dev/null 2>&1; then
		peer "pgRouting $(sql main "SELECT extversion FROM pg_extension WHERE extname = 'pgrouting'")" main \
			"pgr_connectedComponents(\$\$SELECT row_number() OVER () AS id, a AS source, b AS target, 1.0::float8 AS cost FROM link\$\$)" "$truth"
	else
		echo "| pgRouting: not installed | | | | | | | |"
	fi
	peer "stitching loop in SQL" main "stitching_loop('link')" "$truth"
	make_graphs small "$((links / 10))" 10
	nodes=$(sql small "SELECT nodes FROM cdp.component_summary(cdp.components_of('link', 'a', 'b'))")
	small_truth=$(sql small "SELECT $digest FROM $of_table")
	figure small "SELECT count(*) FROM $of_table"
	base=$cpu
	row "cdp.components_of, a tenth of the links" "$base"
	peer "recursive CTE, a tenth of the links" small "recursive_cte('link')" "$small_truth"
}

make_graphs main "$links" 1000000
truth=$(sql main "SELECT $digest FROM $of_table")
read -r nodes component_count _ <<<"$truth"
same_partition "bigint aggregate" "$(sql main "SELECT $digest FROM $of_aggregate")" "$truth"
check_texts

echo "Made by \`test/bench/identity/components.sh $links\` on $(date -u +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$PG_CONFIG" --version)."
cdp_rows
shape_rows
nodes=$nodes_kept
if [ "$links" -le 1000000 ]; then
	peer_rows
else
	echo
	echo "Peers run up to a million links."
fi
echo
echo "Load at the end: $(cut -d' ' -f1 /proc/loadavg)."
if [ $bad -ne 0 ]; then
	exit 1
fi
echo "All partitions agree."
