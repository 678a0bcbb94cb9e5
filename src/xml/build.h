/* SPDX-License-Identifier: MIT */
/* build: what expat's callbacks make of its events; between parser.c and build.c only. */
#ifndef XML_BUILD_H
#define XML_BUILD_H

#include <expat.h>

#include "xml/header.h"
#include "xml/parser.h"

#define BUILD_SEPARATOR '\x01'  /* no XML 1.0 document can hold it, so it cannot stand in a name */
#define NS_SEEN 8
/* A tree may weigh this many times its bytes; ordinary stanzas are near 4, a flood of <a/> near
 * 20. */
#define BUILD_TIMES 16
#define BUILD_FREE (64 * 1024)

/* The one address of the content namespace in trees made here. */
extern const char build_content[];

enum build_mode { BUILD_PRIMING, BUILD_ELEMENT, BUILD_HEADER };

struct parser {
	XML_Parser expat;
	/* the start tag it stands behind; NULL: in its first state */
	char *open;
	size_t used;                    /* bytes fed since it was created or reset */
	size_t bytes;                   /* bytes of this loan */
	int64_t weight;                 /* what expat holds */
	enum build_mode mode;
	const struct xml_limits *limits;
	bool failed, complete;
	bool clean;                     /* stands right behind the header: nothing fed is unused */
	int64_t end;                    /* where the complete element ended, counted as `used` is */
	enum xml_error error;

	/* the element */
	const char *content;
	struct sc_arena *arena;         /* NULL between elements */
	struct sc_elem *root, *around;  /* around: whose end has not come; NULL outside */
	struct buf text;                /* character data since the last tag */
	unsigned depth, decls;
	const char *seen[NS_SEEN];      /* namespaces in the arena, the latest of each slot */

	struct header *header;          /* in BUILD_HEADER */
};

void build_handlers(struct parser *);
void build_drop(struct parser *);       /* an element that will not be finished */
void build_fail(struct parser *, enum xml_error);
void build_failed(struct parser *);     /* after expat reported an error: which of ours it is */

void header_start(struct parser *, const char *name, const char **attrs);
void header_declare(struct parser *, const char *prefix, const char *uri);
/* The part of an expanded name behind the separator; *ns_len gets the length of the part before
 * it. */
const char *build_local(const char *expanded, size_t *ns_len);

#endif
