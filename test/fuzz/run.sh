#!/usr/bin/env bash
# run.sh HARNESS [SECONDS]: fuzz test/fuzz/HARNESS.c (model, norm, phone, predicate,
# record or timeline) with libFuzzer.  Starts from test/fuzz/corpus/HARNESS and
# keeps what it finds in build/fuzz/HARNESS; what broke a promise is left in
# build/fuzz as HARNESS-crash-... and the status is not 0.  Needs clang (or
# CLANG) with its run-time libraries.
#
# model, norm, phone, predicate and timeline run without a server, under the address
# and undefined-behaviour sanitizers.  record runs inside of one (see record.c),
# a throw-away that is a single process, where undefined behaviour traps;
# initdb refuses to run as root, and so does this.
set -euo pipefail
cd "$(dirname "$0")/../.."

harness=${1:?usage: test/fuzz/run.sh HARNESS [SECONDS]}
seconds=${2:-60}
config=${PG_CONFIG:-pg_config}
clang=${CLANG:-clang}
folder=$PWD/build/fuzz
norm=$(ls src/norm/{unicode,email,phone,phone_plan,uuid,name,identifier}.c \
	src/norm/{display,country,language,time_zone}.c)
options=()

case $harness in
model)
	sources=$(ls src/model/{special,quadrature,newton,count,pareto,count_case}.c \
		src/model/{fit_core,count_surface,count_fit,pareto_fit,spend,sbg}.c \
		src/model/{logistic,interval,quality}.c)
	libraries="-lm" ;;
norm)
	sources="$norm" libraries="-licui18n -licuuc"
	options=(-dict=test/fuzz/norm.dict) ;;
phone)
	sources="$norm build/fuzz/phone_module.o"
	libraries="-licui18n -licuuc -lphonenumber -lstdc++"
	options=(-max_len=20) ;;
predicate)
	sources=$(ls src/segment/{ast,lexer,parser,parser_event,printer}.c)
	libraries=""
	options=(-dict=test/fuzz/predicate.dict -max_len=4000) ;;
record)
	sources=$(ls src/ingest/{record,json,segment_spec,traits,mapping,path,unmapped}.c \
		src/ingest/{third_party,consents,sender_time,amount}.c src/norm/unicode.c)
	libraries="-lstdc++ -licuuc -lm"
	options=(-dict="$PWD/test/fuzz/record.dict" -max_len=3000 -rss_limit_mb=0) ;;
timeline)
	sources=$(ls src/timeline/{column,reader,builder,merge}.c) libraries=""
	options=(-detect_leaks=0 -malloc_limit_mb=64 -rss_limit_mb=0)
	# what was allocated before an error is raised is left
	export ASAN_OPTIONS=detect_leaks=0 ;;
*)
	echo "there is no harness $harness" >&2
	exit 2 ;;
esac

flags="-g -O1 -Wno-ignored-attributes -fno-sanitize-recover=all -Isrc
	$($config --cppflags) -I$($config --includedir-server)"
options+=(-max_total_time="$seconds" -timeout=10 -print_final_stats=1
	-artifact_prefix="$folder/$harness-"
	"$folder/$harness" "$PWD/test/fuzz/corpus/$harness")
mkdir -p "$folder/$harness"

build_program() {
	if [ "$harness" = phone ]; then
		"$clang" -x c++ -std=c++17 $flags -c -o build/fuzz/phone_module.o \
			src/norm/phone_module.cc
	fi
	"$clang" $flags -fsanitize=fuzzer,address,undefined \
		-o "$folder/$harness.run" "test/fuzz/$harness.c" test/fuzz/stub.c \
		$sources "$($config --pkglibdir)/libpgcommon.a" \
		"$($config --pkglibdir)/libpgport.a" $libraries
}

build_module() {
	"$clang" $flags -fPIC -shared -fsanitize=fuzzer-no-link,undefined \
		-fsanitize-trap=undefined -o "$folder/$harness.so" \
		"test/fuzz/$harness.c" $sources \
		"$("$clang" -print-file-name="libclang_rt.fuzzer_no_main-$(uname -m).a")" \
		$libraries
}

# The server ends with 0 whatever the statement did, but only a fuzzer that
# came to its end says how much it did.
run_in_server() {
	local bin log="$folder/$harness.log"
	bin=$($config --bindir)
	rm -rf "$folder/data"
	"$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 \
		--locale=C.UTF-8 --no-sync >"$log"
	printf '%s\n' "CREATE FUNCTION pg_catalog.fuzz_record(text) RETURNS void
		AS '$folder/$harness.so' LANGUAGE c" "SELECT fuzz_record('${options[*]}')" |
		tr '\n\t' '  ' | sed 's/LANGUAGE c /&\n/' |
		"$bin/postgres" --single -D "$folder/data" -F \
			-c allow_system_table_mods=on postgres 2>&1 | tee -a "$log"
	grep -q '^stat::number_of_executed_units' "$log" &&
		! grep -q 'broken promise\|^==.*ERROR: libFuzzer' "$log"
}

if [ "$harness" = record ]; then
	build_module
	run_in_server
else
	build_program
	"$folder/$harness.run" "${options[@]}"
fi
