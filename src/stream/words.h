/* SPDX-License-Identifier: MIT */
/* words: what clients' and servers' streams read and write in the same way. */
#ifndef STREAM_WORDS_H
#define STREAM_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "xml/xml.h"

/* <message/>, <presence/> or <iq/> of the stream's content namespace */
bool words_are_stanza(const struct sc_elem *);
bool words_are_true(const char *value);                 /* xs:boolean; NULL is false */
/* XEP-0198: the attribute h, modulo 2^32. False: missing, or no such number. */
bool words_read_h(const struct sc_elem *, uint32_t *h);

/* RFC 6120 §4.9.3: the stream error for bad XML. Counts it. */
const char *words_bad_xml(enum xml_error);
/* Adds <stream:error/> and the end of the stream. text (may be NULL) is for people; application:
 * XML of an application-specific condition, or "". */
void words_end(struct buf *, const char *condition, const char *text, const char *application);

#endif
