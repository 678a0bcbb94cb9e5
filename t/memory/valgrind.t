#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A server under valgrind plays a few scenes and ends: no invalid access, nothing leaked."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
DEVSERVER = os.path.join(ROOT, "contrib", "devserver")
SCENES = [os.path.join(ROOT, "t", "scene", name + ".scene") for name in
          ("order", "addresses", "bind", "stream-header")] + sorted(
              glob.glob(os.path.join(ROOT, "modules", "*", "t", "*.scene")))

if not shutil.which("valgrind"):
    print("1..0 # SKIP valgrind is not installed")
    sys.exit(0)



def sanitized(build):
    """A sanitizer and valgrind want the same memory."""
    try:
        with open(os.path.join(build, "Makefile"), encoding="utf-8") as file:
            return "\nSANITIZE = -f" in file.read()
    except OSError:
        return False


if sanitized(os.environ.get("STONECHAT_BUILD") or os.path.join(ROOT, "build")):
    print("1..0 # SKIP the build has a sanitizer, which sees the same")
    sys.exit(0)

directory = tempfile.mkdtemp(prefix="val.")
os.chmod(directory, 0o777)
# Suppressed are only libraries' own caches, which they keep until the process ends.
environment = dict(os.environ, SCENE_SLOW="10", SCENE_JOBS="2", DEVSERVER_READY_SECONDS="240",
                   DEVSERVER_WRAPPER="valgrind -q --vgdb=no --leak-check=full --show-leak-kinds=definite,indirect "
                   "--errors-for-leak-kinds=definite,indirect --num-callers=30 "
                   f"--log-file={directory}/valgrind.%p")
count = bad = 0


def ok(good, text, why=""):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {text}", flush=True)
    for row in why.splitlines()[:400] if not good else ():
        print("# " + row)


def run(*argv):
    return subprocess.run(argv, env=environment, capture_output=True, text=True)


server = os.path.join(directory, "s")
try:
    up = run(DEVSERVER, "up", "--dir", server, "--domain", "test", "--hosts", "200", "--shards", "2")
    ok(up.returncode == 0, "the server starts", up.stderr)
    if not up.returncode:
        # What needs a server of its own is left out: it would not be under valgrind long.
        shared = [s for s in SCENES if "Server: own" not in open(s, encoding="utf-8").read()]
        played = run(os.path.join(ROOT, "t", "scene", "run"), "--server-dir", server, *shared)
        wrong = [line for line in played.stdout.splitlines() if line.startswith("not ok")]
        ok(played.returncode == 0, f"{len(shared)} files of scenes", "\n".join(wrong[:20]))
        down = run(DEVSERVER, "down", "--dir", server, "--delete", "--seconds", "120")
        ok(down.returncode == 0, "it ends in peace", down.stderr)
    said = ""
    for log in sorted(glob.glob(directory + "/valgrind.*")):
        with open(log, encoding="utf-8", errors="replace") as file:
            said += file.read()
    ok(not said.strip(), "valgrind has nothing to say", said)
finally:
    run(DEVSERVER, "down", "--dir", server, "--delete", "--seconds", "5")
    shutil.rmtree(directory, ignore_errors=True)
print(f"1..{count}")
sys.exit(1 if bad else 0)
