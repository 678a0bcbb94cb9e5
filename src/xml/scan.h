/* SPDX-License-Identifier: MIT */
/*
 * scan: finds where a first-level element ends, byte by byte and each byte once, before expat
 * sees it. So limits are checked before anything is buffered by expat, expat is only fed whole
 * tokens (it would look at an unfinished tag again and again), and what XMPP forbids is refused
 * at its first bytes. It knows only what it must: quotes, CDATA, and which tags open and close.
 * Everything else, such as whether names match, is for expat; should the two ever disagree about
 * the end, the stream ends.
 */
#ifndef XML_SCAN_H
#define XML_SCAN_H

#include "xml/xml.h"

enum scan_result { SCAN_MORE, SCAN_END, SCAN_RESTRICTED, SCAN_BAD, SCAN_TOO_BIG };

/* All zero at the start of an element. */
struct scan {
	uint32_t at;            /* bytes looked at; at SCAN_END the length of the element */
	uint32_t safe;          /* end of the last whole token */
	uint32_t token;         /* where the present tag began */
	uint16_t depth;
	uint8_t state;
};

/* p[0] is the '<' that begins the element; n grows from call to call. */
enum scan_result scan(struct scan *, const char *p, size_t n, const struct xml_limits *);
/* The length of the tag that begins at p[0]; 0: not complete, or not a tag (then *bad is set). */
size_t scan_tag(const char *p, size_t n, bool *bad);

#endif
