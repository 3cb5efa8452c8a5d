/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SLOTS_H
#define PWNED_SLOTS_H

#include "block.h"
#include "digest.h"
#include "error.h"
#include "range.h"

#include <stdbool.h>
#include <stdint.h>

/* The file of ranges: one sparse file of slots, in each of which stand the
   blocks (core/block.h) of one range.

       0                  the header, 4 KB; see slots-open.c
       (p + 1) * 32 KB    the slot of prefix p: up to 8 blocks, the rest a hole

   It is as long as that from the start: a cut shows, and a file system that
   gives a file which grows more room than was asked for gives none.

   A block proves itself, so whoever writes needs no lock, no order and no
   fsync: another process may write the same slot at the same time, and a crash
   may leave half of it. Whatever does not prove itself is a miss. The file is
   never mapped, because auth has 256 MB of address space and a file that is cut
   underneath would end the process.

   All functions here may wait for the disk, unless they are told not to. Of one
   struct reads may run in several threads, beside one that writes. */
struct pwned_slots;

#define PWNED_SLOT_BLOCKS 8
#define PWNED_SLOT_BYTES  (PWNED_SLOT_BLOCKS * PWNED_BLOCK_BYTES)
#define PWNED_SLOTS_BYTES ((int64_t)(PWNED_PREFIX_COUNT + 1) * PWNED_SLOT_BYTES)
/* Its name in the folder, and what one that is not ours is called then. */
#define PWNED_SLOTS_FILE  "ranges"
#define PWNED_SLOTS_ASIDE "ranges.aside"

enum pwned_slots_access {
	PWNED_SLOTS_WRITE, /* made if need be; read-only where that fails */
	PWNED_SLOTS_READ,
	PWNED_SLOTS_CHANGE, /* write, but do not make it */
};

/* Opens the file of a folder. Returns NULL where it cannot be used. problem_r:
   what the operator should know, also where the file can be used but not as
   asked; "": nothing. */
struct pwned_slots *pwned_slots_open(const char *folder,
				     enum pwned_slots_access access,
				     struct pwned_error *problem_r);
/* The same form in memory, private to the process. NULL: memory is short. */
struct pwned_slots *pwned_slots_open_memory(void);
void pwned_slots_close(struct pwned_slots **slots);

bool pwned_slots_is_writable(const struct pwned_slots *slots);
/* Whether a read may need a disk, and the kernel cannot say when. */
bool pwned_slots_needs_thread(const struct pwned_slots *slots);

enum pwned_slots_result {
	PWNED_SLOTS_FOUND,
	PWNED_SLOTS_MISS,
	PWNED_SLOTS_DAMAGED,     /* a block does not prove itself: a miss */
	PWNED_SLOTS_ERROR,       /* errno says why: a miss */
	PWNED_SLOTS_WOULD_BLOCK, /* not in the kernel's page cache */
};

/* Reads the block that a key belongs to, and proves it. wait false: never waits
   for a disk. */
enum pwned_slots_result pwned_slots_find(
	const struct pwned_slots *slots, const struct pwned_digest *digest,
	bool wait, unsigned char block_r[PWNED_BLOCK_BYTES]);

/* What became of a write. */
enum pwned_slots_written {
	PWNED_SLOTS_WRITTEN,
	PWNED_SLOTS_RENEWED,   /* what was there was right, and got a new day */
	PWNED_SLOTS_FORGOTTEN, /* it was not whole, and is gone */
	PWNED_SLOTS_FAILED,    /* errno says why */
};

/* Whether a range has no more blocks than a slot. */
bool pwned_slots_fits(const struct pwned_range *range);
/* Writes a range that fits into its slot. One without an entity tag takes over
   the tag of what is there, if that has the same content. */
enum pwned_slots_written pwned_slots_write(struct pwned_slots *slots,
					   const struct pwned_range *range);
/* The range that has this tag was not modified: gives it the label's day. One
   that has the tag not in all its blocks is forgotten. */
enum pwned_slots_written pwned_slots_renew(
	struct pwned_slots *slots, const struct pwned_range_label *label);

/* Gives the space of a slot back to the file system. Returns false where that
   cannot be done; nothing was changed then. */
bool pwned_slots_punch(struct pwned_slots *slots, uint32_t prefix);
/* The same, or else writes zeros over it. Returns false with errno. */
bool pwned_slots_forget(struct pwned_slots *slots, uint32_t prefix);

/* Bytes that the file takes on disk. */
uint64_t pwned_slots_allocated(const struct pwned_slots *slots);
/* The first prefix from this one on whose slot is no hole; false: there is
   none. */
bool pwned_slots_next(const struct pwned_slots *slots, uint32_t from,
		      uint32_t *prefix_r);
/* Whether a slot is no hole, whatever is in it. */
bool pwned_slots_has(const struct pwned_slots *slots, uint32_t prefix);
/* The day of a slot, by its first block, where that is valid. */
enum pwned_block_state pwned_slots_day(const struct pwned_slots *slots,
				       uint32_t prefix, uint32_t *day_r);

/* Counts purges: what a process keeps in memory of the file is void when it
   changes. Returns false where it cannot be read. */
bool pwned_slots_generation(const struct pwned_slots *slots,
			    uint64_t *generation_r);
bool pwned_slots_next_generation(struct pwned_slots *slots);

/* Whether the file still has its name and its header. */
bool pwned_slots_is_in_place(const struct pwned_slots *slots);
/* Opens what is in its place now, or makes it, under the same descriptor, as it
   was opened first; also where the folder is another one now. Returns false
   where that is not possible; problem_r as in pwned_slots_open(). */
bool pwned_slots_reopen(struct pwned_slots *slots,
			struct pwned_error *problem_r);

#endif
