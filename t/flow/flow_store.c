/* SPDX-License-Identifier: MIT */
/*
 * flow_store: a database that answers when the test wants it. Its symbols are those of
 * src/store/store.c, so the linker takes it instead. It knows accounts; every other statement
 * succeeds without rows, unless the test finishes it otherwise.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/verifier.h"
#include "flow_inside.h"
#include "net/loop.h"
#include "store/queue.h"
#include "store/rows.h"
#include "store/stmt.h"
#include "store/store.h"

struct fake_op {
	struct link link;               /* ops, in the order in which they came, of all shards */
	struct link answered;           /* of its shard, from its answer on */
	const char *name;
	struct store *store;
	store_done done;
	void *arg;
	struct sc_rows rows;
	bool ready;
	char *text[10];                 /* the first arguments */
};

struct store {
	struct link answered;
	bool closing;
};

#define NAMES_MAX 16

static struct flow *flow;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;       /* only for run_freely() */
static struct link ops;
static const char *paused[NAMES_MAX];
static bool moved, open_for_all;
static struct {
	char jid[128];
	int64_t id;
	bool disabled;
} accounts[256];
static int n_accounts;
static int64_t last_id;
bool (*flow_has_sleepers)(int64_t account);
static struct {
	const char *name;
	int n;
} runs[64];
static struct {
	const char *name;
	void (*fn)(const char *const *, struct sc_rows *);
} answers[24];

/* --- accounts --- */

static int
find_account(const char *jid)
{
	for (int i = 0; i < n_accounts; i++)
		if (strcmp(accounts[i].jid, jid) == 0)
			return i;
	return -1;
}

bool
flow_account_exists(const char *jid)
{
	return find_account(jid) >= 0;
}

void
account(struct flow *f, const char *jid)
{
	(void)f;
	sc_assert(n_accounts < 256 && !flow_account_exists(jid));
	snprintf(accounts[n_accounts].jid, sizeof accounts[0].jid, "%s", jid);
	accounts[n_accounts].disabled = false;
	accounts[n_accounts++].id = ++last_id;
}

void
account_gone(struct flow *f, const char *jid)
{
	int i = find_account(jid);

	(void)f;
	sc_assert(i >= 0);
	accounts[i] = accounts[--n_accounts];
}

/* A verifier of "secret" without a NUL in it, because rows_build() takes C strings. */
static const struct verifier *
verifier(void)
{
	static struct verifier v;

	for (unsigned char salt[8] = "flowsal"; v.iterations == 0; salt[7]++) {
		if (salt[7] == 0)
			continue;
		sc_assert(verifier_make_salted(&v, VERIFIER_SHA256, 4096, salt, 8, "secret", 6));
		if (memchr(v.stored_key, 0, 32) != NULL || memchr(v.server_key, 0, 32) != NULL)
			v.iterations = 0;
	}
	return &v;
}

enum about { LOADED, CREDS, DELETED, DISABLED };

static void
answer_account(struct fake_op *op, enum about what)
{
	char jid[128], id[32], salt[9] = "", stored[33] = "", server[33] = "", iterations[16];
	const char *host = strcmp(op->text[0], "1") == 0 ? "here" : "there", *disabled;
	int i;

	snprintf(jid, sizeof jid, "%s@%s", op->text[1] != NULL ? op->text[1] : "", host);
	i = find_account(jid);
	if (i < 0)
		return;
	snprintf(id, sizeof id, "%lld", (long long)accounts[i].id);
	if (what == DELETED || what == DISABLED) {
		rows_build(&op->rows, "i", 1, (const char *const[]){ id });
		accounts[i].disabled = what == DISABLED && strcmp(op->text[2], "0") != 0;
		if (what == DELETED)
			accounts[i] = accounts[--n_accounts];
		return;
	}
	disabled = accounts[i].disabled ? "1" : "0";
	if (what == LOADED) {
		rows_build(&op->rows, "iiii", 1, (const char *const[]){ id, disabled, "0",
			flow_has_sleepers != NULL && flow_has_sleepers(accounts[i].id) ? "1"
			: "0" });
		return;
	}
	memcpy(salt, verifier()->salt, 8);
	memcpy(stored, verifier()->stored_key, 32);
	memcpy(server, verifier()->server_key, 32);
	snprintf(iterations, sizeof iterations, "%u", verifier()->iterations);
	rows_build(&op->rows, "iiitttitttittt", 1, (const char *const[]){ id, disabled, NULL, NULL,
		NULL, NULL, iterations, salt, stored, server, NULL, NULL, NULL, NULL });
}

/* --- what tests do with statements --- */

static bool
is_paused_now(const char *name)
{
	for (int i = 0; i < NAMES_MAX && !open_for_all; i++)
		if (sc_same(paused[i], name) && name != NULL)
			return true;
	return false;
}

static void
ready_now(struct fake_op *op)
{
	op->ready = true;
	moved = true;
	link_append(&op->store->answered, &op->answered);
}

static void
answer(struct fake_op *op)
{
	static const struct {
		const char *name;
		enum about what;
	} known[] = { { "account_load", LOADED }, { "account_creds", CREDS },
		{ "admin_delete", DELETED }, { "admin_disable", DISABLED } };

	for (size_t i = 0; i < N_ELEMENTS(known); i++)
		if (sc_same(op->name, known[i].name))
			answer_account(op, known[i].what);
	for (size_t i = 0; i < N_ELEMENTS(answers) && answers[i].name != NULL; i++)
		if (sc_same(op->name, answers[i].name))
			answers[i].fn((const char *const *)op->text, &op->rows);
	ready_now(op);
}

void
pause_statement(struct flow *f, const char *name)
{
	(void)f;
	for (int i = 0; i < NAMES_MAX; i++)
		if (paused[i] == NULL) {
			paused[i] = name;
			return;
		}
	abort();
}

static struct fake_op *
oldest(const char *name)
{
	list_each(&ops, it, tmp) {
		struct fake_op *op = container_of(it, struct fake_op, link);

		if (!op->ready && sc_same(op->name, name))
			return op;
	}
	return NULL;
}

void
unpause_statement(struct flow *f, const char *name)
{
	struct fake_op *op;

	for (int i = 0; i < NAMES_MAX; i++)
		if (sc_same(paused[i], name))
			paused[i] = NULL;
	while ((op = oldest(name)) != NULL)
		answer(op);
	run(f);
}

int
waiting_for(struct flow *f, const char *name)
{
	int n = 0;

	(void)f;
	list_each(&ops, it, tmp) {
		struct fake_op *op = container_of(it, struct fake_op, link);

		n += !op->ready && sc_same(op->name, name);
	}
	return n;
}

static bool
end_oldest(const char *name, enum sc_db_status status)
{
	struct fake_op *op = oldest(name);

	if (op == NULL)
		return false;
	if (status == SC_DB_OK)
		answer(op);
	else {
		op->rows.status = status;
		snprintf(op->rows.state, sizeof op->rows.state, "XX000");
		ready_now(op);
	}
	return true;
}

bool
answer_one(struct flow *f, const char *name, enum sc_db_status status)
{
	(void)f;
	return end_oldest(name, status);
}

void
finish_one(struct flow *f, const char *name, enum sc_db_status status)
{
	if (!end_oldest(name, status))
		flow_wrong("no statement %s waits to be finished", name);
	run(f);
}

void
finish_all(struct flow *f, const char *name, enum sc_db_status status)
{
	do {
		while (end_oldest(name, status))
			;
		run(f);
	} while (waiting_for(f, name) > 0);
}

void
finish_rows(struct flow *f, const char *name, const char *types, int rows,
	const char *const *values)
{
	struct fake_op *op = oldest(name);

	if (op == NULL) {
		flow_wrong("no statement %s waits to be finished", name);
		return;
	}
	rows_build(&op->rows, types, rows, values);
	ready_now(op);
	run(f);
}

int
asked(struct flow *f, const char *name)
{
	(void)f;
	for (size_t i = 0; i < N_ELEMENTS(runs) && runs[i].name != NULL; i++)
		if (sc_same(runs[i].name, name))
			return runs[i].n;
	return 0;
}

void
answer_with(struct flow *f, const char *name, void (*fn)(const char *const *, struct sc_rows *))
{
	size_t i = 0;

	(void)f;
	while (answers[i].name != NULL)
		i++;
	sc_assert(i < N_ELEMENTS(answers) - 1);
	answers[i].name = name;
	answers[i].fn = fn;
}

static void
count_run(const char *name)
{
	for (size_t i = 0; i < N_ELEMENTS(runs); i++) {
		if (runs[i].name == NULL)
			runs[i].name = name;
		if (sc_same(runs[i].name, name)) {
			runs[i].n++;
			return;
		}
	}
}

bool
flow_store_moved(void)
{
	bool was = moved;

	moved = false;
	return was;
}

void
flow_store_start(struct flow *f)
{
	flow = f;
	link_init(&ops);
	memset(paused, 0, sizeof paused);
	memset(runs, 0, sizeof runs);
	memset(answers, 0, sizeof answers);
	n_accounts = 0;
	last_id = 0;
	flow_has_sleepers = NULL;
	open_for_all = false;
	(void)verifier();
}

void
flow_store_end(void)
{
	open_for_all = true;
	list_each(&ops, it, tmp) {
		struct fake_op *op = container_of(it, struct fake_op, link);

		if (!op->ready)
			answer(op);
	}
}

/* --- store.h --- */

static void
op_end(struct fake_op *op)
{
	pthread_mutex_lock(&lock);
	link_remove(&op->link);
	link_remove(&op->answered);
	moved = true;
	pthread_mutex_unlock(&lock);
	if (op->done != NULL)
		op->done(op->arg, &op->rows);
	rows_clear(&op->rows);
	for (size_t i = 0; i < N_ELEMENTS(op->text); i++)
		free(op->text[i]);
	free(op);
}

/* What the done functions add is for the next turn. */
static void
deliver(void *arg)
{
	struct store *s = arg;
	struct link now;

	link_init(&now);
	pthread_mutex_lock(&lock);
	while (!link_alone(&s->answered)) {
		struct link *l = s->answered.next;

		link_remove(l);
		link_append(&now, l);
	}
	pthread_mutex_unlock(&lock);
	while (!link_alone(&now))
		op_end(container_of(now.next, struct fake_op, answered));
}

struct store *
store_open(struct event_base *base, const struct store_conf *conf)
{
	struct store *s = calloc(1, sizeof *s);

	(void)base, (void)conf;
	sc_assert(s != NULL);
	link_init(&s->answered);
	loop_at_turn_start(deliver, s);
	return s;
}

void
store_close(struct store **taken)
{
	sc_assert(link_alone(&(*taken)->answered));
	free(*taken);
	*taken = NULL;
}

static char *
arg_text(const struct sc_arg *a)
{
	char *text = NULL;
	size_t size;
	FILE *f;

	if (a->type == 't' || a->type == 'b')
		return strndup(a->p, a->n);
	if (a->type != 'i' && a->type != 'I')
		return NULL;
	f = open_memstream(&text, &size);
	if (a->type == 'i')
		fprintf(f, "%lld", (long long)a->i);
	for (size_t i = 0; a->type == 'I' && i < a->n; i++)
		fprintf(f, "%s%lld", i > 0 ? "," : "", (long long)((const int64_t *)a->array)[i]);
	fclose(f);
	return text;
}

void
store_run(struct store *s, const struct sc_stmt *stmt, struct sc_args args, store_done done,
	void *arg)
{
	struct fake_op *op = calloc(1, sizeof *op);

	sc_assert(op != NULL && stmt_index(stmt) >= 0);
	*op = (struct fake_op){ .name = stmt->name, .store = s, .done = done, .arg = arg,
		.rows = { .status = SC_DB_OK } };
	for (int i = 0; i < args.n && i < (int)N_ELEMENTS(op->text); i++)
		op->text[i] = arg_text(&args.v[i]);
	link_init(&op->answered);
	pthread_mutex_lock(&lock);
	link_append(&ops, &op->link);
	count_run(stmt->name);
	if (!is_paused_now(stmt->name))
		answer(op);
	pthread_mutex_unlock(&lock);
	loop_again();
}

void
store_flush(struct store *s)
{
	(void)s;
}

bool
store_ready(const struct store *s)
{
	(void)s;
	return true;
}

size_t
store_waiting(const struct store *s)
{
	(void)s;
	return 0;
}

bool
store_busy(const struct store *s)
{
	(void)s;
	return false;
}

const char *
store_last_error(const struct store *s)
{
	(void)s;
	return "";
}

void
store_test_delay(struct store *s, int ms)
{
	(void)s, (void)ms;
}

int64_t
store_now(void)
{
	return flow->mono / 1000;
}
