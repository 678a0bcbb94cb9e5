/* SPDX-License-Identifier: MIT */
/*
 * admin: the control socket and the table of commands (stonechat/command.h). One JSON object per
 * line each way; src/core/README.md has the protocol. The socket lives on shard 0; a command runs
 * on the shard that its row names.
 */
#ifndef CORE_ADMIN_H
#define CORE_ADMIN_H

#include <stonechat/command.h>

/* Before the shards start. The strides are a module's own (ABI). False with a sentence when the
 * words are taken. */
bool admin_register(const char *module, const struct sc_command_row *rows, size_t stride,
	char *error, size_t error_size);
/* the core's own commands (admin_core.c) */
void admin_builtin(void);
/* On shard 0. The directory is made when missing; mode 0600, an old dead socket is replaced. */
bool admin_listen(const char *path, char *error, size_t error_size);
/* The two halves of it, for a socket that is there before the shard: −1 with a sentence; then, on
 * shard 0, serving at a socket that stays the caller's. */
int admin_open(const char *path, char *error, size_t error_size);
void admin_serve(int fd);
/* Who is at the other end: root, or the server's own user. */
bool admin_may_come_in(int fd);
void admin_close(void);
void admin_forget(void);                                        /* tests: empties the table */

/*
 * Streams (`watch`): from the shard of a command with one part. After admin_stream() the command
 * stays open and admin_event() sends a line of name and value pairs, NULL-terminated; a client that
 * does not read loses lines, not our memory. When the client closes, stop(arg) runs on the
 * command's shard; it, or the shard by itself earlier, ends with sc_command_done().
 */
void admin_stream(struct sc_command *, void (*stop)(void *arg), void *arg);
void admin_event(struct sc_command *, const char *const *pairs);
bool admin_is_streaming(const struct sc_command *);

/* "lines" of the request, for commands that take bulk. */
int admin_lines(const struct sc_command *);
const char *admin_line(const struct sc_command *, int i);

/* Which shard a bare JID lives on; set by core/home. */
extern int (*admin_home_of)(const struct sc_jid *);

#endif
