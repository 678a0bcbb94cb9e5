/* SPDX-License-Identifier: MIT */
/*
 * entity: anything with a bare JID here: account, room, service. It lives on its home shard and is
 * only touched there. Slots: a module's own typed data attached to a session, entity, host or
 * shard.
 */
#ifndef STONECHAT_ENTITY_H
#define STONECHAT_ENTITY_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

enum sc_entity_kind { SC_ENTITY_ACCOUNT, SC_ENTITY_SERVICE };

/* The account with this (bare) JID, on its home shard, if it is in memory: one with sessions is.
 * NULL: it is not. */
struct sc_entity *sc_entity_find(const struct sc_jid *);
const struct sc_jid *sc_entity_jid(const struct sc_entity *);           /* bare; lent */
enum sc_entity_kind sc_entity_kind(const struct sc_entity *);
int64_t sc_entity_id(const struct sc_entity *);                         /* users.id */
struct sc_host *sc_entity_host(const struct sc_entity *);
/* how many, sleeping ones included */
int sc_entity_sessions(const struct sc_entity *);
/* wall µs as stored; 0: never */
int64_t sc_entity_last_seen(const struct sc_entity *);
/* Keeps the entity in memory though it is idle (timers, rooms with occupants). Counts. */
void sc_entity_pin(struct sc_entity *);
void sc_entity_unpin(struct sc_entity *);

/* The entity's own clock: wall µs, but no two moments are alike and none is before an earlier one,
 * whatever the wall clock does. For the order of what it keeps. Whoever keeps things over a restart
 * says, before anything comes, what the last of them was. */
int64_t sc_entity_moment(struct sc_entity *);
void sc_entity_moment_was(struct sc_entity *, int64_t at);

/* What the account has agreed with a contact (its bare form counts): asks whoever answers the event
 * `contact`. NONE: nothing, or nobody knows it. On the account's home, once it is loaded. */
enum sc_subscription sc_contact(struct sc_entity *account, const struct sc_jid *contact);
/* The contact is in the roster, whatever was agreed. */
bool sc_in_roster(struct sc_entity *account, const struct sc_jid *contact);
/* Visits every contact with any of these SC_SUB_ bits, by asking whoever answers `contacts_each`.
 * The visitor may send, and not wait. */
void sc_contacts_each(struct sc_entity *account, unsigned mask,
	void (*visit)(void *arg, const struct sc_jid *bare, enum sc_subscription), void *arg);
/* For the module that answers those two: fires `contact_changed`, after its roster push. */
void sc_contact_changed(struct sc_entity *account, const struct sc_jid *bare,
	enum sc_subscription was, enum sc_subscription is);

const char *sc_host_name(const struct sc_host *);                       /* prepared domain */
const struct sc_jid *sc_host_jid(const struct sc_host *);
int sc_host_id(const struct sc_host *);                                 /* hosts.id */
/* The virtual host of ours with this domain on this shard; NULL: none. Domains of services:
 * sc_host_of() in service.h. */
struct sc_host *sc_host_find(struct sc_span domain);
/* its domain is one of ours, or of a service of ours */
bool sc_is_local(const struct sc_jid *);

/*
 * Slots. Declares one:
 *	static SC_SLOT(carbons_slot, SC_SLOT_SESSION, struct carbons, NULL);
 * and lists it in the module's .slots. The memory is zeroed on first use, freed by the core after
 * fini (may be NULL). Session slots are carried over resumption.
 */
enum sc_slot_at { SC_SLOT_SESSION, SC_SLOT_ENTITY, SC_SLOT_HOST, SC_SLOT_SHARD };

struct sc_slot {
	const char *name;
	enum sc_slot_at at;
	size_t size;
	void (*fini)(void *);
	int *index;                     /* written once by the loader, before shards run */
};

#define SC_SLOT(ident, where, type, fini_fn) \
	int ident##_index = -1; \
	static const struct sc_slot ident = { #ident, where, sizeof(type), fini_fn, &ident##_index }

void *sc_session_slot(struct sc_session *, const struct sc_slot *);     /* made on first use */
void *sc_entity_slot(struct sc_entity *, const struct sc_slot *);
void *sc_host_slot(struct sc_host *, const struct sc_slot *);           /* one per host and shard */
void *sc_shard_slot(const struct sc_slot *);
/* The same without making it: NULL when nobody used it yet. */
void *sc_session_slot_peek(const struct sc_session *, const struct sc_slot *);
void *sc_entity_slot_peek(const struct sc_entity *, const struct sc_slot *);

#pragma GCC visibility pop

#endif
