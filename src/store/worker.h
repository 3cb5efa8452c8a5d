/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_WORKER_H
#define PWNED_WORKER_H

#include "loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* A thread that does for a loop what may wait for a disk: one job after the
   other, from a bounded queue. It has all signals blocked and a small stack,
   because address space is scarce in auth. */
struct pwned_worker;

/* Embed it in the job. Who pushes a job owns it again when done() is called. */
struct pwned_job {
	TAILQ_ENTRY(pwned_job) entry;
	/* in the thread */
	void (*run)(struct pwned_job *job);
	/* in the loop; also for a job that never ran, because the worker was
	   freed, unless the thread is still at it: that one is never freed */
	void (*done)(struct pwned_job *job, bool ran);
	/* Those of a batch are run in this order, and within it as they
	   came. */
	uint32_t order;
	/* the worker's */
	uint32_t number;
	struct pwned_job_list *queue; /* in which it waits; NULL: in none */
};

enum pwned_worker_class {
	PWNED_JOB_NOW,   /* as soon as the thread is free */
	PWNED_JOB_BATCH, /* with others, in order, after a while */
};

/* batch_msecs: how long jobs for a batch are collected; batch_max: how many of
   them begin it earlier. Returns NULL where there can be no thread. */
struct pwned_worker *pwned_worker_new(struct pwned_loop *loop,
				      unsigned int queue_max,
				      unsigned int batch_msecs,
				      unsigned int batch_max);
/* Lets the thread finish what is queued, for so long at most. One that does not
   come back from the disk is left to itself: false, and what its job uses must
   stay, with the job. done() is called for every other job that was not told
   of. Allowed in a done(), too. */
bool pwned_worker_free(struct pwned_worker **worker, unsigned int wait_msecs);

/* Returns false where the queue is full; the job stays the caller's. */
bool pwned_worker_push(struct pwned_worker *worker, struct pwned_job *job,
		       enum pwned_worker_class class);
/* For a job that was pushed and not told of. true: it had not begun, and is the
   caller's again; done() is not called. */
bool pwned_worker_take_back(struct pwned_worker *worker, struct pwned_job *job);
/* Waits until the thread has nothing to do, for so long at most, and calls
   done() for what it did. Returns false where it still works. */
bool pwned_worker_settle(struct pwned_worker *worker, unsigned int msecs);

/* Calls done() for what the thread has done so far. */
void pwned_worker_collect(struct pwned_worker *worker);

/* Jobs that wait or run. */
unsigned int pwned_worker_length(struct pwned_worker *worker);
/* How long the thread has been at its present job; 0: it is at none. */
unsigned int pwned_worker_busy_msecs(struct pwned_worker *worker);

#endif
