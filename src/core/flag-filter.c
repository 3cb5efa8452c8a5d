/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A Bloom filter, of blocks of one cache line each. */

#include "flag-filter.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define BLOCK_WORDS    8 /* 64 bytes: one read from memory decides */
#define BYTES_PER_USER 2
/* Each sets a bit of the block, by 9 bits of the hash. */
#define PROBES     6
#define PROBE_BITS 9

struct pwned_flag_filter {
	uint64_t seed;
	uint64_t block_mask;
	uint64_t (*blocks)[BLOCK_WORDS];
};

struct pwned_flag_filter *pwned_flag_filter_new(uint64_t users, uint64_t seed)
{
	struct pwned_flag_filter *filter = calloc(1, sizeof(*filter));
	size_t bytes = PWNED_FLAG_FILTER_BYTES_MIN;

	if (filter == NULL)
		return NULL;
	while (bytes < PWNED_FLAG_FILTER_BYTES_MAX &&
	       bytes / BYTES_PER_USER < users)
		bytes *= 2;
	filter->seed = seed;
	filter->block_mask = bytes / sizeof(*filter->blocks) - 1;
	filter->blocks = aligned_alloc(sizeof(*filter->blocks), bytes);
	if (filter->blocks == NULL) {
		free(filter);
		return NULL;
	}
	memset(filter->blocks, 0, bytes);
	return filter;
}

void pwned_flag_filter_free(struct pwned_flag_filter **_filter)
{
	struct pwned_flag_filter *filter = *_filter;

	*_filter = NULL;
	if (filter == NULL)
		return;
	free(filter->blocks);
	free(filter);
}

/* Of its 128 bits the high half says which block, the low half which bits. */
static uint64_t *find_block(const struct pwned_flag_filter *filter,
			    const char *user, uint64_t *probes_r)
{
	XXH128_hash_t hash =
		XXH3_128bits_withSeed(user, strlen(user), filter->seed);

	*probes_r = hash.low64;
	return filter->blocks[hash.high64 & filter->block_mask];
}

static uint64_t next_bit(uint64_t *probes, unsigned int *word_r)
{
	unsigned int at = *probes & ((1U << PROBE_BITS) - 1);

	*probes >>= PROBE_BITS;
	*word_r = at / 64;
	return UINT64_C(1) << at % 64;
}

void pwned_flag_filter_add(struct pwned_flag_filter *filter, const char *user)
{
	uint64_t probes, *block = find_block(filter, user, &probes);

	for (unsigned int i = 0; i < PROBES; i++) {
		unsigned int word;
		uint64_t bit = next_bit(&probes, &word);

		block[word] |= bit;
	}
}

bool pwned_flag_filter_may_have(const struct pwned_flag_filter *filter,
				const char *user)
{
	uint64_t probes;
	const uint64_t *block = find_block(filter, user, &probes);

	for (unsigned int i = 0; i < PROBES; i++) {
		unsigned int word;
		uint64_t bit = next_bit(&probes, &word);

		if ((block[word] & bit) == 0)
			return false;
	}
	return true;
}
