/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tasks of the keeper's thread. */

#include "flag-task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_user(void *context, const char *user)
{
	struct pwned_flag_task *task = context;
	size_t size = strlen(user) + 1;
	struct pwned_flag_sight *sight = malloc(sizeof(*sight) + size);

	if (sight == NULL)
		return;
	*sight = (struct pwned_flag_sight){ .command = 0 };
	memcpy(sight->user, user, size);
	TAILQ_INSERT_TAIL(&task->sights, sight, entry);
}

static void on_command(void *context, unsigned int command, uint64_t at_secs)
{
	struct pwned_flag_task *task = context;
	struct pwned_flag_sight *sight = malloc(sizeof(*sight) + 1);

	if (sight == NULL)
		return;
	*sight = (struct pwned_flag_sight){ .command = command,
					    .at_secs = at_secs };
	*sight->user = '\0';
	TAILQ_INSERT_TAIL(&task->sights, sight, entry);
}

static void run_flush(struct pwned_flag_task *task)
{
	struct pwned_flag_waiter *waiter;

	pwned_flag_files_flush(task->files, task->now_secs, &task->outcomes,
			       &task->faults);
	TAILQ_FOREACH(waiter, &task->waiters, entry)
		waiter->written =
			pwned_flag_files_has_written(task->files, waiter->user);
}

static void run_look(struct pwned_flag_task *task)
{
	const struct pwned_flag_files_watcher watcher = {
		.user = on_user,
		.command = on_command,
		.context = task,
	};

	pwned_flag_files_look(task->files, task->now_secs, &watcher,
			      &task->faults);
}

void pwned_flag_task_run(struct pwned_job *job)
{
	struct pwned_flag_task *task = (struct pwned_flag_task *)job;

	switch (task->kind) {
	case PWNED_TASK_FIND:
		task->ok = pwned_flag_files_find(task->files, task->user,
						 task->now_secs, &task->flag,
						 &task->faults);
		break;
	case PWNED_TASK_TELL:
		task->ok = pwned_flag_files_tell(task->files, &task->said,
						 task->number);
		break;
	case PWNED_TASK_FLUSH:
		run_flush(task);
		break;
	case PWNED_TASK_LOOK:
		run_look(task);
		break;
	case PWNED_TASK_WALK:
		task->ended =
			pwned_flag_files_walk(task->files, task->now_secs,
					      &task->filter, &task->faults);
		break;
	case PWNED_TASK_END:
		run_flush(task);
		pwned_flag_files_free(&task->files);
		return;
	}
	task->unwritten = pwned_flag_files_unwritten(task->files);
	task->wal_pages = pwned_flag_files_wal_pages(task->files);
	task->walk_is_due = pwned_flag_files_walk_is_due(task->files);
}

struct pwned_flag_task *pwned_flag_task_new(enum pwned_flag_task_kind kind,
					    const char *user, uint64_t now_secs)
{
	struct pwned_flag_task *task = calloc(1, sizeof(*task));

	if (task == NULL)
		return NULL;
	task->job.run = pwned_flag_task_run;
	task->kind = kind;
	task->now_secs = now_secs;
	TAILQ_INIT(&task->waiters);
	TAILQ_INIT(&task->outcomes);
	TAILQ_INIT(&task->sights);
	if (user != NULL) {
		task->user = strdup(user);
		if (task->user == NULL) {
			pwned_flag_task_free(task);
			return NULL;
		}
	}
	return task;
}

void pwned_flag_task_set_said(struct pwned_flag_task *task,
			      const struct pwned_flag_news *said)
{
	task->said = *said;
	task->said.user = task->user;
	(void)snprintf(task->service, sizeof(task->service), "%s",
		       said->service == NULL ? "" : said->service);
	task->said.service = task->service;
	if (said->hold_text != NULL) {
		(void)snprintf(task->hold_text, sizeof(task->hold_text), "%s",
			       said->hold_text);
		task->said.hold_text = task->hold_text;
	}
}

void pwned_flag_task_free(struct pwned_flag_task *task)
{
	struct pwned_flag_sight *sight;

	while ((sight = TAILQ_FIRST(&task->sights)) != NULL) {
		TAILQ_REMOVE(&task->sights, sight, entry);
		free(sight);
	}
	pwned_news_outcomes_free(&task->outcomes);
	pwned_flag_filter_free(&task->filter);
	free(task->request);
	free(task->user);
	free(task);
}

struct pwned_flag_waiter *pwned_flag_waiter_new(
	const char *user, struct pwned_flags_request *request)
{
	size_t size = strlen(user) + 1;
	struct pwned_flag_waiter *waiter = malloc(sizeof(*waiter) + size);

	if (waiter == NULL)
		return NULL;
	*waiter = (struct pwned_flag_waiter){ .request = request };
	memcpy(waiter->user, user, size);
	return waiter;
}

void pwned_flag_waiter_free(struct pwned_flag_waiter *waiter)
{
	if (waiter == NULL)
		return;
	free(waiter->request);
	free(waiter);
}
