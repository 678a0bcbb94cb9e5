/* SPDX-License-Identifier: MIT */
/*
 * module: finding and loading shared objects, checking the ABI stamp, copying the module's arrays
 * to our own sizes. A module lays its arrays out with the struct sizes that it was compiled with;
 * structs only grow at the end, so copying what both sides know of each element, zeroing the rest,
 * makes an older module look like a new one.
 */
#include "config.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stonechat/log.h>
#include "base/stats.h"
#include "plugin/conf.h"
#include "plugin/hook.h"
#include "plugin/host.h"
#include "plugin/iq.h"
#include "plugin/module.h"
#include "plugin/nonza.h"
#include "plugin/service.h"
#include "plugin/slot.h"
#include "store/store.h"

static struct module *modules[HOST_MODULES_MAX];
static int n_modules;
static _Atomic unsigned n_disabled;

int
module_count(void)
{
	return n_modules;
}

struct module *
module_at(int i)
{
	return modules[i];
}

struct module *
module_find(const char *name)
{
	for (int i = 0; i < n_modules; i++)
		if (sc_same(modules[i]->m.name, name))
			return modules[i];
	return NULL;
}

const struct module *
module_of(const struct sc_module *m)
{
	return module_find(m->name);
}

bool
module_disable(const char *name)
{
	struct module *m = module_find(name);

	if (m == NULL)
		return false;
	if (!atomic_exchange(&m->off, true))
		atomic_fetch_add(&n_disabled, 1);
	return true;
}

unsigned
module_disabled(void)
{
	return atomic_load(&n_disabled);
}

/* Copies an array that ends with an element whose first pointer-sized field at `end_at` is NULL. */
static void *
copy_array(const void *from, size_t stride, size_t ours, size_t end_at, int *n)
{
	const char *p = from;
	size_t common = stride < ours ? stride : ours;
	char *out;

	*n = 0;
	if (from == NULL)
		return NULL;
	while (*(const void *const *)(const void *)(p + (size_t)*n * stride + end_at) != NULL)
		(*n)++;
	out = calloc((size_t)*n + 1, ours);
	sc_assert(out != NULL);
	for (int i = 0; i < *n; i++)
		memcpy(out + (size_t)i * ours, p + (size_t)i * stride, common);
	return out;
}

/* Each table ends with an element in which a certain pointer is NULL; a stride that does not reach
 * it cannot be. */
static bool
strides_can_be(const struct sc_module *m)
{
#define REACHES(stride, type, end) ((stride) >= offsetof(type, end) + sizeof(void *))
	return (m->hooks == NULL || REACHES(m->size_hook, struct sc_hook, name)) &&
		(m->iq == NULL || REACHES(m->size_iq, struct sc_iq, ns)) &&
		(m->features == NULL || REACHES(m->size_feature, struct sc_feature, var)) &&
		(m->identities == NULL || REACHES(m->size_identity, struct sc_identity, category));
#undef REACHES
}

static bool
stamp_is_right(const struct sc_module *m, const char *name, char *error, size_t error_size)
{
	if (m->magic != SC_API_MAGIC)
		snprintf(error, error_size, "module %s: sc_module_%s is not a Stonechat module "
			"(wrong magic)", name, name);
	else if (m->api_major != SC_API_MAJOR)
		snprintf(error, error_size, "module %s: made for plugin API %d.%d, this server has "
			"%d.%d; compile it again",
			name, m->api_major, m->api_minor, SC_API_MAJOR, SC_API_MINOR);
	else if (m->api_minor > SC_API_MINOR)
		snprintf(error, error_size, "module %s: needs plugin API %d.%d, this server has "
			"only %d.%d", name, m->api_major, m->api_minor, SC_API_MAJOR, SC_API_MINOR);
	else if (m->size_stmt != sizeof(struct sc_stmt))
		snprintf(error, error_size, "module %s: its statements have another layout; "
			"compile it again", name);
	else if (!strides_can_be(m))
		snprintf(error, error_size, "module %s: its tables have another layout; compile "
			"it again", name);
	else
		return true;
	return false;
}

bool
module_add(const struct sc_module *given, void *handle, char *error, size_t error_size)
{
	struct module *m;
	size_t size = given->size_module < sizeof m->m ? given->size_module : sizeof m->m;

	if (!stamp_is_right(given, given->magic == SC_API_MAGIC ? given->name : "?", error,
	    error_size))
		return false;
	if (n_modules == HOST_MODULES_MAX || module_find(given->name) != NULL) {
		snprintf(error, error_size, "module %s: %s", given->name,
			n_modules == HOST_MODULES_MAX ? "too many modules" : "loaded twice");
		return false;
	}
	m = calloc(1, sizeof *m);
	sc_assert(m != NULL);
	memcpy(&m->m, given, size);
	m->handle = handle;
	m->index = n_modules;
	m->conf_section = -1;
	m->hooks = copy_array(given->hooks, given->size_hook, sizeof *m->hooks,
		offsetof(struct sc_hook, name), &m->n_hooks);
	m->iq = copy_array(given->iq, given->size_iq, sizeof *m->iq, offsetof(struct sc_iq, ns),
		&m->n_iq);
	m->features = copy_array(given->features, given->size_feature, sizeof *m->features,
		offsetof(struct sc_feature, var), &m->n_features);
	m->identities = copy_array(given->identities, given->size_identity, sizeof *m->identities,
		offsetof(struct sc_identity, category), &m->n_identities);
	m->nonzas = copy_array(m->m.nonzas, m->m.size_nonza, sizeof *m->nonzas,
		offsetof(struct sc_nonza, ns), &m->n_nonzas);
	m->services = copy_array(m->m.services, m->m.size_service, sizeof *m->services,
		offsetof(struct sc_service, name), &m->n_services);
	if (m->m.conf != NULL) {
		m->conf_section = conf_section(m->m.name, m->m.conf, given->size_key,
			m->m.conf_size, true);
		if (m->m.conf_check != NULL)
			conf_section_check(m->conf_section, m->m.conf_check);
	}
	modules[n_modules++] = m;
	return true;
}

static bool
load_file(const char *path, const char *name, char *error, size_t error_size)
{
	char symbol[128];
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct sc_module *m;

	if (handle == NULL) {
		snprintf(error, error_size, "module %s: %s", name, dlerror());
		return false;
	}
	snprintf(symbol, sizeof symbol, "sc_module_%s", name);
	m = dlsym(handle, symbol);
	if (m == NULL) {
		snprintf(error, error_size, "module %s: %s does not export %s; is SC_MODULE(%s, "
			"...) in it?", name, path, symbol, name);
		dlclose(handle);
		return false;
	}
	if (!stamp_is_right(m, name, error, error_size) || !module_add(m, handle, error,
	    error_size)) {
		dlclose(handle);
		return false;
	}
	return true;
}

static bool
find_file(const char *dir, const char *name, char path[], size_t size)
{
	snprintf(path, size, "%s/%s.so", dir, name);
	if (access(path, R_OK) == 0)
		return true;
	snprintf(path, size, "%s/%s/.libs/%s.so", dir, name, name);
	return access(path, R_OK) == 0;
}

bool
module_load(const char *dir, const char *name, char *error, size_t error_size)
{
	char path[4096];

	if (*name == '\0' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name)) {
		snprintf(error, error_size, "module \"%s\": a module's name has only a-z, "
			"0-9 and _", name);
		return false;
	}
	if (!find_file(dir, name, path, sizeof path)) {
		snprintf(error, error_size, "module %s: there is no %s.so in %s", name, name, dir);
		return false;
	}
	return load_file(path, name, error, error_size);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
listed(char *const *names, const char *name)
{
	for (; names != NULL && *names != NULL; names++)
		if (sc_same(*names, name))
			return true;
	return false;
}

/* The name of a module that a directory entry stands for: "ping.so", or a folder "ping" of an
 * uninstalled build. NULL: none. */
static char *
module_name_of(const char *dir, const char *entry)
{
	char path[4096];
	char *name = strdup(entry), *dot = strrchr(name, '.');

	if (dot != NULL && strcmp(dot, ".so") == 0)
		*dot = '\0';
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name) &&
	    find_file(dir, name, path, sizeof path))
		return name;
	free(name);
	return NULL;
}

bool
module_load_all(const char *dir, char *const *off, char *error, size_t error_size)
{
	char *names[HOST_MODULES_MAX + 1];
	int n = 0;
	bool ok = true;
	struct dirent *e;
	DIR *d = opendir(dir);

	if (d == NULL) {
		snprintf(error, error_size, "the module folder %s cannot be read", dir);
		return false;
	}
	while ((e = readdir(d)) != NULL && n < HOST_MODULES_MAX) {
		char *name = module_name_of(dir, e->d_name);

		names[n] = NULL;
		if (name != NULL && (listed(off, name) || listed(names, name))) {
			free(name);
			name = NULL;
		}
		if (name != NULL)
			names[n++] = name;
	}
	closedir(d);
	qsort(names, (size_t)n, sizeof *names, by_name);
	for (int i = 0; i < n; i++) {
		ok = ok && module_load(dir, names[i], error, error_size);
		free(names[i]);
	}
	return ok;
}

static bool
needs_are_met(const struct module *m, char *error, size_t error_size)
{
	for (const char *const *need = m->m.needs; need != NULL && *need != NULL; need++)
		if (module_find(*need) == NULL) {
			snprintf(error, error_size, "module %s: needs the module %s, which is "
				"not loaded", m->m.name, *need);
			return false;
		}
	return true;
}

static bool
register_parts(struct module *m, char *error, size_t error_size)
{
	const char *taken = NULL;
	int n = 0;

	for (const struct sc_slot *const *s = m->m.slots; s != NULL && *s != NULL; s++)
		slot_register(*s);
	for (const struct sc_counter *const *c = m->m.counters; c != NULL && *c != NULL; c++)
		stats_register_counter(*c);
	while (m->m.statements != NULL && m->m.statements[n] != NULL)
		n++;
	if (n > 0)
		taken = store_register(m->m.statements, n);
	if (taken != NULL)
		snprintf(error, error_size, "module %s: its statement %s has the name of "
			"another one", m->m.name, taken);
	return taken == NULL;
}

bool
module_finish(char *error, size_t error_size)
{
	for (int i = 0; i < n_modules; i++) {
		if (!needs_are_met(modules[i], error, error_size) || !register_parts(modules[i],
		    error, error_size))
			return false;
	}
	return hook_build(error, error_size) && iq_build(error, error_size) &&
		nonza_check(error, error_size) && service_check(error, error_size);
}

void
module_unload_all(void)
{
	for (int i = 0; i < n_modules; i++) {
		struct module *m = modules[i];

		free(m->hooks);
		free(m->iq);
		free(m->features);
		free(m->identities);
		free(m->nonzas);
		free(m->services);
		/* The code stays mapped: leak checkers want its symbols, and the process ends
		 * anyway. */
		free(m);
	}
	n_modules = 0;
	hook_teardown();
	iq_teardown();
}
