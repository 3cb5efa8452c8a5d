/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store as the loop sees it. */

#include "store-int.h"
#include "age.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define REPORT_EVERY_MSECS 60000
#define LOOK_EVERY_MSECS   1000
/* At the end what is queued may take so long to be written, and reads so long
   to end. */
#define STOP_WRITER_MSECS 900
#define STOP_READER_MSECS 100

static uint64_t now_msecs(const struct pwned_store *store)
{
	return store->loop->v->now_msecs(store->loop);
}

void pwned_store_fault(struct pwned_store *store, enum pwned_store_fault fault,
		       const char *format, ...)
{
	uint64_t now = now_msecs(store);
	char text[512];
	va_list args;

	if (now < store->next_report_msecs[fault])
		return;
	store->next_report_msecs[fault] = now + REPORT_EVERY_MSECS;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pwned_report_store(store->reporter, fault, text);
}

/* For programs that do one thing and end: no threads, no memory of blocks, and
   no complaint where there is nothing for them to read. */
static void open_reader(struct pwned_store *store)
{
	struct pwned_error ignored;

	if (*store->set->store != '\0')
		store->slots = pwned_slots_open(store->set->store,
						PWNED_SLOTS_READ, &ignored);
}

static bool open_writer(struct pwned_store *store)
{
	store->cache = pwned_block_cache_new(store->set->cache_size);
	return store->cache != NULL && pwned_store_reader_start(store) &&
	       pwned_store_writer_start(store);
}

struct pwned_store *pwned_store_new(const struct pwned_settings *set,
				    enum pwned_store_access access,
				    struct pwned_loop *loop,
				    const struct pwned_reporter *reporter,
				    struct pwned_counters *counters)
{
	struct pwned_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->set = set;
	store->loop = loop;
	store->reporter = reporter;
	store->counters = counters;
	store->access = access;
	if (access == PWNED_STORE_READER)
		open_reader(store);
	else if (!open_writer(store))
		pwned_store_free(&store);
	return store;
}

void pwned_store_free(struct pwned_store **_store)
{
	struct pwned_store *store = *_store;
	bool ended;

	*_store = NULL;
	if (store == NULL)
		return;
	store->stopping = true;
	if (store->shrink != NULL)
		store->loop->v->timer_remove(&store->shrink);
	ended = pwned_worker_free(&store->writer, STOP_WRITER_MSECS);
	ended = pwned_worker_free(&store->reader, STOP_READER_MSECS) && ended;
	/* one that hangs at the disk still has them */
	if (ended)
		pwned_slots_close(&store->slots);
	pwned_block_cache_free(&store->cache);
	if (ended) {
		free(store->seed);
		free(store);
	}
}

static void look_at_times(struct pwned_store *store)
{
	uint64_t now = now_msecs(store);

	if (now < store->next_look_msecs)
		return;
	store->next_look_msecs = now + LOOK_EVERY_MSECS;
	pwned_store_look(store);
	pwned_store_watch_writer(store);
}

void pwned_store_answer_from(const unsigned char *block, uint64_t key,
			     bool from_memory,
			     struct pwned_store_answer *answer_r)
{
	*answer_r = (struct pwned_store_answer){
		.count = pwned_block_find(block, key),
		.day = pwned_block_day(block),
		.from_memory = from_memory,
		.block = block,
	};
}

void pwned_store_keep(struct pwned_store *store,
		      const struct pwned_digest *digest,
		      const unsigned char *block)
{
	pwned_block_cache_put(
		store->cache, digest->prefix,
		pwned_block_index_of(digest->key, pwned_block_total(block)),
		block);
}

static bool is_fresh(const struct pwned_store *store,
		     const unsigned char *block)
{
	uint64_t now = store->loop->v->unix_secs(store->loop);

	return pwned_age_of(pwned_block_day(block), pwned_day_of(now),
			    store->set) == PWNED_AGE_FRESH;
}

/* What is old in memory may have been fetched by another process since. */
static bool has_newer(struct pwned_store *store,
		      const struct pwned_digest *digest,
		      const unsigned char *block)
{
	return !is_fresh(store, block) && store->slots != NULL &&
	       pwned_slots_find(store->slots, digest, false, store->block) ==
		       PWNED_SLOTS_FOUND &&
	       pwned_block_day(store->block) > pwned_block_day(block);
}

static bool find_in_memory(struct pwned_store *store,
			   const struct pwned_digest *digest,
			   struct pwned_store_answer *answer_r)
{
	const unsigned char *block =
		pwned_block_cache_find(store->cache, digest);

	if (block == NULL || has_newer(store, digest, block))
		return false;
	pwned_count(store->counters, PWNED_COUNT_FROM_MEMORY);
	pwned_store_answer_from(block, digest->key, true, answer_r);
	return true;
}

/* In the file; what the kernel does not have at hand is for the thread. */
static enum pwned_store_result find_in_slots(
	struct pwned_store *store, const struct pwned_digest *digest,
	struct pwned_store_answer *answer_r)
{
	bool wait = store->access == PWNED_STORE_READER;
	enum pwned_slots_result result = PWNED_SLOTS_MISS;

	if (store->slots != NULL)
		result = pwned_slots_find(store->slots, digest, wait,
					  store->block);
	if (result == PWNED_SLOTS_WOULD_BLOCK)
		return PWNED_STORE_ON_DISK;
	pwned_store_count_read(store, result, errno);
	if (result != PWNED_SLOTS_FOUND)
		return PWNED_STORE_MISS;
	if (store->cache != NULL)
		pwned_store_keep(store, digest, store->block);
	pwned_store_answer_from(store->block, digest->key, store->in_memory,
				answer_r);
	return PWNED_STORE_FOUND;
}

enum pwned_store_result pwned_store_find(struct pwned_store *store,
					 const struct pwned_digest *digest,
					 struct pwned_store_answer *answer_r)
{
	if (store->cache != NULL) {
		look_at_times(store);
		if (find_in_memory(store, digest, answer_r))
			return PWNED_STORE_FOUND;
	}
	return find_in_slots(store, digest, answer_r);
}

void pwned_store_remember(struct pwned_store *store,
			  const struct pwned_range *range, uint64_t key)
{
	unsigned int total;

	(void)pwned_range_blocks(range, &total);
	if (store->cache != NULL)
		pwned_block_cache_put(store->cache,
				      pwned_range_label(range)->prefix,
				      pwned_block_index_of(key, total),
				      pwned_range_block_of(range, key));
}

void pwned_store_get_queue(const struct pwned_store *store,
			   struct pwned_store_queue *queue_r)
{
	*queue_r = (struct pwned_store_queue){
		.length = store->queue_length,
		.length_max = store->queue_max,
	};
}

bool pwned_store_is_busy(const struct pwned_store *store)
{
	return store->access == PWNED_STORE_WRITER &&
	       (pwned_worker_length(store->writer) > 0 ||
		pwned_worker_length(store->reader) > 0);
}

const char *pwned_store_mode(const struct pwned_store *store)
{
	if (store->slots == NULL)
		return "closed";
	if (store->in_memory)
		return "memory";
	return pwned_slots_is_writable(store->slots) ? "disk" : "read-only";
}
