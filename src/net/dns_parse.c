/* SPDX-License-Identifier: MIT */
/*
 * dns_parse: walks an answer once to index its records, then follows CNAMEs from the name that
 * was asked to the records of the type. Everything in the message was written by strangers.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "net/dns_parse.h"

#define HEADER 12
#define TYPE_CNAME 5
#define TYPE_SOA 6
#define CLASS_IN 1
#define RCODE_NXDOMAIN 3
#define JUMPS_MAX 32            /* compression pointers in one name */
#define ALIASES_MAX 16          /* CNAMEs in a row */
#define TLSA_MAX 4096           /* a whole certificate fits; more is nonsense */

struct reader {
	const unsigned char *bytes;
	size_t n, at;
	bool broken;
};

/* One record of the answer section. */
struct item {
	char owner[DNS_NAME_MAX];
	unsigned type;
	uint32_t ttl;
	size_t data, n;         /* where its data are */
};

static unsigned
take(struct reader *r, int octets)
{
	unsigned value = 0;

	if (r->n - r->at < (size_t)octets) {
		r->broken = true;
		r->at = r->n;
		return 0;
	}
	while (octets-- > 0)
		value = value << 8 | r->bytes[r->at++];
	return value;
}

static bool
is_label_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static unsigned char
lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
}

/* Reads a name and steps over it. False: it is none that a server may have (the message can be
 * good though), or, when r is broken, the message ends inside it. */
static bool
take_name(struct reader *r, char out[DNS_NAME_MAX])
{
	size_t at = r->at, length = 0;
	int jumps = 0;
	bool good = true;

	for (;;) {
		unsigned size;

		if (at >= r->n)
			goto broken;
		size = r->bytes[at++];
		if (size == 0)
			break;
		if ((size & 0xc0) == 0xc0) {
			if (at >= r->n || ++jumps > JUMPS_MAX)
				goto broken;
			if (jumps == 1)
				r->at = at + 1;
			at = (size & 0x3f) << 8 | r->bytes[at];
			continue;
		}
		if (size > 63 || r->n - at < size || length + size + 1 >= DNS_NAME_MAX)
			goto broken;
		if (length > 0)
			out[length++] = '.';
		for (unsigned i = 0; i < size; i++) {
			out[length] = (char)lower(r->bytes[at++]);
			good = good && is_label_char((unsigned char)out[length]);
			length++;
		}
	}
	out[length] = '\0';
	if (jumps == 0)
		r->at = at;
	return good;
broken:
	r->broken = true;
	r->at = r->n;
	out[0] = '\0';
	return false;
}

bool
dns_name_good(const char *name, char out[DNS_NAME_MAX])
{
	size_t n = strlen(name), label = 0;

	if (n > 0 && name[n - 1] == '.')
		n--;
	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = lower((unsigned char)name[i]);

		if (c == '.' ? label == 0 : !is_label_char(c) || label == 63)
			return false;
		label = c == '.' ? 0 : label + 1;
		out[i] = (char)c;
	}
	out[n] = '\0';
	return label > 0;
}

/* A record's fixed part; the reader then stands behind its data. */
static bool
take_item(struct reader *r, struct item *item)
{
	unsigned class;
	bool good = take_name(r, item->owner);

	item->type = take(r, 2);
	class = take(r, 2);
	item->ttl = take(r, 4);
	if (item->ttl > INT32_MAX)      /* RFC 2181 §8 */
		item->ttl = 0;
	item->n = take(r, 2);
	item->data = r->at;
	if (r->broken || r->n - r->at < item->n) {
		r->broken = true;
		return false;
	}
	r->at += item->n;
	return good && class == CLASS_IN;
}

static bool
skip_questions(struct reader *r, unsigned count, const char *name, enum dns_type type)
{
	char asked[DNS_NAME_MAX];
	bool same = count == 1 && take_name(r, asked) && strcmp(asked, name) == 0;

	same = same && take(r, 2) == (unsigned)type;
	return same && take(r, 2) == CLASS_IN && !r->broken;
}

/* --- records --- */

static struct reader
inside(const struct reader *r, const struct item *item)
{
	/* Names in the data may point back to all of the message, but end with the record. */
	return (struct reader){ .bytes = r->bytes, .n = item->data + item->n, .at = item->data };
}

/* data is a buffer of DNS_NAME_MAX, or points to the message. False: not usable, skipped. */
static bool
read_record(const struct reader *r, const struct item *item, struct dns_record *record,
	char name[DNS_NAME_MAX],
	const unsigned char **data, size_t *n)
{
	struct reader in = inside(r, item);

	*n = 0;
	switch ((enum dns_type)item->type) {
	case DNS_A:
	case DNS_AAAA:
		if (item->n != (item->type == DNS_A ? 4 : 16))
			return false;
		memcpy(record->address, r->bytes + item->data, item->n);
		return true;
	case DNS_SRV:
		record->srv.priority = (uint16_t)take(&in, 2);
		record->srv.weight = (uint16_t)take(&in, 2);
		record->srv.port = (uint16_t)take(&in, 2);
		if (!take_name(&in, name) || in.broken)
			return false;
		*data = (const unsigned char *)name;
		*n = strlen(name);
		return true;
	case DNS_TLSA:
		record->tlsa.usage = (uint8_t)take(&in, 1);
		record->tlsa.selector = (uint8_t)take(&in, 1);
		record->tlsa.matching = (uint8_t)take(&in, 1);
		if (in.broken || item->n - 3 == 0 || item->n - 3 > TLSA_MAX)
			return false;
		*n = item->n - 3;
		*data = r->bytes + in.at;
		record->tlsa.n = (uint16_t)*n;
		return true;
	}
	return false;
}

/* Two rounds: the first only counts the bytes. */
static void
collect(struct dns_parsed *p, const struct reader *r, const struct item *items, int n_items,
	const char *owner, enum dns_type type)
{
	struct dns_record record;
	char name[DNS_NAME_MAX];
	const unsigned char *data = NULL;
	size_t n, total = 0;
	int count = 0;
	char *free_bytes;

	for (int i = 0; i < n_items && count < DNS_RECORDS_MAX; i++) {
		if (items[i].type != (unsigned)type || strcmp(items[i].owner, owner) != 0 ||
			!read_record(r, &items[i], &record, name, &data, &n))
			continue;
		count++;
		total += n + 1;
	}
	if (count == 0)
		return;
	p->records = mem_new((size_t)count * sizeof(*p->records) + total);
	free_bytes = (char *)(p->records + count);
	for (int i = 0; i < n_items && p->n < count; i++) {
		struct dns_record *into = &p->records[p->n];

		if (items[i].type != (unsigned)type || strcmp(items[i].owner, owner) != 0 ||
			!read_record(r, &items[i], into, name, &data, &n))
			continue;
		into->data = free_bytes;
		if (n > 0)
			memcpy(free_bytes, data, n);
		free_bytes += n + 1;
		if (items[i].ttl < p->ttl)
			p->ttl = items[i].ttl;
		p->n++;
	}
}

/* Where the aliases lead to. NULL: in a circle. */
static const char *
follow(const struct reader *r, const struct item *items, int n, const char *name, uint32_t *ttl,
	char buffer[DNS_NAME_MAX])
{
	for (int hops = 0; hops < ALIASES_MAX; hops++) {
		const struct item *alias = NULL;
		struct reader in;

		for (int i = 0; i < n && alias == NULL; i++)
			if (items[i].type == TYPE_CNAME && strcmp(items[i].owner, name) == 0)
				alias = &items[i];
		if (alias == NULL)
			return name;
		in = inside(r, alias);
		if (!take_name(&in, buffer) || in.broken)
			return NULL;
		if (alias->ttl < *ttl)
			*ttl = alias->ttl;
		name = buffer;
	}
	return NULL;
}

/* How long "there is none" holds: RFC 2308 §5. Without SOA it is not to be kept. */
static uint32_t
negative_ttl(struct reader *r, unsigned count)
{
	struct item item;
	char name[DNS_NAME_MAX];

	while (count-- > 0 && !r->broken) {
		struct reader in;
		uint32_t minimum;

		if (!take_item(r, &item) || item.type != TYPE_SOA)
			continue;
		in = inside(r, &item);
		take_name(&in, name);
		take_name(&in, name);
		take(&in, 4), take(&in, 4), take(&in, 4), take(&in, 4);
		minimum = take(&in, 4);
		if (in.broken)
			return 0;
		return minimum < item.ttl ? minimum : item.ttl;
	}
	return 0;
}

static void
failed(struct dns_parsed *p, const char *why)
{
	*p = (struct dns_parsed){ .status = DNS_FAILED, .why = why };
}

void
dns_parse(struct dns_parsed *p, const unsigned char *bytes, size_t n, const char *name,
	enum dns_type type)
{
	struct reader r = { .bytes = bytes, .n = n, .at = 2 };
	struct item *items;
	char buffer[DNS_NAME_MAX];
	const char *owner;
	unsigned flags, questions, answers, authorities;
	int n_items = 0;

	failed(p, "the name server's answer is broken");
	if (n < HEADER)
		return;
	flags = take(&r, 2);
	questions = take(&r, 2);
	answers = take(&r, 2);
	authorities = take(&r, 2);
	take(&r, 2);
	if ((flags & 0x8000) == 0 || (flags & 0x7800) != 0 || !skip_questions(&r, questions, name,
		type))
		return;
	if ((flags & 0xf) != 0 && (flags & 0xf) != RCODE_NXDOMAIN) {
		p->why = (flags & 0xf) == 5 ? "the name server refused to answer" :
			"the name server reports a failure";
		return;
	}
	if (answers > (n - r.at) / 11 || (flags & 0x0200) != 0)
		return;
	items = mem_new((answers + 1) * sizeof(*items));
	for (unsigned i = 0; i < answers && !r.broken; i++)
		if (take_item(&r, &items[n_items]))
			n_items++;
	p->ttl = UINT32_MAX;
	owner = r.broken ? NULL : follow(&r, items, n_items, name, &p->ttl, buffer);
	if (owner == NULL) {
		failed(p, r.broken ? "the name server's answer is broken" :
			"the name is an alias of itself");
		free(items);
		return;
	}
	p->authentic = (flags & 0x0020) != 0;
	collect(p, &r, items, n_items, owner, type);
	free(items);
	if (p->n > 0) {
		p->status = DNS_FOUND;
		p->why = NULL;
		return;
	}
	p->status = DNS_NONE;
	p->why = (flags & 0xf) == RCODE_NXDOMAIN ? "there is no such name" :
		"there is no such record";
	p->ttl = negative_ttl(&r, authorities);
}
