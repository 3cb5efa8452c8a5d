/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single flight, queue and memory of failures over the configured sources. */

#include "pwned-config.h"
#include "source.h"
#include "http.h"
#include "prefix-map.h"
#include "range-parser.h"
#include "secret.h"
#include "source-url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define FAILED_MAX       4096
#define WARN_EVERY_MSECS 60000
/* What all answers under way may have brought so far: a source that sends as
   much as it may everywhere at once must not exhaust auth's address space. */
#define BODIES_MAX_BYTES (32U * 1024 * 1024)

/* The server sees this: which program, which version, no host, no user. */
#define USER_AGENT PACKAGE_NAME "/" PWNED_VERSION

enum flight_state {
	FLIGHT_QUEUED,
	FLIGHT_RUNNING,
	FLIGHT_FAILED, /* kept, so that it is not asked again at once */
};

struct pwned_fetch {
	TAILQ_ENTRY(pwned_fetch) entry;
	struct flight *flight;
	pwned_fetch_callback *callback;
	void *context;
};

TAILQ_HEAD(fetch_list, pwned_fetch);
TAILQ_HEAD(flight_list, flight);

/* The fetch of a prefix, from the first who asks until it has succeeded, or
   its failure is forgotten. */
struct flight {
	struct pwned_prefix_node node; /* must be first */
	TAILQ_ENTRY(flight) entry;     /* in the list of its state */
	struct pwned_source *source;
	enum flight_state state;
	bool urgent;
	bool given_up; /* queued, and about to be told so */
	struct fetch_list waiting;

	uint64_t deadline_msecs;   /* of a failed one: when it is forgotten */
	unsigned int attempt;      /* index of the source that is asked */
	struct pwned_timer *timer; /* ends the attempt, or the queueing */
	struct pwned_http_request *request;
	struct pwned_range_parser *parser;
	size_t body_bytes;         /* that the parser has taken */
	enum pwned_reason failure; /* known before its end, or remembered */
};

struct failure_warning {
	uint64_t next_msecs;
	unsigned int suppressed;
};

struct pwned_source {
	const struct pwned_settings *set;
	struct pwned_loop *loop;
	const struct pwned_log *log;
	struct pwned_http *http;
	struct pwned_http *retired_http; /* stalled: takes no new requests */
	pwned_range_callback *fetched;
	void *context;
	unsigned int length; /* sources */

	struct pwned_prefix_map flights;
	struct flight_list urgent, queued, running, failed;
	unsigned int queued_count, running_count, failed_count;
	size_t bodies_bytes;      /* of all running flights */
	struct pwned_timer *pump; /* starts what is queued */
	struct failure_warning warnings[PWNED_SOURCES_MAX][PWNED_REASON_COUNT];
};

static void pump_schedule(struct pwned_source *source);

static uint64_t now_msecs(const struct pwned_source *source)
{
	return source->loop->v->now_msecs(source->loop);
}

struct pwned_source *pwned_source_new(const struct pwned_settings *set,
				      const char *proxy_auth,
				      struct pwned_loop *loop,
				      const struct pwned_log *log,
				      pwned_range_callback *fetched,
				      void *context,
				      struct pwned_error *error_r)
{
	struct pwned_source *source = calloc(1, sizeof(*source));

	if (source == NULL ||
	    !pwned_prefix_map_init(&source->flights, FAILED_MAX)) {
		free(source);
		(void)pwned_error_set(error_r, "out of memory");
		return NULL;
	}
	source->set = set;
	source->loop = loop;
	source->log = log;
	source->fetched = fetched;
	source->context = context;
	TAILQ_INIT(&source->urgent);
	TAILQ_INIT(&source->queued);
	TAILQ_INIT(&source->running);
	TAILQ_INIT(&source->failed);
	while (set->sources[source->length] != NULL)
		source->length++;
	source->http =
		pwned_http_new(set, proxy_auth, USER_AGENT, loop, error_r);
	if (source->http == NULL)
		pwned_source_free(&source);
	return source;
}

/* Enters and leaves the list of the flight's state. */
static struct flight_list *flight_list(struct flight *flight,
				       unsigned int **count_r)
{
	struct pwned_source *source = flight->source;

	switch (flight->state) {
	case FLIGHT_RUNNING:
		*count_r = &source->running_count;
		return &source->running;
	case FLIGHT_FAILED:
		*count_r = &source->failed_count;
		return &source->failed;
	case FLIGHT_QUEUED:
		break;
	}
	*count_r = &source->queued_count;
	return flight->urgent ? &source->urgent : &source->queued;
}

static void flight_list_add(struct flight *flight)
{
	unsigned int *count;
	struct flight_list *list = flight_list(flight, &count);

	TAILQ_INSERT_TAIL(list, flight, entry);
	(*count)++;
}

static void flight_list_remove(struct flight *flight)
{
	unsigned int *count;
	struct flight_list *list = flight_list(flight, &count);

	TAILQ_REMOVE(list, flight, entry);
	(*count)--;
}

static void flight_set_state(struct flight *flight, enum flight_state state)
{
	flight_list_remove(flight);
	flight->state = state;
	flight_list_add(flight);
}

static void flight_stop_attempt(struct flight *flight)
{
	if (flight->timer != NULL)
		flight->source->loop->v->timer_remove(&flight->timer);
	if (flight->request != NULL)
		pwned_http_cancel(&flight->request);
	pwned_range_parser_free(&flight->parser);
	flight->source->bodies_bytes -= flight->body_bytes;
	flight->body_bytes = 0;
}

static void flight_free(struct flight *flight)
{
	struct pwned_fetch *fetch;

	flight_stop_attempt(flight);
	while ((fetch = TAILQ_FIRST(&flight->waiting)) != NULL) {
		TAILQ_REMOVE(&flight->waiting, fetch, entry);
		free(fetch);
	}
	flight_list_remove(flight);
	pwned_prefix_map_remove(&flight->source->flights, &flight->node);
	pwned_wipe(flight, sizeof(*flight));
	free(flight);
}

/* Calls everybody who waits. They may ask for other prefixes meanwhile, and
   for this one: so the list is emptied first of those who are called. */
static void flight_tell(struct flight *flight, enum pwned_reason reason,
			struct pwned_range *range)
{
	struct pwned_fetch *fetch;

	while ((fetch = TAILQ_FIRST(&flight->waiting)) != NULL) {
		pwned_fetch_callback *callback = fetch->callback;
		void *context = fetch->context;

		TAILQ_REMOVE(&flight->waiting, fetch, entry);
		free(fetch);
		callback(context, reason, range);
	}
}

static void flight_succeed(struct flight *flight, struct pwned_range *range)
{
	struct pwned_source *source = flight->source;

	source->fetched(source->context, flight->node.prefix, range);
	flight_tell(flight, PWNED_REASON_NONE, range);
	flight_free(flight);
}

static void flight_fail(struct flight *flight, enum pwned_reason reason)
{
	struct pwned_source *source = flight->source;

	flight_stop_attempt(flight);
	flight_set_state(flight, FLIGHT_FAILED);
	flight->failure = reason;
	flight->deadline_msecs = now_msecs(source) + PWNED_SOURCE_RETRY_MSECS;
	flight_tell(flight, reason, NULL);
	while (source->failed_count > FAILED_MAX)
		flight_free(TAILQ_FIRST(&source->failed));
}

/* One line a minute for the same fault of the same source. */
static void warn_failure(struct pwned_source *source, unsigned int index,
			 enum pwned_reason reason, const char *detail)
{
	struct failure_warning *warning = &source->warnings[index][reason];
	const char *url = source->set->sources[index];
	uint64_t now = now_msecs(source);
	char more[40] = "";

	if (now < warning->next_msecs) {
		warning->suppressed++;
		return;
	}
	if (warning->suppressed > 0)
		(void)snprintf(more, sizeof(more), " (and %u times before)",
			       warning->suppressed);
	pwned_log(source->log, PWNED_LOG_WARNING,
		  "source %.*s failed: %s: %s%s%s%s",
		  (int)pwned_url_origin_length(url), url,
		  pwned_reason_name(reason), pwned_reason_text(reason),
		  *detail == '\0' ? "" : ": ", detail, more);
	warning->suppressed = 0;
	warning->next_msecs = now + WARN_EVERY_MSECS;
}

static bool on_body(void *context, const char *data, size_t size)
{
	struct flight *flight = context;
	struct pwned_source *source = flight->source;

	if (size > BODIES_MAX_BYTES - source->bodies_bytes) {
		flight->failure = PWNED_REASON_TOO_LARGE;
		return false;
	}
	flight->body_bytes += size;
	source->bodies_bytes += size;
	return pwned_range_parser_feed(flight->parser, data, size);
}

static void flight_attempt(struct flight *flight);

static void attempt_failed(struct flight *flight, enum pwned_reason reason,
			   const char *detail)
{
	struct pwned_source *source = flight->source;

	warn_failure(source, flight->attempt, reason, detail);
	flight_stop_attempt(flight);
	if (flight->attempt + 1 < source->length &&
	    now_msecs(source) < flight->deadline_msecs) {
		flight->attempt++;
		flight_attempt(flight);
		return;
	}
	flight_fail(flight, reason);
	pump_schedule(source);
}

static void on_done(void *context, enum pwned_reason reason, const char *detail)
{
	struct flight *flight = context;
	struct pwned_source *source = flight->source;
	struct pwned_range *range = NULL;

	flight->request = NULL;
	if (reason == PWNED_REASON_NONE)
		reason = flight->failure;
	if (reason == PWNED_REASON_NONE)
		reason = pwned_range_parser_finish(flight->parser, &range);
	if (reason != PWNED_REASON_NONE) {
		attempt_failed(flight, reason, detail);
		return;
	}
	flight_succeed(flight, range);
	pwned_range_unref(&range);
	pump_schedule(source);
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

static void on_attempt_timeout(void *context)
{
	struct flight *flight = context;
	struct pwned_source *source = flight->source;

	flight->timer = NULL;
	if (flight->request != NULL)
		pwned_http_cancel(&flight->request);
	renew_connections(source);
	attempt_failed(flight, PWNED_REASON_TIMEOUT, "");
}

/* How long the source may take. Of several each but the last has its share of
   the time that a login waits, so that a dead one leaves some for the next;
   the last has all that is left. */
static unsigned int attempt_msecs(const struct flight *flight)
{
	const struct pwned_source *source = flight->source;
	uint64_t now = now_msecs(source), left = 0;
	unsigned int share = source->set->wait_msecs;

	if (flight->deadline_msecs > now)
		left = flight->deadline_msecs - now;
	if (share == 0)
		share = source->set->fetch_timeout_msecs;
	share /= source->length;
	if (flight->attempt + 1 < source->length && share < left)
		left = share;
	return (unsigned int)left;
}

static bool attempt_start(struct flight *flight, enum pwned_reason *reason_r)
{
	static const struct pwned_http_handler handler = { on_body, on_done };
	struct pwned_source *source = flight->source;
	char *url = pwned_url_for_prefix(source->set->sources[flight->attempt],
					 flight->node.prefix);

	*reason_r = PWNED_REASON_INTERNAL;
	flight->failure = PWNED_REASON_NONE;
	flight->parser = pwned_range_parser_new();
	if (url != NULL && flight->parser != NULL) {
		flight->request = pwned_http_get(source->http, url, &handler,
						 flight, reason_r);
	}
	pwned_url_free(&url);
	return flight->request != NULL;
}

static void flight_attempt(struct flight *flight)
{
	struct pwned_loop *loop = flight->source->loop;
	enum pwned_reason reason;

	if (!attempt_start(flight, &reason)) {
		attempt_failed(flight, reason, "");
		return;
	}
	flight->timer = loop->v->timer_add(loop, attempt_msecs(flight),
					   on_attempt_timeout, flight);
}

static struct flight *queue_first(struct pwned_source *source)
{
	struct flight *flight = TAILQ_FIRST(&source->urgent);

	return flight != NULL ? flight : TAILQ_FIRST(&source->queued);
}

static void on_pump(void *context)
{
	struct pwned_source *source = context;
	struct flight *flight;

	source->pump = NULL;
	while (source->running_count < PWNED_SOURCE_MAX_RUNNING &&
	       (flight = queue_first(source)) != NULL) {
		flight_stop_attempt(flight); /* the timer of the queue */
		flight_set_state(flight, FLIGHT_RUNNING);
		flight_attempt(flight);
	}
}

/* Fetches start from the loop only, so that nobody is called back before
   pwned_source_fetch() has returned. */
static void pump_schedule(struct pwned_source *source)
{
	if (source->pump == NULL && queue_first(source) != NULL &&
	    source->running_count < PWNED_SOURCE_MAX_RUNNING)
		source->pump = source->loop->v->timer_add(source->loop, 0,
							  on_pump, source);
}

static void on_queue_timeout(void *context)
{
	struct flight *flight = context;

	flight->timer = NULL;
	/* never asked, so nothing to remember */
	flight_tell(flight, PWNED_REASON_QUEUE_FULL, NULL);
	flight_free(flight);
}

static struct flight *flight_new(struct pwned_source *source, uint32_t prefix,
				 bool urgent)
{
	struct flight *flight = calloc(1, sizeof(*flight));
	struct pwned_loop *loop = source->loop;

	if (flight == NULL)
		return NULL;
	flight->node.prefix = prefix;
	flight->source = source;
	flight->state = FLIGHT_QUEUED;
	flight->urgent = urgent;
	flight->deadline_msecs =
		now_msecs(source) + source->set->fetch_timeout_msecs;
	/* one that starts with little time left is asked for nothing */
	flight->timer =
		loop->v->timer_add(loop, source->set->fetch_timeout_msecs / 2,
				   on_queue_timeout, flight);
	TAILQ_INIT(&flight->waiting);
	pwned_prefix_map_add(&source->flights, &flight->node);
	flight_list_add(flight);
	return flight;
}

static void forget_old_failures(struct pwned_source *source)
{
	uint64_t now = now_msecs(source);
	struct flight *flight;

	while ((flight = TAILQ_FIRST(&source->failed)) != NULL &&
	       flight->deadline_msecs <= now)
		flight_free(flight);
}

/* Gives up the flight that came last of those that are not urgent, from the
   loop: whoever waits for it must not be called from here. */
static bool queue_make_room(struct pwned_source *source)
{
	struct pwned_loop *loop = source->loop;
	struct flight *flight = TAILQ_LAST(&source->queued, flight_list);

	if (flight == NULL || flight->given_up)
		return false;
	flight->given_up = true;
	/* to the front: the next one to be given up is then the last again */
	TAILQ_REMOVE(&source->queued, flight, entry);
	TAILQ_INSERT_HEAD(&source->queued, flight, entry);
	if (flight->timer != NULL)
		loop->v->timer_remove(&flight->timer);
	flight->timer = loop->v->timer_add(loop, 0, on_queue_timeout, flight);
	return true;
}

/* The flight for the prefix; NULL with the reason where there is none to wait
   for. */
static struct flight *flight_for(struct pwned_source *source, uint32_t prefix,
				 bool urgent, enum pwned_reason *reason_r)
{
	struct pwned_prefix_node *node =
		pwned_prefix_map_find(&source->flights, prefix);
	struct flight *flight = (struct flight *)node;

	if (flight != NULL && flight->state == FLIGHT_FAILED) {
		*reason_r = flight->failure;
		return NULL;
	}
	if (flight != NULL)
		return flight;
	if (source->queued_count >= PWNED_SOURCE_MAX_QUEUED &&
	    !(urgent && queue_make_room(source))) {
		*reason_r = PWNED_REASON_QUEUE_FULL;
		return NULL;
	}
	*reason_r = PWNED_REASON_INTERNAL;
	return flight_new(source, prefix, urgent);
}

struct pwned_fetch *pwned_source_fetch(struct pwned_source *source,
				       uint32_t prefix, bool urgent,
				       pwned_fetch_callback *callback,
				       void *context,
				       enum pwned_reason *reason_r)
{
	struct pwned_fetch *fetch;
	struct flight *flight;

	forget_old_failures(source);
	flight = flight_for(source, prefix, urgent, reason_r);
	if (flight == NULL)
		return NULL;
	if (urgent && !flight->urgent && flight->state == FLIGHT_QUEUED) {
		flight_list_remove(flight);
		flight->urgent = true;
		flight_list_add(flight);
	}
	fetch = malloc(sizeof(*fetch));
	if (fetch == NULL) {
		*reason_r = PWNED_REASON_INTERNAL;
		return NULL;
	}
	*fetch = (struct pwned_fetch){ .flight = flight,
				       .callback = callback,
				       .context = context };
	TAILQ_INSERT_TAIL(&flight->waiting, fetch, entry);
	pump_schedule(source);
	return fetch;
}

void pwned_fetch_cancel(struct pwned_fetch **_fetch)
{
	struct pwned_fetch *fetch = *_fetch;

	*_fetch = NULL;
	TAILQ_REMOVE(&fetch->flight->waiting, fetch, entry);
	free(fetch);
}

void pwned_source_free(struct pwned_source **_source)
{
	struct pwned_source *source = *_source;

	*_source = NULL;
	if (source == NULL)
		return;
	while (source->flights.oldest != NULL)
		flight_free((struct flight *)source->flights.oldest);
	if (source->pump != NULL)
		source->loop->v->timer_remove(&source->pump);
	pwned_http_free(&source->retired_http);
	pwned_http_free(&source->http);
	pwned_prefix_map_deinit(&source->flights);
	free(source);
}
