/* SPDX-License-Identifier: MIT */
/* header: the opening tag of a stream, and what later elements need to remember of it. */
#ifndef XML_HEADER_H
#define XML_HEADER_H

#include "xml/parser.h"

struct header *header_new(void);
void header_free(struct header **taken);
/* The declarations of a header as a struct to keep: a constant for the common ones. raw is the name
 * as it stood in the tag. */
const struct stream_ns *header_ns(const struct header *, const char *raw, size_t raw_len);
void header_ns_free(const struct stream_ns **taken);    /* knows whether it is a constant */
size_t header_ns_weight(const struct stream_ns *);
/* WebSocket, and elements that stand alone */
extern const struct stream_ns header_ns_framed;

#endif
