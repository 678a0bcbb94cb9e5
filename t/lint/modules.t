#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every module explains itself and proves itself: README.md, scenes, and for each XEP or RFC in
its .implements a scene that names it."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tree import ROOT, Test, files, lines_of  # noqa: E402

test = Test()
folders = sorted({f.split("/")[1] for f in files(under="modules/") if f.count("/") > 1})


def text(path):
    return "\n".join(lines_of(path))


wrong = [f"modules/{m}" for m in folders
         if not os.path.exists(os.path.join(ROOT, "modules", m, "README.md"))]
test.none(wrong, "each module has a README.md")

wrong = [f"modules/{m}" for m in folders if not files(".scene", under=f"modules/{m}/t/")]
test.none(wrong, "each module has a scene")

wrong = [f"modules/{m}" for m in folders
         if not os.path.exists(os.path.join(ROOT, "modules", m, "module.am"))]
test.none(wrong, "each module has a module.am")

named = set()
for scene in files(".scene"):
    for line in lines_of(scene):
        head = re.match(r"(XEP|RFC): (.*)", line)
        for word in head[2].split(",") if head else ():
            named.add(f"{head[1]}-{word.split()[0].lstrip('0')}")

wrong, seen = [], 0
for source in files(".c", under="modules/"):
    listed = re.search(r"\.implements\s*=\s*SC_LIST\((.*?)\)", text(source), re.S)
    for kind, number in re.findall(r'"(XEP|RFC)[- ]0*(\d+)', listed[1]) if listed else ():
        seen += 1
        if f"{kind}-{number}" not in named:
            wrong.append(f"{source}: {kind}-{number.zfill(4)} is named by no scene")
test.none(wrong, f"{seen} documents in .implements are named by scenes")
test.end()
