/* SPDX-License-Identifier: MIT */
/* roster_book: see the header. Changes append a new block; when a quarter of the heap is dead it
 * is packed again. */
#include "roster/roster_book.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>

#define HEAP_MAX (UINT32_MAX / 2)
#define SLACK 256                       /* bytes: not each change of a small book needs realloc */

static void *
grown(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	sc_assert(p != NULL || bytes == 0);
	return p;
}

void
book_free(struct book *b)
{
	for (uint32_t g = 0; g < b->n_groups; g++)
		free(b->groups[g].name);
	free(b->groups);
	free(b->index);
	free(b->heap);
	*b = (struct book){ 0 };
}

/* --- one contact --- */

static struct contact *
contact_at(const struct book *b, uint32_t i)
{
	return (struct contact *)(void *)(b->heap + b->index[i]);
}

static size_t
jid_len(const struct contact *c)
{
	return c->local_len > 0 ? (size_t)c->local_len + 1 + c->domain_len : c->domain_len;
}

static uint16_t
group_number(const struct contact *c, int i)
{
	uint16_t number;

	memcpy(&number, c->text + jid_len(c) + 1 + c->name_len + 1 + sizeof number * (size_t)i,
		sizeof number);
	return number;
}

uint32_t
book_block_size(size_t jid_length, size_t name_len, size_t n_groups)
{
	size_t bytes = offsetof(struct contact, text) + jid_length + 1 + name_len + 1 +
		n_groups * sizeof(uint16_t);

	return (uint32_t)(bytes + 3) & ~3U;
}

static uint32_t
block_size(const struct contact *c)
{
	return book_block_size(jid_len(c), c->name_len, c->n_groups);
}

struct sc_span
book_jid_text(const struct contact *c)
{
	return (struct sc_span){ c->text, jid_len(c) };
}

struct sc_jid
book_jid(const struct contact *c)
{
	return (struct sc_jid){ .text = c->text, .local_len = c->local_len,
		.domain_len = c->domain_len, .bare_hash = c->bare_hash };
}

struct sc_span
book_name(const struct contact *c)
{
	return (struct sc_span){ c->text + jid_len(c) + 1, c->name_len };
}

const char *
book_group(const struct book *b, const struct contact *c, int i)
{
	return b->groups[group_number(c, i)].name;
}

/* --- looking up --- */

static int
compare(struct sc_span a, struct sc_span b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order != 0 ? order : a.n < b.n ? -1 : a.n > b.n;
}

/* The place of this JID, or where it would have to stand. */
static uint32_t
place_of(const struct book *b, struct sc_span jid, bool *there)
{
	uint32_t low = 0, high = b->n;

	*there = false;
	/* Rows come sorted from the database: each goes to the end. */
	if (b->n > 0 && compare(book_jid_text(contact_at(b, b->n - 1)), jid) < 0)
		return b->n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = compare(book_jid_text(contact_at(b, middle)), jid);

		if (order == 0) {
			*there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct contact *
book_find(const struct book *b, struct sc_span bare)
{
	bool there;
	uint32_t i = place_of(b, bare, &there);

	return there ? contact_at(b, i) : NULL;
}

const struct contact *
book_at(const struct book *b, uint32_t i)
{
	return contact_at(b, i);
}

/* --- names of groups --- */

static uint32_t
name_hash(struct sc_span name)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619U;
	return h;
}

static bool
group_find(const struct book *b, struct sc_span name, uint32_t *number)
{
	uint32_t hash = name_hash(name);

	for (uint32_t g = 0; g < b->n_groups; g++)
		if (b->groups[g].hash == hash && b->groups[g].name != NULL &&
		    sc_span_is(name, b->groups[g].name)) {
			*number = g;
			return true;
		}
	return false;
}

/* False: there are no numbers left. */
static bool
group_use(struct book *b, struct sc_span name, uint16_t *number)
{
	uint32_t g = 0;

	if (!group_find(b, name, &g)) {
		while (g < b->n_groups && b->groups[g].name != NULL)
			g++;
		if (g > UINT16_MAX)
			return false;
		if (g == b->n_groups) {
			b->groups = grown(b->groups, (g + 1) * sizeof *b->groups);
			b->n_groups++;
		}
		b->groups[g] = (struct group){ grown(NULL, name.n + 1), name_hash(name), 0 };
		memcpy(b->groups[g].name, name.p, name.n);
		b->groups[g].name[name.n] = '\0';
		b->groups_named++;
	}
	b->groups[g].users++;
	*number = (uint16_t)g;
	return true;
}

static void
group_drop(struct book *b, uint16_t number)
{
	struct group *g = &b->groups[number];

	if (--g->users > 0)
		return;
	free(g->name);
	*g = (struct group){ 0 };
	b->groups_named--;
}

bool
book_groups_fit(const struct book *b, const struct sc_span *groups, int n, uint32_t max)
{
	uint32_t fresh = 0, number;

	for (int i = 0; i < n; i++)
		fresh += !group_find(b, groups[i], &number);
	return fresh == 0 || b->groups_named + fresh <= max;
}

/* --- changing --- */

static void
count(struct book *b, unsigned bits, int by)
{
	b->n_listed += (bits & CONTACT_LISTED) ? (uint32_t)by : 0;
	b->n_asking += (bits & CONTACT_ASKING_US) ? (uint32_t)by : 0;
	b->n_gone += (bits & CONTACT_GONE) ? (uint32_t)by : 0;
}

void
book_reserve(struct book *b, uint32_t contacts, uint32_t bytes)
{
	if (b->room < b->n + contacts) {
		b->room = b->n + contacts;
		b->index = grown(b->index, b->room * sizeof *b->index);
	}
	if (b->size < b->used + bytes) {
		sc_assert(b->used + (uint64_t)bytes < HEAP_MAX);
		b->size = b->used + bytes;
		b->heap = grown(b->heap, b->size);
	}
}

/* Copies the living blocks, in order, into a heap of the right size. */
static void
pack(struct book *b)
{
	uint32_t live = b->used - b->dead, at = 0;
	char *heap = live > 0 ? grown(NULL, live + SLACK) : NULL;

	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t bytes = block_size(contact_at(b, i));

		memcpy(heap + at, b->heap + b->index[i], bytes);
		b->index[i] = at;
		at += bytes;
	}
	sc_assert(at == live);
	free(b->heap);
	b->heap = heap;
	b->used = live;
	b->size = live > 0 ? live + SLACK : 0;
	b->dead = 0;
}

/* The block of place i belongs to nobody any more. */
static void
bury(struct book *b, uint32_t i)
{
	struct contact *c = contact_at(b, i);

	count(b, c->bits, -1);
	for (int g = 0; g < c->n_groups; g++)
		group_drop(b, group_number(c, g));
	b->dead += block_size(c);
}

static void
tidy(struct book *b)
{
	if (b->dead > b->used / 4 + SLACK)
		pack(b);
}

static void
drop(struct book *b, uint32_t i)
{
	bury(b, i);
	b->n--;
	memmove(&b->index[i], &b->index[i + 1], (b->n - i) * sizeof *b->index);
	tidy(b);
}

static void
make_room(struct book *b, uint32_t bytes)
{
	book_reserve(b, b->n == b->room ? b->n / 8 + 4 : 0,
		b->used + bytes > b->size ? bytes + b->used / 8 + SLACK : 0);
}

void
book_put(struct book *b, const struct sc_jid *bare, unsigned bits, int64_t version,
	struct sc_span name, const struct sc_span *groups, int n_groups)
{
	struct sc_span jid = sc_jid_bare_span(bare);
	uint32_t bytes = book_block_size(jid.n, name.n, (size_t)n_groups);
	struct contact *c;
	uint16_t number;
	bool there;
	uint32_t i;
	char *p;

	make_room(b, bytes);
	c = (struct contact *)(void *)(b->heap + b->used);
	memset(c, 0, bytes);
	c->version = version;
	c->bare_hash = bare->bare_hash;
	c->local_len = bare->local_len;
	c->domain_len = bare->domain_len;
	c->name_len = (uint16_t)name.n;
	c->bits = (uint8_t)bits;
	memcpy(c->text, jid.p, jid.n);
	p = c->text + jid.n + 1;
	if (name.n > 0)
		memcpy(p, name.p, name.n);
	p += name.n + 1;
	for (int g = 0; g < n_groups; g++)
		if (group_use(b, groups[g], &number)) {
			memcpy(p + sizeof number * c->n_groups, &number, sizeof number);
			c->n_groups++;
		}
	i = place_of(b, jid, &there);
	if (there) {
		bury(b, i);
	} else {
		memmove(&b->index[i + 1], &b->index[i], (b->n - i) * sizeof *b->index);
		b->n++;
	}
	b->index[i] = b->used;
	b->used += block_size(c);
	count(b, bits, 1);
	if (b->version < version)
		b->version = version;
	tidy(b);
}

void
book_mark(struct book *b, const struct sc_jid *bare, unsigned bits, int64_t version)
{
	const unsigned reasons = CONTACT_LISTED | CONTACT_ASKING_US | CONTACT_GONE;
	bool there;
	uint32_t i = place_of(b, sc_jid_bare_span(bare), &there);
	struct contact *c;

	if (b->version < version)
		b->version = version;
	if (!there) {
		if (bits & reasons)
			book_put(b, bare, bits, version, (struct sc_span){ NULL, 0 }, NULL, 0);
		return;
	}
	if (!(bits & reasons)) {
		drop(b, i);
		return;
	}
	c = contact_at(b, i);
	count(b, c->bits, -1);
	c->bits = (uint8_t)bits;
	c->version = version;
	count(b, bits, 1);
}

void
book_forget(struct book *b, int64_t version)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		struct contact *c = contact_at(b, i);

		if (!(c->bits & CONTACT_GONE) || c->version > version) {
			b->index[kept++] = b->index[i];
		} else if (c->bits & CONTACT_ASKING_US) {       /* has asked again since */
			count(b, c->bits, -1);
			c->bits &= (uint8_t)~CONTACT_GONE;
			count(b, c->bits, 1);
			b->index[kept++] = b->index[i];
		} else {
			bury(b, i);
		}
	}
	b->n = kept;
	if (b->horizon < version)
		b->horizon = version;
	tidy(b);
}
