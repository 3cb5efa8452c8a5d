/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fetch of one prefix. */

#include "source-flight.h"
#include "age.h"
#include "secret.h"
#include "source-private.h"
#include "source-url.h"

#include <stdlib.h>
#include <string.h>

/* What all answers under way may have brought so far: a source that sends as
   much as it may everywhere at once must not exhaust auth's address space. */
#define BODIES_MAX_BYTES (32U * 1024 * 1024)

static uint64_t now_msecs(const struct pwned_flight *flight)
{
	struct pwned_loop *loop = flight->source->loop;

	return loop->v->now_msecs(loop);
}

static struct pwned_endpoint *endpoint_of(const struct pwned_flight *flight)
{
	return &flight->source->endpoints[flight->endpoint];
}

struct pwned_flight *pwned_flight_new(struct pwned_source *source,
				      uint32_t prefix,
				      const struct pwned_range_label *known,
				      enum pwned_fetch_mode mode)
{
	struct pwned_flight *flight = calloc(1, sizeof(*flight));

	if (flight == NULL)
		return NULL;
	flight->node.prefix = prefix;
	flight->source = source;
	flight->mode = mode;
	if (known != NULL)
		flight->known = *known;
	flight->deadline_msecs =
		now_msecs(flight) + source->set->fetch_timeout_msecs;
	TAILQ_INIT(&flight->waiting);
	pwned_prefix_map_add(&source->flights, &flight->node);
	return flight;
}

static void attempt_stop(struct pwned_flight *flight)
{
	struct pwned_source *source = flight->source;

	if (flight->timer != NULL)
		source->loop->v->timer_remove(&flight->timer);
	if (flight->request != NULL)
		pwned_http_cancel(&flight->request);
	pwned_range_parser_free(&flight->parser);
	source->bodies_bytes -= flight->body_bytes;
	flight->body_bytes = 0;
	flight->failure = PWNED_REASON_NONE;
}

/* Nobody can join it from here on, and its place is another's. */
static void flight_leave(struct pwned_flight *flight)
{
	struct pwned_source *source = flight->source;

	attempt_stop(flight);
	if (flight->probe)
		pwned_endpoint_give_up_probe(endpoint_of(flight));
	flight->probe = false;
	pwned_prefix_map_remove(&source->flights, &flight->node);
	pwned_queue_leave(&source->queue, flight);
}

static void flight_dispose(struct pwned_flight *flight)
{
	struct pwned_fetch *fetch;

	while ((fetch = TAILQ_FIRST(&flight->waiting)) != NULL) {
		TAILQ_REMOVE(&flight->waiting, fetch, entry);
		free(fetch);
	}
	pwned_wipe(flight, sizeof(*flight));
	free(flight);
}

void pwned_flight_free(struct pwned_flight **flight)
{
	flight_leave(*flight);
	flight_dispose(*flight);
	*flight = NULL;
}

bool pwned_flight_choose(struct pwned_flight *flight)
{
	for (; flight->endpoint < flight->source->length; flight->endpoint++) {
		switch (pwned_endpoint_ask(endpoint_of(flight))) {
		case PWNED_BREAKER_PROBE:
			flight->probe = true;
			return true;
		case PWNED_BREAKER_ASK:
			return true;
		case PWNED_BREAKER_DO_NOT_ASK:
			break;
		}
	}
	return false;
}

/* The sources from number `first` on that are not known to be down. */
static unsigned int count_closed(const struct pwned_source *source,
				 unsigned int first)
{
	unsigned int count = 0;

	for (unsigned int i = first; i < source->length; i++) {
		if (pwned_endpoint_is_closed(&source->endpoints[i]))
			count++;
	}
	return count;
}

bool pwned_flight_is_in_doubt(const struct pwned_flight *flight)
{
	return count_closed(flight->source, flight->endpoint) == 0;
}

static bool knows(const struct pwned_flight *flight,
		  const struct pwned_range_label *known)
{
	return known != NULL && known->origin == flight->known.origin &&
	       strcmp(known->etag, flight->known.etag) == 0;
}

struct pwned_fetch *pwned_flight_join(struct pwned_flight *flight,
				      const struct pwned_range_label *known,
				      pwned_fetch_callback *callback,
				      void *context)
{
	struct pwned_fetch *fetch = malloc(sizeof(*fetch));

	if (fetch == NULL)
		return NULL;
	*fetch = (struct pwned_fetch){ .flight = flight,
				       .knows = knows(flight, known),
				       .callback = callback,
				       .context = context };
	TAILQ_INSERT_TAIL(&flight->waiting, fetch, entry);
	return fetch;
}

/* Whether "not modified" answers everybody who waits. */
static bool all_know(const struct pwned_flight *flight)
{
	const struct pwned_fetch *fetch;

	TAILQ_FOREACH(fetch, &flight->waiting, entry) {
		if (!fetch->knows)
			return false;
	}
	return true;
}

/* Ends the flight and calls everybody who waits. They may ask for the same
   prefix again meanwhile: that is another flight. */
static void flight_end(struct pwned_flight *flight,
		       const struct pwned_fetch_result *result)
{
	struct pwned_fetch *fetch;

	flight_leave(flight);
	while ((fetch = TAILQ_FIRST(&flight->waiting)) != NULL) {
		pwned_fetch_callback *callback = fetch->callback;
		void *context = fetch->context;

		TAILQ_REMOVE(&flight->waiting, fetch, entry);
		free(fetch);
		callback(context, result);
	}
	flight_dispose(flight);
}

static void flight_end_without(struct pwned_flight *flight,
			       enum pwned_reason reason)
{
	const struct pwned_fetch_result result = { .reason = reason };

	flight_end(flight, &result);
}

static void flight_succeed(struct pwned_flight *flight,
			   const struct pwned_range_label *label,
			   struct pwned_range *range)
{
	const struct pwned_fetch_result result = {
		.not_modified = range == NULL,
		.range = range,
	};
	struct pwned_source *source = flight->source;

	pwned_count(source->counters, range != NULL ? PWNED_COUNT_FETCHED :
						      PWNED_COUNT_NOT_MODIFIED);
	pwned_failures_forget(&source->failures, flight->node.prefix);
	source->fetched(source->context, label, range);
	flight_end(flight, &result);
}

/* What failed in an outage is not remembered: there the breaker keeps the
   source from being asked, and any prefix may be its probe. */
static void flight_fail(struct pwned_flight *flight, enum pwned_reason reason)
{
	struct pwned_source *source = flight->source;

	pwned_count(source->counters, PWNED_COUNT_FETCHES_FAILED);
	if (flight->failed_alone)
		pwned_failures_add(&source->failures, flight->node.prefix,
				   reason, now_msecs(flight));
	flight_end_without(flight, reason);
}

/* Leaves stalled connections behind. Those who still wait for an answer over
   them do so until their own time is up. */
static void renew_connections(struct pwned_source *source)
{
	struct pwned_http *renewed;

	if (source->retired_http != NULL &&
	    pwned_http_is_idle(source->retired_http))
		pwned_http_free(&source->retired_http);
	if (source->retired_http != NULL ||
	    !pwned_http_is_stalled(source->http))
		return;
	renewed = pwned_http_renew(source->http);
	if (renewed == NULL)
		return;
	source->retired_http = source->http;
	source->http = renewed;
}

/* Tells operators and breaker what came of the attempt, which is over. */
static void attempt_tell(struct pwned_flight *flight, enum pwned_reason reason,
			 const struct pwned_http_result *what)
{
	const struct pwned_attempt attempt = {
		.prefix = flight->node.prefix,
		.probe = flight->probe,
		.reason = reason,
		.detail = what->detail,
		.status = what->status,
		.retry_after_msecs = what->retry_after_msecs,
		.duration_msecs = (unsigned int)(now_msecs(flight) -
						 flight->started_msecs),
	};

	flight->probe = false;
	if (pwned_endpoint_tell(endpoint_of(flight), &attempt))
		pwned_failures_forget_all(&flight->source->failures);
}

/* Of an attempt that no answer came to. */
static const struct pwned_http_result no_answer = { .detail = "" };

static void attempt_start(struct pwned_flight *flight);

/* Goes on with the next source, if there is one and time for it. */
static void attempt_failed(struct pwned_flight *flight,
			   enum pwned_reason reason,
			   const struct pwned_http_result *what)
{
	attempt_stop(flight);
	attempt_tell(flight, reason, what);
	if (pwned_endpoint_is_closed(endpoint_of(flight)))
		flight->failed_alone = true;
	if (now_msecs(flight) < flight->deadline_msecs) {
		flight->endpoint++;
		if (pwned_flight_choose(flight)) {
			attempt_start(flight);
			return;
		}
	}
	flight_fail(flight, reason);
}

static bool on_body(void *context, const char *data, size_t size)
{
	struct pwned_flight *flight = context;
	struct pwned_source *source = flight->source;

	if (size > BODIES_MAX_BYTES - source->bodies_bytes) {
		flight->failure = PWNED_REASON_TOO_LARGE;
		return false;
	}
	flight->body_bytes += size;
	source->bodies_bytes += size;
	return pwned_range_parser_feed(flight->parser, data, size);
}

/* The label of what came, as of today. */
static void write_label(const struct pwned_flight *flight, const char *etag,
			struct pwned_range_label *label_r)
{
	struct pwned_loop *loop = flight->source->loop;

	*label_r = (struct pwned_range_label){
		.prefix = flight->node.prefix,
		.day = pwned_day_of(loop->v->unix_secs(loop)),
		.origin = endpoint_of(flight)->origin,
	};
	(void)stpcpy(label_r->etag, etag);
}

static void on_not_modified(struct pwned_flight *flight)
{
	struct pwned_range_label label;

	if (!all_know(flight)) {
		/* somebody has joined who wants it all */
		attempt_stop(flight);
		attempt_start(flight);
		return;
	}
	write_label(flight, flight->known.etag, &label);
	flight_succeed(flight, &label, NULL);
	pwned_wipe(&label, sizeof(label));
}

static void on_done(void *context, const struct pwned_http_result *what)
{
	struct pwned_flight *flight = context;
	enum pwned_reason reason = what->reason;
	struct pwned_range *range = NULL;
	struct pwned_range_label label;

	flight->request = NULL;
	if (reason == PWNED_REASON_NONE)
		reason = flight->failure;
	write_label(flight, what->etag, &label);
	if (reason == PWNED_REASON_NONE && !what->not_modified)
		reason = pwned_range_parser_finish(flight->parser, &label,
						   &range);
	if (reason != PWNED_REASON_NONE) {
		attempt_failed(flight, reason, what);
	} else {
		attempt_tell(flight, reason, what);
		if (what->not_modified)
			on_not_modified(flight);
		else
			flight_succeed(flight, &label, range);
	}
	pwned_range_unref(&range);
	pwned_wipe(&label, sizeof(label));
}

static void on_attempt_timeout(void *context)
{
	struct pwned_flight *flight = context;

	flight->timer = NULL;
	if (flight->request != NULL)
		pwned_http_cancel(&flight->request);
	renew_connections(flight->source);
	attempt_failed(flight, PWNED_REASON_TIMEOUT, &no_answer);
}

/* How long the source may take. Where others may be asked after it, it has its
   share of the time that a login waits, so that a dead one leaves some for the
   next; else it has all that is left. */
static unsigned int attempt_msecs(const struct pwned_flight *flight)
{
	const struct pwned_source *source = flight->source;
	uint64_t now = now_msecs(flight), left = 0;
	unsigned int share = source->set->wait_msecs;

	if (flight->deadline_msecs > now)
		left = flight->deadline_msecs - now;
	if (share == 0)
		share = source->set->fetch_timeout_msecs;
	share /= source->length;
	if (share < left && count_closed(source, flight->endpoint + 1) > 0)
		left = share;
	return (unsigned int)left;
}

/* An entity tag tells the range, and means nothing to any source but the one
   that gave it. */
static const char *condition_of(const struct pwned_flight *flight)
{
	if (*flight->known.etag == '\0' ||
	    flight->known.origin != endpoint_of(flight)->origin ||
	    !all_know(flight))
		return NULL;
	return flight->known.etag;
}

static bool request_start(struct pwned_flight *flight,
			  enum pwned_reason *reason_r)
{
	static const struct pwned_http_handler handler = { on_body, on_done };
	char *url = pwned_url_for_prefix(endpoint_of(flight)->url,
					 flight->node.prefix);

	*reason_r = PWNED_REASON_INTERNAL;
	flight->parser = pwned_range_parser_new();
	if (url != NULL && flight->parser != NULL) {
		flight->request = pwned_http_get(flight->source->http, url,
						 condition_of(flight), &handler,
						 flight, reason_r);
	}
	pwned_url_free(&url);
	return flight->request != NULL;
}

static void attempt_start(struct pwned_flight *flight)
{
	struct pwned_loop *loop = flight->source->loop;
	enum pwned_reason reason;

	flight->started_msecs = now_msecs(flight);
	if (!request_start(flight, &reason)) {
		attempt_failed(flight, reason, &no_answer);
		return;
	}
	flight->timer = loop->v->timer_add(loop, attempt_msecs(flight),
					   on_attempt_timeout, flight);
}

/* Unless it is a probe, the sources may have changed while it waited. */
void pwned_flight_start(struct pwned_flight *flight)
{
	if (!flight->probe) {
		flight->endpoint = 0;
		if (!pwned_flight_choose(flight)) {
			flight_end_without(flight, PWNED_REASON_BREAKER_OPEN);
			return;
		}
	}
	attempt_start(flight);
}

/* It was never asked for, so there is nothing to remember. */
void pwned_flight_give_up(struct pwned_flight *flight)
{
	flight_end_without(flight, PWNED_REASON_QUEUE_FULL);
}
