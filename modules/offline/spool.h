/* SPDX-License-Identifier: MIT */
/*
 * spool: what an account's home knows about its messages in the database, and who does what with
 * them:
 *	worth.c         which messages are worth storing at all
 *	keep.c          storing one: quota, sequence, insert; or holding it while a drain ends
 *	owed.c          rows for what sessions are slow to acknowledge (XEP-0198)
 *	drain.c         giving the stored ones to a session, in order, in windows
 *	rows.c          rows on their way out: given to a session, then safe, then deleted
 *	given.c         writing down under which number a session gets a row
 *	resume.c        what sessions get back after a restart, or have already
 *	expire.c        the sweep of old rows
 *	commands.c      spool show, spool purge
 * Everything here runs on the home of the account.
 */
#ifndef OFFLINE_SPOOL_H
#define OFFLINE_SPOOL_H

#include <stonechat/stonechat.h>

struct offline_conf {
	int64_t max_messages, max_bytes;
	int64_t expiry;                 /* ms */
};

/* The generated header is included by offline.c alone: each inclusion makes new statements. */
struct spool_sql {
	const struct sc_stmt *count, *add, *page, *remove, *had, *noted, *orphans, *set_aside;
	const struct sc_stmt *owed, *give, *give_end, *give_expire, *distrust;
	const struct sc_stmt *purge, *expire, *list;
};
extern const struct spool_sql spool_sql;
extern const struct sc_module sc_module_offline;

struct drain;
struct row;
struct held;
struct job;

/* The slot of an account. */
struct spool {
	struct sc_entity *account;
	/* Rows in the database or on their way into it. Too high at worst (the sweep does not
	 * tell), so it is asked again before somebody is refused. */
	int64_t count, bytes;
	int64_t counted_at;             /* sc_mono(); 0: never, and all the counts say nothing */
	unsigned counted_purges;        /* the shard's `purges` at that time */
	int64_t last;                   /* the greatest sequence given out by the clock, or found */
	int64_t last_owed;              /* the greatest given out for owed.c */
	int64_t floor;                  /* the greatest that was there at the first count */
	int under_way;                  /* entered keep.c, neither committed nor refused yet */
	/* of them, those that belong before what is stored already */
	int in_their_place;
	unsigned commits;               /* how many were committed; wraps */
	bool nothing_left;              /* no row is in the database but those in `rows` */
	int writing;                    /* rows of owed.c on their way into the database */
	bool will_look, will_watch, will_delete;        /* timers are set */
	/* what a former process left that nobody waits for is gone */
	bool swept;
	bool will_probe;                /* the database was away: no drain until it answers */
	struct drain *drain;            /* NULL: nobody is being served */
	struct row *rows;               /* with a session, or safe and not yet deleted; sorted */
	int n_owed, n_safe;             /* of `rows` */
	struct job *jobs;               /* of owed.c, waiting for the count */
	struct held *held, **held_end;  /* messages that wait for the end of the drain */
};

struct spool *spool_of(struct sc_entity *account);

/* The slot of a session. */
struct spool_session {
	bool given;                     /* given.c has written something down for it */
};

struct spool_session *spool_session(struct sc_session *);

/* SASL ANONYMOUS: nobody will ever come back for what is stored. */
static inline bool
is_nobodys(const struct spool *s)
{
	return sc_entity_id(s->account) < 0;
}

/* The slot of a shard. */
struct spool_shard {
	unsigned purges;                /* administrators deleted rows behind the accounts' backs */
};

struct spool_shard *spool_shard(void);

/* worth.c */
enum worth {
	WORTH_STORING,
	WORTH_AN_ERROR,                 /* its sender does not want it stored */
	WORTH_NOTHING,                  /* chat states alone */
};
enum worth worth_of(const struct sc_stanza *);

/* keep.c */
enum sc_verdict keep(struct sc_ctx *);
void keep_set_count(struct spool *, const struct sc_rows *);    /* of spool_sql.count */
bool keep_count_is_good(const struct spool *);
bool keep_is_full(const struct spool *, size_t bytes);          /* with so many bytes more */
/* A sequence for a message that came then. In the order of the calls, and below what came later. */
int64_t keep_sequence_since(struct spool *, int64_t since);
/* Counts and inserts a row that no stanza waits for. owed: to whom it was written
 * (sc_owed_list). */
void keep_add(struct spool *, int64_t sequence, const struct sc_stanza *, struct sc_span payload,
	int64_t created, const char *owed, bool acked,
	void (*done)(void *arg, const struct sc_rows *), void *arg);
void keep_release_held(struct spool *);         /* messages that were held are looked at again */

/* drain.c */
/* Begins one when there is something and somebody to take it. */
void drain_look(struct spool *);
/* A session that came over a restart sleeps: what is stored is for it, and newer messages stay
 * behind. */
void drain_wait_for(struct spool *, struct sc_session *);
/* The session has room again, or nothing is under way any more. */
void drain_go_on(struct spool *);
/* A session has fallen asleep. */
void drain_pause(struct spool *);
/* This session takes no more. */
void drain_stop(struct spool *, const struct sc_session *);
/* New messages had better wait for the end than be stored. */
bool drain_near_end(const struct spool *);
/* So it seemed. */
void drain_takes_long(struct spool *);
void drain_row_came_back(struct spool *, int64_t sequence);
/* A row was stored before others; or not, after all. Nothing is given out while such a one is on
 * its way. */
void drain_look_back(struct spool *);
void drain_row_is_gone(struct spool *, int64_t sequence);
/* XEP-0203: the server that delayed it says so. In the stanza's arena. */
const char *delay_patch(struct sc_stanza *, const struct spool *, int64_t created);

/* rows.c */
bool row_is_out(const struct spool *, int64_t sequence);
/* Gives the sealed message to the session and sees to it that its row is deleted when it is safe
 * there. */
void row_push(struct spool *, struct sc_session *, int64_t sequence, size_t bytes,
	const struct sc_stanza *sealed, const char *patch);

/* A row that owed.c has written: no drain touches it until it is released. */
void row_hold(struct spool *, int64_t sequence, size_t bytes, struct sc_owed *);
/* Whose it is; NULL: it is not held. */
struct sc_owed *row_owed(const struct spool *, int64_t sequence);
/* Deletes what a former process left and nobody waits for: acknowledged, and not in the list. */
void row_sweep(struct spool *);
void row_is_safe(struct spool *, int64_t sequence);
void row_release(struct spool *, int64_t sequence);

/* given.c */
/* The session has just been given rows with sequences behind `after`, up to `last`: they leave for
 * it when their numbers are written down. done runs then, or soon, or at once. */
void given_page(struct spool *, struct sc_session *, int64_t after, int64_t last,
	void (*done)(void *arg), void *arg);
/* A session that came over a restart is resumed: all that it has not got has another number. */
void given_anew(struct spool *, struct sc_session *);
/* Something was acknowledged: whoever has got everything needs to be remembered no more. */
void given_look(struct spool *);

/* resume.c */
enum sc_verdict resume_give(struct sc_ctx *, struct sc_ev_account *);
enum sc_verdict resume_had(struct sc_ctx *, struct sc_ev_resume *);
void resume_distrust(struct sc_ctx *, const struct sc_ev_session *);

/* owed.c */
void owed_keep(struct sc_ctx *, const struct sc_ev_owed *);
void owed_settle(struct sc_ctx *, const struct sc_ev_settled *);

/* expire.c */
void expire_start(struct sc_ctx *);

/* commands.c */
void command_show(struct sc_command *);
void command_purge(struct sc_command *);

struct spool_counters {
	const struct sc_counter *stored, *delivered, *full, *busy;
	const struct sc_counter *expired, *unreadable, *not_worth;
};
extern const struct spool_counters spool_counters;

#endif
