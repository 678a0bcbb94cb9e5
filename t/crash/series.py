# SPDX-License-Identifier: MIT
"""series: one run from the first login to the verdict."""

import asyncio
import random
import logging
import time

from checker import Verdict, judge
from faults import Blows, Nuisances, Server
from pairs import Receiver, Record, Sender
from table import table

logging.getLogger("asyncio").setLevel(logging.CRITICAL)         # it complains of links that we cut ourselves
SLEEP = 4               # s for which a session may be resumed (XEP-0198 max)


class Result:
    def __init__(self):
        self.verdict, self.text, self.stuck, self.asserts, self.left = Verdict(), "", [], [], None

    def is_good(self):
        return self.verdict.is_good() and not self.stuck and not self.asserts and not self.left


def missing(record):
    got = {d.seq for d in record.got}
    return [seq for seq in record.acked if seq not in got and seq not in record.errors]


async def until_quiet(receivers, seconds):
    """Everything is there, or nothing has come for so long."""
    began = time.monotonic()
    while time.monotonic() - max(began, *(r.last for r in receivers)) < seconds:
        if not any(missing(r.record) for r in receivers):
            await asyncio.sleep(SLEEP + 1)      # what comes now is too much
            return
        await asyncio.sleep(0.2)


async def play(server, options, result):
    over, receivers_over, paused = asyncio.Event(), asyncio.Event(), asyncio.Event()
    records = [Record(f"p{i}") for i in range(options.pairs)]
    rate = options.rate / options.pairs
    senders = [Sender(server, f"user{2 * i}", f"user{2 * i + 1}", r, rate, random.choice((5, 10, 30, 100))) for i, r in enumerate(records)]
    receivers = [Receiver(server, f"user{2 * i + 1}", r, SLEEP) for i, r in enumerate(records)]
    nuisances, blows = Nuisances(senders, receivers, options.every, SLEEP), Blows(server, receivers, [])
    for record in records:
        record.outages = blows.outages
    began = time.monotonic()
    tasks = [asyncio.create_task(s.run(over, paused)) for s in senders]
    receiving = [asyncio.create_task(r.run(receivers_over)) for r in receivers]
    nuisance = asyncio.create_task(nuisances.run(over))
    await asyncio.sleep(1)
    await blows.run(options.kills, options.pause)
    over.set()
    await nuisance
    for receiver in receivers:
        receiver.away, receiver.silent, receiver.cut_at = False, False, None
        receiver.stall(False)
    _, stuck = await asyncio.wait(tasks, timeout=60)
    result.stuck = [f"{s.record.name}: {len(s.flying)} never acknowledged, the first is {s.flying[:1]}" for s, t in zip(senders, tasks) if t in stuck]
    for task in stuck:
        task.cancel()
    await until_quiet(receivers, 20)
    for device in receivers:
        device.acknowledge()
    await asyncio.sleep(1)
    result.left = await server.spooled([r.user for r in receivers])
    receivers_over.set()
    await asyncio.gather(*receiving, return_exceptions=False)
    for record in records:
        result.verdict.add(judge(record))
    devices = senders + receivers
    result.text = table(result.verdict, blows.counts, nuisances.counts,
                        [sum(getattr(d, name) for d in devices) for name in ("sessions", "resumptions", "refused")],
                        server.times, time.monotonic() - began)
    result.log = {r.name: sorted((t - began, what) for t, what in blows.log + r.events) for r in records}
    result.verdict.details = [(t - began, text) for t, text in sorted(result.verdict.details)]
    for device in devices:
        device.cut()


async def series(options):
    random.seed(options.seed)
    result = Result()
    server = await asyncio.to_thread(Server, 2 * options.pairs, options.shards)
    try:
        await play(server, options, result)
        result.asserts = server.asserts()
    finally:
        await asyncio.to_thread(server.end, options.keep or not result.is_good())
    result.dir = server.dir
    return result


def explain(result, lines=25):
    """What went wrong, with what was done to the server just before."""
    text = [f"stuck: {s}" for s in result.stuck] + [f"log: {s}" for s in result.asserts[:5]]
    if result.left:
        text.append(f"{result.left} rows are left in the spool")
    for when, what in result.verdict.details[:lines]:
        pair = what.split(": ")[1].split(":")[0]
        before = [f"{what} {when - t:.2f}" for t, what in result.log[pair] if 0 <= when - t < 6]
        text.append(f"{when:8.2f} {what}; before: {', '.join(before[-30:])}")
    if len(result.verdict.details) > lines:
        text.append(f"and {len(result.verdict.details) - lines} more")
    if text:
        text.append("log and database are kept in " + result.dir)
    return "\n".join(text)
