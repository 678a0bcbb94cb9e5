/* SPDX-License-Identifier: MIT */
/*
 * iq: handlers by (type, place, namespace, element) in one table (design §7). What nobody claims
 * gets service-unavailable from the core; IQs with none or several payloads bad-request (RFC 6120
 * §8.2.3).
 */
#ifndef STONECHAT_IQ_H
#define STONECHAT_IQ_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

enum sc_iq_type { SC_IQ_GET = 1, SC_IQ_SET = 2 };               /* bits: GET | SET registers both */

enum sc_at {
	SC_AT_SERVER = 1,       /* to the host itself, on the shard where it was read */
	/* to a bare JID (or without `to`), on the account's home; the owner only, unless SC_OPEN */
	SC_AT_ACCOUNT = 2,
	/* to the domain of a service, on the shard where it was read (service.h) */
	SC_AT_SERVICE = 4,
	/* to node@domain of a service, on its home; the handler decides who may */
	SC_AT_ROOM = 8,
	SC_OPEN = 256,          /* others may ask too; the handler decides what they may see */
};

struct sc_iq {
	unsigned types;
	unsigned at;
	const char *ns, *name;  /* of the payload; name "*": any element of that namespace */
	enum sc_verdict (*fn)(struct sc_ctx *, const struct sc_elem *payload);
};

/* A fresh empty result for the IQ of this ctx; fill it and give it to sc_answer. Yours. */
struct sc_stanza *sc_result(struct sc_ctx *);
/* Sends the answer to where the IQ came from. Returns SC_TAKEN. */
enum sc_verdict sc_answer(struct sc_ctx *, struct sc_stanza **taken);
/* The requester is the account itself (one of its sessions). */
bool sc_by_owner(const struct sc_ctx *);

#pragma GCC visibility pop

#endif
