/* SPDX-License-Identifier: MIT */
/*
 * marks: up to where each member has received and read. They move forward only, and are kept with
 * the membership; what is in memory goes to the database now and then, all members in one
 * statement. After a crash a mark may be older than it was, and its member gets a few messages
 * twice.
 */
#include "muc/muc.h"

#include <stdlib.h>

#define SAVE_MS 5000

static bool
is_unsaved(const struct member *m)
{
	return m->delivered != m->saved_delivered || m->displayed != m->saved_displayed;
}

void
marks_save(struct room *r)
{
	size_t room = sc_map_count(r->members), n = 0;
	struct sc_span *jids = calloc(room + 1, sizeof *jids);
	int64_t *delivered = calloc(2 * room + 1, sizeof *delivered), *displayed = delivered + room;
	struct sc_map_walk w = sc_map_walk(r->members);

	sc_assert(jids != NULL && delivered != NULL);
	for (struct member *m; (m = sc_map_next(&w, NULL)) != NULL;) {
		if (!is_unsaved(m))
			continue;
		jids[n] = sc_jid_span(m->jid);
		delivered[n] = m->saved_delivered = m->delivered;
		displayed[n++] = m->saved_displayed = m->displayed;
	}
	if (n > 0)
		room_write(r, muc_sql.marks, SC_ARGS(sc_int(r->id), sc_texts(jids, n),
			sc_ints(delivered, n), sc_ints(displayed, n)));
	free(jids);
	free(delivered);
}

static void
save(void *arg)
{
	struct room *r = arg;
	struct sc_entity *entity = r->entity;

	r->saving = false;
	marks_save(r);
	sc_entity_unpin(entity);
}

static void
save_soon(struct room *r)
{
	if (r->saving)
		return;
	r->saving = true;
	sc_entity_pin(r->entity);
	(void)sc_timer(SAVE_MS, save, r);
}

void
marks_moved(struct sc_entity *entity, const struct sc_jid *who, int64_t mark)
{
	struct room *r = room_of(entity);
	struct member *m = room_member(r, who);

	if (m == NULL || mark <= m->delivered)
		return;
	m->delivered = mark;
	save_soon(r);
}
