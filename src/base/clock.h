/* SPDX-License-Identifier: MIT */
/*
 * clock: the only source of time. Tests move it (clock_shift), flow tests set it (clock_freeze).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* µs, as of the thread's last clock_update(), or of now when it never ran one. */
int64_t clock_mono(void);       /* monotonic */
int64_t clock_wall(void);       /* since 1970 */
void clock_update(void);        /* at the top of each turn */
void clock_shift(int64_t us);   /* test builds: moves both clocks of the whole process forward */
void clock_freeze(int64_t mono_us, int64_t wall_us);    /* flow tests: time stands at this */

#endif
