/* SPDX-License-Identifier: MIT */
/*
 * tls_ticket: the keys of session tickets (RFC 5077, RFC 8446 §4.6.1). Made by this process,
 * shared by all its contexts so that a reload does not end resumption, and changed every twelve
 * hours; the one before is still read, so a stolen key opens little.
 */
#include "config.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include "base/rand.h"
#include "net/tls_inside.h"

#define ROTATE (12 * 3600)

struct key {
	unsigned char name[16], cipher[32], mac[32];
	int64_t made;                   /* 0: none */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct key keys[2];              /* the present one, the one before */

static int64_t
now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec + 1;
}

static void
rotate(int64_t now)
{
	keys[1] = keys[0].made + 2 * ROTATE > now ? keys[0] : (struct key){ 0 };
	rand_bytes(&keys[0], sizeof(keys[0]));
	keys[0].made = now;
}

static struct key
present_key(void)
{
	int64_t now = now_seconds();
	struct key key;

	pthread_mutex_lock(&lock);
	if (keys[0].made == 0 || keys[0].made + ROTATE <= now)
		rotate(now);
	key = keys[0];
	pthread_mutex_unlock(&lock);
	return key;
}

/* False: no such key. *old: the ticket should be made anew. */
static bool
find_key(const unsigned char name[16], struct key *key, bool *old)
{
	int64_t now = now_seconds();
	bool found = false;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < 2 && !found; i++) {
		if (keys[i].made == 0 || keys[i].made + 2 * ROTATE <= now ||
			memcmp(keys[i].name, name, 16) != 0)
			continue;
		*key = keys[i];
		*old = i > 0 || keys[i].made + ROTATE <= now;
		found = true;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static bool
start_mac(EVP_MAC_CTX *mac, struct key *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"sha256", 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* OpenSSL's contract: -1 error, 0 no such ticket, 1 good, 2 good but make it anew. */
static int
ticket_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int sealing)
{
	struct key key;
	bool old = false, good;

	if (sealing) {
		key = present_key();
		memcpy(name, key.name, 16);
		rand_bytes(iv, 16);
		good = EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 &&
			start_mac(mac, &key);
	} else {
		if (!find_key(name, &key, &old))
			return 0;
		good = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 &&
			start_mac(mac, &key);
	}
	OPENSSL_cleanse(&key, sizeof(key));
	if (!good)
		return -1;
	/* TLS 1.3 clients use a ticket once, so that nobody can link their connections; they
	 * need a new one each time. */
	return old || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
}

void
tls_ticket_use(SSL_CTX *ctx)
{
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key);
	SSL_CTX_set_timeout(ctx, ROTATE);
	SSL_CTX_set_num_tickets(ctx, 1);
}
