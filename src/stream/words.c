/* SPDX-License-Identifier: MIT */
/* words: see words.h. */
#include "config.h"

#include <string.h>
#include <stonechat/stanza.h>
#include <stonechat/text.h>
#include "base/stats.h"
#include "stream/words.h"
#include "xmpp/ns.h"

bool
words_are_stanza(const struct sc_elem *e)
{
	const char *name = sc_name(e);

	return sc_same(sc_ns(e), SC_NS_CONTENT) && (sc_same(name, "message") ||
		sc_same(name, "presence") || sc_same(name, "iq"));
}

bool
words_are_true(const char *value)
{
	return sc_same(value, "true") || sc_same(value, "1");
}

bool
words_read_h(const struct sc_elem *e, uint32_t *h)
{
	const char *text = sc_attr(e, "h");
	uint64_t n;

	if (text == NULL || !sc_read_number(text, UINT32_MAX, &n))
		return false;
	*h = (uint32_t)n;
	return true;
}

const char *
words_bad_xml(enum xml_error why)
{
	static const char *const conditions[] = {
		[XML_NOT_WELL_FORMED] = "not-well-formed", [XML_RESTRICTED] = "restricted-xml",
		[XML_BAD_PREFIX] = "not-well-formed",   /* §4.9.3.13 has just this example */
		[XML_BAD_ENCODING] = "unsupported-encoding",
		[XML_TOO_BIG] = "policy-violation", [XML_BAD_FORMAT] = "bad-format",
	};

	if (why == XML_TOO_BIG)
		STAT_INC(limit_xml);
	else
		STAT_INC(xml_bad);
	return conditions[why];
}

void
words_end(struct buf *b, const char *condition, const char *text, const char *application)
{
	buf_format(b, "<stream:error><%s xmlns='" NS_STREAM_ERRORS "'/>", condition);
	if (text != NULL) {
		buf_text(b, "<text xmlns='" NS_STREAM_ERRORS "' xml:lang='en'>");
		xml_write_text(b, text, strlen(text));
		buf_text(b, "</text>");
	}
	buf_format(b, "%s</stream:error></stream:stream>", application);
}
