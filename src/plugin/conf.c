/* SPDX-License-Identifier: MIT */
/*
 * conf: reads a whole configuration into a snapshot. A snapshot is constant once conf_load() has
 * returned it, so any thread may read it; the last reference frees it, on whichever thread that is.
 */
#include "config.h"

#include "plugin/conf_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool (*conf_module_loaded)(const char *name);

static _Thread_local struct conf *now;

/* --- one section --- */

static int
find_key(const struct conf_table *t, const char *name, bool *is_file)
{
	size_t n = strlen(name);

	for (int i = 0; i < t->n_keys; i++) {
		size_t len = strlen(t->keys[i].name);

		*is_file = false;
		if (strcmp(t->keys[i].name, name) == 0)
			return i;
		*is_file = t->keys[i].type == SC_CONF_T_SECRET && n == len + 5 &&
			strncmp(name, t->keys[i].name, len) == 0 &&
			strcmp(name + len, "_file") == 0;
		if (*is_file)
			return i;
	}
	return -1;
}

static bool
refuse_unknown_key(struct conf_reader *r, const struct conf_table *t, const config_setting_t *s)
{
	const char *name = config_setting_name(s);
	struct conf_near near = { .wanted = name };

	for (int i = 0; i < t->n_keys; i++)
		conf_near_try(&near, t->keys[i].name);
	return conf_refuse(r, s, "unknown key `%s' in `%s'%s", name, t->name,
		conf_near_text(r->arena, &near));
}

static bool
turned_off(const config_setting_t *root, const char *module)
{
	const config_setting_t *off = config_setting_get_member(root, "modules_off");

	for (int i = 0; off != NULL && i < config_setting_length(off); i++) {
		const char *word = config_setting_get_string_elem(off, i);

		if (word != NULL && strcmp(word, module) == 0)
			return true;
	}
	return false;
}

static bool
refuse_unknown_top(struct conf_reader *r, const struct conf_table *t, const config_setting_t *s)
{
	const char *name = config_setting_name(s);
	struct conf_near near = { .wanted = name };
	bool group = config_setting_is_group(s) == CONFIG_TRUE;

	if (group && turned_off(config_setting_parent(s), name))
		return conf_refuse(r, s, "the module `%s' is turned off by `modules_off', so its "
			"settings mean nothing: "
			"remove them or turn it on", name);
	for (int i = 0; !group && i < t->n_keys; i++)
		conf_near_try(&near, t->keys[i].name);
	for (int i = 0; i < conf_tables(); i++)
		conf_near_try(&near, conf_table(i)->name);
	conf_near_try(&near, "hosts");
	conf_near_try(&near, "listen");
	if (group && near.best == NULL)
		return conf_refuse(r, s, "`%s' is neither a section nor a module that is loaded "
			"(see `modules')", name);
	return conf_refuse(r, s, "unknown %s `%s'%s", group ? "section" : "key", name,
		conf_near_text(r->arena, &near));
}

static bool
is_top_section(const char *name)
{
	return strcmp(name, "hosts") == 0 || strcmp(name, "listen") == 0 ||
		conf_table_named(name) != NULL;
}

/* What conf_read_early() has read, should the program's table of top-level keys not name it. */
static bool
is_early(const char *name)
{
	return strcmp(name, "modules") == 0 || strcmp(name, "modules_off") == 0 ||
		strcmp(name, "module_dir") == 0;
}

static bool
read_member(struct conf_reader *r, const struct conf_table *t, const config_setting_t *s,
	void *data, const char **sources)
{
	bool top = t->name[0] == '\0';
	bool is_file;
	int i = find_key(t, config_setting_name(s), &is_file);

	if (i < 0 && top && (is_top_section(config_setting_name(s)) ||
	    is_early(config_setting_name(s))))
		return true;
	if (i < 0)
		return top ? refuse_unknown_top(r, t, s) : refuse_unknown_key(r, t, s);
	if (sources[i] != NULL)
		return conf_refuse(r, s, "`%s' and `%s_file' are both given: one is enough",
			t->keys[i].name, t->keys[i].name);
	sources[i] = conf_at(r, s);
	return is_file ? conf_read_secret(r, &t->keys[i], s, data) : conf_read(r, &t->keys[i],
		s, data);
}

bool
conf_read_section(struct conf_reader *r, const struct conf_table *t, const config_setting_t *group,
	const void *base, struct conf_values *out)
{
	char *data = sc_alloc(r->arena, t->size ? t->size : 1);
	char why[256] = "";

	out->data = data;
	out->sources = sc_alloc(r->arena, (size_t)(t->n_keys + 1) * sizeof(*out->sources));
	if (base != NULL)
		memcpy(data, base, t->size);
	for (int i = 0; base == NULL && i < t->n_keys; i++)
		if (!conf_default(r, &t->keys[i], data))
			return false;
	if (group != NULL && !config_setting_is_group(group))
		return conf_refuse(r, group, "`%s' is a section: %s = { key = value; … };", t->name,
			t->name);
	for (int i = 0; group != NULL && i < config_setting_length(group); i++)
		if (!read_member(r, t, config_setting_get_elem(group, (unsigned)i), data,
		    out->sources))
			return false;
	if (t->check != NULL && !t->check(data, why, sizeof(why)))
		return conf_refuse(r, group, "%s%s%s", t->name, t->name[0] ? ": " : "", why);
	return true;
}

/* --- the whole --- */

static bool
read_sections(struct conf_reader *r, const config_setting_t *root, struct conf *c)
{
	c->n_sections = conf_tables();
	c->values = sc_alloc(r->arena, (size_t)(c->n_sections + 1) * sizeof(*c->values));
	/* The top level first: an unknown section is a better message than what may be wrong inside
	 * a known one. */
	for (int top = 1; top >= 0; top--) {
		for (int i = 0; i < c->n_sections; i++) {
			const struct conf_table *t = conf_table(i);
			const config_setting_t *group = t->name[0] ? config_setting_get_member(root,
				t->name) : root;

			if ((t->name[0] == '\0') == (top == 1) && !conf_read_section(r, t, group,
			    NULL, &c->values[i]))
				return false;
		}
	}
	return true;
}

static bool
parse(config_t *config, struct conf_reader *r)
{
	char where[4200];
	const char *text;
	/* The copy is for the zero at its end. */
	char *copy = conf_source_copy(r->source);

	if (config_read_string(config, copy) == CONFIG_TRUE) {
		free(copy);
		return true;
	}
	free(copy);
	text = config_error_text(config);
	conf_source_where(r->source, config_error_line(config), where, sizeof(where));
	if (text == NULL || strcmp(text, "syntax error") == 0)
		text = "syntax error here or on the line before; is a `;', a quote or a "
			"bracket missing?";
	else if (strcmp(text, "duplicate setting name") == 0)
		text = "this key stands twice in the same group";
	else if (strcmp(text, "mismatched element type in array") == 0)
		text = "an array [ … ] holds values of one type only; a list ( … ) may mix them";
	snprintf(r->error, r->error_size, "%s: %s", where, text);
	return false;
}

static struct conf *
load(struct conf_source *source, char *error, size_t error_size)
{
	struct sc_arena *arena = arena_new();
	struct conf *c = sc_alloc(arena, sizeof(*c));
	struct conf_reader r = { arena, source, error, error_size };
	config_t config;
	const config_setting_t *root;
	bool ok;

	c->arena = arena;
	atomic_init(&c->refs, 1);
	config_init(&config);
	ok = parse(&config, &r);
	root = config_root_setting(&config);
	ok = ok && read_sections(&r, root, c) &&
		conf_read_listen(&r, config_setting_get_member(root, "listen"), c) &&
		conf_read_hosts(&r, config_setting_get_member(root, "hosts"), c);
	config_destroy(&config);
	if (ok)
		return c;
	arena_free(arena);
	return NULL;
}

struct conf *
conf_load(const char *file, char *error, size_t error_size)
{
	struct conf_source source;
	struct conf *c = NULL;

	if (conf_source_file(&source, file, error, error_size))
		c = load(&source, error, error_size);
	conf_source_free(&source);
	return c;
}

struct conf *
conf_load_text(const char *name, struct sc_span text, char *error, size_t error_size)
{
	struct conf_source source;
	struct conf *c = NULL;

	if (conf_source_text(&source, name, text, error, error_size))
		c = load(&source, error, error_size);
	conf_source_free(&source);
	return c;
}

/* --- a snapshot's life --- */

struct conf *
conf_ref(struct conf *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
conf_unref(struct conf **taken)
{
	struct conf *c = *taken;

	*taken = NULL;
	if (c == NULL)
		return;
	/* Release and acquire: whatever other threads read happened before we free it. */
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
		arena_free(c->arena);
}

const void *
conf_get(const struct conf *c, int section, int host)
{
	sc_assert(section >= 0 && section < c->n_sections && host < c->n_hosts);
	if (host >= 0 && c->hosts[host].values[section].data != NULL)
		return c->hosts[host].values[section].data;
	return c->values[section].data;
}

const struct conf *
conf_now(void)
{
	return now;
}

void
conf_set_now(struct conf *taken)
{
	struct conf *old = now;

	now = taken;
	conf_unref(&old);
}
