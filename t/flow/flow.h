/* SPDX-License-Identifier: MIT */
/*
 * flow: the core in one process, moved by the test step by step, so that a race is chosen and not
 * hoped for (design §11).
 *
 * Each shard has a thread of its own, because what a shard owns is thread-local; but only one of
 * them runs at a time, and only while the test waits for it. So everything here is called from the
 * test's thread, and nothing needs a lock. Time stands still until pass_time(). The database is
 * flow_store.c, which answers at once unless a statement is paused.
 *
 * Clients come in two kinds: struct client is a session with a table of session_ops
 * (flow_client.c), struct peer is the far end of a socket on which a whole stream runs
 * (flow_peer.c).
 */
#ifndef T_FLOW_H
#define T_FLOW_H

#include <stonechat/stonechat.h>

struct flow;
struct client;
struct peer;
struct sc_session;

struct flow_setup {
	int shards;
	/* the inside of the list; NULL: `here` and `there` */
	const char *hosts;
	const char *conf;                       /* added to the configuration; NULL: nothing */
	const struct sc_module *const *modules; /* beside `tiny`; NULL-terminated; may be NULL */
	bool admin;                             /* with the control socket, for command() */
};

/* flow_start(.shards = 2, …) */
#define flow_start(...) flow_start_with(&(struct flow_setup){ __VA_ARGS__ })
struct flow *flow_start_with(const struct flow_setup *);
/* Ends what is left. False, with lines that say why: something stayed behind (sessions, entities,
 * lanes, waits, custody, queued bytes), or the flow went wrong somewhere, as by finishing a
 * statement that did not wait. */
bool flow_over(struct flow **taken);
#define flow_end(taken) \
	ok(flow_over(taken), "%s: nothing went wrong, nothing is left behind", __func__)
void flow_wrong(const char *fmt, ...) SC_PRINTF(1, 2);

void run(struct flow *);                        /* until nothing moves any more */
void turn(struct flow *, int id);            /* one turn of one shard */
void pass_time(struct flow *, int64_t ms);      /* moves the clock, then runs */
void wall_jumps(struct flow *, int64_t ms);     /* the clock on the wall is set, then runs */
void on_shard(struct flow *, int id, void (*fn)(void *), void *arg);
/* all shards at the same time, as in a server; then run() */
void run_freely(struct flow *, int turns);
int shard_of(struct flow *, const char *jid);
int shard_now(void);                            /* the one that runs; -1: the test's own thread */
/* An account's name whose home is this shard: "romeo0@here", "romeo3@here" … Lent until the end of
 * the flow. */
const char *name_on(struct flow *, const char *local, int id);
int64_t counted(struct flow *, int stat);       /* STAT_… since the start of the flow */
/* An account that another shard or the administrator made: what is remembered about its absence
 * goes. */
void forget_absent(struct flow *, const char *bare_jid);
/* A reload arrives at this shard: now only the host `here` is configured. */
void drop_host_there(struct flow *, int id);

/* What stonechatctl would send: the words of a command. Returns the answer, one line of JSON, lent
 * until the next call. NULL: none yet; command_answer() looks again. */
const char *command(struct flow *, const char *words);
const char *command_answer(struct flow *);

/* --- flow_store.c: the database --- */
void account(struct flow *, const char *bare_jid);      /* makes one; its password is "secret" */
void account_gone(struct flow *, const char *bare_jid);
void pause_statement(struct flow *, const char *name);
void unpause_statement(struct flow *, const char *name);        /* what waits is answered */
int waiting_for(struct flow *, const char *name);
/* Ends the oldest of them, without rows, and runs. */
void finish_one(struct flow *, const char *name, enum sc_db_status);
/* does not run; false: none waits */
bool answer_one(struct flow *, const char *name, enum sc_db_status);
/* The same with rows: values are text, row by row. */
void finish_rows(struct flow *, const char *name, const char *types, int rows,
	const char *const *values);
void finish_all(struct flow *, const char *name, enum sc_db_status);
int asked(struct flow *, const char *name);             /* how often it was run so far */
/* What answers a statement when it is OK: args are its parameters as text (arrays: "1,2,3"), NULL
 * for NULL; rows are empty. */
struct sc_rows;
void answer_with(struct flow *, const char *name, void (*fn)(const char *const *args,
	struct sc_rows *));

/* --- flow_client.c: sessions --- */
/* bound and silent; makes the account when there is none */
struct client *bind_client(struct flow *, const char *full_jid);
/* and then available; what that makes it hear is thrown away */
struct client *come(struct flow *, const char *full_jid);
__attribute__((format(printf, 2, 3))) void feed(struct client *, const char *stanza, ...);
void hang_up(struct client *);                  /* its stream ends, without a word */
/* so many bytes more leave for it; the rest waits */
void read_only(struct client *, size_t bytes);
void read_on(struct client *);                  /* everything leaves */
void count_handled(struct client *);            /* its stream counts as with XEP-0198 */
uint32_t handled(struct client *);
bool is_paused(const struct client *);
const char *closed_with(const struct client *); /* the stream error; NULL: open */
struct sc_session *session_of(const struct client *);
int fed_so_far(const struct client *);          /* stanzas that its stream has read */
int inbox_of(const struct client *);
int queued(const struct client *);              /* stanzas that have not left for it */
const char *jid_of(const struct client *);
int home_shard(const struct client *);

/* Everything that arrived since the last look, in order. A message is its body, a carbon "copy of
 * BODY", an error message "error COND", presence "JID type", an IQ "get|set|result ID" or "error ID
 * COND". */
#define is_seen(client, ...) \
	is_text(seen(client), wanted((const char *const[]){ __VA_ARGS__, NULL }), "%s hears", \
		jid_of(client))
/* The same, looking only at messages. */
#define is_bodies(client, ...) \
	is_text(bodies(client), wanted((const char *const[]){ __VA_ARGS__, NULL }), "%s reads", \
		jid_of(client))
#define is_quiet(client) is_text(seen(client), "", "%s hears nothing", jid_of(client))
#define is_handled(client, n) is_int(handled(client), n, "%s: %d handled", jid_of(client), n)
const char *seen(struct client *);              /* lent until the next call, as are these */
const char *bodies(struct client *);
const char *wanted(const char *const *);
/* One by one: the id of the next message, and whether it is an error. False: no more. */
bool next_message(struct client *, char id[32], bool *is_error);
void forget(struct client *);                   /* what arrived so far */
/* how many messages arrived since the last look; forgets them */
int bodies_arrived(struct client *);
/* exactly first, first + 1, …; forgets them */
bool bodies_rise(struct client *, int first, int n);

/* --- flow_peer.c: whole streams over a socket --- */
struct peer *connect_peer(struct flow *, int shard);
/* and runs */
__attribute__((format(printf, 2, 3))) void say(struct peer *, const char *bytes, ...);
/* does not */
__attribute__((format(printf, 2, 3))) void say_only(struct peer *, const char *bytes, ...);
/* the header, and what comes back is thrown away */
void open_stream(struct peer *, const char *to);
void say_plain(struct peer *, const char *bare_jid);    /* <auth/> */
/* header and <auth/>; makes the account when there is none */
void log_in(struct peer *, const char *bare_jid);
void bind_peer(struct peer *, const char *resource);
/* what arrived since unhear(); lent until the next call */
const char *heard(struct peer *);
void unhear(struct peer *);
#define is_heard(peer, part) ok(strstr(heard(peer), part) != NULL, "heard %s", part)
bool is_closed(struct peer *);                  /* by the server */
/* as if its window were closed; heard() reads again */
void stop_reading(struct peer *);
void cut(struct peer *);                        /* closes the socket */
/* The server finds out that the link of this session is dead. */
void drop_peer(struct flow *, const char *bare_jid, const char *resource);

/* --- flow_tiny.c: a module that waits where it is told to ---
 * Children of a stanza in urn:flow: <hold-from/> <behind-from/> <hold-to/> <behind-to/> run the
 * statement flow_… of that name at that place, and refuse the stanza unless it is OK; <swallow/> is
 * dropped at to_session, <close/> closes the session there; <depth/> measures the stack at
 * from_client. IQs in urn:flow: <ask/> holds flow_ask, <read/> detaches flow_read, <now/> is
 * answered at once; at the server and the account, open. */
struct tiny {
	/* FALLBACK: flow_keep behind the message, which is taken then */
	bool keep;
	bool keep_holds;                /* the same with a hold */
	bool hold_bound, hold_loading;  /* flow_bound, flow_loading */
	bool refuse_loading;            /* by sc_refuse(), at once */
	bool close_others;              /* a bound session closes all others of its account */
	const char *watchers[8];        /* bare JIDs that get the presence of everybody */
	/* what a log line and the report of a crash say of a stanza with <describe/> */
	char about[200], crash[1024];
	int answered;                   /* continuations of IQs that were called */
	/* stanzas with <depth/> that came through from_client, and the stack they found */
	int depths;
	size_t deepest, shallowest;
	char kept[4096];                /* the bodies that FALLBACK saw, separated by spaces */
	char trace[4096];               /* "gone JID", "idle JID", separated by commas */
};
extern struct tiny tiny;
extern const struct sc_module sc_module_tiny;

#endif
