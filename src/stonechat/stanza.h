/* SPDX-License-Identifier: MIT */
/*
 * stanza: one first-level element of a stream as a tree, with its addresses parsed, in an arena of
 * its own. A stanza has one owner and may be changed until it is sealed; then it is shared,
 * immutable and counted. `struct sc_stanza **` takes ownership and nulls the pointer; `const struct
 * sc_stanza *` lends.
 */
#ifndef STONECHAT_STANZA_H
#define STONECHAT_STANZA_H

#pragma GCC visibility push(default)

#include <stonechat/jid.h>

/* The content namespaces jabber:client, jabber:server, jabber:component:accept are one inside the
 * server. */
#define SC_NS_CONTENT "jabber:client"
#define SC_NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define SC_NS_DELAY "urn:xmpp:delay"

enum sc_kind { SC_MESSAGE, SC_PRESENCE, SC_IQ, SC_NONZA };

/* One list for the three kinds; which values occur with which kind is RFC 6121 §4.7.1, §5.2.2 and
 * RFC 6120 §8.2.3. */
enum sc_type {
	SC_TYPE_NORMAL, SC_TYPE_CHAT, SC_TYPE_GROUPCHAT, SC_TYPE_HEADLINE,
	SC_TYPE_AVAILABLE, SC_TYPE_UNAVAILABLE, SC_TYPE_SUBSCRIBE, SC_TYPE_SUBSCRIBED,
	SC_TYPE_UNSUBSCRIBE, SC_TYPE_UNSUBSCRIBED, SC_TYPE_PROBE,
	SC_TYPE_GET, SC_TYPE_SET, SC_TYPE_RESULT,
	SC_TYPE_ERROR,
};

/* Stanza error conditions, RFC 6120 §8.3.3. The default error type of each is the RFC's. */
enum sc_cond {
	SC_COND_BAD_REQUEST, SC_COND_CONFLICT, SC_COND_FEATURE_NOT_IMPLEMENTED, SC_COND_FORBIDDEN,
	SC_COND_GONE,
	SC_COND_INTERNAL, SC_COND_ITEM_NOT_FOUND, SC_COND_JID_MALFORMED, SC_COND_NOT_ACCEPTABLE,
	SC_COND_NOT_ALLOWED, SC_COND_NOT_AUTHORIZED, SC_COND_POLICY_VIOLATION,
	SC_COND_RECIPIENT_UNAVAILABLE,
	SC_COND_REDIRECT, SC_COND_REGISTRATION_REQUIRED, SC_COND_REMOTE_SERVER_NOT_FOUND,
	SC_COND_REMOTE_SERVER_TIMEOUT, SC_COND_RESOURCE_CONSTRAINT, SC_COND_SERVICE_UNAVAILABLE,
	SC_COND_SUBSCRIPTION_REQUIRED, SC_COND_UNDEFINED, SC_COND_UNEXPECTED_REQUEST,
};

struct sc_elem;
struct sc_stanza;

/* --- reading; everything returned is lent and lives as long as the stanza --- */
enum sc_kind sc_kind(const struct sc_stanza *);
enum sc_type sc_type(const struct sc_stanza *);
const char *sc_id(const struct sc_stanza *);                    /* NULL: none */
/* set by the server on everything that came from a stream */
const struct sc_jid *sc_from(const struct sc_stanza *);
const struct sc_jid *sc_to(const struct sc_stanza *);           /* NULL: none */
const char *sc_lang(const struct sc_stanza *);                  /* xml:lang, NULL: none */
const struct sc_elem *sc_root(const struct sc_stanza *);
/* first child */
const struct sc_elem *sc_find(const struct sc_stanza *, const char *ns, const char *name);
/* an IQ's first child element that is not <error/> */
const struct sc_elem *sc_payload(const struct sc_stanza *);
struct sc_arena *sc_stanza_arena(struct sc_stanza *);           /* not after sealing */

/* Of any element, in a stanza or not (implemented in xml/tree.c). */
const char *sc_ns(const struct sc_elem *);
const char *sc_name(const struct sc_elem *);
bool sc_is(const struct sc_elem *, const char *ns, const char *name);   /* NULL element: false */
/* attribute without namespace; NULL: none */
const char *sc_attr(const struct sc_elem *, const char *name);
const char *sc_attr_ns(const struct sc_elem *, const char *ns, const char *name);
/* NULL name: any of that ns */
const struct sc_elem *sc_child(const struct sc_elem *, const char *ns, const char *name);
const struct sc_elem *sc_first(const struct sc_elem *);         /* first child element */
const struct sc_elem *sc_next(const struct sc_elem *);          /* next sibling element */
/* The text directly inside, all pieces joined; "" when there is none. Allocates only when there are
 * several pieces. */
const char *sc_text_in(struct sc_arena *, const struct sc_elem *);

/* --- making and changing; only the owner, only before sealing --- */
struct sc_stanza *sc_stanza_new(enum sc_kind, enum sc_type, const struct sc_jid *from,
	const struct sc_jid *to,
	const char *id);                                        /* copies its arguments; yours */
struct sc_stanza *sc_stanza_copy(const struct sc_stanza *);     /* a changeable deep copy; yours */
/* drops one reference; NULL inside is fine */
void sc_stanza_free(struct sc_stanza **taken);
struct sc_elem *sc_stanza_root(struct sc_stanza *);             /* the root for changing */
void sc_set_from(struct sc_stanza *, const struct sc_jid *);    /* copies */
void sc_set_to(struct sc_stanza *, const struct sc_jid *);      /* NULL removes it */
void sc_set_id(struct sc_stanza *, const char *id);
void sc_set_type(struct sc_stanza *, enum sc_type);

/* Adds a child element at the end. ns NULL: that of the parent. Strings are copied. */
struct sc_elem *sc_add(struct sc_stanza *, struct sc_elem *parent, const char *ns,
	const char *name);
/* NULL removes */
void sc_set_attr(struct sc_stanza *, struct sc_elem *, const char *name, const char *value);
void sc_add_text(struct sc_stanza *, struct sc_elem *, const char *text);
/* Adds a child with text in one go. */
struct sc_elem *sc_add_with_text(struct sc_stanza *, struct sc_elem *parent, const char *ns,
	const char *name, const char *text);
/* Deep-copies an element of any stanza under parent. */
struct sc_elem *sc_add_copy(struct sc_stanza *, struct sc_elem *parent, const struct sc_elem *);
/* Copies a whole stanza under parent as <message xmlns='jabber:client' from= to= …> (XEP-0297
 * forwarding). */
struct sc_elem *sc_add_stanza(struct sc_stanza *, struct sc_elem *parent, const struct sc_stanza *);
/* Unlinks the children of the root for which the test says true; returns how many. */
int sc_remove_children(struct sc_stanza *, bool (*test)(const struct sc_elem *, void *arg),
	void *arg);
/* XEP-0203: adds <delay from= stamp=/>. */
void sc_add_delay(struct sc_stanza *, const struct sc_jid *by, int64_t wall_us);

/* An error answer to this stanza: addresses swapped, id kept, <error> with condition and (unless
 * NULL) text. NULL when the stanza must not be answered with an error: it is an error or an IQ
 * result itself (RFC 6120 §8.3.1). Yours. */
struct sc_stanza *sc_error_to(const struct sc_stanza *, enum sc_cond, const char *text);
/* The condition in an error stanza; SC_COND_UNDEFINED when there is none that we know. */
enum sc_cond sc_error_cond(const struct sc_stanza *);
const char *sc_cond_name(enum sc_cond);                         /* "bad-request" */
/* An empty IQ result for an IQ get or set. Yours. */
struct sc_stanza *sc_result_to(const struct sc_stanza *);

/* --- which messages matter (XEP-0160 §3, XEP-0313 §6.1.1, XEP-0334) --- */

/* It says something: not chat states, hints, ids, a delay or a thread alone. */
bool sc_has_content(const struct sc_stanza *message);
/* People would miss it later, on another device or having come late: it has content other than
 * events of pubsub nodes, or a <store/>; and no <no-store/> or <no-permanent-store/>. */
bool sc_worth_keeping(const struct sc_stanza *message);
/* The archive of an account keeps it, so the id that it is given (XEP-0359) can be found there:
 * worth keeping, and of type chat or normal. */
bool sc_for_archive(const struct sc_stanza *message);

/* --- sealing --- */
/* Freezes the stanza and makes its wire form; from now it may be shared between shards.
 * Idempotent. */
const struct sc_stanza *sc_seal(struct sc_stanza *);
/* One more reference to a sealed stanza. Any thread. */
struct sc_stanza *sc_ref(const struct sc_stanza *);
/* The whole stanza as text, in the arena; for storing it. *n (may be NULL) gets its length. */
char *sc_stanza_text(struct sc_arena *, const struct sc_stanza *, size_t *n);
/* Reads one back (from the database). NULL: not a stanza. Yours. */
struct sc_stanza *sc_stanza_read(const char *text, size_t n);

#pragma GCC visibility pop

#endif
