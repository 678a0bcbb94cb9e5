#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Clients that never read, a pair that floods each other, and tags byte by byte: memory stays bounded and others do not notice."""

import base64
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
DEVSERVER = os.path.join(ROOT, "contrib", "devserver")
FULL = "--full" in sys.argv
SLOW = 10000 if FULL else 300
ROUNDS = 40 if FULL else 30
LIMIT = 768 if FULL else 256        # MiB
BODY = "x" * 4000
count = bad = 0


def ok(good, text, why=""):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {text}", flush=True)
    if not good and why:
        print("# " + str(why).replace("\n", "\n# "), flush=True)


class Client:
    """As little of a client as logs in: PLAIN without TLS."""

    def __init__(self, port, name, read_buffer=None):
        self.sock = socket.socket()
        if read_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read_buffer)
        self.sock.settimeout(60)
        self.sock.connect(("127.0.0.1", port))
        self.rest = b""
        header = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='bench.test' version='1.0' "
                  "xmlns:stream='http://etherx.jabber.org/streams'>")
        self.send(header)
        self.until(b"</stream:features>")
        login = base64.b64encode(f"\0{name}\0secret".encode()).decode()
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{login}</auth>")
        self.until(b"</success>")
        self.send(header)
        self.until(b"</stream:features>")
        self.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  "<resource>r</resource></bind></iq><presence/>")
        self.until(b"</iq>")

    def send(self, text):
        self.sock.sendall(text.encode())

    def until(self, mark):
        while mark not in self.rest:
            got = self.sock.recv(65536)
            if not got:
                raise EOFError("the server closed the stream: " + self.rest[-300:].decode(errors="replace"))
            self.rest += got
        self.rest = self.rest[self.rest.index(mark) + len(mark):]


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmRSS"))


def status(ctl, word):
    said = subprocess.run([os.path.join(os.environ.get("STONECHAT_BUILD", os.path.join(ROOT, "build")),
                                        "stonechatctl"), "-s", ctl, "status"], capture_output=True, text=True)
    return next((line.split(":", 1)[1].strip() for line in said.stdout.splitlines()
                 if line.startswith(word + ":")), said.stderr)


class Latency(threading.Thread):
    """Two people who talk all the time; how long a message takes."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.a, self.b = Client(port, "user0"), Client(port, "user1")
        self.times, self.going = [], True

    def run(self):
        n = 0
        try:
            while self.going:
                n += 1
                begun = time.monotonic()
                self.a.send(f"<message to='user1@bench.test/r' type='chat'><body>n{n}.</body></message>")
                self.b.until(f"n{n}.</body>".encode())
                self.times.append(time.monotonic() - begun)
                time.sleep(0.02)
        except (OSError, EOFError) as error:
            self.times.append(999)
            print("# the talkers:", error)


def flood(client, to, rounds):
    """Sends until done, or until the server stops reading or ends the stream; both are fine."""
    client.sock.settimeout(5)
    try:
        for _ in range(rounds):
            client.send("".join(f"<message to='{jid}' type='chat'><body>{BODY}</body></message>" for jid in to))
    except OSError:
        pass


def dribble(port, seconds):
    """An unauthenticated peer that sends one tag byte by byte."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='bench.test' version='1.0' "
                     b"xmlns:stream='http://etherx.jabber.org/streams'><a b='")
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                sock.sendall(b"x")
        except OSError:
            pass


directory = tempfile.mkdtemp(prefix="stress.")
os.chmod(directory, 0o755)
server = os.path.join(directory, "s")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
try:
    ports = subprocess.run([DEVSERVER, "ports"], capture_output=True, text=True).stdout.strip()
    up = subprocess.run([DEVSERVER, "up", "--dir", server, "--ports", ports, "--domain", "bench.test", "--users",
                         str(SLOW + 20), "--password", "secret", "--plain", "--set", f"memory_limit={LIMIT}MiB",
                         "--set", "c2s.max_unauth_per_address=100000", "--set", "offline.max_messages=200"],
                        capture_output=True, text=True)
    facts = dict(line.split("=", 1) for line in up.stdout.splitlines() if "=" in line)
    ok(up.returncode == 0, "the server starts", up.stderr)
    port = int(facts["c2s"])
    talk = Latency(port)
    talk.start()
    slow = [Client(port, f"user{i + 10}", read_buffer=4096) for i in range(SLOW)]
    ok(True, f"{SLOW} clients are in and will not read")
    before = memory(facts["pid"])
    victims = [f"user{i + 10}@bench.test/r" for i in range(SLOW)]
    workers = []
    for k in range(4):
        sender = Client(port, f"user{k + 2}")
        workers.append(threading.Thread(target=flood, args=(sender, victims[k::4], ROUNDS)))
    pair = Client(port, "user6", 4096), Client(port, "user7", 4096)
    workers += [threading.Thread(target=flood, args=(pair[0], ["user7@bench.test/r"] * 50, 100)),
                threading.Thread(target=flood, args=(pair[1], ["user6@bench.test/r"] * 50, 100))]
    workers += [threading.Thread(target=dribble, args=(port, 5)) for _ in range(4)]
    for worker in workers:
        worker.start()
    peak, shed = before, set()
    while any(worker.is_alive() for worker in workers):
        peak = max(peak, memory(facts["pid"]))
        shed.add(status(facts["ctl"], "shedding"))
        time.sleep(0.5)
    talk.going = False
    talk.join()
    times = sorted(talk.times)
    print(f"# memory: {before} MiB before, {peak} MiB at most, limit {LIMIT}; shed: {sorted(shed)}")
    print(f"# latency of the others: p50 {times[len(times) // 2] * 1000:.1f} ms, p99 "
          f"{times[len(times) * 99 // 100] * 1000:.1f} ms, {len(times)} messages")
    ok(peak < LIMIT + 128, "memory stays near its limit", f"{peak} MiB")
    ok(times[len(times) * 99 // 100] < 2, "the others talk on", times[-5:])
    ok(os.path.exists(f"/proc/{facts['pid']}"), "the worker lives")
    ok(status(facts["ctl"], "state") == "ready", "it is ready", status(facts["ctl"], "state"))
finally:
    subprocess.run([DEVSERVER, "down", "--dir", server, "--delete"], capture_output=True)
    shutil.rmtree(directory, ignore_errors=True)
print(f"1..{count}")
sys.exit(1 if bad else 0)
