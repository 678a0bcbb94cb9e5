/* SPDX-License-Identifier: MIT */
/*
 * tls_certs: the certificate folder as a snapshot, and which certificate serves which name. For
 * each host: its own files; else those of "*.parent" or "_.parent"; else the pair that an
 * earlier snapshot had (a reload must not take a working host down); else another host's
 * certificate that names it.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/x509.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/mem.h"
#include "net/tls_inside.h"

struct layout {
	const char *cert, *key;         /* with the folder and a name put in */
};

static const struct layout layouts[] = {
	{ "%s/%s.crt", "%s/%s.key" },
	{ "%s/%s.pem", "%s/%s.pem" },
	{ "%s/%s/fullchain.pem", "%s/%s/privkey.pem" },
};

enum found { FOUND_NOTHING, FOUND_BROKEN, FOUND_GOOD };

#define TEXT(s) mem_text((s), strlen(s))

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"    /* the formats are the three above */
static bool
put_in(char out[PATH_MAX], const char *format, const char *dir, const char *name)
{
	int n = snprintf(out, PATH_MAX, format, dir, name);

	return n > 0 && n < PATH_MAX;
}
#pragma GCC diagnostic pop

static enum found
try_name(struct tls_pair *pair, const char *dir, const char *name, char *why, size_t size)
{
	char cert[PATH_MAX], key[PATH_MAX];

	/* A host called "../x" is refused elsewhere; here it must not leave the folder either. */
	if (strchr(name, '/') != NULL || name[0] == '.')
		return FOUND_NOTHING;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (!put_in(cert, layouts[i].cert, dir, name) ||
			!put_in(key, layouts[i].key, dir, name))
			continue;
		if (access(cert, F_OK) != 0)
			continue;
		if (!tls_pair_read(pair, cert, key, why, size))
			return FOUND_BROKEN;
		pair->file = TEXT(cert);
		return FOUND_GOOD;
	}
	return FOUND_NOTHING;
}

static enum found
try_names(struct tls_pair *pair, const char *dir, const char *host, const char *ascii, char *why,
	size_t size)
{
	const char *parent = strchr(ascii, '.');
	char name[TLS_HOST_MAX + 2];
	enum found found = try_name(pair, dir, host, why, size);

	if (found == FOUND_NOTHING && strcmp(host, ascii) != 0)
		found = try_name(pair, dir, ascii, why, size);
	for (int i = 0; found == FOUND_NOTHING && parent != NULL && i < 2; i++) {
		snprintf(name, sizeof(name), "%c%s", "*_"[i], parent);
		found = try_name(pair, dir, name, why, size);
	}
	if (found == FOUND_NOTHING)
		snprintf(why, size, "there is no certificate for %s in %s", host, dir);
	return found;
}

static void
share(struct tls_pair *pair, const struct tls_pair *from)
{
	X509_up_ref(from->leaf);
	EVP_PKEY_up_ref(from->key);
	pair->leaf = from->leaf;
	pair->key = from->key;
	pair->chain = X509_chain_up_ref(from->chain);
	pair->file = TEXT(from->file);
	pair->not_after = from->not_after;
}

static const struct tls_pair *
pair_of(const struct tls_pairs *all, const char *ascii)
{
	for (int i = 0; all != NULL && i < all->n; i++)
		if (strcmp(all->pairs[i].ascii, ascii) == 0)
			return &all->pairs[i];
	return NULL;
}

static bool
load_host(struct tls_pair *pair, const char *dir, const char *host, const char *ascii,
	const struct tls_pairs *old, char *why, size_t size)
{
	const struct tls_pair *before = pair_of(old, ascii);
	enum found found = try_names(pair, dir, host, ascii, why, size);

	if (found == FOUND_BROKEN || (found == FOUND_NOTHING && before != NULL))
		sc_log(NULL, SC_LOG_WARN, "tls.certificate_refused",
			"host=%s kept_old=%s reason=\"%s\"", host, before == NULL ? "no"
			: "yes", why);
	if (found == FOUND_GOOD)
		return true;
	if (before == NULL)
		return false;
	share(pair, before);
	return true;
}

static void
name_it(struct tls_pair *pair, const char *host, const char *ascii)
{
	pair->host = TEXT(host);
	pair->ascii = TEXT(ascii);
	pair->names_match = tls_cert_matches(pair->leaf, host);
	if (!pair->names_match)
		sc_log(NULL, SC_LOG_WARN, "tls.certificate_of_other_name", "host=%s file=%s", host,
			pair->file);
	if (pair->not_after < clock_wall() / 1000000)
		sc_log(NULL, SC_LOG_WARN, "tls.certificate_expired", "host=%s file=%s", host,
			pair->file);
}

static const struct tls_pair *
find_covering(const struct tls_pairs *all, const char *host)
{
	for (int i = 0; i < all->n; i++)
		if (tls_cert_matches(all->pairs[i].leaf, host))
			return &all->pairs[i];
	return NULL;
}

/* The names */

struct naming {
	struct tls_pairs *all;
	const struct tls_pair *pair;
	int rank, room;
};

static bool
add_name(void *arg, const char *name)
{
	struct naming *naming = arg;
	struct tls_pairs *all = naming->all;

	if (all->names_n == naming->room) {
		naming->room = naming->room == 0 ? 16 : 2 * naming->room;
		all->names = mem_grow(all->names, (size_t)naming->room * sizeof(*all->names));
	}
	all->names[all->names_n++] = (struct tls_name){ TEXT(name), naming->pair, naming->rank };
	return true;
}

static int
compare_names(const void *a, const void *b)
{
	const struct tls_name *one = a, *other = b;
	int by_name = strcmp(one->name, other->name);

	return by_name != 0 ? by_name : one->rank - other->rank;
}

/* A host's own pair before what another certificate happens to name; earlier hosts before later
 * ones. */
static void
index_names(struct tls_pairs *all)
{
	struct naming naming = { .all = all };
	int kept = 0;

	for (int i = 0; i < all->n; i++) {
		naming.pair = &all->pairs[i];
		naming.rank = i;
		add_name(&naming, all->pairs[i].ascii);
		naming.rank = i + all->n;
		tls_each_name(all->pairs[i].leaf, add_name, &naming);
	}
	if (all->names_n == 0)
		return;
	qsort(all->names, (size_t)all->names_n, sizeof(*all->names), compare_names);
	for (int i = 0; i < all->names_n; i++) {
		if (kept > 0 && strcmp(all->names[kept - 1].name, all->names[i].name) == 0)
			free(all->names[i].name);
		else
			all->names[kept++] = all->names[i];
	}
	all->names_n = kept;
}

static const struct tls_pair *
find_name(const struct tls_pairs *all, char *name)
{
	struct tls_name key = { .name = name };
	int low = 0, high = all->names_n;

	while (low < high) {
		int middle = (low + high) / 2, by = strcmp(key.name, all->names[middle].name);

		if (by == 0)
			return all->names[middle].pair;
		if (by < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct tls_pair *
tls_pairs_find(const struct tls_pairs *all, const char *name)
{
	char ascii[TLS_HOST_MAX], *dot;
	const struct tls_pair *pair;

	if (!tls_ascii(name, ascii))
		return NULL;
	pair = find_name(all, ascii);
	dot = strchr(ascii, '.');
	if (pair != NULL || dot == NULL || dot == ascii)
		return pair;
	dot[-1] = '*';          /* in place: the leftmost label becomes the wildcard */
	return find_name(all, dot - 1);
}

void
tls_pairs_load(struct tls_pairs *all, const struct tls_conf *conf, const struct tls_pairs *old,
	char *why, size_t why_size)
{
	int hosts = 0;

	while (conf->hosts != NULL && conf->hosts[hosts] != NULL)
		hosts++;
	*all = (struct tls_pairs){ .pairs = mem_new((size_t)(hosts + 1) * sizeof(*all->pairs)) };
	snprintf(why, why_size, "there is no host to load a certificate for");
	if (conf->cert_dir == NULL)
		return;
	for (int i = 0; i < hosts; i++) {
		const char *host = conf->hosts[i];
		struct tls_pair *pair = &all->pairs[all->n];
		char ascii[TLS_HOST_MAX];

		if (!tls_ascii(host, ascii)) {
			snprintf(why, why_size, "%s is no host name", host);
			continue;
		}
		if (!load_host(pair, conf->cert_dir, host, ascii, old, why, why_size))
			continue;
		name_it(pair, host, ascii);
		all->n++;
	}
	for (int i = 0; i < hosts; i++) {
		const char *host = conf->hosts[i];
		const struct tls_pair *other;
		char ascii[TLS_HOST_MAX];

		if (!tls_ascii(host, ascii) || pair_of(all, ascii) != NULL)
			continue;
		other = find_covering(all, host);
		if (other == NULL) {
			sc_log(NULL, SC_LOG_WARN, "tls.no_certificate", "host=%s dir=%s", host,
				conf->cert_dir);
			continue;
		}
		share(&all->pairs[all->n], other);
		name_it(&all->pairs[all->n++], host, ascii);
	}
	index_names(all);
}

void
tls_pairs_free(struct tls_pairs *all)
{
	for (int i = 0; i < all->n; i++)
		tls_pair_free(&all->pairs[i]);
	for (int i = 0; i < all->names_n; i++)
		free(all->names[i].name);
	free(all->pairs);
	free(all->names);
	*all = (struct tls_pairs){ 0 };
}
