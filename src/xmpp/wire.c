/* SPDX-License-Identifier: MIT */
/* wire: the bytes of a stanza, written once and spliced for each recipient (design §6). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "xml/xml.h"
#include "xmpp/types.h"
#include <stonechat/log.h>

#define SCRATCH_KEPT (64 * 1024)

/* Where the cuts are is known while the root's tags are written. */
static void
write_root(struct buf *b, const struct sc_elem *root, struct wire *w)
{
	buf_add(b, "<", 1);
	buf_text(b, root->name);
	w->name_end = w->to_at = b->n;
	if (strcmp(root->ns, SC_NS_CONTENT) != 0)
		xml_write_attr(b, "xmlns", root->ns);
	xml_write_attrs(b, root, "to");
	buf_add(b, ">", 1);
	for (const struct sc_elem *e = root->first; e != NULL; e = e->next)
		xml_write(b, e, root->ns);
	w->tail_at = b->n;
	buf_add(b, "</", 2);
	buf_text(b, root->name);
	buf_add(b, ">", 1);
	w->n = b->n;
}

static _Thread_local struct buf scratch;

void
stanza_thread_done(void)
{
	buf_free(&scratch);
}

const struct sc_stanza *
sc_seal(struct sc_stanza *s)
{
	if (s->sealed)
		return s;
	scratch.n = 0;
	write_root(&scratch, s->root, &s->wire);
	s->wire.p = memcpy(arena_take(s->arena, scratch.n, 1), scratch.p, scratch.n);
	s->sealed = true;
	if (scratch.room > SCRATCH_KEPT)
		buf_free(&scratch);
	return s;
}

static void
splice(struct buf *b, const struct sc_stanza *s, const struct wire *w, struct sc_span to,
	struct sc_span patch, bool framed)
{
	buf_reserve(b, w->n + patch.n + to.n + 64);
	buf_add(b, w->p, w->name_end);
	if (framed && strcmp(s->root->ns, SC_NS_CONTENT) == 0)
		buf_add(b, " xmlns='" SC_NS_CONTENT "'", sizeof(" xmlns='" SC_NS_CONTENT "'") - 1);
	buf_add(b, w->p + w->name_end, w->to_at - w->name_end);
	if (to.n > 0) {
		buf_add(b, " to='", 5);
		xml_write_value_n(b, to.p, to.n);
		buf_add(b, "'", 1);
	}
	buf_add(b, w->p + w->to_at, w->tail_at - w->to_at);
	buf_add(b, patch.p, patch.n);
	buf_add(b, w->p + w->tail_at, w->n - w->tail_at);
}

void
stanza_splice(struct buf *b, const struct sc_stanza *s, struct sc_span to, struct sc_span patch,
	bool framed)
{
	sc_assert(s->sealed);
	splice(b, s, &s->wire, to, patch, framed);
}

char *
sc_stanza_text(struct sc_arena *a, const struct sc_stanza *s, size_t *n)
{
	const char *to = stanza_to_text(s);
	struct buf fresh = { 0 }, all = { 0 };
	struct wire w = s->wire;
	char *text;

	if (!s->sealed) {
		write_root(&fresh, s->root, &w);
		w.p = fresh.p;
	}
	splice(&all, s, &w, sc_span(to), (struct sc_span){ 0 }, false);
	text = sc_copy_n(a, all.p, all.n);
	if (n != NULL)
		*n = all.n;
	buf_free(&fresh);
	buf_free(&all);
	return text;
}
