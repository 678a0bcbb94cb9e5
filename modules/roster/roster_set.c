/* SPDX-License-Identifier: MIT */
/* roster_set: adding, changing and removing a contact (RFC 6121 §2.3, §2.4, §2.5). */
#include "roster/roster.h"
#include "roster/roster.sql.h"

#include <string.h>

/* --- reading what the client wants --- */

/* The only <item/>, or NULL when there is none or are several. */
static const struct sc_elem *
the_item(const struct sc_elem *query)
{
	const struct sc_elem *item = NULL;

	for (const struct sc_elem *e = sc_first(query); e != NULL; e = sc_next(e)) {
		if (!sc_is(e, NS_ROSTER, "item"))
			continue;
		if (item != NULL)
			return NULL;
		item = e;
	}
	return item;
}

/* Two groups are the same when a resource with these letters would be (§2.3.3). */
static const char *
prepared(struct sc_arena *arena, const char *group)
{
	const char *p = sc_prepare_resource(arena, group, strlen(group));

	return p != NULL ? p : group;
}

static int
count_groups(const struct sc_elem *item)
{
	int n = 0;

	for (const struct sc_elem *e = sc_first(item); e != NULL; e = sc_next(e))
		n += sc_is(e, NS_ROSTER, "group");
	return n;
}

/* Fills c->groups. SC_PASS, or the refusal. */
static enum sc_verdict
read_groups(struct sc_ctx *ctx, const struct roster_conf *conf, struct change *c,
	const struct sc_elem *item)
{
	int n = count_groups(item);
	const char **same = sc_alloc(sc_arena(ctx), ((size_t)n + 1) * sizeof *same);

	if (n > conf->max_groups)
		return sc_refuse(ctx, SC_COND_NOT_ACCEPTABLE,
			"This contact is in too many groups.");
	c->groups = sc_alloc(sc_arena(ctx), ((size_t)n + 1) * sizeof *c->groups);
	for (const struct sc_elem *e = sc_first(item); e != NULL; e = sc_next(e)) {
		const char *text;

		if (!sc_is(e, NS_ROSTER, "group"))
			continue;
		text = sc_text_in(sc_arena(ctx), e);
		if (*text == '\0')
			return sc_refuse(ctx, SC_COND_NOT_ACCEPTABLE, "A group has no name.");
		if ((int64_t)strlen(text) > conf->max_group_length)
			return sc_refuse(ctx, SC_COND_NOT_ACCEPTABLE,
				"The name of a group is too long.");
		same[c->n_groups] = prepared(sc_arena(ctx), text);
		for (int i = 0; i < c->n_groups; i++)
			if (strcmp(same[i], same[c->n_groups]) == 0)
				return sc_refuse(ctx, SC_COND_BAD_REQUEST,
					"A group is named twice.");
		c->groups[c->n_groups++] = sc_span(text);
	}
	return SC_PASS;
}

static enum sc_verdict
read_contact(struct sc_ctx *ctx, struct change *c, const struct sc_elem *item)
{
	const char *text = item != NULL ? sc_attr(item, "jid") : NULL;

	if (text == NULL)
		return sc_refuse(ctx, SC_COND_BAD_REQUEST,
			"A roster set has one item, with a JID.");
	c->contact = sc_jid(sc_arena(ctx), text);
	if (c->contact == NULL)
		return sc_refuse(ctx, SC_COND_JID_MALFORMED, NULL);
	if (!sc_jid_is_bare(c->contact))
		return sc_refuse(ctx, SC_COND_BAD_REQUEST, "A contact is a bare JID.");
	if (sc_jid_same_bare(c->contact, sc_entity_jid(c->account)))
		return sc_refuse(ctx, SC_COND_NOT_ALLOWED, "You are not your own contact.");
	return SC_PASS;
}

/* --- adding and changing --- */

static enum sc_verdict
item_written(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct change *c = sc_kept(ctx);
	struct book *book = &c->roster->book;
	const struct contact *before = book_find(book, sc_jid_bare_span(c->contact));
	unsigned bits = ((before != NULL ? before->bits : 0) | CONTACT_LISTED) &
		~(unsigned)CONTACT_GONE;
	struct sc_stanza *result;
	enum sc_verdict verdict;

	if (!roster_written(rows))
		return roster_not_written(ctx, c, rows);
	book_put(book, c->contact, bits, c->version, c->name, c->groups, c->n_groups);
	result = sc_result(ctx);
	verdict = sc_answer(ctx, &result);
	roster_push(c->account, c->contact);
	roster_leave(c);
	return verdict;
}

static enum sc_verdict
refuse_full(struct sc_ctx *ctx, struct change *c, const char *text)
{
	sc_count(roster_full, 1);
	roster_leave(c);
	return sc_refuse(ctx, SC_COND_NOT_ACCEPTABLE, text);
}

static enum sc_verdict
begin_item(struct sc_ctx *ctx, struct change *c)
{
	const struct roster_conf *conf = sc_conf(ctx);
	const struct book *book = &c->roster->book;
	const struct contact *before = book_find(book, sc_jid_bare_span(c->contact));

	if (!(before != NULL && (before->bits & CONTACT_LISTED)) &&
	    book->n_listed >= conf->max_items)
		return refuse_full(ctx, c, "The roster is full.");
	if (!book_groups_fit(book, c->groups, c->n_groups, (uint32_t)conf->max_group_names))
		return refuse_full(ctx, c, "The roster has too many groups.");
	c->version = roster_next_version(c->roster);
	return sc_db_hold(ctx, &sql_roster_item, SC_ARGS(sc_int(sc_entity_id(c->account)),
		sc_text(c->contact->text), c->name.n > 0 ? sc_text_span(c->name) : sc_null(),
		sc_texts(c->groups, (size_t)c->n_groups), sc_int(c->version)), item_written);
}

/* --- removing --- */

/*
 * What was agreed with the contact ends too (§2.5.2). He hears that we are unavailable (by
 * contact_changed) while he is still subscribed. A request of either side is taken back like a
 * subscription: nobody would be left to answer it.
 */
static void
part(struct change *c)
{
	enum sc_subscription was = (enum sc_subscription)(c->was & CONTACT_SUBSCRIPTION);

	if (was != SC_SUB_NONE)
		sc_contact_changed(c->account, c->contact, was, SC_SUB_NONE);
	if ((was & SC_SUB_TO) || (c->was & CONTACT_ASKED))
		roster_send(c->account, c->contact, SC_TYPE_UNSUBSCRIBE, NULL);
	if ((was & SC_SUB_FROM) || (c->was & CONTACT_ASKING_US))
		roster_send(c->account, c->contact, SC_TYPE_UNSUBSCRIBED, NULL);
}

static enum sc_verdict
removal_written(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	const struct roster_conf *conf = sc_conf(ctx);
	struct change *c = sc_kept(ctx);
	struct sc_stanza *result;
	enum sc_verdict verdict;

	if (!roster_written(rows))
		return roster_not_written(ctx, c, rows);
	book_put(&c->roster->book, c->contact, CONTACT_GONE, c->version,
		(struct sc_span){ NULL, 0 }, NULL, 0);
	roster_bound_removals(c->account, c->roster, conf->max_removals);
	result = sc_result(ctx);
	verdict = sc_answer(ctx, &result);
	roster_push(c->account, c->contact);
	part(c);
	roster_leave(c);
	return verdict;
}

static enum sc_verdict
begin_removal(struct sc_ctx *ctx, struct change *c)
{
	const struct contact *before = book_find(&c->roster->book, sc_jid_bare_span(c->contact));

	if (before == NULL || !(before->bits & CONTACT_LISTED)) {
		roster_leave(c);
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	}
	c->was = before->bits;
	c->version = roster_next_version(c->roster);
	return sc_db_hold(ctx, &sql_roster_remove, SC_ARGS(sc_int(sc_entity_id(c->account)),
		sc_text(c->contact->text), sc_int(c->version)), removal_written);
}

/* 'ask', 'approved' and every subscription but "remove" are the server's and ignored (§2.1.2). */
enum sc_verdict
roster_set(struct sc_ctx *ctx, const struct sc_elem *query)
{
	const struct roster_conf *conf = sc_conf(ctx);
	const struct sc_elem *item = the_item(query);
	struct change *c = sc_alloc(sc_arena(ctx), sizeof *c);
	enum sc_verdict verdict;

	if (!sc_by_owner(ctx))
		return sc_refuse(ctx, SC_COND_FORBIDDEN, NULL);
	c->account = sc_entity(ctx);
	c->roster = roster_of(c->account);
	verdict = read_contact(ctx, c, item);
	if (verdict != SC_PASS)
		return verdict;
	if (sc_same(sc_attr(item, "subscription"), "remove")) {
		c->begin = begin_removal;
		return roster_enter(ctx, c);
	}
	c->name = sc_span(sc_attr(item, "name"));
	if ((int64_t)c->name.n > conf->max_name)
		return sc_refuse(ctx, SC_COND_NOT_ACCEPTABLE,
			"The name of the contact is too long.");
	verdict = read_groups(ctx, conf, c, item);
	if (verdict != SC_PASS)
		return verdict;
	c->begin = begin_item;
	return roster_enter(ctx, c);
}
