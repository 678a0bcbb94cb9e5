/* SPDX-License-Identifier: MIT */
/* s2s_inside: what s2s*.c tell each other and nobody else. */
#ifndef STREAM_S2S_INSIDE_H
#define STREAM_S2S_INSIDE_H

#include "stream/s2s.h"

#define S2S_LOOK_MS 15000       /* how often a stream that is up is looked at */

/* s2s_stream.c */
struct link *s2s_all(void);                             /* struct s2s, of this shard */
void s2s_read(struct s2s *);

/* s2s_watch.c */
/* of the settings in force; good for ever */
const struct xml_limits *s2s_limits(bool proven);
void s2s_look_after(struct s2s *);                      /* one that is up, now and then */
/* Streams of the whole process in which this domain is the first proved. False: too many. */
bool s2s_domain_enter(const char *domain);
void s2s_domain_leave(const char *domain);

#endif
