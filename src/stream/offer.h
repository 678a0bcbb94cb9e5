/* SPDX-License-Identifier: MIT */
/* offer: what a stream may use to log in, made when it is announced and kept until the login: a reload in between must not look like an
 * attack to a client that compares (XEP-0474, and the `y` of RFC 5802 §6). */
#ifndef STREAM_OFFER_H
#define STREAM_OFFER_H

#include "stream/sasl.h"

struct stream;

const struct sasl_offer *offer_of(struct stream *);     /* made on first use; lent */
void offer_forget(struct stream *);
void offer_secret(const unsigned char secret[VERIFIER_SECRET]);         /* before the shards start */

#endif
