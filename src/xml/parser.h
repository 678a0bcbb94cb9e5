/* SPDX-License-Identifier: MIT */
/*
 * parser: expat parsers, lent out by the thread (design §6 Idle connections). A parser that is free
 * stands right behind a stream header, so it can read an element of any stream that opened with the
 * same declarations. It is given back only when it stands there again; else it starts afresh.
 * There is one configuration, and every reader of XML goes through it (reliability X1).
 */
#ifndef XML_PARSER_H
#define XML_PARSER_H

#include "xml/xml.h"

/* What the elements of a stream need to know from its header. Common ones are constants. */
struct stream_ns {
	const char *open;               /* a start tag with the same declarations */
	/* the raw name, for the end tag; NULL: framed, no end tag */
	const char *root;
	const char *content;            /* the content namespace; NULL: none that we know */
	/* default namespace where elements begin; NULL: ask expat */
	const char *outer;
};

struct parser;

/* One that stands behind open. limits must live as long as the loan. */
struct parser *parser_borrow(const struct stream_ns *, const struct xml_limits *);
/* Whole tokens only. False: parser_error() says why, and the parser is good for nothing but
 * giving back. */
bool parser_feed(struct parser *, const char *bytes, size_t n) SC_MUST_CHECK;
/* The element that was fed, when it is complete: both are the caller's. False: it is not. */
bool parser_take(struct parser *, struct sc_arena **, struct sc_elem **root) SC_MUST_CHECK;
void parser_give_back(struct parser **taken);
enum xml_error parser_error(const struct parser *);
size_t parser_weight(const struct parser *);

/* What a stream header says, in an arena of its own. */
struct header {
	struct sc_arena *arena;
	struct xml_header public;
	bool empty;                     /* <stream:stream/>: the footer comes with it */
	unsigned decls;
	struct decl {
		const char *prefix, *uri;       /* prefix NULL: the default namespace */
	} decl[32];
};

/* Parses an XML declaration and a start tag. NULL: *error says why. */
struct header *parser_header(const char *bytes, size_t n, const struct xml_limits *,
	enum xml_error *error);

#endif
