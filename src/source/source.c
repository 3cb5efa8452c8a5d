/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges from the configured sources. */

#include "pwned-config.h"
#include "source.h"
#include "source-flight.h"
#include "source-private.h"

#include <stdlib.h>

/* The server sees this: which program, which version, no host, no user. */
#define USER_AGENT PACKAGE_NAME "/" PWNED_VERSION

static bool source_init(struct pwned_source *source,
			const struct pwned_reporter *reporter)
{
	char **url = source->set->sources;

	pwned_queue_init(&source->queue, source->loop);
	if (!pwned_failures_init(&source->failures) ||
	    !pwned_prefix_map_init(&source->flights, PWNED_SOURCE_MAX_QUEUED))
		return false;
	for (; *url != NULL; url++) {
		if (!pwned_endpoint_init(&source->endpoints[source->length++],
					 *url, source->loop, reporter,
					 source->counters))
			return false;
	}
	return true;
}

struct pwned_source *pwned_source_new(
	const struct pwned_settings *set, const char *proxy_auth,
	struct pwned_loop *loop, const struct pwned_reporter *reporter,
	struct pwned_counters *counters, pwned_range_callback *fetched,
	void *context, struct pwned_error *error_r)
{
	struct pwned_source *source = calloc(1, sizeof(*source));

	if (source == NULL) {
		(void)pwned_error_set(error_r, "out of memory");
		return NULL;
	}
	source->set = set;
	source->loop = loop;
	source->counters = counters;
	source->fetched = fetched;
	source->context = context;
	if (!source_init(source, reporter)) {
		(void)pwned_error_set(error_r, "out of memory");
		pwned_source_free(&source);
		return NULL;
	}
	source->http =
		pwned_http_new(set, proxy_auth, USER_AGENT, loop, error_r);
	if (source->http == NULL)
		pwned_source_free(&source);
	return source;
}

void pwned_source_free(struct pwned_source **_source)
{
	struct pwned_source *source = *_source;

	*_source = NULL;
	if (source == NULL)
		return;
	while (source->flights.oldest != NULL) {
		struct pwned_flight *flight =
			(struct pwned_flight *)source->flights.oldest;

		pwned_flight_free(&flight);
	}
	pwned_queue_deinit(&source->queue);
	pwned_http_free(&source->retired_http);
	pwned_http_free(&source->http);
	for (unsigned int i = 0; i < source->length; i++)
		pwned_endpoint_deinit(&source->endpoints[i]);
	pwned_prefix_map_deinit(&source->flights);
	pwned_failures_deinit(&source->failures);
	free(source);
}

/* A new flight for the prefix, in the queue. */
static struct pwned_flight *launch(struct pwned_source *source, uint32_t prefix,
				   const struct pwned_range_label *known,
				   enum pwned_fetch_mode mode,
				   enum pwned_reason *reason_r)
{
	struct pwned_flight *flight;

	*reason_r =
		pwned_failures_find(&source->failures, prefix,
				    source->loop->v->now_msecs(source->loop));
	if (*reason_r != PWNED_REASON_NONE)
		return NULL;
	flight = pwned_flight_new(source, prefix, known, mode);
	if (flight == NULL)
		*reason_r = PWNED_REASON_INTERNAL;
	else if (!pwned_flight_choose(flight))
		*reason_r = PWNED_REASON_BREAKER_OPEN;
	/* one that starts with little time left is asked for nothing */
	else if (!pwned_queue_add(&source->queue, flight,
				  source->set->fetch_timeout_msecs / 2))
		*reason_r = PWNED_REASON_QUEUE_FULL;
	else
		return flight;
	if (flight != NULL)
		pwned_flight_free(&flight);
	return NULL;
}

struct pwned_fetch *pwned_source_fetch(struct pwned_source *source,
				       uint32_t prefix,
				       const struct pwned_range_label *known,
				       enum pwned_fetch_mode mode,
				       pwned_fetch_callback *callback,
				       void *context, bool *probe_r,
				       enum pwned_reason *reason_r)
{
	struct pwned_prefix_node *node =
		pwned_prefix_map_find(&source->flights, prefix);
	struct pwned_flight *flight = (struct pwned_flight *)node;
	struct pwned_fetch *fetch;

	*probe_r = false;
	if (flight == NULL)
		flight = launch(source, prefix, known, mode, reason_r);
	else
		pwned_queue_raise(&source->queue, flight, mode);
	if (flight == NULL)
		return NULL;
	*probe_r = pwned_flight_is_in_doubt(flight);
	fetch = pwned_flight_join(flight, known, callback, context);
	if (fetch == NULL)
		*reason_r = PWNED_REASON_INTERNAL;
	return fetch;
}

void pwned_fetch_cancel(struct pwned_fetch **_fetch)
{
	struct pwned_fetch *fetch = *_fetch;

	*_fetch = NULL;
	TAILQ_REMOVE(&fetch->flight->waiting, fetch, entry);
	free(fetch);
}

unsigned int pwned_source_count(const struct pwned_source *source)
{
	return source->length;
}

void pwned_source_save_breaker(const struct pwned_source *source,
			       unsigned int index,
			       struct pwned_breaker_snapshot *snapshot_r)
{
	const struct pwned_endpoint *endpoint = &source->endpoints[index];
	struct pwned_loop *loop = source->loop;

	pwned_breaker_save(&endpoint->breaker, loop->v->now_msecs(loop),
			   loop->v->unix_secs(loop), snapshot_r);
	snapshot_r->origin = endpoint->origin;
}

void pwned_source_restore_breaker(struct pwned_source *source,
				  const struct pwned_breaker_snapshot *snapshot)
{
	struct pwned_loop *loop = source->loop;

	for (unsigned int i = 0; i < source->length; i++) {
		struct pwned_endpoint *endpoint = &source->endpoints[i];

		if (endpoint->origin == snapshot->origin)
			pwned_breaker_restore(
				&endpoint->breaker, loop->v->now_msecs(loop),
				loop->v->unix_secs(loop), snapshot);
	}
}
