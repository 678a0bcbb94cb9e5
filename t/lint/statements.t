#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""PostgreSQL prepares every statement of every .sql file against a freshly migrated database."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tree import ROOT, Test, files, lines_of  # noqa: E402

DEVSERVER = os.path.join(ROOT, "contrib", "devserver")
test = Test()
sources = files(".sql", under="src/") + files(".sql", under="modules/")


def psql(folder, text):
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", folder, "-d", "postgres"]
    if os.getuid() == 0:
        command = ["runuser", "-u", "stonechat", "--", *command]
    return subprocess.run(command, input=text, capture_output=True, text=True)


def database_name(folder):
    found = psql(folder, "\\pset tuples_only on\nselect datname from pg_database where datname = 'stonechat'")
    return "stonechat" if "stonechat" in found.stdout else "postgres"


if not shutil.which("psql"):
    test.skip("statements prepare", "there is no psql")
    test.end()

directory = tempfile.mkdtemp(prefix="lint.")
os.chmod(directory, 0o755)
try:
    up = subprocess.run([DEVSERVER, "up", "--dir", directory], capture_output=True, text=True)
    test.none([up.stderr] if up.returncode else [], "a server with a fresh database starts")
    if not up.returncode:
        folder = os.path.join(directory, "state", "pg")
        connect = f"\\connect {database_name(folder)}\n"
        for source in sources:
            made = subprocess.run(["sh", os.path.join(ROOT, "src", "store", "sqlgen"), "--prepare",
                                   os.path.join(ROOT, source)], capture_output=True, text=True)
            count = sum(bool(re.match(r"-- name:", line)) for line in lines_of(source))
            wrong = [made.stderr] if made.returncode else []
            if not wrong:
                run = psql(folder, connect + made.stdout)
                wrong = [run.stderr] if run.returncode or "ERROR" in run.stderr else []
            test.none(wrong, f"{source}: {count} statements prepare")
finally:
    subprocess.run([DEVSERVER, "down", "--dir", directory, "--delete"], capture_output=True)
    shutil.rmtree(directory, ignore_errors=True)
test.end()
