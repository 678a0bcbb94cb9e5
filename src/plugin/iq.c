/* SPDX-License-Identifier: MIT */
/* iq: the table of handlers. A few hundred rows, never changed after the start; found by a hash of
 * namespace and name. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/list.h"
#include "base/table.h"
#include "plugin/host.h"
#include "plugin/iq.h"

struct row {
	struct table_node node;
	struct iq_found found;
};

static struct table rows;

static uint32_t
key_hash(const char *ns, const char *name)
{
	return hash_bytes(ns, strlen(ns)) * 31 + hash_bytes(name, strlen(name));
}

struct key {
	unsigned type, at;
	const char *ns, *name;
	/* at a service: whose rows are looked at; NULL: those of modules without services */
	const struct module *owner;
};

#define AT_SERVICES (SC_AT_SERVICE | SC_AT_ROOM)

/* A service's own rows are apart from those of other services, and from those that are for all. */
static const struct module *
owner_of(const struct module *m, unsigned at)
{
	return (at & AT_SERVICES) && m->n_services > 0 ? m : NULL;
}

static bool
row_answers(const struct table_node *node, const void *key)
{
	const struct iq_found *found = &container_of(node, struct row, node)->found;
	const struct sc_iq *r = found->row;
	const struct key *k = key;

	return owner_of(found->module, k->at) == k->owner && (r->types & k->type) &&
		(r->at & k->at) && strcmp(r->ns, k->ns) == 0 && strcmp(r->name, k->name) == 0;
}

static const struct row *
find(const struct module *owner, unsigned type, unsigned at, const char *ns, const char *name)
{
	struct key k = { type, at, ns, name, owner };
	struct table_node *n = table_find(&rows, key_hash(ns, name), row_answers, &k);

	return n != NULL ? container_of(n, struct row, node) : NULL;
}

static bool
add(const struct module *m, const struct sc_iq *iq, char *error, size_t error_size)
{
	const struct row *other = NULL;
	struct row *r;

	for (unsigned type = SC_IQ_GET; type <= SC_IQ_SET && other == NULL; type <<= 1)
		for (unsigned at = SC_AT_SERVER; at <= SC_AT_ROOM && other == NULL; at <<= 1)
			if ((iq->types & type) && (iq->at & at))
				other = find(owner_of(m, at), type, at, iq->ns, iq->name);
	if (other != NULL) {
		snprintf(error, error_size, "module %s: <%s xmlns='%s'/> is answered by module %s "
			"already", m->m.name, iq->name, iq->ns, other->found.module->m.name);
		return false;
	}
	r = calloc(1, sizeof *r);
	sc_assert(r != NULL);
	r->found = (struct iq_found){ iq, m };
	table_insert(&rows, &r->node, key_hash(iq->ns, iq->name));
	return true;
}

bool
iq_build(char *error, size_t error_size)
{
	iq_teardown();
	for (int i = 0; i < module_count(); i++)
		for (int j = 0; j < module_at(i)->n_iq; j++)
			if (!add(module_at(i), &module_at(i)->iq[j], error, error_size))
				return false;
	return true;
}

static void
drop_row(struct table_node *node, void *arg)
{
	(void)arg;
	table_remove(&rows, node);
	free(container_of(node, struct row, node));
}

void
iq_teardown(void)
{
	table_each(&rows, drop_row, NULL);
	table_free(&rows);
}

static const struct row *
find_payload(const struct module *owner, unsigned type, unsigned at, const struct sc_elem *payload)
{
	const struct row *r = find(owner, type, at, sc_ns(payload), sc_name(payload));

	return r != NULL ? r : find(owner, type, at, sc_ns(payload), "*");
}

bool
iq_find(const struct sc_host *host, const struct service *service, enum sc_type type, unsigned at,
	const struct sc_elem *payload, struct iq_found *out)
{
	unsigned bit = type == SC_TYPE_GET ? SC_IQ_GET : SC_IQ_SET;
	const struct row *r = service != NULL ? find_payload(service->module, bit, at, payload)
		: NULL;

	if (r == NULL)
		r = find_payload(NULL, bit, at, payload);
	if (r == NULL || !host_runs(host, r->found.module->index) ||
	    atomic_load(&r->found.module->off))
		return false;
	*out = r->found;
	return true;
}
