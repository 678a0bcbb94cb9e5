/* SPDX-License-Identifier: MIT */
/* admin_conf: `config`, `reload`, `loglevel`. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "core/admin_core.h"
#include "core/server.h"
#include "plugin/conf.h"

/* --- config --- */

static void
see(void *arg, const char *section, const char *host, const char *key, const char *value,
	const char *source)
{
	struct sc_command *c = arg;
	struct sc_arena *a = sc_command_arena(c);
	const char *name = *section ? sc_format(a, "%s.%s", section, key) : key;
	const char *wanted = sc_command_arg(c, 0);

	if (wanted == NULL || strncmp(name, wanted, strlen(wanted)) == 0)
		sc_command_row(c, (const char *const[]){ name, host, value, source });
}

static void
config(struct sc_command *c)
{
	sc_command_columns(c, (const char *const[]){ "key", "host", "value", "from", NULL });
	conf_each_value(conf_now(), see, c);
	sc_command_done(&c);
}

/* --- reload --- */

static void
reloaded(void *arg, const char *error, const char *notes)
{
	struct sc_command *c = arg;

	if (error != NULL) {
		admin_fail(&c, "nothing was changed: %s", error);
		return;
	}
	sc_command_text(c, "Configuration and certificates were read again.");
	if (notes != NULL)
		sc_command_text(c, sc_format(sc_command_arena(c), "These wait for a restart:\n%s",
			notes));
	sc_command_done(&c);
}

static void
reload(struct sc_command *c)
{
	server_facts.reload(reloaded, c);
}

/* --- loglevel --- */

static void
loglevel(struct sc_command *c)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	const char *name = sc_command_arg(c, 0);
	enum sc_log_level level;

	if (name == NULL) {
		sc_command_text(c, names[log_level_now()]);
		sc_command_done(&c);
		return;
	}
	if (!log_level_parse(name, &level)) {
		admin_fail(&c, "%s is none of debug, info, warn, error", name);
		return;
	}
	log_level(level);
	sc_command_text(c, sc_format(sc_command_arena(c),
		"Lines from %s on are logged, until the next start or reload.", name));
	sc_command_done(&c);
}

const struct sc_command_row admin_conf_rows[] = {
	{ .words = "config", .args = "[PREFIX]", .where = SC_ON_ANY, .max_args = 1, .fn = config,
		.help = "Every setting in force, and where it came from." },
	{ .words = "reload", .where = SC_ON_ANY, .fn = reload, .seconds = 120,
		.help = "Reads configuration and certificates again; no session is dropped." },
	{ .words = "loglevel", .args = "[debug|info|warn|error]", .where = SC_ON_ANY, .max_args = 1,
		.fn = loglevel,
		.help = "Shows or changes what is logged." },
	{ .words = NULL }
};
