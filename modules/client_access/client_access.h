/* SPDX-License-Identifier: MIT */
/* client_access: what the answers to the owner and to the administrator share. */
#ifndef CLIENT_ACCESS_H
#define CLIENT_ACCESS_H

#include <stonechat/stonechat.h>

/* One client: a row of the table, or a session that has not said which installation it is. */
struct client {
	const char *id;                 /* by which it is named when its access is taken away */
	const char *software, *device;  /* NULL: not told */
	int64_t first_seen, last_seen;
	bool connected, password, fast;
};

/* All of an account's, rows first; in the arena. account may be NULL: it is not in memory, so it
 * has no sessions. */
struct client *clients_of(struct sc_arena *, const struct sc_rows *, struct sc_entity *account,
	int *n);
/* Ends those with this agent id; of all when NULL. Not `but`. Returns how many. */
int clients_close(struct sc_entity *account, const char *agent, const struct sc_session *but);
/* The session that an id of clients_of() names. NULL: it names none. */
struct sc_session *client_session(struct sc_entity *account, const char *id);
#define CLIENTS_WHY "not-authorized", "The access of this client was taken away."

/* The statements, for commands.c: a generated header is included once. */
struct client_sql {
	const struct sc_stmt *list, *revoke;
};
extern const struct client_sql client_sql;
extern const struct sc_command_row client_commands[];

#endif
