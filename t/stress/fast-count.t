#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A token's count is used once (XEP-0484 §3.4), though many logins on four shards try at the same moment."""

import asyncio
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "t", "scene", "lib"))

from client import Client  # noqa: E402
from tap import Tap  # noqa: E402

ROUNDS, AT_ONCE = 20, 7
DEVSERVER = os.path.join(ROOT, "contrib", "devserver")
AGENT = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"
REQUEST = "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>"
tap = Tap()


async def login(client, mechanism, secret, asked):
    await client.authenticate2(mechanism, secret, AGENT + asked)
    return client.queue.pop(0)


async def one_round(number, c2s):
    """How many of those with the same count get in. Addresses differ, or who fails often would be slowed."""
    clients = [Client("count.test", {"c2s": c2s}, f"user{number}", None, f"127.21.{number}.{i + 1}")
               for i in range(AT_ONCE + 1)]
    for client in clients:
        await client.secure_stream()
    first, *others = clients
    success = await login(first, "PLAIN", "secret", REQUEST)
    token = success.find("token").get("token")
    answers = await asyncio.gather(*[login(client, "HT-SHA-256-NONE", token,
                                           "<fast xmlns='urn:xmpp:fast:0' count='1'/>") for client in others])
    for client in clients:
        client.transport.abort()
    return [answer.name for answer in answers].count("success")


async def main(c2s):
    winners = [await one_round(number, c2s) for number in range(ROUNDS)]
    tap.line(winners == [1] * ROUNDS, f"{ROUNDS} times {AT_ONCE} logins with the same count: one gets in",
             "" if winners == [1] * ROUNDS else str(winners))


folder = tempfile.mkdtemp(prefix="count.")
os.chmod(folder, 0o755)
up = subprocess.run([DEVSERVER, "up", "--dir", folder, "--domain", "count.test", "--users", str(ROUNDS), "--password",
                     "secret", "--shards", "4"], capture_output=True, text=True)
if up.returncode:
    print("Bail out! " + up.stderr.replace("\n", " "))
    sys.exit(1)
try:
    asyncio.run(main(int(dict(line.split("=", 1) for line in up.stdout.splitlines())["c2s"])))
finally:
    subprocess.run([DEVSERVER, "down", "--dir", folder, "--delete"], capture_output=True)
sys.exit(tap.finish())
