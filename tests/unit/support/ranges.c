/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges made for tests. */

#include "ranges.h"
#include "unit.h"

#include <stdlib.h>

struct pwned_range *test_range_new(size_t count)
{
	const struct pwned_range_label label = { .prefix = 0 };

	return test_range_labelled(count, &label);
}

struct pwned_range *test_range_labelled(size_t count,
					const struct pwned_range_label *label)
{
	struct pwned_range_entry *entries = calloc(count + 1, sizeof(*entries));
	struct pwned_range *range;

	assert_non_null(entries);
	for (size_t i = 0; i < count; i++) {
		entries[i].key = i * TEST_KEY_STEP;
		entries[i].count = 1;
	}
	range = pwned_range_pack(entries, count, label);
	free(entries);
	assert_non_null(range);
	return range;
}
