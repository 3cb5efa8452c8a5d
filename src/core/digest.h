/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_DIGEST_H
#define PWNED_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The range API splits a SHA-1 in a prefix of 20 bits (five hex digits, all
   that leaves the machine) and a suffix of 140 bits.
   https://haveibeenpwned.com/API/v3#SearchingPwnedPasswordsByRange */
#define PWNED_PREFIX_BITS  20
#define PWNED_PREFIX_COUNT (1U << PWNED_PREFIX_BITS)
#define PWNED_PREFIX_HEX   5
#define PWNED_SUFFIX_HEX   35

/* What a look-up needs of a password, and all that is kept of it: which range,
   and the 48 bits after the prefix. Blocks (block.h) tell some 42 of these
   apart, which lets one in 3 * 10^9 clean passwords pass for a breached one.
   Secret: wipe it after use. */
struct pwned_digest {
	uint32_t prefix;
	uint64_t key;
};
#define PWNED_KEY_BITS 48

/* OpenSSL's SHA-1, fetched once: a fetch costs more than the hash. */
struct pwned_hasher;

/* Returns NULL when OpenSSL has no SHA-1 to give or memory is short. */
struct pwned_hasher *pwned_hasher_new(void);
void pwned_hasher_free(struct pwned_hasher *hasher);

/* Hashes a password without copying it. Returns false on a failure of
   OpenSSL. */
bool pwned_hasher_digest(struct pwned_hasher *hasher, const void *password,
			 size_t size, struct pwned_digest *digest_r);
void pwned_digest_wipe(struct pwned_digest *digest);

/* Writes the prefix as the API wants it: five upper-case hex digits. */
void pwned_prefix_write(uint32_t prefix, char hex_r[PWNED_PREFIX_HEX + 1]);

#endif
