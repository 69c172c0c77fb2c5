#!/usr/bin/env bash
# run.sh: the one test command.
#
# Installs what is missing from Debian packages, builds with warnings as
# errors, installs the extension, and runs the lints, the regression tests,
# the isolation specs and the TAP tests against temporary servers, and each
# fuzzer for FUZZ_SECONDS (5), as user postgres when started by root.  All of
# it works on a copy of the tree, so the checkout stays as it is.  The last
# line is "N passed, N failed".
#
#	test/run.sh [lint] [regress] [isolation] [tap] [fuzz]
#
# With names only those parts run.  TESTS="ingest_json profile_views" chooses
# regression tests.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
. "$here/packages.sh"

# One locale for all: what a test prints must not depend on the user's.
export LC_ALL=C.UTF-8 LANG=C.UTF-8
unset PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS PGSERVICE PGPASSFILE
# So that psql never looks at the caller's settings.
export PSQLRC=/dev/null

passed=0
failed=0
failures=()
parts=("${@:-lint regress isolation tap fuzz}")

section() { printf '\n== %s\n' "$*"; }
wanted() { [[ " ${parts[*]} " == *" $1 "* ]]; }
note_pass() { passed=$((passed + ${1:-1})); }
note_fail() {
	failed=$((failed + 1))
	failures+=("$*")
}

finish() {
	if [ "${#failures[@]}" -gt 0 ]; then
		section "failed"
		printf '%s\n' "${failures[@]}"
	fi
	echo
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}

# Make in the copy, as the unprivileged user.
make_copy() { as_user make -C "$work/tree" -s PG_CONFIG="$PG_CONFIG" "$@"; }

build() {
	section "build, warnings as errors ($("$PG_CONFIG" --version), $(gcc -dumpfullversion))"
	if ! make_copy -j"$(nproc)" WERROR=-Werror all; then
		note_fail "build"
		finish
	fi
	if ! as_root make -C "$work/tree" -s PG_CONFIG="$PG_CONFIG" install >/dev/null; then
		note_fail "install"
		finish
	fi
}

# run_lint: one check after the other.
run_lint() {
	local check name status
	for check in "$work"/tree/test/lint/*.sh; do
		name=$(basename "$check" .sh)
		status=0
		as_user bash "$check" >"$work/lint-$name.log" 2>&1 || status=$?
		echo "$status" >"$work/lint-$name.status"
	done
}

# report_lint CHECK: what came of it.
report_lint() {
	local name
	name=$(basename "$1" .sh)
	if [ "$(cat "$work/lint-$name.status")" -eq 0 ]; then
		echo "ok      $name"
		note_pass
	else
		echo "failed  $name"
		sed 's/^/    /' "$work/lint-$name.log"
		note_fail "lint $name"
	fi
}

# pg_regress prints "test x ... ok" before PostgreSQL 16, "ok 1 - x" after; a
# test whose psql died is no success, even where its output is as expected.
count_regress() {
	local kind=$1 log=$2 status=$3 name before=$failed
	note_pass "$(grep -E '^(test .* \.\.\. ok|ok [0-9]+ )' "$log" |
		grep -cv 'exited with')"
	while read -r name; do
		note_fail "$kind $name"
	done < <(sed -nE -e 's/^test ([^ ]+) +\.\.\. (FAILED|ok .*exited with).*/\1/p' \
		-e 's/^not ok [0-9]+ +[-+] ([^ ]+).*/\1/p' "$log")
	if [ "$failed" -eq "$before" ] && grep -q 'exited with exit code' "$log"; then
		note_fail "$kind: a test exited abnormally"
	elif [ "$failed" -eq "$before" ] && [ "$status" -ne 0 ]; then
		note_fail "$kind stopped with status $status"
	fi
}

# run_suite KIND TARGET-VARIABLES...: one temporary server, one suite.
run_suite() {
	local status=0 out="$work/$1"
	shift
	as_user mkdir -p "$out"
	make_copy installcheck "$@" EXTRA_REGRESS_OPTS="--outputdir=$out \
		--temp-instance=$out/server --temp-config=$work/server.conf" \
		>"$out.log" 2>&1 || status=$?
	echo "$status" >"$out.status"
}

# report_suite KIND: what came of it.
report_suite() {
	local kind=$1 status out="$work/$1"
	status=$(cat "$out.status")
	section "$kind"
	grep -E '^(test |ok |not ok )' "$out.log"
	count_regress "$kind" "$out.log" "$status"
	if [ "$status" -ne 0 ]; then
		if [ -s "$out/regression.diffs" ]; then
			head -n 2000 "$out/regression.diffs"
		else
			tail -n 40 "$out.log" "$out"/log/*.log 2>/dev/null
		fi
	fi
}

# run_tap: one test file after the other.
run_tap() {
	local file name status perl_lib
	perl_lib="$(dirname "$("$PG_CONFIG" --pgxs)")/../../src/test/perl"
	as_user mkdir -p "$work/tap/log"
	for file in "$work"/tree/test/tap/*.pl; do
		name=$(basename "$file")
		status=0
		(cd "$work/tree" && as_user env CDP_SMALL_DISK="$small_disk" \
			TESTDIR="$work/tap" TESTDATADIR="$work/tap" \
			TESTLOGDIR="$work/tap/log" PG_REGRESS="$(dirname "$perl_lib")/regress/pg_regress" \
			PATH="$("$PG_CONFIG" --bindir):$PATH" PG_CONFIG="$PG_CONFIG" \
			prove -v -I "$perl_lib" -I test/tap "test/tap/$name") >"$work/$name.log" 2>&1 || status=$?
		echo "$status" >"$work/$name.status"
	done
}

# report_tap FILE: a test file's "ok" and "not ok" lines count one each; a file
# that dies without a "not ok" counts as one failure.
report_tap() {
	local name status oks not_oks
	name=$(basename "$1")
	status=$(cat "$work/$name.status")
	oks=$(grep -cE '^ok [0-9]+' "$work/$name.log")
	not_oks=$(grep -cE '^not ok [0-9]+' "$work/$name.log")
	note_pass "$oks"
	while read -r line; do
		note_fail "tap $name: $line"
	done < <(grep -E '^not ok [0-9]+' "$work/$name.log")
	if [ "$status" -ne 0 ] && [ "$not_oks" -eq 0 ]; then
		note_fail "tap $name exited with status $status"
	fi
	echo "$name: $oks ok, $not_oks not ok $(grep -oE '(1\.\.0 # SKIP|skipped:) .*' "$work/$name.log" | head -n 1)"
	if [ "$status" -ne 0 ]; then
		tail -n 60 "$work/$name.log"
		tail -n 30 "$work/tap/log/regress_log_${name%.pl}" 2>/dev/null
	fi
}

# A file system that is soon full, for the test that fills it; where none can
# be mounted that test skips.
mount_small_disk() {
	as_user mkdir "$work/disk"
	if as_root mount -t tmpfs -o "size=48m,mode=755,uid=$(as_user id -u)" \
		tmpfs "$work/disk" 2>/dev/null; then
		small_disk=$work/disk
	fi
}

clean_up() {
	[ -z "$small_disk" ] || as_root umount "$small_disk"
	as_root rm -rf "$work"
}

# run_fuzz HARNESS: one fuzzer; one that comes to its end has found nothing.
run_fuzz() {
	local status=0
	(cd "$work/tree" && as_user env PG_CONFIG="$PG_CONFIG" \
		bash test/fuzz/run.sh "$1" "${FUZZ_SECONDS:-5}") \
		>"$work/fuzz-$1.log" 2>&1 || status=$?
	echo "$status" >"$work/fuzz-$1.status"
}

# report_fuzz HARNESS: what came of it.
report_fuzz() {
	local log="$work/fuzz-$1.log"
	if [ "$(cat "$work/fuzz-$1.status")" -eq 0 ]; then
		echo "ok      $1 ($(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs)"
		note_pass
	else
		echo "failed  $1"
		tail -n 60 "$log"
		note_fail "fuzz $1"
	fi
}

packages_need build test clang
if ! can_be_root; then
	echo "Installing the extension for its tests needs root, or sudo."
	exit 1
fi
work=$(mktemp -d /tmp/cdp-test.XXXXXX)
small_disk=
trap clean_up EXIT
chmod 755 "$work"
[ "$(id -u)" -ne 0 ] || chown postgres: "$work"
tree_copy "$root" "$work/tree"
cat >"$work/server.conf" <<'CONF'
fsync = off
shared_preload_libraries = ''
max_wal_size = 2GB
CONF
chmod 644 "$work/server.conf"

build
# All but the fuzzers at once: the checks and each suite keep one processor busy
# at most.
if wanted lint; then run_lint & fi
if wanted regress; then
	run_suite regress ISOLATION= TAP_TESTS= ${TESTS:+REGRESS="$TESTS"} &
fi
if wanted isolation; then
	run_suite isolation REGRESS= TAP_TESTS= &
fi
if wanted tap; then
	mount_small_disk
	run_tap &
fi
wait
if wanted lint; then
	section "lint"
	for check in "$work"/tree/test/lint/*.sh; do
		report_lint "$check"
	done
fi
if wanted isolation; then report_suite isolation; fi
if wanted regress; then report_suite regress; fi
if wanted tap; then
	section "tap"
	for file in "$work"/tree/test/tap/*.pl; do
		report_tap "$file"
	done
fi
if wanted fuzz; then
	section "fuzz"
	harnesses=(model norm phone predicate record timeline)
	for harness in "${harnesses[@]}"; do
		run_fuzz "$harness" &
		[ "$(jobs -r | wc -l)" -lt "$(nproc)" ] || wait -n
	done
	wait
	for harness in "${harnesses[@]}"; do
		report_fuzz "$harness"
	done
fi
finish
