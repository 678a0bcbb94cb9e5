/* SPDX-License-Identifier: MIT */
/* about: tells the log what a ctx and the stanza in work are. */
#ifndef CORE_ABOUT_H
#define CORE_ABOUT_H

void about_setup(void);         /* before the threads */

#endif
