/* SPDX-License-Identifier: MIT */
/* sleep: saving, ending and making anew the sessions that sleep (XEP-0198 §5;
 * schema/0006-sleeping-sessions.sql). */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include <stonechat/notes.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/stats.h"
#include "core/entity.h"
#include "core/owed.h"
#include "core/shard.h"
#include "core/sleep.h"
#include "core/sleep.sql.h"
#include "plugin/hook.h"

#define SAVE_AFTER_MS 2000      /* most links are back before that, and cost the database nothing */
#define NOTES_MAX 8192
#define EXPIRE_BITE 500

struct sc_notes {
	struct buf text;                /* "name=value\n" … */
};

/* --- notes --- */

void
sc_note(struct sc_notes *notes, const char *name, const char *value)
{
	sc_assert(strpbrk(name, "=\n") == NULL && strchr(value, '\n') == NULL);
	if (notes->text.n + strlen(name) + strlen(value) + 2 <= NOTES_MAX)
		buf_format(&notes->text, "%s=%s\n", name, value);
}

char *
sc_note_of(struct sc_arena *arena, const struct sc_notes *notes, const char *name)
{
	size_t n = strlen(name);
	const char *end = notes->text.p + notes->text.n;

	for (const char *at = notes->text.p; at != NULL && at < end;) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		if (line_end == NULL)
			break;
		if ((size_t)(line_end - at) > n && memcmp(at, name, n) == 0 && at[n] == '=')
			return sc_copy_n(arena, at + n + 1, (size_t)(line_end - at) - n - 1);
		at = line_end + 1;
	}
	return NULL;
}

/* --- saving --- */

static void
save(struct sc_session *s)
{
	struct sc_notes notes = { 0 };
	struct sc_ev_notes ev = { s, &notes };
	struct sc_span resource = sc_jid_resource(&s->jid);

	hook_fire(SC_EV_session_saving, s->entity->host, s->entity, s, &ev);
	if (s->agent != NULL)
		sc_note(&notes, "core.agent", s->agent);
	s->sm->saved = true;
	store_run(shard.store, &sql_sleep_save, SC_ARGS(sc_int(s->entity->id), sc_text(s->sm->id),
		sc_text_span(resource),
		sc_int(s->prefix.handled), sc_int(s->outq.acked), sc_int(s->sm->max_ms),
		sc_int(clock_wall() + sm_sleep_ms(s->sm) * 1000), sc_text(s->presence),
		sc_text_span((struct sc_span){ notes.text.p != NULL ? notes.text.p : "",
		notes.text.n })), NULL, NULL);
	buf_free(&notes.text);
}

static bool
can_be_saved(const struct sc_session *s)
{
	return s->sm != NULL && s->sm->asleep && s->sm->resumable && !s->sm->saved && !s->ending &&
		s->entity->id > 0;
}

void
sleep_is_due(struct timeout *t)
{
	struct sc_session *s = container_of(t, struct sm, save)->session;

	if (can_be_saved(s))
		save(s);
}

void
sleep_begins(struct sc_session *s)
{
	timeout_set(&s->sm->save, SAVE_AFTER_MS);
}

void
sleep_save_all(void)
{
	list_each(&shard.sessions, it, tmp) {
		struct sc_session *s = container_of(it, struct sc_session, in_shard);

		if (can_be_saved(s))
			save(s);
	}
}

/* --- ending --- */

struct ending {
	struct sc_session *session;     /* counted */
	void (*done)(void *arg, bool ok);
	void *arg;
};

static void
row_is_gone(void *arg, const struct sc_rows *rows)
{
	struct ending *e = arg;
	bool ok = sc_rows_status(rows) == SC_DB_OK;

	if (!ok && e->session->sm != NULL)      /* whoever ends it next has to try again */
		e->session->sm->saved = true;
	if (e->done != NULL)
		e->done(e->arg, ok);
	session_unref(e->session);
	free(e);
}

void
sleep_ends(struct sc_session *s, void (*done)(void *arg, bool ok), void *arg)
{
	struct ending *e;

	timeout_clear(&s->sm->save);
	if (!s->sm->saved) {
		if (done != NULL)
			done(arg, true);
		return;
	}
	s->sm->saved = false;
	e = malloc(sizeof *e);
	sc_assert(e != NULL);
	*e = (struct ending){ s, done, arg };
	session_ref(s);
	store_run(shard.store, &sql_sleep_delete, SC_ARGS(sc_int(s->entity->id),
		sc_text(s->sm->id)), row_is_gone, e);
}

/* --- coming back --- */

static void
restore_agent(struct sc_session *s, const struct sc_notes *notes)
{
	struct sc_arena *arena = arena_new();
	char *agent = sc_note_of(arena, notes, "core.agent");

	s->agent = agent != NULL ? strdup(agent) : NULL;
	arena_free(arena);
}

static void
restore(struct sc_entity *e, const struct sc_rows *rows, int i)
{
	struct sc_span notes_text = sc_row_text(rows, i, 7), presence = sc_row_text(rows, i, 6);
	struct sc_session *s = session_new(e, sc_row_text(rows, i, 1), NULL, NULL);
	int64_t left_ms = (sc_row_int(rows, i, 5) - clock_wall()) / 1000;
	struct sc_notes notes = { 0 };
	struct sc_ev_notes ev = { s, &notes };

	sm_restore(s, sc_row_text(rows, i, 0), (uint32_t)sc_row_int(rows, i, 2),
		(uint32_t)sc_row_int(rows, i, 3), sc_row_int(rows, i, 4), left_ms);
	if (!sc_row_null(rows, i, 6))
		session_restore_presence(s, presence);
	buf_add(&notes.text, notes_text.p, notes_text.n);
	restore_agent(s, &notes);
	hook_fire(SC_EV_session_restored, e->host, e, s, &ev);
	buf_free(&notes.text);
}

struct load {
	struct sc_entity *entity;       /* counted */
	void (*done)(struct sc_entity *, bool ok);
};

static void
load_end(struct load *l, bool ok)
{
	if (!ok)                        /* another time, with all that belongs to them */
		for (struct sc_session *s; (s = sc_session_next(l->entity, NULL)) != NULL;)
			session_forget(s);
	l->done(l->entity, ok);
	entity_unref(l->entity);
	free(l);
}

static void
rows_given(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	struct load *l = ctx->arg;

	ctx_free(ctx);
	load_end(l, verdict == SC_PASS);
}

static void
give_rows(struct load *l)
{
	struct sc_ctx *ctx = ctx_new(l->entity->host, l->entity, NULL);
	struct sc_ev_account *ev = sc_alloc(sc_arena(ctx), sizeof *ev);

	ev->account = l->entity;
	ctx->payload = ev;
	ctx->arg = l;
	ctx->finished = rows_given;
	hook_run(ctx, SC_EV_sessions_restored, SC_PHASE_CHECK, SC_PHASE_FALLBACK);
}

static void
sleepers_arrived(void *arg, const struct sc_rows *rows)
{
	struct load *l = arg;

	if (sc_rows_status(rows) != SC_DB_OK) {
		load_end(l, false);
		return;
	}
	for (int i = 0; i < sc_rows_count(rows); i++)
		restore(l->entity, rows, i);
	if (sc_rows_count(rows) > 0)
		give_rows(l);
	else
		load_end(l, true);
}

void
sleep_load(struct sc_entity *e, void (*done)(struct sc_entity *, bool ok))
{
	struct load *l = malloc(sizeof *l);

	sc_assert(l != NULL);
	*l = (struct load){ e, done };
	entity_ref(e);
	store_run(shard.store, &sql_sleep_load, SC_ARGS(sc_int(e->id), sc_int(clock_wall())),
		sleepers_arrived, l);
}

void
sleep_sweep(void)
{
	store_run(shard.store, &sql_sleep_expire, SC_ARGS(sc_int(clock_wall()),
		sc_int(EXPIRE_BITE)), NULL, NULL);
}
