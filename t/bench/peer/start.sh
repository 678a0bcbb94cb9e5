#!/bin/bash
# Start Stonechat with its private PostgreSQL; prints the processes to measure.
. "$(dirname "$0")/../env.sh"
set -e
raise_limits
eval "$("$STONECHAT_SOURCE/contrib/devserver" up --dir "$PEERS/stonechat" --ports 45220 \
    --domain "$DOMAIN" --password "$PASSWORD" --plain $STONECHAT_BENCH_OPTIONS)"
printf '%s\n' "$pid" "$db_pid"
