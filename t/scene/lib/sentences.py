# SPDX-License-Identifier: MIT
"""sentences: what each sentence of a scene does. The table at the end is the language;
README.md lists the same sentences for readers."""

import asyncio
import os
import re

from client import NS_ERRORS, NS_SM, Unexpected, presence
from match import fits, fits_text, side_by_side
from parse import NAME, NAMES, SceneError, names_of
from tinyxml import STREAMS, Reader, fragment

NS_ROSTER = "jabber:iq:roster"
NS_MUC = "http://jabber.org/protocol/muc"
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


# --- the boring set-up ----------------------------------------------------------------------


async def given_online(play, names, priority=None):
    for name in names_of(names):
        await come_online(play, play.client(name), priority)
    await play.drain()


async def given_only(_play, **_words):
    """Done when the accounts are made."""


async def given_connected(play, names):
    for name in names_of(names):
        await play.client(name).login()
    await play.drain()


async def given_contacts(play, names):
    """Both subscribe to each other, through sessions that are gone afterwards."""
    accounts = {}
    for name in names_of(names):
        accounts.setdefault(play.bare(name), name)
    pairs = [(a, b) for i, a in enumerate(accounts) for b in list(accounts)[i + 1:]]
    await with_setup_sessions(play, accounts, lambda sessions: befriend(sessions, pairs))


async def given_follows(play, name, other):
    """The subscription one way: name sees the presence of other."""
    accounts = {play.bare(name): name, play.bare(other): other}
    pair = list(accounts)
    await with_setup_sessions(play, accounts, lambda sessions: subscribe(sessions, *pair))


async def with_setup_sessions(play, accounts, work):
    sessions = {}
    for bare, name in accounts.items():
        session = sessions[bare] = play.new_client(name)
        await session.login("scene-set-up")
        await session.ask(f"<iq type='get'><query xmlns='{NS_ROSTER}'/></iq>")
        session.write("<presence/>")
    await work(sessions)
    for session in sessions.values():
        await session.settled()
        session.write("<presence type='unavailable'/>")
        await session.close()
    await play.drain()


async def befriend(sessions, pairs):
    for a, b in pairs:
        await subscribe(sessions, a, b)
        await subscribe(sessions, b, a)
        await roster_says(sessions[a], b, "both")
        await roster_says(sessions[b], a, "both")


async def subscribe(sessions, a, b):
    """a asks, b says yes."""
    sessions[a].write(f"<presence type='subscribe' to='{b}'/>")
    await sees(sessions[b], lambda e: e.get("type") == "subscribe" and e.get("from") == a,
               f"the request of {a}")
    sessions[b].write(f"<presence type='subscribed' to='{a}'/>")
    await roster_says(sessions[a], b, "to", "both")
    await roster_says(sessions[b], a, "from", "both")


async def sees(client, wanted, what):
    while True:
        elem = await client.next()
        if elem is None:
            raise Unexpected(f"{client.jid} did not get {what}")
        if wanted(elem):
            return


async def roster_says(client, contact, *subscriptions):
    for attempt in range(60):
        answer = await client.ask(f"<iq type='get'><query xmlns='{NS_ROSTER}'/></iq>")
        query = answer.find("query", NS_ROSTER)
        for item in query.elements() if query else ():
            if item.get("jid") == contact and item.get("subscription") in subscriptions:
                return
        await asyncio.sleep(0.01 * (attempt + 1) ** 0.5)
    raise Unexpected(f"{client.jid} has no subscription {'/'.join(subscriptions)} of {contact}")


async def given_in_room(play, names, room, nick=None):
    room = play.here(room)
    for name in names_of(names):
        client = play.client(name)
        if not client.jid or client.gone:
            await come_online(play, client, None)
        me = f"{room}/{nick or name}"
        client.write(f"<presence to='{me}'><x xmlns='{NS_MUC}'/></presence>")
        await joined(client, room, me)
    await play.drain()


async def joined(client, room, me):
    while True:
        elem = await client.next()
        if elem is None or elem.get("type") == "error" and (elem.get("from") or "").startswith(room):
            raise Unexpected(f"{client.jid} could not join: {client.describe(elem)}")
        user = elem.find("x", NS_MUC + "#user")
        if elem.name != "presence" or elem.get("from") != me or not user:
            continue
        codes = {s.get("code") for s in user.elements() if s.name == "status"}
        if "201" in codes:
            await client.ask(f"<iq type='set' to='{room}'><query xmlns='{NS_MUC}#owner'>"
                             "<x xmlns='jabber:x:data' type='submit'/></query></iq>")
        return


# --- coming and going -------------------------------------------------------------------------


async def come_online(play, client, priority, resource=None):
    await client.login(resource)
    client.echo = client.jid
    client.write(presence(priority))
    await client.settled()


async def when_connects(play, names, resource=None, priority=None, without=None):
    for name in names_of(names):
        client = play.idle_client(name)
        await play.others_settled(client)
        if without:
            await client.login(resource)
        else:
            await come_online(play, client, priority, resource)


async def when_disconnects(play, names):
    for name in names_of(names):
        await play.others_settled(None)
        await play.client(name).close()


async def when_vanishes(play, names):
    for name in names_of(names):
        await play.others_settled(None)
        await play.client(name).vanish()


async def when_resumes(play, names):
    for name in names_of(names):
        await play.others_settled(play.client(name))
        await play.client(name).resume()


async def when_resumes_other(play, name, other):
    client = play.idle_client(name)
    await play.others_settled(client)
    await client.resume(play.client(other))


async def cannot_log_in(play, name, condition, password=None, mechanism=None):
    client = play.idle_client(name)
    await client.secure_stream()
    words = {k: v for k, v in (("password", password), ("wanted", mechanism)) if v}
    refused = await client.authenticate(**words)
    play.ok(refused == condition, f"expected {condition}, got {refused or 'success'}")
    await client.vanish()


# --- stanzas ------------------------------------------------------------------------------------


async def sends(play, names, block, times=None):
    for name in names_of(names):
        client = play.client(name)
        await play.others_settled(client)
        for n in range(int(times or 1)):
            client.send(play.filled(block, n + 1))


async def sends_raw(play, name, block):
    client = play.client(name)
    await play.others_settled(client)
    text = play.filled("\n".join(line.strip() for line in block.strip().split("\n")))
    data = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())
    client.write(data)


async def gets(play, names, block, how="", times=None):
    check = {"": in_order, " exactly": exactly, ", in any order": any_order}[how]
    for name in names_of(names):
        client = play.client(name)
        for n in range(int(times or 1)):
            await check(play, client, fragment(play.named(block, n + 1)))
            if play.failed:
                return
        play.ok(True)


async def in_order(play, client, wanted, strict=False):
    for want in wanted:
        if want.ns == NS_SM and want.name in ("r", "a"):
            await gets_ack(play, client, want)
            continue
        got = await client.next()
        names = fits(want, got, play.names, strict) if got is not None else None
        if names is None:
            play.ok(False, side_by_side(want.pretty(), client.describe(got)))
            return
        play.names = names


async def exactly(play, client, wanted):
    await in_order(play, client, wanted, strict=True)


async def any_order(play, client, wanted):
    left = list(wanted)
    while left:
        got = await client.next()
        for want in left:
            names = fits(want, got, play.names) if got is not None else None
            if names is not None:
                play.names = names
                left.remove(want)
                break
        else:
            play.ok(False, side_by_side("\n".join(w.pretty() for w in left),
                                        client.describe(got)))
            return


async def gets_ack(play, client, want):
    """Acknowledgements pass everything, and any number of them may come."""
    found = []

    def there():
        while client.acks:
            found.append(client.acks.pop(0))
            if fits(want, found[-1], play.names) is not None:
                return True
        return client.gone
    await client.until(there)
    names = fits(want, found[-1], play.names) if found else None
    if names is None:
        play.ok(False, side_by_side(want.pretty(), "\n".join(f.pretty() for f in found) or
                                    client.describe()))
    else:
        play.names = names


async def gets_nothing(play, names):
    await play.everything_settled()
    for name in names_of(names):
        client = play.client(name)
        back = await client.settled()
        if client.queue:
            play.ok(False, side_by_side("(nothing)", client.queue[0].pretty()))
            client.queue.clear()
        elif not back or client.gone:
            play.ok(False, "no answer to a ping: " + client.describe())
        else:
            play.ok(True)


async def ignores(play, names):
    """What came so far is of no interest."""
    await play.everything_settled()
    for name in names_of(names):
        await play.client(name).settled()
        play.client(name).queue.clear()


async def acknowledges(play, names, stops=None):
    for name in names_of(names):
        play.client(name).acknowledges = not stops


# --- streams --------------------------------------------------------------------------------------


async def opens_connection(play, name, tls=None):
    await play.idle_client(name).connect(direct_tls=bool(tls))


async def opens_stream(play, name, tls=None, host=None):
    client = play.client(name)
    if client.transport is None or client.gone:
        client.sm = client.jid = None
        await client.connect(direct_tls=tls == " over direct TLS")
    await client.open_stream(play.here(host) if host else None)
    if tls == " over TLS":
        await client.start_tls()


async def starts_tls(play, name):
    await play.client(name).start_tls()


async def logs_in(play, name, mechanism=None, password=None):
    words = {k: v for k, v in (("password", password), ("wanted", mechanism)) if v}
    refused = await play.client(name).authenticate(**words)
    if refused:
        raise Unexpected(f"login refused: {refused}")


async def authenticates(play, name, block, mechanism, password=None, token=None):
    """XEP-0388; the block is what else is in <authenticate/>, and may be {nothing}."""
    secret = {"secret": password} if password else {}
    if token:
        secret["secret"] = play.filled("{%s}" % token)
    asked = "" if block.strip() == "{nothing}" else play.filled(block)
    await play.client(name).authenticate2(mechanism, asked=asked, **secret)


async def binds(play, name, resource=None):
    client = play.client(name)
    await client.bind(resource or client.wanted_resource)


async def is_offered(play, name, block, no=None):
    """New features may still be on their way, as after SASL2's success: waits for them a little."""
    client = play.client(name)
    for want in fragment(play.named(block)):
        for patience in range(40 * int(os.environ.get("SCENE_SLOW", "1"))):
            there = client.features.elements() if client.features else []
            fit = next((f for f in (fits(want, e, play.names) for e in there) if f is not None),
                       None)
            if bool(no) != (fit is not None) or client.gone:
                break
            await asyncio.sleep(0.05)
        if bool(no) == (fit is not None):
            return play.ok(False, side_by_side(("not " if no else "") + want.pretty(),
                                               client.features.pretty() if client.features
                                               else client.describe()))
        play.names = play.names if fit is None else fit
    return play.ok(True)


async def gets_header(play, name, block):
    client = play.client(name)
    await client.until(lambda: client.header is not None or client.gone)
    # A header is not closed, and its prefix is part of what is written.
    text = re.sub(r"/?>\s*$", "/>", play.named(block).strip())
    want = fragment(text)[0]
    names = fits(want, client.header, play.names) if client.header is not None else None
    play.names = names or play.names
    play.ok(names is not None, side_by_side(want.pretty(), client.describe(client.header)))


async def gets_stream_error(play, name, condition):
    client = play.client(name)
    got = await client.next()
    conditions = [c.name for c in got.elements() if c.ns == NS_ERRORS and c.name != "text"] \
        if got is not None and (got.ns, got.name) == (STREAMS, "error") else None
    play.ok(conditions == [condition] or condition == "{any}" and conditions is not None,
            side_by_side(f"stream error {condition}", client.describe(got)))


async def stream_closed(play, name):
    client = play.client(name)
    await client.until(lambda: client.gone)
    if client.queue:
        play.ok(False, side_by_side("(the stream is closed)", client.queue[0].pretty()))
    else:
        play.ok(client.gone, "the connection is still open")


async def stream_begins_again(play, name):
    """The scene did SASL by hand: the server's next bytes are a new stream."""
    play.client(name).reader = Reader()


async def closes_stream(play, name):
    play.client(name).write("</stream:stream>")


# --- time and faults ---------------------------------------------------------------------------------


async def time_passes(play, number, unit):
    play.needs_own_server()
    await play.everything_settled()
    for server in (play.server, play.other):
        if server and server.running:
            await server.test("clock", f"+{int(number) * SECONDS[unit]}")
    await play.everything_settled()


async def server_restarts(play, how):
    play.needs_own_server()
    await play.everything_settled()
    await (play.server.restart() if how == "restarts" else play.server.kill())
    for client in play.clients.values():
        if client.transport is not None:
            await client.until(lambda c=client: c.gone, 2)


async def other_server(play, how):
    play.needs_own_server()
    if not play.other:
        raise SceneError("the other server is there only when the scene speaks of `there`")
    if how != "starts":
        await play.everything_settled()
    await {"restarts": play.other.restart, "is killed": play.other.kill, "stops": play.other.stop,
           "starts": play.other.start}[how]()


async def server_reloads(play):
    await play.admin("reload")


async def database(play, how):
    play.needs_own_server()
    await play.server.test("db", "stop" if how == "stops" else "start")


async def database_slow(play, milliseconds):
    play.needs_own_server()
    await play.server.test("db", "delay", milliseconds)


# --- the administrator ---------------------------------------------------------------------------------


async def admin_runs(play, command):
    await play.everything_settled()
    code, out = await play.admin(command)
    play.ok(code == 0, f"exit code {code}\n{out}")


async def admin_cannot(play, command):
    code, out = await play.admin(command)
    play.ok(code != 0, f"it was done:\n{out}")


async def admin_sees(play, text):
    """Each line is somewhere in the output; runs of spaces count as one."""
    lines = [" ".join(line.split()) for line in play.admin_output.split("\n")]
    for want in play.named(text).split("\n"):
        want = " ".join(want.split())
        if not want:
            continue
        for line in lines:
            names = fits_text("{any}" + want + "{any}", line, play.names)
            if names is not None:
                play.names = names
                break
        else:
            return play.ok(False, side_by_side(want, play.admin_output.rstrip()))
    return play.ok(True)


async def admin_does_not_see(play, text):
    want = " ".join(play.filled(text).split())
    play.ok(want not in " ".join(play.admin_output.split()),
            side_by_side("not " + want, play.admin_output.rstrip()))


async def admin_sees_block(play, block):
    await admin_sees(play, block)


# --- the language -------------------------------------------------------------------------------------------


N, NN = rf"(?P<name>{NAME})", rf"(?P<names>{NAMES})"
IS = "(?:is|are)"
GIVEN, WHEN = "(?:Given )?", "(?:When )?"
WITH_PASSWORD = r"(?: with password (?P<password>\S+))?"

ONLY = re.compile(rf"Given ({NAME})'s account has only (SCRAM-SHA-(?:1|256|512))")

# (pattern, function): a sentence with a block has the parameter `block`.
SENTENCES = [(re.compile(pattern), function) for pattern, function in (
    (rf"Given {NN} {IS} online(?: with priority (?P<priority>-?\d+))?", given_online),
    (rf"Given {NN} {IS} connected", given_connected),
    (ONLY.pattern, given_only),
    (rf"Given {NN} are contacts", given_contacts),
    (rf"Given {N} (?:follows|is subscribed to) (?P<other>{NAME})", given_follows),
    (rf"Given {NN} {IS} in (?P<room>\S+@\S+)(?: as (?P<nick>\w+))?", given_in_room),

    (rf"{WHEN}{NN} connects?(?: with resource (?P<resource>\S+))?"
     r"(?: with priority (?P<priority>-?\d+))?(?P<without> without presence)?", when_connects),
    (rf"{WHEN}{NN} comes? online(?: with priority (?P<priority>-?\d+))?", when_connects),
    (rf"{WHEN}{NN} disconnects?", when_disconnects),
    (rf"{WHEN}{NN} vanish(?:es)?", when_vanishes),
    (rf"{WHEN}{NN} resumes?", when_resumes),
    (rf"{WHEN}{N} resumes (?P<other>{NAME})'s session", when_resumes_other),
    (rf"{N} cannot log in(?: by (?P<mechanism>[A-Z0-9-]+))?{WITH_PASSWORD}: (?P<condition>\S+)",
     cannot_log_in),

    (rf"{NN} sends?", sends),
    (rf"{NN} sends? (?P<times>\d+) times", sends),
    (rf"{N} sends raw", sends_raw),
    (rf"{NN} gets?(?P<how> exactly|, in any order|)", gets),
    (rf"{NN} gets? (?P<times>\d+) times", gets),
    (rf"{NN} gets? nothing", gets_nothing),
    (rf"{NN} ignores? what came", ignores),
    (rf"{NN} stops? (?P<stops>acknowledging)", acknowledges),
    (rf"{NN} acknowledges?(?: again)?", acknowledges),

    (rf"{WHEN}{N} opens a connection(?P<tls> over direct TLS)?", opens_connection),
    (rf"{WHEN}{N} opens a stream(?: to (?P<host>\S+))?(?P<tls> over TLS| over direct TLS)?",
     opens_stream),
    (rf"{WHEN}{N} starts TLS", starts_tls),
    (rf"{WHEN}{N} logs in(?: by (?P<mechanism>[A-Z0-9-]+))?{WITH_PASSWORD}", logs_in),
    (rf"{WHEN}{N} authenticates by (?P<mechanism>[A-Z0-9-]+){WITH_PASSWORD}"
     r"(?: with token (?P<token>\w+))?", authenticates),
    (rf"{WHEN}{N} binds(?: (?P<resource>\S+))?", binds),
    (rf"{WHEN}{N} closes the stream", closes_stream),
    (rf"{N} is (?P<no>not )?offered", is_offered),
    (rf"{N} gets a header", gets_header),
    (rf"{N} gets stream error (?P<condition>[a-z-]+|{{any}})", gets_stream_error),
    (rf"{N}'s stream is closed", stream_closed),
    (rf"{WHEN}{N}'s stream begins again", stream_begins_again),

    (rf"{WHEN}(?P<number>\d+) (?P<unit>second|minute|hour|day|week)s? pass(?:es)?", time_passes),
    (rf"{WHEN}the server (?P<how>restarts|is killed)", server_restarts),
    (rf"{WHEN}the other server (?P<how>restarts|is killed|stops|starts)", other_server),
    (rf"{WHEN}the server reloads", server_reloads),
    (rf"{WHEN}the database (?P<how>stops|starts)", database),
    (r"(?:Given|When) the database is slow by (?P<milliseconds>\d+) ?ms", database_slow),

    (r"Admin runs: (?P<command>.+)", admin_runs),
    (r"Admin cannot run: (?P<command>.+)", admin_cannot),
    (r"Admin sees: (?P<text>.+)", admin_sees),
    (r"Admin does not see: (?P<text>.+)", admin_does_not_see),
    (r"Admin sees", admin_sees_block),
)]

NEEDS_BLOCK = {sends, sends_raw, gets, is_offered, gets_header, admin_sees_block, authenticates}


def understand(step):
    """The function of a sentence, and its arguments."""
    for pattern, function in SENTENCES:
        found = pattern.fullmatch(step.sentence)
        if not found:
            continue
        arguments = {k: v for k, v in found.groupdict().items() if v is not None}
        if bool(step.block.strip()) != (function in NEEDS_BLOCK):
            continue
        if step.block.strip():
            arguments["block"] = step.block
        return function, arguments
    raise SceneError(f"no such sentence: {step.sentence!r}" +
                     (" with a block below" if step.block.strip() else ""))
