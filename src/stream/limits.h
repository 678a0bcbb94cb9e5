/* SPDX-License-Identifier: MIT */
/*
 * limits: who tries too often. Two tables of atomics shared by all shards, indexed by a keyed hash:
 * what two keys that collide share is only that both are slowed. No lock, no allocation, nothing to
 * sweep.
 */
#ifndef STREAM_LIMITS_H
#define STREAM_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Unauthenticated connections of one address. False: too many; then nothing was counted. */
bool limits_unauth_enter(const unsigned char address[16], int64_t max);
void limits_unauth_leave(const unsigned char address[16]);

enum limit_kind { LIMIT_ADDRESS, LIMIT_ACCOUNT };
/* A failed login. */
void limits_failed(enum limit_kind, const void *key, size_t n);
/* How long the next attempt has to wait, in ms: 0 while the bucket holds, at most 10000. Slows,
 * never locks out. */
int limits_delay_ms(enum limit_kind, const void *key, size_t n);

#endif
