/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks: whatever stands in a slot is used or not, and never leads out of its
   4096 bytes; also where somebody made its checksum right. */

#include "fuzz.h"
#include "block.h"
#include "digest.h"

#include <endian.h>
#include <string.h>
#include <xxhash.h>

#define KEYS 1024

/* As the header has them: both are believed, so that more is reached. */
static enum pwned_block_state state_of(const unsigned char *block)
{
	uint32_t prefix;

	memcpy(&prefix, block + 16, sizeof(prefix));
	return pwned_block_verify(block, le32toh(prefix), block[13]);
}

static void seal(unsigned char *block)
{
	uint64_t sum;

	memcpy(block + 8, "pwnb", 4);
	block[12] = PWNED_BLOCK_FORM;
	sum = htole64(XXH3_64bits(block + 8, PWNED_BLOCK_BYTES - 8));
	memcpy(block, &sum, sizeof(sum));
}

/* Keys all over the key space, two in each bucket of one block; their low bits
   come from the input. */
static uint64_t key_of(const unsigned char *block, unsigned int number)
{
	uint32_t low;

	memcpy(&low, block + number, sizeof(low));
	return (uint64_t)number << (PWNED_KEY_BITS - 10) | low;
}

static void find_keys(const unsigned char *block, const unsigned char *keys,
		      uint64_t *counts_r)
{
	for (unsigned int i = 0; i < KEYS; i++)
		counts_r[i] = pwned_block_find(block, key_of(keys, i));
}

/* Another label changes no answer. */
static void relabel(const unsigned char *block, const char *etag,
		    const uint64_t *before)
{
	static uint64_t after[KEYS];
	unsigned char *other = malloc(PWNED_BLOCK_BYTES);
	struct pwned_range_label label;

	FUZZ_ASSERT(other != NULL);
	memcpy(other, block, PWNED_BLOCK_BYTES);
	if (pwned_block_relabel(other, 20007, 9, etag)) {
		FUZZ_ASSERT(state_of(other) == PWNED_BLOCK_VALID);
		FUZZ_ASSERT(pwned_block_same_content(block, other));
		pwned_block_label(other, &label);
		FUZZ_ASSERT(strcmp(label.etag, etag) == 0);
		FUZZ_ASSERT(label.day == 20007 && label.origin == 9);
		find_keys(other, block, after);
		FUZZ_ASSERT(memcmp(before, after, sizeof(after)) == 0);
	} else {
		FUZZ_ASSERT(memcmp(other, block, PWNED_BLOCK_BYTES) == 0);
	}
	free(other);
}

static void use(const unsigned char *block)
{
	static const char *const etags[] = {
		"", "\"\"", "W/\"0x8DC\"",
		"\"a-tag-of-96-bytes,-the-longest-that-is-kept,-which"
		"-moves-all-that-follows-it-by-that-many-byte\""
	};
	static uint64_t found[KEYS];
	struct pwned_range_label label;

	if (state_of(block) != PWNED_BLOCK_VALID)
		return;
	FUZZ_ASSERT(pwned_block_total(block) > 0);
	pwned_block_label(block, &label);
	FUZZ_ASSERT(label.day == pwned_block_day(block));
	FUZZ_ASSERT(*label.etag == '\0' || pwned_etag_is_usable(label.etag));
	FUZZ_ASSERT(pwned_block_same_content(block, block));
	find_keys(block, block, found);
	for (size_t i = 0; i < sizeof(etags) / sizeof(*etags); i++)
		relabel(block, etags[i], found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *block = calloc(1, PWNED_BLOCK_BYTES);

	FUZZ_ASSERT(block != NULL);
	if (size > PWNED_BLOCK_BYTES)
		size = PWNED_BLOCK_BYTES;
	if (size > 0)
		memcpy(block, data, size);
	use(block);
	seal(block);
	use(block);
	free(block);
	return 0;
}
