/* SPDX-License-Identifier: MIT */
/* store: the statements of muc.sql, and loading a room. */
#include "muc/muc.h"
#include "muc/muc.sql.h"

#include <stdlib.h>
#include <string.h>

const struct muc_sql muc_sql = {
	.load = &sql_muc_load, .members = &sql_muc_members, .create = &sql_muc_create,
	.destroy = &sql_muc_destroy, .touch = &sql_muc_touch, .subject = &sql_muc_subject,
	.marks = &sql_muc_marks, .log_add = &sql_muc_log_add, .log_recent = &sql_muc_log_recent,
	.log_trim = &sql_muc_log_trim, .log_replace = &sql_muc_log_replace,
	.leftovers = &sql_muc_leftovers, .account_gone = &sql_muc_account_gone,
};

/* --- loading --- */

static enum sc_verdict
failed(struct sc_ctx *ctx)
{
	return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT, NULL);
}

static enum sc_verdict
log_arrived(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct room *r = room_of(sc_entity(ctx));

	if (sc_rows_status(rows) != SC_DB_OK)
		return failed(ctx);
	for (int i = sc_rows_count(rows) - 1; i >= 0; i--)
		history_put(r, sc_row_int(rows, i, 0), sc_row_text(rows, i, 1));
	return SC_PASS;
}

static void
read_member(struct sc_arena *arena, struct room *r, const struct sc_rows *rows, int i)
{
	struct sc_span text = sc_row_text(rows, i, 0);
	const struct sc_jid *jid = sc_jid_n(arena, text.p, text.n);
	int64_t affiliation = sc_row_int(rows, i, 1);
	struct member *m;

	if (jid == NULL || affiliation < 0 || affiliation >= AFFILIATIONS) {
		sc_log(NULL, SC_LOG_WARN, "muc.member_unreadable", "room=%s",
			sc_entity_jid(r->entity)->text);
		return;
	}
	m = room_set_affiliation(r, jid, (enum affiliation)affiliation, sc_row_int(rows, i, 5));
	if (!sc_row_null(rows, i, 2))
		room_set_nick(r, m, sc_row_text(rows, i, 2).p);
	if (!sc_row_null(rows, i, 3))
		m->hats = strdup(sc_row_text(rows, i, 3).p);
	m->since = sc_row_int(rows, i, 4);
	m->delivered = m->saved_delivered = sc_row_int(rows, i, 6);
	m->displayed = m->saved_displayed = sc_row_int(rows, i, 7);
}

static enum sc_verdict
members_arrived(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct room *r = room_of(sc_entity(ctx));

	if (sc_rows_status(rows) != SC_DB_OK)
		return failed(ctx);
	for (int i = 0; i < sc_rows_count(rows); i++)
		read_member(sc_arena(ctx), r, rows, i);
	return sc_db_hold(ctx, muc_sql.log_recent, SC_ARGS(sc_int(r->id), sc_int(0),
		sc_int(room_conf(r)->max_history)), log_arrived);
}

static enum sc_verdict
room_arrived(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct room *r = room_of(sc_entity(ctx));

	if (sc_rows_status(rows) != SC_DB_OK)
		return failed(ctx);
	if (sc_rows_count(rows) == 0)
		return SC_PASS;
	r->id = sc_row_int(rows, 0, 0);
	r->state = sc_row_int(rows, 0, 1) != 0 ? ROOM_LOCKED : ROOM_OPEN;
	config_free(&r->config);
	config_standard(&r->config, room_conf(r));
	config_read(&r->config, sc_row_text(rows, 0, 2).p);
	r->version = sc_row_int(rows, 0, 3);
	if (!sc_row_null(rows, 0, 4))
		subject_put(r, sc_row_text(rows, 0, 4), sc_row_int(rows, 0, 5));
	return sc_db_hold(ctx, muc_sql.members, SC_ARGS(sc_int(r->id)), members_arrived);
}

enum sc_verdict
room_load(struct sc_ctx *ctx, struct sc_entity *entity)
{
	return sc_db_hold(ctx, muc_sql.load, SC_ARGS(sc_int(sc_host_id(sc_entity_host(entity))),
		sc_text_span(sc_jid_local(sc_entity_jid(entity)))), room_arrived);
}
