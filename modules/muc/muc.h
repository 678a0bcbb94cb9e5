/* SPDX-License-Identifier: MIT */
/* muc: what the files of the core of this module ask of each other; room.h has what all do. */
#ifndef MUC_MUC_H
#define MUC_MUC_H

#include "muc/room.h"

/* muc.c */
struct muc_counters {
	const struct sc_counter *joins, *refused, *messages, *refused_messages, *kicked_errors;
	const struct sc_counter *private_messages, *rate, *history, *missed, *log_failed;
	const struct sc_counter *rooms_made, *quota, *presences;
};
extern const struct muc_counters muc_counters;
struct muc_shard {
	struct room *rooms;             /* in memory here */
};
struct muc_shard *muc_shard(void);

/* store.c */
enum sc_verdict room_load(struct sc_ctx *, struct sc_entity *);

/* room.c */
const struct sc_jid *jid_keep(const struct sc_jid *);   /* malloced, in one piece: free() it */
void room_pin(struct room *, bool on);
void room_fini(void *slot);
void room_drop_all(struct room *);      /* the shard ends: nobody is told */
void occupant_free(struct occupant *);
struct occupant *occupant_new(struct room *, const struct sc_jid *in_room,
	const struct sc_jid *user);
struct seat *seat_new(struct occupant *, const struct sc_jid *full);
void seat_free(struct seat *);          /* also from the fan and the map */

/* enter.c */
/* Whoever waits for the end of CREATING or ENDING looks again. */
void room_wake(struct room *);

/* arrive.c: what a newcomer is sent, in slices: others' presence, their own, history, subject. */
struct arrival {
	bool asked;                     /* there was a <history/> */
	int64_t max_chars, max_stanzas; /* INT64_MAX: not said */
	int64_t since;                  /* wall µs; 0: not said */
	/* A member who said nothing gets what was missed. Of that, what is not in memory any more
	 * was read from the log: payloads, oldest first; malloced. */
	int64_t missed_after;           /* INT64_MAX: no member */
	struct missed { int64_t at; char *payload; } *missed;
	int n_missed;
};
void arrival_free(struct arrival *);
/* Takes the arrival. show: of the self-presence, of which `id` is the id. */
void arrive(struct seat *, struct arrival *taken, const struct show *, const char *id);
void arrive_forget(struct seat *);      /* it is gone meanwhile */
/* A copy for all: those who are still arriving get it afterwards. */
void arrive_later(struct room *, const struct sc_stanza *sealed, unsigned classes,
	uint32_t except, int64_t mark);

/* ghosts.c: an error that says that the sender of it is gone; removes it. */
bool ghost_error(struct room *, const struct sc_stanza *);

/* history.c: the last messages, ready to be sent with their delay. */
/* as loaded, oldest first */
void history_put(struct room *, int64_t at, struct sc_span payload);
/* Sends what the newcomer asked for, of what came up to `until`; returns how many. */
int history_send(struct seat *, const struct arrival *, int64_t until);
/* All that was said after this moment is in memory. */
bool history_covers(const struct room *, int64_t after);

/* subject.c */
void subject_put(struct room *, struct sc_span payload, int64_t at);    /* as loaded */
bool subject_is_change(const struct sc_stanza *);
enum sc_verdict subject_in(struct sc_ctx *, struct room *, struct occupant *, struct sc_stanza *);
void subject_send(struct seat *);

/* message.c */
/* As it is sent to all, but for the stanza-id: from the occupant, without `to` and what others may
 * not say. */
void message_dress(const struct room *, const struct occupant *, struct sc_stanza *);
/* Without what only the room may say; for messages and presence. */
void strip_ours(const struct room *, struct sc_stanza *);

/* marks.c */
void marks_moved(struct sc_entity *, const struct sc_jid *, int64_t mark);      /* of the fan */
void marks_save(struct room *);
/* The member now has everything. */
void marks_has_all(struct room *, struct member *);

/* rate.c: false: too many, too fast. */
bool rate_allows(struct occupant *);

/* private.c */
void private_forget(struct room *);

#endif
