/* SPDX-License-Identifier: MIT */
/*
 * fast: an account's clients and the tokens that log them in without a password (XEP-0484). A
 * client has two at most, the present one and a newer one; §5.1 says how they take turns. What
 * decides whether a token is still good is the write that uses it, so two logins on two shards
 * cannot both have the same count.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/rand.h"
#include "base/stats.h"
#include "core/clients.sql.h"
#include "stream/login.h"
#include "stream/offer.h"
#include "stream/sasl2.h"
#include "stream/words.h"
#include "xmpp/ns.h"

void
fast_features(struct stream *s, struct buf *b)
{
	const char *names[SASL_MECHS];
	size_t n = sasl_list_tokens(offer_of(s), names);

	if (n == 0)
		return;
	buf_text(b, "<fast xmlns='" NS_FAST "'>");
	for (size_t i = 0; i < n; i++)
		buf_format(b, "<mechanism>%s</mechanism>", names[i]);
	buf_text(b, "</fast>");
}

/* A token for what is not offered could never be used. */
static bool
is_offered(struct stream *s, const char *mechanism)
{
	const char *names[SASL_MECHS];
	size_t n = sasl_list_tokens(offer_of(s), names);

	for (size_t i = 0; i < n; i++)
		if (sc_same(names[i], mechanism))
			return true;
	return false;
}

void
fast_read(struct stream *s, const struct sc_elem *authenticate)
{
	const struct sc_elem *fast = sc_child(authenticate, NS_FAST, "fast");
	const struct sc_elem *wish = sc_child(authenticate, NS_FAST, "request-token");
	struct sasl2 *r = s->sasl2;
	uint64_t count;

	if (fast != NULL && sasl_wants_token(s->sasl)) {
		r->invalidates = words_are_true(sc_attr(fast, "invalidate"));
		r->counts = sc_attr(fast, "count") != NULL;
		r->count = r->counts && sc_read_number(sc_attr(fast, "count"), INT32_MAX, &count)
			? (int64_t)count : -1;
	}
	r->wants_token = wish != NULL && s->agent != NULL &&
		is_offered(s, sc_attr(wish, "mechanism")) &&
		sasl_mech_parse(sc_attr(wish, "mechanism"), &r->token_mech);
}

/* --- a new token --- */

static void
make_token(struct sasl2 *r)
{
	char half[23];

	for (int i = 0; i < 2; i++) {
		rand_token(half);
		memcpy(r->token + i * 22, half, sizeof half);
	}
	r->token_expires = clock_wall() + c2s_conf()->fast_lifetime * 1000;
}

static void
forget_token(struct sasl2 *r)
{
	explicit_bzero(r->token, sizeof r->token);
}

static struct sc_arg
token_arg(const struct sasl2 *r)
{
	return sc_text(r->token[0] != '\0' ? r->token : NULL);
}

static struct sc_arg
mech_arg(const struct sasl2 *r)
{
	return sc_text(r->token[0] != '\0' ? sasl_mech_name(r->token_mech) : NULL);
}

static struct sc_arg
expiry_arg(const struct sasl2 *r)
{
	return r->token[0] != '\0' ? sc_int(r->token_expires) : sc_null();
}

void
fast_success(const struct stream *s, struct buf *b)
{
	struct sc_arena *arena = s->sasl2->arena;

	if (s->sasl2->token[0] == '\0')
		return;
	STAT_INC(fast_tokens);
	buf_format(b, "<token xmlns='" NS_FAST "' token='%s' expiry='%s'/>", s->sasl2->token,
		sc_timestamp(arena, s->sasl2->token_expires));
}

/* --- a login by a token --- */

static void
token_used(struct stream *s, const struct sc_rows *rows)
{
	if (sc_rows_status(rows) != SC_DB_OK) {
		login_fail(s, SASL_TEMPORARY_AUTH_FAILURE);
		return;
	}
	if (sc_rows_count(rows) == 0) {
		STAT_INC(fast_replays);
		sc_log(NULL, SC_LOG_INFO, "fast.refused", "peer=%s account=%lld count=%lld",
			conn_peer_text(s->conn),
			(long long)s->account_id, (long long)s->sasl2->count);
		login_fail(s, SASL_NOT_AUTHORIZED);
		return;
	}
	STAT_INC(fast_logins);
	login_done(s);
}

static void
use_token(struct stream *s, int used)
{
	struct sasl2 *r = s->sasl2;
	bool old = clock_wall() - r->tokens[used].issued > c2s_conf()->fast_rotate * 1000;

	if (r->counts && r->count < 0) {
		login_fail(s, SASL_MALFORMED_REQUEST);
		return;
	}
	if (!r->wants_token && old && !r->invalidates) {
		r->wants_token = true;
		r->token_mech = sasl_mech(s->sasl);
	}
	if (r->wants_token)
		make_token(r);
	login_ask(s, &sql_client_token, SC_ARGS(sc_int(s->account_id), sc_text(s->agent),
		sc_text(r->tokens[used].text),
		sc_int(clock_wall()), sc_text(r->software), sc_text(r->device), r->counts
		? sc_int(r->count) : sc_null(),
		sc_int(r->invalidates), token_arg(r), mech_arg(r), expiry_arg(r)), token_used);
}

/* --- any other login --- */

/* The client is in, whether or not this could be written; but a token that is not stored is
 * none. */
static void
client_noted(struct stream *s, const struct sc_rows *rows)
{
	if (sc_rows_status(rows) != SC_DB_OK || sc_rows_count(rows) == 0)
		forget_token(s->sasl2);
	login_done(s);
}

static void
note_client(struct stream *s)
{
	struct sasl2 *r = s->sasl2;
	enum verifier_hash hash = VERIFIER_SHA256;
	const struct verifier *checked = sasl_checked(s->sasl, &hash);
	char reference[23];
	int64_t now = clock_wall();

	rand_token(reference);
	if (r->wants_token)
		make_token(r);
	login_ask(s, &sql_client_login, SC_ARGS(sc_int(s->account_id), sc_text(s->agent),
		sc_text(reference),
		sc_text(r->software), sc_text(r->device), sc_int(now), sc_int(checked != NULL),
		token_arg(r), mech_arg(r),
		expiry_arg(r), checked != NULL ? sc_bytes(checked->stored_key,
		verifier_key_len(hash)) : sc_null(),
		sc_int(c2s_conf()->clients_max), sc_int(now - c2s_conf()->clients_forget * 1000)),
		client_noted);
}

void
fast_login(struct stream *s)
{
	int used = sasl_token_used(s->sasl);

	if (s->agent == NULL || sasl_is_anonymous(s->sasl))
		login_done(s);
	else if (used >= 0)
		use_token(s, used);
	else
		note_client(s);
}
