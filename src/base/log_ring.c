/* SPDX-License-Identifier: MIT */
/*
 * log_ring: the thread's last lines, debug lines included whatever the level, for a crash
 * report.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define RING_LINES 64
#define RING_BYTES 240          /* a longer line loses its end here */

struct ring {
	unsigned next;
	struct {
		unsigned char n;
		char text[RING_BYTES];
	} line[RING_LINES];
};

static _Thread_local struct ring *ring;

void
log_ring_add(const char *line, size_t n)
{
	if (ring == NULL)
		ring = mem_new(sizeof(*ring));

	unsigned at = ring->next++ % RING_LINES;

	if (n > RING_BYTES - 1)
		n = RING_BYTES - 1;
	memcpy(ring->line[at].text, line, n);
	ring->line[at].text[n] = '\n';
	ring->line[at].n = n + 1;
}

void
log_ring_dump(int fd)
{
	if (ring == NULL)
		return;
	for (unsigned i = 0; i < RING_LINES; i++) {
		unsigned at = (ring->next + i) % RING_LINES;

		if (ring->line[at].n > 0
		    && write(fd, ring->line[at].text, ring->line[at].n) < 0)
			return;
	}
}

void
log_ring_free(void)
{
	free(ring);
	ring = NULL;
}
