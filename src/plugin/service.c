/* SPDX-License-Identifier: MIT */
/* service: which domain belongs to which module, and what modules may ask about it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "plugin/conf.h"
#include "plugin/disco.h"
#include "plugin/hook.h"
#include "plugin/service.h"

static _Thread_local struct table by_domain;
static _Thread_local struct link all;

static bool
has_domain(const struct table_node *node, const void *key)
{
	const struct service *s = container_of(node, struct service, node);

	return sc_span_is(*(const struct sc_span *)key, s->jid->text);
}

struct service *
service_find(struct sc_span domain)
{
	struct table_node *n = table_find(&by_domain, hash_bytes(domain.p, domain.n), has_domain,
		&domain);

	return n != NULL ? container_of(n, struct service, node) : NULL;
}

struct service *
service_next(const struct sc_host *host, struct service *after)
{
	struct link *it = after != NULL ? after->link.next : all.next;

	for (; it != NULL && it != &all; it = it->next) {
		struct service *s = container_of(it, struct service, link);

		if (s->host == host && !s->gone)
			return s;
	}
	return NULL;
}

bool
service_concerns(const struct service *s, const struct module *m)
{
	return s == NULL || m->n_services == 0 || s->module == m;
}

/* --- taking up a configuration --- */

static struct service *
service_of(struct sc_host *host, const struct sc_service *row)
{
	list_each(&all, it, tmp) {
		struct service *s = container_of(it, struct service, link);

		if (s->host == host && s->row == row)
			return s;
	}
	return NULL;
}

/* "rooms" is a label below the host; what has a dot is a whole domain. NULL: not offered, or no
 * domain. */
static char *
domain_of(struct sc_arena *arena, const struct sc_host *host, const struct module *m,
	const struct sc_service *row)
{
	const char *conf = conf_get(conf_now(), m->conf_section, host->conf_index);
	const char *set = *(const char *const *)(const void *)(conf + row->conf_domain);
	const char *whole;

	if (set == NULL || *set == '\0' || !host_runs(host, m->index))
		return NULL;
	whole = strchr(set, '.') != NULL ? set : sc_format(arena, "%s.%s", set, host->jid->text);
	return sc_prepare_domain(arena, whole, strlen(whole));
}

static void
offer(struct sc_host *host, const struct module *m, const struct sc_service *row)
{
	char *domain = domain_of(host->arena, host, m, row);
	struct service *s = service_of(host, row);

	if (domain == NULL)
		return;
	if (sc_host_find(sc_span(domain)) != NULL || service_find(sc_span(domain)) != NULL) {
		sc_log(NULL, SC_LOG_ERROR, "service.domain_taken", "service=%s domain=%s",
			row->name, domain);
		return;
	}
	if (s == NULL) {
		s = calloc(1, sizeof *s);
		sc_assert(s != NULL);
		link_init(&s->link);
		link_append(&all, &s->link);
		s->host = host;
		s->module = m;
		s->row = row;
	}
	/* the arena lives as long as the shard: only changes cost */
	if (s->jid == NULL || !sc_same(s->jid->text, domain))
		s->jid = sc_jid_of(host->arena, (struct sc_span){ 0 }, sc_span(domain),
			(struct sc_span){ 0 });
	s->gone = false;
	table_insert(&by_domain, &s->node, hash_bytes(domain, strlen(domain)));
}

void
service_sync(void)
{
	if (all.next == NULL)
		link_init(&all);
	list_each(&all, it, tmp) {
		struct service *s = container_of(it, struct service, link);

		if (!s->gone)
			table_remove(&by_domain, &s->node);
		s->gone = true;
	}
	for (int h = 0; h < host_count(); h++)
		for (int i = 0; i < module_count() && !host_at(h)->gone; i++)
			for (int k = 0; k < module_at(i)->n_services; k++)
				offer(host_at(h), module_at(i), &module_at(i)->services[k]);
}

bool
service_check(char *error, size_t error_size)
{
	for (int i = 0; i < module_count(); i++) {
		const struct module *m = module_at(i);

		if (m->n_services > 0 && m->conf_section < 0) {
			snprintf(error, error_size,
				"module %s: offers a service and has no settings", m->m.name);
			return false;
		}
		for (int k = 0; k < m->n_services; k++)
			for (int j = 0; j <= i; j++)
				for (int l = 0; l < (j < i ? module_at(j)->n_services : k); l++)
					if (sc_same(module_at(j)->services[l].name,
					    m->services[k].name)) {
						snprintf(error, error_size,
							"module %s: the service %s is offered by "
							"module %s already",
							m->m.name, m->services[k].name,
							module_at(j)->m.name);
						return false;
					}
	}
	return true;
}

void
service_thread_done(void)
{
	if (all.next == NULL)
		return;
	list_each(&all, it, tmp)
		free(container_of(it, struct service, link));
	table_free(&by_domain);
	link_init(&all);
}

/* --- what modules ask --- */

const char *
sc_service(const struct sc_ctx *ctx)
{
	return ctx->service != NULL ? ctx->service->row->name : NULL;
}

const struct sc_jid *
sc_service_jid(const struct sc_host *host, const char *name)
{
	for (struct service *s = NULL; (s = service_next(host, s)) != NULL;)
		if (sc_same(s->row->name, name))
			return s->jid;
	return NULL;
}

struct sc_host *
sc_host_of(struct sc_span domain)
{
	struct sc_host *host = sc_host_find(domain);
	const struct service *s = host == NULL ? service_find(domain) : NULL;

	return s != NULL ? s->host : host;
}

bool
sc_is_local(const struct sc_jid *jid)
{
	return sc_host_of(sc_jid_domain(jid)) != NULL;
}

enum sc_verdict
sc_room_message(struct sc_ctx *ctx, struct sc_ev_room_message *ev)
{
	struct sc_ctx *own = ctx_new(ctx->host, ctx->entity, ctx->session);
	enum sc_verdict verdict;

	own->service = ctx->service;
	/* lent: refusals answer the message as its sender wrote it */
	own->stanza = ctx->stanza;
	own->custody = ctx->custody;
	if (own->custody != NULL)
		ctx_core->custody_hold(own->custody);
	verdict = hook_run_now(own, SC_EV_room_message, ev);
	ctx_free(own);
	return verdict;
}
