/* SPDX-License-Identifier: MIT */
/*
 * enter: presence to a room: entering it (§7.2), making it (§10.1), changing nick (§7.6) or
 * availability (§7.7), leaving (§7.14).
 */
#include "muc/muc.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MS 20000           /* for a room that is being made or ended */

/* --- waiting for the room --- */

struct wait_for_room {
	struct wait_for_room *next;
	struct sc_wait *token;
};

static enum sc_verdict
look_again(struct sc_ctx *ctx, void *result)
{
	struct room *r = room_of(sc_entity(ctx));
	struct wait_for_room **at = &r->waiting, *w = sc_kept(ctx);

	if (result != NULL)
		return presence_in(ctx, r, sc_stanza_mut(ctx));
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT, NULL);
}

static enum sc_verdict
wait_for_room(struct sc_ctx *ctx, struct room *r)
{
	struct wait_for_room *w = sc_alloc(sc_arena(ctx), sizeof *w), **at = &r->waiting;

	while (*at != NULL)
		at = &(*at)->next;
	*at = w;
	sc_keep(ctx, w);
	return sc_hold(ctx, look_again, WAIT_MS, &w->token);
}

void
room_wake(struct room *r)
{
	struct wait_for_room *w = r->waiting;

	r->waiting = NULL;
	while (w != NULL) {
		struct wait_for_room *next = w->next;   /* its arena may go */

		sc_resume(&w->token, r);
		w = next;
	}
}

/* --- refusing --- */

/* As in the examples: with <x/>, `by`, and the type that the spec gives to the condition. */
static enum sc_verdict
refuse_as(struct sc_ctx *ctx, enum sc_cond cond, const char *type, const char *text)
{
	struct sc_stanza *error = sc_error_to(sc_stanza(ctx), cond, text);
	struct sc_elem *e;

	if (error == NULL)
		return SC_DROPPED;
	sc_count(muc_counters.refused, 1);
	e = (struct sc_elem *)(uintptr_t)sc_find(error, SC_NS_CONTENT, "error");
	sc_set_attr(error, e, "by", sc_entity_jid(sc_entity(ctx))->text);
	if (type != NULL)
		sc_set_attr(error, e, "type", type);
	sc_add(error, sc_stanza_root(error), NS_MUC, "x");
	return sc_answer(ctx, &error);
}

static enum sc_verdict
refuse(struct sc_ctx *ctx, enum sc_cond cond, const char *text)
{
	return refuse_as(ctx, cond, NULL, text);
}

/* --- nicks --- */

/* §17.1: not of spaces only, and no longer than the service likes. */
static bool
nick_is_good(const struct room *r, struct sc_span nick)
{
	return nick.n > 0 && (int64_t)nick.n <= room_conf(r)->max_nick &&
		nick.p[0] != ' ' && nick.p[nick.n - 1] != ' ';
}

/* In use by somebody else, or reserved. */
static bool
nick_is_taken(const struct room *r, struct sc_span nick, const struct sc_jid *user)
{
	const struct occupant *o = room_occupant(r, nick);
	const struct member *m = sc_map_get(r->nicks, nick);

	return (o != NULL && !sc_jid_same_bare(o->user, user)) ||
		(m != NULL && !sc_jid_same_bare(m->jid, user));
}

/* --- what they say of themselves --- */

static void
take_presence(struct occupant *o, const struct sc_stanza *presence)
{
	struct sc_stanza *said = sc_stanza_copy(presence);

	strip_ours(o->room, said);
	sc_set_to(said, NULL);
	sc_set_from(said, o->jid);
	sc_stanza_free(&o->said);
	sc_seal(said);
	o->said = said;
	show_changed(o);
}

static int64_t
number_of(const struct sc_elem *e, const char *name)
{
	const char *text = sc_attr(e, name);
	uint64_t n;

	return text != NULL && sc_read_number(text, INT32_MAX, &n) ? (int64_t)n : INT64_MAX;
}

static struct arrival
read_arrival(const struct room *r, const struct sc_stanza *presence)
{
	struct arrival a = { .max_chars = INT64_MAX, .max_stanzas = INT64_MAX,
		.missed_after = INT64_MAX };
	const struct sc_elem *x = sc_find(presence, NS_MUC, "x");
	const struct sc_elem *h = sc_child(x, NS_MUC, "history");
	const struct member *m = room_member(r, sc_from(presence));
	int64_t since;

	if (h != NULL) {
		a.asked = true;
		a.max_chars = number_of(h, "maxchars");
		a.max_stanzas = number_of(h, "maxstanzas");
		if (number_of(h, "seconds") != INT64_MAX)
			a.since = sc_now() - number_of(h, "seconds") * 1000000;
		if (sc_attr(h, "since") != NULL && sc_timestamp_read(sc_attr(h, "since"), &since) &&
		    since > a.since)
			a.since = since;
	} else if (m != NULL && m->affiliation >= AFF_MEMBER && r->config.persistent &&
	    r->config.members_only) {
		a.missed_after = m->delivered;
	}
	return a;
}

/* --- entering --- */

static bool
is_full(const struct room *r, enum affiliation affiliation)
{
	const struct muc_conf *conf = room_conf(r);
	int64_t most = r->config.max_occupants > 0 &&
		r->config.max_occupants < conf->max_occupants ?
		r->config.max_occupants : conf->max_occupants;

	/* §7.2.9: admins must get in, up to some number more. */
	return room_count(r) >= most + (affiliation >= AFF_ADMIN ? most / 10 + 1 : 0);
}

static bool
knows_password(struct sc_ctx *ctx, const struct room *r, const struct sc_elem *x)
{
	const struct sc_elem *p = sc_child(x, NS_MUC, "password");

	return !r->config.with_password || r->config.password == NULL ||
		(p != NULL && sc_same(sc_text_in(sc_arena(ctx), p), r->config.password));
}

/* Table 9. PASS: come in. */
static enum sc_verdict
may_enter(struct sc_ctx *ctx, const struct room *r, const struct sc_stanza *p)
{
	enum affiliation affiliation = room_affiliation(r, sc_from(p));
	struct sc_span nick = sc_jid_resource(sc_to(p));

	if (r->state == ROOM_LOCKED && affiliation != AFF_OWNER)
		return refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	if (affiliation == AFF_OUTCAST)
		return refuse(ctx, SC_COND_FORBIDDEN, NULL);
	if (r->config.members_only && affiliation < AFF_MEMBER)
		return refuse(ctx, SC_COND_REGISTRATION_REQUIRED, NULL);
	if (!knows_password(ctx, r, sc_find(p, NS_MUC, "x")))
		return refuse(ctx, SC_COND_NOT_AUTHORIZED, NULL);
	if (nick_is_taken(r, nick, sc_from(p)))
		return refuse_as(ctx, SC_COND_CONFLICT, "cancel", NULL);
	if (room_occupant(r, nick) == NULL && is_full(r, affiliation))
		return refuse_as(ctx, SC_COND_SERVICE_UNAVAILABLE, "wait", NULL);
	return SC_PASS;
}

static enum sc_verdict
enter(struct sc_ctx *ctx, struct room *r, const struct sc_stanza *p, struct arrival *arrival,
	bool made)
{
	struct occupant *o = room_occupant(r, sc_jid_resource(sc_to(p)));
	bool known = o != NULL;
	struct show show = { 0 };
	struct seat *s;

	if (!known) {
		o = occupant_new(r, sc_to(p), sc_jid_bare(sc_arena(ctx), sc_from(p)));
		o->role = room_standard_role(r, room_affiliation(r, o->user));
	}
	s = seat_new(o, sc_from(p));
	if (r->config.anyone_knows_jids)
		show_self_code(&show, 100);
	if (r->config.logging && sc_rooms_are_archived())
		show_self_code(&show, 170);
	if (made)
		show_self_code(&show, 201);
	take_presence(o, p);
	arrive(s, arrival, &show, sc_id(p));
	show_occupant(o, &(struct show){ .not_to = s });
	sc_count(muc_counters.joins, 1);
	return SC_TAKEN;
}

/* What a member has missed, and memory does not hold any more. */
static enum sc_verdict
missed_arrived(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct room *r = room_of(sc_entity(ctx));
	const struct sc_stanza *p = sc_stanza(ctx);
	struct arrival a = read_arrival(r, p);
	enum sc_verdict verdict;

	if (sc_rows_status(rows) != SC_DB_OK)
		return refuse(ctx, SC_COND_RESOURCE_CONSTRAINT, NULL);
	if (!room_exists(r))
		return refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	verdict = may_enter(ctx, r, p);
	if (verdict != SC_PASS)
		return verdict;
	a.n_missed = sc_rows_count(rows);
	a.missed = calloc((size_t)a.n_missed + 1, sizeof *a.missed);
	sc_assert(a.missed != NULL);
	for (int i = 0; i < a.n_missed; i++) {          /* the newest came first */
		struct missed *m = &a.missed[a.n_missed - 1 - i];

		m->at = sc_row_int(rows, i, 0);
		m->payload = strdup(sc_row_text(rows, i, 1).p);
	}
	return enter(ctx, r, p, &a, false);
}

static enum sc_verdict
come_in(struct sc_ctx *ctx, struct room *r, const struct sc_stanza *p)
{
	enum sc_verdict verdict = may_enter(ctx, r, p);
	struct arrival a;

	if (verdict != SC_PASS)
		return verdict;
	a = read_arrival(r, p);
	if (a.missed_after != INT64_MAX && !history_covers(r, a.missed_after))
		return sc_db_hold(ctx, muc_sql.log_recent, SC_ARGS(sc_int(r->id),
			sc_int(a.missed_after), sc_int(room_conf(r)->missed)), missed_arrived);
	return enter(ctx, r, p, &a, false);
}

/* --- making --- */

static bool
may_make(const struct room *r, const struct sc_jid *by)
{
	switch ((enum muc_create)room_conf(r)->create) {
	case MUC_CREATE_ANYONE:
		return true;
	case MUC_CREATE_LOCAL:
		return sc_host_find(sc_jid_domain(by)) != NULL;
	case MUC_CREATE_NOBODY:
		break;
	}
	return false;
}

static enum sc_verdict
made(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct room *r = room_of(sc_entity(ctx));
	const struct sc_stanza *p = sc_stanza(ctx);
	struct arrival a;

	if (sc_rows_status(rows) != SC_DB_OK || sc_rows_count(rows) == 0) {
		bool quota = sc_rows_status(rows) == SC_DB_OK;

		r->state = ROOM_NONE;
		config_free(&r->config);
		room_wake(r);
		if (quota)
			sc_count(muc_counters.quota, 1);
		return refuse(ctx, SC_COND_RESOURCE_CONSTRAINT,
			quota ? "You have made too many rooms." : "No room can be made right now.");
	}
	r->id = sc_row_int(rows, 0, 0);
	r->state = room_conf(r)->lock_new ? ROOM_LOCKED : ROOM_OPEN;
	room_set_affiliation(r, sc_jid_bare(sc_arena(ctx), sc_from(p)), AFF_OWNER, 0);
	sc_count(muc_counters.rooms_made, 1);
	a = read_arrival(r, p);
	enter(ctx, r, p, &a, true);
	room_wake(r);
	return SC_TAKEN;
}

static enum sc_verdict
make(struct sc_ctx *ctx, struct room *r, const struct sc_stanza *p)
{
	const struct muc_conf *conf = room_conf(r);
	const struct sc_jid *creator = sc_jid_bare(sc_arena(ctx), sc_from(p));

	if (!may_make(r, sc_from(p)))
		return refuse(ctx, SC_COND_NOT_ALLOWED, NULL);
	r->state = ROOM_CREATING;
	config_free(&r->config);
	config_standard(&r->config, conf);
	return sc_db_hold(ctx, muc_sql.create, SC_ARGS(
		sc_int(sc_host_id(sc_entity_host(r->entity))),
		sc_text_span(sc_jid_local(sc_entity_jid(r->entity))), sc_text(creator->text),
		sc_int(sc_now()), sc_int(conf->max_rooms), sc_int(r->config.persistent),
		sc_int(conf->lock_new), sc_int(r->config.listed),
		sc_text(config_text(sc_arena(ctx), &r->config))), made);
}

/* --- those who are in already --- */

static enum sc_verdict
change_nick(struct sc_ctx *ctx, struct seat *s, const struct sc_stanza *p)
{
	struct occupant *o = s->occupant;
	struct room *r = o->room;
	struct sc_span nick = sc_jid_resource(sc_to(p));
	struct show show = { .unavailable = true, .new_nick = nick.p };

	/* A second nick of the same user that is there already is another occupant. */
	if (room_occupant(r, nick) != NULL || nick_is_taken(r, nick, sc_from(p)))
		return refuse_as(ctx, SC_COND_CONFLICT, "cancel", NULL);
	show_code(&show, 303);
	show_occupant(o, &show);
	sc_map_set(r->occupants, occupant_nick(o), NULL);
	free((void *)(uintptr_t)o->jid);
	o->jid = jid_keep(sc_to(p));
	sc_map_set(r->occupants, occupant_nick(o), o);
	take_presence(o, p);
	show_occupant(o, &(struct show){ .id = sc_id(p) });
	return SC_TAKEN;
}

/* §7.2.1: "the service should assume that the client lost its synchronization". */
static enum sc_verdict
synchronize(struct room *r, struct seat *s, const struct sc_stanza *p)
{
	struct occupant *o = s->occupant;
	struct arrival a = read_arrival(r, p);
	struct show show = { 0 };

	if (r->config.anyone_knows_jids)
		show_self_code(&show, 100);
	if (r->config.logging && sc_rooms_are_archived())
		show_self_code(&show, 170);
	take_presence(o, p);
	if (s->newcomer != NULL)
		return SC_TAKEN;        /* it is being told just now */
	sc_fan_classify(r->fan, s->number, FAN_NOBODY);
	arrive(s, &a, &show, sc_id(p));
	show_occupant(o, &(struct show){ .not_to = s });
	return SC_TAKEN;
}

static enum sc_verdict
from_inside(struct sc_ctx *ctx, struct room *r, struct seat *s, const struct sc_stanza *p)
{
	if (!sc_jid_same(sc_to(p), s->occupant->jid))
		return change_nick(ctx, s, p);
	if (sc_find(p, NS_MUC, "x") != NULL)
		return synchronize(r, s, p);
	take_presence(s->occupant, p);
	show_occupant(s->occupant, &(struct show){ .id = sc_id(p) });
	return SC_TAKEN;
}

static enum sc_verdict
leave(struct seat *s, const struct sc_stanza *p)
{
	struct show show = { .unavailable = true, .id = sc_id(p) };

	if (s->occupant->seats->next == NULL)
		take_presence(s->occupant, p);
	seat_leave(s, &show);
	return SC_TAKEN;
}

/* --- those who are not --- */

/* §7.2.18: presence without <x/> of somebody who thinks that he is in the room. */
static enum sc_verdict
not_in_the_room(const struct sc_stanza *p)
{
	struct sc_stanza *kick = sc_stanza_new(SC_PRESENCE, SC_TYPE_UNAVAILABLE, sc_to(p),
		sc_from(p), sc_id(p));
	struct sc_elem *x = sc_add(kick, sc_stanza_root(kick), NS_MUC_USER, "x"), *e;
	static const char *const codes[] = { "110", "307", "333" };

	e = sc_add(kick, x, NULL, "item");
	sc_set_attr(kick, e, "affiliation", "none");
	sc_set_attr(kick, e, "role", "none");
	sc_add_with_text(kick, e, NULL, "reason", "You are not in the room.");
	for (int i = 0; i < 3; i++)
		sc_set_attr(kick, sc_add(kick, x, NULL, "status"), "code", codes[i]);
	sc_send(&kick);
	return SC_TAKEN;
}

static enum sc_verdict
from_outside(struct sc_ctx *ctx, struct room *r, const struct sc_stanza *p)
{
	if (sc_find(p, NS_MUC, "x") == NULL)
		return not_in_the_room(p);
	switch (r->state) {
	case ROOM_NONE:
		return make(ctx, r, p);
	case ROOM_CREATING:
	case ROOM_ENDING:
		return wait_for_room(ctx, r);
	default:
		return come_in(ctx, r, p);
	}
}

enum sc_verdict
presence_in(struct sc_ctx *ctx, struct room *r, struct sc_stanza *p)
{
	struct seat *s = room_seat(r, sc_from(p));

	switch (sc_type(p)) {
	case SC_TYPE_UNAVAILABLE:
		return s != NULL ? leave(s, p) : SC_TAKEN;
	case SC_TYPE_ERROR:
		(void)ghost_error(r, p);
		return SC_TAKEN;
	case SC_TYPE_AVAILABLE:
		break;
	default:
		return SC_TAKEN;        /* §17.3: probes and subscriptions mean nothing here */
	}
	/* Whoever enters is a client; its full JID is where all goes. */
	if (sc_jid_is_bare(sc_to(p)) || sc_jid_is_bare(sc_from(p)))
		return refuse(ctx, SC_COND_JID_MALFORMED, NULL);
	if (!nick_is_good(r, sc_jid_resource(sc_to(p))))
		return refuse(ctx, SC_COND_NOT_ACCEPTABLE, "This nick cannot be used.");
	return s != NULL ? from_inside(ctx, r, s, p) : from_outside(ctx, r, p);
}
