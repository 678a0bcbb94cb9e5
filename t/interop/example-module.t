#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The example module builds with nothing but an installed server, and runs in it.
set -u
source=${STONECHAT_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${STONECHAT_BUILD:-$source/build}
n=0

if [ ! -f "$build/Makefile" ]; then
	echo "1..0 # SKIP no build in $build: set STONECHAT_BUILD"
	exit 0
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/example-module.XXXXXX")
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"

# is "what" COMMAND…: one TAP line; what the command printed only when it failed.
is() {
	what=$1
	shift
	n=$((n + 1))
	if "$@" > "$dir/out" 2>&1; then
		echo "ok $n - $what"
		return 0
	fi
	echo "not ok $n - $what"
	sed 's/^/# /' "$dir/out" | tail -60
	return 1
}

in_module() {
	env -u MAKEFLAGS -u MAKELEVEL make -C "$dir/module" PKG_CONFIG='pkg-config --define-prefix' PKG_CONFIG_PATH="$pc" "$@"
}

exports_one_symbol() {
	nm -D --defined-only "$dir/module/tally.so" > "$dir/symbols"
	cat "$dir/symbols"
	[ "$(grep -c . "$dir/symbols")" = 1 ] && grep -q ' sc_module_tally$' "$dir/symbols"
}

echo 1..5
is "the server installs" env -u MAKEFLAGS -u MAKELEVEL make -C "$build" install DESTDIR="$dir/root" || exit 1
pc=$(dirname "$(find "$dir/root" -name stonechat.pc)")
cp -r "$source/contrib/example-module" "$dir/module"
chmod -R u+w "$dir/module"
is "the module builds with the installed headers" in_module CFLAGS='-O2 -Werror -pedantic'
is "it exports its description and nothing else" exports_one_symbol
is "it installs beside the others" in_module install
modules=$(dirname "$(find "$dir/root" -name tally.so)")
STONECHAT_BUILD=$build
export STONECHAT_BUILD
is "it runs in the server" "$source/t/scene/run" --set module_dir="$modules" "$dir"/module/t/*.scene
