/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A loop for tests. */

#include "fake-loop.h"
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/queue.h>

#define WATCHES_MAX     64
#define SERVE_MAX_MSECS 10000
/* A test starts at no special time. */
#define CLOCK_START 1000000
#define UNIX_START  1700000000

struct pwned_watch {
	TAILQ_ENTRY(pwned_watch) entry;
	struct fake_loop *loop;
	int fd;
	unsigned int events;
	pwned_watch_callback *callback;
	void *context;
};

struct pwned_timer {
	TAILQ_ENTRY(pwned_timer) entry;
	struct fake_loop *loop;
	uint64_t due_msecs;
	pwned_timer_callback *callback;
	void *context;
};

struct fake_loop {
	struct pwned_loop loop; /* must be first */
	TAILQ_HEAD(, pwned_watch) watches;
	TAILQ_HEAD(timer_list, pwned_timer) timers; /* in order of time */
	uint64_t now_msecs;
	/* the time of the day at some moment */
	uint64_t unix_secs, unix_at_msecs;
};

static struct pwned_watch *watch_add(struct pwned_loop *_loop, int fd,
				     unsigned int events,
				     pwned_watch_callback *callback,
				     void *context)
{
	struct fake_loop *loop = (struct fake_loop *)_loop;
	struct pwned_watch *watch = malloc(sizeof(*watch));

	assert_non_null(watch);
	*watch = (struct pwned_watch){ .loop = loop,
				       .fd = fd,
				       .events = events,
				       .callback = callback,
				       .context = context };
	TAILQ_INSERT_TAIL(&loop->watches, watch, entry);
	return watch;
}

static void watch_remove(struct pwned_watch **_watch)
{
	struct pwned_watch *watch = *_watch;

	/* an epoll set must not be told of a number that is closed by now, or
	   another file's */
	assert_true(fcntl(watch->fd, F_GETFD) >= 0);
	*_watch = NULL;
	TAILQ_REMOVE(&watch->loop->watches, watch, entry);
	free(watch);
}

static struct pwned_timer *timer_add(struct pwned_loop *_loop,
				     unsigned int msecs,
				     pwned_timer_callback *callback,
				     void *context)
{
	struct fake_loop *loop = (struct fake_loop *)_loop;
	struct pwned_timer *timer = malloc(sizeof(*timer)), *before;

	assert_non_null(timer);
	*timer = (struct pwned_timer){ .loop = loop,
				       .due_msecs = loop->now_msecs + msecs,
				       .callback = callback,
				       .context = context };
	/* most are due after those that are there */
	TAILQ_FOREACH_REVERSE(before, &loop->timers, timer_list, entry)
	{
		if (before->due_msecs <= timer->due_msecs)
			break;
	}
	if (before != NULL)
		TAILQ_INSERT_AFTER(&loop->timers, before, timer, entry);
	else
		TAILQ_INSERT_HEAD(&loop->timers, timer, entry);
	return timer;
}

static void timer_remove(struct pwned_timer **_timer)
{
	struct pwned_timer *timer = *_timer;

	*_timer = NULL;
	TAILQ_REMOVE(&timer->loop->timers, timer, entry);
	free(timer);
}

static uint64_t now_msecs(struct pwned_loop *loop)
{
	return ((struct fake_loop *)loop)->now_msecs;
}

static uint64_t unix_secs(struct pwned_loop *_loop)
{
	struct fake_loop *loop = (struct fake_loop *)_loop;

	return loop->unix_secs + (loop->now_msecs - loop->unix_at_msecs) / 1000;
}

static const struct pwned_loop_vfuncs vfuncs = {
	.watch_add = watch_add,
	.watch_remove = watch_remove,
	.timer_add = timer_add,
	.timer_remove = timer_remove,
	.now_msecs = now_msecs,
	.unix_secs = unix_secs,
};

struct pwned_loop *fake_loop_new(void)
{
	struct fake_loop *loop = calloc(1, sizeof(*loop));

	assert_non_null(loop);
	loop->loop.v = &vfuncs;
	loop->now_msecs = CLOCK_START;
	fake_loop_set_unix(&loop->loop, UNIX_START);
	TAILQ_INIT(&loop->watches);
	TAILQ_INIT(&loop->timers);
	return &loop->loop;
}

void fake_loop_free(struct pwned_loop **_loop)
{
	struct fake_loop *loop = (struct fake_loop *)*_loop;

	assert_true(TAILQ_EMPTY(&loop->watches));
	assert_true(TAILQ_EMPTY(&loop->timers));
	free(loop);
	*_loop = NULL;
}

void fake_loop_set_unix(struct pwned_loop *_loop, uint64_t secs)
{
	struct fake_loop *loop = (struct fake_loop *)_loop;

	loop->unix_secs = secs;
	loop->unix_at_msecs = loop->now_msecs;
}

/* Runs the first timer if it is due by then. */
static bool run_timer(struct fake_loop *loop, uint64_t by_msecs)
{
	struct pwned_timer *timer = TAILQ_FIRST(&loop->timers);
	pwned_timer_callback *callback;
	void *context;

	if (timer == NULL || timer->due_msecs > by_msecs)
		return false;
	if (timer->due_msecs > loop->now_msecs)
		loop->now_msecs = timer->due_msecs;
	callback = timer->callback;
	context = timer->context;
	timer_remove(&timer);
	callback(context);
	return true;
}

void fake_loop_advance(struct pwned_loop *_loop, unsigned int msecs)
{
	struct fake_loop *loop = (struct fake_loop *)_loop;
	uint64_t by_msecs = loop->now_msecs + msecs;

	while (run_timer(loop, by_msecs))
		;
	loop->now_msecs = by_msecs;
}

/* A callback may remove any watch, so each is looked for again. */
static void run_watch(struct fake_loop *loop, const struct pollfd *ready)
{
	unsigned int events = 0;
	struct pwned_watch *watch;

	if ((ready->revents & ~POLLOUT) != 0)
		events |= PWNED_LOOP_READ;
	if ((ready->revents & ~POLLIN) != 0)
		events |= PWNED_LOOP_WRITE;
	TAILQ_FOREACH(watch, &loop->watches, entry) {
		if (watch->fd == ready->fd && (watch->events & events) != 0) {
			watch->callback(watch->context, watch->fd,
					watch->events & events);
			return;
		}
	}
}

static void serve_sockets(struct fake_loop *loop, int msecs)
{
	struct pollfd fds[WATCHES_MAX];
	struct pwned_watch *watch;
	nfds_t count = 0;

	TAILQ_FOREACH(watch, &loop->watches, entry) {
		assert_true(count < WATCHES_MAX);
		fds[count].fd = watch->fd;
		fds[count].events = 0;
		if ((watch->events & PWNED_LOOP_READ) != 0)
			fds[count].events |= POLLIN;
		if ((watch->events & PWNED_LOOP_WRITE) != 0)
			fds[count].events |= POLLOUT;
		count++;
	}
	if (poll(fds, count, msecs) <= 0)
		return;
	for (nfds_t i = 0; i < count; i++) {
		assert_int_equal(fds[i].revents & POLLNVAL, 0);
		if (fds[i].revents != 0)
			run_watch(loop, &fds[i]);
	}
}

void fake_loop_serve(struct pwned_loop *_loop, const bool *done)
{
	struct fake_loop *loop = (struct fake_loop *)_loop;
	uint64_t end_msecs = loop->now_msecs + SERVE_MAX_MSECS;

	while (!*done) {
		assert_true(loop->now_msecs < end_msecs);
		serve_sockets(loop, 1);
		fake_loop_advance(_loop, 1);
	}
}

void fake_loop_serve_msecs(struct pwned_loop *loop, unsigned int msecs)
{
	for (unsigned int i = 0; i < msecs; i++) {
		serve_sockets((struct fake_loop *)loop, 1);
		fake_loop_advance(loop, 1);
	}
}
