/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Password to prefix and key. */

#include "digest.h"
#include "secret.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define SHA1_SIZE 20

struct pwned_hasher {
	EVP_MD *sha1;
	EVP_MD_CTX *context;
};

static bool hasher_begin(struct pwned_hasher *hasher)
{
	return EVP_DigestInit_ex2(hasher->context, hasher->sha1, NULL) == 1;
}

struct pwned_hasher *pwned_hasher_new(void)
{
	struct pwned_hasher *hasher = calloc(1, sizeof(*hasher));

	if (hasher == NULL)
		return NULL;
	hasher->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	hasher->context = EVP_MD_CTX_new();
	if (hasher->sha1 == NULL || hasher->context == NULL ||
	    !hasher_begin(hasher)) {
		pwned_hasher_free(hasher);
		return NULL;
	}
	return hasher;
}

void pwned_hasher_free(struct pwned_hasher *hasher)
{
	if (hasher == NULL)
		return;
	EVP_MD_CTX_free(hasher->context);
	EVP_MD_free(hasher->sha1);
	free(hasher);
}

/* Bits first..first+count of the hash, counted from its first bit. */
static uint64_t hash_bits(const unsigned char *hash, unsigned int first,
			  unsigned int count)
{
	uint64_t value = 0;

	for (unsigned int bit = first; bit < first + count; bit += 4) {
		unsigned int nibble = hash[bit / 8] >> (bit % 8 == 0 ? 4 : 0);

		value = value << 4 | (nibble & 0xf);
	}
	return value;
}

bool pwned_hasher_digest(struct pwned_hasher *hasher, const void *password,
			 size_t size, struct pwned_digest *digest_r)
{
	unsigned char hash[SHA1_SIZE];
	bool ok;

	ok = EVP_DigestUpdate(hasher->context, password, size) == 1 &&
	     EVP_DigestFinal_ex(hasher->context, hash, NULL) == 1;
	if (ok) {
		digest_r->prefix =
			(uint32_t)hash_bits(hash, 0, PWNED_PREFIX_BITS);
		digest_r->key =
			hash_bits(hash, PWNED_PREFIX_BITS, PWNED_KEY_BITS);
	}
	/* The context's state, until it begins anew, is the hash. */
	ok = hasher_begin(hasher) && ok;
	pwned_wipe(hash, sizeof(hash));
	return ok;
}

void pwned_digest_wipe(struct pwned_digest *digest)
{
	pwned_wipe(digest, sizeof(*digest));
}

void pwned_prefix_write(uint32_t prefix, char hex_r[PWNED_PREFIX_HEX + 1])
{
	(void)snprintf(hex_r, PWNED_PREFIX_HEX + 1, "%05X",
		       prefix & (PWNED_PREFIX_COUNT - 1));
}
