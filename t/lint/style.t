#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The few rules of taste that a machine can look at."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tree import ROOT, Test, files, lines_of  # noqa: E402

test = Test()
CODE = files(".c", ".h", under="src/") + files(".c", ".h", under="modules/") \
    + files(".c", ".h", under="t/") + files(".c", under="contrib/")

wrong = [f for f in CODE if lines_of(f)[0] != "/* SPDX-License-Identifier: MIT */"]
test.none(wrong, "each C file begins with its licence")

wrong = [f for f in CODE if f.startswith(("src/", "modules/")) and f.endswith(".c")
         and not "".join(lines_of(f)[1:3]).lstrip().startswith("/*")]
test.none(wrong, "each source file says what it is")

wrong = [f"{f}:{n}" for f in files(".c", ".h", ".py", ".sh", ".t", ".sql", ".am", ".scene", ".def")
         for n, line in enumerate(lines_of(f), 1) if line != line.rstrip()]
test.none(wrong, "no blanks at the end of a line")

# A line that is one literal (a vector of a specification, a line of a manual) is better whole.
wrong = [f"{f}:{n}: {len(line.expandtabs(8))} columns" for f in CODE + files(".def", ".sql")
         if f != "schema/current.sql"  # is generated
         for n, line in enumerate(lines_of(f), 1) if len(line.expandtabs(8)) > 100
         and not re.match(r'\s*"[^"]*(\\"[^"]*)*"[,;)]*( },)?$', line)]
test.none(wrong, "no line has more than a hundred columns")

wrong = [f"{f}:{n}" for f in CODE for n, line in enumerate(lines_of(f), 1)
         if re.match(r" {8,}[^ *]", line) and not line.lstrip().startswith("*")
         and "*/" not in line]
test.none(wrong, "C is indented with tabs")

wrong = [f for f in files() if f.endswith((".t", ".sh", ".py"))
         and lines_of(f)[0].startswith("#!")
         and not os.access(os.path.join(ROOT, f), os.X_OK)]
test.none(wrong, "what begins with #! may be executed")

wrong = [folder for folder in ("contrib", "t/scene", "t/lint", "t/interop", "t/unit", "t/bench", "schema")
         if files(under=folder + "/") and not files("README.md", under=folder + "/")]
test.none(wrong, "each folder has a README")
test.end()
