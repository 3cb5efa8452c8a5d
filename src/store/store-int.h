/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_STORE_INT_H
#define PWNED_STORE_INT_H

#include "block-cache.h"
#include "slots-room.h"
#include "slots.h"
#include "store.h"
#include "worker.h"

/* What store.c, store-read.c and store-write.c share. The struct is the loop's;
   jobs in threads see of it what they carry. */
struct pwned_store {
	const struct pwned_settings *set;
	struct pwned_loop *loop;
	const struct pwned_reporter *reporter;
	struct pwned_counters *counters;
	enum pwned_store_access access;

	struct pwned_block_cache *cache; /* NULL: a reader's */
	struct pwned_slots *slots; /* NULL: not opened yet, or not to be */
	bool in_memory;
	unsigned char block[PWNED_BLOCK_BYTES];

	struct pwned_worker *reader;
	bool looking; /* at the file, once a second */
	uint64_t next_look_msecs;
	uint64_t generation;

	struct pwned_worker *writer;
	pwned_slots_seed *seed;     /* the writer thread's */
	struct pwned_timer *shrink; /* the next step towards the bound */
	bool shrinking, reopening, stopping, told_impossible;
	unsigned int queue_length, queue_max;

	/* faults, each told once a minute */
	uint64_t next_report_msecs[PWNED_STORE_FAULTS];
};

/* For texts. */
static inline const char *pwned_store_name(const struct pwned_store *store)
{
	return store->in_memory || *store->set->store == '\0' ?
		       "the store in memory" :
		       store->set->store;
}

/* Reports a fault, once a minute. */
void pwned_store_fault(struct pwned_store *store, enum pwned_store_fault fault,
		       const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Keeps a block in memory that answered for a digest. */
void pwned_store_keep(struct pwned_store *store,
		      const struct pwned_digest *digest,
		      const unsigned char *block);
void pwned_store_answer_from(const unsigned char *block, uint64_t key,
			     bool from_memory,
			     struct pwned_store_answer *answer_r);

/* store-read.c */
bool pwned_store_reader_start(struct pwned_store *store);
/* Counts what a look-up in the slots brought, and tells of faults. */
void pwned_store_count_read(struct pwned_store *store,
			    enum pwned_slots_result result, int error);
/* Has the reader look whether the file is in its place and was purged. */
void pwned_store_look(struct pwned_store *store);

/* store-write.c */
bool pwned_store_writer_start(struct pwned_store *store);
/* Tells where the writer does not come back from the disk. */
void pwned_store_watch_writer(struct pwned_store *store);
/* Has the writer open the file anew, which was removed underneath. */
void pwned_store_reopen(struct pwned_store *store);

#endif
