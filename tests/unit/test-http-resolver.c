/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bound for threads that look up names. */

#include "support/unit.h"
#include "http-resolver.h"

#include <pthread.h>

static pthread_barrier_t barrier;

/* A thread that is there until the test lets it go, as one that waits for a
   name server. */
static void *wait_for_end(void *context)
{
	(void)context;
	(void)pthread_barrier_wait(&barrier);
	return NULL;
}

static void many_threads_are_too_many(void **state)
{
	pthread_t threads[40];

	(void)state;
	assert_false(pwned_http_resolvers_are_many());
	assert_int_equal(
		pthread_barrier_init(&barrier, NULL, N_ELEMENTS(threads) + 1),
		0);
	for (size_t i = 0; i < N_ELEMENTS(threads); i++) {
		/* far from the bound at first */
		if (i == 16)
			assert_false(pwned_http_resolvers_are_many());
		assert_int_equal(
			pthread_create(&threads[i], NULL, wait_for_end, NULL),
			0);
	}
	assert_true(pwned_http_resolvers_are_many());
	(void)pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < N_ELEMENTS(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_false(pwned_http_resolvers_are_many());
	(void)pthread_barrier_destroy(&barrier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_threads_are_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
