/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A store for tests. */

#include "store-fixture.h"
#include "contents.h"
#include "fake-loop.h"
#include "unit.h"
#include "age.h"
#include "store-int.h"

#include <stdio.h>

#define SETTLE_MSECS 10000

static void on_fault(void *context, enum pwned_store_fault fault,
		     const char *text)
{
	struct store_fixture *fixture = context;

	fixture->faults[fault]++;
	(void)snprintf(fixture->fault, sizeof(fixture->fault), "%s", text);
}

void store_fixture_init(struct store_fixture *fixture, char *folder)
{
	*fixture = (struct store_fixture){
		.set = { .store = folder,
			 .store_group = (char *)"",
			 .store_max_age_days = 7,
			 .store_stale_days = 365,
			 .cache_size = 1 << 20 },
		.loop = fake_loop_new(),
		.reporter = { .store = on_fault, .context = fixture },
	};
}

void store_fixture_open(struct store_fixture *fixture,
			enum pwned_store_access access)
{
	fixture->store =
		pwned_store_new(&fixture->set, access, fixture->loop,
				&fixture->reporter, &fixture->counters);
	assert_non_null(fixture->store);
}

void store_fixture_free(struct store_fixture *fixture)
{
	pwned_store_free(&fixture->store);
	fake_loop_free(&fixture->loop);
}

void store_fixture_settle(struct store_fixture *fixture)
{
	struct pwned_store *store = fixture->store;

	if (store->reader != NULL)
		assert_true(pwned_worker_settle(store->reader, SETTLE_MSECS));
	if (store->writer != NULL)
		assert_true(pwned_worker_settle(store->writer, SETTLE_MSECS));
}

void store_fixture_look(struct store_fixture *fixture)
{
	struct pwned_digest digest = content_digest(0x12345, 0xffff, 0);
	struct pwned_store_answer answer;

	fake_loop_advance(fixture->loop, 1000);
	(void)pwned_store_find(fixture->store, &digest, &answer);
	store_fixture_settle(fixture);
}

void store_fixture_add(struct store_fixture *fixture,
		       const struct pwned_range_label *label, uint32_t seed,
		       size_t length)
{
	struct pwned_range *range = content_range(seed, length, label);

	pwned_store_add(fixture->store, range);
	pwned_range_unref(&range);
	store_fixture_settle(fixture);
}

struct reading {
	struct pwned_store_answer *answer_r;
	bool found, done;
};

static void on_read(void *context, const struct pwned_store_answer *answer)
{
	struct reading *reading = context;

	assert_false(reading->done);
	reading->done = true;
	reading->found = answer != NULL;
	if (answer != NULL)
		*reading->answer_r = *answer;
}

bool store_fixture_find(struct store_fixture *fixture, uint32_t prefix,
			uint32_t seed, size_t i,
			struct pwned_store_answer *answer_r)
{
	struct pwned_digest digest = content_digest(prefix, seed, i);
	struct reading reading = { .answer_r = answer_r };

	switch (pwned_store_find(fixture->store, &digest, answer_r)) {
	case PWNED_STORE_FOUND:
		reading.found = true;
		break;
	case PWNED_STORE_MISS:
		break;
	case PWNED_STORE_ON_DISK:
		if (pwned_store_read(fixture->store, &digest, on_read,
				     &reading) != NULL)
			fake_loop_serve(fixture->loop, &reading.done);
		break;
	}
	if (reading.found)
		answer_r->block = NULL;
	return reading.found;
}

uint32_t store_fixture_today(const struct store_fixture *fixture)
{
	return pwned_day_of(fixture->loop->v->unix_secs(fixture->loop));
}

unsigned int store_fixture_counted(const struct store_fixture *fixture,
				   enum pwned_counter counter)
{
	return (unsigned int)pwned_counted(&fixture->counters, counter);
}

void store_fixture_assert_faults(const struct store_fixture *fixture,
				 enum pwned_store_fault fault,
				 unsigned int count)
{
	for (unsigned int i = 0; i < PWNED_FAULTS; i++) {
		if (fixture->faults[i] != (i == fault ? count : 0))
			fail_msg("%u of %s, the last: %s", fixture->faults[i],
				 pwned_store_fault_name(i), fixture->fault);
	}
}

void store_fixture_assert_no_faults(const struct store_fixture *fixture)
{
	store_fixture_assert_faults(fixture, PWNED_FAULT_OPEN, 0);
}
