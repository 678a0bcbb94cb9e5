/* SPDX-License-Identifier: MIT */
/* confine: what the worker can do without, the kernel refuses to it (design §4: no rights, no
 * exec). */
#ifndef CONFINE_H
#define CONFINE_H

/* For the calling process, before its threads, and for good: no program that it could start has
 * more rights than it. */
void confine_rights(void);
/* And it starts none at all. Where the kernel does not offer this, nothing happens. */
void confine_exec(void);

#endif
