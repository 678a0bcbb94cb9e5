# SPDX-License-Identifier: MIT
"""report: what a client script needs: where the server is, and how to say what was seen.

One line `ok text` or `not ok text` for each thing; interop.t numbers them.
"""

import os
import sys

failed = False


def server(name):
    value = os.environ["INTEROP_" + name]
    return int(value) if value.isdigit() else value


def ok(good, text, why=""):
    global failed
    failed = failed or not good
    print(f"{'ok' if good else 'not ok'} {text}", flush=True)
    if not good and why != "":
        print(f"# {why}", flush=True)


def done():
    print("done", flush=True)
    # Libraries leave threads and loops behind; the work is over.
    sys.stdout.flush()
    os._exit(1 if failed else 0)
