/* SPDX-License-Identifier: MIT */
/* sasl_anonymous: RFC 4505 as XEP-0175 uses it: a fresh random name for whoever asks. The trace is
 * checked and forgotten. */
#include "config.h"

#include "base/rand.h"
#include "stream/sasl_impl.h"

#define TRACE_MAX 255                   /* characters (RFC 4505 §2) */

static bool
trace_ok(struct sc_span trace)
{
	size_t characters = 0;

	for (size_t i = 0; i < trace.n; i++) {
		unsigned char c = (unsigned char)trace.p[i];

		if (c < 0x20 || c == 0x7F)
			return false;
		characters += (c & 0xC0) != 0x80;
	}
	return characters <= TRACE_MAX && sasl_utf8(trace);
}

static enum sasl_step
message(struct sasl *s, struct sc_span trace)
{
	unsigned char random[16];
	char name[2 * sizeof random + 1];

	if (!trace_ok(trace))
		return sasl_fail(s, SASL_MALFORMED_REQUEST,
			"The trace is not a token of at most 255 characters.");
	rand_bytes(random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++) {
		name[2 * i] = "0123456789abcdef"[random[i] >> 4];
		name[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
	}
	name[2 * sizeof random] = 0;
	s->local = sc_copy(s->arena, name);
	s->anonymous = true;
	return sasl_finish(s, (struct sc_span){ NULL, 0 });
}

static enum sasl_step
account(struct sasl *s)
{
	return sasl_fail(s, SASL_NOT_AUTHORIZED, "ANONYMOUS has no account.");
}

const struct sasl_ops sasl_anonymous_ops = { .starts_empty = true, .message = message,
	.account = account };
