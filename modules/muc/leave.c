/* SPDX-License-Identifier: MIT */
/* leave: occupants who go, and rooms that are left (§7.14). */
#include "muc/muc.h"

/* --- an empty room --- */

static void
ended(void *arg, const struct sc_rows *rows)
{
	struct sc_entity *entity = arg;
	struct room *r = room_of(entity);

	if (sc_rows_status(rows) == SC_DB_OK) {
		room_forget(r);
	} else {                        /* so it is there still; the sweep may find it */
		r->state = ROOM_OPEN;
		sc_log(NULL, SC_LOG_WARN, "muc.not_deleted", "room=%s",
			sc_entity_jid(entity)->text);
	}
	room_wake(r);
	sc_entity_unpin(entity);
}

/* "If the room is not persistent and this occupant is the last to exit, the service is responsible
 * for destroying the room." */
static void
end(struct room *r)
{
	r->state = ROOM_ENDING;
	sc_entity_pin(r->entity);
	sc_db_run(muc_sql.destroy, SC_ARGS(sc_int(r->id)), ended, r->entity);
}

void
room_empty(struct room *r)
{
	marks_save(r);
	if (room_exists(r) && (!r->config.persistent || r->state == ROOM_LOCKED))
		end(r);
	else if (room_exists(r))
		room_write(r, muc_sql.touch, SC_ARGS(sc_int(r->id), sc_int(sc_now())));
	room_pin(r, false);
}

/* --- leaving --- */

void
occupant_remove(struct occupant *o, struct show *show)
{
	struct room *r = o->room;

	show->unavailable = true;
	/* Self-presence is the last thing that its seats get. */
	show_occupant(o, show);
	occupant_free(o);
	if (room_count(r) == 0)
		room_empty(r);
}

void
seat_leave(struct seat *s, struct show *show)
{
	struct occupant *o = s->occupant;
	bool first = o->seats == s;

	if (o->seats->next == NULL) {
		occupant_remove(o, show);
		return;
	}
	show->unavailable = true;
	show_self(o, s, show);
	seat_free(s);
	if (first) {                    /* its JID was the one that is shown */
		show_changed(o);
		show_occupant(o, &(struct show){ 0 });
	}
}
