# SPDX-License-Identifier: MIT
"""play: one scene, played on one server. Collects what `gets` and its like find out."""

import asyncio
import base64
import re
import shlex

from client import PASSWORD, SLOW, Client, Unexpected
from parse import SceneError
from sasl import SaslError, import_line, salted
from sentences import ONLY, understand
from server import ServerError
from tinyxml import XmlError


class Skip(Exception):
    """This scene cannot be played here."""


class Play:
    def __init__(self, scene, server, host, other=None, other_host=None, own_server=False,
                 source=None):
        self.scene, self.server, self.other = scene, server, other
        self.host, self.other_host = host, other_host
        self.own_server, self.source = own_server, source
        self.names = {}             # what {name} stands for
        self.clients = {}
        self.setup_clients = []
        self.admin_output = ""
        self.results = []           # (ok, description, diagnostics)
        self.failed = False
        self.step = None

    # --- what the sentences use ---

    def ok(self, good, why=""):
        self.failed = self.failed or not good
        first = self.step.block.strip().split("\n")[0].strip()
        what = f"{self.scene.path}:{self.step.line}: {self.step.sentence}"
        self.results.append((bool(good), f"{what} {first[:60]}".rstrip(), "" if good else why))

    def jid(self, name):
        if name not in self.scene.cast:
            raise SceneError(f"{name} is not in the cast")
        return self.here(self.scene.cast[name])

    def bare(self, name):
        return self.jid(name).partition("/")[0]

    def new_client(self, name):
        bare, _, resource = self.jid(name).partition("/")
        local, at, host = bare.rpartition("@")
        server = self.other if host == self.other_host else self.server
        client = Client(host, server.ports, local if at else None, resource or None, self.source)
        self.setup_clients.append(client)
        return client

    def client(self, name):
        if name not in self.clients:
            self.clients[name] = self.new_client(name)
        return self.clients[name]

    def idle_client(self, name):
        client = self.client(name)
        if client.transport is not None and not client.gone:
            raise SceneError(f"{name} is connected already")
        return client

    def here(self, text):
        """`here` and `there` as words of their own, or as the domain of a JID."""
        return re.sub(r"(?:(?<=[@.])|(?<![\w.@-]))(here|there)(?![\w.-])", self._host, text)

    def in_xml(self, text):
        """The same where a JID can stand: an attribute's value, or a whole text."""
        return re.sub(r"""(?<=["'>])((?:[^\s"'<>/]*[@.])?)(here|there)(?=["'<]|/[^\s>])""",
                      lambda m: m[1] + self._host(m, 2), text)

    def _host(self, found, group=1):
        if found[group] == "here":
            return self.host
        if not self.other_host:
            raise Skip("a second server is needed")
        return self.other_host

    def named(self, text, n=None):
        """Hosts put in, {n} too; other {names} stay for the matcher."""
        text = self.in_xml(text) if "<" in text else self.here(text)
        return text.replace("{n}", str(n)) if n is not None else text

    def filled(self, text, n=None):
        """What is sent: names replaced by what they stand for, {x*100} repeated, and
        {base64 \\0romeo\\0secret} encoded, for SASL, {salted sha512 salt iterations} SCRAM's
        SaltedPassword with the values of those two names."""
        text = re.sub(r"\{base64 ([^{}]*)\}", self._base64, text)
        text = re.sub(r"\{salted (\w+) (\w+) (\w+)\}", self._salted, text)
        text = self.named(text, n)
        text = re.sub(r"\{([^{}]+?)\*(\d+)\}", lambda m: m[1] * int(m[2]), text)

        def value(found):
            if found[1] not in self.names:
                raise SceneError(f"{{{found[1]}}} is not known yet")
            return self.names[found[1]]
        return re.sub(r"\{([A-Za-z_]\w*)\}", value, text)

    def _base64(self, found):
        return base64.b64encode(self.here(found[1]).replace("\\0", "\0").encode()).decode()

    def _salted(self, found):
        salt, iterations = self.filled("{%s}" % found[2]), self.filled("{%s}" % found[3])
        return base64.b64encode(salted(found[1], "secret", salt, iterations)).decode()

    def needs_own_server(self):
        if not self.own_server:
            raise SceneError("time, faults and restarts need `Server: own`")

    async def admin(self, command):
        code, self.admin_output = await self.server.ctl(*shlex.split(self.filled(command)))
        return code, self.admin_output

    # --- settling ---

    def open_clients(self):
        return [c for c in self.clients.values() if c.transport is not None and not c.gone]

    async def others_settled(self, but):
        """What the others sent was read before this one acts."""
        for client in self.open_clients():
            if client is not but and client.dirty:
                await client.settled()

    async def everything_settled(self):
        await self.others_settled(None)
        if self.other:
            return await self.both_settled()
        if await self.server.settle():
            return
        # Without test hooks: what crosses threads has had time when pings have come back twice.
        for _ in range(2):
            for client in self.open_clients():
                await client.settled()
            await asyncio.sleep(0.05 * SLOW)

    async def both_settled(self):
        """What is on its way between two servers has arrived when both are at rest, for a while."""
        for _ in range(3):
            await self.server.settle()
            if self.other.running:
                await self.other.settle()
            await asyncio.sleep(0.05 * SLOW)

    async def drain(self):
        """The set-up is over: forget what it made come."""
        await self.everything_settled()
        for client in self.open_clients():
            await client.settled()
            client.queue.clear()

    # --- playing ---

    async def run(self):
        """The TAP results: a list of (ok, description, diagnostics)."""
        try:
            for step in self.scene.steps:
                self.step = step
                understand(step)        # all of it, before anything is done
            await self.make_accounts()
            for step in self.scene.steps:
                self.step = step
                function, arguments = understand(step)
                await function(self, **arguments)
                if self.failed:
                    break
        except (Unexpected, SceneError, ServerError, SaslError, XmlError, OSError) as error:
            self.trouble(error)
        except asyncio.CancelledError:
            self.trouble("the scene took too long")
        finally:
            for client in self.setup_clients:
                if client.transport is not None:
                    client.transport.abort()
        if not self.results:
            self.trouble("the scene checks nothing")
        return self.results

    def trouble(self, error):
        self.failed = True
        where = f"{self.step.line}: {self.step.sentence}" if self.step else self.scene.title
        kind = "" if isinstance(error, (str, Unexpected, SceneError, ServerError)) \
            else type(error).__name__ + ": "
        self.results.append((False, f"{self.scene.path}:{where}", f"{kind}{error}"))

    async def make_accounts(self):
        accounts, others = {}, []
        for name in self.scene.cast:
            local, at, host = self.bare(name).rpartition("@")
            if at and host == self.host:
                accounts[local] = None
            elif at and host == self.other_host and local not in others:
                others.append(local)
        if others:
            await self.other.add_accounts(self.other_host, others)
        for step in self.scene.steps:
            found = ONLY.fullmatch(step.sentence)
            if found:
                accounts[self.bare(found[1]).partition("@")[0]] = found[2]
        plain = [local for local, only in accounts.items() if only is None]
        if plain:
            await self.server.add_accounts(self.host, plain)
        lines = [import_line(local, PASSWORD, only) for local, only in accounts.items() if only]
        if lines:
            await self.server.ctl("user", "import", self.host, "--verifiers", stdin="".join(lines))
