/* SPDX-License-Identifier: MIT */
/* text, base64, date: the small readers and writers that modules use. */
#include "config.h"

#include "base/arena.h"
#include "tap.h"

static struct sc_arena *a;

static void
numbers(void)
{
	static const struct { const char *in; uint64_t max; bool good; uint64_t want; } cases[] = {
		{ "0", 0, true, 0 }, { "1", 0, false, 0 }, { "42", 100, true, 42 },
		{ "100", 100, true, 100 },
		{ "101", 100, false, 0 }, { "007", 7, true, 7 }, { "", 9, false, 0 },
		{ NULL, 9, false, 0 },
		{ "-1", 9, false, 0 }, { "+1", 9, false, 0 }, { " 1", 9, false, 0 },
		{ "1 ", 9, false, 0 },
		{ "1.0", 9, false, 0 }, { "0x1", 99, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999999999", UINT64_MAX, false, 0 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		uint64_t got = 0;
		bool good = sc_read_number(cases[i].in, cases[i].max, &got);

		ok(good == cases[i].good && got == cases[i].want, "number: %s", cases[i].in);
	}
}

static void
base64(void)
{
	static const struct { const char *plain, *coded; } cases[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfd", "//79" },
	};
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm-v",
		"Zh==", "Zm9=",
		"Z===", "Zm=v", "Zm9vYmF", "\xc3\xa9==",
	};
	size_t n;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		is_text(sc_base64(a, cases[i].plain, strlen(cases[i].plain)), cases[i].coded,
			"base64: %s", cases[i].coded);
		is_text((char *)sc_unbase64(a, cases[i].coded, strlen(cases[i].coded), &n),
			cases[i].plain, "and back");
		is_int(n, strlen(cases[i].plain), "with its length");
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		ok(sc_unbase64(a, bad[i], strlen(bad[i]), &n) == NULL && n == 0,
			"not base64: %s", bad[i]);
}

#define US INT64_C(1000000)

static void
dates(void)
{
	static const struct { const char *in; int64_t want; const char *out; } good[] = {
		{ "1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z" },
		{ "2002-09-10T23:08:25Z", 1031699305 * US, "2002-09-10T23:08:25Z" },
		{ "2002-09-10T23:08:25.120Z", 1031699305 * US + 120000,
			"2002-09-10T23:08:25.120Z" },
		{ "2002-09-10T23:08:25.1234567Z", 1031699305 * US + 123456,
			"2002-09-10T23:08:25.123456Z" },
		{ "1969-07-21T02:56:15Z", -14159025 * US, "1969-07-21T02:56:15Z" },
		{ "1969-07-20T21:56:15-05:00", -14159025 * US, "1969-07-21T02:56:15Z" },
		{ "2000-02-29T12:00:00+05:30", 951805800 * US, "2000-02-29T06:30:00Z" },
		{ "2024-02-29T00:00:00Z", 1709164800 * US, "2024-02-29T00:00:00Z" },
		{ "2016-12-31T23:59:60Z", 1483228800 * US, "2017-01-01T00:00:00Z" },
		{ "2038-01-19T03:14:08Z", 2147483648 * US, "2038-01-19T03:14:08Z" },
		{ "9999-12-31T23:59:59Z", 253402300799 * US, "9999-12-31T23:59:59Z" },
		{ "0001-01-01T00:00:00Z", -62135596800 * US, "0001-01-01T00:00:00Z" },
	};
	static const char *const bad[] = {
		"", "2002-09-10", "2002-09-10T23:08:25", "2002-9-10T23:08:25Z",
		"2002-13-10T23:08:25Z",
		"2002-00-10T23:08:25Z", "2001-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
		"2002-04-31T00:00:00Z",
		"2002-09-10T24:00:00Z", "2002-09-10T23:60:00Z", "2002-09-10T23:00:61Z",
		"2002-09-10T23:08:25.Z",
		"2002-09-10 23:08:25Z", "2002-09-10T23:08:25z", "2002-09-10T23:08:25+5:00",
		"2002-09-10T23:08:25+24:00", "2002-09-10T23:08:25Zx", "-002-09-10T23:08:25Z",
		"12002-09-10T23:08:25Z",
		"20020910T23:08:25", "+2002-09-10T23:08:25Z",
	};
	int64_t us;

	for (size_t i = 0; i < N_ELEMENTS(good); i++) {
		us = -1;
		ok(sc_timestamp_read(good[i].in, &us), "date: %s", good[i].in);
		is_int(us, good[i].want, "is the right moment");
		is_text(sc_timestamp(a, us), good[i].out, "and is written well");
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		ok(!sc_timestamp_read(bad[i], &us), "no date: %s", bad[i]);
	ok(!sc_timestamp_read(NULL, &us), "no date: NULL");
	is_text(sc_timestamp(a, -1), "1969-12-31T23:59:59.999999Z",
		"a microsecond before the epoch");
}

static void
spans(void)
{
	ok(sc_span_is(sc_span("abc"), "abc"), "span is");
	ok(!sc_span_is(sc_span("abc"), "ab") && !sc_span_is(sc_span("ab"), "abc"), "span is not");
	ok(!sc_span_is(sc_span(NULL), "") && !sc_span_is(sc_span(""), NULL), "NULL is nothing");
	ok(sc_same(NULL, NULL) && !sc_same(NULL, "") && sc_same("a", "a") &&
		!sc_same("a", "b"), "same");
}

static void
archive_ids(void)
{
	static const char *const bad[] = {
		"", "5f0123456789a", "5f0123456789aABCDEFGHIJ", "5f0123456789aABCDEFGHIJKL",
		"5F0123456789AABCDEFGHIJK",
		"-f0123456789aABCDEFGHIJK", " f0123456789aABCDEFGHIJK",
	};
	int64_t at, moment = INT64_C(0x5f0123456789a);
	const char *tail, *one = sc_archive_id(a, moment), *other = sc_archive_id(a, moment);

	ok(strlen(one) == SC_ARCHIVE_ID_LEN && strcmp(one, other) != 0,
		"archive id: as long as it should be, never the same");
	ok(strcmp(one, sc_archive_id(a, moment + 1)) < 0, "archive id: sorts by its moment");
	ok(sc_archive_id_read(one, &at, &tail) && at == moment, "archive id: tells its moment");
	is_text(sc_archive_id_of(a, at, sc_span(tail)), one, "archive id: put together again");
	ok(!sc_archive_id_read(NULL, &at, &tail), "archive id: nothing is none");
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		ok(!sc_archive_id_read(bad[i], &at, &tail), "archive id: \"%s\" is none", bad[i]);
}

int
main(void)
{
	a = arena_new();
	numbers();
	base64();
	dates();
	spans();
	is_int(strlen(sc_token(a)), 22, "a token has 22 letters");
	ok(!sc_same(sc_token(a), sc_token(a)), "and no two are alike");
	archive_ids();
	arena_free(a);
	arena_thread_done();
	return done_testing();
}
