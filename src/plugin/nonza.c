/* SPDX-License-Identifier: MIT */
/* nonza: a handful of rows for rare elements, so they are simply searched. */
#include "config.h"

#include <stdio.h>
#include "plugin/host.h"
#include "plugin/nonza.h"

static bool
claims(const struct sc_nonza *row, unsigned at, const char *ns, const char *name)
{
	return (row->at & at) != 0 && sc_same(row->ns, ns) && sc_same(row->name, name);
}

/* The first after `after` (NULL: the first of all). */
static bool
find(unsigned at, const char *ns, const char *name, const struct sc_nonza *after,
	struct nonza_found *out)
{
	bool seen = after == NULL;

	for (int i = 0; i < module_count(); i++) {
		const struct module *m = module_at(i);

		for (int k = 0; k < m->n_nonzas; k++) {
			if (seen && claims(&m->nonzas[k], at, ns, name)) {
				*out = (struct nonza_found){ &m->nonzas[k], m };
				return true;
			}
			seen = seen || &m->nonzas[k] == after;
		}
	}
	return false;
}

bool
nonza_check(char *error, size_t error_size)
{
	for (int i = 0; i < module_count(); i++) {
		const struct module *m = module_at(i);

		for (int k = 0; k < m->n_nonzas; k++) {
			const struct sc_nonza *row = &m->nonzas[k];
			struct nonza_found other;

			if (!find(row->at, row->ns, row->name, row, &other))
				continue;
			snprintf(error, error_size, "module %s: <%s xmlns='%s'/> is claimed by "
				"module %s already", other.module->m.name,
				row->name, row->ns, m->m.name);
			return false;
		}
	}
	return true;
}

bool
nonza_find(const struct sc_host *host, unsigned at, const struct sc_elem *e,
	struct nonza_found *out)
{
	return find(at, sc_ns(e), sc_name(e), NULL, out) && host_runs(host, out->module->index) &&
		!atomic_load(&out->module->off);
}

static int
add_once(const char **out, int n, int max, const char *ns)
{
	for (int i = 0; i < n; i++)
		if (sc_same(out[i], ns))
			return n;
	if (n < max)
		out[n++] = ns;
	return n;
}

int
nonza_namespaces(const struct sc_host *host, unsigned at, const char **out, int max)
{
	int n = 0;

	for (int i = 0; i < module_count(); i++) {
		const struct module *m = module_at(i);

		if (!host_runs(host, m->index) || atomic_load(&m->off))
			continue;
		for (int k = 0; k < m->n_nonzas; k++)
			if ((m->nonzas[k].at & at) != 0)
				n = add_once(out, n, max, m->nonzas[k].ns);
	}
	return n;
}
