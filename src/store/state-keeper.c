/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state file, for a loop. */

#include "state-keeper.h"
#include "folder.h"
#include "state-file.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>

#define READ_MSECS         500
#define STOP_MSECS         1000
#define REPORT_EVERY_MSECS 60000
/* How long a newer auth is left alone: it may be gone by then. */
#define YIELD_MSECS 60000

enum transfer_kind {
	STATE_LOAD,
	STATE_SAVE,
};

/* A job, which owns all that the thread uses. */
struct transfer {
	struct pwned_job job; /* must be first */
	struct pwned_state_keeper *keeper;
	enum transfer_kind kind;
	char *folder;
	struct pwned_state state;
	struct pwned_error error; /* "": none */
	bool loaded, not_ours;
};

struct pwned_state_keeper {
	char *folder;
	struct pwned_loop *loop;
	const struct pwned_reporter *reporter;
	struct pwned_worker *worker;
	struct pwned_state found, next;
	bool loading, has_found, has_next;
	uint64_t yield_until_msecs; /* a newer auth has the file */
	struct pwned_error told;    /* the fault of which operators know */
	uint64_t next_report_msecs;
};

static void transfer_run(struct pwned_job *job)
{
	struct transfer *transfer = (struct transfer *)job;
	const char *folder = transfer->folder;

	*transfer->error.text = '\0';
	if (!pwned_folder_usable(folder, NULL, &transfer->error))
		return;
	if (transfer->kind == STATE_LOAD) {
		transfer->loaded =
			pwned_state_file_read(folder, &transfer->state,
					      &transfer->error) ==
			PWNED_STATE_READ;
	} else {
		transfer->not_ours =
			pwned_state_file_write(folder, &transfer->state,
					       &transfer->error) ==
			PWNED_STATE_NOT_OURS;
	}
}

static uint64_t now_msecs(const struct pwned_state_keeper *keeper)
{
	return keeper->loop->v->now_msecs(keeper->loop);
}

/* Once for as long as it lasts: every save meets it again. */
static void report(struct pwned_state_keeper *keeper, const char *text)
{
	uint64_t now = now_msecs(keeper);

	if (now < keeper->next_report_msecs ||
	    strcmp(text, keeper->told.text) == 0)
		return;
	(void)pwned_error_set(&keeper->told, "%s", text);
	keeper->next_report_msecs = now + REPORT_EVERY_MSECS;
	pwned_report_store(keeper->reporter, PWNED_FAULT_STATE, text);
}

static void transfer_free(struct transfer *transfer)
{
	free(transfer->folder);
	free(transfer);
}

static void save_next(struct pwned_state_keeper *keeper);

static void transfer_done(struct pwned_job *job, bool ran)
{
	struct transfer *transfer = (struct transfer *)job;
	struct pwned_state_keeper *keeper = transfer->keeper;

	if (ran && *transfer->error.text != '\0')
		report(keeper, transfer->error.text);
	else if (ran && transfer->kind == STATE_SAVE)
		*keeper->told.text = '\0';
	if (transfer->kind == STATE_LOAD)
		keeper->loading = false;
	if (ran && transfer->loaded) {
		keeper->found = transfer->state;
		keeper->has_found = true;
	}
	if (ran && transfer->not_ours) {
		keeper->yield_until_msecs = now_msecs(keeper) + YIELD_MSECS;
		keeper->has_next = false;
	}
	transfer_free(transfer);
	if (keeper->worker != NULL)
		save_next(keeper);
}

static bool transfer_start(struct pwned_state_keeper *keeper,
			   enum transfer_kind kind)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer == NULL)
		return false;
	transfer->job = (struct pwned_job){ .run = transfer_run,
					    .done = transfer_done };
	transfer->keeper = keeper;
	transfer->kind = kind;
	transfer->state = keeper->next;
	transfer->folder = strdup(keeper->folder);
	if (transfer->folder == NULL ||
	    !pwned_worker_push(keeper->worker, &transfer->job, PWNED_JOB_NOW)) {
		transfer_free(transfer);
		return false;
	}
	return true;
}

/* While another transfer runs there is no room for it, and it waits. */
static void save_next(struct pwned_state_keeper *keeper)
{
	if (keeper->has_next)
		keeper->has_next = !transfer_start(keeper, STATE_SAVE);
}

struct pwned_state_keeper *pwned_state_keeper_new(
	const char *folder, struct pwned_loop *loop,
	const struct pwned_reporter *reporter)
{
	struct pwned_state_keeper *keeper = calloc(1, sizeof(*keeper));

	if (keeper == NULL)
		return NULL;
	keeper->folder = strdup(folder);
	keeper->loop = loop;
	keeper->reporter = reporter;
	/* one transfer at a time */
	keeper->worker = pwned_worker_new(loop, 1, 0, 0);
	if (keeper->folder == NULL || keeper->worker == NULL ||
	    !transfer_start(keeper, STATE_LOAD)) {
		pwned_state_keeper_free(&keeper);
		return NULL;
	}
	keeper->loading = true;
	if (!pwned_worker_settle(keeper->worker, READ_MSECS))
		report(keeper, "pwned_state_dir: the disk does not answer");
	return keeper;
}

void pwned_state_keeper_free(struct pwned_state_keeper **_keeper)
{
	struct pwned_state_keeper *keeper = *_keeper;

	*_keeper = NULL;
	if (keeper == NULL)
		return;
	if (keeper->worker != NULL) {
		/* what is being saved first; then what came meanwhile */
		if (keeper->has_next)
			(void)pwned_worker_settle(keeper->worker,
						  STOP_MSECS / 2);
		save_next(keeper);
		(void)pwned_worker_free(&keeper->worker, STOP_MSECS / 2);
	}
	free(keeper->folder);
	free(keeper);
}

bool pwned_state_keeper_is_loading(const struct pwned_state_keeper *keeper)
{
	return keeper->loading;
}

const struct pwned_state *pwned_state_keeper_found(
	const struct pwned_state_keeper *keeper)
{
	return keeper->has_found ? &keeper->found : NULL;
}

void pwned_state_keeper_save(struct pwned_state_keeper *keeper,
			     const struct pwned_state *state)
{
	if (now_msecs(keeper) < keeper->yield_until_msecs)
		return;
	keeper->next = *state;
	keeper->has_next = true;
	save_next(keeper);
}

bool pwned_state_keeper_is_busy(const struct pwned_state_keeper *keeper)
{
	return pwned_worker_length(keeper->worker) > 0;
}
