/* SPDX-License-Identifier: MIT */
/* roster: contacts and who may see whose presence (RFC 6121 §2, §3). roster.h says what is in
 * which file. */
#include "roster/roster.h"
#include "roster/roster.sql.h"

#include <stdlib.h>

static SC_COUNTER(roster_full_count,
	"Contacts refused because a roster had too many, or too many groups");
static SC_COUNTER(roster_requests_full_count,
	"Subscription requests refused because too many waited for an answer");
static SC_COUNTER(roster_pushes_count, "Roster pushes sent");
const struct sc_counter *const roster_full = &roster_full_count;
const struct sc_counter *const roster_requests_full = &roster_requests_full_count;
const struct sc_counter *const roster_pushes = &roster_pushes_count;

/* --- slots --- */

struct interest {
	bool interested;
};

static void
roster_fini(void *slot)
{
	struct roster *r = slot;

	sc_assert(!r->busy && r->first == NULL);        /* what waits holds the account */
	book_free(&r->book);
}

static SC_SLOT(roster_slot, SC_SLOT_ENTITY, struct roster, roster_fini);
static SC_SLOT(roster_interest, SC_SLOT_SESSION, struct interest, NULL);

struct roster *
roster_of(struct sc_entity *account)
{
	return sc_entity_slot(account, &roster_slot);
}

bool
roster_is_interested(const struct sc_session *session)
{
	const struct interest *i = sc_session_slot_peek(session, &roster_interest);

	return i != NULL && i->interested;
}

void
roster_set_interested(struct sc_session *session)
{
	((struct interest *)sc_session_slot(session, &roster_interest))->interested = true;
}

/* Over a restart. */
static void
note_interest(struct sc_ctx *ctx, struct sc_ev_notes *ev)
{
	(void)ctx;
	if (roster_is_interested(ev->session))
		sc_note(ev->notes, "roster.interested", "yes");
}

static void
remember_interest(struct sc_ctx *ctx, const struct sc_ev_notes *ev)
{
	if (sc_note_of(sc_arena(ctx), ev->notes, "roster.interested") != NULL)
		roster_set_interested(ev->session);
}

/* --- loading: columns of roster_load --- */

enum { COL_CONTACT, COL_NAME, COL_GROUPS, COL_VERSION, COL_RECEIVED, COL_BITS };

#define GROUPS_MAX 255                  /* that a contact can have in a book */
#define BETWEEN_GROUPS '\x1f'

static int
split_groups(struct sc_span text, struct sc_span groups[GROUPS_MAX])
{
	int n = 0;

	for (size_t i = 0, from = 0; i <= text.n && n < GROUPS_MAX; i++)
		if (i == text.n || text.p[i] == BETWEEN_GROUPS) {
			if (i > from)
				groups[n++] = (struct sc_span){ text.p + from, i - from };
			from = i + 1;
		}
	return n;
}

static uint32_t
size_of_rows(const struct sc_rows *rows)
{
	struct sc_span groups[GROUPS_MAX];
	uint32_t bytes = 0;

	for (int i = 0; i < sc_rows_count(rows); i++)
		bytes += book_block_size(sc_row_text(rows, i, COL_CONTACT).n,
			sc_row_text(rows, i, COL_NAME).n,
			(size_t)split_groups(sc_row_text(rows, i, COL_GROUPS), groups));
	return bytes;
}

/* A contact has two rows when it also asks us. */
static void
add_row(struct sc_arena *arena, struct roster *r, const struct sc_rows *rows, int i)
{
	struct sc_span text = sc_row_text(rows, i, COL_CONTACT), groups[GROUPS_MAX];
	const struct sc_jid *contact = sc_jid_n(arena, text.p, text.n);
	unsigned bits = (unsigned)sc_row_int(rows, i, COL_BITS);
	int64_t version = sc_row_int(rows, i, COL_VERSION);
	const struct contact *before;

	if (text.n == 0) {              /* not a contact, but the horizon of removals */
		r->book.horizon = version;
		return;
	}
	if (contact == NULL) {
		sc_log(NULL, SC_LOG_WARN, "roster.contact_unreadable", "contact=%s", text.p);
		return;
	}
	if (sc_row_int(rows, i, COL_RECEIVED) > r->last_request)
		r->last_request = sc_row_int(rows, i, COL_RECEIVED);
	before = book_find(&r->book, text);
	if (before == NULL || (bits & CONTACT_LISTED))
		book_put(&r->book, contact, bits | (before != NULL ? before->bits : 0), version,
			sc_row_text(rows, i, COL_NAME), groups,
			split_groups(sc_row_text(rows, i, COL_GROUPS), groups));
	else
		book_mark(&r->book, contact, bits | before->bits,
			before->version > version ? before->version : version);
}

static enum sc_verdict
roster_arrived(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct roster *r = roster_of(sc_entity(ctx));

	if (sc_rows_status(rows) != SC_DB_OK)
		return SC_DROPPED;      /* the load fails; whoever needs the account hears so */
	book_reserve(&r->book, (uint32_t)sc_rows_count(rows), size_of_rows(rows));
	for (int i = 0; i < sc_rows_count(rows); i++)
		add_row(sc_arena(ctx), r, rows, i);
	if (r->book.version < r->book.horizon)
		r->book.version = r->book.horizon;
	r->loaded = true;
	return SC_PASS;
}

static enum sc_verdict
load_roster(struct sc_ctx *ctx, struct sc_ev_account *ev)
{
	return sc_db_hold(ctx, &sql_roster_load, SC_ARGS(sc_int(sc_entity_id(ev->account))),
		roster_arrived);
}

/* --- what others ask --- */

static void
answer_contact(struct sc_ctx *ctx, struct sc_ev_contact *ev)
{
	const struct contact *c;

	(void)ctx;
	if (sc_jid_same_bare(ev->contact, sc_entity_jid(ev->account))) {
		ev->subscription = SC_SUB_BOTH; /* §4.2.2: one is subscribed to oneself */
		return;
	}
	c = book_find(&roster_of(ev->account)->book, sc_jid_bare_span(ev->contact));
	if (c == NULL || !(c->bits & CONTACT_LISTED))
		return;
	ev->in_roster = true;
	ev->subscription = (enum sc_subscription)(c->bits & CONTACT_SUBSCRIPTION);
}

static void
visit_contacts(struct sc_ctx *ctx, struct sc_ev_contacts *ev)
{
	const struct book *book = &roster_of(ev->account)->book;

	(void)ctx;
	for (uint32_t i = 0; i < book->n; i++) {
		const struct contact *c = book_at(book, i);
		struct sc_jid jid = book_jid(c);

		if (c->bits & CONTACT_SUBSCRIPTION & ev->mask)
			ev->visit(ev->arg, &jid,
				(enum sc_subscription)(c->bits & CONTACT_SUBSCRIPTION));
	}
}

static void
offer(struct sc_ctx *ctx, struct sc_ev_features *ev)
{
	const struct roster_conf *conf = sc_conf(ctx);

	if (conf->versioning)
		sc_add(ev->into, sc_stanza_root(ev->into), "urn:xmpp:features:rosterver", "ver");
	sc_add(ev->into, sc_stanza_root(ev->into), "urn:xmpp:features:pre-approval", "sub");
}

/* --- the module --- */

static const struct sc_hook hooks[] = {
	SC_ON(account_loading, CHECK, load_roster),
	SC_ON(from_client, DELIVERY, roster_out),
	SC_ON(to_user, DELIVERY, roster_in),
	SC_SEE(session_presence, roster_login),
	SC_SEE(account_deleted, roster_farewell),
	SC_SEE(contact, answer_contact),
	SC_SEE(contacts_each, visit_contacts),
	SC_SEE(stream_features, offer),
	SC_SEE(session_saving, note_interest),
	SC_SEE(session_restored, remember_interest),
	SC_END
};

/* A set for somebody else's account must be answered "forbidden" (§2.3.3), so others reach the
 * handler. */
static const struct sc_iq iq[] = {
	{ SC_IQ_GET, SC_AT_ACCOUNT, NS_ROSTER, "query", roster_get },
	{ SC_IQ_SET, SC_AT_ACCOUNT | SC_OPEN, NS_ROSTER, "query", roster_set },
	{ 0 }
};

static const struct sc_feature features[] = {
	{ SC_AT_SERVER, NS_ROSTER },
	{ 0 }
};

static const struct sc_key conf[] = {
	SC_CONF_INT(struct roster_conf, max_items, "5000", 1, 1000000,
		"Contacts that one account may have."),
	SC_CONF_INT(struct roster_conf, max_name, "1023", 1, 60000,
		"Bytes in the name that is given to a contact."),
	SC_CONF_INT(struct roster_conf, max_groups, "32", 0, GROUPS_MAX,
		"Groups that one contact may be in."),
	SC_CONF_INT(struct roster_conf, max_group_names, "500", 0, 10000,
		"Different groups on one roster."),
	SC_CONF_INT(struct roster_conf, max_group_length, "1023", 1, 60000,
		"Bytes in the name of a group."),
	SC_CONF_INT(struct roster_conf, max_requests, "500", 1, 100000,
		"People who may wait for one account's answer to their subscription request."),
	SC_CONF_SIZE(struct roster_conf, max_request_size, "4KiB", 256, 65536,
		"A subscription request larger than this is kept without what is in it."),
	SC_CONF_INT(struct roster_conf, max_removals, "200", 10, 100000,
		"Removed contacts that are remembered for clients with an older roster."),
	SC_CONF_BOOL(struct roster_conf, versioning, "true",
		"Send clients only what changed in their roster since they last asked."),
	SC_CONF_END
};

SC_MODULE(roster,
	.summary = "Keeps contacts, and who may see whose presence.",
	.implements = SC_LIST("RFC-6121 2", "RFC-6121 3", "XEP-0237 1.3"),
	.slots = SC_SLOTS(&roster_slot, &roster_interest),
	.counters = SC_COUNTERS(&roster_full_count, &roster_requests_full_count,
		&roster_pushes_count),
	.hooks = hooks,
	.iq = iq,
	.features = features,
	.conf = conf,
	.conf_size = sizeof(struct roster_conf),
	.statements = roster_statements
);
