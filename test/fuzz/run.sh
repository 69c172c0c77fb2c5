#!/usr/bin/env bash
# run.sh HARNESS [SECONDS]: fuzz test/fuzz/HARNESS.c with libFuzzer, address
# and undefined-behaviour sanitizers.  Needs clang (or CLANG) with its run-time
# libraries; the corpus is kept in build/fuzz/HARNESS.
set -euo pipefail
cd "$(dirname "$0")/../.."

harness=${1:?usage: test/fuzz/run.sh HARNESS [SECONDS]}
seconds=${2:-60}
config=${PG_CONFIG:-pg_config}
clang=${CLANG:-clang}
norm=$(ls src/norm/{unicode,email,phone,phone_plan,uuid,name,identifier}.c)
options=()

case $harness in
norm)
	sources="$norm" libraries="-licuuc"
	options=(-dict=test/fuzz/norm.dict) ;;
phone)
	sources="$norm build/fuzz/phone_module.o"
	libraries="-licuuc -lphonenumber -lstdc++"
	options=(-max_len=20) ;;
timeline)
	sources=$(ls src/timeline/{reader,builder,merge}.c) libraries=""
	options=(-detect_leaks=0 -malloc_limit_mb=64 -rss_limit_mb=0) ;;
*)
	echo "there is no harness $harness" >&2
	exit 2 ;;
esac

flags="-g -O1 -Wno-ignored-attributes -fno-sanitize-recover=all -Isrc
	$($config --cppflags) -I$($config --includedir-server)"
mkdir -p "build/fuzz/$harness"
if [ "$harness" = phone ]; then
	"$clang" -x c++ -std=c++17 $flags -c -o build/fuzz/phone_module.o \
		src/norm/phone_module.cc
fi
"$clang" $flags -fsanitize=fuzzer,address,undefined \
	-o "build/fuzz/$harness.run" "test/fuzz/$harness.c" test/fuzz/stub.c \
	$sources "$($config --pkglibdir)/libpgcommon.a" \
	"$($config --pkglibdir)/libpgport.a" $libraries
"build/fuzz/$harness.run" -max_total_time="$seconds" -timeout=10 \
	"${options[@]}" "build/fuzz/$harness"
