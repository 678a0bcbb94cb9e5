/* SPDX-License-Identifier: MIT */
/*
 * rand: a buffer per thread, filled by getrandom(2). Bytes are wiped when they are given out, and a
 * child process throws the buffer of its parent away, so no two callers ever see the same ones.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "base/rand.h"
#include <stonechat/log.h>

#define POOL 256        /* getrandom() does not return fewer bytes than asked for up to this size */

static _Atomic unsigned generation = 1; /* of the process: grows in each child */

static _Thread_local struct {
	unsigned char bytes[POOL];
	size_t left;
	unsigned generation;
} pool;

static void
in_child(void)
{
	generation++;
}

__attribute__((constructor)) static void
watch_fork(void)
{
	pthread_atfork(NULL, NULL, in_child);
}

static void
fill(unsigned char *p, size_t n)
{
	ssize_t got;

	do
		got = getrandom(p, n, 0);
	while (got < 0 && errno == EINTR);
	sc_assert(got == (ssize_t)n);
}

void
rand_bytes(void *out, size_t n)
{
	unsigned char *at = out;
	unsigned now = atomic_load_explicit(&generation, memory_order_relaxed);

	if (pool.generation != now) {
		pool.left = 0;
		pool.generation = now;
	}
	while (n > 0) {
		if (pool.left == 0) {
			fill(pool.bytes, POOL);
			pool.left = POOL;
		}

		size_t part = n < pool.left ? n : pool.left;
		unsigned char *from = pool.bytes + POOL - pool.left;

		memcpy(at, from, part);
		explicit_bzero(from, part);
		pool.left -= part;
		at += part;
		n -= part;
	}
}

uint64_t
rand_u64(void)
{
	uint64_t u;

	rand_bytes(&u, sizeof(u));
	return u;
}

void
rand_token(char out[23])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char raw[16];
	unsigned bits = 0, have = 0;
	char *at = out;

	rand_bytes(raw, sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++) {
		bits = (bits << 8 | raw[i]) & 0xffff;
		for (have += 8; have >= 6; have -= 6)
			*at++ = letters[bits >> (have - 6) & 63];
	}
	*at++ = letters[bits << (6 - have) & 63];
	*at = '\0';
	explicit_bzero(raw, sizeof(raw));
}
