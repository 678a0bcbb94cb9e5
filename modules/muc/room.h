/* SPDX-License-Identifier: MIT */
/*
 * room: what a room is while it is in memory, and what the files of this module ask of each other.
 * README.md has the idea of each file. A room is an entity of the service: all of this runs on its
 * home shard, in order, and nothing is locked.
 *
 *	member		somebody with an affiliation: kept in PostgreSQL, present or not. Outcasts
 *	are "members" too occupant	a nick that is in the room now: one user, with one or
 *	several seats seat		one session (full JID) of an occupant
 *
 * What is kept (configuration, subject, members) is written first and changed in memory when it is
 * committed; the room's id orders the writes. So memory and database never disagree for longer than
 * a commit.
 */
#ifndef MUC_ROOM_H
#define MUC_ROOM_H

#include <stonechat/stonechat.h>

#define NS_MUC "http://jabber.org/protocol/muc"
#define NS_MUC_USER NS_MUC "#user"
#define NS_MUC_ADMIN NS_MUC "#admin"
#define NS_MUC_OWNER NS_MUC "#owner"
#define NS_OCCUPANT_ID "urn:xmpp:occupant-id:0"
#define NS_STANZA_ID "urn:xmpp:sid:0"

/* --- settings of the service --- */

enum muc_create { MUC_CREATE_NOBODY, MUC_CREATE_LOCAL, MUC_CREATE_ANYONE };

struct muc_conf {
	const char *domain;             /* "rooms": rooms.HOST; with a dot whole; "": none */
	int create;                     /* enum muc_create */
	/* §10.1.1: a new room waits for its owner's configuration */
	bool lock_new;
	bool default_persistent, default_members_only, default_listed, default_anyone_knows_jids;
	int64_t max_occupants;
	int64_t max_rooms;              /* that one user may have made */
	int64_t max_nick, max_subject;  /* bytes */
	int64_t max_history, default_history;   /* messages that newcomers get */
	int64_t log_messages, log_age;  /* of the short log of each room; age in ms */
	int64_t rate, burst;            /* messages a second per occupant; and at once */
	int64_t missed;                 /* messages that a member who was away is sent */
};

/* --- the words of §5 --- */

enum affiliation { AFF_OUTCAST, AFF_NONE, AFF_MEMBER, AFF_ADMIN, AFF_OWNER, AFFILIATIONS };
enum role { ROLE_NONE, ROLE_VISITOR, ROLE_PARTICIPANT, ROLE_MODERATOR, ROLES };

const char *affiliation_name(enum affiliation);         /* "outcast" */
const char *role_name(enum role);
/* False: NULL, or no such word. */
bool affiliation_read(const char *word, enum affiliation *) SC_MUST_CHECK;
bool role_read(const char *word, enum role *) SC_MUST_CHECK;

/* --- configuration of a room: config.c --- */

enum who { WHO_NOBODY, WHO_MODERATORS, WHO_PARTICIPANTS, WHO_ANYONE };

/* Zeroed is empty but no configuration: config_standard() fills in. Texts are malloced; NULL: none.
 * The types are those of data forms (stonechat/form.h). */
struct room_config {
	char *title, *description, *lang, *password;
	char *contacts;                 /* muc#roominfo_contactjid, one a line */
	char *avatar;                   /* XEP-0486: SHA-1 of the picture in the vCard, in hex */
	char *hats;                     /* XEP-0317: those that exist here */
	bool persistent;
	bool listed;                    /* muc#roomconfig_publicroom */
	bool members_only;
	bool moderated;
	bool with_password;
	bool anyone_knows_jids;         /* muc#roomconfig_whois: non-anonymous */
	bool members_invite;            /* muc#roomconfig_allowinvites */
	bool anyone_sets_subject;       /* muc#roomconfig_changesubject */
	bool voice_requests;
	bool logging;                   /* muc#roomconfig_enablelogging: kept in the archive */
	bool ticks_name_people;         /* who has read may be asked for, not only how many */
	int private_messages;           /* enum who: muc#roomconfig_allowpm */
	unsigned shown_roles;           /* muc#roomconfig_presencebroadcast: bits 1 << enum role */
	unsigned list_roles;            /* muc#roomconfig_getmemberlist: the same */
	int64_t max_occupants;          /* 0: as many as the service allows */
	int64_t history;                /* messages that a newcomer gets without asking */
	int64_t slow_seconds;           /* XEP-0500; 0: off */
};

void config_standard(struct room_config *, const struct muc_conf *);
void config_free(struct room_config *);
void config_copy(struct room_config *to, const struct room_config *from);
/* For the column groups.config: "name=value" lines. Unknown names are passed over when it is read,
 * since an older server may have to. */
char *config_text(struct sc_arena *, const struct room_config *);
void config_read(struct room_config *, const char *text);       /* over what is there */

/* --- who is in a room --- */

struct occupant;
struct room;

struct member {
	const struct sc_jid *jid;       /* bare; of an outcast it may be a domain (§9.2) */
	enum affiliation affiliation;   /* NONE: not any more, kept for version (XEP-0463) */
	char *nick;                     /* reserved (§7.10); malloced; NULL: none */
	char *hats;                     /* XEP-0317; malloced; NULL: none */
	int64_t since;                  /* moment of the log at which they came to belong to it */
	int64_t version;                /* of the list, when this one last changed */
	int64_t delivered, displayed;   /* marks.c: moments of the log; forward only */
	int64_t saved_delivered, saved_displayed;       /* as the database has them */
};

struct seat {
	struct seat *next;              /* of the occupant */
	struct occupant *occupant;
	const struct sc_jid *jid;       /* full */
	uint32_t number;                /* in room.fan */
	uint16_t asked;                 /* private.c: IQs of it that wait for an answer */
	/* arrive.c: what it has not been sent yet; NULL: it has all */
	struct newcomer *newcomer;
};

struct occupant {
	struct room *room;
	const struct sc_jid *jid;       /* room@service/nick */
	const struct sc_jid *user;      /* bare real JID */
	enum role role;
	uint32_t group;                 /* in room.fan: of its seats */
	struct seat *seats;             /* at least one while it is in the room */
	/* The presence that the client last sent, without what is the room's to say; sealed. */
	struct sc_stanza *said;
	/* As others see it: [0] without, [1] with the real JID; sealed; NULL: made when needed. */
	struct sc_stanza *shown[2];
	bool seen;                      /* others have been shown this occupant (shown_roles) */
	char id[32];                    /* XEP-0421 */
	int64_t tokens_at, tokens;      /* rate.c */
	int64_t spoke_at;               /* XEP-0500: sc_now() of the last message */
};

enum room_state {
	ROOM_NONE,                      /* there is no such room */
	ROOM_CREATING,                  /* its row is being written */
	ROOM_LOCKED,                    /* its owner configures it (§7.2.10) */
	ROOM_OPEN,
	ROOM_ENDING,                    /* its row is being deleted */
};

/* turn.c: changes of a room, one at a time. */
struct turn;
struct turns {
	struct turn *first, *last;
	bool busy, waking;
};

struct room {
	struct sc_entity *entity;
	int64_t id;                     /* groups.id; 0: none yet */
	enum room_state state;
	struct room_config config;
	struct sc_map *occupants;       /* by nick: struct occupant, in order of their coming */
	struct sc_map *seats;           /* by full JID: struct seat */
	struct sc_map *members;         /* by bare JID: struct member; those of AFF_NONE too */
	struct sc_map *nicks;           /* reserved ones: struct member */
	int n_by_affiliation[AFFILIATIONS];
	struct sc_fan *fan;             /* who gets copies; classes: enum fan_class */
	uint32_t last_group;
	int64_t version;                /* of the member list (XEP-0463) */
	struct turns turns;
	struct wait_for_room *waiting;  /* enter.c: while CREATING or ENDING */
	struct sc_map *asked;           /* private.c: IQs that wait for an answer; NULL: none yet */
	struct history *history;        /* history.c */
	struct sc_stanza *subject;      /* as newcomers get it; sealed; NULL: there never was one */
	struct newcomer *newcomers, **last_newcomer;    /* arrive.c */
	bool arriving;                  /* its timer is set */
	struct later *later, **last_later;      /* what was sent to all meanwhile */
	uint64_t later_ordinal;
	struct ticks *ticks;            /* ticks.c */
	bool saving;                    /* marks.c: its timer is set */
	unsigned said;                  /* messages since it was loaded */
	bool pinned;                    /* somebody is here */
	struct room *next_here, **prev_here;    /* of this shard */
};

/* Classes of the fan: a copy is for the seats that have one of the bits asked for. */
enum fan_class { FAN_NOBODY = 0, FAN_PLAIN = 1, FAN_KNOWS_JIDS = 2, FAN_ALL = 3 };

/* --- room.c: finding and keeping --- */

extern const struct sc_slot *const room_slot;
/* Never NULL: one that does not exist has the state NONE. */
struct room *room_of(struct sc_entity *);
const struct muc_conf *room_conf(const struct room *);
static inline bool
room_exists(const struct room *r)
{
	return r->state == ROOM_LOCKED || r->state == ROOM_OPEN;
}
/* By the bare form; NULL: no affiliation. */
struct member *room_member(const struct room *, const struct sc_jid *);
/* The user's, or what the ban of a whole domain says. */
enum affiliation room_affiliation(const struct room *, const struct sc_jid *);
struct occupant *room_occupant(const struct room *, struct sc_span nick);      /* NULL: nobody */
struct seat *room_seat(const struct room *, const struct sc_jid *full);        /* NULL: nobody's */
struct occupant *room_occupant_by(const struct room *, const struct sc_jid *full);
/* The next occupant of a user, in order of coming; start with NULL. It may be removed meanwhile, if
 * the one after is asked for first. */
struct occupant *room_occupant_of(const struct room *, const struct sc_jid *user,
	struct occupant *after);
int room_count(const struct room *);                            /* occupants */
struct sc_span occupant_nick(const struct occupant *);
/* Changes an affiliation in memory, after the commit. Roles and presence are the caller's. */
struct member *room_set_affiliation(struct room *, const struct sc_jid *bare, enum affiliation,
	int64_t version);
/* Sets or takes (NULL) a reserved nick, in memory. */
void room_set_nick(struct room *, struct member *, const char *nick);
/* The role that somebody with this affiliation enters with (§5.1.2). */
enum role room_standard_role(const struct room *, enum affiliation);
/* It exists no more: everything of it goes from memory. Its occupants have been removed. */
void room_forget(struct room *);
/* Whoever writes without a stanza that waits: the room stays in memory until it is done. */
void room_write(struct room *, const struct sc_stmt *, struct sc_args);

/* --- show.c: presence of occupants --- */

/* What is said with a presence besides the occupant's own. Zeroed: nothing. */
struct show {
	bool unavailable;
	int codes[6], n_codes;          /* §15.6.2: for everybody */
	int self_codes[6], n_self_codes;        /* for the occupant's own seats only, besides 110 */
	const char *reason;
	const struct occupant *actor;   /* NULL: not told */
	const struct seat *not_to;      /* has been told already; NULL: none */
	const char *new_nick;           /* 303 */
	const struct sc_elem *destroy;  /* copied into <x/> */
	/* of the presence to the occupant's own seats; NULL: none */
	const char *id;
};

static inline void
show_code(struct show *s, int code)
{
	if (s->n_codes < 6)
		s->codes[s->n_codes++] = code;
}

static inline void
show_self_code(struct show *s, int code)
{
	if (s->n_self_codes < 6)
		s->self_codes[s->n_self_codes++] = code;
}

/* To everybody who may see it, and to the occupant itself. */
void show_occupant(struct occupant *, const struct show *);
/* To one seat of it, with 110. */
void show_self(struct occupant *, struct seat *, const struct show *);
/* The occupant as others see it, for somebody who comes; sealed, lent. NULL: it is not shown. */
const struct sc_stanza *show_to(struct occupant *, bool with_jid);
/* Role, affiliation, hats or seats are not what they were: call before show_occupant(). Puts the
 * seats into the class of the role. */
void show_changed(struct occupant *);
unsigned show_class(const struct occupant *);
/* A copy for all seats of these classes, but not the group (0: nobody is left out). mark: 0, or the
 * moment in the log. Also for those who are arriving. */
void show_send(struct room *, const struct sc_stanza *sealed, unsigned classes, uint32_t except,
	int64_t mark);

/* --- leave.c --- */

/* Ends an occupant: unavailable for everybody with what `show` says, then it is freed. */
void occupant_remove(struct occupant *, struct show *);
/* One seat goes; with the last one the occupant does. */
void seat_leave(struct seat *, struct show *);
/* The last occupant went: called by occupant_remove(). */
void room_empty(struct room *);

/* --- sending --- */

/* To all seats of these classes, not kept in the log: configuration and affiliation messages (104,
 * 170 …). Takes it; from the room. */
void room_tell_all(struct room *, struct sc_stanza **taken, unsigned classes);
enum say {
	SAY_PASSING,                    /* to all, and forgotten */
	SAY_KEPT,                       /* into the log, the history and the archive too */
	SAY_SUBJECT,                    /* into the archive only */
};
/* A message for all, from an occupant (NULL: the room). Takes it; sets its addresses and ids. The
 * verdict is the hook's: what is kept must be committed before the sender's acknowledgement. */
enum sc_verdict room_say(struct sc_ctx *, struct room *, struct occupant *from,
	struct sc_stanza **taken, enum say);
/* XEP-0421: the id of a user in this room. */
void occupant_id(const struct room *, const struct sc_jid *user, char out[32]);

/* --- entries: what muc.c calls by kind --- */

enum sc_verdict presence_in(struct sc_ctx *, struct room *, struct sc_stanza *);     /* enter.c */
enum sc_verdict groupchat_in(struct sc_ctx *, struct room *, struct sc_stanza *);    /* message.c */
/* private.c: message or IQ to an occupant. */
enum sc_verdict private_in(struct sc_ctx *, struct room *, struct sc_stanza *);
/* history.c, ticks.c, subject.c: see there. */
struct history;
void history_add(struct room *, int64_t at, const struct sc_stanza *sealed);
void history_free(struct room *);
/* The content of a message was taken back: payload as in the log. */
void history_replace(struct room *, int64_t at, struct sc_span payload);

/* --- statements: the generated header is included by store.c alone --- */

struct muc_sql {
	const struct sc_stmt *load, *members, *create, *destroy, *touch, *subject, *marks;
	const struct sc_stmt *log_add, *log_recent, *log_trim, *log_replace, *leftovers;
	const struct sc_stmt *account_gone;
};
extern const struct muc_sql muc_sql;
extern const struct sc_module sc_module_muc;
#define MUC_SERVICE "muc"

#endif
