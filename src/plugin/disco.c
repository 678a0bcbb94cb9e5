/* SPDX-License-Identifier: MIT */
/* disco: answers are made anew for each question, since they are rare; only the server's own hash
 * is kept. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include "base/arena.h"
#include "plugin/disco.h"
#include "plugin/hook.h"
#include "plugin/module.h"
#include "plugin/service.h"
#include "xmpp/form.h"

#define NS_INFO "http://jabber.org/protocol/disco#info"
#define NS_ITEMS "http://jabber.org/protocol/disco#items"

/* --- what gathering hooks call --- */

unsigned
sc_disco_at(const struct sc_disco *d)
{
	return d->at;
}

const char *
sc_disco_node(const struct sc_disco *d)
{
	return d->node;
}

const struct sc_jid *
sc_disco_by(const struct sc_disco *d)
{
	return d->by;
}

struct sc_entity *
sc_disco_entity(const struct sc_disco *d)
{
	return d->entity;
}

const char *
sc_disco_service(const struct sc_disco *d)
{
	return d->service != NULL ? d->service->row->name : NULL;
}

bool
sc_disco_trusted(const struct sc_disco *d)
{
	return d->trusted;
}

void
sc_disco_node_known(struct sc_disco *d)
{
	d->node_known = true;
}

void
sc_disco_add_identity(struct sc_disco *d, const char *category, const char *type, const char *name)
{
	if (d->n_identities < (int)(sizeof d->identities / sizeof *d->identities))
		d->identities[d->n_identities++] = (struct disco_identity){
			sc_copy(d->arena, category), sc_copy(d->arena, type),
				sc_copy(d->arena, name) };
}

void
sc_disco_add_feature(struct sc_disco *d, const char *var)
{
	for (int i = 0; i < d->n_features; i++)
		if (strcmp(d->features[i], var) == 0)
			return;
	if (d->n_features < DISCO_MAX)
		d->features[d->n_features++] = sc_copy(d->arena, var);
}

void
sc_disco_add_item(struct sc_disco *d, const char *jid, const char *node, const char *name)
{
	if (d->n_items < DISCO_MAX)
		d->items[d->n_items++] = (struct disco_item){
			sc_copy(d->arena, jid), sc_copy(d->arena, node), sc_copy(d->arena, name) };
}

static struct disco_form *
form_of(struct sc_disco *d, const char *form_type)
{
	for (int i = 0; i < d->n_forms; i++)
		if (strcmp(d->forms[i].form_type, form_type) == 0)
			return &d->forms[i];
	if (d->n_forms == (int)(sizeof d->forms / sizeof *d->forms))
		return NULL;
	d->forms[d->n_forms] = (struct disco_form){ .form_type = sc_copy(d->arena, form_type) };
	return &d->forms[d->n_forms++];
}

void
sc_disco_add_field(struct sc_disco *d, const char *form_type, const char *var, const char *type,
	const char *const *values)
{
	struct disco_form *f = form_of(d, form_type);
	int n = 0;
	const char **copy;

	if (f == NULL || f->n == (int)(sizeof f->fields / sizeof *f->fields))
		return;
	while (values[n] != NULL)
		n++;
	copy = sc_alloc(d->arena, (size_t)(n + 1) * sizeof *copy);
	for (int i = 0; i < n; i++)
		copy[i] = sc_copy(d->arena, values[i]);
	f->fields[f->n++] = (struct disco_field){ sc_copy(d->arena, var),
		sc_copy(d->arena, type), copy };
}

void
sc_disco_add_form(struct sc_disco *d, const struct sc_form_plan *plan, const void *values)
{
	const struct sc_field *row;

	for (size_t i = 0; (row = form_row(plan, i)) != NULL; i++)
		if (row->var != NULL && (row->when == NULL || row->when(values)))
			sc_disco_add_field(d, plan->form_type, row->var,
				sc_field_kind_name(row->kind),
				sc_field_texts(d->arena, row, values));
}

/* --- gathering --- */

static void
add_tables(struct sc_disco *d, const struct sc_host *host)
{
	for (int i = 0; i < module_count(); i++) {
		const struct module *m = module_at(i);

		if (!host_runs(host, i) || atomic_load(&m->off) || !service_concerns(d->service, m))
			continue;
		for (int j = 0; j < m->n_identities; j++)
			if (m->identities[j].at & d->at)
				sc_disco_add_identity(d, m->identities[j].category,
					m->identities[j].type, m->identities[j].name);
		for (int j = 0; j < m->n_features; j++)
			if (m->features[j].at & d->at)
				sc_disco_add_feature(d, m->features[j].var);
	}
}

static struct sc_disco *
gather(enum sc_event event, struct sc_host *host, const struct service *service,
	struct sc_entity *entity, const struct sc_jid *by,
	bool trusted, unsigned at, const char *node)
{
	struct sc_arena *arena = arena_new();
	struct sc_disco *d = sc_alloc(arena, sizeof *d);
	struct sc_ev_disco ev = { d };

	d->arena = arena;
	d->at = at;
	d->node = node;
	d->by = by;
	d->service = service;
	d->entity = entity;
	d->trusted = trusted;
	if (event == SC_EV_disco_info && node == NULL)
		add_tables(d, host);
	hook_fire_at(event, host, service, entity, &ev);
	return d;
}

static bool
asker_is_trusted(struct sc_ctx *ctx, unsigned at)
{
	const struct sc_jid *from = ctx->stanza != NULL ? sc_from(ctx->stanza) : NULL;

	if (at != SC_AT_ACCOUNT || from == NULL || ctx->entity == NULL)
		return true;
	return sc_jid_same_bare(from, sc_entity_jid(ctx->entity)) ||
		(sc_contact(ctx->entity, from) & SC_SUB_FROM);
}

/* --- writing --- */

static void
write_form(struct sc_stanza *s, struct sc_elem *query, const struct disco_form *form)
{
	struct sc_elem *x = sc_form_add(s, query, SC_FORM_RESULT, form->form_type);

	for (int i = 0; i < form->n; i++) {
		struct sc_elem *f = sc_add(s, x, NULL, "field");

		sc_set_attr(s, f, "var", form->fields[i].var);
		sc_set_attr(s, f, "type", form->fields[i].type);
		for (const char *const *v = form->fields[i].values; *v != NULL; v++)
			sc_form_add_value(s, f, *v);
	}
}

/* The node that our own caps name (XEP-0115 §6.2): "https://stonechat…#HASH". */
static bool
is_caps_node(struct sc_ctx *ctx, unsigned at, const char *node)
{
	const char *hash = node != NULL && at == SC_AT_SERVER ? strrchr(node, '#') : NULL;

	return hash != NULL && strcmp(hash + 1, sc_disco_caps(ctx->host)) == 0;
}

bool
sc_disco_fill_info(struct sc_ctx *ctx, unsigned at, const char *node, struct sc_stanza *into,
	struct sc_elem *query)
{
	const char *asked = is_caps_node(ctx, at, node) ? NULL : node;
	struct sc_disco *d = gather(SC_EV_disco_info, ctx->host, ctx->service, ctx->entity,
		ctx->stanza != NULL ? sc_from(ctx->stanza) : NULL, asker_is_trusted(ctx, at),
		at, asked);
	bool known = asked == NULL || d->node_known;

	for (int i = 0; known && i < d->n_identities; i++) {
		struct sc_elem *e = sc_add(into, query, NULL, "identity");

		sc_set_attr(into, e, "category", d->identities[i].category);
		sc_set_attr(into, e, "type", d->identities[i].type);
		sc_set_attr(into, e, "name", d->identities[i].name);
	}
	for (int i = 0; known && i < d->n_features; i++)
		sc_set_attr(into, sc_add(into, query, NULL, "feature"), "var", d->features[i]);
	for (int i = 0; known && i < d->n_forms; i++)
		write_form(into, query, &d->forms[i]);
	arena_free(d->arena);
	return known;
}

bool
sc_disco_fill_items(struct sc_ctx *ctx, unsigned at, const char *node, struct sc_stanza *into,
	struct sc_elem *query)
{
	struct sc_disco *d = gather(SC_EV_disco_items, ctx->host, ctx->service, ctx->entity,
		ctx->stanza != NULL ? sc_from(ctx->stanza) : NULL, asker_is_trusted(ctx, at),
		at, node);
	bool known = node == NULL || d->node_known;

	if (at == SC_AT_SERVER && node == NULL)
		for (struct service *s = NULL; (s = service_next(ctx->host, s)) != NULL;)
			sc_disco_add_item(d, s->jid->text, NULL, s->row->title);
	for (int i = 0; known && i < d->n_items; i++) {
		struct sc_elem *e = sc_add(into, query, NULL, "item");

		sc_set_attr(into, e, "jid", d->items[i].jid);
		sc_set_attr(into, e, "node", d->items[i].node);
		sc_set_attr(into, e, "name", d->items[i].name);
	}
	arena_free(d->arena);
	return known;
}

/* --- XEP-0115 §5.1 --- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
by_identity(const void *a, const void *b)
{
	const struct disco_identity *x = a, *y = b;
	int c = strcmp(x->category, y->category);

	return c != 0 ? c : strcmp(x->type, y->type);
}

static int
by_form_type(const void *a, const void *b)
{
	return strcmp(((const struct disco_form *)a)->form_type,
		((const struct disco_form *)b)->form_type);
}

static int
by_var(const void *a, const void *b)
{
	return strcmp(((const struct disco_field *)a)->var, ((const struct disco_field *)b)->var);
}

static void
caps_form(struct buf *buf, struct disco_form *form)
{
	buf_format(buf, "%s<", form->form_type);
	qsort(form->fields, (size_t)form->n, sizeof *form->fields, by_var);
	for (int i = 0; i < form->n; i++) {
		const char *values[DISCO_MAX];
		size_t n = 0;

		buf_format(buf, "%s<", form->fields[i].var);
		for (const char *const *v = form->fields[i].values; *v != NULL &&
		    n < DISCO_MAX; v++)
			values[n++] = *v;
		qsort(values, n, sizeof *values, by_text);
		for (size_t k = 0; k < n; k++)
			buf_format(buf, "%s<", values[k]);
	}
}

void
disco_caps_text(struct buf *buf, struct sc_disco *d)
{
	qsort(d->identities, (size_t)d->n_identities, sizeof *d->identities, by_identity);
	qsort(d->features, (size_t)d->n_features, sizeof *d->features, by_text);
	qsort(d->forms, (size_t)d->n_forms, sizeof *d->forms, by_form_type);
	for (int i = 0; i < d->n_identities; i++)
		buf_format(buf, "%s/%s//%s<", d->identities[i].category, d->identities[i].type,
			d->identities[i].name != NULL ? d->identities[i].name : "");
	for (int i = 0; i < d->n_features; i++)
		buf_format(buf, "%s<", d->features[i]);
	for (int i = 0; i < d->n_forms; i++)
		caps_form(buf, &d->forms[i]);
}

const char *
sc_disco_caps(struct sc_host *host)
{
	struct buf text = { 0 };
	unsigned char sha[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct sc_disco *d;

	if (host->caps != NULL && host->caps_disabled == module_disabled())
		return host->caps;
	free(host->caps);
	host->caps_disabled = module_disabled();
	d = gather(SC_EV_disco_info, host, NULL, NULL, NULL, true, SC_AT_SERVER, NULL);
	disco_caps_text(&text, d);
	sc_assert(EVP_Digest(text.p, text.n, sha, &n, EVP_sha1(), NULL) == 1);
	host->caps = strdup(sc_base64(d->arena, sha, n));
	buf_free(&text);
	arena_free(d->arena);
	return host->caps;
}
