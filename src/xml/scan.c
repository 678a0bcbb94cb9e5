/* SPDX-License-Identifier: MIT */
/* scan: see scan.h. A state per place where the bytes may end for now. */
#include "config.h"

#include <string.h>

#include "xml/scan.h"

enum { TEXT, BEGUN, TAG, QUOTE_1, QUOTE_2, BANG, CDATA };

#define CDATA_OPEN "<![CDATA["
#define CDATA_LEN (sizeof(CDATA_OPEN) - 1)

static enum scan_result
in_text(struct scan *s, const char *p, size_t n)
{
	const char *lt = memchr(p + s->at, '<', n - s->at);

	if (lt == NULL) {
		s->at = n;
		return SCAN_MORE;
	}
	s->safe = s->token = lt - p;
	s->at = s->token + 1;
	s->state = BEGUN;
	return SCAN_MORE;
}

static enum scan_result
in_begun(struct scan *s, const char *p)
{
	switch (p[s->at]) {
	case '?':
		return SCAN_RESTRICTED;
	case '!':
		s->state = BANG;
		break;
	case '<': case '>': case '\'': case '"': case ' ': case '\t': case '\r': case '\n':
		return SCAN_BAD;
	default:
		s->state = TAG;
	}
	s->at++;
	return SCAN_MORE;
}

/* The '>' at s->at - 1 ended a tag. */
static enum scan_result
tag_done(struct scan *s, const char *p, const struct xml_limits *limits)
{
	s->safe = s->at;
	s->state = TEXT;
	if (s->at - s->token > limits->token_bytes)
		return SCAN_TOO_BIG;
	if (p[s->token + 1] == '/') {
		if (s->depth == 0)
			return SCAN_BAD;
		s->depth--;
	} else if (s->depth >= limits->depth) {
		return SCAN_TOO_BIG;
	} else if (p[s->at - 2] != '/') {
		s->depth++;
	}
	return s->depth == 0 ? SCAN_END : SCAN_MORE;
}

static enum scan_result
in_tag(struct scan *s, const char *p, size_t n, const struct xml_limits *limits)
{
	for (; s->at < n; s->at++) {
		switch (p[s->at]) {
		case '>':
			s->at++;
			return tag_done(s, p, limits);
		case '<':
			return SCAN_BAD;
		case '\'':
			s->at++;
			s->state = QUOTE_1;
			return SCAN_MORE;
		case '"':
			s->at++;
			s->state = QUOTE_2;
			return SCAN_MORE;
		}
	}
	return SCAN_MORE;
}

static enum scan_result
in_quote(struct scan *s, const char *p, size_t n, char quote)
{
	for (; s->at < n; s->at++) {
		if (p[s->at] == '<')
			return SCAN_BAD;
		if (p[s->at] == quote) {
			s->at++;
			s->state = TAG;
			return SCAN_MORE;
		}
	}
	return SCAN_MORE;
}

/* Of what begins with "<!" only CDATA is allowed, and that not at the first level. */
static enum scan_result
in_bang(struct scan *s, const char *p)
{
	uint32_t i = s->at - s->token;

	if (p[s->at] != CDATA_OPEN[i])
		return SCAN_RESTRICTED;
	s->at++;
	if (i + 1 < CDATA_LEN)
		return SCAN_MORE;
	if (s->depth == 0)
		return SCAN_BAD;
	s->state = CDATA;
	return SCAN_MORE;
}

static enum scan_result
in_cdata(struct scan *s, const char *p, size_t n)
{
	const char *gt = memchr(p + s->at, '>', n - s->at);

	if (gt == NULL) {
		s->at = n;
		return SCAN_MORE;
	}
	s->at = gt - p + 1;
	if (s->at - s->token >= CDATA_LEN + 3 && gt[-1] == ']' && gt[-2] == ']') {
		s->safe = s->at;
		s->state = TEXT;
	}
	return SCAN_MORE;
}

static enum scan_result
step(struct scan *s, const char *p, size_t n, const struct xml_limits *limits)
{
	switch (s->state) {
	case TEXT:      return in_text(s, p, n);
	case BEGUN:     return in_begun(s, p);
	case TAG:       return in_tag(s, p, n, limits);
	case QUOTE_1:   return in_quote(s, p, n, '\'');
	case QUOTE_2:   return in_quote(s, p, n, '"');
	case BANG:      return in_bang(s, p);
	default:        return in_cdata(s, p, n);
	}
}

enum scan_result
scan(struct scan *s, const char *p, size_t n, const struct xml_limits *limits)
{
	enum scan_result result = SCAN_MORE;

	/* Not a byte beyond the limit is looked at, and lengths fit into 32 bits. */
	if (n > (size_t)limits->stanza_bytes + 1)
		n = (size_t)limits->stanza_bytes + 1;
	while (result == SCAN_MORE && s->at < n)
		result = step(s, p, n, limits);
	if (s->at > limits->stanza_bytes && (result == SCAN_MORE || result == SCAN_END))
		return SCAN_TOO_BIG;
	if (result == SCAN_MORE && s->state != TEXT && s->state != CDATA
	    && s->at - s->token > limits->token_bytes)
		return SCAN_TOO_BIG;
	return result;
}

size_t
scan_tag(const char *p, size_t n, bool *bad)
{
	char quote = '\0';

	*bad = false;
	for (size_t i = 1; i < n; i++) {
		if (p[i] == '<') {
			*bad = true;
			return 0;
		}
		if (quote != '\0')
			quote = p[i] == quote ? '\0' : quote;
		else if (p[i] == '\'' || p[i] == '"')
			quote = p[i];
		else if (p[i] == '>')
			return i + 1;
	}
	return 0;
}
