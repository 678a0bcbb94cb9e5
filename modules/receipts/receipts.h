/* SPDX-License-Identifier: MIT */
/*
 * receipts: what is said of a message by those who got it.
 *	receipts.c      the module's tables
 *	marks.c         read marks only move forward (XEP-0333)
 *	tick.c          the server's own "delivered", for clients that know no receipts (XEP-0184)
 */
#ifndef RECEIPTS_RECEIPTS_H
#define RECEIPTS_RECEIPTS_H

#include <stonechat/stonechat.h>

#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_MARKERS "urn:xmpp:chat-markers:0"
#define NS_DELIVERED "urn:stonechat:delivered:0"

struct receipts_conf {
	bool forward_only, delivered_tick;
};

/* marks.c: what an account remembers of its conversations. A fixed size, the oldest goes. */
#define MARK_CHATS 8
#define MARK_IDS 32

struct mark_chat {
	uint64_t contact;               /* hash of the bare JID; 0: free */
	uint32_t used;                  /* when, by `clock` */
	uint32_t count;                 /* messages that asked for a mark so far */
	uint32_t read;                  /* up to which of them it was set */
	uint32_t ids[MARK_IDS];         /* hashes of the last ones */
};

struct marks {
	uint32_t clock;
	struct mark_chat chats[MARK_CHATS];
};

extern const struct sc_slot *const marks_slot;
extern const struct sc_counter *const marks_backward;

enum sc_verdict marks_sent(struct sc_ctx *, struct sc_ev_stanza *);
void marks_given(struct sc_ctx *, const struct sc_ev_given *);

/* tick.c */
enum answers {
	ANSWERS_UNKNOWN,
	ANSWERS_ASKED,                  /* the client was asked for its features */
	ANSWERS_YES,                    /* it lists receipts, or has sent one */
	ANSWERS_NO,
};

struct tick_client {
	enum answers answers;
	char id[24];                    /* of the question */
};

#define TICKED 8

/* What was told already: two devices acknowledge the same message. */
struct ticked {
	uint64_t seen[TICKED];
	uint8_t next;
};

extern const struct sc_slot *const tick_client_slot, *const ticked_slot;
extern const struct sc_counter *const ticks_sent;
extern const struct sc_module sc_module_receipts;

void tick_ask_client(struct sc_ctx *, const struct sc_ev_presence *);
enum sc_verdict tick_from_client(struct sc_ctx *, struct sc_ev_stanza *);
enum sc_verdict tick_to_session(struct sc_ctx *, struct sc_ev_stanza *);
void tick_acked(struct sc_ctx *, const struct sc_ev_acked *);
void tick_feature(struct sc_ctx *, struct sc_ev_disco *);

/* FNV-1a. */
static inline uint64_t
hash_span(uint64_t h, struct sc_span s)
{
	h = h != 0 ? h : UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

#endif
