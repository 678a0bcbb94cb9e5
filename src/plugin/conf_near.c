/* SPDX-License-Identifier: MIT */
/* conf_near: see conf_near.h. */
#include "config.h"

#include "plugin/conf_near.h"

#include <string.h>

#define WORD_MAX 64

/* Letters to insert, remove, replace or swap with their neighbour (optimal string alignment). */
static int
distance(const char *a, const char *b)
{
	int row[3][WORD_MAX + 1];
	int *before = row[0], *last = row[1], *now = row[2];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		last[j] = (int)j;
	memcpy(before, last, sizeof(row[0]));
	for (size_t i = 1; i <= la; i++) {
		int *free_row = before;

		now[0] = (int)i;
		for (size_t j = 1; j <= lb; j++) {
			int best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = last;
		last = now;
		now = free_row;
	}
	return last[lb];
}

void
conf_near_try(struct conf_near *near, const char *candidate)
{
	int d = distance(near->wanted, candidate);
	int allowed = 1 + (int)strlen(near->wanted) / 4;

	if (d > allowed || (near->best != NULL && d >= near->distance))
		return;
	near->best = candidate;
	near->distance = d;
}

const char *
conf_near_text(struct sc_arena *a, const struct conf_near *near)
{
	return near->best == NULL ? "" : sc_format(a, "; did you mean `%s'?", near->best);
}
