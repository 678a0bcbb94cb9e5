/* SPDX-License-Identifier: MIT */
/* subject: what a room is about (§8.1): who may change it, and what newcomers are told
 * (§7.2.15). */
#include "muc/muc.h"

#include <string.h>

bool
subject_is_change(const struct sc_stanza *m)
{
	return sc_find(m, SC_NS_CONTENT, "subject") != NULL &&
		sc_find(m, SC_NS_CONTENT, "body") == NULL &&
		sc_find(m, SC_NS_CONTENT, "thread") == NULL;
}

void
subject_put(struct room *r, struct sc_span payload, int64_t at)
{
	struct sc_stanza *m = sc_stanza_read(payload.p, payload.n);

	sc_entity_moment_was(r->entity, at);
	if (m == NULL)
		return;
	sc_add_delay(m, sc_entity_jid(r->entity), at);
	sc_stanza_free(&r->subject);
	sc_seal(m);
	r->subject = m;
}

void
subject_send(struct seat *s)
{
	struct room *r = s->occupant->room;
	struct sc_stanza *m;

	if (r->subject != NULL) {
		sc_fan_send_one(r->fan, s->number, r->subject, 0);
		return;
	}
	m = sc_stanza_new(SC_MESSAGE, SC_TYPE_GROUPCHAT, sc_entity_jid(r->entity), NULL, NULL);
	sc_add(m, sc_stanza_root(m), NULL, "subject");
	sc_seal(m);
	sc_fan_send_one(r->fan, s->number, m, 0);
	sc_stanza_free(&m);
}

static bool
may_change(const struct occupant *o)
{
	return o->role == ROLE_MODERATOR ||
		(o->role == ROLE_PARTICIPANT && o->room->config.anyone_sets_subject);
}

static bool
is_too_long(struct sc_ctx *ctx, const struct room *r, const struct sc_stanza *m)
{
	for (const struct sc_elem *e = sc_first(sc_root(m)); e != NULL; e = sc_next(e))
		if (sc_is(e, SC_NS_CONTENT, "subject") &&
		    (int64_t)strlen(sc_text_in(sc_arena(ctx), e)) > room_conf(r)->max_subject)
			return true;
	return false;
}

struct change {
	struct sc_stanza *message;      /* as it will be sent */
	const struct sc_jid *by;        /* full real JID */
	int64_t at;
};

/* Committed: now it is the subject. */
static enum sc_verdict
changed(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct change *c = sc_kept(ctx);
	struct room *r = room_of(sc_entity(ctx));
	struct occupant *o = room_occupant_by(r, c->by);
	size_t n;
	const char *text;

	if (sc_rows_status(rows) != SC_DB_OK || !room_exists(r)) {
		sc_stanza_free(&c->message);
		return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT,
			"The subject cannot be changed right now.");
	}
	if (o == NULL)                  /* left in between: the room says it */
		sc_set_from(c->message, sc_entity_jid(r->entity));
	text = sc_stanza_text(sc_arena(ctx), c->message, &n);
	subject_put(r, (struct sc_span){ text, n }, c->at);
	return room_say(ctx, r, o, &c->message, SAY_SUBJECT);
}

enum sc_verdict
subject_in(struct sc_ctx *ctx, struct room *r, struct occupant *o, struct sc_stanza *m)
{
	struct change *c;
	const char *text;

	if (!may_change(o))
		return sc_refuse(ctx, SC_COND_FORBIDDEN, NULL);
	if (is_too_long(ctx, r, m))
		return sc_refuse(ctx, SC_COND_POLICY_VIOLATION, "This subject is too long.");
	c = sc_alloc(sc_arena(ctx), sizeof *c);
	c->message = sc_stanza_copy(m);
	c->by = sc_from(m);
	c->at = sc_entity_moment(r->entity);
	message_dress(r, o, c->message);
	text = sc_stanza_text(sc_arena(ctx), c->message, NULL);
	sc_keep(ctx, c);
	return sc_db_hold(ctx, muc_sql.subject, SC_ARGS(sc_int(r->id), sc_text(text),
		sc_int(c->at)), changed);
}
