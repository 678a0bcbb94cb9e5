#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Words that must not be in the tree: functions that are never right, package registries, paths
of somebody's machine, SQL made with format strings."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tree import Test, files, lines_of  # noqa: E402

HERE = "t/lint/words.t"
test = Test()


def grep(pattern, paths, why="", unless=None):
    found = []
    for path in paths:
        if path == HERE:
            continue
        for number, line in enumerate(lines_of(path), 1):
            if re.search(pattern, line) and not (unless and re.search(unless, line)):
                found.append(f"{path}:{number}: {line.strip()[:90]}{why}")
    return found


CODE = files(".c", ".h", under="src/") + files(".c", ".h", under="modules/")
CALL = r"(?<![\w.>])(?:%s)\s*\("

test.none(grep(CALL % "rand|srand|random|srandom|drand48|rand_r", CODE),
          "randomness comes from getrandom only")
test.none(grep(CALL % "strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|mktemp|tmpnam", CODE),
          "no function that cannot be used safely")
test.none(grep(CALL % "system|popen", CODE), "no shell")
# An input must never be compared byte by byte where the time tells.
test.none(grep(r"(?i)(?<!CRYPTO_)memcmp\s*\(.*(proof|verifier|stored_key|server_key|token)", CODE),
          "secrets are compared in constant time")
test.none(grep(r"(?i)\"\s*(select|insert into|update|delete from)\b[^\"]*%[a-z]", CODE),
          "no SQL from a format string")
test.none(grep(r"(?i)(?<![\w.])now\(\)|current_timestamp|clock_timestamp",
               files(".sql"), unless=r"^\s*--.*now\(\)|^--"), "no statement asks PostgreSQL for the time")

TEXT = [f for f in files() if not f.endswith((".png", ".ico", ".der", ".bin", ".xz"))
        and "/corpus/" not in f]
# Whole host names: a package's own name may be written, its registry may not.
REGISTRIES = "|".join(("pypi" r"\.org", "pythonhosted" r"\.org", "npmjs" r"\.(?:org|com)",
                       "crates" r"\.io", "maven" r"\.org", "deb" r"\.debian\.org",
                       "proxy" r"\.golang\.org", "ftp" r"\.debian\.org"))
test.none(grep(REGISTRIES, TEXT), "no package registry is named")
test.none(grep(r"(?<![\w/.-])/(?:work|root|home/\w+)/", TEXT), "no path of somebody's machine")
test.none(grep(r"(?i)\bTODO\b|\bFIXME\b|\bXXX\b", CODE), "nothing is left to do in a comment")
test.end()
