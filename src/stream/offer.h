/* SPDX-License-Identifier: MIT */
/* offer: what a stream may use to log in, made when it is announced and kept until the login: a
 * reload in between must not look like an attack to a client that compares (XEP-0474, and the `y`
 * of RFC 5802 §6). */
#ifndef STREAM_OFFER_H
#define STREAM_OFFER_H

#include "base/buf.h"
#include "stream/sasl.h"

struct stream;

const struct sasl_offer *offer_of(struct stream *);     /* made on first use; lent */
void offer_forget(struct stream *);
/* A name for all that was announced, so that a client may act before it is told again (XEP-0509);
 * "" before that. */
void offer_set_version(struct stream *, const struct buf *features);
const char *offer_version(const struct stream *);
/* HMAC-SHA-256 of the text with the server's secret. */
void offer_mac(const char *text, unsigned char out[32]);
/* before the shards start */
void offer_secret(const unsigned char secret[VERIFIER_SECRET]);

#endif
