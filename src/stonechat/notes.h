/* SPDX-License-Identifier: MIT */
/*
 * notes: what a module must remember with a session over a restart of the server (XEP-0198): little
 * facts such as "carbons are on". Written in the event session_saving, read in session_restored.
 */
#ifndef STONECHAT_NOTES_H
#define STONECHAT_NOTES_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

struct sc_notes;

/* name is "MODULE.WHAT"; neither may have a line end or (the name) a '='. At most 8 KiB in all;
 * what is beyond is left out. */
void sc_note(struct sc_notes *, const char *name, const char *value);
/* In the arena. NULL: there is none. */
char *sc_note_of(struct sc_arena *, const struct sc_notes *, const char *name);

#pragma GCC visibility pop

#endif
