/* SPDX-License-Identifier: MIT */
/*
 * route: from a session through its from_client hooks, to the recipient's home, through the to_user
 * hooks there.
 *
 * route() never runs anything at once: it appends to a list that is worked off when the present
 * piece of work is done, so a hook that sends is never called again from inside its own call, and
 * what it sent keeps its order.
 */
#include "config.h"

#include <stdlib.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "base/stats.h"
#include "core/custody.h"
#include "core/lane.h"
#include "core/remote.h"
#include "core/route.h"
#include "core/session.h"
#include "core/shard.h"
#include "net/loop.h"
#include "plugin/service.h"
#include "xmpp/stanza.h"

_Thread_local struct route_limits route_limits = { .lane = 1000, .loading = 4000, .detached = 16 };

/* --- parcels --- */

static struct parcel *
parcel_new(struct sc_stanza **taken, struct custody *hold)
{
	struct parcel *p = calloc(1, sizeof *p);

	sc_assert(p != NULL && *taken != NULL);
	link_init(&p->link);
	p->stanza = *taken;
	p->custody = hold;
	*taken = NULL;
	return p;
}

static void
parcel_free(struct parcel *p)
{
	sc_stanza_free(&p->stanza);
	custody_release(p->custody);
	free(p);
}

void
route_failed(const struct sc_stanza *lent, struct custody *custody, enum sc_cond cond,
	const char *text)
{
	struct sc_stanza *error = sc_error_to(lent, cond, text);

	if (error == NULL || !custody_fail(custody)) {
		STAT_INC(stanzas_dropped);
		sc_stanza_free(&error);
		return;
	}
	STAT_INC(stanzas_refused);
	if (sc_kind(lent) == SC_MESSAGE)
		STAT_INC(messages_bounced);
	if (sc_from(error) == NULL || sc_to(error) == NULL)
		sc_stanza_free(&error);
	else
		route(&error, NULL);
}

static void
refuse_parcel(struct parcel *p, enum sc_cond cond, const char *text)
{
	route_failed(p->stanza, p->custody, cond, text);
	parcel_free(p);
}

/* --- at the recipient's home --- */

static void run_user_hooks(struct sc_entity *, struct parcel *, struct lane *);

/* Starts what waits in the lane until one of them waits itself. A loop, not a recursion: lanes can
 * be long. */
static void
pump(struct lane *lane)
{
	struct parcel *p;

	lane->pumping = true;
	while (!lane->busy && (p = lane_take(lane)) != NULL) {
		lane->busy = true;
		run_user_hooks(lane->to, p, lane);
	}
	lane->pumping = false;
	if (!lane->busy)
		lane_close(lane);
}

static void
user_done(struct sc_ctx *ctx)
{
	struct lane *lane = ctx->arg;

	if (ctx->detached)
		ctx->entity->detached--;
	sc_stanza_free(&ctx->ev.stanza);
	ctx_free(ctx);
	if (lane == NULL)
		return;
	lane->busy = false;
	if (!lane->pumping)
		pump(lane);
}

static void
count_verdict(enum sc_verdict verdict)
{
	if (verdict == SC_DROPPED)
		STAT_INC(stanzas_dropped);
	else if (verdict == SC_REFUSED)
		STAT_INC(stanzas_refused);
}

static void
user_delivered(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	count_verdict(verdict);
	user_done(ctx);
	route_run();
}

static void
user_finished(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	ctx->finished = user_delivered;
	if (verdict != SC_PASS || ctx->ev.stanza == NULL)
		user_delivered(ctx, verdict);
	else if (ctx->service != NULL)
		deliver_to_service(ctx);
	else
		deliver(ctx);
}

/* The first wait of a pair makes its lane; what comes after it queues there. */
static void
user_held(struct sc_ctx *ctx)
{
	if (ctx->arg != NULL)
		return;
	ctx->arg = lane_open(ctx->entity, sc_from(ctx->stanza));
	((struct lane *)ctx->arg)->busy = true;
}

/* An IQ get that only reads lets the pair go on. */
static bool
user_let_go(struct sc_ctx *ctx)
{
	struct lane *lane = ctx->arg;

	if (ctx->entity->detached >= route_limits.detached)
		return false;
	ctx->entity->detached++;
	ctx->arg = NULL;
	if (lane == NULL)
		return true;
	lane->busy = false;
	if (!lane->pumping)
		pump(lane);
	return true;
}

/* IQ answers pass every lane: whoever holds it may be waiting for one. */
static bool
waits_its_turn(const struct sc_stanza *s)
{
	return sc_kind(s) != SC_IQ || (sc_type(s) != SC_TYPE_RESULT && sc_type(s) != SC_TYPE_ERROR);
}

static void
run_user_hooks(struct sc_entity *e, struct parcel *p, struct lane *lane)
{
	struct sc_ctx *ctx = ctx_new(e->host, e, NULL);

	ctx->ev.stanza = ctx->stanza = p->stanza;
	ctx->payload = &ctx->ev;
	ctx->custody = p->custody;
	ctx->arg = lane;
	/* What waits for no lane makes none: a second one of the pair would let later stanzas past
	 * those in the first. */
	if (waits_its_turn(p->stanza))
		ctx->held = user_held;
	ctx->let_go = user_let_go;
	ctx->finished = user_finished;
	ctx->service = e->service;
	free(p);
	hook_run(ctx, e->service != NULL ? SC_EV_to_service : SC_EV_to_user, SC_PHASE_CHECK,
		SC_PHASE_DELIVERY);
}

static void
too_much_waits(struct parcel *p)
{
	STAT_INC(limit_lane);
	if (sc_kind(p->stanza) == SC_PRESENCE) {        /* the next one will say the same or more */
		parcel_free(p);
		return;
	}
	refuse_parcel(p, SC_COND_RESOURCE_CONSTRAINT, "Too much is waiting for this address.");
}

static void
to_user(struct sc_entity *e, struct parcel *p)
{
	struct lane *lane = lane_find(e, sc_from(p->stanza));

	if (lane == NULL || !waits_its_turn(p->stanza))
		run_user_hooks(e, p, NULL);
	else if (lane->n >= route_limits.lane)
		too_much_waits(p);
	else
		lane_append(lane, p);
}

bool
route_behind_lane(struct sc_entity *e, const struct sc_stanza *sealed, const struct sc_jid *to)
{
	struct sc_stanza *copy;

	if (e->lanes == 0 || lane_find(e, sc_from(sealed)) == NULL)
		return false;
	copy = sc_stanza_copy(sealed);          /* changeable, as to_user hooks expect it */
	sc_set_to(copy, to);
	to_user(e, parcel_new(&copy, NULL));
	return true;
}

static void
parcel_loaded(struct entity_wait *w, struct sc_entity *e)
{
	struct parcel *p = container_of(w, struct parcel, wait);

	switch ((enum entity_state)e->state) {
	case ENTITY_READY:
		to_user(e, p);
		break;
	case ENTITY_ABSENT:
		deliver_no_account(p);
		break;
	default:
		refuse_parcel(p, SC_COND_RESOURCE_CONSTRAINT,
			"This address cannot be looked up right now.");
	}
}

static void
at_home(struct sc_host *host, struct service *service, struct parcel *p)
{
	struct sc_entity *e;

	if (p->no_load && service == NULL) {
		e = entity_peek(sc_to(p->stanza));
		if (e == NULL || e->state == ENTITY_ABSENT || (e->state == ENTITY_READY &&
		    e->n_sessions == 0)) {
			parcel_free(p);
			return;
		}
	}
	e = service != NULL ? entity_get_service(service, sc_to(p->stanza))
		: entity_get(host, sc_to(p->stanza));
	/* the domain has changed hands by a reload */
	if (e == NULL || (service == NULL && e->service != NULL)) {
		refuse_parcel(p, SC_COND_ITEM_NOT_FOUND, NULL);
		return;
	}
	if (e->n_waiting >= route_limits.loading) {
		too_much_waits(p);
		return;
	}
	entity_ref(e);
	p->wait.loaded = parcel_loaded;
	entity_when_loaded(e, &p->wait);
	entity_unref(e);
}

static void
arrived(struct letter *letter)
{
	struct parcel *p = container_of(letter, struct parcel, letter);
	struct sc_span domain = sc_jid_domain(sc_to(p->stanza));
	struct sc_host *host = sc_host_find(domain);
	struct service *service = host == NULL ? service_find(domain) : NULL;

	if (host == NULL && service == NULL)
		/* taken out of the configuration meanwhile */
		refuse_parcel(p, SC_COND_ITEM_NOT_FOUND, NULL);
	else
		at_home(host, service, p);
	route_run();
}

/* --- elsewhere --- */

/* The server itself: answers IQs; nobody reads its messages. */
static void
server_finished(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	count_verdict(verdict);
	sc_stanza_free(&ctx->ev.stanza);
	ctx_free(ctx);
	route_run();
}

static void
to_server(struct sc_host *host, struct parcel *p)
{
	struct sc_ctx *ctx;

	if (sc_kind(p->stanza) != SC_IQ || !waits_its_turn(p->stanza)) {
		if (sc_kind(p->stanza) == SC_MESSAGE && sc_type(p->stanza) != SC_TYPE_HEADLINE)
			refuse_parcel(p, SC_COND_SERVICE_UNAVAILABLE, NULL);
		else
			parcel_free(p);
		return;
	}
	ctx = ctx_new(host, NULL, NULL);
	ctx->ev.stanza = ctx->stanza = p->stanza;
	ctx->custody = p->custody;
	ctx->finished = server_finished;
	free(p);
	deliver_iq(ctx, SC_AT_SERVER);
}

struct sc_host *
route_serves(struct sc_span domain)
{
	return sc_host_of(domain);
}

static void
domain_finished(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	ctx->finished = server_finished;
	if (verdict == SC_PASS && ctx->ev.stanza != NULL)
		deliver_to_service(ctx);
	else
		server_finished(ctx, verdict);
}

/* The domain of a service: answered where it was read, like a host. */
static void
to_service_domain(struct service *service, struct parcel *p)
{
	struct sc_ctx *ctx = ctx_new(service->host, NULL, NULL);

	ctx->service = service;
	ctx->ev.stanza = ctx->stanza = p->stanza;
	ctx->payload = &ctx->ev;
	ctx->custody = p->custody;
	ctx->finished = domain_finished;
	free(p);
	hook_run(ctx, SC_EV_to_service, SC_PHASE_CHECK, SC_PHASE_DELIVERY);
}

static void
remote_finished(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	if (verdict == SC_PASS && ctx->ev.stanza != NULL) {
		remote_post(parcel_new(&ctx->ev.stanza, ctx->custody));
		ctx->custody = NULL;
	} else {
		count_verdict(verdict);
	}
	sc_stanza_free(&ctx->ev.stanza);
	ctx_free(ctx);
	route_run();
}

static void
to_remote(struct parcel *p)
{
	struct sc_ctx *ctx = ctx_new(route_serves(sc_jid_domain(sc_from(p->stanza))), NULL, NULL);

	ctx->ev.stanza = ctx->stanza = p->stanza;
	ctx->payload = &ctx->ev;
	ctx->custody = p->custody;
	ctx->finished = remote_finished;
	free(p);
	hook_run(ctx, SC_EV_to_remote, SC_PHASE_CHECK, SC_PHASE_FALLBACK);
}

/* --- where to --- */

static void
route_one(struct parcel *p)
{
	const struct sc_jid *to = sc_to(p->stanza);
	struct sc_host *host = sc_host_find(sc_jid_domain(to));
	struct service *service = host == NULL ? service_find(sc_jid_domain(to)) : NULL;
	int home;

	if (host == NULL && service == NULL) {
		to_remote(p);
		return;
	}
	if (sc_jid_is_domain(to)) {
		if (service != NULL)
			to_service_domain(service, p);
		else
			to_server(host, p);
		return;
	}
	home = home_of(to);
	if (home == loop_id()) {
		at_home(host, service, p);
		return;
	}
	p->letter.open = arrived;
	p->letter.weight = sizeof *p + stanza_weight(p->stanza);
	mailbox_post(home, &p->letter);
}

void
route(struct sc_stanza **taken, struct custody *hold)
{
	sc_assert(sc_from(*taken) != NULL && sc_to(*taken) != NULL);
	link_append(&shard.routing, &parcel_new(taken, hold)->link);
}

void
route_run(void)
{
	if (shard.routing_now)
		return;
	shard.routing_now = true;
	do {
		while (!link_alone(&shard.routing)) {
			struct parcel *p = container_of(shard.routing.next, struct parcel, link);

			link_remove(&p->link);
			if (p->special != NULL)
				p->special(p);
			else
				route_one(p);
		}
	} while (session_leave_next());         /* after what they have sent */
	shard.routing_now = false;
}

/* --- from a session --- */

static void
client_done(struct sc_ctx *ctx)
{
	struct sc_session *session = ctx->session;
	/* client_let_go() has taken the next one already */
	bool in_lane = !ctx->detached && !ctx->passes;

	if (ctx->detached)
		session->detached--;
	session_ref(session);
	sc_stanza_free(&ctx->ev.stanza);
	ctx_free(ctx);
	if (in_lane)
		session_next(session);
	route_run();
	session_unref(session);
}

static void
client_iq_finished(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	count_verdict(verdict);
	client_done(ctx);
}

static bool
client_let_go(struct sc_ctx *ctx)
{
	if (ctx->session->detached >= route_limits.detached)
		return false;
	ctx->session->detached++;
	session_next(ctx->session);
	return true;
}

/* IQs to the own account or to a server of ours are answered here and now, in the stream's own
 * order: what a roster set changes is changed before the next stanza of the stream is looked at. */
static unsigned
answered_here(const struct sc_ctx *ctx, struct sc_host **host)
{
	const struct sc_stanza *s = ctx->ev.stanza;
	const struct sc_jid *to = sc_to(s);

	if (sc_kind(s) != SC_IQ || (sc_type(s) != SC_TYPE_GET && sc_type(s) != SC_TYPE_SET))
		return 0;
	if (to == NULL || (sc_jid_is_bare(to) && sc_jid_same_bare(to, sc_entity_jid(ctx->entity))))
		return SC_AT_ACCOUNT;
	if (!sc_jid_is_domain(to) || !sc_jid_is_bare(to) ||
	    (*host = sc_host_find(sc_jid_domain(to))) == NULL)
		return 0;
	return SC_AT_SERVER;
}

static void
client_finished(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	struct sc_stanza *s = ctx->ev.stanza;
	unsigned at;

	if (verdict != SC_PASS || s == NULL) {
		count_verdict(verdict);
		client_done(ctx);
		return;
	}
	at = answered_here(ctx, &ctx->host);
	if (at == SC_AT_SERVER) {               /* what it is about is nobody's account */
		entity_unref(ctx->entity);
		ctx->entity = NULL;
	}
	if (at != 0) {
		ctx->finished = client_iq_finished;
		ctx->let_go = client_let_go;
		deliver_iq(ctx, at);
		return;
	}
	/* RFC 6120 §10.3: without `to` a message is for the own account; presence was the presence
	 * module's. */
	if (sc_to(s) == NULL && sc_kind(s) == SC_MESSAGE)
		sc_set_to(s, sc_entity_jid(ctx->entity));
	if (sc_to(s) != NULL) {
		route(&ctx->ev.stanza, ctx->custody);
		ctx->custody = NULL;
	}
	client_done(ctx);
}

static void
run_client_hooks(struct sc_session *session, struct sc_stanza **taken, struct custody *hold,
	bool passes)
{
	struct sc_ctx *ctx = ctx_new(session->entity->host, session->entity, session);

	ctx->ev.stanza = ctx->stanza = *taken;
	*taken = NULL;
	ctx->payload = &ctx->ev;
	ctx->custody = hold;
	ctx->passes = passes;
	ctx->finished = client_finished;
	hook_run(ctx, SC_EV_from_client, SC_PHASE_CHECK, SC_PHASE_FALLBACK);
}

void
route_from_session(struct sc_session *session, struct sc_stanza **taken, struct custody *hold)
{
	run_client_hooks(session, taken, hold, false);
}

void
route_past_lane(struct sc_session *session, struct sc_stanza **taken, struct custody *hold)
{
	run_client_hooks(session, taken, hold, true);
}

/* --- what modules send --- */

void
sc_send(struct sc_stanza **taken)
{
	route(taken, NULL);
}

void
sc_send_with(struct sc_stanza **taken, void (*done)(void *arg, bool safe), void *arg)
{
	route(taken, custody_begin_own(done, arg));
}

void
sc_send_on(struct sc_ctx *ctx, struct sc_stanza **taken)
{
	custody_hold(ctx->custody);
	route(taken, ctx->custody);
}

void
sc_broadcast(const struct sc_stanza *sealed, const struct sc_jid *to)
{
	struct sc_stanza *copy = stanza_readdress(sealed, to);
	struct parcel *p = parcel_new(&copy, NULL);

	p->no_load = true;
	link_append(&shard.routing, &p->link);
}
