/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_TASK_H
#define PWNED_FLAG_TASK_H

#include "flag-files.h"
#include "worker.h"

struct pwned_flag_keeper;
struct pwned_flags_request;

/* What the keeper's thread is given to do. */
enum pwned_flag_task_kind {
	PWNED_TASK_FIND,
	PWNED_TASK_TELL,
	PWNED_TASK_FLUSH,
	PWNED_TASK_LOOK,
	PWNED_TASK_WALK,
	PWNED_TASK_END,
};

/* What a look has seen. */
struct pwned_flag_sight {
	TAILQ_ENTRY(pwned_flag_sight) entry;
	unsigned int command; /* 0: a user */
	uint64_t at_secs;
	char user[];
};

/* Somebody waits until what he told is written. */
struct pwned_flag_waiter {
	TAILQ_ENTRY(pwned_flag_waiter) entry;
	bool written; /* the thread's, while it has it */
	bool lost;    /* what he told could not be kept; the loop's */
	struct pwned_flags_request *request;
	char user[];
};
TAILQ_HEAD(pwned_flag_waiters, pwned_flag_waiter);

struct pwned_flag_task {
	struct pwned_job job; /* must be first */
	struct pwned_flag_keeper *keeper;
	struct pwned_flag_files *files;
	enum pwned_flag_task_kind kind;
	uint64_t now_secs;
	struct pwned_flag_faults faults;
	unsigned int unwritten, wal_pages;
	bool walk_is_due;

	/* FIND, TELL */
	char *user;
	struct pwned_flags_request *request;
	struct pwned_flag flag;
	bool ok;
	struct pwned_flag_news said;
	uint64_t number;
	struct pwned_flag_waiter *waiter; /* until that is written; or NULL */
	char service[PWNED_FLAG_SERVICE_MAX + 1];
	char hold_text[PWNED_FLAG_TEXT_MAX + 1];

	/* FLUSH */
	struct pwned_flag_waiters waiters;
	struct pwned_news_outcomes outcomes;
	/* LOOK */
	TAILQ_HEAD(, pwned_flag_sight) sights;
	/* WALK */
	struct pwned_flag_filter *filter;
	bool ended;
};

/* The waiter owns its request. NULL when memory is short. */
struct pwned_flag_waiter *pwned_flag_waiter_new(
	const char *user, struct pwned_flags_request *request);
void pwned_flag_waiter_free(struct pwned_flag_waiter *waiter);

/* A job's run(), in the thread. */
void pwned_flag_task_run(struct pwned_job *job);

/* NULL when memory is short. user: of FIND and TELL, is copied. */
struct pwned_flag_task *pwned_flag_task_new(enum pwned_flag_task_kind kind,
					    const char *user,
					    uint64_t now_secs);
/* Copies what a login said; for TELL. */
void pwned_flag_task_set_said(struct pwned_flag_task *task,
			      const struct pwned_flag_news *said);
void pwned_flag_task_free(struct pwned_flag_task *task);

#endif
