#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""OpenSSL's s_client below, which tells the keying material of RFC 9266: logins that are bound to
the connection by tls-exporter, SCRAM-SHA-256-PLUS and HT-SHA-256-EXPR. Python's ssl has none."""

import base64
import os
import re
import select
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "scene", "lib"))

import sasl  # noqa: E402

ENV = {name: os.environ["INTEROP_" + name] for name in ("C2S", "DOMAIN", "PASSWORD", "FIRST", "CA")}
USER = "user" + ENV["FIRST"]
AGENT = "d4565fa7-4d72-4749-b3d3-740edbf87770"
HEADER = ("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
          f"version='1.0' to='{ENV['DOMAIN']}' from='{USER}@{ENV['DOMAIN']}'>")


def ok(good, text, why=""):
    print(("ok " if good else "not ok ") + text, flush=True)
    if not good:
        print("#", why)


class Connection:
    def __init__(self, version):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", "127.0.0.1:" + ENV["C2S"], "-starttls", "xmpp",
             "-xmpphost", ENV["DOMAIN"], "-servername", ENV["DOMAIN"], "-CAfile", ENV["CA"], version,
             "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32", "-ign_eof"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.text = ""
        key = self.until(r"Keying material: ([0-9A-F]{64})")
        self.binding = ("tls-exporter", bytes.fromhex(key[1]))

    def until(self, pattern):
        end = time.time() + 20
        while not (found := re.search(pattern, self.text, re.S)):
            left = end - time.time()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise RuntimeError(f"no {pattern} in {self.text[-500:]}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise RuntimeError(f"the end, and no {pattern} in {self.text[-500:]}")
            self.text += piece.decode()
        self.text = self.text[found.end():]
        return found

    def write(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def login(self, mechanism, name, asked):
        first = base64.b64encode(mechanism.first()).decode()
        self.write(f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='{name}'><initial-response>"
                   f"{first}</initial-response><user-agent id='{AGENT}'/>{asked}</authenticate>")
        found = self.until(r"<(challenge|success|failure) xmlns='urn:xmpp:sasl:2'>(.*?)</\1>")
        if found[1] == "challenge":
            answer = base64.b64encode(mechanism.challenge(base64.b64decode(found[2]))).decode()
            self.write(f"<response xmlns='urn:xmpp:sasl:2'>{answer}</response>")
            found = self.until(r"<(success|failure) xmlns='urn:xmpp:sasl:2'>(.*?)</\1>")
        if found[1] == "success":
            data = re.search(r"<additional-data>(.*?)</additional-data>", found[2])
            mechanism.success(base64.b64decode(data[1]))
        return found[1], found[2]

    def close(self):
        self.process.kill()
        self.process.wait()


def bound(name, secret, binding):
    """The runner's mechanisms bind to the end point; with the exporter they do the same."""
    if name.startswith("HT-"):
        return sasl.HashedToken(USER, secret, binding)
    return sasl.Scram(name, USER, secret, binding)


def main(version):
    one = Connection(version)
    one.write(HEADER)
    one.until(r"</stream:features>")
    said, inside = one.login(bound("SCRAM-SHA-256-PLUS", ENV["PASSWORD"], one.binding), "SCRAM-SHA-256-PLUS",
                             "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-EXPR'/>")
    ok(said == "success", f"{version}: SCRAM-SHA-256-PLUS with tls-exporter", inside)
    token = re.search(r"token='([^']+)'", inside)
    ok(token, f"{version}: a token for HT-SHA-256-EXPR", inside)

    two = Connection(version)
    # Header and login in one go, XEP-0509.
    two.write(HEADER)
    fast = "<fast xmlns='urn:xmpp:fast:0' count='1'/><bind xmlns='urn:xmpp:bind:0'/>"
    said, inside = two.login(bound("HT-SHA-256-EXPR", token[1], one.binding), "HT-SHA-256-EXPR", fast)
    ok(said == "failure" and "not-authorized" in inside, f"{version}: another connection's proof is refused", inside)
    said, inside = two.login(bound("HT-SHA-256-EXPR", token[1], two.binding), "HT-SHA-256-EXPR", fast)
    ok(said == "success" and "<bound" in inside, f"{version}: its own is not", inside)
    one.close()
    two.close()


try:
    main("-tls1_3")     # before that s_client exports without context, and RFC 9266 wants an empty one
except Exception as error:      # pylint: disable=broad-except
    ok(False, "the script ran to its end", repr(error))
print("done")
