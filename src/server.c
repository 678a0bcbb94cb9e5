/* SPDX-License-Identifier: MIT */
/* server: tables of the process's own settings, loading of modules and configuration. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "core/accounts.sql.h"
#include "core/clients.sql.h"
#include "core/admin.h"
#include "core/dns_conf.h"
#include "core/remote.sql.h"
#include "core/sleep.sql.h"
#include "core/sm.h"
#include "plugin/conf.h"
#include "plugin/hook.h"
#include "plugin/module.h"
#include "server.h"
#include "store/store.h"
#include "stream/s2s.h"
#include "stream/stream.h"

static int server_section, db_section, log_section;

static const struct sc_key server_keys[] = {
	SC_CONF_TEXT(struct server_conf, state_dir, LOCALSTATEDIR "/lib/stonechat",
		"Folder of the private PostgreSQL and of the lock."),
	SC_CONF_TEXT(struct server_conf, user, "stonechat",
		"Who the server becomes when it is started as root."),
	SC_CONF_TEXT(struct server_conf, cert_dir, SYSCONFDIR "/stonechat/certs",
		"Folder of certificates: HOST.crt and HOST.key, HOST.pem, or HOST/fullchain.pem "
		"and HOST/privkey.pem."),
	SC_CONF_TEXT(struct server_conf, ctl_socket, RUNSTATEDIR "/stonechat/ctl",
		"Socket for stonechatctl."),
	SC_CONF_TEXT(struct server_conf, module_dir, MODULESDIR, "Folder of the modules."),
	SC_CONF_TEXT(struct server_conf, schema_dir, SCHEMADIR, "Folder of the schema's steps."),
	SC_CONF_TEXT(struct server_conf, postgres_bin, NULL,
		"Folder of initdb and postgres for the private PostgreSQL; without it the newest "
		"that is installed."),
	SC_CONF_LIST(struct server_conf, modules, NULL, "Modules to load; without it all that are "
		"in the folder."),
	SC_CONF_LIST(struct server_conf, modules_off, NULL,
		"Modules not to load though they are in the folder."),
	SC_CONF_INT(struct server_conf, shards, "0", 0, 256, "Threads; 0: one for each core."),
	SC_CONF_SIZE(struct server_conf, memory_limit, "0", 0, INT64_MAX,
		"Memory for queues, stanzas and buffers; 0: 60 % of the machine's or the "
		"control group's."),
	SC_CONF_SIZE(struct server_conf, mailbox_high, "8MiB", 65536, 1LL << 30,
		"What one shard may have posted to another that has not taken it, before it stops "
		"reading sockets."),
	SC_CONF_INT(struct server_conf, offload_threads, "0", 0, 64,
		"Threads for password hashing; 0: one for each core."),
	SC_CONF_TIME(struct server_conf, drain_time, "10s", 0, 300000,
		"How long ending may take: streams are closed, queues written, the database gets "
		"what is left."),
	SC_CONF_END
};

static const struct sc_key db_keys[] = {
	SC_CONF_SECRET(struct db_conf, uri,
		"PostgreSQL, as a URI or conninfo; several hosts are tried in order. Empty: a "
		"private one in state_dir."),
	SC_CONF_INT(struct db_conf, connections, "60", 2, 10000, "Connections in all."),
	SC_CONF_SIZE(struct db_conf, queue_max, "64MiB", 1 << 20, 16LL << 30,
		"Writes of one shard that may wait; above it what needs storage is refused."),
	SC_CONF_TIME(struct db_conf, outage, "10s", 100, 600000,
		"How long a write waits for a database that is gone."),
	SC_CONF_TIME(struct db_conf, write_timeout, "30s", 1000, 3600000,
		"How long a connection may leave a write unanswered before it is dropped; what may "
		"be repeated is sent again over another."),
	SC_CONF_BOOL(struct db_conf, allow_unsafe, "false",
		"Run though the database has fsync or synchronous_commit off, and lose "
		"acknowledged messages when the power fails."),
	SC_CONF_END
};

static const struct sc_key log_keys[] = {
	SC_CONF_ENUM(struct log_conf, level, "info", "debug info warn error",
		"The least important lines that are written."),
	SC_CONF_TEXT(struct log_conf, to, "stderr", "stderr, journald, or a file."),
	SC_CONF_END
};

static void
register_tables(void)
{
	server_section = conf_section("", server_keys, sizeof server_keys[0],
		sizeof(struct server_conf), false);
	db_section = conf_section("db", db_keys, sizeof db_keys[0], sizeof(struct db_conf), false);
	log_section = conf_section("log", log_keys, sizeof log_keys[0],
		sizeof(struct log_conf), false);
	dns_conf_register();
	c2s_conf_register();
	s2s_conf_register();
	sm_conf_register();
	sc_assert(store_register(accounts_statements,
		sizeof accounts_statements / sizeof *accounts_statements - 1) == NULL);
	sc_assert(store_register(sleep_statements,
		sizeof sleep_statements / sizeof *sleep_statements - 1) == NULL);
	sc_assert(store_register(remote_statements,
		sizeof remote_statements / sizeof *remote_statements - 1) == NULL);
	sc_assert(store_register(clients_statements,
		sizeof clients_statements / sizeof *clients_statements - 1) == NULL);
}

static bool
is_loaded(const char *name)
{
	return module_find(name) != NULL;
}

static bool
load_modules(const struct conf_early *early, const char *dir, char *error, size_t error_size)
{
	if (early->modules == NULL)
		return module_load_all(dir, early->modules_off, error, error_size);
	for (char **name = early->modules; *name != NULL; name++)
		if (!module_load(dir, *name, error, error_size))
			return false;
	return true;
}

static bool
register_commands(char *error, size_t error_size)
{
	admin_builtin();
	for (int i = 0; i < module_count(); i++) {
		const struct sc_module *m = &module_at(i)->m;

		if (m->commands != NULL && !admin_register(m->name, m->commands, m->size_command,
		    error, error_size))
			return false;
	}
	return true;
}

struct conf *
server_load(const char *file, const char *module_dir, char *error, size_t error_size)
{
	struct conf_early early = { 0 };
	bool ok = file == NULL || conf_read_early(file, &early, error, error_size);
	const char *dir = module_dir != NULL ? module_dir : early.module_dir != NULL
		? early.module_dir : MODULESDIR;

	register_tables();
	conf_module_loaded = is_loaded;
	ok = ok && load_modules(&early, dir, error, error_size) &&
		module_finish(error, error_size) && register_commands(error, error_size);
	conf_early_free(&early);
	if (!ok)
		return NULL;
	if (file == NULL)
		return conf_load_text("defaults",
			SC_SPAN("hosts = ( { name = \"localhost\"; } );\n"), error, error_size);
	return conf_load(file, error, error_size);
}

const struct server_conf *
server_conf(const struct conf *conf)
{
	return conf_get(conf, server_section, -1);
}

const struct db_conf *
db_conf(const struct conf *conf)
{
	return conf_get(conf, db_section, -1);
}

const struct log_conf *
log_conf(const struct conf *conf)
{
	return conf_get(conf, log_section, -1);
}

int
server_shards(const struct conf *conf)
{
	int64_t n = server_conf(conf)->shards;

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > 256 ? 256 : (int)n;
}

bool
server_log_open(const struct conf *conf, char *error, size_t error_size)
{
	log_level((enum sc_log_level)log_conf(conf)->level);
	return log_open(log_conf(conf)->to, error, error_size);
}

/* --- manuals --- */

struct xep_row {
	const char *xep, *module, *summary;
};

static int
by_xep(const void *a, const void *b)
{
	const struct xep_row *x = a, *y = b;
	int c = strcmp(x->xep, y->xep);

	return c != 0 ? c : strcmp(x->module, y->module);
}

/* What the core and the stream implement themselves. */
static const struct xep_row core_rows[] = {
	{ "RFC-6120", "core", "Streams, TLS, SASL, binding, stanzas and their errors." },
	{ "RFC-7622", "core", "Addresses, prepared by PRECIS." },
	{ "RFC-5802", "core", "SCRAM-SHA-1 and SCRAM-SHA-1-PLUS." },
	{ "RFC-7677", "core", "SCRAM-SHA-256 and its -PLUS; SCRAM-SHA-512 likewise." },
	{ "RFC-9266", "core", "Channel binding tls-exporter on TLS 1.3." },
	{ "XEP-0185 1.0", "core", "Keys of server dialback." },
	{ "XEP-0198 1.6.3", "core", "Stream management, of clients and of other servers." },
	{ "XEP-0220 1.1.1", "core", "Server dialback, inside TLS only." },
	{ "XEP-0178 1.2", "core", "SASL EXTERNAL with certificates between servers." },
	{ "XEP-0288 1.0.1", "core",
		"One connection for both directions, with servers that show a certificate." },
	{ "XEP-0344 0.4", "core",
		"Dialback without a call back when a certificate proves the domain." },
	{ "XEP-0368 1.1.0", "core", "Direct TLS, ALPN xmpp-client and xmpp-server." },
	{ "XEP-0386 1.1.0", "core", "Binding within the login." },
	{ "XEP-0388 1.0.4", "core", "SASL2: logging in without a restart of the stream." },
	{ "XEP-0440 1.0.0", "core", "Which channel bindings can be used." },
	{ "XEP-0474 0.5.0", "core", "SCRAM downgrade protection." },
	{ "XEP-0478 0.2.0", "core", "Stream limits advertisement." },
	{ "XEP-0480 0.2.0", "core", "SCRAM verifiers that clients make for accounts that "
		"lack them." },
	{ "XEP-0484 0.2.0", "core", "Tokens that log a client in again, by HT-SHA-256-EXPR, -ENDP, "
		"-NONE (-UNIQ before TLS 1.3)." },
	{ "XEP-0509 0.2.0", "core", "The login together with the header." },
};

static void
write_xeps(void)
{
	struct xep_row rows[1024];
	size_t n = 0;

	for (; n < sizeof core_rows / sizeof *core_rows; n++)
		rows[n] = core_rows[n];
	for (int i = 0; i < module_count(); i++)
		for (const char *const *x = module_at(i)->m.implements; x != NULL && *x != NULL &&
		    n < 1024; x++)
			rows[n++] = (struct xep_row){ *x, module_at(i)->m.name,
				module_at(i)->m.summary };
	qsort(rows, n, sizeof *rows, by_xep);
	fputs("# What Stonechat implements\n\nGenerated from the modules' `.implements` by "
		"`stonechat --manual xeps`; do not edit.\n\n"
		"| specification | module | what it does |\n|---|---|---|\n", stdout);
	for (size_t i = 0; i < n; i++)
		printf("| %s | %s | %s |\n", rows[i].xep, rows[i].module, rows[i].summary);
}

bool
server_manual(const char *which)
{
	if (strcmp(which, "config") == 0)
		conf_write_manual(stdout);
	else if (strcmp(which, "hooks") == 0)
		hook_write_manual(stdout);
	else if (strcmp(which, "xeps") == 0)
		write_xeps();
	else
		return false;
	return true;
}
