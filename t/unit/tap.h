/* SPDX-License-Identifier: MIT */
/*
 * tap: what a unit test prints for prove(1). A test is a program; each check is one line with a
 * name made by printf(3). End main() with `return done_testing();`.
 */
#ifndef T_TAP_H
#define T_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifndef N_ELEMENTS
#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#endif

static int tap_count, tap_failed;

__attribute__((format(printf, 4, 0))) static inline bool
tap_line(bool passed, const char *file, int line, const char *fmt, va_list args)
{
	printf("%s %d - ", passed ? "ok" : "not ok", ++tap_count);
	vprintf(fmt, args);
	printf("\n");
	if (!passed) {
		tap_failed++;
		printf("#   at %s line %d\n", file, line);
	}
	fflush(stdout);
	return passed;
}

__attribute__((format(printf, 4, 5))) static inline bool
tap_ok(bool passed, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	tap_line(passed, file, line, fmt, args);
	va_end(args);
	return passed;
}

__attribute__((format(printf, 5, 6))) static inline bool
tap_is_text(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
{
	bool same = got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;
	va_list args;

	va_start(args, fmt);
	tap_line(same, file, line, fmt, args);
	va_end(args);
	if (!same)
		printf("#        got: %s\n#   expected: %s\n", got == NULL ? "(null)" : got,
			want == NULL ? "(null)" : want);
	return same;
}

__attribute__((format(printf, 5, 6))) static inline bool
tap_is_int(long long got, long long want, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	tap_line(got == want, file, line, fmt, args);
	va_end(args);
	if (got != want)
		printf("#        got: %lld\n#   expected: %lld\n", got, want);
	return got == want;
}

#define ok(passed, ...) tap_ok(passed, __FILE__, __LINE__, __VA_ARGS__)
#define is_text(got, want, ...) tap_is_text(got, want, __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...) tap_is_int(got, want, __FILE__, __LINE__, __VA_ARGS__)

static inline int
skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}

static inline int
done_testing(void)
{
	printf("1..%d\n", tap_count);
	if (tap_failed > 0)
		printf("# %d of %d failed\n", tap_failed, tap_count);
	return tap_failed > 0;
}

#endif
