#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Streams between servers, byte by byte: a server made here calls Stonechat and is called by it,
and does all that an honest server would not. Standard library only (Python 3.11)."""

import asyncio
import base64
import os
import random
import re
import shutil
import ssl
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "scene", "lib"))

from client import SLOW, Client  # noqa: E402
from server import ServerError, Stonechat, free_base, run  # noqa: E402

OURS, HOST2 = "ours.test", "s001.ours.test"
GOOD, EVIL, OLD = "good.test", "evil.test", "old.test"
BACK = "back.test"              # has no certificate that we trust: may use dialback
PATIENCE = 8 * SLOW


class Tap:
    def __init__(self):
        self.n = self.bad = 0

    def ok(self, good, what, why=""):
        self.n += 1
        self.bad += not good
        print(f"{'' if good else 'not '}ok {self.n} - {what}", flush=True)
        if not good and why:
            print("# " + str(why).replace("\n", "\n# "), flush=True)


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def certificate(folder, name, names, authority, days="30"):
    """NAME.crt and NAME.key; days may be negative, which openssl takes as the past."""
    key, crt = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".crt")
    request, extensions = crt + ".csr", crt + ".names"
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=" + name, "-keyout", key, "-out", request)
    with open(extensions, "w", encoding="utf-8") as file:
        file.write("subjectAltName=" + ",".join("DNS:" + n for n in names) + "\n")
    openssl("x509", "-req", "-in", request, "-CA", authority + ".crt", "-CAkey", authority + ".key",
            "-set_serial", str(int.from_bytes(os.urandom(7), "big")), "-days", days,
            "-extfile", extensions, "-out", crt)
    return crt, key


def authority_of_its_own(folder):
    path = os.path.join(folder, "other-ca")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "30", "-subj", "/CN=other", "-keyout", path + ".key", "-out", path + ".crt")
    return path


class Link:
    """One stream, from whichever side."""

    def __init__(self, reader, writer, log=None):
        self.reader, self.writer, self.text = reader, writer, ""
        self.closed = False

    @classmethod
    async def call(cls, port):
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def say(self, text):
        self.writer.write(text.encode())

    def header(self, sender, to, more=""):
        self.say(f"<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
                 f"xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams'"
                 f" from='{sender}' to='{to}' version='1.0'{more}>")

    async def hear(self, pattern, patience=PATIENCE):
        """The match of the first place that fits; what came up to its end is forgotten. None: not
        in time, or the other side has closed."""
        until = asyncio.get_running_loop().time() + patience
        while True:
            found = re.search(pattern, self.text, re.S)
            if found:
                self.text = self.text[found.end():]
                return found
            left = until - asyncio.get_running_loop().time()
            if self.closed or left <= 0:
                return None
            try:
                data = await asyncio.wait_for(self.reader.read(65536), left)
            except asyncio.TimeoutError:
                return None
            except (ConnectionError, ssl.SSLError):
                data = b""
            self.closed = not data
            self.text += data.decode(errors="replace")

    async def is_closed(self, patience=PATIENCE):
        await self.hear("(?!)", patience)
        return self.closed

    async def tls(self, context, name=None):
        await self.writer.start_tls(context, server_hostname=name)

    def cut(self):
        self.writer.transport.abort()


def client_context(pair=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if pair:
        context.load_cert_chain(*pair)
    return context


def server_context(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


async def secured(port, sender, to, pair=None):
    """A call up to the features inside TLS: (link, features, stream id)."""
    link = await Link.call(port)
    link.header(sender, to)
    assert await link.hear("<starttls"), "STARTTLS is offered"
    await link.hear("</stream:features>")
    link.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    assert await link.hear("<proceed"), "TLS begins"
    link.text = ""
    await link.tls(client_context(pair), to)
    link.header(sender, to)
    found = await link.hear(r"<stream:stream [^>]*id='([^']*)'.*?<stream:features>(.*?)</stream:features>")
    return link, found[2] if found else "", found[1] if found else ""


def external(domain):
    return ("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>" +
            base64.b64encode(domain.encode()).decode() + "</auth>")


async def authenticated(port, sender, to, pair):
    link, _, _ = await secured(port, sender, to, pair)
    link.say(external(sender))
    assert await link.hear("<success"), "EXTERNAL works"
    link.header(sender, to)
    assert await link.hear("</stream:features>"), "features after the login"
    return link


class Fake:
    """A server for some domains, to be called. act(link) plays it."""

    def __init__(self):
        self.calls = 0
        self.act = None
        self.server = None

    async def listen(self, port):
        self.server = await asyncio.start_server(self.called, "127.0.0.1", port)

    async def called(self, reader, writer):
        self.calls += 1
        try:
            await self.act(Link(reader, writer))
        except (ConnectionError, ssl.SSLError, AssertionError, asyncio.CancelledError):
            pass
        writer.close()


def fake_header(link, sender, stream_id, features):
    link.say("<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
             "xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams' "
             f"from='{sender}' id='{stream_id}' version='1.0'><stream:features>{features}"
             "</stream:features>")


STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
DIALBACK = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
MECHANISMS = ("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
              "</mechanisms>")
SM = "<sm xmlns='urn:xmpp:sm:3'/>"


async def fake_tls(link, sender, pair, features):
    assert await link.hear("<stream:stream [^>]*>")
    fake_header(link, sender, "plain", STARTTLS)
    assert await link.hear("<starttls")
    link.say("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await link.tls(server_context(pair))
    assert await link.hear("<stream:stream [^>]*>")
    fake_header(link, sender, "inside", features)


class Play:
    def __init__(self, tap, server, certs, fake):
        self.tap, self.server, self.certs, self.fake = tap, server, certs, fake
        self.port = server.ports["s2s"]
        self.juliet = None

    async def juliet_hears(self, body, patience=PATIENCE):
        until = asyncio.get_running_loop().time() + patience
        while asyncio.get_running_loop().time() < until:
            elem = await self.juliet.next(0.3)
            if elem is not None and body in elem.pretty():
                return True
        return False

    async def asks(self, domain, patience=PATIENCE):
        """What becomes of an IQ to another domain: the condition of the error, or "result"."""
        self.juliet.queue.clear()
        self.juliet.write(f"<iq type='get' id='a{self.fake.calls}' to='{domain}'>"
                          "<ping xmlns='urn:xmpp:ping'/></iq>")
        elem = await self.juliet.next(patience)
        text = elem.pretty() if elem else ""
        for condition in ("remote-server-timeout", "remote-server-not-found"):
            if condition in text:
                return condition
        return "result" if elem is not None and "type='result'" in text.replace('"', "'") else text

    # --- who calls us ---

    async def nothing_without_proof(self):
        tap, port, pair = self.tap, self.port, self.certs[GOOD]
        link = await Link.call(port)
        link.header(GOOD, OURS)
        features = await link.hear("<stream:features>(.*?)</stream:features>")
        tap.ok("<required/>" in features[1] and "EXTERNAL" not in features[1] and
               "dialback" not in features[1], "without TLS only TLS is offered", features[1])
        link.say(f"<db:result from='{GOOD}' to='{OURS}'>key</db:result>")
        tap.ok(await link.hear("policy-violation"), "a dialback key without TLS ends the stream")

        link, features, _ = await secured(port, GOOD, OURS, pair)
        tap.ok("EXTERNAL" in features, "EXTERNAL is offered to who shows a good certificate")
        link.say(f"<message from='a@{GOOD}' to='juliet@{OURS}'><body>unproved</body></message>")
        tap.ok(await link.hear("<not-authorized"), "a stanza before any proof ends the stream")

        link = await Link.call(port)
        link.header(HOST2, OURS)
        tap.ok(await link.hear("<invalid-from"), "nobody calls in the name of a host of ours")
        link = await Link.call(port)
        link.header(GOOD, "nobody.test")
        tap.ok(await link.hear("<host-unknown"), "a host that is not ours is unknown")
        link = await Link.call(port)
        link.say("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                 "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
        tap.ok(await link.hear("<invalid-namespace"), "a client's stream is not for this port")

    async def certificates(self):
        tap, port = self.tap, self.port
        for name, sender, pair in (("of another authority", EVIL, self.certs[EVIL]),
                                   ("that has ended", OLD, self.certs[OLD]),
                                   ("of another domain", EVIL, self.certs[GOOD]),
                                   ("that is not shown", GOOD, None)):
            link, features, _ = await secured(port, sender, OURS, pair)
            tap.ok("EXTERNAL" not in features, f"no EXTERNAL for a certificate {name}", features)
            link.say(external(sender))
            tap.ok(await link.hear("<failure.*<not-authorized/>"), "and trying it fails")
            link.say(f"<db:result from='{sender}' to='{OURS}'>key</db:result>")
            tap.ok(await link.hear("type='error'.*<not-authorized"), "and so does dialback")
            link.say(f"<message from='a@{sender}' to='juliet@{OURS}'><body>evil</body></message>")
            tap.ok(await link.hear("<stream:error><not-authorized"), "and then speaking")
            link.cut()
        link, _, _ = await secured(port, GOOD, OURS, self.certs[GOOD])
        link.say(external(EVIL))
        tap.ok(await link.hear("<invalid-authzid"), "a certificate does not prove another domain")

    async def each_stanza(self):
        tap, port, pair = self.tap, self.port, self.certs[GOOD]
        link = await authenticated(port, GOOD, OURS, pair)
        link.say(f"<message from='a@{GOOD}' to='juliet@{OURS}'><body>proved</body></message>")
        tap.ok(await self.juliet_hears("proved"), "a stanza of a proven pair arrives")
        link.say(f"<message from='a@{GOOD}' to='@{OURS}'><body>x</body></message>"
                 f"<message from='a@{GOOD}' to='juliet@{OURS}'><body>after</body></message>")
        tap.ok(await self.juliet_hears("after"), "an address that is none does not end the stream")
        for what, stanza, condition in (
                ("another sender", f"from='a@{EVIL}' to='juliet@{OURS}'", "invalid-from"),
                ("a sender of ours", f"from='romeo@{OURS}' to='juliet@{OURS}'", "invalid-from"),
                ("a subdomain", f"from='a@sub.{GOOD}' to='juliet@{OURS}'", "invalid-from"),
                ("another of our hosts", f"from='a@{GOOD}' to='x@{HOST2}'", "host-unknown"),
                ("no sender", f"to='juliet@{OURS}'", "improper-addressing"),
                ("no recipient", f"from='a@{GOOD}'", "improper-addressing")):
            link = await authenticated(port, GOOD, OURS, pair)
            link.say(f"<message {stanza}><body>forged</body></message>")
            tap.ok(await link.hear(f"<{condition}"), f"{what}: {condition}", link.text)
        tap.ok(not await self.juliet_hears("forged", 0.5), "and nothing of it arrived")

    async def piggyback(self):
        tap = self.tap
        link = await authenticated(self.port, GOOD, OURS, self.certs[GOOD])
        link.say(f"<db:result from='rooms.{GOOD}' to='{OURS}'>key</db:result>")
        tap.ok(await link.hear("<db:result [^>]*type='valid'"),
               "a second domain of the certificate is valid without a call back")
        link.say(f"<message from='a@rooms.{GOOD}' to='juliet@{OURS}'><body>rooms</body></message>")
        tap.ok(await self.juliet_hears("rooms"), "and its stanzas arrive on the same stream")
        link.say(f"<db:result from='{GOOD}' to='nobody.test'>key</db:result>")
        tap.ok(await link.hear("type='error'.*<item-not-found"), "a host that is not ours: an error")
        link.say(f"<db:result from='{EVIL}' to='{OURS}'>key</db:result>")
        tap.ok(await link.hear("type='error'.*<not-authorized"), "another domain: not authorized")
        link.say(f"<message from='a@{GOOD}' to='juliet@{OURS}'><body>still</body></message>")
        tap.ok(await self.juliet_hears("still"), "none of which ends the stream")
        link.say(f"<db:result from='{OURS}' to='{OURS}'>key</db:result>")
        tap.ok(await link.hear("<invalid-from"), "but a key in our own name does")

    async def unsolicited(self):
        for text in (f"<db:result from='{GOOD}' to='{OURS}' type='valid'/>",
                     f"<db:verify from='{BACK}' to='{OURS}' id='inside' type='valid'/>",
                     f"<db:verify from='{BACK}' to='{OURS}' id='inside' type='invalid'/>"):
            link = await authenticated(self.port, GOOD, OURS, self.certs[GOOD])
            link.say(text)
            self.tap.ok(await link.hear("<stream:error>"), f"nobody asked for {text[:10]}>: closed")

    async def keys(self):
        tap = self.tap
        link, _, _ = await secured(self.port, GOOD, OURS, self.certs[GOOD])
        link.say(f"<db:verify from='{GOOD}' to='{OURS}' id='x'>{'0' * 64}</db:verify>")
        tap.ok(await link.hear("<db:verify [^>]*id='x'[^>]*type='invalid'"), "a key that is not ours is invalid")
        link.say(f"<db:verify from='{GOOD}' to='nobody.test' id='x'>{'0' * 64}</db:verify>")
        tap.ok(await link.hear("type='error'.*<item-not-found"), "nor do we know hosts of others")

    # --- dialback ---

    async def dialback(self):
        tap, questions = self.tap, []

        def answering(kind):
            async def act(link):
                await fake_tls(link, BACK, self.certs[EVIL], DIALBACK)
                asked = await link.hear("<db:verify ([^>]*)>([^<]*)</db:verify>")
                questions.append((asked[1], asked[2]))
                stream_id = re.search("id='([^']*)'", asked[1])[1]
                if kind == "forged":
                    link.say(f"<db:verify from='{BACK}' to='{OURS}' id='other' type='valid'/>")
                elif kind == "silent":
                    await link.is_closed(30)
                else:
                    link.say(f"<db:verify from='{BACK}' to='{OURS}' id='{stream_id}' type='{kind}'>"
                             + ("<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:"
                                "xmpp-stanzas'/></error>" if kind == "error" else "") + "</db:verify>")
                await link.is_closed(2)
            return act

        async def bring(kind):
            self.fake.act = answering(kind)
            link, _, stream_id = await secured(self.port, BACK, OURS)
            link.say(f"<db:result from='{BACK}' to='{OURS}'>thekey</db:result>")
            return link, stream_id

        link, stream_id = await bring("valid")
        tap.ok(await link.hear("<db:result [^>]*type='valid'"), "dialback: the home says valid, so do we")
        tap.ok(questions[0][1] == "thekey" and f"id='{stream_id}'" in questions[0][0] and
               f"from='{OURS}'" in questions[0][0] and f"to='{BACK}'" in questions[0][0],
               "dialback: the question names the key, the stream and both domains", questions)
        link.say(f"<message from='a@{BACK}' to='juliet@{OURS}'><body>dialled back</body></message>")
        tap.ok(await self.juliet_hears("dialled back"), "dialback: then stanzas arrive")
        link.say(f"<message from='a@{GOOD}' to='juliet@{OURS}'><body>forged</body></message>")
        tap.ok(await link.hear("<invalid-from"), "dialback: of that domain only")
        link, _ = await bring("invalid")
        tap.ok(await link.hear("<db:result [^>]*type='invalid'"), "dialback: a key that its home does not know")
        tap.ok(await link.is_closed(), "dialback: ends the stream")
        link, _ = await bring("error")
        tap.ok(await link.hear("type='error'.*<remote-server-not-found"), "dialback: the home knows no such domain")
        link, _ = await bring("forged")
        tap.ok(await link.hear("type='error'"), "dialback: an answer about another stream counts for nothing")
        link, _ = await bring("silent")
        tap.ok(await link.hear("type='error'.*<remote-server-timeout", 15 * SLOW),
               "dialback: a home that says nothing")
        link.say(f"<message from='a@{BACK}' to='juliet@{OURS}'><body>forged</body></message>")
        tap.ok(await link.hear("<stream:error><not-authorized"), "dialback: and nothing was proved")

    # --- XEP-0198, of those who call us ---

    async def acknowledgements(self):
        tap, port, pair = self.tap, self.port, self.certs[GOOD]
        link = await authenticated(port, GOOD, OURS, pair)
        link.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        enabled = await link.hear("<enabled [^>]*id='([^']*)'")
        tap.ok(enabled, "sm: enabled, and may be resumed")
        for i in range(5):
            link.say(f"<message from='a@{GOOD}' to='romeo@{OURS}' type='chat'><body>sm{i}</body></message>")
        link.say("<r xmlns='urn:xmpp:sm:3'/>")
        tap.ok(await link.hear("<a [^>]*h='5'"), "sm: five for the spool are acknowledged")
        link.say(f"<message from='a@{GOOD}' to='juliet@{OURS}' type='chat'><body>sixth</body></message>")
        tap.ok(await self.juliet_hears("sixth"), "sm: one more arrives")
        link.cut()
        link = await authenticated(port, GOOD, OURS, pair)
        link.say(f"<resume xmlns='urn:xmpp:sm:3' h='0' previd='{enabled[1]}'/>")
        tap.ok(await link.hear("<resumed [^>]*h='6'"), "sm: resumed, with exactly what had come", link.text)
        link.say(f"<message from='a@{GOOD}' to='juliet@{OURS}' type='chat'><body>seventh</body></message>"
                 "<r xmlns='urn:xmpp:sm:3'/>")
        tap.ok(await link.hear("<a [^>]*h='7'"), "sm: and counts on")
        link = await authenticated(port, f"rooms.{GOOD}", OURS, pair)
        link.say(f"<resume xmlns='urn:xmpp:sm:3' h='0' previd='{enabled[1]}'/>")
        tap.ok(await link.hear("<failed.*item-not-found"), "sm: nobody else can resume it")

    # --- whom we call ---

    async def refused(self):
        tap = self.tap

        async def silent(link):
            await link.is_closed(30)

        async def no_tls(link):
            await link.hear("<stream:stream [^>]*>")
            fake_header(link, GOOD, "x", DIALBACK)
            tap.ok(not await link.hear("<db:|<iq|<message", 2), "nothing is said to who offers no TLS")

        async def wrong_certificate(link):
            try:
                await fake_tls(link, EVIL, self.certs[EVIL], MECHANISMS + DIALBACK)
                await link.hear("(?!)", 2)
            except AssertionError:          # it was closed, as it should
                pass
            said.append(link.text)

        async def flood(link):
            await link.hear("<stream:stream [^>]*>")
            while True:
                link.say("<x>" * 1000)
                await link.writer.drain()

        async def closes(link):
            pass

        said = []
        for name, act, domain in (("accepts and says nothing", silent, "silent.test"),
                                  ("offers no TLS", no_tls, "plain.test"),
                                  ("shows a wrong certificate", wrong_certificate, EVIL),
                                  ("sends without end", flood, "flood.test"),
                                  ("closes at once", closes, "closes.test")):
            self.fake.act = act
            got = await self.asks(domain, 15 * SLOW)
            tap.ok(got == "remote-server-timeout", f"a server that {name}: remote-server-timeout", got)
            got = await self.asks(domain, 2)
            tap.ok(got == "remote-server-timeout", "and at once the second time", got)
        tap.ok(said and not any("<iq" in text or "<auth" in text or "<db:" in text for text in said),
               "who shows a wrong certificate hears nothing of us", said)

    async def called(self):
        """An honest server that counts, loses its link, and is resumed."""
        tap, heard = self.tap, []

        async def act(link):
            await fake_tls(link, GOOD, self.certs[GOOD], MECHANISMS)
            auth = await link.hear("<auth [^>]*EXTERNAL[^>]*>([^<]*)</auth>")
            tap.ok(auth and base64.b64decode(auth[1]).decode() == OURS, "out: EXTERNAL names our domain")
            link.say("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
            await link.hear("<stream:stream [^>]*>")
            fake_header(link, GOOD, "in2", SM)
            if len(heard) == 0:
                tap.ok(await link.hear("<enable [^>]*resume='true'"), "out: XEP-0198 is enabled")
                link.say("<enabled xmlns='urn:xmpp:sm:3' id='theid' resume='true' max='60'/>")
                heard.append(await link.hear("<body>(m1)</body>.*<body>(m2)</body>"))
                link.say("<a xmlns='urn:xmpp:sm:3' h='1'/>")
                await asyncio.sleep(0.3)
                link.cut()
            else:
                tap.ok(await link.hear("<resume [^>]*previd='theid'"), "out: a broken stream is resumed")
                link.say("<resumed xmlns='urn:xmpp:sm:3' previd='theid' h='1'/>")
                again = await link.hear("<body>(m[0-9])</body>")
                tap.ok(again and again[1] == "m2", "out: what was not acknowledged comes again, no more",
                       again and again[1])
                link.say("<a xmlns='urn:xmpp:sm:3' h='2'/>")
                heard.append(await link.hear("<body>(m3)</body>"))
                link.say("<a xmlns='urn:xmpp:sm:3' h='3'/>")
                done.set()
                await link.is_closed(5)

        done = asyncio.Event()
        self.fake.act = act
        for i in (1, 2):
            self.juliet.write(f"<message to='a@{GOOD}' type='chat'><body>m{i}</body></message>")
        await asyncio.sleep(3 * SLOW)
        self.juliet.write(f"<message to='a@{GOOD}' type='chat'><body>m3</body></message>")
        try:
            await asyncio.wait_for(done.wait(), PATIENCE)
        except asyncio.TimeoutError:
            pass
        tap.ok(len(heard) == 2 and all(heard), "out: three messages in order, over a broken link")


    async def flood(self):
        """2,000 stanzas a second are allowed, and two seconds' worth at once."""
        link = await authenticated(self.port, GOOD, OURS, self.certs[GOOD])
        link.say("<enable xmlns='urn:xmpp:sm:3'/>")
        await link.hear("<enabled")
        clock = asyncio.get_running_loop().time
        start, count = clock(), 10000
        for _ in range(count // 100):
            link.say(f"<presence from='a@{GOOD}' to='romeo@{OURS}' type='unavailable'/>" * 100)
        link.say("<r xmlns='urn:xmpp:sm:3'/>")
        asked = clock()
        self.juliet.queue.clear()
        await self.juliet.ask(f"<iq type='get' to='{OURS}'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.tap.ok(clock() - asked < 1 * SLOW, "others are answered while a server floods",
                    clock() - asked)
        self.tap.ok(await link.hear(f"<a [^>]*h='{count}'", 20 * SLOW) and clock() - start > 2,
                    "who floods is read no faster than it may send, and loses nothing", clock() - start)

    async def mutations(self):
        """What nobody would write, to both sides of a stream; the server goes on."""
        chance = random.Random(5269)
        inside = [f"<db:result from='{GOOD}' to='{OURS}'>key</db:result>",
                  f"<db:verify from='{GOOD}' to='{OURS}' id='x'>{'0' * 64}</db:verify>",
                  f"<db:result from='{GOOD}' to='{OURS}' type='error'><error><a/></error></db:result>",
                  "<bidi xmlns='urn:xmpp:bidi'/>", external(GOOD), "<auth xmlns='urn:ietf:params:xml:"
                  "ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>", "<enable xmlns='urn:xmpp:sm:3'/>",
                  "<resume xmlns='urn:xmpp:sm:3' h='0' previd='x'/>", "<a xmlns='urn:xmpp:sm:3' h='9'/>",
                  "<r xmlns='urn:xmpp:sm:3'/>", "<failed xmlns='urn:xmpp:sm:3' h='4'/>",
                  f"<message from='a@{GOOD}' to='juliet@{OURS}'/>", "</stream:stream>",
                  "<stream:error><conflict/></stream:error>", STARTTLS,
                  f"<stream:features>{MECHANISMS}{DIALBACK}{SM}</stream:features>",
                  "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
                  "<enabled xmlns='urn:xmpp:sm:3' id='i' resume='1'/>"]

        def mutated():
            text = "".join(chance.choice(inside) for _ in range(chance.randint(1, 4)))
            for _ in range(chance.choice((0, 0, 1, 3))):
                at = chance.randrange(len(text))
                text = text[:at] + chance.choice(("", "'", "<", ">", "\u00e9", "type='valid' ", "&amp;",
                                                  text[at:at + 9] * 2)) + text[at + 1:]
            return text

        async def act(link):
            await fake_tls(link, GOOD, self.certs[GOOD], chance.choice((MECHANISMS, DIALBACK, SM, "")))
            for _ in range(3):
                link.say(mutated())
                await asyncio.sleep(0.01)
            link.cut()

        self.fake.act = act
        for i in range(150):
            link, _, _ = await secured(self.port, GOOD, OURS, self.certs[GOOD])
            link.say(mutated())
            link.say(mutated())
            if i % 5 == 0:
                self.juliet.write(f"<message to='a@m{i}.{BACK}' type='chat'><body>x</body></message>")
            await link.hear("(?!)", 0.02)
            link.cut()
        self.juliet.queue.clear()
        self.juliet.write(f"<iq type='get' id='alive' to='{OURS}'><ping xmlns='urn:xmpp:ping'/></iq>")
        alive = False
        for _ in range(100):
            elem = await self.juliet.next(1)
            alive = alive or (elem is not None and elem.get("id") == "alive")
            if alive:
                break
        self.tap.ok(alive, "after 150 mutated streams from and to it the server is alive")


async def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="s2s.")
    os.chmod(folder, 0o755)
    server, fake = None, Fake()
    try:
        base = await free_base()
        authority = os.path.join(folder, "ca")
        server = Stonechat(os.path.join(folder, "server"), OURS)
        fake_port = base + 8
        routes = ",".join(f'"{d} 127.0.0.1 {fake_port}"' for d in ("*.test",))
        settings = [f"s2s.connect=[{routes}]", f's2s.dialback_domains=["{BACK}"]',
                    "s2s.auth_timeout=3s", "s2s.backoff=500ms", "s2s.stanzas_per_second=2000"]
        argv = [os.path.join(os.path.dirname(os.path.dirname(HERE)), "contrib", "devserver"), "up",
                "--dir", server.dir, "--domain", OURS, "--ports", str(base), "--s2s", authority,
                "--hosts", "1"]
        for setting in settings:
            argv += ["--set", setting]
        await server._devserver(argv)
        await server.add_accounts(OURS, ["juliet", "romeo"])
        good = os.path.join(authority, "ca")
        other = authority_of_its_own(folder)
        certs = {GOOD: certificate(folder, GOOD, [GOOD, "rooms." + GOOD], good),
                 EVIL: certificate(folder, EVIL, [EVIL, GOOD, BACK], other),
                 OLD: certificate(folder, OLD, [OLD], good, "-1")}
        await fake.listen(fake_port)
        play = Play(tap, server, certs, fake)
        play.juliet = Client(OURS, server.ports, "juliet", "balcony")
        await play.juliet.login("balcony")
        play.juliet.write("<presence/>")
        await play.juliet.settled()
        play.juliet.queue.clear()
        parts = (play.nothing_without_proof, play.certificates, play.each_stanza, play.piggyback,
                 play.unsolicited, play.keys, play.dialback, play.acknowledgements, play.flood, play.refused,
                 play.called, play.mutations)
        wanted = sys.argv[1:]
        for part in parts:
            if wanted and part.__name__ not in wanted:
                continue
            try:
                await asyncio.wait_for(part(), 90 * SLOW)
            except (AssertionError, asyncio.TimeoutError, OSError) as error:
                tap.ok(False, f"{part.__name__} ends", f"{type(error).__name__} {error}")
        if tap.bad:
            print("# " + server.log_tail(25).replace("\n", "\n# "))
    except ServerError as error:
        print(f"Bail out! {error}")
        return 1
    finally:
        wrong = await server.down() if server else ""
        tap.ok(not wrong, "the server ends in peace", wrong)
        if server:
            await run(os.path.join(os.path.dirname(os.path.dirname(HERE)), "contrib", "devserver"),
                      "down", "--dir", server.dir, "--delete")
        shutil.rmtree(folder, ignore_errors=True)
    print(f"1..{tap.n}")
    return 1 if tap.bad else 0


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        print("1..0 # SKIP Python 3.11 is needed")
        sys.exit(0)
    sys.exit(asyncio.run(main()))
