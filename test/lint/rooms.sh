#!/usr/bin/env bash
# A room includes its own files and the doors of rooms before it, no more.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

rooms=$(make -s --no-print-directory -f - print <<'MAKE'
include Makefile
print: ; @echo $(ROOMS)
MAKE
)
[ -n "$rooms" ] || { echo "the Makefile has no ROOMS"; exit 1; }

before=""
bad=0
for room in $rooms; do
	before="$before $room"
	[ -d "src/$room" ] || continue
	while IFS=: read -r file line include; do
		case $include in
			"$room"/*) continue ;;
			base/compat.h) continue ;;
		esac
		door=${include%%/*}
		if [ "$include" != "$door/$door.h" ] && [ -d "src/$door" ]; then
			echo "$file:$line includes $include, which is not a door"
			bad=1
		elif [ -d "src/$door" ] && [[ " $before " != *" $door "* ]]; then
			echo "$file:$line includes $include, a room after $room"
			bad=1
		fi
	done < <(grep -HnE '^#include "[a-z_]+/' "src/$room"/*.[ch]* |
		sed -E 's/^([^:]*):([0-9]*):#include "([^"]*)".*/\1:\2:\3/')
done
for folder in src/*/; do
	room=$(basename "$folder")
	case " $rooms upgrade release " in
		*" $room "*) ;;
		*) echo "src/$room is not in ROOMS"; bad=1 ;;
	esac
done
exit $bad
