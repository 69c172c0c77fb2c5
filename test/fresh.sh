#!/usr/bin/env bash
# fresh.sh [SUITE]: both commands, from a clean clone, on a fresh Debian.
#
# Makes a minimal Debian of that suite (bookworm if none is named) with
# debootstrap in a scratch folder, clones the last commit into it, runs
# test/demo.sh and test/run.sh, and checks that they left no cluster, no
# process, no file and no change behind.  Needs root and debootstrap.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
suite=${1:-bookworm}

[ "$(id -u)" -eq 0 ] || { echo "A chroot needs root."; exit 1; }
command -v debootstrap >/dev/null || { echo "Install debootstrap first."; exit 1; }

root=$(mktemp -d /tmp/cdp-fresh.XXXXXX)
chmod 755 "$root"
leave() {
	umount -R "$root/dev" "$root/proc" 2>/dev/null || true
	if mountpoint -q "$root/dev" || mountpoint -q "$root/proc"; then
		echo "left behind, still mounted: $root"
	else
		rm -rf --one-file-system "$root"
	fi
}
trap leave EXIT

debootstrap --variant=minbase "$suite" "$root" >"$root.log" 2>&1 ||
	{ tail -n 5 "$root.log"; exit 1; }
rm -f "$root.log"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"
git clone -q "$here" "$root/srv/cdp"

failed=0
for command in demo.sh run.sh; do
	echo "== $suite: test/$command"
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		"/srv/cdp/test/$command" || failed=1
done

complain() {
	if [ -n "$2" ]; then
		printf 'left behind, %s:\n%s\n' "$1" "$2"
		failed=1
	fi
}
complain "clusters" "$(chroot "$root" pg_lsclusters --no-header)"
complain "files" "$(find "$root/tmp" "$root/etc/postgresql-common/createcluster.d" -mindepth 1 2>/dev/null)"
complain "changes in the checkout" "$(git -C "$root/srv/cdp" status --porcelain --ignored)"
complain "processes" "$(for process in /proc/[0-9]*; do
	[ "$(readlink "$process/root")" = "$root" ] && tr '\0' ' ' <"$process/cmdline" && echo
done || true)"
[ "$failed" -eq 0 ] && echo "$suite: nothing failed, nothing left behind"
exit $failed
