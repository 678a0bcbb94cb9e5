/* SPDX-License-Identifier: MIT */
/*
 * clock: the only source of time. Tests move it (clock_shift), flow tests set it (clock_freeze).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono(void);       /* µs, monotonic, as of the last clock_update() of this thread (or of now when it never ran one) */
int64_t clock_wall(void);       /* µs since 1970, same caching */
void clock_update(void);        /* at the top of each turn */
void clock_shift(int64_t us);   /* test builds: moves both clocks of the whole process forward; atomic */
void clock_freeze(int64_t mono_us, int64_t wall_us);   /* flow tests: from now time stands at this */

#endif
