/* SPDX-License-Identifier: MIT */
/*
 * tree: elements and text in an arena. Building and walking never recurse (reliability.md X3).
 * The reading functions of the public API that need only an element (sc_ns … sc_text_in) are in
 * tree.c too.
 */
#ifndef XML_TREE_H
#define XML_TREE_H

#include <stonechat/stanza.h>

#define XML_NS_XML "http://www.w3.org/XML/1998/namespace"

struct attr {
	struct attr *next;
	const char *ns;                 /* NULL: none; "xml" namespace in full */
	const char *name, *value;
};

/* A node is an element or a piece of text: text nodes have name == NULL. */
struct sc_elem {
	struct sc_elem *next, *parent;
	struct sc_elem *first, *last;   /* children, text pieces included */
	const char *ns, *name;
	struct attr *attrs;
	const char *text;               /* of text nodes; NUL-terminated */
	uint32_t text_len;
};

/* Strings are lent: they must live in the arena or be constant. */
struct sc_elem *tree_elem(struct sc_arena *, const char *ns, const char *name);
struct sc_elem *tree_text(struct sc_arena *, const char *text, size_t n);       /* copies */
void tree_append(struct sc_elem *parent, struct sc_elem *child);
/* Out of its parent; linear in the siblings. */
void tree_unlink(struct sc_elem *child);
/* Adds an attribute at the end without looking for an old one; strings are lent. */
struct attr *tree_attr(struct sc_arena *, struct sc_elem *, const char *ns, const char *name,
	const char *value);
struct sc_elem *tree_copy(struct sc_arena *, const struct sc_elem *);           /* deep */
/* The next node in document order below top, or NULL: for loops without recursion. */
const struct sc_elem *tree_walk(const struct sc_elem *top, const struct sc_elem *at);

#endif
