/* SPDX-License-Identifier: MIT */
/*
 * receipts: the server's part in receipts (XEP-0184) and read marks (XEP-0333), which is small:
 * both are messages between clients. They are stored for who is away, copied to the other devices,
 * and never answered in a client's place. receipts.h says what is in which file.
 */
#include "receipts/receipts.h"

static SC_COUNTER(marks_backward_count,
	"Read marks dropped because a later message was marked already");
static SC_COUNTER(ticks_sent_count, "Deliveries that the server told the sender");
const struct sc_counter *const marks_backward = &marks_backward_count;
const struct sc_counter *const ticks_sent = &ticks_sent_count;

static SC_SLOT(receipts_marks, SC_SLOT_ENTITY, struct marks, NULL);
static SC_SLOT(receipts_ticked, SC_SLOT_ENTITY, struct ticked, NULL);
static SC_SLOT(receipts_client, SC_SLOT_SESSION, struct tick_client, NULL);
const struct sc_slot *const marks_slot = &receipts_marks;
const struct sc_slot *const ticked_slot = &receipts_ticked;
const struct sc_slot *const tick_client_slot = &receipts_client;

static const struct sc_hook hooks[] = {
	SC_ON(from_client, CHECK, marks_sent),
	SC_ON(from_client, CHECK, tick_from_client),
	SC_ON(to_session, COPY, tick_to_session),
	SC_SEE(message_given, marks_given),
	SC_SEE(session_presence, tick_ask_client),
	SC_SEE(stanza_acked, tick_acked),
	SC_SEE(disco_info, tick_feature),
	SC_END
};

static const struct sc_key conf[] = {
	SC_CONF_BOOL(struct receipts_conf, forward_only, "true",
		"Drop a read mark (XEP-0333) for a message before one that is marked already."),
	SC_CONF_BOOL(struct receipts_conf, delivered_tick, "false",
		"Tell senders on this server what has reached a client that knows no receipts."),
	SC_CONF_END
};

SC_MODULE(receipts,
	.summary = "Keeps read marks moving forward; tells of deliveries, if wanted.",
	.implements = SC_LIST("XEP-0184 1.4.0", "XEP-0333 1.0.0"),
	.slots = SC_SLOTS(&receipts_marks, &receipts_ticked, &receipts_client),
	.counters = SC_COUNTERS(&marks_backward_count, &ticks_sent_count),
	.hooks = hooks,
	.conf = conf,
	.conf_size = sizeof(struct receipts_conf)
);
