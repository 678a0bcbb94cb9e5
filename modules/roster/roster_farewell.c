/* SPDX-License-Identifier: MIT */
/*
 * roster_farewell: when an account is deleted, its contacts forget it: they get unsubscribe and
 * unsubscribed as if it had removed them, a page at a time so that a large roster does not stop the
 * shard, and then the rows go. If the server dies meanwhile, the rest is not told; probes of an
 * account that does not exist get "unsubscribed" (§4.3.2), which mends it on their side.
 */
#include "roster/roster.h"
#include "roster/roster.sql.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 200

struct leaver {
	int64_t id;
	struct sc_jid jid;
	char *last;                     /* the contact that was told last; malloced */
	char text[];
};

static void next_page(struct leaver *);

/* From outside of any ctx: the addresses are made in the stanza's own arena. */
static void
send_one(const struct leaver *l, struct sc_span contact, enum sc_type type)
{
	struct sc_stanza *s = sc_stanza_new(SC_PRESENCE, type, &l->jid, NULL, NULL);
	const struct sc_jid *to = sc_jid_n(sc_stanza_arena(s), contact.p, contact.n);

	if (to == NULL) {
		sc_stanza_free(&s);
		return;
	}
	sc_set_to(s, to);
	sc_set_id(s, sc_token(sc_stanza_arena(s)));
	sc_send(&s);
}

static void
leaver_free(struct leaver *l)
{
	free(l->last);
	free(l);
}

static void
page_arrived(void *arg, const struct sc_rows *rows)
{
	struct leaver *l = arg;
	int n = sc_rows_count(rows);

	if (sc_rows_status(rows) != SC_DB_OK) {
		sc_log(NULL, SC_LOG_WARN, "roster.farewell_cut_short", "account=%s sqlstate=%s",
			l->text, sc_rows_state(rows));
		leaver_free(l);
		return;
	}
	for (int i = 0; i < n; i++) {
		if (sc_row_int(rows, i, 1))
			send_one(l, sc_row_text(rows, i, 0), SC_TYPE_UNSUBSCRIBE);
		if (sc_row_int(rows, i, 2))
			send_one(l, sc_row_text(rows, i, 0), SC_TYPE_UNSUBSCRIBED);
	}
	if (n < PAGE) {
		sc_db_run(&sql_roster_purge, SC_ARGS(sc_int(l->id)), NULL, NULL);
		leaver_free(l);
		return;
	}
	free(l->last);
	l->last = strdup(sc_row_text(rows, n - 1, 0).p);
	sc_assert(l->last != NULL);
	next_page(l);
}

static void
next_page(struct leaver *l)
{
	sc_db_run(&sql_roster_farewell, SC_ARGS(sc_int(l->id), sc_text(l->last), sc_int(PAGE)),
		page_arrived, l);
}

void
roster_farewell(struct sc_ctx *ctx, const struct sc_ev_account_name *ev)
{
	size_t n = strlen(ev->jid->text) + 1;
	struct leaver *l = malloc(sizeof *l + n);

	(void)ctx;
	sc_assert(l != NULL);
	*l = (struct leaver){ .id = ev->id, .jid = *ev->jid, .last = strdup("") };
	sc_assert(l->last != NULL);
	l->jid.text = memcpy(l->text, ev->jid->text, n);
	next_page(l);
}
