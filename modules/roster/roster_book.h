/* SPDX-License-Identifier: MIT */
/*
 * roster_book: one account's contacts in memory, small: a contact is one block of header, JID, name
 * and group numbers, the blocks lie in one heap, and an index of 4 bytes each keeps them sorted by
 * JID. Names of groups are kept once for the book.
 *
 * A contact is in the book when it stands on the roster (LISTED), or has asked and waits for an
 * answer (ASKING_US), or was removed lately (GONE: a roster of an older version must hear of it).
 * Pointers to contacts are good until the next change.
 */
#ifndef ROSTER_BOOK_H
#define ROSTER_BOOK_H

#include <stonechat/hook.h>

/* The bits of a contact; the two lowest are an enum sc_subscription. */
enum {
	CONTACT_SUBSCRIPTION = 3,
	CONTACT_ASKED = 4,              /* pending out: ask='subscribe' */
	CONTACT_APPROVED = 8,           /* pre-approved */
	CONTACT_ASKING_US = 16,         /* pending in */
	CONTACT_LISTED = 32,            /* on the roster */
	CONTACT_GONE = 64,              /* was removed in this version */
};

struct contact {
	int64_t version;                /* of its last change that a client can see */
	uint32_t bare_hash;             /* as in struct sc_jid */
	uint16_t local_len, domain_len;
	uint16_t name_len;
	uint8_t bits;
	uint8_t n_groups;
	char text[];                    /* JID, NUL, name, NUL, numbers of groups as uint16_t */
} __attribute__((packed, aligned(4)));

struct group {
	char *name;                     /* malloced; NULL: this number is free */
	uint32_t hash;
	uint32_t users;
};

struct book {
	char *heap;
	uint32_t *index;                /* offsets in heap, sorted by JID */
	uint32_t used, size, dead;      /* bytes of the heap */
	uint32_t n, room;               /* of the index */
	struct group *groups;
	uint32_t n_groups, groups_named;        /* places; how many of them are in use */
	uint32_t n_listed, n_asking, n_gone;
	int64_t version;                /* the greatest there ever was */
	int64_t horizon;                /* removals up to this version are forgotten */
};

void book_free(struct book *);          /* what is inside, not the struct */
/* Before filling it, so that nothing is larger than need be. */
void book_reserve(struct book *, uint32_t contacts, uint32_t bytes);
uint32_t book_block_size(size_t jid_len, size_t name_len, size_t n_groups);

/* NULL: not in the book. */
const struct contact *book_find(const struct book *, struct sc_span bare);
/* For i < book->n, in order of JIDs. */
const struct contact *book_at(const struct book *, uint32_t i);
struct sc_span book_jid_text(const struct contact *);
/* Its text is lent by the contact. */
struct sc_jid book_jid(const struct contact *);
struct sc_span book_name(const struct contact *);
const char *book_group(const struct book *, const struct contact *, int i);

/* Can the book take these names of groups, when it may know max of them in all? */
bool book_groups_fit(const struct book *, const struct sc_span *groups, int n, uint32_t max);
/* Adds or replaces a contact. Nothing lent by the book may be passed. */
void book_put(struct book *, const struct sc_jid *bare, unsigned bits, int64_t version,
	struct sc_span name, const struct sc_span *groups, int n_groups);
/* Changes only the bits; adds the contact if need be, and drops one that has none of LISTED,
 * ASKING_US and GONE. */
void book_mark(struct book *, const struct sc_jid *bare, unsigned bits, int64_t version);
/* Forgets removals up to this version. */
void book_forget(struct book *, int64_t version);

#endif
