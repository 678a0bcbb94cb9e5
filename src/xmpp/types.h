/* SPDX-License-Identifier: MIT */
/* types: what the parts of a stanza's implementation tell each other. */
#ifndef XMPP_TYPES_H
#define XMPP_TYPES_H

#include "xmpp/stanza.h"

const char *kind_name(enum sc_kind);
/* NULL: this type is said by leaving the attribute out. */
const char *type_name(enum sc_kind, enum sc_type);
void stanza_read_type(struct sc_stanza *);
/* The address as it goes out, also one that is no JID; NULL: none. The root's attribute is not
 * asked where stanza_readdress() gave another. */
const char *stanza_to_text(const struct sc_stanza *);
/* Sets an address that lives in the arena, and the attribute with it. */
void stanza_set_address(struct sc_stanza *, const char *name, const struct sc_jid **field,
	const struct sc_jid *);

#endif
