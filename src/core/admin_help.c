/* SPDX-License-Identifier: MIT */
/* admin_help: `help`, from the table of commands, so that there is one definition. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "core/admin_inside.h"

static int
by_words(const void *a, const void *b)
{
	const struct admin_row *const *x = a, *const *y = b;

	return strcmp((*x)->row.words, (*y)->row.words);
}

static bool
begins(const char *row, const char *words)
{
	size_t n = strlen(words);

	return strncmp(row, words, n) == 0 && (row[n] == '\0' || row[n] == ' ' || n == 0);
}

static void
help(struct sc_command *c)
{
	struct sc_arena *a = sc_command_arena(c);
	const struct admin_row **sorted = sc_alloc(a, (size_t)admin_rows() * sizeof(*sorted));
	const char *wanted = "";
	int n = 0;

	for (int i = 0; i < sc_command_argc(c); i++)
		wanted = sc_format(a, "%s%s%s", wanted, i ? " " : "", sc_command_arg(c, i));
	for (int i = 0; i < admin_rows(); i++)
		if (begins(admin_row_at(i)->row.words, wanted))
			sorted[n++] = admin_row_at(i);
	if (n == 0) {
		sc_command_fail(&c, sc_format(a, "there is no command `%s'; `help' lists all",
			wanted));
		return;
	}
	qsort(sorted, (size_t)n, sizeof(*sorted), by_words);
	sc_command_columns(c, (const char *const[]){ "command", "what it does", NULL });
	for (int i = 0; i < n; i++) {
		const struct sc_command_row *row = &sorted[i]->row;

		sc_command_row(c, (const char *const[]){ sc_format(a, "%s%s%s", row->words,
			row->args && row->args[0] ? " " : "",
			row->args ? row->args : ""), row->help });
	}
	sc_command_done(&c);
}

const struct sc_command_row admin_help_rows[] = {
	{ .words = "help", .args = "[COMMAND]", .help = "Lists the commands, or those that "
		"begin so.", .where = SC_ON_ANY,
		.max_args = 4, .fn = help },
	{ .words = NULL }
};
