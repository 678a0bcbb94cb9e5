#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Stonechat and Prosody: chat, subscriptions, a room, restarts of both, by certificates and by
dialback. Prosody finds us by a module of ten lines in place of the DNS."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "t", "scene", "lib"))

from client import PASSWORD, SLOW, Client, Unexpected  # noqa: E402
from server import DEVSERVER, ServerError, Stonechat, free_base, run  # noqa: E402

OURS, THEIRS = "ours.test", "theirs.test"
PATIENCE = 15 * SLOW

CONFIG = """
run_as_root = true
pidfile = "{dir}/pid"
data_path = "{dir}/data"
plugin_paths = {{ "{dir}" }}
log = {{ debug = "{dir}/log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
c2s_direct_tls_ports = {{ {c2s_tls} }}
s2s_ports = {{ {s2s} }}
s2s_direct_tls_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
ssl = {{ key = "{key}", certificate = "{crt}", cafile = "{ca}" }}
s2s_require_encryption = true
s2s_secure_auth = {secure}
unlimited_jids = {{ }}
limits = {{ }}
modules_enabled = {{ "disco"; "roster"; "saslauth"; "tls"; "dialback"; "smacks"; "ping"; "posix";
    "offline"; "lastactivity"; "s2s_bidi"; "reach" }}
smacks_enabled_s2s = true
authentication = "internal_plain"
storage = "internal"
reach_ports = {{ ["xmpp-server"] = {our_s2s}; ["xmpps-server"] = {our_tls} }}
VirtualHost "theirs.test"
Component "rooms.theirs.test" "muc"
    restrict_room_creation = false
"""

REACH = """-- every other server is at these ports of this machine
module:set_global();
local service, basic = require "net.resolvers.service", require "net.resolvers.basic";
local ports = module:get_option("reach_ports");
function service.new(_, name, kind, extra)
    return basic.new("127.0.0.1", ports[name], kind, extra);
end
"""


class Prosody:
    def __init__(self, base, our_ports, secure):
        self.dir = tempfile.mkdtemp(prefix="prosody.")
        self.ports = {"c2s": base, "c2s_tls": base + 1, "s2s": base + 2}
        self.our_ports, self.secure = our_ports, secure
        self.process = None

    def prepare(self, crt, key, ca):
        with open(self.dir + "/mod_reach.lua", "w", encoding="utf-8") as file:
            file.write(REACH)
        with open(self.dir + "/cfg.lua", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(dir=self.dir, crt=crt, key=key, ca=ca,
                                     secure="true" if self.secure else "false",
                                     our_s2s=self.our_ports["s2s"], our_tls=self.our_ports["s2s_tls"],
                                     **self.ports))
        folder = f"{self.dir}/data/theirs%2etest/accounts"
        os.makedirs(folder)
        for name in ("romeo", "mercutio"):
            with open(f"{folder}/{name}.dat", "w", encoding="utf-8") as file:
                file.write(f'return {{ ["password"] = "{PASSWORD}"; }};\n')

    async def start(self):
        self.process = subprocess.Popen(
            ["prosody", "--config", self.dir + "/cfg.lua", "-F"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(300):
            if all(self.listens(port) for port in self.ports.values()):
                return
            await asyncio.sleep(0.05)
        raise ServerError("prosody did not start")

    @staticmethod
    def listens(port):
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        self.process = None

    def log_tail(self, lines=40):
        with open(self.dir + "/log", encoding="utf-8", errors="replace") as file:
            return "".join(l for l in file.readlines()[-400:] if "s2s" in l or "dialback" in l)[-6000:]


class Tap:
    n = bad = 0

    def ok(self, good, what, why=""):
        self.n += 1
        self.bad += not good
        print(f"{'' if good else 'not '}ok {self.n} - {what}", flush=True)
        if not good and why:
            print("# " + str(why).replace("\n", "\n# "), flush=True)


def certificate(folder, authority, names, own=False):
    key, crt = os.path.join(folder, names[0] + ".key"), os.path.join(folder, names[0] + ".crt")
    subject = ["-subj", "/CN=" + names[0], "-addext",
               "subjectAltName=" + ",".join("DNS:" + n for n in names)]
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
           "-keyout", key]
    if own:
        subprocess.run(new + ["-x509", "-days", "9", "-out", crt] + subject, check=True,
                       capture_output=True)
    else:
        subprocess.run(new + ["-out", crt + ".csr"] + subject, check=True, capture_output=True)
        subprocess.run(["openssl", "x509", "-req", "-in", crt + ".csr", "-CA", authority + "/ca.crt",
                        "-CAkey", authority + "/ca.key", "-set_serial", "77", "-days", "9",
                        "-copy_extensions", "copy", "-out", crt], check=True, capture_output=True)
    return crt, key


async def comes(client, *wanted, patience=PATIENCE):
    """Something arrives that has all of these in its text."""
    until = asyncio.get_running_loop().time() + patience
    while asyncio.get_running_loop().time() < until:
        elem = await client.next(0.5)
        text = elem.pretty() if elem is not None else ""
        if text and all(w in text for w in wanted):
            return True
    return False


async def online(host, ports, name):
    client = Client(host, ports, name, "x")
    await client.login("x")
    await client.ask("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>")
    client.write("<presence/>")
    return client


async def conversation(tap, server, prosody, mode):
    juliet = await online(OURS, server.ports, "juliet")
    romeo = await online(THEIRS, prosody.ports, "romeo")
    j, r = f"juliet@{OURS}", f"romeo@{THEIRS}"
    juliet.write(f"<message to='{r}' type='chat'><body>wherefore</body></message>")
    tap.ok(await comes(romeo, "wherefore"), f"{mode}: a message reaches Prosody")
    romeo.write(f"<message to='{j}' type='chat'><body>shall I hear more</body></message>")
    tap.ok(await comes(juliet, "shall I hear more"), f"{mode}: and one comes back")
    juliet.write(f"<presence to='{r}' type='subscribe'/>")
    tap.ok(await comes(romeo, 'type="subscribe"'), f"{mode}: a request for subscription arrives")
    romeo.write(f"<presence to='{j}' type='subscribed'/><presence to='{j}' type='subscribe'/>")
    tap.ok(await comes(juliet, f'from="{r}/x"', "<presence"), f"{mode}: and presence comes back")
    juliet.write(f"<presence to='{r}' type='subscribed'/>")
    tap.ok(await comes(romeo, f'from="{j}/x"', "<presence"), f"{mode}: in both directions")
    juliet.write("<presence><show>dnd</show></presence>")
    tap.ok(await comes(romeo, "dnd"), f"{mode}: changes follow")
    juliet.write(f"<iq type='get' id='p' to='{THEIRS}'><ping xmlns='urn:xmpp:ping'/></iq>")
    tap.ok(await comes(juliet, 'id="p"', 'type="result"'), f"{mode}: Prosody answers a ping")
    romeo.write(f"<iq type='get' id='p' to='{OURS}'><ping xmlns='urn:xmpp:ping'/></iq>")
    tap.ok(await comes(romeo, 'id="p"', 'type="result"'), f"{mode}: and we do")
    room = f"verona@rooms.{THEIRS}"
    juliet.write(f"<presence to='{room}/J'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    tap.ok(await comes(juliet, f"{room}/J", 'code="110"'), f"{mode}: into a room of Prosody")
    juliet.write(f"<iq type='set' id='c' to='{room}'><query xmlns='http://jabber.org/protocol/"
                 "muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>")
    await comes(juliet, 'id="c"')
    romeo.write(f"<presence to='{room}/R'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    tap.ok(await comes(juliet, f"{room}/R"), f"{mode}: others join")
    romeo.write(f"<message to='{room}' type='groupchat'><body>to all</body></message>")
    tap.ok(await comes(juliet, "to all", "groupchat"), f"{mode}: and are heard")
    return juliet, romeo


async def restarts(tap, server, prosody, juliet):
    r = f"romeo@{THEIRS}"
    prosody.stop()
    for i in range(3):
        juliet.write(f"<message to='{r}' type='chat'><body>wait{i}</body></message>")
    await asyncio.sleep(1)
    await prosody.start()
    romeo = await online(THEIRS, prosody.ports, "romeo")
    tap.ok(await comes(romeo, "wait0") and await comes(romeo, "wait1") and await comes(romeo, "wait2"),
           "restart of Prosody: what waited arrives, in order")
    await server.restart()
    romeo.write(f"<message to='juliet@{OURS}' type='chat'><body>back again</body></message>")
    juliet = await online(OURS, server.ports, "juliet")
    tap.ok(await comes(juliet, "back again"), "restart of ours: Prosody calls again")
    juliet.write(f"<message to='{r}' type='chat'><body>so am I</body></message>")
    tap.ok(await comes(romeo, "so am I"), "and so do we")


async def play(tap, mode, secure):
    folder = tempfile.mkdtemp(prefix="s2s.")
    os.chmod(folder, 0o755)
    authority = os.path.join(folder, "ca")
    base, other = await free_base(), await free_base()
    while other == base:
        other = await free_base()
    server = Stonechat(os.path.join(folder, "server"), OURS)
    argv = [DEVSERVER, "up", "--dir", server.dir, "--domain", OURS, "--ports", str(base), "--s2s",
            authority, "--set", f's2s.connect=["*.test 127.0.0.1 {other + 2}"]', "--set",
            "s2s.backoff=500ms", "--set", "s2s.backoff_max=1s"]
    if not secure:
        argv += ["--set", "s2s.policy=dialback"]
    prosody = None
    try:
        await server._devserver(argv)
        await server.add_accounts(OURS, ["juliet"])
        prosody = Prosody(other, server.ports, secure)
        prosody.prepare(*certificate(folder, authority, [THEIRS, "rooms." + THEIRS], not secure),
                        authority + "/ca.crt")
        await prosody.start()
        juliet, _ = await conversation(tap, server, prosody, mode)
        if secure:
            await restarts(tap, server, prosody, juliet)
    except (Unexpected, ServerError, OSError) as error:
        tap.ok(False, f"{mode}: the conversation ends", error)
    finally:
        if tap.bad:
            print("# " + server.log_tail(25).replace("\n", "\n# "))
            if prosody:
                print("# " + prosody.log_tail().replace("\n", "\n# "))
        if prosody:
            prosody.stop()
            shutil.rmtree(prosody.dir, ignore_errors=True)
        wrong = await server.down()
        tap.ok(not wrong, f"{mode}: our server ends in peace", wrong)
        await run(DEVSERVER, "down", "--dir", server.dir, "--delete")
        shutil.rmtree(folder, ignore_errors=True)


async def main():
    tap = Tap()
    await play(tap, "certificates", True)
    await play(tap, "dialback", False)
    print(f"1..{tap.n}")
    return 1 if tap.bad else 0


if __name__ == "__main__":
    if not shutil.which("prosody"):
        print("1..0 # SKIP prosody is not installed")
        sys.exit(0)
    sys.exit(asyncio.run(main()))
