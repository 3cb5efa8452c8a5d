/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread and its queue. */

#include "support/fake-loop.h"
#include "support/unit.h"
#include "worker.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 64
/* So long that no batch begins by itself. */
#define NEVER_MSECS 3600000

/* What became of jobs. */
struct record {
	unsigned int order[JOBS_MAX]; /* of their run; the thread's */
	atomic_uint begun, ran;
	unsigned int done, given_back;
	bool all_done;
	unsigned int wanted;
	pthread_t loop_thread;
};

struct test_job {
	struct pwned_job job; /* must be first */
	struct record *record;
	unsigned int number;
	int wait_fd; /* read from it first, unless it is -1 */
};

static void run(struct pwned_job *job)
{
	struct test_job *test = (struct test_job *)job;
	unsigned int place;
	char byte;

	assert_false(pthread_equal(pthread_self(), test->record->loop_thread));
	if (test->wait_fd >= 0)
		(void)!read(test->wait_fd, &byte, 1);
	place = atomic_fetch_add(&test->record->begun, 1);
	test->record->order[place % JOBS_MAX] = test->number;
	(void)atomic_fetch_add(&test->record->ran, 1);
}

static void done(struct pwned_job *job, bool ran)
{
	struct test_job *test = (struct test_job *)job;
	struct record *record = test->record;

	assert_true(pthread_equal(pthread_self(), record->loop_thread));
	if (ran)
		record->done++;
	else
		record->given_back++;
	record->all_done = record->done + record->given_back >= record->wanted;
	free(test);
}

static struct record new_record(unsigned int wanted)
{
	return (struct record){ .wanted = wanted,
				.loop_thread = pthread_self() };
}

static struct test_job *new_job(struct record *record, unsigned int number)
{
	struct test_job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	job->job.run = run;
	job->job.done = done;
	job->record = record;
	job->number = number;
	job->wait_fd = -1;
	return job;
}

static void push(struct pwned_worker *worker, struct record *record,
		 unsigned int number, enum pwned_worker_class class,
		 uint32_t order)
{
	struct test_job *job = new_job(record, number);

	job->job.order = order;
	assert_true(pwned_worker_push(worker, &job->job, class));
}

/* Keeps the thread until something is written to the other end. */
static void push_hanging(struct pwned_worker *worker, struct record *record,
			 int wait_fd)
{
	struct test_job *job = new_job(record, 99);

	job->wait_fd = wait_fd;
	assert_true(pwned_worker_push(worker, &job->job, PWNED_JOB_NOW));
	while (pwned_worker_busy_msecs(worker) == 0)
		(void)usleep(1000);
}

static void release(int fd)
{
	assert_int_equal(write(fd, "x", 1), 1);
}

static void assert_order(const struct record *record, unsigned int count,
			 const unsigned int *order)
{
	assert_int_equal(atomic_load(&record->ran), count);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(record->order[i], order[i]);
}

static struct pwned_worker *new_worker(struct pwned_loop *loop,
				       unsigned int queue_max,
				       unsigned int batch_msecs,
				       unsigned int batch_max)
{
	struct pwned_worker *worker =
		pwned_worker_new(loop, queue_max, batch_msecs, batch_max);

	assert_non_null(worker);
	assert_int_equal(pwned_worker_length(worker), 0);
	return worker;
}

static void jobs_are_told_of_in_the_loop(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, NEVER_MSECS, 10);
	struct record record = new_record(3);
	static const unsigned int order[] = { 0, 1, 2 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		push(worker, &record, i, PWNED_JOB_NOW, 3 - i);
	assert_int_equal(pwned_worker_length(worker), 3);
	fake_loop_serve(loop, &record.all_done);
	assert_order(&record, 3, order);
	assert_int_equal(pwned_worker_length(worker), 0);
	assert_int_equal(pwned_worker_busy_msecs(worker), 0);
	assert_true(pwned_worker_free(&worker, 10000));
	assert_null(worker);
	assert_true(pwned_worker_free(&worker, 0));
	fake_loop_free(&loop);
}

static void a_batch_is_run_in_order(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, NEVER_MSECS, 6);
	struct record record = new_record(6);
	static const uint32_t orders[] = { 5, 0xfffff, 0, 5, 7, 5 };
	static const unsigned int order[] = { 2, 0, 3, 5, 4, 1 };

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(atomic_load(&record.ran), 0);
		push(worker, &record, i, PWNED_JOB_BATCH, orders[i]);
	}
	/* the sixth begins it */
	fake_loop_serve(loop, &record.all_done);
	assert_order(&record, 6, order);
	assert_true(pwned_worker_free(&worker, 10000));
	fake_loop_free(&loop);
}

static void a_batch_begins_after_a_while(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, 30, 10);
	struct record record = new_record(2);
	static const unsigned int order[] = { 1, 0 };

	(void)state;
	push(worker, &record, 0, PWNED_JOB_BATCH, 2);
	push(worker, &record, 1, PWNED_JOB_BATCH, 1);
	fake_loop_serve(loop, &record.all_done);
	/* of which both were part, unless this thread was away for long */
	if (record.order[0] == 1)
		assert_order(&record, 2, order);
	assert_true(pwned_worker_free(&worker, 10000));
	fake_loop_free(&loop);
}

static void what_is_urgent_goes_before_a_batch(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, NEVER_MSECS, 10);
	struct record record = new_record(6);
	static const unsigned int order[] = { 99, 3, 4, 2, 1, 0 };
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	push_hanging(worker, &record, fds[0]);
	for (unsigned int i = 0; i < 3; i++)
		push(worker, &record, i, PWNED_JOB_BATCH, 10 - i);
	push(worker, &record, 3, PWNED_JOB_NOW, 99);
	push(worker, &record, 4, PWNED_JOB_NOW, 98);
	release(fds[1]);
	assert_true(pwned_worker_settle(worker, 10000));
	assert_order(&record, 6, order);
	assert_true(record.all_done);
	assert_true(pwned_worker_free(&worker, 10000));
	fake_loop_free(&loop);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void the_queue_is_bounded(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 4, NEVER_MSECS, 10);
	struct record record = new_record(4);
	struct test_job *one_more = new_job(&record, 7);
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	push_hanging(worker, &record, fds[0]);
	push(worker, &record, 1, PWNED_JOB_NOW, 0);
	push(worker, &record, 2, PWNED_JOB_BATCH, 0);
	push(worker, &record, 3, PWNED_JOB_BATCH, 0);
	assert_int_equal(pwned_worker_length(worker), 4);
	assert_false(pwned_worker_push(worker, &one_more->job, PWNED_JOB_NOW));
	assert_false(
		pwned_worker_push(worker, &one_more->job, PWNED_JOB_BATCH));
	assert_int_equal(pwned_worker_length(worker), 4);
	assert_false(pwned_worker_settle(worker, 1));
	release(fds[1]);
	assert_true(pwned_worker_settle(worker, 10000));
	assert_true(record.all_done);
	assert_int_equal(pwned_worker_length(worker), 0);

	record.wanted++;
	assert_true(pwned_worker_push(worker, &one_more->job, PWNED_JOB_NOW));
	assert_true(pwned_worker_settle(worker, 10000));
	assert_int_equal(record.done, 5);
	assert_true(pwned_worker_free(&worker, 10000));
	fake_loop_free(&loop);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* A settled worker still collects what comes later. */
static void settling_ends(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, NEVER_MSECS, 3);
	struct record record = new_record(4);
	static const unsigned int order[] = { 0, 3, 2, 1 };

	(void)state;
	assert_true(pwned_worker_settle(worker, 10000));
	push(worker, &record, 0, PWNED_JOB_BATCH, 1);
	assert_true(pwned_worker_settle(worker, 10000));
	assert_int_equal(record.done, 1);
	push(worker, &record, 1, PWNED_JOB_BATCH, 3);
	push(worker, &record, 2, PWNED_JOB_BATCH, 2);
	fake_loop_serve_msecs(loop, 20);
	assert_int_equal(record.done, 1);
	push(worker, &record, 3, PWNED_JOB_BATCH, 1);
	fake_loop_serve(loop, &record.all_done);
	assert_order(&record, 4, order);
	assert_true(pwned_worker_free(&worker, 10000));
	fake_loop_free(&loop);
}

static void freeing_finishes_what_is_queued(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, NEVER_MSECS, 10);
	struct record record = new_record(4);

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		push(worker, &record, i,
		     i % 2 == 0 ? PWNED_JOB_NOW : PWNED_JOB_BATCH, i);
	assert_true(pwned_worker_free(&worker, 10000));
	assert_int_equal(record.done, 4);
	assert_int_equal(record.given_back, 0);
	fake_loop_free(&loop);
}

/* What has not begun can be had back, from wherever it waits. */
static void what_waits_can_be_taken_back(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, NEVER_MSECS, 2);
	struct record record = new_record(4);
	struct test_job *jobs[5];
	static const unsigned int order[] = { 99, 0, 3, 4 };
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	push_hanging(worker, &record, fds[0]);
	for (unsigned int i = 0; i < 4; i++) {
		jobs[i] = new_job(&record, i);
		assert_true(pwned_worker_push(worker, &jobs[i]->job,
					      i < 2 ? PWNED_JOB_NOW :
						      PWNED_JOB_BATCH));
	}
	for (unsigned int i = 1; i < 3; i++) {
		assert_true(pwned_worker_take_back(worker, &jobs[i]->job));
		assert_false(pwned_worker_take_back(worker, &jobs[i]->job));
		free(jobs[i]);
	}
	assert_int_equal(pwned_worker_length(worker), 3);
	/* a batch of what is left, which this one begins */
	push(worker, &record, 4, PWNED_JOB_BATCH, 0);
	release(fds[1]);
	fake_loop_serve(loop, &record.all_done);
	assert_order(&record, 4, order);
	assert_int_equal(record.done, 4);
	assert_int_equal(pwned_worker_length(worker), 0);
	assert_true(pwned_worker_free(&worker, 10000));
	fake_loop_free(&loop);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void what_has_begun_cannot_be_taken_back(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, NEVER_MSECS, 2);
	struct record record = new_record(1);
	struct test_job *job = new_job(&record, 0);
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	job->wait_fd = fds[0];
	assert_true(pwned_worker_push(worker, &job->job, PWNED_JOB_NOW));
	while (pwned_worker_busy_msecs(worker) == 0)
		(void)usleep(1000);
	assert_false(pwned_worker_take_back(worker, &job->job));
	release(fds[1]);
	while (pwned_worker_busy_msecs(worker) > 0)
		(void)usleep(1000);
	/* nor what was run and not told of */
	assert_false(pwned_worker_take_back(worker, &job->job));
	assert_int_equal(record.done, 0);
	fake_loop_serve(loop, &record.all_done);
	assert_int_equal(record.done, 1);
	assert_int_equal(pwned_worker_length(worker), 0);
	assert_true(pwned_worker_free(&worker, 10000));
	fake_loop_free(&loop);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static uint64_t now_msecs(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* How many threads this process has. */
static unsigned int count_threads(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned int threads = 0;
	char line[256];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		(void)sscanf(line, "Threads: %u", &threads);
	(void)fclose(file);
	return threads;
}

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int fds = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		fds++;
	assert_int_equal(closedir(dir), 0);
	return fds;
}

/* What the thread is at is its own until the end of the process. */
static struct test_job *hanging;

static void a_thread_that_hangs_is_left(void **state)
{
	unsigned int threads = count_threads();
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, NEVER_MSECS, 10);
	static struct record record;
	unsigned int open_fds = count_fds() - 1; /* that of the worker */
	uint64_t start;
	int fds[2];

	(void)state;
	record = new_record(4);
	assert_int_equal(pipe(fds), 0);
	hanging = new_job(&record, 99);
	hanging->wait_fd = fds[0];
	assert_true(pwned_worker_push(worker, &hanging->job, PWNED_JOB_NOW));
	while (pwned_worker_busy_msecs(worker) < 5)
		(void)usleep(1000);
	push(worker, &record, 1, PWNED_JOB_NOW, 0);
	push(worker, &record, 2, PWNED_JOB_BATCH, 0);
	push(worker, &record, 3, PWNED_JOB_BATCH, 0);
	start = now_msecs();
	assert_false(pwned_worker_free(&worker, 50));
	assert_true(now_msecs() - start >= 50);
	assert_null(worker);
	assert_int_equal(record.given_back, 3);
	assert_int_equal(record.done, 0);
	fake_loop_free(&loop);

	/* later it ends by itself, and tells nobody */
	release(fds[1]);
	while (count_threads() > threads)
		(void)usleep(1000);
	assert_int_equal(atomic_load(&record.ran), 1);
	assert_int_equal(record.done, 0);
	free(hanging);
	(void)close(fds[0]);
	(void)close(fds[1]);
	assert_int_equal(count_fds(), open_fds);
}

static void done_only(struct pwned_job *job, bool ran)
{
	struct record *record = ((struct test_job *)job)->record;

	if (ran)
		record->done++;
	else
		record->given_back++;
}

/* Whatever the moment at which the thread comes back: each job is told of,
   unless it seemed to hang. */
static void freeing_races_with_the_end_of_a_job(void **state)
{
	enum { ROUNDS = 300, JOBS = 3 };
	static struct test_job jobs[ROUNDS][JOBS];
	static struct record record;
	unsigned int threads = count_threads();

	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct pwned_loop *loop = fake_loop_new();
		struct pwned_worker *worker =
			new_worker(loop, 10, NEVER_MSECS, 10);

		record = new_record(JOBS);
		for (unsigned int j = 0; j < JOBS; j++) {
			jobs[i][j] = (struct test_job){
				.job = { .run = run, .done = done_only },
				.record = &record,
				.wait_fd = -1,
			};
			assert_true(pwned_worker_push(worker, &jobs[i][j].job,
						      PWNED_JOB_NOW));
		}
		for (unsigned int j = 0; j < i * 20; j++)
			(void)atomic_load(&record.ran);
		if (pwned_worker_free(&worker, 0))
			assert_int_equal(record.done, JOBS);
		else
			assert_in_range(record.done + record.given_back,
					JOBS - 1, JOBS);
		while (atomic_load(&record.ran) < JOBS - record.given_back)
			(void)usleep(100);
		fake_loop_free(&loop);
	}
	while (count_threads() > threads)
		(void)usleep(1000);
}

static void run_mask(struct pwned_job *job)
{
	sigset_t *mask = *(sigset_t **)(job + 1);

	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, mask), 0);
}

static void keep(struct pwned_job *job, bool ran)
{
	(void)job;
	assert_true(ran);
}

static void signals_are_not_the_threads(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT,  SIGHUP, SIGALRM,
				       SIGCHLD, SIGUSR1, SIGIO,  SIGXFSZ };
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, NEVER_MSECS, 10);
	struct {
		struct pwned_job job; /* must be first */
		sigset_t *mask;
	} look = { .job = { .run = run_mask, .done = keep } };
	sigset_t mask, ours;

	(void)state;
	look.mask = &mask;
	assert_true(pwned_worker_push(worker, &look.job, PWNED_JOB_NOW));
	assert_true(pwned_worker_settle(worker, 10000));
	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &ours), 0);
	for (size_t i = 0; i < N_ELEMENTS(signals); i++) {
		assert_int_equal(sigismember(&mask, signals[i]), 1);
		assert_int_equal(sigismember(&ours, signals[i]), 0);
	}
	assert_true(pwned_worker_free(&worker, 10000));
	fake_loop_free(&loop);
}

/* Pushes the next when one is done, so that the thread sleeps between them. */
struct chain {
	struct pwned_job job; /* must be first */
	struct pwned_worker *worker;
	unsigned int left;
	bool ended;
};

static void chain_run(struct pwned_job *job)
{
	(void)job;
}

static void chain_done(struct pwned_job *job, bool ran)
{
	struct chain *chain = (struct chain *)job;

	assert_true(ran);
	chain->ended = --chain->left == 0;
	if (!chain->ended)
		assert_true(pwned_worker_push(chain->worker, &chain->job,
					      chain->left % 3 == 0 ?
						      PWNED_JOB_BATCH :
						      PWNED_JOB_NOW));
}

static void no_wake_up_is_lost(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_worker *worker = new_worker(loop, 10, NEVER_MSECS, 1);
	struct chain chains[3];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(chains); i++) {
		chains[i] = (struct chain){
			.job = { .run = chain_run, .done = chain_done },
			.worker = worker,
			.left = 10000 / N_ELEMENTS(chains),
		};
		assert_true(pwned_worker_push(worker, &chains[i].job,
					      PWNED_JOB_NOW));
	}
	for (size_t i = 0; i < N_ELEMENTS(chains); i++)
		while (!chains[i].ended)
			fake_loop_serve_msecs(loop, 1);
	assert_int_equal(pwned_worker_length(worker), 0);
	assert_true(pwned_worker_free(&worker, 10000));
	fake_loop_free(&loop);
}

/* Others of the same batch are told of all the same. */
static struct pwned_worker *to_free;

static void done_frees(struct pwned_job *job, bool ran)
{
	if (to_free != NULL)
		assert_true(pwned_worker_free(&to_free, 10000));
	done(job, ran);
}

static void it_may_be_freed_when_a_job_is_done(void **state)
{
	struct pwned_loop *loop = fake_loop_new();
	struct record record = new_record(3);
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	to_free = new_worker(loop, 10, NEVER_MSECS, 10);
	for (unsigned int i = 0; i < 3; i++) {
		struct test_job *job = new_job(&record, i);

		job->job.done = done_frees;
		assert_true(
			pwned_worker_push(to_free, &job->job, PWNED_JOB_NOW));
	}
	while (atomic_load(&record.ran) < 3)
		(void)usleep(100);
	fake_loop_serve(loop, &record.all_done);
	assert_null(to_free);
	assert_int_equal(record.done, 3);
	fake_loop_free(&loop);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_are_told_of_in_the_loop),
		cmocka_unit_test(a_batch_is_run_in_order),
		cmocka_unit_test(a_batch_begins_after_a_while),
		cmocka_unit_test(what_is_urgent_goes_before_a_batch),
		cmocka_unit_test(the_queue_is_bounded),
		cmocka_unit_test(settling_ends),
		cmocka_unit_test(freeing_finishes_what_is_queued),
		cmocka_unit_test(what_waits_can_be_taken_back),
		cmocka_unit_test(what_has_begun_cannot_be_taken_back),
		cmocka_unit_test(a_thread_that_hangs_is_left),
		cmocka_unit_test(freeing_races_with_the_end_of_a_job),
		cmocka_unit_test(signals_are_not_the_threads),
		cmocka_unit_test(no_wake_up_is_lost),
		cmocka_unit_test(it_may_be_freed_when_a_job_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
