/* SPDX-License-Identifier: MIT */
/* bind2: binding within a login (XEP-0386): the resource that we give, and what else the client
 * wants switched on with it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "base/rand.h"
#include "core/session.h"
#include "plugin/hook.h"
#include "plugin/nonza.h"
#include "stream/offer.h"
#include "stream/sasl2.h"
#include "xmpp/ns.h"

#define FEATURES_MAX 32
#define ID_LETTERS 12                   /* 72 bits */

void
bind2_features(struct stream *s, struct buf *b)
{
	const char *spaces[FEATURES_MAX];
	int n = nonza_namespaces(s->host, SC_NONZA_BIND, spaces, FEATURES_MAX);

	buf_text(b, "<bind xmlns='" NS_BIND2 "'><inline><feature var='" NS_SM "'/>");
	for (int i = 0; i < n; i++)
		buf_format(b, "<feature var='%s'/>", spaces[i]);
	buf_text(b, "</inline></bind>");
}

/* --- the resource --- */

/* The same for the same client each time, and nobody can tell the client's id from it (§3.2.1). */
static void
make_id(const struct stream *s, struct sc_arena *arena, char id[ID_LETTERS + 1])
{
	unsigned char mac[32];
	char token[23], *text;

	if (s->agent == NULL) {
		rand_token(token);
		memcpy(id, token, ID_LETTERS);
	} else {
		offer_mac(sc_format(arena, "resource %s@%s %s", s->local, sc_host_name(s->host),
			s->agent), mac);
		text = sc_base64(arena, mac, sizeof mac);
		memcpy(id, text, ID_LETTERS);
	}
	id[ID_LETTERS] = '\0';
	for (char *p = id; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
}

char *
bind2_resource(struct stream *s, const struct sc_elem *bind)
{
	struct sc_arena *arena = arena_new();
	const struct sc_elem *tag = sc_child(bind, NS_BIND2, "tag");
	const char *wish = tag != NULL ? sc_text_in(arena, tag) : "";
	char id[ID_LETTERS + 1], *full, *resource;

	make_id(s, arena, id);
	full = sc_format(arena, "%s/%s", wish, id);
	/* A tag that cannot stand in a resource is left out; it is only there for people. */
	resource = *wish != '\0' ? sc_prepare_resource(arena, full, strlen(full)) : NULL;
	resource = strdup(resource != NULL ? resource : id);
	arena_free(arena);
	sc_assert(resource != NULL);
	return resource;
}

/* --- what else is asked for --- */

/* Modules have something to say about it (XEP-0313's metadata). */
static void
add_from_modules(struct stream *s, struct buf *b)
{
	struct sc_stanza *holder = sc_stanza_new(SC_MESSAGE, SC_TYPE_NORMAL, NULL, NULL, NULL);
	struct sc_ev_features ev = { s->session, holder };

	hook_fire(SC_EV_bound_inline, s->host, sc_session_account(s->session), s->session, &ev);
	for (const struct sc_elem *e = sc_first(sc_root(holder)); e != NULL; e = sc_next(e))
		xml_write(b, e, NS_BIND2);
	sc_stanza_free(&holder);
}

void
bind2_bound(struct stream *s, const struct sc_elem *bind, struct buf *b)
{
	buf_text(b, "<bound xmlns='" NS_BIND2 "'>");
	for (const struct sc_elem *e = sc_first(bind); e != NULL && s->session != NULL;
	    e = sc_next(e)) {
		if (sc_is(e, NS_SM, "enable"))
			c2s_sm_enable(s, e, b);
		else if (!sc_same(sc_ns(e), NS_BIND2))
			/* what nobody knows was not offered */
			(void)c2s_run_nonza(s, SC_NONZA_BIND, e);
	}
	if (s->session != NULL)         /* a module may have ended it */
		add_from_modules(s, b);
	buf_text(b, "</bound>");
}
