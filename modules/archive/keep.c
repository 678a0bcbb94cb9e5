/* SPDX-License-Identifier: MIT */
/*
 * keep: writes a message to the archive of its sender, and to that of its recipient, each at the
 * account's home and by the account's clock. Delivery does not wait for it; the sender's
 * acknowledgement does (sc_db_behind), so what was acknowledged is there after a crash.
 *
 * The id in the archive is the stanza-id that clients see (XEP-0359): the recipient's was given by
 * the module stanza_id; what is not kept loses it, because a client takes it for a promise. The
 * sender's own is put in here so that carbons have it, and taken out before the message leaves.
 */
#include "archive/archive.h"

/* So many rows of an account may be on their way before its clients have to wait for the next one:
 * who writes faster than the database does is slowed down, not refused. */
#define BEHIND_MAX 256

static const struct sc_elem *
own_id(const struct sc_entity *account, const struct sc_stanza *m)
{
	const char *by = sc_entity_jid(account)->text;

	for (const struct sc_elem *e = sc_first(sc_root(m)); e != NULL; e = sc_next(e))
		if (sc_is(e, NS_SID, "stanza-id") && sc_same(sc_attr(e, "by"), by))
			return e;
	return NULL;
}

static bool
is_own_id(const struct sc_elem *e, void *account)
{
	return sc_is(e, NS_SID, "stanza-id") &&
		sc_same(sc_attr(e, "by"), sc_entity_jid(account)->text);
}

static void
take_id_out(struct sc_entity *account, struct sc_stanza *m)
{
	if (sc_find(m, NS_SID, "stanza-id") != NULL)
		sc_remove_children(m, is_own_id, account);
}

/* --- writing --- */

static enum sc_verdict
hole(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct sc_entity *account = sc_entity(ctx);

	archive_of(account)->ends_known = false;
	sc_count(archive_counters.holes, 1);
	sc_log(ctx, SC_LOG_WARN, "archive.hole", "owner=%s at=%lld state=%s",
		sc_entity_jid(account)->text, (long long)(intptr_t)sc_kept(ctx),
		sc_rows_state(rows));
	return sc_refuse(ctx, sc_rows_status(rows) == SC_DB_FAILED ? SC_COND_INTERNAL :
		SC_COND_RESOURCE_CONSTRAINT,
		"The message cannot be kept in the archive right now. It may have been delivered.");
}

static enum sc_verdict
written(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	archive_of(sc_entity(ctx))->under_way--;
	if (sc_rows_status(rows) != SC_DB_OK)
		return hole(ctx, rows);
	sc_count(archive_counters.kept, 1);
	return SC_PASS;
}

static int64_t
expires_of(const struct sc_host *host, int64_t at)
{
	int64_t ms = archive_conf_of(host)->retention;

	return ms < 0 ? NEVER : at + ms * 1000;
}

static enum sc_verdict
no_month(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	sc_keep(ctx, NULL);
	return hole(ctx, rows);
}

static enum sc_verdict write_sent(struct sc_ctx *, const struct sc_rows *);
static enum sc_verdict write_received(struct sc_ctx *, const struct sc_rows *);

static enum sc_verdict
write(struct sc_ctx *ctx, bool sent)
{
	struct sc_entity *account = sc_entity(ctx);
	const struct sc_stanza *m = sc_stanza(ctx);
	const struct sc_jid *other = sent ? sc_to(m) : sc_from(m);
	const char *id = sc_attr(own_id(account, m), "id"), *tail, *payload;
	int64_t at, expires;
	enum sc_verdict verdict;
	size_t n;

	if (!sc_archive_id_read(id, &at, &tail))
		return SC_PASS;
	expires = expires_of(sc_host(ctx), at);
	if (!months_reach(expires))
		return months_make(ctx, expires, sent ? write_sent : write_received);
	payload = sc_stanza_text(sc_arena(ctx), m, &n);
	archive_comes(archive_of(account), at, tail);
	sc_keep(ctx, (void *)(intptr_t)at);
	verdict = (sent && archive_of(account)->under_way > BEHIND_MAX ? sc_db_hold : sc_db_behind)(
		ctx, archive_sql.add, SC_ARGS(sc_int(sc_entity_id(account)),
		sc_int(at), sc_text(tail), sc_int(expires), sc_int(sent),
		sc_text_span(sc_jid_bare_span(other)),
		sc_text_span(sc_jid_is_bare(other) ? SC_SPAN("") : sc_jid_resource(other)),
		sc_text(sc_id(m)), sc_text_span((struct sc_span){ payload, n }), sc_null()),
		written);
	if (sc_find(m, NS_RETRACT, "retract") != NULL)
		retract(account, m, sent, other, at);
	return verdict;
}

static enum sc_verdict
write_when_there_is_a_month(struct sc_ctx *ctx, const struct sc_rows *rows, bool sent)
{
	if (!months_made(ctx, rows))
		return no_month(ctx, rows);
	return write(ctx, sent);
}

static enum sc_verdict
write_sent(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	return write_when_there_is_a_month(ctx, rows, true);
}

static enum sc_verdict
write_received(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	return write_when_there_is_a_month(ctx, rows, false);
}

/* --- which --- */

static bool
has_archive(const struct sc_ctx *ctx)
{
	/* SASL ANONYMOUS: nobody will ever come back for it. */
	return sc_entity_id(sc_entity(ctx)) > 0 && archive_is_on(sc_host(ctx));
}

/* Only once: what somebody sends to himself is kept as received. */
static bool
is_to_self(const struct sc_ctx *ctx, const struct sc_stanza *m)
{
	return sc_to(m) == NULL || sc_jid_same_bare(sc_to(m), sc_entity_jid(sc_entity(ctx)));
}

enum sc_verdict
keep_sent(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	struct sc_entity *account = sc_entity(ctx);
	struct sc_stanza *m = ev->stanza;
	struct sc_elem *e;

	if (sc_kind(m) != SC_MESSAGE || !has_archive(ctx) || is_to_self(ctx, m) ||
	    !sc_for_archive(m) || !prefs_want(ctx, sc_to(m)))
		return SC_PASS;
	e = sc_add(m, sc_stanza_root(m), NS_SID, "stanza-id");
	sc_set_attr(m, e, "by", sc_entity_jid(account)->text);
	sc_set_attr(m, e, "id", sc_archive_id(sc_arena(ctx), sc_entity_moment(account)));
	return write(ctx, true);
}

enum sc_verdict
keep_hide_id(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	if (sc_kind(ev->stanza) == SC_MESSAGE && !is_to_self(ctx, ev->stanza))
		take_id_out(sc_entity(ctx), ev->stanza);
	return SC_PASS;
}

/* RFC 6121 §8.5.3.2.1: to a device that is not there, and for no other. What is not accepted is not
 * part of the archive (XEP-0313 §6.1). */
static bool
will_be_refused(struct sc_entity *account, const struct sc_stanza *m)
{
	return sc_type(m) == SC_TYPE_NORMAL && !sc_jid_is_bare(sc_to(m)) &&
		sc_session_by_resource(account, sc_jid_resource(sc_to(m))) == NULL;
}

enum sc_verdict
keep_received(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	struct sc_entity *account = sc_entity(ctx);
	struct sc_stanza *m = ev->stanza;

	if (sc_kind(m) != SC_MESSAGE || !has_archive(ctx) || own_id(account, m) == NULL)
		return SC_PASS;
	if (sc_for_archive(m) && prefs_want(ctx, sc_from(m)) && !will_be_refused(account, m))
		return write(ctx, false);
	take_id_out(account, m);
	return SC_PASS;
}
