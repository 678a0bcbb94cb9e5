#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The spool under stress: nothing is lost, repeated or out of order."""

import asyncio
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from quick_client import SLOW, Client, Server, Tap  # noqa: E402

PAD = "x" * 2000
PAIRS = 8
tap = Tap()


def numbers(got, tag):
    return [int(body.split(":")[1]) for body, _ in got if body.startswith(tag + ":")]


async def send_many(client, to, n, tag):
    for i in range(1, n + 1):
        client.message(to, f"{tag}:{i}:{PAD}")
        if i % 200 == 0:
            await client.writer.drain()
            await client.ping()
    await client.ping()
    await client.ping()


async def unreadable(server):
    """Rows that are no message are set aside, the others come (reliability.md F30)."""
    sender = await Client(server, "user0", "s").login()
    for i in range(3):
        sender.message("user1", f"m:{i}")
    await sender.ping()
    await asyncio.sleep(0.5 * SLOW)
    who = server.sql("select id from users where localpart = 'user1'")
    for where, payload in (("min(sequence) + 1", "<message><body>unfinished"), ("min(sequence) - 1", "<iq type=''get''/>"),
                           ("max(sequence) + 1", "")):
        server.sql(f"insert into spool select {who}, {where}, 'x@y', null, '{payload}', max(created), max(expires) from spool "
                   f"where receiver = {who}")
    to = await Client(server, "user1", "r").online()
    await to.quiet()
    tap.ok(numbers(to.got, "m") == [0, 1, 2], "messages beside unreadable rows come", to.got)
    await asyncio.sleep(0.5 * SLOW)
    rows = server.sql(f"select count(*), bool_and(unreadable) from spool where receiver = {who}")
    tap.ok(rows == "3|t", "unreadable rows are set aside for the administrator", rows)
    tap.ok(server.log().count("spool.unreadable") == 3, "each is logged once")
    await to.leave()
    to = await Client(server, "user1", "r").online()
    await to.quiet()
    tap.ok(to.got == [] and server.log().count("spool.unreadable") == 3, "they are not looked at again", to.got)
    await to.leave()
    await sender.leave()


async def slow_readers(server):
    sender = await Client(server, "user0", "s").login()
    await send_many(sender, "user2", 3000, "a")
    stuck = await Client(server, "user2", "stuck").online()
    stuck.stop_reading()
    await asyncio.sleep(1)
    other = await Client(server, "user2", "other").online()
    await asyncio.sleep(4 * SLOW)
    await other.quiet()
    first = numbers(other.got, "a")
    tap.ok(first and first == list(range(first[0], 3001)), "a device that reads nothing does not keep the other one waiting",
           f"{len(first)} of 3000")
    await send_many(sender, "user2", 50, "live")
    stuck.vanish()
    await other.wait(lambda: len(other.got) > len(first) + 50)
    await other.quiet(1)
    back = numbers(other.got, "a")
    tap.ok(sorted(back) == list(range(min(back), 3001)), "what it had not read comes to the other when it dies, and once",
           f"{len(back)} from {min(back)}")
    tap.ok(numbers(other.got, "live") == list(range(1, 51)), "what came meanwhile comes once, in order")
    await other.leave()

    reader = await Client(server, "user3", "r").online()
    await reader.ping()
    reader.stop_reading()
    began = time.monotonic()
    await send_many(sender, "user3", 6000, "q")
    took = time.monotonic() - began
    reader.writer.transport.resume_reading()
    await reader.wait(lambda: len(reader.got) >= 6000)
    await reader.quiet(1)
    tap.ok(numbers(reader.got, "q") == list(range(1, 6001)), "somebody who reads late gets everything in order",
           f"{len(reader.got)}; sending took {took:.1f} s; errors {len(sender.errors)}")
    await reader.leave()
    await sender.leave()


async def sleeper(server):
    """A session falls asleep while it is being served, gets more meanwhile, and is resumed."""
    sender = await Client(server, "user0", "s").login()
    await send_many(sender, "user4", 2000, "a")
    phone = await Client(server, "user4", "phone").login(sm=True)
    phone.stop_reading()
    phone.send("<presence/>")
    await asyncio.sleep(1)
    phone.vanish()
    await phone.wait(lambda: phone.closed)
    await asyncio.sleep(0.5)
    await send_many(sender, "user4", 50, "live")
    resumed = await phone.resume()
    await phone.wait(lambda: len(phone.got) >= 2050)
    await phone.quiet(1)
    tap.ok(resumed and numbers(phone.got, "a") == list(range(1, 2001)) and numbers(phone.got, "live") == list(range(1, 51)) and
           phone.got[-1][0].startswith("live:50:"), "a session that sleeps in the middle gets the rest, and what came meanwhile behind it",
           f"resumed {resumed}; {len(phone.got)}")
    await asyncio.sleep(0.5 * SLOW)
    who = server.sql("select id from users where localpart = 'user4'")
    left = server.sql(f"select count(*) from spool where receiver = {who}")
    tap.ok(left == "0", "and nothing is left behind", left)
    await phone.leave()

    await send_many(sender, "user5", 2000, "a")
    phone = await Client(server, "user5", "phone").login(sm=True)
    phone.stop_reading()
    phone.send("<presence/>")
    await asyncio.sleep(1)
    phone.vanish()
    await asyncio.sleep(0.5)
    desk = await Client(server, "user5", "desk").online()
    await desk.quiet(1)
    there = numbers(desk.got, "a")
    tap.ok(len(there) > 100 and there == list(range(there[0], 2001)), "another device goes on where it fell asleep",
           f"{len(there)} from {there[:1]}")
    again = await Client(server, "user5", "phone").online()
    await again.quiet(1)
    await desk.quiet(1)
    both = numbers(desk.got, "a") + numbers(again.got, "a")
    tap.ok(len(both) == len(set(both)) and set(both) >= set(range(min(both), 2001)) and len(both) > len(there),
           "what it was given and did not acknowledge comes when it is replaced, and once", f"{len(both)} from {min(both)}")
    for client in (desk, again, sender):
        await client.leave()


async def churn(server):
    """Recipients come and go while everybody sends to all of them."""
    senders_end, receivers_end = asyncio.Event(), asyncio.Event()
    sent, got, errors = {}, {}, []

    async def send(i):
        client, n = await Client(server, f"user{10 + i}", "s").login(), {}
        while not senders_end.is_set():
            to = random.randrange(PAIRS)
            n[to] = n.get(to, 0) + 1
            client.message(f"user{20 + to}", f"{i}:{n[to]}")
            if random.random() < 0.1:
                await asyncio.sleep(random.random() * 0.05)
            if random.random() < 0.05:
                await client.writer.drain()
                await client.ping()
        await client.ping()
        await client.ping()
        errors.extend(client.errors)
        sent[i] = n
        await client.leave()

    async def receive(i):
        got[i] = []
        last = False
        while not last:
            last = receivers_end.is_set()
            client = await Client(server, f"user{20 + i}", f"r{random.randrange(3)}").online()
            await asyncio.sleep(3 * SLOW if last else random.random() * 0.3)
            await client.leave()
            got[i] += [body for body, _ in client.got]
            await asyncio.sleep(random.random() * 0.3)

    receivers = [asyncio.create_task(receive(i)) for i in range(PAIRS)]
    senders = [asyncio.create_task(send(i)) for i in range(PAIRS)]
    await asyncio.sleep(6)
    senders_end.set()
    await asyncio.gather(*senders)
    receivers_end.set()
    await asyncio.gather(*receivers)
    total = lost = repeated = mixed = 0
    for i, counts in sent.items():
        for to, n in counts.items():
            there = numbers([(b, 0) for b in got[to]], str(i))
            total += n
            lost += n - len(set(there))
            repeated += len(there) - len(set(there))
            mixed += there != sorted(there)
    tap.ok(not errors and not lost and not repeated and not mixed and total > 1000,
           "nothing is lost, repeated or out of order while recipients come and go",
           f"messages {total}, lost {lost}, repeated {repeated}, pairs out of order {mixed}, errors {len(errors)}")


async def main():
    server = Server(40)
    try:
        await unreadable(server)
        await slow_readers(server)
        await sleeper(server)
        await churn(server)
    finally:
        server.end()
    tap.end()


asyncio.run(main())
