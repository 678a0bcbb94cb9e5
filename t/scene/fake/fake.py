# SPDX-License-Identifier: MIT
"""fake: a server of a hundred lines that the runner is tried on. It logs everybody in by
PLAIN, answers pings, echoes presence and hands on messages. Nothing of it is a model."""

import asyncio
import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "lib"))

from server import Peer  # noqa: E402
from tinyxml import CLIENT, STREAMS, Reader, escape  # noqa: E402

HEADER = f"<stream:stream xmlns='jabber:client' xmlns:stream='{STREAMS}' id='f' version='1.0'>"
BEFORE = ("<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
          "<mechanism>PLAIN</mechanism></mechanisms></stream:features>")
AFTER = "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"


def written(elem, around=CLIENT):
    head = elem.name + (f" xmlns='{elem.ns}'" if elem.ns != around else "")
    head += "".join(f" {k}='{escape(v)}'" for k, v in elem.attrs.items())
    inside = "".join(escape(c) if isinstance(c, str) else written(c, elem.ns)
                     for c in elem.children)
    return f"<{head}>{inside}</{elem.name}>"


class Session(asyncio.Protocol):
    everybody = {}

    def connection_made(self, transport):
        self.transport, self.reader, self.user = transport, Reader(), None
        self.jid = None

    def connection_lost(self, _error):
        self.everybody.pop(self.jid, None)

    def write(self, text):
        self.transport.write(text.encode())

    def data_received(self, data):
        for kind, elem in self.reader.feed_bytes(data):
            if kind == "open":
                self.host = elem.get("to")
                self.write(HEADER + (AFTER if self.user else BEFORE))
            elif kind == "close":
                self.write("</stream:stream>")
                self.transport.close()
            else:
                getattr(self, "do_" + elem.name, self.do_unknown)(elem)

    def do_auth(self, elem):
        self.user = base64.b64decode(elem.text).split(b"\0")[1].decode()
        self.reader = Reader()
        self.write("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")

    def do_iq(self, elem):
        inside = ""
        bind = elem.find("bind")
        if bind is not None:
            self.jid = f"{self.user}@{self.host}/{bind.find('resource').text}"
            self.everybody[self.jid] = self
            inside = f"<bind xmlns='{bind.ns}'><jid>{self.jid}</jid></bind>"
        self.write(f"<iq type='result' id='{elem.get('id')}'>{inside}</iq>")

    def do_presence(self, elem):
        elem.attrs["from"] = self.jid
        self.write(written(elem))

    def do_message(self, elem):
        elem.attrs["from"] = self.jid
        for jid, session in self.everybody.items():
            if jid == elem.get("to") or jid.startswith(elem.get("to") + "/"):
                session.write(written(elem))

    def do_unknown(self, _elem):
        self.write("<stream:error><unsupported-stanza-type xmlns="
                   "'urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
        self.transport.close()


async def fake_server():
    server = await asyncio.get_running_loop().create_server(Session, "127.0.0.1", 0)
    return Peer({"c2s": server.sockets[0].getsockname()[1]}, "fake.test")
