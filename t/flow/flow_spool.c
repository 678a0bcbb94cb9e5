/* SPDX-License-Identifier: MIT */
/* flow_spool: see flow_spool.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "flow_spool.h"
#include "store/rows.h"

extern const struct sc_module sc_module_offline;
static const struct sc_module *const modules[] = { &sc_module_offline, NULL };

static struct row {
	int64_t receiver, sequence, created;
	char *payload;
} table[4096];
static int n_rows;

static void
answer_count(const char *const *args, struct sc_rows *rows)
{
	char count[32], bytes[32], last[32];
	int64_t n = 0, b = 0, max = 0;

	for (int i = 0; i < n_rows; i++)
		if (table[i].receiver == atoll(args[0])) {
			n++;
			b += (int64_t)strlen(table[i].payload);
			max = table[i].sequence > max ? table[i].sequence : max;
		}
	snprintf(count, sizeof count, "%lld", (long long)n);
	snprintf(bytes, sizeof bytes, "%lld", (long long)b);
	snprintf(last, sizeof last, "%lld", (long long)max);
	rows_build(rows, "iii", 1, (const char *const[]){ count, bytes, last });
}

static void
answer_add(const char *const *args, struct sc_rows *rows)
{
	int at = n_rows;

	(void)rows;
	sc_assert(n_rows < 4096);
	while (at > 0 && table[at - 1].sequence > atoll(args[1])) {
		table[at] = table[at - 1];
		at--;
	}
	table[at] = (struct row){ atoll(args[0]), atoll(args[1]), atoll(args[5]), strdup(args[4]) };
	n_rows++;
}

static void
answer_page(const char *const *args, struct sc_rows *rows)
{
	static char numbers[64][2][32];
	const char *values[64 * 3];
	int n = 0;

	for (int i = 0; i < n_rows && n < atoi(args[3]) && n < 64; i++) {
		if (table[i].receiver != atoll(args[0]) || table[i].sequence <= atoll(args[1]))
			continue;
		snprintf(numbers[n][0], 32, "%lld", (long long)table[i].sequence);
		snprintf(numbers[n][1], 32, "%lld", (long long)table[i].created);
		values[3 * n] = numbers[n][0];
		values[3 * n + 1] = numbers[n][1];
		values[3 * n + 2] = table[i].payload;
		n++;
	}
	rows_build(rows, "iit", n, values);
}

static void
answer_remove(const char *const *args, struct sc_rows *rows)
{
	(void)rows;
	for (const char *at = args[1]; at != NULL && *at != '\0'; at += strcspn(at, ",") +
	    (at[strcspn(at, ",")] == ','))
		for (int i = 0; i < n_rows; i++)
			if (table[i].receiver == atoll(args[0]) && table[i].sequence == atoll(at)) {
				free(table[i].payload);
				n_rows--;
				memmove(&table[i], &table[i + 1],
					(size_t)(n_rows - i) * sizeof *table);
				break;
			}
}

struct flow *
spool_flow(int shards)
{
	struct flow *f = flow_start(.shards = shards, .modules = modules);

	answer_with(f, "spool_count", answer_count);
	answer_with(f, "spool_add", answer_add);
	answer_with(f, "spool_page", answer_page);
	answer_with(f, "spool_remove", answer_remove);
	return f;
}

int
spool_rows(void)
{
	return n_rows;
}

void
spool_clear(void)
{
	while (n_rows > 0)
		free(table[--n_rows].payload);
}
