/* SPDX-License-Identifier: MIT */
/* admin_module: `module list`, `module disable`, `hooks`. */
#include "config.h"

#include <stonechat/log.h>
#include "core/admin_core.h"
#include "plugin/hook.h"
#include "plugin/module.h"

static const char *
joined(struct sc_arena *a, const char *const *words)
{
	const char *text = "";

	for (; words != NULL && *words != NULL; words++)
		text = *text ? sc_format(a, "%s, %s", text, *words) : *words;
	return text;
}

static void
module_list(struct sc_command *c)
{
	sc_command_columns(c, (const char *const[]){ "module", "state", "implements",
		"summary", NULL });
	for (int i = 0; i < module_count(); i++) {
		const struct module *m = module_at(i);

		sc_command_row(c, (const char *const[]){ m->m.name,
			atomic_load(&m->off) ? "disabled" : "runs",
			joined(sc_command_arena(c), m->m.implements), m->m.summary });
	}
	sc_command_done(&c);
}

/* A module that runs and needs this one; NULL: none. */
static const char *
needed_by(const char *name)
{
	for (int i = 0; i < module_count(); i++) {
		const struct module *m = module_at(i);

		for (const char *const *n = m->m.needs; n != NULL && *n != NULL; n++)
			if (sc_same(*n, name) && !atomic_load(&m->off))
				return m->m.name;
	}
	return NULL;
}

static void
module_off(struct sc_command *c)
{
	const char *name = sc_command_arg(c, 0);

	if (module_find(name) == NULL) {
		admin_fail(&c, "no module %s is loaded; `module list` shows them", name);
		return;
	}
	if (needed_by(name) != NULL) {
		admin_fail(&c, "the module %s is needed by %s", name, needed_by(name));
		return;
	}
	module_disable(name);
	sc_command_text(c, sc_format(sc_command_arena(c),
		"The module %s is disabled until the server starts again; what waits in it "
		"still ends. To keep it off, add it to modules_off.", name));
	sc_command_done(&c);
}

static void
see_hook(void *arg, const char *phase, const char *module, const char *name)
{
	struct sc_command *c = arg;
	const struct module *m = module_find(module);

	sc_command_row(c, (const char *const[]){ phase, module, name, m != NULL &&
		atomic_load(&m->off) ? "disabled" : "runs" });
}

static void
hooks(struct sc_command *c)
{
	struct sc_arena *a = sc_command_arena(c);
	const char *name = sc_command_arg(c, 0), *events = "";
	int event = name != NULL ? hook_event_find(name) : -1;

	for (int i = 0; i < SC_EVENTS; i++)
		events = sc_format(a, "%s%s%s", events, i ? ", " : "",
			hook_event_name((enum sc_event)i));
	if (event < 0) {
		admin_fail(&c, "%s%s%s: %s", name ? "there is no event " : "name one of the events",
			name ? name : "", name ? "; they are" : "", events);
		return;
	}
	sc_command_columns(c, (const char *const[]){ "phase", "module", "hook", "state", NULL });
	hook_each((enum sc_event)event, see_hook, c);
	sc_command_done(&c);
}

const struct sc_command_row admin_module_rows[] = {
	{ .words = "module list", .where = SC_ON_ANY, .fn = module_list,
		.help = "Lists the loaded modules." },
	{ .words = "module disable", .args = "NAME", .where = SC_ON_ANY, .min_args = 1,
		.max_args = 1, .fn = module_off,
		.help = "Stops calling a module, on every shard." },
	{ .words = "hooks", .args = "EVENT", .where = SC_ON_ANY, .max_args = 1, .fn = hooks,
		.help = "Who is called for an event, in order." },
	{ .words = NULL }
};
