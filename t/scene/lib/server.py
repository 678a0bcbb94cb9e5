# SPDX-License-Identifier: MIT
"""server: where scenes are played. A Stonechat made by contrib/devserver, or any other
server that happens to run (`Peer`), which knows no administrator."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import tempfile

from client import PASSWORD, PATIENCE, SLOW

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__)))))
DEVSERVER = os.path.join(ROOT, "contrib", "devserver")


LIMIT = 120 * SLOW
ALARM = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:|worker.died|panic|assertion", re.I)


class ServerError(Exception):
    """The server cannot be had."""


async def run(*argv, stdin=None, limit=LIMIT):
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        out, err = await asyncio.wait_for(
            process.communicate(stdin.encode() if stdin is not None else None), limit)
    except asyncio.TimeoutError:
        with contextlib.suppress(ProcessLookupError):   # it may just have ended by itself
            process.kill()
        await process.wait()
        return 124, "", f"{os.path.basename(argv[0])} {' '.join(argv[1:])[:100]}: no answer"
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")


class Stonechat:
    """One server in a directory of its own."""

    def __init__(self, directory=None, domain="test", base=None, federation=None):
        """federation: (folder of the authority that both servers' certificates are of, domain and
        base of ports of the other server)."""
        self.made_here = directory is None
        self.dir = directory or tempfile.mkdtemp(prefix="scene.")
        if self.made_here:
            os.chmod(self.dir, 0o755)
        self.domain, self.base, self.federation = domain, base, federation
        self.running = False
        self.facts = {}
        self.ports = {}
        self.ctl_program = None
        self.has_test_hooks = None

    async def up(self, hosts=0, settings=(), host_settings=(), shards=0):
        argv = [DEVSERVER, "up", "--dir", self.dir, "--domain", self.domain, "--log",
                os.path.join(self.dir, "log")]
        if self.base:
            argv += ["--ports", str(self.base)]
        if self.federation:
            authority, domain, base = self.federation
            route = f"127.0.0.1 {base + 2}"
            argv += ["--s2s", authority, "--set",
                     f's2s.connect=["{domain} {route}", "*.{domain} {route}"]']
        if hosts:
            argv += ["--hosts", str(hosts)]
        if shards:
            argv += ["--shards", str(shards)]
        for key, value in settings:
            argv += ["--set", f"{key}={value}"]
        for host, key, value in host_settings:
            argv += ["--host-set", f"{host}:{key}={value}"]
        await self._devserver(argv)

    async def _devserver(self, argv):
        code, out, err = await run(*argv)
        if code:
            raise ServerError(err.strip() or out.strip())
        self.facts = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        self.ports = {k: int(v) for k, v in self.facts.items() if v.isdigit()}
        self.running = True

    def copy_state(self, other):
        """Start with the database of another server, which is stopped."""
        subprocess.run(["cp", "-a", os.path.join(other, "state"), self.dir], check=True)

    async def join(self):
        """A server that somebody else started."""
        await self._devserver([DEVSERVER, "status", "--dir", self.dir])
        self.domain = self.facts["domain"]

    async def down(self):
        """Ends it; what its log says of crashes, leaks and races, or that it did not end."""
        code, _, err = await run(DEVSERVER, "down", "--dir", self.dir)
        wrong = err.strip() if code else ""
        try:
            with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as file:
                lines = file.read().split("\n")
        except FileNotFoundError:           # it never was
            lines = []
        seen = set()
        for i, line in enumerate(lines):
            # A sanitizer says the same thing often: its last line tells them apart.
            last = next((s for s in lines[i:i + 80] if s.startswith("SUMMARY:")), line[25:])
            if ALARM.search(line) and last not in seen and len(seen) < 8:
                seen.add(last)
                wrong += "\n".join([""] + lines[i:i + 40])
        if self.made_here:
            await run(DEVSERVER, "down", "--dir", self.dir, "--delete")
            shutil.rmtree(self.dir, ignore_errors=True)
        return wrong

    async def stop(self):
        self.running = False
        await run(DEVSERVER, "down", "--dir", self.dir)

    async def start(self):
        await self._devserver([DEVSERVER, "start", "--dir", self.dir])

    async def restart(self):
        await self.stop()
        await self.start()

    async def kill(self):
        await run(DEVSERVER, "kill", "--dir", self.dir)
        await self._devserver([DEVSERVER, "start", "--dir", self.dir])

    async def ctl(self, *words, stdin=None, limit=LIMIT):
        """stonechatctl: (exit code, what it printed)."""
        if self.ctl_program is None:
            self.ctl_program = self._find_ctl()
        code, out, err = await run(self.ctl_program, "-s", self.facts["ctl"], *words, stdin=stdin,
                                   limit=limit)
        return code, out + err

    def _find_ctl(self):
        import json
        with open(os.path.join(self.dir, "devserver.json"), encoding="utf-8") as file:
            return json.load(file)["ctl_program"]

    async def add_accounts(self, host, names):
        lines = "".join(f"{name} {PASSWORD}\n" for name in names)
        code, out = await self.ctl("user", "import", host, stdin=lines)
        if code:
            raise ServerError(f"accounts could not be made: {out.strip()}")

    async def settle(self):
        """Mailboxes and queues are empty; False if the build has no test hooks."""
        if self.has_test_hooks is not False:
            code, out = await self.ctl("test", "settle", limit=PATIENCE)
            if code in (1, 2) and ("unknown" in out.lower() or "no command" in out.lower()
                                   or "no such" in out.lower()):
                self.has_test_hooks = False
            else:
                self.has_test_hooks = True
        return self.has_test_hooks

    async def test(self, *words):
        code, out = await self.ctl("test", *words)
        if code:
            raise ServerError(f"test {' '.join(words)}: {out.strip()}")

    def log_tail(self, lines=15):
        try:
            with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""


async def free_base():
    code, out, err = await run(DEVSERVER, "ports")
    if code:
        raise ServerError(err.strip())
    return int(out)


async def pair(domain, other_domain):
    """Two servers, not up yet, that will know and trust each other."""
    first, second = Stonechat(domain=domain), Stonechat(domain=other_domain)
    authority = os.path.join(first.dir, "authority")
    first.base = await free_base()
    second.base = first.base
    while second.base == first.base:
        second.base = await free_base()
    first.federation = (authority, other_domain, second.base)
    second.federation = (authority, domain, first.base)
    return first, second


class Peer:
    """Some other server on loopback, with accounts that are there already."""

    has_test_hooks = False

    def __init__(self, ports, domain, make_accounts=None):
        self.ports, self.domain, self.make_accounts = ports, domain, make_accounts

    async def add_accounts(self, host, names):
        if self.make_accounts:
            self.make_accounts(host, names)

    async def settle(self):
        return False

    async def down(self):
        pass

    async def _cannot(self, *_words, **_more):
        raise ServerError("this server has no such means")

    ctl = test = restart = kill = _cannot

    def log_tail(self, lines=15):
        return ""
