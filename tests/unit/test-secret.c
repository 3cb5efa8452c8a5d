/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes that wipe themselves. */

#include "support/freed.h"
#include "support/unit.h"
#include "secret.h"

#include <stdlib.h>
#include <string.h>

static const char first[] = "first secret, of some length";
static const char second[] = "second secret, somewhat longer than that";

static void wipe_overwrites_exactly_its_bytes(void **state)
{
	char data[] = "abcdefgh";

	(void)state;
	pwned_wipe(data + 2, 4);
	assert_memory_equal(data, "ab\0\0\0\0gh", sizeof(data));
}

static void set_copies_and_terminates(void **state)
{
	struct pwned_secret secret = { .data = NULL };
	char source[] = "user:password\nrest";

	(void)state;
	assert_true(pwned_secret_set(&secret, source, 13));
	memset(source, 'x', sizeof(source) - 1);
	assert_int_equal(secret.size, 13);
	assert_string_equal(secret.data, "user:password");
	pwned_secret_free(&secret);
}

static void set_takes_any_bytes(void **state)
{
	struct pwned_secret secret = { .data = NULL };

	(void)state;
	assert_true(pwned_secret_set(&secret, "a\0\377", 3));
	assert_int_equal(secret.size, 3);
	assert_memory_equal(secret.data, "a\0\377", 4);
	assert_true(pwned_secret_set(&secret, "", 0));
	assert_int_equal(secret.size, 0);
	assert_string_equal(secret.data, "");
	pwned_secret_free(&secret);
}

static void free_empties_and_may_be_repeated(void **state)
{
	struct pwned_secret secret = { .data = NULL };

	(void)state;
	pwned_secret_free(&secret);
	assert_true(pwned_secret_set(&secret, first, sizeof(first) - 1));
	pwned_secret_free(&secret);
	assert_null(secret.data);
	assert_int_equal(secret.size, 0);
	pwned_secret_free(&secret);
}

static void replacing_wipes(void **state)
{
	struct pwned_secret secret = { .data = NULL };

	(void)state;
	test_freed_watch(first, sizeof(first) - 1);
	assert_true(pwned_secret_set(&secret, first, sizeof(first) - 1));
	assert_true(pwned_secret_set(&secret, second, sizeof(second) - 1));
	assert_false(test_freed_had_secret());
	assert_string_equal(secret.data, second);
	pwned_secret_free(&secret);
}

static void freeing_wipes(void **state)
{
	struct pwned_secret secret = { .data = NULL };

	(void)state;
	assert_true(pwned_secret_set(&secret, first, sizeof(first) - 1));
	test_freed_watch(first, sizeof(first) - 1);
	pwned_secret_free(&secret);
	assert_false(test_freed_had_secret());
}

static void the_watch_sees_what_is_not_wiped(void **state)
{
	char *copy = strdup(first);

	(void)state;
	assert_non_null(copy);
	test_freed_watch(first, sizeof(first) - 1);
	free(copy);
	assert_true(test_freed_had_secret());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wipe_overwrites_exactly_its_bytes),
		cmocka_unit_test(set_copies_and_terminates),
		cmocka_unit_test(set_takes_any_bytes),
		cmocka_unit_test(free_empties_and_may_be_repeated),
		cmocka_unit_test(replacing_wipes),
		cmocka_unit_test(freeing_wipes),
		cmocka_unit_test(the_watch_sees_what_is_not_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
