/* SPDX-License-Identifier: MIT */
/*
 * Logins that no client would try. The first byte picks the mechanism, the second the stream; after
 * that each line is a message ("~" for none), in base64 when the second byte is odd. Whatever is
 * sent: each message has an answer, nobody gets in as somebody else, and nobody who is disabled.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "stonechat/jid.h"
#include "stonechat/log.h"
#include "stream/sasl_impl.h"

static struct sasl_creds creds;

static struct sasl_offer
offer_of(unsigned flags)
{
	static const unsigned char secret[VERIFIER_SECRET] = "fuzz";
	static const char *const jids[] = { "user@h", "other@h", "user@elsewhere" };
	struct sasl_offer o = { .host = "h", .allowed = SASL_BIT(SASL_MECHS) - 1,
		.tls = (flags & 2) == 0, .iterations = 1, .tokens = true,
		.secret = secret, .cert_jids = jids, .n_cert_jids = flags & 4 ? 1 : 3,
		.downgrade_hash = (flags & 8) != 0 };

	for (int b = 0; b < SASL_BINDINGS && (flags & 16) == 0; b++) {
		o.binding[b].n = 4;
		memcpy(o.binding[b].bytes, "data", 4);
	}
	return o;
}

static enum sasl_step
go(struct sasl *s, enum sasl_step step, unsigned flags)
{
	struct sasl_work *w;

	while (step == SASL_NEED_ACCOUNT || step == SASL_NEED_HASH) {
		if (step == SASL_NEED_ACCOUNT) {
			bool known = strcmp(sasl_local(s), "user") == 0;

			creds.disabled = (flags & 32) != 0;
			step = sasl_account(s, flags & 64 ? SASL_LOOKUP_FAILED : known ?
				SASL_FOUND : SASL_NO_ACCOUNT, &creds);
		} else {
			w = sasl_take_work(s);
			sc_assert(w != NULL);
			sasl_work_run(w);
			step = sasl_give_work(s, &w);
		}
	}
	sc_assert((step == SASL_FAILURE) == (sasl_failure(s) != SASL_NO_FAILURE));
	sc_assert(sasl_data_text(s) != NULL);
	return step;
}

static void
check_success(struct sasl *s, unsigned flags)
{
	enum sasl_binding binding;

	sc_assert((flags & 64) == 0 || sasl_is_anonymous(s));
	sc_assert((flags & 32) == 0 || sasl_is_anonymous(s));
	sc_assert(sasl_is_anonymous(s) ? strlen(sasl_local(s)) == 32 : strcmp(sasl_local(s),
		"user") == 0);
	/* "USER@h." is prepared to the same. */
	sc_assert(s->authzid == NULL || sc_same(sc_jid(s->arena, s->authzid)->text, "user@h"));
	sc_assert(sasl_binding_used(s, &binding) == s->info->plus);
	sc_assert((sasl_token_used(s) == 0) == sasl_wants_token(s));
	sc_assert(!sasl_wants_token(s) || (flags & 128) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const uint8_t *end = bytes + n, *line_end;
	enum sasl_step step = SASL_CHALLENGE;
	enum sasl_failure why;
	struct sasl_offer o;
	struct sasl *s;
	enum sasl_mech mech;
	unsigned flags;

	if (n < 2)
		return 0;
	for (int h = 0; creds.verifiers.of[VERIFIER_SHA512].iterations == 0 &&
		h < VERIFIER_HASHES; h++)
		sc_assert(verifier_make_salted(&creds.verifiers.of[h], h, 1,
			(const unsigned char *)"salt", 4, "pencil", 6));
	flags = bytes[1];
	o = offer_of(flags);
	mech = (enum sasl_mech)(bytes[0] % SASL_MECHS);
	creds.tokens[0] = (struct sasl_token){ "token", mech, (flags & 128) != 0 };
	s = sasl_mech_is_token(mech) ? sasl_start_token(&o, sasl_mech_name(mech), &why) :
		sasl_start(&o, sasl_mech_name(mech), &why);
	if (s == NULL) {
		sc_assert(why != SASL_NO_FAILURE);
		return 0;
	}
	strcpy(s->scram.nonce, "server");
	for (bytes += 2; bytes < end && step == SASL_CHALLENGE; bytes = line_end + 1) {
		line_end = memchr(bytes, '\n', (size_t)(end - bytes));
		if (line_end == NULL)
			line_end = end;
		n = (size_t)(line_end - bytes);
		if (n == 1 && bytes[0] == '~')
			step = sasl_feed(s, NULL, 0);
		else
			step = flags & 1 ? sasl_feed_text(s, (const char *)bytes, n) : sasl_feed(s,
				bytes, n);
		step = go(s, step, flags);
	}
	if (step == SASL_SUCCESS)
		check_success(s, flags);
	if (step != SASL_CHALLENGE)
		sc_assert(sasl_feed(s, "x", 1) == SASL_FAILURE);
	sasl_free(&s);
	arena_thread_done();
	return 0;
}
