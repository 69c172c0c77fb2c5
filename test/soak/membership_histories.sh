#!/usr/bin/env bash
# membership_histories.sh SECONDS [SEED]: long random histories of a small store,
# with what membership must be after each step, on a throw-away server.
#
# Takes seeds from SEED (1) on, for so many seconds: each is a store of its own
# and a history of 2,000 steps (STEPS), of which what was said at 40 instants
# is asked again every 200 steps.  At the first seed that differs it prints
# where, and stops with 1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../packages.sh"
. "$here/../server.sh"

seconds=${1:?usage: test/soak/membership_histories.sh SECONDS [SEED]}
seed=${2:-1}
steps=${STEPS:-2000}
server_scratch soak
server_as createdb soak

export PGDATABASE=soak PGTZ=UTC PGOPTIONS='-c client_min_messages=error'
ask() { psql -X -q -A -t -F ' | ' -v ON_ERROR_STOP=1 "$@"; }
first=$seed
end=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$end" ]; do
	ask -c "DROP SCHEMA IF EXISTS membership_test CASCADE" -f "$here/../data/fresh.sql" \
		-f "$here/../data/membership_histories.sql" \
		-c "SELECT setseed(($seed % 1000) / 1000.0)" -c "CALL membership_test.set_up()" >"$work/log"
	for ((played = 0; played < steps && SECONDS < end; played += 200)); do
		ask -c "SELECT setseed((($seed + $played) % 1000) / 1000.0)" \
			-c "CALL membership_test.play(200)" -c "CALL membership_test.check_past(40)" >"$work/log"
		found=$(ask -c "SELECT found.n, step.what, found.what, segment, profile_id
			FROM membership_test.found LEFT JOIN membership_test.step USING (n) ORDER BY n LIMIT 10")
		if [ -n "$found" ]; then
			echo "seed $seed differs (step, deed, difference, segment, profile):"
			echo "$found"
			exit 1
		fi
	done
	seed=$((seed + 1))
done
echo "seeds $first to $((seed - 1)), $(ask -c "SELECT count(*) FROM membership_test.step") steps of the last one: nothing differs"
