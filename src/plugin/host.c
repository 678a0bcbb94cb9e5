/* SPDX-License-Identifier: MIT */
/* host: this shard's virtual hosts. A handful, so they are looked through in order; the last one
 * found is tried first. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "plugin/conf.h"
#include "plugin/host.h"
#include "plugin/module.h"
#include "plugin/service.h"
#include "base/table.h"
#include "base/list.h"

struct host_node {
	struct table_node node;
	struct sc_host host;
};

static _Thread_local struct table by_name;
static _Thread_local struct sc_host **hosts;
static _Thread_local int n_hosts;

static bool
is_named(const struct table_node *node, const void *key)
{
	const struct host_node *h = container_of(node, struct host_node, node);

	return sc_span_is(*(const struct sc_span *)key, h->host.jid->text);
}

static struct sc_host *
find(struct sc_span domain)
{
	struct table_node *n = table_find(&by_name, hash_bytes(domain.p, domain.n), is_named,
		&domain);

	return n != NULL ? &container_of(n, struct host_node, node)->host : NULL;
}

struct sc_host *
sc_host_find(struct sc_span domain)
{
	struct sc_host *h = find(domain);

	return h != NULL && !h->gone ? h : NULL;
}

int
host_count(void)
{
	return n_hosts;
}

struct sc_host *
host_at(int i)
{
	return hosts[i];
}

static struct sc_host *
make(const char *name)
{
	struct host_node *n = calloc(1, sizeof *n);
	struct sc_span domain = sc_span(name);

	sc_assert(n != NULL);
	n->host.arena = arena_new();
	n->host.jid = sc_jid_of(n->host.arena, (struct sc_span){ 0 }, domain,
		(struct sc_span){ 0 });
	table_insert(&by_name, &n->node, hash_bytes(domain.p, domain.n));
	hosts = realloc(hosts, (size_t)(n_hosts + 1) * sizeof *hosts);
	sc_assert(hosts != NULL);
	return hosts[n_hosts++] = &n->host;
}

static void
set_modules_off(struct sc_host *h, const char *const *off)
{
	memset(h->modules_off, 0, sizeof h->modules_off);
	for (; off != NULL && *off != NULL; off++) {
		const struct module *m = module_find(*off);

		if (m != NULL)
			h->modules_off[m->index / 8] |= (uint8_t)(1u << (m->index % 8));
	}
}

void
host_sync(const int *ids)
{
	const struct conf *conf = conf_now();

	for (int i = 0; i < n_hosts; i++)
		hosts[i]->gone = true;
	for (int i = 0; i < conf_hosts(conf); i++) {
		const struct conf_host *c = conf_host(conf, i);
		struct sc_host *h = find(sc_span(c->name));

		if (h == NULL)
			h = make(c->name);
		h->gone = false;
		h->id = ids[i];
		h->conf_index = i;
		set_modules_off(h, c->modules_off);
	}
	host_forget_caps();
	service_sync();
}

void
host_forget_caps(void)
{
	for (int i = 0; i < n_hosts; i++) {
		free(hosts[i]->caps);
		hosts[i]->caps = NULL;
	}
}

bool
host_runs(const struct sc_host *host, int module_index)
{
	return host == NULL || !(host->modules_off[module_index / 8] & (1u << (module_index % 8)));
}

static void
drop(struct table_node *node, void *arg)
{
	struct host_node *n = container_of(node, struct host_node, node);

	(void)arg;
	table_remove(&by_name, node);
	slots_free(&n->host.slots, SC_SLOT_HOST);
	free(n->host.caps);
	arena_free(n->host.arena);
	free(n);
}

void
host_thread_done(void)
{
	service_thread_done();
	table_each(&by_name, drop, NULL);
	table_free(&by_name);
	free(hosts);
	hosts = NULL;
	n_hosts = 0;
}

const char *
sc_host_name(const struct sc_host *h)
{
	return h->jid->text;
}

const struct sc_jid *
sc_host_jid(const struct sc_host *h)
{
	return h->jid;
}

int
sc_host_id(const struct sc_host *h)
{
	return h->id;
}

void *
sc_host_slot(struct sc_host *h, const struct sc_slot *slot)
{
	return slots_get(&h->slots, slot);
}
