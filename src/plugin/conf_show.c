/* SPDX-License-Identifier: MIT */
/* conf_show: values as text, where they came from, and how two snapshots differ. */
#include "config.h"

#include "plugin/conf_inside.h"

#include <inttypes.h>
#include <string.h>

static const char *
with_unit(struct sc_arena *a, int64_t v, const int64_t *factors, const char *const *names)
{
	int i = 0;

	while (factors[i] != 1 && (v == 0 || v % factors[i] != 0))
		i++;
	return sc_format(a, "%" PRId64 "%s", v / factors[i], names[i]);
}

const char *
conf_number_text(struct sc_arena *a, enum sc_conf_type type, int64_t v)
{
	static const int64_t size[] = { 1LL << 40, 1LL << 30, 1LL << 20, 1LL << 10, 1 };
	static const char *const size_names[] = { "TiB", "GiB", "MiB", "KiB", "B" };
	static const int64_t time[] = { 86400000, 3600000, 60000, 1000, 1 };
	static const char *const time_names[] = { "d", "h", "m", "s", "ms" };

	switch (type) {
	case SC_CONF_T_SIZE:
		return with_unit(a, v, size, size_names);
	case SC_CONF_T_TIME:
		return with_unit(a, v, time, time_names);
	default:
		return sc_format(a, "%" PRId64, v);
	}
}

static const void *
field(const struct sc_key *key, const void *from)
{
	return (const char *)from + key->offset;
}

static const char *
enum_word(struct sc_arena *a, const struct sc_key *key, int index)
{
	const char *p = key->words;

	for (; index > 0 && *p != '\0'; index--) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return sc_copy_n(a, p, strcspn(p, " "));
}

static const char *
list_text(struct sc_arena *a, const char *const *words)
{
	const char *text = NULL;

	for (; words != NULL && *words != NULL; words++)
		text = text ? sc_format(a, "%s, %s", text, *words) : *words;
	return text ? text : "none";
}

const char *
conf_value_text(struct sc_arena *a, const struct sc_key *key, const void *from)
{
	const void *p = field(key, from);
	const char *text;

	switch (key->type) {
	case SC_CONF_T_BOOL:
		return *(const bool *)p ? "true" : "false";
	case SC_CONF_T_TEXT:
		text = *(const char *const *)p;
		return text == NULL || text[0] == '\0' ? "none" : text;
	case SC_CONF_T_SECRET:
		text = *(const char *const *)p;
		return text == NULL || text[0] == '\0' ? "none" : "hidden";
	case SC_CONF_T_LIST:
		return list_text(a, *(const char *const *const *)p);
	case SC_CONF_T_ENUM:
		return enum_word(a, key, *(const int *)p);
	default:
		if (key->words != NULL && *(const int64_t *)p < 0)
			return enum_word(a, key, (int)SC_CONF_WORD(*(const int64_t *)p));
		return conf_number_text(a, key->type, *(const int64_t *)p);
	}
}

static bool
same_list(const char *const *a, const char *const *b)
{
	while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0) {
		a++;
		b++;
	}
	return *a == NULL && *b == NULL;
}

bool
conf_value_same(const struct sc_key *key, const void *a, const void *b)
{
	const void *x = field(key, a), *y = field(key, b);

	switch (key->type) {
	case SC_CONF_T_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case SC_CONF_T_TEXT:
	case SC_CONF_T_SECRET:
		return sc_same(*(const char *const *)x, *(const char *const *)y);
	case SC_CONF_T_LIST:
		return same_list(*(const char *const *const *)x, *(const char *const *const *)y);
	case SC_CONF_T_ENUM:
		return *(const int *)x == *(const int *)y;
	default:
		return *(const int64_t *)x == *(const int64_t *)y;
	}
}

/* --- every value --- */

typedef void (*see_fn)(void *arg, const char *section, const char *host, const char *key,
	const char *value, const char *source);

static void
see_section(struct sc_arena *a, const struct conf_table *t, const struct conf_values *v,
	const char *host, see_fn see, void *arg)
{
	for (int i = 0; v->data != NULL && i < t->n_keys; i++)
		if (host == NULL || v->sources[i] != NULL)
			see(arg, t->name, host, t->keys[i].name, conf_value_text(a, &t->keys[i],
				v->data), v->sources[i] ? v->sources[i] : "default");
}

void
conf_each_value(const struct conf *c, see_fn see, void *arg)
{
	struct sc_arena *a = arena_new();

	for (int i = 0; i < c->n_sections; i++)
		see_section(a, conf_table(i), &c->values[i], NULL, see, arg);
	for (int i = 0; i < c->n_listens; i++) {
		const struct conf_listen *l = &c->listens[i].listen;

		see(arg, "listen", NULL, l->type, sc_format(a, "%s port %d%s", l->address, l->port,
			l->proxy ? " proxy" : ""),
			c->listens[i].source ? c->listens[i].source : "default");
	}
	for (int h = 0; h < c->n_hosts; h++) {
		const struct conf_host_entry *host = &c->hosts[h];

		see(arg, "hosts", host->host.name, "modules_off",
			list_text(a, host->host.modules_off), host->source);
		for (int i = 0; i < c->n_sections; i++)
			see_section(a, conf_table(i), &host->values[i], host->host.name, see, arg);
	}
	arena_free(a);
}

/* --- what a reload cannot do --- */

static const char *
restart_in_section(struct sc_arena *a, const char *lines, const struct conf_table *t,
	const void *was, const void *is, const char *host)
{
	for (int i = 0; i < t->n_keys; i++)
		if (t->keys[i].restart && !conf_value_same(&t->keys[i], was, is))
			lines = sc_format(a, "%s%s%s%s%s%s: %s, after a restart %s\n", lines,
				host ? host : "", host ? " " : "",
				t->name, t->name[0] ? "." : "", t->keys[i].name,
				conf_value_text(a, &t->keys[i], was),
				conf_value_text(a, &t->keys[i], is));
	return lines;
}

/* Hosts come and go with a reload, so their numbers differ. */
static int
find_host(const struct conf *c, const char *name)
{
	for (int i = 0; i < c->n_hosts; i++)
		if (strcmp(c->hosts[i].host.name, name) == 0)
			return i;
	return -1;
}

static bool
same_listens(const struct conf *a, const struct conf *b)
{
	bool same = a->n_listens == b->n_listens;

	for (int i = 0; same && i < a->n_listens; i++) {
		const struct conf_listen *x = &a->listens[i].listen, *y = &b->listens[i].listen;

		same = strcmp(x->type, y->type) == 0 && strcmp(x->address, y->address) == 0 &&
			x->port == y->port && x->proxy == y->proxy;
	}
	return same;
}

const char *
conf_needs_restart(struct sc_arena *a, const struct conf *running, const struct conf *loaded)
{
	const char *lines = "";

	for (int i = 0; i < running->n_sections; i++)
		lines = restart_in_section(a, lines, conf_table(i), running->values[i].data,
			loaded->values[i].data, NULL);
	for (int h = 0; h < running->n_hosts; h++) {
		int there = find_host(loaded, running->hosts[h].host.name);

		for (int i = 0; there >= 0 && i < running->n_sections; i++)
			if (running->hosts[h].values[i].data != NULL ||
			    loaded->hosts[there].values[i].data != NULL)
				lines = restart_in_section(a, lines, conf_table(i),
					conf_get(running, i, h),
					conf_get(loaded, i, there), running->hosts[h].host.name);
	}
	if (!same_listens(running, loaded))
		lines = sc_format(a, "%slisten: the listeners changed\n", lines);
	return lines[0] ? lines : NULL;
}
