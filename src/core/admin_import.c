/* SPDX-License-Identifier: MIT */
/*
 * admin_import: `user import`, for many accounts at a time. A request carries up to a thousand
 * lines or so: "name password", or with --verifiers "name ITERATIONS SALT STORED1 SERVER1 …"
 * (core/verifier.h). They are read and hashed in slices on pool threads, a few lines at a time, and
 * inserted by one statement. Names that are there already are left as they are.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/mem.h"
#include "core/admin.sql.h"
#include "core/admin_core.h"
#include "core/entity.h"
#include "core/shard.h"
#include "net/loop.h"

#define SLICES 4                /* at work at the same time */
#define STEP 8                  /* lines hashed in one go, about 30 ms: logins share the pool */

struct entry {
	char *name;
	const char *wrong;              /* a sentence; NULL: fine */
	unsigned iterations;
	char *salt, *keys[6];           /* base64; keys that are not there are empty */
};

struct import;

struct slice {
	struct job job;
	struct import *import;
	struct sc_arena *arena;         /* of its entries */
	int from, to;                   /* lines that are left */
};

struct import {
	struct sc_command *command;
	struct sc_host *host;
	bool verifiers;
	unsigned iterations;
	int n;
	struct entry *entries;
	struct slice slices[SLICES];
	int out;                        /* slices under way */
	int made, resting;
};

static void
import_free(struct import *im)
{
	for (int i = 0; i < SLICES; i++)
		if (im->slices[i].arena != NULL)
			arena_free(im->slices[i].arena);
	free(im->entries);
	free(im);
}

/* --- on a pool thread --- */

static void
set_keys(struct sc_arena *a, struct entry *e, const struct verifiers *v)
{
	for (int h = 0; h < VERIFIER_HASHES; h++) {
		size_t n = verifier_key_len((enum verifier_hash)h);

		e->keys[2 * h] = e->keys[2 * h + 1] = sc_copy(a, "");
		if (v->of[h].iterations == 0)
			continue;
		e->iterations = v->of[h].iterations;
		e->salt = sc_base64(a, v->of[h].salt, v->of[h].salt_len);
		e->keys[2 * h] = sc_base64(a, v->of[h].stored_key, n);
		e->keys[2 * h + 1] = sc_base64(a, v->of[h].server_key, n);
	}
}

/* One salt for the three hashes of an account, as in the import format. */
static bool
hash(struct verifiers *v, unsigned iterations, const char *password)
{
	size_t n = strlen(password);

	if (!verifier_make(&v->of[0], VERIFIER_SHA1, iterations, password, n))
		return false;
	for (int h = 1; h < VERIFIER_HASHES; h++)
		if (!verifier_make_salted(&v->of[h], (enum verifier_hash)h, iterations,
		    v->of[0].salt, v->of[0].salt_len, password, n))
			return false;
	return true;
}

static const char *
read_entry(struct import *im, struct sc_arena *a, const char *line, struct entry *e)
{
	size_t n = strcspn(line, " \t");
	const char *rest = line + n + strspn(line + n, " \t");
	struct verifiers v;
	bool ok;

	memset(&v, 0, sizeof v);
	e->name = sc_prepare_local(a, line, n);
	if (e->name == NULL)
		return "the name is not allowed in an address (RFC 7622)";
	if (*rest == '\0')
		return "nothing follows the name";
	if (im->verifiers) {
		ok = verifiers_read_import(&v, rest);
	} else {
		char *prepared = sc_prepare_password(a, rest, strlen(rest));

		if (prepared == NULL || strlen(prepared) > VERIFIER_PASSWORD_MAX)
			return "this cannot be a password (RFC 8265)";
		ok = hash(&v, im->iterations, prepared);
		explicit_bzero(prepared, strlen(prepared));
	}
	if (ok)
		set_keys(a, e, &v);
	verifiers_clear(&v);
	return ok ? NULL : "the verifiers cannot be read: ITERATIONS SALT and six keys, in base64 "
		"(or - - for those that are not there)";
}

/* Of a line that cannot be used; never more of it, because a password follows. */
static char *
name_of(struct sc_arena *a, const char *line)
{
	return sc_copy_n(a, line, strcspn(line, " \t"));
}

static void
read_slice(struct job *job)
{
	struct slice *s = container_of(job, struct slice, job);

	/* Ready verifiers are only read. */
	for (int left = s->import->verifiers ? s->import->n : STEP; left > 0 && s->from < s->to;
	    left--, s->from++) {
		struct entry *e = &s->import->entries[s->from];
		const char *line = admin_line(s->import->command, s->from);

		e->wrong = read_entry(s->import, s->arena, line, e);
		if (e->name == NULL)
			e->name = name_of(s->arena, line);
	}
}

/* --- after the insert, at each account's home --- */

struct tidings {
	struct letter letter;
	struct sc_arena *arena;         /* this struct and the JIDs live in it */
	const struct sc_jid **jids;
	int64_t *ids;
	int n, room;
};

static void
tidings_arrived(struct letter *l)
{
	struct tidings *t = container_of(l, struct tidings, letter);

	for (int i = 0; i < t->n; i++) {
		struct sc_host *host = sc_host_find(sc_jid_domain(t->jids[i]));

		if (host != NULL)
			admin_account_made(host, t->jids[i], t->ids[i]);
	}
	arena_free(t->arena);
}

static struct tidings *
tidings_new(int room)
{
	struct sc_arena *a = arena_new();
	struct tidings *t = sc_alloc(a, sizeof *t);

	t->arena = a;
	t->jids = sc_alloc(a, (size_t)room * sizeof *t->jids);
	t->ids = sc_alloc(a, (size_t)room * sizeof *t->ids);
	t->letter.open = tidings_arrived;
	return t;
}

static void
tell_homes(const struct import *im, const struct sc_rows *rows)
{
	struct tidings **all = mem_new((size_t)loop_count() * sizeof *all);
	struct sc_arena *a = arena_new();

	for (int i = 0; i < sc_rows_count(rows); i++) {
		const struct sc_jid *jid = sc_jid_of(a, sc_row_text(rows, i, 0),
			sc_jid_domain(sc_host_jid(im->host)), (struct sc_span){ 0 });
		int home = home_of(jid);
		struct tidings *t = all[home] != NULL ? all[home]
			: tidings_new(sc_rows_count(rows));

		all[home] = t;
		t->jids[t->n] = sc_jid_dup(t->arena, jid);
		t->ids[t->n++] = sc_row_int(rows, i, 1);
	}
	for (int i = 0; i < loop_count(); i++) {
		if (all[i] == NULL)
			continue;
		all[i]->letter.weight = arena_size(all[i]->arena);
		mailbox_post(i, &all[i]->letter);
	}
	arena_free(a);
	free(all);
}

/* --- on the shard --- */

static void
answer(struct import *im)
{
	struct sc_command *c = im->command;
	int refused = 0;

	for (int i = 0; i < im->n; i++) {
		if (im->entries[i].wrong == NULL)
			continue;
		if (refused == 0)
			sc_command_columns(c, (const char *const[]){ "name",
				"refused because", NULL });
		sc_command_row(c, (const char *const[]){ im->entries[i].name,
			im->entries[i].wrong });
		refused++;
	}
	sc_command_fact_int(c, "made", im->made);
	sc_command_fact_int(c, "there_already", im->n - refused - im->made);
	sc_command_fact_int(c, "refused", refused);
	sc_command_done(&c);
	import_free(im);
}

static void
found_resting(void *arg, const struct sc_rows *rows)
{
	struct import *im = arg;

	for (int r = 0; sc_rows_status(rows) == SC_DB_OK && r < sc_rows_count(rows); r++)
		for (int i = 0; i < im->n; i++)
			if (im->entries[i].wrong == NULL && sc_span_is(sc_row_text(rows, r, 0),
			    im->entries[i].name))
				im->entries[i].wrong = "the name of a deleted account rests; `user "
					"add --reuse` gives it out";
	answer(im);
}

/* Something was not made: because it is there, or because the name rests? */
static void
look_for_resting(struct import *im)
{
	struct sc_span *names = mem_new((size_t)im->n * sizeof *names);
	size_t n = 0;

	for (int i = 0; i < im->n; i++)
		if (im->entries[i].wrong == NULL)
			names[n++] = sc_span(im->entries[i].name);
	store_run(shard.store, &sql_admin_resting, SC_ARGS(sc_int(sc_host_id(im->host)),
		sc_int(clock_wall()), sc_texts(names, n)), found_resting, im);
	free(names);
}

static void
inserted(void *arg, const struct sc_rows *rows)
{
	struct import *im = arg;
	int wanted = 0;

	if (admin_db_failed(&im->command, rows)) {
		import_free(im);
		return;
	}
	im->made = sc_rows_count(rows);
	tell_homes(im, rows);
	for (int i = 0; i < im->n; i++)
		wanted += im->entries[i].wrong == NULL;
	if (im->made < wanted)
		look_for_resting(im);
	else
		answer(im);
}

/* One array for each column. */
static void
insert(struct import *im)
{
	struct sc_span *text[8];
	int64_t *iterations = mem_new((size_t)im->n * sizeof *iterations + 1);
	size_t n = 0;

	for (int k = 0; k < 8; k++)
		text[k] = mem_new((size_t)im->n * sizeof **text + 1);
	for (int i = 0; i < im->n; i++) {
		const struct entry *e = &im->entries[i];

		if (e->wrong != NULL)
			continue;
		iterations[n] = e->iterations;
		text[0][n] = sc_span(e->name);
		text[1][n] = sc_span(e->salt);
		for (int k = 0; k < 6; k++)
			text[2 + k][n] = sc_span(e->keys[k]);
		n++;
	}
	store_run(shard.store, &sql_admin_import, SC_ARGS(sc_int(sc_host_id(im->host)),
		sc_int(clock_wall()), sc_texts(text[0], n),
		sc_ints(iterations, n), sc_texts(text[1], n), sc_texts(text[2], n),
		sc_texts(text[3], n), sc_texts(text[4], n),
		sc_texts(text[5], n), sc_texts(text[6], n), sc_texts(text[7], n)), inserted, im);
	for (int k = 0; k < 8; k++)
		free(text[k]);
	free(iterations);
}

/* Goes on with the slice, or is done with it. */
static void
slice_read(struct job *job)
{
	struct slice *s = container_of(job, struct slice, job);

	if (s->from < s->to && offload_run(job))
		return;
	for (; s->from < s->to; s->from++)
		s->import->entries[s->from] = (struct entry){ .name = name_of(s->arena,
			admin_line(s->import->command, s->from)),
			.wrong = "too many passwords are being hashed right now" };
	if (--s->import->out == 0)
		insert(s->import);
}

static void
user_import(struct sc_command *c)
{
	const char *named = sc_command_arg(c, 0);
	struct sc_host *host = sc_host_find(sc_span(named));
	struct import *im;

	if (host == NULL) {
		admin_fail(&c, "%s is not a host of this server", named);
		return;
	}
	im = mem_new(sizeof *im);
	im->command = c;
	im->host = host;
	im->verifiers = sc_command_option(c, "verifiers") != NULL;
	im->iterations = admin_iterations();
	im->n = admin_lines(c);
	im->entries = mem_new((size_t)im->n * sizeof *im->entries + 1);
	im->out = SLICES;
	for (int i = 0; i < SLICES; i++)
		im->slices[i] = (struct slice){ .import = im, .arena = arena_new(),
			.from = im->n * i / SLICES,
			.to = im->n * (i + 1) / SLICES, .job = { .shard = loop_id(),
			.work = read_slice, .done = slice_read } };
	for (int i = 0; i < SLICES; i++)
		slice_read(&im->slices[i].job);
}

const struct sc_command_row admin_import_rows[] = {
	{ .words = "user import", .args = "HOST [--verifiers]", .where = SC_ON_ANY, .min_args = 1,
		.max_args = 1, .fn = user_import,
		.seconds = 300,
		.help = "Makes accounts from lines of standard input: name and password. "
		"--verifiers: name, iterations, salt, keys." },
	{ .words = NULL }
};
