/* SPDX-License-Identifier: MIT */
/*
 * flow_spool: the tables of the module `offline` and of sleeping sessions, in memory, for tests
 * that link the real module. They outlive a flow: spool_kill() ends one as SIGKILL would, so that
 * spool_flow() is what starts after it.
 */
#ifndef T_FLOW_SPOOL_H
#define T_FLOW_SPOOL_H

#include "flow.h"

/* flow_start() with the module, and streams without TLS */
struct flow *spool_flow(int shards);
void spool_kill(struct flow **taken);           /* nothing is written any more */
int spool_rows(void);
const char *spool_owed(int row);                /* to whom it was written; "" when to nobody */
bool spool_acked(int row);
int spool_sleepers(void);
void spool_clear(void);                         /* at the end */

#endif
