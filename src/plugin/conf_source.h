/* SPDX-License-Identifier: MIT */
/*
 * conf_source: the text of a configuration with its includes put in, and where each line came from.
 * libconfig could include by itself, but its scanner ends the process when an include cannot be
 * read, resolves names against the working directory, and cuts whole numbers to 32 bits without a
 * word. It gets one text from here instead.
 */
#ifndef PLUGIN_CONF_SOURCE_H
#define PLUGIN_CONF_SOURCE_H

#include "base/buf.h"

struct conf_source {
	struct buf text;
	char **files;                   /* as they are named in messages */
	int n_files;
	struct conf_line {
		int file, line;
	} *lines;                       /* one for each line of text */
	int n_lines, lines_room;
};

/* Both: false with a sentence, and then the source still has to be freed. */
bool conf_source_file(struct conf_source *, const char *file, char *error,
	size_t error_size) SC_MUST_CHECK;
bool conf_source_text(struct conf_source *, const char *name, struct sc_span text, char *error,
	size_t error_size) SC_MUST_CHECK;
void conf_source_free(struct conf_source *);
/* the whole text with a zero at its end, malloced */
char *conf_source_copy(const struct conf_source *);
/* "FILE:LINE" of a line of the whole text, counted from 1. */
void conf_source_where(const struct conf_source *, int line, char *out, size_t out_size);

#endif
