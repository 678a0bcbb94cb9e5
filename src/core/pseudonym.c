/* SPDX-License-Identifier: MIT */
/* pseudonym: a stable name that gives nobody away. See stonechat/service.h. */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include <stonechat/log.h>
#include "core/pseudonym.h"
#include <stonechat/service.h>

static unsigned char secret[PSEUDONYM_SECRET];

void
pseudonym_secret(const unsigned char given[PSEUDONYM_SECRET])
{
	memcpy(secret, given, sizeof secret);
}

void
sc_pseudonym(const char *purpose, struct sc_span text, char out[32])
{
	unsigned char key[EVP_MAX_MD_SIZE], mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	/* A key for each purpose, so that no two uses can be confused. */
	sc_assert(HMAC(EVP_sha256(), secret, sizeof secret, (const unsigned char *)purpose,
		strlen(purpose), key, &n) != NULL);
	sc_assert(HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)text.p, text.n, mac,
		&n) != NULL);
	for (int i = 0; i < 15; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
}
