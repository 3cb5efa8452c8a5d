/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The records of accounts, for a loop. */

#include "flag-keeper.h"
#include "flag-complaints.h"
#include "flag-sweeper.h"
#include "flag-task.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define TASKS_MAX         65536
#define FLUSH_MSECS       500 /* a crash loses what was told since */
#define FLUSH_AGAIN_MSECS 200 /* after a failure, and then twice as long */
#define FLUSH_AGAIN_MAX   10000
#define LOOK_MSECS        1000
#define WALK_AGAIN_MSECS  10000
#define WALK_EVERY_MSECS  (6 * 3600 * 1000)
#define STOP_MSECS        1000
/* A thread that is at one task for longer hangs at its disk. */
#define STALLED_MSECS 300
/* Pages of a WAL that begin a checkpoint. */
#define SWEEP_PAGES 1000

struct pwned_flags_request {
	struct pwned_flag_keeper *keeper;
	pwned_flags_found_callback *found; /* NULL with told: forgotten */
	pwned_flags_told_callback *told;
	void *context;
};

struct pwned_flag_keeper {
	struct pwned_flags flags; /* must be first */
	struct pwned_loop *loop;
	const struct pwned_reporter *reporter;
	struct pwned_counters *counters;
	pwned_flag_command_callback *command;
	void *command_context;
	bool commands_only;

	struct pwned_worker *worker;
	struct pwned_flag_files *files; /* the thread's */
	struct pwned_flag_sweeper *sweeper;

	struct pwned_flag_filter *filter; /* NULL: not known yet */
	/* comes when those are back that were told before it was made */
	struct pwned_flag_filter *next_filter;
	unsigned int tells, tells_before;

	struct pwned_timer *flush_timer, *look_timer, *walk_timer;
	unsigned int flush_msecs; /* until the next try; 0: none failed */
	bool flushes, looks, walks;
	unsigned int finds;
	unsigned int unwritten;
	uint64_t number;
	struct pwned_flag_waiters waiters;

	bool down; /* records cannot be read */
	struct pwned_flag_complaints complaints;
};

static void task_done(struct pwned_job *job, bool ran);

static struct pwned_flag_task *task_new(struct pwned_flag_keeper *keeper,
					enum pwned_flag_task_kind kind,
					const char *user)
{
	struct pwned_flag_task *task = pwned_flag_task_new(
		kind, user, keeper->loop->v->unix_secs(keeper->loop));

	if (task == NULL)
		return NULL;
	task->job.done = task_done;
	task->keeper = keeper;
	task->files = keeper->files;
	return task;
}

/* Returns false where the task is gone: too much waits already. */
static bool task_push(struct pwned_flag_task *task)
{
	if (pwned_worker_push(task->keeper->worker, &task->job, PWNED_JOB_NOW))
		return true;
	TAILQ_CONCAT(&task->keeper->waiters, &task->waiters, entry);
	pwned_flag_task_free(task);
	return false;
}

static bool task_start(struct pwned_flag_keeper *keeper,
		       enum pwned_flag_task_kind kind)
{
	struct pwned_flag_task *task = task_new(keeper, kind, NULL);

	if (task == NULL)
		return false;
	if (kind == PWNED_TASK_FLUSH || kind == PWNED_TASK_END)
		TAILQ_CONCAT(&task->waiters, &keeper->waiters, entry);
	return task_push(task);
}

static void request_free(struct pwned_flags_request **request)
{
	free(*request);
	*request = NULL;
}

static void find_done(struct pwned_flag_keeper *keeper,
		      struct pwned_flag_task *task, bool ran)
{
	struct pwned_flags_request request = *task->request;

	keeper->finds--;
	keeper->down = ran && !task->ok && !task->faults.busy;
	request_free(&task->request);
	if (request.found != NULL)
		request.found(request.context,
			      ran && task->ok ? &task->flag : NULL);
}

static void next_filter_comes(struct pwned_flag_keeper *keeper)
{
	if (keeper->next_filter == NULL || keeper->tells_before > 0)
		return;
	pwned_flag_filter_free(&keeper->filter);
	keeper->filter = keeper->next_filter;
	keeper->next_filter = NULL;
}

static void filters_add(struct pwned_flag_keeper *keeper, const char *user)
{
	if (keeper->filter != NULL)
		pwned_flag_filter_add(keeper->filter, user);
	if (keeper->next_filter != NULL)
		pwned_flag_filter_add(keeper->next_filter, user);
}

static void flush_soon(struct pwned_flag_keeper *keeper, unsigned int msecs);

static void tell_done(struct pwned_flag_keeper *keeper,
		      struct pwned_flag_task *task, bool ran)
{
	keeper->tells--;
	filters_add(keeper, task->user);
	if (keeper->tells_before > 0)
		keeper->tells_before--;
	next_filter_comes(keeper);
	if (!ran || !task->ok) {
		if (task->said.saying == PWNED_SAYING_BREACHED)
			pwned_count(keeper->counters,
				    PWNED_COUNT_FLAGS_DROPPED);
		if (task->waiter != NULL)
			task->waiter->lost = true;
	}
	/* what was told while a flush took longer than it was to wait */
	if (keeper->unwritten > 0 && !keeper->flushes)
		flush_soon(keeper, FLUSH_MSECS);
}

/* Those who still wait are asked for again with the next flush. */
static void waiters_answer(struct pwned_flag_keeper *keeper,
			   struct pwned_flag_waiters *waiters, bool ended)
{
	struct pwned_flag_waiter *waiter;

	while ((waiter = TAILQ_FIRST(waiters)) != NULL) {
		struct pwned_flags_request request = *waiter->request;
		bool written = waiter->written && !waiter->lost;

		TAILQ_REMOVE(waiters, waiter, entry);
		if (!written && !waiter->lost && !ended &&
		    request.told != NULL) {
			TAILQ_INSERT_TAIL(&keeper->waiters, waiter, entry);
			continue;
		}
		pwned_flag_waiter_free(waiter);
		if (request.told != NULL)
			request.told(request.context, written);
	}
}

static void flush_done(struct pwned_flag_keeper *keeper,
		       struct pwned_flag_task *task)
{
	struct pwned_flag_waiters waiters = TAILQ_HEAD_INITIALIZER(waiters);
	bool failed = *task->faults.flags.text != '\0' ||
		      *task->faults.hold.text != '\0';

	keeper->flushes = false;
	pwned_news_outcomes_report(&task->outcomes, keeper->reporter);
	if (!failed)
		keeper->flush_msecs = 0;
	else if (keeper->flush_msecs == 0)
		keeper->flush_msecs = FLUSH_AGAIN_MSECS;
	else if (keeper->flush_msecs < FLUSH_AGAIN_MAX)
		keeper->flush_msecs *= 2;
	TAILQ_CONCAT(&waiters, &task->waiters, entry);
	waiters_answer(keeper, &waiters, false);
	if (failed)
		flush_soon(keeper, keeper->flush_msecs);
	else if (!TAILQ_EMPTY(&keeper->waiters))
		flush_soon(keeper, 0);
	else if (keeper->unwritten > 0)
		flush_soon(keeper, FLUSH_MSECS);
}

static void look_done(struct pwned_flag_keeper *keeper,
		      struct pwned_flag_task *task)
{
	struct pwned_flag_sight *sight;

	keeper->looks = false;
	keeper->down = *task->faults.flags.text != '\0' && !task->faults.busy;
	TAILQ_FOREACH(sight, &task->sights, entry) {
		if (sight->command == 0)
			filters_add(keeper, sight->user);
		else
			keeper->command(keeper->command_context, sight->command,
					sight->at_secs);
	}
}

static void walk_soon(struct pwned_flag_keeper *keeper, unsigned int msecs);

static void walk_done(struct pwned_flag_keeper *keeper,
		      struct pwned_flag_task *task)
{
	keeper->walks = false;
	if (!task->ended) {
		walk_soon(keeper, 0);
		return;
	}
	walk_soon(keeper,
		  task->filter == NULL ? WALK_AGAIN_MSECS : WALK_EVERY_MSECS);
	/* what is too old has become news */
	if (task->unwritten > 0)
		flush_soon(keeper, 0);
	if (task->filter == NULL)
		return;
	pwned_flag_filter_free(&keeper->next_filter);
	keeper->next_filter = task->filter;
	task->filter = NULL;
	keeper->tells_before = keeper->tells;
	next_filter_comes(keeper);
}

/* In the loop, also when the keeper ends. */
static void task_done(struct pwned_job *job, bool ran)
{
	struct pwned_flag_task *task = (struct pwned_flag_task *)job;
	struct pwned_flag_keeper *keeper = task->keeper;

	if (ran && task->kind != PWNED_TASK_END) {
		keeper->unwritten = task->unwritten;
		pwned_flag_complaints_note(
			&keeper->complaints, &task->faults,
			task->unwritten == 0 &&
				(task->kind == PWNED_TASK_FLUSH ||
				 task->kind == PWNED_TASK_LOOK));
		if (task->wal_pages >= SWEEP_PAGES)
			pwned_flag_sweeper_sweep(keeper->sweeper);
	}
	switch (task->kind) {
	case PWNED_TASK_FIND:
		find_done(keeper, task, ran);
		break;
	case PWNED_TASK_TELL:
		tell_done(keeper, task, ran);
		break;
	case PWNED_TASK_FLUSH:
	case PWNED_TASK_END:
		flush_done(keeper, task);
		break;
	case PWNED_TASK_LOOK:
		look_done(keeper, task);
		break;
	case PWNED_TASK_WALK:
		walk_done(keeper, task);
		break;
	}
	/* another file than the one that was walked over */
	if (ran && task->kind == PWNED_TASK_LOOK && task->walk_is_due &&
	    !keeper->walks && !keeper->commands_only)
		walk_soon(keeper, 0);
	pwned_flag_task_free(task);
}

static void on_flush(void *context)
{
	struct pwned_flag_keeper *keeper = context;

	keeper->flush_timer = NULL;
	if (!keeper->flushes)
		keeper->flushes = task_start(keeper, PWNED_TASK_FLUSH);
	if (!keeper->flushes)
		flush_soon(keeper, FLUSH_AGAIN_MSECS);
}

/* An earlier one takes the place of a later one. */
static void flush_soon(struct pwned_flag_keeper *keeper, unsigned int msecs)
{
	struct pwned_loop *loop = keeper->loop;

	if (keeper->worker == NULL)
		return;
	if (keeper->flush_timer != NULL) {
		if (msecs >= FLUSH_MSECS)
			return;
		loop->v->timer_remove(&keeper->flush_timer);
	}
	keeper->flush_timer = loop->v->timer_add(loop, msecs, on_flush, keeper);
}

static void on_look(void *context)
{
	struct pwned_flag_keeper *keeper = context;
	struct pwned_loop *loop = keeper->loop;

	keeper->look_timer =
		loop->v->timer_add(loop, LOOK_MSECS, on_look, keeper);
	if (!keeper->looks)
		keeper->looks = task_start(keeper, PWNED_TASK_LOOK);
}

static void on_walk(void *context)
{
	struct pwned_flag_keeper *keeper = context;

	keeper->walk_timer = NULL;
	keeper->walks = task_start(keeper, PWNED_TASK_WALK);
	if (!keeper->walks)
		walk_soon(keeper, WALK_AGAIN_MSECS);
}

static void walk_soon(struct pwned_flag_keeper *keeper, unsigned int msecs)
{
	struct pwned_loop *loop = keeper->loop;

	if (keeper->worker == NULL)
		return;
	if (keeper->walk_timer != NULL)
		loop->v->timer_remove(&keeper->walk_timer);
	keeper->walk_timer = loop->v->timer_add(loop, msecs, on_walk, keeper);
}

static bool may_have(struct pwned_flags *flags, const char *user)
{
	struct pwned_flag_keeper *keeper = (struct pwned_flag_keeper *)flags;

	return keeper->filter == NULL ||
	       pwned_flag_filter_may_have(keeper->filter, user);
}

static struct pwned_flags_request *request_new(struct pwned_flag_keeper *keeper,
					       void *context)
{
	struct pwned_flags_request *request = calloc(1, sizeof(*request));

	if (request != NULL) {
		request->keeper = keeper;
		request->context = context;
	}
	return request;
}

static struct pwned_flags_request *find(struct pwned_flags *flags,
					const char *user,
					pwned_flags_found_callback *callback,
					void *context)
{
	struct pwned_flag_keeper *keeper = (struct pwned_flag_keeper *)flags;
	struct pwned_flag_task *task;

	if (keeper->down || !pwned_user_is_recordable(user) ||
	    pwned_worker_busy_msecs(keeper->worker) > STALLED_MSECS)
		return NULL;
	task = task_new(keeper, PWNED_TASK_FIND, user);
	if (task == NULL)
		return NULL;
	task->request = request_new(keeper, context);
	if (task->request == NULL) {
		pwned_flag_task_free(task);
		return NULL;
	}
	task->request->found = callback;
	if (!task_push(task))
		return NULL;
	keeper->finds++;
	return task->request;
}

static bool tell_task(struct pwned_flag_keeper *keeper,
		      const struct pwned_flag_news *said,
		      struct pwned_flag_waiter *waiter)
{
	struct pwned_flag_task *task =
		task_new(keeper, PWNED_TASK_TELL, said->user);

	if (task == NULL)
		return false;
	pwned_flag_task_set_said(task, said);
	task->number = ++keeper->number;
	task->waiter = waiter;
	if (!task_push(task))
		return false;
	keeper->tells++;
	return true;
}

static struct pwned_flag_waiter *waiter_for(struct pwned_flag_keeper *keeper,
					    const char *user,
					    pwned_flags_told_callback *callback,
					    void *context)
{
	struct pwned_flags_request *request = request_new(keeper, context);
	struct pwned_flag_waiter *waiter =
		request == NULL ? NULL : pwned_flag_waiter_new(user, request);

	if (waiter == NULL) {
		free(request);
		return NULL;
	}
	request->told = callback;
	return waiter;
}

static struct pwned_flags_request *tell(struct pwned_flags *flags,
					const struct pwned_flag_news *news,
					pwned_flags_told_callback *callback,
					void *context)
{
	struct pwned_flag_keeper *keeper = (struct pwned_flag_keeper *)flags;
	struct pwned_flag_waiter *waiter = NULL;

	if (callback != NULL)
		waiter = waiter_for(keeper, news->user, callback, context);
	if (!pwned_user_is_recordable(news->user) ||
	    !tell_task(keeper, news, waiter)) {
		pwned_flag_waiter_free(waiter);
		pwned_count(keeper->counters, PWNED_COUNT_FLAGS_DROPPED);
		return NULL;
	}
	filters_add(keeper, news->user);
	if (waiter != NULL)
		TAILQ_INSERT_TAIL(&keeper->waiters, waiter, entry);
	if (keeper->flush_msecs > 0)
		flush_soon(keeper, FLUSH_MSECS); /* it fails, and is tried */
	else
		flush_soon(keeper, waiter != NULL ? 0 : FLUSH_MSECS);
	return waiter == NULL ? NULL : waiter->request;
}

static void forget_request(struct pwned_flags_request **_request)
{
	struct pwned_flags_request *request = *_request;

	*_request = NULL;
	request->found = NULL;
	request->told = NULL;
}

bool pwned_flag_keeper_is_busy(struct pwned_flag_keeper *keeper)
{
	bool fails = keeper->flush_msecs > 0;

	return keeper->finds > 0 || keeper->tells > 0 || keeper->flushes ||
	       (keeper->unwritten > 0 && !fails) ||
	       pwned_flag_sweeper_is_busy(keeper->sweeper);
}

static bool is_busy(struct pwned_flags *flags)
{
	return pwned_flag_keeper_is_busy((struct pwned_flag_keeper *)flags);
}

static void flags_free(struct pwned_flags **flags)
{
	struct pwned_flag_keeper *keeper = (struct pwned_flag_keeper *)*flags;

	*flags = NULL;
	pwned_flag_keeper_free(&keeper);
}

static const struct pwned_flags_vfuncs keeper_vfuncs = {
	.may_have = may_have,
	.find = find,
	.tell = tell,
	.forget_request = forget_request,
	.is_busy = is_busy,
	.free = flags_free,
};

static bool keeper_fill(struct pwned_flag_keeper *keeper,
			const struct pwned_settings *set, uint64_t seed)
{
	struct pwned_text suspend_text;
	const struct pwned_flag_files_params params = {
		.folder = set->state_dir,
		.hold_folder = keeper->commands_only ? "" : set->hold,
		.hold_group = set->hold_group,
		.rules = pwned_settings_flag_rules(set),
		.dry_run = set->dry_run,
		.suspend_text = suspend_text.text,
		.seed = seed,
	};

	pwned_text_suspension(set, &suspend_text);
	keeper->files = pwned_flag_files_new(&params);
	keeper->sweeper =
		pwned_flag_sweeper_new(set->state_dir, params.hold_folder,
				       set->hold_group, keeper->loop);
	keeper->worker = pwned_worker_new(keeper->loop, TASKS_MAX, 0, 0);
	return keeper->files != NULL && keeper->sweeper != NULL &&
	       keeper->worker != NULL;
}

struct pwned_flag_keeper *pwned_flag_keeper_new(
	const struct pwned_settings *set, uint64_t seed,
	struct pwned_loop *loop, const struct pwned_reporter *reporter,
	struct pwned_counters *counters, pwned_flag_command_callback *command,
	void *context)
{
	struct pwned_flag_keeper *keeper = calloc(1, sizeof(*keeper));

	if (keeper == NULL)
		return NULL;
	keeper->flags.v = &keeper_vfuncs;
	keeper->loop = loop;
	keeper->reporter = reporter;
	keeper->counters = counters;
	keeper->complaints = (struct pwned_flag_complaints){
		.loop = loop,
		.reporter = reporter,
	};
	keeper->command = command;
	keeper->command_context = context;
	keeper->commands_only = set->flags.shared;
	TAILQ_INIT(&keeper->waiters);
	if (!keeper_fill(keeper, set, seed)) {
		pwned_flag_keeper_free(&keeper);
		return NULL;
	}
	on_look(keeper);
	if (!keeper->commands_only)
		on_walk(keeper);
	return keeper;
}

struct pwned_flags *pwned_flag_keeper_flags(struct pwned_flag_keeper *keeper)
{
	return keeper->commands_only ? NULL : &keeper->flags;
}

void pwned_flag_keeper_end_dry_run(struct pwned_flag_keeper *keeper)
{
	pwned_flag_files_end_dry_run(keeper->files);
}

static void timers_remove(struct pwned_flag_keeper *keeper)
{
	struct pwned_timer **timers[] = { &keeper->flush_timer,
					  &keeper->look_timer,
					  &keeper->walk_timer };

	for (size_t i = 0; i < sizeof(timers) / sizeof(*timers); i++) {
		if (*timers[i] != NULL)
			keeper->loop->v->timer_remove(timers[i]);
	}
}

/* The files are closed by the thread, which may have to wait for the disk at
   that. One that hangs keeps them. */
void pwned_flag_keeper_free(struct pwned_flag_keeper **_keeper)
{
	struct pwned_flag_keeper *keeper = *_keeper;
	struct pwned_flag_waiter *waiter;
	bool closes = false;

	*_keeper = NULL;
	if (keeper == NULL)
		return;
	timers_remove(keeper);
	if (keeper->worker != NULL) {
		closes = task_start(keeper, PWNED_TASK_END);
		if (pwned_worker_free(&keeper->worker, STOP_MSECS) && !closes)
			pwned_flag_files_free(&keeper->files);
	} else {
		pwned_flag_files_free(&keeper->files);
	}
	timers_remove(keeper);
	while ((waiter = TAILQ_FIRST(&keeper->waiters)) != NULL) {
		TAILQ_REMOVE(&keeper->waiters, waiter, entry);
		pwned_flag_waiter_free(waiter);
	}
	pwned_flag_sweeper_free(&keeper->sweeper);
	pwned_flag_filter_free(&keeper->filter);
	pwned_flag_filter_free(&keeper->next_filter);
	free(keeper);
}
