/* SPDX-License-Identifier: MIT */
/* c2s_sasl: the words of RFC 6120 §6 for a login. */
#include "config.h"

#include "stream/login.h"
#include "stream/offer.h"
#include "stream/sasl2.h"
#include "xmpp/ns.h"

/* --- what is offered --- */

/* Both profiles offer the same (XEP-0440 stands beside either). */
void
c2s_sasl_features(struct stream *s, struct buf *b)
{
	const char *names[SASL_MECHS], *types[SASL_BINDINGS];
	size_t n, k;

	offer_forget(s);        /* of a stream before TLS */
	n = sasl_list(offer_of(s), names);
	if (n == 0)
		return;
	buf_text(b, "<mechanisms xmlns='" NS_SASL "'>");
	for (size_t i = 0; i < n; i++)
		buf_format(b, "<mechanism>%s</mechanism>", names[i]);
	buf_text(b, "</mechanisms>");
	c2s_sasl2_features(s, b);
	k = sasl_list_bindings(offer_of(s), types);
	if (k == 0)
		return;
	buf_text(b, "<sasl-channel-binding xmlns='" NS_SASL_CB "'>");
	for (size_t i = 0; i < k; i++)
		buf_format(b, "<channel-binding type='%s'/>", types[i]);
	buf_text(b, "</sasl-channel-binding>");
}

/* --- what is said --- */

static void
say(struct stream *s, const char *name)
{
	struct buf b = { 0 };

	buf_format(&b, "<%s xmlns='" NS_SASL "'>%s</%s>", name, sasl_data_text(s->sasl), name);
	stream_write_buf(s, &b);
}

static void
challenge(struct stream *s)
{
	say(s, "challenge");
}

static void
failure(struct stream *s, enum sasl_failure why, const char *application)
{
	struct buf b = { 0 };

	buf_format(&b, "<failure xmlns='" NS_SASL "'><%s/>%s</failure>", sasl_failure_name(why),
		application);
	stream_write_buf(s, &b);
}

static void
success(struct stream *s)
{
	stream_restart(s);
	say(s, "success");
	if (stream_is_open(s))
		login_over(s);
}

static const struct login_profile profile = {
	.challenge = challenge, .failure = failure, .proved = login_done, .success = success,
};

bool
c2s_sasl_element(struct stream *s, const struct sc_elem *e)
{
	bool going_on = s->state == STREAM_AUTH && s->login == &profile;

	if (!sc_same(sc_ns(e), NS_SASL))
		return false;
	if (sc_same(sc_name(e), "auth")) {
		if (login_begin(s, &profile, sc_attr(e, "mechanism"), false))
			login_feed(s, e);
	} else if (sc_same(sc_name(e), "response") && going_on) {
		login_feed(s, e);
	} else if (sc_same(sc_name(e), "abort") && going_on) {
		login_fail(s, SASL_ABORTED);
	} else if (sc_same(sc_name(e), "response") || sc_same(sc_name(e), "abort")) {
		s->login = &profile;
		login_fail(s, SASL_MALFORMED_REQUEST);
	} else {
		return false;
	}
	return true;
}
