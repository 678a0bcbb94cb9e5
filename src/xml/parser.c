/* SPDX-License-Identifier: MIT */
/*
 * parser: expat configured, counted and pooled. What its callbacks build is in build.c.
 */
#include "config.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/mem.h"
#include "xml/build.h"
#include <stonechat/log.h>

#define PRIMED_MAX 8            /* free parsers behind a header */
#define SPARE_MAX 8             /* free parsers in their first state */
#define RETIRE_BYTES (256 * 1024)       /* expat never forgets a name until it is reset */
#define HEAVY_BYTES (128 * 1024)        /* what a parser may keep; the usual is 11 KB */

static _Thread_local struct {
	struct parser *primed[PRIMED_MAX];      /* the last used is the last */
	unsigned primed_n;
	struct parser *spare[SPARE_MAX];
	unsigned spare_n;
	int64_t weight;                         /* what expat has allocated on this thread */
} pool;

/* expat's allocations are counted, so that the budget knows the true weight. A parser never leaves
 * its thread. */
static void *
count_new(size_t n)
{
	void *p = malloc(n);

	if (p != NULL)
		pool.weight += (int64_t)malloc_usable_size(p);
	return p;
}

static void *
count_grow(void *old, size_t n)
{
	int64_t was = old == NULL ? 0 : (int64_t)malloc_usable_size(old);
	void *p = realloc(old, n);

	if (p != NULL)
		pool.weight += (int64_t)malloc_usable_size(p) - was;
	return p;
}

static void
count_free(void *p)
{
	if (p != NULL)
		pool.weight -= (int64_t)malloc_usable_size(p);
	free(p);
}

/* Takes what expat allocated since `before` to the parser's account. */
static void
settle(struct parser *p, int64_t before)
{
	int64_t by = pool.weight - before;

	if (by != 0) {
		p->weight += by;
		budget_charge(BUDGET_INPUT, by);
	}
}

static void
configure(struct parser *p)
{
	build_handlers(p);
#ifdef HAVE_XML_SETREPARSEDEFERRALENABLED
	/* Debian's 2.5.0 has it from a security update: it would hold back complete elements. */
	XML_SetReparseDeferralEnabled(p->expat, XML_FALSE);
#endif
}

static struct parser *
create(void)
{
	static const XML_Memory_Handling_Suite counted = { count_new, count_grow, count_free };
	struct parser *p = mem_new(sizeof(*p));
	int64_t before = pool.weight;
	const char separator[] = { BUILD_SEPARATOR, '\0' };

	p->expat = XML_ParserCreate_MM("UTF-8", &counted, separator);
	if (p->expat == NULL)
		mem_gone(sizeof(*p));
	settle(p, before);
	configure(p);
	return p;
}

static void
destroy(struct parser *p)
{
	int64_t before = pool.weight;

	build_drop(p);
	XML_ParserFree(p->expat);
	settle(p, before);
	buf_free(&p->text);
	free(p->open);
	free(p);
}

/* Back to the first state; names and declarations are forgotten. */
static void
make_spare(struct parser *p)
{
	int64_t before = pool.weight;

	build_drop(p);
	free(p->open);
	p->open = NULL;
	p->used = 0;
	if (pool.spare_n == SPARE_MAX || p->weight > HEAVY_BYTES
	    || !XML_ParserReset(p->expat, "UTF-8")) {
		destroy(p);
		return;
	}
	settle(p, before);
	configure(p);
	pool.spare[pool.spare_n++] = p;
}

static struct parser *
take_spare(void)
{
	return pool.spare_n > 0 ? pool.spare[--pool.spare_n] : create();
}

static struct parser *
take_primed(const char *open)
{
	for (unsigned i = pool.primed_n; i-- > 0;) {
		struct parser *p = pool.primed[i];

		if (strcmp(p->open, open) == 0) {
			pool.primed_n--;
			memmove(&pool.primed[i], &pool.primed[i + 1],
				(pool.primed_n - i) * sizeof(p));
			return p;
		}
	}
	return NULL;
}

static void
run(struct parser *p, const char *bytes, size_t n)
{
	int64_t before = pool.weight;

	p->used += n;
	if (XML_Parse(p->expat, bytes, (int)n, XML_FALSE) != XML_STATUS_OK)
		build_failed(p);
	settle(p, before);
}

struct parser *
parser_borrow(const struct stream_ns *ns, const struct xml_limits *limits)
{
	struct parser *p = take_primed(ns->open);

	if (p == NULL) {
		p = take_spare();
		p->open = mem_text(ns->open, strlen(ns->open));
		p->mode = BUILD_PRIMING;
		p->limits = limits;
		run(p, p->open, strlen(p->open));
		sc_assert(!p->failed);  /* we wrote it from a header that was parsed */
	}
	p->mode = BUILD_ELEMENT;
	p->limits = limits;
	p->content = ns->content;
	p->bytes = 0;
	p->clean = true;
	return p;
}

bool
parser_feed(struct parser *p, const char *bytes, size_t n)
{
	p->bytes += n;
	p->clean = false;
	if (!p->failed)
		run(p, bytes, n);
	return !p->failed;
}

bool
parser_take(struct parser *p, struct sc_arena **arena, struct sc_elem **root)
{
	/* Bytes behind the end tag that expat keeps for itself would come out in another stream. */
	if (p->failed || !p->complete || p->end != (int64_t)p->used)
		return false;
	p->clean = true;
	*arena = p->arena;
	*root = p->root;
	p->arena = NULL;
	p->root = NULL;
	p->complete = false;
	return true;
}

void
parser_give_back(struct parser **taken)
{
	struct parser *p = *taken;

	*taken = NULL;
	if (p == NULL)
		return;
	p->limits = NULL;
	if (p->failed) {
		destroy(p);
		return;
	}
	if (!p->clean || p->used > RETIRE_BYTES || p->weight > HEAVY_BYTES) {
		make_spare(p);
		return;
	}
	if (pool.primed_n == PRIMED_MAX) {
		struct parser *oldest = pool.primed[0];

		pool.primed_n--;
		memmove(&pool.primed[0], &pool.primed[1], pool.primed_n * sizeof(p));
		make_spare(oldest);
	}
	pool.primed[pool.primed_n++] = p;
}

enum xml_error
parser_error(const struct parser *p)
{
	return p->error;
}

size_t
parser_weight(const struct parser *p)
{
	return sizeof(*p) + p->weight + p->text.room;
}

struct header *
parser_header(const char *bytes, size_t n, const struct xml_limits *limits, enum xml_error *error)
{
	struct parser *p = take_spare();
	struct header *h;

	p->mode = BUILD_HEADER;
	p->limits = limits;
	p->header = header_new();
	run(p, bytes, n);
	if (!p->failed && p->header->public.name == NULL)
		build_fail(p, XML_NOT_WELL_FORMED);
	h = p->header;
	p->header = NULL;
	p->limits = NULL;
	if (p->failed) {
		*error = p->error;
		header_free(&h);
		destroy(p);
		return NULL;
	}
	make_spare(p);
	return h;
}

void
xml_thread_done(void)
{
	while (pool.primed_n > 0)
		destroy(pool.primed[--pool.primed_n]);
	while (pool.spare_n > 0)
		destroy(pool.spare[--pool.spare_n]);
}
