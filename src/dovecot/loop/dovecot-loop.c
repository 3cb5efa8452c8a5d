/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our loop interface on Dovecot's ioloop. */

#include "lib.h"
#include "ioloop.h"
#include "dovecot-loop.h"

#include <time.h>

/* Good to some milliseconds, and cheaper for each login. */
#ifdef CLOCK_MONOTONIC_COARSE
#define MONOTONIC_CLOCK CLOCK_MONOTONIC_COARSE
#else
#define MONOTONIC_CLOCK CLOCK_MONOTONIC
#endif

struct dovecot_loop {
	struct pwned_loop loop; /* must be first */
	struct ioloop *ioloop;
};

struct pwned_watch {
	struct io *read, *write;
	int fd;
	pwned_watch_callback *callback;
	void *context;
};

struct pwned_timer {
	struct timeout *to;
	pwned_timer_callback *callback;
	void *context;
};

static void watch_readable(struct pwned_watch *watch)
{
	watch->callback(watch->context, watch->fd, PWNED_LOOP_READ);
}

static void watch_writable(struct pwned_watch *watch)
{
	watch->callback(watch->context, watch->fd, PWNED_LOOP_WRITE);
}

static struct pwned_watch *dovecot_loop_watch_add(
	struct pwned_loop *_loop, int fd, unsigned int events,
	pwned_watch_callback *callback, void *context)
{
	struct dovecot_loop *loop = (struct dovecot_loop *)_loop;
	struct pwned_watch *watch = i_new(struct pwned_watch, 1);

	watch->fd = fd;
	watch->callback = callback;
	watch->context = context;
	if ((events & PWNED_LOOP_READ) != 0)
		watch->read = io_add_to(loop->ioloop, fd, IO_READ,
					watch_readable, watch);
	if ((events & PWNED_LOOP_WRITE) != 0)
		watch->write = io_add_to(loop->ioloop, fd, IO_WRITE,
					 watch_writable, watch);
	return watch;
}

static void dovecot_loop_watch_remove(struct pwned_watch **_watch)
{
	struct pwned_watch *watch = *_watch;

	*_watch = NULL;
	io_remove(&watch->read);
	io_remove(&watch->write);
	i_free(watch);
}

static void timer_expired(struct pwned_timer *timer)
{
	pwned_timer_callback *callback = timer->callback;
	void *context = timer->context;

	/* an ioloop's timeout repeats until it is removed */
	timeout_remove(&timer->to);
	i_free(timer);
	callback(context);
}

static struct pwned_timer *dovecot_loop_timer_add(
	struct pwned_loop *_loop, unsigned int msecs,
	pwned_timer_callback *callback, void *context)
{
	struct dovecot_loop *loop = (struct dovecot_loop *)_loop;
	struct pwned_timer *timer = i_new(struct pwned_timer, 1);

	timer->callback = callback;
	timer->context = context;
	timer->to = timeout_add_to(loop->ioloop, msecs, timer_expired, timer);
	return timer;
}

static void dovecot_loop_timer_remove(struct pwned_timer **_timer)
{
	struct pwned_timer *timer = *_timer;

	*_timer = NULL;
	timeout_remove(&timer->to);
	i_free(timer);
}

static uint64_t dovecot_loop_now_msecs(struct pwned_loop *loop ATTR_UNUSED)
{
	struct timespec now;

	(void)clock_gettime(MONOTONIC_CLOCK, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Not ioloop_time, which lags behind. */
static uint64_t dovecot_loop_unix_secs(struct pwned_loop *loop ATTR_UNUSED)
{
	return (uint64_t)time(NULL);
}

static const struct pwned_loop_vfuncs dovecot_loop_vfuncs = {
	.watch_add = dovecot_loop_watch_add,
	.watch_remove = dovecot_loop_watch_remove,
	.timer_add = dovecot_loop_timer_add,
	.timer_remove = dovecot_loop_timer_remove,
	.now_msecs = dovecot_loop_now_msecs,
	.unix_secs = dovecot_loop_unix_secs,
};

struct pwned_loop *pwned_dovecot_loop_new(void)
{
	struct dovecot_loop *loop = i_new(struct dovecot_loop, 1);

	loop->loop.v = &dovecot_loop_vfuncs;
	loop->ioloop = current_ioloop;
	return &loop->loop;
}

void pwned_dovecot_loop_free(struct pwned_loop **_loop)
{
	struct dovecot_loop *loop = (struct dovecot_loop *)*_loop;

	*_loop = NULL;
	i_free(loop);
}
