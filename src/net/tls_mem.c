/* SPDX-License-Identifier: MIT */
/*
 * tls_mem: where OpenSSL's big buffers live. A handshake holds two of 16 to 22 KiB (input,
 * message) and two of 4 KiB until the peer has answered. On the heap those of thousands of
 * handshakes at once leave holes between the sessions that stay, which glibc does not give back:
 * after a login storm a connection weighed 50 KiB instead of 15 (measured with 3,000). So they
 * come from ranges of their own, in blocks of one size each; what a thread does not keep for the
 * next record goes back to the kernel.
 *
 * Blocks are told from the heap's by their address alone, so nothing else gets a header. If a
 * range cannot be had, or OpenSSL was used before us, everything is on the heap as usual.
 */
#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <openssl/crypto.h>
#include "net/tls_inside.h"

#define BLOCKS (1U << 20)       /* of each size: addresses only, memory where touched */
#define KEEP 32                 /* a thread, of each size */
#define SIZES 2

/* The address checker wants to see each allocation. */
#ifdef __SANITIZE_ADDRESS__
#define ON_THE_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ON_THE_HEAP 1
#endif
#endif
#ifndef ON_THE_HEAP
#define ON_THE_HEAP 0
#endif

/* All blocks of one size. */
struct range {
	size_t smallest, size;          /* wishes served; whole pages */
	char *start, *end;
	/* numbers of blocks that were used before and hold no memory */
	uint32_t *returned;
	uint32_t returned_n, fresh;
	pthread_mutex_t lock;
};

static struct range ranges[SIZES] = {
	{ .smallest = 3072, .size = 4096, .lock = PTHREAD_MUTEX_INITIALIZER },
	{ .smallest = 12288, .size = 24576, .lock = PTHREAD_MUTEX_INITIALIZER },
};
static bool in_use;

struct kept {
	void *block[KEEP];
	int n;
};

static _Thread_local struct kept kept[SIZES];

static int
range_for(size_t n)
{
	for (int i = 0; in_use && i < SIZES; i++)
		if (n >= ranges[i].smallest && n <= ranges[i].size)
			return i;
	return -1;
}

static int
range_of(const void *p)
{
	for (int i = 0; i < SIZES; i++)
		if ((const char *)p >= ranges[i].start && (const char *)p < ranges[i].end)
			return i;
	return -1;
}

static void *
take_block(int i)
{
	struct range *range = &ranges[i];
	uint32_t number = BLOCKS;

	if (kept[i].n > 0)
		return kept[i].block[--kept[i].n];
	pthread_mutex_lock(&range->lock);
	if (range->returned_n > 0)
		number = range->returned[--range->returned_n];
	else if (range->fresh < BLOCKS)
		number = range->fresh++;
	pthread_mutex_unlock(&range->lock);
	return number == BLOCKS ? NULL : range->start + number * range->size;
}

static void
give_block(int i, void *p)
{
	struct range *range = &ranges[i];

	if (kept[i].n < KEEP) {
		kept[i].block[kept[i].n++] = p;
		return;
	}
	madvise(p, range->size, MADV_DONTNEED);
	pthread_mutex_lock(&range->lock);
	range->returned[range->returned_n++] =
		(uint32_t)((size_t)((char *)p - range->start) / range->size);
	pthread_mutex_unlock(&range->lock);
}

static void *
mem_malloc(size_t n, const char *file, int line)
{
	int i = range_for(n);
	void *p = i < 0 ? NULL : take_block(i);

	(void)file, (void)line;
	return p != NULL ? p : malloc(n);
}

static void
mem_free(void *p, const char *file, int line)
{
	int i = range_of(p);

	(void)file, (void)line;
	if (i < 0)
		free(p);
	else
		give_block(i, p);
}

static void *
mem_realloc(void *old, size_t n, const char *file, int line)
{
	int i = range_of(old);
	void *p;

	if (old == NULL)
		return mem_malloc(n, file, line);
	if (i < 0)
		return realloc(old, n);
	if (n > 0 && n <= ranges[i].size)
		return old;
	p = n == 0 ? NULL : mem_malloc(n, file, line);
	if (p != NULL)
		memcpy(p, old, ranges[i].size);
	if (p != NULL || n == 0)
		give_block(i, old);
	return p;
}

static void *
reserve(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		-1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, n, MADV_NOHUGEPAGE);         /* else 2 MiB stay for one block */
	madvise(p, n, MADV_DONTDUMP);           /* what people write has no place in a core file */
	return p;
}

static bool
reserve_range(struct range *range)
{
	range->start = reserve(BLOCKS * range->size);
	range->returned = reserve(BLOCKS * sizeof(*range->returned));
	if (range->start == NULL || range->returned == NULL)
		return false;
	range->end = range->start + BLOCKS * range->size;
	return true;
}

/* Before main(): OpenSSL takes other functions only until its first allocation, whoever makes
 * that. */
__attribute__((constructor)) static void
tls_mem_start(void)
{
	bool good = !ON_THE_HEAP;

	for (int i = 0; i < SIZES && good; i++)
		good = reserve_range(&ranges[i]);
	in_use = good && CRYPTO_set_mem_functions(mem_malloc, mem_realloc, mem_free) == 1;
}

int
tls_mem_blocks(void)
{
	int n = 0;

	for (int i = 0; i < SIZES; i++) {
		pthread_mutex_lock(&ranges[i].lock);
		n += (int)(ranges[i].fresh - ranges[i].returned_n);
		pthread_mutex_unlock(&ranges[i].lock);
	}
	return n;
}
