/* SPDX-License-Identifier: MIT */
/* Reading configurations: every kind of value, and the sentence for everything that an operator may
 * get wrong. */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>
#include "tap.h"
#include "plugin/conf_inside.h"

enum level { DEBUG, INFO, WARN };

struct top {
	int64_t shards;
	const char *state_dir;
	const char *const *modules;
	const char *const *modules_off;
};
struct log_conf {
	int level;
	const char *to;
};
struct db {
	const char *uri;
	int64_t connections, wait, memory, keep;
};
struct roster {
	int64_t max_items;
	bool versioning;
};

static const struct sc_key top_keys[] = {
	{ .name = "shards", .type = SC_CONF_T_INT, .offset = offsetof(struct top, shards),
		.standard = "0", .max = 256,
		.restart = true, .help = "Threads." },
	SC_CONF_TEXT(struct top, state_dir, "/var/lib/stonechat", "Where."),
	SC_CONF_LIST(struct top, modules, "roster presence", "What."),
	SC_CONF_LIST(struct top, modules_off, NULL, "What not."),
	SC_CONF_END
};
static const struct sc_key log_keys[] = {
	SC_CONF_ENUM(struct log_conf, level, "info", "debug info warn", "How much."),
	SC_CONF_TEXT(struct log_conf, to, "stderr", "Where to."),
	SC_CONF_END
};
static const struct sc_key db_keys[] = {
	SC_CONF_SECRET(struct db, uri, "Which."),
	SC_CONF_INT(struct db, connections, "60", 2, 1000, "How many."),
	SC_CONF_TIME(struct db, wait, "10s", 100, 60000, "How long."),
	SC_CONF_SIZE(struct db, memory, "8MiB", 1024, 1LL << 40, "How large."),
	SC_CONF_TIME_OR(struct db, keep, "forever", 1000, 60000, "off forever", "How long."),
	SC_CONF_END
};
static const struct sc_key roster_keys[] = {
	SC_CONF_INT(struct roster, max_items, "5000", 1, 1000000, "Contacts."),
	SC_CONF_BOOL(struct roster, versioning, "true", "Versions."),
	SC_CONF_END
};

static int s_top, s_log, s_db, s_roster;

static bool
check_roster(const void *conf, char *error, size_t error_size)
{
	const struct roster *r = conf;

	if (r->max_items != 13)
		return true;
	snprintf(error, error_size, "13 is unlucky");
	return false;
}

static void
set_up(void)
{
	s_top = conf_section("", top_keys, sizeof(struct sc_key), sizeof(struct top), false);
	s_log = conf_section("log", log_keys, sizeof(struct sc_key),
		sizeof(struct log_conf), false);
	s_db = conf_section("db", db_keys, sizeof(struct sc_key), sizeof(struct db), false);
	s_roster = conf_section("roster", roster_keys, sizeof(struct sc_key),
		sizeof(struct roster), true);
	conf_section_check(s_roster, check_roster);
}

static struct conf *
load(const char *text, char *error, size_t error_size)
{
	return conf_load_text("x", sc_span(text), error, error_size);
}

/* --- mistakes --- */

#define HOSTS "hosts = ( { name = \"example.org\"; } );\n"

static const struct { const char *text, *want; } mistakes[] = {
	{ HOSTS, NULL },
	{ "", "x: there is no host: add hosts = ( { name = \"example.org\"; } );" },
	{ "hosts = ( );", "x:1: there is no host: add hosts = ( { name = \"example.org\"; } );" },
	{ HOSTS "shrads = 4;", "x:2: unknown key `shrads'; did you mean `shards'?" },
	{ HOSTS "shards = 400;", "x:2: `shards' must be between 0 and 256" },
	{ HOSTS "shards = \"4\";", "x:2: `shards' must be a whole number, without quotes" },
	{ HOSTS "shards = 99999999999;", "x:2: `shards' must be between 0 and 256" },
	{ HOSTS "shards = 99999999999999999999;", "x:2: that number is too large" },
	{ HOSTS "shards = 4;\nshards = 5;", "x:3: this key stands twice in the same group" },
	{ HOSTS "state_dir = \"/x\"\nshards = 4 4;\n",
		"x:3: syntax error here or on the line before; is a `;', a quote or a bracket "
		"missing?" },
	{ HOSTS "state_dir = \"/x;\n", "x: the file ends inside a string" },
	{ HOSTS "# fine\nlog = { levle = \"info\"; };",
	"x:3: unknown key `levle' in `log'; did you mean `level'?" },
	{ HOSTS "log = { completely_else = 1; };", "x:2: unknown key `completely_else' in `log'" },
	{ HOSTS "log = \"stderr\";", "x:2: `log' is a section: log = { key = value; … };" },
	{ HOSTS "log = { level = \"inof\"; };",
		"x:2: `level' is \"inof\", which is none of: debug info warn; did you "
		"mean `info'?" },
	{ HOSTS "log = { level = 3; };", "x:2: `level' must be one of these, in quotes: debug "
	"info warn" },
	{ HOSTS "rostr = { max_items = 4; };", "x:2: unknown section `rostr'; did you mean "
	"`roster'?" },
	{ HOSTS "carbons = { };", "x:2: `carbons' is neither a section nor a module that is loaded "
	"(see `modules')" },
	{ HOSTS "modules_off = ( \"carbons\" );\ncarbons = { };",
		"x:3: the module `carbons' is turned off by `modules_off', so its settings mean "
		"nothing: remove them or turn it on" },
	{ HOSTS "modules = \"roster\";", "x:2: `modules' must be a list of texts: ( \"one\", "
	"\"two\" )" },
	{ HOSTS "modules = ( \"roster\", 5 );", "x:2: `modules' must be a list of texts: ( "
	"\"one\", \"two\" )" },
	{ HOSTS "roster = { versioning = \"yes\"; };", "x:2: `versioning' must be true or false, "
	"without quotes" },
	{ HOSTS "roster = { max_items = 13; };", "x:2: roster: 13 is unlucky" },
	{ HOSTS "db = { wait = 10; };", "x:2: `wait' needs a unit: \"10s\", \"10ms\", \"10m\" …" },
	{ HOSTS "db = { wait = \"10\"; };", "x:2: `wait' needs a unit (ms, s, m, h, d or w), "
	"not \"10\"" },
	{ HOSTS "db = { wait = \"10 sec\"; };", "x:2: `wait' has the unit \"sec\", which is none "
	"of ms, s, m, h, d or w" },
	{ HOSTS "db = { wait = \"soon\"; };", "x:2: `wait' must be a number and a unit (ms, s, m, "
	"h, d or w), not \"soon\"" },
	{ HOSTS "db = { wait = \"2m\"; };", "x:2: `wait' must be between 100ms and 1m" },
	{ HOSTS "db = { wait = \"99999999999999999d\"; };", "x:2: `wait' is too large" },
	{ HOSTS "db = { wait = \"-5s\"; };", "x:2: `wait' must be a number and a unit (ms, s, m, "
	"h, d or w), not \"-5s\"" },
	{ HOSTS "db = { wait = true; };", "x:2: `wait' must be a time such as \"30s\" or \"12h\"" },
	{ HOSTS "db = { keep = \"froever\"; };", "x:2: `keep' must be a number and a unit (ms, s, "
	"m, h, d or w), not \"froever\", or one of: off forever; did you mean `forever'?" },
	{ HOSTS "db = { memory = \"10MB\"; };", "x:2: `memory' has the unit \"MB\", which is none "
	"of B, KiB, MiB, GiB or TiB" },
	{ HOSTS "db = { memory = 1.5; };", "x:2: `memory' must be a size such as \"10MiB\"" },
	{ HOSTS "db = { memory = 10; };", "x:2: `memory' must be between 1KiB and 1TiB" },
	{ HOSTS "db = { uri = \"a\";\n uri_file = \"b\"; };",
	"x:3: `uri' and `uri_file' are both given: one is enough" },
	{ HOSTS "db = { uri_file = \"/nonexistent/u\"; };",
		"x:2: `uri_file': cannot read /nonexistent/u: No such file or directory" },
	{ HOSTS "db = { wait_file = \"/u\"; };", "x:2: unknown key `wait_file' in `db'" },
	{ "hosts = ( { name = \"Example.org\"; },\n { name = \"example.net\"; },\n { name = "
	"\"example.ORG\"; } );",
		"x:3: the host example.org stands in the list twice; the first time at x:1" },
	{ "hosts = ( { name = \"romeo@example.org\"; } );",
	"x:1: \"romeo@example.org\" cannot be the name of a host" },
	{ "hosts = ( { nmae = \"example.org\"; } );", "x:1: an entry of `hosts' needs a name: { "
	"name = \"example.org\"; }" },
	{ "hosts = \"example.org\";", "x:1: `hosts' is a list of groups: hosts = ( { name = "
	"\"example.org\"; } );" },
	{ "hosts = ( { name = \"a.org\";\n rooster = { }; } );",
		"x:2: unknown key `rooster' in the host a.org; did you mean `roster'?" },
	{ "hosts = ( { name = \"a.org\";\n carbons = { }; } );",
		"x:2: unknown key `carbons' in the host a.org; no module of that name is loaded" },
	{ "hosts = ( { name = \"a.org\"; db = { }; } );",
	"x:1: `db' is set for the whole server, not for one host" },
	{ "hosts = ( { name = \"a.org\";\n roster = {\n max_items = 0; }; } );",
		"x:3: `max_items' must be between 1 and 1000000" },
	{ HOSTS "listen = ( { type = \"c2s_lts\"; } );",
		"x:2: `type' is \"c2s_lts\", which is none of: c2s, c2s_tls; did you mean "
		"`c2s_tls'?" },
	{ HOSTS "listen = ( { port = 5222; } );", "x:2: an entry of `listen' needs a `type', such "
	"as \"c2s\"" },
	{ HOSTS "listen = ( { type = \"c2s\"; port = 70000; } );",
	"x:2: `port' must be between 1 and 65535" },
	{ HOSTS "listen = ( { type = \"c2s\"; prot = 70; } );",
	"x:2: unknown key `prot' in `listen'; did you mean `port'?" },
	{ HOSTS "listen = ( { type = \"c2s\"; address = \"localhost\"; } );",
		"x:2: `address' must be an IP address, such as \"::\" (everything, IPv4 too), "
		"\"0.0.0.0\" or \"192.0.2.7\"; "
		"\"localhost\" is none" },
	{ HOSTS "listen = ( { type = \"c2s\"; },\n { type = \"c2s_tls\"; port = 5222; } );",
		"x:3: address ::, port 5222 is taken by the entry at x:2" },
	{ HOSTS "listen = { type = \"c2s\"; };", "x:2: `listen' is a list of groups: listen = ( { "
	"type = \"c2s\"; port = 5222; } );" },
};

static void
test_mistakes(void)
{
	for (size_t i = 0; i < N_ELEMENTS(mistakes); i++) {
		char error[1024] = "";
		struct conf *c = load(mistakes[i].text, error, sizeof(error));

		is_text(c ? NULL : error, mistakes[i].want, "sentence: %s",
			mistakes[i].want ? mistakes[i].want : "none");
		conf_unref(&c);
	}
}

/* --- values --- */

static const struct { const char *written; int64_t want; } times[] = {
	{ "\"250ms\"", 250 }, { "\"10s\"", 10000 }, { "\"1m\"", 60000 }, { "\"5s 500ms\"", 5500 },
	{ "\"5s500ms\"", 5500 },
};
static const struct { const char *written; int64_t want; } words[] = {
	{ "10s", 10000 }, { "off", SC_CONF_WORD(0) }, { "forever", SC_CONF_WORD(1) },
};
static const struct { const char *written; int64_t want; } sizes[] = {
	{ "\"64KiB\"", 65536 }, { "\"10 MiB\"", 10485760 }, { "\"2GiB\"", 2147483648 },
	{ "4294967296", 4294967296 },
	{ "\"4096\"", 4096 }, { "4096", 4096 }, { "\"4096B\"", 4096 }, { "0x1000", 4096 },
	{ "5000000000L", 5000000000 },
};

static void
test_units(void)
{
	char text[200], error[1024];

	for (size_t i = 0; i < N_ELEMENTS(times); i++) {
		struct conf *c;

		snprintf(text, sizeof(text), HOSTS "db = { wait = %s; };", times[i].written);
		c = load(text, error, sizeof(error));
		is_int(c ? ((const struct db *)conf_get(c, s_db, -1))->wait : -1, times[i].want,
			"time %s", times[i].written);
		conf_unref(&c);
	}
	for (size_t i = 0; i < N_ELEMENTS(words); i++) {
		struct conf *c;

		snprintf(text, sizeof(text), HOSTS "db = { keep = \"%s\"; };", words[i].written);
		c = load(text, error, sizeof(error));
		is_int(c ? ((const struct db *)conf_get(c, s_db, -1))->keep : -99, words[i].want,
			"time or word %s", words[i].written);
		conf_unref(&c);
	}
	for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
		struct conf *c;

		snprintf(text, sizeof(text), HOSTS "db = { memory = %s; };", sizes[i].written);
		c = load(text, error, sizeof(error));
		is_int(c ? ((const struct db *)conf_get(c, s_db, -1))->memory : -1, sizes[i].want,
			"size %s", sizes[i].written);
		conf_unref(&c);
	}
}

static void
test_defaults(void)
{
	char error[1024] = "";
	struct conf *c = load(HOSTS, error, sizeof(error));
	const struct top *top = conf_get(c, s_top, -1);

	is_int(top->shards, 0, "default number");
	is_text(top->state_dir, "/var/lib/stonechat", "default text");
	is_text(top->modules[1], "presence", "default list");
	ok(top->modules[2] == NULL && top->modules_off[0] == NULL, "lists end");
	is_int(((const struct log_conf *)conf_get(c, s_log, -1))->level, INFO, "default word");
	ok(((const struct db *)conf_get(c, s_db, -1))->uri == NULL, "no secret");
	ok(((const struct roster *)conf_get(c, s_roster, 0))->versioning,
		"default truth, at a host");
	is_int(conf_listens(c), 2, "default listeners");
	is_text(conf_listen(c, 0)->address, "::", "on every address");
	is_int(conf_listen(c, 1)->port, 5223, "and the ports of their types");
	conf_unref(&c);
	ok(c == NULL, "the reference is taken");
}

static const char two_hosts[] =
	"roster = { max_items = 50; };\n"
	"hosts = ( { name = \"a.org\"; roster = { max_items = 7; }; modules_off = ( "
	"\"roster\" ); },\n"
	"          { name = \"b.org\"; roster = { versioning = false; }; },\n"
	"          \"c.org\" );\n";

static void
test_hosts(void)
{
	char error[1024] = "";
	struct conf *c = load(two_hosts, error, sizeof(error));
	const struct roster *r;

	is_int(conf_hosts(c), 3, "three hosts %s", error);
	r = conf_get(c, s_roster, 0);
	ok(r->max_items == 7 && r->versioning, "a host's own value, and the default");
	r = conf_get(c, s_roster, 1);
	ok(r->max_items == 50 && !r->versioning, "the server's value, and a host's own");
	ok(conf_get(c, s_roster, 2) == conf_get(c, s_roster, -1),
		"a host without a section has the server's");
	is_text(conf_host(c, 2)->name, "c.org", "a host that is only a name");
	is_text(conf_host(c, 0)->modules_off[0], "roster", "modules_off");
	ok(conf_host(c, 1)->modules_off[0] == NULL, "modules_off is never NULL");
	conf_unref(&c);
}

/* --- what is shown --- */

static void
gather(void *arg, const char *section, const char *host, const char *key, const char *value,
	const char *source)
{
	buf_format(arg, "%s|%s|%s|%s|%s\n", section, host ? host : "", key, value, source);
}

static void
test_shown(void)
{
	char error[1024];
	struct conf *c = load("db = { uri = \"postgresql://u:p@h\"; memory = 3145728; };\nhosts = "
		"( { name = \"a.org\";\n"
		"roster = { max_items = 7; }; } );", error, sizeof(error));
	struct buf out = { 0 };

	conf_each_value(c, gather, &out);
	buf_add(&out, "", 1);
	is_text(out.p,
		"||shards|0|default\n||state_dir|/var/lib/stonechat|default\n||modules|roster, "
		"presence|default\n"
		"||modules_off|none|default\n"
		"log||level|info|default\nlog||to|stderr|default\n"
		"db||uri|hidden|x:1\ndb||connections|60|default\ndb||wait|10s|default\ndb||memory|3MiB|x:1\n"
		"db||keep|forever|default\n"
		"roster||max_items|5000|default\nroster||versioning|true|default\n"
		"listen||c2s|:: port 5222|default\nlisten||c2s_tls|:: port 5223|default\n"
		"hosts|a.org|modules_off|none|x:2\nroster|a.org|max_items|7|x:3\n",
		"every value and its source");
	buf_free(&out);
	conf_unref(&c);
}

static void
test_restart(void)
{
	char error[1024];
	struct sc_arena *a = arena_new();
	struct conf *was = load(HOSTS, error, sizeof(error));
	struct conf *is = load(HOSTS "shards = 4; log = { to = \"journald\"; }; listen = ( { type "
		"= \"c2s\"; } );", error, sizeof(error));

	is_text(conf_needs_restart(a, was, was), NULL, "nothing changed");
	is_text(conf_needs_restart(a, was, is), "shards: 0, after a restart 4\nlisten: the "
		"listeners changed\n", "what must wait");
	conf_unref(&was);
	conf_unref(&is);
	arena_free(a);
}

static void
test_manual(void)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	conf_write_manual(f);
	fclose(f);
	ok(strstr(text, "| `shards` | number | `0` | Threads. From 0 to 256. *restart* |") != NULL,
		"manual: number");
	ok(strstr(text, "| `level` | word | `\"info\"` | How much. One of `\"debug\"`, `\"info\"`, "
		"`\"warn\"`. |") != NULL, "manual: word");
	ok(strstr(text, "## `roster` (per host)") != NULL, "manual: section");
	free(text);
}

static void
test_find(void)
{
	char error[1024];
	struct conf *c = load(HOSTS "db = { uri = \"u\"; };", error, sizeof(error));
	int64_t n = 0;

	ok(conf_find_number(c, "db", "wait", &n) && n == 10000, "a time by name");
	ok(conf_find_number(c, "roster", "versioning", &n) && n == 1, "a truth by name");
	is_text(conf_find_text(c, "db", "uri"), "u", "a text by name");
	ok(!conf_find_number(c, "db", "uri", &n) && conf_find_text(c, "db", "wait") == NULL,
		"of another kind");
	ok(conf_find_text(c, "none", "uri") == NULL && conf_find_text(c, "db", "none") == NULL,
		"not there");
	conf_unref(&c);
}

/* --- files --- */

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static void
test_files(void)
{
	char dir[] = "/tmp/test_conf.XXXXXX", main_file[300], want[400], error[1024] = "";
	struct conf_early early;
	struct conf *c;
	char *text;

	if (mkdtemp(dir) == NULL)
		return;
	snprintf(main_file, sizeof(main_file), "%s/main.conf", dir);
	snprintf(want, sizeof(want), "%s/sub", dir);
	mkdir(want, 0700);
	write_file(dir, "secret", "postgresql://\n");
	write_file(dir, "sub/hosts.conf", HOSTS "\nroster = {\n");
	write_file(dir, "sub/1.inc", "max_items = 9;\n");
	write_file(dir, "sub/2.inc", "versioning = false;");
	snprintf(want, sizeof(want), "/* @include \"none\" */\nstate_dir = \"a # b\";\n@include "
		"\"sub/hosts.conf\"\n  @include \"sub/*.inc\"\n"
		"};\ndb = { uri_file = \"%s/secret\"; };\nmodules = ( \"a\", \"b\" );", dir);
	write_file(dir, "main.conf", want);
	c = conf_load(main_file, error, sizeof(error));
	is_text(c ? NULL : error, NULL, "file with includes");
	if (c != NULL) {
		const struct roster *r = conf_get(c, s_roster, -1);

		is_text(((const struct db *)conf_get(c, s_db, -1))->uri, "postgresql://",
			"secret from a file");
		ok(r->max_items == 9 && !r->versioning, "values from included files");
	}
	conf_unref(&c);

	ok(conf_read_early(main_file, &early, error, sizeof(error)), "early");
	is_text(early.modules[1], "b", "early modules");
	ok(early.modules[2] == NULL && early.modules_off == NULL && early.module_dir == NULL,
		"early ends");
	conf_early_free(&early);
	ok(conf_read_early_text(main_file, "state_dir", &text, error, sizeof(error)),
		"one early text");
	is_text(text, "a # b", "its value");
	free(text);

	write_file(dir, "sub/1.inc", "\nmax_itms = 9;\n");
	ok(conf_load(main_file, error, sizeof(error)) == NULL, "mistake in an included file");
	snprintf(want, sizeof(want), "%s/sub/1.inc:2: unknown key `max_itms' in `roster'; "
		"did you mean `max_items'?", dir);
	is_text(error, want, "names that file");

	write_file(dir, "main.conf", "\n@include \"none\"\n");
	ok(conf_load(main_file, error, sizeof(error)) == NULL, "included file is missing");
	snprintf(want, sizeof(want), "%s:2: cannot open %s/none: No such file or directory",
		main_file, dir);
	is_text(error, want, "says where");
	write_file(dir, "main.conf", "\n@include \"sub\"\n");
	ok(conf_load(main_file, error, sizeof(error)) == NULL, "included file is a directory");
	snprintf(want, sizeof(want), "%s:2: %s/sub is a directory, not a file", main_file, dir);
	is_text(error, want, "says so");
	write_file(dir, "main.conf", "@include \"main.conf\"\n");
	ok(conf_load(main_file, error, sizeof(error)) == NULL, "a circle of includes");
	ok(strstr(error, "nested too deeply") != NULL, "ends: %s", error);
	ok(conf_load(dir, error, sizeof(error)) == NULL, "the file is a directory");
	snprintf(want, sizeof(want), "rm -r %s", dir);
	if (system(want) != 0)
		return;
}

static void
test_now(void)
{
	char error[1024];
	struct conf *c = load(HOSTS, error, sizeof(error));

	ok(conf_now() == NULL, "no snapshot in force");
	conf_set_now(conf_ref(c));
	ok(conf_now() == c, "the snapshot in force");
	conf_unref(&c);
	conf_set_now(load(HOSTS, error, sizeof(error)));
	ok(conf_now() != NULL, "the next one");
	conf_set_now(NULL);
	ok(conf_now() == NULL, "none");
}

int
main(void)
{
	set_up();
	test_mistakes();
	test_units();
	test_defaults();
	test_hosts();
	test_shown();
	test_restart();
	test_manual();
	test_find();
	test_files();
	test_now();
	conf_sections_forget();
	arena_thread_done();
	return done_testing();
}
