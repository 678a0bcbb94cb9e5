/* SPDX-License-Identifier: MIT */
/* room: what is in memory of a room, and finding in it. */
#include "muc/muc.h"

#include <stdlib.h>
#include <string.h>

const struct muc_conf *
room_conf(const struct room *r)
{
	return sc_conf_of(&sc_module_muc, sc_entity_host(r->entity));
}

/* --- the slot --- */

static void
init(struct room *r, struct sc_entity *entity)
{
	struct muc_shard *here = muc_shard();

	r->entity = entity;
	r->occupants = sc_map_new();
	r->seats = sc_map_new();
	r->members = sc_map_new();
	r->nicks = sc_map_new();
	r->last_newcomer = &r->newcomers;
	r->last_later = &r->later;
	r->next_here = here->rooms;
	r->prev_here = &here->rooms;
	if (r->next_here != NULL)
		r->next_here->prev_here = &r->next_here;
	here->rooms = r;
}

struct room *
room_of(struct sc_entity *entity)
{
	struct room *r = sc_entity_slot(entity, room_slot);

	if (r->entity == NULL)
		init(r, entity);
	return r;
}

static void
member_free(struct member *m)
{
	free((void *)(uintptr_t)m->jid);
	free(m->nick);
	free(m->hats);
	free(m);
}

static void
drop_members(struct room *r)
{
	struct sc_map_walk w = sc_map_walk(r->members);

	for (struct member *m; (m = sc_map_next(&w, NULL)) != NULL;)
		member_free(m);
	sc_map_free(&r->members);
	sc_map_free(&r->nicks);
	memset(r->n_by_affiliation, 0, sizeof r->n_by_affiliation);
}

void
room_forget(struct room *r)
{
	sc_assert(room_count(r) == 0);
	drop_members(r);
	r->members = sc_map_new();
	r->nicks = sc_map_new();
	config_free(&r->config);
	history_free(r);
	sc_stanza_free(&r->subject);
	r->id = 0;
	r->version = 0;
	r->state = ROOM_NONE;
}

void
room_drop_all(struct room *r)
{
	struct sc_map_walk w = sc_map_walk(r->occupants);

	for (struct occupant *o; (o = sc_map_next(&w, NULL)) != NULL;)
		occupant_free(o);
	room_pin(r, false);
}

void
room_fini(void *slot)
{
	struct room *r = slot;

	if (r->entity == NULL)
		return;
	room_drop_all(r);
	history_free(r);
	private_forget(r);
	sc_fan_free(&r->fan);
	sc_stanza_free(&r->subject);
	config_free(&r->config);
	drop_members(r);
	sc_map_free(&r->occupants);
	sc_map_free(&r->seats);
	*r->prev_here = r->next_here;
	if (r->next_here != NULL)
		r->next_here->prev_here = r->prev_here;
}

void
room_pin(struct room *r, bool on)
{
	if (r->pinned == on)
		return;
	r->pinned = on;
	if (on)
		sc_entity_pin(r->entity);
	else
		sc_entity_unpin(r->entity);
}

/* --- members --- */

static struct member *
listed(const struct room *r, struct sc_span bare)
{
	return sc_map_get(r->members, bare);
}

struct member *
room_member(const struct room *r, const struct sc_jid *jid)
{
	struct member *m = listed(r, sc_jid_bare_span(jid));

	return m != NULL && m->affiliation != AFF_NONE ? m : NULL;
}

enum affiliation
room_affiliation(const struct room *r, const struct sc_jid *jid)
{
	const struct member *m = room_member(r, jid);

	if (m == NULL && (m = listed(r, sc_jid_domain(jid))) != NULL &&
	    m->affiliation != AFF_OUTCAST)
		m = NULL;
	return m != NULL ? m->affiliation : AFF_NONE;
}

const struct sc_jid *
jid_keep(const struct sc_jid *jid)
{
	size_t n = strlen(jid->text) + 1;
	struct sc_jid *kept = malloc(sizeof *kept + n);

	sc_assert(kept != NULL);
	*kept = *jid;
	kept->text = memcpy(kept + 1, jid->text, n);
	return kept;
}

struct member *
room_set_affiliation(struct room *r, const struct sc_jid *bare, enum affiliation affiliation,
	int64_t version)
{
	struct member *m = listed(r, sc_jid_span(bare));

	if (m == NULL) {
		m = calloc(1, sizeof *m);
		sc_assert(m != NULL);
		m->jid = jid_keep(bare);
		m->affiliation = AFF_NONE;
		sc_map_set(r->members, sc_jid_span(bare), m);
		r->n_by_affiliation[AFF_NONE]++;
	}
	r->n_by_affiliation[m->affiliation]--;
	r->n_by_affiliation[affiliation]++;
	if (m->affiliation < AFF_MEMBER && affiliation >= AFF_MEMBER)
		m->since = m->delivered = m->displayed = sc_entity_moment(r->entity);
	m->affiliation = affiliation;
	m->version = version;
	if (affiliation < AFF_MEMBER)
		room_set_nick(r, m, NULL);
	return m;
}

void
room_set_nick(struct room *r, struct member *m, const char *nick)
{
	if (m->nick != NULL && sc_map_get(r->nicks, sc_span(m->nick)) == m)
		sc_map_set(r->nicks, sc_span(m->nick), NULL);
	free(m->nick);
	m->nick = nick != NULL ? strdup(nick) : NULL;
	if (nick != NULL)
		sc_map_set(r->nicks, sc_span(nick), m);
}

/* §5.1.2, table 4. */
enum role
room_standard_role(const struct room *r, enum affiliation affiliation)
{
	switch (affiliation) {
	case AFF_OUTCAST:
		return ROLE_NONE;
	case AFF_NONE:
		return r->config.moderated ? ROLE_VISITOR : ROLE_PARTICIPANT;
	case AFF_MEMBER:
		return ROLE_PARTICIPANT;
	default:
		return ROLE_MODERATOR;
	}
}

/* --- occupants --- */

struct sc_span
occupant_nick(const struct occupant *o)
{
	return sc_jid_resource(o->jid);
}

struct occupant *
room_occupant(const struct room *r, struct sc_span nick)
{
	return sc_map_get(r->occupants, nick);
}

struct seat *
room_seat(const struct room *r, const struct sc_jid *full)
{
	return sc_map_get(r->seats, sc_jid_span(full));
}

struct occupant *
room_occupant_by(const struct room *r, const struct sc_jid *full)
{
	const struct seat *s = room_seat(r, full);

	return s != NULL ? s->occupant : NULL;
}

struct occupant *
room_occupant_of(const struct room *r, const struct sc_jid *user, struct occupant *after)
{
	struct sc_map_walk w = sc_map_walk(r->occupants);
	bool seen = after == NULL;

	for (struct occupant *o; (o = sc_map_next(&w, NULL)) != NULL;) {
		if (seen && sc_jid_same_bare(o->user, user))
			return o;
		seen = seen || o == after;
	}
	return NULL;
}

int
room_count(const struct room *r)
{
	return (int)sc_map_count(r->occupants);
}

/* A copy found no session: somebody went without a word (§18.1.2). */
static void
seat_is_lost(struct sc_entity *entity, const struct sc_jid *full)
{
	struct room *r = room_of(entity);
	struct seat *s = room_seat(r, full);
	struct show show = { .unavailable = true };

	if (s == NULL)
		return;
	show_code(&show, 333);
	sc_count(muc_counters.kicked_errors, 1);
	seat_leave(s, &show);
}

static const struct sc_fan_calls fan_calls = { .lost = seat_is_lost, .marked = marks_moved };

struct occupant *
occupant_new(struct room *r, const struct sc_jid *in_room, const struct sc_jid *user)
{
	struct occupant *o = calloc(1, sizeof *o);
	const struct muc_conf *conf = room_conf(r);

	sc_assert(o != NULL);
	o->room = r;
	o->jid = jid_keep(in_room);
	o->user = jid_keep(user);
	o->group = ++r->last_group;
	o->tokens = conf->burst * 1000;
	o->tokens_at = sc_mono();
	occupant_id(r, user, o->id);
	if (r->fan == NULL)
		r->fan = sc_fan_new(r->entity, &fan_calls);
	sc_map_set(r->occupants, occupant_nick(o), o);
	room_pin(r, true);
	return o;
}

struct seat *
seat_new(struct occupant *o, const struct sc_jid *full)
{
	struct room *r = o->room;
	struct seat *s = calloc(1, sizeof *s), **at = &o->seats;

	sc_assert(s != NULL);
	s->occupant = o;
	s->jid = jid_keep(full);
	while (*at != NULL)
		at = &(*at)->next;
	*at = s;
	s->number = sc_fan_add(r->fan, full, FAN_NOBODY, o->group);
	sc_map_set(r->seats, sc_jid_span(full), s);
	return s;
}

void
seat_free(struct seat *s)
{
	struct room *r = s->occupant->room;
	struct seat **at = &s->occupant->seats;

	arrive_forget(s);
	sc_map_set(r->seats, sc_jid_span(s->jid), NULL);
	sc_fan_remove(r->fan, s->number);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	free((void *)(uintptr_t)s->jid);
	free(s);
}

void
occupant_free(struct occupant *o)
{
	while (o->seats != NULL)
		seat_free(o->seats);
	sc_map_set(o->room->occupants, occupant_nick(o), NULL);
	sc_stanza_free(&o->said);
	sc_stanza_free(&o->shown[0]);
	sc_stanza_free(&o->shown[1]);
	free((void *)(uintptr_t)o->jid);
	free((void *)(uintptr_t)o->user);
	free(o);
}

/* --- writing --- */

static void
written(void *arg, const struct sc_rows *rows)
{
	if (sc_rows_status(rows) != SC_DB_OK)
		sc_log(NULL, SC_LOG_WARN, "muc.write_failed", "room=%s state=%s",
			sc_entity_jid(arg)->text, sc_rows_state(rows));
	sc_entity_unpin(arg);
}

void
room_write(struct room *r, const struct sc_stmt *stmt, struct sc_args args)
{
	sc_entity_pin(r->entity);
	sc_db_run(stmt, args, written, r->entity);
}
