/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_STORE_INT_H
#define PWNED_STORE_INT_H

#include "block-cache.h"
#include "slots-room.h"
#include "slots.h"
#include "store.h"
#include "worker.h"

TAILQ_HEAD(pwned_store_reads, pwned_store_read);

/* What store.c, store-read.c, store-write.c and store-file.c share. The struct
   is the loop's; jobs in threads see of it what they carry. */
struct pwned_store {
	const struct pwned_settings *set;
	struct pwned_loop *loop;
	const struct pwned_reporter *reporter;
	struct pwned_counters *counters;
	enum pwned_store_access access;

	struct pwned_block_cache *cache; /* NULL: a visitor's */
	struct pwned_slots *slots; /* NULL: not opened yet, or not to be */
	bool in_memory;
	unsigned char block[PWNED_BLOCK_BYTES];

	struct pwned_worker *reader;
	struct pwned_store_reads reads; /* that will call back, oldest first */
	struct pwned_timer *patience;   /* with the disk, while there are any */
	bool stalled;                   /* it hung: pwned_store_is_stalled() */
	/* A bit for each slot that a thread has read or written: the kernel
	   knows where that lies. Of others even a read that does not wait may
	   have to find that out. */
	unsigned char *met;
	bool looking; /* at the file, once a second */
	uint64_t next_look_msecs;
	uint64_t generation;

	struct pwned_worker *writer;
	pwned_slots_seed *seed;     /* the writer thread's */
	struct pwned_timer *shrink; /* the next step towards the bound */
	bool shrinking, reopening, stopping, told_impossible;
	unsigned int queue_length, queue_max;

	/* faults, each told once a minute */
	uint64_t next_report_msecs[PWNED_FAULTS];
};

/* For texts. */
static inline const char *pwned_store_name(const struct pwned_store *store)
{
	return store->in_memory || *store->set->store == '\0' ?
		       "the store in memory" :
		       store->set->store;
}

static inline bool pwned_store_has_met(const struct pwned_store *store,
				       uint32_t prefix)
{
	return (store->met[prefix / 8] >> prefix % 8 & 1) != 0;
}

static inline void pwned_store_meet(struct pwned_store *store, uint32_t prefix)
{
	store->met[prefix / 8] |= (unsigned char)(1U << prefix % 8);
}

/* Reports a fault, once a minute. */
void pwned_store_tell(struct pwned_store *store, enum pwned_store_fault fault,
		      const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void pwned_store_answer_from(const unsigned char *block, uint64_t key,
			     bool from_cache,
			     struct pwned_store_answer *answer_r);

/* store-read.c */
bool pwned_store_reader_start(struct pwned_store *store);
/* Whether the disk hangs, so that nothing is to be read from it. */
bool pwned_store_is_stalled(struct pwned_store *store);
/* No read calls back any more. */
void pwned_store_drop_reads(struct pwned_store *store);
/* Counts what a look-up in the slots brought, and tells of faults. */
void pwned_store_count_read(struct pwned_store *store,
			    enum pwned_slots_result result, int error);

/* store-write.c */
bool pwned_store_writer_start(struct pwned_store *store);
/* Frees more space after a while, where the file is larger than its bound. */
void pwned_store_shrink_later(struct pwned_store *store);

/* store-file.c */
/* Has the writer open the file, and waits a little for it. */
bool pwned_store_open(struct pwned_store *store);
/* At once a second: has the reader look whether the file is in its place and
   was purged, and tells where the writer does not come back from the disk. */
void pwned_store_look(struct pwned_store *store);

#endif
