/* SPDX-License-Identifier: MIT */
/*
 * s2s_out: our own calls. A call goes from target to target (net/dial.h) until a stream has got
 * through: TLS, the certificate or our policy without one, SASL EXTERNAL or a dialback key,
 * XEP-0198. Then the stream carries the stanzas of its pair.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "base/clock.h"
#include "base/stats.h"
#include "core/route.h"
#include "core/shard.h"
#include "net/tls.h"
#include "net/tls_verify.h"
#include "stream/s2s.h"
#include "stream/s2s_inside.h"
#include "xmpp/ns.h"

struct s2s_call {
	struct link link;               /* of this shard */
	struct verify *verify;          /* NULL: for the stanzas of a pair */
	struct dial *dial;
	struct s2s *stream;             /* the attempt under way; NULL: dialling */
	char target[256];
	bool secure;                    /* the DNS proved the way to the target */
	const struct dial_tlsa *tlsa;   /* lent by dial */
	int n_tlsa;
	char why[256];                  /* what the last target did wrong; "": nothing yet */
	const char *local, *domain;     /* in text[] */
	char text[];
};

static _Thread_local struct link calls;

static void dialled(void *, const struct dial_result *);

static struct s2s_call *
call_new(const char *local, const char *domain)
{
	size_t l = strlen(local) + 1, d = strlen(domain) + 1;
	struct s2s_call *c = calloc(1, sizeof *c + l + d);
	struct sc_arena *arena = arena_new();
	struct dial_conf conf;

	sc_assert(c != NULL);
	c->local = memcpy(c->text, local, l);
	c->domain = memcpy(c->text + l, domain, d);
	if (calls.next == NULL)
		link_init(&calls);
	link_init(&c->link);
	link_append(&calls, &c->link);
	s2s_dial_conf(arena, c->domain, &conf);
	c->dial = dial_start(c->domain, &conf, dialled, c);
	arena_free(arena);
	return c;
}

static void
call_free(struct s2s_call *c)
{
	link_remove(&c->link);
	dial_free(&c->dial);
	free(c);
}

void
s2s_call_end(struct s2s_call **taken)
{
	struct s2s_call *c = *taken;
	struct s2s *s = c->stream;

	*taken = NULL;
	if (s != NULL) {
		s->call = NULL;
		s2s_close(s);
	}
	call_free(c);
}

void
s2s_out_connect(struct remote *r)
{
	(void)call_new(r->local, r->domain);
}

struct s2s_call *
s2s_call_to_verify(struct verify *v, const char *local, const char *domain)
{
	struct s2s_call *c = call_new(local, domain);

	c->verify = v;
	return c;
}

/* The pair that waits for this call; NULL: it does not any more. */
static struct remote *
remote_of(const struct s2s_call *c)
{
	struct remote *r = remote_find(c->local, c->domain);

	return r != NULL && r->state == REMOTE_CONNECTING ? r : NULL;
}

static void
failed(struct s2s_call *c, bool certain, const char *why)
{
	struct remote *r = c->verify == NULL ? remote_of(c) : NULL;
	/* What a server did that was reached says more than that no other was left. */
	const char *words = !certain && c->why[0] != '\0' ? c->why : why;

	if (r != NULL) {
		remote_failed(r, certain, words);
	} else if (c->verify != NULL) {
		c->verify->call = NULL;
		s2s_dialback_failed(c->verify, certain ? "remote-server-not-found" :
			c->why[0] != '\0' ? "remote-server-timeout" : "remote-connection-failed",
				words);
	}
	call_free(c);
	route_run();
}

static void
call_stream(struct s2s_call *c, const struct dial_result *d)
{
	struct s2s *s = s2s_new(c->verify != NULL ? S2S_VERIFY : S2S_OUT, d->fd,
		(const struct sockaddr *)&d->peer, d->peer_len);

	s->call = c;
	c->stream = s;
	s->local = strdup(c->local);
	s->domain = strdup(c->domain);
	s->direct_tls = d->direct_tls;
	snprintf(c->target, sizeof c->target, "%s", d->target);
	c->secure = d->secure;
	c->tlsa = d->tlsa;
	c->n_tlsa = d->n_tlsa;
	s2s_ref(s);
	if (s2s_tls_out() == NULL)
		s2s_drop(s, "This server cannot use TLS.");
	else if (s->direct_tls)
		conn_start_tls_client_as(s->conn, s2s_tls_out(), s->local, s->domain,
			"xmpp-server");
	else
		s2s_send_header(s);
	s2s_unref(s);
}

static void
dialled(void *arg, const struct dial_result *d)
{
	struct s2s_call *c = arg;

	if (d->end != DIAL_CONNECTED)
		failed(c, d->end == DIAL_NOT_FOUND, d->why);
	else
		call_stream(c, d);
	route_run();
}

void
s2s_out_gone(struct s2s *s)
{
	struct s2s_call *c = s->call;

	s->call = NULL;
	c->stream = NULL;
	if (s->why != NULL)
		snprintf(c->why, sizeof c->why, "%s", s->why);
	if (shard.stopping)
		failed(c, false, "This server ends.");
	else
		dial_next(c->dial);
}

/* --- TLS and the certificate --- */

/* False: the stream has been ended. */
static bool
certificate_is_good(struct s2s *s)
{
	const struct s2s_call *c = s->call;
	char why[256] = "";

	switch (tls_verify_peer(s->conn, s->domain, c->secure ? c->target : NULL, c->tlsa,
		c->n_tlsa, why, sizeof why)) {
	case TLS_PROOF_CERTIFICATE:
		s->certificate = S2S_BY_CERTIFICATE;
		return true;
	case TLS_PROOF_DANE:
		s->certificate = S2S_BY_DANE;
		return true;
	default:
		break;
	}
	if (s->kind == S2S_VERIFY || s2s_policy_for(s->domain) == S2S_DIALBACK)
		return true;
	STAT_INC(s2s_refused);
	s2s_why(s, "The certificate of %.80s does not prove %.80s: %.90s", c->target, s->domain,
		why);
	s2s_close(s);
	return false;
}

void
s2s_out_secured(struct s2s *s)
{
	if (s->call != NULL && certificate_is_good(s))
		s2s_send_header(s);
}

/* --- the header and features --- */

static void
not_usable(struct s2s *s, const char *why)
{
	s2s_why(s, "%s", why);
	s2s_close(s);
}

void
s2s_out_header(struct s2s *s, const struct xml_header *h)
{
	free(s->peer_id);
	s->peer_id = h->id != NULL ? strdup(h->id) : NULL;
	s->peer_dialback = h->dialback;
	s2s_move(s, S2S_OPEN);
	if (h->version == NULL || strtol(h->version, NULL, 10) < 1)
		not_usable(s, "The other server speaks no XMPP 1.0, so no TLS.");
	else if (s->peer_id != NULL && strlen(s->peer_id) > 256)
		not_usable(s, "The other server's stream id is too long.");
}

static void
ask_tls(struct s2s *s, const struct sc_elem *features)
{
	static const char starttls[] = "<starttls xmlns='" NS_TLS "'/>";

	if (sc_child(features, NS_TLS, "starttls") != NULL)
		s2s_write(s, starttls, sizeof starttls - 1);
	else
		not_usable(s, "The other server offers no TLS.");
}

static bool
offers_external(const struct sc_elem *features)
{
	const struct sc_elem *list = sc_child(features, NS_SASL, "mechanisms");
	struct sc_arena *arena = arena_new();
	bool found = false;

	for (const struct sc_elem *m = sc_first(list); m != NULL && !found; m = sc_next(m))
		found = sc_same(sc_text_in(arena, m), "EXTERNAL");
	arena_free(arena);
	return found;
}

static void
say_external(struct s2s *s)
{
	struct sc_arena *arena = arena_new();
	struct buf b = { 0 };

	buf_format(&b, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>%s</auth>",
		sc_base64(arena, s->local, strlen(s->local)));
	arena_free(arena);
	s2s_move(s, S2S_AUTH);
	s2s_write_buf(s, &b);
}

static void
say_key(struct s2s *s)
{
	struct buf b = { 0 };
	char key[65];

	if (s->peer_id == NULL) {
		not_usable(s, "The other server's stream has no id, so dialback is not possible.");
		return;
	}
	s2s_dialback_key(s->domain, s->local, s->peer_id, key);
	buf_text(&b, "<db:result");
	xml_write_attr(&b, "from", s->local);
	xml_write_attr(&b, "to", s->domain);
	buf_format(&b, ">%s</db:result>", key);
	s->proof = S2S_BY_DIALBACK;
	s2s_move(s, S2S_AUTH);
	s2s_write_buf(s, &b);
}

/* Only to whom has proved who it is: it will speak on this stream too. */
static void
ask_bidi(struct s2s *s, const struct sc_elem *features)
{
	static const char bidi[] = "<bidi xmlns='" NS_BIDI "'/>";

	if (s2s_conf()->bidi != S2S_BIDI_ASK || s->bidi || s->certificate == S2S_UNPROVEN ||
		sc_child(features, NS_BIDI_FEATURE, "bidi") == NULL)
		return;
	s->bidi = true;
	s2s_write(s, bidi, sizeof bidi - 1);
}

static void
authenticate(struct s2s *s, const struct sc_elem *features)
{
	ask_bidi(s, features);
	if (!s2s_is_open(s))
		return;
	if (offers_external(features) && tls_has(s2s_tls_out(), s->local) && !s->external_failed) {
		s->proof = S2S_BY_CERTIFICATE;
		say_external(s);
	} else if (s->peer_dialback) {
		say_key(s);
	} else {
		not_usable(s, "The other server offers no way to prove our domain: it does not "
			"accept our certificate, and has no dialback.");
	}
}

static void
taken(struct s2s *s)
{
	s->authenticated = true;
	if (s->call == NULL || remote_of(s->call) == NULL) {
		not_usable(s, "It is not needed any more.");
		return;
	}
	s2s_move(s, S2S_ENABLING);
	if (s2s_conf()->sm && s->peer_sm && !s->bidi)
		s2s_sm_begin(s);
	else
		s2s_out_enabled(s, false, false);
}

static void
features_came(struct s2s *s, const struct sc_elem *features)
{
	if (s->state != S2S_OPEN) {
		s2s_error(s, "bad-format", "Features in the middle of a stream.");
		return;
	}
	s->peer_dialback = s->peer_dialback || sc_child(features, NS_DIALBACK_FEATURE,
		"dialback") != NULL;
	s->peer_sm = sc_child(features, NS_SM, "sm") != NULL;
	if (!conn_is_tls(s->conn))
		ask_tls(s, features);
	else if (s->kind == S2S_VERIFY && s->call != NULL)
		s2s_dialback_ask(s, s->call->verify);
	else if (s->authenticated)
		taken(s);
	else
		authenticate(s, features);
}

void
s2s_out_enabled(struct s2s *s, bool counts, bool resumed)
{
	struct s2s_call *c = s->call;
	struct remote *r = c != NULL ? remote_of(c) : NULL;

	if (r == NULL) {
		not_usable(s, "It is not needed any more.");
		return;
	}
	if (s->bidi && !s2s_pair_add(s, s->local, s->domain, (enum s2s_proof)s->certificate)) {
		not_usable(s, "There are too many pairs.");
		return;
	}
	s->call = NULL;
	call_free(c);
	s2s_set_proven(s);
	s2s_move(s, S2S_UP);
	s->active = clock_mono();
	s->remote = r;
	sc_log(NULL, SC_LOG_INFO, "s2s.proved",
		"stream=%llu direction=out local=%s remote=%s by=%s peer=%s acknowledges=%s",
		(unsigned long long)
		s->number, s->local, s->domain, s2s_proof_name((enum s2s_proof)s->proof),
			conn_peer_text(s->conn), counts ? "yes" : "no");
	timeout_set(&s->timeout, S2S_LOOK_MS);
	remote_up(r, s, counts, resumed);
}

/* --- answers --- */

static void
proceed(struct s2s *s, const struct sc_elem *e)
{
	if (s->state != S2S_OPEN || conn_is_tls(s->conn)) {
		s2s_error(s, "unsupported-stanza-type", NULL);
		return;
	}
	if (!sc_same(sc_name(e), "proceed")) {
		not_usable(s, "The other server cannot start TLS.");
		return;
	}
	xml_in_drop_unread(s->xml);
	s2s_restart(s);
	s2s_move(s, S2S_TLS);
	conn_start_tls_client_as(s->conn, s2s_tls_out(), s->local, s->domain, NULL);
}

static void
sasl_answer(struct s2s *s, const struct sc_elem *e)
{
	const struct sc_elem *cond = sc_first(e);

	if (s->state != S2S_AUTH || s->proof != S2S_BY_CERTIFICATE) {
		s2s_error(s, "unsupported-stanza-type", NULL);
	} else if (sc_same(sc_name(e), "success")) {
		s->authenticated = true;
		s2s_restart(s);
		s2s_move(s, S2S_NEW);
		s2s_send_header(s);
	} else if (sc_same(sc_name(e), "failure")) {
		s->external_failed = true;
		if (s->peer_dialback)
			say_key(s);
		else {
			s2s_why(s, "The other server does not accept our certificate: %.60s",
				cond != NULL ? sc_name(cond) : "no reason given");
			s2s_close(s);
		}
	} else {
		s2s_error(s, "unsupported-stanza-type", NULL);
	}
}

static bool
is_ours(const struct s2s *s, const struct sc_elem *e)
{
	struct sc_arena *arena = arena_new();
	const char *from = sc_attr(e, "from"), *to = sc_attr(e, "to");
	bool same = from != NULL && to != NULL &&
		sc_same(sc_prepare_domain(arena, from, strlen(from)), s->domain) &&
		sc_same(sc_prepare_domain(arena, to, strlen(to)), s->local);

	arena_free(arena);
	return same;
}

void
s2s_out_dialback(struct s2s *s, const struct sc_elem *e)
{
	const char *type = sc_attr(e, "type");
	const struct sc_elem *cond = sc_first(sc_child(e, SC_NS_CONTENT, "error"));

	if (s->state != S2S_AUTH || s->proof != S2S_BY_DIALBACK || type == NULL ||
		!sc_same(sc_name(e), "result") || !is_ours(s, e)) {
		STAT_INC(s2s_forged);
		s2s_error(s, "policy-violation", "Nobody asked for this answer.");
	} else if (strcmp(type, "valid") == 0) {
		taken(s);
	} else {
		s2s_why(s, "The other server does not believe that we are %.80s: %.60s", s->local,
			strcmp(type, "invalid") == 0 ? "dialback was invalid" : cond != NULL ?
				sc_name(cond) : "no reason given");
		s2s_close(s);
	}
}

void
s2s_out_element(struct s2s *s, const struct sc_elem *e)
{
	if (sc_is(e, NS_STREAMS, "features"))
		features_came(s, e);
	else if (sc_same(sc_ns(e), NS_TLS))
		proceed(s, e);
	else if (sc_same(sc_ns(e), NS_SASL))
		sasl_answer(s, e);
	else if (sc_same(sc_ns(e), NS_DIALBACK) && s->kind == S2S_VERIFY && s->call != NULL)
		s2s_dialback_asked(s, s->call->verify, e);
	else if (sc_same(sc_ns(e), NS_DIALBACK))
		s2s_out_dialback(s, e);
	else if (sc_same(sc_ns(e), NS_SM))
		s2s_sm_element(s, e);
	else
		s2s_error(s, "unsupported-stanza-type", NULL);
}

/* --- what the core asks for --- */

static void
write_bytes(void *stream, const char *bytes, size_t n)
{
	struct s2s *s = stream;

	s->active = clock_mono();
	if (s->conn != NULL)
		conn_write(s->conn, bytes, n);
}

static size_t
waiting(const void *stream)
{
	const struct s2s *s = stream;

	return s->conn != NULL ? conn_waiting(s->conn) : 0;
}

static void
wrote(void *stream, int n)
{
	stats_add(STAT_stanzas_out, n);
	s2s_sm_wrote(stream);
}

static const char *
refuses(struct sc_span local, struct sc_span domain)
{
	char text[1024];

	(void)local;
	if (s2s_conf()->policy == S2S_OFF)
		return "";
	if (domain.n >= sizeof text)
		return "This is no domain.";
	memcpy(text, domain.p, domain.n);
	text[domain.n] = '\0';
	return s2s_policy_for(text) == S2S_OFF ? "Nothing is exchanged with this domain." : NULL;
}

static const struct remote_ops ops = {
	.connect = s2s_out_connect, .write = write_bytes, .waiting = waiting, .wrote = wrote,
		.refuses = refuses,
};

void
s2s_setup(void)
{
	s2s_dialback_setup();
	remote_ops = &ops;
}

void
s2s_stop(void)
{
	list_each(s2s_all(), it, tmp)
		s2s_drop(container_of(it, struct s2s, in_shard), NULL);
	if (calls.next != NULL)
		list_each(&calls, it2, tmp2)
			call_free(container_of(it2, struct s2s_call, link));
	s2s_sm_stop();
	s2s_set_tls(NULL, NULL);
}
