#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""profanity in tmux: a person at a terminal, talking to somebody who uses slixmpp."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE]
from report import done, ok, server  # noqa: E402

import slixmpp  # noqa: E402

HOME = tempfile.mkdtemp(prefix="interop.")
TMUX = ["tmux", "-S", os.path.join(HOME, "tmux"), "-f", "/dev/null"]


def tmux(*words):
    return subprocess.run([*TMUX, *words], capture_output=True, text=True, timeout=10).stdout


def typed(text):
    tmux("send-keys", "-t", "p", "-l", text)
    tmux("send-keys", "-t", "p", "Enter")


def screen():
    return tmux("capture-pane", "-p", "-t", "p")


async def shows(text, seconds=15):
    for _ in range(seconds * 10):
        if text in screen():
            return True
        await asyncio.sleep(0.1)
    return False


def start_profanity():
    environment = dict(os.environ, HOME=HOME, XDG_CONFIG_HOME=HOME + "/config",
                       XDG_DATA_HOME=HOME + "/data", LANG="C.UTF-8", LC_ALL="C.UTF-8",
                       TERM="xterm-256color")
    subprocess.run([*TMUX, "new-session", "-d", "-s", "p", "-x", "140", "-y", "40", "profanity"],
                   env=environment, check=True)


class Friend(slixmpp.ClientXMPP):
    def __init__(self, number):
        super().__init__(f"user{number}@{server('DOMAIN')}/friend", server("PASSWORD"))
        self.ca_certs = server("CA")
        self.inbox = asyncio.Queue()
        self.ready = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.got)

    def got(self, message):
        # Typing notifications have no text.
        if message["body"]:
            self.inbox.put_nowait(message)

    async def started(self, _event):
        await self.get_roster()
        self.send_presence()
        self.ready.set_result(True)


async def main():
    me, other = server("FIRST"), server("FIRST") + 1
    friend = Friend(other)
    friend.connect(("127.0.0.1", server("C2S")))
    await asyncio.wait_for(friend.ready, 20)

    start_profanity()
    ok(await shows("Profanity"), "profanity starts", screen())
    typed(f"/connect user{me}@{server('DOMAIN')} server 127.0.0.1 port {server('C2S')} tls trust")
    await shows("Enter password", 5)
    typed(server("PASSWORD"))
    ok(await shows("logged in successfully"), "login", screen())

    typed(f"/msg user{other}@{server('DOMAIN')} good morrow")
    message = await asyncio.wait_for(friend.inbox.get(), 15)
    ok(message["body"] == "good morrow", "what is typed arrives", message["body"])
    message.reply("is the day so young").send()
    ok(await shows("is the day so young"), "what is answered is shown", screen())

    typed(f"/sub request user{other}@{server('DOMAIN')}")
    for _ in range(100):
        if friend.client_roster[f"user{me}@{server('DOMAIN')}"]["subscription"] == "both":
            break
        await asyncio.sleep(0.1)
    ok(friend.client_roster[f"user{me}@{server('DOMAIN')}"]["subscription"] in ("both", "from"),
       "a subscription asked for by hand")
    typed("/quit")
    await friend.disconnect()


try:
    asyncio.get_event_loop().run_until_complete(asyncio.wait_for(main(), 90))
except Exception as error:  # whatever it was, the screen tells more
    ok(False, "the script ran to its end", f"{error!r}\n# " + screen().replace("\n", "\n# "))
finally:
    tmux("kill-server")
    shutil.rmtree(HOME, ignore_errors=True)
done()
