#!/usr/bin/env bash
# Every public function is called by the regression tests at least once, by
# name.  What a type, an operator, a cast, an index class or an aggregate
# calls on its own is left out: the tests of those objects run it.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

scripts=$(find src -name '*.sql' ! -path 'src/upgrade/*' ! -path 'src/release/*')
support=$(grep -hoiE '(INPUT|OUTPUT|RECEIVE|SEND|TYPMOD_IN|TYPMOD_OUT|ANALYZE|SFUNC|FINALFUNC|COMBINEFUNC|SERIALFUNC|DESERIALFUNC|MSFUNC|MINVFUNC|MFINALFUNC|PROCEDURE|FUNCTION|RESTRICT|JOIN|SUPPORT|CANONICAL|SUBTYPE_DIFF) *= *cdp\.[a-z0-9_]+|FUNCTION +[0-9]+ +(\([^)]*\) +)?cdp\.[a-z0-9_]+|WITH FUNCTION cdp\.[a-z0-9_]+|EXECUTE FUNCTION cdp\.[a-z0-9_]+' $scripts |
	sed -E 's/.*cdp\.//' | sort -u)
public=$(grep -hoiE '^CREATE( OR REPLACE)? (FUNCTION|PROCEDURE|AGGREGATE) cdp\.[a-z0-9_]+' $scripts |
	sed -E 's/.*cdp\.//' | grep -v '^_' | sort -u)
called=$(cat sql/*.sql test/isolation/specs/*.spec test/tap/*.pl 2>/dev/null |
	grep -oiE '\bcdp\.[a-z0-9_]+ *\(' | sed -E 's/^cdp\.//I; s/ *\($//' | sort -u)

missing=$(comm -23 <(echo "$public") <(sort -u <(echo "$called") <(echo "$support")))
if [ -n "$missing" ]; then
	echo "public functions that no regression test calls:"
	printf '%s\n' "$missing"
	exit 1
fi
