/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SLOTS_ROOM_H
#define PWNED_SLOTS_ROOM_H

#include "slots.h"

/* Keeps the file within its bound: old ranges go first. Which are old is found
   by samples, because to sort a million would take longer than to fetch what is
   lost by it. */
enum pwned_slots_room {
	PWNED_ROOM,            /* there is room for another range */
	PWNED_ROOM_NOT_YET,    /* there will be, after further steps */
	PWNED_ROOM_IMPOSSIBLE, /* the file system gives no space back */
};

/* State of a generator of random numbers; any value but 0. */
typedef uint64_t pwned_slots_seed;

/* Frees so many ranges at most, where the file is larger than max_bytes (0: no
   bound). Returns how many in *freed_r. */
enum pwned_slots_room pwned_slots_make_room(struct pwned_slots *slots,
					    uint64_t max_bytes,
					    unsigned int steps_max,
					    pwned_slots_seed *seed,
					    unsigned int *freed_r);

#endif
