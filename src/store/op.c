/* SPDX-License-Identifier: MIT */
/* op: the arguments of one operation in PostgreSQL's binary format, copied into one allocation. */
#include "config.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/mem.h"
#include "store/queue.h"
#include "store/stmt.h"
#include <stonechat/log.h>

enum { OID_INT8 = 20, OID_TEXT = 25 };
#define ARRAY_HEAD 20

static size_t
arg_size(const struct sc_arg *arg)
{
	const struct sc_span *texts = arg->array;
	size_t n = ARRAY_HEAD;

	switch (arg->type) {
	case 'i':
		return 8;
	case 't':
	case 'b':
		return arg->n + 1;
	case 'I':
		return n + arg->n * 12;
	case 'T':
		for (size_t i = 0; i < arg->n; i++)
			n += 4 + texts[i].n;
		return n;
	default:
		return 0;
	}
}

static char *
put_u32(char *to, uint32_t v)
{
	v = htobe32(v);
	memcpy(to, &v, 4);
	return to + 4;
}

static char *
put_i64(char *to, int64_t v)
{
	uint64_t bits = htobe64((uint64_t)v);

	memcpy(to, &bits, 8);
	return to + 8;
}

static char *
put_array_head(char *to, uint32_t type, size_t n, bool nulls)
{
	to = put_u32(to, n > 0);        /* dimensions: an empty array has none */
	to = put_u32(to, nulls);
	to = put_u32(to, type);
	if (n == 0)
		return to;
	to = put_u32(to, (uint32_t)n);
	return put_u32(to, 1);          /* lower bound */
}

static char *
put_ints(char *to, const struct sc_arg *arg)
{
	const int64_t *v = arg->array;

	to = put_array_head(to, OID_INT8, arg->n, false);
	for (size_t i = 0; i < arg->n; i++) {
		to = put_u32(to, 8);
		to = put_i64(to, v[i]);
	}
	return to;
}

static char *
put_texts(char *to, const struct sc_arg *arg)
{
	const struct sc_span *v = arg->array;
	bool nulls = false;

	for (size_t i = 0; i < arg->n; i++)
		nulls = nulls || !v[i].p;
	to = put_array_head(to, OID_TEXT, arg->n, nulls);
	for (size_t i = 0; i < arg->n; i++) {
		to = put_u32(to, v[i].p ? (uint32_t)v[i].n : UINT32_MAX);
		if (v[i].n > 0) {
			memcpy(to, v[i].p, v[i].n);
			to += v[i].n;
		}
	}
	return to;
}

static char *
put_arg(char *to, const struct sc_arg *arg)
{
	switch (arg->type) {
	case 'i':
		return put_i64(to, arg->i);
	case 'I':
		return put_ints(to, arg);
	case 'T':
		return put_texts(to, arg);
	default:
		if (arg->n > 0)
			memcpy(to, arg->p, arg->n);
		to[arg->n] = '\0';
		return to + arg->n;
	}
}

size_t
op_size(const struct sc_stmt *stmt, struct sc_args args)
{
	size_t n = sizeof(struct op) + (size_t)args.n * (sizeof(char *) + 2 * sizeof(int));

	sc_assert(args.n == (int)strlen(stmt->types));
	for (int i = 0; i < args.n; i++)
		n += arg_size(&args.v[i]);
	return n;
}

struct op *
op_new(const struct sc_stmt *stmt, int index, struct sc_args args, store_done done, void *arg)
{
	size_t size = op_size(stmt, args);
	struct op *op = mem_grow(NULL, size);
	char *to;

	*op = (struct op){
		.stmt = stmt, .index = index, .size = size, .done = done, .arg = arg, .n = args.n
	};
	budget_charge(BUDGET_DATABASE, (int64_t)size);
	link_init(&op->link);
	op->alone = stmt->mode == SC_STMT_ATOMIC;
	op->values = (const char **)(op + 1);
	op->lengths = (int *)(op->values + args.n);
	op->formats = op->lengths + args.n;
	to = (char *)(op->formats + args.n);
	for (int i = 0; i < args.n; i++) {
		const struct sc_arg *a = &args.v[i];
		char *from = to;

		sc_assert(a->type == 0 || a->type == stmt->types[i]);
		op->formats[i] = 1;
		op->values[i] = a->type ? from : NULL;
		if (a->type)
			to = put_arg(to, a);
		op->lengths[i] = (int)(to - from);
		if (a->type == 't' || a->type == 'b')
			to++;           /* the NUL is not part of it */
	}
	return op;
}

void
op_free(struct op *op)
{
	rows_clear(&op->rows);
	budget_charge(BUDGET_DATABASE, -(int64_t)op->size);
	free(op);
}
