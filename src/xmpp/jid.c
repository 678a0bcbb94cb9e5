/* SPDX-License-Identifier: MIT */
/* jid: splitting (RFC 7622 §3.1), making, comparing. Preparing the parts is prep's. */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "xmpp/prep.h"
#include <stonechat/log.h>

/* Struct and text in one piece. */
static const struct sc_jid *
make(struct sc_arena *a, const char *text, size_t local, size_t domain, size_t resource)
{
	size_t bare = local + (local > 0) + domain, n = bare + (resource > 0) + resource;
	struct sc_jid *jid = arena_take(a, sizeof(*jid) + n + 1, _Alignof(struct sc_jid));
	char *copy = (char *)(jid + 1);

	memcpy(copy, text, n);
	copy[n] = '\0';
	*jid = (struct sc_jid){ .text = copy, .local_len = local, .domain_len = domain,
		.resource_len = resource, .bare_hash = hash_stable(copy, bare) };
	return jid;
}

const struct sc_jid *
sc_jid_n(struct sc_arena *a, const char *bytes, size_t n)
{
	char text[SC_JID_MAX], *at = text;
	size_t local = 0, domain, resource = 0;
	const char *slash = n == 0 ? NULL : memchr(bytes, '/', n);
	size_t bare = slash == NULL ? n : (size_t)(slash - bytes);
	const char *sign = bare == 0 ? NULL : memchr(bytes, '@', bare), *name = bytes;

	if (sign != NULL) {
		local = prep_local(at, bytes, sign - bytes);
		if (local == 0)
			return NULL;
		at += local;
		*at++ = '@';
		name = sign + 1;
	}
	domain = prep_domain(at, name, bytes + bare - name);
	if (domain == 0)
		return NULL;
	at += domain;
	if (slash != NULL) {
		*at++ = '/';
		resource = prep_resource(at, slash + 1, bytes + n - slash - 1);
		if (resource == 0)
			return NULL;
	}
	return make(a, text, local, domain, resource);
}

const struct sc_jid *
sc_jid(struct sc_arena *a, const char *text)
{
	return text == NULL ? NULL : sc_jid_n(a, text, strlen(text));
}

const struct sc_jid *
sc_jid_of(struct sc_arena *a, struct sc_span local, struct sc_span domain, struct sc_span resource)
{
	char text[SC_JID_MAX], *at = text;

	sc_assert(local.n <= SC_JID_PART_MAX && resource.n <= SC_JID_PART_MAX);
	sc_assert(domain.n > 0 && domain.n <= SC_JID_PART_MAX);
	if (local.n > 0) {
		at = mempcpy(at, local.p, local.n);
		*at++ = '@';
	}
	at = mempcpy(at, domain.p, domain.n);
	if (resource.n > 0) {
		*at++ = '/';
		memcpy(at, resource.p, resource.n);
	}
	return make(a, text, local.n, domain.n, resource.n);
}

const struct sc_jid *
sc_jid_bare(struct sc_arena *a, const struct sc_jid *jid)
{
	if (jid->resource_len == 0)
		return jid;
	return make(a, jid->text, jid->local_len, jid->domain_len, 0);
}

const struct sc_jid *
sc_jid_with(struct sc_arena *a, const struct sc_jid *jid, const char *resource)
{
	char text[SC_JID_MAX];
	struct sc_span bare = sc_jid_bare_span(jid);
	size_t n;

	if (resource == NULL)
		return NULL;
	memcpy(text, bare.p, bare.n);
	text[bare.n] = '/';
	n = prep_resource(text + bare.n + 1, resource, strlen(resource));
	return n == 0 ? NULL : make(a, text, jid->local_len, jid->domain_len, n);
}

const struct sc_jid *
sc_jid_dup(struct sc_arena *a, const struct sc_jid *jid)
{
	if (jid == NULL)
		return NULL;
	return make(a, jid->text, jid->local_len, jid->domain_len, jid->resource_len);
}

struct sc_span
sc_jid_local(const struct sc_jid *jid)
{
	return (struct sc_span){ jid->text, jid->local_len };
}

struct sc_span
sc_jid_domain(const struct sc_jid *jid)
{
	return (struct sc_span){ jid->text + jid->local_len + (jid->local_len > 0),
		jid->domain_len };
}

struct sc_span
sc_jid_resource(const struct sc_jid *jid)
{
	size_t bare = sc_jid_bare_span(jid).n;

	return (struct sc_span){ jid->text + bare + (jid->resource_len > 0), jid->resource_len };
}

struct sc_span
sc_jid_bare_span(const struct sc_jid *jid)
{
	return (struct sc_span){ jid->text,
		(size_t)jid->local_len + (jid->local_len > 0) + jid->domain_len };
}

struct sc_span
sc_jid_span(const struct sc_jid *jid)
{
	size_t bare = sc_jid_bare_span(jid).n;

	return (struct sc_span){ jid->text, bare + (jid->resource_len > 0) + jid->resource_len };
}

bool
sc_jid_same_bare(const struct sc_jid *a, const struct sc_jid *b)
{
	if (a == NULL || b == NULL)
		return false;
	return a->bare_hash == b->bare_hash && a->local_len == b->local_len
		&& a->domain_len == b->domain_len
		&& memcmp(a->text, b->text, sc_jid_bare_span(a).n) == 0;
}

bool
sc_jid_same(const struct sc_jid *a, const struct sc_jid *b)
{
	return sc_jid_same_bare(a, b) && a->resource_len == b->resource_len
		&& memcmp(a->text, b->text, sc_jid_span(a).n) == 0;
}

bool
sc_jid_is_bare(const struct sc_jid *jid)
{
	return jid->resource_len == 0;
}

bool
sc_jid_is_domain(const struct sc_jid *jid)
{
	return jid->local_len == 0;
}
