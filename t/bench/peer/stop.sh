#!/bin/bash
. "$(dirname "$0")/../env.sh"
"$STONECHAT_SOURCE/contrib/devserver" down --dir "$PEERS/stonechat" >/dev/null
