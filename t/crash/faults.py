# SPDX-License-Identifier: MIT
"""faults: a server that can be killed, and who kills it when. Nuisances (links, slow and silent clients) go on all the time;
blows (kills of server, worker, database) come one after another, each in a moment that it chooses.
"""

import asyncio
import importlib.machinery
import importlib.util
import os
import random
import shutil
import signal
import tempfile
import time
from types import SimpleNamespace

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
OUTAGE = 8              # s: PostgreSQL is back, and everything that waited has been tried again
# Those of Device.step(); "resuming" is between the request and its answer.
LOGIN_STEPS = ("connected", "authenticating", "authenticated", "resuming", "resuming", "binding", "enabling")


def load_devserver():
    loader = importlib.machinery.SourceFileLoader("devserver", os.path.join(ROOT, "contrib", "devserver"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("devserver", loader))
    loader.exec_module(module)
    return module


dev = load_devserver()


class Server:
    password = "secret"

    def __init__(self, users, shards=2):
        self.dir = tempfile.mkdtemp(prefix="crashrun.")
        os.chmod(self.dir, 0o755)
        args = dict.fromkeys(("domain", "password", "log", "listen", "s2s", "ports", "hosts", "host_set"))
        dev.print_lines = lambda *_: None
        dev.up(SimpleNamespace(dir=self.dir, users=users, shards=shards, plain=True, set=["c2s.max_unauth_per_address=100000"], **args))
        state = dev.load(self.dir)
        self.port, self.domain = state["ports"]["c2s"], state["domain"]
        self.killed_at, self.kind, self.times = None, None, {}

    # --- how long until somebody is in again ---

    def killed(self, kind):
        self.killed_at, self.kind = time.monotonic(), kind

    def first_login(self):
        if self.killed_at is not None:
            self.times.setdefault(self.kind, []).append(time.monotonic() - self.killed_at)
            self.killed_at = None

    # --- blows ---

    async def kill_server(self, kind):
        state = await asyncio.to_thread(dev.load, self.dir)
        supervisor, workers = await asyncio.to_thread(dev.processes, self.dir, state)
        self.killed(kind)
        for pid in [supervisor] + workers:
            if pid:
                os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(dev.wait_gone, [p for p in [supervisor] + workers if p], 10)

    async def start(self):
        """devserver start; a worker that has just lost its supervisor may hold the port for a moment."""
        for patience in range(50, -1, -1):
            state = await asyncio.to_thread(dev.load, self.dir)
            try:
                await asyncio.to_thread(dev.start, self.dir, state)
                return
            except dev.Trouble:
                if patience == 0:
                    raise
                await asyncio.sleep(0.1)

    async def kill_worker(self):
        facts = await asyncio.to_thread(dev.ctl_facts, self.dir)
        if not facts or not facts.get("pid"):
            return
        self.killed("worker")
        os.kill(int(facts["pid"]), signal.SIGKILL)

    async def kill_database(self):
        """PostgreSQL's immediate shutdown; the supervisor starts it again."""
        pid = await asyncio.to_thread(dev.database_pid, self.dir)
        if pid:
            os.kill(pid, signal.SIGQUIT)

    async def ready(self, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            facts = await asyncio.to_thread(dev.ctl_facts, self.dir)
            if dev.is_ready(facts) and dev.database_pid(self.dir):
                return
            await asyncio.sleep(0.1)
        raise RuntimeError("the server is not ready; see " + self.dir)

    # --- what it says of itself ---

    def asserts(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as file:
            return [line.strip() for line in file if "ssertion" in line or "assert.failed" in line or "panic" in line]

    async def spooled(self, users):
        """Rows left over. A number, or None when the administrator's tool does not answer."""
        program, total = dev.load(self.dir)["ctl_program"], 0
        for user in users:
            process = await asyncio.create_subprocess_exec(program, "-s", os.path.join(self.dir, "ctl"), "--json", "spool", "show",
                                                           f"{user}@{self.domain}", stdout=asyncio.subprocess.PIPE)
            out, _ = await process.communicate()
            total += out.count(b'"m') if process.returncode == 0 else 0
        return total

    def end(self, keep):
        try:
            dev.down(SimpleNamespace(dir=self.dir, seconds=40, delete=False))
        finally:
            if not keep:
                shutil.rmtree(self.dir, ignore_errors=True)


class Nuisances:
    """What happens to clients all the time."""

    def __init__(self, senders, receivers, every, sleep):
        self.senders, self.receivers, self.every, self.sleep = senders, receivers, every, sleep
        self.counts, self.names, self.now = {}, 0, None

    def someone(self, devices):
        device = random.choice(devices)
        device.record.note(f"{self.now} {device.resource}")
        return device

    async def cut(self):
        self.someone(self.senders + self.receivers).cut()

    async def cut_in_login(self):
        device = self.someone(self.senders + self.receivers)
        device.cut_at = random.choice(LOGIN_STEPS)
        device.cut()

    async def cut_twice(self):
        """The link goes again while the server may still be busy with the resumption."""
        device = self.someone(self.senders + self.receivers)
        device.cut()
        for _ in range(random.randrange(1, 4)):
            await asyncio.sleep(random.random() * 0.12)
            device.cut()

    async def stop_reading(self):
        device = self.someone(self.receivers)
        device.stall(True)
        await asyncio.sleep(random.uniform(0.3, 3))
        device.stall(False)

    async def silence(self):
        device = self.someone(self.receivers)
        device.silent = True
        await asyncio.sleep(random.uniform(0.2, 3))
        device.silent = False
        device.acknowledge()

    async def go_away(self):
        await self.someone(self.receivers).leave(random.uniform(0.2, 2))

    async def sleep_long(self):
        """Away without a goodbye, for longer than the session sleeps."""
        device = self.someone(self.receivers)
        device.away = True
        device.cut()
        await asyncio.sleep(self.sleep + random.random())
        device.away = False

    async def sleep_short(self):
        device = self.someone(self.receivers)
        device.away = True
        device.cut()
        await asyncio.sleep(random.uniform(0.1, 1.5))
        device.away = False

    async def forget(self):
        device = self.someone(self.receivers)
        self.names += 1
        device.change(f"app{self.names}", self.sleep + 1)

    async def replace(self):
        """The session is forgotten, but not the resource."""
        device = self.someone(self.receivers)
        device.forget()
        device.cut()

    KINDS = ((cut, 4), (cut_in_login, 3), (cut_twice, 3), (stop_reading, 2), (silence, 3), (go_away, 3), (sleep_long, 1), (sleep_short, 2),
             (forget, 1), (replace, 1))

    async def run(self, over):
        tasks, kinds, weights = set(), *zip(*Nuisances.KINDS)
        while not over.is_set():
            await asyncio.sleep(random.expovariate(1 / self.every))
            kind = random.choices(kinds, weights)[0]
            self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
            self.now = kind.__name__
            task = asyncio.create_task(kind(self))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)


class Blows:
    """What happens to the server."""

    def __init__(self, server, receivers, outages):
        self.server, self.receivers, self.outages = server, receivers, outages
        self.counts, self.log, self.kills, self.workers = {}, [], 0, 0

    def some(self):
        chosen = random.sample(self.receivers, (len(self.receivers) + 1) // 2)
        for device in chosen:
            device.record.note(f"{self.log[-1][1]} {device.resource}")
        return chosen

    async def kill_and_start(self, pause=0.0, kind="server"):
        self.kills += 1
        self.workers = 0
        await self.server.kill_server(kind)
        await asyncio.sleep(pause)
        await self.server.start()

    async def at_any_time(self):
        await self.kill_and_start()

    async def server_for_a_while(self):
        await self.kill_and_start(random.uniform(0.2, 1.5), "server, down for 0.2 to 1.5 s")

    async def worker(self):
        self.kills += 1
        await self.server.kill_worker()
        self.workers += 1
        if self.workers > 1:            # the supervisor would make pauses: another one has not learned that
            await asyncio.sleep(random.random())
            await self.kill_and_start(kind="worker and soon of the server")

    async def database(self):
        self.outages.append((time.monotonic(), time.monotonic() + OUTAGE))
        await self.server.kill_database()

    async def database_and_server(self):
        await self.database()
        await asyncio.sleep(random.random() * 0.3)
        await self.kill_and_start(kind="server, PostgreSQL stopped just before")

    async def while_silent(self):
        silent = self.some()
        for device in silent:
            device.silent = True
        await asyncio.sleep(random.uniform(0.05, 1.2))
        await self.kill_and_start()
        for device in silent:
            device.silent = False

    async def while_away(self):
        away = [asyncio.create_task(device.leave(random.uniform(1, 3))) for device in self.some()]
        await asyncio.sleep(random.uniform(0.2, 1))
        await self.kill_and_start()
        await asyncio.gather(*away)

    async def while_asleep(self):
        away = self.some()
        for device in away:
            device.away = True
            device.cut()
        await asyncio.sleep(random.uniform(0.05, 2.5))
        await self.kill_and_start()
        for device in away:
            device.away = False

    async def while_the_spool_is_delivered(self):
        away = [asyncio.create_task(device.leave(random.uniform(0.8, 1.2))) for device in self.some()]
        await asyncio.gather(*away)
        await asyncio.sleep(random.random() * 0.15)
        await self.kill_and_start()

    async def again_in_the_rush(self):
        await self.kill_and_start()
        await asyncio.sleep(random.random() * 0.3)
        await self.kill_and_start()

    KINDS = ((at_any_time, 3), (server_for_a_while, 1), (worker, 3), (database, 2), (database_and_server, 1), (while_silent, 3), (while_away, 2),
             (while_asleep, 2), (while_the_spool_is_delivered, 3), (again_in_the_rush, 2))

    async def run(self, kills, pause):
        kinds, weights = zip(*Blows.KINDS)
        order = []
        while self.kills < kills:
            await asyncio.sleep(random.uniform(0.3, 1.7) * pause)
            if not order:               # each kind comes at least once in so many
                order = random.sample(random.choices(kinds, weights, k=len(kinds)) + list(kinds), 2 * len(kinds))
            kind = order.pop()
            self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
            self.log.append((time.monotonic(), kind.__name__))
            await kind(self)
        await self.server.ready()
