/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bound of the file's size. */

#include "slots-room.h"

/* Of so many slots the oldest goes. */
#define SAMPLE 16

/* xorshift64*, by Marsaglia and Vigna: chance is all that is asked for. */
static uint32_t random_prefix(pwned_slots_seed *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (uint32_t)(*seed * UINT64_C(0x2545f4914f6cdd1d) >>
			  (64 - PWNED_PREFIX_BITS));
}

/* A slot that is no hole, somewhere. */
static bool random_slot(const struct pwned_slots *slots, pwned_slots_seed *seed,
			uint32_t *prefix_r)
{
	return pwned_slots_next(slots, random_prefix(seed), prefix_r) ||
	       pwned_slots_next(slots, 0, prefix_r);
}

/* What does not prove itself is of no use to anybody, so it is the oldest. */
static bool oldest_of_sample(const struct pwned_slots *slots,
			     pwned_slots_seed *seed, uint32_t *prefix_r)
{
	uint32_t oldest = UINT32_MAX;

	for (unsigned int i = 0; i < SAMPLE; i++) {
		uint32_t prefix, day = 0;

		if (!random_slot(slots, seed, &prefix))
			return false;
		if (pwned_slots_day(slots, prefix, &day) != PWNED_BLOCK_VALID)
			day = 0;
		if (i == 0 || day < oldest) {
			oldest = day;
			*prefix_r = prefix;
		}
	}
	return true;
}

enum pwned_slots_room pwned_slots_make_room(struct pwned_slots *slots,
					    uint64_t max_bytes,
					    unsigned int steps_max,
					    pwned_slots_seed *seed,
					    unsigned int *freed_r)
{
	uint64_t before, after = pwned_slots_allocated(slots);
	uint32_t prefix;

	*freed_r = 0;
	while (max_bytes > 0 && after + PWNED_SLOT_BYTES > max_bytes) {
		if (*freed_r == steps_max)
			return PWNED_ROOM_NOT_YET;
		if (!oldest_of_sample(slots, seed, &prefix) ||
		    !pwned_slots_punch(slots, prefix))
			return PWNED_ROOM_IMPOSSIBLE;
		(*freed_r)++;
		before = after;
		after = pwned_slots_allocated(slots);
		/* Some file systems count later what they have freed. Not to
		   wait for that would empty the file. */
		if (after >= before)
			return PWNED_ROOM_NOT_YET;
	}
	return PWNED_ROOM;
}
