/* SPDX-License-Identifier: MIT */
/*
 * service: what a module offers under a domain of its own, such as rooms.HOST, and the entities
 * there: rooms, pubsub services.
 *
 *	struct hall_conf { const char *domain; };
 *	static const struct sc_key conf[] = {
 *		SC_CONF_TEXT(struct hall_conf, domain, "hall", "Where the hall is: hall.HOST, or a
 *		whole domain; empty: nowhere."), SC_CONF_END
 *	};
 *	static const struct sc_service services[] = {
 *		{ .name = "hall", .conf_domain = offsetof(struct hall_conf, domain), .title = "The
 *		hall" }, { 0 }
 *	};
 *
 * Each bare JID node@hall.HOST is an entity (SC_ENTITY_SERVICE) with its own home, made when a
 * stanza for it comes and forgotten when it was idle for a minute and is not pinned; whether there
 * is *something* at that address only the module knows, and keeps in a slot of the entity. What is
 * for hall.HOST itself is handled on the shard where it was read, with no entity.
 *
 * A stanza for either passes the hooks of `to_service`; what none of them took goes to the IQ table
 * at SC_AT_SERVICE (the domain) or SC_AT_ROOM (node@domain), and ends as service-unavailable
 * otherwise. A module that offers services sees only what is for its own ones; a module without
 * services sees what is for all of them. The same holds for IQ rows (the service's own come first),
 * features and identities. The host's list of items (XEP-0030) names the services.
 */
#ifndef STONECHAT_SERVICE_H
#define STONECHAT_SERVICE_H

#pragma GCC visibility push(default)

#include <stonechat/entity.h>
#include <stonechat/hook.h>

struct sc_service {
	const char *name;               /* unique in the server */
	/* offset of a text setting of the module: a label ("hall"), or a domain with a dot; "": not
	 * offered */
	size_t conf_domain;
	const char *title;              /* in the host's list of items; may be NULL */
	/* The entity is needed for the first time: fill its slot. May hold. A refusal makes the
	 * load fail: the stanza is answered with resource-constraint, and the next one tries again.
	 * NULL: nothing to load. */
	enum sc_verdict (*load)(struct sc_ctx *, struct sc_entity *);
};

/* Which service this is about: of the stanza's recipient, the entity's event, the question of
 * service discovery. NULL: none. */
const char *sc_service(const struct sc_ctx *);
const char *sc_entity_service(const struct sc_entity *);        /* NULL: an account */
/* The domain of a service at a host. NULL: it is not offered there. Lent for the life of the
 * shard. */
const struct sc_jid *sc_service_jid(const struct sc_host *, const char *name);
/* The host itself, or the one whose service has this domain. NULL: not ours. */
struct sc_host *sc_host_of(struct sc_span domain);
/* The entity with this bare JID, on its home shard, if it is in memory and loaded. NULL: it is
 * not. */
struct sc_entity *sc_service_entity(const struct sc_jid *);

/* --- for modules that keep rooms --- */

/* A message of a room in its final form is about to be sealed and given to everybody: fires
 * `room_message`. ctx is that of the stanza that it comes from: a refusal answers that one, and
 * what a hook writes by sc_db_behind() keeps its sender's acknowledgement waiting. */
enum sc_verdict sc_room_message(struct sc_ctx *, struct sc_ev_room_message *) SC_MUST_CHECK;
/* Who the asker is in the room: fires `room_access`. All false when nobody knows the room. */
struct sc_room_access {
	bool exists;
	bool may_read;                  /* messages of the past */
	bool sees_jids;                 /* real addresses of those who wrote them */
	bool moderates;
	bool owns;
	bool archived;                  /* the room wants its messages kept */
	int64_t id;                     /* of the room, for tables */
};
/* Some module keeps the messages of rooms: it hooks room_message. */
bool sc_rooms_are_archived(void);
struct sc_room_access sc_room_access(struct sc_entity *room, const struct sc_jid *asker);

/* A name of 30 hexadecimal digits for a text, the same for ever on this server (its secret is in
 * the database), from which nobody else can tell the text. The purpose keeps uses apart. Any
 * thread. */
void sc_pseudonym(const char *purpose, struct sc_span text, char out[32]);

#pragma GCC visibility pop

#endif
