/* SPDX-License-Identifier: MIT */
/*
 * carbons: what its two files share.
 *	carbons.c       who has switched it on, and making the copies
 *	eligible.c      which messages are copied (XEP-0280 §6.1)
 */
#ifndef CARBONS_CARBONS_H
#define CARBONS_CARBONS_H

#include <stonechat/stonechat.h>

#define NS_CARBONS "urn:xmpp:carbons:2"

enum direction { SENT, RECEIVED };

#define RECENT 32

/* The slot of an account: hashes of (other side, id) of the last messages that were copied, since
 * an error is copied when it answers one of them. */
struct recent {
	uint64_t seen[RECENT];
	uint8_t next;
};

/* Also remembers those that are. */
bool carbons_eligible(struct recent *, const struct sc_stanza *, enum direction);
/* It is worth keeping for a client that is slow to acknowledge. */
bool carbons_worth_keeping(const struct sc_stanza *);

#endif
