/* SPDX-License-Identifier: MIT */
/*
 * private: what one occupant sends to another: messages (§7.5) and IQs (§17.4). Neither learns the
 * other's real address. An IQ gets an id of the room's, under which its answer finds the way back;
 * that many may be under way at a time.
 */
#include "muc/muc.h"

#include <stdlib.h>
#include <string.h>

#define NS_PING "urn:xmpp:ping"
#define NS_VCARD "vcard-temp"
#define ASKED_MAX 64            /* IQs of one seat that wait for an answer */
#define ASKED_MS 120000

/* An IQ that was passed on. */
struct asked {
	struct room *room;
	struct sc_timer *timer;
	const struct sc_jid *by;        /* full real JID */
	const struct sc_jid *as;        /* in-room JID that it was sent to */
	char *id;                       /* as its sender chose it */
	char token[32];
};

/* --- messages --- */

static bool
may_whisper(const struct occupant *from, const struct occupant *to)
{
	switch ((enum who)from->room->config.private_messages) {
	case WHO_ANYONE:
		return true;
	case WHO_PARTICIPANTS:
		return from->role >= ROLE_PARTICIPANT;
	case WHO_MODERATORS:
		return from->role == ROLE_MODERATOR;
	case WHO_NOBODY:
		break;
	}
	(void)to;
	return false;
}

/* To each seat, as all of them are the recipient; the sender's acknowledgement waits for all. */
static enum sc_verdict
whisper(struct sc_ctx *ctx, struct occupant *from, struct occupant *to, const struct sc_stanza *m)
{
	for (struct seat *s = to->seats; s != NULL; s = s->next) {
		struct sc_stanza *copy = sc_stanza_copy(m);
		struct sc_elem *e;

		strip_ours(from->room, copy);
		sc_set_from(copy, from->jid);
		sc_set_to(copy, s->jid);
		sc_add(copy, sc_stanza_root(copy), NS_MUC_USER, "x");
		e = sc_add(copy, sc_stanza_root(copy), NS_OCCUPANT_ID, "occupant-id");
		sc_set_attr(copy, e, "id", from->id);
		sc_send_on(ctx, &copy);
	}
	sc_count(muc_counters.private_messages, 1);
	return SC_TAKEN;
}

/* A private message came back: from the recipient's real address to the occupant who sent it. */
static enum sc_verdict
error_back(struct room *r, const struct occupant *from, const struct sc_stanza *m)
{
	struct occupant *to = room_occupant(r, sc_jid_resource(sc_to(m)));

	for (struct seat *s = to != NULL ? to->seats : NULL; s != NULL; s = s->next) {
		struct sc_stanza *copy = sc_stanza_copy(m);

		sc_set_from(copy, from->jid);
		sc_set_to(copy, s->jid);
		sc_send(&copy);
	}
	return SC_TAKEN;
}

static enum sc_verdict
message_in(struct sc_ctx *ctx, struct room *r, struct occupant *from, struct occupant *to,
	const struct sc_stanza *m)
{
	if (sc_type(m) == SC_TYPE_ERROR)
		return from != NULL ? error_back(r, from, m) : SC_DROPPED;
	if (from == NULL)
		return sc_refuse(ctx, SC_COND_NOT_ACCEPTABLE, "You are not in the room.");
	if (to == NULL)
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, "Nobody here has this nick.");
	if (!may_whisper(from, to))
		return sc_refuse(ctx, SC_COND_FORBIDDEN, "Private messages are not allowed here.");
	if (!rate_allows(from))
		return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT, "You say too much too fast.");
	return whisper(ctx, from, to, m);
}

/* --- IQs --- */

static void
asked_free(struct asked *a)
{
	struct seat *s = room_seat(a->room, a->by);

	if (s != NULL && s->asked > 0)
		s->asked--;
	sc_map_set(a->room->asked, sc_span(a->token), NULL);
	sc_timer_cancel(&a->timer);
	free((void *)(uintptr_t)a->by);
	free((void *)(uintptr_t)a->as);
	free(a->id);
	free(a);
}

static void
asked_too_long(void *arg)
{
	struct asked *a = arg;

	a->timer = NULL;
	asked_free(a);
}

void
private_forget(struct room *r)
{
	struct sc_map_walk w;

	if (r->asked == NULL)
		return;
	w = sc_map_walk(r->asked);
	for (struct asked *a; (a = sc_map_next(&w, NULL)) != NULL;)
		asked_free(a);
	sc_map_free(&r->asked);
}

static void
remember(struct room *r, const struct sc_stanza *iq, const char *token)
{
	struct asked *a = calloc(1, sizeof *a);

	sc_assert(a != NULL);
	a->room = r;
	a->by = jid_keep(sc_from(iq));
	a->as = jid_keep(sc_to(iq));
	a->id = sc_id(iq) != NULL ? strdup(sc_id(iq)) : NULL;
	strncpy(a->token, token, sizeof a->token - 1);
	a->timer = sc_timer(ASKED_MS, asked_too_long, a);
	sc_map_set(r->asked, sc_span(a->token), a);
}

/* What an account's server answers for it goes to the bare JID; the rest to the seat that came
 * first. */
static const struct sc_jid *
whom_to_ask(const struct occupant *to, const struct sc_stanza *iq)
{
	return sc_same(sc_ns(sc_payload(iq)), NS_VCARD) ? to->user : to->seats->jid;
}

static enum sc_verdict
ask(struct sc_ctx *ctx, struct occupant *from, struct occupant *to, const struct sc_stanza *iq)
{
	struct room *r = from->room;
	struct seat *seat = room_seat(r, sc_from(iq));
	struct sc_stanza *copy;
	const char *token;

	if (sc_payload(iq) == NULL)
		return sc_refuse(ctx, SC_COND_BAD_REQUEST, NULL);
	if (r->asked == NULL)
		r->asked = sc_map_new();
	if (seat->asked >= ASKED_MAX)
		return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT,
			"Too many of your questions have not been answered yet.");
	copy = sc_stanza_copy(iq);
	token = sc_token(sc_stanza_arena(copy));
	remember(r, iq, token);
	seat->asked++;
	sc_set_from(copy, from->jid);
	sc_set_to(copy, whom_to_ask(to, iq));
	sc_set_id(copy, token);
	sc_send(&copy);
	return SC_TAKEN;
}

/* The one who was asked may have left, or changed nick: the answer is good all the same. */
static enum sc_verdict
answer(struct room *r, const struct sc_stanza *iq)
{
	struct asked *a = r->asked != NULL && sc_id(iq) != NULL ?
		sc_map_get(r->asked, sc_span(sc_id(iq))) : NULL;
	struct sc_stanza *copy;

	if (a == NULL)
		return SC_DROPPED;
	copy = sc_stanza_copy(iq);
	sc_set_from(copy, a->as);
	sc_set_to(copy, a->by);
	sc_set_id(copy, a->id);
	asked_free(a);
	sc_send(&copy);
	return SC_TAKEN;
}

/* XEP-0410: am I still in the room? The room knows, and asks nobody. */
static bool
is_self_ping(const struct occupant *from, const struct occupant *to, const struct sc_stanza *iq)
{
	return from == to && sc_type(iq) == SC_TYPE_GET && sc_is(sc_payload(iq), NS_PING, "ping");
}

static enum sc_verdict
iq_in(struct sc_ctx *ctx, struct room *r, struct occupant *from, struct occupant *to,
	const struct sc_stanza *iq)
{
	struct sc_stanza *result;

	if (sc_type(iq) == SC_TYPE_RESULT || sc_type(iq) == SC_TYPE_ERROR)
		return answer(r, iq);
	if (from == NULL)
		return sc_refuse(ctx, SC_COND_NOT_ACCEPTABLE, "You are not in the room.");
	if (to == NULL)
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, "Nobody here has this nick.");
	if (!is_self_ping(from, to, iq))
		return ask(ctx, from, to, iq);
	result = sc_result(ctx);
	return sc_answer(ctx, &result);
}

enum sc_verdict
private_in(struct sc_ctx *ctx, struct room *r, struct sc_stanza *s)
{
	struct occupant *from = room_occupant_by(r, sc_from(s));
	struct occupant *to = room_occupant(r, sc_jid_resource(sc_to(s)));

	if (!room_exists(r) && sc_type(s) != SC_TYPE_ERROR && sc_type(s) != SC_TYPE_RESULT)
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	if (sc_kind(s) == SC_IQ)
		return iq_in(ctx, r, from, to, s);
	return message_in(ctx, r, from, to, s);
}
