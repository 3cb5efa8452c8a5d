/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of settings: what the reference and the example rely on. */

#include "support/unit.h"
#include "settings-value.h"

#include <string.h>

static void names_are_unique_and_ours(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		const char *name = pwned_settings_table[i].name;

		assert_non_null(name);
		assert_int_equal(strncmp(name, "pwned_", 6), 0);
		for (unsigned int k = 0; k < i; k++) {
			assert_string_not_equal(name,
						pwned_settings_table[k].name);
		}
	}
}

static void every_setting_has_a_member_of_its_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		size_t offset = pwned_settings_table[i].offset;

		assert_true(offset < offsetof(struct pwned_settings, values));
		for (unsigned int k = 0; k < i; k++) {
			assert_int_not_equal(offset,
					     pwned_settings_table[k].offset);
		}
	}
}

static void texts_are_sentences(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		const char *text = pwned_settings_table[i].text;
		size_t size;

		assert_non_null(text);
		size = strlen(text);
		assert_true(size > 20);
		assert_int_equal(text[size - 1], '.');
		assert_null(strstr(text, "  "));
	}
}

/* Defaults and examples are values like any other. */
static void defaults_and_examples_are_taken(void **state)
{
	struct pwned_settings set = { .sources = NULL };
	struct pwned_error error;

	(void)state;
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		const struct pwned_setting *setting = &pwned_settings_table[i];

		if (!pwned_setting_set(&set, setting, setting->default_value,
				       &error))
			fail_msg("%s: %s", setting->name, error.text);
		if (setting->example != NULL &&
		    !pwned_setting_set(&set, setting, setting->example, &error))
			fail_msg("%s: %s", setting->name, error.text);
		pwned_setting_unset(&set, setting);
	}
}

static bool has_range(const struct pwned_setting *setting)
{
	return setting->type == PWNED_TYPE_TIME ||
	       setting->type == PWNED_TYPE_DAYS ||
	       setting->type == PWNED_TYPE_SIZE ||
	       setting->type == PWNED_TYPE_PERCENT;
}

static void numbers_have_a_range_and_nothing_else_has(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		const struct pwned_setting *setting = &pwned_settings_table[i];

		if (has_range(setting))
			assert_true(setting->min < setting->max);
		else
			assert_int_equal(setting->min | setting->max, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_unique_and_ours),
		cmocka_unit_test(every_setting_has_a_member_of_its_own),
		cmocka_unit_test(texts_are_sentences),
		cmocka_unit_test(defaults_and_examples_are_taken),
		cmocka_unit_test(numbers_have_a_range_and_nothing_else_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
