#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""slixmpp: two people and a second device, as its users write it."""

import asyncio
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from report import done, ok, server  # noqa: E402

import slixmpp  # noqa: E402

ADDRESS = ("127.0.0.1", server("C2S"))


class Person(slixmpp.ClientXMPP):
    def __init__(self, number, resource):
        super().__init__(f"user{number}@{server('DOMAIN')}/{resource}", server("PASSWORD"))
        self.ca_certs = server("CA")
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0199")
        self.inbox = asyncio.Queue()
        self.presences = asyncio.Queue()
        self.ready = asyncio.get_event_loop().create_future()
        self.auto_authorize = self.auto_subscribe = True
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.inbox.put_nowait)
        self.add_event_handler("presence_available", self.presences.put_nowait)
        self.add_event_handler("presence_unavailable", self.presences.put_nowait)
        self.add_event_handler("failed_all_auth", lambda _: self.ready.set_exception(
            ConnectionError("login failed")))

    async def started(self, _event):
        self.roster_answer = await self.get_roster()
        self.send_presence()
        if not self.ready.done():
            self.ready.set_result(True)

    async def online(self):
        self.connect(ADDRESS)
        await asyncio.wait_for(self.ready, 20)
        return self

    async def body(self):
        message = await asyncio.wait_for(self.inbox.get(), 10)
        return message["body"], message

    async def sees(self, who, kind):
        while True:
            presence = await asyncio.wait_for(self.presences.get(), 10)
            if presence["from"].bare == who and presence["type"] == kind:
                return True


async def main():
    a, b = server("FIRST"), server("FIRST") + 1
    alice = await Person(a, "laptop").online()
    bob = await Person(b, "laptop").online()
    ok(True, "login, with the certificate verified")

    alice.send_presence(pto=bob.boundjid.bare, ptype="subscribe")
    ok(await alice.sees(bob.boundjid.bare, "available"), "subscription, and presence after it")
    ok(await bob.sees(alice.boundjid.bare, "available"), "and the other way")
    for _ in range(100):
        if alice.client_roster[bob.boundjid.bare]["subscription"] == "both":
            break
        await asyncio.sleep(0.05)
    ok(alice.client_roster[bob.boundjid.bare]["subscription"] == "both", "the roster says both")

    alice.send_message(mto=bob.boundjid.bare, mbody="wherefore ünicode 🎭", mtype="chat")
    text, message = await bob.body()
    ok(text == "wherefore ünicode 🎭", "a chat arrives", text)
    message.reply("here").send()
    ok((await alice.body())[0] == "here", "so does the reply, to the full JID")

    phone = await Person(b, "phone").online()
    ok(phone.boundjid.resource == "phone", "a second device")
    alice.send_message(mto=phone.boundjid.full, mbody="only the phone", mtype="chat")
    ok((await phone.body())[0] == "only the phone", "a message to one of two devices")
    ok(bob.inbox.empty(), "does not reach the other")
    await phone.disconnect()

    await bob.disconnect()
    ok(await alice.sees(bob.boundjid.bare, "unavailable"), "a contact leaves")
    for i in range(3):
        alice.send_message(mto=bob.boundjid.bare, mbody=f"later {i}", mtype="chat")
    await alice["xep_0199"].send_ping(server("DOMAIN"))
    bob = await Person(b, "laptop").online()
    texts = []
    for i in range(3):
        text, message = await bob.body()
        texts.append(text)
    ok(texts == ["later 0", "later 1", "later 2"], "messages wait for who is offline, in order", texts)
    ok(message.xml.find("{urn:xmpp:delay}delay") is not None, "and say when they were sent")
    ok(b and len(bob.client_roster) >= 1, "the roster was kept")

    info = await alice["xep_0030"].get_info(jid=server("DOMAIN"))
    ok(("server", "im") in {i[:2] for i in info["disco_info"]["identities"]}, "disco: the server is one")
    await alice.disconnect()
    await bob.disconnect()


asyncio.get_event_loop().run_until_complete(asyncio.wait_for(main(), 90))
done()
