/* SPDX-License-Identifier: MIT */
/* roster_in: subscription stanzas that reach a user (RFC 6121 §3, tables 6 to 9). */
#include "roster/roster.h"

/*
 * In this order: the stanza, so that clients know why the roster changes (§3.1.6); the push; the
 * presence that goes with the change (by sc_contact_changed()), which is unavailable before we
 * answer "unsubscribed" and available after "subscribed".
 */
static void
tell(struct sc_ctx *ctx, struct change *c)
{
	enum sc_subscription was = (enum sc_subscription)(c->was & CONTACT_SUBSCRIPTION);
	enum sc_subscription is = (enum sc_subscription)(c->is & CONTACT_SUBSCRIPTION);
	enum sc_type type = sc_type(sc_stanza(ctx));
	bool stranger = !((c->was | c->is) & CONTACT_LISTED);

	/* A stranger who takes his request back is only forgotten (§3.3.3). */
	if (c->step->pass && (type == SC_TYPE_SUBSCRIBE || !stranger))
		roster_show(c->account, c->kept,
			type == SC_TYPE_SUBSCRIBE ? TO_AVAILABLE : TO_INTERESTED);
	if (roster_seen_to_change(c))
		roster_push(c->account, c->contact);
	if (c->step->reply == REPLY_SUBSCRIBED) {
		roster_send(c->account, c->contact, SC_TYPE_SUBSCRIBED, sc_id(sc_stanza(ctx)));
		/* He asked again for what he has, so he may have lost it: he needs our presence
		 * either way. */
		was &= SC_SUB_TO;
	}
	if (was != is)
		sc_contact_changed(c->account, c->contact, was, is);
	if (c->step->reply == REPLY_UNSUBSCRIBED)
		roster_send(c->account, c->contact, SC_TYPE_UNSUBSCRIBED, NULL);
}

static enum sc_verdict
in_written(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct change *c = sc_kept(ctx);

	if (!roster_written(rows))
		return roster_not_written(ctx, c, rows);
	roster_commit(c);
	tell(ctx, c);
	roster_leave(c);
	sc_stanza_free(&c->kept);
	return SC_TAKEN;
}

/* The stanza with both addresses bare. What is too large to be stored loses what is in it. */
static struct sc_stanza *
keep(struct sc_ctx *ctx, const struct change *c, int64_t max)
{
	const struct sc_stanza *s = sc_stanza(ctx);
	struct sc_stanza *kept = sc_stanza_copy(s);
	size_t n;

	sc_set_from(kept, c->contact);
	sc_set_to(kept, sc_entity_jid(c->account));
	sc_stanza_text(sc_arena(ctx), kept, &n);
	if (sc_type(s) != SC_TYPE_SUBSCRIBE || (int64_t)n <= max)
		return kept;
	sc_stanza_free(&kept);
	return sc_stanza_new(SC_PRESENCE, SC_TYPE_SUBSCRIBE, c->contact, sc_entity_jid(c->account),
		sc_id(s));
}

static enum sc_verdict
begin_in(struct sc_ctx *ctx, struct change *c)
{
	const struct roster_conf *conf = sc_conf(ctx);
	const struct book *book = &c->roster->book;
	const struct contact *before = book_find(book, sc_jid_bare_span(c->contact));

	c->was = before != NULL ? before->bits : 0;
	c->step = roster_inbound(sc_type(sc_stanza(ctx)), roster_state_in_bits(c->was),
		c->was & CONTACT_APPROVED);
	c->is = roster_bits_after(c->was, c->step->next);
	if (c->is == c->was) {
		tell(ctx, c);
		roster_leave(c);
		return SC_TAKEN;
	}
	if ((c->is & ~c->was & CONTACT_ASKING_US) && book->n_asking >= conf->max_requests) {
		sc_count(roster_requests_full, 1);
		roster_leave(c);
		return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT,
			"Too many people are waiting for an answer.");
	}
	c->kept = keep(ctx, c, conf->max_request_size);
	return roster_write(ctx, c, in_written);
}

/* §8.5.3.2.2: what is meant for a client that is not there is ignored, but for a request. */
static bool
is_for_nobody(struct sc_ctx *ctx, const struct sc_stanza *s)
{
	const struct sc_jid *to = sc_to(s);

	return sc_type(s) != SC_TYPE_SUBSCRIBE && !sc_jid_is_bare(to) &&
		sc_session_by_resource(sc_entity(ctx), sc_jid_resource(to)) == NULL;
}

enum sc_verdict
roster_in(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	struct change *c;

	if (sc_kind(ev->stanza) != SC_PRESENCE || !roster_is_subscription(sc_type(ev->stanza)))
		return SC_PASS;
	if (is_for_nobody(ctx, ev->stanza) ||
	    sc_jid_same_bare(sc_from(ev->stanza), sc_entity_jid(sc_entity(ctx))))
		return SC_DROPPED;
	c = sc_alloc(sc_arena(ctx), sizeof *c);
	c->begin = begin_in;
	c->account = sc_entity(ctx);
	c->roster = roster_of(c->account);
	c->contact = sc_jid_bare(sc_arena(ctx), sc_from(ev->stanza));
	return roster_enter(ctx, c);
}
