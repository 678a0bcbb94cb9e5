#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Clients that nobody here wrote, each with two accounts of its own, on one server.

A client that is not installed is skipped; contrib/check installs them all. With --prosody the
clients run against Prosody, which tells a fault of a script from a fault of the server.
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DEVSERVER = os.path.join(ROOT, "contrib", "devserver")
DOMAIN, PASSWORD = "interop.test", "secret"


def python_has(module):
    return subprocess.run(["/usr/bin/python3", "-c", f"import {module}"],
                          capture_output=True).returncode == 0


def node_folder():
    for folder in (os.environ.get("INTEROP_NODE"), os.path.join(ROOT, "build-check", "node")):
        if folder and os.path.isdir(os.path.join(folder, "node_modules", "@xmpp", "client")):
            return folder
    return None


def node_is_new():
    """@xmpp/client 0.14 needs Node 20; Debian 12 has 18."""
    if not shutil.which("node"):
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    return int(version.lstrip("v").split(".")[0] or 0) >= 20


# name, program, is it there?
CLIENTS = (
    ("slixmpp", ["/usr/bin/python3", "clients/slixmpp_chat.py"], lambda: python_has("slixmpp")),
    ("slixmpp-devices", ["/usr/bin/python3", "clients/slixmpp_devices.py"],
     lambda: python_has("slixmpp")),
    ("slixmpp-archive", ["/usr/bin/python3", "clients/slixmpp_archive.py"],
     lambda: python_has("slixmpp")),
    ("aioxmpp", ["/usr/bin/python3", "clients/aioxmpp_chat.py"], lambda: python_has("aioxmpp")),
    ("slixmpp-resume", ["/usr/bin/python3", "clients/slixmpp_resume.py"],
     lambda: python_has("slixmpp")),
    ("aioxmpp-resume", ["/usr/bin/python3", "clients/aioxmpp_resume.py"],
     lambda: python_has("aioxmpp")),
    ("profanity", ["/usr/bin/python3", "clients/profanity_chat.py"],
     lambda: shutil.which("profanity") and shutil.which("tmux") and python_has("slixmpp")),
    ("openssl", ["/usr/bin/python3", "clients/openssl_exporter.py"],
     lambda: shutil.which("openssl")),
    ("xmpp.js", ["node", "clients/xmppjs_chat.mjs"], lambda: node_is_new() and node_folder()),
    ("xmpp.js-fast", ["node", "clients/xmppjs_fast.mjs"],
     lambda: node_is_new() and node_folder()),
)

count = bad = 0


def tap(good, text, skip=""):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {text}" + (f" # SKIP {skip}" if skip else ""),
          flush=True)


def run_client(name, argv, environment):
    log = tempfile.NamedTemporaryFile(mode="w+", prefix="interop.", suffix=".err")
    try:
        run = subprocess.run(argv, cwd=HERE, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=log, text=True, timeout=150)
        lines, code = run.stdout.splitlines(), run.returncode
    except subprocess.TimeoutExpired as late:
        lines, code = (late.stdout or b"").decode().splitlines(), "a time-out"
    for line in lines:
        if line.startswith(("ok ", "not ok ")):
            good, _, text = line.partition("ok ")
            tap(not good, f"{name}: {text}")
        elif line.startswith("#"):
            print(line)
    finished = "done" in lines
    tap(finished, f"{name}: the script ended")
    if not finished or code != 0:
        log.seek(0)
        print("# exit:", code, *("# " + row for row in log.read().splitlines()[-25:]), sep="\n")


def start_stonechat():
    directory = tempfile.mkdtemp(prefix="interop.")
    os.chmod(directory, 0o755)
    up = subprocess.run([DEVSERVER, "up", "--dir", directory, "--domain", DOMAIN, "--users",
                         str(2 * len(CLIENTS)), "--password", PASSWORD], capture_output=True, text=True)
    if up.returncode:
        print("Bail out! " + up.stderr.replace("\n", "\n# "))
        sys.exit(1)
    facts = dict(line.split("=", 1) for line in up.stdout.splitlines())

    def stop():
        down = subprocess.run([DEVSERVER, "down", "--dir", directory, "--delete"],
                              capture_output=True, text=True)
        tap(down.returncode == 0, "the server ends in peace")
        print("".join("# " + line + "\n" for line in down.stderr.splitlines()), end="")
    return facts["c2s"], os.path.join(directory, "certs", DOMAIN + ".crt"), stop


def start_prosody():
    import asyncio
    sys.path.insert(0, os.path.join(ROOT, "t", "scene", "lib"))
    from prosody import Prosody
    prosody = Prosody(0, extra=DOMAIN)
    prosody.accounts(DOMAIN, [f"user{i}" for i in range(2 * len(CLIENTS))])
    return str(prosody.ports["c2s"]), prosody.dir + "/crt", lambda: asyncio.run(prosody.down())


wanted = [a for a in sys.argv[1:] if not a.startswith("-")]
port, certificate, stop_server = start_prosody() if "--prosody" in sys.argv else start_stonechat()
for number, (client, command, there) in enumerate(CLIENTS):
    if wanted and client not in wanted:
        continue
    if not there():
        tap(True, client, skip="it is not installed, or too old")
        continue
    run_client(client, command, dict(
        os.environ, INTEROP_C2S=port, INTEROP_DOMAIN=DOMAIN, INTEROP_PASSWORD=PASSWORD,
        INTEROP_CA=certificate, INTEROP_FIRST=str(2 * number), INTEROP_NODE=node_folder() or "",
        NODE_EXTRA_CA_CERTS=certificate, PYTHONWARNINGS="ignore"))
stop_server()
print(f"1..{count}")
sys.exit(1 if bad else 0)
