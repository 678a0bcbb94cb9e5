/* SPDX-License-Identifier: MIT */
/* flow_inside: what the files of the harness tell each other. */
#ifndef T_FLOW_INSIDE_H
#define T_FLOW_INSIDE_H

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#include <pthread.h>
#include <semaphore.h>
#include "flow.h"
#include "base/list.h"
#include "base/stats.h"
#include "plugin/conf.h"

struct flow_shard {
	struct flow *flow;
	int id;
	pthread_t thread;
	sem_t go, done;
	void (*fn)(void *);             /* NULL: end */
	void *arg;
	int turns;
};

struct flow {
	int n;
	struct flow_shard *shards;
	struct conf *conf;
	const char *more_conf;
	struct client *clients;
	struct peer *peers;
	int64_t mono, wall;
	int64_t counts[STAT_N];         /* at the start */
	int ctl;                        /* our end of the control socket; -1: none */
	char *names[64];                /* of name_on() */
	int n_names;
};

extern bool flow_went_wrong;

/* flow_store.c */
void flow_store_start(struct flow *);
void flow_store_end(void);
bool flow_store_moved(void);            /* something was answered since the last question */
bool flow_account_exists(const char *bare_jid);
extern bool (*flow_has_sleepers)(int64_t account);     /* for whoever keeps the table; NULL: none */
/* flow_client.c */
void flow_clients_feed(struct flow *, int shard);       /* on the shard: input that waits */
bool flow_clients_wait(const struct flow *);
void flow_clients_end(struct flow *);
void flow_clients_free(struct flow *);
/* flow_peer.c */
void flow_peers_free(struct flow *);

#endif
