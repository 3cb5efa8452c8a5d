/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_RANGE_H
#define PWNED_RANGE_H

#include "block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One whole range of breached passwords, as its blocks (block.h), in the same
   form as on disk: about 6.5 bytes a password, where the API's text has 40.
   Immutable, shared by counting references; these are atomic, all else is only
   read, so threads may share a range. */
struct pwned_range;

/* A hash of the range, as the parser reads it. */
struct pwned_range_entry {
	uint64_t key;   /* PWNED_KEY_BITS */
	uint64_t count; /* at least 1 */
};

/* Packs entries, which are sorted in place. Of those that blocks do not tell
   apart the larger count stands. Returns a range with one reference, or NULL
   with errno: ENOMEM, or E2BIG where the range needs more blocks than there can
   be, because too many of its keys lie together. */
struct pwned_range *pwned_range_pack(struct pwned_range_entry *entries,
				     size_t count,
				     const struct pwned_range_label *label);
struct pwned_range *pwned_range_ref(struct pwned_range *range);
/* Drops a reference; the last one frees. */
void pwned_range_unref(struct pwned_range **range);

/* How often the password behind key was seen in breaches; 0: never. */
uint64_t pwned_range_find(const struct pwned_range *range, uint64_t key);

const struct pwned_range_label *pwned_range_label(
	const struct pwned_range *range);
/* The blocks, one after the other, PWNED_BLOCK_BYTES each; at least one. */
const unsigned char *pwned_range_blocks(const struct pwned_range *range,
					unsigned int *total_r);
unsigned int pwned_range_total(const struct pwned_range *range);
/* The block that a key belongs to. */
const unsigned char *pwned_range_block_of(const struct pwned_range *range,
					  uint64_t key);
size_t pwned_range_length(const struct pwned_range *range);

#endif
