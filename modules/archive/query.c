/* SPDX-License-Identifier: MIT */
/*
 * query: what somebody asks for, taken apart: the form's fields (XEP-0313 §4.1) and the page
 * (XEP-0059) become bounds on the moments of the archive's messages, since an id tells its moment.
 * Ids that are named must be there (§4.1.3): the database looks when it reads the page.
 */
#include "archive/archive.h"

struct asked {
	const struct sc_jid *with;
	int64_t start, end;
	const char *before_id, *after_id;
	const char *const *ids;
	bool groupchat;                 /* is understood; an account's archive has none */
};

static const struct sc_field fields[] = {
	SC_FIELD_JID(struct asked, with, "with", NULL),
	SC_FIELD_TIME(struct asked, start, "start", NULL),
	SC_FIELD_TIME(struct asked, end, "end", NULL),
	SC_FIELD_TEXT(struct asked, before_id, "before-id", NULL, 1024),
	SC_FIELD_TEXT(struct asked, after_id, "after-id", NULL, 1024),
	SC_FIELD_TEXTS(struct asked, ids, "ids", NULL, IDS_MAX),
	SC_FIELD_BOOL(struct asked, groupchat, "include-groupchat", NULL),
	SC_FIELD_END
};
static const struct sc_form_plan plan = SC_FORM_PLAN(.form_type = NS_MAM, .fields = fields,
	.strict = true);

/* --- bounds --- */

static void
not_before(struct query *q, int64_t at)         /* exclusive */
{
	if (at > q->lo)
		q->lo = at;
}

void
query_floor(struct query *q, int64_t at)
{
	not_before(q, at);
}

static void
not_after(struct query *q, int64_t at)
{
	if (at < q->hi)
		q->hi = at;
}

/* False: it is no id of ours, so it is not in the archive. */
static bool
know(struct query *q, const char *id, int64_t *at)
{
	const char *tail;

	if (!sc_archive_id_read(id, at, &tail))
		return false;
	q->known[q->n_known] = *at;
	q->known_tails[q->n_known++] = sc_span(tail);
	return true;
}

static bool
after(struct query *q, const char *id)
{
	int64_t at;

	if (id == NULL)
		return true;
	if (!know(q, id, &at))
		return false;
	not_before(q, at);
	return true;
}

static bool
before(struct query *q, const char *id)
{
	int64_t at;

	if (id == NULL || *id == '\0')
		return true;
	if (!know(q, id, &at))
		return false;
	not_after(q, at);
	return true;
}

static bool
is_asked_for(const struct query *q, int64_t at, const char *tail)
{
	for (int i = 0; i < q->n_ids; i++)
		if (q->ids[i] == at && sc_span_is(q->id_tails[i], tail))
			return true;
	return false;
}

static bool
read_ids(struct query *q, const char *const *ids)
{
	q->ids = q->known + q->n_known;         /* those must be there as well */
	q->id_tails = q->known_tails + q->n_known;
	for (q->n_ids = 0; *ids != NULL; ids++) {
		const char *tail;
		int64_t at;

		if (!sc_archive_id_read(*ids, &at, &tail))
			return false;
		if (is_asked_for(q, at, tail))
			continue;
		q->ids[q->n_ids] = at;
		q->id_tails[q->n_ids++] = sc_span(tail);
	}
	q->n_known += q->n_ids;
	return true;
}

/* --- reading --- */

/* False: the verdict is given. */
static bool
read_form(struct sc_ctx *ctx, const struct sc_elem *query, struct asked *asked,
	enum sc_verdict *verdict)
{
	struct sc_form_problem problem;

	*asked = (struct asked){ .start = INT64_MIN, .end = INT64_MAX };
	if (sc_child(query, SC_NS_FORM, "x") == NULL)
		return true;
	switch (sc_form_get(sc_arena(ctx), query, &plan, asked, &problem, NULL)) {
	case SC_FORM_SUBMITTED:
		return true;
	case SC_FORM_CANCELLED:
		*verdict = sc_refuse(ctx, SC_COND_BAD_REQUEST, NULL);
		break;
	case SC_FORM_WRONG:
		*verdict = sc_refuse(ctx, problem.cond, problem.text);
		break;
	}
	return false;
}

static void
set_filter(struct query *q, const struct asked *asked)
{
	/* Both are inclusive (§4.1.2). */
	if (asked->start > INT64_MIN)
		not_before(q, asked->start - 1);
	if (asked->end < INT64_MAX)
		not_after(q, asked->end + 1);
	if (asked->with == NULL)
		return;
	q->with = sc_jid_bare_span(asked->with);
	if (!sc_jid_is_bare(asked->with))
		q->resource = sc_jid_resource(asked->with);
}

bool
query_read(struct sc_ctx *ctx, const struct sc_elem *query, struct query *q,
	enum sc_verdict *verdict)
{
	const struct archive_conf *conf = archive_conf_of(sc_host(ctx));
	struct asked asked;
	struct sc_rsm rsm;

	*q = (struct query){ .hi = INT64_MAX, .n_ids = -1, .queryid = sc_attr(query, "queryid"),
		.flip = sc_child(query, NS_MAM, "flip-page") != NULL };
	q->known = sc_alloc(sc_arena(ctx), (KNOWN_MAX + IDS_MAX) * sizeof *q->known);
	q->known_tails = sc_alloc(sc_arena(ctx), (KNOWN_MAX + IDS_MAX) * sizeof *q->known_tails);
	if (!read_form(ctx, query, &asked, verdict))
		return false;
	if (!sc_rsm_read(sc_arena(ctx), query, conf->page_standard, conf->page_max, &rsm)) {
		*verdict = sc_refuse(ctx, SC_COND_BAD_REQUEST, "That is no page.");
		return false;
	}
	/* Nodes are XEP-0442's; a place in millions of messages is not worth counting up to. */
	if (sc_attr(query, "node") != NULL || rsm.index >= 0) {
		*verdict = sc_refuse(ctx, SC_COND_FEATURE_NOT_IMPLEMENTED, NULL);
		return false;
	}
	set_filter(q, &asked);
	if (!after(q, asked.after_id) || !before(q, asked.before_id) || !after(q, rsm.after) ||
	    !before(q, rsm.before) ||
	    (asked.ids != NULL && !read_ids(q, asked.ids))) {
		*verdict = sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
		return false;
	}
	q->backwards = sc_rsm_backwards(&rsm);
	q->max = rsm.max;
	q->counts = rsm.max == 0;
	return true;
}

/* --- which fields there are --- */

enum sc_verdict
query_form(struct sc_ctx *ctx, const struct sc_elem *query)
{
	struct sc_stanza *result;
	struct sc_elem *e;

	(void)query;
	if (!archive_is_on(sc_host(ctx)))
		return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
	result = sc_result(ctx);
	e = sc_form_add(result, sc_add(result, sc_stanza_root(result), NS_MAM, "query"),
		SC_FORM_FORM, NS_MAM);
	for (const struct sc_field *f = fields; f->var != NULL; f++) {
		struct sc_elem *field = sc_form_add_field(result, e, f->kind, f->var, NULL, NULL);

		/* §4.1.5: any id may be given; all that there are cannot be listed. */
		if (f->kind == SC_FIELD_K_LIST_MULTI) {
			field = sc_add(result, field, SC_NS_FORM_VALIDATE, "validate");
			sc_set_attr(result, field, "datatype", "xs:string");
			sc_add(result, field, NULL, "open");
		}
	}
	return sc_answer(ctx, &result);
}
