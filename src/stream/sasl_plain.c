/* SPDX-License-Identifier: MIT */
/*
 * sasl_plain: RFC 4616. The password is compared with the SHA-256 verifier by PBKDF2 on an offload
 * thread, whether or not the account exists. After success the same work object makes the verifiers
 * that the account lacks.
 */
#include "config.h"

#include "stream/sasl_impl.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/rand.h"
#include "stonechat/jid.h"
#include "stonechat/log.h"

struct sasl_work {
	uint64_t ticket;                /* which attempt may have the answer */
	bool ran, right;
	bool check;
	enum verifier_hash hash;
	struct verifier against;
	unsigned make;                  /* 1u << enum verifier_hash */
	unsigned iterations;            /* for those */
	struct verifiers made;
	size_t n;
	char password[VERIFIER_PASSWORD_MAX];
};

/* Splits at NUL; the last part is what remains. */
static bool
split(struct sc_span all, struct sc_span part[3])
{
	for (int i = 0; i < 2; i++) {
		const char *nul = memchr(all.p, 0, all.n);

		if (nul == NULL)
			return false;
		part[i] = (struct sc_span){ all.p, (size_t)(nul - all.p) };
		all = (struct sc_span){ nul + 1, all.n - part[i].n - 1 };
	}
	part[2] = all;
	/* sasl_utf8 refuses a third NUL. */
	return sasl_utf8(part[0]) && sasl_utf8(part[1]) && sasl_utf8(part[2]) && part[1].n > 0 &&
		part[2].n > 0;
}

static enum sasl_step
message(struct sasl *s, struct sc_span bytes)
{
	struct sc_span part[3];         /* authzid, authcid, password */
	char *password;
	size_t n;

	if (!split(bytes, part))
		return sasl_fail(s, SASL_MALFORMED_REQUEST, "The message is not PLAIN's.");
	if (part[0].n > 0)
		s->authzid = sc_copy_n(s->arena, part[0].p, part[0].n);
	password = sc_prepare_password(s->arena, part[2].p, part[2].n);
	if (password == NULL)
		return sasl_fail(s, SASL_NOT_AUTHORIZED,
			"The password has characters that no password has.");
	n = strlen(password);
	if (n <= sizeof s->password) {
		memcpy(s->password, password, n);
		s->password_len = n;
	}
	OPENSSL_cleanse(password, n);
	if (s->password_len == 0)
		return sasl_fail(s, SASL_NOT_AUTHORIZED, "The password is too long.");
	return sasl_ask_account(s, part[1].p, part[1].n);
}

static enum sasl_step
account(struct sasl *s)
{
	s->state = SASL_AT_HASH;
	return SASL_NEED_HASH;
}

/* --- the work --- */

static struct sasl_work *
new_work(struct sasl *s)
{
	struct sasl_work *w = OPENSSL_zalloc(sizeof *w);

	if (w == NULL)
		return NULL;
	memcpy(w->password, s->password, s->password_len);
	w->n = s->password_len;
	w->iterations = sasl_iterations(s);
	OPENSSL_cleanse(s->password, sizeof s->password);
	s->password_len = 0;
	return w;
}

struct sasl_work *
sasl_take_work(struct sasl *s)
{
	struct sasl_work *w;

	if (s->state != SASL_AT_HASH || s->ticket != 0)
		return NULL;
	w = new_work(s);
	if (w == NULL)
		return NULL;
	do {
		s->ticket = w->ticket = rand_u64();
	} while (w->ticket == 0);
	w->check = true;
	w->hash = VERIFIER_SHA256;
	/* An account may have been imported with another hash alone. It gets the rest, SHA-256 as
	 * well, by the upgrade. */
	if (s->creds.verifiers.of[w->hash].iterations == 0)
		w->hash = s->creds.verifiers.of[VERIFIER_SHA512].iterations != 0 ?
			VERIFIER_SHA512 : VERIFIER_SHA1;
	w->against = s->creds.verifiers.of[w->hash];
	if (w->against.iterations == 0) {
		w->hash = VERIFIER_SHA256;
		verifier_make_up(&w->against, w->hash, w->iterations, s->secret, s->bare);
	}
	return w;
}

void
sasl_work_run(struct sasl_work *w)
{
	if (w == NULL)
		return;
	if (w->check)
		w->right = verifier_matches(&w->against, w->hash, w->password, w->n);
	for (int h = 0; h < VERIFIER_HASHES; h++) {
		if ((w->make & 1u << h) != 0 &&
		    !verifier_make(&w->made.of[h], h, w->iterations, w->password, w->n))
			OPENSSL_cleanse(&w->made.of[h], sizeof w->made.of[h]);
	}
	w->ran = true;
}

void
sasl_work_free(struct sasl_work **taken)
{
	if (*taken != NULL)
		OPENSSL_clear_free(*taken, sizeof **taken);
	*taken = NULL;
}

enum sasl_step
sasl_give_work(struct sasl *s, struct sasl_work **taken)
{
	struct sasl_work *w = *taken;

	*taken = NULL;
	if (w != NULL)
		/* Another attempt's answer would let the wrong one in. */
		sc_assert(w->ticket == s->ticket);
	s->ticket = 0;
	/* Not at the hash: the client spoke out of turn meanwhile, and has its failure. */
	if (s->state != SASL_AT_HASH || w == NULL || !w->ran) {
		sasl_work_free(&w);
		return sasl_fail(s, SASL_TEMPORARY_AUTH_FAILURE,
			"The password could not be checked.");
	}
	if (!w->right) {
		sasl_work_free(&w);
		return sasl_fail(s, SASL_NOT_AUTHORIZED,
			s->found ? "Wrong password." : "There is no such account.");
	}
	s->proven = w;
	return sasl_finish(s, (struct sc_span){ NULL, 0 });
}

/* --- upgrades --- */

static bool
is_used(const struct sasl *s, enum verifier_hash h)
{
	if (h == VERIFIER_SHA256)
		return true;
	for (int m = 0; m < SASL_MECHS; m++) {
		if (sasl_infos[m].ops == &sasl_scram_ops && sasl_infos[m].hash == h &&
		    (s->offer.allowed & SASL_BIT(m)) != 0)
			return true;
	}
	return false;
}

struct sasl_work *
sasl_take_upgrade(struct sasl *s)
{
	struct sasl_work *w = s->proven;
	unsigned lacking = 0;

	if (w == NULL || s->failure != SASL_NO_FAILURE)
		return NULL;
	for (int h = 0; h < VERIFIER_HASHES; h++) {
		if (s->creds.verifiers.of[h].iterations < w->iterations && is_used(s, h))
			lacking |= 1u << h;
	}
	if (lacking == 0)
		return NULL;
	s->proven = NULL;
	w->make = lacking;
	w->check = false;
	w->ticket = 0;
	return w;
}

const struct verifiers *
sasl_work_made(const struct sasl_work *w)
{
	return &w->made;
}

const struct verifier *
sasl_work_checked(const struct sasl_work *w, enum verifier_hash *h)
{
	*h = w->hash;
	return &w->against;
}

const struct sasl_ops sasl_plain_ops = { .message = message, .account = account };
