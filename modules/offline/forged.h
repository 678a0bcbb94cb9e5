/* SPDX-License-Identifier: MIT */
/* forged: takes out <delay/> elements in which a stranger speaks in the name of one of our hosts
 * (XEP-0203 §5). */
#ifndef OFFLINE_FORGED_H
#define OFFLINE_FORGED_H

#include <stonechat/stonechat.h>

/* Hook of from_client and from_remote. */
enum sc_verdict forged_strip(struct sc_ctx *, struct sc_ev_stanza *);

#endif
