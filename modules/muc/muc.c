/* SPDX-License-Identifier: MIT */
/*
 * muc: rooms (XEP-0045). This file has the module's tables, and says which file handles what; see
 * README.md for the idea, room.h for the words.
 */
#include "muc/muc.h"

#include <stddef.h>

#include "muc/muc.sql.h"

#define NS_SELF_PING "http://jabber.org/protocol/muc#self-ping-optimization"
#define NS_STABLE_ID NS_MUC "#stable_id"

/* --- settings --- */

static const struct sc_key conf[] = {
	SC_CONF_TEXT(struct muc_conf, domain, "",
		"Where rooms are: a label before each host's name (\"rooms\"), or a whole domain; "
		"empty: nowhere."),
	SC_CONF_ENUM(struct muc_conf, create, "local", "nobody local anyone",
		"Who may make rooms: nobody, people of this server, or anyone."),
	SC_CONF_BOOL(struct muc_conf, default_persistent, "false",
		"New rooms stay when the last occupant has left."),
	SC_CONF_BOOL(struct muc_conf, default_members_only, "false",
		"New rooms are for members only."),
	SC_CONF_BOOL(struct muc_conf, default_listed, "true", "New rooms can be found by all."),
	SC_CONF_BOOL(struct muc_conf, default_anyone_knows_jids, "false",
		"In new rooms everybody sees real addresses, not moderators alone."),
	SC_CONF_INT(struct muc_conf, max_occupants, "1024", 2, 100000, "Occupants of one room."),
	SC_CONF_INT(struct muc_conf, max_rooms, "100", 1, 1000000, "Rooms that one user may make."),
	SC_CONF_SIZE(struct muc_conf, max_nick, "128B", 1, 1023, "Longest nick, in bytes."),
	SC_CONF_SIZE(struct muc_conf, max_subject, "2KiB", 1, 65536, "Longest subject, in bytes."),
	SC_CONF_INT(struct muc_conf, max_history, "100", 0, 1000,
		"Messages of the past that a newcomer may ask for."),
	SC_CONF_INT(struct muc_conf, default_history, "20", 0, 1000,
		"Messages of the past that a newcomer gets without asking."),
	SC_CONF_INT(struct muc_conf, log_messages, "1000", 1, 1000000,
		"Messages in the log of a room, from which members get what they missed."),
	SC_CONF_TIME(struct muc_conf, log_age, "30d", 3600000, INT64_C(31536000000),
		"How long a message stays in the log of a room."),
	SC_CONF_INT(struct muc_conf, rate, "10", 0, 10000,
		"Messages a second that an occupant may send for long; 0: no limit."),
	SC_CONF_INT(struct muc_conf, burst, "50", 1, 100000,
		"Messages that an occupant may send at once."),
	SC_CONF_INT(struct muc_conf, missed, "500", 0, 10000,
		"Messages that a member who was away is sent when coming back."),
	SC_CONF_END
};

/* --- counters --- */

static SC_COUNTER(muc_joins, "Occupants who entered a room");
static SC_COUNTER(muc_refused, "Presence to a room that was refused");
static SC_COUNTER(muc_messages, "Messages that rooms passed on");
static SC_COUNTER(muc_refused_messages, "Messages to a room that were refused");
static SC_COUNTER(muc_kicked_errors, "Occupants removed because their copies came back");
static SC_COUNTER(muc_private_messages, "Private messages between occupants");
static SC_COUNTER(muc_rate, "Messages refused because their occupant said too much too fast");
static SC_COUNTER(muc_history, "Messages of the past sent to newcomers");
static SC_COUNTER(muc_missed, "Messages that members had missed, sent when they came back");
static SC_COUNTER(muc_log_failed, "Messages that could not be written to a room's log");
static SC_COUNTER(muc_rooms_made, "Rooms made");
static SC_COUNTER(muc_quota, "Rooms refused because their maker has too many");
static SC_COUNTER(muc_presences, "Presence that rooms passed on");

const struct muc_counters muc_counters = {
	.joins = &muc_joins, .refused = &muc_refused, .messages = &muc_messages,
	.refused_messages = &muc_refused_messages, .kicked_errors = &muc_kicked_errors,
	.private_messages = &muc_private_messages, .rate = &muc_rate, .history = &muc_history,
	.missed = &muc_missed, .log_failed = &muc_log_failed, .rooms_made = &muc_rooms_made,
	.quota = &muc_quota, .presences = &muc_presences,
};

/* --- slots --- */

static SC_SLOT(muc_room_slot, SC_SLOT_ENTITY, struct room, room_fini);
const struct sc_slot *const room_slot = &muc_room_slot;
static SC_SLOT(muc_shard_slot, SC_SLOT_SHARD, struct muc_shard, NULL);

struct muc_shard *
muc_shard(void)
{
	return sc_shard_slot(&muc_shard_slot);
}

/* --- what comes in --- */

static enum sc_verdict
message_to_room(struct sc_ctx *ctx, struct room *r, struct sc_stanza *s)
{
	if (sc_type(s) == SC_TYPE_ERROR) {
		(void)ghost_error(r, s);
		return SC_DROPPED;
	}
	if (sc_type(s) == SC_TYPE_GROUPCHAT)
		return groupchat_in(ctx, r, s);
	if (!room_exists(r))
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	return sc_refuse(ctx, SC_COND_BAD_REQUEST,
		"A room takes messages of type groupchat; others go to one of its occupants.");
}

static enum sc_verdict
come_in(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	struct sc_entity *entity = sc_entity(ctx);
	struct sc_stanza *s = ev->stanza;
	struct room *r;

	if (entity == NULL)             /* to the service itself: only IQs mean something */
		return SC_PASS;
	r = room_of(entity);
	if (sc_kind(s) == SC_PRESENCE)
		return presence_in(ctx, r, s);
	if (sc_kind(s) == SC_MESSAGE && (sc_jid_is_bare(sc_to(s)) ||
	    sc_type(s) == SC_TYPE_GROUPCHAT))
		return message_to_room(ctx, r, s);
	if (!sc_jid_is_bare(sc_to(s)))
		return private_in(ctx, r, s);
	return SC_PASS;
}

static void
account_deleted(struct sc_ctx *ctx, const struct sc_ev_account_name *ev)
{
	(void)ctx;
	sc_db_run(muc_sql.account_gone, SC_ARGS(sc_text(ev->jid->text)), NULL, NULL);
}

/* For the modules that serve a room besides this one. */
static void
tell_access(struct sc_ctx *ctx, struct sc_ev_room_access *ev)
{
	const struct room *r = room_of(ev->room);
	enum affiliation affiliation = room_affiliation(r, ev->asker);
	const struct occupant *o = room_occupant_by(r, ev->asker);

	(void)ctx;
	if (!room_exists(r) || (r->state == ROOM_LOCKED && affiliation != AFF_OWNER))
		return;
	ev->access->exists = true;
	ev->access->id = r->id;
	ev->access->archived = r->config.logging;
	ev->access->owns = affiliation == AFF_OWNER;
	ev->access->moderates = affiliation >= AFF_ADMIN ||
		(o != NULL && o->role == ROLE_MODERATOR);
	ev->access->sees_jids = r->config.anyone_knows_jids || ev->access->moderates;
	ev->access->may_read = affiliation >= AFF_MEMBER || o != NULL ||
		(affiliation != AFF_OUTCAST && !r->config.members_only && !r->config.with_password);
}

/* --- an instant room (§10.1.2) --- */

#define NS_DATA "jabber:x:data"

/* The owner takes the standard configuration: an empty form. Any other cannot be kept yet. */
static enum sc_verdict
accept_standard(struct sc_ctx *ctx, const struct sc_elem *query)
{
	struct room *r = room_of(sc_entity(ctx));
	const struct sc_elem *form = sc_child(query, NS_DATA, "x");
	struct sc_stanza *result;

	if (!room_exists(r))
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	if (room_affiliation(r, sc_from(sc_stanza(ctx))) != AFF_OWNER)
		return sc_refuse(ctx, SC_COND_FORBIDDEN, NULL);
	if (form == NULL || !sc_same(sc_attr(form, "type"), "submit") || sc_first(form) != NULL)
		return sc_refuse(ctx, SC_COND_FEATURE_NOT_IMPLEMENTED,
			"Rooms cannot be configured yet.");
	result = sc_result(ctx);
	return sc_answer(ctx, &result);
}

/* --- service discovery (§6.4) --- */

static void
room_info(struct sc_ctx *ctx, struct sc_ev_disco *ev)
{
	struct sc_entity *entity = sc_disco_entity(ev->disco);
	const struct room *r;

	(void)ctx;
	if (sc_disco_at(ev->disco) != SC_AT_ROOM || entity == NULL ||
	    sc_disco_node(ev->disco) != NULL)
		return;
	r = room_of(entity);
	if (!room_exists(r))
		return;
	sc_disco_add_identity(ev->disco, "conference", "text", r->config.title);
	sc_disco_add_feature(ev->disco, r->config.members_only ? "muc_membersonly" : "muc_open");
	sc_disco_add_feature(ev->disco, r->config.moderated ? "muc_moderated" : "muc_unmoderated");
	sc_disco_add_feature(ev->disco, r->config.anyone_knows_jids ? "muc_nonanonymous" :
		"muc_semianonymous");
	sc_disco_add_feature(ev->disco, r->config.with_password ? "muc_passwordprotected" :
		"muc_unsecured");
	sc_disco_add_feature(ev->disco, r->config.persistent ? "muc_persistent" : "muc_temporary");
	sc_disco_add_feature(ev->disco, r->config.listed ? "muc_public" : "muc_hidden");
}

/* --- the beginning and the end --- */

#define LEFTOVERS 10000

/* Rooms that were not persistent, and had occupants when the server was killed. */
static void
start(struct sc_ctx *ctx)
{
	(void)ctx;
	sc_db_run(muc_sql.leftovers, SC_ARGS(sc_int(sc_now()), sc_int(LEFTOVERS)), NULL, NULL);
}

static void
stop(struct sc_ctx *ctx)
{
	(void)ctx;
	for (struct room *r = muc_shard()->rooms; r != NULL; r = r->next_here) {
		marks_save(r);
		room_drop_all(r);
	}
}

static const struct sc_hook hooks[] = {
	SC_ON(to_service, DELIVERY, come_in),
	SC_SEE(account_deleted, account_deleted),
	SC_SEE(disco_info, room_info),
	SC_SEE(room_access, tell_access),
	SC_END
};

static const struct sc_iq iq[] = {
	{ SC_IQ_SET, SC_AT_ROOM, NS_MUC_OWNER, "query", accept_standard },
	{ 0 }
};

static const struct sc_feature features[] = {
	{ SC_AT_SERVICE | SC_AT_ROOM, NS_MUC },
	{ SC_AT_ROOM, NS_OCCUPANT_ID },
	{ SC_AT_ROOM, NS_STANZA_ID },
	{ SC_AT_ROOM, NS_SELF_PING },
	{ SC_AT_ROOM, NS_STABLE_ID },
	{ 0 }
};

static const struct sc_identity identities[] = {
	{ SC_AT_SERVICE, "conference", "text", "Rooms" },
	{ 0 }
};

static const struct sc_service services[] = {
	{ .name = MUC_SERVICE, .conf_domain = offsetof(struct muc_conf, domain), .title = "Rooms",
		.load = room_load },
	{ 0 }
};

SC_MODULE(muc,
	.summary = "Rooms where many people talk; unfinished, and off unless muc.domain is set.",
	.implements = SC_LIST("XEP-0045 1.35", "XEP-0410 1.1.0", "XEP-0421 1.0.1"),
	.hooks = hooks,
	.iq = iq,
	.features = features,
	.identities = identities,
	.services = services,
	.slots = SC_SLOTS(&muc_room_slot, &muc_shard_slot),
	.counters = SC_COUNTERS(&muc_joins, &muc_refused, &muc_messages, &muc_refused_messages,
		&muc_kicked_errors, &muc_private_messages, &muc_rate, &muc_history, &muc_missed,
		&muc_log_failed, &muc_rooms_made, &muc_quota, &muc_presences),
	.conf = conf,
	.conf_size = sizeof(struct muc_conf),
	.statements = muc_statements,
	.shard_start = start,
	.shard_stop = stop
);
