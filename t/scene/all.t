#!/bin/sh
# SPDX-License-Identifier: MIT
# All scenes: those of the core beside this file, and those of each module. What failed is told on
# standard error too, where prove lets it be seen; it counts by the plan and the lines on the output.
cd "$(dirname "$0")/../.." || exit 1
t/scene/run t/scene/*.scene $(find modules -path '*/t/*.scene' | sort) | awk '
	/^not ok/ { failed = 1 }
	/^ok/ || /^1\.\./ { failed = 0 }
	failed { print > "/dev/stderr" }
	{ print; fflush() }'
