#!/bin/sh
# SPDX-License-Identifier: MIT
# quickstart: a first run, a second one, and that data stays. Uses the build under test.
cd "$(dirname "$0")/../.." || exit 1
me=$PWD/contrib/quickstart
count=0 bad=0
ok() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		bad=1
		echo "not ok $count - $2"
		sed 's/^/# /' "$out"
	fi
}

dir=$(mktemp -d /tmp/quick.XXXXXX)
out=$dir/said
port=$(contrib/devserver ports)
trap '"$me" stop --dir "$dir/demo" >/dev/null 2>&1; rm -rf "$dir"' EXIT
chmod 755 "$dir"

"$me" --no-install --dir "$dir/demo" --port "$port" >"$out" 2>&1 </dev/null
ok $? "a first run"
grep -q "romeo@localhost *password: [0-9a-f]" "$out"
ok $? "says an account and its password"
grep -q "port $port (STARTTLS)" "$out"
ok $? "says the port"
password=$(sed -n 's/^juliet@localhost //p' "$dir/demo/accounts")
[ "$(wc -l <"$dir/demo/accounts")" = 2 ]
ok $? "two accounts"

"$me" --no-install --dir "$dir/demo" >"$out" 2>&1 </dev/null && grep -q "$password" "$out"
ok $? "a second run while it runs says the same"

"$me" status --dir "$dir/demo" >"$out" 2>&1
ok $? "status"
"$me" stop --dir "$dir/demo" >"$out" 2>&1
ok $? "stop"
! "$me" status --dir "$dir/demo" >"$out" 2>&1
ok $? "it is gone"

begun=$(date +%s)
"$me" --no-install --dir "$dir/demo" >"$out" 2>&1 </dev/null && grep -q "$password" "$out"
ok $? "a second start keeps the accounts"
[ $(($(date +%s) - begun)) -lt 20 ]
ok $? "and takes seconds"
"$dir/demo/programs/usr/local/bin/stonechatctl" -s "$dir/demo/ctl" user show juliet@localhost >"$out" 2>&1
ok $? "the account is in the database"
"$me" stop --dir "$dir/demo" >"$out" 2>&1
ok $? "stop again"

echo "1..$count"
exit $bad
