# SPDX-License-Identifier: MIT
"""prosody: the same scenes on Prosody, if it is installed (run --peer prosody).

It shows whether a scene asks for what the RFC says or for what we happen to do, and it is
how the runner was tried before there was a server.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from client import PASSWORD
from server import DEVSERVER, Peer, ServerError

CONFIG = """
run_as_root = true
pidfile = "{dir}/pid"
data_path = "{dir}/data"
log = {{ info = "{dir}/log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
c2s_direct_tls_ports = {{ {c2s_tls} }}
s2s_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
ssl = {{ key = "{dir}/key", certificate = "{dir}/crt" }}
c2s_require_encryption = true
modules_enabled = {{ "disco"; "roster"; "saslauth"; "tls"; "blocklist"; "carbons"; "pep";
    "private"; "smacks"; "vcard4"; "vcard_legacy"; "csi_simple"; "ping"; "time"; "uptime";
    "version"; "posix"; "offline"; "lastactivity" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_plain"
storage = "internal"
"""


class Prosody(Peer):
    def __init__(self, hosts, extra=None):
        if not shutil.which("prosody"):
            raise ServerError("prosody is not installed")
        self.dir = tempfile.mkdtemp(prefix="scene.")
        base = int(subprocess.run([DEVSERVER, "ports"], capture_output=True, check=True).stdout)
        super().__init__({"c2s": base, "c2s_tls": base + 1}, "test", self.accounts)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        f"/CN={extra or 'test'}", "-addext",
                        f"subjectAltName=DNS:{extra or 'test'}", "-keyout", self.dir + "/key", "-out", self.dir + "/crt"],
                       check=True, capture_output=True)
        config = CONFIG.format(dir=self.dir, **self.ports)
        if extra:
            config += f'VirtualHost "{extra}"\n'
        for i in range(1, hosts + 1):
            config += f'VirtualHost "s{i:03d}.test"\n'
            config += f'Component "rooms.s{i:03d}.test" "muc"\n'
        with open(self.dir + "/cfg.lua", "w", encoding="utf-8") as file:
            file.write(config)
        self.process = subprocess.Popen(
            ["prosody", "--config", self.dir + "/cfg.lua", "-F"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self._wait()

    def _wait(self):
        for _ in range(200):
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.ports["c2s"])) == 0:
                    return
            time.sleep(0.05)
        raise ServerError("prosody did not start: " + self.log_tail())

    def accounts(self, host, names):
        escaped = host.replace(".", "%2e")
        folder = f"{self.dir}/data/{escaped}/accounts"
        os.makedirs(folder, exist_ok=True)
        for name in names:
            with open(f"{folder}/{name}.dat", "w", encoding="utf-8") as file:
                file.write(f'return {{ ["password"] = "{PASSWORD}"; }};\n')

    async def down(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        shutil.rmtree(self.dir, ignore_errors=True)

    def log_tail(self, lines=15):
        with open(self.dir + "/log", encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])
