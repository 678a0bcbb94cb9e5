#!/bin/sh
# SPDX-License-Identifier: MIT
# Every statement of every NAME.sql prepares against a freshly migrated database, and current.sql is up to date.
set -u
cd "${STONECHAT_SOURCE:-$(dirname "$0")/../..}" || exit 1

if [ "${1-}" = --inside ]; then         # with a database of its own, from tmpdb
	for file in schema/[0-9][0-9][0-9][0-9]-*.sql; do
		psql -X -q -v ON_ERROR_STOP=1 -1 -f "$file" 2>&1 || { echo "Bail out! $file"; exit 1; }
	done
	n=0
	for file in src/*/*.sql modules/*/*.sql; do
		[ -f "$file" ] || continue
		n=$((n + 1))
		if said=$(sh src/store/sqlgen --prepare "$file" 2>&1) &&
		    said=$(printf '%s\n' "$said" | psql -X -q -v ON_ERROR_STOP=1 -f - 2>&1); then
			echo "ok $n - $file"
		else
			echo "not ok $n - $file"
			echo "$said" | sed 's/^/# /'
		fi
	done
	# One list for the whole server: names must differ between the files too.
	n=$((n + 1))
	twice=$(cat src/*/*.sql modules/*/*.sql 2>/dev/null | sed -n 's/^--[ 	]*name:[ 	]*//p' | sort | uniq -d)
	if [ -z "$twice" ]; then
		echo "ok $n - names differ"
	else
		echo "not ok $n - names differ:" $twice
	fi
	n=$((n + 1))
	if said=$(sh schema/regen --check 2>&1); then
		echo "ok $n - schema/current.sql is up to date"
	else
		echo "not ok $n - schema/current.sql is up to date"
		echo "$said" | sed 's/^/# /'
	fi
	echo "1..$n"
	exit 0
fi
command -v psql >/dev/null || { echo "1..0 # SKIP there is no psql"; exit 0; }
exec sh schema/tmpdb sh t/lint/statements.t --inside
