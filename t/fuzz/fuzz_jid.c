/* SPDX-License-Identifier: MIT */
/* fuzz_jid: what is accepted as a JID is stable under preparation, has sane parts and is UTF-8. */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include <stonechat/jid.h>
#include <stonechat/log.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static bool
forbidden(struct sc_span local)
{
	for (size_t i = 0; i < local.n; i++)
		if (strchr("\"&'/:<>@ ", local.p[i]) != NULL)
			return true;
	return false;
}

static void
check(struct sc_arena *a, const struct sc_jid *jid)
{
	const struct sc_jid *again = sc_jid(a, jid->text);
	struct sc_span local = sc_jid_local(jid), domain = sc_jid_domain(jid);
	struct sc_span resource = sc_jid_resource(jid);

	sc_assert(again != NULL && sc_jid_same(jid, again));
	sc_assert(strlen(jid->text) == sc_jid_span(jid).n);
	sc_assert(local.n <= SC_JID_PART_MAX && resource.n <= SC_JID_PART_MAX);
	sc_assert(domain.n > 0 && domain.n <= SC_JID_PART_MAX);
	sc_assert(!forbidden(local));
	sc_assert(memchr(domain.p, '@', domain.n) == NULL &&
		memchr(domain.p, '/', domain.n) == NULL);
	sc_assert(sc_jid_same(sc_jid_of(a, local, domain, resource), jid));
	sc_assert(sc_jid_same_bare(sc_jid_bare(a, jid), jid));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sc_arena *a = arena_new();
	const char *text = (const char *)bytes;
	const struct sc_jid *jid = sc_jid_n(a, text, n);
	const char *password = sc_prepare_password(a, text, n), *again;

	if (jid != NULL)
		check(a, jid);
	if (password != NULL) {
		again = sc_prepare_password(a, password, strlen(password));
		sc_assert(again != NULL && strcmp(again, password) == 0);
	}
	arena_free(a);
	return 0;
}
