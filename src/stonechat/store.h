/* SPDX-License-Identifier: MIT */
/*
 * store: a module's statements and what comes back from PostgreSQL. The loop never waits: a
 * statement is sent, and a continuation gets the rows. Statements live in NAME.sql beside the
 * module; the build turns them into NAME.sql.h with one `static const struct sc_stmt sql_…` each.
 * No SQL text is ever put together at run time.
 */
#ifndef STONECHAT_STORE_H
#define STONECHAT_STORE_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

enum sc_stmt_mode {
	SC_STMT_READ,           /* goes to a read connection; statement_timeout 5 s */
	/* goes to the write connection that its key picks, in a batch with one commit */
	SC_STMT_WRITE,
	/* a write alone in its batch: when it fails nothing else is repeated */
	SC_STMT_ATOMIC,
};

/* One letter per parameter: 'i' bigint, 't' text, 'b' bytea, 'I' bigint[], 'T' text[]. */
struct sc_stmt {
	const char *name;       /* "roster_all"; unique in the server */
	const char *sql;
	const char *types;
	enum sc_stmt_mode mode;
	/* index of the parameter that orders writes (same value: same connection, in order); -1:
	 * none */
	int key;
	/* may be repeated when its answer was lost (it has a key of its own and on conflict …) */
	bool repeatable;
};

struct sc_arg {
	char type;              /* as in sc_stmt.types; 0 is SQL NULL */
	int64_t i;
	const char *p;          /* text and bytes: lent until the call returns */
	size_t n;               /* bytes of p, or elements of an array */
	const void *array;      /* int64_t[] or struct sc_span[] */
};

struct sc_args {
	const struct sc_arg *v;
	int n;
};

#define SC_ARGS(...) ((struct sc_args){ (const struct sc_arg[]){ __VA_ARGS__ }, \
	(int)(sizeof((const struct sc_arg[]){ __VA_ARGS__ }) / sizeof(struct sc_arg)) })
#define SC_NO_ARGS ((struct sc_args){ NULL, 0 })

static inline struct sc_arg sc_int(int64_t i) { return (struct sc_arg){ .type = 'i', .i = i }; }
static inline struct sc_arg sc_text(const char *s) { struct sc_span t = sc_span(s);
	return (struct sc_arg){ .type = s ? 't' : 0, .p = t.p, .n = t.n }; }
static inline struct sc_arg sc_text_span(struct sc_span s) {
	return (struct sc_arg){ .type = s.p ? 't' : 0, .p = s.p, .n = s.n }; }
static inline struct sc_arg sc_bytes(const void *p, size_t n) {
	return (struct sc_arg){ .type = p ? 'b' : 0, .p = p, .n = n }; }
static inline struct sc_arg sc_ints(const int64_t *v, size_t n) {
	return (struct sc_arg){ .type = 'I', .array = v, .n = n }; }
static inline struct sc_arg sc_texts(const struct sc_span *v, size_t n) {
	return (struct sc_arg){ .type = 'T', .array = v, .n = n }; }
static inline struct sc_arg sc_null(void) { return (struct sc_arg){ .type = 0 }; }

enum sc_db_status {
	SC_DB_OK,               /* done; of a write: committed */
	/* had no effect: too much is waiting, the database is away or its disk full. Later it may
	 * work */
	SC_DB_BUSY,
	/* PostgreSQL said no; sc_rows_state() has the SQLSTATE. A write had no effect */
	SC_DB_FAILED,
	/* the answer was lost and the write is not repeatable: it may or may not have happened */
	SC_DB_UNCERTAIN,
};

struct sc_rows;                                                 /* lent to the continuation only */
enum sc_db_status sc_rows_status(const struct sc_rows *);
const char *sc_rows_state(const struct sc_rows *);              /* five letters, "" when OK */
int sc_rows_count(const struct sc_rows *);                      /* rows returned */
int64_t sc_rows_affected(const struct sc_rows *);               /* rows written */
bool sc_row_null(const struct sc_rows *, int row, int column);
/* bigint, int, smallint, boolean as 0/1; a sum() is cast in the SQL */
int64_t sc_row_int(const struct sc_rows *, int row, int column);
/* lent; NUL-terminated too; text and bytea */
struct sc_span sc_row_text(const struct sc_rows *, int row, int column);

/* Arrays: fills out with up to max elements and returns how many the array has. A NULL element is
 * {NULL, 0}, or 0. Lent. */
int sc_row_texts(const struct sc_rows *, int row, int column, struct sc_span *out, int max);
int sc_row_ints(const struct sc_rows *, int row, int column, int64_t *out, int max);

/*
 * What a hook or IQ handler that must wait returns (design §5 has the table of costs). The
 * arguments are copied. The continuation runs on the same shard with the same ctx and returns the
 * verdict; it is called exactly once. After sc_db_detach the handler's verdict is final for the
 * stream, and only the answer comes later (IQ get only). sc_db_behind returns SC_PASS, and the
 * stanza's custody waits: when the continuation refuses, the sender hears it.
 */
enum sc_verdict sc_db_hold(struct sc_ctx *, const struct sc_stmt *, struct sc_args,
	sc_rows_cont) SC_MUST_CHECK;
enum sc_verdict sc_db_detach(struct sc_ctx *, const struct sc_stmt *, struct sc_args,
	sc_rows_cont) SC_MUST_CHECK;
/* As sc_db_detach, also for an IQ set, which must be one that only reads (XEP-0313's query is). Its
 * sender's acknowledgement waits for the answer. */
enum sc_verdict sc_db_detach_query(struct sc_ctx *, const struct sc_stmt *, struct sc_args,
	sc_rows_cont) SC_MUST_CHECK;
enum sc_verdict sc_db_behind(struct sc_ctx *, const struct sc_stmt *, struct sc_args,
	sc_rows_cont) SC_MUST_CHECK;

/* A statement that no stanza waits for. done may be NULL; it runs on this shard, once. */
void sc_db_run(const struct sc_stmt *, struct sc_args, void (*done)(void *arg,
	const struct sc_rows *), void *arg);

#pragma GCC visibility pop

#endif
