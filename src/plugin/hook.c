/* SPDX-License-Identifier: MIT */
/*
 * hook: one sorted array per event. Order inside it: phase, then what `.after` asks for, then the
 * module's name, then the place in the module's own table. Built once before the shards start; a
 * disabled module is skipped, not removed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/stats.h"
#include "plugin/hook.h"
#include "plugin/service.h"

struct step {
	const struct sc_hook *hook;
	const struct module *module;
};

static struct chain {
	struct step *steps;
	int n;
	int phase_at[SC_PHASES + 1];    /* first step of each phase */
} chains[SC_EVENTS];

static const char *const event_names[] = {
#define FILTER(name, payload, text) #name,
#define OBSERVE(name, payload, text) #name,
#define GATHER(name, payload, text) #name,
#include <stonechat/events.def>
#undef FILTER
#undef OBSERVE
#undef GATHER
};

static const char *const phase_names[] = { "check", "policy", "mark", "store", "copy", "delivery",
	"fallback" };

const char *
hook_event_name(enum sc_event event)
{
	return event_names[event];
}

int
hook_event_find(const char *name)
{
	for (int i = 0; i < SC_EVENTS; i++)
		if (sc_same(event_names[i], name))
			return i;
	return -1;
}

const char *
hook_phase_name(enum sc_phase phase)
{
	return phase_names[phase];
}

bool
hook_any(enum sc_event event)
{
	return chains[event].n > 0;
}

static bool
step_runs(const struct step *s, const struct sc_host *host, const struct service *service)
{
	return !atomic_load_explicit(&s->module->off, memory_order_relaxed) &&
		host_runs(host, s->module->index) && service_concerns(service, s->module);
}

/* --- calling: one case per event, so that every handler is called by its own type --- */

static enum sc_verdict
call_filter(const struct step *s, struct sc_ctx *ctx, void *payload)
{
	switch (s->hook->event) {
#define FILTER(name, type, text) case SC_EV_##name: return s->hook->fn.name(ctx, (type *)payload);
#define OBSERVE(name, type, text)
#define GATHER(name, type, text)
#include <stonechat/events.def>
#undef FILTER
#undef OBSERVE
#undef GATHER
	default:
		sc_assert(!"a filter event");
		return SC_PASS;
	}
}

static void
call_seer(const struct step *s, struct sc_ctx *ctx, void *payload)
{
	switch (s->hook->event) {
#define FILTER(name, type, text)
#define OBSERVE(name, type, text) \
	case SC_EV_##name: s->hook->fn.name(ctx, (const type *)payload); break;
#define GATHER(name, type, text) case SC_EV_##name: s->hook->fn.name(ctx, (type *)payload); break;
#include <stonechat/events.def>
#undef FILTER
#undef OBSERVE
#undef GATHER
	default:
		sc_assert(!"an observe or gather event");
	}
}

void
hook_go_on(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	const struct chain *c = &chains[ctx->event];
	const struct sc_ctx *outer = ctx_enter(ctx);

	while (verdict == SC_PASS && !ctx->iq && ctx->pos < ctx->end) {
		const struct step *s = &c->steps[ctx->pos++];

		if (!step_runs(s, ctx->host, ctx->service))
			continue;
		ctx->module = s->module;
		verdict = call_filter(s, ctx, ctx->payload);
	}
	ctx_leave(outer);
	if (verdict == SC_HELD) {
		sc_assert(ctx->waiting);
		/* Out here, because what comes next in the lane may call the same module. */
		if (ctx->detaches && !ctx->detached && ctx->let_go != NULL)
			ctx->detached = ctx->let_go(ctx);
		if (!ctx->detached && ctx->held != NULL)
			ctx->held(ctx);
		return;
	}
	ctx->finished(ctx, verdict);
}

void
hook_run(struct sc_ctx *ctx, enum sc_event event, enum sc_phase first, enum sc_phase last)
{
	ctx->event = (uint16_t)event;
	ctx->pos = (uint16_t)chains[event].phase_at[first];
	ctx->end = (uint16_t)chains[event].phase_at[last + 1];
	hook_go_on(ctx, SC_PASS);
}

enum sc_verdict
hook_run_now(struct sc_ctx *ctx, enum sc_event event, void *payload)
{
	enum sc_verdict verdict = SC_PASS;
	const struct sc_ctx *outer = ctx_enter(ctx);

	for (int i = 0; i < chains[event].n && verdict == SC_PASS; i++) {
		const struct step *s = &chains[event].steps[i];

		if (!step_runs(s, ctx->host, ctx->service))
			continue;
		ctx->module = s->module;
		verdict = call_filter(s, ctx, payload);
	}
	ctx_leave(outer);
	sc_assert(verdict != SC_HELD);  /* events.def says which may hold */
	return verdict;
}

static void
fire(enum sc_event event, struct sc_ctx *ctx, void *payload)
{
	const struct sc_ctx *outer = ctx_enter(ctx);

	for (int i = 0; i < chains[event].n; i++) {
		const struct step *s = &chains[event].steps[i];

		if (!step_runs(s, ctx->host, ctx->service))
			continue;
		ctx->module = s->module;
		call_seer(s, ctx, payload);
	}
	ctx_leave(outer);
	ctx_free(ctx);
}

void
hook_fire(enum sc_event event, struct sc_host *host, struct sc_entity *entity,
	struct sc_session *session, void *payload)
{
	if (chains[event].n > 0)
		fire(event, ctx_new(host, entity, session), payload);
}

void
hook_fire_at(enum sc_event event, struct sc_host *host, const struct service *service,
	struct sc_entity *entity, void *payload)
{
	struct sc_ctx *ctx;

	if (chains[event].n == 0)
		return;
	ctx = ctx_new(host, entity, NULL);
	ctx->service = service;
	fire(event, ctx, payload);
}

/* --- building --- */

static int
by_phase_and_name(const void *a, const void *b)
{
	const struct step *x = a, *y = b;
	int names;

	if (x->hook->phase != y->hook->phase)
		return (int)x->hook->phase - (int)y->hook->phase;
	names = strcmp(x->module->m.name, y->module->m.name);
	if (names != 0)
		return names;
	return x->hook < y->hook ? -1 : x->hook > y->hook;
}

/* Some step that is not yet placed must come before this one. */
static bool
must_wait(const struct step *steps, int n, const bool *placed, const struct step *s)
{
	for (int i = 0; s->hook->after != NULL && i < n; i++)
		if (!placed[i] && steps[i].hook->phase == s->hook->phase &&
		    sc_same(steps[i].module->m.name, s->hook->after))
			return true;
	return false;
}

/* Sorts by `.after` and keeps the order by name where nothing is asked for. False: a circle. */
static bool
place(struct chain *c, char *error, size_t error_size)
{
	struct step *out = calloc((size_t)c->n + 1, sizeof *out);
	bool *placed = calloc((size_t)c->n + 1, sizeof *placed);
	int n = 0;
	bool ok = true;

	sc_assert(out != NULL && placed != NULL);
	while (ok && n < c->n) {
		int i = 0, p = 0;

		/* Nothing of a later phase goes before the last of an earlier one. */
		while (p < c->n && placed[p])
			p++;
		for (i = p; i < c->n; i++)
			if (!placed[i] && c->steps[i].hook->phase == c->steps[p].hook->phase &&
			    !must_wait(c->steps, c->n, placed, &c->steps[i]))
				break;
		if (i == c->n) {
			snprintf(error, error_size, "module %s: the `.after` of its hook %s goes "
				"in a circle with module %s",
				c->steps[p].module->m.name, c->steps[p].hook->name,
				c->steps[p].hook->after);
			ok = false;
		} else {
			placed[i] = true;
			out[n++] = c->steps[i];
		}
	}
	free(placed);
	free(c->steps);
	c->steps = out;
	return ok;
}

static bool
build_chain(enum sc_event event, char *error, size_t error_size)
{
	struct chain *c = &chains[event];
	int room = 0;

	for (int i = 0; i < module_count(); i++)
		for (int j = 0; j < module_at(i)->n_hooks; j++)
			room += module_at(i)->hooks[j].event == event;
	c->steps = calloc((size_t)room + 1, sizeof *c->steps);
	sc_assert(c->steps != NULL);
	for (int i = 0; i < module_count(); i++)
		for (int j = 0; j < module_at(i)->n_hooks; j++)
			if (module_at(i)->hooks[j].event == event)
				c->steps[c->n++] = (struct step){ &module_at(i)->hooks[j],
					module_at(i) };
	qsort(c->steps, (size_t)c->n, sizeof *c->steps, by_phase_and_name);
	if (!place(c, error, error_size))
		return false;
	for (int p = 0, i = 0; p <= SC_PHASES; p++) {
		while (i < c->n && (int)c->steps[i].hook->phase < p)
			i++;
		c->phase_at[p] = i;
	}
	return true;
}

static bool
hooks_are_sane(const struct module *m, char *error, size_t error_size)
{
	for (int j = 0; j < m->n_hooks; j++)
		if ((unsigned)m->hooks[j].event >= SC_EVENTS ||
		    (unsigned)m->hooks[j].phase >= SC_PHASES) {
			snprintf(error, error_size, "module %s: its hook %s names an event or "
				"phase that this server does not have",
				m->m.name, m->hooks[j].name);
			return false;
		}
	return true;
}

bool
hook_build(char *error, size_t error_size)
{
	hook_teardown();
	for (int i = 0; i < module_count(); i++)
		if (!hooks_are_sane(module_at(i), error, error_size))
			return false;
	for (int e = 0; e < SC_EVENTS; e++)
		if (!build_chain((enum sc_event)e, error, error_size))
			return false;
	return true;
}

void
hook_teardown(void)
{
	for (int e = 0; e < SC_EVENTS; e++)
		free(chains[e].steps);
	memset(chains, 0, sizeof chains);
}

void
hook_each(enum sc_event event, void (*see)(void *, const char *, const char *, const char *),
	void *arg)
{
	for (int i = 0; i < chains[event].n; i++) {
		const struct step *s = &chains[event].steps[i];

		see(arg, phase_names[s->hook->phase], s->module->m.name, s->hook->name);
	}
}

void
hook_write_manual(FILE *f)
{
	fputs("# Hooks\n\nGenerated from `src/stonechat/events.def` by `stonechat --manual hooks`; "
		"do not edit.\n\n"
		"| event | kind | payload | when |\n|---|---|---|---|\n", f);
#define ROW(name, kind, type, text) \
	fprintf(f, "| `%s` | %s | `%s` | %s |\n", #name, kind, #type, text);
#define FILTER(name, type, text) ROW(name, "filter", type, text)
#define OBSERVE(name, type, text) ROW(name, "observe", type, text)
#define GATHER(name, type, text) ROW(name, "gather", type, text)
#include <stonechat/events.def>
#undef FILTER
#undef OBSERVE
#undef GATHER
#undef ROW
	fputs("\nPhases of a filter event, in order:", f);
	for (int p = 0; p < SC_PHASES; p++)
		fprintf(f, "%s %s", p == 0 ? "" : " →", phase_names[p]);
	fputs(".\n", f);
}
