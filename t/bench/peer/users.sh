#!/bin/bash
# users.sh N: accounts user0..userN-1.
. "$(dirname "$0")/../env.sh"
"$STONECHAT_SOURCE/contrib/devserver" up --dir "$PEERS/stonechat" --ports 45220 \
    --domain "$DOMAIN" --password "$PASSWORD" --plain --users "$1" >/dev/null
