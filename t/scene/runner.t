#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The runner itself: XML, matching, SCRAM, reading scenes, and scenes on a fake server, also
those that must fail."""

import asyncio
import os
import sys

sys.dont_write_bytecode = True

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "lib"), os.path.join(HERE, "fake")]

import sasl  # noqa: E402
from client import Client  # noqa: E402
from fake import fake_server  # noqa: E402
from match import fits  # noqa: E402
from parse import SceneError, names_of, parse_scenes  # noqa: E402
from play import Play  # noqa: E402
from tap import Tap  # noqa: E402
from tinyxml import Reader, XmlError, fragment, pieces  # noqa: E402

tap = Tap()

# --- what the server may write, and what it may not

BAD_XML = ("<a>", "</a>", "<a></b>", "<a b=c/>", "<a b='1' b='2'/>", "<a>&nbsp;</a>", "<a>&#0;</a>",
           "<a>]]></a>", "<x:a/>", "<a>\x01</a>", "<a>&amp</a>", "text")
for text in BAD_XML:
    try:
        fragment(text)
        tap.line(False, f"refused: {text!r}")
    except XmlError:
        tap.line(True, f"refused: {text!r}")

for text in ("<!-- c -->", "<?pi?>", "<!DOCTYPE a>", "<![CDATA[x]]>"):
    reader = Reader()
    reader.feed("<s xmlns='x'>")
    try:
        reader.feed(text)
        tap.line(False, f"refused in a stream: {text}")
    except XmlError:
        tap.line(True, f"refused in a stream: {text}")

STREAM = "<?xml version='1.0'?><s:s xmlns='c' xmlns:s='st'><a x='&lt;>'>t&#228;<b/></a> <c/></s:s>"
whole = Reader().feed(STREAM)
reader, single = Reader(), []
for byte in STREAM.encode():
    single += reader.feed_bytes(bytes([byte]))
for events, how in ((whole, "at once"), (single, "byte by byte")):
    tap.line([k for k, _ in events] == ["open", "stanza", "stanza", "close"]
             and events[1][1].attrs == {"x": "<>"} and events[1][1].text == "t\u00e4"
             and events[1][1].elements()[0].ns == "c", f"a stream is read {how}")
tap.line([t for _, t in pieces("<a x='>'/> <b><c/></b>\n")] == ["<a x='>'/>", "<b><c/></b>"],
         "stanzas are cut apart")

# --- matching: wanted, got, exactly, fits

MATCHES = (
    ("<a/>", "<a x='1'><b/></a>", False, True),
    ("<a/>", "<a x='1'/>", True, False),
    ("<a x='1'/>", "<a x='2'/>", False, False),
    ("<a x='{any}'/>", "<a x='2'/>", False, True),
    ("<a x='{any}'/>", "<a/>", False, False),
    ("<a x='{none}'/>", "<a/>", False, True),
    ("<a x='{none}'/>", "<a x='1'/>", False, False),
    ("<a x='{n}' y='{n}'/>", "<a x='1' y='1'/>", False, True),
    ("<a x='{n}' y='{n}'/>", "<a x='1' y='2'/>", False, False),
    ("<a><b>{n}</b><c>{n}</c></a>", "<a><b>1</b><b>2</b><c>2</c></a>", False, True),
    ("<a><c/><b/></a>", "<a><b/><c/></a>", False, True),
    ("<a><c/><b/></a>", "<a><b/><c/></a>", True, False),
    ("<a><b/><b/></a>", "<a><b/></a>", False, False),
    ("<a><!b/></a>", "<a><c/></a>", False, True),
    ("<a><!b/></a>", "<a><b/></a>", False, False),
    ("<a><!b x='1'/></a>", "<a><b x='2'/></a>", False, True),
    ("<a xmlns='u'/>", "<a/>", False, False),
    ("<a>x {n} y</a>", "<a>x 7 y</a>", False, True),
    ("<a>x</a>", "<a>x </a>", False, False),
    ("<a/>", "<a>x</a>", True, False),
)
for want, got, strict, fit in MATCHES:
    names = fits(fragment(want)[0], fragment(got)[0], {}, strict)
    tap.line((names is not None) == fit,
             f"{want} {'fits' if fit else 'does not fit'} {got}{' exactly' if strict else ''}")
tap.line(fits(fragment("<a x='{n}'/>")[0], fragment("<a x='7'/>")[0], {}) == {"n": "7"},
         "a name is remembered")

# --- SCRAM, with the vectors of RFC 5802 and RFC 7677

for mechanism, nonce, first, proof, signature in (
        ("SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL",
         b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
         b"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="),
        ("SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO",
         b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
         b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
         b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")):
    scram = sasl.Scram(mechanism, "user", "pencil")
    scram.nonce, scram.bare = nonce, f"n=user,r={nonce}"
    tap.line(scram.challenge(first).endswith(proof), f"{mechanism}: the RFC's proof")
    try:
        scram.success(signature)
        tap.line(True, f"{mechanism}: the RFC's signature")
        scram.success(b"v=AAAA")
        tap.line(False, f"{mechanism}: a wrong signature")
    except sasl.SaslError:
        tap.line(True, f"{mechanism}: a wrong signature")

# --- HT, which t/unit/test_sasl_ht.c has the same values of, and the password's hash for XEP-0480

TOKEN = "WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm"
ht = sasl.HashedToken("user", TOKEN, ("tls-server-end-point", b"B" * 32))
tap.line(ht.first() == b"user\0" + bytes.fromhex(
    "2c5667cc276d428aab4a218e1f58ccee87b5e03c06b98f1e7c7657d19bd7c3f0"), "HT: the proof")
try:
    ht.success(bytes.fromhex("0ce9caa3a549fda9ea31ad4f0991b936781a998ace0489ab301ed2270831c7cf"))
    tap.line(True, "HT: the server's proof")
    ht.success(b"")
    tap.line(False, "HT: no proof")
except sasl.SaslError:
    tap.line(True, "HT: no proof")
tap.line(sasl.salted("sha1", "pencil", "QSXCR+Q6sek8bf92", 4096).hex() ==
         "1d96ee3a529b5a5f9e47c01f229a2cb8a6e15f7d", "SaltedPassword, as RFC 5802's example has it")

# --- reading scenes

tap.line(names_of("Romeo, Phone and Juliet") == ["Romeo", "Phone", "Juliet"], "names in a row")
for bad in ("Cast:\n  Romeo r@here\n", "Scene: x\n    <a/>\n", "Scene: x\nRomeo sends:\n\nX gets:\n",
            "Scene: x\nCast:\n  romeo r@here\n", "Scene: x\nServer: mine\n", "Scene: x\nFoo\n   a\n"):
    try:
        parse_scenes(bad)
        tap.line(False, f"not a scene: {bad!r}")
    except SceneError:
        tap.line(True, f"not a scene: {bad!r}")

two = parse_scenes("Scene: x\nXEP: 0001\nScene: y\nServer: own\nA gets nothing\n")
tap.line([s.title for s in two] == ["x", "y"] and two[0].proves == ["XEP-0001"]
         and two[1].proves == [] and two[1].own_server and len(two[1].steps) == 1,
         "two scenes in a file")

# --- hosts in XML and in words

HOSTS = (("<m to='r@here/x'>come here</m>", "<m to='r@h.test/x'>come here</m>"),
         ("<m to='here' from=\"rooms.here\"/>", "<m to='h.test' from=\"rooms.h.test\"/>"),
         ("<jid>r@here</jid><a b='there\u2019s' c='where'/>",
          "<jid>r@h.test</jid><a b='there\u2019s' c='where'/>"))
stage = Play(parse_scenes("Scene: x\n")[0], None, "h.test")
for text, want in HOSTS:
    tap.line(stage.named(text) == want, f"hosts are put into {text}", stage.named(text))
tap.line(stage.here("user add r@here") == "user add r@h.test", "and into words")

# --- whole scenes

CAST = "Scene: x\nCast:\n  Romeo romeo@here/a\n  Juliet juliet@here/b\n"
ONLINE = CAST + "Given Romeo and Juliet are online\n"
HELLO = "Romeo sends:\n  <message to='juliet@here'><body>hi</body></message>\n"
PLAYS = (
    (True, "hello", ONLINE + HELLO + "Juliet gets:\n  <message from='romeo@here/a'>"
                                     "<body>hi</body></message>\nJuliet gets nothing\n"),
    (False, "another text", ONLINE + HELLO + "Juliet gets:\n  <message><body>ho</body></message>\n"),
    (False, "something instead of nothing", ONLINE + HELLO + "Juliet gets nothing\n"),
    (False, "nothing instead of something", ONLINE + "Juliet gets:\n  <message/>\n"),
    (False, "a second stanza", ONLINE + HELLO + HELLO + "Juliet gets:\n  <message/>\n"
                                                        "Juliet gets nothing\n"),
    (False, "more than exactly", ONLINE + HELLO + "Juliet gets exactly:\n  <message/>\n"),
    (True, "any order", ONLINE + HELLO + HELLO.replace("hi", "ho") + "Juliet gets, in any order:\n"
     "  <message><body>ho</body></message>\n  <message><body>hi</body></message>\n"),
    (False, "any order, one missing", ONLINE + HELLO + "Juliet gets, in any order:\n"
     "  <message><body>ho</body></message>\n"),
    (True, "many times", ONLINE + HELLO.replace("sends:", "sends 20 times:").replace("hi", "{n}")
     + "Juliet gets 20 times:\n  <message><body>{n}</body></message>\n"),
    (False, "no such sentence", ONLINE + "Romeo dances\n"),
    (False, "nobody of that name", ONLINE + "Tybalt gets nothing\n"),
    (False, "a scene that checks nothing", ONLINE + HELLO),
    (True, "stream error", ONLINE + "Romeo sends raw:\n  <foo/>\n"
     "Romeo gets stream error unsupported-stanza-type\nRomeo's stream is closed\n"),
    (False, "another stream error", ONLINE + "Romeo sends raw:\n  <foo/>\n"
     "Romeo gets stream error not-well-formed\n"),
    (False, "time on a shared server", ONLINE + "When 5 minutes pass\nRomeo gets nothing\n"),
)


async def play_all():
    server = await fake_server()
    Client.until.__defaults__ = Client.next.__defaults__ = (0.5,)
    for i, (good, what, text) in enumerate(PLAYS):
        try:
            play = Play(parse_scenes(text)[0], server, f"s{i}.fake.test")
            results = await play.run()
            passed = all(ok for ok, _, _ in results)
            tap.line(passed == good, f"{'passes' if good else 'fails'}: {what}",
                     "\n".join(w for _, _, w in results))
        except SceneError as error:
            tap.line(not good, f"fails: {what}", str(error))


asyncio.run(play_all())
sys.exit(tap.finish())
