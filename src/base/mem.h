/* SPDX-License-Identifier: MIT */
/* mem: malloc that does not fail. Sizes that a peer chose are checked before they come here. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_new(size_t bytes);                    /* zeroed */
void *mem_grow(void *old, size_t bytes);        /* realloc */
char *mem_text(const char *bytes, size_t n);    /* a copy with a NUL */
_Noreturn void mem_gone(size_t bytes);          /* says so and ends the process */

#endif
