/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A store for tests. */

#include "fake-store.h"
#include "unit.h"

struct pwned_store_read {
	bool running;
	struct pwned_digest digest;
	pwned_store_callback *callback;
	void *context;
};

struct pwned_store {
	struct pwned_range *range;
	struct pwned_store_read reads[FAKE_STORE_READS_MAX];
};

struct fake_store fake_store;
static struct pwned_store the_store;

struct pwned_store *pwned_store_new(const struct pwned_settings *set,
				    enum pwned_store_access access,
				    struct pwned_loop *loop,
				    const struct pwned_reporter *reporter,
				    struct pwned_counters *counters)
{
	(void)set;
	(void)access;
	(void)loop;
	(void)reporter;
	(void)counters;
	assert_null(the_store.range);
	fake_store = (struct fake_store){ .length = 0 };
	return &the_store;
}

void pwned_store_free(struct pwned_store **store)
{
	if (*store != NULL) {
		assert_int_equal(fake_store.reading, 0);
		pwned_range_unref(&the_store.range);
	}
	*store = NULL;
}

static void answer_write(uint64_t key, struct pwned_store_answer *answer_r)
{
	*answer_r = (struct pwned_store_answer){
		.count = pwned_range_find(the_store.range, key),
		.day = fake_store.day,
		.from_cache = fake_store.place == FAKE_STORE_IN_MEMORY,
		.block = pwned_range_block_of(the_store.range, key),
	};
}

static bool is_held(const struct pwned_digest *digest)
{
	return fake_store.place != FAKE_STORE_NOWHERE &&
	       pwned_range_label(the_store.range)->prefix == digest->prefix;
}

enum pwned_store_result pwned_store_find(struct pwned_store *store,
					 const struct pwned_digest *digest,
					 struct pwned_store_answer *answer_r)
{
	(void)store;
	if (fake_store.place == FAKE_STORE_ON_DISK)
		return PWNED_STORE_ON_DISK;
	if (!is_held(digest))
		return PWNED_STORE_MISS;
	answer_write(digest->key, answer_r);
	return PWNED_STORE_FOUND;
}

struct pwned_store_read *pwned_store_read(struct pwned_store *store,
					  const struct pwned_digest *digest,
					  pwned_store_callback *callback,
					  void *context)
{
	struct pwned_store_read *read = &store->reads[fake_store.length];

	if (fake_store.refuse)
		return NULL;
	assert_true(fake_store.length < FAKE_STORE_READS_MAX);
	*read = (struct pwned_store_read){ .running = true,
					   .digest = *digest,
					   .callback = callback,
					   .context = context };
	fake_store.length++;
	fake_store.reading++;
	return read;
}

static void read_end(struct pwned_store_read *read)
{
	assert_true(read->running);
	read->running = false;
	fake_store.reading--;
}

void pwned_store_cancel(struct pwned_store_read **read)
{
	read_end(*read);
	*read = NULL;
}

void fake_store_end(unsigned int number)
{
	struct pwned_store_read *read = &the_store.reads[number];
	struct pwned_store_answer answer;
	bool held = is_held(&read->digest);

	assert_true(number < fake_store.length);
	read_end(read);
	if (held)
		answer_write(read->digest.key, &answer);
	read->callback(read->context, held ? &answer : NULL);
}

void fake_store_hold(struct pwned_range *range, enum fake_store_place place,
		     uint32_t day)
{
	pwned_range_unref(&the_store.range);
	the_store.range = pwned_range_ref(range);
	fake_store.place = place;
	fake_store.day = day;
}

void pwned_store_add(struct pwned_store *store, struct pwned_range *range)
{
	(void)store;
	fake_store_hold(range, FAKE_STORE_IN_FILE,
			pwned_range_label(range)->day);
	fake_store.added++;
}

void pwned_store_remember(struct pwned_store *store,
			  const struct pwned_range *range, uint64_t key)
{
	(void)key;
	/* it was added before that */
	assert_ptr_equal(store->range, range);
	fake_store.place = FAKE_STORE_IN_MEMORY;
}

void pwned_store_renew(struct pwned_store *store,
		       const struct pwned_range_label *label)
{
	(void)store;
	fake_store.day = label->day;
	fake_store.renewed++;
	fake_store.renewed_label = *label;
}

void pwned_store_get_queue(const struct pwned_store *store,
			   struct pwned_store_queue *queue_r)
{
	(void)store;
	*queue_r = fake_store.queue;
}

const char *pwned_store_mode(const struct pwned_store *store)
{
	(void)store;
	return "memory";
}

bool pwned_store_is_busy(const struct pwned_store *store)
{
	(void)store;
	return false;
}
