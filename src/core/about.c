/* SPDX-License-Identifier: MIT */
/*
 * about: what a log line says of its ctx, and what the report of a broken promise says of the
 * stanza in work: names and addresses, never what people wrote.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "core/about.h"
#include "core/entity.h"
#include "core/session.h"
#include "plugin/hook.h"
#include "xmpp/stanza.h"

#define DEPTH_MAX 3     /* of the elements whose names are told */

static void
describe(const struct sc_ctx *ctx, struct log_about *about)
{
	const struct sc_session *s = ctx->session;

	if (s != NULL) {
		about->id = s->number;
		about->jid = s->jid.text;
		about->peer = s->stream != NULL ? sc_session_peer(s) : NULL;
	} else if (ctx->entity != NULL) {
		about->jid = sc_entity_jid(ctx->entity)->text;
	}
}

/* --- in the middle of a crash: nothing is allocated, and little is believed --- */

static const char *
kind_name(const struct sc_stanza *s)
{
	switch (sc_kind(s)) {
	case SC_MESSAGE:
		return "message";
	case SC_PRESENCE:
		return "presence";
	default:
		return "iq";
	}
}

static int
jid_or_dash(char *to, size_t room, const char *key, const struct sc_jid *jid)
{
	return snprintf(to, room, " %s='%.200s'", key, jid != NULL ? jid->text : "-");
}

/* Names of the elements inside, in brackets for each level. */
static void
names(char *buf, size_t size, const struct sc_elem *parent, int depth)
{
	for (const struct sc_elem *e = sc_first(parent); e != NULL && depth < DEPTH_MAX;
	    e = sc_next(e)) {
		size_t n = strlen(buf);

		if (size - n < 100)
			return;
		snprintf(buf + n, size - n, " <%.80s", e->name);
		names(buf, size, e, depth + 1);
		n = strlen(buf);
		snprintf(buf + n, size - n, ">");
	}
}

static void
describe_crash(char *buf, size_t size)
{
	const struct sc_ctx *ctx = ctx_called;
	const struct sc_stanza *s = ctx != NULL ? ctx->stanza : NULL;
	int n;

	snprintf(buf, size, "none");
	if (ctx == NULL)
		return;
	n = snprintf(buf, size, "module %.40s, ", ctx->module != NULL ? ctx->module->m.name : "-");
	if (s == NULL) {
		snprintf(buf + n, size - (size_t)n, "no stanza");
		return;
	}
	n += snprintf(buf + n, size - (size_t)n, "%s type %d", kind_name(s), (int)sc_type(s));
	n += jid_or_dash(buf + n, size - (size_t)n, "from", sc_from(s));
	n += jid_or_dash(buf + n, size - (size_t)n, "to", sc_to(s));
	if (s->root != NULL)
		names(buf, size, s->root, 0);
}

void
about_setup(void)
{
	log_describe = describe;
	log_describe_crash = describe_crash;
}
