#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""slixmpp with two devices of one person: carbons, receipts, read marks, client state, stanza ids."""

import asyncio
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from report import done, ok, server  # noqa: E402

import slixmpp  # noqa: E402

ADDRESS = ("127.0.0.1", server("C2S"))
STANZA_ID = "{urn:xmpp:sid:0}stanza-id"


class Device(slixmpp.ClientXMPP):
    def __init__(self, number, resource):
        super().__init__(f"user{number}@{server('DOMAIN')}/{resource}", server("PASSWORD"))
        self.ca_certs = server("CA")
        for plugin in ("0030", "0085", "0184", "0198", "0199", "0280", "0333", "0352", "0359"):
            self.register_plugin("xep_" + plugin)
        self.seen = asyncio.Queue()
        self.ready = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", self.started)
        for event in ("message", "carbon_sent", "carbon_received", "receipt_received",
                      "marker_displayed", "chatstate"):
            self.add_event_handler(event, lambda stanza, name=event: self.seen.put_nowait((name, stanza)))

    async def started(self, _event):
        await self.get_roster()
        self.send_presence()
        await self["xep_0280"].enable()
        if not self.ready.done():
            self.ready.set_result(True)

    async def online(self):
        self.connect(ADDRESS)
        await asyncio.wait_for(self.ready, 20)
        return self

    async def next(self, *names):
        """The next of these events; what else comes is passed over."""
        while True:
            name, stanza = await asyncio.wait_for(self.seen.get(), 10)
            if name in names:
                return name, stanza

    async def settled(self):
        await self["xep_0199"].send_ping(server("DOMAIN"))
        while not self.seen.empty():
            self.seen.get_nowait()


def stanza_ids(xml):
    return {e.get("by"): e.get("id") for e in xml.findall(STANZA_ID)}


async def main():
    a, b = server("FIRST"), server("FIRST") + 1
    laptop = await Device(a, "laptop").online()
    phone = await Device(a, "phone").online()
    friend = await Device(b, "desk").online()
    ok("sm" in laptop.features or laptop["xep_0198"].enabled_out, "stream management is on")
    ok(True, "carbons are enabled")

    sent = laptop.make_message(mto=friend.boundjid.full, mbody="hello", mtype="chat")
    sent.send()
    name, carbon = await phone.next("carbon_sent")
    ok(carbon["carbon_sent"]["body"] == "hello", "the phone has a copy of what the laptop sent")

    _, message = await friend.next("message")
    by_account = stanza_ids(message.xml)
    ok(friend.boundjid.bare in by_account, "a message has an id of the account's", by_account)

    friend.send_message(mto=laptop.boundjid.full, mbody="answer", mtype="chat")
    _, message = await laptop.next("message")
    name, carbon = await phone.next("carbon_received")
    inner = carbon["carbon_received"]
    ok(inner["body"] == "answer" and inner["from"] == friend.boundjid, "and of what it received")
    ok(stanza_ids(message.xml) == stanza_ids(inner.xml) != {}, "with the same id in it")
    ok(carbon["from"] == laptop.boundjid.bare, "sent by the account")

    # slixmpp answers a request for a receipt by itself.
    await friend.settled()
    asked = friend.make_message(mto=laptop.boundjid.full, mbody="got it?", mtype="chat")
    asked["request_receipt"] = True
    asked.send()
    _, receipt = await friend.next("receipt_received")
    ok(receipt["receipt"] == asked["id"], "a receipt comes back")
    seen = [(await phone.next("carbon_received", "carbon_sent"))[0] for _ in range(2)]
    ok(seen == ["carbon_received", "carbon_sent"], "the phone sees message and receipt, in order", seen)

    # A read mark of one device reaches the other.
    markable = friend.make_message(mto=laptop.boundjid.bare, mbody="read me", mtype="chat")
    markable.enable("markable")
    markable.send()
    await laptop.next("message")
    laptop["xep_0333"].send_marker(friend.boundjid.full, markable["id"], "displayed")
    _, marker = await friend.next("marker_displayed")
    ok(marker["displayed"]["id"] == markable["id"], "a read mark arrives")
    _, carbon = await phone.next("carbon_sent")
    ok(carbon["carbon_sent"].xml.find("{urn:xmpp:chat-markers:0}displayed") is not None,
       "and its copy")

    # Nobody looks at the phone: it hears of the message, and what came before, in order.
    await phone.settled()
    phone["xep_0352"].send_inactive()
    await phone.settled()
    for state in ("composing", "paused"):
        typing = friend.make_message(mto=phone.boundjid.full, mtype="chat")
        typing["chat_state"] = state
        typing.send()
    friend.send_message(mto=phone.boundjid.full, mbody="look!", mtype="chat")
    states = []
    while True:
        name, message = await phone.next("message", "chatstate")
        if name == "message":
            break
        states.append(message["chat_state"])
    ok(states == ["paused"], "an inactive client gets the last chat state with the message", states)
    phone["xep_0352"].send_active()
    await phone.settled()
    ok(True, "and is active again")
    for device in (laptop, phone, friend):
        await device.disconnect()


asyncio.get_event_loop().run_until_complete(asyncio.wait_for(main(), 90))
done()
