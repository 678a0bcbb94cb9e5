/* SPDX-License-Identifier: MIT */
/* login: see login.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <stonechat/log.h>
#include <stonechat/timer.h>
#include "base/arena.h"
#include "base/clock.h"
#include "base/stats.h"
#include "core/accounts.sql.h"
#include "core/clients.sql.h"
#include "core/entity.h"
#include "core/shard.h"
#include "net/loop.h"
#include "net/offload.h"
#include "stream/limits.h"
#include "stream/login.h"
#include "stream/offer.h"
#include "stream/sasl2.h"

/* A client that does not understand what is offered may be wrong so often for each wrong password
 * that it may try. */
#define MISTAKES_A_GUESS 4

static void go_on(struct stream *, enum sasl_step);
static void upgrade(struct stream *);

/* --- ends --- */

void
login_forget(struct stream *s)
{
	if (s->sasl != NULL)
		sasl_free(&s->sasl);
	sasl2_free(&s->sasl2);
}

static void
account_key(const struct stream *s, char key[], size_t size)
{
	snprintf(key, size, "%s@%s", s->sasl != NULL ? sasl_local(s->sasl) : "",
		sc_host_name(s->host));
}

static void
count_failure(struct stream *s, enum sasl_failure why)
{
	char key[SC_JID_MAX];

	STAT_INC(sasl_failure);
	/* What failed before any password was looked at is no guess: slixmpp tries each -PLUS with
	 * a binding that TLS 1.3 does not have. */
	if (!s->looked_up || (why != SASL_NOT_AUTHORIZED && why != SASL_ACCOUNT_DISABLED)) {
		s->attempts++;
		return;
	}
	s->attempts += MISTAKES_A_GUESS;
	limits_failed(LIMIT_ADDRESS, s->address, sizeof s->address);
	if (s->sasl != NULL && sasl_local(s->sasl) != NULL) {
		account_key(s, key, sizeof key);
		limits_failed(LIMIT_ACCOUNT, key, strlen(key));
	}
}

static void
end_failed(struct stream *s, enum sasl_failure why, const char *application)
{
	const struct login_profile *profile = s->login;

	sc_log(NULL, SC_LOG_INFO, "sasl.failure", "peer=%s host=%s why=%s reason=\"%s\"",
		conn_peer_text(s->conn),
		sc_host_name(s->host), sasl_failure_name(why), s->sasl != NULL
		? sasl_reason(s->sasl) : "");
	login_forget(s);
	if (s->state == STREAM_AUTH)
		stream_move(s, STREAM_OPEN);
	profile->failure(s, why, application);
	if (stream_is_open(s) && s->attempts >= MISTAKES_A_GUESS * c2s_conf()->max_attempts)
		stream_error(s, "policy-violation", "Too many failed logins.");
}

void
login_fail(struct stream *s, enum sasl_failure why)
{
	count_failure(s, why);
	end_failed(s, why, "");
}

void
login_fail_uncounted(struct stream *s, enum sasl_failure why, const char *application)
{
	s->attempts++;          /* or somebody could go on for ever */
	end_failed(s, why, application);
}

void
login_done(struct stream *s)
{
	struct sc_arena *arena = arena_new();
	const struct sc_jid *jid;

	s->local = strdup(sasl_local(s->sasl));
	s->anonymous = sasl_is_anonymous(s->sasl);
	jid = sc_jid_of(arena, sc_span(s->local), sc_span(sc_host_name(s->host)),
		(struct sc_span){ 0 });
	s->home = (int16_t)home_of(jid);
	arena_free(arena);
	STAT_INC(sasl_success);
	stream_move(s, STREAM_MOVING);
	stream_go_home(s);
}

void
login_over(struct stream *s)
{
	upgrade(s);
	login_forget(s);
	offer_forget(s);
}

/* --- the account --- */

/* The stream that waits for rows, work or time; it may have ended meanwhile. */
struct wait {
	struct job job;                 /* for the pool */
	struct stream *stream;
	struct sasl_work *work;
	void (*answered)(struct stream *, const struct sc_rows *);
};

static struct wait *
wait_new(struct stream *s)
{
	struct wait *w = calloc(1, sizeof *w);

	sc_assert(w != NULL);
	w->stream = s;
	stream_ref(s);
	stream_block(s);
	return w;
}

/* The stream again, unblocked; NULL when it has ended. Frees the wait. */
static struct stream *
wait_over(struct wait *w)
{
	struct stream *s = w->stream;

	sasl_work_free(&w->work);
	free(w);
	if (stream_is_open(s) && s->sasl != NULL) {
		stream_unblock(s);
		stream_unref(s);        /* its connection still refers to it */
		return s;
	}
	stream_unref(s);
	return NULL;
}

static void
rows_arrived(void *arg, const struct sc_rows *rows)
{
	struct wait *w = arg;
	void (*answered)(struct stream *, const struct sc_rows *) = w->answered;
	struct stream *s = wait_over(w);

	if (s != NULL)
		answered(s, rows);
}

void
login_ask(struct stream *s, const struct sc_stmt *stmt, struct sc_args args,
	void (*answered)(struct stream *, const struct sc_rows *))
{
	struct wait *w = wait_new(s);

	w->answered = answered;
	store_run(shard.store, stmt, args, rows_arrived, w);
}

/* A damaged row is no verifier. */
static void
read_verifier(const struct sc_rows *rows, int column, struct verifier *v, enum verifier_hash hash)
{
	if (!sc_row_null(rows, 0, column) &&
	    !verifier_set(v, hash, (unsigned)sc_row_int(rows, 0, column),
	    sc_row_text(rows, 0, column + 1),
			sc_row_text(rows, 0, column + 2), sc_row_text(rows, 0, column + 3)))
		sc_log(NULL, SC_LOG_WARN, "account.damaged_verifier", "hash=%s",
			verifier_hash_name(hash));
}

static void
read_token(const struct sc_rows *rows, int column, struct sasl_token *t)
{
	if (sc_row_null(rows, 0, column) || !sasl_mech_parse(sc_row_text(rows, 0, column + 1).p,
	    &t->mech))
		return;
	t->text = sc_row_text(rows, 0, column).p;
	t->expired = sc_row_int(rows, 0, column + 3) <= clock_wall();
}

static enum sasl_step
give_account(struct stream *s, const struct sc_rows *rows)
{
	struct sasl_creds creds = { .disabled = sc_row_int(rows, 0, 1) != 0 };
	enum sasl_step step;

	s->account_id = sc_row_int(rows, 0, 0);
	if (sasl_wants_token(s->sasl)) {
		for (int t = 0; t < SASL_TOKENS; t++)
			read_token(rows, 2 + 4 * t, &creds.tokens[t]);
		if (s->sasl2 != NULL)
			sasl2_see_tokens(s->sasl2, rows, 2);
	} else {
		for (int h = 0; h < VERIFIER_HASHES; h++)
			read_verifier(rows, 2 + 4 * h, &creds.verifiers.of[h],
				(enum verifier_hash)h);
	}
	step = sasl_account(s->sasl, SASL_FOUND, &creds);
	verifiers_clear(&creds.verifiers);
	return step;
}

static void
creds_arrived(void *arg, const struct sc_rows *rows)
{
	struct stream *s = wait_over(arg);

	if (s == NULL)
		return;
	s->looked_up = true;
	if (sc_rows_status(rows) != SC_DB_OK)
		go_on(s, sasl_account(s->sasl, SASL_LOOKUP_FAILED, NULL));
	else if (sc_rows_count(rows) == 0)
		go_on(s, sasl_account(s->sasl, SASL_NO_ACCOUNT, NULL));
	else
		go_on(s, give_account(s, rows));
}

static void
ask_account(void *arg)
{
	struct wait *w = arg;
	struct stream *s = w->stream;

	if (!stream_is_open(s) || s->sasl == NULL) {
		wait_over(w);
		return;
	}
	if (sasl_wants_token(s->sasl))
		store_run(shard.store, &sql_client_creds, SC_ARGS(sc_int(sc_host_id(s->host)),
			sc_text(sasl_local(s->sasl)), sc_text(s->agent)), creds_arrived, w);
	else
		store_run(shard.store, &sql_account_creds, SC_ARGS(sc_int(sc_host_id(s->host)),
			sc_text(sasl_local(s->sasl))), creds_arrived, w);
}

/* Who failed too often waits before being looked up: it slows, and locks nobody out. */
static void
need_account(struct stream *s)
{
	char key[SC_JID_MAX];
	int delay, by_address;
	struct wait *w = wait_new(s);

	account_key(s, key, sizeof key);
	delay = limits_delay_ms(LIMIT_ACCOUNT, key, strlen(key));
	by_address = limits_delay_ms(LIMIT_ADDRESS, s->address, sizeof s->address);
	if (by_address > delay)
		delay = by_address;
	if (delay == 0) {
		ask_account(w);
		return;
	}
	STAT_INC(sasl_throttled);
	/* Rounded, since each distinct duration is a list of its own. */
	(void)sc_timer((delay / 500 + 1) * 500, ask_account, w);
}

/* --- hashing --- */

static void
hash_work(struct job *job)
{
	sasl_work_run(container_of(job, struct wait, job)->work);
}

static void
hash_done(struct job *job)
{
	struct wait *w = container_of(job, struct wait, job);
	struct sasl_work *work = w->work;
	struct stream *s;

	w->work = NULL;
	s = wait_over(w);
	if (s != NULL)
		go_on(s, sasl_give_work(s->sasl, &work));
	else
		sasl_work_free(&work);
}

static void
need_hash(struct stream *s)
{
	struct wait *w = wait_new(s);

	w->work = sasl_take_work(s->sasl);
	w->job = (struct job){ .shard = loop_id(), .work = hash_work, .done = hash_done };
	if (!offload_run(&w->job))
		/* the pool is full: work that never ran is a temporary failure */
		hash_done(&w->job);
}

/* --- upgrades: verifiers that the account lacked --- */

struct upgrade {
	struct job job;
	struct sasl_work *work;
	int64_t account;
};

static void
upgrade_work(struct job *job)
{
	sasl_work_run(container_of(job, struct upgrade, job)->work);
}

static struct sc_arg
key_arg(const struct verifier *v, const unsigned char *bytes, size_t n)
{
	return v->iterations > 0 ? sc_bytes(bytes, n) : sc_null();
}

static void
upgrade_done(struct job *job)
{
	struct upgrade *u = container_of(job, struct upgrade, job);
	const struct verifiers *made = sasl_work_made(u->work);
	enum verifier_hash hash;
	const struct verifier *checked = sasl_work_checked(u->work, &hash);
	struct sc_arg args[14];
	int n = 0;

	if (made != NULL && checked != NULL && hash == VERIFIER_SHA256) {
		args[n++] = sc_int(u->account);
		args[n++] = sc_bytes(checked->stored_key, verifier_key_len(hash));
		for (int h = 0; h < VERIFIER_HASHES; h++) {
			const struct verifier *v = &made->of[h];
			size_t len = verifier_key_len((enum verifier_hash)h);

			args[n++] = v->iterations > 0 ? sc_int(v->iterations) : sc_null();
			args[n++] = key_arg(v, v->salt, v->salt_len);
			args[n++] = key_arg(v, v->stored_key, len);
			args[n++] = key_arg(v, v->server_key, len);
		}
		store_run(shard.store, &sql_account_upgrade, (struct sc_args){ args, n },
			NULL, NULL);
	}
	sasl_work_free(&u->work);
	free(u);
}

static void
upgrade(struct stream *s)
{
	struct sasl_work *work = sasl_take_upgrade(s->sasl);
	struct upgrade *u;

	if (work == NULL)
		return;
	u = calloc(1, sizeof *u);
	sc_assert(u != NULL);
	u->work = work;
	u->account = s->account_id;
	u->job = (struct job){ .shard = loop_id(), .work = upgrade_work, .done = upgrade_done };
	if (offload_run(&u->job))
		return;
	sasl_work_free(&u->work);       /* some other login will do it */
	free(u);
}

/* --- the exchange --- */

static void
go_on(struct stream *s, enum sasl_step step)
{
	switch (step) {
	case SASL_CHALLENGE:
		s->login->challenge(s);
		break;
	case SASL_NEED_ACCOUNT:
		need_account(s);
		break;
	case SASL_NEED_HASH:
		need_hash(s);
		break;
	case SASL_SUCCESS:
		s->login->proved(s);
		break;
	case SASL_FAILURE:
		login_fail(s, sasl_failure(s->sasl));
		break;
	}
}

void
login_feed_text(struct stream *s, const char *text)
{
	go_on(s, text != NULL ? sasl_feed_text(s->sasl, text, strlen(text)) : sasl_feed(s->sasl,
		NULL, 0));
}

void
login_feed(struct stream *s, const struct sc_elem *e)
{
	struct sc_arena *arena = arena_new();
	const char *text = sc_text_in(arena, e);
	enum sasl_step step = sasl_feed_text(s->sasl, text, strlen(text));

	/* PLAIN's message is the password; nobody reads the tree after us. */
	OPENSSL_cleanse((char *)(uintptr_t)text, strlen(text));
	arena_free(arena);
	go_on(s, step);
}

bool
login_begin(struct stream *s, const struct login_profile *profile, const char *mechanism,
	bool token)
{
	enum sasl_failure why = SASL_NO_FAILURE;

	login_forget(s);
	free(s->agent);
	s->agent = NULL;
	s->login = profile;
	s->looked_up = false;
	if (s->state == STREAM_AUTH)
		stream_move(s, STREAM_OPEN);
	if (!conn_is_tls(s->conn) && c2s_conf()->require_tls) {
		login_fail(s, SASL_ENCRYPTION_REQUIRED);
		return false;
	}
	if (mechanism == NULL)
		mechanism = "";
	s->sasl = token ? sasl_start_token(offer_of(s), mechanism, &why) : sasl_start(offer_of(s),
		mechanism, &why);
	if (s->sasl == NULL) {
		login_fail(s, why);
		return false;
	}
	stream_move(s, STREAM_AUTH);
	return true;
}
