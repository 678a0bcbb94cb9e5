#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""slixmpp whose link is cut: it resumes (XEP-0198), and what came meanwhile is there, once and in order."""

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
        for plugin in ("0030", "0198", "0199"):
            self.register_plugin("xep_" + plugin)
        self.inbox = asyncio.Queue()
        self.ready = asyncio.get_event_loop().create_future()
        self.resumed = asyncio.Event()
        self.starts = 0
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("session_resumed", lambda _event: self.resumed.set())
        self.add_event_handler("message", lambda m: self.inbox.put_nowait(m["body"]))

    def started(self, _event):
        self.starts += 1
        self.send_presence()
        if not self.ready.done():
            self.ready.set_result(True)

    async def online(self):
        self.connect(ADDRESS)
        await asyncio.wait_for(self.ready, 20)
        await self["xep_0199"].send_ping(server("DOMAIN"))
        return self

    async def cut(self):
        """As a tunnel does it: nobody is told."""
        gone = asyncio.get_event_loop().create_future()
        self.add_event_handler("disconnected", lambda _e: gone.done() or gone.set_result(True),
                               disposable=True)
        self.transport.abort()
        await asyncio.wait_for(gone, 10)

    async def back(self):
        self.resumed.clear()
        self.connect(ADDRESS)
        await asyncio.wait_for(self.resumed.wait(), 20)


async def main():
    a, b = server("FIRST"), server("FIRST") + 1
    phone = await Person(a, "phone").online()
    friend = await Person(b, "desk").online()
    ok(phone["xep_0198"].sm_id is not None, "the stream can be resumed")
    was = phone.boundjid.full
    said = 0
    for round_ in range(3):
        friend.send_message(mto=was, mbody=f"{said + 1}", mtype="chat")
        await asyncio.wait_for(phone.inbox.get(), 10)
        await phone.cut()
        for n in range(said + 2, said + 7):
            friend.send_message(mto=phone.boundjid.bare if n % 2 else was, mbody=f"{n}", mtype="chat")
        await friend["xep_0199"].send_ping(server("DOMAIN"))
        await phone.back()
        got = [await asyncio.wait_for(phone.inbox.get(), 10) for _ in range(5)]
        ok(got == [f"{n}" for n in range(said + 2, said + 7)],
           f"cut {round_ + 1}: resumed, and all is there in order", got)
        said += 6
    phone.send_message(mto=friend.boundjid.full, mbody="back", mtype="chat")
    ok(await asyncio.wait_for(friend.inbox.get(), 10) == "back", "it can be heard")
    await phone["xep_0199"].send_ping(server("DOMAIN"))
    ok(phone.inbox.empty() and phone.starts == 1 and phone.boundjid.full == was,
       "nothing came twice, and it is the same session")
    for client in (phone, friend):
        await client.disconnect()


asyncio.get_event_loop().run_until_complete(asyncio.wait_for(main(), 90))
done()
