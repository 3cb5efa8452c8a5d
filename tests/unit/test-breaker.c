/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a breaker opens, for how long, and what closes it. The clock is a number
   here. */

#include "support/unit.h"
#include "breaker.h"

#define SEED 4711
/* A breaker that was opened by failures is probed after this for certain. */
#define JITTER_MAX(msecs) ((uint64_t)(msecs)*5 / 4)
#define JITTER_MIN(msecs) ((uint64_t)(msecs)*3 / 4)

struct fixture {
	struct pwned_breaker breaker;
	uint64_t now;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .now = 1000000 };
	pwned_breaker_init(&f.breaker, SEED);
	*state = &f;
	return 0;
}

static bool is_probe(const struct fixture *f)
{
	return f->breaker.state == PWNED_BREAKER_PROBING;
}

static bool fail_prefix(struct fixture *f, uint32_t prefix)
{
	return pwned_breaker_failure(&f->breaker, is_probe(f), prefix, 0,
				     f->now);
}

static void assert_asked(struct fixture *f, enum pwned_breaker_answer answer)
{
	assert_int_equal(pwned_breaker_ask(&f->breaker, f->now), answer);
}

static uint64_t open_msecs(const struct fixture *f)
{
	assert_int_equal(f->breaker.state, PWNED_BREAKER_OPEN);
	assert_true(f->breaker.open_until_msecs > f->now);
	return f->breaker.open_until_msecs - f->now;
}

static void open_breaker(struct fixture *f)
{
	assert_false(fail_prefix(f, 1));
	assert_false(fail_prefix(f, 2));
	assert_true(fail_prefix(f, 3));
}

/* Lets the time of an open breaker pass, and takes the probe. */
static void take_probe(struct fixture *f)
{
	f->now = f->breaker.open_until_msecs;
	assert_asked(f, PWNED_BREAKER_PROBE);
}

static void three_prefixes_open_it(void **state)
{
	struct fixture *f = *state;

	assert_asked(f, PWNED_BREAKER_ASK);
	assert_false(fail_prefix(f, 1));
	assert_false(fail_prefix(f, 2));
	assert_asked(f, PWNED_BREAKER_ASK);
	assert_true(fail_prefix(f, 3));
	assert_asked(f, PWNED_BREAKER_DO_NOT_ASK);
	f->now += JITTER_MIN(PWNED_BREAKER_OPEN_MSECS) - 1;
	assert_asked(f, PWNED_BREAKER_DO_NOT_ASK);
	f->now += JITTER_MAX(PWNED_BREAKER_OPEN_MSECS) -
		  JITTER_MIN(PWNED_BREAKER_OPEN_MSECS) + 1;
	assert_asked(f, PWNED_BREAKER_PROBE);
}

static void one_or_two_prefixes_do_not(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 1000; i++)
		assert_false(fail_prefix(f, i % 2));
	assert_asked(f, PWNED_BREAKER_ASK);
	assert_true(fail_prefix(f, 2));
}

static void a_success_between_them_counts(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 1000; i++) {
		assert_false(fail_prefix(f, 2 * i));
		assert_false(fail_prefix(f, 2 * i + 1));
		assert_false(pwned_breaker_success(&f->breaker, is_probe(f)));
	}
	assert_asked(f, PWNED_BREAKER_ASK);
}

static void one_probe_at_a_time(void **state)
{
	struct fixture *f = *state;

	open_breaker(f);
	take_probe(f);
	f->now += 3600 * 1000;
	assert_asked(f, PWNED_BREAKER_DO_NOT_ASK);
	pwned_breaker_probe_cancelled(&f->breaker);
	assert_asked(f, PWNED_BREAKER_PROBE);
	assert_asked(f, PWNED_BREAKER_DO_NOT_ASK);
}

static void a_probe_that_succeeds_closes_it(void **state)
{
	struct fixture *f = *state;

	open_breaker(f);
	take_probe(f);
	assert_true(pwned_breaker_success(&f->breaker, is_probe(f)));
	assert_asked(f, PWNED_BREAKER_ASK);
	/* and all is as at the start */
	open_breaker(f);
	assert_true(open_msecs(f) <= JITTER_MAX(PWNED_BREAKER_OPEN_MSECS));
}

/* What was asked before it opened neither closes it nor prolongs its time. */
static void stragglers_change_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t until;

	open_breaker(f);
	until = f->breaker.open_until_msecs;
	f->now++;
	for (uint32_t prefix = 4; prefix < 64; prefix++)
		assert_false(fail_prefix(f, prefix));
	assert_false(pwned_breaker_failure(&f->breaker, is_probe(f), 64, 60000,
					   f->now));
	assert_false(pwned_breaker_success(&f->breaker, is_probe(f)));
	assert_asked(f, PWNED_BREAKER_DO_NOT_ASK);
	assert_int_equal(f->breaker.open_until_msecs, until);
	/* nor do they speak for the probe */
	take_probe(f);
	assert_false(pwned_breaker_success(&f->breaker, false));
	assert_false(pwned_breaker_failure(&f->breaker, false, 65, 0, f->now));
	assert_int_equal(f->breaker.state, PWNED_BREAKER_PROBING);
}

static void the_time_doubles_up_to_its_bound(void **state)
{
	struct fixture *f = *state;
	uint64_t middle = PWNED_BREAKER_OPEN_MSECS;

	open_breaker(f);
	for (unsigned int i = 0; i < 100; i++) {
		assert_in_range(open_msecs(f), JITTER_MIN(middle),
				JITTER_MAX(middle));
		take_probe(f);
		assert_true(fail_prefix(f, 1));
		middle *= 2;
		if (middle > PWNED_BREAKER_OPEN_MAX_MSECS)
			middle = PWNED_BREAKER_OPEN_MAX_MSECS;
	}
	assert_int_equal(middle, PWNED_BREAKER_OPEN_MAX_MSECS);
}

/* Many servers, which failed at the same moment, come back one by one. */
static void the_jitter_spreads(void **state)
{
	enum { SERVERS = 1000, PARTS = 10 };
	unsigned int parts[PARTS] = { 0 };
	uint64_t first = JITTER_MIN(PWNED_BREAKER_OPEN_MSECS);
	uint64_t width = JITTER_MAX(PWNED_BREAKER_OPEN_MSECS) - first + 1;
	struct fixture *f = *state;

	for (unsigned int i = 0; i < SERVERS; i++) {
		pwned_breaker_init(&f->breaker, i);
		open_breaker(f);
		parts[(open_msecs(f) - first) * PARTS / width]++;
	}
	for (unsigned int i = 0; i < PARTS; i++)
		assert_in_range(parts[i], SERVERS / PARTS / 2,
				SERVERS / PARTS * 2);
}

static void retry_after_is_obeyed_within_bounds(void **state)
{
	static const struct {
		uint64_t asked_for, open;
	} cases[] = {
		{ 1, PWNED_BREAKER_RETRY_MIN_MSECS },
		{ PWNED_BREAKER_RETRY_MIN_MSECS - 1,
		  PWNED_BREAKER_RETRY_MIN_MSECS },
		{ PWNED_BREAKER_RETRY_MIN_MSECS,
		  PWNED_BREAKER_RETRY_MIN_MSECS },
		{ 60000, 60000 },
		{ PWNED_BREAKER_RETRY_MAX_MSECS,
		  PWNED_BREAKER_RETRY_MAX_MSECS },
		{ PWNED_BREAKER_RETRY_MAX_MSECS + 1,
		  PWNED_BREAKER_RETRY_MAX_MSECS },
		{ UINT64_MAX, PWNED_BREAKER_RETRY_MAX_MSECS },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		/* at once, whatever else works */
		pwned_breaker_init(&f->breaker, SEED);
		assert_true(pwned_breaker_failure(&f->breaker, is_probe(f), 1,
						  cases[i].asked_for, f->now));
		assert_int_equal(open_msecs(f), cases[i].open);
		/* a probe is answered so, too */
		take_probe(f);
		assert_true(pwned_breaker_failure(&f->breaker, is_probe(f), 1,
						  cases[i].asked_for, f->now));
		assert_int_equal(open_msecs(f), cases[i].open);
	}
}

/* to the other process and back; its clock and ours are two */
static void restart(struct fixture *f, uint64_t unix_secs,
		    uint64_t unix_secs_later)
{
	struct pwned_breaker_snapshot snapshot;

	pwned_breaker_save(&f->breaker, f->now, unix_secs, &snapshot);
	pwned_breaker_init(&f->breaker, SEED + 1);
	f->now = 77;
	pwned_breaker_restore(&f->breaker, f->now, unix_secs_later, &snapshot);
}

static void a_closed_one_comes_back_closed(void **state)
{
	struct fixture *f = *state;

	assert_false(fail_prefix(f, 1));
	assert_false(fail_prefix(f, 2));
	restart(f, 1700000000, 1700000001);
	assert_asked(f, PWNED_BREAKER_ASK);
	open_breaker(f);
}

static void an_open_one_has_its_time_left(void **state)
{
	struct fixture *f = *state;

	assert_true(pwned_breaker_failure(&f->breaker, is_probe(f), 1, 60000,
					  f->now));
	f->now += 20000;
	restart(f, 1700000000, 1700000010);
	assert_int_equal(open_msecs(f), 30000);
	/* and its back-off */
	take_probe(f);
	assert_true(fail_prefix(f, 1));
	assert_in_range(open_msecs(f), JITTER_MIN(2 * PWNED_BREAKER_OPEN_MSECS),
			JITTER_MAX(2 * PWNED_BREAKER_OPEN_MSECS));
}

static void one_whose_time_is_over_probes(void **state)
{
	struct fixture *f = *state;

	open_breaker(f);
	restart(f, 1700000000, 1700000060);
	assert_asked(f, PWNED_BREAKER_PROBE);
	assert_asked(f, PWNED_BREAKER_DO_NOT_ASK);
	/* the probe of a process that ended is another's */
	restart(f, 1700000060, 1700000060);
	assert_asked(f, PWNED_BREAKER_PROBE);
}

static void no_file_and_no_clock_keeps_it_open(void **state)
{
	static const struct pwned_breaker_snapshot snapshots[] = {
		{ .open_until_secs = UINT64_MAX, .openings = UINT32_MAX },
		/* written before the clock was set back by years */
		{ .open_until_secs = 1700000000, .openings = 1 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N_ELEMENTS(snapshots); i++) {
		pwned_breaker_init(&f->breaker, SEED);
		pwned_breaker_restore(&f->breaker, f->now, 1000, &snapshots[i]);
		assert_int_equal(open_msecs(f), PWNED_BREAKER_RETRY_MAX_MSECS);
		take_probe(f);
		assert_true(fail_prefix(f, 1));
		assert_true(open_msecs(f) <=
			    JITTER_MAX(PWNED_BREAKER_OPEN_MAX_MSECS));
	}
}

/* It was read late, from a slow disk. */
static void one_that_failed_itself_takes_no_snapshot(void **state)
{
	const struct pwned_breaker_snapshot old = { .open_until_secs =
							    1700003600,
						    .openings = 9 };
	struct fixture *f = *state;

	assert_false(fail_prefix(f, 1));
	pwned_breaker_restore(&f->breaker, f->now, 1700000000, &old);
	assert_asked(f, PWNED_BREAKER_ASK);
	assert_false(fail_prefix(f, 2));
	assert_true(fail_prefix(f, 3));
	pwned_breaker_restore(&f->breaker, f->now, 1700000000, &old);
	assert_true(open_msecs(f) <= JITTER_MAX(PWNED_BREAKER_OPEN_MSECS));
	take_probe(f);
	pwned_breaker_restore(&f->breaker, f->now, 1700000000, &old);
	assert_asked(f, PWNED_BREAKER_DO_NOT_ASK);
	assert_true(pwned_breaker_success(&f->breaker, true));
	assert_asked(f, PWNED_BREAKER_ASK);
}

#define with_breaker(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_breaker(three_prefixes_open_it),
		with_breaker(one_or_two_prefixes_do_not),
		with_breaker(a_success_between_them_counts),
		with_breaker(one_probe_at_a_time),
		with_breaker(a_probe_that_succeeds_closes_it),
		with_breaker(stragglers_change_nothing),
		with_breaker(the_time_doubles_up_to_its_bound),
		with_breaker(the_jitter_spreads),
		with_breaker(retry_after_is_obeyed_within_bounds),
		with_breaker(a_closed_one_comes_back_closed),
		with_breaker(an_open_one_has_its_time_left),
		with_breaker(one_whose_time_is_over_probes),
		with_breaker(no_file_and_no_clock_keeps_it_open),
		with_breaker(one_that_failed_itself_takes_no_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
