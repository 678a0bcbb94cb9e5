/* SPDX-License-Identifier: MIT */
/* entity_time: tells the server's clock and its offset from UTC (XEP-0202). */
#include <stdlib.h>
#include <time.h>
#include <stonechat/stonechat.h>

#define NS_TIME "urn:xmpp:time"

/* XEP-0082 §3.2: "+02:00", "-06:00". */
static const char *
zone_offset(struct sc_arena *arena, int64_t wall_us)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm local;
	long minutes;

	if (localtime_r(&seconds, &local) == NULL)
		return "+00:00";
	minutes = local.tm_gmtoff / 60;
	return sc_format(arena, "%c%02ld:%02ld", minutes < 0 ? '-' : '+', labs(minutes) / 60,
		labs(minutes) % 60);
}

static enum sc_verdict
answer_time(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	struct sc_stanza *answer = sc_result(ctx);
	struct sc_elem *time_elem = sc_add(answer, sc_stanza_root(answer), NS_TIME, "time");
	int64_t now = sc_now();

	(void)asked;
	sc_add_with_text(answer, time_elem, NULL, "tzo", zone_offset(sc_arena(ctx), now));
	sc_add_with_text(answer, time_elem, NULL, "utc", sc_timestamp(sc_arena(ctx), now));
	return sc_answer(ctx, &answer);
}

static const struct sc_iq iq[] = {
	{ SC_IQ_GET, SC_AT_SERVER, NS_TIME, "time", answer_time },
	{ 0 }
};

static const struct sc_feature features[] = {
	{ SC_AT_SERVER, NS_TIME },
	{ 0 }
};

SC_MODULE(entity_time,
	.summary = "Tells the server's clock.",
	.implements = SC_LIST("XEP-0202 2.0"),
	.iq = iq,
	.features = features
);
