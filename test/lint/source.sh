#!/usr/bin/env bash
# Rules that every source file keeps: one place that knows server versions,
# at most 700 lines, C comments only, a story at the top, pure rooms pure.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
bad=0

complain() {
	if [ -n "$2" ]; then
		printf '%s:\n%s\n' "$1" "$2"
		bad=1
	fi
}

sources=$(find src -name '*.c' -o -name '*.h' -o -name '*.cc')
complain "only src/base/compat.h may test PG_VERSION_NUM" \
	"$(grep -n 'PG_VERSION_NUM' $sources | grep -v '^src/base/compat.h:')"
complain "longer than 700 lines" \
	"$(find src test -type f \( -name '*.c' -o -name '*.h' -o -name '*.cc' \
		-o -name '*.sql' -o -name '*.sh' -o -name '*.pl' \) \
		! -path 'src/release/*' -exec awk 'FNR == 701 { print FILENAME }' {} +)"
complain "// comments" \
	"$(grep -nE '(^|[^:"])//' $sources | grep -vE '"[^"]*//[^"]*"|https?://')"
complain "no story: the file does not begin with a comment that names it" \
	"$(awk 'FNR == 1 { name = FILENAME; sub(".*/", "", name) }
		FNR <= 3 && index($0, " " name) { named[FILENAME] }
		END { while (++i < ARGC) if (!(ARGV[i] in named)) print ARGV[i] }' $sources)"
complain "norm is pure: no SPI, no fmgr but in its SQL entry file" \
	"$(grep -lE '#include "executor/spi.h"' src/norm/*.[ch]* 2>/dev/null)"
complain "trailing white space" \
	"$(grep -rnE '[[:space:]]+$' src test --include='*.[ch]' --include='*.sql' \
		--include='*.sh' --include='*.pl' | head -n 20)"
exit $bad
