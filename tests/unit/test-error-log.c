/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts for the operator: errors and log lines. */

#include "support/unit.h"
#include "error.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void an_error_is_a_formatted_text(void **state)
{
	struct pwned_error error;

	(void)state;
	assert_false(pwned_error_set(&error, "%s line %u: %%", "file", 7U));
	assert_string_equal(error.text, "file line 7: %");
	/* a second one replaces the first */
	assert_false(pwned_error_set(&error, "%s", ""));
	assert_string_equal(error.text, "");
}

static void an_error_too_long_is_cut(void **state)
{
	char long_text[sizeof(struct pwned_error) * 2];
	struct {
		struct pwned_error error;
		char behind;
	} guarded = { .behind = '!' };

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	assert_false(pwned_error_set(&guarded.error, "%s", long_text));
	assert_int_equal(strlen(guarded.error.text),
			 sizeof(guarded.error.text) - 1);
	assert_int_equal(guarded.behind, '!');
}

struct line {
	unsigned int count;
	enum pwned_log_level level;
	char text[2048];
};

static void remember(void *context, enum pwned_log_level level,
		     const char *text)
{
	struct line *line = context;

	line->count++;
	line->level = level;
	(void)snprintf(line->text, sizeof(line->text), "%s", text);
}

static void a_line_reaches_its_writer(void **state)
{
	struct line line = { .count = 0 };
	const struct pwned_log log = { .write = remember, .context = &line };

	(void)state;
	pwned_log(&log, PWNED_LOG_ERROR, "%s: %d", "source", -1);
	assert_int_equal(line.count, 1);
	assert_int_equal(line.level, PWNED_LOG_ERROR);
	assert_string_equal(line.text, "source: -1");
	pwned_log(&log, PWNED_LOG_INFO, "100 %%");
	assert_int_equal(line.count, 2);
	assert_int_equal(line.level, PWNED_LOG_INFO);
	assert_string_equal(line.text, "100 %");
}

static void a_line_too_long_is_cut(void **state)
{
	struct line line = { .count = 0 };
	const struct pwned_log log = { .write = remember, .context = &line };
	char long_text[1500];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	pwned_log(&log, PWNED_LOG_WARNING, "%s", long_text);
	assert_int_equal(strlen(line.text), 1023);
	assert_int_equal(strspn(line.text, "x"), 1023);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_a_formatted_text),
		cmocka_unit_test(an_error_too_long_is_cut),
		cmocka_unit_test(a_line_reaches_its_writer),
		cmocka_unit_test(a_line_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
