/* SPDX-License-Identifier: MIT */
/* ready: see ready.h. */
#include "config.h"

#include "net/loop.h"
#include "net/mailbox.h"
#include "stream/ready.h"

void
ready_init(struct ready *r)
{
	link_init(&r->list);
}

void
ready_add(struct ready *r, struct link *item)
{
	if (link_alone(item))
		link_append(&r->list, item);
	loop_again();
}

static void
unchoked(void *arg)
{
	struct ready *r = arg;

	r->waits = false;
	loop_again();
}

void
ready_wait(struct ready *r)
{
	if (!r->waits)
		mailbox_when_clear(unchoked, r);
	r->waits = true;
}

void
ready_run(struct ready *r, void (*read)(struct link *item))
{
	struct link now;

	if (link_alone(&r->list))
		return;
	if (mailbox_choked()) {
		ready_wait(r);
		return;
	}
	/* what is added meanwhile has its turn in the next one */
	link_init(&now);
	list_each(&r->list, it, tmp) {
		link_remove(it);
		link_append(&now, it);
	}
	while (!link_alone(&now)) {
		struct link *item = now.next;

		link_remove(item);
		read(item);
	}
}
