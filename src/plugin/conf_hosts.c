/* SPDX-License-Identifier: MIT */
/* conf_hosts: the two lists of groups, `hosts` and `listen`. */
#include "config.h"

#include "plugin/conf_inside.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <stonechat/jid.h>

/* --- listen --- */

static struct listen_type {
	const char *name;
	int port;
} listen_types[16] = { { "c2s", 5222 }, { "c2s_tls", 5223 } };
static int n_listen_types = 2;

void
conf_listen_type(const char *name, int standard_port)
{
	sc_assert(n_listen_types < 16);
	listen_types[n_listen_types++] = (struct listen_type){ name, standard_port };
}

int
conf_listen_types(void)
{
	return n_listen_types;
}

const char *
conf_listen_type_at(int i, int *standard_port)
{
	*standard_port = listen_types[i].port;
	return listen_types[i].name;
}

struct listen_keys {
	const char *type, *address;
	int64_t port;
	bool proxy;
};

static const struct sc_key listen_keys[] = {
	SC_CONF_TEXT(struct listen_keys, type, NULL, ""),
	SC_CONF_TEXT(struct listen_keys, address, "::", ""),
	SC_CONF_INT(struct listen_keys, port, NULL, 1, 65535, ""),
	SC_CONF_BOOL(struct listen_keys, proxy, "false", ""),
};
static const struct conf_table listen_table = {
	.name = "listen", .keys = (struct sc_key *)(uintptr_t)listen_keys, .n_keys = 4,
	.size = sizeof(struct listen_keys),
};

static const struct listen_type *
find_type(struct conf_reader *r, const config_setting_t *at, const char *name)
{
	struct conf_near near = { .wanted = name };
	const char *all = "";

	for (int i = 0; i < n_listen_types; i++) {
		if (strcmp(listen_types[i].name, name) == 0)
			return &listen_types[i];
		conf_near_try(&near, listen_types[i].name);
		all = sc_format(r->arena, "%s%s%s", all, i ? ", " : "", listen_types[i].name);
	}
	conf_refuse(r, at, "`type' is \"%.60s\", which is none of: %s%s", name, all,
		conf_near_text(r->arena, &near));
	return NULL;
}

static bool
is_address(const char *text)
{
	struct in6_addr bytes;

	return inet_pton(AF_INET, text, &bytes) == 1 || inet_pton(AF_INET6, text, &bytes) == 1;
}

static bool
add_listen(struct conf_reader *r, const config_setting_t *at, const struct listen_keys *keys,
	struct conf *c)
{
	const struct listen_type *type = find_type(r, at, keys->type);
	struct conf_listen l;

	if (type == NULL)
		return false;
	l = (struct conf_listen){ type->name, keys->address, keys->port ? (int)keys->port
		: type->port, keys->proxy };
	if (!is_address(l.address))
		return conf_refuse(r, at, "`address' must be an IP address, such as \"::\" "
			"(everything, IPv4 too), \"0.0.0.0\" or "
			"\"192.0.2.7\"; \"%.60s\" is none", l.address);
	for (int i = 0; i < c->n_listens; i++)
		if (c->listens[i].listen.port == l.port && strcmp(c->listens[i].listen.address,
		    l.address) == 0)
			return conf_refuse(r, at, "address %s, port %d is taken by the entry at %s",
				l.address, l.port, c->listens[i].source);
	c->listens[c->n_listens].listen = l;
	c->listens[c->n_listens++].source = at ? conf_at(r, at) : NULL;
	return true;
}

static bool
read_listen_entry(struct conf_reader *r, const config_setting_t *s, struct conf *c)
{
	struct conf_values values;
	const struct listen_keys *keys;

	if (!config_setting_is_group(s))
		return conf_refuse(r, s, "an entry of `listen' looks like { type = \"c2s\"; "
			"address = \"::\"; port = 5222; }");
	if (!conf_read_section(r, &listen_table, s, NULL, &values))
		return false;
	keys = values.data;
	if (keys->type == NULL)
		return conf_refuse(r, s, "an entry of `listen' needs a `type', such as \"c2s\"");
	return add_listen(r, s, keys, c);
}

bool
conf_read_listen(struct conf_reader *r, const config_setting_t *list, struct conf *c)
{
	int n = list ? config_setting_length(list) : 2;

	if (list != NULL && config_setting_type(list) != CONFIG_TYPE_LIST)
		return conf_refuse(r, list, "`listen' is a list of groups: listen = ( { type = "
			"\"c2s\"; port = 5222; } );");
	c->listens = sc_alloc(r->arena, (size_t)(n + 1) * sizeof(*c->listens));
	for (int i = 0; list == NULL && i < n; i++)
		if (!add_listen(r, NULL, &(struct listen_keys){ .type = listen_types[i].name,
		    .address = "::" }, c))
			return false;
	for (int i = 0; list != NULL && i < n; i++)
		if (!read_listen_entry(r, config_setting_get_elem(list, (unsigned)i), c))
			return false;
	return true;
}

/* --- hosts --- */

static bool
read_host_name(struct conf_reader *r, const config_setting_t *s, const char *written,
	struct conf *c, struct conf_host_entry *h)
{
	h->host.name = sc_prepare_domain(r->arena, written, strlen(written));
	if (h->host.name == NULL)
		return conf_refuse(r, s, "\"%.80s\" cannot be the name of a host", written);
	for (struct conf_host_entry *other = c->hosts; other < h; other++)
		if (strcmp(other->host.name, h->host.name) == 0)
			return conf_refuse(r, s, "the host %s stands in the list twice; the first "
				"time at %s", h->host.name, other->source);
	return true;
}

static bool
read_modules_off(struct conf_reader *r, const config_setting_t *s, struct conf_host_entry *h)
{
	if (!conf_words(r, s, &h->host.modules_off))
		return conf_refuse(r, s, "`modules_off' must be a list of texts: ( \"one\", "
			"\"two\" )");
	for (const char *const *m = h->host.modules_off; conf_module_loaded != NULL &&
	*m != NULL; m++)
		if (!conf_module_loaded(*m))
			return conf_refuse(r, s, "there is no module `%.60s' to turn off", *m);
	return true;
}

static bool
read_host_section(struct conf_reader *r, const config_setting_t *s, struct conf *c,
	struct conf_host_entry *h)
{
	const char *name = config_setting_name(s);
	const struct conf_table *t = name[0] ? conf_table_named(name) : NULL;
	struct conf_near near = { .wanted = name };
	int i;

	if (t != NULL && !t->per_host)
		return conf_refuse(r, s, "`%s' is set for the whole server, not for one host",
			name);
	if (t != NULL) {
		i = conf_table_index(t);
		return conf_read_section(r, t, s, c->values[i].data, &h->values[i]);
	}
	conf_near_try(&near, "name");
	conf_near_try(&near, "modules_off");
	for (i = 0; i < conf_tables(); i++)
		if (conf_table(i)->per_host)
			conf_near_try(&near, conf_table(i)->name);
	return conf_refuse(r, s, "unknown key `%s' in the host %s%s%s", name, h->host.name,
		conf_near_text(r->arena, &near),
		near.best == NULL && config_setting_is_group(s)
		? "; no module of that name is loaded" : "");
}

static bool
read_host(struct conf_reader *r, const config_setting_t *s, struct conf *c,
	struct conf_host_entry *h)
{
	static const char *const nothing[] = { NULL };
	const config_setting_t *name = config_setting_is_group(s) ? config_setting_get_member(s,
		"name") : s;
	const char *written = name ? config_setting_get_string(name) : NULL;

	if (written == NULL)
		return conf_refuse(r, s, "an entry of `hosts' needs a name: { name = "
			"\"example.org\"; }");
	h->source = conf_at(r, s);
	h->host.modules_off = nothing;
	h->values = sc_alloc(r->arena, (size_t)(c->n_sections + 1) * sizeof(*h->values));
	if (!read_host_name(r, name, written, c, h))
		return false;
	for (int i = 0; config_setting_is_group(s) && i < config_setting_length(s); i++) {
		const config_setting_t *member = config_setting_get_elem(s, (unsigned)i);
		bool ok = member == name || (strcmp(config_setting_name(member), "modules_off") == 0
			? read_modules_off(r, member, h) : read_host_section(r, member, c, h));

		if (!ok)
			return false;
	}
	return true;
}

bool
conf_read_hosts(struct conf_reader *r, const config_setting_t *list, struct conf *c)
{
	int n = list ? config_setting_length(list) : 0;

	if (list != NULL && config_setting_type(list) != CONFIG_TYPE_LIST &&
	    config_setting_type(list) != CONFIG_TYPE_ARRAY)
		return conf_refuse(r, list, "`hosts' is a list of groups: hosts = ( { name = "
			"\"example.org\"; } );");
	if (n == 0) {
		conf_refuse(r, list, "there is no host: add hosts = ( { name = "
			"\"example.org\"; } );");
		if (list == NULL)
			snprintf(r->error, r->error_size, "%s: there is no host: add hosts = ( { "
				"name = \"example.org\"; } );", r->source->files[0]);
		return false;
	}
	c->hosts = sc_alloc(r->arena, (size_t)n * sizeof(*c->hosts));
	for (int i = 0; i < n; i++) {
		if (!read_host(r, config_setting_get_elem(list, (unsigned)i), c, &c->hosts[i]))
			return false;
		c->n_hosts++;
	}
	return true;
}

int
conf_hosts(const struct conf *c)
{
	return c->n_hosts;
}

const struct conf_host *
conf_host(const struct conf *c, int i)
{
	sc_assert(i >= 0 && i < c->n_hosts);
	return &c->hosts[i].host;
}

int
conf_listens(const struct conf *c)
{
	return c->n_listens;
}

const struct conf_listen *
conf_listen(const struct conf *c, int i)
{
	sc_assert(i >= 0 && i < c->n_listens);
	return &c->listens[i].listen;
}
