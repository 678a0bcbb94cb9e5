/* SPDX-License-Identifier: MIT */
/*
 * sasl_try: for the tests of SASL: a host with a few accounts, and a driver that brings what an
 * attempt asks for. Iterations are few, so that the tests are quick.
 */
#ifndef SASL_TRY_H
#define SASL_TRY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/sasl_impl.h"

#define TRY_ITERATIONS 64

static const unsigned char try_secret[VERIFIER_SECRET] = "a secret of thirty-two bytes....";

/* "user" and "julia": all hashes. "old": SHA-1 alone. "new": SHA-256 alone. "off": disabled.
 * Password "pencil". */
static const struct { const char *name; unsigned hashes; bool disabled; } try_accounts[] = {
	{ "user", 7, false },
	{ "julia", 7, false },
	{ "old", 1 << VERIFIER_SHA1, false },
	{ "new", 1 << VERIFIER_SHA256, false },
	{ "off", 7, true },
};

struct try {
	struct sasl_offer offer;
	struct sasl *s;
	enum sasl_step step;
	enum sasl_failure failure;      /* of the last step, or of the start */
	bool lookup_fails, pool_full;
	int lookups, works;
	struct verifiers *fixed;        /* instead of the account's own */
	char data[1024];
};

static inline struct sasl_creds
try_creds(const char *name)
{
	struct sasl_creds creds = { 0 };

	for (size_t i = 0; i < sizeof try_accounts / sizeof try_accounts[0]; i++) {
		if (strcmp(try_accounts[i].name, name) != 0)
			continue;
		creds.disabled = try_accounts[i].disabled;
		if (!verifiers_make(&creds.verifiers, TRY_ITERATIONS, "pencil", 6))
			abort();
		for (int h = 0; h < VERIFIER_HASHES; h++) {
			if ((try_accounts[i].hashes & 1u << h) == 0)
				memset(&creds.verifiers.of[h], 0, sizeof creds.verifiers.of[h]);
		}
	}
	return creds;
}

static inline bool
try_known(const char *name)
{
	for (size_t i = 0; i < sizeof try_accounts / sizeof try_accounts[0]; i++) {
		if (strcmp(try_accounts[i].name, name) == 0)
			return true;
	}
	return false;
}

/* A stream under TLS with everything. */
static inline struct try
try_new(void)
{
	static const char *const jids[] = { "User@Example.org", "julia@elsewhere.example" };
	struct try t = { .offer = { .host = "example.org", .allowed = SASL_BIT(SASL_MECHS) - 1,
		.tls = true,
		.iterations = TRY_ITERATIONS, .secret = try_secret, .cert_jids = jids,
		.n_cert_jids = 2 } };

	for (int b = 0; b < SASL_BINDINGS; b++) {
		t.offer.binding[b].n = 32;
		memset(t.offer.binding[b].bytes, 'A' + b, 32);
	}
	return t;
}

static inline void
try_end(struct try *t)
{
	sasl_free(&t->s);
}

/* Answers what the attempt asks for, until it is the client's turn or the end. */
static inline enum sasl_step
try_go(struct try *t, enum sasl_step step)
{
	size_t n;
	const unsigned char *data;

	while (step == SASL_NEED_ACCOUNT || step == SASL_NEED_HASH) {
		if (step == SASL_NEED_ACCOUNT) {
			struct sasl_creds creds = try_creds(sasl_local(t->s));

			t->lookups++;
			if (t->fixed != NULL)
				creds.verifiers = *t->fixed;
			step = sasl_account(t->s, t->lookup_fails ? SASL_LOOKUP_FAILED :
				try_known(sasl_local(t->s)) ? SASL_FOUND : SASL_NO_ACCOUNT, &creds);
		} else {
			struct sasl_work *w = sasl_take_work(t->s);

			t->works++;
			if (!t->pool_full)
				sasl_work_run(w);
			step = sasl_give_work(t->s, &w);
		}
	}
	data = sasl_data(t->s, &n);
	snprintf(t->data, sizeof t->data, "%.*s", (int)n, n > 0 ? (const char *)data : "");
	t->failure = sasl_failure(t->s);
	return t->step = step;
}

static inline enum sasl_step
try_bytes(struct try *t, const char *bytes, size_t n)
{
	return try_go(t, sasl_feed(t->s, bytes, n));
}

static inline enum sasl_step
try_text(struct try *t, const char *message)
{
	return try_bytes(t, message, strlen(message));
}

/* Begins an attempt. False: not offered. */
static inline bool
try_start(struct try *t, const char *mechanism)
{
	sasl_free(&t->s);
	t->s = sasl_start(&t->offer, mechanism, &t->failure);
	t->step = t->s != NULL ? SASL_CHALLENGE : SASL_FAILURE;
	return t->s != NULL;
}

#endif
