/* SPDX-License-Identifier: MIT */
/*
 * Loading modules: what is refused, and the sentence that says so; the order of hooks. Descriptions
 * are linked in, and then the same with real shared objects, built here with the compiler if there
 * is one.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <stonechat/stonechat.h>
#include "../unit/tap.h"
#include "plugin/conf.h"
#include "plugin/hook.h"
#include "plugin/host.h"
#include "plugin/iq.h"
#include "plugin/module.h"
#include "store/store.h"

static char error[1024];

static enum sc_verdict
pass(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	(void)ctx, (void)ev;
	return SC_PASS;
}

static enum sc_verdict
answer(struct sc_ctx *ctx, const struct sc_elem *e)
{
	(void)ctx, (void)e;
	return SC_PASS;
}

/* --- a description with one thing changed --- */

#define HOOKS(ident, ...) static const struct sc_hook ident[] = { __VA_ARGS__, SC_END }
#define IQS(ident, ...) static const struct sc_iq ident[] = { __VA_ARGS__, { 0 } }

HOOKS(a_after_b, SC_ON_AFTER(to_user, COPY, pass, "b"));
HOOKS(b_after_c, SC_ON_AFTER(to_user, COPY, pass, "c"));
HOOKS(c_after_a, SC_ON_AFTER(to_user, COPY, pass, "a"));
HOOKS(c_plain, SC_ON(to_user, COPY, pass));
HOOKS(c_other_phase, SC_ON_AFTER(to_user, CHECK, pass, "a"));
HOOKS(after_itself, SC_ON_AFTER(to_user, COPY, pass, "a"));
HOOKS(after_nobody, SC_ON_AFTER(to_user, COPY, pass, "nobody"));
HOOKS(many, SC_ON(to_user, FALLBACK, pass), SC_ON(to_user, CHECK, pass), SC_ON(from_client, CHECK,
	pass), SC_ON(to_user, COPY, pass));
HOOKS(no_such_event, { .event = (enum sc_event)9999, .phase = SC_PHASE_CHECK, .name = "odd" });
HOOKS(no_such_phase, { .event = SC_EV_to_user, .phase = (enum sc_phase)77, .name = "odd",
	.fn.to_user = pass });

IQS(iq_get, { SC_IQ_GET, SC_AT_ACCOUNT, "urn:x", "q", answer });
IQS(iq_set, { SC_IQ_SET, SC_AT_ACCOUNT, "urn:x", "q", answer });
IQS(iq_both, { SC_IQ_GET | SC_IQ_SET, SC_AT_SERVER | SC_AT_ACCOUNT, "urn:x", "q", answer });
IQS(iq_server, { SC_IQ_GET, SC_AT_SERVER, "urn:x", "q", answer });
IQS(iq_any, { SC_IQ_GET, SC_AT_ACCOUNT, "urn:x", "*", answer });

static const struct sc_stmt stmt = { .name = "same", .sql = "select 1", .types = "",
	.mode = SC_STMT_READ, .key = -1 };
static const struct sc_stmt same = { .name = "same", .sql = "select 2", .types = "",
	.mode = SC_STMT_READ, .key = -1 };
static const struct sc_stmt *const statements[] = { &stmt, NULL },
	*const others[] = { &same, NULL };

static struct sc_module
module(const char *name)
{
	struct sc_module m = {
		.magic = SC_API_MAGIC, .api_major = SC_API_MAJOR, .api_minor = SC_API_MINOR,
		.size_module = sizeof(struct sc_module), .size_hook = sizeof(struct sc_hook),
		.size_iq = sizeof(struct sc_iq),
		.size_feature = sizeof(struct sc_feature),
		.size_identity = sizeof(struct sc_identity), .size_key = sizeof(struct sc_key),
		.size_command = sizeof(struct sc_command_row), .size_stmt = sizeof(struct sc_stmt),
		.name = name, .summary = "A test.",
	};

	return m;
}

static void
unload(void)
{
	module_unload_all();
	store_unregister_all();
	conf_sections_forget();
}

/* Loads them all; the sentence, "" when everything is fine. */
static const char *
load(const struct sc_module *const *m)
{
	error[0] = '\0';
	for (; *m != NULL; m++)
		if (!module_add(*m, NULL, error, sizeof error))
			break;
	if (error[0] == '\0' && !module_finish(error, sizeof error))
		sc_assert(error[0] != '\0');
	return error;
}

#define LOAD(...) load((const struct sc_module *const[]){ __VA_ARGS__, NULL })

static void
test_after(void)
{
	struct sc_module a = module("a"), b = module("b"), c = module("c");

	a.hooks = a_after_b;
	b.hooks = b_after_c;
	c.hooks = c_after_a;
	is_text(LOAD(&a, &b, &c), "module a: the `.after` of its hook pass goes in a circle with "
		"module b", "a circle of three");
	unload();
	a.hooks = after_itself;
	is_text(LOAD(&a), "module a: the `.after` of its hook pass goes in a circle with module a",
		"after itself");
	unload();
	a.hooks = a_after_b;
	c.hooks = c_other_phase;
	is_text(LOAD(&a, &b, &c), "", "not a circle: another phase");
	unload();
	a.hooks = after_nobody;
	is_text(LOAD(&a), "", "after a module that is not there");
	unload();
}

static char order[512];

static void
see(void *arg, const char *phase, const char *name, const char *hook)
{
	size_t n = strlen(order);

	(void)arg, (void)hook;
	snprintf(order + n, sizeof order - n, "%s%s:%s", n > 0 ? " " : "", phase, name);
}

static void
test_order(void)
{
	struct sc_module a = module("a"), b = module("b"), c = module("c"), m = module("m");

	a.hooks = a_after_b;
	b.hooks = b_after_c;
	c.hooks = c_plain;
	m.hooks = many;
	is_text(LOAD(&m, &c, &a, &b), "", "loaded");
	order[0] = '\0';
	hook_each(SC_EV_to_user, see, NULL);
	is_text(order, "check:m copy:c copy:b copy:a copy:m fallback:m",
		"phase, then .after, then name");
	ok(hook_any(SC_EV_from_client) && !hook_any(SC_EV_from_remote),
		"which events somebody waits for");
	unload();
}

static void
test_hooks_are_sane(void)
{
	struct sc_module a = module("a");

	a.hooks = no_such_event;
	is_text(LOAD(&a), "module a: its hook odd names an event or phase that this server does "
		"not have", "an event of the future");
	unload();
	a.hooks = no_such_phase;
	is_text(LOAD(&a), "module a: its hook odd names an event or phase that this server does "
		"not have", "a phase of the future");
	unload();
}

static void
test_iq_keys(void)
{
	struct sc_module a = module("a"), b = module("b");

	a.iq = iq_get;
	b.iq = iq_get;
	is_text(LOAD(&a, &b), "module b: <q xmlns='urn:x'/> is answered by module a already",
		"the same key");
	unload();
	b.iq = iq_both;
	is_text(LOAD(&a, &b), "module b: <q xmlns='urn:x'/> is answered by module a already",
		"one of several bits");
	unload();
	is_text(LOAD(&b, &a), "module a: <q xmlns='urn:x'/> is answered by module b already",
		"the other way round");
	unload();
	b.iq = iq_set;
	is_text(LOAD(&a, &b), "", "another type");
	unload();
	b.iq = iq_server;
	is_text(LOAD(&a, &b), "", "another place");
	unload();
	b.iq = iq_any;
	is_text(LOAD(&a, &b), "", "any element beside a certain one");
	unload();
}

static void
test_stamp(void)
{
	struct sc_module a = module("a"), b = module("b");
	char want[256];

	a.magic = 1;
	is_text(LOAD(&a), "module ?: sc_module_? is not a Stonechat module (wrong magic)", "magic");
	unload();
	a = module("a");
	a.api_major = SC_API_MAJOR + 1;
	snprintf(want, sizeof want, "module a: made for plugin API %d.%d, this server has %d.%d; "
		"compile it again", SC_API_MAJOR + 1, SC_API_MINOR, SC_API_MAJOR, SC_API_MINOR);
	is_text(LOAD(&a), want, "major");
	unload();
	a = module("a");
	a.api_minor = SC_API_MINOR + 1;
	snprintf(want, sizeof want, "module a: needs plugin API %d.%d, this server has only %d.%d",
		SC_API_MAJOR, SC_API_MINOR + 1, SC_API_MAJOR, SC_API_MINOR);
	is_text(LOAD(&a), want, "minor");
	unload();
	a = module("a");
	a.size_stmt += 8;
	is_text(LOAD(&a), "module a: its statements have another layout; compile it again",
		"statements");
	unload();
	a = module("a");
	a.hooks = c_plain;
	a.size_hook = 4;
	is_text(LOAD(&a), "module a: its tables have another layout; compile it again",
		"a stride that cannot be");
	unload();
	a = module("a");
	is_text(LOAD(&a, &a), "module a: loaded twice", "twice");
	unload();
	a.needs = SC_LIST("b", "z");
	is_text(LOAD(&a, &b), "module a: needs the module z, which is not loaded", "needs");
	unload();
	a = module("a");
	a.statements = statements;
	b.statements = others;
	is_text(LOAD(&a, &b), "module b: its statement same has the name of another one",
		"statements of one name");
	unload();
}

/* A module of an older minor version: its structs lack what came later. */
static void
test_older(void)
{
	static const struct {
		enum sc_event event;
		enum sc_phase phase;
		const char *name;
		union sc_handler fn;
	} old[] = { { SC_EV_to_user, SC_PHASE_COPY, "one", { .to_user = pass } },
		{ SC_EV_to_user, SC_PHASE_CHECK, "two", { .to_user = pass } },
		{ 0, 0, NULL, { 0 } } };
	struct sc_module a = module("a");

	a.hooks = (const struct sc_hook *)(const void *)old;
	a.size_hook = sizeof old[0];
	a.size_module = offsetof(struct sc_module, commands);
	is_text(LOAD(&a), "", "loaded");
	order[0] = '\0';
	hook_each(SC_EV_to_user, see, NULL);
	is_text(order, "check:a copy:a", "its own stride");
	ok(module_find("a")->m.commands == NULL && module_find("a")->m.shard_start == NULL,
		"what it does not know is empty");
	unload();
}

/* --- shared objects --- */

static char dir[] = "/tmp/stonechat-modules-XXXXXX";

static const char good[] =
	"#include <stonechat/stonechat.h>\n"
	"static enum sc_verdict f(struct sc_ctx *c, struct sc_ev_stanza *e) { (void)c; (void)e; "
	"return SC_PASS; }\n"
	"static const struct sc_hook h[] = { SC_ON(to_user, COPY, f), SC_END };\n"
	"SC_MODULE(NAME, .summary = \"A test.\", .hooks = h);\n";
static const char other_name[] = "#include <stonechat/stonechat.h>\nSC_MODULE(somebody_else, "
	".summary = \"A test.\");\n";
static const char unresolved[] =
	"#include <stonechat/stonechat.h>\n"
	"extern int nobody_has_this(void);\n"
	"static enum sc_verdict f(struct sc_ctx *c, struct sc_ev_stanza *e) { (void)c; (void)e; "
	"return nobody_has_this(); }\n"
	"static const struct sc_hook h[] = { SC_ON(to_user, COPY, f), SC_END };\n"
	"SC_MODULE(NAME, .summary = \"A test.\", .hooks = h);\n";
static const char next_major[] =
	"#include <stonechat/stonechat.h>\n#undef SC_API_MAJOR\n#define SC_API_MAJOR "
	"2\nSC_MODULE(NAME, .summary = \"A test.\");\n";

static bool
build(const char *name, const char *text)
{
	const char *source = getenv("STONECHAT_SOURCE");
	char path[256], command[1024];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s.c", dir, name);
	f = fopen(path, "w");
	sc_assert(f != NULL);
	for (const char *at = strstr(text, "NAME"); at != NULL; at = strstr(text, "NAME")) {
		fprintf(f, "%.*s%s", (int)(at - text), text, name);
		text = at + 4;
	}
	fputs(text, f);
	fclose(f);
	snprintf(command, sizeof command, "cc -std=gnu17 -D_GNU_SOURCE -shared -fPIC -I'%s/src' -o "
		"'%s/%s.so' '%s' 2>&1", source != NULL ? source : SOURCE_DIR, dir, name, path);
	return system(command) == 0;
}

#define is_refused(name, part) do { \
	error[0] = '\0'; \
	ok(!module_load(dir, name, error, sizeof error) && strstr(error, part) != NULL, \
		"refused: %s", error); \
} while (0)

static void
test_shared_objects(void)
{
	char command[64], two[256];
	FILE *f;

	if (mkdtemp(dir) == NULL || !build("good", good)) {
		printf("# no compiler: shared objects are not tested\n");
		return;
	}
	ok(module_load(dir, "good", error, sizeof error), "a good one is loaded");
	ok(module_finish(error, sizeof error) && hook_any(SC_EV_to_user), "with its hook");
	is_refused("good", "loaded twice");
	unload();
	is_refused("absent", "module absent: there is no absent.so in");
	is_refused("../good", "a module's name has only a-z");
	build("misnamed", other_name);
	is_refused("misnamed", "does not export sc_module_misnamed; is SC_MODULE(misnamed, "
		"...) in it?");
	build("unresolved", unresolved);
	is_refused("unresolved", "nobody_has_this");
	build("future", next_major);
	is_refused("future", "module future: made for plugin API 2.");
	snprintf(two, sizeof two, "%s/text.so", dir);
	f = fopen(two, "w");
	fputs("not an object\n", f);
	fclose(f);
	is_refused("text", "module text: ");
	is_int(module_count(), 0, "none of them stayed");
	/* All that are in a folder, also as an uninstalled build has them; the same name twice is
	 * one. */
	snprintf(command, sizeof command, "cd %s && rm -f *.so *.c", dir);
	ok(system(command) == 0, "cleared");
	build("beta", good);
	build("alpha", good);
	snprintf(two, sizeof two, "mkdir -p %s/alpha/.libs %s/mid && cp %s/alpha.so "
		"%s/alpha/.libs/ && touch %s/zeta.la", dir, dir, dir, dir, dir);
	ok(system(two) == 0, "a build folder beside it");
	ok(module_load_all(dir, (char *[]){ "beta", NULL }, error, sizeof error) ||
		printf("# %s\n", error) < 0, "all but beta");
	ok(module_count() == 1 && module_find("alpha") != NULL, "alpha, once");
	unload();
	snprintf(command, sizeof command, "rm -r '%s'", dir);
	ok(system(command) == 0, "the folder is removed");
}

int
main(void)
{
	test_after();
	test_order();
	test_hooks_are_sane();
	test_iq_keys();
	test_stamp();
	test_older();
	test_shared_objects();
	return done_testing();
}
