/* SPDX-License-Identifier: MIT */
/*
 * stanza: the inside of struct sc_stanza and its wire form, for xmpp/, core/ and stream/ only.
 */
#ifndef XMPP_STANZA_H
#define XMPP_STANZA_H

#include <stdatomic.h>
#include <stonechat/stanza.h>
#include "base/arena.h"
#include "base/buf.h"
#include "xml/tree.h"

/*
 * Bytes of a sealed stanza with the cuts (design §6 Serialise once). For the message
 *   <message from='a' type='chat'><body>x</body></message>
 * name_end points behind "<message", to_at where " to='…'" is spliced in, tail_at before
 * "</message>". The bytes never hold a "to"; an empty element is written as open and close tag so
 * that the tail exists.
 */
struct wire {
	const char *p;
	uint32_t n, name_end, to_at, tail_at;
};

struct sc_stanza {
	struct sc_arena *arena;         /* this struct lives in it */
	struct sc_elem *root;
	const struct sc_jid *from, *to;
	const char *id, *lang;
	/* of a readdressed one: whose tree and wire it shows, owned */
	struct sc_stanza *base;
	struct wire wire;               /* filled by sc_seal */
	_Atomic int refs;
	uint8_t kind, type;             /* enum sc_kind, enum sc_type */
	bool sealed;
	/* type= had a value that the RFC does not know: messages are treated as normal, the others
	 * deserve bad-request */
	bool bad_type;
};

/* Wraps a parsed tree: reads kind, type, id, lang; addresses are left to stanza_addresses(). Takes
 * the arena. */
struct sc_stanza *stanza_from_tree(struct sc_arena *taken, struct sc_elem *root);
/* Parses from= and to= of the tree. False: one of them is no JID (bad_from / bad_to tell). */
bool stanza_addresses(struct sc_stanza *, bool *bad_from, bool *bad_to) SC_MUST_CHECK;
/* Appends the wire bytes for one recipient: to may be empty; patch (may be empty) goes before the
 * end tag; framed adds xmlns='jabber:client' after the name (WebSocket). */
void stanza_splice(struct buf *, const struct sc_stanza *, struct sc_span to, struct sc_span patch,
	bool framed);
/* The same sealed stanza for another recipient: shares tree and wire bytes with it and keeps it
 * alive. The root's "to" attribute stays the old one, sc_to() says the new. Yours. */
struct sc_stanza *stanza_readdress(const struct sc_stanza *sealed, const struct sc_jid *to);
size_t stanza_weight(const struct sc_stanza *);         /* allocated bytes */
void stanza_thread_done(void);                          /* frees the thread's scratch buffer */

#endif
