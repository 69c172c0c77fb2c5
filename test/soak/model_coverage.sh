#!/usr/bin/env bash
# model_coverage.sh SECONDS [SEED]: how often the 95 % intervals of fits hold the
# truth, on a throw-away server.
#
# For so many seconds, from SEED (1) on, sets of 1,000 customers (CUSTOMERS) are
# drawn from models of every kind with known parameters, and fitted.  Prints for
# each parameter, and for scores of each kind, how often its interval held the
# truth, and stops with 1 if that is further from 95 % than chance and
# the size of the sets explain (test/data/model_coverage.sql).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../packages.sh"
. "$here/../server.sh"

seconds=${1:?usage: test/soak/model_coverage.sh SECONDS [SEED]}
seed=${2:-1}
customers=${CUSTOMERS:-1000}
server_scratch soak
server_as createdb soak

export PGDATABASE=soak PGTZ=UTC PGOPTIONS='-c client_min_messages=error -c jit=off'
ask() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }
ask -f "$here/../data/fresh.sql" -f "$here/../data/model_coverage.sql" >"$work/log"
first=$seed
end=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$end" ]; do
	ask -c "SELECT setseed(($seed % 1000) / 1000.0)" \
		-c "CALL coverage_test.try_sets(10, $customers)" >"$work/log"
	seed=$((seed + 1))
done
echo "seeds $first to $((seed - 1)), 10 sets of $customers customers each:"
ask -P footer=off -c "SELECT * FROM coverage_test.result()"
missed=$(ask -A -t -c "SELECT count(*) FROM coverage_test.result() WHERE verdict <> 'ok'")
[ "$missed" -eq 0 ]
