/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory of prefixes that failed. */

#include "source-failures.h"
#include "secret.h"
#include "source.h"

#include <stdlib.h>

struct failure {
	struct pwned_prefix_node node; /* must be first */
	enum pwned_reason reason;
	uint64_t pause_msecs;
	uint64_t until_msecs;
};

bool pwned_failures_init(struct pwned_failures *failures)
{
	return pwned_prefix_map_init(&failures->map, PWNED_FAILURES_MAX);
}

void pwned_failures_deinit(struct pwned_failures *failures)
{
	pwned_failures_forget_all(failures);
	pwned_prefix_map_deinit(&failures->map);
}

static struct failure *find(const struct pwned_failures *failures,
			    uint32_t prefix)
{
	return (struct failure *)pwned_prefix_map_find(&failures->map, prefix);
}

static void failure_free(struct pwned_failures *failures,
			 struct failure *failure)
{
	pwned_prefix_map_remove(&failures->map, &failure->node);
	pwned_wipe(failure, sizeof(*failure));
	free(failure);
}

static struct failure *failure_new(struct pwned_failures *failures,
				   uint32_t prefix)
{
	struct failure *failure = calloc(1, sizeof(*failure));

	if (failure == NULL)
		return NULL;
	failure->node.prefix = prefix;
	failure->pause_msecs = PWNED_SOURCE_RETRY_MSECS;
	pwned_prefix_map_add(&failures->map, &failure->node);
	if (failures->map.count > PWNED_FAILURES_MAX)
		failure_free(failures, (struct failure *)failures->map.oldest);
	return failure;
}

void pwned_failures_add(struct pwned_failures *failures, uint32_t prefix,
			enum pwned_reason reason, uint64_t now_msecs)
{
	struct failure *failure = find(failures, prefix);

	if (failure != NULL) {
		failure->pause_msecs *= 2;
		if (failure->pause_msecs > PWNED_SOURCE_RETRY_MAX_MSECS)
			failure->pause_msecs = PWNED_SOURCE_RETRY_MAX_MSECS;
		pwned_prefix_map_touch(&failures->map, &failure->node);
	} else {
		failure = failure_new(failures, prefix);
		if (failure == NULL)
			return;
	}
	failure->reason = reason;
	failure->until_msecs = now_msecs + failure->pause_msecs;
}

enum pwned_reason pwned_failures_find(const struct pwned_failures *failures,
				      uint32_t prefix, uint64_t now_msecs)
{
	const struct failure *failure = find(failures, prefix);

	return failure != NULL && now_msecs < failure->until_msecs ?
		       failure->reason :
		       PWNED_REASON_NONE;
}

void pwned_failures_forget(struct pwned_failures *failures, uint32_t prefix)
{
	struct failure *failure = find(failures, prefix);

	if (failure != NULL)
		failure_free(failures, failure);
}

void pwned_failures_forget_all(struct pwned_failures *failures)
{
	while (failures->map.oldest != NULL)
		failure_free(failures, (struct failure *)failures->map.oldest);
}
