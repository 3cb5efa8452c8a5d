/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single flight, queue, order of sources and memory of failures. HTTP is a fake
   here: what runs when can only be seen from its side. */

#include "support/fake-http.h"
#include "support/fake-loop.h"
#include "support/log-lines.h"
#include "support/unit.h"
#include "range-parser.h"
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT 5000
#define WAIT    1000
#define BODY    "0000000000006789ABCDEF0123456789ABC:7\r\n"

/* who asks */

struct asker {
	struct pwned_fetch *fetch;
	unsigned int called;
	enum pwned_reason reason;
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
	struct pwned_source *source;
	unsigned int fetched; /* ranges that the source told of */
	uint32_t fetched_prefix;
};

static struct fixture *current;

static void on_range(void *context, uint32_t prefix, struct pwned_range *range)
{
	struct fixture *f = context;

	assert_non_null(range);
	f->fetched++;
	f->fetched_prefix = prefix;
}

static void on_fetch(void *context, enum pwned_reason reason,
		     struct pwned_range *range);

static enum pwned_reason ask_as(struct asker *asker, uint32_t prefix,
				bool urgent)
{
	enum pwned_reason reason = PWNED_REASON_NONE;

	asker->fetch = pwned_source_fetch(current->source, prefix, urgent,
					  on_fetch, asker, &reason);
	if (asker->fetch == NULL)
		return reason;
	return PWNED_REASON_NONE;
}

static enum pwned_reason ask(struct asker *asker, uint32_t prefix)
{
	return ask_as(asker, prefix, true);
}

static void on_fetch(void *context, enum pwned_reason reason,
		     struct pwned_range *range)
{
	struct asker *asker = context;

	assert_true((range != NULL) == (reason == PWNED_REASON_NONE));
	asker->fetch = NULL;
	asker->called++;
	asker->reason = reason;
	if (range != NULL) {
		/* told before those who wait */
		assert_true(current->fetched > 0);
		asker->count = pwned_range_find(range, 0);
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
	f->source = pwned_source_new(&f->set, "user:password", f->loop, &f->log,
				     on_range, f, &error);
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
	assert_int_equal(current->fetched_prefix, 0x0abcd);
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
	(void)ask_as(&askers[RUNNING], 0xa0000, false);
	(void)ask_as(&askers[RUNNING + 1], 0xb0000, false);
	(void)ask_as(&askers[RUNNING + 2], 0xc0000, true);
	/* one that waits already becomes urgent with whoever joins it */
	(void)ask_as(&askers[RUNNING + 3], 0xb0000, true);
	/* and does not fall back */
	(void)ask_as(&askers[RUNNING + 4], 0xc0000, false);
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
		(void)ask_as(&askers[i], i, false);
		if (i == RUNNING - 1)
			run();
	}
	assert_int_equal(ask_as(&over, 0xffff0, false),
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

static void the_memory_of_failures_is_bounded(void **state)
{
	enum { FAILURES = 5000 };
	struct asker asker = { .called = 0 };

	(void)state;
	for (unsigned int i = 0; i < FAILURES; i++) {
		(void)ask(&asker, i);
		run();
		fake_http_end(i, PWNED_REASON_HTTP_STATUS, "HTTP status 503");
	}
	assert_int_equal(ask(&asker, FAILURES - 1), PWNED_REASON_HTTP_STATUS);
	assert_int_equal(ask(&asker, 0), PWNED_REASON_NONE);
	/* the log says it once */
	assert_int_equal(current->lines.count, 1);
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
		fake_http_answer(i, cases[i].body);
		assert_called(&asker, cases[i].reason);
		assert_int_equal(ask(&asker, i), cases[i].reason);
	}
	assert_int_equal(current->fetched, 0);
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
	/* the same prefix: by the answer that is there, or a new fetch */
	if (same.called == 0)
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
		fake_http_end(i, PWNED_REASON_CONNECT, "refused");
	}
	assert_int_equal(current->lines.count, 1);
	assert_int_equal(current->lines.level, PWNED_LOG_WARNING);
	assert_string_equal(current->lines.text,
			    "source http://one:81 failed: connect: the "
			    "connection failed: refused");
	/* another fault is another line */
	(void)ask(&asker, 0xabc03);
	run();
	fake_http_end(3, PWNED_REASON_HTTP_STATUS, "HTTP status 500");
	assert_int_equal(current->lines.count, 2);
	advance(60000);
	(void)ask(&asker, 0xabc04);
	run();
	fake_http_end(4, PWNED_REASON_CONNECT, "refused");
	assert_int_equal(current->lines.count, 3);
	assert_non_null(strstr(current->lines.text, "(and 2 times before)"));
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
		with_source(waiting_in_the_queue_ends_at_half_time),
		with_source(waiting_in_the_queue_counts_for_the_timeout),
		with_source(a_failure_is_remembered_for_a_while),
		with_source(the_memory_of_failures_is_bounded),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
