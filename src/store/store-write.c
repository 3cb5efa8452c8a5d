/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that is written to the file, and its opening: by a thread. */

#include "store-int.h"
#include "folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Ranges that wait, of some 12 KB each. */
#define QUEUE_MAX 512
/* They are collected, and written in the order of their prefixes: which of them
   was fetched first is not to be seen in the file. */
#define BATCH_MSECS 1000
#define BATCH_MAX   64
/* Writing a range takes a moment, unless the disk hangs. */
#define STALLED_MSECS 2000
/* A start waits so long for the file to be opened. */
#define OPEN_MSECS 500
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
	uint32_t prefix = pwned_range_label(write->range)->prefix;

	write->room = make_room(write, write->max_bytes, ROOM_STEPS);
	/* what is there already may stay, where nothing else may come */
	write->had_no_room = write->room != PWNED_ROOM &&
			     !pwned_slots_has(write->slots, prefix);
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
			pwned_store_fault(store, PWNED_STORE_FULL,
					  "%s: the file system is full; old "
					  "ranges make room for new ones",
					  pwned_store_name(store));
		break;
	case PWNED_SLOTS_RENEWED:
		pwned_count(store->counters, PWNED_COUNT_RENEWED);
		break;
	case PWNED_SLOTS_FORGOTTEN:
	case PWNED_SLOTS_TOO_LONG:
		break;
	case PWNED_SLOTS_FAILED:
		pwned_count(store->counters, PWNED_COUNT_WRITE_ERRORS);
		pwned_store_fault(store,
				  is_full(write->error) ? PWNED_STORE_FULL :
							  PWNED_STORE_WRITE,
				  "%s: new ranges cannot be written: %s",
				  pwned_store_name(store),
				  strerror(write->error));
		break;
	}
}

static void shrink_later(struct pwned_store *store);

/* Once: nothing that happens later makes it another fault. */
static void tell_impossible(struct pwned_store *store)
{
	if (store->told_impossible)
		return;
	store->told_impossible = true;
	pwned_report_store(store->reporter, PWNED_STORE_FULL,
			   "pwned_store_max_size: the file system of the store "
			   "gives no space back, so no more ranges are kept "
			   "than there are");
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
		if (write->kind != MAKE_ROOM)
			count_written(store, write);
		if (write->room == PWNED_ROOM_IMPOSSIBLE)
			tell_impossible(store);
		else if (write->room == PWNED_ROOM_NOT_YET)
			shrink_later(store);
	}
	pwned_range_unref(&write->range);
	free(write);
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
	return store->access == PWNED_STORE_WRITER && store->slots != NULL &&
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

static void shrink_later(struct pwned_store *store)
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
		pwned_range_unref(&write->range);
		free(write);
	}
	pwned_count(store->counters, PWNED_COUNT_WRITES_DROPPED);
}

void pwned_store_add(struct pwned_store *store, struct pwned_range *range)
{
	struct write *write;
	unsigned int total;

	(void)pwned_range_blocks(range, &total);
	if (total > PWNED_SLOT_BLOCKS)
		pwned_count(store->counters, PWNED_COUNT_TOO_LONG);
	if (total > PWNED_SLOT_BLOCKS || !can_write(store))
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

void pwned_store_watch_writer(struct pwned_store *store)
{
	if (pwned_worker_busy_msecs(store->writer) >= STALLED_MSECS)
		pwned_store_fault(store, PWNED_STORE_STALLED,
				  "%s: the disk does not answer; new ranges "
				  "wait for it, and are dropped where they are "
				  "too many",
				  pwned_store_name(store));
}

/* Opening, and opening anew. */
struct opening {
	struct pwned_job job; /* must be first */
	struct pwned_store *store;
	char *folder, *group;
	struct pwned_slots *slots; /* given: to be opened anew */
	bool in_memory, is_open;
	uint64_t generation;
	struct pwned_error problem;
};

/* Where the disk cannot be used, memory is. */
static void open_run(struct pwned_job *job)
{
	struct opening *opening = (struct opening *)job;
	struct pwned_error *problem = &opening->problem;

	if (*opening->folder != '\0' &&
	    pwned_folder_usable(opening->folder, opening->group, problem))
		opening->slots = pwned_slots_open(opening->folder,
						  PWNED_SLOTS_WRITE, problem);
	if (opening->slots == NULL) {
		opening->in_memory = true;
		opening->slots = pwned_slots_open_memory();
	}
	if (opening->slots != NULL)
		(void)pwned_slots_generation(opening->slots,
					     &opening->generation);
}

static void reopen_run(struct pwned_job *job)
{
	struct opening *opening = (struct opening *)job;
	struct pwned_error *problem = &opening->problem;

	opening->is_open =
		pwned_folder_usable(opening->folder, opening->group, problem) &&
		pwned_slots_reopen(opening->slots, problem);
	if (opening->is_open)
		(void)pwned_slots_generation(opening->slots,
					     &opening->generation);
}

static void opening_free(struct opening *opening)
{
	free(opening->folder);
	free(opening->group);
	free(opening);
}

static void open_done(struct pwned_job *job, bool ran)
{
	struct opening *opening = (struct opening *)job;
	struct pwned_store *store = opening->store;

	if (ran) {
		store->slots = opening->slots;
		store->in_memory = opening->in_memory;
		store->generation = opening->generation;
		if (*opening->problem.text != '\0')
			pwned_store_fault(store, PWNED_STORE_OPEN, "%s%s",
					  opening->problem.text,
					  opening->in_memory ?
						  "; ranges are kept in memory "
						  "only" :
						  "");
		/* the bound may be another one now */
		shrink_later(store);
	}
	opening_free(opening);
}

static void reopen_done(struct pwned_job *job, bool ran)
{
	struct opening *opening = (struct opening *)job;
	struct pwned_store *store = opening->store;

	store->reopening = false;
	if (ran && opening->is_open) {
		/* whoever removes it means what was in it */
		store->generation = opening->generation;
		pwned_block_cache_clear(store->cache);
	}
	if (ran && *opening->problem.text != '\0')
		pwned_store_fault(store, PWNED_STORE_OPEN, "%s",
				  opening->problem.text);
	opening_free(opening);
}

static struct opening *opening_new(struct pwned_store *store)
{
	struct opening *opening = calloc(1, sizeof(*opening));

	if (opening == NULL)
		return NULL;
	opening->store = store;
	opening->folder = strdup(store->set->store);
	opening->group = strdup(store->set->store_group);
	if (opening->folder == NULL || opening->group == NULL) {
		opening_free(opening);
		return NULL;
	}
	return opening;
}

void pwned_store_reopen(struct pwned_store *store)
{
	struct opening *opening;

	pwned_store_fault(store, PWNED_STORE_REMOVED,
			  "%s: its file was removed or cut; what is "
			  "gone is fetched again",
			  pwned_store_name(store));
	opening = store->reopening ? NULL : opening_new(store);
	if (opening == NULL)
		return;
	opening->job =
		(struct pwned_job){ .run = reopen_run, .done = reopen_done };
	opening->slots = store->slots;
	store->reopening =
		pwned_worker_push(store->writer, &opening->job, PWNED_JOB_NOW);
	if (!store->reopening)
		opening_free(opening);
}

bool pwned_store_writer_start(struct pwned_store *store)
{
	struct opening *opening = opening_new(store);

	store->seed = malloc(sizeof(*store->seed));
	store->writer = pwned_worker_new(store->loop, QUEUE_MAX, BATCH_MSECS,
					 BATCH_MAX);
	if (opening == NULL || store->writer == NULL || store->seed == NULL) {
		if (opening != NULL)
			opening_free(opening);
		return false;
	}
	*store->seed = store->loop->v->unix_secs(store->loop) | 1;
	opening->job = (struct pwned_job){ .run = open_run, .done = open_done };
	(void)pwned_worker_push(store->writer, &opening->job, PWNED_JOB_NOW);
	/* off the login path still; a disk that hangs will be told */
	if (!pwned_worker_settle(store->writer, OPEN_MSECS))
		pwned_store_fault(store, PWNED_STORE_STALLED,
				  "%s: the disk does not answer; nothing is "
				  "read from it until it does",
				  pwned_store_name(store));
	return true;
}
