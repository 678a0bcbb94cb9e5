/* SPDX-License-Identifier: MIT */
/*
 * admin_watch: `watch JID`. Text is hidden unless --bodies asks for it: who talks to whom and what
 * kind of stanza it is helps to find a fault, what people say does not.
 */
#include "config.h"

#include <stdlib.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/mem.h"
#include "core/admin_core.h"
#include "core/session.h"
#include "core/watch.h"
#include "xml/xml.h"
#include "xmpp/stanza.h"

struct watcher {
	struct link link;
	struct sc_command *command;
	bool bodies;
};

_Thread_local int watchers;
static _Thread_local struct link all;

static void
stop(void *arg)
{
	struct watcher *w = arg;

	link_remove(&w->link);
	watchers--;
	sc_command_done(&w->command);
	free(w);
}

static void
watch(struct sc_command *c)
{
	struct watcher *w;

	if (admin_account_host(&c) == NULL)
		return;
	if (all.next == NULL)
		link_init(&all);
	w = mem_new(sizeof *w);
	w->command = c;
	w->bodies = sc_command_option(c, "bodies") != NULL;
	link_append(&all, &w->link);
	watchers++;
	admin_stream(c, stop, w);
}

/* Every text becomes its length. */
static void
hide(struct sc_arena *a, struct sc_elem *top)
{
	for (const struct sc_elem *at = top; (at = tree_walk(top, at)) != NULL;) {
		struct sc_elem *text = (struct sc_elem *)(uintptr_t)at;

		if (at->name != NULL || at->text_len == 0)
			continue;
		text->text = sc_format(a, "(%u bytes)", at->text_len);
		text->text_len = (uint32_t)__builtin_strlen(text->text);
	}
}

static void
tell(struct watcher *w, const struct sc_session *s, enum watch_direction direction,
	const struct sc_stanza *stanza)
{
	struct sc_arena *a = arena_new();
	struct sc_elem *copy = tree_copy(a, stanza->root);
	struct buf xml = { 0 };

	if (!w->bodies)
		hide(a, copy);
	xml_write(&xml, copy, SC_NS_CONTENT);
	buf_add(&xml, "", 1);
	admin_event(w->command, (const char *const[]){ "time", sc_timestamp(a, clock_wall()),
		"direction",
		direction == WATCH_IN ? "from" : "to", "session", sc_session_jid(s)->text, "xml",
		xml.p, NULL });
	buf_free(&xml);
	arena_free(a);
}

void
watch_see(const struct sc_session *s, enum watch_direction direction,
	const struct sc_stanza *stanza)
{
	list_each(&all, it, tmp) {
		struct watcher *w = container_of(it, struct watcher, link);

		if (sc_jid_same_bare(sc_command_jid(w->command), sc_session_jid(s)))
			tell(w, s, direction, stanza);
	}
}

const struct sc_command_row admin_watch_rows[] = {
	{ .words = "watch", .args = "JID [--bodies]", .where = SC_ON_JID, .min_args = 1,
		.max_args = 1, .fn = watch,
		.help = "Shows the stanzas of an account as they pass, until interrupted; texts "
		"are hidden without --bodies." },
	{ .words = NULL }
};
