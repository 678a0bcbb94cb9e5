/* SPDX-License-Identifier: MIT */
/*
 * csi: what its two files share.
 *	csi.c           which client is inactive, and what then happens
 *	urgency.c       what a stanza is to somebody who does not look
 */
#ifndef CSI_CSI_H
#define CSI_CSI_H

#include <stonechat/stonechat.h>

enum sort {
	SORT_URGENT,            /* for people, or for the client itself */
	SORT_PRESENCE,
	SORT_STATE,             /* "is typing", and nothing else (XEP-0085) */
	SORT_RECEIPT,           /* arrived (XEP-0184) or read (XEP-0333), and nothing else */
	SORT_NOTE,              /* a notification of a pubsub service */
};

struct urgency {
	enum sort sort;
	bool kept;              /* it must not be lost */
	uint64_t key;           /* what it makes superfluous, 0: nothing */
};

struct urgency urgency_of(const struct sc_session *, const struct sc_stanza *);

#endif
