#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The checker of the crash tests catches planted loss, repetition and reordering, and excuses what it must."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from checker import judge  # noqa: E402
from pairs import Delivery, Record  # noqa: E402

N = 20
count = 0


def good():
    """N messages, one each 0.1 s, acknowledged 20 ms and delivered 10 ms later."""
    r = Record("a")
    for seq in range(1, N + 1):
        at = 100 + seq / 10
        r.sent[seq], r.acked[seq] = at, at + 0.02
        r.got.append(arrival(seq, at + 0.01, at + 0.015))
    return r


def arrival(seq, when, told, session="r/1"):
    d = Delivery(seq, when, session)
    d.told = told
    return d


def counts(what, plant, **expected):
    global count
    record = good()
    plant(record)
    verdict = judge(record)
    count += 1
    wrong = {k: verdict[k] for k in ("lost", "repeated", "mixed", "strange") if verdict[k] != expected.get(k, 0)}
    wrong |= {k: verdict[k] for k, v in expected.items() if verdict[k] != v}
    print(f"{'not ok' if wrong else 'ok'} {count} - {what}" + (f"\n# {wrong} {verdict.details}" if wrong else ""))


def lose(r):
    r.got.pop(7)


def lose_unacknowledged(r):
    del r.acked[r.got.pop(7).seq]


def lose_refused(r):
    r.errors[r.got.pop(7).seq] = "error"


def repeat(r, **more):
    r.got.append(arrival(**{"seq": 5, "when": 103, "told": 103, **more}))


def repeat_in_another(r):
    repeat(r, session="r/2")


def repeat_resent(r):
    r.again[5] = 1
    repeat(r)


def repeat_more_than_resent(r):
    repeat_resent(r)
    repeat(r, when=104)


def repeat_after_a_loss(r):
    r.losses = [r.got[4].told + 0.01]
    repeat_in_another(r)


def repeat_after_a_later_loss(r):
    r.losses = [r.got[4].told + 1.5]
    repeat_in_another(r)


def repeat_unacknowledged(r):
    r.got[4].told = None
    repeat_in_another(r)


def repeat_unacknowledged_in_one_session(r):
    r.got[4].told = None
    repeat(r)


def repeat_tried(r, delayed=True):
    r.got[4].told, r.got[4].delayed = None, delayed
    r.refused.add("r/1")
    repeat_in_another(r)


def two_copies_in_two_sessions(r):
    repeat_resent(r)
    r.got[4].told = r.got[-1].told = None
    repeat(r, session="r/2", when=104)
    repeat(r, session="r/2", when=104)


def three_copies_in_the_second(r):
    two_copies_in_two_sessions(r)
    repeat(r, session="r/2", when=104)


def repeat_in_an_outage(r):
    repeat_after_a_later_loss(r)
    r.outages = [(r.got[4].told - 0.5, r.got[4].told + 5)]


def swap(r):
    r.got[8], r.got[9] = r.got[9], r.got[8]


def late_and_forgotten(r):
    d = r.got.pop(4)
    d.time = 104
    r.got.append(d)
    r.forgotten = [(r.sent[d.seq] + 0.1, 103)]


def late_and_forgotten_before(r):
    late_and_forgotten(r)
    r.forgotten = [(90, 91)]


def invent(r):
    r.got.append(arrival(99, 104, 104))


counts("nothing wrong", lambda r: None)
counts("a lost message", lose, lost=1)
counts("one that nobody acknowledged is not lost", lose_unacknowledged)
counts("one that was refused is not lost", lose_refused, refused=1)
counts("a repeated message", repeat, repeated=1)
counts("repeated in another session", repeat_in_another, repeated=1)
counts("repeated because the sender did", repeat_resent, repeated_resent=1)
counts("repeated more often than the sender did", repeat_more_than_resent, repeated=1, repeated_resent=1)
counts("repeated because the link broke under the acknowledgement", repeat_after_a_loss, repeated_just_acked=1)
counts("repeated though the link broke much later", repeat_after_a_later_loss, repeated=1)
counts("repeated because nobody had acknowledged it", repeat_unacknowledged, repeated_unacked=1)
counts("repeated in one session is never right", repeat_unacknowledged_in_one_session, repeated=1)
counts("repeated because it had come from the spool, and the session could not be resumed", repeat_tried, repeated_from_spool=1)
counts("both copies again", two_copies_in_two_sessions, repeated_resent=1, repeated_unacked=2)
counts("and one too many", three_copies_in_the_second, repeated=1)
counts("repeated because there was no database to forget it", repeat_in_an_outage, repeated_just_acked=1)
counts("repeated though the server had heard of it in <resume/>", lambda r: repeat_tried(r, False), repeated=1)
counts("two in the wrong order", swap, mixed=1)
counts("late because it slept with a forgotten session", late_and_forgotten, late_forgotten=1)
counts("late, and the session was forgotten long before", late_and_forgotten_before, mixed=1)
counts("one that was never sent", invent, strange=1)
print(f"1..{count}")
