/* SPDX-License-Identifier: MIT */
/*
 * sasl2_task: what an account lacks and only a client that knows the password can make: SCRAM
 * verifiers of other hashes (XEP-0480). Never after a login by a token, whose holder does not know
 * the password; and nothing that is there is replaced.
 */
#include "config.h"

#include <string.h>
#include <openssl/crypto.h>
#include <stonechat/log.h>
#include "base/rand.h"
#include "base/stats.h"
#include "core/clients.sql.h"
#include "stream/login.h"
#include "stream/offer.h"
#include "stream/sasl2.h"
#include "xmpp/ns.h"

/* The old hash is not one to upgrade to. */
static const struct {
	enum verifier_hash hash;
	enum sasl_mech mech;
	int bits;
	const char *name;
} tasks[] = {
	{ VERIFIER_SHA256, SASL_SCRAM_SHA_256, 256, "UPGR-SCRAM-SHA-256" },
	{ VERIFIER_SHA512, SASL_SCRAM_SHA_512, 512, "UPGR-SCRAM-SHA-512" },
};
#define TASKS (sizeof tasks / sizeof tasks[0])

static size_t
task_of(enum verifier_hash hash)
{
	size_t i = 0;

	while (tasks[i].hash != hash)
		i++;
	return i;
}

void
task_features(struct stream *s, struct buf *b)
{
	for (size_t i = 0; i < TASKS; i++)
		if ((offer_of(s)->allowed & SASL_BIT(tasks[i].mech)) != 0)
			buf_format(b, "<upgrade xmlns='" NS_SASL_UPGRADE "'>%s</upgrade>",
				tasks[i].name);
}

void
task_read(struct sasl2 *r, const struct sc_elem *authenticate)
{
	for (const struct sc_elem *e = sc_first(authenticate); e != NULL; e = sc_next(e))
		for (size_t i = 0; i < TASKS; i++)
			if (sc_is(e, NS_SASL_UPGRADE, "upgrade") && sc_same(sc_text_in(r->arena, e),
			    tasks[i].name))
				r->upgrades |= 1u << tasks[i].hash;
}

bool
task_next(struct stream *s)
{
	struct sasl2 *r = s->sasl2;
	struct buf b = { 0 };

	r->task = TASK_NONE;
	for (size_t i = 0; i < TASKS; i++) {
		bool wanted = (r->upgrades & 1u << tasks[i].hash) != 0;

		r->upgrades &= ~(1u << tasks[i].hash);
		if (!wanted || !sasl_lacks(s->sasl, tasks[i].hash))
			continue;
		r->task = TASK_OFFERED;
		r->hash = tasks[i].hash;
		buf_text(&b, "<continue xmlns='" NS_SASL2 "'>");
		sasl2_add_data(s, &b);
		buf_format(&b, "<tasks><task>%s</task></tasks></continue>", tasks[i].name);
		stream_write_buf(s, &b);
		return true;
	}
	return false;
}

static void
send_salt(struct stream *s)
{
	struct sasl2 *r = s->sasl2;
	struct buf b = { 0 };

	r->task = TASK_STARTED;
	r->iterations = (unsigned)c2s_conf()->iterations;
	rand_bytes(r->salt, sizeof r->salt);
	buf_format(&b, "<task-data xmlns='" NS_SASL2 "'><salt xmlns='"
		NS_SCRAM_UPGRADE "' iterations='%u'>%s</salt></task-data>",
		r->iterations, sc_base64(r->arena, r->salt, sizeof r->salt));
	stream_write_buf(s, &b);
}

/* Somebody else has been quicker, or the database is away: the account will be asked another
 * time. */
static void
stored(struct stream *s, const struct sc_rows *rows)
{
	if (sc_rows_status(rows) == SC_DB_OK && sc_rows_affected(rows) > 0)
		STAT_INC(sasl_upgrades);
	else
		sc_log(NULL, SC_LOG_INFO, "sasl.upgrade_not_stored", "account=%lld",
			(long long)s->account_id);
	if (!task_next(s))
		fast_login(s);
}

static void
take_hash(struct stream *s, const char *text)
{
	struct sasl2 *r = s->sasl2;
	unsigned char salted[VERIFIER_KEY_MAX];
	size_t len = verifier_key_len(r->hash);
	enum verifier_hash by = VERIFIER_SHA1;
	const struct verifier *checked = sasl_checked(s->sasl, &by);
	struct verifier made;

	if (verifier_unbase64(text, strlen(text), salted, sizeof salted) != len ||
	    !verifier_from_salted(&made, r->hash, r->iterations, r->salt, sizeof r->salt, salted)) {
		login_fail(s, SASL_MALFORMED_REQUEST);
		return;
	}
	OPENSSL_cleanse(salted, sizeof salted);
	login_ask(s, &sql_client_upgrade, SC_ARGS(sc_int(s->account_id),
		sc_int(tasks[task_of(r->hash)].bits),
		sc_bytes(checked->stored_key, verifier_key_len(by)), sc_int(made.iterations),
		sc_bytes(made.salt, made.salt_len),
		sc_bytes(made.stored_key, len), sc_bytes(made.server_key, len)), stored);
	OPENSSL_cleanse(&made, sizeof made);
}

bool
task_element(struct stream *s, const struct sc_elem *e)
{
	struct sasl2 *r = s->sasl2;
	const struct sc_elem *hash = sc_child(e, NS_SCRAM_UPGRADE, "hash");

	if (r->task == TASK_OFFERED && sc_is(e, NS_SASL2, "next")) {
		if (sc_same(sc_attr(e, "task"), tasks[task_of(r->hash)].name))
			send_salt(s);
		else
			login_fail(s, SASL_MALFORMED_REQUEST);
		return true;
	}
	if (r->task == TASK_STARTED && sc_is(e, NS_SASL2, "task-data")) {
		take_hash(s, hash != NULL ? sc_text_in(r->arena, hash) : "");
		return true;
	}
	return false;
}
