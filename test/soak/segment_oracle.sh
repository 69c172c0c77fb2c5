#!/usr/bin/env bash
# segment_oracle.sh SECONDS [SEED]: random predicates, evaluated and as queries,
# on a throw-away server.
#
# Takes seeds from SEED (1) on, for so many seconds: each makes a store of its
# own, and compares the members of 1,000 predicates at 100 instants with what
# the queries of cdp.predicate_to_sql() find.  At the first seed that differs
# it prints the shortest such predicates, and stops with 1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../packages.sh"
. "$here/../server.sh"

seconds=${1:?usage: test/soak/segment_oracle.sh SECONDS [SEED]}
seed=${2:-1}
server_scratch soak
server_as createdb soak

export PGDATABASE=soak PGTZ=UTC PGOPTIONS='-c client_min_messages=warning'
ask() { psql -X -q -A -t -F ' | ' -v ON_ERROR_STOP=1 "$@"; }
first=$seed
compared=0
end=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$end" ]; do
	ask -c "DROP SCHEMA IF EXISTS segment_test CASCADE" -f "$here/../data/fresh.sql" \
		-f "$here/../data/segment_oracle.sql" \
		-c "SELECT setseed(($seed % 1000) / 1000.0)" \
		-c "CALL segment_test.make_data(24, 1000)" \
		-c "CALL segment_test.compare_all(100, 10)" \
		-c "CALL segment_test.compare_ties()" >"$work/log"
	found=$(ask -c "SELECT as_of, predicate, only_evaluator, only_sql, error
		FROM segment_test.differs ORDER BY length(predicate::text) LIMIT 5")
	if [ -n "$found" ]; then
		echo "seed $seed differs (instant, predicate, only the evaluator's members, only the query's, error):"
		echo "$found"
		exit 1
	fi
	compared=$((compared + $(ask -c "SELECT count(*) FROM segment_test.compared")))
	seed=$((seed + 1))
done
echo "seeds $first to $((seed - 1)), $compared predicates: nothing differs"
