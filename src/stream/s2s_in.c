/* SPDX-License-Identifier: MIT */
/*
 * s2s_in: what a server that called us may say when, and stanzas on every stream. It speaks for a
 * domain only after it has proved it: by SASL EXTERNAL with its certificate (RFC 6120 §6,
 * XEP-0178), or by dialback.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "base/budget.h"
#include "base/clock.h"
#include "base/stats.h"
#include "core/custody.h"
#include "core/route.h"
#include "core/shard.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/tls_verify.h"
#include "stream/limits.h"
#include "stream/s2s.h"
#include "stream/s2s_inside.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

static void
refuse_connection(struct s2s *s, const char *condition, const char *text)
{
	STAT_INC(limit_s2s);
	s2s_error(s, condition, text);
}

void
s2s_accepted(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
	struct s2s *s;

	STAT_INC(conns_accepted);
	s = s2s_new(S2S_IN, fd, peer, peer_len);
	s->direct_tls = arg != NULL;
	s2s_ref(s);
	if (budget_level() >= BUDGET_SHED || shard.stopping || s2s_conf()->policy == S2S_OFF)
		refuse_connection(s, shard.stopping ? "system-shutdown" : "resource-constraint",
			NULL);
	else if (!limits_unauth_enter(s->address, s2s_conf()->max_unauth_per_address))
		refuse_connection(s, "policy-violation",
			"Too many connections of this address have not proved a domain.");
	else
		s->counted_unauth = true;
	if (s->counted_unauth && s->direct_tls) {
		if (s2s_tls_in() != NULL)
			conn_start_tls_server(s->conn, s2s_tls_in());
		else
			s2s_drop(s, "There is no certificate.");
	}
	s2s_unref(s);
}

void
s2s_in_secured(struct s2s *s)
{
	(void)s;                        /* a header comes */
}

/* --- the header --- */

/* A prepared domain, malloced; NULL: it is none. */
static char *
prepared(const char *text)
{
	struct sc_arena *arena = arena_new();
	const char *domain = sc_prepare_domain(arena, text, strlen(text));
	char *copy = domain != NULL ? strdup(domain) : NULL;

	arena_free(arena);
	return copy;
}

/* Both domains are fixed by the first header inside TLS (reliability.md X9). False: the stream
 * has been ended. */
static bool
take_domain(struct s2s *s, char **mine, const char *text, const char *condition)
{
	char *domain = text != NULL ? prepared(text) : NULL;

	if (text != NULL && domain == NULL) {
		s2s_error(s, condition, "This is no domain.");
		return false;
	}
	if (s->header_fixed && *mine != NULL && (domain == NULL || strcmp(domain, *mine) != 0)) {
		free(domain);
		s2s_error(s, "not-authorized", "The domains of a stream cannot change.");
		return false;
	}
	free(*mine);
	*mine = domain;
	return true;
}

static void
look_at_certificate(struct s2s *s)
{
	char why[256] = "";

	s->certificate = S2S_UNPROVEN;
	if (s->domain == NULL || !conn_is_tls(s->conn))
		return;
	switch (tls_verify_peer(s->conn, s->domain, NULL, NULL, 0, why, sizeof why)) {
	case TLS_PROOF_CERTIFICATE:
		s->certificate = S2S_BY_CERTIFICATE;
		break;
	case TLS_PROOF_DANE:
		s->certificate = S2S_BY_DANE;
		break;
	default:
		sc_log(NULL, SC_LOG_DEBUG, "s2s.certificate", "remote=%s peer=%s why=\"%s\"",
			s->domain, conn_peer_text(s->conn), why);
	}
}

static void
features(struct s2s *s)
{
	bool tls = conn_is_tls(s->conn), proven = s->n_pairs > 0;
	struct buf b = { 0 };

	buf_text(&b, "<stream:features>");
	if (!tls) {
		buf_text(&b, "<starttls xmlns='" NS_TLS "'><required/></starttls>");
	} else {
		if (!s->authenticated && s->certificate != S2S_UNPROVEN)
			buf_text(&b, "<mechanisms "
				"xmlns='" NS_SASL "'><mechanism>EXTERNAL</mechanism></mechanisms>");
		buf_text(&b, "<dialback xmlns='" NS_DIALBACK_FEATURE "'><errors/></dialback>");
		if (s2s_conf()->sm && !s->bidi)
			buf_text(&b, "<sm xmlns='" NS_SM "'/>");
		if (s2s_conf()->bidi != S2S_BIDI_OFF && !proven)
			buf_text(&b, "<bidi xmlns='" NS_BIDI_FEATURE "'/>");
	}
	buf_format(&b, "<limits xmlns='" NS_LIMITS "'><max-bytes>%lld</max-bytes>"
		"<idle-seconds>%lld</idle-seconds></limits></stream:features>",
		(long long)(proven ? s2s_conf()->max_stanza : s2s_conf()->max_stanza_unauth),
			(long long)s2s_conf()->idle * 3 / 1000);
	s2s_write_buf(s, &b);
}

/* The pair's stanzas may go out here too (XEP-0288), when nothing carries them yet. A
 * certificate is asked for: what dialback proves is who may speak, not who listens. */
static void
carry(struct s2s *s)
{
	struct remote *r;

	if (!s->bidi || s->certificate == S2S_UNPROVEN || remote_home(s->local, s->domain) !=
		loop_id())
		return;
	r = remote_get(s->local, s->domain);
	if (r->stream != NULL || r->state == REMOTE_READING)
		return;
	remote_forget_flying(r);
	s->remote = r;
	remote_up(r, s, false, false);
}

static void
up(struct s2s *s)
{
	timeout_set(&s->timeout, S2S_LOOK_MS);
	carry(s);
}

void
s2s_in_header(struct s2s *s, const struct xml_header *h)
{
	if (h->to == NULL) {
		s2s_error(s, "improper-addressing", "A header of a server says whom it is for.");
		return;
	}
	if (!take_domain(s, &s->local, h->to, "host-unknown") ||
		!take_domain(s, &s->domain, h->from, "invalid-from"))
		return;
	if (!s2s_is_ours(s->local)) {
		s2s_error(s, "host-unknown", NULL);
		return;
	}
	if (s->domain != NULL && s2s_is_ours(s->domain)) {
		STAT_INC(s2s_forged);
		s2s_error(s, "invalid-from", "This domain is ours.");
		return;
	}
	if (s->domain != NULL && s2s_policy_for(s->domain) == S2S_OFF) {
		STAT_INC(s2s_refused);
		s2s_error(s, "policy-violation", "Nothing is exchanged with this domain.");
		return;
	}
	s->header_fixed = s->header_fixed || conn_is_tls(s->conn);
	if (!s->authenticated)
		look_at_certificate(s);
	s2s_send_header(s);
	if (!s2s_is_open(s))
		return;
	if (h->version == NULL || strtol(h->version, NULL, 10) < 1) {
		s2s_error(s, "unsupported-version",
			"Streams with this server need TLS, so version 1.0.");
		return;
	}
	if (s->authenticated) {
		s2s_move(s, S2S_UP);
		s->header_fixed = true;
	} else {
		s2s_move(s, S2S_OPEN);
	}
	features(s);
	if (s->state == S2S_UP)
		up(s);
}

/* --- proving --- */

static void
moved_here(struct s2s *s)
{
	static const char success[] = "<success xmlns='" NS_SASL "'/>";

	if (!s2s_is_ours(s->local)) {           /* taken out of the configuration meanwhile */
		s2s_error(s, "host-gone", NULL);
		return;
	}
	s2s_set_proven(s);
	if (!s->authenticated) {
		s2s_move(s, S2S_UP);
		s2s_dialback_valid(s);
		if (s2s_is_open(s))
			up(s);
		return;
	}
	s2s_restart(s);
	s2s_move(s, S2S_NEW);
	s2s_write(s, success, sizeof success - 1);
}

/* The first pair of a stream decides where it lives: with the queue for the other direction. */
bool
s2s_in_proved(struct s2s *s, const char *local, const char *domain, enum s2s_proof how)
{
	if (s->n_pairs == 0 && !s2s_domain_enter(domain))
		return false;
	if (s->n_pairs == 0)
		s->counted_domain = true;
	if (!s2s_pair_add(s, local, domain, how))
		return false;
	STAT_INC(s2s_authenticated);
	sc_log(NULL, SC_LOG_INFO, "s2s.proved",
		"stream=%llu direction=in remote=%s local=%s by=%s peer=%s",
		(unsigned long long)s->number,
		domain, local, s2s_proof_name(how), conn_peer_text(s->conn));
	if (s->n_pairs > 1)
		return true;
	s->proof = (uint8_t)how;
	if (s->domain == NULL || strcmp(s->domain, domain) != 0) {
		free(s->domain);
		s->domain = strdup(domain);
	}
	if (strcmp(s->local, local) != 0) {
		free(s->local);
		s->local = strdup(local);
	}
	s2s_move(s, S2S_MOVING);
	s2s_block(s);
	s->moved = moved_here;
	s->moves = true;
	link_remove(&s->ready);
	s2s_late(s);
	return true;
}

/* --- elements --- */

static void
start_tls(struct s2s *s)
{
	static const char proceed[] = "<proceed xmlns='" NS_TLS "'/>";
	static const char failure[] = "<failure xmlns='" NS_TLS "'/>";

	if (conn_is_tls(s->conn) || s2s_tls_in() == NULL) {
		s2s_write(s, failure, sizeof failure - 1);
		s2s_close(s);
		return;
	}
	s2s_write(s, proceed, sizeof proceed - 1);
	if (!s2s_is_open(s))
		return;
	/* What came in plain after <starttls/> may be somebody else's (reliability.md S1). */
	xml_in_drop_unread(s->xml);
	s2s_restart(s);
	s2s_move(s, S2S_TLS);
	conn_start_tls_server_for(s->conn, s2s_tls_in(), s->local);
}

static void
sasl_failure(struct s2s *s, const char *condition)
{
	struct buf b = { 0 };

	STAT_INC(s2s_refused);
	buf_format(&b, "<failure xmlns='" NS_SASL "'><%s/></failure>", condition);
	s2s_write_buf(s, &b);
	/* Only the certificate could have proved it, and that will not change. Dialback may
	 * follow. */
}

/* XEP-0178 §3: the authorization identity is empty, "=", or the domain of the header. */
static bool
authzid_fits(const struct s2s *s, const struct sc_elem *auth)
{
	struct sc_arena *arena = arena_new();
	const char *text = sc_text_in(arena, auth);
	size_t n = 0;
	bool fits = *text == '\0' || strcmp(text, "=") == 0;

	if (!fits) {
		const unsigned char *bytes = sc_unbase64(arena, text, strlen(text), &n);
		const char *domain = bytes != NULL ? sc_prepare_domain(arena, (const char *)bytes,
			n) : NULL;

		fits = domain != NULL && strcmp(domain, s->domain) == 0;
	}
	arena_free(arena);
	return fits;
}

static void
external(struct s2s *s, const struct sc_elem *auth)
{
	if (!sc_same(sc_attr(auth, "mechanism"), "EXTERNAL")) {
		sasl_failure(s, "invalid-mechanism");
	} else if (s->domain == NULL || s->certificate == S2S_UNPROVEN) {
		sasl_failure(s, "not-authorized");
	} else if (!authzid_fits(s, auth)) {
		STAT_INC(s2s_forged);
		sasl_failure(s, "invalid-authzid");
	} else {
		s->authenticated = true;
		if (!s2s_in_proved(s, s->local, s->domain, (enum s2s_proof)s->certificate))
			s2s_error(s, "resource-constraint",
				"There are too many streams of this domain.");
	}
}

static void
ask_bidi(struct s2s *s)
{
	if (s2s_conf()->bidi == S2S_BIDI_OFF || s->n_pairs > 0)
		s2s_error(s, "policy-violation",
			"It is too late for <bidi/>, or it was not offered.");
	else
		s->bidi = true;
}

void
s2s_in_element(struct s2s *s, const struct sc_elem *e)
{
	if (sc_is(e, NS_TLS, "starttls") && s->state == S2S_OPEN) {
		start_tls(s);
	} else if (!conn_is_tls(s->conn)) {
		s2s_error(s, "policy-violation", "This server talks only inside TLS.");
	} else if (sc_same(sc_ns(e), NS_DIALBACK)) {
		s2s_dialback_in(s, e);
	} else if (sc_is(e, NS_SASL, "auth") && s->state == S2S_OPEN && !s->authenticated) {
		external(s, e);
	} else if (sc_is(e, NS_SASL, "abort")) {
		sasl_failure(s, "aborted");
	} else if (sc_is(e, NS_BIDI, "bidi")) {
		ask_bidi(s);
	} else if (sc_same(sc_ns(e), NS_SM)) {
		s2s_sm_element(s, e);
	} else {
		s2s_error(s, "unsupported-stanza-type", NULL);
	}
}

/* --- stanzas --- */

/* RFC 6120 §8.1.1.2, §8.1.2.2. NULL: the pair is proven. */
static const char *
address_error(const struct s2s *s, const struct sc_stanza *stanza)
{
	struct sc_span local, domain;

	if (sc_from(stanza) == NULL || sc_to(stanza) == NULL)
		return "improper-addressing";
	local = sc_jid_domain(sc_to(stanza));
	domain = sc_jid_domain(sc_from(stanza));
	if (s2s_pair_find(s, local, domain) != NULL)
		return NULL;
	for (const struct link *it = s->pairs.next; it != &s->pairs; it = it->next)
		if (sc_span_is(domain, container_of((struct link *)(uintptr_t)it, struct s2s_pair,
			link)->domain))
			return "host-unknown";
	return "invalid-from";
}

static void
pause_reading(void *stream)
{
	s2s_block(stream);
}

static void
go_on_reading(void *stream)
{
	s2s_unblock(stream);
}

static void
accept_stanza(struct s2s *s, struct sc_stanza **taken)
{
	struct sc_host *host = route_serves(sc_jid_domain(sc_to(*taken)));
	struct custody *custody;

	if (host == NULL) {
		s2s_error(s, "host-gone", NULL);
		return;
	}
	s->active = clock_mono();
	s->received++;
	STAT_INC(remote_in);
	if (s->in == NULL)
		s->in = remote_in_new(s, pause_reading, go_on_reading);
	custody = s2s_sm_count(s);
	remote_in_stanza(s->in, host, taken, custody);
}

/* Its shape is wrong, not its sender: an error goes back by whatever way leads there. */
static void
answer_malformed(struct s2s *s, const struct sc_stanza *stanza, enum sc_cond cond)
{
	struct sc_stanza *error = sc_from(stanza) != NULL && sc_to(stanza) != NULL ?
		sc_error_to(stanza, cond, NULL) : NULL;

	custody_release(s2s_sm_count(s));
	STAT_INC(stanzas_refused);
	if (error != NULL)
		route(&error, NULL);
}

static bool
is_malformed(const struct sc_stanza *stanza)
{
	return sc_kind(stanza) != SC_MESSAGE && (stanza->bad_type ||
		(sc_kind(stanza) == SC_IQ && sc_id(stanza) == NULL));
}

void
s2s_stanza(struct s2s *s, struct sc_arena *arena, struct sc_elem *root)
{
	struct sc_stanza *stanza = stanza_from_tree(arena, root);
	bool bad_from = false, bad_to = false, addresses;
	const char *wrong;

	if (s->n_pairs == 0) {
		s2s_error(s, "not-authorized", "Prove your domain first.");
		sc_stanza_free(&stanza);
		return;
	}
	addresses = stanza_addresses(stanza, &bad_from, &bad_to);
	wrong = addresses ? address_error(s, stanza) : NULL;
	if (!addresses) {
		/* Other servers let addresses through that we do not (RFC 7622, 3920): one of
		 * their users must not end the stream of all. */
		answer_malformed(s, stanza, SC_COND_JID_MALFORMED);
	} else if (wrong != NULL) {
		STAT_INC(s2s_forged);
		sc_log(NULL, SC_LOG_DEBUG, "s2s.not_proved",
			"stream=%llu remote=%s peer=%s error=%s", (unsigned long long)s->number,
			s->domain, conn_peer_text(s->conn), wrong);
		s2s_error(s, wrong, NULL);
	} else if (is_malformed(stanza)) {
		answer_malformed(s, stanza, SC_COND_BAD_REQUEST);
	} else {
		accept_stanza(s, &stanza);
	}
	sc_stanza_free(&stanza);
	route_run();
}
