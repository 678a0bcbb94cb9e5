/* SPDX-License-Identifier: MIT */
/* copy: what the event message_given carries beyond what hooks see. */
#ifndef CORE_COPY_H
#define CORE_COPY_H

#include <stonechat/send.h>
#include "base/list.h"

struct custody;

struct given {
	struct sc_ev_given ev;
	const struct sc_session *match; /* the only one, or NULL: all that RFC 6121 §8 names */
	struct custody *custody;        /* of the message; NULL: none */
	struct sc_owed *owed;           /* shared by its copies; NULL: nothing to keep */
};

#endif
