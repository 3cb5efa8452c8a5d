/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A password from standard input: its end, and what is refused. */

#include "support/unit.h"
#include "password-input.h"

#include <string.h>
#include <unistd.h>

/* Reads what was written to a pipe, in two parts. Returns what is wrong. */
static const char *read_parts(const char *first, size_t first_size,
			      const char *second, size_t second_size,
			      char buffer[PWNED_PASSWORD_BUFFER],
			      size_t *size_r)
{
	const char *problem;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], first, first_size), first_size);
	assert_int_equal(write(fds[1], second, second_size), second_size);
	assert_int_equal(close(fds[1]), 0);
	problem = pwned_password_read(fds[0], buffer, size_r);
	assert_int_equal(close(fds[0]), 0);
	return problem;
}

static void one_line_end_is_no_part_of_it(void **state)
{
	static const struct {
		const char *input, *password;
	} cases[] = {
		{ "secret", "secret" },       { "secret\n", "secret" },
		{ "secret\r\n", "secret" },   { " secret ", " secret " },
		{ "sec\rret\n", "sec\rret" },
	};
	char buffer[PWNED_PASSWORD_BUFFER];
	size_t size;

	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(cases); i++) {
		const char *input = cases[i].input;

		assert_null(read_parts(input, 3, input + 3, strlen(input) - 3,
				       buffer, &size));
		assert_int_equal(size, strlen(cases[i].password));
		assert_memory_equal(buffer, cases[i].password, size);
	}
}

static void what_is_no_password_is_refused(void **state)
{
	char buffer[PWNED_PASSWORD_BUFFER];
	size_t size;

	(void)state;
	assert_non_null(read_parts("", 0, "", 0, buffer, &size));
	assert_non_null(read_parts("\n", 1, "", 0, buffer, &size));
	assert_non_null(read_parts("\r", 1, "\n", 1, buffer, &size));
	assert_non_null(read_parts("two\n", 4, "lines\n", 6, buffer, &size));
	assert_non_null(read_parts("nul", 4, "byte", 4, buffer, &size));
	assert_non_null(pwned_password_read(-1, buffer, &size));
}

static void its_size_is_bounded(void **state)
{
	char buffer[PWNED_PASSWORD_BUFFER], most[PWNED_PASSWORD_MAX];
	size_t size;

	(void)state;
	memset(most, 'x', sizeof(most));
	assert_null(read_parts(most, sizeof(most), "\r\n", 2, buffer, &size));
	assert_int_equal(size, sizeof(most));
	assert_non_null(read_parts(most, sizeof(most), "x", 1, buffer, &size));
	assert_non_null(
		read_parts(most, sizeof(most), "x\r\n", 3, buffer, &size));
	assert_non_null(read_parts(most, sizeof(most), most, sizeof(most),
				   buffer, &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_end_is_no_part_of_it),
		cmocka_unit_test(what_is_no_password_is_refused),
		cmocka_unit_test(its_size_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
