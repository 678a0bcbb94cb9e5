/* SPDX-License-Identifier: MIT */
/* entity: the table of a shard's entities, their loading and unloading. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/stats.h"
#include "core/accounts.sql.h"
#include "core/entity.h"
#include "core/lane.h"
#include "core/shard.h"
#include "core/sleep.h"
#include "plugin/hook.h"
#include "plugin/service.h"

/* how long an unused entity, or the absence of one, is remembered */
#define IDLE_US (60 * 1000000LL)
#define IDLE_MAX 20000                  /* and how many of them */

static bool
is_jid(const struct table_node *node, const void *key)
{
	return sc_jid_same_bare(&container_of(node, struct sc_entity, node)->jid, key);
}

struct sc_entity *
entity_peek(const struct sc_jid *jid)
{
	struct table_node *n = table_find(&shard.entities, jid->bare_hash, is_jid, jid);

	return n != NULL ? container_of(n, struct sc_entity, node) : NULL;
}

static void
goes_idle(struct sc_entity *e)
{
	e->idle_since = clock_mono();
	link_append(&shard.idle, &e->idle);
	shard.n_idle++;
}

static struct sc_entity *
entity_new(struct sc_host *host, const struct sc_jid *jid)
{
	struct sc_span bare = sc_jid_bare_span(jid);
	struct sc_entity *e = calloc(1, sizeof *e + bare.n + 1);

	sc_assert(e != NULL);
	memcpy(e->text, bare.p, bare.n);
	e->jid = (struct sc_jid){ .text = e->text, .local_len = jid->local_len,
		.domain_len = jid->domain_len,
		.bare_hash = jid->bare_hash };
	e->host = host;
	e->home = (int16_t)loop_id();
	link_init(&e->sessions);
	link_init(&e->waiting);
	link_init(&e->idle);
	goes_idle(e);
	table_insert(&shard.entities, &e->node, jid->bare_hash);
	STAT_INC(entities_now);
	return e;
}

static void
entity_free(struct sc_entity *e)
{
	entity_at_home(e);
	sc_assert(e->refs == 0 && e->lanes == 0);
	table_remove(&shard.entities, &e->node);
	link_remove(&e->idle);
	shard.n_idle--;
	slots_free(&e->slots, SC_SLOT_ENTITY);
	free(e);
	STAT_DEC(entities_now);
}

void
entity_ref(struct sc_entity *e)
{
	entity_at_home(e);
	if (e->refs++ > 0)
		return;
	link_remove(&e->idle);
	shard.n_idle--;
}

void
entity_unref(struct sc_entity *e)
{
	entity_at_home(e);
	sc_assert(e->refs > 0);
	if (--e->refs == 0)
		goes_idle(e);
}

/* --- loading --- */

static void
loaded(struct sc_entity *e, enum entity_state state)
{
	struct link waiting;
	bool routing = shard.routing_now;

	e->state = state;
	e->known_at = clock_mono();
	/* Those who are called may wait anew, so the list is taken over first. */
	link_init(&waiting);
	list_each(&e->waiting, it, tmp) {
		link_remove(it);
		link_append(&waiting, it);
	}
	e->n_waiting = 0;
	/* What is sent meanwhile comes after all of them. */
	shard.routing_now = true;
	while (!link_alone(&waiting)) {
		struct entity_wait *w = container_of(waiting.next, struct entity_wait, link);

		link_remove(&w->link);
		w->loaded(w, e);
	}
	shard.routing_now = routing;
	route_run();
	entity_unref(e);        /* the one that load() took */
}

static void ask(struct sc_entity *);

static void
sleepers_loaded(struct sc_entity *e, bool ok)
{
	loaded(e, ok ? ENTITY_READY : ENTITY_FAILED);
}

static void
modules_loaded(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	struct sc_entity *e = ctx->entity;

	ctx_free(ctx);
	if (verdict != SC_PASS || e->stale)
		slots_free(&e->slots, SC_SLOT_ENTITY);
	if (e->stale)
		ask(e);
	else if (verdict == SC_PASS && e->has_sleepers)
		sleep_load(e, sleepers_loaded);
	else
		loaded(e, verdict == SC_PASS ? ENTITY_READY : ENTITY_FAILED);
}

static void
run_modules(struct sc_entity *e)
{
	struct sc_ctx *ctx = ctx_new(e->host, e, NULL);
	struct sc_ev_account *ev = sc_alloc(sc_arena(ctx), sizeof *ev);

	ev->account = e;
	ctx->payload = ev;
	ctx->finished = modules_loaded;
	hook_run(ctx, SC_EV_account_loading, SC_PHASE_CHECK, SC_PHASE_FALLBACK);
}

static void
account_arrived(void *arg, const struct sc_rows *rows)
{
	struct sc_entity *e = arg;

	if (sc_rows_status(rows) != SC_DB_OK) {
		loaded(e, ENTITY_FAILED);
		return;
	}
	if (e->stale) {
		ask(e);
		return;
	}
	if (sc_rows_count(rows) == 0) {
		loaded(e, ENTITY_ABSENT);
		return;
	}
	e->id = sc_row_int(rows, 0, 0);
	e->disabled = sc_row_int(rows, 0, 1) != 0;
	e->last_seen = sc_row_int(rows, 0, 2);
	e->has_sleepers = sc_row_int(rows, 0, 3) != 0 && e->n_sessions == 0;
	run_modules(e);
}

static void
service_loaded(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	struct sc_entity *e = ctx->entity;

	ctx_free(ctx);
	if (verdict != SC_PASS)
		slots_free(&e->slots, SC_SLOT_ENTITY);
	loaded(e, verdict == SC_PASS ? ENTITY_READY : ENTITY_FAILED);
}

static void
ask_service(struct sc_entity *e)
{
	struct sc_ctx *ctx = ctx_new(e->host, e, NULL);

	ctx->service = e->service;
	ctx->module = e->service->module;
	ctx->iq = true;
	ctx->finished = service_loaded;
	hook_go_on(ctx, e->service->row->load != NULL ? e->service->row->load(ctx, e) : SC_PASS);
}

static void
ask(struct sc_entity *e)
{
	e->stale = false;
	STAT_INC(entity_loads);
	if (e->service != NULL) {
		ask_service(e);
		return;
	}
	store_run(shard.store, &sql_account_load, SC_ARGS(sc_int(e->host->id),
		sc_text_span(sc_jid_local(&e->jid))), account_arrived, e);
}

static void
load(struct sc_entity *e)
{
	e->state = ENTITY_LOADING;
	entity_ref(e);
	ask(e);
}

struct sc_entity *
entity_get(struct sc_host *host, const struct sc_jid *jid)
{
	struct sc_entity *e = entity_peek(jid);

	if (e == NULL) {
		e = entity_new(host, jid);
		load(e);
	}
	return e;
}

struct sc_entity *
entity_get_service(struct service *service, const struct sc_jid *jid)
{
	struct sc_entity *e = entity_peek(jid);

	if (e == NULL) {
		e = entity_new(service->host, jid);
		e->service = service;
		load(e);
	}
	return e->service == service ? e : NULL;
}

struct sc_entity *
entity_get_anonymous(struct sc_host *host, const struct sc_jid *jid)
{
	static _Atomic int64_t last_id;
	struct sc_entity *e = entity_peek(jid);

	if (e != NULL && e->id < 0)
		return e;
	if (e == NULL)
		e = entity_new(host, jid);
	e->state = ENTITY_LOADING;
	e->id = -(atomic_fetch_add(&last_id, 1) + 1);
	entity_ref(e);
	run_modules(e);
	return e;
}

void
entity_when_loaded(struct sc_entity *e, struct entity_wait *w)
{
	bool stale = e->state == ENTITY_ABSENT && clock_mono() - e->known_at > IDLE_US;

	entity_at_home(e);
	link_init(&w->link);
	if (e->state == ENTITY_FAILED || stale)
		load(e);
	if (e->state == ENTITY_LOADING) {
		link_append(&e->waiting, &w->link);
		e->n_waiting++;
	} else {
		w->loaded(w, e);
	}
}

void
entity_forget_absent(const struct sc_jid *jid)
{
	struct sc_entity *e = entity_peek(jid);

	if (e != NULL && e->state == ENTITY_LOADING)
		e->stale = true;
	else if (e != NULL && e->state == ENTITY_ABSENT)
		e->state = ENTITY_FAILED;       /* asked anew on the next use */
}

/* --- unloading --- */

void
entity_sweep(void)
{
	int left = 64;          /* a turn's share */

	while (left-- > 0 && !link_alone(&shard.idle)) {
		struct sc_entity *e = container_of(shard.idle.next, struct sc_entity, idle);

		if (clock_mono() - e->idle_since < IDLE_US && shard.n_idle <= IDLE_MAX)
			return;
		/* Modules may have pinned it by a hook's last word only through sc_entity_pin(),
		 * which counts. */
		entity_free(e);
	}
}

void
entity_unload_all(void)
{
	while (!link_alone(&shard.idle))
		entity_free(container_of(shard.idle.next, struct sc_entity, idle));
}

/* --- what modules may ask --- */

struct sc_entity *
sc_entity_find(const struct sc_jid *jid)
{
	struct sc_entity *e = entity_peek(jid);

	return e != NULL && e->state == ENTITY_READY && e->service == NULL ? e : NULL;
}

struct sc_entity *
sc_service_entity(const struct sc_jid *jid)
{
	struct sc_entity *e = entity_peek(jid);

	return e != NULL && e->state == ENTITY_READY && e->service != NULL ? e : NULL;
}

const char *
sc_entity_service(const struct sc_entity *e)
{
	return e->service != NULL ? e->service->row->name : NULL;
}

const struct sc_jid *
sc_entity_jid(const struct sc_entity *e)
{
	entity_at_home(e);
	return &e->jid;
}

enum sc_entity_kind
sc_entity_kind(const struct sc_entity *e)
{
	entity_at_home(e);
	return e->service != NULL ? SC_ENTITY_SERVICE : SC_ENTITY_ACCOUNT;
}

int64_t
sc_entity_id(const struct sc_entity *e)
{
	entity_at_home(e);
	return e->id;
}

struct sc_host *
sc_entity_host(const struct sc_entity *e)
{
	entity_at_home(e);
	return e->host;
}

int
sc_entity_sessions(const struct sc_entity *e)
{
	entity_at_home(e);
	return e->n_sessions;
}

int64_t
sc_entity_last_seen(const struct sc_entity *e)
{
	entity_at_home(e);
	return e->last_seen;
}

void
sc_entity_pin(struct sc_entity *e)
{
	entity_ref(e);
}

void
sc_entity_unpin(struct sc_entity *e)
{
	entity_unref(e);
}

void *
sc_entity_slot(struct sc_entity *e, const struct sc_slot *slot)
{
	entity_at_home(e);
	return slots_get(&e->slots, slot);
}

void *
sc_entity_slot_peek(const struct sc_entity *e, const struct sc_slot *slot)
{
	entity_at_home(e);
	return slots_peek(&e->slots, slot);
}

enum sc_subscription
sc_contact(struct sc_entity *account, const struct sc_jid *contact)
{
	struct sc_ev_contact ev = { .account = account, .contact = contact };

	entity_at_home(account);
	hook_fire(SC_EV_contact, account->host, account, NULL, &ev);
	return ev.subscription;
}

bool
sc_in_roster(struct sc_entity *account, const struct sc_jid *contact)
{
	struct sc_ev_contact ev = { .account = account, .contact = contact };

	entity_at_home(account);
	hook_fire(SC_EV_contact, account->host, account, NULL, &ev);
	return ev.in_roster;
}

void
sc_contacts_each(struct sc_entity *account, unsigned mask,
	void (*visit)(void *arg, const struct sc_jid *bare, enum sc_subscription), void *arg)
{
	struct sc_ev_contacts ev = { account, mask, visit, arg };

	entity_at_home(account);
	hook_fire(SC_EV_contacts_each, account->host, account, NULL, &ev);
}

void
sc_contact_changed(struct sc_entity *account, const struct sc_jid *bare, enum sc_subscription was,
	enum sc_subscription is)
{
	struct sc_ev_contact_changed ev = { account, bare, was, is };

	entity_at_home(account);
	hook_fire(SC_EV_contact_changed, account->host, account, NULL, &ev);
}

bool
sc_rooms_are_archived(void)
{
	return hook_any(SC_EV_room_message);
}

struct sc_room_access
sc_room_access(struct sc_entity *room, const struct sc_jid *asker)
{
	struct sc_room_access access = { 0 };
	struct sc_ev_room_access ev = { room, asker, &access };

	entity_at_home(room);
	hook_fire_at(SC_EV_room_access, room->host, room->service, room, &ev);
	return access;
}

int64_t
sc_entity_moment(struct sc_entity *e)
{
	int64_t now = clock_wall();

	entity_at_home(e);
	e->moment = now > e->moment ? now : e->moment + 1;
	return e->moment;
}

void
sc_entity_moment_was(struct sc_entity *e, int64_t at)
{
	if (at > e->moment)
		e->moment = at;
}
