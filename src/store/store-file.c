/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file as a whole: opening it, and seeing what became of it. */

#include "store-int.h"
#include "folder.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_MSECS 1000
/* A start waits so long for the file to be opened. */
#define OPEN_MSECS 500
/* Writing a range takes a moment, unless the disk hangs. */
#define STALLED_MSECS 2000

struct opening {
	struct pwned_job job; /* must be first */
	struct pwned_store *store;
	char *folder, *group;
	struct pwned_slots *slots; /* given: to be opened anew */
	bool in_memory, is_open;
	uint64_t generation;
	struct pwned_error problem;
};

/* Where the disk cannot be used, memory is. */
static void open_run(struct pwned_job *job)
{
	struct opening *opening = (struct opening *)job;
	struct pwned_error *problem = &opening->problem;

	if (*opening->folder != '\0' &&
	    pwned_folder_usable(opening->folder, opening->group, problem))
		opening->slots = pwned_slots_open(opening->folder,
						  PWNED_SLOTS_WRITE, problem);
	if (opening->slots == NULL) {
		opening->in_memory = true;
		opening->slots = pwned_slots_open_memory();
	}
	if (opening->slots != NULL)
		(void)pwned_slots_generation(opening->slots,
					     &opening->generation);
}

static void reopen_run(struct pwned_job *job)
{
	struct opening *opening = (struct opening *)job;
	struct pwned_error *problem = &opening->problem;

	opening->is_open =
		pwned_folder_usable(opening->folder, opening->group, problem) &&
		pwned_slots_reopen(opening->slots, problem);
	if (opening->is_open)
		(void)pwned_slots_generation(opening->slots,
					     &opening->generation);
}

static void opening_free(struct opening *opening)
{
	free(opening->folder);
	free(opening->group);
	free(opening);
}

static void open_done(struct pwned_job *job, bool ran)
{
	struct opening *opening = (struct opening *)job;
	struct pwned_store *store = opening->store;

	if (ran) {
		store->slots = opening->slots;
		store->in_memory = opening->in_memory;
		store->generation = opening->generation;
		if (*opening->problem.text != '\0')
			pwned_store_tell(store, PWNED_FAULT_OPEN, "%s%s",
					 opening->problem.text,
					 opening->in_memory ?
						 "; ranges are kept in memory "
						 "only" :
						 "");
		/* the bound may be another one now */
		pwned_store_shrink_later(store);
	}
	opening_free(opening);
}

static void reopen_done(struct pwned_job *job, bool ran)
{
	struct opening *opening = (struct opening *)job;
	struct pwned_store *store = opening->store;

	store->reopening = false;
	if (ran && opening->is_open) {
		/* whoever removes it means what was in it */
		store->generation = opening->generation;
		pwned_block_cache_clear(store->cache);
	}
	if (ran && *opening->problem.text != '\0')
		pwned_store_tell(store, PWNED_FAULT_OPEN, "%s",
				 opening->problem.text);
	opening_free(opening);
}

static struct opening *opening_new(struct pwned_store *store)
{
	struct opening *opening = calloc(1, sizeof(*opening));

	if (opening == NULL)
		return NULL;
	opening->store = store;
	opening->folder = strdup(store->set->store);
	opening->group = strdup(store->set->store_group);
	if (opening->folder == NULL || opening->group == NULL) {
		opening_free(opening);
		return NULL;
	}
	return opening;
}

bool pwned_store_open(struct pwned_store *store)
{
	struct opening *opening = opening_new(store);

	if (opening == NULL)
		return false;
	opening->job = (struct pwned_job){ .run = open_run, .done = open_done };
	(void)pwned_worker_push(store->writer, &opening->job, PWNED_JOB_NOW);
	/* off the login path still; a disk that hangs will be told */
	if (!pwned_worker_settle(store->writer, OPEN_MSECS))
		pwned_store_tell(store, PWNED_FAULT_STALLED,
				 "%s: the disk does not answer; nothing is "
				 "read from it until it does",
				 pwned_store_name(store));
	return true;
}

static void reopen(struct pwned_store *store)
{
	struct opening *opening;

	pwned_store_tell(store, PWNED_FAULT_REMOVED,
			 "%s: its file was removed, cut or damaged; "
			 "what is gone is fetched again",
			 pwned_store_name(store));
	opening = store->reopening ? NULL : opening_new(store);
	if (opening == NULL)
		return;
	opening->job =
		(struct pwned_job){ .run = reopen_run, .done = reopen_done };
	opening->slots = store->slots;
	store->reopening =
		pwned_worker_push(store->writer, &opening->job, PWNED_JOB_NOW);
	if (!store->reopening)
		opening_free(opening);
}

/* A look whether it is in its place, and was purged. */
struct look {
	struct pwned_job job; /* must be first */
	struct pwned_store *store;
	struct pwned_slots *slots;
	bool in_place, has_generation;
	uint64_t generation;
};

static void look_run(struct pwned_job *job)
{
	struct look *look = (struct look *)job;

	look->in_place = pwned_slots_is_in_place(look->slots);
	look->has_generation =
		pwned_slots_generation(look->slots, &look->generation);
}

static void look_done(struct pwned_job *job, bool ran)
{
	struct look *look = (struct look *)job;
	struct pwned_store *store = look->store;

	store->looking = false;
	if (ran && look->has_generation &&
	    look->generation != store->generation) {
		store->generation = look->generation;
		pwned_block_cache_clear(store->cache);
	}
	if (ran && !look->in_place && !store->stopping)
		reopen(store);
	free(look);
}

static void look_push(struct pwned_store *store)
{
	struct look *look;

	if (store->slots == NULL || store->in_memory || store->looking)
		return;
	look = calloc(1, sizeof(*look));
	if (look == NULL)
		return;
	look->job = (struct pwned_job){ .run = look_run, .done = look_done };
	look->store = store;
	look->slots = store->slots;
	store->looking =
		pwned_worker_push(store->reader, &look->job, PWNED_JOB_NOW);
	if (!store->looking)
		free(look);
}

static void watch_writer(struct pwned_store *store)
{
	if (pwned_worker_busy_msecs(store->writer) >= STALLED_MSECS)
		pwned_store_tell(store, PWNED_FAULT_STALLED,
				 "%s: the disk does not answer; new ranges "
				 "wait for it, and are dropped where they are "
				 "too many",
				 pwned_store_name(store));
}

void pwned_store_look(struct pwned_store *store)
{
	uint64_t now = store->loop->v->now_msecs(store->loop);

	if (now < store->next_look_msecs)
		return;
	store->next_look_msecs = now + LOOK_EVERY_MSECS;
	look_push(store);
	watch_writer(store);
}
