# server.sh: a throw-away PostgreSQL server with cdp in it; to be sourced.
#
# The server's programs are copied into a scratch folder and the rest of its
# lib and share is linked beside them (a server finds its files relative to
# its programs), so cdp is installed into that folder only and nothing of the
# system changes.  The server listens on a Unix socket inside the folder.
#
#	server_build DIR	build cdp and install it under DIR
#	server_start DIR	initdb and start; sets PGHOST, PGPORT, PATH
#	server_stop DIR		stop and remove everything
#	server_scratch NAME	all of it in a new folder, $work, that goes with the
#						script; from a copy of the tree; needs packages.sh
#
# PG_CONFIG chooses the server; initdb refuses to run as root, so as root the
# server runs as user postgres.

server_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

server_as() {
	if [ "$(id -u)" -eq 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

server_mirror() {
	local from=$1 to=$2 entry
	mkdir -p "$to"
	for entry in "$from"/*; do
		ln -sf "$entry" "$to/"
	done
}

server_build() {
	local dir=$1 config=${PG_CONFIG:-pg_config}
	local bindir libdir sharedir
	bindir=$($config --bindir)
	libdir=$($config --pkglibdir)
	sharedir=$($config --sharedir)
	mkdir -p "$dir$bindir"
	cp "$bindir"/* "$dir$bindir/"
	server_mirror "$libdir" "$dir$libdir"
	rm -f "$dir$libdir"/cdp*.so
	server_mirror "$sharedir" "$dir$sharedir"
	rm "$dir$sharedir/extension"
	server_mirror "$sharedir/extension" "$dir$sharedir/extension"
	rm -f "$dir$sharedir"/extension/cdp{.control,--*}
	make -C "$server_root" -s -j"$(nproc)" all
	make -C "$server_root" -s install DESTDIR="$dir" >/dev/null
}

server_start() {
	local dir=$1
	PATH="$dir$(${PG_CONFIG:-pg_config} --bindir):$PATH"
	export PATH PGHOST="$dir/run" PGPORT=5432 PGDATABASE=postgres PGUSER=postgres
	export PSQLRC=/dev/null
	mkdir -p "$dir/run" "$dir/data"
	if [ "$(id -u)" -eq 0 ]; then
		chown -R postgres "$dir/run" "$dir/data"
		chmod a+x "$dir"
	fi
	server_as "$(command -v initdb)" -D "$dir/data" -U postgres -A trust \
		-E UTF8 --locale=C.UTF-8 --no-sync >"$dir/run/initdb.log"
	cat >>"$dir/data/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$dir/run'
		fsync = off
		max_wal_size = 4GB
		shared_buffers = 256MB
		work_mem = 32MB
		maintenance_work_mem = 256MB
		log_line_prefix = '%m [%p] '
		${SERVER_CONF:-}
	CONF
	server_as "$(command -v pg_ctl)" -D "$dir/data" -w -s \
		-l "$dir/run/server.log" start
}

server_stop() {
	local dir=$1
	if [ -f "$dir/data/postmaster.pid" ]; then
		server_as "$(command -v pg_ctl)" -D "$dir/data" -m immediate -w -s stop || true
	fi
	rm -rf "$dir"
}

server_scratch() {
	export LC_ALL=C.UTF-8
	packages_need build
	work=$(mktemp -d "/tmp/cdp-$1.XXXXXX")
	chmod 755 "$work"
	trap 'server_stop "$work/server" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
	tree_copy "$server_root" "$work/tree"
	server_root=$work/tree
	if ! server_build "$work/server" >"$work/build.log" 2>&1; then
		tail -n 40 "$work/build.log"
		exit 1
	fi
	server_start "$work/server"
}
