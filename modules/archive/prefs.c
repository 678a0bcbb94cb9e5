/* SPDX-License-Identifier: MIT */
/*
 * prefs: what an account wants kept (XEP-0441): a standard, and two lists of JIDs that go before
 * it. They are in memory with the account, since every message asks; a change is in force when it
 * is committed.
 */
#include <stdlib.h>
#include <string.h>
#include "archive/archive.h"

static const char *const words[] = { "always", "roster", "never" };

/* --- lists: sorted texts behind their pointers, in one block --- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **
list_new(const struct sc_span *texts, int n)
{
	size_t bytes = (size_t)n * sizeof(char *);
	char **list, *p;

	if (n == 0)
		return NULL;
	for (int i = 0; i < n; i++)
		bytes += texts[i].n + 1;
	list = malloc(bytes);
	sc_assert(list != NULL);
	p = (char *)(list + n);
	for (int i = 0; i < n; i++) {
		list[i] = p;
		memcpy(p, texts[i].p, texts[i].n);
		p[texts[i].n] = '\0';
		p += texts[i].n + 1;
	}
	qsort(list, (size_t)n, sizeof *list, by_text);
	return list;
}

static bool
list_has(char *const *list, int n, const char *text)
{
	return n > 0 && bsearch(&text, list, (size_t)n, sizeof *list, by_text) != NULL;
}

void
prefs_free(struct prefs *p)
{
	free(p->always);
	free(p->never);
	*p = (struct prefs){ 0 };
}

/* §2.3.1: a bare JID in a list is for all resources. */
static bool
is_listed(struct sc_arena *arena, char *const *list, int n, const struct sc_jid *jid)
{
	return n > 0 && (list_has(list, n, jid->text) ||
		list_has(list, n, sc_jid_bare(arena, jid)->text));
}

bool
prefs_want(struct sc_ctx *ctx, const struct sc_jid *other)
{
	struct sc_entity *account = sc_entity(ctx);
	const struct prefs *p = &archive_of(account)->prefs;
	enum standard standard = p->chosen ? p->standard :
		(enum standard)archive_conf_of(sc_host(ctx))->standard;

	/* Whoever is in both: to keep less is the safer mistake. */
	if (p->never != NULL && is_listed(sc_arena(ctx), p->never, p->n_never, other))
		return false;
	if (p->always != NULL && is_listed(sc_arena(ctx), p->always, p->n_always, other))
		return true;
	return standard == KEEP_ALWAYS ||
		(standard == KEEP_ROSTER && sc_in_roster(account, other));
}

/* --- from the database --- */

static int
word_of(struct sc_span text)
{
	for (int i = KEEP_ALWAYS; i <= KEEP_NEVER; i++)
		if (sc_span_is(text, words[i]))
			return i;
	return -1;
}

static char **
read_list(struct sc_arena *arena, const struct sc_rows *rows, int column, int *n)
{
	struct sc_span *texts;

	*n = sc_row_texts(rows, 0, column, NULL, 0);
	texts = sc_alloc(arena, (size_t)(*n + 1) * sizeof *texts);
	sc_row_texts(rows, 0, column, texts, *n);
	return list_new(texts, *n);
}

void
prefs_read(struct sc_arena *arena, struct prefs *p, const struct sc_rows *rows, int column)
{
	int standard = word_of(sc_row_text(rows, 0, column));

	p->chosen = true;
	p->standard = standard >= 0 ? (enum standard)standard : KEEP_ALWAYS;
	p->always = read_list(arena, rows, column + 1, &p->n_always);
	p->never = read_list(arena, rows, column + 2, &p->n_never);
}

/* --- asking and changing --- */

static void
add_list(struct sc_stanza *s, struct sc_elem *parent, const char *name, char *const *list, int n)
{
	struct sc_elem *e = sc_add(s, parent, NULL, name);

	for (int i = 0; i < n; i++)
		sc_add_with_text(s, e, NULL, "jid", list[i]);
}

static enum sc_verdict
answer(struct sc_ctx *ctx)
{
	const struct prefs *p = &archive_of(sc_entity(ctx))->prefs;
	struct sc_stanza *result = sc_result(ctx);
	struct sc_elem *e = sc_add(result, sc_stanza_root(result), NS_MAM, "prefs");

	sc_set_attr(result, e, "default", words[p->chosen ? (int)p->standard :
		archive_conf_of(sc_host(ctx))->standard]);
	add_list(result, e, "always", p->always, p->n_always);
	add_list(result, e, "never", p->never, p->n_never);
	return sc_answer(ctx, &result);
}

static bool
may_choose(const struct sc_ctx *ctx)
{
	return archive_is_on(sc_host(ctx)) && sc_entity_id(sc_entity(ctx)) > 0;
}

enum sc_verdict
prefs_get(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	(void)asked;
	if (!may_choose(ctx))
		return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
	return answer(ctx);
}

/* In the ctx's arena. */
struct wish {
	enum standard standard;
	int n[2];
	struct sc_span *lists[2];       /* always, never */
};

static enum sc_verdict
changed(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	const struct wish *w = sc_kept(ctx);
	struct prefs *p = &archive_of(sc_entity(ctx))->prefs;

	if (sc_rows_status(rows) != SC_DB_OK)
		return sc_refuse(ctx, sc_rows_status(rows) == SC_DB_BUSY ?
			SC_COND_RESOURCE_CONSTRAINT : SC_COND_INTERNAL, NULL);
	prefs_free(p);
	p->chosen = true;
	p->standard = w->standard;
	p->n_always = w->n[0];
	p->n_never = w->n[1];
	p->always = list_new(w->lists[0], w->n[0]);
	p->never = list_new(w->lists[1], w->n[1]);
	return answer(ctx);
}

enum list_read { LIST_GOOD, LIST_NO_JID, LIST_TOO_LONG };

static bool
is_there(const struct sc_span *list, int n, struct sc_span text)
{
	for (int i = 0; i < n; i++)
		if (sc_span_is(list[i], text.p))
			return true;
	return false;
}

static enum list_read
read_wish(struct sc_ctx *ctx, const struct sc_elem *list, int64_t max, struct sc_span **out, int *n)
{
	struct sc_arena *arena = sc_arena(ctx);
	int64_t given = 0;

	for (const struct sc_elem *e = sc_first(list); e != NULL; e = sc_next(e))
		given += sc_is(e, NS_MAM, "jid");
	if (given > max)
		return LIST_TOO_LONG;
	*out = sc_alloc(arena, (size_t)(given + 1) * sizeof **out);
	for (const struct sc_elem *e = sc_first(list); e != NULL; e = sc_next(e)) {
		const struct sc_jid *jid = sc_is(e, NS_MAM, "jid") ?
			sc_jid(arena, sc_text_in(arena, e)) : NULL;

		if (jid == NULL && sc_is(e, NS_MAM, "jid"))
			return LIST_NO_JID;
		if (jid != NULL && !is_there(*out, *n, sc_jid_span(jid)))
			(*out)[(*n)++] = sc_jid_span(jid);
	}
	return LIST_GOOD;
}

enum sc_verdict
prefs_set(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	struct wish *w = sc_alloc(sc_arena(ctx), sizeof *w);
	int64_t max = archive_conf_of(sc_host(ctx))->prefs_max;
	int standard = word_of(sc_span(sc_attr(asked, "default")));

	if (!may_choose(ctx))
		return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
	if (standard < 0)
		return sc_refuse(ctx, SC_COND_BAD_REQUEST,
			"The default is always, roster or never.");
	w->standard = (enum standard)standard;
	for (int i = 0; i < 2; i++)
		switch (read_wish(ctx, sc_child(asked, NS_MAM, i == 0 ? "always" : "never"), max,
			&w->lists[i], &w->n[i])) {
		case LIST_GOOD:
			break;
		case LIST_NO_JID:
			return sc_refuse(ctx, SC_COND_JID_MALFORMED, NULL);
		case LIST_TOO_LONG:
			sc_count(archive_counters.prefs_full, 1);
			return sc_refuse(ctx, SC_COND_NOT_ACCEPTABLE,
				"There are too many JIDs in a list.");
		}
	sc_keep(ctx, w);
	return sc_db_hold(ctx, archive_sql.prefs_set, SC_ARGS(sc_int(sc_entity_id(sc_entity(ctx))),
		sc_text(words[standard]), sc_texts(w->lists[0], (size_t)w->n[0]),
		sc_texts(w->lists[1], (size_t)w->n[1])), changed);
}
