/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checkpoints. */

#include "flag-sweeper.h"
#include "flag-db.h"
#include "hold-db.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>

#define BUSY_MSECS 50
#define STOP_MSECS 200

/* A job, which owns all that the thread uses. */
struct sweep {
	struct pwned_job job; /* must be first */
	struct pwned_flag_sweeper *sweeper;
	char *folder, *hold_folder, *hold_group;
};

struct pwned_flag_sweeper {
	struct pwned_worker *worker;
	struct sweep *sweep; /* NULL: the thread has it */
};

static void sweep_run(struct pwned_job *job)
{
	struct sweep *sweep = (struct sweep *)job;
	struct pwned_flag_db *flags;
	struct pwned_hold_db *holds;
	struct pwned_error ignored;

	if (pwned_flag_db_open(sweep->folder, PWNED_DB_QUICK, BUSY_MSECS,
			       &flags, &ignored) == PWNED_DB_OK) {
		(void)pwned_sqlite_checkpoint(pwned_flag_db_file(flags),
					      &ignored);
		pwned_flag_db_close(&flags);
	}
	if (*sweep->hold_folder != '\0' &&
	    pwned_hold_db_open(sweep->hold_folder, sweep->hold_group,
			       PWNED_DB_QUICK, BUSY_MSECS, &holds,
			       &ignored) == PWNED_DB_OK) {
		(void)pwned_sqlite_checkpoint(pwned_hold_db_file(holds),
					      &ignored);
		pwned_hold_db_close(&holds);
	}
}

static void sweep_free(struct sweep *sweep)
{
	if (sweep == NULL)
		return;
	free(sweep->folder);
	free(sweep->hold_folder);
	free(sweep->hold_group);
	free(sweep);
}

static void sweep_done(struct pwned_job *job, bool ran)
{
	struct sweep *sweep = (struct sweep *)job;

	(void)ran;
	sweep->sweeper->sweep = sweep;
}

static struct sweep *sweep_new(struct pwned_flag_sweeper *sweeper,
			       const char *folder, const char *hold_folder,
			       const char *hold_group)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));

	if (sweep == NULL)
		return NULL;
	sweep->job.run = sweep_run;
	sweep->job.done = sweep_done;
	sweep->sweeper = sweeper;
	sweep->folder = strdup(folder);
	sweep->hold_folder = strdup(hold_folder);
	sweep->hold_group = strdup(hold_group);
	if (sweep->folder != NULL && sweep->hold_folder != NULL &&
	    sweep->hold_group != NULL)
		return sweep;
	sweep_free(sweep);
	return NULL;
}

struct pwned_flag_sweeper *pwned_flag_sweeper_new(const char *folder,
						  const char *hold_folder,
						  const char *hold_group,
						  struct pwned_loop *loop)
{
	struct pwned_flag_sweeper *sweeper = calloc(1, sizeof(*sweeper));

	if (sweeper == NULL)
		return NULL;
	sweeper->sweep = sweep_new(sweeper, folder, hold_folder, hold_group);
	sweeper->worker = pwned_worker_new(loop, 1, 0, 0);
	if (sweeper->sweep == NULL || sweeper->worker == NULL)
		pwned_flag_sweeper_free(&sweeper);
	return sweeper;
}

void pwned_flag_sweeper_sweep(struct pwned_flag_sweeper *sweeper)
{
	struct sweep *sweep = sweeper->sweep;

	if (sweep == NULL)
		return;
	sweeper->sweep = NULL;
	if (!pwned_worker_push(sweeper->worker, &sweep->job, PWNED_JOB_NOW))
		sweeper->sweep = sweep;
}

bool pwned_flag_sweeper_is_busy(struct pwned_flag_sweeper *sweeper)
{
	return sweeper->sweep == NULL;
}

void pwned_flag_sweeper_free(struct pwned_flag_sweeper **_sweeper)
{
	struct pwned_flag_sweeper *sweeper = *_sweeper;

	*_sweeper = NULL;
	if (sweeper == NULL)
		return;
	/* a thread that hangs keeps its job */
	(void)pwned_worker_free(&sweeper->worker, STOP_MSECS);
	sweep_free(sweeper->sweep);
	free(sweeper);
}
