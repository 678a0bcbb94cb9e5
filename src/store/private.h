/* SPDX-License-Identifier: MIT */
/* private: what stands around the private PostgreSQL: its programs, its folder,
 * its configuration (private_setup.c). */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include <limits.h>
#include <stonechat/text.h>

/* STATE/pg: data/ is PostgreSQL's, the rest ours: the socket,
 * postgresql.log, stonechat.conf, local.conf. */
struct pg_home {
	char dir[PATH_MAX];             /* absolute */
	char data[PATH_MAX];
	char log[PATH_MAX];
	char bin[PATH_MAX];             /* folder with initdb and postgres */
	char user[64];                  /* the system's user, and the database's */
};

/* Makes the folder, finds the programs, and on first use makes the database cluster. False
 * with a sentence. */
bool home_prepare(struct pg_home *, const char *dir, const char *bin_dir, char *error,
    size_t error_size) SC_MUST_CHECK;
bool home_exists(const struct pg_home *);
/* Starts a program with a clean environment in a session of its own, its output going to the
 * log. 0: could not. */
int home_spawn(const struct pg_home *, const char *const *argv);
/* The last line of the log. */
void home_last_words(const struct pg_home *, char *out, size_t out_size);
/* A connection string; lent pieces are quoted. */
void home_uri(const struct pg_home *, const char *dbname, char *out, size_t out_size);

#endif
