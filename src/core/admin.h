/* SPDX-License-Identifier: MIT */
/*
 * admin: the control socket and the table of commands (stonechat/command.h). One JSON object per line each way;
 * src/core/README.md has the protocol. The socket lives on shard 0; a command runs on the shard that its row names.
 */
#ifndef CORE_ADMIN_H
#define CORE_ADMIN_H

#include <stonechat/command.h>

/* Before the shards start. The strides are a module's own (ABI). False with a sentence when the words are taken. */
bool admin_register(const char *module, const struct sc_command_row *rows, size_t stride, char *error, size_t error_size);
void admin_builtin(void);                                       /* the core's own commands (admin_core.c) */
/* On shard 0. The directory is made when missing; mode 0600, an old dead socket is replaced. */
bool admin_listen(const char *path, char *error, size_t error_size);
void admin_close(void);
/* `watch`: streams a line to this command's client until it closes; then stop(arg) runs on shard 0. */
bool admin_is_streaming(const struct sc_command *);

/* Which shard a bare JID lives on; set by core/home. */
extern int (*admin_home_of)(const struct sc_jid *);

#endif
