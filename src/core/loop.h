/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_LOOP_H
#define PWNED_LOOP_H

#include <stdint.h>

/* The event loop that everything asynchronous here runs on: Dovecot's ioloop
   in auth, a loop around poll() in dovecot-pwned-check, a fake one with a
   clock of its own in tests. An implementation embeds struct pwned_loop.
   Callbacks run from the loop, never from within a call below. */
struct pwned_loop;
struct pwned_watch;
struct pwned_timer;

enum pwned_loop_events {
	PWNED_LOOP_READ = 1,
	PWNED_LOOP_WRITE = 2,
};

/* events: those that fd is ready for; also on errors, which show when the fd
   is used. */
typedef void pwned_watch_callback(void *context, int fd, unsigned int events);
typedef void pwned_timer_callback(void *context);

struct pwned_loop_vfuncs {
	/* Calls back whenever fd is ready, until removed. Removing is allowed
	   in a callback; it sets the pointer to NULL. Adding returns NULL when
	   memory is short. */
	struct pwned_watch *(*watch_add)(struct pwned_loop *loop, int fd,
					 unsigned int events,
					 pwned_watch_callback *callback,
					 void *context);
	void (*watch_remove)(struct pwned_watch **watch);

	/* Calls back once, when msecs have passed by the loop's clock, which
	   may lag behind by what else the loop has to do. The timer is gone
	   when its callback starts; otherwise it must be removed. */
	struct pwned_timer *(*timer_add)(struct pwned_loop *loop,
					 unsigned int msecs,
					 pwned_timer_callback *callback,
					 void *context);
	void (*timer_remove)(struct pwned_timer **timer);

	/* A clock that does not go back. */
	uint64_t (*now_msecs)(struct pwned_loop *loop);
	/* The time of the day, for what outlives the process. */
	uint64_t (*unix_secs)(struct pwned_loop *loop);
};

struct pwned_loop {
	const struct pwned_loop_vfuncs *v;
};

#endif
