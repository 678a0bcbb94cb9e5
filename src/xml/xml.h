/* SPDX-License-Identifier: MIT */
/*
 * xml: expat to trees, with limits, and back. A struct xml_in is the small part that a stream
 * keeps; the expat parser is borrowed from the thread while an element is read (design §6, Idle
 * connections). This layer knows elements, not stanzas: what xml_next() gives goes into
 * stanza_from_tree() of xmpp/stanza.h.
 */
#ifndef XML_XML_H
#define XML_XML_H

#include <stonechat/stanza.h>
#include "base/buf.h"
#include "xml/tree.h"

struct xml_limits {
	uint32_t stanza_bytes;          /* of one first-level element */
	/* of one tag, and the header: 4 KiB before login, 16 after */
	uint32_t token_bytes;
	uint16_t depth, attributes;     /* 64, 64 */
	uint16_t namespaces;            /* declarations on one element: 32 */
	uint16_t name_bytes;            /* 256; a namespace may have four times as many */
};

enum xml_event {
	XML_MORE,               /* nothing complete; feed more */
	XML_HEADER,             /* <stream:stream …>: read xml_header() */
	XML_STANZA,             /* a first-level element: *arena and *root in it are yours */
	XML_FOOTER,             /* </stream:stream> */
	XML_BAD,                /* see xml_error(); the stream is over */
};

enum xml_error {
	XML_NOT_WELL_FORMED,            /* also illegal characters and bytes that are not UTF-8 */
	XML_RESTRICTED,                 /* DTD, PI, comment, entity: restricted-xml */
	XML_BAD_PREFIX,                 /* undeclared prefix: bad-namespace-prefix */
	XML_BAD_ENCODING,               /* encoding other than UTF-8: unsupported-encoding */
	XML_TOO_BIG,                    /* a limit: policy-violation */
	XML_BAD_FORMAT,                 /* text at the first level but white space: bad-format */
};

/* The opening tag as it came; strings live until the next xml_next(). NULL: attribute absent. */
struct xml_header {
	const char *ns, *name;          /* of the root: http://etherx.jabber.org/streams, stream */
	const char *content_ns;         /* default namespace declared on it */
	const char *from, *to, *id, *version, *lang;
	bool dialback;                  /* declares jabber:server:dialback */
};

/* The namespace of a first-level element that is in jabber:client on a stream with another content
 * namespace. Nobody handles it, so it ends as any unknown element does. */
#define XML_NS_FOREIGN "urn:stonechat:foreign-content"

struct xml_in;

struct xml_in *xml_in_new(const struct xml_limits *);   /* limits are lent, see xml_in_limits() */
void xml_in_free(struct xml_in **taken);
void xml_in_limits(struct xml_in *, const struct xml_limits *);
/* Forgets the stream (parser, namespaces); the next thing expected is a header. Unread bytes given
 * before are kept. */
void xml_in_restart(struct xml_in *);
/* STARTTLS: whatever came in plain is not to be trusted. */
void xml_in_drop_unread(struct xml_in *);
/* WebSocket: a stream without header, one element a frame (XML_MORE with bytes unread at the end of
 * a frame: not a whole element). */
void xml_in_framed(struct xml_in *);

/* Gives bytes; they are copied only as far as xml_next() has not used them when it returns
 * XML_MORE. Whoever stops asking before that calls xml_in_keep() before the bytes go away. */
void xml_in_feed(struct xml_in *, const char *bytes, size_t n);
void xml_in_keep(struct xml_in *);
/*
 * The next event. With XML_STANZA *arena is a fresh arena and *root the tree in it; otherwise
 * both are untouched. The stream's content namespace is SC_NS_CONTENT in the tree; at the first
 * level jabber:client becomes XML_NS_FOREIGN when it is not the stream's content namespace, and
 * jabber:server keeps its name (reliability X7). First-level elements of the content namespace
 * without xml:lang get the stream's.
 */
enum xml_event xml_next(struct xml_in *, struct sc_arena **arena, struct sc_elem **root);
const struct xml_header *xml_header(const struct xml_in *);
enum xml_error xml_error(const struct xml_in *);
const char *xml_error_text(const struct xml_in *);      /* a sentence for <text/> */

size_t xml_in_unread(const struct xml_in *);            /* bytes not yet used up (as events) */
uint64_t xml_in_total(const struct xml_in *);           /* bytes given since the start */
size_t xml_in_weight(const struct xml_in *);            /* beyond the struct; charged already */
/* Before the stream moves to another shard: gives up the borrowed parser, keeps unread bytes.
 * Always allowed; at rest on return. */
void xml_in_detach(struct xml_in *);
/* 10 s after the last byte of an unfinished element: gives up the held parser. The bytes are kept
 * and parsed once more when the element is complete. */
void xml_in_idle(struct xml_in *);
bool xml_in_holds_parser(const struct xml_in *);        /* xml_in_idle() has something to do */
void xml_thread_done(void);                             /* frees this thread's parsers */

/* Reads exactly one element from text with the same parser configuration and wide limits, as
 * xml_write() around SC_NS_CONTENT wrote it. False: not one element. */
bool xml_read(const char *text, size_t n, struct sc_arena **arena, struct sc_elem **root)
	SC_MUST_CHECK;

/* Writes an element into buf; around is the namespace in force (SC_NS_CONTENT inside a stream).
 * Escapes < > & ' " TAB LF CR as reliability.md X4 says. Not recursive. */
void xml_write(struct buf *, const struct sc_elem *, const char *around);
void xml_write_text(struct buf *, const char *, size_t);        /* escaped character data */
void xml_write_attr(struct buf *, const char *name, const char *value); /* " name='escaped'" */
void xml_write_value(struct buf *, const char *value);          /* "='escaped'" */
void xml_write_value_n(struct buf *, const char *value, size_t n);      /* "escaped" alone */
/* All attributes; not the one without namespace that is named skip (may be NULL). */
void xml_write_attrs(struct buf *, const struct sc_elem *, const char *skip);

#endif
