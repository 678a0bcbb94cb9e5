/* SPDX-License-Identifier: MIT */
/*
 * sasl_ht: the Hashed Token mechanisms of draft-schmaus-kitten-sasl-ht-09 with SHA-256: one message
 * each way, each an HMAC with the token as its key over what tells the two apart and the channel's
 * data. Which tokens a client has is the caller's to know.
 */
#include "config.h"

#include "stream/sasl_impl.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

#define HASH 32
#define AUTHCID_MAX 1023                /* RFC 7622 §3.3.1; the draft asks for 255 */

/* HMAC(token, who || cb-data). */
static bool
mac(const struct sasl *s, const char *token, const char *who, unsigned char out[HASH])
{
	enum sasl_binding b = s->info->bound_to;
	unsigned char text[16 + SASL_BINDING_MAX];
	size_t n = strlen(who), more = b == SASL_BINDINGS ? 0 : s->offer.binding[b].n;

	memcpy(text, who, n);
	if (more > 0)
		memcpy(text + n, s->offer.binding[b].bytes, more);
	return HMAC(EVP_sha256(), token, (int)strlen(token), text, n + more, out, NULL) != NULL;
}

static enum sasl_step
message(struct sasl *s, struct sc_span bytes)
{
	const char *nul = memchr(bytes.p, 0, bytes.n);
	struct sc_span name, proof;

	if (nul == NULL)
		return sasl_fail(s, SASL_MALFORMED_REQUEST, "The message is not HT's.");
	name = (struct sc_span){ bytes.p, (size_t)(nul - bytes.p) };
	proof = (struct sc_span){ nul + 1, bytes.n - name.n - 1 };
	if (name.n == 0 || name.n > AUTHCID_MAX || !sasl_utf8(name) || proof.n != HASH)
		return sasl_fail(s, SASL_MALFORMED_REQUEST, "The message is not HT's.");
	s->proof = sasl_keep(s, proof);
	return sasl_ask_account(s, name.p, name.n);
}

/* As much work for a token that is not there as for one that is. */
static bool
proves(const struct sasl *s, const struct sasl_token *t)
{
	static const char nobody[] = "There is no such token, nor will there ever be one.";
	unsigned char want[HASH] = { 0 };
	bool usable = t->text != NULL && t->mech == s->mech;
	bool made = mac(s, t->text != NULL ? t->text : nobody, "Initiator", want);
	bool same = CRYPTO_memcmp(want, s->proof.p, HASH) == 0;

	return made && same && usable;
}

static enum sasl_step
account(struct sasl *s)
{
	unsigned char answer[HASH];

	for (int i = 0; i < SASL_TOKENS; i++) {
		if (proves(s, &s->creds.tokens[i]))
			s->token_used = i;
	}
	if (s->token_used < 0)
		return sasl_fail(s, SASL_NOT_AUTHORIZED, "No token of this client is proved.");
	if (s->creds.tokens[s->token_used].expired)
		return sasl_fail(s, SASL_CREDENTIALS_EXPIRED, "The token has expired.");
	if (!mac(s, s->creds.tokens[s->token_used].text, "Responder", answer))
		return sasl_fail(s, SASL_TEMPORARY_AUTH_FAILURE,
			"The server's proof could not be computed.");
	return sasl_finish(s, sasl_keep(s, (struct sc_span){ (const char *)answer, HASH }));
}

const struct sasl_ops sasl_ht_ops = { .message = message, .account = account };
