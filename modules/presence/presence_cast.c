/* SPDX-License-Identifier: MIT */
/*
 * presence_cast: one presence to all contacts. The first few hundred get it at once; the others are
 * written down, and get it in slices, so that somebody with thousands of contacts does not stop the
 * shard. Until then his stream waits: what he sends next would overtake. Casts of one account
 * follow each other, so a device that reconnects is not declared gone by the rest of its old
 * "unavailable".
 */
#include "presence/presence.h"

#include <stdlib.h>
#include <string.h>

#define SLICE 250                       /* contacts at a time */
#define PAUSE_MS 1
#define PATIENCE_MS 60000

struct target {
	struct sc_jid jid;              /* its text is at this place of the cast's texts */
	size_t at;
};

struct cast {
	struct cast *next;              /* of the account */
	struct cast *prev_here, *next_here;     /* of the shard */
	struct sc_entity *account;      /* pinned while the cast is queued */
	uint64_t session;
	struct sc_stanza *presence, *probe;
	int at_once;                    /* how many more may be told while they are listed */
	struct target *targets;
	char *texts;
	size_t n, room, done;
	size_t texts_used, texts_room;
	struct sc_wait *token;          /* of the stream that waits; NULL: nobody */
};

static void
tell(const struct cast *c, const struct sc_jid *contact, enum sc_subscription subscription)
{
	if (subscription & SC_SUB_FROM) {
		sc_broadcast(c->presence, contact);
		sc_count(presence_copies, 1);
	}
	if (c->probe != NULL && (subscription & SC_SUB_TO))
		sc_broadcast(c->probe, contact);
}

static void
write_down(struct cast *c, const struct sc_jid *contact)
{
	size_t n = strlen(contact->text) + 1;

	if (c->n == c->room) {
		c->room = c->room ? c->room * 2 : 1024;
		c->targets = realloc(c->targets, c->room * sizeof *c->targets);
		sc_assert(c->targets != NULL);
	}
	if (c->texts_used + n > c->texts_room) {
		c->texts_room = (c->texts_used + n) * 2 + 16384;
		c->texts = realloc(c->texts, c->texts_room);
		sc_assert(c->texts != NULL);
	}
	memcpy(c->texts + c->texts_used, contact->text, n);
	c->targets[c->n++] = (struct target){ *contact, c->texts_used };
	c->texts_used += n;
}

static void
visit(void *arg, const struct sc_jid *contact, enum sc_subscription subscription)
{
	struct cast *c = arg;

	if (c->at_once > 0) {
		c->at_once--;
		tell(c, contact, subscription);
	} else {
		write_down(c, contact);
	}
}

static void
cast_free(struct cast *c)
{
	sc_stanza_free(&c->presence);
	sc_stanza_free(&c->probe);
	free(c->targets);
	free(c->texts);
	free(c);
}

/* All casts of this shard are known, to end them when it stops. */
static void
enlist(struct cast *c)
{
	struct presence_shard *here = sc_shard_slot(presence_shard_slot);

	c->next_here = here->casts;
	if (c->next_here != NULL)
		c->next_here->prev_here = c;
	here->casts = c;
}

static void
delist(struct cast *c)
{
	struct presence_shard *here = sc_shard_slot(presence_shard_slot);

	if (c->prev_here != NULL)
		c->prev_here->next_here = c->next_here;
	else
		here->casts = c->next_here;
	if (c->next_here != NULL)
		c->next_here->prev_here = c->prev_here;
}

static void next_slice(void *arg);

static void
arm(struct sc_entity *account, struct presence_account *p)
{
	p->timer = sc_timer(PAUSE_MS, next_slice, account);
}

/* What was agreed may have changed since the cast began. */
static void
tell_slice(struct cast *c)
{
	for (int i = 0; i < SLICE && c->done < c->n; i++, c->done++) {
		struct target *t = &c->targets[c->done];

		t->jid.text = c->texts + t->at;
		tell(c, &t->jid, sc_contact(c->account, &t->jid));
	}
}

static void
next_slice(void *arg)
{
	struct sc_entity *account = arg;
	struct presence_account *p = sc_entity_slot(account, presence_account_slot);
	struct cast *c = p->first;

	p->timer = NULL;
	tell_slice(c);
	if (c->done < c->n) {
		arm(account, p);
		return;
	}
	p->first = c->next;
	if (p->first == NULL)
		p->last = NULL;
	else
		arm(account, p);
	delist(c);
	if (c->token != NULL)
		sc_resume(&c->token, c);
	cast_free(c);
	sc_entity_unpin(account);
}

void
cast_start(struct sc_entity *account, uint64_t session, const struct sc_stanza *presence,
	const struct sc_stanza *probe)
{
	struct presence_account *p = sc_entity_slot(account, presence_account_slot);
	struct cast *c = calloc(1, sizeof *c);

	sc_assert(c != NULL);
	*c = (struct cast){ .account = account, .session = session, .presence = sc_ref(presence),
		.probe = probe != NULL ? sc_ref(probe) : NULL,
		.at_once = p->first == NULL ? SLICE : 0 };
	sc_contacts_each(account, probe != NULL ? SC_SUB_FROM | SC_SUB_TO : SC_SUB_FROM, visit, c);
	if (c->n == 0) {
		cast_free(c);
		return;
	}
	sc_entity_pin(account);
	enlist(c);
	if (p->last != NULL)
		p->last->next = c;
	else
		p->first = c;
	p->last = c;
	if (p->timer == NULL)
		arm(account, p);
}

static enum sc_verdict
cast_over(struct sc_ctx *ctx, void *result)
{
	/* Without a result it took too long, and goes on without the stream waiting for it. */
	if (result == NULL)
		((struct cast *)sc_kept(ctx))->token = NULL;
	return SC_TAKEN;
}

enum sc_verdict
cast_wait(struct sc_ctx *ctx, struct sc_session *session)
{
	struct presence_account *p = sc_entity_slot(sc_session_account(session),
		presence_account_slot);
	struct cast *c = p->last;

	if (c == NULL || c->session != sc_session_number(session))
		return SC_TAKEN;
	sc_keep(ctx, c);
	return sc_hold(ctx, cast_over, PATIENCE_MS, &c->token);
}

void
cast_finish_all(struct sc_ctx *ctx)
{
	struct presence_shard *here = sc_shard_slot(presence_shard_slot);

	(void)ctx;
	while (here->casts != NULL) {
		struct sc_entity *account = here->casts->account;
		struct presence_account *p = sc_entity_slot(account, presence_account_slot);

		sc_timer_cancel(&p->timer);
		next_slice(account);
	}
}

void
presence_account_fini(void *slot)
{
	const struct presence_account *p = slot;

	sc_assert(p->first == NULL);    /* a cast pins its account */
}
