/* SPDX-License-Identifier: MIT */
/* conf_manual: writes doc/config.md from the tables, so that the manual cannot say anything else
 * than the program does. */
#include "config.h"

#include "plugin/conf_inside.h"

#include <string.h>

static const char head[] =
	"# Configuration\n"
	"\n"
	"Written by `stonechat` from the tables that it reads the configuration with; a test "
	"compares. Do not edit.\n"
	"\n"
	"The file is in [libconfig](https://hyperrealm.github.io/libconfig/) syntax: `key = "
	"value;`, groups in `{ … }`, lists in\n"
	"`( … )`, comments after `#` or `//`. `stonechat --check-config -c FILE` says what is "
	"wrong with a file, and where;\n"
	"`stonechatctl config` shows every value in force and where it came from.\n"
	"\n"
	"- Sizes are written with a unit: `\"512B\"`, `\"64KiB\"`, `\"10MiB\"`, `\"2GiB\"`. A "
	"plain number counts bytes.\n"
	"- Times are written with a unit: `\"250ms\"`, `\"10s\"`, `\"5m\"`, `\"12h\"`, `\"30d\"`, "
	"`\"2w\"`, `\"1h 30m\"`.\n"
	"- A secret may stand in a file of its own: `KEY_file = \"/path\";` in the place of\n"
	"  `KEY = \"…\";`. Line ends at its end are not part of it.\n"
	"- `@include \"file\"` at the start of a line puts another file in; its name is relative\n"
	"  to the file that includes it.\n"
	"  `@include \"conf.d/*.conf\"` takes all that match, sorted by name.\n"
	"- A key or section that nobody knows is an error, and so is the section of a module that is\n"
	"  not loaded.\n"
	"- `stonechatctl reload` or SIGHUP reads the file again. Keys marked *restart* wait for the next\n"
	"  start. A file with a mistake changes nothing.\n"
	"\n";

static const char lists[] =
	"## `hosts`\n"
	"\n"
	"The domains served here; at least one. An entry is a name or a group. Sections marked *per host* may\n"
	"stand inside the group; what is not written there is taken from the section of the whole server.\n"
	"\n"
	"```\n"
	"hosts = ( { name = \"example.org\"; modules_off = ( \"offline\" ); roster = { max_items = 100; }; },\n"
	"          { name = \"example.net\"; } );\n"
	"```\n"
	"\n"
	"| key | type | default | |\n"
	"|---|---|---|---|\n"
	"| `name` | text | | The domain. |\n"
	"| `modules_off` | list | `( )` | Modules that do nothing at this host. |\n"
	"\n"
	"## `listen`\n"
	"\n"
	"Where connections are accepted. `\"::\"` stands for every address, IPv6 and IPv4. *restart*\n"
	"\n"
	"```\n"
	"listen = ( { type = \"c2s\"; address = \"::\"; port = 5222; proxy = false; } );\n"
	"```\n"
	"\n"
	"| key | type | default | |\n"
	"|---|---|---|---|\n";

static const char *
type_name(enum sc_conf_type type)
{
	static const char *const names[] = {
		[SC_CONF_T_INT] = "number", [SC_CONF_T_BOOL] = "true or false",
		[SC_CONF_T_TEXT] = "text", [SC_CONF_T_SIZE] = "size",
		[SC_CONF_T_TIME] = "time", [SC_CONF_T_ENUM] = "word",
		[SC_CONF_T_LIST] = "list", [SC_CONF_T_SECRET] = "secret",
	};
	return names[type];
}

/* Folders that configure chose are written by their names: the manual is the same for every
 * build. */
static void
write_text(FILE *f, const char *p)
{
	static const struct { const char *path, *name; } folders[] = {
		{ MODULESDIR, "${libdir}/stonechat/modules" },
		{ SCHEMADIR, "${datadir}/stonechat/schema" },
		{ RUNSTATEDIR "/", "${runstatedir}/" }, { SYSCONFDIR "/", "${sysconfdir}/" },
		{ LOCALSTATEDIR "/", "${localstatedir}/" },
	};

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		size_t n = strlen(folders[i].path);

		if (strncmp(p, folders[i].path, n) != 0)
			continue;
		fprintf(f, "`\"%s%s\"`", folders[i].name, p + n);
		return;
	}
	fprintf(f, "`\"%s\"`", p);
}

static void
write_default(FILE *f, const struct sc_key *key)
{
	const char *p = key->standard;
	const char *comma = "";

	if (p == NULL || (key->type == SC_CONF_T_TEXT && p[0] == '\0')) {
		fputs(key->type == SC_CONF_T_LIST ? "`( )`" : "", f);
		return;
	}
	if (key->type == SC_CONF_T_INT || key->type == SC_CONF_T_BOOL) {
		fprintf(f, "`%s`", p);
		return;
	}
	if (key->type != SC_CONF_T_LIST) {
		write_text(f, p);
		return;
	}
	fputs("`(", f);
	for (p += strspn(p, " "); *p != '\0'; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		fprintf(f, "%s \"%.*s\"", comma, (int)n, p);
		comma = ",";
		p += n;
	}
	fputs(" )`", f);
}

static void
write_key(FILE *f, struct sc_arena *a, const struct sc_key *key)
{
	fprintf(f, "| `%s` | %s | ", key->name, type_name(key->type));
	write_default(f, key);
	fprintf(f, " | %s", key->help ? key->help : "");
	if (key->max == INT64_MAX && key->min != 0)
		fprintf(f, " At least %s.", conf_number_text(a, key->type, key->min));
	else if (key->max != INT64_MAX && (key->min != 0 || key->max != 0))
		fprintf(f, " From %s to %s.", conf_number_text(a, key->type, key->min),
			conf_number_text(a, key->type, key->max));
	if (key->words != NULL) {
		fputs(key->type == SC_CONF_T_ENUM ? " One of" : " Or", f);
		for (const char *p = key->words; *p != '\0'; p += strspn(p, " ")) {
			fprintf(f, " `\"%.*s\"`", (int)strcspn(p, " "), p);
			p += strcspn(p, " ");
			fputs(*p != '\0' ? "," : ".", f);
		}
	}
	fprintf(f, "%s |\n", key->restart ? " *restart*" : "");
}

static void
write_section(FILE *f, struct sc_arena *a, const struct conf_table *t)
{
	if (t->n_keys == 0)
		return;
	if (t->name[0] == '\0')
		fputs("## Top level\n\n", f);
	else
		fprintf(f, "## `%s`%s\n\n", t->name, t->per_host ? " (per host)" : "");
	if (t->help != NULL)
		fprintf(f, "%s\n\n", t->help);
	fputs("| key | type | default | |\n|---|---|---|---|\n", f);
	for (int i = 0; i < t->n_keys; i++)
		write_key(f, a, &t->keys[i]);
	fputs("\n", f);
}

static void
write_lists(FILE *f)
{
	int port;

	fputs(lists, f);
	fputs("| `type` | word | | One of", f);
	for (int i = 0; i < conf_listen_types(); i++) {
		const char *name = conf_listen_type_at(i, &port);

		fprintf(f, "%s `\"%s\"` (port %d)", i ? "," : "", name, port);
	}
	fputs(". |\n"
		"| `address` | text | `\"::\"` | An IP address of this machine. |\n"
		"| `port` | number | by type | |\n"
		"| `proxy` | true or false | `false` | Expect the PROXY protocol, version 1 or 2, "
		"from a load balancer. Then only the "
		"balancer may be able to reach the port. |\n\n", f);
}

void
conf_write_manual(FILE *f)
{
	struct sc_arena *a = arena_new();
	const struct conf_table *top = conf_table_named("");

	fputs(head, f);
	if (top != NULL)
		write_section(f, a, top);
	write_lists(f);
	for (int i = 0; i < conf_tables(); i++)
		if (conf_table(i) != top)
			write_section(f, a, conf_table(i));
	arena_free(a);
}
