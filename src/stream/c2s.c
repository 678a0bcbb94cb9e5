/* SPDX-License-Identifier: MIT */
/*
 * c2s: what a client may say when. Each state of the stream has the elements that it understands;
 * anything else ends the stream with the error that RFC 6120 §4.9 names.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "base/budget.h"
#include "base/stats.h"
#include "core/route.h"
#include "core/shard.h"
#include "net/loop.h"
#include "net/tls.h"
#include "plugin/conf.h"
#include "plugin/nonza.h"
#include "stream/limits.h"
#include "stream/login.h"
#include "stream/offer.h"
#include "stream/sasl2.h"
#include "stream/stream.h"
#include "stream/words.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

int c2s_section;

static const struct sc_key c2s_keys[] = {
	SC_CONF_BOOL(struct c2s_conf, require_tls, "true", "Refuse to log anybody in before TLS."),
	SC_CONF_BOOL(struct c2s_conf, allow_plain_without_tls, "false",
		"Offer the mechanism PLAIN without TLS. For benches on loopback only."),
	SC_CONF_SIZE(struct c2s_conf, max_stanza, "256KiB", 10000, 16 << 20,
		"The largest stanza of a client, advertised by XEP-0478. Larger ones end "
		"the stream."),
	SC_CONF_SIZE(struct c2s_conf, max_stanza_unauth, "16KiB", 4096, 1 << 20,
		"The same before login."),
	SC_CONF_SIZE(struct c2s_conf, max_unauth_bytes, "64KiB", 16384, 16 << 20,
		"What a stream may send in all before login."),
	SC_CONF_TIME(struct c2s_conf, auth_timeout, "60s", 1000, 3600000,
		"How long logging in may take."),
	SC_CONF_TIME(struct c2s_conf, tls_timeout, "30s", 1000, 3600000,
		"How long the TLS handshake may take."),
	SC_CONF_INT(struct c2s_conf, max_unauth_per_address, "200", 1, 1000000,
		"Connections of one address (IPv6: of one /64) that have not logged in yet."),
	SC_CONF_INT(struct c2s_conf, max_sessions, "32", 1, 10000,
		"Sessions of one account at a time; the one that sleeps longest ends for "
		"a new one."),
	SC_CONF_INT(struct c2s_conf, max_attempts, "4", 1, 100,
		"Failed logins after which a stream is closed."),
	SC_CONF_INT(struct c2s_conf, iterations, "10000", 4096, 1000000,
		"PBKDF2 iterations of new SCRAM verifiers."),
	SC_CONF_INT(struct c2s_conf, outq_stanzas, "1000", 10, 1000000,
		"Stanzas that may wait for a client that reads slowly; more messages go to "
		"the spool."),
	SC_CONF_SIZE(struct c2s_conf, outq_bytes, "4MiB", 65536, 1LL << 30, "The same in bytes."),
	SC_CONF_INT(struct c2s_conf, lane_stanzas, "1000", 16, 1000000,
		"Stanzas of one sender that may wait for one account while the first of them waits "
		"for the database; more are refused."),
	SC_CONF_INT(struct c2s_conf, loading_stanzas, "4000", 16, 1000000,
		"Stanzas of all senders that may wait while an account is looked up; more "
		"are refused."),
	SC_CONF_INT(struct c2s_conf, reading_iqs, "16", 1, 1000,
		"Questions of one stream, or to one account, that are answered from the database "
		"at a time; then the next stanza waits."),
	SC_CONF_BOOL(struct c2s_conf, fast, "true",
		"Give clients that ask for it a token, by which they log in again in one round "
		"trip (XEP-0484)."),
	SC_CONF_TIME(struct c2s_conf, fast_lifetime, "21d", 60000, 366LL * 86400000,
		"How long such a token is good."),
	SC_CONF_TIME(struct c2s_conf, fast_rotate, "1d", 0, 366LL * 86400000,
		"A client that logs in by a token older than this gets a new one."),
	SC_CONF_INT(struct c2s_conf, clients_max, "50", 1, 10000,
		"Clients of one account that are remembered with their tokens; more, and the "
		"longest unseen is forgotten."),
	SC_CONF_TIME(struct c2s_conf, clients_forget, "180d", 60000, 36500LL * 86400000,
		"Clients that did not log in for so long are forgotten at the account's "
		"next login."),
	SC_CONF_BOOL(struct c2s_conf, clients_named, "true",
		"Remember what clients say of their software and their device, so that people know "
		"them in a list (XEP-0494)."),
	SC_CONF_BOOL(struct c2s_conf, downgrade_protection, "true",
		"Tell SCRAM clients a hash of what was offered (XEP-0474)."),
	SC_CONF_TEXT(struct c2s_conf, ca_file, NULL,
		"Authorities that client certificates are checked against; clients are asked for "
		"one, and those with an address of "
		"theirs in it (xmppAddr) may log in by EXTERNAL when `mechanisms` lists it."),
	SC_CONF_LIST(struct c2s_conf, mechanisms, NULL,
		"SASL mechanisms to offer; without it all but EXTERNAL and ANONYMOUS."),
	SC_CONF_END
};

static _Thread_local struct tls_ctx *tls;

void
c2s_conf_register(void)
{
	c2s_section = conf_section("c2s", c2s_keys, sizeof c2s_keys[0],
		sizeof(struct c2s_conf), false);
}

const struct c2s_conf *
c2s_conf(void)
{
	return conf_get(conf_now(), c2s_section, -1);
}

void
c2s_set_tls(struct tls_ctx *ctx)
{
	if (tls != NULL)
		tls_unref(&tls);
	tls = ctx != NULL ? tls_ref(ctx) : NULL;
}

void
c2s_accepted(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
	bool direct_tls = arg != NULL;
	struct stream *s;

	STAT_INC(conns_accepted);
	s = stream_new(fd, peer, peer_len, direct_tls);
	if (budget_level() >= BUDGET_SHED || shard.stopping) {
		STAT_INC(conns_refused_limit);
		stream_error(s, shard.stopping ? "system-shutdown" : "resource-constraint", NULL);
		return;
	}
	if (!limits_unauth_enter(s->address, c2s_conf()->max_unauth_per_address)) {
		STAT_INC(conns_refused_address);
		sc_log(NULL, SC_LOG_DEBUG, "c2s.too_many_unauthenticated", "peer=%s limit=%lld",
			conn_peer_text(s->conn), (long long)c2s_conf()->max_unauth_per_address);
		stream_error(s, "policy-violation", "Too many connections of this address are "
			"logging in.");
		return;
	}
	s->counted_unauth = true;
	if (!direct_tls)
		return;
	if (tls == NULL) {
		stream_error(s, "internal-server-error", NULL);
		return;
	}
	timeout_set(&s->timeout, c2s_conf()->tls_timeout);
	conn_start_tls_server(s->conn, tls);
}

void
c2s_secured(struct stream *s)
{
	STAT_INC(tls_handshakes);
	if (conn_tls_resumed(s->conn))
		STAT_INC(tls_resumed);
	timeout_set(&s->timeout, c2s_conf()->auth_timeout);
	if (s->state == STREAM_TLS)
		stream_move(s, STREAM_NEW);
	stream_unblock(s);
}

/* --- the header --- */

/* What may be asked for after the login, and (XEP-0386) after a bind within it. */
static void
features_inside(struct stream *s, struct buf *b)
{
	/* only to hold them */
	struct sc_stanza *f = sc_stanza_new(SC_MESSAGE, SC_TYPE_NORMAL, NULL, NULL, NULL);
	struct sc_ev_features ev = { s->session, f };

	if (s->session == NULL)
		buf_text(b, "<bind xmlns='" NS_BIND "'/><session xmlns='"
			NS_SESSION "'><optional/></session>");
	if (s->session == NULL || s->session->sm == NULL)
		buf_text(b, "<sm xmlns='" NS_SM "'/>");
	hook_fire(SC_EV_stream_features, s->host, NULL, s->session, &ev);
	for (const struct sc_elem *e = sc_first(sc_root(f)); e != NULL; e = sc_next(e))
		xml_write(b, e, NS_CLIENT);
	sc_stanza_free(&f);
}

static void
features_before_login(struct stream *s, struct buf *b)
{
	bool secure = conn_is_tls(s->conn);

	if (!secure && tls != NULL)
		buf_format(b, "<starttls xmlns='" NS_TLS "'>%s</starttls>",
			c2s_conf()->require_tls ? "<required/>" : "");
	if (secure || !c2s_conf()->require_tls)
		c2s_sasl_features(s, b);
}

void
c2s_features(struct stream *s)
{
	bool inside = s->state == STREAM_AUTHENTICATED || s->state == STREAM_BOUND;
	struct buf b = { 0 };

	buf_text(&b, "<stream:features>");
	if (inside)
		features_inside(s, &b);
	else
		features_before_login(s, &b);
	buf_format(&b, "<limits xmlns='" NS_LIMITS "'><max-bytes>%lld</max-bytes></limits>",
		(long long) (inside ? c2s_conf()->max_stanza : c2s_conf()->max_stanza_unauth));
	if (!inside && s->offer != NULL) {
		offer_set_version(s, &b);
		buf_format(&b, "<config-version xmlns='" NS_IAP "' scheme='opaque' value='%s'/>",
			offer_version(s));
	}
	buf_text(&b, "</stream:features>");
	stream_write_buf(s, &b);
}

/* A version is MAJOR.MINOR; ours is 1.0 (RFC 6120 §4.7.5). */
static bool
version_is_ours(const char *version)
{
	return version != NULL && strtol(version, NULL, 10) >= 1;
}

/* The host that `to` names. NULL: the stream has been ended. */
static struct sc_host *
host_asked_for(struct stream *s, const char *to)
{
	struct sc_arena *arena = arena_new();
	char *domain = to != NULL ? sc_prepare_domain(arena, to, strlen(to)) : NULL;
	struct sc_host *h = domain != NULL ? sc_host_find(sc_span(domain)) : NULL;

	arena_free(arena);
	if (to == NULL && host_count() == 1 && !host_at(0)->gone)
		h = host_at(0);
	if (h == NULL) {
		stream_error(s, to == NULL ? "improper-addressing" : "host-unknown", NULL);
	} else if (s->host != NULL && s->host != h && (s->header_fixed ||
	    s->state == STREAM_AUTHENTICATED)) {
		stream_error(s, "not-authorized", "The host of a stream cannot change.");
		h = NULL;
	}
	return h;
}

/* Who logs in here has an address here (XEP-0388 §2.1, RFC 6120 §4.9.3.9). What is no address at
 * all says nothing. */
static bool
from_is_elsewhere(const struct stream *s, const char *from)
{
	struct sc_arena *arena;
	const struct sc_jid *jid;
	bool elsewhere;

	if (from == NULL)
		return false;
	arena = arena_new();
	jid = sc_jid(arena, from);
	elsewhere = jid != NULL && !sc_span_is(sc_jid_domain(jid), sc_host_name(s->host));
	arena_free(arena);
	return elsewhere;
}

void
c2s_header(struct stream *s, const struct xml_header *h)
{
	struct sc_host *host;

	if (s->state != STREAM_NEW && s->state != STREAM_AUTHENTICATED) {
		stream_error(s, "bad-format", "A stream header in the middle of a stream.");
		return;
	}
	if (!sc_same(h->ns, NS_STREAMS) || !sc_same(h->content_ns, NS_CLIENT)) {
		stream_error(s, "invalid-namespace", NULL);
		return;
	}
	if (!sc_same(h->name, "stream")) {
		stream_error(s, "bad-format", "The root of a stream is <stream/>.");
		return;
	}
	host = host_asked_for(s, h->to);
	if (host == NULL)
		return;
	s->host = host;
	/* From the first header inside TLS on the host is fixed, and without TLS from the login on
	 * (reliability.md X9). */
	s->header_fixed = s->header_fixed || conn_is_tls(s->conn);
	stream_send_header(s, h->from);
	if (!stream_is_open(s))
		return;
	if (!version_is_ours(h->version)) {
		stream_error(s, "unsupported-version", NULL);
		return;
	}
	if (from_is_elsewhere(s, h->from)) {
		stream_error(s, "invalid-from", NULL);
		return;
	}
	if (s->state == STREAM_NEW)
		stream_move(s, STREAM_OPEN);
	c2s_features(s);
}

/* --- elements --- */

static void
start_tls(struct stream *s)
{
	static const char proceed[] = "<proceed xmlns='" NS_TLS "'/>";
	static const char failure[] = "<failure xmlns='" NS_TLS "'/></stream:stream>";

	if (conn_is_tls(s->conn) || tls == NULL) {
		stream_write(s, failure, sizeof failure - 1);
		stream_close(s);
		return;
	}
	stream_write(s, proceed, sizeof proceed - 1);
	if (!stream_is_open(s))
		return;
	/* What came in plain after <starttls/> may be somebody else's (reliability.md S1). */
	xml_in_drop_unread(s->xml);
	stream_restart(s);
	stream_move(s, STREAM_TLS);
	timeout_set(&s->timeout, c2s_conf()->tls_timeout);
	conn_start_tls_server_for(s->conn, tls, sc_host_name(s->host));
}

/* Before login. */
static void
open_element(struct stream *s, struct sc_arena **arena, const struct sc_elem *e)
{
	if (c2s_sasl2_element(s, arena, e))
		return;
	if (sc_is(e, NS_TLS, "starttls"))
		start_tls(s);
	else if (c2s_sasl_element(s, e))
		return;
	else if (sc_same(sc_ns(e), NS_SM))
		c2s_sm_element(s, e);           /* too early, which has an answer of its own */
	else if (words_are_stanza(e))
		stream_error(s, "not-authorized", "Log in first.");
	else
		stream_error(s, "unsupported-stanza-type", NULL);
}

static void
answer_with_error(struct stream *s, const struct sc_stanza *stanza, enum sc_cond cond,
	const char *text)
{
	struct sc_stanza *error = sc_error_to(stanza, cond, text);
	struct buf b = { 0 };

	STAT_INC(stanzas_refused);
	if (error == NULL)
		return;
	if (s->session != NULL) {
		sc_set_to(error, sc_session_jid(s->session));
		sc_push(s->session, &error);
		return;
	}
	sc_seal(error);
	stanza_splice(&b, error, (struct sc_span){ 0 }, (struct sc_span){ 0 }, false);
	sc_stanza_free(&error);
	stream_write_buf(s, &b);
}

/* After login, before the bind: only the bind (RFC 6120 §7.1). */
static void
unbound_stanza(struct stream *s, struct sc_stanza *stanza)
{
	const struct sc_elem *payload = sc_payload(stanza);

	if (sc_kind(stanza) != SC_IQ) {
		stream_error(s, "not-authorized", "Bind a resource first.");
		sc_stanza_free(&stanza);
	} else if (sc_type(stanza) == SC_TYPE_SET && sc_is(payload, NS_BIND, "bind") &&
	    sc_id(stanza) != NULL) {
		bind_start(s, stanza);
	} else {
		answer_with_error(s, stanza, SC_COND_NOT_ALLOWED, "Bind a resource first.");
		sc_stanza_free(&stanza);
	}
}

/* RFC 6120 §8.1.2.1: the own bare or full JID, or nothing. */
static bool
from_is_own(const struct stream *s, const struct sc_stanza *stanza)
{
	const struct sc_jid *from = sc_from(stanza), *own = sc_session_jid(s->session);

	return from == NULL || sc_jid_same(from, own) ||
		(sc_jid_is_bare(from) && sc_jid_same_bare(from, own));
}

/* Answered by the stream itself: the legacy session request (RFC 3921 §3), and a second bind. */
static bool
stream_iq(struct stream *s, const struct sc_stanza *stanza)
{
	const struct sc_elem *payload = sc_payload(stanza);
	struct sc_stanza *result;

	if (sc_kind(stanza) != SC_IQ || sc_type(stanza) != SC_TYPE_SET || payload == NULL)
		return false;
	if (sc_is(payload, NS_BIND, "bind")) {
		answer_with_error(s, stanza, SC_COND_NOT_ALLOWED, "This stream is bound already.");
		return true;
	}
	if (!sc_is(payload, NS_SESSION, "session"))
		return false;
	result = sc_result_to(stanza);
	sc_set_to(result, sc_session_jid(s->session));
	sc_push(s->session, &result);
	return true;
}

/* What is wrong with the shape of a stanza, as RFC 6120 §8 wants it answered. */
static const char *
shape_error(const struct sc_stanza *stanza)
{
	if (sc_kind(stanza) == SC_IQ && (sc_id(stanza) == NULL || *sc_id(stanza) == '\0'))
		return "An IQ has an id.";
	if (sc_kind(stanza) != SC_MESSAGE && stanza->bad_type)
		return "This type is not one that the stanza can have.";
	return NULL;
}

static void
bound_stanza(struct stream *s, struct sc_stanza *stanza)
{
	bool bad_from = false, bad_to = false;
	bool addresses = stanza_addresses(stanza, &bad_from, &bad_to);
	const char *wrong;

	if (bad_from || !from_is_own(s, stanza)) {
		stream_error(s, "invalid-from", NULL);
		sc_stanza_free(&stanza);
		return;
	}
	if (sc_kind(stanza) == SC_MESSAGE)
		STAT_INC(messages_in);
	wrong = shape_error(stanza);
	if (!addresses || wrong != NULL) {
		answer_with_error(s, stanza, addresses ? SC_COND_BAD_REQUEST
			: SC_COND_JID_MALFORMED, wrong);
		session_answered(s->session);
		sc_stanza_free(&stanza);
		return;
	}
	sc_set_from(stanza, sc_session_jid(s->session));
	if (!stream_iq(s, stanza)) {
		session_input(s->session, &stanza);
		return;
	}
	session_answered(s->session);
	sc_stanza_free(&stanza);
}

bool
c2s_run_nonza(struct stream *s, unsigned at, const struct sc_elem *e)
{
	struct nonza_found found;
	const struct sc_ctx *outer;
	struct sc_ctx *ctx;

	if (!nonza_find(s->host, at, e, &found))
		return false;
	ctx = ctx_new(s->host, sc_session_account(s->session), s->session);
	ctx->module = found.module;
	outer = ctx_enter(ctx);
	found.row->fn(ctx, e);
	ctx_leave(outer);
	ctx_free(ctx);
	return true;
}

/* What is no stanza: stream management, or a module's. */
static void
nonza(struct stream *s, const struct sc_elem *e)
{
	if (sc_same(sc_ns(e), NS_SM))
		c2s_sm_element(s, e);
	else if (s->state == STREAM_BOUND && c2s_run_nonza(s, SC_NONZA_STREAM, e))
		route_run();
	else
		stream_error(s, "unsupported-stanza-type", NULL);
}

void
c2s_element(struct stream *s, struct sc_arena *arena, struct sc_elem *root)
{
	switch ((enum stream_state)s->state) {
	case STREAM_OPEN:
	case STREAM_AUTH:
		open_element(s, &arena, root);
		if (arena != NULL)
			arena_free(arena);
		break;
	case STREAM_AUTHENTICATED:
	case STREAM_BOUND:
		if (!words_are_stanza(root)) {
			nonza(s, root);
			arena_free(arena);
		} else if (s->state == STREAM_BOUND) {
			bound_stanza(s, stanza_from_tree(arena, root));
		} else {
			unbound_stanza(s, stanza_from_tree(arena, root));
		}
		break;
	default:
		arena_free(arena);
	}
}

void
c2s_at_home(struct stream *s)
{
	stream_ref(s);
	xml_in_limits(s->xml, stream_limits_auth());
	stream_move(s, STREAM_AUTHENTICATED);
	s->login->success(s);
	if (stream_is_open(s) && !s->blocked)
		stream_unblock(s);
	stream_unref(s);
}
