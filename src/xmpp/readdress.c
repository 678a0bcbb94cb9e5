/* SPDX-License-Identifier: MIT */
/* readdress: one sealed stanza for many recipients; each has its own `to` and nothing else. */
#include "config.h"

#include <stonechat/log.h>
#include "xmpp/stanza.h"

struct sc_stanza *
stanza_readdress(const struct sc_stanza *sealed, const struct sc_jid *to)
{
	struct sc_arena *arena = arena_new();
	struct sc_stanza *s = sc_alloc(arena, sizeof *s);

	sc_assert(sealed->sealed);
	s->arena = arena;
	s->base = sc_ref(sealed->base != NULL ? sealed->base : sealed);
	s->root = sealed->root;
	s->from = sealed->from;
	s->to = sc_jid_dup(arena, to);
	s->id = sealed->id;
	s->lang = sealed->lang;
	s->wire = sealed->wire;
	s->kind = sealed->kind;
	s->type = sealed->type;
	s->bad_type = sealed->bad_type;
	s->sealed = true;
	atomic_init(&s->refs, 1);
	return s;
}
