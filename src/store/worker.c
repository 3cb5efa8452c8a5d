/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread with a queue. */

#include "worker.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* What run() needs are some slots of 32 KB, and what it calls of libc. */
#define STACK_BYTES (256 * 1024)

TAILQ_HEAD(pwned_job_list, pwned_job);

/* Shared by the loop and the thread, and freed by the last of them: a thread
   that hangs at a disk outlives the worker. */
struct pwned_worker {
	pthread_mutex_t mutex;
	pthread_cond_t wake; /* the thread: there is something to do */
	pthread_cond_t idle; /* the loop: there is nothing to do any more */
	pthread_t thread;
	unsigned int queue_max, batch_msecs, batch_max;

	/* under the mutex */
	struct pwned_job_list now, batch, done;
	unsigned int batch_length;
	struct timespec batch_due;
	bool flush, stop, ended, abandoned;
	const struct pwned_job *running;
	uint64_t running_since_msecs;

	/* the loop's */
	struct pwned_loop *loop;
	struct pwned_watch *watch;
	int event_fd;
	unsigned int length; /* of all that was not told of */
	uint32_t pushed;
};

static uint64_t now_msecs(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct timespec time_in(unsigned int msecs)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += msecs / 1000;
	at.tv_nsec += (long)(msecs % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	return at;
}

static bool is_due(const struct timespec *at)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > at->tv_sec ||
	       (now.tv_sec == at->tv_sec && now.tv_nsec >= at->tv_nsec);
}

static int compare_order(const void *a, const void *b)
{
	const struct pwned_job *one = *(struct pwned_job *const *)a;
	const struct pwned_job *two = *(struct pwned_job *const *)b;

	if (one->order != two->order)
		return one->order < two->order ? -1 : 1;
	return (int32_t)(one->number - two->number) < 0 ? -1 : 1;
}

static void enqueue(struct pwned_job_list *queue, struct pwned_job *job)
{
	TAILQ_INSERT_TAIL(queue, job, entry);
	job->queue = queue;
}

static void dequeue(struct pwned_job *job)
{
	TAILQ_REMOVE(job->queue, job, entry);
	job->queue = NULL;
}

/* Makes the batch that was collected the next thing to do. */
static void batch_begin(struct pwned_worker *worker)
{
	struct pwned_job **jobs =
		malloc(worker->batch_length * sizeof(struct pwned_job *));
	unsigned int count = 0;
	struct pwned_job *job;

	while ((job = TAILQ_FIRST(&worker->batch)) != NULL) {
		dequeue(job);
		if (jobs != NULL)
			jobs[count++] = job;
		else
			enqueue(&worker->now, job);
	}
	if (count > 0)
		qsort(jobs, count, sizeof(struct pwned_job *), compare_order);
	for (unsigned int i = 0; i < count; i++)
		enqueue(&worker->now, jobs[i]);
	free(jobs);
	worker->batch_length = 0;
}

/* The next job, or NULL when the thread is to end. */
static struct pwned_job *wait_for_job(struct pwned_worker *worker)
{
	for (;;) {
		struct pwned_job *job = TAILQ_FIRST(&worker->now);

		if (worker->abandoned)
			return NULL;
		if (job != NULL) {
			dequeue(job);
			return job;
		}
		if (worker->batch_length > 0 &&
		    (worker->flush || worker->stop ||
		     worker->batch_length >= worker->batch_max ||
		     is_due(&worker->batch_due))) {
			batch_begin(worker);
		} else if (worker->batch_length > 0) {
			(void)pthread_cond_timedwait(&worker->wake,
						     &worker->mutex,
						     &worker->batch_due);
		} else if (worker->stop) {
			return NULL;
		} else {
			worker->flush = false;
			(void)pthread_cond_broadcast(&worker->idle);
			(void)pthread_cond_wait(&worker->wake, &worker->mutex);
		}
	}
}

static void worker_destroy(struct pwned_worker *worker)
{
	(void)close(worker->event_fd);
	(void)pthread_mutex_destroy(&worker->mutex);
	(void)pthread_cond_destroy(&worker->wake);
	(void)pthread_cond_destroy(&worker->idle);
	free(worker);
}

static void *thread_main(void *context)
{
	const uint64_t one = 1;
	struct pwned_worker *worker = context;
	struct pwned_job *job;
	bool abandoned;

	(void)pthread_mutex_lock(&worker->mutex);
	while ((job = wait_for_job(worker)) != NULL) {
		worker->running = job;
		worker->running_since_msecs = now_msecs();
		(void)pthread_mutex_unlock(&worker->mutex);
		job->run(job);
		(void)pthread_mutex_lock(&worker->mutex);
		worker->running = NULL;
		if (worker->abandoned)
			continue;
		if (TAILQ_EMPTY(&worker->done) &&
		    write(worker->event_fd, &one, sizeof(one)) < 0) {
			/* it is readable already */
		}
		TAILQ_INSERT_TAIL(&worker->done, job, entry);
	}
	worker->ended = true;
	abandoned = worker->abandoned;
	(void)pthread_cond_broadcast(&worker->idle);
	(void)pthread_mutex_unlock(&worker->mutex);
	if (abandoned)
		worker_destroy(worker);
	return NULL;
}

/* Gives jobs back to their owner, who may do with the worker what he wants. */
static void give_back(struct pwned_job_list *list, bool ran)
{
	struct pwned_job *job;

	while ((job = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, job, entry);
		job->done(job, ran);
	}
}

void pwned_worker_collect(struct pwned_worker *worker)
{
	struct pwned_job_list done = TAILQ_HEAD_INITIALIZER(done);
	struct pwned_job *job;
	uint64_t events;

	(void)pthread_mutex_lock(&worker->mutex);
	if (read(worker->event_fd, &events, sizeof(events)) < 0) {
		/* it was read before */
	}
	TAILQ_CONCAT(&done, &worker->done, entry);
	(void)pthread_mutex_unlock(&worker->mutex);
	TAILQ_FOREACH(job, &done, entry)
		worker->length--;
	give_back(&done, true);
}

static void on_event(void *context, int fd, unsigned int events)
{
	(void)fd;
	(void)events;
	pwned_worker_collect(context);
}

static bool thread_start(struct pwned_worker *worker)
{
	pthread_attr_t attr;
	sigset_t all, before;
	bool ok;

	if (pthread_attr_init(&attr) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	/* signals are the loop's */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	ok = pthread_create(&worker->thread, &attr, thread_main, worker) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return ok;
}

static void conditions_init(struct pwned_worker *worker)
{
	pthread_condattr_t attr;

	(void)pthread_mutex_init(&worker->mutex, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&worker->wake, &attr);
	(void)pthread_cond_init(&worker->idle, &attr);
	(void)pthread_condattr_destroy(&attr);
}

struct pwned_worker *pwned_worker_new(struct pwned_loop *loop,
				      unsigned int queue_max,
				      unsigned int batch_msecs,
				      unsigned int batch_max)
{
	struct pwned_worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return NULL;
	TAILQ_INIT(&worker->now);
	TAILQ_INIT(&worker->batch);
	TAILQ_INIT(&worker->done);
	worker->queue_max = queue_max;
	worker->batch_msecs = batch_msecs;
	worker->batch_max = batch_max;
	worker->loop = loop;
	conditions_init(worker);
	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->event_fd >= 0)
		worker->watch =
			loop->v->watch_add(loop, worker->event_fd,
					   PWNED_LOOP_READ, on_event, worker);
	if (worker->watch != NULL && thread_start(worker))
		return worker;
	if (worker->watch != NULL)
		loop->v->watch_remove(&worker->watch);
	worker_destroy(worker);
	return NULL;
}

static bool is_idle(const struct pwned_worker *worker)
{
	if (worker->stop)
		return worker->ended;
	return worker->running == NULL && TAILQ_EMPTY(&worker->now) &&
	       worker->batch_length == 0;
}

/* Waits until the thread is idle or, where it was told to stop, has ended. */
static bool wait_for_idle(struct pwned_worker *worker, unsigned int msecs)
{
	struct timespec until = time_in(msecs);
	int ret = 0;

	while (ret == 0 && !is_idle(worker))
		ret = pthread_cond_timedwait(&worker->idle, &worker->mutex,
					     &until);
	return is_idle(worker);
}

bool pwned_worker_settle(struct pwned_worker *worker, unsigned int msecs)
{
	bool idle;

	(void)pthread_mutex_lock(&worker->mutex);
	worker->flush = true;
	(void)pthread_cond_signal(&worker->wake);
	idle = wait_for_idle(worker, msecs);
	(void)pthread_mutex_unlock(&worker->mutex);
	pwned_worker_collect(worker);
	return idle;
}

bool pwned_worker_free(struct pwned_worker **_worker, unsigned int wait_msecs)
{
	struct pwned_worker *worker = *_worker;
	struct pwned_job_list done = TAILQ_HEAD_INITIALIZER(done);
	struct pwned_job_list left = TAILQ_HEAD_INITIALIZER(left);
	pthread_t thread;
	bool ended;

	*_worker = NULL;
	if (worker == NULL)
		return true;
	thread = worker->thread;
	worker->loop->v->watch_remove(&worker->watch);
	(void)pthread_mutex_lock(&worker->mutex);
	worker->stop = true;
	(void)pthread_cond_signal(&worker->wake);
	ended = wait_for_idle(worker, wait_msecs);
	TAILQ_CONCAT(&done, &worker->done, entry);
	TAILQ_CONCAT(&left, &worker->now, entry);
	TAILQ_CONCAT(&left, &worker->batch, entry);
	worker->batch_length = 0;
	worker->abandoned = !ended;
	(void)pthread_mutex_unlock(&worker->mutex);
	/* one that is abandoned is the thread's now */
	if (ended) {
		(void)pthread_join(thread, NULL);
		worker_destroy(worker);
	} else {
		(void)pthread_detach(thread);
	}
	give_back(&done, true);
	give_back(&left, false);
	return ended;
}

bool pwned_worker_push(struct pwned_worker *worker, struct pwned_job *job,
		       enum pwned_worker_class class)
{
	if (worker->length >= worker->queue_max)
		return false;
	worker->length++;
	job->number = worker->pushed++;
	(void)pthread_mutex_lock(&worker->mutex);
	if (class == PWNED_JOB_NOW) {
		enqueue(&worker->now, job);
	} else {
		if (worker->batch_length++ == 0)
			worker->batch_due = time_in(worker->batch_msecs);
		enqueue(&worker->batch, job);
	}
	(void)pthread_cond_signal(&worker->wake);
	(void)pthread_mutex_unlock(&worker->mutex);
	return true;
}

bool pwned_worker_take_back(struct pwned_worker *worker, struct pwned_job *job)
{
	bool waits;

	(void)pthread_mutex_lock(&worker->mutex);
	waits = job->queue != NULL;
	if (job->queue == &worker->batch)
		worker->batch_length--;
	if (waits)
		dequeue(job);
	(void)pthread_mutex_unlock(&worker->mutex);
	worker->length -= waits;
	return waits;
}

unsigned int pwned_worker_length(struct pwned_worker *worker)
{
	return worker->length;
}

unsigned int pwned_worker_busy_msecs(struct pwned_worker *worker)
{
	uint64_t now = now_msecs(), msecs = 0;

	(void)pthread_mutex_lock(&worker->mutex);
	if (worker->running != NULL && now > worker->running_since_msecs)
		msecs = now - worker->running_since_msecs;
	(void)pthread_mutex_unlock(&worker->mutex);
	return msecs > UINT_MAX ? UINT_MAX : (unsigned int)msecs;
}
