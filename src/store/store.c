/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store as the loop sees it. */

#include "store-int.h"
#include "secret.h"
#include "age.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define REPORT_EVERY_MSECS 60000
/* At the end what is queued may take so long to be written, and reads so long
   to end. */
#define STOP_WRITER_MSECS 900
#define STOP_READER_MSECS 100

static uint64_t now_msecs(const struct pwned_store *store)
{
	return store->loop->v->now_msecs(store->loop);
}

void pwned_store_tell(struct pwned_store *store, enum pwned_store_fault fault,
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
static void open_visitor(struct pwned_store *store)
{
	struct pwned_error ignored;

	if (*store->set->store != '\0')
		store->slots = pwned_slots_open(store->set->store,
						PWNED_SLOTS_READ, &ignored);
}

static bool open_owner(struct pwned_store *store)
{
	store->cache = pwned_block_cache_new(store->set->cache_size);
	store->met = calloc(PWNED_PREFIX_COUNT / 8, 1);
	return store->cache != NULL && store->met != NULL &&
	       pwned_store_reader_start(store) &&
	       pwned_store_writer_start(store) && pwned_store_open(store);
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
	TAILQ_INIT(&store->reads);
	if (access == PWNED_STORE_VISITOR)
		open_visitor(store);
	else if (!open_owner(store))
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
	pwned_store_drop_reads(store);
	if (store->shrink != NULL)
		store->loop->v->timer_remove(&store->shrink);
	ended = pwned_worker_free(&store->writer, STOP_WRITER_MSECS);
	ended = pwned_worker_free(&store->reader, STOP_READER_MSECS) && ended;
	/* one that hangs at the disk still has them */
	if (ended)
		pwned_slots_close(&store->slots);
	pwned_block_cache_free(&store->cache);
	free(store->met);
	if (ended) {
		free(store->seed);
		free(store);
	}
}

void pwned_store_answer_from(const unsigned char *block, uint64_t key,
			     bool from_cache,
			     struct pwned_store_answer *answer_r)
{
	*answer_r = (struct pwned_store_answer){
		.count = pwned_block_find(block, key),
		.day = pwned_block_day(block),
		.from_cache = from_cache,
		.block = block,
	};
}

static bool is_fresh(const struct pwned_store *store,
		     const unsigned char *block)
{
	uint64_t now = store->loop->v->unix_secs(store->loop);

	return pwned_age_of(pwned_block_day(block), pwned_day_of(now),
			    store->set) == PWNED_AGE_FRESH;
}

/* Whether the loop may look at a slot itself. */
static bool is_at_hand(struct pwned_store *store, uint32_t prefix)
{
	return store->slots != NULL &&
	       (store->in_memory || store->access == PWNED_STORE_VISITOR ||
		(pwned_store_has_met(store, prefix) &&
		 !pwned_store_is_stalled(store)));
}

static bool has_tag(const unsigned char *block)
{
	struct pwned_range_label label;
	bool has;

	pwned_block_label(block, &label);
	has = *label.etag != '\0';
	pwned_wipe(&label, sizeof(label));
	return has;
}

/* What is old in memory may have been fetched by another process since, or have
   a tag in the file that its last answer lacked. Where to look might wait, the
   memory's is good enough: the source will be asked. */
static bool has_better(struct pwned_store *store,
		       const struct pwned_digest *digest,
		       const unsigned char *block)
{
	uint32_t day = pwned_block_day(block);

	if (is_fresh(store, block) || !is_at_hand(store, digest->prefix) ||
	    pwned_slots_find(store->slots, digest, false, store->block) !=
		    PWNED_SLOTS_FOUND)
		return false;
	return pwned_block_day(store->block) > day ||
	       (pwned_block_day(store->block) == day && !has_tag(block) &&
		has_tag(store->block));
}

static bool find_in_memory(struct pwned_store *store,
			   const struct pwned_digest *digest,
			   struct pwned_store_answer *answer_r)
{
	const unsigned char *block =
		pwned_block_cache_find(store->cache, digest);

	if (block == NULL || has_better(store, digest, block))
		return false;
	pwned_count(store->counters, PWNED_COUNT_FROM_CACHE);
	pwned_store_answer_from(block, digest->key, true, answer_r);
	return true;
}

/* In the file; what the kernel does not have at hand is for the thread. */
static enum pwned_store_result find_in_slots(
	struct pwned_store *store, const struct pwned_digest *digest,
	struct pwned_store_answer *answer_r)
{
	bool wait = store->access == PWNED_STORE_VISITOR;
	enum pwned_slots_result result = PWNED_SLOTS_MISS;

	if (is_at_hand(store, digest->prefix))
		result = pwned_slots_find(store->slots, digest, wait,
					  store->block);
	else if (store->slots != NULL)
		result = PWNED_SLOTS_WOULD_BLOCK;
	if (result == PWNED_SLOTS_WOULD_BLOCK)
		return PWNED_STORE_ON_DISK;
	pwned_store_count_read(store, result, errno);
	if (result != PWNED_SLOTS_FOUND)
		return PWNED_STORE_MISS;
	if (store->cache != NULL)
		pwned_block_cache_put(store->cache, store->block);
	pwned_store_answer_from(store->block, digest->key, store->in_memory,
				answer_r);
	return PWNED_STORE_FOUND;
}

enum pwned_store_result pwned_store_find(struct pwned_store *store,
					 const struct pwned_digest *digest,
					 struct pwned_store_answer *answer_r)
{
	if (store->cache != NULL) {
		pwned_store_look(store);
		if (find_in_memory(store, digest, answer_r))
			return PWNED_STORE_FOUND;
	}
	return find_in_slots(store, digest, answer_r);
}

void pwned_store_remember(struct pwned_store *store,
			  const struct pwned_range *range, uint64_t key)
{
	if (store->cache != NULL)
		pwned_block_cache_put(store->cache,
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
	return store->access == PWNED_STORE_OWNER &&
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
