#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kill -9 under load: every acknowledged message arrives."""

import asyncio
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from quick_client import SLOW, Client, Server, Tap  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "5"))
RECEIVERS, SENDERS = 4, 3
tap = Tap()


async def flood(client, round_number, sent, over):
    """sent: (recipient, body) in the order of sending. Acknowledged is its beginning."""
    n = 0
    while not over.is_set() and not client.closed:
        n += 1
        to, body = f"user{random.randrange(RECEIVERS)}", f"{round_number}:{client.user}:{n}"
        sent.append((to, body))
        client.message(to, body)
        if n % 5 == 0:
            client.send("<r xmlns='urn:xmpp:sm:3'/>")
        if n % 20 == 0:
            try:
                await client.writer.drain()
            except ConnectionError:
                return
            await asyncio.sleep(random.random() * 0.01)


async def one_round(server, number):
    """Half of the recipients are there, half are away; the server dies."""
    there = [await Client(server, f"user{i}", "r").online(sm=True) for i in range(0, RECEIVERS, 2)]
    there[0].acknowledges = number % 2 == 0         # every other time one is slow to acknowledge
    senders = [await Client(server, f"user{10 + i}", "s").login(sm=True) for i in range(SENDERS)]
    sent = {client.user: [] for client in senders}
    over = asyncio.Event()
    tasks = [asyncio.create_task(flood(client, number, sent[client.user], over)) for client in senders]
    await asyncio.sleep(0.3 + random.random() * 1.2)
    server.kill()
    over.set()
    await asyncio.gather(*tasks)
    await asyncio.sleep(0.1)
    owed = [pair for client in senders for pair in sent[client.user][:client.acked]]
    got = {client.user: [body for body, _ in client.got] for client in there}

    began = time.monotonic()
    server.start()
    took = time.monotonic() - began
    lost = repeated = mixed = 0
    for i in range(RECEIVERS):
        user = f"user{i}"
        client = await Client(server, user, "again").online(sm=True)
        await client.quiet()
        after = [body for body, _ in client.got]
        await client.leave()
        everything = got.get(user, []) + after
        lost += len({body for to, body in owed if to == user} - set(everything))
        repeated += len(everything) - len(set(everything))
        for sender in sent:
            order = [int(b.split(":")[2]) for b in after if f":{sender}:" in b]
            mixed += order != sorted(order)
    total = sum(len(s) for s in sent.values())
    tap.ok(owed and not lost and not mixed, f"round {number}: no acknowledged message is missing",
           f"sent {total}, acknowledged {len(owed)}, lost {lost}, repeated {repeated}, out of order {mixed}; "
           f"up again after {took:.1f} s")


async def main():
    server = Server(20)
    try:
        for number in range(1, ROUNDS + 1):
            await one_round(server, number)
            await asyncio.sleep(0.1 * SLOW)
    finally:
        server.end()
    tap.end()


asyncio.run(main())
