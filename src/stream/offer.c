/* SPDX-License-Identifier: MIT */
/* offer: mechanisms by configuration, channel-binding data and the addresses in the client's
 * certificate by the connection. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509v3.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "stream/offer.h"
#include "stream/stream.h"

#define CERT_JIDS_MAX 8

struct offer {
	struct sasl_offer sasl;         /* first: offer_of() gives its address */
	struct sc_arena *arena;
	const char *jids[CERT_JIDS_MAX];
	char version[23];
};

static unsigned char made_up_secret[VERIFIER_SECRET];

void
offer_secret(const unsigned char secret[VERIFIER_SECRET])
{
	memcpy(made_up_secret, secret, VERIFIER_SECRET);
}

void
offer_mac(const char *text, unsigned char out[32])
{
	sc_assert(HMAC(EVP_sha256(), made_up_secret, VERIFIER_SECRET, (const unsigned char *)text,
		strlen(text), out, NULL) != NULL);
}

void
offer_set_version(struct stream *s, const struct buf *features)
{
	struct offer *o = s->offer;
	unsigned char digest[32];
	const char *text;

	sc_assert(verifier_digest(VERIFIER_SHA256, features->p, features->n, digest));
	text = sc_base64(o->arena, digest, sizeof digest);
	memcpy(o->version, text, sizeof o->version - 1);
}

const char *
offer_version(const struct stream *s)
{
	return s->offer != NULL ? s->offer->version : "";
}

static unsigned
mechanisms_allowed(void)
{
	const char *const *names = c2s_conf()->mechanisms;
	unsigned bits = 0;
	enum sasl_mech m;

	if (names == NULL || names[0] == NULL)
		return SASL_DEFAULT;
	for (; *names != NULL; names++)
		if (sasl_mech_parse(*names, &m))
			bits |= SASL_BIT(m);
	return bits;
}

/* id-on-xmppAddr (RFC 6120 §13.7.1.4), a UTF8String in an otherName of the SAN; a NUL inside makes
 * it no name. */
static const char *
xmpp_addr(struct sc_arena *arena, const GENERAL_NAME *name)
{
	char oid[64];
	const ASN1_UTF8STRING *text;

	if (name->type != GEN_OTHERNAME || name->d.otherName->value->type != V_ASN1_UTF8STRING)
		return NULL;
	OBJ_obj2txt(oid, sizeof oid, name->d.otherName->type_id, 1);
	if (strcmp(oid, "1.3.6.1.5.5.7.8.5") != 0)
		return NULL;
	text = name->d.otherName->value->value.utf8string;
	if (memchr(ASN1_STRING_get0_data(text), '\0', (size_t)ASN1_STRING_length(text)) != NULL)
		return NULL;
	return sc_copy_n(arena, (const char *)ASN1_STRING_get0_data(text),
		(size_t)ASN1_STRING_length(text));
}

static void
read_certificate(struct offer *o, const struct conn *conn)
{
	X509 *cert = conn_peer_cert(conn);
	GENERAL_NAMES *names;

	if (cert == NULL || conn_verify_result(conn) != X509_V_OK)
		return;
	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && o->sasl.n_cert_jids < CERT_JIDS_MAX;
	    i++) {
		const char *jid = xmpp_addr(o->arena, sk_GENERAL_NAME_value(names, i));

		if (jid != NULL)
			o->jids[o->sasl.n_cert_jids++] = jid;
	}
	GENERAL_NAMES_free(names);
	o->sasl.cert_jids = o->jids;
}

static void
read_connection(struct sasl_offer *o, const struct conn *conn)
{
	o->binding[SASL_TLS_EXPORTER].n = conn_cb_exporter(conn,
		o->binding[SASL_TLS_EXPORTER].bytes);
	o->binding[SASL_TLS_SERVER_END_POINT].n =
		conn_cb_server_end_point(conn, o->binding[SASL_TLS_SERVER_END_POINT].bytes);
	o->binding[SASL_TLS_UNIQUE].n = conn_cb_unique(conn, o->binding[SASL_TLS_UNIQUE].bytes);
}

/* The bare JID that the header says it is from. */
static const char *
read_from(struct sc_arena *arena, const struct stream *s)
{
	const struct xml_header *h = xml_header(s->xml);
	const struct sc_jid *jid = h != NULL && h->from != NULL ? sc_jid(arena, h->from) : NULL;

	return jid != NULL && jid->local_len > 0 ? sc_jid_bare(arena, jid)->text : NULL;
}

const struct sasl_offer *
offer_of(struct stream *s)
{
	struct offer *o;

	if (s->offer != NULL)
		return &s->offer->sasl;
	s->offer = o = calloc(1, sizeof *o);
	sc_assert(o != NULL);
	o->arena = arena_new();
	o->sasl = (struct sasl_offer){
		.host = sc_host_name(s->host), .from = read_from(o->arena, s),
		.tokens = c2s_conf()->fast,
		.allowed = mechanisms_allowed(), .tls = conn_is_tls(s->conn),
		.plain_without_tls = c2s_conf()->allow_plain_without_tls,
		.downgrade_hash = c2s_conf()->downgrade_protection,
		.iterations = (unsigned)c2s_conf()->iterations, .secret = made_up_secret,
	};
	if (o->sasl.tls) {
		read_connection(&o->sasl, s->conn);
		read_certificate(o, s->conn);
	}
	return &o->sasl;
}

void
offer_forget(struct stream *s)
{
	if (s->offer == NULL)
		return;
	arena_free(s->offer->arena);
	free(s->offer);
	s->offer = NULL;
}
