#!/usr/bin/env bash
# identity_histories.sh SECONDS [SEED]: random histories of the identity graph
# against the brute-force oracle, on a throw-away server.
#
# Takes seeds from SEED (1) on, for so many seconds: each is played and
# compared with the oracle and a rebuild, told anew in other orders, and deeds
# are done and undone on it.  At the first seed that fails it prints the
# history, shrunk to the steps that the failure needs, and stops with 1.
# LARGE=1 first stitches a chain of a million identifiers and a hub of a
# hundred thousand.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../packages.sh"
. "$here/../server.sh"

seconds=${1:?usage: test/soak/identity_histories.sh SECONDS [SEED]}
seed=${2:-1}
server_scratch soak
server_as createdb soak

export PGDATABASE=soak PGTZ=UTC
ask() { psql -X -q -A -t -F ' | ' -v ON_ERROR_STOP=1 "$@"; }
ask -f "$here/../data/fresh.sql" -f "$here/../data/identity_stand_ins.sql" \
	-c "SELECT cdp.add_identifier_type('card', 4, 'loyalty card', max_per_profile => 2)" \
	-f "$here/../data/identity_oracle.sql" -f "$here/../data/identity_histories.sql" \
	-f "$here/../data/identity_properties.sql" >"$work/setup.log"

if [ -n "${LARGE:-}" ]; then
	echo "a chain of 1000000, hubs of 100000 (identifiers, profiles, example)"
	ask -c '\timing on' -c "SELECT identity_test.attach_large(1000000, 100000)" \
		-c "SELECT identity_test.drain()" -c '\timing off' \
		-c "SELECT * FROM identity_test.large_profiles()" \
		-c "SELECT identifier_a, identifier_b, rule, type FROM cdp.conflict" \
		-c "SELECT 'verified: ' || ok FROM cdp.verify_identity()"
fi

fail() {
	echo "seed $1 fails: $2"
	ask -c "$3"
	exit 1
}
shrunk="SELECT * FROM identity_test.tell()"
end=$((SECONDS + seconds))
first=$seed
while [ "$SECONDS" -lt "$end" ]; do
	found=$(ask -c "CALL identity_test.run_seeds($seed, $seed)" \
		-c "SELECT string_agg(what || ' ' || rows, ', ') FROM identity_test.failed")
	if [ -n "$found" ]; then
		ask -c "SELECT identity_test.make_seed($seed)" -c "CALL identity_test.shrink()" >/dev/null
		fail "$seed" "$found" "$shrunk"
	fi
	found=$(ask -c "SELECT * FROM identity_test.try_orders($seed, 2) AS tried
		WHERE differences > 0")
	[ -z "$found" ] || fail "$seed" "orders differ: $found" "SELECT identity_test.write_step(step) FROM identity_test.step ORDER BY n"
	found=$(ask -c "SELECT * FROM identity_test.try_undo($seed, 8) AS tried
		WHERE not_undone > 0 OR differences > 0")
	[ -z "$found" ] || fail "$seed" "not undone: $found" "TABLE identity_test.not_undone"
	seed=$((seed + 1))
done
echo "seeds $first to $((seed - 1)): nothing differs"
