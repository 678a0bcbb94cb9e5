/* SPDX-License-Identifier: MIT */
/* conf_source: see conf_source.h. */
#include "config.h"

#include "plugin/conf_source.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (4u << 20)
#define FILES_MAX 1000
#define DEPTH_MAX 8

/* What the end of a line stands in; an @include inside a string or a comment is none. */
enum inside { IN_CODE, IN_STRING, IN_COMMENT };

struct scan {
	struct conf_source *source;
	int depth;
	char *error;
	size_t error_size;
};

static bool add_file(struct scan *, const char *path, const char *said_at);

static bool SC_PRINTF(2, 3)
refuse(struct scan *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->error, s->error_size, fmt, ap);
	va_end(ap);
	return false;
}

static void
add_line(struct conf_source *source, const char *p, size_t n, int file, int line)
{
	if (source->n_lines == source->lines_room) {
		source->lines_room = source->lines_room ? 2 * source->lines_room : 64;
		source->lines = mem_grow(source->lines,
			(size_t)source->lines_room * sizeof(*source->lines));
	}
	source->lines[source->n_lines++] = (struct conf_line){ file, line };
	buf_add(&source->text, p, n);
	buf_add(&source->text, "\n", 1);
}

static bool
is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		c == '_' || c == '-' || c == '*'
		|| c == '.';
}

/*
 * Appends a line while following strings and comments. A whole number of ten digits or more gets
 * the L that makes libconfig read all of it.
 */
static bool
copy_line(struct scan *s, const char *p, size_t n, int file, int line, enum inside *in)
{
	struct buf out = { 0 };
	bool fits = true;

	for (size_t i = 0; i < n;) {
		size_t len = 1;

		if (*in == IN_STRING) {
			len = p[i] == '\\' && i + 1 < n ? 2 : 1;
			if (p[i] == '"')
				*in = IN_CODE;
		} else if (*in == IN_COMMENT) {
			if (p[i] == '*' && i + 1 < n && p[i + 1] == '/') {
				len = 2;
				*in = IN_CODE;
			}
		} else if (p[i] == '"') {
			*in = IN_STRING;
		} else if (p[i] == '#' || (p[i] == '/' && i + 1 < n && p[i + 1] == '/')) {
			len = n - i;
		} else if (p[i] == '/' && i + 1 < n && p[i + 1] == '*') {
			len = 2;
			*in = IN_COMMENT;
		} else if (is_word(p[i]) || p[i] == '+') {
			size_t digits = 0;

			while (i + len < n && is_word(p[i + len]))
				len++;
			for (size_t k = i + (p[i] == '-' || p[i] == '+'); k < i + len; k++)
				digits = p[k] >= '0' && p[k] <= '9' ? digits + 1 : 100;
			if (digits >= 19 && digits < 100)
				fits = false;
			buf_add(&out, p + i, len);
			if (digits >= 10 && digits < 100)
				buf_add(&out, "L", 1);
			i += len;
			continue;
		}
		buf_add(&out, p + i, len);
		i += len;
	}
	add_line(s->source, out.n ? out.p : "", out.n, file, line);
	buf_free(&out);
	return fits || refuse(s, "%s:%d: that number is too large", s->source->files[file], line);
}

/* The quoted path of an @include line, malloced; NULL: it is another line. */
static char *
include_path(const char *p, size_t n)
{
	static const char word[] = "@include";
	const char *end = p + n;
	const char *quote;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if ((size_t)(end - p) < sizeof(word) || memcmp(p, word, sizeof(word) - 1) != 0)
		return NULL;
	p += sizeof(word) - 1;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p++ != '"')
		return NULL;
	quote = memchr(p, '"', (size_t)(end - p));
	return quote == NULL ? NULL : mem_text(p, (size_t)(quote - p));
}

/* Names are relative to the file that includes; `conf.d/[a-z]*.conf` is allowed and may match
 * nothing. */
static bool
include(struct scan *s, const char *said, int file, int line)
{
	const char *from = s->source->files[file];
	const char *slash = strrchr(from, '/');
	char where[600], path[4096];
	glob_t found;
	bool ok = true;

	snprintf(where, sizeof(where), "%.500s:%d", from, line);
	if (said[0] == '/' || slash == NULL)
		snprintf(path, sizeof(path), "%s", said);
	else
		snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - from), from, said);
	if (strpbrk(said, "*?[") == NULL)
		return add_file(s, path, where);
	if (glob(path, 0, NULL, &found) != 0)
		return true;
	for (size_t i = 0; i < found.gl_pathc && ok; i++)
		ok = add_file(s, found.gl_pathv[i], where);
	globfree(&found);
	return ok;
}

static bool
add_text(struct scan *s, const char *name, struct sc_span text)
{
	struct conf_source *source = s->source;
	enum inside in = IN_CODE;
	const char *p = text.p, *end = text.p + text.n;
	int file = source->n_files++;
	bool ok = true;

	source->files = mem_grow(source->files, (size_t)source->n_files * sizeof(*source->files));
	source->files[file] = mem_text(name, strlen(name));
	for (int line = 1; p < end && ok; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		char *included = in == IN_CODE ? include_path(p, n) : NULL;

		if (memchr(p, '\0', n) != NULL)
			ok = refuse(s, "%s:%d: a zero byte; is this a text file?", name, line);
		else if (included != NULL)
			ok = include(s, included, file, line);
		else
			ok = copy_line(s, p, n, file, line, &in);
		free(included);
		p = nl ? nl + 1 : end;
	}
	/* Without this an open string would swallow what follows the include, and the message would
	 * name another file. */
	if (ok && in != IN_CODE)
		ok = refuse(s, "%s: the file ends inside a %s", name,
			in == IN_STRING ? "string" : "comment");
	return ok;
}

/* A directory opens well and cannot be read; a FIFO would hang us. */
static bool
slurp(struct scan *s, const char *path, const char *said_at, struct buf *into)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = -1;
	const char *sep = said_at ? ": " : "";

	if (fd < 0)
		return refuse(s, "%s%scannot open %s: %s", said_at ? said_at : "", sep, path,
			strerror(errno));
	if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
		close(fd);
		return refuse(s, "%s%s%s is a directory, not a file", said_at ? said_at : "",
			sep, path);
	}
	do {
		buf_reserve(into, 65536);
		got = read(fd, into->p + into->n, 65536);
		if (got > 0)
			into->n += (size_t)got;
	} while (got > 0 && into->n <= FILE_MAX_BYTES);
	close(fd);
	if (got < 0)
		return refuse(s, "%s%scannot read %s: %s", said_at ? said_at : "", sep, path,
			strerror(errno));
	return into->n <= FILE_MAX_BYTES ||
		refuse(s, "%s: larger than 4 MiB; is this a configuration?", path);
}

static bool
add_file(struct scan *s, const char *path, const char *said_at)
{
	struct buf bytes = { 0 };
	bool ok;

	if (s->depth == DEPTH_MAX || s->source->n_files == FILES_MAX)
		return refuse(s, "%s: includes %s, but includes are nested too deeply (a circle?)",
			said_at, path);
	s->depth++;
	ok = slurp(s, path, said_at, &bytes) && add_text(s, path, (struct sc_span){ bytes.p,
		bytes.n });
	s->depth--;
	buf_free(&bytes);
	return ok;
}

bool
conf_source_file(struct conf_source *source, const char *file, char *error, size_t error_size)
{
	struct scan s = { .source = source, .error = error, .error_size = error_size };

	*source = (struct conf_source){ 0 };
	return add_file(&s, file, NULL);
}

bool
conf_source_text(struct conf_source *source, const char *name, struct sc_span text, char *error,
	size_t error_size)
{
	struct scan s = { .source = source, .error = error, .error_size = error_size };

	*source = (struct conf_source){ 0 };
	return add_text(&s, name, text);
}

void
conf_source_free(struct conf_source *source)
{
	for (int i = 0; i < source->n_files; i++)
		free(source->files[i]);
	free(source->files);
	free(source->lines);
	buf_free(&source->text);
	*source = (struct conf_source){ 0 };
}

char *
conf_source_copy(const struct conf_source *source)
{
	return mem_text(source->text.n ? source->text.p : "", source->text.n);
}

void
conf_source_where(const struct conf_source *source, int line, char *out, size_t out_size)
{
	/* The end of the text may be reported one line behind the last. */
	if (line > source->n_lines)
		line = source->n_lines;
	if (line < 1)
		snprintf(out, out_size, "%s", source->n_files ? source->files[0] : "?");
	else
		snprintf(out, out_size, "%s:%d", source->files[source->lines[line - 1].file],
			source->lines[line - 1].line);
}
