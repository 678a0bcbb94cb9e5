# SPDX-License-Identifier: MIT
"""device: a small, quick XMPP client with XEP-0198, for crash tests. Not a parser: it understands what these tests write.

A Device keeps its session over links: connect() resumes what it has, and binds anew when that fails, as good clients do.
Faults happen through cut(), stall(), silent, and cut_at (the step of the next login at which the link is cut).
"""

import asyncio
import base64
import hashlib
import hmac
import os
import re
import socket

SM = "urn:xmpp:sm:3"
ELEMENT = re.compile(rb"<(?:[\w]+:)?(message|iq|presence|r|a|enabled|resumed|failed|success|failure|challenge|features|error)\b"
                     rb"[^>]*?(?:/>|>.*?</(?:[\w]+:)?\1>)", re.S)
BODY = re.compile(rb"<body>([^<]*)</body>")
RESET = b"\x01\0\0\0\0\0\0\0"           # SO_LINGER on, 0 seconds: closing sends RST
STEPS = ("connected", "authenticating", "authenticated", "header", "binding", "bound")


class Gone(Exception):
    """The link, or the login, came to nothing."""


def attribute(text, name):
    found = re.search(rb"\b" + name.encode() + rb"=['\"]([^'\"]*)['\"]", text)
    return found[1].decode() if found else None


class Scram:
    """SCRAM-SHA-1 (RFC 5802), without channel binding."""
    salted = {}                         # what the salt made of the password: the same for all accounts of devserver

    def __init__(self, user, password):
        self.password = password
        self.bare = f"n={user},r={base64.b64encode(os.urandom(12)).decode()}"

    def first(self):
        return "n,," + self.bare

    def answer(self, challenge):
        fields = dict(part.split("=", 1) for part in challenge.split(","))
        key = (self.password, fields["s"], fields["i"])
        if key not in Scram.salted:
            Scram.salted[key] = hashlib.pbkdf2_hmac("sha1", self.password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client = hmac.digest(Scram.salted[key], b"Client Key", "sha1")
        final = f"c=biws,r={fields['r']}"
        signed = hmac.digest(hashlib.sha1(client).digest(), f"{self.bare},{challenge},{final}".encode(), "sha1")
        return final + ",p=" + base64.b64encode(bytes(a ^ b for a, b in zip(client, signed))).decode()


class Link(asyncio.Protocol):
    """One connection. Elements go to the device, in order, until it has another link."""

    def __init__(self, device):
        self.device, self.buffer, self.closed = device, b"", False

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self.buffer += data
        end = 0
        for found in ELEMENT.finditer(self.buffer):
            end = found.end()
            if self.device.link is self:
                self.device.arrived(found[1], found[0])
        self.buffer = self.buffer[end:]

    def connection_lost(self, _error):
        self.closed = True
        if self.device.link is self:
            self.device.link_lost()


class Device:
    def __init__(self, server, user, resource, sleep=None):
        self.server, self.user, self.resource, self.sleep = server, user, resource, sleep
        self.link, self.online, self.waiting = None, False, None
        self.sm_id, self.counting = None, False
        self.handled = self.told = 0            # stanzas that came, and how many of them the server has been told of
        self.silent, self.cut_at = False, None
        self.sessions = 0                       # how many were bound
        self.resumptions = self.refused = 0

    # --- for those who are made of it ---

    def got_message(self, text):
        """A message has come."""

    def got_ack(self, h):
        """The server has handled h stanzas of this session."""

    def came_back(self, resumed):
        """Logged in: may send."""

    def acknowledged(self):
        """The server was told of everything that came so far."""

    def link_lost(self):
        self.online = False
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(Gone("link lost"))

    # --- what faults do ---

    def cut(self):
        if self.link and not self.link.closed:
            self.link.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.link.transport.abort()

    def stall(self, on):
        if self.link and not self.link.closed:
            (self.link.transport.pause_reading if on else self.link.transport.resume_reading)()

    def forget(self):
        """The app has lost what it knew about its session."""
        self.sm_id = None
        self.counting = False

    # --- the stream ---

    def send(self, text):
        if self.link and not self.link.closed:
            self.link.transport.write(text.encode())

    def acknowledge(self):
        if self.counting and self.link and not self.link.closed:
            self.told = self.handled
            self.send(f"<a xmlns='{SM}' h='{self.handled}'/>")
            self.acknowledged()

    async def goodbye(self):
        """An end after which the server knows all that we have."""
        self.send("<presence type='unavailable'/>")
        await asyncio.sleep(0.05)
        self.acknowledge()
        self.send("</stream:stream>")
        self.forget()
        for _ in range(40):
            if not self.link or self.link.closed:
                return
            await asyncio.sleep(0.05)
        self.link.transport.abort()

    def arrived(self, name, text):
        if name == b"message":
            self.handled += 1
            self.got_message(text)
        elif name in (b"iq", b"presence"):
            self.handled += 1
            self.tell(name, text)
        elif name == b"r":
            if not self.silent:
                self.acknowledge()
        elif name == b"a":
            self.got_ack(int(attribute(text, "h")))
        elif name == b"error":
            pass                                # the end of the link follows
        elif name == b"enabled":                # counting begins here, in the middle of what this read has brought
            self.sm_id, self.counting = attribute(text, "id"), True
            self.handled = self.told = 0
            self.tell(name, text)
        elif name in (b"resumed", b"failed"):
            self.counting = name == b"resumed"
            if self.counting:
                self.acknowledged()
            if attribute(text, "h") is not None:
                self.got_ack(int(attribute(text, "h")))
            self.tell(name, text)
        else:
            self.tell(name, text)

    def tell(self, name, text):
        if self.waiting and not self.waiting.done() and name in self.wanted:
            self.waiting.set_result((name, text))

    async def expect(self, *names, seconds=20):
        self.wanted = names
        self.waiting = asyncio.get_running_loop().create_future()
        if self.link.closed:
            raise Gone("link lost")
        try:
            return await asyncio.wait_for(self.waiting, seconds)
        except asyncio.TimeoutError:
            raise Gone(f"no {names}") from None

    async def step(self, name):
        """A chance to cut the link in mid-login: before the server's answer has been seen."""
        if self.cut_at == name:
            self.cut_at = None
            await asyncio.sleep(0)
            self.cut()
            raise Gone("cut at " + name)

    async def header(self):
        self.send("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                  f"to='{self.server.domain}' version='1.0'>")
        await self.expect(b"features")

    async def authenticate(self):
        scram = Scram(self.user, self.server.password)
        first = base64.b64encode(scram.first().encode()).decode()
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>{first}</auth>")
        await self.step("authenticating")
        name, text = await self.expect(b"challenge", b"failure")
        if name == b"failure":
            raise Gone("login refused")
        challenge = base64.b64decode(re.search(rb">([^<]*)<", text)[1]).decode()
        final = base64.b64encode(scram.answer(challenge).encode()).decode()
        self.send(f"<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{final}</response>")
        name, _ = await self.expect(b"success", b"failure")
        if name == b"failure":
            raise Gone("login refused")

    async def resume(self):
        self.send(f"<resume xmlns='{SM}' h='{self.handled}' previd='{self.sm_id}'/>")
        await self.step("resuming")
        self.told = self.handled
        name, _ = await self.expect(b"resumed", b"failed")
        if name == b"failed":
            self.refused += 1
            self.forget()
            return False
        self.resumptions += 1
        return True

    async def bind(self):
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  f"<resource>{self.resource}</resource></bind></iq>")
        await self.step("binding")
        await self.expect(b"iq")
        sleep = f" max='{self.sleep}'" if self.sleep else ""
        self.send(f"<enable xmlns='{SM}' resume='true'{sleep}/>")
        await self.step("enabling")
        await self.expect(b"enabled")
        self.sessions += 1
        self.send("<presence/>")

    async def connect(self):
        """One try. Gone: try again."""
        self.counting = False
        link = Link(self)
        try:
            await asyncio.wait_for(asyncio.get_running_loop().create_connection(lambda: link, "127.0.0.1", self.server.port), 10)
        except (OSError, asyncio.TimeoutError):
            raise Gone("no connection") from None
        self.link = link
        await self.step("connected")
        await self.header()
        await self.authenticate()
        await self.step("authenticated")
        await self.header()
        resumed = bool(self.sm_id) and await self.resume()
        if not resumed:
            await self.bind()
        self.online = True
        self.server.first_login()
        self.came_back(resumed)

    async def connect_until(self, over, pause=0.05):
        """Tries until it is in."""
        while not over.is_set():
            try:
                await self.connect()
                return
            except Gone:
                if self.link:
                    self.link.transport.abort()
                self.link = None
                await asyncio.sleep(pause)
