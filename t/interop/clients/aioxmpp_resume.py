#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""aioxmpp whose link is cut: it resumes by itself (XEP-0198), and what came meanwhile is there, once and in order."""

import asyncio
import logging
import os
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from report import done, ok, server  # noqa: E402

import aioxmpp  # noqa: E402
import aioxmpp.connector  # noqa: E402
import aioxmpp.dispatcher  # noqa: E402

logging.basicConfig(level=logging.CRITICAL)


def person(number, resource):
    client = aioxmpp.PresenceManagedClient(
        aioxmpp.JID.fromstr(f"user{number}@{server('DOMAIN')}/{resource}"),
        aioxmpp.make_security_layer(server("PASSWORD"), no_verify=True),
        override_peer=[("127.0.0.1", server("C2S"), aioxmpp.connector.STARTTLSConnector())])
    client.inbox = asyncio.Queue()
    client.came_back = asyncio.Queue()
    client.lost = asyncio.Queue()
    client.on_stream_resumed.connect(lambda: client.came_back.put_nowait(True))
    client.on_stream_destroyed.connect(lambda *_: client.lost.put_nowait(True))
    client.backoff_start = client.backoff_start / 10
    client.summon(aioxmpp.dispatcher.SimpleMessageDispatcher).register_callback(
        aioxmpp.MessageType.CHAT, None, client.inbox.put_nowait)
    return client


def chat(to, text):
    message = aioxmpp.Message(type_=aioxmpp.MessageType.CHAT, to=to)
    message.body[None] = text
    return message


def cut(client):
    """As a tunnel does it: nobody is told."""
    client.stream._xmlstream.transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


async def body(client):
    return (await asyncio.wait_for(client.inbox.get(), 10)).body.any()


async def main():
    a, b = server("FIRST"), server("FIRST") + 1
    phone, friend = person(a, "phone"), person(b, "desk")
    async with phone.connected(), friend.connected():
        ok(phone.stream.sm_enabled and phone.stream.sm_resumable, "the stream can be resumed")
        was = phone.local_jid
        said = 0
        for round_ in range(3):
            await friend.send(chat(was, f"{said + 1}"))
            await body(phone)
            cut(phone)
            for n in range(said + 2, said + 7):
                await friend.send(chat(was.bare() if n % 2 else was, f"{n}"))
            await asyncio.wait_for(phone.came_back.get(), 20)
            got = [await body(phone) for _ in range(5)]
            ok(got == [f"{n}" for n in range(said + 2, said + 7)],
               f"cut {round_ + 1}: resumed, and all is there in order", got)
            said += 6
        await phone.send(chat(friend.local_jid, "back"))
        ok(await body(friend) == "back", "it can be heard")
        ok(phone.inbox.empty() and phone.lost.empty() and phone.local_jid == was,
           "nothing came twice, and it is the same session")


asyncio.get_event_loop().run_until_complete(asyncio.wait_for(main(), 90))
done()
