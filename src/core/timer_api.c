/* SPDX-License-Identifier: MIT */
/* timer_api: stonechat/timer.h on top of the shard's lists of time-outs. */
#include "config.h"

#include <stdlib.h>
#include <stonechat/log.h>
#include <stonechat/timer.h>
#include "core/route.h"
#include "net/timer.h"

struct sc_timer {
	struct timeout timeout;
	void (*fn)(void *);
	void *arg;
};

static void
fire(struct timeout *t)
{
	struct sc_timer *timer = container_of(t, struct sc_timer, timeout);
	void (*fn)(void *) = timer->fn;
	void *arg = timer->arg;

	free(timer);
	fn(arg);
	route_run();
}

struct sc_timer *
sc_timer(int64_t ms, void (*fn)(void *), void *arg)
{
	struct sc_timer *timer = malloc(sizeof *timer);

	sc_assert(timer != NULL);
	timer->fn = fn;
	timer->arg = arg;
	timeout_init(&timer->timeout, fire);
	timeout_set(&timer->timeout, ms);
	return timer;
}

void
sc_timer_cancel(struct sc_timer **taken)
{
	struct sc_timer *timer = *taken;

	*taken = NULL;
	if (timer == NULL)
		return;
	timeout_clear(&timer->timeout);
	free(timer);
}
