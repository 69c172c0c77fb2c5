#!/usr/bin/env bash
# The version is written once, in cdp.control; META.json and the first
# heading of the change log must agree.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
bad=0

version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" cdp.control)
[ -n "$version" ] || { echo "cdp.control has no default_version"; exit 1; }

while read -r found; do
	if [ "$found" != "$version" ]; then
		echo "META.json says version $found, cdp.control says $version"
		bad=1
	fi
done < <(sed '/"meta-spec"/,$d' META.json |
	sed -n 's/.*"version": *"\([^"]*\)".*/\1/p')
if ! grep -q "\"file\": \"cdp--$version.sql\"" META.json; then
	echo "META.json does not name cdp--$version.sql"
	bad=1
fi
newest=$(sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -n 1)
if [ "$newest" != "$version" ]; then
	echo "CHANGELOG.md begins with $newest, cdp.control says $version"
	bad=1
fi
exit $bad
