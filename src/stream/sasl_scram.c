/* SPDX-License-Identifier: MIT */
/*
 * sasl_scram: RFC 5802 with the hashes of RFC 7677 and SHA-512, channel binding (RFC 5929, RFC
 * 9266) and downgrade protection (XEP-0474). The readers follow the grammar of RFC 5802 §7 and use
 * up all of the message, or refuse it.
 */
#include "config.h"

#include "stream/sasl_impl.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"

#define NONCE_MAX 512                   /* letters of the client's half */

static const struct sc_span nothing = { NULL, 0 };

static enum sasl_step
malformed(struct sasl *s, const char *reason)
{
	return sasl_fail(s, SASL_MALFORMED_REQUEST, reason);
}

static enum sasl_step
refused(struct sasl *s, const char *reason)
{
	return sasl_fail(s, SASL_NOT_AUTHORIZED, reason);
}

/* --- reading --- */

/* The next field up to a comma. After the last one rest->p is NULL, so that a comma at the end
 * still announces an (empty) field. */
static bool
next_field(struct sc_span *rest, struct sc_span *field)
{
	const char *comma;

	if (rest->p == NULL)
		return false;
	comma = memchr(rest->p, ',', rest->n);
	if (comma == NULL) {
		*field = *rest;
		*rest = nothing;
		return true;
	}
	*field = (struct sc_span){ rest->p, (size_t)(comma - rest->p) };
	*rest = (struct sc_span){ comma + 1, rest->n - field->n - 1 };
	return true;
}

static struct sc_span
up_to(struct sc_span text, const char *end)
{
	return (struct sc_span){ text.p, (size_t)(end - text.p) };
}

/* name "=" value, the value not empty. */
static bool
is_attribute(struct sc_span field, char name, struct sc_span *value)
{
	if (field.n < 3 || field.p[0] != name || field.p[1] != '=')
		return false;
	*value = (struct sc_span){ field.p + 2, field.n - 2 };
	return true;
}

static bool
next_attribute(struct sc_span *rest, char name, struct sc_span *value)
{
	struct sc_span field;

	return next_field(rest, &field) && is_attribute(field, name, value);
}

/* An optional extension, which is ignored. Not one of RFC 5802's own letters: those have their
 * place (and "m" is fatal anywhere). */
static bool
is_extension(struct sc_span field)
{
	char name = field.n >= 3 ? field.p[0] : 0;

	return ((name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z')) &&
		field.p[1] == '=' &&
		strchr("aceimnprsv", name) == NULL;
}

static bool
is_printable(struct sc_span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < 0x21 || text.p[i] > 0x7E || text.p[i] == ',')
			return false;
	}
	return true;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, any other "=" is an error. NULL: it is one. */
static char *
read_saslname(struct sasl *s, struct sc_span name, size_t *n)
{
	char *out = sc_alloc(s->arena, name.n + 1);

	*n = 0;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '=') {
			if (name.n - i < 3)
				return NULL;
			if (memcmp(name.p + i, "=2C", 3) == 0)
				c = ',';
			else if (memcmp(name.p + i, "=3D", 3) != 0)
				return NULL;
			i += 2;
		}
		out[(*n)++] = c;
	}
	return out;
}

/* --- client-first-message --- */

/* Returns why the flag is not acceptable on this stream, NULL when it is. */
static const char *
read_binding_flag(struct sasl *s, struct sc_span flag)
{
	struct sc_span type;
	size_t b;

	if (sc_span_is(flag, "n"))
		return s->info->plus ? "The client chose -PLUS without channel binding." : NULL;
	if (sc_span_is(flag, "y")) {
		/* The client binds channels, and saw no -PLUS. When we sent some, somebody removed
		 * it (RFC 5802 §6). */
		if (s->info->plus)
			return "The client chose -PLUS and says that it was not offered.";
		return sasl_plus_offered(&s->offer) ?
			"The client did not see the -PLUS that was offered." : NULL;
	}
	if (!is_attribute(flag, 'p', &type) || !s->info->plus)
		return "The client binds the channel with a mechanism that is not -PLUS.";
	b = sasl_binding_parse(type);
	if (b == SASL_BINDINGS || s->offer.binding[b].n == 0)
		return "This stream does not have the client's type of channel binding.";
	s->scram.binding = (enum sasl_binding)b;
	s->scram.bound = true;
	return NULL;
}

static bool
is_binding_flag(struct sc_span flag)
{
	struct sc_span type;

	if (sc_span_is(flag, "n") || sc_span_is(flag, "y"))
		return true;
	if (!is_attribute(flag, 'p', &type))
		return false;
	for (size_t i = 0; i < type.n; i++) {
		char c = type.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			c != '.' && c != '-')
			return false;
	}
	return true;
}

/* [ "a=" saslname ], the second field. False: malformed. */
static bool
read_authzid(struct sasl *s, struct sc_span field)
{
	struct sc_span name;
	size_t n;

	if (field.n == 0)
		return true;
	if (!is_attribute(field, 'a', &name))
		return false;
	s->authzid = read_saslname(s, name, &n);
	return s->authzid != NULL;
}

static enum sasl_step
client_first(struct sasl *s, struct sc_span message)
{
	struct sc_span rest = message, flag, authzid, username, nonce, extension;
	const char *refusal;
	char *name;
	size_t n;

	if (!next_field(&rest, &flag) || !is_binding_flag(flag) || !next_field(&rest, &authzid) ||
	    !read_authzid(s, authzid) || rest.p == NULL)
		return malformed(s, "The message does not begin with SCRAM's gs2-header.");
	s->scram.gs2_header = sasl_keep(s, up_to(message, rest.p));
	s->scram.client_first_bare = sasl_keep(s, rest);
	if (rest.n >= 2 && memcmp(rest.p, "m=", 2) == 0)
		return malformed(s, "The client demands an extension (m=).");
	if (!next_attribute(&rest, 'n', &username) || !next_attribute(&rest, 'r', &nonce) ||
	    !is_printable(nonce) || nonce.n > NONCE_MAX)
		return malformed(s, "The message is not SCRAM's first.");
	while (next_field(&rest, &extension)) {
		if (!is_extension(extension))
			return malformed(s,
				"Something after the nonce is no extension.");
	}
	name = read_saslname(s, username, &n);
	if (name == NULL)
		return malformed(s, "The name has an equals sign that is neither =2C nor =3D.");
	refusal = read_binding_flag(s, flag);
	if (refusal != NULL)
		return refused(s, refusal);
	s->scram.full_nonce = sc_span(sc_format(s->arena, "%.*s%s", (int)nonce.n, nonce.p,
		s->scram.nonce));
	return sasl_ask_account(s, name, n);
}

/* --- server-first-message --- */

static int
by_octets(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t
join_sorted(char *out, const char **words, size_t n)
{
	size_t at = 0;

	qsort(words, n, sizeof *words, by_octets);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(words[i]);

		if (i > 0)
			out[at++] = 0x1E;
		memcpy(out + at, words[i], len);
		at += len;
	}
	return at;
}

const char *
sasl_downgrade_hash(struct sasl *s)
{
	const char *names[SASL_MECHS], *types[SASL_BINDINGS];
	unsigned char digest[VERIFIER_KEY_MAX];
	char announced[SASL_MECHS * 32 + SASL_BINDINGS * 32];
	size_t n, n_types;

	n = join_sorted(announced, names, sasl_list(&s->offer, names));
	n_types = sasl_list_bindings(&s->offer, types);
	if (n_types > 0) {
		announced[n++] = 0x1F;
		n += join_sorted(announced + n, types, n_types);
	}
	if (!verifier_digest(s->info->hash, announced, n, digest))
		return NULL;
	return sc_base64(s->arena, digest, verifier_key_len(s->info->hash));
}

/* An account that does not exist, or that has nothing for this hash, goes on with a made-up
 * verifier: its salt stays the same for ever and its proof is never right. */
static enum sasl_step
account(struct sasl *s)
{
	const struct verifier *own = &s->creds.verifiers.of[s->info->hash];
	struct verifier *v = &s->scram.verifier;
	const char *hash = s->offer.downgrade_hash ? sasl_downgrade_hash(s) : NULL;
	char *text;

	verifier_make_up(v, s->info->hash, sasl_iterations(s), s->secret, s->bare);
	if (own->iterations != 0)
		*v = *own;
	text = sc_format(s->arena, "r=%s,s=%s,i=%u%s%s", s->scram.full_nonce.p,
		sc_base64(s->arena, v->salt, v->salt_len), v->iterations,
		hash != NULL ? ",h=" : "", hash != NULL ? hash : "");
	s->scram.server_first = sc_span(text);
	s->scram.sent_first = true;
	return sasl_challenge(s, s->scram.server_first);
}

/* --- client-final-message --- */

/* What "c=" has to be: base64 of the gs2-header as it came, and the channel's data. */
static const char *
binding_input(struct sasl *s)
{
	struct sc_span header = s->scram.gs2_header;
	size_t n = s->scram.bound ? s->offer.binding[s->scram.binding].n : 0;
	unsigned char *input = sc_alloc(s->arena, header.n + SASL_BINDING_MAX);

	memcpy(input, header.p, header.n);
	memcpy(input + header.n, s->offer.binding[s->scram.binding].bytes, n);
	return sc_base64(s->arena, input, header.n + n);
}

static struct sc_span
auth_message(struct sasl *s, struct sc_span without_proof)
{
	struct sc_span part[] = { s->scram.client_first_bare, s->scram.server_first,
		without_proof };
	size_t room = part[0].n + part[1].n + part[2].n + 2, n = 0;
	char *text = sc_alloc(s->arena, room);

	for (int i = 0; i < 3; i++) {
		if (i > 0)
			text[n++] = ',';
		memcpy(text + n, part[i].p, part[i].n);
		n += part[i].n;
	}
	return (struct sc_span){ text, n };
}

static enum sasl_step
check_proof(struct sasl *s, struct sc_span without_proof, const unsigned char *proof)
{
	struct sc_span all = auth_message(s, without_proof);
	unsigned char signature[VERIFIER_KEY_MAX];
	enum verifier_hash h = s->info->hash;
	bool right = verifier_proves(&s->scram.verifier, h, all, proof);
	char *text;

	if (!s->found)
		return refused(s, "There is no such account.");
	if (s->creds.verifiers.of[h].iterations == 0)
		return refused(s,
			"The account has no verifier for this hash; a login by PLAIN makes one.");
	if (!right)
		return refused(s, "Wrong password.");
	if (!verifier_signs(&s->scram.verifier, h, all, signature))
		return sasl_fail(s, SASL_TEMPORARY_AUTH_FAILURE,
			"The server's signature could not be computed.");
	text = sc_base64(s->arena, signature, verifier_key_len(h));
	return sasl_finish(s, sc_span(sc_format(s->arena, "v=%s", text)));
}

static enum sasl_step
client_final(struct sasl *s, struct sc_span message)
{
	struct sc_span rest = message, binding, nonce, field, text;
	unsigned char proof[VERIFIER_KEY_MAX];
	bool proved = false;
	size_t len;

	if (!next_attribute(&rest, 'c', &binding) || !next_attribute(&rest, 'r', &nonce))
		return malformed(s, "The message is not SCRAM's last.");
	while (!proved && next_field(&rest, &field)) {
		proved = is_attribute(field, 'p', &text);
		if (!proved && !is_extension(field))
			return malformed(s,
				"Something before the proof is no extension.");
	}
	if (!proved || rest.p != NULL)
		return malformed(s, "The last message does not end with its proof.");
	len = verifier_unbase64(text.p, text.n, proof, sizeof proof);
	if (len != verifier_key_len(s->info->hash))
		return malformed(s, "The proof is not base64 of a proof's length.");
	if (!sc_span_is(nonce, s->scram.full_nonce.p))
		return refused(s, "The nonce is not the one of this attempt.");
	if (!sc_span_is(binding, binding_input(s)))
		return refused(s, "The client's channel binding is not that of this stream.");
	return check_proof(s, up_to(message, field.p - 1), proof);
}

static void
make_nonce(struct sasl *s)
{
	unsigned char bytes[SASL_NONCE / 4 * 3];

	/* Tests put one of their own here before the first message. */
	if (s->scram.nonce[0] != 0)
		return;
	rand_bytes(bytes, sizeof bytes);
	EVP_EncodeBlock((unsigned char *)s->scram.nonce, bytes, sizeof bytes);
}

static enum sasl_step
message(struct sasl *s, struct sc_span bytes)
{
	if (!sasl_utf8(bytes))
		return malformed(s, "The message is not UTF-8.");
	if (s->scram.sent_first)
		return client_final(s, bytes);
	make_nonce(s);
	return client_first(s, bytes);
}

const struct sasl_ops sasl_scram_ops = { .message = message, .account = account };
