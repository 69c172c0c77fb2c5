# packages.sh: which Debian packages cdp needs, and how they get installed;
# to be sourced.
#
#	packages_need KIND...	install what is missing for build, test, clang
#	as_root COMMAND...		run a command as root, directly or through sudo
#	as_user COMMAND...		run a command as somebody who is not root
#
# Installing a server package would make a database cluster and start it.  A
# drop-in tells postgresql-common not to, for the time of the install only;
# clusters that exist are not touched, and packages that are there are left
# at the version they have.

# The server version: that of PG_CONFIG, else of the newest server whose
# headers are here, else the one that this Debian release brings.
packages_server_version() {
	local config
	if [ -n "${PG_CONFIG:-}" ]; then
		"$PG_CONFIG" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/'
		return
	fi
	for config in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV); do
		if [ -x "$config" ]; then
			config=${config%/bin/pg_config}
			echo "${config##*/}"
			return
		fi
	done
	apt-cache depends postgresql 2>/dev/null |
		sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1
}

# Those of these packages that can be installed.
packages_there_are() {
	apt-cache policy "$@" 2>/dev/null |
		awk -F : '/^[^ ]/ { name = $1 } / Candidate: [0-9]/ { print name }'
}

packages_list() {
	local version=$1 kind
	shift
	for kind in "$@"; do
		case $kind in
			build)
				echo "postgresql-$version postgresql-server-dev-$version" \
					"libicu-dev libphonenumber-dev libroaring-dev" \
					"make gcc g++ libc6-dev"
				;;
			test)
				echo "libipc-run-perl perl postgresql-$version-cron"
				# what not every distribution has; its test skips then.  A JDK is
				# large: JDBC is tested where there is one.
				packages_there_are sqlsmith libpostgresql-jdbc-java odbc-postgresql unixodbc-dev
				;;
			clang) echo "clang libclang-rt-dev" ;;
		esac
	done
}

packages_missing() {
	local package
	for package in $(packages_list "$@"); do
		if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
			echo "$package"
		fi
	done
}

can_be_root() {
	[ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

as_user() {
	if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

packages_install() {
	local folder=/etc/postgresql-common/createcluster.d made
	local drop_in=$folder/99-cdp-no-cluster.conf result=0
	made=$(for made in /etc/postgresql-common "$folder"; do
		[ -d "$made" ] || echo "$made"
	done)
	as_root mkdir -p "$folder"
	echo 'create_main_cluster = false' | as_root tee "$drop_in" >/dev/null
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends --no-upgrade "$@" \
		>/dev/null || result=$?
	as_root rm -f "$drop_in"
	for folder in $(echo "$made" | sort -r); do
		as_root rmdir --ignore-fail-on-non-empty "$folder" || true
	done
	return $result
}

# packages_need KIND...: sets PG_CONFIG; exits when something is missing that
# cannot be installed.
packages_need() {
	local version missing
	version=$(packages_server_version)
	missing=$(packages_missing "${version:-15}" "$@")
	if [ -n "$missing" ] && ! can_be_root; then
		echo "These Debian packages are missing:" $missing
		echo "Install them, or run this as root or with sudo allowed."
		exit 1
	fi
	if [ -n "$missing" ]; then
		as_root apt-get update -qq
		version=$(packages_server_version)
		missing=$(packages_missing "$version" "$@")
		echo "installing:" $missing
		packages_install $missing
	fi
	export PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/$version/bin/pg_config}
}

# tree_copy FROM TO: the source tree without what a build leaves in it, so
# that neither root nor another user leaves files in the checkout.
tree_copy() {
	mkdir -p "$2"
	tar -C "$1" --anchored --exclude=./.git --exclude='./cdp--*' \
		--exclude=./build --exclude=./results --exclude=./tmp_check \
		--no-anchored --exclude='*.o' --exclude='*.so' --exclude='*.bc' \
		-cf - . | tar -C "$2" --no-same-owner -xf -
	if [ "$(id -u)" -eq 0 ]; then
		chown -R postgres: "$2"
	fi
}
