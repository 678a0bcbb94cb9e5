/* SPDX-License-Identifier: MIT */
/* flow_client: sessions without streams. What is written to them is kept and read as XML; what they
 * feed is parsed as a stream would. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "base/buf.h"
#include "core/entity.h"
#include "core/route.h"
#include "core/session.h"
#include "flow_inside.h"
#include "plugin/hook.h"
#include "xml/xml.h"
#include "xmpp/stanza.h"

struct line {
	struct line *next;
	char *text;
};

struct client {
	struct client *next;
	struct flow *flow;
	char *jid;
	int home;
	struct sc_session *session;             /* counted; NULL: its stream has ended */
	struct sc_session *last;                /* the same, counted, to look at afterwards */
	struct entity_wait wait;
	bool bound, refused;
	struct buf out;                         /* what left for it and was not looked at */
	struct buf pending;                     /* what the kernel has not taken */
	size_t room;                            /* so much more leaves */
	bool paused;
	char *closed;
	struct line *in, **in_last;             /* not yet fed */
	int fed;
	struct xml_in *xml;
};

static const struct xml_limits wide = { 1 << 24, 1 << 20, 1000, 1000, 1000, 10000 };

/* --- session_ops --- */

static void
take_up(struct client *c, const char *bytes, size_t n)
{
	size_t now = n < c->room ? n : c->room;

	buf_add(&c->out, bytes, now);
	if (c->room != SIZE_MAX)
		c->room -= now;
	if (n > now)
		buf_add(&c->pending, bytes + now, n - now);
}

static void
op_write(void *stream, const char *bytes, size_t n)
{
	struct client *c = stream;

	if (c->pending.n > 0)
		buf_add(&c->pending, bytes, n);
	else
		take_up(c, bytes, n);
}

static size_t
op_waiting(const void *stream)
{
	const struct client *c = stream;

	return c->session != NULL ? c->pending.n : SIZE_MAX;
}

static void
stream_ends(struct client *c)
{
	struct sc_session *s = c->session;

	c->session = NULL;
	if (s == NULL)
		return;
	session_end(s);
	session_unref(s);
}

/* As a stream does it: what is queued goes out first, then our last words, and everything that hung
 * on it is gone. */
static void
op_close(void *stream, const char *condition, const char *text)
{
	struct client *c = stream;

	(void)text;
	if (c->closed != NULL || c->session == NULL)
		return;
	c->closed = strdup(condition);
	session_flush_dirty();
	session_landed(c->session);
	stream_ends(c);
}

/* The link is dead: nothing is said any more. */
static void
op_drop(void *stream)
{
	struct client *c = stream;
	struct sc_session *s = c->session;

	if (s == NULL)
		return;
	session_landed(s);
	c->session = NULL;
	session_lost(s);
	session_unref(s);
}

static void
op_pause(void *stream)
{
	((struct client *)stream)->paused = true;
}

static void
op_resume(void *stream)
{
	((struct client *)stream)->paused = false;
}

static const char *
op_peer(const void *stream)
{
	(void)stream;
	return "flow";
}

static const struct session_ops client_ops = { .write = op_write, .waiting = op_waiting,
	.close = op_close, .drop = op_drop,
	.pause = op_pause, .resume = op_resume, .peer = op_peer };

/* --- binding --- */

static void
bound(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	struct client *c = ctx->arg;

	ctx_free(ctx);
	if (verdict != SC_PASS) {
		c->refused = true;
		stream_ends(c);
	} else {
		session_start(c->session);
		c->bound = true;
	}
	route_run();
}

static void
account_there(struct entity_wait *w, struct sc_entity *e)
{
	struct client *c = container_of(w, struct client, wait);
	struct sc_ctx *ctx;
	struct sc_ev_session *ev;
	struct sc_arena *arena;
	struct sc_span resource;
	struct sc_session *old;

	if (e->state != ENTITY_READY) {
		c->refused = true;
		return;
	}
	arena = arena_new();
	resource = sc_jid_resource(sc_jid(arena, c->jid));
	old = sc_session_by_resource(e, resource);
	if (old != NULL)
		session_replace(old);
	c->session = c->last = session_new(e, resource, &client_ops, c);
	session_ref(c->session);
	session_ref(c->session);
	arena_free(arena);
	ctx = ctx_new(e->host, e, c->session);
	ev = sc_alloc(sc_arena(ctx), sizeof *ev);
	ev->session = c->session;
	ctx->payload = ev;
	ctx->arg = c;
	ctx->finished = bound;
	hook_run(ctx, SC_EV_session_bound, SC_PHASE_CHECK, SC_PHASE_FALLBACK);
}

static void
bind_now(void *arg)
{
	struct client *c = arg;
	struct sc_arena *arena = arena_new();
	const struct sc_jid *jid = sc_jid(arena, c->jid);
	struct sc_entity *e = entity_get(sc_host_find(sc_jid_domain(jid)), sc_jid_bare(arena, jid));

	arena_free(arena);
	entity_ref(e);
	c->wait.loaded = account_there;
	entity_when_loaded(e, &c->wait);
	entity_unref(e);
	route_run();
}

struct client *
bind_client(struct flow *f, const char *full_jid)
{
	struct client *c = calloc(1, sizeof *c);
	char *bare = strndup(full_jid, strcspn(full_jid, "/"));

	sc_assert(c != NULL);
	if (!flow_account_exists(bare))
		account(f, bare);
	c->flow = f;
	c->jid = strdup(full_jid);
	c->home = shard_of(f, bare);
	c->room = SIZE_MAX;
	c->in_last = &c->in;
	c->xml = xml_in_new(&wide);
	buf_text(&c->out, "<stream:stream xmlns='jabber:client' "
		"xmlns:stream='http://etherx.jabber.org/streams'>");
	c->next = f->clients;
	f->clients = c;
	free(bare);
	on_shard(f, c->home, bind_now, c);
	run(f);
	return c;
}

struct client *
come(struct flow *f, const char *full_jid)
{
	struct client *c = bind_client(f, full_jid);

	feed(c, "<presence/>");
	run(f);
	forget(c);
	return c;
}

/* --- feeding --- */

void
feed(struct client *c, const char *stanza, ...)
{
	struct line *l = calloc(1, sizeof *l);
	va_list args;

	va_start(args, stanza);
	sc_assert(l != NULL && vasprintf(&l->text, stanza, args) > 0);
	va_end(args);
	*c->in_last = l;
	c->in_last = &l->next;
}

static void
feed_one(struct client *c, const char *text)
{
	struct sc_arena *arena;
	struct sc_elem *root;
	struct sc_stanza *s;
	bool bad_from, bad_to;

	sc_assert(xml_read(text, strlen(text), &arena, &root));
	s = stanza_from_tree(arena, root);
	sc_assert(stanza_addresses(s, &bad_from, &bad_to));
	sc_set_from(s, sc_session_jid(c->session));
	session_input(c->session, &s);
}

static void
feed_waiting(struct client *c)
{
	while (c->in != NULL && c->session != NULL && c->bound && !c->paused) {
		struct line *l = c->in;

		c->in = l->next;
		if (c->in == NULL)
			c->in_last = &c->in;
		c->fed++;
		feed_one(c, l->text);
		free(l->text);
		free(l);
	}
}

void
flow_clients_feed(struct flow *f, int shard)
{
	for (struct client *c = f->clients; c != NULL; c = c->next)
		if (c->home == shard)
			feed_waiting(c);
}

bool
flow_clients_wait(const struct flow *f)
{
	for (const struct client *c = f->clients; c != NULL; c = c->next)
		if (c->in != NULL && c->session != NULL && c->bound && !c->paused)
			return true;
	return false;
}

/* --- what may happen to a client --- */

static void
hang_up_now(void *arg)
{
	op_drop(arg);
	route_run();
}

void
hang_up(struct client *c)
{
	on_shard(c->flow, c->home, hang_up_now, c);
}

void
read_only(struct client *c, size_t bytes)
{
	c->room = bytes;
}

static void
drained_now(void *arg)
{
	struct client *c = arg;
	struct buf pending = c->pending;

	c->pending = (struct buf){ 0 };
	take_up(c, pending.p, pending.n);
	buf_free(&pending);
	if (c->session != NULL && c->pending.n == 0)
		session_drained(c->session);
	route_run();
}

void
read_on(struct client *c)
{
	c->room = SIZE_MAX;
	if (c->pending.n > 0)
		on_shard(c->flow, c->home, drained_now, c);
	run(c->flow);
}

void
count_handled(struct client *c)
{
	c->last->prefix.counts = true;
}

uint32_t
handled(struct client *c)
{
	return c->last->prefix.handled;
}

bool
is_paused(const struct client *c)
{
	return c->paused;
}

const char *
closed_with(const struct client *c)
{
	return c->closed;
}

struct sc_session *
session_of(const struct client *c)
{
	return c->session;
}

int
inbox_of(const struct client *c)
{
	return c->last->n_inbox;
}

int
fed_so_far(const struct client *c)
{
	return c->fed;
}

int
queued(const struct client *c)
{
	return (int)c->last->outq.n;
}

const char *
jid_of(const struct client *c)
{
	return c->jid;
}

int
home_shard(const struct client *c)
{
	return c->home;
}

/* --- what it saw --- */

static char *
describe(const struct sc_stanza *s)
{
	static const char *const presences[] = { [SC_TYPE_AVAILABLE] = "available",
		[SC_TYPE_UNAVAILABLE] = "unavailable",
		[SC_TYPE_SUBSCRIBE] = "subscribe", [SC_TYPE_SUBSCRIBED] = "subscribed",
		[SC_TYPE_UNSUBSCRIBE] = "unsubscribe",
		[SC_TYPE_UNSUBSCRIBED] = "unsubscribed", [SC_TYPE_PROBE] = "probe" };
	struct sc_arena *arena = arena_new();
	const struct sc_elem *copy = sc_child(sc_child(sc_first(sc_root(s)), "urn:xmpp:forward:0",
		"forwarded"), SC_NS_CONTENT, "message");
	const struct sc_elem *body = sc_child(copy != NULL ? copy : sc_root(s),
		SC_NS_CONTENT, "body");
	char *text = NULL;
	int n;

	if (sc_type(s) == SC_TYPE_ERROR && sc_kind(s) == SC_IQ)
		n = asprintf(&text, "error %s %s", sc_id(s), sc_cond_name(sc_error_cond(s)));
	else if (sc_type(s) == SC_TYPE_ERROR)
		n = asprintf(&text, "error %s", sc_cond_name(sc_error_cond(s)));
	else if (sc_kind(s) == SC_MESSAGE)
		n = asprintf(&text, "%s%s", copy != NULL ? "copy of " : "",
			body != NULL ? sc_text_in(arena, body) : "(no body)");
	else if (sc_kind(s) == SC_PRESENCE)
		n = asprintf(&text, "%s %s", sc_from(s) != NULL ? sc_from(s)->text : "-",
			presences[sc_type(s)]);
	else
		n = asprintf(&text, "%s %s", sc_type(s) == SC_TYPE_GET ? "get"
			: sc_type(s) == SC_TYPE_SET ? "set" : "result", sc_id(s));
	arena_free(arena);
	sc_assert(n >= 0);
	return text;
}

/* The next stanza; NULL: no more. */
static struct sc_stanza *
next_stanza(struct client *c)
{
	struct sc_arena *arena = NULL;
	struct sc_elem *root = NULL;
	struct sc_stanza *s;
	bool bad_from, bad_to;

	for (;;) {
		switch (xml_next(c->xml, &arena, &root)) {
		case XML_STANZA:
			s = stanza_from_tree(arena, root);
			if (!stanza_addresses(s, &bad_from, &bad_to))
				flow_wrong("%s gets addresses that are none", c->jid);
			return s;
		case XML_HEADER:
			break;
		case XML_MORE:
			return NULL;
		default:
			flow_wrong("%s gets what is no XML", c->jid);
			return NULL;
		}
	}
}

/* In words, malloced. */
static char *
next_seen(struct client *c, bool *message)
{
	struct sc_stanza *s = next_stanza(c);
	char *text;

	if (s == NULL)
		return NULL;
	*message = sc_kind(s) == SC_MESSAGE;
	text = describe(s);
	sc_stanza_free(&s);
	return text;
}

static void
look(struct client *c)
{
	xml_in_feed(c->xml, c->out.p, c->out.n);
}

static void
looked(struct client *c)
{
	xml_in_keep(c->xml);
	c->out.n = 0;
}

/* All words joined, each with "; " behind it. */
static const char *
words(struct client *c, bool only_messages)
{
	static struct buf got;
	char *text;
	bool message = false;

	got.n = 0;
	look(c);
	while ((text = next_seen(c, &message)) != NULL) {
		if (message || !only_messages) {
			buf_text(&got, text);
			buf_text(&got, "; ");
		}
		free(text);
	}
	looked(c);
	buf_add(&got, "", 1);
	return got.p;
}

const char *
seen(struct client *c)
{
	return words(c, false);
}

const char *
bodies(struct client *c)
{
	return words(c, true);
}

const char *
wanted(const char *const *want)
{
	static struct buf all;

	all.n = 0;
	for (; *want != NULL; want++) {
		buf_text(&all, *want);
		buf_text(&all, "; ");
	}
	buf_add(&all, "", 1);
	return all.p;
}

bool
next_message(struct client *c, char id[32], bool *is_error)
{
	struct sc_stanza *s;
	bool found = false;

	look(c);
	while (!found && (s = next_stanza(c)) != NULL) {
		found = sc_kind(s) == SC_MESSAGE && sc_id(s) != NULL;
		if (found) {
			snprintf(id, 32, "%s", sc_id(s));
			*is_error = sc_type(s) == SC_TYPE_ERROR;
		}
		sc_stanza_free(&s);
	}
	looked(c);
	return found;
}

void
forget(struct client *c)
{
	char *text;
	bool message;

	look(c);
	while ((text = next_seen(c, &message)) != NULL)
		free(text);
	looked(c);
}

int
bodies_arrived(struct client *c)
{
	char *text;
	bool message = false;
	int n = 0;

	look(c);
	while ((text = next_seen(c, &message)) != NULL) {
		n += message;
		free(text);
	}
	looked(c);
	return n;
}

bool
bodies_rise(struct client *c, int first, int n)
{
	char *text;
	bool message = false, fine = true;
	int at = 0;

	look(c);
	while ((text = next_seen(c, &message)) != NULL) {
		if (message && atoi(text) != first + at++ && fine) {
			printf("# %s: message %d is %s\n", c->jid, first + at - 1, text);
			fine = false;
		}
		free(text);
	}
	looked(c);
	if (at != n)
		printf("# %s: %d messages, expected %d\n", c->jid, at, n);
	return fine && at == n;
}

/* --- the end --- */

static void
let_go(void *arg)
{
	struct client *c = arg;

	stream_ends(c);
	route_run();
	if (c->last != NULL)
		session_unref(c->last);
	c->last = NULL;
}

void
flow_clients_end(struct flow *f)
{
	for (struct client *c = f->clients; c != NULL; c = c->next)
		on_shard(f, c->home, let_go, c);
}

void
flow_clients_free(struct flow *f)
{
	while (f->clients != NULL) {
		struct client *c = f->clients;

		f->clients = c->next;
		while (c->in != NULL) {
			struct line *l = c->in;

			c->in = l->next;
			free(l->text);
			free(l);
		}
		xml_in_free(&c->xml);
		buf_free(&c->out);
		buf_free(&c->pending);
		free(c->closed);
		free(c->jid);
		free(c);
	}
}
