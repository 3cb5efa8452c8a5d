/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings file: whatever it holds is taken or refused with a text, and
   each value that was taken is taken again by itself. */

#include "fuzz.h"
#include "pwned-settings.h"
#include "text.h"

#include <string.h>

/* Numbers that were taken are within their range. */
static void check_range(const struct pwned_settings *set,
			const struct pwned_setting *setting)
{
	const void *where = (const char *)set + setting->offset;
	uint64_t number;

	switch (setting->type) {
	case PWNED_TYPE_TIME:
	case PWNED_TYPE_DAYS:
	case PWNED_TYPE_PERCENT:
		number = *(const unsigned int *)where;
		break;
	case PWNED_TYPE_SIZE:
		number = *(const uint64_t *)where;
		break;
	default:
		return;
	}
	FUZZ_ASSERT(number >= setting->min && number <= setting->max);
}

static void check_text(const struct pwned_text *text)
{
	FUZZ_ASSERT(strlen(text->text) <= PWNED_TEXT_MAX);
	for (const char *p = text->text; *p != '\0'; p++)
		FUZZ_ASSERT(*p >= ' ' && *p <= '~');
}

/* What customers would read by these settings. */
static void check_texts(const struct pwned_settings *set)
{
	struct pwned_text text;

	pwned_text_refusal(set, "smtp", &text);
	check_text(&text);
	pwned_text_refusal(set, "imap", &text);
	check_text(&text);
	pwned_text_warning(set, 0, 1, &text);
	check_text(&text);
	pwned_text_warning(set, UINT64_C(1800000000), 1, &text);
	check_text(&text);
	pwned_text_hold(set, &text);
	check_text(&text);
	pwned_text_suspension(set, &text);
	check_text(&text);
}

static void check_values(const struct pwned_settings *set)
{
	const char *values[PWNED_SET_COUNT];
	struct pwned_settings again;
	struct pwned_error error;
	enum pwned_setting_id id;

	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		values[i] = set->values[i];
		check_range(set, &pwned_settings_table[i]);
	}
	FUZZ_ASSERT(pwned_settings_from_values(values, &again, &error));
	FUZZ_ASSERT(
		!pwned_settings_differ(set, &again, PWNED_SETTINGS_ALL, &id));
	pwned_settings_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pwned_settings set;
	struct pwned_error error = { .text = "" };

	if (pwned_settings_parse((const char *)data, size, "file", &set,
				 &error)) {
		check_values(&set);
		check_texts(&set);
	} else {
		FUZZ_ASSERT(strncmp(error.text, "file", 4) == 0);
		FUZZ_ASSERT(set.sources == NULL && set.policy == NULL);
	}
	pwned_settings_free(&set);
	return 0;
}
