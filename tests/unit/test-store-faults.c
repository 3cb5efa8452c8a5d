/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store with a disk that fails, is full or hangs. */

#include "support/contents.h"
#include "support/fake-loop.h"
#include "support/freed.h"
#include "support/store-fixture.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "store-int.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define TAG "\"one\""
/* of 1,950 hashes, on disk */
#define RANGE_BYTES (3 * PWNED_BLOCK_BYTES)

/* What the disk does; 0: what it should. */
static atomic_int read_errno, nowait_errno, write_errno, punch_errno;
static atomic_bool reads_hang, writes_hang, nowait_short;
static atomic_uint hanging;

/* the names that ld gives to both sides of wrapped functions, which have 64
   bits for offsets on each system */
int __real_fallocate64(int fd, int mode, off_t offset, off_t length);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t length);
ssize_t __real_pread64(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset);
ssize_t __real_pwrite64(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset);
ssize_t __real_preadv64v2(int fd, const struct iovec *iov, int count,
			  off_t offset, int flags);
ssize_t __wrap_preadv64v2(int fd, const struct iovec *iov, int count,
			  off_t offset, int flags);

static bool fails(const atomic_int *error)
{
	if (atomic_load(error) == 0)
		return false;
	errno = atomic_load(error);
	return true;
}

static void hang_while(const atomic_bool *hangs)
{
	(void)atomic_fetch_add(&hanging, 1);
	while (atomic_load(hangs))
		(void)usleep(1000);
	(void)atomic_fetch_sub(&hanging, 1);
}

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t length)
{
	if (fails(&punch_errno))
		return -1;
	return __real_fallocate64(fd, mode, offset, length);
}

ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset)
{
	hang_while(&reads_hang);
	if (fails(&read_errno))
		return -1;
	return __real_pread64(fd, data, size, offset);
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	hang_while(&writes_hang);
	if (fails(&write_errno))
		return -1;
	return __real_pwrite64(fd, data, size, offset);
}

ssize_t __wrap_preadv64v2(int fd, const struct iovec *iov, int count,
			  off_t offset, int flags)
{
	if (fails(&nowait_errno))
		return -1;
	if (nowait_short)
		return __real_pread64(fd, iov->iov_base, iov->iov_len / 2,
				      offset);
	return __real_preadv64v2(fd, iov, count, offset, flags);
}

static void disk_is_well(void)
{
	read_errno = nowait_errno = write_errno = punch_errno = 0;
	reads_hang = writes_hang = nowait_short = false;
}

/* Waits until a thread is at the disk. */
static void wait_for_hanging(void)
{
	while (atomic_load(&hanging) == 0)
		(void)usleep(1000);
}

static void wait_for_release(void)
{
	disk_is_well();
	while (atomic_load(&hanging) > 0)
		(void)usleep(1000);
	/* and a little for what follows in the thread */
	(void)usleep(50 * 1000);
}

static void open_owner(struct store_fixture *fixture, void **state)
{
	disk_is_well();
	store_fixture_init(fixture, *state);
	store_fixture_open(fixture, PWNED_STORE_OWNER);
}

static void add(struct store_fixture *fixture, uint32_t prefix)
{
	struct pwned_range_label label =
		content_label(prefix, store_fixture_today(fixture), TAG);

	store_fixture_add(fixture, &label, prefix, 1950);
}

static bool has(struct store_fixture *fixture, uint32_t prefix)
{
	struct pwned_store_answer answer;

	if (!store_fixture_find(fixture, prefix, prefix, 7, &answer))
		return false;
	assert_int_equal(answer.count, content_count(7));
	return true;
}

static unsigned int counted(const struct store_fixture *fixture,
			    enum pwned_counter counter)
{
	return store_fixture_counted(fixture, counter);
}

static enum pwned_store_result find(struct store_fixture *fixture,
				    uint32_t prefix)
{
	struct pwned_digest digest = content_digest(prefix, prefix, 7);
	struct pwned_store_answer answer;

	return pwned_store_find(fixture->store, &digest, &answer);
}

/* A callback that counts. */
static void on_read(void *context, const struct pwned_store_answer *answer)
{
	unsigned int *found = context;

	*found += answer != NULL;
}

static struct pwned_store_read *read_one(struct store_fixture *fixture,
					 uint32_t prefix, unsigned int *found)
{
	struct pwned_digest digest = content_digest(prefix, prefix, 7);

	return pwned_store_read(fixture->store, &digest, on_read, found);
}

static void what_is_not_at_hand_is_for_the_thread(void **state)
{
	struct store_fixture fixture;
	unsigned int found = 0;

	open_owner(&fixture, state);
	add(&fixture, 1);
	nowait_errno = EAGAIN;
	assert_int_equal(find(&fixture, 1), PWNED_STORE_ON_DISK);
	assert_int_equal(counted(&fixture, PWNED_COUNT_MISSES), 0);
	assert_non_null(read_one(&fixture, 1, &found));
	assert_int_equal(found, 0);
	store_fixture_settle(&fixture);
	assert_int_equal(found, 1);
	assert_int_equal(counted(&fixture, PWNED_COUNT_FROM_STORE), 1);
	assert_int_equal(find(&fixture, 1), PWNED_STORE_FOUND);
	assert_int_equal(counted(&fixture, PWNED_COUNT_FROM_CACHE), 1);
	/* a miss is known after a read only */
	assert_int_equal(find(&fixture, 2), PWNED_STORE_ON_DISK);
	assert_non_null(read_one(&fixture, 2, &found));
	store_fixture_settle(&fixture);
	assert_int_equal(found, 1);
	assert_int_equal(counted(&fixture, PWNED_COUNT_MISSES), 1);
	store_fixture_assert_no_faults(&fixture);
	store_fixture_free(&fixture);
}

/* As much of a page as is at hand. */
static void half_a_block_is_for_the_thread(void **state)
{
	struct store_fixture fixture;

	open_owner(&fixture, state);
	add(&fixture, 1);
	nowait_short = true;
	assert_int_equal(find(&fixture, 1), PWNED_STORE_ON_DISK);
	assert_true(has(&fixture, 1));
	store_fixture_assert_no_faults(&fixture);
	store_fixture_free(&fixture);
}

/* A file system without RWF_NOWAIT. */
static void where_the_kernel_cannot_tell_threads_read(void **state)
{
	struct store_fixture fixture;

	disk_is_well();
	nowait_errno = EOPNOTSUPP;
	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	add(&fixture, 1);
	assert_int_equal(find(&fixture, 1), PWNED_STORE_ON_DISK);
	assert_true(has(&fixture, 1));
	assert_int_equal(find(&fixture, 1), PWNED_STORE_FOUND);
	store_fixture_assert_no_faults(&fixture);
	store_fixture_free(&fixture);
}

static void a_read_that_fails_is_a_miss(void **state)
{
	struct store_fixture fixture;

	open_owner(&fixture, state);
	add(&fixture, 1);
	nowait_errno = read_errno = EIO;
	for (unsigned int i = 0; i < 3; i++)
		assert_false(has(&fixture, 1));
	nowait_errno = EAGAIN;
	for (unsigned int i = 0; i < 3; i++)
		assert_false(has(&fixture, 1));
	store_fixture_assert_faults(&fixture, PWNED_FAULT_READ, 1);
	assert_non_null(strstr(fixture.fault, strerror(EIO)));
	assert_non_null(strstr(fixture.fault, *state));
	assert_int_equal(counted(&fixture, PWNED_COUNT_READ_ERRORS), 6);
	assert_int_equal(counted(&fixture, PWNED_COUNT_MISSES), 6);
	disk_is_well();
	assert_true(has(&fixture, 1));
	store_fixture_free(&fixture);
}

static void a_write_that_fails_is_told(void **state)
{
	struct store_fixture fixture;
	struct pwned_range_label label;

	open_owner(&fixture, state);
	add(&fixture, 1);
	write_errno = EIO;
	add(&fixture, 2);
	add(&fixture, 3);
	label = content_label(1, store_fixture_today(&fixture), TAG);
	pwned_store_renew(fixture.store, &label);
	store_fixture_settle(&fixture);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_WRITE, 1);
	assert_non_null(strstr(fixture.fault, strerror(EIO)));
	assert_int_equal(counted(&fixture, PWNED_COUNT_WRITE_ERRORS), 3);
	assert_int_equal(counted(&fixture, PWNED_COUNT_WRITTEN), 1);
	assert_true(has(&fixture, 1));
	assert_false(has(&fixture, 2));
	disk_is_well();
	add(&fixture, 2);
	assert_true(has(&fixture, 2));
	store_fixture_free(&fixture);
}

/* What is old makes room, and where that does not help, it is said. */
static void a_full_disk_is_told(void **state)
{
	struct store_fixture fixture;

	open_owner(&fixture, state);
	for (uint32_t prefix = 0; prefix < 20; prefix++)
		add(&fixture, prefix * 5);
	write_errno = ENOSPC;
	add(&fixture, 1);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_FULL, 1);
	assert_non_null(strstr(fixture.fault, strerror(ENOSPC)));
	assert_int_equal(counted(&fixture, PWNED_COUNT_WRITE_ERRORS), 1);
	assert_in_range(counted(&fixture, PWNED_COUNT_EVICTED), 1, 4);
	write_errno = EDQUOT;
	add(&fixture, 2);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_FULL, 1);
	/* of no bound that was set nothing is said */
	disk_is_well();
	add(&fixture, 3);
	assert_true(has(&fixture, 3));
	store_fixture_assert_faults(&fixture, PWNED_FAULT_FULL, 1);
	store_fixture_free(&fixture);
}

static void without_holes_the_bound_is_told_of_once(void **state)
{
	struct store_fixture fixture;
	uint32_t prefix;

	disk_is_well();
	store_fixture_init(&fixture, *state);
	fixture.set.store_max_size = 10 * RANGE_BYTES + PWNED_SLOT_BYTES;
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	punch_errno = EOPNOTSUPP;
	for (prefix = 0; prefix < 20; prefix++)
		add(&fixture, prefix);
	assert_in_range(counted(&fixture, PWNED_COUNT_WRITTEN), 9, 11);
	assert_int_equal(counted(&fixture, PWNED_COUNT_NO_ROOM) +
				 counted(&fixture, PWNED_COUNT_WRITTEN),
			 20);
	assert_int_equal(counted(&fixture, PWNED_COUNT_EVICTED), 0);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_FULL, 1);
	assert_non_null(strstr(fixture.fault, "pwned_store_max_size"));
	fake_loop_advance(fixture.loop, 10 * 60 * 1000);
	store_fixture_settle(&fixture);
	add(&fixture, 30);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_FULL, 1);
	/* what is there stays, and is renewed */
	for (prefix = 0; prefix < 9; prefix++) {
		unsigned int written = counted(&fixture, PWNED_COUNT_WRITTEN);

		assert_true(has(&fixture, prefix));
		add(&fixture, prefix);
		assert_int_equal(counted(&fixture, PWNED_COUNT_WRITTEN),
				 written + 1);
	}
	store_fixture_free(&fixture);
}

/* Stores that a thread still has are never freed. */
static struct pwned_store *volatile left_stores[8];
static struct pwned_store_read *volatile left_reads[8];

static void leave(struct store_fixture *fixture, struct pwned_store_read *read)
{
	static unsigned int turn;

	left_stores[turn] = fixture->store;
	left_reads[turn++] = read;
}

/* Reads of one password, whose digest must not be found in freed memory. */
enum { WAITING_MAX = 200, WAITING_PREFIX = 4 };

struct waiting {
	struct store_fixture fixture;
	struct pwned_store_read *reads[WAITING_MAX];
	unsigned int begun, missed, found;
	/* a callback cancels the last one, and begins another, in vain */
	bool meddles;
	bool all_missed;
	unsigned int wanted;
};

static void begin_waiting(struct waiting *waiting);

static void on_waiting(void *context, const struct pwned_store_answer *answer)
{
	struct waiting *waiting = context;

	if (answer != NULL)
		waiting->found++;
	else
		waiting->missed++;
	waiting->all_missed = waiting->missed == waiting->wanted;
	if (!waiting->meddles)
		return;
	waiting->meddles = false;
	pwned_store_cancel(&waiting->reads[waiting->begun - 1]);
	begin_waiting(waiting);
	assert_null(waiting->reads[waiting->begun - 1]);
}

static void begin_waiting(struct waiting *waiting)
{
	struct pwned_digest digest =
		content_digest(WAITING_PREFIX, WAITING_PREFIX, 7);

	assert_in_range(waiting->begun, 0, WAITING_MAX - 1);
	waiting->reads[waiting->begun++] = pwned_store_read(
		waiting->fixture.store, &digest, on_waiting, waiting);
}

/* The first of them is at the disk, the others behind it. */
static void waiting_init(struct waiting *waiting, void **state,
			 unsigned int count, uint64_t *key)
{
	*waiting = (struct waiting){ .wanted = count };
	open_owner(&waiting->fixture, state);
	add(&waiting->fixture, WAITING_PREFIX);
	*key = content_key(WAITING_PREFIX, 7);
	reads_hang = true;
	nowait_errno = EAGAIN;
	for (unsigned int i = 0; i < count; i++) {
		begin_waiting(waiting);
		assert_non_null(waiting->reads[i]);
		if (i == 0)
			wait_for_hanging();
	}
	test_freed_watch(key, sizeof(*key));
}

/* The source is asked for those that wait, and for the one that hangs. */
static void all_that_wait_get_a_miss(void **state)
{
	static struct waiting waiting;
	struct store_fixture *fixture = &waiting.fixture;
	uint64_t key;

	waiting_init(&waiting, state, 100, &key);
	waiting.meddles = true;
	waiting.wanted--;
	assert_int_equal(pwned_worker_length(fixture->store->reader), 100);
	fake_loop_serve(fixture->loop, &waiting.all_missed);
	assert_true(pwned_worker_busy_msecs(fixture->store->reader) >= 300);
	/* their digests are gone, but for that which is at the disk */
	assert_int_equal(pwned_worker_length(fixture->store->reader), 1);
	assert_false(test_freed_had_secret());
	assert_int_equal(counted(fixture, PWNED_COUNT_READS_SKIPPED), 100);
	assert_int_equal(counted(fixture, PWNED_COUNT_MISSES), 100);
	store_fixture_assert_faults(fixture, PWNED_FAULT_STALLED, 1);

	/* that one ends for itself */
	test_freed_watch(&key, sizeof(key));
	wait_for_release();
	store_fixture_settle(fixture);
	assert_false(test_freed_had_secret());
	assert_int_equal(waiting.missed, 99);
	assert_int_equal(waiting.found, 0);
	assert_int_equal(counted(fixture, PWNED_COUNT_FROM_STORE), 0);
	assert_true(has(fixture, WAITING_PREFIX));
	store_fixture_free(fixture);
}

/* However late the loop is: what has come is not given up. */
static void a_disk_that_answers_is_waited_for(void **state)
{
	static struct waiting waiting;
	uint64_t key;

	waiting_init(&waiting, state, 20, &key);
	fake_loop_advance(waiting.fixture.loop, 299);
	assert_int_equal(waiting.missed, 0);
	wait_for_release();
	fake_loop_advance(waiting.fixture.loop, 10000);
	assert_int_equal(waiting.missed, 0);
	assert_int_equal(waiting.found, 20);
	assert_false(test_freed_had_secret());
	/* and the clock of that is not left */
	fake_loop_advance(waiting.fixture.loop, 1000);
	assert_null(waiting.fixture.store->patience);
	store_fixture_assert_no_faults(&waiting.fixture);
	store_fixture_free(&waiting.fixture);
}

static void cancelling_wipes_what_waits(void **state)
{
	static struct waiting waiting;
	uint64_t key;

	waiting_init(&waiting, state, 50, &key);
	for (unsigned int i = 0; i < 50; i++)
		pwned_store_cancel(&waiting.reads[i * 7 % 50]);
	assert_int_equal(pwned_worker_length(waiting.fixture.store->reader), 1);
	assert_false(test_freed_had_secret());
	test_freed_watch(&key, sizeof(key));
	wait_for_release();
	store_fixture_settle(&waiting.fixture);
	assert_false(test_freed_had_secret());
	assert_int_equal(waiting.missed + waiting.found, 0);
	store_fixture_free(&waiting.fixture);
}

/* One read hangs: others are not queued behind it for long. */
static void a_disk_that_hangs_is_not_waited_for(void **state)
{
	struct store_fixture fixture;
	unsigned int found = 0, i;
	struct pwned_store_read *read;

	open_owner(&fixture, state);
	add(&fixture, 1);
	add(&fixture, 2);
	assert_true(has(&fixture, 2));
	reads_hang = true;
	nowait_errno = EAGAIN;
	read = read_one(&fixture, 1, &found);
	assert_non_null(read);
	wait_for_hanging();
	while (pwned_worker_busy_msecs(fixture.store->reader) < 300)
		(void)usleep(1000);
	/* nor is the one that is at it waited for */
	fake_loop_advance(fixture.loop, 300);
	for (i = 0; i < 5; i++)
		assert_null(read_one(&fixture, 4, &found));
	assert_int_equal(counted(&fixture, PWNED_COUNT_READS_SKIPPED), 6);
	assert_int_equal(counted(&fixture, PWNED_COUNT_MISSES), 6);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_STALLED, 1);
	/* what is in memory goes on */
	assert_int_equal(find(&fixture, 2), PWNED_STORE_FOUND);
	/* and so does everything when it is back */
	wait_for_release();
	store_fixture_settle(&fixture);
	assert_int_equal(found, 0);
	assert_true(has(&fixture, 1));
	store_fixture_free(&fixture);
}

/* The thread wipes what nobody else can any more. Its memory is looked at from
   outside, because it tells nobody when it has ended. */
static void assert_wiped(const struct pwned_store_read *read, uint32_t prefix)
{
	static unsigned char copy[2 * PWNED_BLOCK_BYTES];
	struct pwned_digest digest = content_digest(prefix, prefix, 7);
	size_t size = malloc_usable_size((void *)read);
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	assert_in_range(size, PWNED_BLOCK_BYTES, sizeof(copy));
	assert_int_equal(pread(fd, copy, size, (off_t)(uintptr_t)read), size);
	assert_null(memmem(copy, size, &digest.key, sizeof(digest.key)));
	assert_int_equal(close(fd), 0);
}

static void a_store_is_closed_while_its_disk_hangs(void **state)
{
	struct store_fixture fixture;
	struct pwned_store_read *read;
	unsigned int found = 0;

	open_owner(&fixture, state);
	add(&fixture, 1);
	reads_hang = writes_hang = true;
	nowait_errno = EAGAIN;
	read = read_one(&fixture, 1, &found);
	assert_non_null(read);
	leave(&fixture, read);
	assert_non_null(read_one(&fixture, 1, &found));
	wait_for_hanging();
	/* for ever, as far as one can see */
	store_fixture_free(&fixture);
	assert_int_equal(found, 0);
	wait_for_release();
	assert_int_equal(found, 0);
	assert_wiped(read, 1);
}

static void writes_may_hang_while_reads_go_on(void **state)
{
	struct store_fixture fixture;
	struct pwned_store_queue queue;
	struct pwned_range_label label;
	struct pwned_range *range;

	open_owner(&fixture, state);
	add(&fixture, 1);
	writes_hang = true;
	for (uint32_t prefix = 2; prefix < 70; prefix++) {
		label = content_label(prefix, 19000, TAG);
		range = content_range(prefix, 100, &label);
		pwned_store_add(fixture.store, range);
		pwned_range_unref(&range);
	}
	wait_for_hanging();
	assert_true(has(&fixture, 1));
	assert_false(has(&fixture, 5));
	pwned_store_get_queue(fixture.store, &queue);
	assert_int_equal(queue.length, 68);
	/* and it is told, when the store is used */
	while (pwned_worker_busy_msecs(fixture.store->writer) < 2000)
		(void)usleep(1000);
	fake_loop_advance(fixture.loop, 1000);
	assert_true(has(&fixture, 1));
	store_fixture_assert_faults(&fixture, PWNED_FAULT_STALLED, 1);
	assert_non_null(strstr(fixture.fault, "new ranges wait"));
	wait_for_release();
	store_fixture_settle(&fixture);
	assert_true(has(&fixture, 5));
	assert_int_equal(counted(&fixture, PWNED_COUNT_WRITTEN), 69);
	store_fixture_free(&fixture);
}

/* Until the file is open there is nothing in it. */
static void a_start_does_not_wait_for_long(void **state)
{
	struct store_fixture fixture;

	disk_is_well();
	reads_hang = true;
	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	store_fixture_assert_faults(&fixture, PWNED_FAULT_STALLED, 1);
	assert_string_equal(pwned_store_mode(fixture.store), "closed");
	assert_int_equal(find(&fixture, 1), PWNED_STORE_MISS);
	wait_for_release();
	store_fixture_settle(&fixture);
	assert_string_equal(pwned_store_mode(fixture.store), "disk");
	add(&fixture, 1);
	assert_true(has(&fixture, 1));
	store_fixture_free(&fixture);
}

/* The last test: it leaves a thread behind, and with it what that has. */
static void a_start_may_hang_until_the_end(void **state)
{
	struct store_fixture fixture;

	disk_is_well();
	reads_hang = true;
	store_fixture_init(&fixture, *state);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	leave(&fixture, NULL);
	store_fixture_free(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST_ON_DISK(what_is_not_at_hand_is_for_the_thread),
		UNIT_TEST_ON_DISK(half_a_block_is_for_the_thread),
		UNIT_TEST_ON_DISK(where_the_kernel_cannot_tell_threads_read),
		UNIT_TEST_ON_BOTH(a_read_that_fails_is_a_miss),
		UNIT_TEST_ON_BOTH(a_write_that_fails_is_told),
		UNIT_TEST_ON_BOTH(a_full_disk_is_told),
		UNIT_TEST_ON_BOTH(without_holes_the_bound_is_told_of_once),
		UNIT_TEST_ON_DISK(a_disk_that_hangs_is_not_waited_for),
		UNIT_TEST_ON_DISK(all_that_wait_get_a_miss),
		UNIT_TEST_ON_DISK(a_disk_that_answers_is_waited_for),
		UNIT_TEST_ON_DISK(cancelling_wipes_what_waits),
		UNIT_TEST_ON_DISK(a_store_is_closed_while_its_disk_hangs),
		UNIT_TEST_ON_DISK(writes_may_hang_while_reads_go_on),
		UNIT_TEST_ON_DISK(a_start_does_not_wait_for_long),
		UNIT_TEST_ON_DISK(a_start_may_hang_until_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
