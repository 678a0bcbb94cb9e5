/* SPDX-License-Identifier: MIT */
/* s2s_watch: limits of streams with other servers, looking after those that are up, and what the
 * administrator sees and does. */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/stats.h"
#include "base/table.h"
#include "net/tls.h"
#include "stream/s2s.h"
#include "stream/s2s_inside.h"

/* --- sizes: readers on all shards look at these as long as their streams live, so those of old
 * settings stay --- */

struct limits {
	struct limits *older;
	struct xml_limits unproven, proven;
};
static _Atomic(struct limits *) limits_now;

static bool
is_of_conf(const struct limits *l)
{
	const struct s2s_conf *c = s2s_conf();

	return l->unproven.stanza_bytes == (uint32_t)c->max_stanza_unauth &&
		l->proven.stanza_bytes == (uint32_t)c->max_stanza;
}

static struct limits *
limits_new(struct limits *older)
{
	const struct s2s_conf *c = s2s_conf();
	struct limits *l = malloc(sizeof *l);

	sc_assert(l != NULL);
	*l = (struct limits){ older, { (uint32_t)c->max_stanza_unauth, 4096, 64, 64, 32, 256 },
		{ (uint32_t)c->max_stanza, 16384, 64, 64, 32, 256 } };
	return l;
}

const struct xml_limits *
s2s_limits(bool proven)
{
	struct limits *first = atomic_load(&limits_now), *l = NULL, *old;

	do {
		for (old = first; old != NULL && !is_of_conf(old); old = old->older)
			;
		if (old != NULL)
			break;
		if (l == NULL)
			l = limits_new(first);
		l->older = first;
	} while (!atomic_compare_exchange_weak(&limits_now, &first, l));
	if (old != NULL)
		free(l);
	else
		old = l;
	return proven ? &old->proven : &old->unproven;
}

/* --- streams of one domain, in the whole process --- */

#define CELLS 16384
static _Atomic int32_t domains[CELLS];

static _Atomic int32_t *
cell_of(const char *domain)
{
	return &domains[hash_bytes(domain, strlen(domain)) % CELLS];
}

bool
s2s_domain_enter(const char *domain)
{
	if (atomic_fetch_add(cell_of(domain), 1) < s2s_conf()->max_streams_per_domain)
		return true;
	atomic_fetch_sub(cell_of(domain), 1);
	STAT_INC(limit_s2s);
	return false;
}

void
s2s_domain_leave(const char *domain)
{
	atomic_fetch_sub(cell_of(domain), 1);
}

/* --- certificates --- */

static _Thread_local struct tls_ctx *tls_in, *tls_out;

static void
take(struct tls_ctx **mine, struct tls_ctx *given)
{
	if (*mine != NULL)
		tls_unref(mine);
	*mine = given != NULL ? tls_ref(given) : NULL;
}

void
s2s_set_tls(struct tls_ctx *in, struct tls_ctx *out)
{
	take(&tls_in, in);
	take(&tls_out, out);
}

struct tls_ctx *
s2s_tls_in(void)
{
	return tls_in;
}

struct tls_ctx *
s2s_tls_out(void)
{
	return tls_out;
}

/* --- those that are up --- */

static bool
is_stuck(const struct s2s *s)
{
	int64_t since = conn_stuck_since(s->conn);

	return since != 0 && clock_mono() - since > s2s_conf()->dead * 1000;
}

static bool
is_idle(const struct s2s *s)
{
	int64_t limit = s2s_conf()->idle * (s->kind == S2S_IN ? 3 : 1);

	if (s->remote != NULL && !remote_is_quiet(s->remote))
		return false;
	return link_alone(&s->verifies) && clock_mono() - s->active > limit * 1000;
}

void
s2s_look_after(struct s2s *s)
{
	if (xml_in_holds_parser(s->xml))
		xml_in_idle(s->xml);
	if (is_stuck(s)) {
		s2s_drop(s, "The other server reads nothing.");
	} else if (is_idle(s)) {
		s2s_why(s, "Nothing was sent for long.");
		s2s_close(s);
	} else {
		s2s_sm_look(s);
	}
}

/* --- the administrator --- */

static const char *
state_name(const struct s2s *s)
{
	static const char *const names[] = {
		[S2S_NEW] = "connected", [S2S_OPEN] = "negotiating", [S2S_TLS] = "starting TLS",
			[S2S_AUTH] = "authenticating",
		[S2S_ENABLING] = "authenticated", [S2S_UP] = "up", [S2S_MOVING] = "authenticated",
			[S2S_ENDING] = "ending",
		[S2S_GONE] = "gone",
	};

	return names[s->state];
}

static const char *
direction_of(const struct s2s *s)
{
	if (s->kind == S2S_VERIFY)
		return "verify";
	if (s->bidi)
		return "both";
	return s->kind == S2S_IN ? "in" : "out";
}

static void
see_stream(const struct s2s *s, void (*see)(void *, const struct s2s_facts *), void *arg)
{
	const struct remote *r = s->remote;
	struct s2s_facts f = {
		.local = s->local != NULL ? s->local : "", .domain = s->domain != NULL ? s->domain :
			"", .state = state_name(s),
		.direction = direction_of(s), .tls = s->conn != NULL && conn_is_tls(s->conn) ?
			conn_tls_version(s->conn) : "",
		.peer = s->conn != NULL ? conn_peer_text(s->conn) : "", .auth =
			s2s_proof_name((enum s2s_proof)s->proof),
		.last_error = s->why != NULL ? s->why : "", .number = s->number, .sm = s->sm !=
			NULL || (r != NULL && r->q.counts),
		.since = s->since, .active = clock_wall() - (clock_mono() - s->active), .received =
			s->received,
	};

	if (r != NULL) {
		f.queued = r->q.n;
		f.unacked = r->q.n_flying;
		f.bytes = r->q.bytes;
		f.sent = r->sent;
	}
	see(arg, &f);
}

struct seeing {
	void (*see)(void *, const struct s2s_facts *);
	void *arg;
};

/* Those with a stream were seen with it. */
static void
see_queue(void *arg, struct remote *r)
{
	static const char *const names[] = {
		[REMOTE_IDLE] = "idle", [REMOTE_READING] = "reading rows", [REMOTE_CONNECTING] =
			"connecting", [REMOTE_UP] = "up",
		[REMOTE_RESTING] = "waiting to try again",
	};
	const struct seeing *seeing = arg;
	struct s2s_facts f = {
		.local = r->local, .domain = r->domain, .state = names[r->state], .direction = "",
			.peer = "", .tls = "", .auth = "",
		.last_error = r->why, .queued = r->q.n + r->n_behind, .unacked = r->q.n_flying,
			.bytes = r->q.bytes, .since = r->since,
		.next_try = r->state == REMOTE_RESTING ? clock_wall() +
			(r->next_try - clock_mono()) : 0, .sent = r->sent,
	};

	if (r->stream == NULL)
		seeing->see(seeing->arg, &f);
}

void
s2s_each(void (*see)(void *arg, const struct s2s_facts *), void *arg)
{
	struct seeing seeing = { see, arg };

	list_each(s2s_all(), it, tmp)
		see_stream(container_of(it, struct s2s, in_shard), see, arg);
	remote_each(see_queue, &seeing);
}

struct resetting {
	const char *domain;
	int n;
};

static void
try_now(void *arg, struct remote *r)
{
	const struct resetting *resetting = arg;

	if (strcmp(r->domain, resetting->domain) == 0)
		remote_try_now(r);
}

int
s2s_reset(const char *domain)
{
	struct resetting resetting = { domain, 0 };

	list_each(s2s_all(), it, tmp) {
		struct s2s *s = container_of(it, struct s2s, in_shard);

		if (s->domain == NULL || strcmp(s->domain, domain) != 0 || !s2s_is_open(s) ||
			s->state == S2S_MOVING)
			continue;
		resetting.n++;
		s2s_why(s, "The administrator reset it.");
		s2s_close(s);
	}
	remote_each(try_now, &resetting);
	return resetting.n;
}
