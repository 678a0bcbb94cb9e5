/* SPDX-License-Identifier: MIT */
/*
 * client_access: what has access to an account, for its owner to see and to take away (XEP-0494).
 * The core keeps the clients that say who they are (XEP-0388 user agents) with their tokens; others
 * are known only while they are connected.
 */
#include "client_access/client_access.h"
#include "client_access/client_access.sql.h"

#define NS_CAM "urn:xmpp:cam:0"
/* No reference begins so: those have letters, digits, - and _. */
#define SESSION_MARK '@'

const struct client_sql client_sql = { &sql_client_access_list, &sql_client_access_revoke };

/* --- who there is --- */

static struct client
of_row(struct sc_arena *arena, const struct sc_rows *rows, int i, struct sc_entity *account)
{
	const char *agent = sc_row_text(rows, i, 1).p;
	struct client c = { .id = sc_copy(arena, sc_row_text(rows, i, 0).p),
		.software = sc_copy(arena, sc_row_text(rows, i, 2).p),
		.device = sc_copy(arena, sc_row_text(rows, i, 3).p),
		.first_seen = sc_row_int(rows, i, 4),
		.last_seen = sc_row_int(rows, i, 5), .password = sc_row_int(rows, i, 6) != 0,
		.fast = sc_row_int(rows, i, 7) != 0 };

	for (struct sc_session *s = NULL; account != NULL &&
	    (s = sc_session_next(account, s)) != NULL;) {
		if (!sc_same(sc_session_agent(s), agent))
			continue;
		c.connected = true;
		if (sc_session_active(s) > c.last_seen)
			c.last_seen = sc_session_active(s);
	}
	return c;
}

static bool
has_row(const struct sc_rows *rows, const struct sc_session *s)
{
	const char *agent = sc_session_agent(s);

	for (int i = 0; agent != NULL && i < sc_rows_count(rows); i++)
		if (sc_span_is(sc_row_text(rows, i, 1), agent))
			return true;
	return false;
}

struct client *
clients_of(struct sc_arena *arena, const struct sc_rows *rows, struct sc_entity *account, int *n)
{
	int room = sc_rows_count(rows) + (account != NULL ? sc_entity_sessions(account) : 0);
	struct client *all = sc_alloc(arena, (size_t)(room + 1) * sizeof *all);

	for (*n = 0; *n < sc_rows_count(rows); (*n)++)
		all[*n] = of_row(arena, rows, *n, account);
	for (struct sc_session *s = NULL; account != NULL &&
	    (s = sc_session_next(account, s)) != NULL;) {
		struct sc_span resource = sc_jid_resource(sc_session_jid(s));

		if (!has_row(rows, s) && *n < room)
			all[(*n)++] = (struct client){ .first_seen = sc_session_since(s),
				.last_seen = sc_session_active(s),
				.connected = true, .password = true,
				.id = sc_format(arena, "%c%.*s", SESSION_MARK, (int)resource.n,
				resource.p) };
	}
	return all;
}

struct sc_session *
client_session(struct sc_entity *account, const char *id)
{
	return account != NULL && id[0] == SESSION_MARK ? sc_session_by_resource(account,
		sc_span(id + 1)) : NULL;
}

int
clients_close(struct sc_entity *account, const char *agent, const struct sc_session *but)
{
	int n = 0;

	for (struct sc_session *s = NULL; account != NULL &&
	    (s = sc_session_next(account, s)) != NULL;) {
		if (s == but || (agent != NULL && !sc_same(sc_session_agent(s), agent)))
			continue;
		sc_session_close(s, CLIENTS_WHY);
		n++;
	}
	return n;
}

/* --- the list --- */

static void
add_client(struct sc_ctx *ctx, struct sc_stanza *into, struct sc_elem *list, const struct client *c)
{
	struct sc_elem *e = sc_add(into, list, NULL, "client"), *inner;

	sc_set_attr(into, e, "id", c->id);
	sc_set_attr(into, e, "connected", c->connected ? "true" : "false");
	sc_set_attr(into, e, "type", "session");
	sc_add_with_text(into, e, NULL, "first-seen", sc_timestamp(sc_arena(ctx), c->first_seen));
	sc_add_with_text(into, e, NULL, "last-seen", sc_timestamp(sc_arena(ctx), c->last_seen));
	inner = sc_add(into, e, NULL, "auth");
	if (c->password)
		sc_add(into, inner, NULL, "password");
	if (c->fast)
		sc_add(into, inner, NULL, "fast");
	sc_set_attr(into, sc_add(into, e, NULL, "permission"), "status", "unrestricted");
	if (c->software == NULL && c->device == NULL)
		return;
	inner = sc_add(into, e, NULL, "user-agent");
	if (c->software != NULL)
		sc_add_with_text(into, inner, NULL, "software", c->software);
	if (c->device != NULL)
		sc_add_with_text(into, inner, NULL, "device", c->device);
}

static enum sc_verdict
rows_arrived(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct sc_stanza *result;
	struct sc_elem *list;
	struct client *all;
	int n;

	if (sc_rows_status(rows) != SC_DB_OK)
		return sc_refuse(ctx, sc_rows_status(rows) == SC_DB_BUSY
			? SC_COND_RESOURCE_CONSTRAINT : SC_COND_INTERNAL, NULL);
	result = sc_result(ctx);
	list = sc_add(result, sc_stanza_root(result), NS_CAM, "clients");
	all = clients_of(sc_arena(ctx), rows, sc_entity(ctx), &n);
	for (int i = 0; i < n; i++)
		add_client(ctx, result, list, &all[i]);
	return sc_answer(ctx, &result);
}

static enum sc_verdict
list(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	(void)asked;
	return sc_db_detach(ctx, &sql_client_access_list,
		SC_ARGS(sc_int(sc_entity_id(sc_entity(ctx))), sc_int(sc_now())), rows_arrived);
}

/* --- taking access away --- */

struct own {
	const struct sc_jid *jid;
	uint64_t number;
	struct sc_stanza *holder;       /* the JID lives in it */
};

static void
close_own(void *arg)
{
	struct own *own = arg;
	struct sc_entity *account = sc_entity_find(own->jid);
	struct sc_session *s = account != NULL ? sc_session_by_number(account, own->number) : NULL;

	if (s != NULL)
		sc_session_close(s, CLIENTS_WHY);
	sc_stanza_free(&own->holder);
}

/* Who took his own access away hears first that it is done. */
static void
close_after_answer(const struct sc_session *s)
{
	struct sc_stanza *holder = sc_stanza_new(SC_MESSAGE, SC_TYPE_NORMAL, NULL, NULL, NULL);
	struct own *own = sc_alloc(sc_stanza_arena(holder), sizeof *own);

	*own = (struct own){ sc_jid_bare(sc_stanza_arena(holder), sc_session_jid(s)),
		sc_session_number(s), holder };
	sc_timer(100, close_own, own);
}

static enum sc_verdict
done(struct sc_ctx *ctx, bool knows_password)
{
	struct sc_stanza *result;

	if (knows_password)
		return sc_refuse_with(ctx, SC_COND_SERVICE_UNAVAILABLE,
			"This client knows the password, which must be changed.", NS_CAM,
			"password-reset-required");
	result = sc_result(ctx);
	return sc_answer(ctx, &result);
}

static enum sc_verdict
revoked(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct sc_session *own = sc_session(ctx);
	const char *agent;

	if (sc_rows_status(rows) != SC_DB_OK)
		return sc_refuse(ctx, sc_rows_status(rows) == SC_DB_BUSY
			? SC_COND_RESOURCE_CONSTRAINT : SC_COND_INTERNAL, NULL);
	if (sc_rows_count(rows) == 0)
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	agent = sc_row_text(rows, 0, 0).p;
	(void)clients_close(sc_entity(ctx), agent, own);
	if (own != NULL && sc_same(sc_session_agent(own), agent))
		close_after_answer(own);
	return done(ctx, sc_row_int(rows, 0, 1) != 0);
}

static enum sc_verdict
revoke(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	const char *id = sc_attr(asked, "id");
	struct sc_session *s = id != NULL ? client_session(sc_entity(ctx), id) : NULL;

	if (id == NULL)
		return sc_refuse(ctx, SC_COND_BAD_REQUEST, NULL);
	if (s == NULL)
		return sc_db_hold(ctx, &sql_client_access_revoke,
			SC_ARGS(sc_int(sc_entity_id(sc_entity(ctx))), sc_text(id)), revoked);
	if (s == sc_session(ctx))
		close_after_answer(s);
	else
		sc_session_close(s, CLIENTS_WHY);
	return done(ctx, true);
}

/* --- the module --- */

static const struct sc_iq iq[] = {
	{ SC_IQ_GET, SC_AT_ACCOUNT, NS_CAM, "list", list },
	{ SC_IQ_SET, SC_AT_ACCOUNT, NS_CAM, "revoke", revoke },
	{ 0 }
};

static const struct sc_feature features[] = { { SC_AT_ACCOUNT, NS_CAM }, { 0 } };

SC_MODULE(client_access,
	.summary = "Shows people which clients have access to their account, and takes it away.",
	.implements = SC_LIST("XEP-0494 0.1.0"),
	.iq = iq,
	.features = features,
	.statements = client_access_statements,
	.commands = client_commands
);
