#!/usr/bin/env bash
# clang has nothing to say about any source file either.  (All of its
# warnings come from its front end, so nothing needs to be compiled.)
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

clang=$(command -v clang-19 || command -v clang) || { echo "clang is missing"; exit 1; }
flags=$(make -s --no-print-directory -f - print CC="$clang" <<'MAKE'
include Makefile
print: ; @echo $(filter-out -g -O2,$(CFLAGS)) $(CPPFLAGS)
MAKE
)
bad=0
for file in $(find src -name '*.c' | sort); do
	"$clang" -fsyntax-only -Werror -Isrc $flags "$file" || bad=1
done
for file in $(find src -name '*.cc' | sort); do
	"$clang" -x c++ -std=c++17 -fsyntax-only -Wall -Wextra -Werror -Isrc \
		$(printf '%s\n' $flags | grep -E '^-([DI]|Wno)') "$file" || bad=1
done
exit $bad
