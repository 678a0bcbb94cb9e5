/* SPDX-License-Identifier: MIT */
/*
 * supervisor: the small process above the worker (design §4). It opens the ports, gives up root,
 * runs the private PostgreSQL, restarts what dies, and touches no byte of the network.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <stdbool.h>
#include <sys/types.h>

struct conf;

#define SUPERVISOR_FDS_MAX 4096

/* What the worker inherits. */
struct inheritance {
	const char *conf_file;
	struct conf *conf;
	const char *db_uri;
	pid_t db_pid;
	int shards;
	bool again;                     /* another worker was there before */
	int alive_fd;                   /* end of file: the supervisor is gone */
	int ctl_fd;                     /* the control socket */
	bool lacked_database;           /* the worker before could not begin without it */
	int n_fds;
	struct {
		int fd;
		int listen;             /* index into conf_listen() */
	} fds[SUPERVISOR_FDS_MAX];
};

/* Returns the exit status of the program. */
int supervisor_run(const char *conf_file, struct conf *);

#endif
