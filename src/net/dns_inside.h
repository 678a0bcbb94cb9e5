/* SPDX-License-Identifier: MIT */
/* dns_inside: what dns*.c tell each other. */
#ifndef NET_DNS_INSIDE_H
#define NET_DNS_INSIDE_H

#include <ares.h>
#include "net/dns.h"
#include "net/loop.h"

struct dns_parsed;

/* What fits through every network without fragments (DNS flag day 2020). */
#define DNS_UDP_SIZE 1232

/* dns_channel.c: c-ares on this thread's loop. */
struct dns_channel;
struct dns_channel *dns_channel_new(const struct dns_conf *, char *error, size_t error_size);
/* Questions under way are answered with ARES_EDESTRUCTION in this call. */
void dns_channel_free(struct dns_channel **taken);
bool dns_channel_check(const struct dns_conf *, char *error, size_t error_size);
/* The callback may come inside this call (c-ares does so when nothing can be sent). */
void dns_channel_send(struct dns_channel *, const unsigned char *bytes, int n, ares_callback,
	void *arg);

/* dns_hosts.c: addresses that stand in the settings or in the hosts file. */
struct dns_hosts;
struct dns_hosts *dns_hosts_load(const struct dns_conf *, char *error, size_t error_size);
void dns_hosts_free(struct dns_hosts **taken);
/* True: it knows the name (perhaps without an address of this family). May be called with NULL. */
bool dns_hosts_find(const struct dns_hosts *, const char *name, enum dns_type, struct dns_parsed *);

#endif
