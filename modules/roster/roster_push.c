/* SPDX-License-Identifier: MIT */
/* roster_push: what a user's clients are told when his roster changes: pushes (§2.1.6) and the
 * stanzas that caused them. */
#include "roster/roster.h"

#include <stdio.h>

static const char *const subscription_names[] = { "none", "to", "from", "both" };

void
roster_add_item(struct sc_stanza *s, struct sc_elem *query, const struct book *book,
	const struct contact *c)
{
	struct sc_elem *item = sc_add(s, query, NS_ROSTER, "item");

	/* Both texts end with a NUL in the book. */
	sc_set_attr(s, item, "jid", book_jid_text(c).p);
	if (book_name(c).n > 0)
		sc_set_attr(s, item, "name", book_name(c).p);
	sc_set_attr(s, item, "subscription", subscription_names[c->bits & CONTACT_SUBSCRIPTION]);
	if (c->bits & CONTACT_ASKED)
		sc_set_attr(s, item, "ask", "subscribe");
	if (c->bits & CONTACT_APPROVED)
		sc_set_attr(s, item, "approved", "true");
	for (int g = 0; g < c->n_groups; g++)
		sc_add_with_text(s, item, NS_ROSTER, "group", book_group(book, c, g));
}

void
roster_set_version(struct sc_stanza *s, struct sc_elem *query, int64_t version)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)version);
	sc_set_attr(s, query, "ver", text);
}

void
roster_push_to(struct sc_session *session, const struct book *book, const struct sc_jid *contact,
	int64_t version)
{
	struct sc_entity *account = sc_session_account(session);
	const struct roster_conf *conf = sc_conf_of(&sc_module_roster, sc_entity_host(account));
	const struct contact *c = book_find(book, sc_jid_bare_span(contact));
	struct sc_stanza *push = sc_stanza_new(SC_IQ, SC_TYPE_SET, sc_entity_jid(account),
		sc_session_jid(session), NULL);
	struct sc_elem *query = sc_add(push, sc_stanza_root(push), NS_ROSTER, "query");

	sc_set_id(push, sc_token(sc_stanza_arena(push)));
	if (conf->versioning)
		roster_set_version(push, query, version);
	if (c != NULL && (c->bits & CONTACT_LISTED)) {
		roster_add_item(push, query, book, c);
	} else {
		struct sc_elem *item = sc_add(push, query, NS_ROSTER, "item");

		sc_set_attr(push, item, "jid", contact->text);
		sc_set_attr(push, item, "subscription", "remove");
	}
	sc_push(session, &push);
	sc_count(roster_pushes, 1);
}

void
roster_push(struct sc_entity *account, const struct sc_jid *contact)
{
	const struct book *book = &roster_of(account)->book;

	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (roster_is_interested(s))
			roster_push_to(s, book, contact, book->version);
}

/* `to` stays the bare JID (§8.5.2.1.2). */
void
roster_show(struct sc_entity *account, const struct sc_stanza *stanza,
	enum roster_audience audience)
{
	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;) {
		struct sc_stanza *copy;

		if (audience == TO_AVAILABLE ? !sc_session_available(s) : !roster_is_interested(s))
			continue;
		copy = sc_stanza_copy(stanza);
		sc_push(s, &copy);
	}
}

void
roster_send(struct sc_entity *account, const struct sc_jid *to, enum sc_type type, const char *id)
{
	struct sc_stanza *s = sc_stanza_new(SC_PRESENCE, type, sc_entity_jid(account), to, id);

	if (id == NULL)
		sc_set_id(s, sc_token(sc_stanza_arena(s)));
	sc_send(&s);
}
