#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A short series of crashes: see README.md, and `run` for long ones."""

import asyncio
import os
import sys
from types import SimpleNamespace

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from series import explain, series  # noqa: E402

SEED = int(os.environ.get("CRASH_SEED", "1"))
KILLS = int(os.environ.get("CRASH_KILLS", "12"))


def ok(number, good, what):
    print(f"{'ok' if good else 'not ok'} {number} - {what}")


def main():
    result = asyncio.run(series(SimpleNamespace(kills=KILLS, seed=SEED, pairs=6, rate=150, pause=1.0, every=0.3, shards=2, keep=False)))
    v = result.verdict
    ok(1, v["acknowledged"] > 100 and not v["lost"], f"of {v['acknowledged']} acknowledged messages none is lost over {KILLS} kills")
    ok(2, not v["repeated"], "none is delivered twice without a reason")
    ok(3, not v["mixed"], "none is out of order")
    ok(4, not v["strange"] and not result.stuck and not result.asserts, "every message is acknowledged in the end")
    ok(5, not result.left, "no row is left in the spool")
    print("1..5")
    print("# " + (result.text + "\n" + explain(result)).replace("\n", "\n# "))


main()
