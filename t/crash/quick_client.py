# SPDX-License-Identifier: MIT
"""quick_client: a fast XMPP client for counting messages, and a server to use it on. See README.md."""

import asyncio
import base64
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
DEVSERVER = os.path.join(ROOT, "contrib", "devserver")
SLOW = float(os.environ.get("SCENE_SLOW", "1"))
ELEMENT = re.compile(r"<(message|iq|presence|r|a|enabled|resumed|failed)\b[^>]*?(?:/>|>.*?</\1>)", re.S)
RESET = b"\x01\0\0\0\0\0\0\0"       # SO_LINGER on, 0 seconds


class Server:
    """A throw-away server; `facts` is what devserver prints."""

    def __init__(self, users, *settings, shards=2):
        self.dir = tempfile.mkdtemp(prefix="crash.")
        os.chmod(self.dir, 0o755)
        self.facts = self.devserver("up", "--users", str(users), "--plain", "--shards", str(shards),
                                    *(w for s in settings for w in ("--set", s)))
        self.port = int(self.facts["c2s"])
        self.domain = self.facts["domain"]

    def devserver(self, command, *arguments):
        run = subprocess.run([DEVSERVER, command, "--dir", self.dir, *arguments], check=False,
                             capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(f"devserver {command}: {run.stderr}")
        return dict(line.split("=", 1) for line in run.stdout.splitlines() if "=" in line)

    def kill(self):
        self.devserver("kill")

    def start(self):
        self.devserver("start")

    def sql(self, text):
        for folder, _, names in os.walk(self.dir):
            if any(n.startswith(".s.PGSQL") and not n.endswith(".lock") for n in names):
                where = folder
        run = subprocess.run(["psql", "-h", where, "-U", "stonechat", "-d", "stonechat", "-XAtc", text], check=False,
                             capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(run.stderr)
        return run.stdout.strip()

    def log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def end(self):
        self.devserver("down")
        shutil.rmtree(self.dir, ignore_errors=True)


class Client:
    def __init__(self, server, user, resource):
        self.server, self.user, self.resource = server, user, resource
        self.buffer = ""
        self.got = []                   # (body, was it delayed)
        self.errors = []
        self.pongs = set()
        self.closed = False
        self.handled = self.acked = self.sent = 0
        self.sm_id = None
        self.acknowledges = True
        self.resumed = False
        self.something = asyncio.Event()

    async def login(self, sm=False):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        await self._header()
        token = base64.b64encode(f"\0{self.user}\0secret".encode()).decode()
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>")
        await self._until("<success")
        await self._header()
        self.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  f"<resource>{self.resource}</resource></bind></iq>")
        await self._until("</iq>")
        self.buffer = ""
        self.task = asyncio.create_task(self._read())
        if sm:
            self.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
            await self.wait(lambda: self.sm_id)
        return self

    async def resume(self):
        """After vanish(): the same session on a new connection."""
        self.closed, self.resumed = False, False
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        await self._header()
        token = base64.b64encode(f"\0{self.user}\0secret".encode()).decode()
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>")
        await self._until("<success")
        await self._header()
        self.buffer = ""
        self.task = asyncio.create_task(self._read())
        self.send(f"<resume xmlns='urn:xmpp:sm:3' h='{self.handled}' previd='{self.sm_id}'/>")
        return await self.wait(lambda: self.resumed)

    async def online(self, sm=False):
        await self.login(sm)
        self.send("<presence/>")
        return self

    def send(self, text):
        self.writer.write(text.encode())

    def message(self, to, body):
        self.sent += 1
        self.send(f"<message to='{to}@{self.server.domain}' type='chat'><body>{body}</body></message>")

    async def wait(self, condition, seconds=15):
        end = time.monotonic() + seconds * SLOW
        while not condition() and not self.closed and time.monotonic() < end:
            self.something.clear()
            try:
                await asyncio.wait_for(self.something.wait(), 0.1)
            except asyncio.TimeoutError:
                pass
        return condition()

    async def ping(self):
        name = f"p{len(self.pongs)}"
        self.send(f"<iq type='get' id='{name}' to='{self.server.domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
        if not await self.wait(lambda: name in self.pongs, 60):
            raise RuntimeError(f"{self.user}: no pong; the stream said {self.buffer[-300:]!r}")

    async def quiet(self, seconds=0.5):
        """Until nothing has come for a time."""
        n = -1
        while n != len(self.got):
            n = len(self.got)
            await asyncio.sleep(seconds * SLOW)
            await self.ping()

    async def leave(self):
        """Goodbye after which nothing that was given to us is still on its way."""
        self.send("<presence type='unavailable'/>")
        await self.ping()
        if self.sm_id:
            self.send(f"<a xmlns='urn:xmpp:sm:3' h='{self.handled}'/>")
        await self.ping()
        self.send("</stream:stream>")
        await asyncio.wait_for(self.task, 30 * SLOW)
        self.writer.close()

    def stop_reading(self):
        self.writer.transport.pause_reading()

    def vanish(self):
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()

    async def _header(self):
        self.buffer = ""
        self.send("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                  f"to='{self.server.domain}' version='1.0'>")
        await self._until("</stream:features>")

    async def _until(self, text):
        while text not in self.buffer:
            data = await asyncio.wait_for(self.reader.read(65536), 30 * SLOW)
            if not data:
                raise RuntimeError(f"{self.user}: the stream ended: {self.buffer[-300:]!r}")
            self.buffer += data.decode()

    async def _read(self):
        try:
            while data := await self.reader.read(65536):
                self.buffer += data.decode()
                end = 0
                for found in ELEMENT.finditer(self.buffer):
                    end = found.end()
                    self._arrived(found[1], found[0])
                self.buffer = self.buffer[end:]
                self.something.set()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.closed = True
            self.something.set()

    def _arrived(self, name, text):
        if name in ("message", "iq", "presence"):
            self.handled += 1
        if name == "message" and re.search(r"type=.error.", text):
            self.errors.append(text)
        elif name == "message":
            body = re.search(r"<body>(.*?)</body>", text, re.S)
            self.got.append((body[1] if body else text, "<delay" in text))
        elif name == "iq":
            self.pongs.add(re.search(r"id=.(\w+)", text)[1])
        elif name == "r" and self.acknowledges:
            self.send(f"<a xmlns='urn:xmpp:sm:3' h='{self.handled}'/>")
        elif name == "a":
            self.acked = int(re.search(r"h=.(\d+)", text)[1])
        elif name == "resumed":
            self.resumed = True
        elif name == "enabled":
            self.sm_id = re.search(r"\bid=.([^'\"]+)", text)[1]


class Tap:
    def __init__(self):
        self.count = 0

    def ok(self, good, what, because=""):
        self.count += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {what}", flush=True)
        if because:
            print("# " + str(because).replace("\n", "\n# "), flush=True)

    def end(self):
        print(f"1..{self.count}")
