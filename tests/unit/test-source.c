/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single flight, queue, order of sources, conditions and breakers. HTTP is a
   fake here: what runs when can only be seen from its side. */

#include "support/fake-http.h"
#include "support/fake-loop.h"
#include "support/log-lines.h"
#include "support/unit.h"
#include "range-parser.h"
#include "source.h"
#include "source-url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT 5000
#define WAIT    1000
#define BODY    "0000000000006789ABCDEF0123456789ABC:7\r\n"

/* who asks */

struct asker {
	struct pwned_fetch *fetch;
	bool probe;
	unsigned int called;
	enum pwned_reason reason;
	bool not_modified;
	uint64_t count; /* of the body's one entry */
	/* asks for this prefix when called, once */
	struct asker *then;
	uint32_t then_prefix;
};

struct fixture {
	struct pwned_loop *loop;
	struct pwned_settings set;
	struct log_lines lines;
	struct pwned_log log;
	struct pwned_reporter reporter;
	struct pwned_counters counters;
	struct pwned_source *source;

	unsigned int fetched;            /* ranges that the source told of */
	struct pwned_range_label label;  /* of the last one */
	unsigned int not_modified;       /* those that are as they were */
	unsigned int reported;           /* attempts */
	struct pwned_fetch_report fetch; /* the last one, but for its source */
	char fetch_source[64];
	unsigned int breaker_reported;
	struct pwned_breaker_report breaker; /* the same */
	char breaker_source[64];
};

static struct fixture *current;

static void on_range(void *context, const struct pwned_range_label *label,
		     struct pwned_range *range)
{
	struct fixture *f = context;

	f->label = *label;
	if (range == NULL) {
		f->not_modified++;
		return;
	}
	f->fetched++;
	assert_int_equal(label->origin, pwned_range_label(range)->origin);
	assert_string_equal(label->etag, pwned_range_label(range)->etag);
}

static void on_fetch_report(void *context,
			    const struct pwned_fetch_report *report)
{
	struct fixture *f = context;

	f->reported++;
	f->fetch = *report;
	(void)snprintf(f->fetch_source, sizeof(f->fetch_source), "%s",
		       report->source);
}

static void on_breaker_report(void *context,
			      const struct pwned_breaker_report *report)
{
	struct fixture *f = context;

	f->breaker_reported++;
	f->breaker = *report;
	(void)snprintf(f->breaker_source, sizeof(f->breaker_source), "%s",
		       report->source);
}

static void on_fetch(void *context, const struct pwned_fetch_result *result);

static enum pwned_reason ask_knowing(struct asker *asker, uint32_t prefix,
				     const struct pwned_range_label *known,
				     enum pwned_fetch_mode mode)
{
	enum pwned_reason reason = PWNED_REASON_NONE;

	asker->fetch =
		pwned_source_fetch(current->source, prefix, known, mode,
				   on_fetch, asker, &asker->probe, &reason);
	if (asker->fetch == NULL) {
		assert_int_not_equal(reason, PWNED_REASON_NONE);
		return reason;
	}
	return PWNED_REASON_NONE;
}

static enum pwned_reason ask_as(struct asker *asker, uint32_t prefix,
				enum pwned_fetch_mode mode)
{
	return ask_knowing(asker, prefix, NULL, mode);
}

static enum pwned_reason ask(struct asker *asker, uint32_t prefix)
{
	return ask_as(asker, prefix, PWNED_FETCH_URGENT);
}

static void on_fetch(void *context, const struct pwned_fetch_result *result)
{
	struct asker *asker = context;

	assert_int_equal((result->range != NULL) + result->not_modified,
			 result->reason == PWNED_REASON_NONE);
	asker->fetch = NULL;
	asker->called++;
	asker->reason = result->reason;
	asker->not_modified = result->not_modified;
	/* told before those who wait */
	if (result->not_modified)
		assert_true(current->not_modified > 0);
	if (result->range != NULL) {
		assert_true(current->fetched > 0);
		asker->count = pwned_range_find(result->range, 0);
	}
	if (asker->then != NULL)
		assert_int_equal(ask(asker->then, asker->then_prefix),
				 PWNED_REASON_NONE);
}

static void assert_called(const struct asker *asker, enum pwned_reason reason)
{
	assert_int_equal(asker->called, 1);
	assert_int_equal(asker->reason, reason);
}

static void run(void)
{
	fake_loop_advance(current->loop, 0);
}

static void advance(unsigned int msecs)
{
	fake_loop_advance(current->loop, msecs);
}

static void open_source(struct fixture *f, const char *sources)
{
	char text[256];
	struct pwned_error error;

	(void)snprintf(text, sizeof(text), "pwned_source = %s\n", sources);
	assert_true(pwned_settings_parse(text, strlen(text), "file", &f->set,
					 &error));
	f->source = pwned_source_new(&f->set, "user:password", f->loop,
				     &f->reporter, &f->counters, on_range, f,
				     &error);
	assert_non_null(f->source);
}

static void close_source(struct fixture *f)
{
	pwned_source_free(&f->source);
	assert_null(f->source);
	pwned_settings_free(&f->set);
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .loop = fake_loop_new() };
	f.log = log_lines_open(&f.lines);
	f.reporter = (struct pwned_reporter){ .log = &f.log,
					      .fetch = on_fetch_report,
					      .breaker = on_breaker_report,
					      .context = &f };
	open_source(&f, "http://one/");
	*state = current = &f;
	return 0;
}

/* Every test ends here: nothing is left in the loop. */
static int tear_down(void **state)
{
	struct fixture *f = *state;

	close_source(f);
	fake_loop_free(&f->loop);
	return 0;
}

static void use_sources(const char *sources)
{
	close_source(current);
	open_source(current, sources);
}

/* A look-up that works, of a prefix that nobody else has. */
static void succeed_once(void)
{
	static uint32_t prefix = 0x80000;
	struct asker asker = { .called = 0 };

	assert_int_equal(ask(&asker, prefix++), PWNED_REASON_NONE);
	run();
	fake_http_answer(fake_http.length - 1, BODY);
	assert_called(&asker, PWNED_REASON_NONE);
}

/* the tests */

static void a_range_is_fetched(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	assert_int_equal(ask(&asker, 0x0abcd), PWNED_REASON_NONE);
	/* not from within the call */
	assert_int_equal(fake_http.length, 0);
	run();
	assert_int_equal(fake_http.length, 1);
	assert_string_equal(fake_http_url(0), "http://one/0ABCD");
	assert_int_equal(asker.called, 0);
	fake_http_answer(0, BODY);
	assert_called(&asker, PWNED_REASON_NONE);
	assert_int_equal(asker.count, 7);
	assert_int_equal(current->fetched, 1);
	assert_int_equal(current->label.prefix, 0x0abcd);
	assert_int_equal(current->lines.count, 0);
}

static void a_body_comes_in_pieces(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	(void)ask(&asker, 1);
	run();
	for (size_t i = 0; i < strlen(BODY); i++)
		assert_true(fake_http_body(0, &BODY[i], 1));
	fake_http_end(0, PWNED_REASON_NONE, "");
	assert_called(&asker, PWNED_REASON_NONE);
	assert_int_equal(asker.count, 7);
}

static void one_prefix_is_fetched_once(void **state)
{
	struct asker askers[50] = { { .called = 0 } };
	struct asker later = { .called = 0 };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(askers); i++)
		(void)ask(&askers[i], 1);
	run();
	(void)ask(&later, 1);
	run();
	assert_int_equal(fake_http.length, 1);
	fake_http_answer(0, BODY);
	for (size_t i = 0; i < N_ELEMENTS(askers); i++)
		assert_called(&askers[i], PWNED_REASON_NONE);
	assert_called(&later, PWNED_REASON_NONE);
	assert_int_equal(current->fetched, 1);
	/* what was fetched is the cache's; asked again, it is fetched again */
	(void)ask(&later, 1);
	run();
	assert_int_equal(fake_http.length, 2);
}

static void a_bounded_number_runs(void **state)
{
	enum { ASKERS = PWNED_SOURCE_MAX_RUNNING + 3 };
	struct asker askers[ASKERS] = { { .called = 0 } };

	(void)state;
	for (unsigned int i = 0; i < ASKERS; i++)
		(void)ask(&askers[i], i);
	run();
	assert_int_equal(fake_http.running, PWNED_SOURCE_MAX_RUNNING);
	/* one that ends, however it ends, lets the next one start */
	fake_http_answer(5, BODY);
	run();
	assert_string_equal(fake_http_url(PWNED_SOURCE_MAX_RUNNING),
			    "http://one/00040");
	fake_http_end(6, PWNED_REASON_CONNECT, "");
	run();
	assert_string_equal(fake_http_url(PWNED_SOURCE_MAX_RUNNING + 1),
			    "http://one/00041");
	assert_int_equal(fake_http.running, PWNED_SOURCE_MAX_RUNNING);
	assert_called(&askers[5], PWNED_REASON_NONE);
	assert_called(&askers[6], PWNED_REASON_CONNECT);
}

static void urgent_ones_go_first(void **state)
{
	enum { RUNNING = PWNED_SOURCE_MAX_RUNNING };
	struct asker askers[RUNNING + 5] = { { .called = 0 } };

	(void)state;
	for (unsigned int i = 0; i < RUNNING; i++)
		(void)ask(&askers[i], i);
	run();
	(void)ask_as(&askers[RUNNING], 0xa0000, PWNED_FETCH_NORMAL);
	(void)ask_as(&askers[RUNNING + 1], 0xb0000, PWNED_FETCH_NORMAL);
	(void)ask_as(&askers[RUNNING + 2], 0xc0000, PWNED_FETCH_URGENT);
	/* one that waits already becomes urgent with whoever joins it */
	(void)ask_as(&askers[RUNNING + 3], 0xb0000, PWNED_FETCH_URGENT);
	/* and does not fall back */
	(void)ask_as(&askers[RUNNING + 4], 0xc0000, PWNED_FETCH_NORMAL);
	for (unsigned int i = 0; i < 3; i++) {
		fake_http_answer(i, BODY);
		run();
	}
	assert_string_equal(fake_http_url(RUNNING), "http://one/C0000");
	assert_string_equal(fake_http_url(RUNNING + 1), "http://one/B0000");
	assert_string_equal(fake_http_url(RUNNING + 2), "http://one/A0000");
}

static void the_queue_is_bounded(void **state)
{
	static struct asker askers[PWNED_SOURCE_MAX_QUEUED];
	struct asker over = { .called = 0 };

	(void)state;
	memset(askers, 0, sizeof(askers));
	for (unsigned int i = 0; i < PWNED_SOURCE_MAX_QUEUED; i++)
		assert_int_equal(ask(&askers[i], i), PWNED_REASON_NONE);
	assert_int_equal(ask(&over, 0xfffff), PWNED_REASON_QUEUE_FULL);
	assert_null(over.fetch);
	/* who joins one that is there takes no place */
	assert_int_equal(ask(&over, 17), PWNED_REASON_NONE);
	run();
	assert_int_equal(ask(&over, 0xfffff), PWNED_REASON_NONE);
}

/* For somebody urgent one that is not urgent goes: the one that came last, and
   not from within the call. */
static void urgent_ones_find_room(void **state)
{
	enum { RUNNING = PWNED_SOURCE_MAX_RUNNING };
	static struct asker askers[RUNNING + PWNED_SOURCE_MAX_QUEUED];
	struct asker urgent[2] = { { .called = 0 } }, over = { .called = 0 };
	unsigned int last = N_ELEMENTS(askers) - 1;

	(void)state;
	memset(askers, 0, sizeof(askers));
	for (unsigned int i = 0; i < N_ELEMENTS(askers); i++) {
		(void)ask_as(&askers[i], i, PWNED_FETCH_NORMAL);
		if (i == RUNNING - 1)
			run();
	}
	assert_int_equal(ask_as(&over, 0xffff0, PWNED_FETCH_NORMAL),
			 PWNED_REASON_QUEUE_FULL);
	assert_int_equal(ask(&urgent[0], 0xffff1), PWNED_REASON_NONE);
	assert_int_equal(ask(&urgent[1], 0xffff2), PWNED_REASON_NONE);
	assert_int_equal(askers[last].called, 0);
	run();
	assert_called(&askers[last], PWNED_REASON_QUEUE_FULL);
	assert_called(&askers[last - 1], PWNED_REASON_QUEUE_FULL);
	assert_int_equal(askers[last - 2].called, 0);
	fake_http_answer(0, BODY);
	run();
	assert_string_equal(fake_http_url(RUNNING), "http://one/FFFF1");
}

static void what_may_wait_goes_last(void **state)
{
	enum { RUNNING = PWNED_SOURCE_MAX_RUNNING };
	struct asker askers[RUNNING + 4] = { { .called = 0 } };

	(void)state;
	for (unsigned int i = 0; i < RUNNING; i++)
		(void)ask(&askers[i], i);
	run();
	(void)ask_as(&askers[RUNNING], 0xa0000, PWNED_FETCH_LATER);
	(void)ask_as(&askers[RUNNING + 1], 0xb0000, PWNED_FETCH_NORMAL);
	(void)ask_as(&askers[RUNNING + 2], 0xc0000, PWNED_FETCH_LATER);
	(void)ask_as(&askers[RUNNING + 3], 0xc0000, PWNED_FETCH_NORMAL);
	for (unsigned int i = 0; i < 3; i++) {
		fake_http_answer(i, BODY);
		run();
	}
	assert_string_equal(fake_http_url(RUNNING), "http://one/B0000");
	assert_string_equal(fake_http_url(RUNNING + 1), "http://one/C0000");
	assert_string_equal(fake_http_url(RUNNING + 2), "http://one/A0000");
}

/* And is given up first, for whoever presses more. */
static void what_may_wait_is_given_up_first(void **state)
{
	enum { RUNNING = PWNED_SOURCE_MAX_RUNNING, LATER = RUNNING + 7 };
	static struct asker askers[RUNNING + PWNED_SOURCE_MAX_QUEUED];
	struct asker more[2] = { { .called = 0 } }, over = { .called = 0 };

	(void)state;
	memset(askers, 0, sizeof(askers));
	for (unsigned int i = 0; i < N_ELEMENTS(askers); i++) {
		(void)ask_as(&askers[i], i,
			     i == LATER ? PWNED_FETCH_LATER :
					  PWNED_FETCH_NORMAL);
		if (i == RUNNING - 1)
			run();
	}
	assert_int_equal(ask_as(&over, 0xffff0, PWNED_FETCH_LATER),
			 PWNED_REASON_QUEUE_FULL);
	assert_int_equal(ask_as(&more[0], 0xffff1, PWNED_FETCH_NORMAL),
			 PWNED_REASON_NONE);
	/* there is no other that presses less */
	assert_int_equal(ask_as(&over, 0xffff0, PWNED_FETCH_NORMAL),
			 PWNED_REASON_QUEUE_FULL);
	assert_int_equal(ask(&more[1], 0xffff2), PWNED_REASON_NONE);
	run();
	assert_called(&askers[LATER], PWNED_REASON_QUEUE_FULL);
	assert_called(&more[0], PWNED_REASON_QUEUE_FULL);
	for (unsigned int i = 0; i < N_ELEMENTS(askers); i++)
		assert_int_equal(askers[i].called, i == LATER);
}

/* What is left of the time when a turn comes must do for a fetch. */
static void waiting_in_the_queue_ends_at_half_time(void **state)
{
	enum { ASKERS = PWNED_SOURCE_MAX_RUNNING + 1 };
	struct asker askers[ASKERS] = { { .called = 0 } };
	struct asker *last = &askers[ASKERS - 1];

	(void)state;
	for (unsigned int i = 0; i < ASKERS; i++)
		(void)ask(&askers[i], i);
	run();
	advance(TIMEOUT / 2 - 1);
	assert_int_equal(last->called, 0);
	advance(1);
	assert_called(last, PWNED_REASON_QUEUE_FULL);
	assert_int_equal(fake_http.length, PWNED_SOURCE_MAX_RUNNING);
	/* nobody was asked, so there is nothing to remember */
	*last = (struct asker){ .called = 0 };
	assert_int_equal(ask(last, ASKERS - 1), PWNED_REASON_NONE);
	fake_http_answer(0, BODY);
	run();
	assert_int_equal(fake_http.length, ASKERS);
}

static void waiting_in_the_queue_counts_for_the_timeout(void **state)
{
	enum { ASKERS = PWNED_SOURCE_MAX_RUNNING + 1 };
	struct asker askers[ASKERS] = { { .called = 0 } };
	struct asker *last = &askers[ASKERS - 1];

	(void)state;
	for (unsigned int i = 0; i < ASKERS; i++)
		(void)ask(&askers[i], i);
	run();
	advance(TIMEOUT / 2 - 1);
	fake_http_answer(0, BODY);
	run();
	assert_true(fake_http_is_running(ASKERS - 1));
	advance(TIMEOUT / 2);
	assert_int_equal(last->called, 0);
	advance(1);
	assert_called(last, PWNED_REASON_TIMEOUT);
}

static void a_failure_is_remembered_for_a_while(void **state)
{
	struct asker asker = { .called = 0 }, again = { .called = 0 };

	(void)state;
	(void)ask(&asker, 1);
	run();
	fake_http_end(0, PWNED_REASON_CONNECT, "");
	assert_called(&asker, PWNED_REASON_CONNECT);
	assert_int_equal(ask(&again, 1), PWNED_REASON_CONNECT);
	advance(PWNED_SOURCE_RETRY_MSECS - 1);
	assert_int_equal(ask(&again, 1), PWNED_REASON_CONNECT);
	assert_null(again.fetch);
	/* other prefixes are asked */
	assert_int_equal(ask(&again, 2), PWNED_REASON_NONE);
	run();
	assert_int_equal(fake_http.length, 2);
	advance(1);
	assert_int_equal(ask(&again, 1), PWNED_REASON_NONE);
	run();
	assert_int_equal(fake_http.length, 3);
	fake_http_answer(2, BODY);
	assert_called(&again, PWNED_REASON_NONE);
}

static void a_bad_answer_is_a_failure(void **state)
{
	static const struct {
		const char *body;
		enum pwned_reason reason;
	} cases[] = {
		{ "<html>", PWNED_REASON_BAD_LINE },
		{ BODY "0000", PWNED_REASON_BAD_LINE },
		{ "", PWNED_REASON_EMPTY_BODY },
	};

	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(cases); i++) {
		struct asker asker = { .called = 0 };

		(void)ask(&asker, i);
		run();
		fake_http_answer(2 * i, cases[i].body);
		assert_called(&asker, cases[i].reason);
		assert_int_equal(current->fetched, i);
		assert_int_equal(ask(&asker, i), cases[i].reason);
		succeed_once();
	}
}

static void a_fetch_ends_with_its_timeout(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	(void)ask(&asker, 1);
	run();
	advance(TIMEOUT - 1);
	assert_int_equal(asker.called, 0);
	advance(1);
	assert_called(&asker, PWNED_REASON_TIMEOUT);
	assert_int_equal(fake_http.running, 0);
}

static void a_request_that_cannot_start_is_a_failure(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	fake_http.refuse = PWNED_REASON_RESOLVE;
	assert_int_equal(ask(&asker, 1), PWNED_REASON_NONE);
	run();
	assert_called(&asker, PWNED_REASON_RESOLVE);
}

static void sources_are_tried_in_order(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	use_sources("http://one/ http://two/{prefix}.txt http://three/");
	(void)ask(&asker, 0xfffff);
	run();
	assert_string_equal(fake_http_url(0), "http://one/FFFFF");
	fake_http_end(0, PWNED_REASON_CONNECT, "");
	assert_string_equal(fake_http_url(1), "http://two/FFFFF.txt");
	fake_http_answer(1, "no range");
	assert_string_equal(fake_http_url(2), "http://three/FFFFF");
	assert_int_equal(asker.called, 0);
	fake_http_answer(2, BODY);
	assert_called(&asker, PWNED_REASON_NONE);
	assert_int_equal(current->fetched, 1);
}

static void the_last_source_says_why(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	use_sources("http://one/ http://two/");
	(void)ask(&asker, 1);
	run();
	fake_http_end(0, PWNED_REASON_CONNECT, "");
	fake_http_end(1, PWNED_REASON_TLS, "");
	assert_called(&asker, PWNED_REASON_TLS);
}

/* A dead first one leaves some of the login's time for the second, which has
   all the time of the fetch that is left. */
static void a_dead_source_has_its_share_of_the_time(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	use_sources("http://one/ http://two/");
	(void)ask(&asker, 1);
	run();
	advance(WAIT / 2 - 1);
	assert_int_equal(fake_http.length, 1);
	advance(1);
	assert_int_equal(fake_http.length, 2);
	assert_false(fake_http_is_running(0));
	assert_string_equal(fake_http_url(1), "http://two/00001");
	advance(TIMEOUT - WAIT / 2 - 1);
	assert_int_equal(asker.called, 0);
	advance(1);
	assert_called(&asker, PWNED_REASON_TIMEOUT);
	assert_int_equal(fake_http.running, 0);
}

/* A connection over which nothing comes any more is left to those who wait for
   it; others get a new one. */
static void stalled_connections_are_left_behind(void **state)
{
	struct asker stalled = { .called = 0 }, slow = { .called = 0 };
	struct asker next = { .called = 0 };

	(void)state;
	(void)ask(&stalled, 1);
	run();
	advance(TIMEOUT - 100);
	(void)ask(&slow, 2);
	run();
	fake_http.stalled = true;
	advance(100);
	assert_called(&stalled, PWNED_REASON_TIMEOUT);
	assert_int_equal(fake_http.instances, 2);
	(void)ask(&next, 3);
	run();
	assert_false(fake_http_is_newest(1));
	assert_true(fake_http_is_newest(2));
	/* the old ones may still bring an answer */
	fake_http_answer(1, BODY);
	fake_http_answer(2, BODY);
	assert_called(&slow, PWNED_REASON_NONE);
	assert_called(&next, PWNED_REASON_NONE);
	/* and are given up when the next time runs out */
	(void)ask(&stalled, 4);
	run();
	advance(TIMEOUT);
	assert_int_equal(fake_http.instances, 1);
}

static void a_timeout_alone_renews_nothing(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	(void)ask(&asker, 1);
	run();
	advance(TIMEOUT);
	assert_called(&asker, PWNED_REASON_TIMEOUT);
	assert_int_equal(fake_http.instances, 1);
}

/* All bodies under way together are bounded; what is over is given back. */
static void too_much_under_way_is_a_failure(void **state)
{
	enum { BODIES = 8, PIECES = PWNED_RANGE_MAX_BYTES / 38 - 1 };
	struct asker askers[BODIES + 2] = { { .called = 0 } };
	static const char line[] = "0000000000006789ABCDEF0123456789ABC:7\n";
	unsigned int taken = 0, last = BODIES + 1;

	(void)state;
	use_sources("http://one/ http://two/");
	for (unsigned int i = 0; i < N_ELEMENTS(askers); i++)
		(void)ask(&askers[i], i);
	run();
	for (unsigned int i = 0; i < N_ELEMENTS(askers); i++) {
		for (unsigned int piece = 0; piece < PIECES; piece++) {
			if (!fake_http_body(i, line, sizeof(line) - 1))
				break;
			taken++;
		}
	}
	assert_true(taken >= PIECES * (BODIES - 1) &&
		    taken <= PIECES * (BODIES + 1));
	fake_http_end(last, PWNED_REASON_NONE, "");
	/* the others end, and the second source is asked as if nothing was */
	for (unsigned int i = 0; i < BODIES; i++)
		fake_http_end(i, PWNED_REASON_CUT_BODY, "");
	assert_string_equal(fake_http_url(last + 1), "http://two/00009");
	fake_http_answer(last + 1, BODY);
	assert_called(&askers[last], PWNED_REASON_NONE);
}

static void who_gave_up_is_not_called(void **state)
{
	struct asker gone = { .called = 0 }, stays = { .called = 0 };

	(void)state;
	(void)ask(&gone, 1);
	(void)ask(&stays, 1);
	run();
	pwned_fetch_cancel(&gone.fetch);
	assert_null(gone.fetch);
	fake_http_answer(0, BODY);
	assert_int_equal(gone.called, 0);
	assert_called(&stays, PWNED_REASON_NONE);
}

static void a_fetch_goes_on_for_nobody(void **state)
{
	struct asker gone = { .called = 0 };

	(void)state;
	(void)ask(&gone, 1);
	pwned_fetch_cancel(&gone.fetch);
	run();
	fake_http_answer(0, BODY);
	assert_int_equal(current->fetched, 1);
	assert_int_equal(gone.called, 0);
}

static void who_is_called_may_ask_again(void **state)
{
	struct asker other = { .called = 0 };
	struct asker same = { .called = 0, .then = &other, .then_prefix = 2 };
	struct asker first = { .called = 0, .then = &same, .then_prefix = 1 };

	(void)state;
	(void)ask(&first, 1);
	run();
	fake_http_answer(0, BODY);
	run();
	assert_called(&first, PWNED_REASON_NONE);
	/* the same prefix, by a new fetch */
	assert_int_equal(same.called, 0);
	fake_http_answer(1, BODY);
	run();
	assert_called(&same, PWNED_REASON_NONE);
	fake_http_answer(fake_http.length - 1, BODY);
	assert_called(&other, PWNED_REASON_NONE);
}

/* tear_down() frees the source with all of these under way. */
static void ending_calls_nobody(void **state)
{
	enum { ASKERS = PWNED_SOURCE_MAX_RUNNING + 10 };
	static struct asker askers[ASKERS];

	(void)state;
	memset(askers, 0, sizeof(askers));
	for (unsigned int i = 0; i < ASKERS; i++)
		(void)ask(&askers[i], i);
	run();
	fake_http_end(0, PWNED_REASON_CONNECT, "");
	assert_int_equal(askers[0].called, 1);
	close_source(current);
	for (unsigned int i = 1; i < ASKERS; i++)
		assert_int_equal(askers[i].called, 0);
	assert_int_equal(fake_http.running, 0);
	open_source(current, "http://one/");
}

/* One line a minute for the same fault of the same source, which names the
   server and nothing behind it. */
static void faults_are_logged_once_a_minute(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	use_sources("http://one:81/secret/range/");
	for (unsigned int i = 0; i < 3; i++) {
		(void)ask(&asker, 0xabc00 + i);
		run();
		fake_http_end(2 * i, PWNED_REASON_CONNECT, "refused");
		succeed_once();
	}
	assert_int_equal(current->lines.count, 1);
	assert_int_equal(current->lines.level, PWNED_LOG_WARNING);
	assert_string_equal(current->lines.text,
			    "source http://one:81 failed: connect: the "
			    "connection failed: refused");
	/* another fault is another line */
	(void)ask(&asker, 0xabc03);
	run();
	fake_http_end(6, PWNED_REASON_HTTP_STATUS, "HTTP status 500");
	assert_int_equal(current->lines.count, 2);
	advance(60000);
	(void)ask(&asker, 0xabc04);
	run();
	fake_http_end(7, PWNED_REASON_CONNECT, "refused");
	assert_int_equal(current->lines.count, 3);
	assert_non_null(strstr(current->lines.text, "(and 2 times before)"));
}

/* labels and conditions */

#define TAG "W/\"abc\""
#define DAY 20000

static uint32_t origin_of_one(void)
{
	return pwned_source_origin("http://one/");
}

static struct pwned_range_label known_label(uint32_t origin, const char *etag)
{
	struct pwned_range_label label = { .prefix = 1,
					   .day = DAY - 8,
					   .origin = origin };

	(void)snprintf(label.etag, sizeof(label.etag), "%s", etag);
	fake_loop_set_unix(current->loop, (uint64_t)DAY * 86400 + 80000);
	return label;
}

static void assert_label(uint32_t origin, const char *etag)
{
	assert_int_equal(current->label.prefix, 1);
	assert_int_equal(current->label.day, DAY);
	assert_int_equal(current->label.origin, origin);
	assert_string_equal(current->label.etag, etag);
}

/* Asks for prefix 1 with a label, and lets it begin. */
static void ask_known(struct asker *asker,
		      const struct pwned_range_label *known)
{
	assert_int_equal(ask_knowing(asker, 1, known, PWNED_FETCH_LATER),
			 PWNED_REASON_NONE);
	run();
}

static void a_range_says_whence_and_when(void **state)
{
	struct pwned_range_label old = known_label(0, "");
	struct asker asker = { .called = 0 };

	(void)state;
	(void)old;
	(void)ask(&asker, 1);
	run();
	assert_null(fake_http_etag(0));
	fake_http_answer_tagged(0, BODY, TAG);
	assert_called(&asker, PWNED_REASON_NONE);
	assert_label(origin_of_one(), TAG);
	/* a source without entity tags */
	(void)ask(&asker, 1);
	run();
	fake_http_answer(1, BODY);
	assert_label(origin_of_one(), "");
}

static void what_is_not_modified_is_as_of_today(void **state)
{
	struct pwned_range_label known = known_label(origin_of_one(), TAG);
	struct asker asker = { .called = 0 };

	(void)state;
	ask_known(&asker, &known);
	assert_string_equal(fake_http_etag(0), TAG);
	fake_http_not_modified(0);
	assert_called(&asker, PWNED_REASON_NONE);
	assert_true(asker.not_modified);
	assert_int_equal(current->not_modified, 1);
	assert_int_equal(current->fetched, 0);
	assert_label(origin_of_one(), TAG);
	assert_int_equal(
		pwned_counted(&current->counters, PWNED_COUNT_NOT_MODIFIED), 1);
	assert_int_equal(pwned_counted(&current->counters, PWNED_COUNT_FETCHED),
			 0);
}

static void what_was_modified_comes_as_a_range(void **state)
{
	struct pwned_range_label known = known_label(origin_of_one(), TAG);
	struct asker asker = { .called = 0 };

	(void)state;
	ask_known(&asker, &known);
	fake_http_answer_tagged(0, BODY, "\"new\"");
	assert_called(&asker, PWNED_REASON_NONE);
	assert_false(asker.not_modified);
	assert_int_equal(asker.count, 7);
	assert_label(origin_of_one(), "\"new\"");
}

/* An entity tag is nothing to another source, though it may have the same. */
static void a_tag_goes_to_its_own_source_only(void **state)
{
	struct pwned_range_label known;
	struct asker asker = { .called = 0 };

	(void)state;
	use_sources("http://one/ http://two/");
	known = known_label(pwned_source_origin("http://two/"), TAG);
	ask_known(&asker, &known);
	assert_null(fake_http_etag(0));
	fake_http_end(0, PWNED_REASON_CONNECT, "");
	assert_string_equal(fake_http_etag(1), TAG);
	fake_http_not_modified(1);
	assert_called(&asker, PWNED_REASON_NONE);
	assert_label(pwned_source_origin("http://two/"), TAG);
	/* no source of ours */
	known = known_label(origin_of_one() + 1, TAG);
	ask_known(&asker, &known);
	assert_null(fake_http_etag(2));
	fake_http_answer(2, BODY);
	/* no tag */
	known = known_label(origin_of_one(), "");
	ask_known(&asker, &known);
	assert_null(fake_http_etag(3));
}

static void who_knows_the_same_is_answered_by_it(void **state)
{
	struct pwned_range_label known = known_label(origin_of_one(), TAG);
	struct asker askers[3] = { { .called = 0 } };

	(void)state;
	(void)ask_knowing(&askers[0], 1, &known, PWNED_FETCH_LATER);
	(void)ask_knowing(&askers[1], 1, &known, PWNED_FETCH_LATER);
	run();
	/* of another day, which changes nothing */
	known.day++;
	(void)ask_knowing(&askers[2], 1, &known, PWNED_FETCH_LATER);
	assert_string_equal(fake_http_etag(0), TAG);
	fake_http_not_modified(0);
	for (size_t i = 0; i < N_ELEMENTS(askers); i++) {
		assert_called(&askers[i], PWNED_REASON_NONE);
		assert_true(askers[i].not_modified);
	}
	assert_int_equal(fake_http.length, 1);
}

static const char *const other_tags[] = { NULL, "", "\"abc\"" };

/* joins as one who knows something else, or nothing */
static void join_other(struct asker *asker, const char *etag)
{
	struct pwned_range_label other = known_label(origin_of_one(), "");

	(void)snprintf(other.etag, sizeof(other.etag), "%s",
		       etag != NULL ? etag : "");
	assert_int_equal(ask_knowing(asker, 1, etag != NULL ? &other : NULL,
				     PWNED_FETCH_URGENT),
			 PWNED_REASON_NONE);
}

static void who_knows_less_takes_the_condition_away(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(other_tags); i++) {
		struct pwned_range_label known =
			known_label(origin_of_one(), TAG);
		struct asker askers[2] = { { .called = 0 } };

		(void)ask_knowing(&askers[0], 1, &known, PWNED_FETCH_LATER);
		join_other(&askers[1], other_tags[i]);
		run();
		assert_null(fake_http_etag(i));
		fake_http_answer(i, BODY);
		for (size_t j = 0; j < N_ELEMENTS(askers); j++) {
			assert_called(&askers[j], PWNED_REASON_NONE);
			assert_int_equal(askers[j].count, 7);
		}
	}
}

static void who_knows_less_and_comes_late_has_it_asked_again(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(other_tags); i++) {
		struct pwned_range_label known =
			known_label(origin_of_one(), TAG);
		struct asker askers[2] = { { .called = 0 } };

		ask_known(&askers[0], &known);
		join_other(&askers[1], other_tags[i]);
		fake_http_not_modified(2 * i);
		assert_int_equal(askers[0].called + askers[1].called, 0);
		assert_null(fake_http_etag(2 * i + 1));
		fake_http_answer_tagged(2 * i + 1, BODY, TAG);
		for (size_t j = 0; j < N_ELEMENTS(askers); j++) {
			assert_called(&askers[j], PWNED_REASON_NONE);
			assert_int_equal(askers[j].count, 7);
		}
		assert_int_equal(current->fetched, i + 1);
		assert_int_equal(current->not_modified, 0);
	}
}

/* The same tag of another source is another one. */
static void who_knows_another_sources_tag_knows_less(void **state)
{
	struct pwned_range_label known = known_label(origin_of_one(), TAG);
	struct asker asker = { .called = 0 }, other = { .called = 0 };

	(void)state;
	ask_known(&asker, &known);
	known.origin++;
	ask_known(&other, &known);
	fake_http_not_modified(0);
	fake_http_answer(1, BODY);
	assert_int_equal(asker.count, 7);
	assert_int_equal(other.count, 7);
}

/* When a range comes, the condition does not matter; nor does it when those who
   know less are gone. */
static void it_is_asked_again_only_where_that_helps(void **state)
{
	struct pwned_range_label known = known_label(origin_of_one(), TAG);
	struct asker askers[2] = { { .called = 0 } };
	struct asker gone = { .called = 0 }, stays = { .called = 0 };

	(void)state;
	ask_known(&askers[0], &known);
	join_other(&askers[1], NULL);
	fake_http_answer(0, BODY);
	assert_called(&askers[0], PWNED_REASON_NONE);
	assert_called(&askers[1], PWNED_REASON_NONE);
	ask_known(&stays, &known);
	join_other(&gone, NULL);
	pwned_fetch_cancel(&gone.fetch);
	fake_http_not_modified(1);
	assert_called(&stays, PWNED_REASON_NONE);
	assert_true(stays.not_modified);
	assert_int_equal(fake_http.length, 2);
}

/* Who waits for it all still has no longer to wait than its time. */
static void asking_again_takes_no_more_time(void **state)
{
	struct pwned_range_label known = known_label(origin_of_one(), TAG);
	struct asker asker = { .called = 0 }, other = { .called = 0 };

	(void)state;
	ask_known(&asker, &known);
	join_other(&other, NULL);
	advance(TIMEOUT - 10);
	fake_http_not_modified(0);
	assert_true(fake_http_is_running(1));
	advance(10);
	assert_called(&asker, PWNED_REASON_TIMEOUT);
	assert_called(&other, PWNED_REASON_TIMEOUT);
}

/* breakers */

/* More than it may take until a breaker that failures opened lets a probe
   through. */
#define OPEN_MAX ((PWNED_BREAKER_OPEN_MSECS * 5) / 4)

static void assert_counted(enum pwned_counter counter, unsigned int count)
{
	assert_int_equal(pwned_counted(&current->counters, counter), count);
}

static void fail_prefix(uint32_t prefix, enum pwned_reason reason)
{
	struct asker asker = { .called = 0 };

	assert_int_equal(ask(&asker, prefix), PWNED_REASON_NONE);
	run();
	fake_http_end(fake_http.length - 1, reason, "");
	assert_called(&asker, reason);
}

static void open_breaker(void)
{
	for (uint32_t prefix = 0x70000; prefix < 0x70003; prefix++)
		fail_prefix(prefix, PWNED_REASON_TIMEOUT);
}

static void assert_left_alone(void)
{
	struct asker asker = { .called = 0 };
	unsigned int length = fake_http.length;

	assert_int_equal(ask(&asker, 0x90000), PWNED_REASON_BREAKER_OPEN);
	assert_null(asker.fetch);
	run();
	assert_int_equal(fake_http.length, length);
}

static void a_source_that_fails_is_left_alone(void **state)
{
	unsigned int secs = 0;

	(void)state;
	open_breaker();
	assert_left_alone();
	/* one line for the failures, and one for that */
	assert_int_equal(current->lines.count, 2);
	assert_int_equal(current->lines.level, PWNED_LOG_WARNING);
	assert_int_equal(
		sscanf(current->lines.text,
		       "source http://one is left alone for %u s:", &secs),
		1);
	assert_in_range(secs, 1, 3);
	assert_non_null(strstr(
		current->lines.text,
		": look-ups of 3 different ranges in a row failed (timeout)"));
	assert_int_equal(current->breaker_reported, 1);
	assert_string_equal(current->breaker_source, "http://one");
	assert_int_equal(current->breaker.state, PWNED_BREAKER_OPEN);
	assert_int_equal(current->breaker.open_secs, secs);
	assert_counted(PWNED_COUNT_BREAKER_OPENED, 1);
}

static void a_probe_brings_it_back(void **state)
{
	struct asker probe = { .called = 0 }, joined = { .called = 0 };
	struct asker other = { .called = 0 };

	(void)state;
	open_breaker();
	advance(OPEN_MAX);
	assert_int_equal(ask(&probe, 1), PWNED_REASON_NONE);
	assert_true(probe.probe);
	assert_int_equal(current->breaker.state, PWNED_BREAKER_PROBING);
	assert_int_equal(ask(&joined, 1), PWNED_REASON_NONE);
	assert_true(joined.probe);
	run();
	/* one at a time */
	assert_left_alone();
	assert_int_equal(fake_http.running, 1);
	fake_http_answer(fake_http.length - 1, BODY);
	assert_called(&probe, PWNED_REASON_NONE);
	assert_called(&joined, PWNED_REASON_NONE);
	assert_int_equal(current->breaker.state, PWNED_BREAKER_CLOSED);
	assert_int_equal(current->breaker.open_secs, 0);
	assert_int_equal(current->lines.level, PWNED_LOG_INFO);
	assert_string_equal(current->lines.text,
			    "source http://one is asked again: it answers");
	/* what failed in the outage may be asked at once */
	assert_int_equal(ask(&other, 0x70000), PWNED_REASON_NONE);
	assert_false(other.probe);
}

static void a_probe_that_is_not_modified_brings_it_back(void **state)
{
	struct pwned_range_label known = known_label(origin_of_one(), TAG);
	struct asker probe = { .called = 0 }, other = { .called = 0 };

	(void)state;
	open_breaker();
	advance(OPEN_MAX);
	ask_known(&probe, &known);
	assert_true(probe.probe);
	join_other(&other, NULL);
	fake_http_not_modified(fake_http.length - 1);
	assert_int_equal(current->breaker.state, PWNED_BREAKER_CLOSED);
	/* what is asked again then is no probe any more */
	fake_http_end(fake_http.length - 1, PWNED_REASON_TIMEOUT, "");
	assert_called(&probe, PWNED_REASON_TIMEOUT);
	assert_int_equal(current->breaker.state, PWNED_BREAKER_CLOSED);
}

static void a_probe_in_vain_prolongs_it(void **state)
{
	struct asker probe = { .called = 0 };

	(void)state;
	open_breaker();
	advance(OPEN_MAX);
	fail_prefix(1, PWNED_REASON_CONNECT);
	assert_non_null(
		strstr(current->lines.text, "s: it still fails (connect)"));
	assert_in_range(current->breaker.open_secs, 3, 5);
	assert_left_alone();
	/* the same outage */
	assert_counted(PWNED_COUNT_BREAKER_OPENED, 1);
	/* its prefix may be the next probe */
	advance(2 * OPEN_MAX);
	assert_int_equal(ask(&probe, 1), PWNED_REASON_NONE);
	assert_true(probe.probe);
}

static void a_probe_that_is_given_up_is_anothers(void **state)
{
	enum { RUNNING = PWNED_SOURCE_MAX_RUNNING };
	struct asker askers[RUNNING] = { { .called = 0 } };
	struct asker probe = { .called = 0 };

	(void)state;
	for (unsigned int i = 0; i < RUNNING; i++)
		(void)ask(&askers[i], i);
	run();
	advance(TIMEOUT - 1000);
	for (unsigned int i = 0; i < 3; i++)
		fake_http_end(i, PWNED_REASON_CONNECT, "");
	/* what still runs does not close it, nor does it prolong it */
	fake_http_answer(3, BODY);
	assert_left_alone();
	advance(1000);
	assert_int_equal(fake_http.running, 0);
	assert_left_alone();
	assert_int_equal(current->breaker_reported, 1);
	advance(OPEN_MAX);
	/* a probe that cannot even start for want of memory is none */
	fake_http.refuse = PWNED_REASON_INTERNAL;
	assert_int_equal(ask(&probe, 0xa0000), PWNED_REASON_NONE);
	assert_true(probe.probe);
	run();
	assert_called(&probe, PWNED_REASON_INTERNAL);
	fake_http.refuse = PWNED_REASON_NONE;
	probe = (struct asker){ .called = 0 };
	assert_int_equal(ask(&probe, 0xa0001), PWNED_REASON_NONE);
	assert_true(probe.probe);
}

/* Of what was asked while the breaker was closed nothing is told to a probe
   that runs meanwhile. */
static void a_straggler_is_no_probe(void **state)
{
	struct pwned_range_label known = known_label(origin_of_one(), TAG);
	struct asker was_probe = { .called = 0 }, other = { .called = 0 };
	struct asker plain = { .called = 0 }, probe = { .called = 0 };
	unsigned int again;

	(void)state;
	open_breaker();
	advance(OPEN_MAX);
	ask_known(&was_probe, &known);
	join_other(&other, NULL);
	again = fake_http.length;
	fake_http_not_modified(again - 1);
	assert_true(fake_http_is_running(again));
	(void)ask(&plain, 2);
	run();
	open_breaker();
	advance(OPEN_MAX);
	assert_int_equal(ask(&probe, 3), PWNED_REASON_NONE);
	assert_true(probe.probe);
	run();
	fake_http_end(again, PWNED_REASON_CONNECT, "");
	assert_int_equal(current->breaker.state, PWNED_BREAKER_PROBING);
	fake_http_answer(again + 1, BODY);
	assert_called(&plain, PWNED_REASON_NONE);
	assert_int_equal(current->breaker.state, PWNED_BREAKER_PROBING);
	assert_left_alone();
	fake_http_answer(fake_http.length - 1, BODY);
	assert_called(&probe, PWNED_REASON_NONE);
	assert_int_equal(current->breaker.state, PWNED_BREAKER_CLOSED);
}

/* A probe may find no place, or wait in vain for its turn. */
static void a_probe_that_never_starts_is_anothers(void **state)
{
	enum { RUNNING = PWNED_SOURCE_MAX_RUNNING };
	struct pwned_breaker_snapshot over = { .origin = origin_of_one(),
					       .open_until_secs = 1,
					       .openings = 1 };
	struct asker askers[RUNNING] = { { .called = 0 } };
	struct asker probe = { .called = 0 };

	(void)state;
	for (unsigned int i = 0; i < RUNNING; i++)
		(void)ask(&askers[i], i);
	run();
	pwned_source_restore_breaker(current->source, &over);
	assert_int_equal(ask_as(&probe, 0xa0000, PWNED_FETCH_LATER),
			 PWNED_REASON_NONE);
	assert_true(probe.probe);
	assert_left_alone();
	advance(TIMEOUT / 2);
	assert_called(&probe, PWNED_REASON_QUEUE_FULL);
	probe = (struct asker){ .called = 0 };
	assert_int_equal(ask(&probe, 0xa0001), PWNED_REASON_NONE);
	assert_true(probe.probe);
}

/* While it is down nobody should wait for what was asked before that. */
static void what_was_asked_before_is_in_doubt(void **state)
{
	enum { RUNNING = PWNED_SOURCE_MAX_RUNNING };
	struct asker askers[RUNNING + 2] = { { .called = 0 } };
	struct asker joined = { .called = 0 };

	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(askers); i++) {
		(void)ask(&askers[i], i);
		assert_false(askers[i].probe);
		if (i == RUNNING - 1)
			run();
	}
	for (unsigned int i = 0; i < 3; i++)
		fake_http_end(i, PWNED_REASON_CONNECT, "");
	assert_int_equal(ask(&joined, 5), PWNED_REASON_NONE);
	assert_true(joined.probe);
	/* those whose turn has not come are not asked any more */
	run();
	for (unsigned int i = RUNNING; i < N_ELEMENTS(askers); i++)
		assert_called(&askers[i], PWNED_REASON_BREAKER_OPEN);
	assert_int_equal(fake_http.length, RUNNING);
}

static void faults_of_ours_open_nothing(void **state)
{
	(void)state;
	fake_http.refuse = PWNED_REASON_INTERNAL;
	for (uint32_t prefix = 0; prefix < 10; prefix++) {
		struct asker asker = { .called = 0 };

		assert_int_equal(ask(&asker, prefix), PWNED_REASON_NONE);
		run();
		assert_called(&asker, PWNED_REASON_INTERNAL);
	}
	fake_http.refuse = PWNED_REASON_NONE;
	succeed_once();
	assert_int_equal(current->breaker_reported, 0);
}

static void retry_after_is_obeyed(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	(void)ask(&asker, 1);
	run();
	fake_http_refuse(0, 429, 60000);
	assert_called(&asker, PWNED_REASON_HTTP_STATUS);
	assert_string_equal(current->lines.text,
			    "source http://one is left alone for 60 s: it "
			    "asked for that (http_status)");
	assert_left_alone();
	advance(59999);
	assert_left_alone();
	advance(1);
	assert_int_equal(ask(&asker, 1), PWNED_REASON_NONE);
	assert_true(asker.probe);
	run();
	/* without it a refusal is one failure of many */
	fake_http_answer(1, BODY);
	(void)ask(&asker, 2);
	run();
	fake_http_refuse(2, 503, 0);
	succeed_once();
}

/* As the real service did in 2026. */
static void one_bad_prefix_opens_nothing_and_is_asked_ever_less(void **state)
{
	unsigned int pause = PWNED_SOURCE_RETRY_MSECS;

	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		struct asker asker = { .called = 0 };

		fail_prefix(1, PWNED_REASON_HTTP_STATUS);
		succeed_once();
		advance(pause - 1);
		assert_int_equal(ask(&asker, 1), PWNED_REASON_HTTP_STATUS);
		advance(1);
		pause *= 2;
		if (pause > PWNED_SOURCE_RETRY_MAX_MSECS)
			pause = PWNED_SOURCE_RETRY_MAX_MSECS;
	}
	assert_int_equal(current->breaker_reported, 0);
	assert_counted(PWNED_COUNT_FETCHES_FAILED, 20);
	assert_counted(PWNED_COUNT_FETCHED, 20);
}

static void a_prefix_that_works_again_begins_anew(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		fail_prefix(1, PWNED_REASON_TIMEOUT);
		advance(PWNED_SOURCE_RETRY_MSECS << i);
	}
	assert_int_equal(ask(&asker, 1), PWNED_REASON_NONE);
	run();
	fake_http_answer(3, BODY);
	fail_prefix(1, PWNED_REASON_TIMEOUT);
	advance(PWNED_SOURCE_RETRY_MSECS);
	assert_int_equal(ask(&asker, 1), PWNED_REASON_NONE);
}

/* With nobody but one who asks, still: it comes back as soon as the source. */
static void an_outage_is_not_held_against_a_prefix(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	open_breaker();
	for (unsigned int i = 0; i < 20; i++) {
		advance(PWNED_BREAKER_OPEN_MAX_MSECS * 5 / 4);
		fail_prefix(1, PWNED_REASON_CONNECT);
	}
	advance(PWNED_BREAKER_OPEN_MAX_MSECS * 5 / 4);
	assert_int_equal(ask(&asker, 1), PWNED_REASON_NONE);
}

static void another_source_stands_in(void **state)
{
	struct asker asker = { .called = 0 };
	unsigned int first;

	(void)state;
	use_sources("http://one/ http://two/");
	for (uint32_t prefix = 0; prefix < 3; prefix++) {
		(void)ask(&asker, prefix);
		run();
		fake_http_end(2 * prefix, PWNED_REASON_CONNECT, "");
		fake_http_answer(2 * prefix + 1, BODY);
	}
	assert_string_equal(current->breaker_source, "http://one");
	/* at once, and with all the time there is */
	first = fake_http.length;
	asker = (struct asker){ .called = 0 };
	assert_int_equal(ask(&asker, 0xa0000), PWNED_REASON_NONE);
	assert_false(asker.probe);
	run();
	assert_string_equal(fake_http_url(first), "http://two/A0000");
	advance(OPEN_MAX);
	/* a probe of the first one is no reason not to wait for the other */
	asker = (struct asker){ .called = 0 };
	assert_int_equal(ask(&asker, 0xa0001), PWNED_REASON_NONE);
	assert_false(asker.probe);
	run();
	assert_string_equal(fake_http_url(first + 1), "http://one/A0001");
	advance(WAIT / 2);
	assert_string_equal(fake_http_url(first + 2), "http://two/A0001");
	fake_http_answer(first + 2, BODY);
	assert_called(&asker, PWNED_REASON_NONE);
	assert_true(fake_http_is_running(first));
}

/* Who waits for nobody else may take all the time there is. */
static void the_only_one_that_is_left_has_all_the_time(void **state)
{
	struct pwned_breaker_snapshot down = {
		.origin = pwned_source_origin("http://two/"),
		.open_until_secs = UINT64_MAX,
		.openings = 1,
	};
	struct asker asker = { .called = 0 };

	(void)state;
	use_sources("http://one/ http://two/");
	pwned_source_restore_breaker(current->source, &down);
	(void)ask(&asker, 1);
	run();
	advance(TIMEOUT - 1);
	assert_true(fake_http_is_running(0));
	advance(1);
	assert_called(&asker, PWNED_REASON_TIMEOUT);
	assert_int_equal(fake_http.length, 1);
}

/* Which source is asked is decided when the turn comes. */
static void one_that_came_back_meanwhile_is_asked(void **state)
{
	enum { RUNNING = PWNED_SOURCE_MAX_RUNNING };
	struct pwned_breaker_snapshot down = {
		.origin = origin_of_one(),
		.open_until_secs =
			1 + current->loop->v->unix_secs(current->loop),
		.openings = 1,
	};
	struct asker askers[RUNNING] = { { .called = 0 } };
	struct asker probe = { .called = 0 }, later = { .called = 0 };

	(void)state;
	use_sources("http://one/ http://two/");
	pwned_source_restore_breaker(current->source, &down);
	for (unsigned int i = 0; i < RUNNING; i++)
		(void)ask(&askers[i], i);
	run();
	(void)ask_as(&later, 0xa0000, PWNED_FETCH_NORMAL);
	advance(1000);
	(void)ask(&probe, 0xb0000);
	fake_http_answer(0, BODY);
	run();
	assert_string_equal(fake_http_url(RUNNING), "http://one/B0000");
	fake_http_answer(RUNNING, BODY);
	run();
	assert_string_equal(fake_http_url(RUNNING + 1), "http://one/A0000");
}

static void with_all_sources_down_none_is_asked(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	use_sources("http://one/ http://two/");
	for (uint32_t prefix = 0; prefix < 3; prefix++) {
		(void)ask(&asker, prefix);
		run();
		fake_http_end(2 * prefix, PWNED_REASON_CONNECT, "");
		fake_http_end(2 * prefix + 1, PWNED_REASON_CONNECT, "");
	}
	assert_counted(PWNED_COUNT_BREAKER_OPENED, 2);
	assert_left_alone();
	advance(OPEN_MAX);
	/* each is probed, and one is enough */
	asker = (struct asker){ .called = 0 };
	assert_int_equal(ask(&asker, 0xa0000), PWNED_REASON_NONE);
	assert_true(asker.probe);
	run();
	fake_http_end(6, PWNED_REASON_CONNECT, "");
	assert_string_equal(fake_http_url(7), "http://two/A0000");
	fake_http_answer(7, BODY);
	assert_called(&asker, PWNED_REASON_NONE);
	succeed_once();
	assert_memory_equal(fake_http_url(8), "http://two/", 11);
}

/* what operators see */

static void every_attempt_is_reported(void **state)
{
	struct asker asker = { .called = 0 };

	(void)state;
	use_sources("http://one:81/secret/ http://two/");
	(void)ask(&asker, 1);
	run();
	advance(100);
	fake_http_refuse(0, 500, 0);
	assert_int_equal(current->reported, 1);
	assert_string_equal(current->fetch_source, "http://one:81");
	assert_int_equal(current->fetch.reason, PWNED_REASON_HTTP_STATUS);
	assert_int_equal(current->fetch.status, 500);
	assert_int_equal(current->fetch.duration_msecs, 100);
	advance(20);
	fake_http_answer(1, BODY);
	assert_int_equal(current->reported, 2);
	assert_string_equal(current->fetch_source, "http://two");
	assert_int_equal(current->fetch.reason, PWNED_REASON_NONE);
	assert_int_equal(current->fetch.status, 200);
	assert_int_equal(current->fetch.duration_msecs, 20);
	assert_counted(PWNED_COUNT_FETCHED, 1);
	assert_counted(PWNED_COUNT_FETCHES_FAILED, 0);
	/* one that is cut off, too */
	(void)ask(&asker, 2);
	run();
	advance(WAIT / 2);
	assert_int_equal(current->fetch.reason, PWNED_REASON_TIMEOUT);
	assert_int_equal(current->fetch.status, 0);
	assert_int_equal(current->fetch.duration_msecs, WAIT / 2);
}

static void reports_need_no_listener(void **state)
{
	(void)state;
	current->reporter =
		(struct pwned_reporter){ .log = current->reporter.log };
	open_breaker();
	assert_int_equal(current->reported, 0);
}

/* breakers that outlive the process */

static void breakers_come_back_to_their_source(void **state)
{
	struct pwned_breaker_snapshot snapshots[2];
	struct asker asker = { .called = 0 };

	(void)state;
	use_sources("http://one/ http://two/");
	assert_int_equal(pwned_source_count(current->source), 2);
	(void)ask(&asker, 1);
	run();
	fake_http_refuse(0, 429, 60000);
	for (unsigned int i = 0; i < 2; i++)
		pwned_source_save_breaker(current->source, i, &snapshots[i]);
	assert_int_equal(snapshots[0].origin, origin_of_one());
	assert_int_equal(snapshots[1].origin,
			 pwned_source_origin("http://two/"));
	assert_int_not_equal(snapshots[0].open_until_secs, 0);
	assert_int_equal(snapshots[1].open_until_secs, 0);
	/* they stand in another order now, with a new one before them */
	use_sources("http://three/ http://two/ http://one/");
	for (unsigned int i = 0; i < 2; i++)
		pwned_source_restore_breaker(current->source, &snapshots[i]);
	(void)ask(&asker, 1);
	run();
	fake_http_end(0, PWNED_REASON_CONNECT, "");
	assert_string_equal(fake_http_url(1), "http://two/00001");
	fake_http_end(1, PWNED_REASON_CONNECT, "");
	assert_int_equal(fake_http.length, 2);
	/* one that is not configured any more is nobody's */
	use_sources("http://three/");
	pwned_source_restore_breaker(current->source, &snapshots[0]);
	assert_int_equal(ask(&asker, 1), PWNED_REASON_NONE);
}

#define with_source(test)                                                      \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_source(a_range_is_fetched),
		with_source(a_body_comes_in_pieces),
		with_source(one_prefix_is_fetched_once),
		with_source(a_bounded_number_runs),
		with_source(urgent_ones_go_first),
		with_source(the_queue_is_bounded),
		with_source(urgent_ones_find_room),
		with_source(what_may_wait_goes_last),
		with_source(what_may_wait_is_given_up_first),
		with_source(waiting_in_the_queue_ends_at_half_time),
		with_source(waiting_in_the_queue_counts_for_the_timeout),
		with_source(a_failure_is_remembered_for_a_while),
		with_source(a_bad_answer_is_a_failure),
		with_source(a_fetch_ends_with_its_timeout),
		with_source(a_request_that_cannot_start_is_a_failure),
		with_source(sources_are_tried_in_order),
		with_source(the_last_source_says_why),
		with_source(a_dead_source_has_its_share_of_the_time),
		with_source(stalled_connections_are_left_behind),
		with_source(a_timeout_alone_renews_nothing),
		with_source(too_much_under_way_is_a_failure),
		with_source(who_gave_up_is_not_called),
		with_source(a_fetch_goes_on_for_nobody),
		with_source(who_is_called_may_ask_again),
		with_source(ending_calls_nobody),
		with_source(faults_are_logged_once_a_minute),
		with_source(a_range_says_whence_and_when),
		with_source(what_is_not_modified_is_as_of_today),
		with_source(what_was_modified_comes_as_a_range),
		with_source(a_tag_goes_to_its_own_source_only),
		with_source(who_knows_the_same_is_answered_by_it),
		with_source(who_knows_less_takes_the_condition_away),
		with_source(who_knows_less_and_comes_late_has_it_asked_again),
		with_source(who_knows_another_sources_tag_knows_less),
		with_source(it_is_asked_again_only_where_that_helps),
		with_source(asking_again_takes_no_more_time),
		with_source(a_source_that_fails_is_left_alone),
		with_source(a_probe_brings_it_back),
		with_source(a_probe_that_is_not_modified_brings_it_back),
		with_source(a_probe_in_vain_prolongs_it),
		with_source(a_probe_that_is_given_up_is_anothers),
		with_source(a_straggler_is_no_probe),
		with_source(a_probe_that_never_starts_is_anothers),
		with_source(what_was_asked_before_is_in_doubt),
		with_source(faults_of_ours_open_nothing),
		with_source(retry_after_is_obeyed),
		with_source(
			one_bad_prefix_opens_nothing_and_is_asked_ever_less),
		with_source(a_prefix_that_works_again_begins_anew),
		with_source(an_outage_is_not_held_against_a_prefix),
		with_source(another_source_stands_in),
		with_source(the_only_one_that_is_left_has_all_the_time),
		with_source(one_that_came_back_meanwhile_is_asked),
		with_source(with_all_sources_down_none_is_asked),
		with_source(every_attempt_is_reported),
		with_source(reports_need_no_listener),
		with_source(breakers_come_back_to_their_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
