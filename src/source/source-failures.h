/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SOURCE_FAILURES_H
#define PWNED_SOURCE_FAILURES_H

#include "prefix-map.h"
#include "verdict.h"

/* Prefixes whose range could not be had: each is left alone for a time, which
   doubles with each failure in a row, from PWNED_SOURCE_RETRY_MSECS to
   PWNED_SOURCE_RETRY_MAX_MSECS. A bounded number is remembered, those that
   failed last. */
#define PWNED_FAILURES_MAX 4096

struct pwned_failures {
	struct pwned_prefix_map map;
};

/* Returns false when memory is short. */
bool pwned_failures_init(struct pwned_failures *failures);
void pwned_failures_deinit(struct pwned_failures *failures);

/* The prefix failed. Where memory is short that is forgotten. */
void pwned_failures_add(struct pwned_failures *failures, uint32_t prefix,
			enum pwned_reason reason, uint64_t now_msecs);
/* Why the prefix is left alone now; NONE: it may be asked. */
enum pwned_reason pwned_failures_find(const struct pwned_failures *failures,
				      uint32_t prefix, uint64_t now_msecs);
void pwned_failures_forget(struct pwned_failures *failures, uint32_t prefix);
void pwned_failures_forget_all(struct pwned_failures *failures);

#endif
