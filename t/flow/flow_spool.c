/* SPDX-License-Identifier: MIT */
/* flow_spool: see flow_spool.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "flow_inside.h"
#include "flow_spool.h"
#include "store/rows.h"

extern const struct sc_module sc_module_offline;
static const struct sc_module *const modules[] = { &sc_module_offline, NULL };

static struct row {
	int64_t receiver, sequence, created;
	char *payload, *owed;
	bool acked;
} table[4096];
static int n_rows;

/* One row of a page. */
static struct given {
	int64_t receiver, number, sequence;
	char session[32];
} given[4096];
static int n_given;

enum { SLEEP_COLUMNS = 12 };
static char *sleepers[64][SLEEP_COLUMNS];
static int n_sleepers;

static bool frozen;     /* the server was killed */

/* "1,2,3" */
static bool
next_number(const char **at, int64_t *number)
{
	if (*at == NULL || **at == '\0')
		return false;
	*number = atoll(*at);
	*at += strcspn(*at, ",");
	*at += **at == ',';
	return true;
}

static bool
is_in(const char *list, int64_t number)
{
	int64_t n;

	while (next_number(&list, &n))
		if (n == number)
			return true;
	return false;
}

/* Rows that go back to the caller: each value malloced until the next answer. */
static char *values[4096];
static int n_values;

static void
value(const char *text)
{
	sc_assert(n_values < 4096);
	values[n_values++] = text != NULL ? strdup(text) : NULL;
}

static void
value_int(int64_t n)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", (long long)n);
	value(text);
}

static void
give_values(struct sc_rows *rows, const char *types)
{
	rows_build(rows, types, n_values / (int)strlen(types), (const char *const *)values);
	while (n_values > 0)
		free(values[--n_values]);
}

/* --- spool --- */

static void
answer_count(const char *const *args, struct sc_rows *rows)
{
	int64_t n = 0, b = 0, max = 0;

	for (int i = 0; i < n_rows; i++)
		if (table[i].receiver == atoll(args[0])) {
			n++;
			b += (int64_t)strlen(table[i].payload);
			max = table[i].sequence > max ? table[i].sequence : max;
		}
	value_int(n);
	value_int(b);
	value_int(max);
	give_values(rows, "iii");
}

static void
answer_add(const char *const *args, struct sc_rows *rows)
{
	int at = n_rows;

	(void)rows;
	sc_assert(n_rows < 4096);
	if (frozen)
		return;
	while (at > 0 && table[at - 1].sequence > atoll(args[1])) {
		table[at] = table[at - 1];
		at--;
	}
	table[at] = (struct row){ atoll(args[0]), atoll(args[1]), atoll(args[5]), strdup(args[4]),
		strdup(args[7] != NULL ? args[7] : ""), atoi(args[8]) != 0 };
	n_rows++;
}

static void
answer_page(const char *const *args, struct sc_rows *rows)
{
	int n = 0;

	for (int i = 0; i < n_rows && n < atoi(args[3]); i++) {
		if (table[i].receiver != atoll(args[0]) || table[i].sequence <= atoll(args[1]) ||
		    table[i].acked)
			continue;
		value_int(table[i].sequence);
		value_int(table[i].created);
		value(table[i].payload);
		n++;
	}
	give_values(rows, "iit");
}

static void
row_free(int i)
{
	free(table[i].payload);
	free(table[i].owed);
	n_rows--;
	memmove(&table[i], &table[i + 1], (size_t)(n_rows - i) * sizeof *table);
}

static void
answer_remove(const char *const *args, struct sc_rows *rows)
{
	(void)rows;
	for (int i = n_rows - 1; i >= 0 && !frozen; i--)
		if (table[i].receiver == atoll(args[0]) && is_in(args[1], table[i].sequence))
			row_free(i);
}

static void
answer_orphans(const char *const *args, struct sc_rows *rows)
{
	(void)rows;
	for (int i = n_rows - 1; i >= 0 && !frozen; i--)
		if (table[i].receiver == atoll(args[0]) && table[i].acked &&
		    !is_in(args[1], table[i].sequence))
			row_free(i);
}

static void
answer_noted(const char *const *args, struct sc_rows *rows)
{
	(void)rows;
	for (int i = 0; i < n_rows && !frozen; i++)
		if (table[i].receiver == atoll(args[0]) && table[i].sequence == atoll(args[1])) {
			free(table[i].owed);
			table[i].owed = strdup(args[2]);
			table[i].acked = true;
		}
}

/* --- who was given what --- */

static void
answer_give(const char *const *args, struct sc_rows *rows)
{
	const char *numbers = args[3], *sequences = args[4];
	struct given g = { .receiver = atoll(args[0]) };

	(void)rows;
	snprintf(g.session, sizeof g.session, "%s", args[1]);
	while (!frozen && next_number(&numbers, &g.number) && next_number(&sequences,
	    &g.sequence)) {
		sc_assert(n_given < 4096);
		given[n_given++] = g;
	}
}

static void
answer_give_end(const char *const *args, struct sc_rows *rows)
{
	int kept = 0;

	(void)rows;
	for (int i = 0; i < n_given && !frozen; i++)
		if (given[i].receiver != atoll(args[0]) || strcmp(given[i].session, args[1]) != 0)
			given[kept++] = given[i];
	n_given = frozen ? n_given : kept;
}

static int64_t
number_given(int64_t receiver, int64_t sequence, const char *session)
{
	for (int i = 0; i < n_given; i++)
		if (given[i].receiver == receiver && given[i].sequence == sequence &&
		    strcmp(given[i].session, session) == 0)
			return given[i].number;
	return 0;
}

static int64_t
number_owed(const struct row *r, const char *session)
{
	const char *at = strstr(r->owed, session);

	return at != NULL ? atoll(at + strlen(session) + 1) : 0;
}

static void
answer_had(const char *const *args, struct sc_rows *rows)
{
	for (int i = 0; i < n_rows; i++) {
		int64_t number = number_given(table[i].receiver, table[i].sequence, args[1]);

		number = number != 0 ? number : number_owed(&table[i], args[1]);
		if (table[i].receiver == atoll(args[0]) && number != 0 && number <= atoll(args[2]))
			value_int(table[i].sequence);
	}
	give_values(rows, "i");
}

static void
answer_owed(const char *const *args, struct sc_rows *rows)
{
	for (int i = 0; i < n_rows; i++) {
		char list[512];

		if (table[i].receiver != atoll(args[0]))
			continue;
		snprintf(list, sizeof list, "%s", table[i].owed);
		for (int k = 0; k < n_given; k++)
			if (given[k].receiver == table[i].receiver &&
			    given[k].sequence == table[i].sequence)
				snprintf(list + strlen(list), sizeof list - strlen(list),
					" %s:%lld", given[k].session, (long long)given[k].number);
		if (*list == '\0')
			continue;
		value_int(table[i].sequence);
		value_int(table[i].created);
		value(table[i].payload);
		value_int(table[i].acked);
		value(list);
	}
	give_values(rows, "iitit");
}

/* --- sleeping sessions --- */

static void
sleeper_free(int i)
{
	for (int k = 0; k < SLEEP_COLUMNS; k++)
		free(sleepers[i][k]);
	n_sleepers--;
	memmove(sleepers[i], sleepers[i + 1], (size_t)(n_sleepers - i) * sizeof *sleepers);
}

static void
answer_save(const char *const *args, struct sc_rows *rows)
{
	(void)rows;
	sc_assert(n_sleepers < 63);
	if (frozen)
		return;
	for (int k = 0; k < SLEEP_COLUMNS; k++)
		sleepers[n_sleepers][k] = k < 10 && args[k] != NULL ? strdup(args[k]) : NULL;
	n_sleepers++;
}

static void
answer_delete(const char *const *args, struct sc_rows *rows)
{
	(void)rows;
	for (int i = n_sleepers - 1; i >= 0 && !frozen; i--)
		if (strcmp(sleepers[i][0], args[0]) == 0 && strcmp(sleepers[i][1], args[1]) == 0)
			sleeper_free(i);
}

static void
answer_load(const char *const *args, struct sc_rows *rows)
{
	for (int i = 0; i < n_sleepers; i++)
		for (int k = 1; strcmp(sleepers[i][0], args[0]) == 0 && k < 9; k++)
			value(sleepers[i][k]);
	give_values(rows, "ttiiiitt");
}

static bool
has_sleepers(int64_t account)
{
	for (int i = 0; i < n_sleepers; i++)
		if (atoll(sleepers[i][0]) == account)
			return true;
	return false;
}

/* --- the house --- */

struct flow *
spool_flow(int shards)
{
	static const struct {
		const char *name;
		void (*fn)(const char *const *, struct sc_rows *);
	} all[] = { { "spool_count", answer_count }, { "spool_add", answer_add },
		{ "spool_page", answer_page },
		{ "spool_remove", answer_remove }, { "spool_orphans", answer_orphans },
		{ "spool_noted", answer_noted },
		{ "spool_give", answer_give }, { "spool_give_end", answer_give_end },
		{ "spool_had", answer_had },
		{ "spool_owed", answer_owed }, { "sleep_save", answer_save },
		{ "sleep_delete", answer_delete },
		{ "sleep_load", answer_load } };
	struct flow *f = flow_start(.shards = shards, .modules = modules,
		.conf = "c2s = { require_tls = false; allow_plain_without_tls = true; };");

	flow_has_sleepers = has_sleepers;
	for (size_t i = 0; i < N_ELEMENTS(all); i++)
		answer_with(f, all[i].name, all[i].fn);
	return f;
}

void
spool_kill(struct flow **taken)
{
	bool fine;

	frozen = true;
	fine = flow_over(taken);
	frozen = false;
	if (!fine)
		flow_wrong("what was killed has left something behind");
}

int
spool_rows(void)
{
	return n_rows;
}

const char *
spool_owed(int row)
{
	return table[row].owed;
}

bool
spool_acked(int row)
{
	return table[row].acked;
}

int
spool_sleepers(void)
{
	return n_sleepers;
}

void
spool_clear(void)
{
	while (n_rows > 0)
		row_free(n_rows - 1);
	while (n_sleepers > 0)
		sleeper_free(n_sleepers - 1);
	n_given = 0;
}
