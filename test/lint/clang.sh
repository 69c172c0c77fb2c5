#!/usr/bin/env bash
# clang has nothing to say about any source file either.  (All of its
# warnings come from its front end, so nothing needs to be compiled.)  The
# driver would start a front end for each file, which takes longer than what
# that then does; so it is only asked for the command, which takes many files.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

clang=$(command -v clang-19 || command -v clang) || { echo "clang is missing"; exit 1; }
flags=$(make -s --no-print-directory -f - print CC="$clang" <<'MAKE'
include Makefile
print: ; @echo $(filter-out -g -O2,$(CFLAGS)) $(CPPFLAGS)
MAKE
)
bad=0

# check OPTIONS... -- FILES...: all of them by one front end.
check() {
	local options=() command
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	command=$("$clang" -### -fsyntax-only -Werror -Isrc "${options[@]}" "$2" 2>&1 |
		tail -n 1)
	shift 2
	[[ $command == *-cc1* ]] && eval "$command $*" || bad=1
}

for folder in src $(find src -mindepth 1 -type d | sort); do
	files=$(find "$folder" -maxdepth 1 -name '*.c' | sort)
	[ -z "$files" ] || check $flags -- $files
	files=$(find "$folder" -maxdepth 1 -name '*.cc' | sort)
	[ -z "$files" ] || check -x c++ -std=c++17 -Wall -Wextra \
		$(printf '%s\n' $flags | grep -E '^-([DI]|Wno)') -- $files
done
exit $bad
