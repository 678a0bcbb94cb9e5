#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""aioxmpp: strict about what the server sends; another reader, another SASL, another roster."""

import asyncio
import logging
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from report import done, ok, server  # noqa: E402

import aioxmpp  # noqa: E402
import aioxmpp.connector  # noqa: E402
import aioxmpp.dispatcher  # noqa: E402

logging.basicConfig(level=logging.ERROR)


def person(number, resource):
    client = aioxmpp.PresenceManagedClient(
        aioxmpp.JID.fromstr(f"user{number}@{server('DOMAIN')}/{resource}"),
        aioxmpp.make_security_layer(server("PASSWORD"), no_verify=True),
        override_peer=[("127.0.0.1", server("C2S"), aioxmpp.connector.STARTTLSConnector())])
    client.inbox = asyncio.Queue()
    client.presences = asyncio.Queue()
    client.roster = client.summon(aioxmpp.RosterClient)
    client.summon(aioxmpp.dispatcher.SimpleMessageDispatcher).register_callback(
        aioxmpp.MessageType.CHAT, None, client.inbox.put_nowait)
    presence = client.summon(aioxmpp.PresenceClient)
    presence.on_bare_available.connect(lambda st: client.presences.put_nowait(("on", st.from_.bare())))
    presence.on_bare_unavailable.connect(
        lambda st: client.presences.put_nowait(("off", st.from_.bare())))
    client.roster.on_subscribe.connect(lambda st: client.roster.approve(st.from_.bare()))
    return client


def chat(to, text):
    message = aioxmpp.Message(type_=aioxmpp.MessageType.CHAT, to=to)
    message.body[None] = text
    return message


async def body(client):
    return (await asyncio.wait_for(client.inbox.get(), 10)).body.any()


async def sees(client, kind, jid):
    while await asyncio.wait_for(client.presences.get(), 10) != (kind, jid):
        pass
    return True


async def main():
    a, b = server("FIRST"), server("FIRST") + 1
    alice, bob = person(a, "laptop"), person(b, "laptop")
    alice_jid, bob_jid = (aioxmpp.JID.fromstr(f"user{n}@{server('DOMAIN')}") for n in (a, b))
    async with alice.connected():
        async with bob.connected():
            ok(True, "login")
            alice.roster.subscribe(bob_jid)
            ok(await sees(alice, "on", bob_jid), "subscription, and presence after it")
            await asyncio.wait_for(alice.send(chat(bob_jid, "wherefore ünicode 🎭")), 10)
            text = await body(bob)
            ok(text == "wherefore ünicode 🎭", "a chat arrives", text)
            await bob.send(chat(alice.local_jid, "here"))
            ok(await body(alice) == "here", "so does the reply, to the full JID")
            phone = person(b, "phone")
            async with phone.connected():
                await alice.send(chat(phone.local_jid, "only the phone"))
                ok(await body(phone) == "only the phone", "a message to one of two devices")
                ok(bob.inbox.empty(), "does not reach the other")
        ok(await sees(alice, "off", bob_jid), "a contact leaves")
        for i in range(3):
            await alice.send(chat(bob_jid, f"later {i}"))
        await aioxmpp.ping.ping(alice, aioxmpp.JID.fromstr(server("DOMAIN")))
        bob = person(b, "laptop")
        async with bob.connected():
            texts = [await body(bob) for _ in range(3)]
            ok(texts == [f"later {i}" for i in range(3)],
               "messages wait for who is offline, in order", texts)
            ok(alice_jid in bob.roster.items, "the roster was kept")
            disco = alice.summon(aioxmpp.DiscoClient)
            info = await disco.query_info(aioxmpp.JID.fromstr(server("DOMAIN")))
            ok(any(i.category == "server" for i in info.identities), "disco: the server is one")


asyncio.get_event_loop().run_until_complete(asyncio.wait_for(main(), 90))
done()
