/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that is written to the slots: by a thread. */

#include "store-int.h"
#include "secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Ranges that wait, of some 12 KB each. */
#define QUEUE_MAX 512
/* They are collected, and written in the order of their prefixes: which of them
   was fetched first is not to be seen in the file. */
#define BATCH_MSECS 1000
#define BATCH_MAX   64
/* How many ranges are removed for one that is written, and in a step by
   itself. */
#define ROOM_STEPS   4
#define SHRINK_STEPS 64
#define SHRINK_MSECS 100

enum write_kind {
	WRITE_RANGE,
	RENEW_RANGE,
	MAKE_ROOM,
};

struct write {
	struct pwned_job job; /* must be first */
	struct pwned_store *store;
	enum write_kind kind;
	struct pwned_range *range;      /* of WRITE_RANGE */
	struct pwned_range_label label; /* of RENEW_RANGE */

	/* what the thread works with */
	struct pwned_slots *slots;
	uint64_t max_bytes;
	pwned_slots_seed *seed;

	/* what came of it */
	enum pwned_slots_written written;
	enum pwned_slots_room room;
	bool had_no_room, was_full;
	unsigned int freed;
	int error;
};

static bool is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

static enum pwned_slots_room make_room(struct write *write, uint64_t max_bytes,
				       unsigned int steps_max)
{
	unsigned int freed;
	enum pwned_slots_room room = pwned_slots_make_room(
		write->slots, max_bytes, steps_max, write->seed, &freed);

	write->freed += freed;
	return room;
}

static void write_range(struct write *write)
{
	write->written = pwned_slots_write(write->slots, write->range);
	write->error = errno;
}

static void write_new_range(struct write *write)
{
	/* one that is there already takes no more room than it has */
	if (!pwned_slots_has(write->slots, write->job.order))
		write->room = make_room(write, write->max_bytes, ROOM_STEPS);
	write->had_no_room = write->room != PWNED_ROOM;
	if (write->had_no_room)
		return;
	write_range(write);
	write->was_full =
		write->written == PWNED_SLOTS_FAILED && is_full(write->error);
	if (!write->was_full)
		return;
	/* a full file system: what is old here makes room for what is new */
	(void)make_room(write, 1, ROOM_STEPS);
	if (write->freed > 0)
		write_range(write);
}

static void write_run(struct pwned_job *job)
{
	struct write *write = (struct write *)job;

	switch (write->kind) {
	case WRITE_RANGE:
		write_new_range(write);
		break;
	case RENEW_RANGE:
		write->written = pwned_slots_renew(write->slots, &write->label);
		write->error = errno;
		break;
	case MAKE_ROOM:
		write->room = make_room(write, write->max_bytes, SHRINK_STEPS);
		break;
	}
}

static void count_written(struct pwned_store *store, const struct write *write)
{
	if (write->had_no_room) {
		pwned_count(store->counters, PWNED_COUNT_NO_ROOM);
		return;
	}
	switch (write->written) {
	case PWNED_SLOTS_WRITTEN:
		pwned_count(store->counters, PWNED_COUNT_WRITTEN);
		if (write->was_full)
			pwned_store_tell(store, PWNED_FAULT_FULL,
					 "%s: the file system is full; old "
					 "ranges make room for new ones",
					 pwned_store_name(store));
		break;
	case PWNED_SLOTS_RENEWED:
		pwned_count(store->counters, PWNED_COUNT_RENEWED);
		break;
	case PWNED_SLOTS_FORGOTTEN:
		break;
	case PWNED_SLOTS_FAILED:
		pwned_count(store->counters, PWNED_COUNT_WRITE_ERRORS);
		pwned_store_tell(store,
				 is_full(write->error) ? PWNED_FAULT_FULL :
							 PWNED_FAULT_WRITE,
				 "%s: new ranges cannot be written: %s",
				 pwned_store_name(store),
				 strerror(write->error));
		break;
	}
}

/* Once: nothing that happens later makes it another fault. */
static void tell_impossible(struct pwned_store *store)
{
	if (store->told_impossible)
		return;
	store->told_impossible = true;
	pwned_report_store(store->reporter, PWNED_FAULT_FULL,
			   "pwned_store_max_size: the file system of the store "
			   "gives no space back, so no more ranges are kept "
			   "than there are");
}

/* A label tells a prefix. */
static void write_free(struct write *write)
{
	pwned_range_unref(&write->range);
	pwned_wipe(write, sizeof(*write));
	free(write);
}

static void write_done(struct pwned_job *job, bool ran)
{
	struct write *write = (struct write *)job;
	struct pwned_store *store = write->store;

	if (write->kind != MAKE_ROOM)
		store->queue_length--;
	else
		store->shrinking = false;
	if (ran) {
		for (unsigned int i = 0; i < write->freed; i++)
			pwned_count(store->counters, PWNED_COUNT_EVICTED);
		if (write->kind != MAKE_ROOM) {
			pwned_store_meet(store, write->job.order);
			count_written(store, write);
		}
		if (write->room == PWNED_ROOM_IMPOSSIBLE)
			tell_impossible(store);
		else if (write->room == PWNED_ROOM_NOT_YET)
			pwned_store_shrink_later(store);
	}
	write_free(write);
}

static struct write *write_new(struct pwned_store *store, enum write_kind kind)
{
	struct write *write = calloc(1, sizeof(*write));

	if (write == NULL)
		return NULL;
	write->job = (struct pwned_job){ .run = write_run, .done = write_done };
	write->store = store;
	write->kind = kind;
	write->slots = store->slots;
	write->seed = store->seed;
	write->max_bytes = store->in_memory ? store->set->cache_size :
					      store->set->store_max_size;
	return write;
}

static bool can_write(const struct pwned_store *store)
{
	return store->access == PWNED_STORE_OWNER && store->slots != NULL &&
	       pwned_slots_is_writable(store->slots);
}

static void on_shrink(void *context)
{
	struct pwned_store *store = context;
	struct write *write = write_new(store, MAKE_ROOM);

	store->shrink = NULL;
	store->shrinking =
		write != NULL &&
		pwned_worker_push(store->writer, &write->job, PWNED_JOB_NOW);
	if (!store->shrinking)
		free(write);
}

void pwned_store_shrink_later(struct pwned_store *store)
{
	if (store->shrink == NULL && !store->shrinking && !store->stopping &&
	    can_write(store))
		store->shrink = store->loop->v->timer_add(
			store->loop, SHRINK_MSECS, on_shrink, store);
}

static void write_push(struct pwned_store *store, struct write *write,
		       uint32_t prefix)
{
	if (write != NULL) {
		write->job.order = prefix;
		if (pwned_worker_push(store->writer, &write->job,
				      PWNED_JOB_BATCH)) {
			if (++store->queue_length > store->queue_max)
				store->queue_max = store->queue_length;
			return;
		}
		write_free(write);
	}
	pwned_count(store->counters, PWNED_COUNT_WRITES_DROPPED);
}

void pwned_store_add(struct pwned_store *store, struct pwned_range *range)
{
	struct write *write;

	if (!pwned_slots_fits(range))
		pwned_count(store->counters, PWNED_COUNT_TOO_LONG);
	if (!pwned_slots_fits(range) || !can_write(store))
		return;
	write = write_new(store, WRITE_RANGE);
	if (write != NULL)
		write->range = pwned_range_ref(range);
	write_push(store, write, pwned_range_label(range)->prefix);
}

void pwned_store_renew(struct pwned_store *store,
		       const struct pwned_range_label *label)
{
	struct write *write;

	if (store->cache != NULL)
		pwned_block_cache_renew(store->cache, label);
	if (!can_write(store))
		return;
	write = write_new(store, RENEW_RANGE);
	if (write != NULL)
		write->label = *label;
	write_push(store, write, label->prefix);
}

bool pwned_store_writer_start(struct pwned_store *store)
{
	store->seed = malloc(sizeof(*store->seed));
	store->writer = pwned_worker_new(store->loop, QUEUE_MAX, BATCH_MSECS,
					 BATCH_MAX);
	if (store->seed == NULL || store->writer == NULL)
		return false;
	*store->seed = store->loop->v->unix_secs(store->loop) | 1;
	return true;
}
