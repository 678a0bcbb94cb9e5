/* SPDX-License-Identifier: MIT */
/* rows: what a continuation sees of an answer. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include <libpq-fe.h>
#include <stonechat/store.h>

struct sc_rows {
	enum sc_db_status status;
	PGresult *res;                  /* results in binary format; NULL unless OK or FAILED */
	char state[6];                  /* SQLSTATE */
	size_t charged;                 /* to the budget, for res */
};

/* Takes the answer of a statement, and charges it. */
void rows_take(struct sc_rows *, PGresult *taken);

/* For flow tests, which stand in for a database: a table of texts and numbers made by hand.
 * types has a letter per column ('i', 't'); the values follow row by row, as const char * in
 * decimal or text; NULL is NULL. */
void rows_build(struct sc_rows *, const char *types, int rows, const char *const *values);
void rows_clear(struct sc_rows *);

#endif
