/* SPDX-License-Identifier: MIT */
/*
 * waiting: who answers at the control socket while no worker does: before the database is there,
 * and between two workers. The supervisor owns the socket all the time, so that nobody is turned
 * away in between; the worker inherits it.
 */
#ifndef WAITING_H
#define WAITING_H

#include <stdbool.h>
#include <stddef.h>

bool waiting_open(const char *path, const char *conf_file, char *error, size_t error_size);
int waiting_socket(void);               /* for the worker */
/* Answers from now on, in a thread; why is what `status` says, and every other command. */
void waiting_begin(const char *why);
void waiting_end(void);                 /* before a fork */
void waiting_close(void);               /* and the socket goes */

#endif
