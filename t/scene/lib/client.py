# SPDX-License-Identifier: MIT
"""client: one XMPP connection, as honest or as rude as a scene wants it.

It reads all the time, so that stream management is answered, and keeps what came in order
for the scene to look at.
"""

import asyncio
import base64
import hashlib
import itertools
import os
import re
import socket
import ssl
import struct

import sasl
from tinyxml import CLIENT, STREAMS, Elem, Reader, XmlError, pieces

NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
NS_SASL2 = "urn:xmpp:sasl:2"
NS_BIND2 = "urn:xmpp:bind:0"
NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
NS_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
NS_SM = "urn:xmpp:sm:3"
NS_CB = "urn:xmpp:sasl-cb:0"

SLOW = float(os.environ.get("SCENE_SLOW", "1"))     # sanitizers need patience
PATIENCE = 5 * SLOW
OUR_ID = "scene-runner-"
PASSWORD = "secret"


class Unexpected(Exception):
    """The server did something else than the set-up needs."""


def tls_context(alpn=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE     # self-signed; nobody but us is on loopback
    if alpn:
        context.set_alpn_protocols([alpn])
    return context


class Client(asyncio.Protocol):
    counter = itertools.count(1)

    def __init__(self, host, ports, local=None, resource=None, source=None):
        self.host, self.ports = host, ports
        self.local, self.wanted_resource, self.source = local, resource, source
        self.jid = None             # full JID, once bound
        self.sm = None              # stream management: see _count_in
        self.acknowledges = True
        self.last_sm = None         # kept for resumption
        self.resuming = None        # the session that <resume/> has asked for
        self.dirty = False          # something was sent that nobody has waited for
        self._reset()

    def _reset(self):
        self.transport = None
        self.reader = Reader()
        self.queue = []             # what came and nobody has looked at
        self.acks = []              # <r/> and <a/>, kept apart: they pass everything
        self.features = None
        self.header = None
        self.broken = None          # why the server's XML is unreadable
        self.stream_closed = False  # </stream:stream> came
        self.gone = False           # the connection ended
        self.echo = None            # our own presence, to be swallowed
        self.answers = {}           # id of an own ping: future
        self.secure = False
        self.news = asyncio.Event()

    # --- asyncio.Protocol ---

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        try:
            for kind, elem in self.reader.feed_bytes(data):
                if kind == "open":
                    self.header = elem
                elif kind == "close":
                    self.stream_closed = True
                else:
                    self._arrived(elem)
        except XmlError as error:
            self.broken = str(error)
        self.news.set()

    def connection_lost(self, _error):
        self.gone = True
        for future in self.answers.values():
            if not future.done():
                future.cancel()
        self.news.set()

    def _arrived(self, elem):
        if elem.ns == STREAMS and elem.name == "features":
            self.features = elem
            return
        if elem.ns == NS_SM and elem.name in ("r", "a"):
            self._ack(elem)
            return
        self._count_in(elem)
        if elem.name == "iq" and elem.get("id") in self.answers:
            future = self.answers.pop(elem.get("id"))
            if not future.done():
                future.set_result(elem)
            return
        if self.echo and elem.name == "presence" and not elem.get("type") \
                and elem.get("from") == self.echo:
            self.echo = None
            return
        self.queue.append(elem)

    # --- stream management ---

    def _count_in(self, elem):
        if elem.ns == NS_SASL2 and elem.name == "success":
            self._logged_in(elem)
        elif elem.ns == NS_SM and elem.name == "enabled":
            self.sm = self.sm or {"in": 0, "sent": []}
            self.sm.update({"id": elem.get("id"), "on": True})
        elif elem.ns == NS_SM and elem.name == "resumed" and self.resuming:
            self.sm, self.resuming = self.resuming, None    # what is in the same read counts already
        elif elem.ns == NS_SM and elem.name == "failed" and self.sm and not self.sm.get("on"):
            self.sm = None
        elif self.sm and self.sm.get("on") and elem.ns == CLIENT:
            self.sm["in"] += 1

    def _logged_in(self, success):
        """XEP-0388: what comes next may be counted already."""
        jid = success.find("authorization-identifier").text
        bound, resumed = success.find("bound", NS_BIND2), success.find("resumed", NS_SM)
        enabled = bound and bound.find("enabled", NS_SM)
        if "/" in jid:
            self.jid = jid
        if enabled:
            self.sm = {"in": 0, "sent": [], "done": 0, "id": enabled.get("id"), "on": True}
        elif resumed:
            self.sm = self.last_sm
            self._forget_sent(int(resumed.get("h") or 0))

    def _ack(self, elem):
        self.acks.append(elem)
        if elem.name == "r" and self.sm and self.acknowledges:
            self.write(f"<a xmlns='{NS_SM}' h='{self.sm['in']}'/>")
        elif elem.name == "a" and self.sm:
            self._forget_sent(int(elem.get("h") or 0))

    def _forget_sent(self, h):
        done = self.sm.get("done", 0)
        del self.sm["sent"][:max(0, h - done)]
        self.sm["done"] = max(h, done)

    # --- writing ---

    def write(self, text):
        if self.transport is None or self.transport.is_closing():
            raise Unexpected("there is no connection to write to")
        self.transport.write(text if isinstance(text, bytes) else text.encode())

    def send(self, text):
        """Stanzas, as a scene wrote them."""
        text = one_line(text)
        for elem, stanza in pieces(text):
            if elem.ns == NS_SM and elem.name == "enable":
                self.sm = self.sm or {"in": 0, "sent": [], "done": 0}
            elif self.sm is not None and elem.ns == CLIENT:
                self.sm["sent"].append(stanza)
        self.write(text)
        self.dirty = True

    # --- waiting ---

    async def until(self, condition, patience=PATIENCE):
        """Wait for condition(); False after a while."""
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        while not condition():
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), end - loop.time())
            except asyncio.TimeoutError:
                return bool(condition())
        return True

    async def next(self, patience=PATIENCE):
        """The next element, or None when time or the connection ran out."""
        await self.until(lambda: self.queue or self.gone or self.broken, patience)
        return self.queue.pop(0) if self.queue else None

    async def expect(self, *names):
        # A login may wait for the database as long as the server allows, which is our patience too.
        elem = await self.next(3 * PATIENCE)
        if elem is None or elem.name not in names:
            raise Unexpected(f"expected <{'> or <'.join(names)}>, got {self.describe(elem)}")
        return elem

    def describe(self, elem=None):
        if elem is not None:
            return elem.pretty()
        if self.broken:
            return "unreadable XML: " + self.broken
        if self.gone:
            return "(the connection ended)"
        return "(the stream was closed)" if self.stream_closed else "(nothing)"

    async def settled(self):
        """All that we sent was read by the server, and what it had for us has come."""
        if self.gone or self.transport is None:
            self.dirty = False
            return True
        if self.sm:     # a ping would be counted
            await self.until(lambda: self.gone or not self.sm or self.sm.get("on"))
        if self.sm and self.sm.get("on"):
            before = len(self.acks)
            self.write(f"<r xmlns='{NS_SM}'/>")
            done = await self.until(lambda: self.gone or any(
                a.name == "a" for a in self.acks[before:]))
        elif self.jid:
            done = await self.ask(f"<iq type='get' to='{self.host}'>"
                                  "<ping xmlns='urn:xmpp:ping'/></iq>", quiet=True)
        else:
            done = True
        self.dirty = False
        return bool(done) or self.gone

    async def ask(self, iq, quiet=False):
        """Send an IQ and return its answer."""
        number = OUR_ID + str(next(self.counter))
        future = asyncio.get_running_loop().create_future()
        self.answers[number] = future
        text = iq.replace("<iq", f"<iq id='{number}'", 1)
        if self.sm is not None:
            self.sm["sent"].append(text)
        try:
            self.write(text)
            return await asyncio.wait_for(future, PATIENCE)
        except (asyncio.TimeoutError, asyncio.CancelledError, Unexpected):
            self.answers.pop(number, None)
            if quiet:
                return None
            raise Unexpected(f"no answer to {iq}: {self.describe()}") from None

    # --- opening and closing ---

    async def connect(self, direct_tls=False):
        self._reset()
        loop = asyncio.get_running_loop()
        context = tls_context("xmpp-client") if direct_tls else None
        await loop.create_connection(
            lambda: self, "127.0.0.1", self.ports["c2s_tls" if direct_tls else "c2s"], ssl=context,
            server_hostname=self.host if direct_tls else None,
            local_addr=(self.source, 0) if self.source else None)
        self.secure = direct_tls

    async def open_stream(self, host=None):
        self.reader = Reader()
        self.header = self.features = None
        self.write("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                   f"xmlns:stream='{STREAMS}' version='1.0' to='{host or self.host}'>")
        if not await self.until(lambda: self.features is not None or self.queue or self.gone):
            raise Unexpected("the server sent no stream features")

    async def start_tls(self):
        self.write(f"<starttls xmlns='{NS_TLS}'/>")
        await self.expect("proceed")
        loop = asyncio.get_running_loop()
        self.transport = await loop.start_tls(self.transport, self, tls_context(),
                                              server_hostname=self.host)
        self.secure = True
        await self.open_stream()

    def binding(self):
        """tls-server-end-point (RFC 5929), if the server offers it."""
        offers = self.features and self.features.find("sasl-channel-binding", NS_CB)
        if not offers or not any(o.get("type") == "tls-server-end-point"
                                 for o in offers.elements()):
            return None
        der = self.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return "tls-server-end-point", hashlib.sha256(der).digest()

    def offered_mechanisms(self):
        found = self.features and self.features.find("mechanisms", NS_SASL)
        return [m.text for m in found.elements()] if found else []

    async def authenticate(self, wanted=None, password=PASSWORD):
        """None, or the condition with which the server refused. The stream is open again."""
        binding = self.binding() if self.secure else None
        mechanism, name = sasl.choose(self.offered_mechanisms(), wanted, self.local, password,
                                      binding)
        first = base64.b64encode(mechanism.first()).decode()
        self.write(f"<auth xmlns='{NS_SASL}' mechanism='{name}'>{first}</auth>")
        while True:
            elem = await self.expect("challenge", "success", "failure")
            data = base64.b64decode(elem.text) if elem.name != "failure" else b""
            if elem.name == "failure":
                return next((c.name for c in elem.elements() if c.name != "text"), "no condition")
            if elem.name == "success":
                mechanism.success(data)
                break
            answer = base64.b64encode(mechanism.challenge(data)).decode()
            self.write(f"<response xmlns='{NS_SASL}'>{answer}</response>")
        await self.open_stream()
        return None

    async def authenticate2(self, name, secret=PASSWORD, asked=""):
        """A login by XEP-0388. What ends it stays in the queue for the scene to look at."""
        mechanism = sasl.named(name, self.local, secret, self.binding())
        first = base64.b64encode(mechanism.first()).decode()
        self.write(f"<authenticate xmlns='{NS_SASL2}' mechanism='{name}'>"
                   f"<initial-response>{first}</initial-response>{one_line(asked)}</authenticate>")
        elem = await self.expect("challenge", "success", "failure", "continue")
        while elem.name == "challenge":
            answer = base64.b64encode(mechanism.challenge(base64.b64decode(elem.text))).decode()
            self.write(f"<response xmlns='{NS_SASL2}'>{answer}</response>")
            elem = await self.expect("challenge", "success", "failure", "continue")
        if elem.name != "failure":
            data = elem.find("additional-data")
            mechanism.success(base64.b64decode(data.text) if data else b"")
        self.queue.insert(0, elem)
        if elem.find("resumed", NS_SM):
            for text in self.sm["sent"]:
                self.write(text)

    async def bind(self, resource=None):
        inner = f"<resource>{resource}</resource>" if resource else ""
        answer = await self.ask(f"<iq type='set'><bind xmlns='{NS_BIND}'>{inner}</bind></iq>")
        bind = answer.find("bind", NS_BIND)
        if answer.get("type") != "result" or not bind or not bind.find("jid"):
            raise Unexpected(f"bind failed: {answer.pretty()}")
        self.jid = bind.find("jid").text

    async def secure_stream(self):
        await self.connect()
        await self.open_stream()
        if not self.features:
            raise Unexpected("no features: " + self.describe(await self.next(0)))
        if self.features.find("starttls", NS_TLS):
            await self.start_tls()

    async def login(self, resource=None, password=PASSWORD, wanted=None):
        """Connect, authenticate and bind; no presence."""
        self.sm = None
        self.acknowledges = True
        await self.secure_stream()
        refused = await self.authenticate(wanted, password)
        if refused:
            raise Unexpected(f"login of {self.local}@{self.host} refused: {refused}")
        await self.bind(resource or self.wanted_resource)

    async def resume(self, other=None):
        """XEP-0198: go on with the last session, or with that of another connection;
        Unexpected when the server does not."""
        whose = other or self
        old, jid = whose.last_sm or whose.sm, whose.jid
        if not old or not old.get("id"):
            raise Unexpected("there is no session to resume")
        await self.secure_stream()
        refused = await self.authenticate()
        if refused:
            raise Unexpected(f"login refused: {refused}")
        self.sm, self.resuming = None, old
        self.write(f"<resume xmlns='{NS_SM}' h='{old['in']}' previd='{old['id']}'/>")
        answer = await self.expect("resumed", "failed")
        if answer.name == "failed":
            raise Unexpected("not resumed: " + answer.pretty())
        self.jid = jid
        self._forget_sent(int(answer.get("h") or 0))
        for text in self.sm["sent"]:
            self.write(text)

    async def close(self):
        """With goodbye, and until the server has said goodbye too."""
        self.last_sm, self.jid = None, None
        if self.transport is None or self.gone:
            return
        if not self.transport.is_closing():
            # XEP-0198 §4: right before a clean end, or the server may have to send again what arrived.
            if self.sm and self.sm.get("on") and self.acknowledges:
                self.write(f"<a xmlns='{NS_SM}' h='{self.sm['in']}'/>")
            self.write("</stream:stream>")
        await self.until(lambda: self.gone)
        self.transport.abort()

    async def vanish(self):
        """Cut TCP without goodbye: not even TLS says that it ends."""
        self.last_sm, self.jid = self.sm, self.jid
        if self.transport is None or self.gone:
            return
        sock = self.transport.get_extra_info("socket")
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.transport.abort()
        await self.until(lambda: self.gone, 1)


def one_line(text):
    """XML over several lines, as people write it, without the space that is only for the eye."""
    text = re.sub(r">\s*\n\s*<", "><", text.strip())
    return re.sub(r"\s*\n\s*", " ", text)


def presence(priority=None):
    inner = f"<priority>{priority}</priority>" if priority is not None else ""
    return f"<presence>{inner}</presence>" if inner else "<presence/>"


def stream_error(condition):
    return Elem(STREAMS, "error", {}, [Elem(NS_ERRORS, condition)])
