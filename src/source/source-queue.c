/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is fetched when. */

#include "source-queue.h"
#include "source-flight.h"

void pwned_queue_init(struct pwned_queue *queue, struct pwned_loop *loop)
{
	*queue = (struct pwned_queue){ .loop = loop };
	for (int mode = PWNED_FETCH_LATER; mode <= PWNED_FETCH_URGENT; mode++)
		TAILQ_INIT(&queue->waiting[mode]);
}

void pwned_queue_deinit(struct pwned_queue *queue)
{
	if (queue->pump != NULL)
		queue->loop->v->timer_remove(&queue->pump);
}

static struct pwned_flight *first_waiting(struct pwned_queue *queue)
{
	struct pwned_flight *flight = NULL;

	for (int mode = PWNED_FETCH_URGENT;
	     flight == NULL && mode >= PWNED_FETCH_LATER; mode--)
		flight = TAILQ_FIRST(&queue->waiting[mode]);
	return flight;
}

static bool is_one_to_start(const struct pwned_queue *queue)
{
	return queue->waiting_count > 0 &&
	       queue->running_count < PWNED_SOURCE_MAX_RUNNING;
}

static void waiting_remove(struct pwned_queue *queue,
			   struct pwned_flight *flight)
{
	if (flight->timer != NULL)
		queue->loop->v->timer_remove(&flight->timer);
	TAILQ_REMOVE(&queue->waiting[flight->mode], flight, entry);
	queue->waiting_count--;
	flight->place = PWNED_FLIGHT_NOWHERE;
}

static void on_pump(void *context)
{
	struct pwned_queue *queue = context;

	queue->pump = NULL;
	while (is_one_to_start(queue)) {
		struct pwned_flight *flight = first_waiting(queue);

		waiting_remove(queue, flight);
		queue->running_count++;
		flight->place = PWNED_FLIGHT_RUNNING;
		pwned_flight_start(flight);
	}
}

static void pump_schedule(struct pwned_queue *queue)
{
	if (queue->pump == NULL && is_one_to_start(queue))
		queue->pump = queue->loop->v->timer_add(queue->loop, 0, on_pump,
							queue);
}

static void on_timeout(void *context)
{
	struct pwned_flight *flight = context;

	flight->timer = NULL;
	pwned_flight_give_up(flight);
}

static void wait_at_most(struct pwned_queue *queue, struct pwned_flight *flight,
			 unsigned int msecs)
{
	if (flight->timer != NULL)
		queue->loop->v->timer_remove(&flight->timer);
	flight->timer = queue->loop->v->timer_add(queue->loop, msecs,
						  on_timeout, flight);
}

/* Gives up the one that came last of those that press least. */
static bool make_room(struct pwned_queue *queue, enum pwned_fetch_mode mode)
{
	for (int less = PWNED_FETCH_LATER; less < (int)mode; less++) {
		struct pwned_flight_list *list = &queue->waiting[less];
		struct pwned_flight *last = TAILQ_LAST(list, pwned_flight_list);

		if (last == NULL || last->given_up)
			continue;
		last->given_up = true;
		/* to the front: the next one to be given up is the last again
		 */
		TAILQ_REMOVE(list, last, entry);
		TAILQ_INSERT_HEAD(list, last, entry);
		wait_at_most(queue, last, 0);
		return true;
	}
	return false;
}

bool pwned_queue_add(struct pwned_queue *queue, struct pwned_flight *flight,
		     unsigned int msecs)
{
	if (queue->waiting_count >= PWNED_SOURCE_MAX_QUEUED &&
	    !make_room(queue, flight->mode))
		return false;
	flight->place = PWNED_FLIGHT_WAITING;
	TAILQ_INSERT_TAIL(&queue->waiting[flight->mode], flight, entry);
	queue->waiting_count++;
	wait_at_most(queue, flight, msecs);
	pump_schedule(queue);
	return true;
}

void pwned_queue_raise(struct pwned_queue *queue, struct pwned_flight *flight,
		       enum pwned_fetch_mode mode)
{
	if (flight->place != PWNED_FLIGHT_WAITING || mode <= flight->mode)
		return;
	TAILQ_REMOVE(&queue->waiting[flight->mode], flight, entry);
	flight->mode = mode;
	TAILQ_INSERT_TAIL(&queue->waiting[flight->mode], flight, entry);
}

void pwned_queue_leave(struct pwned_queue *queue, struct pwned_flight *flight)
{
	switch (flight->place) {
	case PWNED_FLIGHT_WAITING:
		waiting_remove(queue, flight);
		break;
	case PWNED_FLIGHT_RUNNING:
		queue->running_count--;
		flight->place = PWNED_FLIGHT_NOWHERE;
		break;
	case PWNED_FLIGHT_NOWHERE:
		break;
	}
	pump_schedule(queue);
}
