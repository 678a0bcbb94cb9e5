/* SPDX-License-Identifier: MIT */
/* ns: the namespaces that the core itself speaks. A module defines its own beside its code. */
#ifndef XMPP_NS_H
#define XMPP_NS_H

#include <stonechat/stanza.h>

#define NS_STREAMS "http://etherx.jabber.org/streams"
#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"
#define NS_STANZA_ERRORS SC_NS_STANZAS
#define NS_CLIENT "jabber:client"
#define NS_SERVER "jabber:server"
#define NS_COMPONENT "jabber:component:accept"
#define NS_DIALBACK "jabber:server:dialback"
#define NS_DIALBACK_FEATURE "urn:xmpp:features:dialback"
#define NS_BIDI "urn:xmpp:bidi"                         /* XEP-0288 */
#define NS_BIDI_FEATURE "urn:xmpp:features:bidi"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_SASL_CB "urn:xmpp:sasl-cb:0"                 /* XEP-0440 */
#define NS_SASL2 "urn:xmpp:sasl:2"                      /* XEP-0388 */
#define NS_SASL_UPGRADE "urn:xmpp:sasl:upgrade:0"       /* XEP-0480 */
#define NS_SCRAM_UPGRADE "urn:xmpp:scram-upgrade:0"
#define NS_FAST "urn:xmpp:fast:0"                       /* XEP-0484 */
#define NS_IAP "urn:xmpp:iap:0"                         /* XEP-0509 */
#define NS_BIND2 "urn:xmpp:bind:0"                      /* XEP-0386 */
#define NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"
#define NS_ROSTER "jabber:iq:roster"
#define NS_FRAMING "urn:ietf:params:xml:ns:xmpp-framing"        /* RFC 7395 */
#define NS_SM "urn:xmpp:sm:3"                           /* XEP-0198 */
#define NS_LIMITS "urn:xmpp:stream-limits:0"            /* XEP-0478 */
#define NS_FORWARD "urn:xmpp:forward:0"                 /* XEP-0297 */
#define NS_XML "http://www.w3.org/XML/1998/namespace"

#endif
