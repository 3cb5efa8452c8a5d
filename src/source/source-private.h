/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SOURCE_PRIVATE_H
#define PWNED_SOURCE_PRIVATE_H

#include "http.h"
#include "prefix-map.h"
#include "source.h"
#include "source-endpoint.h"
#include "source-failures.h"
#include "source-queue.h"

/* What flights have in common. */
struct pwned_source {
	const struct pwned_settings *set;
	struct pwned_loop *loop;
	struct pwned_counters *counters;
	pwned_range_callback *fetched;
	void *context;

	struct pwned_endpoint endpoints[PWNED_SOURCES_MAX];
	unsigned int length; /* of endpoints */
	struct pwned_http *http;
	struct pwned_http *retired_http; /* stalled: takes no new requests */

	struct pwned_prefix_map flights; /* one a prefix, until it ends */
	struct pwned_queue queue;
	struct pwned_failures failures;
	size_t bodies_bytes; /* of all flights */
};

#endif
