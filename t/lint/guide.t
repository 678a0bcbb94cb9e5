#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The C in doc/plugin-guide.md compiles, a section at a time, with gcc and clang as far as they are here."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tree import ROOT, Test, lines_of  # noqa: E402

FLAGS = ["-std=gnu17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fPIC", "-fvisibility=hidden", "-fsyntax-only"]
GUIDE = "doc/plugin-guide.md"


def sections():
    """(title, C, SQL) of each section."""
    text = "\n".join(lines_of(GUIDE))
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        blocks = re.findall(r"^```(c|sql)\n(.*?)^```", part, re.S | re.M)
        yield part.split("\n")[0], *("\n".join(b for kind, b in blocks if kind == k) for k in ("c", "sql"))


def compile_section(compiler, folder, code, sql):
    name = re.search(r'#include "(\w+)\.sql\.h"', code)
    if name:
        with open(os.path.join(folder, name[1] + ".sql"), "w", encoding="utf-8") as file:
            file.write(sql)
        made = subprocess.run(["sh", os.path.join(ROOT, "src/store/sqlgen"), name[1] + ".sql"], cwd=folder,
                              capture_output=True, text=True)
        if made.returncode:
            return made.stderr
        with open(os.path.join(folder, name[1] + ".sql.h"), "w", encoding="utf-8") as file:
            file.write(made.stdout)
    path = os.path.join(folder, "section.c")
    with open(path, "w", encoding="utf-8") as file:
        file.write(code)
    run = subprocess.run([compiler, *FLAGS, "-I" + os.path.join(ROOT, "src"), path], capture_output=True, text=True)
    return run.stderr if run.returncode else ""


test = Test()
compilers = [c for c in ("gcc", "clang", "clang-14") if shutil.which(c)][:2]
for compiler in compilers:
    wrong, n = [], 0
    for title, code, sql in sections():
        if not code:
            continue
        n += 1
        with tempfile.TemporaryDirectory() as folder:
            errors = compile_section(compiler, folder, code, sql)
        if errors:
            wrong.append(f"{title}: {errors[:2000]}")
    test.none(wrong, f"{n} sections of {GUIDE} compile with {compiler}")
test.end()
