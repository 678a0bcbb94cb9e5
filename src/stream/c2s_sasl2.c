/* SPDX-License-Identifier: MIT */
/*
 * c2s_sasl2: the words of XEP-0388 for a login. The stream goes on after <success/>; resuming and
 * binding, when asked for, come before it, so that one answer says all.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "core/route.h"
#include "stream/login.h"
#include "stream/offer.h"
#include "stream/sasl2.h"
#include "xmpp/ns.h"

/* bytes of a client's or a device's name; a longer one is none */
#define AGENT_TEXT_MAX 200

static const struct login_profile profile;

/* --- what is offered --- */

/* Only under TLS (XEP-0388 §3), and where a bench wants to do without. */
static bool
is_offered(const struct stream *s)
{
	return conn_is_tls(s->conn) || c2s_conf()->allow_plain_without_tls;
}

void
c2s_sasl2_features(struct stream *s, struct buf *b)
{
	const char *names[SASL_MECHS];
	size_t n = sasl_list(offer_of(s), names);

	if (!is_offered(s))
		return;
	buf_text(b, "<authentication xmlns='" NS_SASL2 "'>");
	for (size_t i = 0; i < n; i++)
		buf_format(b, "<mechanism>%s</mechanism>", names[i]);
	buf_text(b, "<inline><sm xmlns='" NS_SM "'/>");
	bind2_features(s, b);
	fast_features(s, b);
	buf_text(b, "</inline>");
	task_features(s, b);
	buf_text(b, "</authentication>");
}

/* --- what the client asks for --- */

void
sasl2_free(struct sasl2 **taken)
{
	struct sasl2 *r = *taken;

	*taken = NULL;
	if (r == NULL)
		return;
	arena_free(r->arena);
	explicit_bzero(r, sizeof *r);
	free(r);
}

void
sasl2_see_tokens(struct sasl2 *r, const struct sc_rows *rows, int column)
{
	for (int t = 0; t < SASL_TOKENS; t++, column += 4) {
		if (sc_row_null(rows, 0, column))
			continue;
		r->tokens[t].text = sc_copy(r->arena, sc_row_text(rows, 0, column).p);
		r->tokens[t].issued = sc_row_int(rows, 0, column + 2);
	}
}

/* A UUID; in lower case it is the same one (RFC 9562 §4). NULL: it is none. */
static char *
read_agent_id(const char *text)
{
	char *id;

	if (strlen(text) != 36)
		return NULL;
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return NULL;
	}
	id = strdup(text);
	for (char *p = id; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return id;
}

static const char *
read_agent_text(struct sc_arena *arena, const struct sc_elem *agent, const char *name)
{
	const struct sc_elem *e = sc_child(agent, NS_SASL2, name);
	const char *text = e != NULL && c2s_conf()->clients_named ? sc_text_in(arena, e) : "";

	return *text != '\0' && strlen(text) <= AGENT_TEXT_MAX ? text : NULL;
}

/* False: the id is not one. */
static bool
read_agent(struct stream *s, const struct sc_elem *agent)
{
	struct sasl2 *r = s->sasl2;
	const char *id = agent != NULL ? sc_attr(agent, "id") : NULL;

	if (agent == NULL)
		return true;
	r->software = read_agent_text(r->arena, agent, "software");
	r->device = read_agent_text(r->arena, agent, "device");
	s->agent = id != NULL ? read_agent_id(id) : NULL;
	return id == NULL || s->agent != NULL;
}

/* What was offered is no longer what the client thinks (XEP-0509): it is to look again. */
static bool
offer_has_changed(struct stream *s, const struct sc_elem *authenticate)
{
	const struct sc_elem *e = sc_child(authenticate, NS_IAP, "config-version");

	return e != NULL && !sc_same(sc_attr(e, "value"), offer_version(s));
}

static void
begin(struct stream *s, struct sc_arena **arena, const struct sc_elem *e)
{
	const struct sc_elem *first = sc_child(e, NS_SASL2, "initial-response");
	bool token = sc_child(e, NS_FAST, "fast") != NULL;
	enum sasl_mech m;

	token = token && sc_attr(e, "mechanism") != NULL && sasl_mech_parse(sc_attr(e, "mechanism"),
		&m) && sasl_mech_is_token(m);
	if (offer_has_changed(s, e)) {
		s->login = &profile;
		login_fail_uncounted(s, SASL_ABORTED, "<config-version-mismatch xmlns='"
			NS_IAP "'/>");
		return;
	}
	if (!login_begin(s, &profile, sc_attr(e, "mechanism"), token))
		return;
	s->sasl2 = calloc(1, sizeof *s->sasl2);
	sc_assert(s->sasl2 != NULL);
	s->sasl2->arena = *arena;
	*arena = NULL;
	if (!read_agent(s, sc_child(e, NS_SASL2, "user-agent")) || (token && s->agent == NULL)) {
		login_fail(s, SASL_MALFORMED_REQUEST);
		return;
	}
	s->sasl2->bind = sc_child(e, NS_BIND2, "bind");
	s->sasl2->resume = sc_child(e, NS_SM, "resume");
	fast_read(s, e);
	task_read(s->sasl2, e);
	/* An element that is there and empty is an answer, and not the same as none (§2.2). */
	if (first != NULL && *sc_text_in(s->sasl2->arena, first) != '\0')
		login_feed(s, first);
	else
		login_feed_text(s, first != NULL ? "=" : NULL);
}

/* --- what is said before the end --- */

void
sasl2_add_data(struct stream *s, struct buf *b)
{
	const char *data = sasl_data_text(s->sasl);

	if (*data == '\0' || s->sasl2->said_data)
		return;
	s->sasl2->said_data = true;
	buf_format(b, "<additional-data>%s</additional-data>", data);
}

static void
challenge(struct stream *s)
{
	struct buf b = { 0 };

	buf_format(&b, "<challenge xmlns='" NS_SASL2 "'>%s</challenge>", sasl_data_text(s->sasl));
	stream_write_buf(s, &b);
}

static void
failure(struct stream *s, enum sasl_failure why, const char *application)
{
	struct buf b = { 0 };

	buf_format(&b, "<failure xmlns='" NS_SASL2 "'><%s xmlns='" NS_SASL "'/>%s</failure>",
		sasl_failure_name(why), application);
	stream_write_buf(s, &b);
}

static void
proved(struct stream *s)
{
	if (!task_next(s))
		fast_login(s);
}

/* --- the end --- */

/* inside: what came of resuming or binding. */
static void
say_success(struct stream *s, const char *jid, struct buf *inside)
{
	struct buf b = { 0 };

	buf_text(&b, "<success xmlns='" NS_SASL2 "'>");
	sasl2_add_data(s, &b);
	buf_text(&b, "<authorization-identifier>");
	xml_write_text(&b, jid, strlen(jid));
	buf_text(&b, "</authorization-identifier>");
	buf_add(&b, inside->p, inside->n);
	buf_free(inside);
	fast_success(s, &b);
	buf_text(&b, "</success>");
	stream_write_buf(s, &b);
}

static void
bound(struct stream *s, const struct sc_stanza *iq)
{
	struct sasl2 *r = s->sasl2;
	struct buf b = { 0 };

	(void)iq;
	if (r->not_resumed != NULL)
		c2s_sm_failed(&b, r->not_resumed);
	bind2_bound(s, r->bind, &b);
	if (!stream_is_open(s)) {
		buf_free(&b);
		return;
	}
	say_success(s, sc_session_jid(s->session)->text, &b);
	if (!stream_is_open(s))
		return;
	c2s_features(s);
	login_over(s);
}

/* The login was good, but comes to nothing. */
static void
refused(struct stream *s, const struct sc_stanza *iq, enum sc_cond cond, const char *text)
{
	struct buf b = { 0 };

	(void)iq;
	(void)cond;
	buf_text(&b, "<failure xmlns='" NS_SASL2 "'><temporary-auth-failure xmlns='" NS_SASL "'/>");
	if (text != NULL) {
		buf_text(&b, "<text>");
		xml_write_text(&b, text, strlen(text));
		buf_text(&b, "</text>");
	}
	buf_text(&b, "</failure>");
	stream_write_buf(s, &b);
	stream_close(s);
}

static void
bind_or_end(struct stream *s)
{
	struct sasl2 *r = s->sasl2;
	struct buf b = { 0 };

	if (r->bind != NULL) {
		bind_session(s, &(struct bind_wish){ bind2_resource(s, r->bind), NULL, bound,
			refused });
		return;
	}
	if (r->not_resumed != NULL)
		c2s_sm_failed(&b, r->not_resumed);
	say_success(s, sc_format(r->arena, "%s@%s", s->local, sc_host_name(s->host)), &b);
	if (!stream_is_open(s))
		return;
	c2s_features(s);
	login_over(s);
}

/* No features after it (XEP-0198 §9.2). */
static void
resumed(struct stream *s, struct sc_session *session, const char *why_not)
{
	struct buf b = { 0 };

	if (session == NULL) {
		s->sasl2->not_resumed = why_not;
		bind_or_end(s);
		return;
	}
	c2s_sm_resumed(&b, session);
	say_success(s, sc_session_jid(session)->text, &b);
	if (!stream_is_open(s))
		return;
	login_over(s);
	sm_wake(session);
}

static void
success(struct stream *s)
{
	if (s->sasl2->resume != NULL)
		c2s_sm_resume(s, s->sasl2->resume, resumed);
	else
		bind_or_end(s);
}

static const struct login_profile profile = {
	.challenge = challenge, .failure = failure, .proved = proved, .success = success,
};

bool
c2s_sasl2_element(struct stream *s, struct sc_arena **taken, const struct sc_elem *e)
{
	bool going_on = s->state == STREAM_AUTH && s->login == &profile;
	bool in_task = going_on && s->sasl2->task != TASK_NONE;

	if (!going_on && !sc_is(e, NS_SASL2, "authenticate"))
		return false;
	if (!is_offered(s)) {
		s->login = &profile;
		login_fail(s, SASL_ENCRYPTION_REQUIRED);
	} else if (!going_on) {
		begin(s, taken, e);
	} else if (sc_is(e, NS_SASL2, "abort")) {
		login_fail(s, SASL_ABORTED);
	} else if (sc_is(e, NS_SASL2, "response") && !in_task) {
		login_feed(s, e);
	} else if (!in_task || !task_element(s, e)) {
		/* §2.4 */
		stream_error(s, "policy-violation", "Nothing else is said during a login.");
	}
	return true;
}
