# SPDX-License-Identifier: MIT
"""checker: from what a pair has written down to a verdict. What it can catch is shown by checker.t."""

from bisect import bisect_left
from collections import Counter

GRACE = 1.0             # s: an acknowledgement sent so shortly before the link broke may not have been heard, or not kept


class Verdict(Counter):
    """Counts, and for what must not be: sentences."""
    BAD = ("lost", "repeated", "mixed", "strange")

    def __init__(self):
        super().__init__()
        self.details = []

    def bad(self, what, when, text):
        self[what] += 1
        self.details.append((when, f"{what}: {text}"))

    def is_good(self):
        return not any(self[what] for what in Verdict.BAD)

    def add(self, other):
        self.update(other)
        self.details += other.details


def broke_soon_after(record, told):
    """Before the row could be deleted for good: while the database is away that takes until it is back."""
    limit = max([told + GRACE] + [until for since, until in record.outages if since - GRACE <= told <= until])
    at = bisect_left(record.losses, told)
    return at < len(record.losses) and record.losses[at] <= limit


def why_repeated(record, before):
    """Why a message may come again that has come before. None: no reason."""
    if before.session in record.refused:
        return "repeated_from_spool" if before.delayed else None
    if before.told is None:
        return "repeated_unacked"
    return "repeated_just_acked" if broke_soon_after(record, before.told) else None


def judge_repeats(record, seq, arrivals, verdict):
    """As many copies may be about as were sent; one that a session has got may come again in another if there is a reason."""
    free = [None] + ["repeated_resent"] * record.again.get(seq, 0)
    given = []
    for n, d in enumerate(arrivals):
        if n > 0 and d.session != arrivals[n - 1].session:
            free += [why for why in (why_repeated(record, before) for before in given) if why is not None]
            given = []
        given.append(d)
        if free:
            verdict[free.pop(0)] += 1
            continue
        all_ = ", ".join(f"{a.session} {a.time - d.time:+.3f} ({'untold' if a.told is None else f'told {a.told - d.time:+.3f}'})"
                         for a in arrivals)
        verdict.bad("repeated", d.time, f"{record.name}:{seq} came {all_}; sent {record.sent[seq] - d.time:+.3f}, "
                    f"again {record.again.get(seq, 0)} times")


def judge_order(record, verdict):
    seen, greatest = set(), 0
    for d in record.got:
        if d.seq in seen:
            continue
        seen.add(d.seq)
        if d.seq > greatest:
            greatest = d.seq
        elif record.again.get(d.seq):
            verdict["late_resent"] += 1                 # its sender's stream broke in between: another stream, another order
        elif any(record.sent[d.seq] <= until and d.time >= since for since, until in record.forgotten):
            verdict["late_forgotten"] += 1              # it slept with a session that nobody resumed
        else:
            verdict.bad("mixed", d.time, f"{record.name}:{d.seq} after {greatest}, sent {d.time - record.sent[d.seq]:.2f} s before")


def judge(record):
    verdict, arrivals = Verdict(), {}
    for d in record.got:
        arrivals.setdefault(d.seq, []).append(d)
    verdict.update(sent=len(record.sent), acknowledged=len(record.acked), delivered=len(arrivals), resent=sum(record.again.values()))
    for seq, text in record.errors.items():
        if isinstance(seq, str):
            verdict.bad("strange", 0, f"{record.name}: {seq}: {text}")
        else:
            verdict["refused"] += 1
            verdict["refused_delivered"] += seq in arrivals
    for seq, when in record.acked.items():
        if seq not in arrivals and seq not in record.errors:
            verdict.bad("lost", when, f"{record.name}:{seq} was sent {when - record.sent[seq]:.2f} s before its acknowledgement")
    for seq, list_ in arrivals.items():
        if seq not in record.sent:
            verdict.bad("strange", list_[0].time, f"{record.name}:{seq} was never sent")
        elif len(list_) > 1:
            judge_repeats(record, seq, list_, verdict)
    for d in [d for d in record.got if d.seq not in record.sent]:
        record.got.remove(d)
    judge_order(record, verdict)
    return verdict
