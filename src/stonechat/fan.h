/* SPDX-License-Identifier: MIT */
/*
 * fan: copies of one stanza for many (design §4 Fan-out). A room keeps a fan of the sessions that
 * are in it. A copy for all costs the room one pointer per shard; each shard serves its own
 * recipients from the same bytes, in slices, and looks after those who are gone.
 *
 * What is sent by one fan, to all or to one, arrives at each recipient in the order of the calls;
 * and in order with sc_send() of the same entity, unless recipients on one shard are so many that
 * they are served in several turns.
 *
 * Copies pass `to_session` hooks only: whoever is in a fan has asked for what comes from it.
 */
#ifndef STONECHAT_FAN_H
#define STONECHAT_FAN_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

struct sc_fan;

/* Called on the home of the entity, later. */
struct sc_fan_calls {
	/* A copy found no session. Once per recipient, which is still in the fan. May be NULL. */
	void (*lost)(struct sc_entity *, const struct sc_jid *to);
	/* The recipient has everything up to this mark: its client has acknowledged it (XEP-0198),
	 * or without that the kernel has the bytes; for one on another server: it was handed over.
	 * Marks rise; several are told as one, after half a second at the latest, also for a
	 * recipient that was taken out. May be NULL. */
	void (*marked)(struct sc_entity *, const struct sc_jid *to, int64_t mark);
};

/* yours; calls must stay */
struct sc_fan *sc_fan_new(struct sc_entity *, const struct sc_fan_calls *lent);
/* at the latest in the fini of the entity's slot; NULL inside is fine */
void sc_fan_free(struct sc_fan **taken);

/* classes: bits of the module's own, to choose by. group: whose recipient it is (an occupant with
 * several sessions); not 0. Returns the recipient's number in this fan. */
uint32_t sc_fan_add(struct sc_fan *, const struct sc_jid *full, unsigned classes, uint32_t group);
void sc_fan_classify(struct sc_fan *, uint32_t number, unsigned classes);
void sc_fan_remove(struct sc_fan *, uint32_t number);
int sc_fan_count(const struct sc_fan *);

struct sc_fan_who {
	unsigned classes;               /* those with one of these bits */
	uint32_t except;                /* but not this group; 0: all */
};
/* mark: told by `marked`; 0: nobody asks. */
void sc_fan_send(struct sc_fan *, const struct sc_stanza *sealed, struct sc_fan_who, int64_t mark);
void sc_fan_send_one(struct sc_fan *, uint32_t number, const struct sc_stanza *sealed,
	int64_t mark);

/* Whoever makes much at once does it in slices: this shard has posted more than others have taken
 * (mailbox_high), so make no more now. fn is called once when that is over; at once in the next
 * turn if it is not so. */
bool sc_choked(void);
void sc_when_clear(void (*fn)(void *arg), void *arg);

#pragma GCC visibility pop

#endif
