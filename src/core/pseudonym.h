/* SPDX-License-Identifier: MIT */
/* pseudonym: the server's secret behind sc_pseudonym(). */
#ifndef CORE_PSEUDONYM_H
#define CORE_PSEUDONYM_H

#define PSEUDONYM_SECRET 32

/* Copies it. Before shards run. */
void pseudonym_secret(const unsigned char given[PSEUDONYM_SECRET]);

#endif
