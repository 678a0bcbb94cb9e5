/* SPDX-License-Identifier: MIT */
/* flow_spool: the table of the module `offline`, in memory, for tests that link the real module. */
#ifndef T_FLOW_SPOOL_H
#define T_FLOW_SPOOL_H

#include "flow.h"

struct flow *spool_flow(int shards);            /* flow_start() with the module */
int spool_rows(void);
void spool_clear(void);                         /* at the end */

#endif
