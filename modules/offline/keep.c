/* SPDX-License-Identifier: MIT */
/*
 * keep: stores one message. The sender's acknowledgement waits for the commit (sc_db_behind), the
 * stream does not.
 *
 * The account's quota is counted in memory; the database is asked before the first message after
 * the account was loaded, and again before somebody is refused if the count is old. While a drain
 * is about to end, new messages are held instead: they will be delivered behind the last stored one
 * without ever having been in the database.
 */
#include "offline/spool.h"

#define COUNT_IS_GOOD_US (60 * 1000000LL)
#define HOLD_MS 5000

/* Lies in the ctx's arena. */
struct held {
	struct held *next;
	struct sc_wait *token;
};

static enum sc_verdict store(struct sc_ctx *, struct spool *);

static const struct offline_conf *
conf_of(const struct spool *s)
{
	return sc_conf_of(&sc_module_offline, sc_entity_host(s->account));
}

/* A drain may have waited for the last one. And whoever was there when it was stored, with a full
 * queue, may have room now. */
static void
one_less_under_way(struct spool *s)
{
	if (--s->under_way > 0)
		return;
	drain_go_on(s);
	drain_look(s);
}

/* Also when it is not known whether the row is there: to send a message again is better than to
 * lose it. */
static enum sc_verdict
refuse_for_now(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	enum sc_cond cond = sc_rows_status(rows) == SC_DB_FAILED ? SC_COND_INTERNAL :
		SC_COND_RESOURCE_CONSTRAINT;

	sc_count(spool_counters.busy, 1);
	return sc_refuse(ctx, cond, "The message cannot be stored right now.");
}

static enum sc_verdict
stored(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct spool *s = spool_of(sc_entity(ctx));
	int64_t bytes = (int64_t)(uintptr_t)sc_kept(ctx);
	enum sc_db_status status = sc_rows_status(rows);
	enum sc_verdict verdict = SC_PASS;

	if (status == SC_DB_OK) {
		sc_count(spool_counters.stored, 1);
		s->commits++;
	} else {
		verdict = refuse_for_now(ctx, rows);
	}
	if (status == SC_DB_BUSY || status == SC_DB_FAILED) {
		s->count--;
		s->bytes -= bytes;
	}
	one_less_under_way(s);
	return verdict;
}

/* Hybrid clock: the order of storing whatever the wall clock does, and never a sequence that was
 * used before (design §8). Even, because a message that gets its row later than it came (owed.c)
 * takes an odd one of the time when it came. */
static int64_t
next_sequence(struct spool *s, int64_t now)
{
	now &= ~INT64_C(1);
	s->last = now > s->last ? now : (s->last | 1) + 1;
	return s->last;
}

int64_t
keep_sequence_since(struct spool *s, int64_t since)
{
	int64_t sequence = since | 1;

	if (sequence <= s->floor)
		sequence = (s->floor + 1) | 1;
	if (sequence <= s->last_owed)
		sequence = s->last_owed + 2;
	s->last_owed = sequence;
	return sequence;
}

void
keep_add(struct spool *s, int64_t sequence, const struct sc_stanza *m, struct sc_span payload,
	int64_t created, const char *owed, bool acked,
	void (*done)(void *arg, const struct sc_rows *), void *arg)
{
	const struct offline_conf *c = conf_of(s);

	s->count++;
	s->bytes += (int64_t)payload.n;
	sc_db_run(spool_sql.add, SC_ARGS(sc_int(sc_entity_id(s->account)), sc_int(sequence),
		sc_text_span(sc_jid_span(sc_from(m))), sc_text(sc_id(m)), sc_text_span(payload),
		sc_int(created), sc_int(created + c->expiry * 1000), sc_text(owed), sc_int(acked)),
		done, arg);
}

/* From now on something is stored, or will be: what comes next must not pass it, so whoever is
 * there is served from the spool first. */
static void
one_more_under_way(struct spool *s)
{
	s->under_way++;
	s->nothing_left = false;
	drain_look(s);
}

/* It belongs before what was stored in the meantime, so whoever is being served looks back. */
static enum sc_verdict
stored_in_its_place(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct spool *s = spool_of(sc_entity(ctx));
	enum sc_verdict verdict;

	s->in_their_place--;
	verdict = stored(ctx, rows);
	drain_look_back(s);
	return verdict;
}

static enum sc_verdict
insert(struct sc_ctx *ctx, struct spool *s, const char *payload, size_t bytes)
{
	const struct offline_conf *c = conf_of(s);
	const struct sc_stanza *m = sc_stanza(ctx);
	int64_t since = sc_unread_since(ctx), now = since != 0 ? since : sc_moment();
	int64_t sequence = since != 0 ? keep_sequence_since(s, since) : next_sequence(s, now);
	enum sc_verdict verdict;

	s->count++;
	s->bytes += (int64_t)bytes;
	s->in_their_place += since != 0;
	one_more_under_way(s);
	sc_keep(ctx, (void *)(uintptr_t)bytes);
	verdict = sc_db_behind(ctx, spool_sql.add, SC_ARGS(sc_int(sc_entity_id(s->account)),
		sc_int(sequence), sc_text_span(sc_jid_span(sc_from(m))),
		sc_text(sc_id(m)), sc_text_span((struct sc_span){ payload, bytes }), sc_int(now),
		sc_int(now + c->expiry * 1000), sc_null(), sc_int(0)), since != 0
		? stored_in_its_place : stored);
	return verdict == SC_PASS ? SC_TAKEN : verdict;
}

bool
keep_is_full(const struct spool *s, size_t bytes)
{
	const struct offline_conf *c = conf_of(s);

	return s->count + 1 > c->max_messages || s->bytes + (int64_t)bytes > c->max_bytes;
}

bool
keep_count_is_good(const struct spool *s)
{
	return s->counted_at != 0 && sc_mono() - s->counted_at < COUNT_IS_GOOD_US &&
		s->counted_purges == spool_shard()->purges;
}

void
keep_set_count(struct spool *s, const struct sc_rows *rows)
{
	s->count = sc_row_int(rows, 0, 0);
	s->bytes = sc_row_int(rows, 0, 1);
	if (s->counted_at == 0)
		s->last = s->floor = sc_row_int(rows, 0, 2);
	s->counted_at = sc_mono();
	s->counted_purges = spool_shard()->purges;
}

static enum sc_verdict
counted(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct spool *s = spool_of(sc_entity(ctx));
	enum sc_verdict verdict;

	if (sc_rows_status(rows) != SC_DB_OK) {
		verdict = refuse_for_now(ctx, rows);
	} else {
		/* Of two messages that asked at the same time the first sets the count; what the
		 * second has read is as old. */
		if (!keep_count_is_good(s))
			keep_set_count(s, rows);
		verdict = store(ctx, s);
	}
	one_less_under_way(s);
	return verdict;
}

static enum sc_verdict
store(struct sc_ctx *ctx, struct spool *s)
{
	size_t bytes;
	const char *payload;

	if (s->counted_at != 0) {
		payload = sc_stanza_text(sc_arena(ctx), sc_stanza(ctx), &bytes);
		if (!keep_is_full(s, bytes))
			return insert(ctx, s, payload, bytes);
		if (keep_count_is_good(s)) {
			sc_count(spool_counters.full, 1);
			/* XEP-0160 §2 names this condition. */
			return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE,
				"The recipient has too many unread messages.");
		}
	}
	one_more_under_way(s);
	return sc_db_hold(ctx, spool_sql.count, SC_ARGS(sc_int(sc_entity_id(s->account))), counted);
}

static void
forget_held(struct spool *s, const struct held *h)
{
	struct held **at = &s->held;

	while (*at != NULL && *at != h)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = h->next;
	if (s->held_end == &h->next)
		s->held_end = at;
}

/* result is NULL when the drain did not end in time. */
static enum sc_verdict
look_again(struct sc_ctx *ctx, void *result)
{
	struct spool *s = spool_of(sc_entity(ctx));

	if (result != NULL)             /* comes back to keep() if there is nobody after all */
		return sc_try_again(ctx);
	forget_held(s, sc_kept(ctx));
	drain_takes_long(s);
	return store(ctx, s);
}

static enum sc_verdict
hold(struct sc_ctx *ctx, struct spool *s)
{
	struct held *h = sc_alloc(sc_arena(ctx), sizeof *h);
	enum sc_verdict verdict = sc_hold(ctx, look_again, HOLD_MS, &h->token);

	sc_keep(ctx, h);
	if (s->held == NULL)
		s->held_end = &s->held;
	*s->held_end = h;
	s->held_end = &h->next;
	return verdict;
}

enum sc_verdict
keep(struct sc_ctx *ctx)
{
	struct spool *s = spool_of(sc_entity(ctx));

	if (is_nobodys(s))
		return SC_PASS;
	/* What is older than the stored ones cannot wait for their end. */
	return drain_near_end(s) && sc_unread_since(ctx) == 0 ? hold(ctx, s) : store(ctx, s);
}

void
keep_release_held(struct spool *s)
{
	struct held *h = s->held;

	/* Those that decide to wait again go into a new list. */
	s->held = NULL;
	while (h != NULL) {
		struct held *next = h->next;

		sc_resume(&h->token, s);
		h = next;
	}
}
