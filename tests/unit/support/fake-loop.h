/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_FAKE_LOOP_H
#define PWNED_TEST_FAKE_LOOP_H

#include "loop.h"

#include <stdbool.h>

/* A loop with a clock that stands still unless a test moves it. It fails the
   test where memory is short. */
struct pwned_loop *fake_loop_new(void);
/* Fails the test where a watch or a timer is left. */
void fake_loop_free(struct pwned_loop **loop);

/* Moves the clock and runs the timers that fall due, each at its time. 0: those
   that are due now. */
void fake_loop_advance(struct pwned_loop *loop, unsigned int msecs);

/* Sets the time of the day, which then goes with the clock. */
void fake_loop_set_unix(struct pwned_loop *loop, uint64_t secs);

/* For tests with real sockets: serves them, with the clock going as usual,
   until *done. Fails the test when that takes more than some seconds. */
void fake_loop_serve(struct pwned_loop *loop, const bool *done);
/* The same for some time. */
void fake_loop_serve_msecs(struct pwned_loop *loop, unsigned int msecs);

#endif
