/* SPDX-License-Identifier: MIT */
/* admin_user: `user add` and `user passwd`. The password is hashed on a pool thread and wiped; only
 * verifiers are stored. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/mem.h"
#include "core/admin.sql.h"
#include "core/admin_core.h"
#include "core/shard.h"
#include "net/loop.h"

struct hashing {
	struct job job;
	struct sc_command *command;
	char *password;
	unsigned iterations;
	struct verifiers made;
	bool ok;
	void (*then)(struct sc_command *, const struct verifiers *);
};

static void
hash(struct job *job)
{
	struct hashing *h = container_of(job, struct hashing, job);

	h->ok = verifiers_make(&h->made, h->iterations, h->password, strlen(h->password));
}

static void
hashed(struct job *job)
{
	struct hashing *h = container_of(job, struct hashing, job);

	if (h->ok)
		h->then(h->command, &h->made);
	else
		sc_command_fail(&h->command, "the password could not be hashed");
	explicit_bzero(h->password, strlen(h->password));
	free(h->password);
	verifiers_clear(&h->made);
	free(h);
}

static void
start_hashing(struct sc_command *c, const char *password, void (*then)(struct sc_command *,
	const struct verifiers *))
{
	char *prepared = sc_prepare_password(sc_command_arena(c), password, strlen(password));
	struct hashing *h;

	if (prepared == NULL || *prepared == '\0' || strlen(prepared) > VERIFIER_PASSWORD_MAX) {
		sc_command_fail(&c, "this cannot be a password: it is empty, too long, or has "
			"characters that RFC 8265 forbids");
		return;
	}
	h = mem_new(sizeof *h);
	h->command = c;
	h->password = mem_text(prepared, strlen(prepared));
	explicit_bzero(prepared, strlen(prepared));
	h->iterations = admin_iterations();
	h->then = then;
	h->job.shard = loop_id();
	h->job.work = hash;
	h->job.done = hashed;
	if (offload_run(&h->job))
		return;
	free(h->password);
	free(h);
	sc_command_fail(&c, "too many passwords are being hashed right now");
}

/* Twelve arguments: iterations, salt and two keys of each hash. */
static int
add_verifiers(struct sc_arg *args, int n, const struct verifiers *v)
{
	for (int h = 0; h < VERIFIER_HASHES; h++) {
		size_t len = verifier_key_len((enum verifier_hash)h);

		args[n++] = sc_int(v->of[h].iterations);
		args[n++] = sc_bytes(v->of[h].salt, v->of[h].salt_len);
		args[n++] = sc_bytes(v->of[h].stored_key, len);
		args[n++] = sc_bytes(v->of[h].server_key, len);
	}
	return n;
}

/* --- user add --- */

static void
added(void *arg, const struct sc_rows *rows)
{
	struct sc_command *c = arg;
	const struct sc_jid *jid = sc_command_jid(c);
	struct sc_host *host;

	if (admin_db_failed(&c, rows))
		return;
	if (sc_row_null(rows, 0, 0) && sc_row_null(rows, 0, 1)) {
		admin_fail(&c, "the account %s exists already", jid->text);
		return;
	}
	if (sc_row_null(rows, 0, 0)) {
		admin_fail(&c, "an account %s was deleted, and the name rests until %s; --reuse "
			"gives it out all the same", jid->text,
			admin_time(sc_command_arena(c), sc_row_int(rows, 0, 1)));
		return;
	}
	host = sc_host_find(sc_jid_domain(jid));
	if (host != NULL)
		admin_account_made(host, jid, sc_row_int(rows, 0, 0));
	if (c->keep != NULL)
		sc_command_fact(c, "password", c->keep);
	sc_command_text(c, sc_format(sc_command_arena(c), "The account %s was made.", jid->text));
	sc_command_done(&c);
}

static void
add_hashed(struct sc_command *c, const struct verifiers *v)
{
	const struct sc_jid *jid = sc_command_jid(c);
	struct sc_host *host = admin_account_host(&c);
	struct sc_arg args[16];
	int n = 0;

	if (host == NULL)
		return;
	args[n++] = sc_int(sc_host_id(host));
	args[n++] = sc_text_span(sc_jid_local(jid));
	args[n++] = sc_int(clock_wall());
	n = add_verifiers(args, n, v);
	args[n++] = sc_int(sc_command_option(c, "reuse") != NULL);
	store_run(shard.store, &sql_admin_add, (struct sc_args){ args, n }, added, c);
}

static void
user_add(struct sc_command *c)
{
	if (admin_account_host(&c) == NULL)
		return;
	if (sc_command_argc(c) < 2)
		c->keep = sc_token(sc_command_arena(c));
	start_hashing(c, c->keep != NULL ? c->keep : sc_command_arg(c, 1), add_hashed);
}

/* --- user passwd --- */

static void
changed(void *arg, const struct sc_rows *rows)
{
	struct sc_command *c = arg;
	const struct sc_jid *jid = sc_command_jid(c);

	if (admin_db_failed(&c, rows))
		return;
	if (sc_rows_count(rows) == 0) {
		admin_fail(&c, "there is no account %s", jid->text);
		return;
	}
	if (c->keep != NULL)
		sc_command_fact(c, "password", c->keep);
	sc_command_text(c, sc_format(sc_command_arena(c), "The password of %s was changed.",
		jid->text));
	sc_command_done(&c);
}

static void
passwd_hashed(struct sc_command *c, const struct verifiers *v)
{
	struct sc_host *host = admin_account_host(&c);
	struct sc_arg args[14];
	int n = 0;

	if (host == NULL)
		return;
	args[n++] = sc_int(sc_host_id(host));
	args[n++] = sc_text_span(sc_jid_local(sc_command_jid(c)));
	n = add_verifiers(args, n, v);
	store_run(shard.store, &sql_admin_password, (struct sc_args){ args, n }, changed, c);
}

static void
user_passwd(struct sc_command *c)
{
	if (admin_account_host(&c) == NULL)
		return;
	if (sc_command_argc(c) < 2)
		c->keep = sc_token(sc_command_arena(c));
	start_hashing(c, c->keep != NULL ? c->keep : sc_command_arg(c, 1), passwd_hashed);
}

const struct sc_command_row admin_user_rows[] = {
	{ .words = "user add", .args = "JID [PASSWORD|-] [--reuse]", .where = SC_ON_JID,
		.min_args = 1, .max_args = 2, .fn = user_add,
		.help = "Makes an account; without a password one is made up and shown. --reuse: "
		"though the name was deleted lately." },
	{ .words = "user passwd", .args = "JID [PASSWORD|-]", .where = SC_ON_JID, .min_args = 1,
		.max_args = 2, .fn = user_passwd,
		.help = "Changes a password. Sessions go on; `session close` ends them." },
	{ .words = NULL }
};
