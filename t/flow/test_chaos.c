/* SPDX-License-Identifier: MIT */
/*
 * Everything at random, from a seed: people write, come, go, read slowly, the database waits or
 * fails, shards take turns as it happens. At the end everybody comes and reads. Then each message
 * was read by its recipient or answered with an error, none was read twice but what lay in a
 * connection that broke, and what one wrote to another was read in order.
 *
 *	test_chaos [SEED [STEPS]]                       one seed, with a line for each step
 *	CHAOS_SEEDS=1000 CHAOS_STEPS=2000 test_chaos    many, for a long night
 */
#include "config.h"

#include <stdlib.h>
#include "../unit/tap.h"
#include "base/stats.h"
#include "core/session.h"
#include "flow.h"
#include "flow_spool.h"

enum { PEOPLE = 5, MESSAGES = 400, SEEDS = 25, STEPS = 600 };

static const char *const statements[] = { "flow_hold_from", "flow_hold_to", "flow_behind_from",
	"flow_behind_to", "spool_add", "spool_page",
	"spool_count", "spool_remove", "account_load" };
static const char *const extras[] = { "", "", "", "<hold-from xmlns='urn:flow'/>",
	"<hold-to xmlns='urn:flow'/>",
	"<behind-from xmlns='urn:flow'/>", "<behind-to xmlns='urn:flow'/>" };

struct person {
	char bare[32], full[40];
	struct client *client;          /* NULL: away */
	int last[PEOPLE];               /* the last number read from each */
	int stream;                     /* how often he came */
};

static struct {
	int from, to;
	int stream;                     /* of the sender, counted: order is promised within one */
	int read, errors;
	bool fed;                       /* its stream took it */
	bool may_repeat;                /* somebody's link broke while it was on its way */
} messages[PEOPLE * MESSAGES];

static struct person people[PEOPLE];
static int sent[PEOPLE], shards;
static bool loud;
/* the database refuses now and then: then an error may be for somebody who has left */
static bool fails;
static int complaints;
static uint64_t state;

static unsigned
dice(unsigned sides)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % sides;
}

static void
complain(const char *fmt, ...)
{
	va_list args;

	if (complaints++ > 5)
		return;
	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

/* What has arrived for somebody: messages, and errors for what he sent. */
static void
listen_to(int i)
{
	struct person *p = &people[i];
	char id[32];
	bool is_error;

	while (p->client != NULL && next_message(p->client, id, &is_error)) {
		int from = 0, k = 0;

		if (sscanf(id, "%d-%d", &from, &k) != 2)
			continue;
		if (loud)
			printf("# %d %s %s\n", i, is_error ? "has an error for" : "reads", id);
		if (is_error) {
			messages[from * MESSAGES + k].errors++;
			continue;
		}
		messages[from * MESSAGES + k].read++;
		if (messages[from * MESSAGES + k].to != i)
			complain("%d reads %s, which was for %d", i, id,
				messages[from * MESSAGES + k].to);
		if (k < p->last[from] && messages[from * MESSAGES + k].read == 1 &&
		    messages[from * MESSAGES + k].stream == messages[from * MESSAGES +
		    p->last[from]].stream)
			complain("%d reads %s after %d", i, id, p->last[from]);
		if (k > p->last[from] || messages[from * MESSAGES + k].read == 1)
			p->last[from] = k;
	}
}

static void
arrive(struct flow *f, int i)
{
	if (loud)
		printf("# %d really arrives\n", i);
	people[i].client = bind_client(f, people[i].full);
	people[i].stream++;
	feed(people[i].client, "<presence/>");
}

static void
write_one(int i)
{
	int to = (int)dice(PEOPLE), k = sent[i];
	const char *address, *extra;

	if (people[i].client == NULL || session_of(people[i].client) == NULL || k == MESSAGES)
		return;
	messages[i * MESSAGES + k].from = i;
	messages[i * MESSAGES + k].to = to;
	messages[i * MESSAGES + k].stream = people[i].stream;
	sent[i]++;
	/* Not a full JID: between its bind and its presence a session gets what names it, and the
	 * spool only later. */
	address = people[to].bare;
	extra = extras[dice(N_ELEMENTS(extras))];
	if (loud)
		printf("# %d writes %d-%d to %s %.12s\n", i, i, k, address, extra);
	feed(people[i].client, "<message id='%d-%d' type='chat' to='%s'><body>x</body>%s</message>",
		i, k, address, extra);
}

/* The first thing that each stream reads is a presence. */
static void
note_what_was_read(int i)
{
	int n = people[i].client != NULL ? fed_so_far(people[i].client) - 1 : 0;

	for (int k = 0; k < sent[i] && n > 0; k++)
		if (messages[i * MESSAGES + k].stream == people[i].stream) {
			messages[i * MESSAGES + k].fed = true;
			n--;
		}
}

/* What was on its way to him may come again. */
static void
leave(int i)
{
	note_what_was_read(i);
	if (loud)
		printf("# %d really leaves with %d queued\n", i, queued(people[i].client));
	for (int m = 0; m < PEOPLE * MESSAGES; m++)
		if (messages[m].to == i && messages[m].read == 1)
			messages[m].may_repeat = true;
	listen_to(i);
	hang_up(people[i].client);
	people[i].client = NULL;
}

/* Without an answer about what is stored people chat past it, so those never fail. */
static enum sc_db_status
some_status(const char *statement)
{
	unsigned n = dice(20);

	if (!fails)
		return SC_DB_OK;
	if (strncmp(statement, "spool_", 6) == 0 && strcmp(statement, "spool_add") != 0)
		return SC_DB_OK;
	return n == 0 ? SC_DB_BUSY : n == 1 ? SC_DB_FAILED : SC_DB_OK;
}

static void
answer(struct flow *f, const char *statement)
{
	enum sc_db_status status = some_status(statement);

	if (answer_one(f, statement, status) && loud)
		printf("# %s ends %d\n", statement, status);
}

static void
step(struct flow *f)
{
	int i = (int)dice(PEOPLE);
	unsigned what = dice(100);
	const char *statement = statements[dice(N_ELEMENTS(statements))];

	if (what < 40)
		write_one(i);
	else if (what < 60)
		turn(f, (int)dice((unsigned)shards));
	else if (what < 85)
		answer(f, statement);
	else if (what < 88 && people[i].client != NULL)
		leave(i);
	else if (what < 92 && people[i].client == NULL)
		arrive(f, i);
	else if (what < 94 && people[i].client != NULL)
		read_only(people[i].client, dice(2000));
	else if (what < 97 && people[i].client != NULL)
		read_on(people[i].client);
	else if (what < 99)
		pass_time(f, dice(2) ? 10 : 300);
	else
		run(f);
	listen_to(i);
	if (loud && what < 97 && what >= 85)
		printf("# %d: %s\n", i, what < 88 ? "leaves" : what < 92 ? "arrives" : what < 94
			? "reads slowly" : "reads on");
}

static void
small_queues(void *arg)
{
	(void)arg;
	session_limits.outq_items = 8;
	session_limits.window = 4;
}

/* Everybody is there and reads; the database answers. */
static void
come_to_rest(struct flow *f)
{
	for (size_t s = 0; s < N_ELEMENTS(statements); s++)
		unpause_statement(f, statements[s]);
	for (int i = 0; i < PEOPLE; i++) {
		if (people[i].client != NULL && session_of(people[i].client) == NULL) {
			note_what_was_read(i);
			people[i].client = NULL;
		}
		if (people[i].client == NULL)
			arrive(f, i);
		else
			read_on(people[i].client);
	}
	for (int k = 0; k < 30; k++) {
		pass_time(f, 5000);
		for (int i = 0; i < PEOPLE; i++)
			listen_to(i);
	}
	for (int i = 0; i < PEOPLE; i++)
		note_what_was_read(i);
}

static void
check(void)
{
	int fed = 0, read = 0, errors = 0;

	for (int m = 0; m < PEOPLE * MESSAGES; m++) {
		fed += messages[m].fed;
		read += messages[m].read;
		errors += messages[m].errors;
	}
	printf("# %d messages, %d read, %d errors\n", fed, read, errors);
	for (int i = 0; i < PEOPLE; i++)
		for (int k = 0; k < sent[i]; k++) {
			int m = i * MESSAGES + k;

			/* What was still with a stream that broke was never read by the server. */
			if (messages[m].read + messages[m].errors == 0 && messages[m].fed && !fails)
				complain("%d-%d for %d is lost", i, k, messages[m].to);
			if (messages[m].read > 1 && !messages[m].may_repeat)
				complain("%d-%d for %d was read %d times", i, k, messages[m].to,
					messages[m].read);
		}
}

static void
chaos(unsigned seed, int steps)
{
	struct flow *f;

	state = seed * 7919u + 1;
	memset(messages, 0, sizeof messages);
	memset(sent, 0, sizeof sent);
	complaints = 0;
	fails = seed % 3 == 0;
	shards = 1 + (int)(seed % 4);
	f = spool_flow(shards);
	for (int i = 0; i < shards; i++)
		on_shard(f, i, small_queues, NULL);
	for (int i = 0; i < PEOPLE; i++) {
		people[i] = (struct person){ .last = { -1, -1, -1, -1, -1 } };
		snprintf(people[i].bare, sizeof people[i].bare, "p%d@here", i);
		snprintf(people[i].full, sizeof people[i].full, "p%d@here/x", i);
		arrive(f, i);
	}
	run(f);
	for (size_t s = 0; s < N_ELEMENTS(statements); s++)
		pause_statement(f, statements[s]);
	for (int n = 0; n < steps; n++)
		step(f);
	come_to_rest(f);
	check();
	ok(complaints == 0, "seed %u: nothing lost, repeated or out of order", seed);
	ok(spool_rows() == 0, "seed %u: the spool is empty", seed);
	flow_end(&f);
	spool_clear();
}

int
main(int argc, char **argv)
{
	const char *more = getenv("CHAOS_SEEDS"), *steps = getenv("CHAOS_STEPS");
	unsigned seeds = more != NULL ? (unsigned)atoi(more) : SEEDS;

	loud = argc > 1;
	if (loud)
		chaos((unsigned)atoi(argv[1]), argc > 2 ? atoi(argv[2]) : STEPS);
	for (unsigned seed = 1; !loud && seed <= seeds; seed++)
		chaos(seed, steps != NULL ? atoi(steps) : STEPS);
	return done_testing();
}
