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
/* numbers kept with a session; beyond, the client may see a message twice */
#define ROWS_MAX 4096
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

/* Messages that were written and not acknowledged, and have a row: by which number the client knows
 * them. */
static int
rows_of(const struct sc_session *s, int64_t *numbers, int64_t *sequences)
{
	int n = 0;

	for (const struct outq_item *item = s->outq.flying; item != NULL && n < ROWS_MAX;
	    item = item->next) {
		int64_t sequence = item->owed != NULL && item->owed->state == OWED_SPILLED
			? item->owed->sequence : item->sequence;

		if (sequence == 0)
			continue;
		numbers[n] = item->number;
		sequences[n++] = sequence;
	}
	return n;
}

static void
save(struct sc_session *s)
{
	struct sc_notes notes = { 0 };
	struct sc_ev_notes ev = { s, &notes };
	int64_t *numbers = malloc(2 * ROWS_MAX * sizeof *numbers), *sequences = numbers + ROWS_MAX;
	struct sc_span resource = sc_jid_resource(&s->jid);
	int n;

	sc_assert(numbers != NULL);
	hook_fire(SC_EV_session_saving, s->entity->host, s->entity, s, &ev);
	if (s->agent != NULL)
		sc_note(&notes, "core.agent", s->agent);
	n = rows_of(s, numbers, sequences);
	s->sm->saved = true;
	store_run(shard.store, &sql_sleep_save, SC_ARGS(sc_int(s->entity->id), sc_text(s->sm->id),
		sc_text_span(resource),
		sc_int(s->prefix.handled), sc_int(s->outq.acked), sc_int(s->sm->max_ms),
		sc_int(clock_wall() + sm_sleep_ms(s->sm) * 1000), sc_text(s->presence),
		sc_text_span((struct sc_span){ notes.text.p != NULL ? notes.text.p : "",
		notes.text.n }),
		sc_ints(numbers, (size_t)n), sc_ints(sequences, (size_t)n)), NULL, NULL);
	free(numbers);
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
	void (*done)(void *arg, bool ok);
	void *arg;
};

static void
row_is_gone(void *arg, const struct sc_rows *rows)
{
	struct ending *e = arg;

	if (e->done != NULL)
		e->done(e->arg, sc_rows_status(rows) == SC_DB_OK);
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
	*e = (struct ending){ done, arg };
	store_run(shard.store, &sql_sleep_delete, SC_ARGS(sc_int(s->entity->id),
		sc_text(s->sm->id)), row_is_gone, e);
}

/* --- coming back --- */

static void
restore_rows(struct sm *sm, const struct sc_rows *rows, int i)
{
	int64_t *both = malloc(2 * ROWS_MAX * sizeof *both);
	int n, m;

	sc_assert(both != NULL);
	n = sc_row_ints(rows, i, 8, both, ROWS_MAX);
	m = n > 0 && n <= ROWS_MAX ? sc_row_ints(rows, i, 9, both + n, ROWS_MAX) : 0;
	if (n <= 0 || n > ROWS_MAX || n != m) {
		free(both);
		return;
	}
	sm->n_rows = n;
	sm->numbers = both;
}

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
	restore_rows(s->sm, rows, i);
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
sleepers_arrived(void *arg, const struct sc_rows *rows)
{
	struct load l = *(struct load *)arg;
	bool ok = sc_rows_status(rows) == SC_DB_OK;

	free(arg);
	for (int i = 0; ok && i < sc_rows_count(rows); i++)
		restore(l.entity, rows, i);
	l.done(l.entity, ok);
	entity_unref(l.entity);
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

int
sleep_rows_had(struct sc_session *s, uint32_t h, int64_t **sequences)
{
	struct sm *sm = s->sm;
	int had = 0;

	/* Numbers grow, modulo 2^32, from what was acknowledged. */
	while (had < sm->n_rows && (uint32_t)sm->numbers[had] - s->outq.acked <= h - s->outq.acked)
		had++;
	*sequences = sm->numbers != NULL ? sm->numbers + sm->n_rows : NULL;
	return had;
}

void
sleep_sweep(void)
{
	store_run(shard.store, &sql_sleep_expire, SC_ARGS(sc_int(clock_wall()),
		sc_int(EXPIRE_BITE)), NULL, NULL);
}
