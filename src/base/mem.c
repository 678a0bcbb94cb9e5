/* SPDX-License-Identifier: MIT */
/*
 * mem: ends the process when memory for a small object cannot be had. The supervisor starts a new
 * worker; limping on with half-made objects would be worse (design §6).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

void
mem_gone(size_t bytes)
{
	char line[80];
	int n = snprintf(line, sizeof(line), "out of memory: %zu bytes\n", bytes);

	if (write(STDERR_FILENO, line, n) < 0)
		abort();
	abort();
}

void *
mem_new(size_t bytes)
{
	void *p = calloc(1, bytes);

	if (p == NULL)
		mem_gone(bytes);
	return p;
}

void *
mem_grow(void *old, size_t bytes)
{
	void *p = realloc(old, bytes);

	if (p == NULL)
		mem_gone(bytes);
	return p;
}

char *
mem_text(const char *bytes, size_t n)
{
	char *p = mem_grow(NULL, n + 1);

	memcpy(p, bytes, n);
	p[n] = '\0';
	return p;
}
