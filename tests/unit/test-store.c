/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store as the loop sees it. */

#include "support/contents.h"
#include "support/fake-loop.h"
#include "support/store-fixture.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "slot-survey.h"
#include "store-int.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX 0xabcdeU
#define TAG    "\"one\""

static char nowhere[] = "";

static struct pwned_range_label label_of(const struct store_fixture *fixture,
					 uint32_t days_ago)
{
	return content_label(PREFIX, store_fixture_today(fixture) - days_ago,
			     TAG);
}

static void add(struct store_fixture *fixture, uint32_t days_ago, uint32_t seed)
{
	struct pwned_range_label label = label_of(fixture, days_ago);

	store_fixture_add(fixture, &label, seed, 1950);
}

static void remember(struct store_fixture *fixture, uint32_t days_ago,
		     uint32_t seed, size_t length, size_t i)
{
	struct pwned_range_label label = label_of(fixture, days_ago);
	struct pwned_range *range = content_range(seed, length, &label);

	pwned_store_remember(fixture->store, range, content_key(seed, i));
	pwned_range_unref(&range);
}

static void assert_found(struct store_fixture *fixture, uint32_t days_ago,
			 uint32_t seed, size_t i, bool from_cache)
{
	struct pwned_store_answer answer;

	assert_true(store_fixture_find(fixture, PREFIX, seed, i, &answer));
	assert_int_equal(answer.count, content_count(i));
	assert_int_equal(answer.day, store_fixture_today(fixture) - days_ago);
	assert_int_equal(answer.from_cache, from_cache);
}

static bool is_found(struct store_fixture *fixture, uint32_t seed, size_t i)
{
	struct pwned_store_answer answer;

	return store_fixture_find(fixture, PREFIX, seed, i, &answer);
}

static const char *file_in(void **state)
{
	static char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", (char *)*state,
		       PWNED_SLOTS_FILE);
	return path;
}

static void without_a_folder_memory_is_used(void **state)
{
	struct store_fixture fixture;

	(void)state;
	store_fixture_init(&fixture, nowhere);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	assert_string_equal(pwned_store_mode(fixture.store), "memory");
	assert_false(is_found(&fixture, 1, 7));
	add(&fixture, 3, 1);
	for (size_t i = 0; i < 1950; i++)
		assert_found(&fixture, 3, 1, i, true);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_MISSES),
			 1);
	assert_int_equal(
		store_fixture_counted(&fixture, PWNED_COUNT_FROM_CACHE), 1950);
	assert_int_equal(
		store_fixture_counted(&fixture, PWNED_COUNT_FROM_STORE), 0);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_WRITTEN),
			 1);
	pwned_store_free(&fixture.store);
	assert_null(fixture.store);

	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	assert_false(is_found(&fixture, 1, 7));
	store_fixture_look(&fixture);
	store_fixture_assert_no_faults(&fixture);
	store_fixture_free(&fixture);
}

static void memory_is_bounded(void **state)
{
	struct store_fixture fixture;

	(void)state;
	store_fixture_init(&fixture, nowhere);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	for (uint32_t i = 0; i < 200; i++) {
		struct pwned_range_label label = content_label(i, 19000, TAG);

		store_fixture_add(&fixture, &label, i, 1950);
	}
	assert_in_range(store_fixture_counted(&fixture, PWNED_COUNT_EVICTED),
			200 - 90, 200 - 70);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_WRITTEN),
			 200);
	store_fixture_assert_no_faults(&fixture);
	store_fixture_free(&fixture);
}

static void what_is_added_outlives_the_process(void **state)
{
	struct store_fixture fixture;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	assert_string_equal(pwned_store_mode(fixture.store), "disk");
	add(&fixture, 3, 1);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_WRITTEN),
			 1);
	pwned_store_free(&fixture.store);

	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	assert_found(&fixture, 3, 1, 7, false);
	/* and now it stands in memory */
	assert_found(&fixture, 3, 1, 7, true);
	assert_int_equal(
		store_fixture_counted(&fixture, PWNED_COUNT_FROM_STORE), 1);
	assert_int_equal(
		store_fixture_counted(&fixture, PWNED_COUNT_FROM_CACHE), 1);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_MISSES),
			 0);
	store_fixture_assert_no_faults(&fixture);
	store_fixture_free(&fixture);
}

/* What waits is written at the end. */
static void the_queue_is_written_at_the_end(void **state)
{
	struct store_fixture fixture;
	struct pwned_range_label label;
	struct pwned_range *range;
	struct pwned_store_queue queue;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	label = label_of(&fixture, 1);
	range = content_range(1, 1950, &label);
	pwned_store_add(fixture.store, range);
	pwned_range_unref(&range);
	pwned_store_get_queue(fixture.store, &queue);
	assert_int_equal(queue.length, 1);
	assert_int_equal(queue.length_max, 1);
	pwned_store_free(&fixture.store);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_WRITTEN),
			 1);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	assert_found(&fixture, 1, 1, 7, false);
	store_fixture_free(&fixture);
}

static void a_batch_is_written_in_a_second(void **state)
{
	struct store_fixture fixture;
	struct pwned_range_label label;
	struct pwned_range *range;
	struct pwned_store_queue queue = { .length = 1 };

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	label = label_of(&fixture, 1);
	range = content_range(1, 1950, &label);
	pwned_store_add(fixture.store, range);
	pwned_range_unref(&range);
	for (unsigned int i = 0; i < 100 && queue.length > 0; i++) {
		fake_loop_serve_msecs(fixture.loop, 100);
		pwned_store_get_queue(fixture.store, &queue);
	}
	assert_int_equal(queue.length, 0);
	assert_int_equal(queue.length_max, 1);
	assert_found(&fixture, 1, 1, 7, false);
	store_fixture_free(&fixture);
}

static void what_was_fetched_is_remembered(void **state)
{
	struct store_fixture fixture;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	remember(&fixture, 2, 1, 1950, 7);
	assert_found(&fixture, 2, 1, 7, true);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_WRITTEN),
			 0);
	store_fixture_free(&fixture);
}

static void one_too_long_is_remembered_alone(void **state)
{
	struct store_fixture fixture;
	struct pwned_range_label label;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	label = label_of(&fixture, 1);
	store_fixture_add(&fixture, &label, 1, 9000);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_TOO_LONG),
			 1);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_WRITTEN),
			 0);
	assert_false(is_found(&fixture, 1, 8000));
	remember(&fixture, 1, 1, 9000, 8000);
	assert_found(&fixture, 1, 1, 8000, true);
	store_fixture_assert_no_faults(&fixture);
	store_fixture_free(&fixture);
}

/* Another auth may have fetched what is old in this one's memory. */
static void newer_on_disk_goes_before_older_in_memory(void **state)
{
	struct store_fixture ours, theirs;

	store_fixture_init(&ours, *state);
	store_fixture_open(&ours, PWNED_STORE_OWNER);
	store_fixture_init(&theirs, *state);
	store_fixture_open(&theirs, PWNED_STORE_OWNER);
	add(&ours, 8, 1);
	assert_found(&ours, 8, 1, 7, false);
	assert_found(&ours, 8, 1, 7, true);
	add(&theirs, 0, 1);
	if (pwned_slots_needs_thread(ours.store->slots)) {
		/* to look might wait: the source is asked behind the login */
		assert_found(&ours, 8, 1, 7, true);
	} else {
		assert_found(&ours, 0, 1, 7, false);
		assert_found(&ours, 0, 1, 7, true);
	}

	/* what is fresh is not looked at again */
	add(&theirs, 0, 2);
	remember(&ours, 6, 1, 1950, 7);
	assert_found(&ours, 6, 1, 7, true);
	/* and what is not newer is no gain */
	add(&theirs, 8, 2);
	remember(&ours, 8, 1, 1950, 7);
	assert_found(&ours, 8, 1, 7, true);
	store_fixture_assert_no_faults(&ours);
	store_fixture_free(&ours);
	store_fixture_free(&theirs);
}

static void a_tag_renews_memory_and_disk(void **state)
{
	struct store_fixture fixture;
	struct pwned_range_label label;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	add(&fixture, 9, 1);
	assert_found(&fixture, 9, 1, 7, false);
	label = label_of(&fixture, 0);
	pwned_store_renew(fixture.store, &label);
	assert_found(&fixture, 0, 1, 7, true);
	store_fixture_settle(&fixture);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_RENEWED),
			 1);
	pwned_store_free(&fixture.store);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	for (size_t i = 0; i < 1950; i++)
		assert_true(is_found(&fixture, 1, i));
	assert_found(&fixture, 0, 1, 7, true);

	/* another tag: what is there is not what the source means */
	label = content_label(PREFIX, label.day, "\"two\"");
	pwned_store_renew(fixture.store, &label);
	store_fixture_settle(&fixture);
	pwned_store_free(&fixture.store);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	assert_false(is_found(&fixture, 1, 7));
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_RENEWED),
			 1);
	store_fixture_free(&fixture);
}

static void a_full_queue_drops(void **state)
{
	struct store_fixture fixture;
	struct pwned_store_queue queue;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	/* while the loop does not run, nothing leaves it */
	for (uint32_t i = 0; i < 600; i++) {
		struct pwned_range_label label = content_label(i, 19000, TAG);
		struct pwned_range *range = content_range(i, 10, &label);

		pwned_store_add(fixture.store, range);
		pwned_range_unref(&range);
	}
	pwned_store_get_queue(fixture.store, &queue);
	assert_int_equal(queue.length, 512);
	assert_int_equal(
		store_fixture_counted(&fixture, PWNED_COUNT_WRITES_DROPPED),
		88);
	store_fixture_settle(&fixture);
	pwned_store_get_queue(fixture.store, &queue);
	assert_int_equal(queue.length, 0);
	assert_int_equal(queue.length_max, 512);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_WRITTEN),
			 512);
	store_fixture_assert_no_faults(&fixture);
	store_fixture_free(&fixture);
}

static void assert_empty(void **state)
{
	DIR *dir = opendir(*state);
	unsigned int entries = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		entries++;
	assert_int_equal(closedir(dir), 0);
	assert_int_equal(entries, 2);
}

static void a_visitor_reads_and_nothing_else(void **state)
{
	struct store_fixture owner, visitor;
	struct pwned_range_label label;

	store_fixture_init(&visitor, *state);
	store_fixture_open(&visitor, PWNED_STORE_VISITOR);
	assert_string_equal(pwned_store_mode(visitor.store), "closed");
	assert_false(is_found(&visitor, 1, 7));
	add(&visitor, 0, 1);
	assert_false(is_found(&visitor, 1, 7));
	assert_empty(state);
	pwned_store_free(&visitor.store);

	store_fixture_init(&owner, *state);
	store_fixture_open(&owner, PWNED_STORE_OWNER);
	add(&owner, 3, 1);
	store_fixture_open(&visitor, PWNED_STORE_VISITOR);
	assert_string_equal(pwned_store_mode(visitor.store), "read-only");
	/* it waits itself, and remembers nothing */
	for (unsigned int i = 0; i < 2; i++) {
		struct pwned_digest digest = content_digest(PREFIX, 1, 7);
		struct pwned_store_answer answer;

		assert_int_equal(
			pwned_store_find(visitor.store, &digest, &answer),
			PWNED_STORE_FOUND);
		assert_int_equal(answer.count, content_count(7));
		assert_false(answer.from_cache);
	}
	label = label_of(&visitor, 0);
	pwned_store_renew(visitor.store, &label);
	add(&visitor, 0, 2);
	remember(&visitor, 0, 2, 1950, 7);
	assert_found(&visitor, 3, 1, 7, false);
	store_fixture_assert_no_faults(&visitor);
	store_fixture_free(&visitor);
	store_fixture_free(&owner);
}

static void an_unusable_folder_is_told_of_once(void **state)
{
	struct store_fixture fixture;

	assert_int_equal(chmod(*state, 0777), 0);
	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_OPEN, 1);
	assert_non_null(strstr(fixture.fault, *state));
	assert_non_null(strstr(fixture.fault, "in memory only"));
	assert_string_equal(pwned_store_mode(fixture.store), "memory");
	assert_empty(state);
	add(&fixture, 3, 1);
	assert_found(&fixture, 3, 1, 7, true);
	fake_loop_advance(fixture.loop, 100000);
	store_fixture_look(&fixture);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_OPEN, 1);
	store_fixture_free(&fixture);
}

static void a_read_only_file_is_read(void **state)
{
	struct store_fixture fixture;
	uid_t before = geteuid();

	if (before == 0) {
		assert_int_equal(chown(*state, 64201, (gid_t)-1), 0);
		assert_int_equal(seteuid(64201), 0);
	}
	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	add(&fixture, 3, 1);
	pwned_store_free(&fixture.store);
	assert_int_equal(chmod(file_in(state), 0444), 0);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	assert_string_equal(pwned_store_mode(fixture.store), "read-only");
	store_fixture_assert_faults(&fixture, PWNED_FAULT_OPEN, 1);
	add(&fixture, 0, 2);
	assert_found(&fixture, 3, 1, 7, false);
	fake_loop_advance(fixture.loop, 1000);
	store_fixture_look(&fixture);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_OPEN, 1);
	store_fixture_free(&fixture);
	assert_int_equal(seteuid(before), 0);
}

static void a_removed_file_is_made_anew(void **state)
{
	struct store_fixture fixture;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	add(&fixture, 0, 1);
	assert_found(&fixture, 0, 1, 7, false);
	store_fixture_look(&fixture);
	store_fixture_assert_no_faults(&fixture);

	assert_int_equal(unlink(file_in(state)), 0);
	store_fixture_look(&fixture);
	store_fixture_settle(&fixture);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_REMOVED, 1);
	assert_non_null(strstr(fixture.fault, *state));
	assert_int_equal(access(file_in(state), F_OK), 0);
	/* whoever removes it means what is in memory, too */
	assert_false(is_found(&fixture, 1, 7));
	add(&fixture, 0, 2);
	assert_found(&fixture, 0, 2, 7, false);
	assert_string_equal(pwned_store_mode(fixture.store), "disk");
	store_fixture_look(&fixture);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_REMOVED, 1);

	/* cut is as good as removed; told once a minute */
	assert_int_equal(truncate(file_in(state), 0), 0);
	store_fixture_look(&fixture);
	store_fixture_settle(&fixture);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_REMOVED, 1);
	assert_false(is_found(&fixture, 2, 7));
	add(&fixture, 0, 3);
	assert_found(&fixture, 0, 3, 7, false);
	fake_loop_advance(fixture.loop, 60000);
	assert_int_equal(unlink(file_in(state)), 0);
	store_fixture_look(&fixture);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_REMOVED, 2);
	store_fixture_free(&fixture);
}

/* Until there is a folder again that may be used. */
static void a_removed_folder_is_waited_for(void **state)
{
	struct store_fixture fixture;
	char tag[160];

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	(void)snprintf(tag, sizeof(tag), "%s/CACHEDIR.TAG", (char *)*state);
	assert_int_equal(unlink(file_in(state)), 0);
	assert_int_equal(unlink(tag), 0);
	assert_int_equal(rmdir(*state), 0);
	for (unsigned int i = 0; i < 3; i++) {
		store_fixture_look(&fixture);
		store_fixture_settle(&fixture);
	}
	assert_int_equal(fixture.faults[PWNED_FAULT_REMOVED], 1);
	assert_int_equal(fixture.faults[PWNED_FAULT_OPEN], 1);
	/* one that others may write in is none of ours */
	assert_int_equal(mkdir(*state, 0700), 0);
	assert_int_equal(chmod(*state, 0777), 0);
	store_fixture_look(&fixture);
	store_fixture_settle(&fixture);
	assert_empty(state);
	assert_int_equal(chmod(*state, 0700), 0);
	store_fixture_look(&fixture);
	store_fixture_settle(&fixture);
	add(&fixture, 0, 1);
	assert_found(&fixture, 0, 1, 7, false);
	assert_int_equal(access(file_in(state), F_OK), 0);
	store_fixture_free(&fixture);
}

static void a_purge_reaches_memory_within_a_second(void **state)
{
	struct store_fixture fixture;
	struct pwned_error error;
	uint64_t purged;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	add(&fixture, 0, 1);
	assert_found(&fixture, 0, 1, 7, false);
	store_fixture_look(&fixture);
	assert_found(&fixture, 0, 1, 7, true);
	assert_true(pwned_store_purge(*state, UINT32_MAX, &purged, &error));
	assert_int_equal(purged, 1);
	assert_found(&fixture, 0, 1, 7, true);
	store_fixture_look(&fixture);
	assert_false(is_found(&fixture, 1, 7));
	store_fixture_assert_no_faults(&fixture);
	store_fixture_free(&fixture);
}

static void flip(void **state, unsigned int index)
{
	int fd = open(file_in(state), O_RDWR);
	off_t at = ((off_t)PREFIX + 1) * PWNED_SLOT_BYTES +
		   index * PWNED_BLOCK_BYTES + 999;
	unsigned char byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	assert_int_equal(close(fd), 0);
}

static void damage_is_a_miss_and_told(void **state)
{
	struct store_fixture fixture;
	unsigned int i, misses = 0;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	add(&fixture, 0, 1);
	flip(state, 1);
	for (i = 0; i < 1950; i++)
		misses += !is_found(&fixture, 1, i);
	assert_in_range(misses, 550, 750);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_MISSES),
			 misses);
	assert_int_equal(
		store_fixture_counted(&fixture, PWNED_COUNT_DAMAGED_BLOCKS),
		misses);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_DAMAGED, 1);
	fake_loop_advance(fixture.loop, 60000);
	for (i = 0; i < 1950; i++)
		(void)is_found(&fixture, 1, i);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_DAMAGED, 2);
	/* what is fetched again is right again */
	add(&fixture, 0, 2);
	for (i = 0; i < 1950; i++)
		assert_true(is_found(&fixture, 2, i));
	store_fixture_free(&fixture);
}

static void two_auths_share_a_store(void **state)
{
	struct store_fixture one, two;

	store_fixture_init(&one, *state);
	store_fixture_open(&one, PWNED_STORE_OWNER);
	store_fixture_init(&two, *state);
	store_fixture_open(&two, PWNED_STORE_OWNER);
	assert_string_equal(pwned_store_mode(two.store), "disk");
	for (uint32_t i = 0; i < 20; i++) {
		struct store_fixture *whose = i % 2 == 0 ? &one : &two;
		struct store_fixture *other = i % 2 == 0 ? &two : &one;
		struct pwned_range_label label =
			content_label(i / 2, 19000 + i, TAG);
		struct pwned_store_answer answer;

		store_fixture_add(whose, &label, i, 1950);
		assert_true(store_fixture_find(other, i / 2, i, 9, &answer));
		assert_int_equal(answer.day, 19000 + i);
	}
	store_fixture_free(&one);
	/* the one that is left goes on */
	add(&two, 0, 99);
	assert_found(&two, 0, 99, 7, false);
	store_fixture_assert_no_faults(&two);
	store_fixture_free(&two);
}

static void on_read_twice(void *context,
			  const struct pwned_store_answer *answer)
{
	unsigned int *calls = context;

	(void)answer;
	(*calls)++;
}

static void a_read_can_be_cancelled(void **state)
{
	struct store_fixture fixture;
	struct pwned_digest digest = content_digest(PREFIX, 1, 7);
	struct pwned_store_read *read;
	unsigned int calls = 0;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	add(&fixture, 0, 1);
	read = pwned_store_read(fixture.store, &digest, on_read_twice, &calls);
	assert_non_null(read);
	assert_int_equal(calls, 0);
	pwned_store_cancel(&read);
	assert_null(read);
	store_fixture_settle(&fixture);
	assert_int_equal(calls, 0);
	/* and is no look-up */
	assert_int_equal(
		store_fixture_counted(&fixture, PWNED_COUNT_FROM_STORE), 0);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_MISSES),
			 0);

	assert_non_null(pwned_store_read(fixture.store, &digest, on_read_twice,
					 &calls));
	store_fixture_settle(&fixture);
	assert_int_equal(calls, 1);
	/* the end of the store is one of all reads */
	assert_non_null(pwned_store_read(fixture.store, &digest, on_read_twice,
					 &calls));
	store_fixture_free(&fixture);
	assert_int_equal(calls, 1);
}

/* What was fetched while the disk was read is newer. */
static void a_read_does_not_undo_a_fetch(void **state)
{
	struct store_fixture fixture;
	struct pwned_digest digest = content_digest(PREFIX, 1, 7);
	unsigned int calls = 0;

	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	add(&fixture, 5, 1);
	assert_non_null(pwned_store_read(fixture.store, &digest, on_read_twice,
					 &calls));
	remember(&fixture, 0, 1, 1950, 7);
	store_fixture_settle(&fixture);
	assert_int_equal(calls, 1);
	assert_found(&fixture, 0, 1, 7, true);
	store_fixture_free(&fixture);
}

static uint64_t bytes_on_disk(void **state)
{
	struct stat st;

	assert_int_equal(stat(file_in(state), &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static void the_bound_holds_when_it_is_lowered(void **state)
{
	struct store_fixture fixture;

	store_fixture_init(&fixture, *state);
	fixture.set.store_max_size = 4 << 20;
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	for (uint32_t i = 0; i < 500; i++) {
		struct pwned_range_label label = content_label(i, 19000, TAG);
		struct pwned_range *range = content_range(i, 1950, &label);

		pwned_store_add(fixture.store, range);
		pwned_range_unref(&range);
		if (i % 50 == 0)
			store_fixture_settle(&fixture);
	}
	store_fixture_settle(&fixture);
	assert_in_range(bytes_on_disk(state), 3 << 20, 4 << 20);
	assert_int_equal(store_fixture_counted(&fixture, PWNED_COUNT_WRITTEN),
			 500);
	assert_in_range(store_fixture_counted(&fixture, PWNED_COUNT_EVICTED),
			150, 200);
	pwned_store_free(&fixture.store);

	/* at the next start, in steps, without a write */
	fixture.set.store_max_size = 1 << 20;
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	for (unsigned int i = 0; i < 6; i++) {
		fake_loop_advance(fixture.loop, 100);
		store_fixture_settle(&fixture);
	}
	assert_in_range(bytes_on_disk(state), 1 << 19, 1 << 20);
	store_fixture_assert_no_faults(&fixture);
	store_fixture_free(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_folder_memory_is_used),
		cmocka_unit_test(memory_is_bounded),
		UNIT_TEST_ON_BOTH(what_is_added_outlives_the_process),
		UNIT_TEST_ON_BOTH(the_queue_is_written_at_the_end),
		UNIT_TEST_ON_BOTH(a_batch_is_written_in_a_second),
		UNIT_TEST_ON_BOTH(what_was_fetched_is_remembered),
		UNIT_TEST_ON_BOTH(one_too_long_is_remembered_alone),
		UNIT_TEST_ON_BOTH(newer_on_disk_goes_before_older_in_memory),
		UNIT_TEST_ON_BOTH(a_tag_renews_memory_and_disk),
		UNIT_TEST_ON_BOTH(a_full_queue_drops),
		UNIT_TEST_ON_BOTH(a_visitor_reads_and_nothing_else),
		UNIT_TEST_ON_BOTH(an_unusable_folder_is_told_of_once),
		UNIT_TEST_ON_BOTH(a_read_only_file_is_read),
		UNIT_TEST_ON_BOTH(a_removed_file_is_made_anew),
		UNIT_TEST_ON_BOTH(a_removed_folder_is_waited_for),
		UNIT_TEST_ON_BOTH(a_purge_reaches_memory_within_a_second),
		UNIT_TEST_ON_BOTH(damage_is_a_miss_and_told),
		UNIT_TEST_ON_BOTH(two_auths_share_a_store),
		UNIT_TEST_ON_BOTH(a_read_can_be_cancelled),
		UNIT_TEST_ON_BOTH(a_read_does_not_undo_a_fetch),
		UNIT_TEST_ON_BOTH(the_bound_holds_when_it_is_lowered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
