/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads that need the disk: by a thread. */

#include "store-int.h"
#include "secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Reads that wait, of some 4 KB each. */
#define QUEUE_MAX 1024
/* The disk hangs when one read takes as long as this; it is not waited for any
   more then. */
#define STALLED_MSECS 300

struct pwned_store_read {
	struct pwned_job job; /* must be first */
	struct pwned_store *store;
	struct pwned_slots *slots;
	struct pwned_digest digest;
	pwned_store_callback *callback; /* NULL: cancelled */
	void *context;
	enum pwned_slots_result result;
	int error;
	unsigned char block[PWNED_BLOCK_BYTES];
};

void pwned_store_count_read(struct pwned_store *store,
			    enum pwned_slots_result result, int error)
{
	if (result != PWNED_SLOTS_FOUND)
		pwned_count(store->counters, PWNED_COUNT_MISSES);
	else
		pwned_count(store->counters, store->in_memory ?
						     PWNED_COUNT_FROM_MEMORY :
						     PWNED_COUNT_FROM_DISK);
	if (result == PWNED_SLOTS_DAMAGED) {
		pwned_count(store->counters, PWNED_COUNT_DAMAGED_BLOCKS);
		pwned_store_fault(store, PWNED_STORE_DAMAGED,
				  "%s: a part of it is damaged; it is not "
				  "used, and fetched again",
				  pwned_store_name(store));
	} else if (result == PWNED_SLOTS_ERROR) {
		pwned_count(store->counters, PWNED_COUNT_READ_ERRORS);
		pwned_store_fault(store, PWNED_STORE_READ,
				  "%s: it cannot be read: %s",
				  pwned_store_name(store), strerror(error));
	}
}

static void read_run(struct pwned_job *job)
{
	struct pwned_store_read *read = (struct pwned_store_read *)job;

	read->result =
		pwned_slots_find(read->slots, &read->digest, true, read->block);
	read->error = errno;
}

static void read_free(struct pwned_store_read *read)
{
	pwned_wipe(&read->digest, sizeof(read->digest));
	free(read);
}

static void read_tell(struct pwned_store_read *read)
{
	struct pwned_store *store = read->store;
	struct pwned_store_answer answer;
	bool found = read->result == PWNED_SLOTS_FOUND;

	if (found) {
		/* what has come into memory meanwhile is newer */
		if (pwned_block_cache_find(store->cache, &read->digest) == NULL)
			pwned_store_keep(store, &read->digest, read->block);
		pwned_store_answer_from(read->block, read->digest.key, false,
					&answer);
	}
	if (read->callback != NULL)
		read->callback(read->context, found ? &answer : NULL);
}

static void read_done(struct pwned_job *job, bool ran)
{
	struct pwned_store_read *read = (struct pwned_store_read *)job;

	if (ran && !read->store->stopping) {
		pwned_store_count_read(read->store, read->result, read->error);
		read_tell(read);
	}
	read_free(read);
}

static struct pwned_store_read *skip(struct pwned_store *store)
{
	pwned_count(store->counters, PWNED_COUNT_READS_SKIPPED);
	pwned_count(store->counters, PWNED_COUNT_MISSES);
	pwned_store_fault(store, PWNED_STORE_STALLED,
			  "%s: the disk does not answer; ranges that are not "
			  "in memory are fetched instead",
			  pwned_store_name(store));
	return NULL;
}

struct pwned_store_read *pwned_store_read(struct pwned_store *store,
					  const struct pwned_digest *digest,
					  pwned_store_callback *callback,
					  void *context)
{
	struct pwned_store_read *read;

	if (pwned_worker_busy_msecs(store->reader) >= STALLED_MSECS)
		return skip(store);
	read = malloc(sizeof(*read));
	if (read == NULL)
		return skip(store);
	read->job = (struct pwned_job){ .run = read_run, .done = read_done };
	read->store = store;
	read->slots = store->slots;
	read->digest = *digest;
	read->callback = callback;
	read->context = context;
	if (!pwned_worker_push(store->reader, &read->job, PWNED_JOB_NOW)) {
		read_free(read);
		return skip(store);
	}
	return read;
}

void pwned_store_cancel(struct pwned_store_read **read)
{
	(*read)->callback = NULL;
	*read = NULL;
}

/* A look at the file as a whole. */
struct look {
	struct pwned_job job; /* must be first */
	struct pwned_store *store;
	struct pwned_slots *slots;
	bool in_place, has_generation;
	uint64_t generation;
};

static void look_run(struct pwned_job *job)
{
	struct look *look = (struct look *)job;

	look->in_place = pwned_slots_is_in_place(look->slots);
	look->has_generation =
		pwned_slots_generation(look->slots, &look->generation);
}

static void look_done(struct pwned_job *job, bool ran)
{
	struct look *look = (struct look *)job;
	struct pwned_store *store = look->store;

	store->looking = false;
	if (ran && look->has_generation &&
	    look->generation != store->generation) {
		store->generation = look->generation;
		pwned_block_cache_clear(store->cache);
	}
	if (ran && !look->in_place && !store->stopping)
		pwned_store_reopen(store);
	free(look);
}

void pwned_store_look(struct pwned_store *store)
{
	struct look *look;

	if (store->slots == NULL || store->in_memory || store->looking)
		return;
	look = calloc(1, sizeof(*look));
	if (look == NULL)
		return;
	look->job = (struct pwned_job){ .run = look_run, .done = look_done };
	look->store = store;
	look->slots = store->slots;
	store->looking =
		pwned_worker_push(store->reader, &look->job, PWNED_JOB_NOW);
	if (!store->looking)
		free(look);
}

bool pwned_store_reader_start(struct pwned_store *store)
{
	store->reader = pwned_worker_new(store->loop, QUEUE_MAX, 0, 0);
	return store->reader != NULL;
}
