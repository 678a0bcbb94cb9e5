/* SPDX-License-Identifier: MIT */
/* stmt: the statements that the server knows, by number. Filled before any shard starts, then
 * read by all. */
#ifndef STORE_STMT_H
#define STORE_STMT_H

#include <libpq-fe.h>
#include <stonechat/store.h>

#define STMT_ARGS_MAX 32

/* The number of a registered statement, by its name: headers made from one .sql file may be
 * included twice. -1: unknown. */
int stmt_index(const struct sc_stmt *);
/* One OID for each parameter. */
void stmt_types(const struct sc_stmt *, Oid out[STMT_ARGS_MAX]);

#endif
