/* SPDX-License-Identifier: MIT */
/* rows: accessors over a PGresult in binary format, and rows made by hand for tests. */
#include "config.h"

#include "store/rows.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <stonechat/log.h>
#include "base/budget.h"

enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_JSONB = 3802,
	OID_INT8_ARRAY = 1016,
	OID_TEXT_ARRAY = 1009
};

enum sc_db_status
sc_rows_status(const struct sc_rows *rows)
{
	return rows->status;
}

const char *
sc_rows_state(const struct sc_rows *rows)
{
	return rows->state;
}

int
sc_rows_count(const struct sc_rows *rows)
{
	return rows->status == SC_DB_OK && rows->res ? PQntuples(rows->res) : 0;
}

int64_t
sc_rows_affected(const struct sc_rows *rows)
{
	if (rows->status != SC_DB_OK || !rows->res)
		return 0;
	return strtoll(PQcmdTuples(rows->res), NULL, 10);
}

static void
check_place(const struct sc_rows *rows, int row, int column)
{
	sc_assert(row >= 0 && row < sc_rows_count(rows));
	sc_assert(column >= 0 && column < PQnfields(rows->res));
}

bool
sc_row_null(const struct sc_rows *rows, int row, int column)
{
	check_place(rows, row, column);
	return PQgetisnull(rows->res, row, column);
}

static uint32_t
read_u32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return be32toh(v);
}

static int64_t
read_i64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return (int64_t)be64toh(v);
}

int64_t
sc_row_int(const struct sc_rows *rows, int row, int column)
{
	const char *p;

	check_place(rows, row, column);
	if (PQgetisnull(rows->res, row, column))
		return 0;
	p = PQgetvalue(rows->res, row, column);
	switch (PQftype(rows->res, column)) {
	case OID_BOOL:
		return *p != 0;
	case OID_INT2:
		return (int16_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
	case OID_INT4:
		return (int32_t)read_u32(p);
	default:
		/* sums are numeric: cast them in the SQL */
		sc_assert(PQftype(rows->res, column) == OID_INT8);
		return read_i64(p);
	}
}

struct sc_span
sc_row_text(const struct sc_rows *rows, int row, int column)
{
	struct sc_span text;
	Oid type;

	check_place(rows, row, column);
	if (PQgetisnull(rows->res, row, column))
		return (struct sc_span){ NULL, 0 };
	type = PQftype(rows->res, column);
	sc_assert(type != OID_INT8 && type != OID_INT4 && type != OID_INT2 && type != OID_BOOL);
	text.p = PQgetvalue(rows->res, row, column);
	text.n = (size_t)PQgetlength(rows->res, row, column);
	if (type == OID_JSONB && text.n > 0) {          /* its binary form begins with a version */
		text.p++;
		text.n--;
	}
	return text;
}

/*
 * Arrays: dimensions, a flag, the type of the elements; then for each dimension length and lower
 * bound; then length and bytes of each element. The server is ours, yet a length is never believed
 * beyond the value's end.
 */
static int
array_begin(const struct sc_rows *rows, int row, int column, Oid type, const char **p,
    const char **end)
{
	check_place(rows, row, column);
	sc_assert(PQftype(rows->res, column) == type);
	*p = PQgetvalue(rows->res, row, column);
	*end = *p + PQgetlength(rows->res, row, column);
	if (PQgetisnull(rows->res, row, column) || *end - *p < 20 || read_u32(*p) != 1)
		return 0;
	*p += 20;
	return (int)read_u32(*p - 8);
}

static bool
array_next(const char **p, const char *end, struct sc_span *element)
{
	int32_t n;

	if (end - *p < 4)
		return false;
	n = (int32_t)read_u32(*p);
	*p += 4;
	if (n < 0) {
		*element = (struct sc_span){ NULL, 0 };
		return true;
	}
	if (end - *p < n)
		return false;
	*element = (struct sc_span){ *p, (size_t)n };
	*p += n;
	return true;
}

int
sc_row_texts(const struct sc_rows *rows, int row, int column, struct sc_span *out, int max)
{
	const char *p, *end;
	int n = array_begin(rows, row, column, OID_TEXT_ARRAY, &p, &end);

	for (int i = 0; i < n && i < max; i++)
		if (!array_next(&p, end, &out[i]))
			return i;
	return n;
}

int
sc_row_ints(const struct sc_rows *rows, int row, int column, int64_t *out, int max)
{
	const char *p, *end;
	struct sc_span element;
	int n = array_begin(rows, row, column, OID_INT8_ARRAY, &p, &end);

	for (int i = 0; i < n && i < max; i++) {
		if (!array_next(&p, end, &element))
			return i;
		out[i] = element.n == 8 ? read_i64(element.p) : 0;
	}
	return n;
}

void
rows_build(struct sc_rows *rows, const char *types, int n_rows, const char *const *values)
{
	PGresAttDesc columns[32] = { 0 };
	int n = (int)strlen(types);

	sc_assert(n < 32);
	*rows = (struct sc_rows){ .status = SC_DB_OK,
		.res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK) };
	for (int c = 0; c < n; c++) {
		columns[c].name = (char *)"column";
		columns[c].format = 1;
		columns[c].typid = types[c] == 'i' ? OID_INT8 : OID_TEXT;
	}
	sc_assert(rows->res && PQsetResultAttrs(rows->res, n, columns));
	for (int i = 0; i < n_rows * n; i++) {
		int64_t number;
		char *value = (char *)values[i];
		int size = value ? (int)strlen(value) : -1;

		if (value && types[i % n] == 'i') {
			number = (int64_t)htobe64((uint64_t)strtoll(value, NULL, 10));
			value = (char *)&number;
			size = sizeof number;
		}
		sc_assert(PQsetvalue(rows->res, i / n, i % n, value, size));
	}
}

void
rows_take(struct sc_rows *rows, PGresult *taken)
{
	rows_clear(rows);
	rows->res = taken;
	rows->charged = PQresultMemorySize(taken);
	budget_charge(BUDGET_DATABASE, (int64_t)rows->charged);
}

void
rows_clear(struct sc_rows *rows)
{
	budget_charge(BUDGET_DATABASE, -(int64_t)rows->charged);
	rows->charged = 0;
	PQclear(rows->res);
	rows->res = NULL;
	rows->state[0] = '\0';
}
