/* SPDX-License-Identifier: MIT */
/*
 * sasl: what all mechanisms share: which are offered, the steps of an attempt, and the one place
 * where an attempt succeeds.
 */
#include "config.h"

#include "stream/sasl_impl.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "stonechat/jid.h"

const struct sasl_info sasl_infos[SASL_MECHS] = {
	[SASL_EXTERNAL] = { .name = "EXTERNAL", .ops = &sasl_external_ops },
	[SASL_SCRAM_SHA_512_PLUS] = { .name = "SCRAM-SHA-512-PLUS", .ops = &sasl_scram_ops,
		.plus = true, .hash = VERIFIER_SHA512 },
	[SASL_SCRAM_SHA_256_PLUS] = { .name = "SCRAM-SHA-256-PLUS", .ops = &sasl_scram_ops,
		.plus = true, .hash = VERIFIER_SHA256 },
	[SASL_SCRAM_SHA_1_PLUS] = { .name = "SCRAM-SHA-1-PLUS", .ops = &sasl_scram_ops,
		.plus = true, .hash = VERIFIER_SHA1 },
	[SASL_SCRAM_SHA_512] = { .name = "SCRAM-SHA-512", .ops = &sasl_scram_ops,
		.hash = VERIFIER_SHA512 },
	[SASL_SCRAM_SHA_256] = { .name = "SCRAM-SHA-256", .ops = &sasl_scram_ops,
		.hash = VERIFIER_SHA256 },
	[SASL_SCRAM_SHA_1] = { .name = "SCRAM-SHA-1", .ops = &sasl_scram_ops,
		.hash = VERIFIER_SHA1 },
	[SASL_PLAIN] = { .name = "PLAIN", .ops = &sasl_plain_ops },
	[SASL_ANONYMOUS] = { .name = "ANONYMOUS", .ops = &sasl_anonymous_ops },
	[SASL_HT_SHA_256_EXPR] = { .name = "HT-SHA-256-EXPR", .ops = &sasl_ht_ops, .token = true,
		.bound_to = SASL_TLS_EXPORTER },
	[SASL_HT_SHA_256_UNIQ] = { .name = "HT-SHA-256-UNIQ", .ops = &sasl_ht_ops, .token = true,
		.bound_to = SASL_TLS_UNIQUE },
	[SASL_HT_SHA_256_ENDP] = { .name = "HT-SHA-256-ENDP", .ops = &sasl_ht_ops, .token = true,
		.bound_to = SASL_TLS_SERVER_END_POINT },
	[SASL_HT_SHA_256_NONE] = { .name = "HT-SHA-256-NONE", .ops = &sasl_ht_ops, .token = true,
		.bound_to = SASL_BINDINGS },
};

static const char *const binding_names[SASL_BINDINGS] = {
	[SASL_TLS_EXPORTER] = "tls-exporter",
	[SASL_TLS_SERVER_END_POINT] = "tls-server-end-point",
	[SASL_TLS_UNIQUE] = "tls-unique",
};

static const char *const failure_names[SASL_FAILURES] = {
	[SASL_NO_FAILURE] = "",
	[SASL_ABORTED] = "aborted",
	[SASL_ACCOUNT_DISABLED] = "account-disabled",
	[SASL_CREDENTIALS_EXPIRED] = "credentials-expired",
	[SASL_ENCRYPTION_REQUIRED] = "encryption-required",
	[SASL_INCORRECT_ENCODING] = "incorrect-encoding",
	[SASL_INVALID_AUTHZID] = "invalid-authzid",
	[SASL_INVALID_MECHANISM] = "invalid-mechanism",
	[SASL_MALFORMED_REQUEST] = "malformed-request",
	[SASL_MECHANISM_TOO_WEAK] = "mechanism-too-weak",
	[SASL_NOT_AUTHORIZED] = "not-authorized",
	[SASL_TEMPORARY_AUTH_FAILURE] = "temporary-auth-failure",
};

const char *
sasl_failure_name(enum sasl_failure f)
{
	return failure_names[f];
}

/* --- what is offered --- */

static bool
has_binding(const struct sasl_offer *o)
{
	for (int b = 0; b < SASL_BINDINGS; b++) {
		if (o->binding[b].n > 0)
			return true;
	}
	return false;
}

/* Only where TLS is known not to be one of two sessions with the same keys (draft HT §Security):
 * that is where the exporter is there. */
static bool
is_offered_for_tokens(const struct sasl_offer *o, enum sasl_mech m)
{
	enum sasl_binding b = sasl_infos[m].bound_to;

	return sasl_infos[m].token && o->tokens && o->tls && o->binding[SASL_TLS_EXPORTER].n > 0 &&
		(b == SASL_BINDINGS || o->binding[b].n > 0);
}

static bool
is_offered(const struct sasl_offer *o, enum sasl_mech m)
{
	if (sasl_infos[m].token)
		return false;
	if ((o->allowed & SASL_BIT(m)) == 0)
		return false;
	if (sasl_infos[m].plus)
		return o->tls && has_binding(o);
	if (m == SASL_PLAIN)
		return o->tls || o->plain_without_tls;
	if (m == SASL_EXTERNAL)
		return o->tls && sasl_external_possible(o);
	return true;
}

bool
sasl_plus_offered(const struct sasl_offer *o)
{
	for (int m = 0; m < SASL_MECHS; m++) {
		if (sasl_infos[m].plus && is_offered(o, m))
			return true;
	}
	return false;
}

size_t
sasl_list(const struct sasl_offer *o, const char *names[SASL_MECHS])
{
	size_t n = 0;

	for (int m = 0; m < SASL_MECHS; m++) {
		if (is_offered(o, m))
			names[n++] = sasl_infos[m].name;
	}
	return n;
}

size_t
sasl_list_tokens(const struct sasl_offer *o, const char *names[SASL_MECHS])
{
	size_t n = 0;

	for (int m = 0; m < SASL_MECHS; m++) {
		if (is_offered_for_tokens(o, m))
			names[n++] = sasl_infos[m].name;
	}
	return n;
}

size_t
sasl_list_bindings(const struct sasl_offer *o, const char *types[SASL_BINDINGS])
{
	size_t n = 0;

	for (int b = 0; b < SASL_BINDINGS && sasl_plus_offered(o); b++) {
		if (o->binding[b].n > 0)
			types[n++] = binding_names[b];
	}
	return n;
}

bool
sasl_mech_parse(const char *name, enum sasl_mech *out)
{
	for (int m = 0; m < SASL_MECHS; m++) {
		if (strcmp(sasl_infos[m].name, name) == 0) {
			*out = m;
			return true;
		}
	}
	return false;
}

const char *
sasl_mech_name(enum sasl_mech m)
{
	return sasl_infos[m].name;
}

size_t
sasl_binding_parse(struct sc_span name)
{
	size_t b = 0;

	while (b < SASL_BINDINGS && !sc_span_is(name, binding_names[b]))
		b++;
	return b;
}

/* --- the life of an attempt --- */

static void
keep_offer(struct sasl *s, const struct sasl_offer *o)
{
	const char **jids = sc_alloc(s->arena, (o->n_cert_jids + 1) * sizeof *jids);

	memcpy(s->secret, o->secret, sizeof s->secret);
	for (size_t i = 0; i < o->n_cert_jids; i++)
		jids[i] = sc_copy(s->arena, o->cert_jids[i]);
	s->offer = *o;
	s->offer.host = sc_copy(s->arena, o->host);
	s->offer.from = sc_copy(s->arena, o->from);
	s->offer.secret = s->secret;
	s->offer.cert_jids = jids;
}

static struct sasl *
start(const struct sasl_offer *o, enum sasl_mech m, enum sasl_failure *why)
{
	struct sasl *s = calloc(1, sizeof *s);

	if (s == NULL) {
		*why = SASL_TEMPORARY_AUTH_FAILURE;
		return NULL;
	}
	s->arena = arena_new();
	s->mech = m;
	s->info = &sasl_infos[m];
	s->reason = "";
	s->token_used = -1;
	keep_offer(s, o);
	*why = SASL_NO_FAILURE;
	return s;
}

struct sasl *
sasl_start(const struct sasl_offer *o, const char *mechanism, enum sasl_failure *why)
{
	enum sasl_mech m = SASL_MECHS;

	if (mechanism != NULL && sasl_mech_parse(mechanism, &m) && is_offered(o, m))
		return start(o, m, why);
	*why = SASL_INVALID_MECHANISM;
	if (m == SASL_PLAIN && !o->tls && (o->allowed & SASL_BIT(m)) != 0)
		*why = SASL_ENCRYPTION_REQUIRED;
	return NULL;
}

struct sasl *
sasl_start_token(const struct sasl_offer *o, const char *mechanism, enum sasl_failure *why)
{
	enum sasl_mech m = SASL_MECHS;

	if (mechanism != NULL && sasl_mech_parse(mechanism, &m) && is_offered_for_tokens(o, m))
		return start(o, m, why);
	*why = SASL_INVALID_MECHANISM;
	return NULL;
}

bool
sasl_mech_is_token(enum sasl_mech m)
{
	return sasl_infos[m].token;
}

bool
sasl_wants_token(const struct sasl *s)
{
	return s->info->token;
}

void
sasl_free(struct sasl **taken)
{
	struct sasl *s = *taken;

	*taken = NULL;
	if (s == NULL)
		return;
	sasl_work_free(&s->proven);
	arena_free(s->arena);
	OPENSSL_cleanse(s, sizeof *s);
	free(s);
}

static enum sasl_step
take_message(struct sasl *s, const char *bytes, size_t n)
{
	bool first = !s->fed;

	s->fed = true;
	if (s->state != SASL_AT_MESSAGE)
		return sasl_fail(s, SASL_MALFORMED_REQUEST,
			"The client sent a message while it was not its turn.");
	if (n > SASL_MESSAGE_MAX)
		return sasl_fail(s, SASL_MALFORMED_REQUEST, "The client sent too long a message.");
	/* All our mechanisms let the client speak first, so without initial response it is asked to
	 * (RFC 4422 §5, 2a). */
	if (first && bytes == NULL && !s->info->ops->starts_empty)
		return sasl_challenge(s, (struct sc_span){ NULL, 0 });
	return s->info->ops->message(s, (struct sc_span){ bytes != NULL ? bytes : "", n });
}

enum sasl_step
sasl_feed(struct sasl *s, const void *bytes, size_t n)
{
	return take_message(s, bytes, n);
}

enum sasl_step
sasl_feed_text(struct sasl *s, const char *text, size_t n)
{
	unsigned char *bytes;
	enum sasl_step step;
	size_t len;

	if (n == 0)
		return take_message(s, s->fed ? "" : NULL, 0);
	if (n == 1 && text[0] == '=')
		return take_message(s, "", 0);
	if (n > SASL_MESSAGE_MAX / 3 * 4 + 4)
		return sasl_fail(s, SASL_MALFORMED_REQUEST, "The client sent too long a message.");
	bytes = sc_unbase64(s->arena, text, n, &len);
	if (bytes == NULL)
		return sasl_fail(s, SASL_INCORRECT_ENCODING, "The client sent what is not base64.");
	step = take_message(s, (const char *)bytes, len);
	OPENSSL_cleanse(bytes, len);    /* PLAIN's password */
	return step;
}

enum sasl_step
sasl_challenge(struct sasl *s, struct sc_span data)
{
	s->state = SASL_AT_MESSAGE;
	s->data = data;
	return SASL_CHALLENGE;
}

enum sasl_step
sasl_fail(struct sasl *s, enum sasl_failure why, const char *reason)
{
	/* The first failure is the true one: a message out of turn does not become a success later,
	 * nor another error. */
	if (s->failure == SASL_NO_FAILURE) {
		s->failure = why;
		s->reason = reason;
	}
	s->state = SASL_AT_END;
	s->data = (struct sc_span){ NULL, 0 };
	return SASL_FAILURE;
}

enum sasl_step
sasl_ask_account(struct sasl *s, const char *name, size_t n)
{
	s->local = sc_prepare_local(s->arena, name, n);
	if (s->local == NULL)
		return sasl_fail(s, SASL_NOT_AUTHORIZED,
			"The name is not one that an account can have.");
	s->bare = sc_format(s->arena, "%s@%s", s->local, s->offer.host);
	s->state = SASL_AT_ACCOUNT;
	return SASL_NEED_ACCOUNT;
}

enum sasl_step
sasl_account(struct sasl *s, enum sasl_lookup result, const struct sasl_creds *creds)
{
	enum sasl_step step;

	/* After a message out of turn the attempt has failed already, and keeps its reason. */
	if (s->state != SASL_AT_ACCOUNT)
		return sasl_fail(s, SASL_TEMPORARY_AUTH_FAILURE,
			"An account came that nobody asked for.");
	if (result == SASL_LOOKUP_FAILED)
		return sasl_fail(s, SASL_TEMPORARY_AUTH_FAILURE,
			"The account could not be looked up.");
	s->found = result == SASL_FOUND;
	if (s->found)
		s->creds = *creds;
	step = s->info->ops->account(s);
	memset(s->creds.tokens, 0, sizeof s->creds.tokens);
	return step;
}

/* RFC 6120 §6.3.8: a bare JID. Ours is the only one that anybody may act as. */
static bool
authzid_is_own(struct sasl *s)
{
	const struct sc_jid *jid = sc_jid(s->arena, s->authzid);

	return jid != NULL && sc_jid_is_bare(jid) && strcmp(jid->text, s->bare) == 0 &&
		(s->offer.from == NULL || strcmp(jid->text, s->offer.from) == 0);
}

enum sasl_step
sasl_finish(struct sasl *s, struct sc_span data)
{
	if (!s->found && !s->anonymous)
		return sasl_fail(s, SASL_NOT_AUTHORIZED, "There is no such account.");
	if (s->authzid != NULL && !authzid_is_own(s))
		return sasl_fail(s, SASL_INVALID_AUTHZID,
			"The client asked to act as somebody else.");
	if (s->creds.disabled)
		return sasl_fail(s, SASL_ACCOUNT_DISABLED, "The account is disabled.");
	s->state = SASL_AT_END;
	s->data = data;
	return SASL_SUCCESS;
}

/* --- what came of it --- */

const unsigned char *
sasl_data(const struct sasl *s, size_t *n)
{
	*n = s->data.n;
	return (const unsigned char *)s->data.p;
}

const char *
sasl_data_text(const struct sasl *s)
{
	return s->data.n == 0 ? "" : sc_base64(s->arena, s->data.p, s->data.n);
}

enum sasl_failure
sasl_failure(const struct sasl *s)
{
	return s->failure;
}

const char *
sasl_reason(const struct sasl *s)
{
	return s->reason;
}

const char *
sasl_local(const struct sasl *s)
{
	return s->local;
}

enum sasl_mech
sasl_mech(const struct sasl *s)
{
	return s->mech;
}

bool
sasl_is_anonymous(const struct sasl *s)
{
	return s->anonymous;
}

int
sasl_token_used(const struct sasl *s)
{
	return s->token_used;
}

const struct verifier *
sasl_checked(const struct sasl *s, enum verifier_hash *hash)
{
	if (s->proven != NULL)
		return sasl_work_checked(s->proven, hash);
	*hash = s->info->hash;
	return s->info->ops == &sasl_scram_ops ? &s->scram.verifier : NULL;
}

bool
sasl_lacks(const struct sasl *s, enum verifier_hash hash)
{
	return s->info->ops == &sasl_scram_ops && s->creds.verifiers.of[hash].iterations == 0;
}

bool
sasl_binding_used(const struct sasl *s, enum sasl_binding *b)
{
	*b = s->scram.binding;
	return s->scram.bound;
}

/* --- small things --- */

unsigned
sasl_iterations(const struct sasl *s)
{
	return s->offer.iterations != 0 ? s->offer.iterations : VERIFIER_ITERATIONS;
}

struct sc_span
sasl_keep(struct sasl *s, struct sc_span span)
{
	return (struct sc_span){ sc_copy_n(s->arena, span.p, span.n), span.n };
}

bool
sasl_utf8(struct sc_span text)
{
	const unsigned char *p = (const unsigned char *)text.p, *end = p + text.n;

	while (p < end) {
		/* The bounds of the second byte keep out overlong forms, surrogates and what is
		 * beyond U+10FFFF (RFC 3629 §4). */
		unsigned char c = *p++, low = 0x80, high = 0xBF;
		int more;

		if (c == 0)
			return false;
		if (c < 0x80)
			continue;
		if (c < 0xC2 || c > 0xF4)
			return false;
		more = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
		if (end - p < more)
			return false;
		if (c == 0xE0)
			low = 0xA0;
		else if (c == 0xED)
			high = 0x9F;
		else if (c == 0xF0)
			low = 0x90;
		else if (c == 0xF4)
			high = 0x8F;
		if (*p < low || *p > high)
			return false;
		for (p++; more > 1; more--, p++) {
			if (*p < 0x80 || *p > 0xBF)
				return false;
		}
	}
	return true;
}
