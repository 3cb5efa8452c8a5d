/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_FILTER_H
#define PWNED_FLAG_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whom something may be on record of: a set of users that forgets nobody, and
   takes a few others for one of them (a Bloom filter of blocks of one cache
   line), so that logins of nearly everybody need no look-up. Its size is fixed
   when it is made: 2 bytes a user for 0.3 % of errors, 4 MB at most. */
struct pwned_flag_filter;

#define PWNED_FLAG_FILTER_BYTES_MIN (256 * 1024)
#define PWNED_FLAG_FILTER_BYTES_MAX (4 * 1024 * 1024)

/* For so many users, and some more. NULL when memory is short. */
struct pwned_flag_filter *pwned_flag_filter_new(uint64_t users, uint64_t seed);
void pwned_flag_filter_free(struct pwned_flag_filter **filter);
void pwned_flag_filter_add(struct pwned_flag_filter *filter, const char *user);
bool pwned_flag_filter_may_have(const struct pwned_flag_filter *filter,
				const char *user);

#endif
