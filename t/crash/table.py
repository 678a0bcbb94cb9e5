# SPDX-License-Identifier: MIT
"""table: what a run has shown, for people."""

ROWS = (
    ("sent", "messages sent"),
    ("acknowledged", "acknowledged by the server (XEP-0198 `h`)"),
    ("delivered", "delivered at least once"),
    ("refused", "answered with an error"),
    ("refused_delivered", "of these delivered nevertheless"),
    ("resent", "sent again by their sender, after a resumption had failed"),
    ("lost", "**acknowledged and never delivered**"),
    ("repeated", "**delivered twice, without a reason below**"),
    ("mixed", "**out of order within a pair**"),
    ("strange", "**never sent, somebody else's, or an impossible `h`**"),
    ("repeated_resent", "delivered twice because the sender had sent twice"),
    ("repeated_unacked", "delivered twice because the client had not acknowledged and bound anew"),
    ("repeated_just_acked", "… or had acknowledged less than a second before the link broke, and bound anew"),
    ("repeated_from_spool", "… or had named it in a `<resume/>` that was refused"),
    ("late_resent", "late because their sender had to send them again"),
    ("late_forgotten", "late because they slept with a session that an app had forgotten"),
)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def table(verdict, blows, nuisances, resumptions, times, seconds):
    lines = ["| what | number |", "|---|---|"]
    lines += [f"| {text} | {verdict[key]} |" for key, text in ROWS]
    lines += ["", "| blow | times |", "|---|---|"]
    lines += [f"| {name.replace('_', ' ')} | {n} |" for name, n in sorted(blows.items())]
    lines += ["", "| nuisance | times |", "|---|---|"]
    lines += [f"| {name.replace('_', ' ')} | {n} |" for name, n in sorted(nuisances.items())]
    lines += ["", "| SIGKILL until the first login | times | median | 95 % | longest |", "|---|---|---|---|---|"]
    for kind, values in sorted(times.items()):
        lines.append(f"| of the {kind} | {len(values)} | {percentile(values, 0.5):.2f} s | {percentile(values, 0.95):.2f} s | {max(values):.2f} s |")
    bound, resumed, refused = resumptions
    lines += ["", f"Sessions bound {bound}, resumed {resumed}, resumption refused {refused}; {seconds:.0f} s."]
    return "\n".join(lines)
