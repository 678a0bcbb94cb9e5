/* SPDX-License-Identifier: MIT */
/*
 * dns_hosts: names whose addresses stand in the settings, in the hosts file, or in RFC 6761
 * (localhost). Read once; a reload reads again. A name in the settings hides the file's.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "net/dns_inside.h"
#include "net/dns_parse.h"
#include "net/tls_inside.h"

#define FILE_MAX 100000         /* lines; block lists of that size are none of ours to hold */

struct host {
	char *name;
	unsigned char address[16];
	bool is6;
	int rank;               /* a lower one hides the others of the name */
};

struct dns_hosts {
	struct host *hosts;     /* sorted by name, rank */
	int n, room;
};

static bool
add(struct dns_hosts *h, const char *name, const char *address, int rank)
{
	char ascii[TLS_HOST_MAX], good[DNS_NAME_MAX];
	struct host host = { .rank = rank };

	if (!tls_ascii(name, ascii) || !dns_name_good(ascii, good))
		return false;
	host.is6 = strchr(address, ':') != NULL;
	if (inet_pton(host.is6 ? AF_INET6 : AF_INET, address, host.address) != 1)
		return false;
	host.name = mem_text(good, strlen(good));
	if (h->n == h->room) {
		h->room = 2 * h->room + 16;
		h->hosts = mem_grow(h->hosts, (size_t)h->room * sizeof(*h->hosts));
	}
	h->hosts[h->n++] = host;
	return true;
}

static bool
add_settings(struct dns_hosts *h, const char *const *lines, char *error, size_t size)
{
	for (; lines != NULL && *lines != NULL; lines++) {
		char name[DNS_NAME_MAX], address[64], rest;

		if (sscanf(*lines, "%255s %63s %c", name, address, &rest) == 2 && add(h, name,
			address, 0))
			continue;
		snprintf(error, size, "\"%s\" is not a name and an address", *lines);
		return false;
	}
	return true;
}

/* A file that is missing or has strange lines is no error: it is the machine's, not ours. */
static void
add_file(struct dns_hosts *h, const char *path)
{
	FILE *f = path == NULL || *path == '\0' ? NULL : fopen(path, "re");
	char line[1024];

	if (f == NULL)
		return;
	while (h->n < FILE_MAX && fgets(line, sizeof(line), f) != NULL) {
		char *save = NULL, *address, *name;

		line[strcspn(line, "#\n")] = '\0';
		address = strtok_r(line, " \t", &save);
		while (address != NULL && (name = strtok_r(NULL, " \t", &save)) != NULL)
			add(h, name, address, 1);
	}
	fclose(f);
}

static int
by_name(const void *a, const void *b)
{
	const struct host *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : x->rank - y->rank;
}

struct dns_hosts *
dns_hosts_load(const struct dns_conf *conf, char *error, size_t error_size)
{
	struct dns_hosts *h = mem_new(sizeof(*h));

	if (!add_settings(h, conf->hosts, error, error_size)) {
		dns_hosts_free(&h);
		return NULL;
	}
	add_file(h, conf->hosts_file);
	add(h, "localhost", "127.0.0.1", 2);
	add(h, "localhost", "::1", 2);
	qsort(h->hosts, (size_t)h->n, sizeof(*h->hosts), by_name);
	return h;
}

void
dns_hosts_free(struct dns_hosts **taken)
{
	struct dns_hosts *h = *taken;

	*taken = NULL;
	if (h == NULL)
		return;
	for (int i = 0; i < h->n; i++)
		free(h->hosts[i].name);
	free(h->hosts);
	free(h);
}

static int
first_of(const struct dns_hosts *h, const char *name)
{
	int lo = 0, hi = h->n;

	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;

		if (strcmp(h->hosts[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
dns_hosts_find(const struct dns_hosts *h, const char *name, enum dns_type type,
	struct dns_parsed *p)
{
	const char *dot = strrchr(name, '.');
	int first, n = 0;

	if (h == NULL || (type != DNS_A && type != DNS_AAAA))
		return false;
	if (dot != NULL && strcmp(dot, ".localhost") == 0)      /* RFC 6761 §6.3 */
		name = "localhost";
	first = first_of(h, name);
	while (first + n < h->n && n < DNS_RECORDS_MAX && strcmp(h->hosts[first + n].name,
		name) == 0 &&
		h->hosts[first + n].rank == h->hosts[first].rank)
		n++;
	if (n == 0)
		return false;
	*p = (struct dns_parsed){ .status = DNS_NONE,
		.why = "the hosts file has no such address of it",
		.records = mem_new((size_t)n * sizeof(*p->records)) };
	for (int i = first; i < first + n; i++) {
		if (h->hosts[i].is6 != (type == DNS_AAAA))
			continue;
		memcpy(p->records[p->n].address, h->hosts[i].address, sizeof(h->hosts[i].address));
		p->records[p->n++].data = "";
		p->status = DNS_FOUND;
		p->why = NULL;
	}
	return true;
}
