/* SPDX-License-Identifier: MIT */
/* flow_tiny: a module that waits, refuses, drops or closes where a stanza or a test says so. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "flow_inside.h"

#define NS "urn:flow"

struct tiny tiny;

#define STATEMENT(ident, how) \
	static const struct sc_stmt sql_##ident = { .name = #ident, .sql = "", .types = "t", \
		.mode = how, .key = -1 }

STATEMENT(flow_hold_from, SC_STMT_READ);
STATEMENT(flow_behind_from, SC_STMT_WRITE);
STATEMENT(flow_hold_to, SC_STMT_READ);
STATEMENT(flow_behind_to, SC_STMT_WRITE);
STATEMENT(flow_keep, SC_STMT_WRITE);
STATEMENT(flow_bound, SC_STMT_READ);
STATEMENT(flow_loading, SC_STMT_READ);
STATEMENT(flow_ask, SC_STMT_READ);
STATEMENT(flow_read, SC_STMT_READ);

static const struct sc_stmt *const statements[] = { &sql_flow_hold_from, &sql_flow_behind_from,
	&sql_flow_hold_to, &sql_flow_behind_to,
	&sql_flow_keep, &sql_flow_bound, &sql_flow_loading, &sql_flow_ask, &sql_flow_read, NULL };

/* Several shards may write in run_freely(), where nobody looks at it. */
static void
note(char *into, size_t size, const char *text, const char *separator)
{
	size_t n = strlen(into);

	snprintf(into + n, size - n, "%s%s", n > 0 ? separator : "", text);
}

static void
trace(const char *what, const struct sc_jid *jid)
{
	char line[256];

	snprintf(line, sizeof line, "%s %s", what, jid->text);
	note(tiny.trace, sizeof tiny.trace, line, ", ");
}

static bool
asks_for(const struct sc_stanza *s, const char *name)
{
	return sc_find(s, NS, name) != NULL;
}

static enum sc_verdict
pass_or_refuse(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	switch (sc_rows_status(rows)) {
	case SC_DB_OK:
		return SC_PASS;
	case SC_DB_BUSY:
		return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT, NULL);
	default:
		return sc_refuse(ctx, SC_COND_INTERNAL, NULL);
	}
}

/* --- stanzas --- */

static void
measure_stack(void)
{
	size_t here = (size_t)-(uintptr_t)__builtin_frame_address(0);

	if (tiny.depths == 0 || here > tiny.deepest)
		tiny.deepest = here;
	if (tiny.depths == 0 || here < tiny.shallowest)
		tiny.shallowest = here;
	tiny.depths++;
}

static enum sc_verdict
measure(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	(void)ctx;
	if (asks_for(ev->stanza, "depth"))
		measure_stack();
	return SC_PASS;
}

static enum sc_verdict
from_client(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	if (asks_for(ev->stanza, "describe")) {
		struct log_about about = { 0 };

		log_describe(ctx, &about);
		snprintf(tiny.about, sizeof tiny.about, "%s %s", about.id != 0 ? "id" : "no id",
			about.jid);
		log_describe_crash(tiny.crash, sizeof tiny.crash);
	}
	if (asks_for(ev->stanza, "behind-from"))
		return sc_db_behind(ctx, &sql_flow_behind_from, SC_ARGS(sc_text(sc_id(ev->stanza))),
			pass_or_refuse);
	if (asks_for(ev->stanza, "hold-from"))
		return sc_db_hold(ctx, &sql_flow_hold_from, SC_ARGS(sc_text(sc_id(ev->stanza))),
			pass_or_refuse);
	return SC_PASS;
}

static enum sc_verdict
own_presence(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	if (sc_kind(ev->stanza) != SC_PRESENCE || sc_to(ev->stanza) != NULL)
		return SC_PASS;
	if (sc_session(ctx) == NULL)
		return SC_DROPPED;
	sc_session_presence(ctx, sc_session(ctx), ev->stanza);
	return SC_TAKEN;
}

static enum sc_verdict
to_user(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	if (asks_for(ev->stanza, "behind-to"))
		return sc_db_behind(ctx, &sql_flow_behind_to, SC_ARGS(sc_text(sc_id(ev->stanza))),
			pass_or_refuse);
	if (asks_for(ev->stanza, "hold-to"))
		return sc_db_hold(ctx, &sql_flow_hold_to, SC_ARGS(sc_text(sc_id(ev->stanza))),
			pass_or_refuse);
	return SC_PASS;
}

static enum sc_verdict
kept_it(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	enum sc_verdict v = pass_or_refuse(ctx, rows);

	return v == SC_PASS ? SC_TAKEN : v;
}

static enum sc_verdict
fallback(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	const struct sc_elem *body = sc_find(ev->stanza, SC_NS_CONTENT, "body");

	if (!tiny.keep && !tiny.keep_holds)
		return SC_PASS;
	note(tiny.kept, sizeof tiny.kept, body != NULL ? sc_text_in(sc_arena(ctx), body) : "-",
		" ");
	if (tiny.keep_holds)
		return sc_db_hold(ctx, &sql_flow_keep, SC_ARGS(sc_text("")), kept_it);
	return sc_db_behind(ctx, &sql_flow_keep, SC_ARGS(sc_text("")), kept_it) == SC_PASS
		? SC_TAKEN : SC_DROPPED;
}

static enum sc_verdict
to_session(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	if (asks_for(ev->stanza, "close"))
		sc_session_close(sc_session(ctx), "reset", NULL);
	return asks_for(ev->stanza, "swallow") ? SC_DROPPED : SC_PASS;
}

/* --- lives --- */

static enum sc_verdict
session_bound(struct sc_ctx *ctx, struct sc_ev_session *ev)
{
	struct sc_entity *account = sc_session_account(ev->session);

	for (struct sc_session *s = NULL; tiny.close_others &&
	    (s = sc_session_next(account, s)) != NULL;)
		if (s != ev->session)
			sc_session_close(s, "reset", NULL);
	return tiny.hold_bound ? sc_db_hold(ctx, &sql_flow_bound, SC_ARGS(sc_text("")),
		pass_or_refuse) : SC_PASS;
}

static enum sc_verdict
load_or_refuse(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	(void)ctx;
	return sc_rows_status(rows) == SC_DB_OK ? SC_PASS : sc_refuse(ctx, SC_COND_INTERNAL, NULL);
}

static enum sc_verdict
account_loading(struct sc_ctx *ctx, struct sc_ev_account *ev)
{
	(void)ev;
	if (tiny.refuse_loading)
		return sc_refuse(ctx, SC_COND_INTERNAL, NULL);
	return tiny.hold_loading ? sc_db_hold(ctx, &sql_flow_loading, SC_ARGS(sc_text("")),
		load_or_refuse) : SC_PASS;
}

static void
session_presence(struct sc_ctx *ctx, const struct sc_ev_presence *ev)
{
	const struct sc_jid *full = sc_session_jid(ev->session);

	if (!ev->is_available && !ev->was_available)
		return;
	for (size_t i = 0; i < N_ELEMENTS(tiny.watchers) && tiny.watchers[i] != NULL; i++) {
		struct sc_stanza *p = sc_stanza_new(SC_PRESENCE,
			ev->is_available ? SC_TYPE_AVAILABLE : SC_TYPE_UNAVAILABLE, full,
			sc_jid(sc_arena(ctx), tiny.watchers[i]), NULL);

		sc_send(&p);
	}
}

static void
session_gone(struct sc_ctx *ctx, const struct sc_ev_session *ev)
{
	(void)ctx;
	trace("gone", sc_session_jid(ev->session));
}

static void
account_idle(struct sc_ctx *ctx, const struct sc_ev_account *ev)
{
	(void)ctx;
	trace("idle", sc_entity_jid(ev->account));
}

/* --- IQs --- */

static enum sc_verdict
answer_now(struct sc_ctx *ctx)
{
	struct sc_stanza *result = sc_result(ctx);

	return sc_answer(ctx, &result);
}

static enum sc_verdict
answer_rows(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	enum sc_verdict v = pass_or_refuse(ctx, rows);

	tiny.answered++;
	return v == SC_PASS ? answer_now(ctx) : v;
}

static enum sc_verdict
ask(struct sc_ctx *ctx, const struct sc_elem *payload)
{
	(void)payload;
	return sc_db_hold(ctx, &sql_flow_ask, SC_ARGS(sc_text(sc_id(sc_stanza(ctx)))), answer_rows);
}

static enum sc_verdict
read_it(struct sc_ctx *ctx, const struct sc_elem *payload)
{
	(void)payload;
	return sc_db_detach(ctx, &sql_flow_read, SC_ARGS(sc_text(sc_id(sc_stanza(ctx)))),
		answer_rows);
}

static enum sc_verdict
now(struct sc_ctx *ctx, const struct sc_elem *payload)
{
	(void)payload;
	return answer_now(ctx);
}

static const struct sc_iq iq[] = {
	{ SC_IQ_GET | SC_IQ_SET, SC_AT_SERVER | SC_AT_ACCOUNT | SC_OPEN, NS, "ask", ask },
	{ SC_IQ_GET | SC_IQ_SET, SC_AT_SERVER | SC_AT_ACCOUNT | SC_OPEN, NS, "read", read_it },
	{ SC_IQ_GET | SC_IQ_SET, SC_AT_SERVER | SC_AT_ACCOUNT | SC_OPEN, NS, "now", now },
	{ 0 }
};

static const struct sc_hook hooks[] = {
	SC_ON(from_client, CHECK, from_client),
	SC_ON(from_client, COPY, measure),
	SC_ON(from_client, DELIVERY, own_presence),
	SC_ON(to_user, STORE, to_user),
	SC_ON(to_user, FALLBACK, fallback),
	SC_ON(to_session, CHECK, to_session),
	SC_ON(session_bound, CHECK, session_bound),
	SC_ON(account_loading, CHECK, account_loading),
	SC_SEE(session_presence, session_presence),
	SC_SEE(session_gone, session_gone),
	SC_SEE(account_idle, account_idle),
	SC_END
};

static const struct sc_feature features[] = { { SC_AT_SERVER, NS }, { 0 } };

SC_MODULE(tiny,
	.summary = "Waits where it is told to.",
	.hooks = hooks,
	.iq = iq,
	.features = features,
	.statements = statements
);
