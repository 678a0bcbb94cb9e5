# SPDX-License-Identifier: MIT
# lib.sh: what quickstart and check share. POSIX shell, sourced with $name set.

BUILD_PACKAGES="autoconf automake libtool gcc libc6-dev make pkg-config libevent-dev libexpat1-dev
	libssl-dev libpq-dev libunistring-dev libidn2-dev libconfig-dev libc-ares-dev libjansson-dev libsystemd-dev"
RUN_PACKAGES="postgresql-15 openssl"
# The libraries alone, where nothing is built.
LIBRARY_PACKAGES="libevent-core-2.1-7 libexpat1 libssl3 libpq5 libunistring2 libidn2-0 libconfig9 libc-ares2 libjansson4
	libsystemd0"
# command:package where the command may have come another way.
TEST_PACKAGES="prove:perl python3:python3 clang-14:clang-14 valgrind:valgrind tmux:tmux profanity:profanity
	python3-slixmpp python3-aioxmpp node:nodejs npm:npm"

say() {
	printf '%s: %s\n' "$name" "$*"
}

die() {
	printf '%s: %s\n' "$name" "$*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root: $*"
	fi
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs what is missing, and asks for rights only then.
install_missing() {
	command -v dpkg-query >/dev/null || { say "not Debian: install by hand what is missing"; return 0; }
	missing=
	for package in "$@"; do
		case $package in
		*:*) command -v "${package%%:*}" >/dev/null && continue ;;
		*) is_installed "$package" && continue ;;
		esac
		missing="$missing ${package##*:}"
	done
	[ -z "$missing" ] && return 0
	say "installing$missing"
	as_root apt-get update -qq </dev/null
	case $missing in
	*postgresql-*)
		# We run a PostgreSQL of our own: Debian need not start one more beside it.
		if ! is_installed postgresql-common; then
			apt_install postgresql-common
			as_root sh -c "echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf"
		fi ;;
	esac
	# shellcheck disable=SC2086
	apt_install $missing
}

apt_install() {
	apt_log=$(mktemp)
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
		</dev/null >"$apt_log" 2>&1 || {
		tail -20 "$apt_log" >&2
		die "apt-get could not install: $*"
	}
	rm -f "$apt_log"
}

# A tree that belongs to somebody is built as that somebody, also under sudo.
as_owner() {
	owner=$(stat -c %U "$root")
	if [ "$(id -u)" = 0 ] && [ "$owner" != root ] && [ "$owner" != UNKNOWN ]; then
		runuser -u "$owner" -- "$@"
	else
		"$@"
	fi
}

# build DIR [CONFIGURE-OPTION…]: an out-of-tree build; only what changed the second time.
build() {
	into=$1
	shift
	if [ ! -x "$root/configure" ]; then
		(cd "$root" && as_owner autoreconf -fi) >"$logs/autoreconf" 2>&1 || {
			cat "$logs/autoreconf" >&2
			die "autoreconf failed"
		}
	fi
	as_owner mkdir -p "$into"
	label=$(basename "$into")
	if [ ! -f "$into/Makefile" ]; then
		(cd "$into" && as_owner "$root/configure" "$@") >"$logs/$label.configure" 2>&1 </dev/null || {
			tail -30 "$logs/$label.configure" >&2
			die "configure failed in $into"
		}
	fi
	as_owner make -C "$into" -s -j"$(nproc)" >"$logs/$label.make" 2>&1 </dev/null || {
		tail -60 "$logs/$label.make" >&2
		die "make failed in $into"
	}
}
