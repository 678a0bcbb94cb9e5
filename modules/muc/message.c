/* SPDX-License-Identifier: MIT */
/* message: what an occupant says to all (§7.4), in the one order that the room gives it. */
#include "muc/muc.h"

#define TRIM_EVERY 256          /* messages between two looks at the length of the log */

/* --- what is said --- */

static bool
is_ours_to_say(const struct sc_elem *e, void *arg)
{
	const struct room *r = arg;

	if (sc_is(e, NS_STANZA_ID, "stanza-id"))
		return sc_same(sc_attr(e, "by"), sc_entity_jid(r->entity)->text);
	return sc_same(sc_ns(e), NS_MUC_USER) || sc_same(sc_ns(e), NS_MUC) ||
		sc_is(e, NS_OCCUPANT_ID, "occupant-id");
}

void
strip_ours(const struct room *r, struct sc_stanza *s)
{
	sc_remove_children(s, is_ours_to_say, (void *)(uintptr_t)r);
}

void
message_dress(const struct room *r, const struct occupant *o, struct sc_stanza *m)
{
	struct sc_elem *e;

	strip_ours(r, m);
	sc_set_to(m, NULL);
	sc_set_from(m, o != NULL ? o->jid : sc_entity_jid(r->entity));
	if (o == NULL)
		return;
	e = sc_add(m, sc_stanza_root(m), NS_OCCUPANT_ID, "occupant-id");
	sc_set_attr(m, e, "id", o->id);
}

/* --- keeping --- */

/* The occupants have it already: that it is not kept is said to its author, who may say it
 * again. */
static enum sc_verdict
logged(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	if (sc_rows_status(rows) == SC_DB_OK)
		return SC_PASS;
	sc_count(muc_counters.log_failed, 1);
	return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT,
		"The message could not be kept; only those who were present may have it.");
}

static void
trim(struct room *r)
{
	const struct muc_conf *conf = room_conf(r);

	if (++r->said % TRIM_EVERY != 1)
		return;
	room_write(r, muc_sql.log_trim, SC_ARGS(sc_int(r->id), sc_int(conf->log_messages),
		sc_int(sc_now() - conf->log_age * 1000)));
}

static enum sc_verdict
keep(struct sc_ctx *ctx, struct room *r, int64_t at, const struct sc_stanza *sealed)
{
	const struct sc_stanza *as_written = sc_stanza(ctx);
	const char *sender = as_written != NULL ? sc_from(as_written)->text : NULL;

	trim(r);
	return sc_db_behind(ctx, muc_sql.log_add, SC_ARGS(sc_int(r->id), sc_int(at),
		sc_text(sender), sc_text(sc_stanza_text(sc_arena(ctx), sealed, NULL))), logged);
}

/* Members of such a room belong to it whether they are present or not. */
static bool
has_marks(const struct room *r)
{
	return r->config.persistent && r->config.members_only;
}

static enum sc_verdict
tell_archive(struct sc_ctx *ctx, struct room *r, const struct occupant *o, struct sc_stanza *m,
	int64_t at)
{
	struct sc_ev_room_message ev = { .room = r->entity, .room_id = r->id, .sequence = at,
		.stanza = m, .sender = o != NULL ? sc_from(sc_stanza(ctx)) : NULL };

	if (o != NULL) {
		ev.affiliation = affiliation_name(room_affiliation(r, o->user));
		ev.role = role_name(o->role);
		ev.occupant_id = o->id;
	}
	return sc_room_message(ctx, &ev);
}

enum sc_verdict
room_say(struct sc_ctx *ctx, struct room *r, struct occupant *o, struct sc_stanza **taken,
	enum say say)
{
	struct sc_stanza *m = *taken;
	int64_t at = sc_entity_moment(r->entity);
	enum sc_verdict verdict = SC_PASS;
	struct sc_elem *id;

	*taken = NULL;
	message_dress(r, o, m);
	if (sc_id(m) == NULL)
		sc_set_id(m, sc_token(sc_stanza_arena(m)));
	if (say != SAY_PASSING) {
		id = sc_add(m, sc_stanza_root(m), NS_STANZA_ID, "stanza-id");
		sc_set_attr(m, id, "by", sc_entity_jid(r->entity)->text);
		sc_set_attr(m, id, "id", sc_archive_id(sc_stanza_arena(m), at));
		if (r->config.logging)
			verdict = tell_archive(ctx, r, o, m, at);
	}
	sc_seal(m);
	if (verdict == SC_PASS && say == SAY_KEPT)
		verdict = keep(ctx, r, at, m);
	if (verdict == SC_PASS) {
		if (say == SAY_KEPT)
			history_add(r, at, m);
		show_send(r, m, FAN_ALL, 0, say == SAY_KEPT && has_marks(r) ? at : 0);
		sc_count(muc_counters.messages, 1);
		verdict = SC_TAKEN;
	}
	sc_stanza_free(&m);
	return verdict;
}

void
room_tell_all(struct room *r, struct sc_stanza **taken, unsigned classes)
{
	struct sc_stanza *m = *taken;

	*taken = NULL;
	sc_set_from(m, sc_entity_jid(r->entity));
	sc_set_type(m, SC_TYPE_GROUPCHAT);
	if (sc_id(m) == NULL)
		sc_set_id(m, sc_token(sc_stanza_arena(m)));
	sc_seal(m);
	if (r->fan != NULL)
		show_send(r, m, classes, 0, 0);
	sc_stanza_free(&m);
}

/* --- what comes in --- */

static enum sc_verdict
refuse(struct sc_ctx *ctx, enum sc_cond cond, const char *text)
{
	sc_count(muc_counters.refused_messages, 1);
	return sc_refuse(ctx, cond, text);
}

enum sc_verdict
groupchat_in(struct sc_ctx *ctx, struct room *r, struct sc_stanza *m)
{
	struct occupant *o = room_occupant_by(r, sc_from(m));
	struct sc_stanza *copy;

	if (!sc_jid_is_bare(sc_to(m)))
		return refuse(ctx, SC_COND_BAD_REQUEST,
			"To one occupant a message is not of type groupchat.");
	if (r->state != ROOM_OPEN)
		return refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	if (o == NULL)
		return refuse(ctx, SC_COND_NOT_ACCEPTABLE, "You are not in the room.");
	if (o->role < ROLE_PARTICIPANT)
		return refuse(ctx, SC_COND_FORBIDDEN, "You have no voice here.");
	if (!rate_allows(o))
		return refuse(ctx, SC_COND_RESOURCE_CONSTRAINT, "You say too much too fast.");
	if (subject_is_change(m))
		return subject_in(ctx, r, o, m);
	copy = sc_stanza_copy(m);       /* errors answer it as it was written */
	strip_ours(r, copy);            /* what is taken out makes it worth nothing */
	return room_say(ctx, r, o, &copy, sc_worth_keeping(copy) ? SAY_KEPT : SAY_PASSING);
}
