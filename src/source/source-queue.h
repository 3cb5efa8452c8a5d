/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SOURCE_QUEUE_H
#define PWNED_SOURCE_QUEUE_H

#include "source.h"

#include <sys/queue.h>

/* Flights that wait for their turn, urgent ones first. Of those that run only
   the number is known here. */
struct pwned_flight;
TAILQ_HEAD(pwned_flight_list, pwned_flight);

struct pwned_queue {
	struct pwned_loop *loop;
	struct pwned_flight_list waiting[PWNED_FETCH_URGENT + 1];
	unsigned int waiting_count, running_count;
	struct pwned_timer *pump; /* starts what waits */
};

void pwned_queue_init(struct pwned_queue *queue, struct pwned_loop *loop);
/* Every flight must have left. */
void pwned_queue_deinit(struct pwned_queue *queue);

/* Lets a flight wait. It is started by pwned_flight_start(), or given up after
   msecs by pwned_flight_give_up(), both from the loop only, so that nobody is
   called back from within a call of his. Returns false where there is no room:
   one in a less pressing mode is given up for it, if there is any. */
bool pwned_queue_add(struct pwned_queue *queue, struct pwned_flight *flight,
		     unsigned int msecs);
/* Somebody else waits for the flight as well, in that mode. */
void pwned_queue_raise(struct pwned_queue *queue, struct pwned_flight *flight,
		       enum pwned_fetch_mode mode);
/* The flight has ended, wherever it was. */
void pwned_queue_leave(struct pwned_queue *queue, struct pwned_flight *flight);

#endif
