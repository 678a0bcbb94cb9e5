/* SPDX-License-Identifier: MIT */
/* rand: getrandom(2), buffered per thread; the only source of randomness in the tree. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *, size_t);
uint64_t rand_u64(void);
void rand_token(char out[23]);          /* 128 bits in base64url, NUL-terminated */

#endif
