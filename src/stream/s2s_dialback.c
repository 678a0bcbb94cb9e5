/* SPDX-License-Identifier: MIT */
/*
 * s2s_dialback: XEP-0220 1.1 inside TLS, with the keys of XEP-0185. Who shows a certificate for the
 * domain needs no call back (XEP-0344 §2.4). An answer counts only for the question that was asked
 * on the same stream (XEP-0220 §3.1); any other ends it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "base/rand.h"
#include "base/stats.h"
#include "core/route.h"
#include "net/tls_verify.h"
#include "stream/s2s.h"
#include "stream/s2s_inside.h"
#include "xmpp/ns.h"

#define KEY_MAX 512             /* other servers may make longer ones than we */

/* --- keys --- */

/* SHA-256 of random bytes, in hex: as good as a setting, and nobody can lose it */
static char secret[65];

static void
hex(const unsigned char digest[32], char out[65])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 32; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[64] = '\0';
}

void
s2s_dialback_setup(void)
{
	unsigned char random[32], digest[32];

	rand_bytes(random, sizeof random);
	sc_assert(EVP_Digest(random, sizeof random, digest, NULL, EVP_sha256(), NULL) == 1);
	hex(digest, secret);
}

void
s2s_dialback_key(const char *receiving, const char *originating, const char *id, char out[65])
{
	unsigned char digest[32];
	struct buf b = { 0 };
	unsigned n = 0;

	buf_format(&b, "%s %s %s", receiving, originating, id);
	sc_assert(HMAC(EVP_sha256(), secret, 64, (const unsigned char *)b.p, b.n, digest, &n) !=
		NULL && n == 32);
	buf_free(&b);
	hex(digest, out);
}

static bool
key_is_ours(const char *receiving, const char *originating, const char *id, const char *key)
{
	char ours[65];

	s2s_dialback_key(receiving, originating, id, ours);
	return strlen(key) == 64 && CRYPTO_memcmp(ours, key, 64) == 0;
}

/* --- what is said --- */

static void
begin(struct buf *b, const char *name, const char *from, const char *to, const char *id)
{
	buf_format(b, "<db:%s", name);
	xml_write_attr(b, "from", from);
	xml_write_attr(b, "to", to);
	if (id != NULL)
		xml_write_attr(b, "id", id);
}

static void
answer(struct s2s *s, const char *name, const char *from, const char *to, const char *id,
	const char *type)
{
	struct buf b = { 0 };

	begin(&b, name, from, to, id);
	buf_format(&b, " type='%s'/>", type);
	s2s_write_buf(s, &b);
}

/* §2.5 */
static void
answer_error(struct s2s *s, const char *name, const char *from, const char *to, const char *id,
	const char *condition, const char *text)
{
	struct buf b = { 0 };

	begin(&b, name, from, to, id);
	buf_format(&b, " type='error'><error type='%s'><%s xmlns='" NS_STANZA_ERRORS "'/>",
		strcmp(condition, "remote-server-timeout") == 0 ||
			strcmp(condition, "resource-constraint") == 0 ? "wait" : "cancel",
			condition);
	if (text != NULL) {
		buf_text(&b, "<text xmlns='" NS_STANZA_ERRORS "' xml:lang='en'>");
		xml_write_text(&b, text, strlen(text));
		buf_text(&b, "</text>");
	}
	buf_format(&b, "</error></db:%s>", name);
	s2s_write_buf(s, &b);
}

static void
unsolicited(struct s2s *s)
{
	STAT_INC(s2s_forged);
	sc_log(NULL, SC_LOG_DEBUG, "s2s.unsolicited_dialback", "stream=%llu remote=%s peer=%s",
		(unsigned long long)s->number,
		s->domain != NULL ? s->domain : "", conn_peer_text(s->conn));
	s2s_error(s, "policy-violation", "Nobody asked for this answer.");
}

/* --- a key was brought (§2.2.1) --- */

struct question {
	const char *from, *to, *id, *key;       /* prepared; in the arena */
};

/* False: the stream has been ended. */
static bool
read_question(struct s2s *s, struct sc_arena *arena, const struct sc_elem *e, struct question *q)
{
	const char *from = sc_attr(e, "from"), *to = sc_attr(e, "to"), *key = sc_text_in(arena, e);

	*q = (struct question){ 0 };
	if (from != NULL && to != NULL) {
		q->from = sc_prepare_domain(arena, from, strlen(from));
		q->to = sc_prepare_domain(arena, to, strlen(to));
	}
	if (q->from == NULL || q->to == NULL) {
		s2s_error(s, "improper-addressing", NULL);
		return false;
	}
	key += strspn(key, " \t\r\n");
	q->key = sc_copy_n(arena, key, strcspn(key, " \t\r\n"));
	q->id = sc_attr(e, "id");
	if (strlen(q->key) > KEY_MAX || (q->id != NULL && strlen(q->id) > KEY_MAX)) {
		s2s_error(s, "policy-violation", "This dialback key is too long.");
		return false;
	}
	return true;
}

static enum s2s_proof
certificate_for(const struct s2s *s, const char *domain, char *why, size_t size)
{
	if (s->certificate != S2S_UNPROVEN && s->domain != NULL && strcmp(domain, s->domain) == 0)
		return (enum s2s_proof)s->certificate;
	switch (tls_verify_peer(s->conn, domain, NULL, NULL, 0, why, size)) {
	case TLS_PROOF_CERTIFICATE:
		return S2S_BY_CERTIFICATE;
	case TLS_PROOF_DANE:
		return S2S_BY_DANE;
	default:
		return S2S_UNPROVEN;
	}
}

void
s2s_dialback_valid(struct s2s *s)
{
	answer(s, "result", s->local, s->domain, NULL, "valid");
}

static void
proved(struct s2s *s, const char *local, const char *domain, enum s2s_proof how)
{
	bool first = s->n_pairs == 0;

	if (!s2s_in_proved(s, local, domain, how))
		answer_error(s, "result", local, domain, NULL, "resource-constraint",
			"There are too many streams of this domain.");
	else if (!first)
		answer(s, "result", local, domain, NULL, "valid");
}

static void
refuse(struct s2s *s, const struct question *q, const char *condition, const char *text)
{
	STAT_INC(s2s_refused);
	sc_log(NULL, SC_LOG_DEBUG, "s2s.refused",
		"stream=%llu remote=%s local=%s peer=%s error=%s why=\"%s\"",
		(unsigned long long)s->number,
		q->from, q->to, conn_peer_text(s->conn), condition, text != NULL ? text : "");
	answer_error(s, "result", q->to, q->from, NULL, condition, text);
}

static bool
is_asked_already(const struct s2s *s, const struct question *q)
{
	for (const struct link *it = s->verifies.next; it != &s->verifies; it = it->next) {
		const struct verify *v = container_of((struct link *)(uintptr_t)it, struct verify,
			link);

		if (strcmp(v->local, q->to) == 0 && strcmp(v->domain, q->from) == 0)
			return true;
	}
	return false;
}

static void
ask_home(struct s2s *s, const struct question *q)
{
	size_t l = strlen(q->to) + 1, d = strlen(q->from) + 1, k = strlen(q->key) + 1, i =
		strlen(s->id) + 1;
	struct verify *v = calloc(1, sizeof *v + l + d + k + i);

	sc_assert(v != NULL);
	v->stream = s;
	v->local = memcpy(v->text, q->to, l);
	v->domain = memcpy(v->text + l, q->from, d);
	v->key = memcpy(v->text + l + d, q->key, k);
	v->id = memcpy(v->text + l + d + k, s->id, i);
	link_init(&v->link);
	link_append(&s->verifies, &v->link);
	s->n_verifies++;
	if (s->n_pairs == 0)                    /* its home has time of its own */
		timeout_set(&s->timeout, s2s_conf()->auth_timeout * 3);
	v->call = s2s_call_to_verify(v, v->local, v->domain);
}

static void
key_came(struct s2s *s, const struct question *q)
{
	enum s2s_policy policy = s2s_policy_for(q->from);
	char why[256] = "";
	enum s2s_proof how;

	if (s2s_is_ours(q->from)) {
		STAT_INC(s2s_forged);
		s2s_error(s, "invalid-from", "This domain is ours.");
		return;
	}
	if (!s2s_is_ours(q->to)) {
		refuse(s, q, "item-not-found", NULL);
		return;
	}
	if (policy == S2S_OFF) {
		refuse(s, q, "policy-violation", "Nothing is exchanged with this domain.");
		return;
	}
	if (s2s_pair_find(s, sc_span(q->to), sc_span(q->from)) != NULL) {
		answer(s, "result", q->to, q->from, NULL, "valid");
		return;
	}
	how = certificate_for(s, q->from, why, sizeof why);
	if (how != S2S_UNPROVEN)
		proved(s, q->to, q->from, how);
	else if (policy == S2S_SECURE)
		refuse(s, q, "not-authorized", why);
	else if (is_asked_already(s, q))
		return;                         /* one answer serves both */
	else if (s->n_verifies >= s2s_conf()->max_verifies)
		refuse(s, q, "resource-constraint", "Too many keys at a time.");
	else
		ask_home(s, q);
}

/* --- somebody asks whether a key is ours (§2.2.2) --- */

static void
key_is_asked(struct s2s *s, const struct question *q)
{
	if (q->id == NULL)
		s2s_error(s, "improper-addressing",
			"A question about a key has the id of its stream.");
	else if (!s2s_is_ours(q->to))
		answer_error(s, "verify", q->to, q->from, q->id, "item-not-found", NULL);
	else
		answer(s, "verify", q->to, q->from, q->id, key_is_ours(q->from, q->to, q->id,
			q->key) ? "valid" : "invalid");
}

void
s2s_dialback_in(struct s2s *s, const struct sc_elem *e)
{
	struct sc_arena *arena;
	struct question q;

	if (s->state == S2S_NEW || sc_attr(e, "type") != NULL) {
		unsolicited(s);
		return;
	}
	arena = arena_new();
	if (read_question(s, arena, e, &q)) {
		if (sc_same(sc_name(e), "result"))
			key_came(s, &q);
		else if (sc_same(sc_name(e), "verify"))
			key_is_asked(s, &q);
		else
			s2s_error(s, "unsupported-stanza-type", NULL);
	}
	arena_free(arena);
}

/* --- we ask (§2.1.2) --- */

void
s2s_dialback_ask(struct s2s *s, const struct verify *v)
{
	struct buf b = { 0 };

	begin(&b, "verify", v->local, v->domain, v->id);
	buf_text(&b, ">");
	xml_write_text(&b, v->key, strlen(v->key));
	buf_text(&b, "</db:verify>");
	s2s_write_buf(s, &b);
}

static void
verify_free(struct verify *v)
{
	link_remove(&v->link);
	v->stream->n_verifies--;
	if (v->call != NULL)
		s2s_call_end(&v->call);
	free(v);
}

static void
key_is_bad(struct s2s *s, const struct verify *v)
{
	STAT_INC(s2s_refused);
	STAT_INC(s2s_forged);
	sc_log(NULL, SC_LOG_DEBUG, "s2s.key_invalid", "stream=%llu remote=%s local=%s peer=%s",
		(unsigned long long)s->number, v->domain,
		v->local, conn_peer_text(s->conn));
	if (s->n_pairs > 0) {                   /* the others did prove themselves */
		answer_error(s, "result", v->local, v->domain, NULL, "forbidden", NULL);
		return;
	}
	answer(s, "result", v->local, v->domain, NULL, "invalid");
	s2s_why(s, "Its dialback key for %s is not valid.", v->domain);
	s2s_close(s);
}

void
s2s_dialback_failed(struct verify *v, const char *condition, const char *why)
{
	struct s2s *s = v->stream;
	struct question q = { v->domain, v->local, NULL, NULL };

	s2s_ref(s);
	if (s2s_is_open(s))
		refuse(s, &q, condition, why);
	verify_free(v);
	s2s_unref(s);
}

static bool
is_about(const struct verify *v, const struct sc_elem *e)
{
	struct sc_arena *arena = arena_new();
	const char *from = sc_attr(e, "from"), *to = sc_attr(e, "to");
	bool same = sc_same(sc_name(e), "verify") && sc_same(sc_attr(e, "id"), v->id) && from !=
		NULL && to != NULL &&
		sc_same(sc_prepare_domain(arena, from, strlen(from)), v->domain) &&
		sc_same(sc_prepare_domain(arena, to, strlen(to)), v->local);

	arena_free(arena);
	return same;
}

void
s2s_dialback_asked(struct s2s *asked, struct verify *v, const struct sc_elem *e)
{
	struct s2s *s = v->stream;
	const char *type = sc_attr(e, "type");
	struct question q = { v->domain, v->local, NULL, NULL };

	if (!is_about(v, e) || type == NULL) {
		unsolicited(asked);
		return;
	}
	s2s_ref(s);
	if (!s2s_is_open(s))
		;
	else if (strcmp(type, "valid") == 0)
		proved(s, v->local, v->domain, S2S_BY_DIALBACK);
	else if (strcmp(type, "invalid") == 0)
		key_is_bad(s, v);
	else
		refuse(s, &q, "remote-server-not-found",
			"The server that the DNS names does not know the domain.");
	verify_free(v);                         /* and ends the stream that asked */
	s2s_unref(s);
}

void
s2s_dialback_gone(struct s2s *s)
{
	list_each(&s->verifies, it, tmp)
		verify_free(container_of(it, struct verify, link));
}
