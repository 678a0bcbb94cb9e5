#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""devserver does what its interface says: start, accounts, kill, start again, stop."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
DEVSERVER = os.path.join(ROOT, "contrib", "devserver")
KEYS = "pid db_pid c2s c2s_tls s2s s2s_tls http https component ctl domain".split()
count = bad = 0


def ok(good, text, why=""):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {text}", flush=True)
    for row in str(why).splitlines() if not good else ():
        print("# " + row)


def devserver(*words):
    return subprocess.run([DEVSERVER, *words], capture_output=True, text=True)


def lines(run):
    return dict(line.split("=", 1) for line in run.stdout.splitlines() if "=" in line)


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


directory = tempfile.mkdtemp(prefix="dev.")
os.chmod(directory, 0o755)
try:
    base = int(devserver("ports").stdout)
    run = devserver("up", "--dir", directory, "--ports", str(base), "--domain", "dev.test", "--users",
                    "3", "--password", "secret", "--shards", "2")
    facts = lines(run)
    ok(run.returncode == 0, "up", run.stderr)
    ok(list(facts) == KEYS, "the lines and their order", run.stdout)
    ok([int(facts[k]) for k in KEYS[2:9]] == [base + i for i in range(7)], "the ports in a row")
    ok(not gone(facts["pid"]) and not gone(facts["db_pid"]), "worker and postmaster live")

    ctl = [os.path.join(os.environ.get("STONECHAT_BUILD", ROOT), "stonechatctl"), "-s", facts["ctl"]]
    listed = subprocess.run([*ctl, "user", "list", "dev.test"], capture_output=True, text=True)
    ok(all(f"user{i}" in listed.stdout for i in range(3)), "three accounts", listed.stderr + listed.stdout)

    again = devserver("up", "--dir", directory)
    ok(lines(again) == facts, "up once more says the same", again.stdout + again.stderr)
    ok(lines(devserver("status", "--dir", directory)).get("ready") == "yes", "status")

    run = devserver("kill", "--dir", directory)
    ok(run.returncode == 0 and gone(facts["pid"]), "kill", run.stderr)
    ok(devserver("status", "--dir", directory).returncode == 1, "status after it")

    begun = time.monotonic()
    run = devserver("start", "--dir", directory)
    ok(run.returncode == 0 and lines(run)["pid"] != facts["pid"], "start", run.stderr)
    print(f"# after {time.monotonic() - begun:.1f} s")
    listed = subprocess.run([*ctl, "user", "list", "dev.test"], capture_output=True, text=True)
    ok("user2" in listed.stdout, "the accounts are still there", listed.stderr)

    begun = time.monotonic()
    run = devserver("up", "--dir", directory, "--users", "20000")
    ok(run.returncode == 0 and time.monotonic() - begun < 30, "20,000 accounts in seconds", run.stderr)
    print(f"# after {time.monotonic() - begun:.1f} s")

    facts = lines(devserver("status", "--dir", directory))
    run = devserver("down", "--dir", directory)
    ok(run.returncode == 0 and gone(facts["pid"]) and gone(facts["db_pid"]), "down stops all", run.stderr)

    run = devserver("start", "--dir", directory)
    facts = lines(run)
    devserver("kill", "--dir", directory)
    run = devserver("down", "--dir", directory, "--delete")
    ok(run.returncode == 0 and gone(facts["db_pid"]) and not os.path.exists(directory),
       "down after kill leaves nothing", run.stderr)
finally:
    if os.path.exists(directory):
        devserver("down", "--dir", directory, "--delete")
        shutil.rmtree(directory, ignore_errors=True)
print(f"1..{count}")
sys.exit(1 if bad else 0)
