/* SPDX-License-Identifier: MIT */
/*
 * log_format: printf for log lines. A text that comes from elsewhere (%s) must not be able to end
 * its value and begin another key: inside quotes, quotes and backslashes are escaped; without
 * quotes, a value with a blank, a quote or nothing in it gets some. Control characters become \xNN,
 * so that nobody begins a line of his own or talks to the reader's terminal.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "base/log.h"

#define SPEC_MAX 24

static const char hex[] = "0123456789abcdef";

/* Appends as much as fits of one piece; a piece is never cut in its middle. */
static void
put(struct log_out *o, const char *piece, size_t n)
{
	if (n < o->room - o->n) {
		memcpy(o->p + o->n, piece, n);
		o->n += n;
	} else {
		o->room = o->n;         /* nothing shorter may follow what was left out */
	}
}

/* C1 controls are two bytes in UTF-8: the first is escaped, and what is left is no character. */
static bool
is_control(const unsigned char *c, size_t left)
{
	return *c < 0x20 || *c == 0x7f || (*c == 0xc2 && left > 1 && c[1] >= 0x80 && c[1] < 0xa0);
}

static void
put_escaped(struct log_out *o, const char *text, size_t n, bool quoted)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (is_control((const unsigned char *)text + i, n - i))
			put(o, (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
		else if (quoted && (c == '"' || c == '\\'))
			put(o, (char[]){ '\\', (char)c }, 2);
		else
			put(o, text + i, 1);
	}
}

static bool
needs_quotes(const char *text, size_t n)
{
	return n == 0 || memchr(text, ' ', n) != NULL || memchr(text, '"', n) != NULL;
}

/* A value that stands in no quotes so far. */
static void
put_bare(struct log_out *o, const char *text, size_t n)
{
	bool quotes = needs_quotes(text, n);

	if (quotes)
		put(o, "\"", 1);
	put_escaped(o, text, n, quotes);
	if (quotes)
		put(o, "\"", 1);
}

void
log_put_pair(struct log_out *o, const char *key, const char *value)
{
	put(o, " ", 1);
	put(o, key, strlen(key));
	put(o, "=", 1);
	put_bare(o, value, strlen(value));
}

void
log_put(struct log_out *o, const char *text)
{
	put(o, text, strlen(text));
}

/* One conversion with its flags and length: the argument is fetched by its type. */
static void
put_number(struct log_out *o, const char *spec, size_t n, va_list *args)
{
	char one[SPEC_MAX + 2], out[64];
	bool wide = n >= 3 && spec[n - 2] == 'l' && spec[n - 3] == 'l';
	char length = n >= 2 ? spec[n - 2] : '\0';

	memcpy(one, spec, n);
	one[n] = '\0';
	if (spec[n - 1] == 'f' || spec[n - 1] == 'g')
		snprintf(out, sizeof(out), one, va_arg(*args, double));
	else if (spec[n - 1] == 'p')
		snprintf(out, sizeof(out), one, va_arg(*args, void *));
	else if (wide)
		snprintf(out, sizeof(out), one, va_arg(*args, long long));
	else if (length == 'l' || length == 'z' || length == 'j' || length == 't')
		snprintf(out, sizeof(out), one, va_arg(*args, long));
	else
		snprintf(out, sizeof(out), one, va_arg(*args, int));
	put(o, out, strlen(out));
}

/* "%s", "%.10s", "%.*s" */
static void
put_text(struct log_out *o, const char *spec, size_t n, bool quoted, bool alone, va_list *args)
{
	const char *dot = memchr(spec, '.', n), *text;
	size_t most = SIZE_MAX;

	if (dot != NULL && dot[1] == '*') {
		int given = va_arg(*args, int);

		most = given < 0 ? SIZE_MAX : (size_t)given;
	} else if (dot != NULL) {
		most = 0;
		for (const char *p = dot + 1; *p >= '0' && *p <= '9'; p++)
			most = most * 10 + (size_t)(*p - '0');
	}
	text = va_arg(*args, const char *);
	if (text == NULL)
		text = "-";
	if (quoted || !alone)
		put_escaped(o, text, strnlen(text, most), true);
	else
		put_bare(o, text, strnlen(text, most));
}

void
log_format(struct log_out *o, const char *fmt, va_list *args)
{
	bool quoted = false;

	for (const char *p = fmt; *p != '\0'; p++) {
		size_t n;

		if (*p != '%' || p[1] == '%') {
			quoted = quoted != (*p == '"');
			put(o, p, 1);
			p += *p == '%';
			continue;
		}
		n = strcspn(p + 1, "diuxXocsfgp") + 2;
		sc_assert(n <= SPEC_MAX && n < strlen(p) + 1);
		if (p[n - 1] == 's')
			put_text(o, p, n, quoted, p > fmt && p[-1] == '=' && (p[n] == '\0' ||
				p[n] == ' '), args);
		else
			put_number(o, p, n, args);
		p += n - 1;
	}
}
