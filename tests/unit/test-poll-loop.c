/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop around poll(), on a real clock. */

#include "support/unit.h"
#include "poll-loop.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DELAY_MSECS 30

struct fixture {
	struct pwned_loop *loop;
	int fds[2];
	bool done;
	unsigned int order[8], length; /* marks, as they were left */
	struct pwned_watch *watches[2];
};

/* What a callback knows: whose it is, and its mark. */
struct mark {
	struct fixture *fixture;
	unsigned int number;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .loop = pwned_poll_loop_new() };
	assert_non_null(f.loop);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f.fds), 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	pwned_poll_loop_free(&f->loop);
	assert_null(f->loop);
	(void)close(f->fds[0]);
	(void)close(f->fds[1]);
	return 0;
}

static void leave_mark(void *context)
{
	struct mark *mark = context;
	struct fixture *f = mark->fixture;

	assert_true(f->length < N_ELEMENTS(f->order));
	f->order[f->length++] = mark->number;
}

static void finish(void *context)
{
	struct fixture *f = context;

	f->done = true;
}

static void run(struct fixture *f)
{
	assert_true(pwned_poll_loop_run(f->loop, &f->done));
}

static void timers_run_in_order_and_not_early(void **state)
{
	struct fixture *f = *state;
	struct mark marks[] = { { f, 0 }, { f, 1 }, { f, 2 }, { f, 3 } };
	const struct pwned_loop_vfuncs *v = f->loop->v;
	uint64_t start = v->now_msecs(f->loop);
	struct pwned_timer *removed;

	(void)v->timer_add(f->loop, DELAY_MSECS, finish, f);
	(void)v->timer_add(f->loop, DELAY_MSECS / 2, leave_mark, &marks[2]);
	(void)v->timer_add(f->loop, 0, leave_mark, &marks[0]);
	(void)v->timer_add(f->loop, 0, leave_mark, &marks[1]);
	removed = v->timer_add(f->loop, 1, leave_mark, &marks[3]);
	v->timer_remove(&removed);
	assert_null(removed);
	run(f);
	assert_true(v->now_msecs(f->loop) - start >= DELAY_MSECS);
	assert_int_equal(f->length, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(f->order[i], i);
}

static void on_readable(void *context, int fd, unsigned int events)
{
	struct fixture *f = context;
	char byte;

	assert_int_equal(fd, f->fds[0]);
	assert_int_equal(events, PWNED_LOOP_READ);
	f->done = true;
	/* 0: the other side is closed */
	f->length = (unsigned int)read(fd, &byte, 1);
}

static void write_byte(void *context)
{
	struct fixture *f = context;

	assert_int_equal(write(f->fds[1], "x", 1), 1);
}

static void a_watch_tells_of_its_event(void **state)
{
	struct fixture *f = *state;
	const struct pwned_loop_vfuncs *v = f->loop->v;

	f->watches[0] = v->watch_add(f->loop, f->fds[0], PWNED_LOOP_READ,
				     on_readable, f);
	(void)v->timer_add(f->loop, 1, write_byte, f);
	run(f);
	assert_int_equal(f->length, 1);
	v->watch_remove(&f->watches[0]);
	assert_null(f->watches[0]);
}

static void a_closed_connection_is_readable(void **state)
{
	struct fixture *f = *state;
	const struct pwned_loop_vfuncs *v = f->loop->v;

	f->watches[0] = v->watch_add(f->loop, f->fds[0], PWNED_LOOP_READ,
				     on_readable, f);
	assert_int_equal(shutdown(f->fds[1], SHUT_RDWR), 0);
	f->length = 7;
	run(f);
	assert_int_equal(f->length, 0);
	v->watch_remove(&f->watches[0]);
}

/* Removes both watches, its own as well. */
static void on_writable(void *context, int fd, unsigned int events)
{
	struct fixture *f = context;

	(void)fd;
	assert_int_equal(events, PWNED_LOOP_WRITE);
	f->length++;
	for (unsigned int i = 0; i < N_ELEMENTS(f->watches); i++)
		f->loop->v->watch_remove(&f->watches[i]);
}

static void a_callback_may_remove_any_watch(void **state)
{
	struct fixture *f = *state;
	const struct pwned_loop_vfuncs *v = f->loop->v;

	for (unsigned int i = 0; i < N_ELEMENTS(f->watches); i++) {
		f->watches[i] = v->watch_add(f->loop, f->fds[i],
					     PWNED_LOOP_WRITE, on_writable, f);
	}
	(void)v->timer_add(f->loop, DELAY_MSECS, finish, f);
	run(f);
	assert_int_equal(f->length, 1);
}

#define with_loop(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void the_time_of_the_day_is_the_systems(void **state)
{
	struct fixture *f = *state;
	uint64_t before_secs = (uint64_t)time(NULL);
	uint64_t secs = f->loop->v->unix_secs(f->loop);

	assert_true(secs >= before_secs);
	assert_true(secs <= (uint64_t)time(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_loop(timers_run_in_order_and_not_early),
		with_loop(a_watch_tells_of_its_event),
		with_loop(a_closed_connection_is_readable),
		with_loop(a_callback_may_remove_any_watch),
		with_loop(the_time_of_the_day_is_the_systems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
