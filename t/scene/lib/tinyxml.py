# SPDX-License-Identifier: MIT
"""tinyxml: a strict reader for XML streams, and for the XML written in scenes.

Not the server's parser, on purpose: what the server writes is judged by other code than
the code it reads with. Only what RFC 6120 allows is understood; all else is an XmlError.
"""

import codecs
import re

CLIENT = "jabber:client"
STREAMS = "http://etherx.jabber.org/streams"
XML = "http://www.w3.org/XML/1998/namespace"

WHOLE_TAG = re.compile(r"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""")
ATTRIBUTE = r"""\s+([^\s=/><"']+)\s*=\s*("[^"<]*"|'[^'<]*')"""
TAG = re.compile(r"""<(/?)([^\s/>=<"']+)((?:%s)*)\s*(/?)>\Z""" % ATTRIBUTE.replace("(", "(?:"))
ENTITY = re.compile(r"&([^;&]*);?")
ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class XmlError(Exception):
    """The other side wrote something that is not the XML we allow."""


class Elem:
    """An element: namespace, name, attributes (namespaced ones as "{ns}name"), children."""

    __slots__ = ("ns", "name", "attrs", "children", "absent")

    def __init__(self, ns, name, attrs=None, children=None):
        self.ns, self.name = ns, name
        self.attrs = attrs or {}
        self.children = children if children is not None else []
        self.absent = False         # in a pattern: no such child may be there

    def elements(self):
        return [c for c in self.children if isinstance(c, Elem)]

    def find(self, name, ns=None):
        for child in self.elements():
            if child.name == name and (ns is None or child.ns == ns):
                return child
        return None

    @property
    def text(self):
        return "".join(c for c in self.children if isinstance(c, str))

    def get(self, name):
        return self.attrs.get(name)

    def pretty(self, around=CLIENT, depth=0):
        """Indented text, for people."""
        pad = "  " * depth
        head = self.name
        if self.ns != around:
            head += f' xmlns="{self.ns}"'
        for key, value in sorted(self.attrs.items()):
            head += f' {key.replace("{" + XML + "}", "xml:")}="{escape(value)}"'
        if self.absent:
            head = "!" + head
        kids, text = self.elements(), self.text.strip()
        if not kids:
            return f"{pad}<{head}>{escape(text)}</{self.name}>" if text else f"{pad}<{head}/>"
        lines = [f"{pad}<{head}>" + escape(text)]
        lines += [kid.pretty(self.ns, depth + 1) for kid in kids]
        return "\n".join(lines + [f"{pad}</{self.name}>"])


def escape(text):
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"),
                          ("'", "&apos;"), ("\t", "&#9;"), ("\n", "&#10;"), ("\r", "&#13;")):
        text = text.replace(plain, entity)
    return text


def unescape(text):
    def one(found):
        name = found.group(1)
        if not found.group(0).endswith(";"):
            raise XmlError(f"a bare & in {text[:60]!r}")
        if name in ENTITIES:
            return ENTITIES[name]
        number = re.fullmatch(r"#(?:x([0-9a-fA-F]+)|([0-9]+))", name)
        if not number:
            raise XmlError(f"entity &{name}; is not one of the five")
        char = chr(int(number[1], 16) if number[1] else int(number[2]))
        if NOT_XML.search(char):
            raise XmlError(f"&{name}; is no XML character")
        return char

    if NOT_XML.search(text):
        raise XmlError(f"a character that is not XML in {text[:60]!r}")
    if "]]>" in text:
        raise XmlError("]]> in text")
    return ENTITY.sub(one, text) if "&" in text else text


class Reader:
    """Feed it text; it yields ("open", elem), ("stanza", elem) and ("close", None).

    With `fragment`, there is no stream header around: every top-level element is a stanza.
    """

    def __init__(self, fragment=False, namespaces=None):
        self.buffer = ""
        self.path = []              # open elements: (qualified name, Elem, namespaces)
        self.started = False
        self.top = 0 if fragment else 1
        self.fragment = fragment
        self.namespaces = {"": CLIENT, "stream": STREAMS, "xml": XML} if fragment else {"xml": XML}
        self.namespaces.update(namespaces or {})
        self.decoder = codecs.getincrementaldecoder("utf-8")("strict")

    def feed_bytes(self, data):
        try:
            text = self.decoder.decode(data)
        except UnicodeDecodeError as error:
            raise XmlError(f"not UTF-8: {error}") from None
        return self.feed(text)

    def feed(self, text):
        self.buffer += text
        events = []
        while True:
            start = self.buffer.find("<")
            if start < 0:
                break
            self._text(self.buffer[:start])
            self.buffer = self.buffer[start:]
            size = self._markup(events)
            if not size:
                break
            self.buffer = self.buffer[size:]
        if "<" not in self.buffer and len(self.path) <= self.top:
            self._text(self.buffer)
            self.buffer = ""
        return events

    def _text(self, raw):
        if not raw:
            return
        if len(self.path) <= self.top:
            if raw.strip():
                raise XmlError(f"text between stanzas: {raw.strip()[:60]!r}")
            return
        self.path[-1][1].children.append(unescape(raw))

    def _markup(self, events):
        """Read one tag at the start of the buffer; its length, or 0 if more is needed."""
        if self.buffer.startswith("<?"):
            return self._declaration()
        if self.buffer.startswith("<!") and not self.fragment:
            raise XmlError(f"restricted XML: {self.buffer[:20]!r}")
        whole = WHOLE_TAG.match(self.buffer)
        if not whole:
            return 0
        tag = TAG.match(whole.group(0))
        if not tag:
            raise XmlError(f"not a tag: {whole.group(0)[:80]!r}")
        closing, name, attributes, empty = tag.groups()
        self.started = True
        if closing:
            self._end(name, events)
        else:
            self._start(name, attributes, events)
            if empty:
                self._end(name, events)
        return whole.end()

    def _declaration(self):
        end = self.buffer.find("?>")
        if end < 0:
            return 0
        if self.started or not re.match(r"<\?xml\s", self.buffer):
            raise XmlError(f"a processing instruction: {self.buffer[:20]!r}")
        self.started = True
        return end + 2

    def _start(self, qname, attributes, events):
        found = re.findall(ATTRIBUTE, attributes)
        scope = dict(self.path[-1][2] if self.path else self.namespaces)
        for key, value in found:
            if key == "xmlns" or key.startswith("xmlns:"):
                scope[key[6:]] = unescape(value[1:-1])
        attrs = {}
        for key, value in found:
            if key == "xmlns" or key.startswith("xmlns:"):
                continue
            prefix, colon, local = key.rpartition(":")
            full = "{%s}%s" % (self._lookup(scope, prefix), local) if colon else key
            if full in attrs:
                raise XmlError(f"attribute {key} twice")
            attrs[full] = unescape(value[1:-1])
        absent = self.fragment and qname.startswith("!")
        prefix, _, local = qname.lstrip("!").rpartition(":")
        elem = Elem(self._lookup(scope, prefix), local, attrs)
        elem.absent = absent
        if len(self.path) > self.top:
            self.path[-1][1].children.append(elem)
        self.path.append((qname, elem, scope))
        if len(self.path) == 1 and not self.fragment:
            events.append(("open", elem))

    @staticmethod
    def _lookup(scope, prefix):
        if prefix and prefix not in scope:
            raise XmlError(f"namespace prefix {prefix}: is not declared")
        return scope.get(prefix, "")

    def _end(self, qname, events):
        if not self.path or self.path[-1][0] != qname:
            raise XmlError(f"</{qname}> closes nothing")
        _, elem, _ = self.path.pop()
        if len(self.path) == self.top:
            events.append(("stanza", elem))
        elif not self.path:
            events.append(("close", None))


def fragment(text, namespaces=None):
    """All elements of a piece of XML, such as a block of a scene."""
    reader = Reader(fragment=True, namespaces=namespaces)
    found = [elem for _, elem in reader.feed(text)]
    if reader.path or reader.buffer.strip():
        raise XmlError("unfinished XML: " + text.strip()[:80])
    return found


def pieces(text, namespaces=None):
    """(element, its text) of each top-level element."""
    reader = Reader(fragment=True, namespaces=namespaces)
    found, current = [], ""
    for piece in re.findall(r"[^>]*>|[^>]+", text):
        current += piece
        for _, elem in reader.feed(piece):
            found.append((elem, current.strip()))
            current = ""
    if reader.path:
        raise XmlError("unfinished XML: " + text.strip()[:80])
    return found
