/* SPDX-License-Identifier: MIT */
/*
 * check: what an operator would get wrong: certificates, DNS, database, ports, limits. Blocks; for
 * a pool thread (the command `check`) or for a process without a server (`stonechat --check`). One
 * implementation for both.
 */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include <stdbool.h>

struct conf;

enum check_state { CHECK_GOOD, CHECK_NOTE, CHECK_PROBLEM };

struct check {
	const struct conf *conf;
	const char *conf_file;
	const char *db_uri;             /* of the running server; NULL: none runs */
	void (*say)(struct check *, enum check_state, const char *topic, const char *sentence);
	void *arg;
	int problems;                   /* counted by check_say() */
};

void check_run(struct check *);
void check_say(struct check *, enum check_state, const char *topic, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
const char *check_state_name(enum check_state);

/* `stonechat --check`: prints, returns the exit status: 0, or 4 for problems. */
int check_main(const struct conf *, const char *conf_file, bool json);

/* `stonechat --db-plan`, of the database that the configuration names. */
int check_plan_main(const struct conf *, bool json);

/* check_dns.c */
void check_dns(struct check *);

#endif
