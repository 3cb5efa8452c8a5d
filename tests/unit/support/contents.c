/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges for tests of the store. */

#include "contents.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* splitmix64, by Steele, Lea and Flood */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t content_key(uint32_t seed, size_t i)
{
	return mix(((uint64_t)seed << 32 | i) + UINT64_C(0x9e3779b97f4a7c15)) >>
	       (64 - PWNED_KEY_BITS);
}

uint64_t content_count(size_t i)
{
	return i % 40 == 7 ? 255 + i * i * i : 1 + i % 250;
}

struct pwned_digest content_digest(uint32_t prefix, uint32_t seed, size_t i)
{
	return (struct pwned_digest){ .prefix = prefix,
				      .key = content_key(seed, i) };
}

struct pwned_range *content_range(uint32_t seed, size_t length,
				  const struct pwned_range_label *label)
{
	struct pwned_range_entry *entries =
		calloc(length + 1, sizeof(*entries));
	struct pwned_range *range;

	assert_non_null(entries);
	for (size_t i = 0; i < length; i++) {
		entries[i].key = content_key(seed, i);
		entries[i].count = content_count(i);
	}
	range = pwned_range_pack(entries, length, label);
	free(entries);
	assert_non_null(range);
	return range;
}

struct pwned_range_label content_label(uint32_t prefix, uint32_t day,
				       const char *etag)
{
	struct pwned_range_label label = { .prefix = prefix,
					   .day = day,
					   .origin = 7 };

	(void)snprintf(label.etag, sizeof(label.etag), "%s", etag);
	return label;
}
