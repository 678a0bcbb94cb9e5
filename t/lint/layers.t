#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each folder of src/ includes only itself, folders above it in this list, and the plugin API.
A module includes only the plugin API, its own files and the headers the build made for it."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tree import Test, files, lines_of  # noqa: E402

LAYERS = ["stonechat", "base", "net", "xml", "xmpp", "store", "http", "plugin", "core", "stream", "ctl"]
OURS = re.compile(r'\s*#\s*include\s+(["<])([^">]+)[">]')
# Made by the build at the top of it; they belong to nobody.
NOBODYS = {"config.h"}

test = Test()
wrong = []
for path in files(".c", ".h", ".def", under="src/"):
    parts = path.split("/")
    if len(parts) != 3:
        continue            # src/main.c and its like may include everything
    layer = parts[1]
    for number, line in enumerate(lines_of(path), 1):
        found = OURS.match(line)
        if not found or "/" not in found[2]:
            continue
        target = found[2].split("/")[0]
        if target in LAYERS and LAYERS.index(target) > LAYERS.index(layer):
            wrong.append(f"{path}:{number}: {layer} is above {target}: {line.strip()}")
        if target == "modules":
            wrong.append(f"{path}:{number}: the server knows no module: {line.strip()}")
test.none(wrong, "a folder of src/ includes only what is above it")

wrong = [f"src/{f.split('/')[1]} is not in the list of layers" for f in files(under="src/")
         if f.count("/") > 1 and f.split("/")[1] not in LAYERS]
test.none(sorted(set(wrong)), "each folder of src/ has its place")

wrong = []
for path in files(".c", ".h", under="modules/"):
    own = "/".join(path.split("/")[:2])
    name = path.split("/")[1]
    for number, line in enumerate(lines_of(path), 1):
        found = OURS.match(line)
        if not found or found[2] in NOBODYS:
            continue
        quoted, target = found[1] == '"', found[2]
        if quoted and "/" not in target or target.startswith((own + "/", name + "/")):
            continue
        if not quoted and (target.startswith("stonechat/") or "/" not in target
                           or target.startswith(("sys/", "openssl/"))):
            continue
        wrong.append(f"{path}:{number}: {line.strip()}")
test.none(wrong, "a module includes only <stonechat/...> and its own files")
test.end()
