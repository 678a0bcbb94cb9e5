# SPDX-License-Identifier: MIT
"""pairs: who sends, who receives, and what both write down for the checker."""

import asyncio
import random
import re
import time

from device import BODY, Device, attribute

ID = re.compile(rb"<message\b[^>]*\bid=['\"]m(\d+)['\"]")


class Record:
    """What happened to one pair. Everything that checker.py knows."""

    def __init__(self, name):
        self.name = name
        self.sent = {}          # seq: time of the first sending
        self.again = {}         # seq: how often it was sent again because nobody had acknowledged it
        self.acked = {}         # seq: time when the server's h covered it
        self.errors = {}        # seq: text of the error that came back
        self.got = []           # Delivery, in order of arrival
        self.forgotten = []     # (from, until): an old session of the recipient may sleep with what is older
        self.losses = []        # times when the recipient lost its link
        self.refused = set()    # sessions whose <resume h/> was heard and refused
        self.outages = []       # (from, until): no database, at the longest
        self.events = []        # (time, what), for people who look for a reason

    def note(self, text):
        self.events.append((time.monotonic(), text))


class Delivery:
    """One arrival. delayed: it came from the spool. told: when we acknowledged it; None: never."""
    __slots__ = ("seq", "time", "session", "delayed", "told")

    def __init__(self, seq, when, session, delayed=False):
        self.seq, self.time, self.session, self.delayed, self.told = seq, when, session, delayed, None


class Sender(Device):
    """Sends at its rate while at most `window` are unacknowledged."""

    def __init__(self, server, user, to, record, rate, window):
        super().__init__(server, user, "s")
        self.to, self.record, self.rate, self.window = to, record, rate, window
        self.seq = 0
        self.flying = []        # seqs of this session, written and not acknowledged; those of no session: again
        self.covered = 0        # h of the session
        self.room = asyncio.Event()

    def write(self, seq):
        self.send(f"<message to='{self.to}@{self.server.domain}' type='chat' id='m{seq}'><body>{self.record.name}:{seq}</body></message>")

    def got_ack(self, h):
        n = (h - self.covered) & 0xffffffff
        now = time.monotonic()
        if n > len(self.flying):
            self.record.errors[f"h {h}"] = f"h={h} covers more than was sent: {self.covered}+{len(self.flying)}"
            n = len(self.flying)
        self.covered = h
        for seq in self.flying[:n]:
            if seq is not None:
                self.record.acked.setdefault(seq, now)
        del self.flying[:n]
        self.room.set()

    def got_message(self, text):
        found = ID.search(text)
        if found and attribute(text, "type") == "error":
            self.record.errors[int(found[1])] = text.decode("utf-8", "replace")

    def link_lost(self):
        super().link_lost()
        self.record.note("s lost")

    def came_back(self, resumed):
        self.record.note(f"s {'resumed' if resumed else 'bound'}")
        left = [seq for seq in self.flying if seq is not None]
        if resumed:             # h is exact: what it does not cover the server has not seen
            for seq in self.flying:
                self.write(seq) if seq is not None else self.send("<presence/>")
        else:
            self.covered = 0
            self.flying = [None]                # our presence
            for seq in left:
                self.record.again[seq] = self.record.again.get(seq, 0) + 1
                self.flying.append(seq)
                self.write(seq)
        self.send("<r xmlns='urn:xmpp:sm:3'/>")

    async def run(self, over, paused):
        """Until everything is acknowledged that was sent before `over`."""
        lost = asyncio.Event()
        while not over.is_set() or self.flying:
            if not self.online:
                await self.connect_until(lost)
            if not over.is_set() and not paused.is_set() and len(self.flying) < self.window:
                self.seq += 1
                self.record.sent[self.seq] = time.monotonic()
                self.flying.append(self.seq)
                self.write(self.seq)
                if self.seq % 5 == 0 or len(self.flying) == self.window:
                    self.send("<r xmlns='urn:xmpp:sm:3'/>")
                await asyncio.sleep(random.expovariate(self.rate))
                continue
            if self.flying:
                self.send("<r xmlns='urn:xmpp:sm:3'/>")
            self.room.clear()
            try:
                await asyncio.wait_for(self.room.wait(), 0.25)
            except asyncio.TimeoutError:
                pass


class Receiver(Device):
    def __init__(self, server, user, record, sleep):
        super().__init__(server, user, "r", sleep)
        self.record = record
        self.untold = []
        self.away = False
        self.last = time.monotonic()

    def got_message(self, text):
        body = BODY.search(text)
        if body is None:
            return
        name, _, seq = body[1].decode().partition(":")
        if name != self.record.name:
            self.record.errors[f"foreign {body[1]}"] = "a message of somebody else"
            return
        d = Delivery(int(seq), time.monotonic(), f"{self.resource}/{self.sessions}", b"<delay" in text)
        self.last = d.time
        self.record.got.append(d)
        self.untold.append(d)

    def link_lost(self):
        self.record.losses.append(time.monotonic())
        self.record.note(f"{self.resource} lost")
        super().link_lost()

    def came_back(self, resumed):
        self.record.note(f"{self.resource} {'resumed' if resumed else 'bound'}")

    def acknowledged(self):
        now = time.monotonic()
        for d in self.untold:
            d.told = now
        self.untold = []

    async def resume(self):
        resumed = await super().resume()
        if not resumed:
            self.record.refused.add(f"{self.resource}/{self.sessions}")
        return resumed

    async def bind(self):
        self.untold = []
        await super().bind()

    async def leave(self, seconds):
        """Goodbye, and back later."""
        self.away = True
        if self.online:
            await self.goodbye()
        await asyncio.sleep(seconds)
        self.away = False

    def change(self, resource, sleeps):
        """The app forgets its session and comes back as another device; the old session sleeps on."""
        now = time.monotonic()
        self.record.forgotten.append((now, now + sleeps))
        self.resource = resource
        self.forget()
        self.cut()

    async def run(self, over):
        while not over.is_set():
            if self.away:
                await asyncio.sleep(0.02)
            elif not self.online:
                await self.connect_until(over)
            else:
                await asyncio.sleep(0.02)
