/* SPDX-License-Identifier: MIT */
/* server: the one struct of facts. */
#include "config.h"

#include "core/server.h"

struct server_facts server_facts;
