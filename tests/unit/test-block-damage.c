/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reader makes of blocks that were torn between two writes, or flipped:
   a right answer or none. */

#include "support/unit.h"
#include "digest.h"
#include "range.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX 0x12345
#define MIXES  1000000
#define FLIPS  1000000

/* A slot has room for that many blocks. */
#define SLOT_BLOCKS 8
#define SLOT_BYTES  (SLOT_BLOCKS * PWNED_BLOCK_BYTES)
/* What a disk writes whole. */
#define UNIT_BYTES 512
#define UNITS      (PWNED_BLOCK_BYTES / UNIT_BYTES)
/* Most ranges have that many blocks, so that is where a reader looks first. */
#define USUAL_TOTAL 3
#define HOPS_MAX    4

#define KEYS 3000

static uint64_t random_state;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Keys, and how often the password was seen in each version of the range, 0:
   not in it. */
static uint64_t keys[KEYS];
static uint64_t counts[2][KEYS];
static unsigned char slots[2][SLOT_BYTES];

static uint64_t random_count(void)
{
	uint64_t random = next_random() >> 8;

	return random % 32 == 0 ? 200 + random % 1000 : 1 + random % 9;
}

static struct pwned_range *pack(const uint64_t *key_counts,
				const struct pwned_range_label *label)
{
	struct pwned_range_entry entries[KEYS];
	struct pwned_range *range;
	size_t length = 0;

	for (size_t i = 0; i < KEYS; i++) {
		if (key_counts[i] == 0)
			continue;
		entries[length].key = keys[i];
		entries[length++].count = key_counts[i];
	}
	range = pwned_range_pack(entries, length, label);
	assert_non_null(range);
	assert_int_equal(pwned_range_length(range), length);
	return range;
}

/* Writes a version to its slot, over what is there. */
static void write_slot(unsigned int version, uint32_t day, const char *etag,
		       unsigned int expected_total)
{
	struct pwned_range_label label = { .prefix = PREFIX, .day = day };
	const unsigned char *blocks;
	struct pwned_range *range;
	unsigned int total;

	memcpy(label.etag, etag, strlen(etag));
	range = pack(counts[version], &label);
	blocks = pwned_range_blocks(range, &total);
	assert_int_equal(total, expected_total);
	memcpy(slots[version], blocks, (size_t)total * PWNED_BLOCK_BYTES);
	pwned_range_unref(&range);
}

static void make_keys(size_t length)
{
	random_state = UINT64_C(88172645463325252);
	memset(slots, 0, sizeof(slots));
	for (size_t i = 0; i < KEYS; i++) {
		keys[i] = next_random() >> (64 - PWNED_KEY_BITS);
		counts[0][i] = i < length ? random_count() : 0;
		counts[1][i] = counts[0][i];
	}
}

/* Reads a block of the slot while it is written: some units are of one version
   yet, some of the other. Often all are, or else nothing would be read. */
static void read_block(unsigned int index, unsigned char *block_r)
{
	size_t at = (size_t)index * PWNED_BLOCK_BYTES;
	uint64_t random = next_random() >> 16;
	unsigned int second = (unsigned int)(random >> 8) & 0xff;

	if (random % 4 == 0)
		second = 0;
	else if (random % 4 == 1)
		second = 0xff;
	memcpy(block_r, slots[0] + at, PWNED_BLOCK_BYTES);
	for (unsigned int i = 0; i < UNITS; i++) {
		if ((second >> i & 1) != 0)
			memcpy(block_r + i * UNIT_BYTES,
			       slots[1] + at + i * UNIT_BYTES, UNIT_BYTES);
	}
}

/* Looks a key up as a reader does who does not know how many blocks there are.
   Returns false for a miss. */
static bool look_up(uint64_t key, uint64_t *count_r)
{
	unsigned char block[PWNED_BLOCK_BYTES];
	unsigned int total = USUAL_TOTAL;

	for (unsigned int hops = 0; hops < HOPS_MAX; hops++) {
		unsigned int index = pwned_block_index_of(key, total);

		if (index >= SLOT_BLOCKS)
			return false;
		read_block(index, block);
		if (pwned_block_verify(block, PREFIX, index) !=
		    PWNED_BLOCK_VALID)
			return false;
		if (pwned_block_total(block) == total) {
			*count_r = pwned_block_find(block, key);
			return true;
		}
		total = pwned_block_total(block);
	}
	return false;
}

/* Each answer is that of one version; and there are enough answers of both to
   say so. */
static void mix(unsigned int mixes)
{
	unsigned int answers = 0, differ[2] = { 0, 0 };

	for (unsigned int n = 0; n < mixes; n++) {
		size_t i = (size_t)(next_random() >> 16) % KEYS;
		uint64_t count;

		if (!look_up(keys[i], &count))
			continue;
		answers++;
		if (count != counts[0][i] && count != counts[1][i])
			fail_msg("a wrong answer");
		if (counts[0][i] != counts[1][i])
			differ[count == counts[1][i]]++;
	}
	assert_true(answers > mixes / 4);
	assert_true(answers < mixes);
	assert_true(differ[0] > 100);
	assert_true(differ[1] > 100);
}

/* As many blocks, little changed: some hashes came, went or were seen more
   often. */
static void two_versions_of_a_range_do_not_mix(void **state)
{
	(void)state;
	make_keys(1950);
	write_slot(0, 20000, "\"0x8DC\"", 3);
	for (size_t i = 0; i < KEYS; i += 97) {
		if (counts[1][i] == 0 || i % 2 == 0)
			counts[1][i] += 7;
		else
			counts[1][i] = 0;
	}
	write_slot(1, 20030, "\"0x8DD\"", 3);
	mix(MIXES / 2);
}

/* More blocks, or fewer: what is left of the longer one behind the shorter may
   still be read. */
static void two_lengths_of_a_range_do_not_mix(void **state)
{
	(void)state;
	make_keys(2100);
	write_slot(0, 20000, "", 3);
	for (size_t i = 2100; i < 2700; i++)
		counts[1][i] = random_count();
	write_slot(1, 20030, "W/\"longer\"", 4);
	mix(MIXES / 4);
	/* the shorter one again, over the longer */
	memcpy(slots[0] + 3UL * PWNED_BLOCK_BYTES,
	       slots[1] + 3UL * PWNED_BLOCK_BYTES, PWNED_BLOCK_BYTES);
	mix(MIXES / 4);
}

/* Flips each bit of a block in turn. */
static unsigned int flip_all(unsigned char *block, unsigned int index,
			     uint64_t key, uint64_t count)
{
	assert_int_equal(pwned_block_find(block, key), count);
	for (unsigned int bit = 0; bit < PWNED_BLOCK_BYTES * 8; bit++) {
		block[bit / 8] ^= (unsigned char)(1U << bit % 8);
		if (pwned_block_verify(block, PREFIX, index) ==
			    PWNED_BLOCK_VALID &&
		    pwned_block_find(block, key) != count)
			fail_msg("a wrong answer");
		block[bit / 8] ^= (unsigned char)(1U << bit % 8);
	}
	return PWNED_BLOCK_BYTES * 8;
}

static void a_flipped_bit_is_seen(void **state)
{
	static const char *const etags[] = { "", "\"\"", "W/\"0x8DC\"" };
	unsigned int flips = 0;

	(void)state;
	for (unsigned int round = 0; flips < FLIPS; round++) {
		make_keys(2000 + round);
		write_slot(0, 20000 + round, etags[round % 3], 3);
		for (unsigned int index = 0; index < 3; index++) {
			unsigned char *block =
				slots[0] + index * PWNED_BLOCK_BYTES;
			size_t i = 0;

			while (pwned_block_index_of(keys[i], 3) != index)
				i++;
			flips += flip_all(block, index, keys[i], counts[0][i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_versions_of_a_range_do_not_mix),
		cmocka_unit_test(two_lengths_of_a_range_do_not_mix),
		cmocka_unit_test(a_flipped_bit_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
