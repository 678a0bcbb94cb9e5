/* SPDX-License-Identifier: MIT */
/* admin: the table of commands, and how a request goes to the shards and comes back. See
 * admin_inside.h. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/mem.h"
#include "core/admin_inside.h"
#include "net/loop.h"
#include "plugin/module.h"

#define PATIENCE_MS 30000

int (*admin_home_of)(const struct sc_jid *);

static struct admin_row *rows;
static int n_rows;

/* --- the table; constant once the shards run --- */

int
admin_rows(void)
{
	return n_rows;
}

const struct admin_row *
admin_row_at(int i)
{
	return &rows[i];
}

bool
admin_register(const char *module, const struct sc_command_row *given, size_t stride, char *error,
	size_t error_size)
{
	const char *p = (const char *)given;
	size_t common = stride < sizeof(*given) ? stride : sizeof(*given);

	for (; given != NULL && ((const struct sc_command_row *)(const void *)p)->words != NULL;
	    p += stride) {
		struct admin_row row = { .module = module };

		memcpy(&row.row, p, common);
		for (int i = 0; i < n_rows; i++)
			if (strcmp(rows[i].row.words, row.row.words) == 0) {
				snprintf(error, error_size, "module %s: the command `%s' is "
					"taken by %s", module, row.row.words,
					rows[i].module[0] ? rows[i].module : "the server itself");
				return false;
			}
		rows = mem_grow(rows, (size_t)(n_rows + 1) * sizeof(*rows));
		rows[n_rows++] = row;
	}
	return true;
}

void
admin_forget(void)
{
	free(rows);
	rows = NULL;
	n_rows = 0;
}

/* --- requests --- */

static void out_of_patience(struct timeout *);

struct admin_request *
admin_request_new(struct admin_client *client)
{
	struct admin_request *r = mem_new(sizeof(*r));

	r->client = client;
	r->arena = arena_new();
	timeout_init(&r->timeout, out_of_patience);
	return r;
}

static void
part_free(struct sc_command *c)
{
	json_decref(c->columns);
	json_decref(c->rows);
	json_decref(c->facts);
	free(c->text);
	free(c->error);
	free(c);
}

static void
request_free(struct admin_request *r)
{
	timeout_clear(&r->timeout);
	for (int i = 0; i < r->n_parts; i++)
		part_free(r->parts[i]);
	free(r->parts);
	arena_free(r->arena);
	free(r);
}

static void
answer(struct admin_request *r, char *line)
{
	struct admin_client *client = r->client;

	r->answered = true;
	r->client = NULL;
	timeout_clear(&r->timeout);
	if (client != NULL)
		admin_answer(client, line, true);
	else
		free(line);
}

static void
free_if_over(struct admin_request *r)
{
	for (int i = 0; i < r->n_parts; i++)
		if (r->parts[i]->stop_out || !r->parts[i]->came_back)
			return;
	request_free(r);
}

void
admin_refuse(struct admin_request *r, int code, const char *fmt, ...)
{
	va_list ap;
	char *sentence;

	va_start(ap, fmt);
	sentence = sc_format_v(r->arena, fmt, ap);
	va_end(ap);
	answer(r, admin_error_line(code, sentence));
	free_if_over(r);
}

/* --- out and back --- */

static void
came_back(struct letter *l)
{
	struct sc_command *c = container_of(l, struct sc_command, letter);
	struct admin_request *r = c->request;

	c->came_back = true;
	r->out--;
	if (r->out == 0 && !r->answered)
		answer(r, admin_result_line(r));
	free_if_over(r);
}

static void
finish(struct sc_command **taken)
{
	struct sc_command *c = *taken;

	*taken = NULL;
	sc_assert(!c->done && loop_id() == c->shard);
	c->done = true;
	if (c->arena != NULL)
		arena_free(c->arena);
	c->arena = NULL;
	c->letter.open = came_back;
	c->letter.weight = sizeof(*c);
	mailbox_post(0, &c->letter);
}

void
sc_command_done(struct sc_command **taken)
{
	finish(taken);
}

void
sc_command_fail(struct sc_command **taken, const char *sentence)
{
	(*taken)->error = mem_text(sentence, strlen(sentence));
	(*taken)->code = ADMIN_FAILED;
	finish(taken);
}

static void
arrived(struct letter *l)
{
	struct sc_command *c = container_of(l, struct sc_command, letter);

	c->request->row->row.fn(c);
}

static void
out_of_patience(struct timeout *t)
{
	struct admin_request *r = container_of(t, struct admin_request, timeout);
	int slow = 0;

	while (slow < r->n_parts - 1 && r->parts[slow]->came_back)
		slow++;
	sc_log(NULL, SC_LOG_WARN, "admin.no_answer", "command=\"%s\" shard=%d", r->row->row.words,
		r->parts[slow]->shard);
	answer(r, admin_error_line(ADMIN_FAILED,
		sc_format(r->arena, "shard %d did not answer in time; what it does with "
		"`%s' is unknown", r->parts[slow]->shard, r->row->row.words)));
}

static void
send_part(struct admin_request *r, int shard)
{
	struct sc_command *c = mem_new(sizeof(*c));

	c->request = r;
	c->shard = shard;
	c->letter.open = arrived;
	c->letter.weight = sizeof(*c);
	r->parts[r->n_parts++] = c;
	r->out++;
	mailbox_post(shard, &c->letter);
}

static void
send_parts(struct admin_request *r)
{
	unsigned seconds = r->row->row.seconds;

	if (seconds != UINT_MAX)
		timeout_set(&r->timeout, seconds ? (int64_t)seconds * 1000 : PATIENCE_MS);
	r->parts = mem_new((size_t)loop_count() * sizeof(*r->parts));
	switch (r->row->row.where) {
	case SC_ON_JID:
		send_part(r, admin_home_of(r->jid));
		break;
	case SC_ON_ANY:
		send_part(r, 0);
		break;
	case SC_ON_ALL:
		for (int i = 0; i < loop_count(); i++)
			send_part(r, i);
		break;
	}
}

static bool
turned_off(const struct admin_row *row)
{
	const struct module *m = row->module[0] ? module_find(row->module) : NULL;

	return m != NULL && atomic_load(&m->off);
}

/* What scripts ask every second is no news. */
static bool
is_only_a_look(const char *words)
{
	return strcmp(words, "status") == 0 || strcmp(words, "counters") == 0 ||
		strcmp(words, "help") == 0 || strncmp(words, "test ", 5) == 0;
}

void
admin_run(struct admin_request *r, const char **words, int n_words)
{
	int used;
	const char *wrong;

	r->row = admin_find(words, n_words, &used);
	if (r->row == NULL) {
		admin_refuse(r, ADMIN_USAGE, "%s", admin_not_found(r->arena, words, n_words));
		return;
	}
	wrong = admin_sort_args(r, words + used, n_words - used);
	if (wrong != NULL) {
		admin_refuse(r, ADMIN_USAGE, "%s; usage: %s%s%s", wrong, r->row->row.words,
			r->row->row.args ? " " : "", r->row->row.args ? r->row->row.args : "");
		return;
	}
	if (turned_off(r->row)) {
		admin_refuse(r, ADMIN_FAILED, "the module %s is disabled", r->row->module);
		return;
	}
	if (r->row->row.where == SC_ON_JID && (r->jid = sc_jid(r->arena, r->argv[0])) == NULL) {
		admin_refuse(r, ADMIN_USAGE, "`%s' is not a JID", r->argv[0]);
		return;
	}
	/* Of the arguments only the JID is logged: the next one may be a password. */
	sc_log(NULL, is_only_a_look(r->row->row.words) ? SC_LOG_DEBUG : SC_LOG_INFO,
		"admin.command", "words=\"%s\" jid=%s", r->row->row.words,
		r->jid != NULL ? r->jid->text : "-");
	send_parts(r);
}

/* --- streams --- */

struct event_letter {
	struct letter letter;
	struct admin_request *request;
	char *line;                     /* NULL: the stream begins */
};

static void
stop_back(struct letter *l)
{
	struct sc_command *c = container_of(l, struct sc_command, stop_letter);

	c->stop_out = false;
	free_if_over(c->request);
}

static void
stop_arrived(struct letter *l)
{
	struct sc_command *c = container_of(l, struct sc_command, stop_letter);

	/* It may have ended by itself while this letter was under way. */
	if (!c->done)
		c->stop(c->stop_arg);
	c->stop_letter.open = stop_back;
	mailbox_post(0, &c->stop_letter);
}

static void
stop_stream(struct admin_request *r)
{
	struct sc_command *c = r->parts[0];

	if (c->came_back || c->stop_out)
		return;
	c->stop_out = true;
	c->stop_letter.open = stop_arrived;
	c->stop_letter.weight = sizeof(*c);
	mailbox_post(c->shard, &c->stop_letter);
}

static void
event_arrived(struct letter *l)
{
	struct event_letter *e = container_of(l, struct event_letter, letter);
	struct admin_request *r = e->request;

	if (e->line == NULL) {
		r->streaming = true;
		timeout_clear(&r->timeout);
		if (r->client != NULL && admin_client_left(r->client))
			admin_client_drop(r->client);
	}
	if (r->client == NULL)
		stop_stream(r);
	if (r->client != NULL && e->line != NULL)
		admin_answer(r->client, e->line, false);
	else
		free(e->line);
	free(e);
}

static void
post_event(struct sc_command *c, char *line)
{
	struct event_letter *e = mem_new(sizeof(*e));

	e->request = c->request;
	e->line = line;
	e->letter.open = event_arrived;
	e->letter.weight = sizeof(*e) + (line ? strlen(line) : 0);
	mailbox_post(0, &e->letter);
}

void
admin_stream(struct sc_command *c, void (*stop)(void *arg), void *arg)
{
	sc_assert(loop_id() == c->shard && c->request->n_parts == 1);
	c->stop = stop;
	c->stop_arg = arg;
	post_event(c, NULL);
}

void
admin_event(struct sc_command *c, const char *const *pairs)
{
	sc_assert(loop_id() == c->shard && c->stop != NULL);
	post_event(c, admin_event_line(pairs));
}

bool
admin_is_streaming(const struct sc_command *c)
{
	return c->stop != NULL;
}

void
admin_client_gone(struct admin_request *r)
{
	r->client = NULL;
	if (r->streaming)
		stop_stream(r);
}
