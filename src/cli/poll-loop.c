/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A loop around poll(). */

#include "poll-loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

struct pwned_watch {
	TAILQ_ENTRY(pwned_watch) entry;
	struct poll_loop *loop;
	int fd;
	unsigned int events;
	pwned_watch_callback *callback;
	void *context;
};

struct pwned_timer {
	TAILQ_ENTRY(pwned_timer) entry;
	struct poll_loop *loop;
	uint64_t due_msecs;
	pwned_timer_callback *callback;
	void *context;
};

struct poll_loop {
	struct pwned_loop loop; /* must be first */
	TAILQ_HEAD(, pwned_watch) watches;
	TAILQ_HEAD(, pwned_timer) timers; /* the next one first */
	unsigned int watches_count;
};

static uint64_t poll_loop_now_msecs(struct pwned_loop *loop)
{
	struct timespec now;

	(void)loop;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t poll_loop_unix_secs(struct pwned_loop *loop)
{
	(void)loop;
	return (uint64_t)time(NULL);
}

static struct pwned_watch *poll_loop_watch_add(struct pwned_loop *_loop, int fd,
					       unsigned int events,
					       pwned_watch_callback *callback,
					       void *context)
{
	struct poll_loop *loop = (struct poll_loop *)_loop;
	struct pwned_watch *watch = malloc(sizeof(*watch));

	if (watch == NULL)
		return NULL;
	*watch = (struct pwned_watch){ .loop = loop,
				       .fd = fd,
				       .events = events,
				       .callback = callback,
				       .context = context };
	TAILQ_INSERT_TAIL(&loop->watches, watch, entry);
	loop->watches_count++;
	return watch;
}

static void poll_loop_watch_remove(struct pwned_watch **_watch)
{
	struct pwned_watch *watch = *_watch;

	*_watch = NULL;
	TAILQ_REMOVE(&watch->loop->watches, watch, entry);
	watch->loop->watches_count--;
	free(watch);
}

static struct pwned_timer *poll_loop_timer_add(struct pwned_loop *_loop,
					       unsigned int msecs,
					       pwned_timer_callback *callback,
					       void *context)
{
	struct poll_loop *loop = (struct poll_loop *)_loop;
	struct pwned_timer *timer = malloc(sizeof(*timer)), *later;

	if (timer == NULL)
		return NULL;
	*timer = (struct pwned_timer){
		.loop = loop,
		.due_msecs = poll_loop_now_msecs(_loop) + msecs,
		.callback = callback,
		.context = context,
	};
	TAILQ_FOREACH(later, &loop->timers, entry) {
		if (later->due_msecs > timer->due_msecs) {
			TAILQ_INSERT_BEFORE(later, timer, entry);
			return timer;
		}
	}
	TAILQ_INSERT_TAIL(&loop->timers, timer, entry);
	return timer;
}

static void poll_loop_timer_remove(struct pwned_timer **_timer)
{
	struct pwned_timer *timer = *_timer;

	*_timer = NULL;
	TAILQ_REMOVE(&timer->loop->timers, timer, entry);
	free(timer);
}

static const struct pwned_loop_vfuncs poll_loop_vfuncs = {
	.watch_add = poll_loop_watch_add,
	.watch_remove = poll_loop_watch_remove,
	.timer_add = poll_loop_timer_add,
	.timer_remove = poll_loop_timer_remove,
	.now_msecs = poll_loop_now_msecs,
	.unix_secs = poll_loop_unix_secs,
};

struct pwned_loop *pwned_poll_loop_new(void)
{
	struct poll_loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return NULL;
	loop->loop.v = &poll_loop_vfuncs;
	TAILQ_INIT(&loop->watches);
	TAILQ_INIT(&loop->timers);
	return &loop->loop;
}

void pwned_poll_loop_free(struct pwned_loop **loop)
{
	free(*loop);
	*loop = NULL;
}

/* Milliseconds to the next timer, for poll(). */
static int next_timeout(struct poll_loop *loop)
{
	const struct pwned_timer *timer = TAILQ_FIRST(&loop->timers);
	uint64_t now = poll_loop_now_msecs(&loop->loop);

	if (timer == NULL)
		return -1;
	if (timer->due_msecs <= now)
		return 0;
	return timer->due_msecs - now > INT_MAX ? INT_MAX :
						  (int)(timer->due_msecs - now);
}

static bool run_timer(struct poll_loop *loop)
{
	struct pwned_timer *timer = TAILQ_FIRST(&loop->timers);
	pwned_timer_callback *callback;
	void *context;

	if (timer == NULL || next_timeout(loop) > 0)
		return false;
	callback = timer->callback;
	context = timer->context;
	poll_loop_timer_remove(&timer);
	callback(context);
	return true;
}

/* A callback may remove any watch: so each one is looked for by its fd. */
static void run_watch(struct poll_loop *loop, const struct pollfd *ready)
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

static bool poll_once(struct poll_loop *loop)
{
	unsigned int count = 0, total = loop->watches_count;
	struct pollfd *fds = calloc(total + 1, sizeof(*fds));
	const struct pwned_watch *watch;
	int ret;

	if (fds == NULL)
		return false;
	TAILQ_FOREACH(watch, &loop->watches, entry) {
		fds[count].fd = watch->fd;
		if ((watch->events & PWNED_LOOP_READ) != 0)
			fds[count].events |= POLLIN;
		if ((watch->events & PWNED_LOOP_WRITE) != 0)
			fds[count].events |= POLLOUT;
		count++;
	}
	ret = poll(fds, count, next_timeout(loop));
	for (unsigned int i = 0; ret > 0 && i < count; i++) {
		if (fds[i].revents != 0)
			run_watch(loop, &fds[i]);
	}
	free(fds);
	return ret >= 0 || errno == EINTR;
}

bool pwned_poll_loop_run(struct pwned_loop *_loop, const bool *done)
{
	struct poll_loop *loop = (struct poll_loop *)_loop;

	while (!*done) {
		if (!run_timer(loop) && !poll_once(loop))
			return false;
	}
	return true;
}
