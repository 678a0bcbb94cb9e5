#!/bin/sh
# SPDX-License-Identifier: MIT
# Each scene can be read, also those that are not played here.
cd "$(dirname "$0")/../.." || exit 1
exec t/scene/run --check $(find t/scene modules -name '*.scene' | sort)
