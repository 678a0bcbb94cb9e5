#!/bin/sh
# SPDX-License-Identifier: MIT
# All scenes: those of the core beside this file, and those of each module.
cd "$(dirname "$0")/../.." || exit 1
exec t/scene/run t/scene/*.scene $(find modules -path '*/t/*.scene' | sort)
