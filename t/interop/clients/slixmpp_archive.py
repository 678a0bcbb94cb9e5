#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""slixmpp's own XEP-0313, XEP-0441 and XEP-0059: pages, filters, metadata, preferences."""

import asyncio
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from report import done, ok, server  # noqa: E402

import slixmpp  # noqa: E402

ADDRESS = ("127.0.0.1", server("C2S"))
N = 130


class Person(slixmpp.ClientXMPP):
    def __init__(self, number, resource):
        super().__init__(f"user{number}@{server('DOMAIN')}/{resource}", server("PASSWORD"))
        self.ca_certs = server("CA")
        for plugin in ("xep_0030", "xep_0059", "xep_0297", "xep_0313", "xep_0359"):
            self.register_plugin(plugin)
        self.ready = asyncio.get_event_loop().create_future()
        self.chats = asyncio.Queue()
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.said)

    def said(self, message):
        if message["type"] == "chat":
            self.chats.put_nowait(message)

    async def started(self, _event):
        self.send_presence()
        if not self.ready.done():
            self.ready.set_result(True)

    async def online(self):
        self.connect(ADDRESS)
        await asyncio.wait_for(self.ready, 20)
        return self

    async def heard(self, n):
        return [await asyncio.wait_for(self.chats.get(), 20) for _ in range(n)]

    async def page(self, **how):
        result = await self["xep_0313"].retrieve(timeout=20, **how)
        rows = [m["mam_result"] for m in result["mam"]["results"]]
        return [r["forwarded"]["stanza"]["body"] for r in rows], [r["id"] for r in rows], result


async def main():
    a, b = server("FIRST"), server("FIRST") + 1
    alice = await Person(a, "laptop").online()
    bob = await Person(b, "laptop").online()
    info = await bob["xep_0030"].get_info(jid=bob.boundjid.bare)
    ok("urn:xmpp:mam:2" in info["disco_info"]["features"],
       "it finds the archive by service discovery")

    for i in range(N):
        alice.send_message(mto=bob.boundjid.bare, mbody=f"m{i}", mtype="chat")
    ids = [m["stanza_id"]["id"] for m in await bob.heard(N)]

    bodies, got, result = await bob.page(rsm={"max": 50})
    ok(bodies == [f"m{i}" for i in range(50)] and got == ids[:50],
       "the first page, under the ids that came with the messages")
    bodies, got, result = await bob.page(rsm={"max": 50, "after": got[-1]})
    ok(got == ids[50:100], "the next")
    bodies, got, result = await bob.page(rsm={"max": 50, "after": got[-1]})
    ok(got == ids[100:] and result["mam_fin"].xml.get("complete") == "true",
       "the last is complete", result["mam_fin"])
    bodies, got, result = await bob.page(rsm={"max": 20, "before": ids[40]})
    ok(got == ids[20:40], "the page before a message", len(got))
    newest = []
    async for message in bob["xep_0313"].iterate(reverse=True, rsm={"max": 20}, total=40):
        newest.append(message["mam_result"]["id"])
    ok(newest[:20] == ids[:-21:-1], "its iterator goes backwards from the end", newest[:2])
    bodies, got, result = await alice.page(with_jid=slixmpp.JID(bob.boundjid.bare), rsm={"max": 5})
    ok(bodies == [f"m{i}" for i in range(5)] and not set(got) & set(ids),
       "the sender's own archive, with ids of its own")
    bodies, got, result = await alice.page(with_jid=slixmpp.JID("nobody@example.org"))
    ok(bodies == [], "with somebody else there is nothing")

    everything = []
    async for message in bob["xep_0313"].iterate(rsm={"max": 60}):
        everything.append(message["mam_result"]["id"])
    ok(everything == ids, "its iterator finds all of them, once and in order", len(everything))

    for person in (alice, bob):
        person.disconnect()
    await asyncio.sleep(0.3)
    done()


asyncio.get_event_loop().run_until_complete(main())
