/* SPDX-License-Identifier: MIT */
/* admin_core: what the files of the built-in commands share. */
#ifndef CORE_ADMIN_CORE_H
#define CORE_ADMIN_CORE_H

#include <sys/types.h>
#include "core/admin_inside.h"
#include "core/verifier.h"
#include "net/offload.h"
#include "plugin/host.h"

/* Arrays of rows, one a file. */
extern const struct sc_command_row admin_user_rows[], admin_user_state_rows[],
	admin_user_list_rows[], admin_import_rows[],
	admin_session_rows[], admin_status_rows[], admin_module_rows[], admin_conf_rows[],
	admin_db_rows[], admin_watch_rows[],
	admin_check_rows[], admin_test_rows[];

/* The command failed because of the database: says so and is true. */
bool admin_db_failed(struct sc_command **taken, const struct sc_rows *);
/* The host of argument 0, which must be an account's bare JID on a host of ours. NULL: the command
 * has failed. */
struct sc_host *admin_account_host(struct sc_command **taken);
/* Fails with a sentence made by printf. */
void admin_fail(struct sc_command **taken, const char *fmt, ...) SC_PRINTF(2, 3);
/* The exit code of stonechatctl when the command is done (0). */
void admin_code(struct sc_command *, int code);
const char *admin_time(struct sc_arena *, int64_t wall_us);     /* "never" for 0 */

/* Settings of accounts (section "accounts"), registered by admin_builtin(). */
struct accounts_conf {
	int64_t rest;                   /* ms that a deleted name rests */
};
const struct accounts_conf *accounts_conf(void);

/* An account's name is known to exist from now; fires account_created. On its home. */
void admin_account_made(struct sc_host *, const struct sc_jid *, int64_t id);
/* Ends every session of an account of this shard; returns how many. */
int admin_close_sessions(const struct sc_jid *, const char *condition, const char *text);
/* of the private PostgreSQL, now; 0: it does not run, or there is none */
pid_t admin_db_pid(void);
unsigned admin_iterations(void);        /* of new verifiers */

#endif
