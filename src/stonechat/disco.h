/* SPDX-License-Identifier: MIT */
/*
 * disco: service discovery (XEP-0030). Fixed features stand in a module's table; the rest is
 * gathered.
 */
#ifndef STONECHAT_DISCO_H
#define STONECHAT_DISCO_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>
#include <stonechat/iq.h>

struct sc_feature {
	unsigned at;            /* SC_AT_SERVER | SC_AT_ACCOUNT | SC_AT_SERVICE | SC_AT_ROOM */
	const char *var;
};

struct sc_identity {
	unsigned at;
	const char *category, *type, *name;     /* name may be NULL */
};

/* One question while it is being answered; lent to the gathering hooks. */
struct sc_disco;
unsigned sc_disco_at(const struct sc_disco *);                          /* one SC_AT_ bit */
const char *sc_disco_node(const struct sc_disco *);                     /* NULL: none asked for */
/* who asks; NULL when the server makes its own caps */
const struct sc_jid *sc_disco_by(const struct sc_disco *);
/* NULL at the server, and at a service's domain */
struct sc_entity *sc_disco_entity(const struct sc_disco *);
/* name (service.h); NULL at the server and at accounts */
const char *sc_disco_service(const struct sc_disco *);
/* owner, or subscribed: may see an account's details */
bool sc_disco_trusted(const struct sc_disco *);
void sc_disco_add_identity(struct sc_disco *, const char *category, const char *type,
	const char *name);
void sc_disco_add_feature(struct sc_disco *, const char *var);
void sc_disco_add_item(struct sc_disco *, const char *jid, const char *node, const char *name);
/* An XEP-0128 form being built: values NULL-terminated. The first call with a form_type opens
 * it. */
void sc_disco_add_field(struct sc_disco *, const char *form_type, const char *var, const char *type,
	const char *const *values);
/* The same for all fields of a table that exist (form.h). */
struct sc_form_plan;
void sc_disco_add_form(struct sc_disco *, const struct sc_form_plan *, const void *values);
/* The node asked for is known to this module, so the answer is not item-not-found. */
void sc_disco_node_known(struct sc_disco *);

/*
 * For the module that answers the questions. Fills <query/> of an answer from the tables and the
 * gathering hooks. False: the node is not known (item-not-found). at is one SC_AT_ bit; entity and
 * asker are the ctx's.
 */
bool sc_disco_fill_info(struct sc_ctx *, unsigned at, const char *node, struct sc_stanza *into,
	struct sc_elem *query);
bool sc_disco_fill_items(struct sc_ctx *, unsigned at, const char *node, struct sc_stanza *into,
	struct sc_elem *query);
/* XEP-0115 §5 verification string (SHA-1, base64) of the host itself; computed once per host, shard
 * and configuration. Lent. */
const char *sc_disco_caps(struct sc_host *);

#pragma GCC visibility pop

#endif
