#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The generated pages of the manual are what the server would write today. --write writes them."""

import difflib
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tree import ROOT, Test  # noqa: E402

PAGES = (("config", "doc/config.md"), ("hooks", "doc/hooks.md"), ("xeps", "doc/xeps.md"))
BUILD = os.environ.get("STONECHAT_BUILD", os.path.join(ROOT, "build"))
test = Test()


def gather(folder):
    """libtool leaves each module in a folder of its own."""
    for root, _, names in os.walk(os.path.join(BUILD, "modules")):
        for name in names:
            if name.endswith(".so"):
                os.symlink(os.path.join(root, name), os.path.join(folder, name))


def page(which, folder):
    return subprocess.run([os.path.join(BUILD, "stonechat"), "--manual", which, "--module-dir",
                           folder], capture_output=True, text=True)


with tempfile.TemporaryDirectory(prefix="lint.") as modules:
    gather(modules)
    for which, path in PAGES:
        made = page(which, modules)
        full = os.path.join(ROOT, path)
        if "--write" in sys.argv and not made.returncode:
            with open(full, "w", encoding="utf-8") as file:
                file.write(made.stdout)
        wrong = [made.stderr] if made.returncode else []
        if not wrong:
            try:
                with open(full, encoding="utf-8") as file:
                    there = file.read()
            except OSError as error:
                there, wrong = "", [str(error)]
            if not wrong and there != made.stdout:
                wrong = list(difflib.unified_diff(there.split("\n"), made.stdout.split("\n"), path,
                                                  "as the server writes it", lineterm="", n=1))
        test.none(wrong, f"{path} is up to date (t/lint/generated.t --write)")
test.end()
