/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slots: whatever stands in one, a look-up gets a proved block or none, and
   what is written there afterwards is found, whole, and next to it nothing
   changes; also where somebody made each block's checksum right. */

#include "fuzz.h"
#include "slots-int.h"

#include <endian.h>
#include <string.h>
#include <xxhash.h>

#define KEYS 256
/* of three blocks */
#define HASHES 1500
/* of which so many are looked up, each so far from the one before */
#define STEP  37
#define TODAY 20007

/* Where a block's header has what is set here; see core/block.h. */
enum { AT_FORM = 12, AT_INDEX = 13, AT_PREFIX = 16 };

/* What look-ups find in a slot. */
struct findings {
	enum pwned_slots_result results[KEYS];
	unsigned int totals[KEYS]; /* of the blocks that answered */
	uint64_t counts[KEYS];
};

static uint32_t load32(const unsigned char *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return le32toh(value);
}

/* Each block is what it should be, but for what follows its prefix. */
static void seal(unsigned char *slot, uint32_t prefix)
{
	const uint32_t stored = htole32(prefix);

	for (unsigned int i = 0; i < PWNED_SLOT_BLOCKS; i++) {
		unsigned char *block = slot + i * PWNED_BLOCK_BYTES;
		uint64_t sum;

		memcpy(block + 8, "pwnb", 4);
		block[AT_FORM] = PWNED_BLOCK_FORM;
		block[AT_INDEX] = (unsigned char)i;
		memcpy(block + AT_PREFIX, &stored, sizeof(stored));
		sum = htole64(XXH3_64bits(block + 8, PWNED_BLOCK_BYTES - 8));
		memcpy(block, &sum, sizeof(sum));
	}
}

/* Keys all over the key space; their low bits come from the input. */
static struct pwned_digest digest_of(const unsigned char *slot, uint32_t prefix,
				     unsigned int number)
{
	return (struct pwned_digest){
		.prefix = prefix,
		.key = (uint64_t)number << (PWNED_KEY_BITS - 8) |
		       load32(slot + number),
	};
}

static void assert_is_for(const unsigned char *block,
			  const struct pwned_digest *digest)
{
	unsigned int index =
		pwned_block_index_of(digest->key, pwned_block_total(block));

	FUZZ_ASSERT(pwned_block_verify(block, digest->prefix, index) ==
		    PWNED_BLOCK_VALID);
}

static void find_keys(const struct pwned_slots *slots,
		      const unsigned char *slot, uint32_t prefix,
		      struct findings *found_r)
{
	unsigned char block[PWNED_BLOCK_BYTES];

	for (unsigned int i = 0; i < KEYS; i++) {
		struct pwned_digest digest = digest_of(slot, prefix, i);
		enum pwned_slots_result result =
			pwned_slots_find(slots, &digest, false, block);

		FUZZ_ASSERT(result != PWNED_SLOTS_ERROR);
		FUZZ_ASSERT(result != PWNED_SLOTS_WOULD_BLOCK);
		found_r->results[i] = result;
		if (result != PWNED_SLOTS_FOUND)
			continue;
		found_r->totals[i] = pwned_block_total(block);
		found_r->counts[i] = pwned_block_find(block, digest.key);
		assert_is_for(block, &digest);
	}
}

static uint64_t hash_of(unsigned int number)
{
	return (uint64_t)number * ((UINT64_C(1) << PWNED_KEY_BITS) / HASHES);
}

/* What one of the corpus has in its slot, so that its tag is taken over. */
static struct pwned_range *range_of(uint32_t prefix)
{
	struct pwned_range_label label = { .prefix = prefix, .day = TODAY };
	struct pwned_range_entry entries[HASHES];
	struct pwned_range *range;

	for (unsigned int i = 0; i < HASHES; i++)
		entries[i] = (struct pwned_range_entry){ .key = hash_of(i),
							 .count = i % 300 + 1 };
	range = pwned_range_pack(entries, HASHES, &label);
	FUZZ_ASSERT(range != NULL);
	return range;
}

static void assert_whole(const struct pwned_slots *slots, uint32_t prefix)
{
	unsigned char block[PWNED_BLOCK_BYTES];
	uint32_t day;

	for (unsigned int i = 0; i < HASHES; i += STEP) {
		struct pwned_digest digest = { .prefix = prefix,
					       .key = hash_of(i) };

		FUZZ_ASSERT(pwned_slots_find(slots, &digest, false, block) ==
			    PWNED_SLOTS_FOUND);
		FUZZ_ASSERT(pwned_block_find(block, digest.key) == i % 300 + 1);
		FUZZ_ASSERT(pwned_block_day(block) == TODAY);
	}
	FUZZ_ASSERT(pwned_slots_day(slots, prefix, &day) == PWNED_BLOCK_VALID);
	FUZZ_ASSERT(day == TODAY);
}

static void assert_hole(const struct pwned_slots *slots,
			const unsigned char *slot, uint32_t prefix)
{
	struct findings found;
	uint32_t day;

	find_keys(slots, slot, prefix, &found);
	for (unsigned int i = 0; i < KEYS; i++)
		FUZZ_ASSERT(found.results[i] == PWNED_SLOTS_MISS);
	FUZZ_ASSERT(!pwned_slots_has(slots, prefix));
	FUZZ_ASSERT(pwned_slots_day(slots, prefix, &day) == PWNED_BLOCK_ABSENT);
}

static void put(struct pwned_slots *slots, const unsigned char *slot,
		uint32_t prefix)
{
	FUZZ_ASSERT(pwned_slots_pwrite(slots, slot, PWNED_SLOT_BYTES,
				       pwned_slot_offset(prefix)));
}

/* A day later all is found that was in the range which the first block says,
   and nothing else; or the slot is a hole. */
static void assert_renewed(const struct pwned_slots *slots,
			   const unsigned char *slot, uint32_t prefix,
			   const struct findings *before)
{
	struct findings after;

	find_keys(slots, slot, prefix, &after);
	for (unsigned int i = 0; i < KEYS; i++) {
		FUZZ_ASSERT(after.results[i] == PWNED_SLOTS_FOUND);
		FUZZ_ASSERT(after.totals[i] == pwned_block_total(slot));
		/* what stood behind its end is gone */
		if (before->results[i] == PWNED_SLOTS_FOUND &&
		    before->totals[i] == after.totals[i])
			FUZZ_ASSERT(before->counts[i] == after.counts[i]);
	}
}

static void renew(struct pwned_slots *slots, const unsigned char *slot,
		  uint32_t prefix)
{
	struct pwned_range_label label = { .prefix = prefix };
	struct findings before;
	uint32_t day = 0;

	put(slots, slot, prefix);
	find_keys(slots, slot, prefix, &before);
	if (pwned_slots_day(slots, prefix, &day) == PWNED_BLOCK_VALID)
		pwned_block_label(slot, &label);
	label.day = day + 1;
	switch (pwned_slots_renew(slots, &label)) {
	case PWNED_SLOTS_RENEWED:
		FUZZ_ASSERT(pwned_slots_day(slots, prefix, &day) ==
			    PWNED_BLOCK_VALID);
		FUZZ_ASSERT(day == label.day);
		assert_renewed(slots, slot, prefix, &before);
		break;
	case PWNED_SLOTS_FORGOTTEN:
		assert_hole(slots, slot, prefix);
		break;
	default:
		abort();
	}
}

static void overwrite(struct pwned_slots *slots, const unsigned char *slot,
		      uint32_t prefix)
{
	struct pwned_range *range = range_of(prefix);
	enum pwned_slots_written written;

	put(slots, slot, prefix);
	written = pwned_slots_write(slots, range);
	FUZZ_ASSERT(written == PWNED_SLOTS_WRITTEN ||
		    written == PWNED_SLOTS_RENEWED);
	assert_whole(slots, prefix);
	pwned_range_unref(&range);
	FUZZ_ASSERT(pwned_slots_forget(slots, prefix));
	assert_hole(slots, slot, prefix);
}

static void use(const unsigned char *slot, uint32_t prefix)
{
	struct pwned_slots *slots = pwned_slots_open_memory();
	struct pwned_range *below = range_of(prefix - 1);
	struct pwned_range *above = range_of(prefix + 1);

	FUZZ_ASSERT(slots != NULL);
	FUZZ_ASSERT(pwned_slots_write(slots, below) == PWNED_SLOTS_WRITTEN);
	FUZZ_ASSERT(pwned_slots_write(slots, above) == PWNED_SLOTS_WRITTEN);
	renew(slots, slot, prefix);
	overwrite(slots, slot, prefix);
	assert_whole(slots, prefix - 1);
	assert_whole(slots, prefix + 1);
	pwned_range_unref(&below);
	pwned_range_unref(&above);
	pwned_slots_close(&slots);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *slot = calloc(1, PWNED_SLOT_BYTES);
	uint32_t prefix;

	FUZZ_ASSERT(slot != NULL);
	if (size > PWNED_SLOT_BYTES)
		size = PWNED_SLOT_BYTES;
	if (size > 0)
		memcpy(slot, data, size);
	/* the first block's, where that has a neighbour on each side */
	prefix = load32(slot + AT_PREFIX);
	if (prefix == 0 || prefix >= PWNED_PREFIX_COUNT - 1)
		prefix = 1;
	use(slot, prefix);
	seal(slot, prefix);
	use(slot, prefix);
	free(slot);
	return 0;
}
