#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each header compiles alone, so the order of includes never matters."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tree import ROOT, Test, files, lines_of  # noqa: E402

BUILD = os.environ.get("STONECHAT_BUILD", ROOT)
LIBRARIES = "libevent expat openssl libpq libidn2 libconfig jansson".split()

test = Test()
cflags = subprocess.run(["pkg-config", "--cflags", *LIBRARIES], capture_output=True,
                        text=True).stdout.split()
command = [os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
           "-fsyntax-only", "-I", os.path.join(ROOT, "src"), "-I", os.path.join(BUILD, "src"), "-I",
           os.path.join(ROOT, "modules"), "-I", BUILD, *cflags, "-x", "c", "-"]

wrong = []
headers = files(".h", under="src/") + files(".h", under="modules/")
for path in headers:
    run = subprocess.run(command, input=f'#include "{os.path.join(ROOT, path)}"\n'
                         "int lint_only(void);\n", capture_output=True, text=True)
    if run.returncode:
        wrong.append(f"{path}:\n{run.stderr[:600]}")
test.none(wrong, f"{len(headers)} headers compile alone")

wrong = [h for h in headers if not any(line.startswith("#pragma once") or "#ifndef" in line
                                       for line in lines_of(h)[:40])]
test.none(wrong, "each header may be included twice")

# C++ is what some plugins will be written in, one day; a pedantic C compiler is here today.
pedantic = [c.replace("gnu17", "c17") for c in command[:-3]] + ["-pedantic", "-x", "c", "-"]
run = subprocess.run(pedantic, input="#include <stonechat/stonechat.h>\nint lint_only(void);\n",
                     capture_output=True, text=True)
test.none([run.stderr[:2000]] if run.returncode else [], "the plugin API is pedantically C17")
test.end()
