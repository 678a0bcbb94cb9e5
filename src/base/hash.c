/* SPDX-License-Identifier: MIT */
/* hash: SipHash-1-3 (Aumasson, Bernstein), folded to 32 bits. */
#include "config.h"

#include <string.h>

#include "base/rand.h"
#include "base/table.h"

struct sip {
	uint64_t a, b, c, d;
};

static inline uint64_t
turn_left(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void
sip_round(struct sip *s)
{
	s->a += s->b;
	s->b = turn_left(s->b, 13) ^ s->a;
	s->a = turn_left(s->a, 32);
	s->c += s->d;
	s->d = turn_left(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = turn_left(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = turn_left(s->b, 17) ^ s->c;
	s->c = turn_left(s->c, 32);
}

static inline void
sip_word(struct sip *s, uint64_t word)
{
	s->d ^= word;
	sip_round(s);
	s->a ^= word;
}

static uint32_t
sip_1_3(const void *bytes, size_t n, uint64_t k0, uint64_t k1)
{
	const unsigned char *at = bytes;
	struct sip s = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
	uint64_t last = (uint64_t)n << 56, word;

	for (; n >= 8; n -= 8, at += 8) {
		memcpy(&word, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		word = __builtin_bswap64(word);         /* hash_stable() is the same everywhere */
#endif
		sip_word(&s, word);
	}
	for (size_t i = 0; i < n; i++)
		last |= (uint64_t)at[i] << (8 * i);
	sip_word(&s, last);
	s.c ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);

	uint64_t h = s.a ^ s.b ^ s.c ^ s.d;

	return (uint32_t)(h ^ h >> 32);
}

static uint64_t key[2];

/* Before main() and so before any thread: the key is constant afterwards, in children of fork()
 * too. */
__attribute__((constructor)) static void
make_key(void)
{
	rand_bytes(key, sizeof(key));
}

uint32_t
hash_bytes(const void *bytes, size_t n)
{
	return sip_1_3(bytes, n, key[0], key[1]);
}

uint32_t
hash_stable(const void *bytes, size_t n)
{
	return sip_1_3(bytes, n, 0x53746f6e65636861, 0x7420686f6d652e31);
}
