/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One of the configured sources. */

#include "source-endpoint.h"
#include "secret.h"
#include "source-url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WARN_EVERY_MSECS 60000

static uint64_t now_msecs(const struct pwned_endpoint *endpoint)
{
	return endpoint->loop->v->now_msecs(endpoint->loop);
}

bool pwned_endpoint_init(struct pwned_endpoint *endpoint, const char *url,
			 struct pwned_loop *loop,
			 const struct pwned_reporter *reporter,
			 struct pwned_counters *counters)
{
	uint64_t seed;

	/* servers that started together should not come back together */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = loop->v->now_msecs(loop);
	*endpoint = (struct pwned_endpoint){
		.url = url,
		.origin = pwned_source_origin(url),
		.name = strndup(url, pwned_url_origin_length(url)),
		.loop = loop,
		.reporter = reporter,
		.counters = counters,
	};
	pwned_breaker_init(&endpoint->breaker, seed);
	return endpoint->name != NULL;
}

void pwned_endpoint_deinit(struct pwned_endpoint *endpoint)
{
	free(endpoint->name);
	endpoint->name = NULL;
	pwned_wipe(&endpoint->breaker, sizeof(endpoint->breaker));
}

bool pwned_endpoint_is_closed(const struct pwned_endpoint *endpoint)
{
	return endpoint->breaker.state == PWNED_BREAKER_CLOSED;
}

/* Rounded up: after so many seconds it is over. */
static unsigned int open_secs(const struct pwned_endpoint *endpoint)
{
	uint64_t now = now_msecs(endpoint);
	uint64_t until = endpoint->breaker.open_until_msecs;

	return until > now ? (unsigned int)((until - now + 999) / 1000) : 0;
}

static void report_breaker(const struct pwned_endpoint *endpoint)
{
	const struct pwned_breaker_report report = {
		.source = endpoint->name,
		.state = endpoint->breaker.state,
		.open_secs = endpoint->breaker.state == PWNED_BREAKER_OPEN ?
				     open_secs(endpoint) :
				     0,
	};

	pwned_report_breaker(endpoint->reporter, &report);
}

enum pwned_breaker_answer pwned_endpoint_ask(struct pwned_endpoint *endpoint)
{
	enum pwned_breaker_answer answer =
		pwned_breaker_ask(&endpoint->breaker, now_msecs(endpoint));

	if (answer == PWNED_BREAKER_PROBE)
		report_breaker(endpoint);
	return answer;
}

void pwned_endpoint_give_up_probe(struct pwned_endpoint *endpoint)
{
	pwned_breaker_probe_cancelled(&endpoint->breaker);
	report_breaker(endpoint);
}

static void warn_failure(struct pwned_endpoint *endpoint,
			 const struct pwned_attempt *attempt)
{
	struct pwned_endpoint_warning *warning =
		&endpoint->warnings[attempt->reason];
	uint64_t now = now_msecs(endpoint);
	char more[40] = "";

	if (now < warning->next_msecs) {
		warning->suppressed++;
		return;
	}
	if (warning->suppressed > 0)
		(void)snprintf(more, sizeof(more), " (and %u times before)",
			       warning->suppressed);
	pwned_log(endpoint->reporter->log, PWNED_LOG_WARNING,
		  "source %s failed: %s: %s%s%s%s", endpoint->name,
		  pwned_reason_name(attempt->reason),
		  pwned_reason_text(attempt->reason),
		  *attempt->detail == '\0' ? "" : ": ", attempt->detail, more);
	warning->suppressed = 0;
	warning->next_msecs = now + WARN_EVERY_MSECS;
}

static void log_opened(const struct pwned_endpoint *endpoint,
		       const struct pwned_attempt *attempt)
{
	char why[80];

	if (attempt->retry_after_msecs != 0)
		(void)snprintf(why, sizeof(why), "it asked for that");
	else if (attempt->probe)
		(void)snprintf(why, sizeof(why), "it still fails");
	else
		(void)snprintf(why, sizeof(why),
			       "look-ups of %u different ranges in a row "
			       "failed",
			       PWNED_BREAKER_PREFIXES);
	pwned_log(endpoint->reporter->log, PWNED_LOG_WARNING,
		  "source %s is left alone for %u s: %s (%s)", endpoint->name,
		  open_secs(endpoint), why, pwned_reason_name(attempt->reason));
}

/* Returns whether that closed the breaker. */
static bool attempt_succeeded(struct pwned_endpoint *endpoint, bool probe)
{
	if (!pwned_breaker_success(&endpoint->breaker, probe))
		return false;
	pwned_log(endpoint->reporter->log, PWNED_LOG_INFO,
		  "source %s is asked again: it answers", endpoint->name);
	report_breaker(endpoint);
	return true;
}

static void attempt_failed(struct pwned_endpoint *endpoint,
			   const struct pwned_attempt *attempt)
{
	if (!pwned_breaker_failure(&endpoint->breaker, attempt->probe,
				   attempt->prefix, attempt->retry_after_msecs,
				   now_msecs(endpoint)))
		return;
	/* a failed probe goes on with an outage that was counted */
	if (!attempt->probe)
		pwned_count(endpoint->counters, PWNED_COUNT_BREAKER_OPENED);
	log_opened(endpoint, attempt);
	report_breaker(endpoint);
}

/* Full queues, short memory and the like are ours. */
static bool is_fault_of_source(enum pwned_reason reason)
{
	return reason >= PWNED_REASON_TIMEOUT &&
	       reason <= PWNED_REASON_BAD_LINE;
}

bool pwned_endpoint_tell(struct pwned_endpoint *endpoint,
			 const struct pwned_attempt *attempt)
{
	const struct pwned_fetch_report report = {
		.source = endpoint->name,
		.reason = attempt->reason,
		.status = attempt->status,
		.duration_msecs = attempt->duration_msecs,
	};

	pwned_report_fetch(endpoint->reporter, &report);
	if (attempt->reason != PWNED_REASON_NONE)
		warn_failure(endpoint, attempt);
	if (attempt->reason == PWNED_REASON_NONE)
		return attempt_succeeded(endpoint, attempt->probe);
	if (is_fault_of_source(attempt->reason))
		attempt_failed(endpoint, attempt);
	else if (attempt->probe)
		pwned_endpoint_give_up_probe(endpoint);
	return false;
}
