/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads that need the disk: by a thread. */

#include "store-int.h"
#include "secret.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Reads that wait, of some 4 KB each. */
#define QUEUE_MAX 1024
/* A read is not waited for any longer, be it at the disk or in the queue; a
   disk that takes as long for one hangs. */
#define STALLED_MSECS 300

struct pwned_store_read {
	struct pwned_job job; /* must be first */
	TAILQ_ENTRY(pwned_store_read) entry;
	struct pwned_store *store;
	uint64_t since_msecs;
	struct pwned_slots *slots;
	struct pwned_digest digest;
	pwned_store_callback *callback;
	void *context;
	/* Nobody waits for it any more, and it is in no list; set by the loop
	   while the thread may be at it. */
	atomic_bool dropped;
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
						     PWNED_COUNT_FROM_CACHE :
						     PWNED_COUNT_FROM_STORE);
	if (result == PWNED_SLOTS_DAMAGED) {
		pwned_count(store->counters, PWNED_COUNT_DAMAGED_BLOCKS);
		pwned_store_tell(store, PWNED_FAULT_DAMAGED,
				 "%s: a part of it is damaged; it is not "
				 "used, and fetched again",
				 pwned_store_name(store));
	} else if (result == PWNED_SLOTS_ERROR) {
		pwned_count(store->counters, PWNED_COUNT_READ_ERRORS);
		pwned_store_tell(store, PWNED_FAULT_READ,
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
	/* here, because the loop may have left the thread to itself */
	if (read->dropped)
		pwned_wipe(&read->digest, sizeof(read->digest));
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
			pwned_block_cache_put(store->cache, read->block);
		pwned_store_answer_from(read->block, read->digest.key, false,
					&answer);
	}
	read->callback(read->context, found ? &answer : NULL);
}

static void read_done(struct pwned_job *job, bool ran)
{
	struct pwned_store_read *read = (struct pwned_store_read *)job;

	(void)ran; /* what did not run was taken back before */
	if (!read->dropped) {
		pwned_store_meet(read->store, read->digest.prefix);
		TAILQ_REMOVE(&read->store->reads, read, entry);
		pwned_store_count_read(read->store, read->result, read->error);
		read_tell(read);
	}
	read_free(read);
}

/* One that is in no list any more. If the thread is at it, it goes when that is
   back from the disk. */
static void read_drop(struct pwned_store_read *read)
{
	read->dropped = true;
	if (pwned_worker_take_back(read->store->reader, &read->job))
		read_free(read);
}

static void skip(struct pwned_store *store)
{
	pwned_count(store->counters, PWNED_COUNT_READS_SKIPPED);
	pwned_count(store->counters, PWNED_COUNT_MISSES);
	pwned_store_tell(store, PWNED_FAULT_STALLED,
			 "%s: the disk does not answer in time; ranges that "
			 "are not in memory are fetched instead",
			 pwned_store_name(store));
}

static bool is_overdue(const struct pwned_store_read *read, uint64_t now_msecs)
{
	return now_msecs - read->since_msecs >= STALLED_MSECS;
}

/* Each that is overdue gets its miss, so that the source is asked. A callback
   may cancel others of them; reads that it begins are none of them. */
static void give_up(struct pwned_store *store)
{
	uint64_t now = store->loop->v->now_msecs(store->loop);
	struct pwned_store_read *read;

	while ((read = TAILQ_FIRST(&store->reads)) != NULL &&
	       is_overdue(read, now)) {
		pwned_store_callback *callback = read->callback;
		void *context = read->context;

		TAILQ_REMOVE(&store->reads, read, entry);
		read_drop(read);
		skip(store);
		callback(context, NULL);
	}
}

static void on_patience_end(void *context);

/* While reads are out, looks whether the disk answers: the oldest is first. */
static void watch_reads(struct pwned_store *store)
{
	const struct pwned_store_read *read = TAILQ_FIRST(&store->reads);
	struct pwned_loop *loop = store->loop;
	uint64_t now = loop->v->now_msecs(loop);

	if (store->patience != NULL || read == NULL)
		return;
	store->patience = loop->v->timer_add(
		loop,
		is_overdue(read, now) ?
			0 :
			(unsigned int)(read->since_msecs + STALLED_MSECS - now),
		on_patience_end, store);
}

static void on_patience_end(void *context)
{
	struct pwned_store *store = context;

	store->patience = NULL;
	/* what has come is not overdue, however late the loop is */
	pwned_worker_collect(store->reader);
	store->stalled =
		pwned_worker_busy_msecs(store->reader) >= STALLED_MSECS;
	give_up(store);
	watch_reads(store);
}

bool pwned_store_is_stalled(struct pwned_store *store)
{
	/* until the disk is back from whatever it hung at */
	if (store->stalled)
		store->stalled =
			pwned_worker_busy_msecs(store->reader) >= STALLED_MSECS;
	return store->stalled;
}

/* NULL: memory is short, or too many wait. */
static struct pwned_store_read *read_push(struct pwned_store *store,
					  const struct pwned_digest *digest,
					  pwned_store_callback *callback,
					  void *context)
{
	struct pwned_store_read *read = calloc(1, sizeof(*read));

	if (read == NULL)
		return NULL;
	read->job = (struct pwned_job){ .run = read_run, .done = read_done };
	read->store = store;
	read->slots = store->slots;
	read->digest = *digest;
	read->callback = callback;
	read->context = context;
	read->since_msecs = store->loop->v->now_msecs(store->loop);
	if (!pwned_worker_push(store->reader, &read->job, PWNED_JOB_NOW)) {
		read_free(read);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&store->reads, read, entry);
	return read;
}

struct pwned_store_read *pwned_store_read(struct pwned_store *store,
					  const struct pwned_digest *digest,
					  pwned_store_callback *callback,
					  void *context)
{
	struct pwned_store_read *read = NULL;

	if (!pwned_store_is_stalled(store))
		read = read_push(store, digest, callback, context);
	if (read == NULL)
		skip(store);
	else
		watch_reads(store);
	return read;
}

void pwned_store_cancel(struct pwned_store_read **read)
{
	TAILQ_REMOVE(&(*read)->store->reads, *read, entry);
	read_drop(*read);
	*read = NULL;
}

void pwned_store_drop_reads(struct pwned_store *store)
{
	struct pwned_store_read *read;

	while ((read = TAILQ_FIRST(&store->reads)) != NULL) {
		TAILQ_REMOVE(&store->reads, read, entry);
		read_drop(read);
	}
	if (store->patience != NULL)
		store->loop->v->timer_remove(&store->patience);
}

bool pwned_store_reader_start(struct pwned_store *store)
{
	store->reader = pwned_worker_new(store->loop, QUEUE_MAX, 0, 0);
	return store->reader != NULL;
}
