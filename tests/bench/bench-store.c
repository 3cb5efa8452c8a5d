/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store behind its door. */

#include "bench-store.h"
#include "poll-loop.h"
#include "store.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_store {
	struct pwned_settings set;
	struct pwned_loop *loop;
	struct pwned_log log;
	struct pwned_reporter reporter;
	struct pwned_counters counters;
	struct pwned_store *store;
};

static void on_line(void *context, enum pwned_log_level level, const char *text)
{
	(void)context;
	(void)level;
	warnx("%s", text);
}

static void on_fault(void *context, enum pwned_store_fault fault,
		     const char *text)
{
	(void)context;
	(void)fault;
	errx(1, "%s", text);
}

struct bench_store *bench_store_new(const char *folder, const char *cache_size)
{
	struct bench_store *store = calloc(1, sizeof(*store));
	const char *values[PWNED_SET_COUNT] = {
		[PWNED_SET_STORE] = folder,
		[PWNED_SET_CACHE_SIZE] = cache_size,
	};
	struct pwned_error error;

	if (store == NULL || (store->loop = pwned_poll_loop_new()) == NULL)
		err(1, "memory");
	if (!pwned_settings_from_values(values, &store->set, &error))
		errx(1, "%s", error.text);
	store->log.write = on_line;
	store->reporter.log = &store->log;
	store->reporter.store = on_fault;
	store->store =
		pwned_store_new(&store->set, PWNED_STORE_OWNER, store->loop,
				&store->reporter, &store->counters);
	if (store->store == NULL)
		err(1, "memory");
	if (strcmp(pwned_store_mode(store->store), "disk") != 0)
		errx(1, "%s: is not used as a store", folder);
	return store;
}

void bench_store_free(struct bench_store *store)
{
	pwned_store_free(&store->store);
	pwned_poll_loop_free(&store->loop);
	pwned_settings_free(&store->set);
	free(store);
}

/* What the disk said. */
struct reading {
	uint64_t count;
	bool done;
};

static void on_read(void *context, const struct pwned_store_answer *answer)
{
	struct reading *reading = context;

	if (answer == NULL)
		errx(1, "the store: a range is not there");
	reading->count = answer->count;
	reading->done = true;
}

/* The kernel drops pages even where there is memory enough. */
static uint64_t find_on_disk(struct bench_store *store,
			     const struct pwned_digest *digest)
{
	struct reading reading = { .done = false };

	if (pwned_store_read(store->store, digest, on_read, &reading) == NULL ||
	    !pwned_poll_loop_run(store->loop, &reading.done))
		errx(1, "the store cannot be read");
	return reading.count;
}

uint64_t bench_store_find(void *context, const struct pwned_digest *digest)
{
	struct bench_store *store = context;
	struct pwned_store_answer answer;

	switch (pwned_store_find(store->store, digest, &answer)) {
	case PWNED_STORE_FOUND:
		return answer.count;
	case PWNED_STORE_ON_DISK:
		return find_on_disk(store, digest);
	case PWNED_STORE_MISS:
		break;
	}
	errx(1, "the store: a range is not there");
}
