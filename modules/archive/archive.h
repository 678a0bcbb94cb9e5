/* SPDX-License-Identifier: MIT */
/*
 * archive: message archives of accounts and rooms (XEP-0313).
 *	archive.c       the module's tables
 *	load.c          what an account's home knows of its archive
 *	keep.c          writing: the sender's copy, the recipient's copy, a room's message
 *	prefs.c         what the account wants kept (XEP-0441)
 *	query.c         what somebody asks for, as bounds of a page
 *	page.c          reading a page
 *	answer.c        giving it out: results, <fin/>
 *	metadata.c      the first and the last of an archive, also at bind (XEP-0386)
 *	retract.c       tombstones (XEP-0424)
 *	months.c        the parts in which rows leave; deletion of accounts' archives
 *	commands.c      archive show, archive purge
 */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include <stonechat/stonechat.h>

#define NS_MAM "urn:xmpp:mam:2"
#define NS_MAM_EXTENDED "urn:xmpp:mam:2#extended"
#define NS_MAM_GROUPCHAT "urn:xmpp:mam:2#groupchat-field"
#define NS_SID "urn:xmpp:sid:0"
#define NS_HINTS "urn:xmpp:hints"
#define NS_FORWARD "urn:xmpp:forward:0"
#define NS_RETRACT "urn:xmpp:message-retract:1"
#define NS_TOMBSTONES "urn:xmpp:message-retract:1#tombstone"
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"

#define TAIL_MAX 16

#define RETENTION_OFF SC_CONF_WORD(0)
#define RETENTION_FOREVER SC_CONF_WORD(1)
#define NEVER INT64_MAX                 /* expires */

struct archive_conf {
	int64_t retention;              /* ms, or RETENTION_… */
	int standard;                   /* enum standard */
	int64_t page_standard, page_max, page_bytes;
	int64_t prefs_max;
};

/* XEP-0441 §2.1.1: what is kept of those who stand in no list. */
enum standard { KEEP_ALWAYS, KEEP_ROSTER, KEEP_NEVER };

struct prefs {
	bool chosen;                    /* else the host's standard counts */
	enum standard standard;
	int n_always, n_never;
	char **always, **never;         /* prepared JIDs, sorted; one block each, or NULL */
};

struct place {
	int64_t at;                     /* 0: there is none */
	char tail[TAIL_MAX];
};

/* The slot of an account. */
struct archive {
	struct prefs prefs;
	bool ends_known;                /* the next two are what the database has, or will have */
	struct place first, last;
	int64_t hidden;                 /* up to here it is being deleted */
	int under_way;                  /* rows on their way into the database */
};

struct archive *archive_of(struct sc_entity *);
const struct archive_conf *archive_conf_of(const struct sc_host *);
bool archive_is_on(const struct sc_host *);
/* Everything up to this moment is being deleted. */
void archive_hide(struct archive *, int64_t at);
/* A row is on its way. */
void archive_comes(struct archive *, int64_t at, const char *tail);
/* Nothing before this moment is shown, whatever was promised when it was written. */
int64_t archive_oldest(const struct sc_host *, int64_t now);
extern const struct sc_module sc_module_archive;

/* The generated header is included by archive.c alone: each inclusion makes new statements. */
struct archive_sql {
	const struct sc_stmt *add, *fence, *page, *page_back, *page_with, *page_with_back;
	const struct sc_stmt *page_ids, *count, *load, *prefs_set, *find, *replace;
	const struct sc_stmt *make_months, *drop_month, *purge, *bite, *list, *size;
};
extern const struct archive_sql archive_sql;

struct archive_counters {
	const struct sc_counter *kept, *holes, *pages, *results, *tombstones, *prefs_full, *dropped;
};
extern const struct archive_counters archive_counters;

/* load.c */
enum sc_verdict load_account(struct sc_ctx *, struct sc_ev_account *);
/* Of what archive_load has read. */
void load_ends(const struct sc_rows *, struct place *first, struct place *last);

/* keep.c */
enum sc_verdict keep_sent(struct sc_ctx *, struct sc_ev_stanza *);
enum sc_verdict keep_received(struct sc_ctx *, struct sc_ev_stanza *);
/* The recipient must not know the sender's id. */
enum sc_verdict keep_hide_id(struct sc_ctx *, struct sc_ev_stanza *);

/* prefs.c */
bool prefs_want(struct sc_ctx *, const struct sc_jid *other);
void prefs_free(struct prefs *);
void prefs_read(struct sc_arena *, struct prefs *, const struct sc_rows *, int column);
enum sc_verdict prefs_get(struct sc_ctx *, const struct sc_elem *);
enum sc_verdict prefs_set(struct sc_ctx *, const struct sc_elem *);

/* query.c */
#define KNOWN_MAX 4
#define IDS_MAX 256

struct query {
	const char *queryid;
	int64_t owner;
	int64_t lo, hi;                 /* both exclusive */
	int64_t max;
	bool counts;                    /* no page, only how many there are */
	bool backwards, flip;
	struct sc_span with, resource;  /* p NULL: anybody */
	int n_known, n_ids;             /* what must be there; what is asked for (-1: not by id) */
	int64_t *known, *ids;           /* the latter are part of the former */
	struct sc_span *known_tails, *id_tails;
};

/* False: the verdict is given, and the asker has been told why. */
bool query_read(struct sc_ctx *, const struct sc_elem *, struct query *, enum sc_verdict *)
	SC_MUST_CHECK;
/* Nothing up to this moment. */
void query_floor(struct query *, int64_t at);
enum sc_verdict query_form(struct sc_ctx *, const struct sc_elem *);

/* page.c */
enum sc_verdict page_of_account(struct sc_ctx *, const struct sc_elem *);

/* answer.c */
enum sc_verdict answer_page(struct sc_ctx *, const struct query *, const struct sc_rows *);
/* Counting ends at max. */
enum sc_verdict answer_count(struct sc_ctx *, int64_t n, int64_t max);

/* metadata.c */
enum sc_verdict metadata_of_account(struct sc_ctx *, const struct sc_elem *);
void metadata_at_bind(struct sc_ctx *, struct sc_ev_features *);

/* retract.c */
void retract(struct sc_entity *, const struct sc_stanza *, bool sent, const struct sc_jid *other,
	int64_t at);

/* months.c */
struct archive_shard {
	int64_t months_until;           /* rows that expire before this have a month to be in */
	int64_t asked_until;            /* being made */
	bool biting, will_bite;
};
void months_start(struct sc_ctx *);
void months_account_deleted(struct sc_ctx *, const struct sc_ev_account_name *);
bool months_reach(int64_t expires);
/* Makes them, with a hold; the continuation asks months_made() whether that went well. */
enum sc_verdict months_make(struct sc_ctx *, int64_t expires, sc_rows_cont) SC_MUST_CHECK;
bool months_made(struct sc_ctx *, const struct sc_rows *) SC_MUST_CHECK;
void months_bite_soon(void);
extern const struct sc_slot *const archive_shard_slot;

/* commands.c */
void command_show(struct sc_command *);
void command_purge(struct sc_command *);

#endif
