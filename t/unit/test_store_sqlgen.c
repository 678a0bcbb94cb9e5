/* SPDX-License-Identifier: MIT */
/* sqlgen: what it makes of a good file, and file and line of everything that is wrong with a bad
 * one. */
#include "config.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define HEAD "-- name: one\n-- mode: read\n"

static const struct { const char *what, *sql, *want; } good[] = {
	{ "a read", HEAD "select 1\n", ".mode = SC_STMT_READ" },
	{ "the list", HEAD "select 1\n", "static const struct sc_stmt *const try_it_statements[]" },
	{ "the name", HEAD "select 1\n", "static const struct sc_stmt sql_one" },
	{ "no order", HEAD "select 1\n", ".key = -1," },
	{ "types", "-- name: w\n-- args: i t b I T\n-- mode: write\nselect $1, $2, $3, $4, $5\n",
		".types = \"itbIT\"" },
	{ "the key counts from 0", "-- name: w\n-- args: i t\n-- key: 2\n-- mode: "
		"atomic\nselect $1, $2", ".key = 1," },
	{ "repeatable", "-- name: w\n-- mode: write\n-- repeatable: yes\nselect 1",
		".repeatable = true" },
	{ "not repeatable", "-- name: w\n-- mode: write\nselect 1", ".repeatable = false" },
	{ "a semicolon goes", HEAD "select 1;\n", "\"select 1\\n\"," },
	{ "a semicolon in quotes stays", HEAD "select ';'\n", "\"select ';'\\n\"," },
	{ "quotes and backslashes", HEAD "select \"a\", '\\n'\n",
		"\"select \\\"a\\\", '\\\\n'\\n\"," },
	{ "comments go", "-- About it: all.\n" HEAD "-- why so\nselect 1 -- one\n  -- and\n, 2\n",
		"\"select 1\\n\"\n\t\t\", 2\\n\"" },
	{ "ten parameters", "-- name: w\n-- args: iiiiiiiiii\n-- mode: read\nselect "
		"$1,$2,$3,$4,$5,$6,$7,$8,$9,$10", "iiiiiiiiii" },
	{ "a column called known", HEAD "select known from b\n", "known" },
};

static const struct { const char *what, *sql, *want; } bad[] = {
	{ "no statements", "-- nothing\n", "no statements" },
	{ "SQL before a name", "select 1\n", ":1: SQL before any name" },
	{ "a directive before a name", "-- mode: read\n", ":1: mode: comes before any name" },
	{ "no mode", "-- name: a\nselect 1\n", ":1: mode: must be" },
	{ "a wrong mode", "-- name: a\n-- mode: reed\nselect 1\n", "mode: must be" },
	{ "no SQL", "\n-- name: a\n-- mode: read\n", ":2: no SQL" },
	{ "a name twice", HEAD "select 1\n" HEAD "select 2\n",
		":4: name: \"one\" was used in line 1" },
	{ "a bad name", "-- name: One\n-- mode: read\nselect 1\n", ":1: name:" },
	{ "a type that is none", "-- name: a\n-- args: i x\n-- mode: read\nselect $1, $2\n",
		"args: letters" },
	{ "an unused parameter", "-- name: a\n-- args: i i\n-- mode: read\nselect $1\n",
		"$2 is not used" },
	{ "an undeclared parameter", HEAD "select $1\n", "$1 is used but not declared" },
	{ "a parameter only in quotes", "-- name: a\n-- args: i\n-- mode: read\nselect '$1'\n",
		"$1 is not used" },
	{ "a key out of range", "-- name: a\n-- args: i\n-- key: 2\n-- mode: write\nselect $1\n",
		"key: must be" },
	{ "an array as key", "-- name: a\n-- args: I\n-- key: 1\n-- mode: write\nselect $1\n",
		"key: must be" },
	{ "a key of a read", "-- name: a\n-- args: i\n-- key: 1\n-- mode: read\nselect $1\n",
		"reads have no order" },
	{ "a directive twice", "-- name: a\n-- mode: read\n-- mode: read\nselect 1\n",
		":3: mode: is there twice" },
	{ "a directive after the SQL", "-- name: a\n-- mode: read\nselect 1\n-- args: i\n",
		":4: args: comes after" },
	{ "a misspelt directive", "-- name: a\n-- modus: read\nselect 1\n",
		":2: unknown directive" },
	{ "repeatable: maybe", "-- name: a\n-- mode: write\n-- repeatable: maybe\nselect 1\n",
		"repeatable: must be" },
	{ "two statements", HEAD "select 1;\nselect 2\n", ":4: text after the semicolon" },
	{ "two in a line", HEAD "select 1; select 2\n", ":3: one statement" },
	{ "the database's time", HEAD "select now()\n", ":3: time is a parameter" },
	{ "the database's date", HEAD "select Current_Timestamp\n", ":3: time is a parameter" },
};

static char dir[] = "/tmp/sqlgen-test.XXXXXX";
static char out[65536];

static int
run(const char *sql)
{
	const char *source = getenv("STONECHAT_SOURCE");
	char command[1024], path[64];
	FILE *file;
	size_t n;
	int status;

	snprintf(path, sizeof path, "%s/try-it.sql", dir);
	file = fopen(path, "w");
	if (!file)
		return -1;
	fputs(sql, file);
	fclose(file);
	snprintf(command, sizeof command, "sh '%s/src/store/sqlgen' %s 2>&1",
		source ? source : ".", path);
	file = popen(command, "r");
	n = fread(out, 1, sizeof out - 1, file);
	out[n] = '\0';
	status = pclose(file);
	unlink(path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
main(void)
{
	if (!mkdtemp(dir))
		return 1;
	for (size_t i = 0; i < N_ELEMENTS(good); i++) {
		int status = run(good[i].sql);

		if (!ok(status == 0 && strstr(out, good[i].want), "%s", good[i].what))
			printf("# %s\n", out);
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		int status = run(bad[i].sql);

		if (!ok(status == 1 && strstr(out, bad[i].want) && strstr(out, "try-it.sql:"),
		    "refused: %s", bad[i].what))
			printf("# %d %s\n", status, out);
	}
	rmdir(dir);
	return done_testing();
}
