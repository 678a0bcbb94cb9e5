/* SPDX-License-Identifier: MIT */
/* roster_out: subscription stanzas that a user sends (RFC 6121 §3, tables 2 to 5). */
#include "roster/roster.h"

/*
 * Tells everybody, in this order: our clients see the roster change; the contact gets the stanza,
 * and current presence after "subscribed" (§3.1.5) but unavailable presence before "unsubscribed"
 * (§3.2.2). sc_contact_changed() is what makes the presence module send.
 */
static void
tell(struct sc_ctx *ctx, struct change *c)
{
	enum sc_subscription was = (enum sc_subscription)(c->was & CONTACT_SUBSCRIPTION);
	enum sc_subscription is = (enum sc_subscription)(c->is & CONTACT_SUBSCRIPTION);
	struct sc_stanza *copy = c->step->pass ? sc_stanza_copy(sc_stanza(ctx)) : NULL;

	if (roster_seen_to_change(c))
		roster_push(c->account, c->contact);
	if (was & ~is & SC_SUB_FROM)
		sc_contact_changed(c->account, c->contact, was, is);
	if (copy != NULL) {
		sc_set_from(copy, sc_entity_jid(c->account));
		sc_set_to(copy, c->contact);
		sc_send(&copy);
	}
	if (was != is && !(was & ~is & SC_SUB_FROM))
		sc_contact_changed(c->account, c->contact, was, is);
}

static enum sc_verdict
out_written(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct change *c = sc_kept(ctx);

	if (!roster_written(rows))
		return roster_not_written(ctx, c, rows);
	roster_commit(c);
	tell(ctx, c);
	roster_leave(c);
	return SC_TAKEN;
}

static enum sc_verdict
begin_out(struct sc_ctx *ctx, struct change *c)
{
	const struct roster_conf *conf = sc_conf(ctx);
	const struct book *book = &c->roster->book;
	const struct contact *before = book_find(book, sc_jid_bare_span(c->contact));
	enum sc_type type = sc_type(sc_stanza(ctx));

	c->was = before != NULL ? before->bits : 0;
	c->step = roster_outbound(type, roster_state_in_bits(c->was));
	c->is = roster_bits_after(c->was, c->step->next);
	if (c->step->approve)
		c->is = (c->is | CONTACT_APPROVED | CONTACT_LISTED) & ~(unsigned)CONTACT_GONE;
	if (type == SC_TYPE_UNSUBSCRIBED)
		c->is &= ~(unsigned)CONTACT_APPROVED;
	if (c->is == c->was) {
		tell(ctx, c);
		roster_leave(c);
		return SC_TAKEN;
	}
	if ((c->is & ~c->was & CONTACT_LISTED) && book->n_listed >= conf->max_items) {
		sc_count(roster_full, 1);
		roster_leave(c);
		return sc_refuse(ctx, SC_COND_NOT_ACCEPTABLE, "The roster is full.");
	}
	return roster_write(ctx, c, out_written);
}

enum sc_verdict
roster_out(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	const struct sc_jid *to = sc_to(ev->stanza);
	struct change *c;

	if (sc_kind(ev->stanza) != SC_PRESENCE || !roster_is_subscription(sc_type(ev->stanza)))
		return SC_PASS;
	if (to == NULL)
		return sc_refuse(ctx, SC_COND_BAD_REQUEST,
			"A subscription stanza says whom it is for.");
	if (sc_jid_same_bare(to, sc_entity_jid(sc_entity(ctx))))
		return sc_refuse(ctx, SC_COND_NOT_ALLOWED, "You are not your own contact.");
	c = sc_alloc(sc_arena(ctx), sizeof *c);
	c->begin = begin_out;
	c->account = sc_entity(ctx);
	c->roster = roster_of(c->account);
	c->contact = sc_jid_bare(sc_arena(ctx), to);
	return roster_enter(ctx, c);
}
