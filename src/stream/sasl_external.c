/* SPDX-License-Identifier: MIT */
/*
 * sasl_external: a client's certificate as proof (XEP-0178 §2). TLS has verified it to a trusted
 * root and the caller has read its xmppAddr names; here one of them is chosen. Servers'
 * certificates (s2s) are not this file's business.
 */
#include "config.h"

#include "stream/sasl_impl.h"

#include <string.h>

#include "stonechat/jid.h"

/* An address in the certificate that may be an account of this host. NULL: it is not. */
static const struct sc_jid *
usable(const struct sasl_offer *o, size_t i, struct sc_arena *arena)
{
	const struct sc_jid *jid = sc_jid(arena, o->cert_jids[i]);

	if (jid == NULL || !sc_jid_is_bare(jid) || jid->local_len == 0 ||
	    !sc_span_is(sc_jid_domain(jid), o->host))
		return NULL;
	return jid;
}

bool
sasl_external_possible(const struct sasl_offer *o)
{
	struct sc_arena *arena;
	bool possible = false;

	if (o->n_cert_jids == 0)
		return false;
	arena = arena_new();
	for (size_t i = 0; i < o->n_cert_jids && !possible; i++)
		possible = usable(o, i, arena) != NULL;
	arena_free(arena);
	return possible;
}

/* The address that the client asks for, or the only one there is. */
static const struct sc_jid *
choose(struct sasl *s, const struct sc_jid *wanted, bool *several)
{
	const struct sc_jid *chosen = NULL;

	*several = false;
	for (size_t i = 0; i < s->offer.n_cert_jids; i++) {
		const struct sc_jid *jid = usable(&s->offer, i, s->arena);

		if (jid == NULL || (wanted != NULL && !sc_jid_same(jid, wanted)))
			continue;
		if (chosen != NULL && !sc_jid_same(chosen, jid))
			*several = true;
		chosen = jid;
	}
	return chosen;
}

static enum sasl_step
message(struct sasl *s, struct sc_span authzid)
{
	const struct sc_jid *wanted = NULL, *jid;
	bool several;

	if (!sasl_utf8(authzid))
		return sasl_fail(s, SASL_MALFORMED_REQUEST,
			"The authorization identity is not UTF-8.");
	if (authzid.n > 0) {
		s->authzid = sc_copy_n(s->arena, authzid.p, authzid.n);
		wanted = sc_jid(s->arena, s->authzid);
		if (wanted == NULL)
			return sasl_fail(s, SASL_INVALID_AUTHZID,
				"The authorization identity is not a JID.");
	}
	jid = choose(s, wanted, &several);
	if (several)
		return sasl_fail(s, SASL_INVALID_AUTHZID,
			"The certificate has several addresses and the client did not choose.");
	if (jid == NULL)
		return sasl_fail(s, SASL_INVALID_AUTHZID,
			"The certificate does not have the address that the client asked for.");
	return sasl_ask_account(s, jid->text, jid->local_len);
}

static enum sasl_step
account(struct sasl *s)
{
	return sasl_finish(s, (struct sc_span){ NULL, 0 });
}

const struct sasl_ops sasl_external_ops = { .message = message, .account = account };
