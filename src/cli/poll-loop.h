/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_POLL_LOOP_H
#define PWNED_POLL_LOOP_H

#include "loop.h"

#include <stdbool.h>

/* Our loop interface around poll(), for a program that has no loop of its
   own. Returns NULL when memory is short. */
struct pwned_loop *pwned_poll_loop_new(void);
/* All watches and timers must have been removed. */
void pwned_poll_loop_free(struct pwned_loop **loop);

/* Runs until *done is set by a callback. Returns false when poll() fails. */
bool pwned_poll_loop_run(struct pwned_loop *loop, const bool *done);

#endif
