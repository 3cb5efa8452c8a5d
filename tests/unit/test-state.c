/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of the state file: there and back, and what is refused. */

#include "support/unit.h"
#include "state.h"

#include <stdio.h>
#include <string.h>

#define FIRST_LINE "dovecot-pwned state 1\n"
#define HOST       "https://api.pwnedpasswords.com"

/* A state in which each member has a value of its own. */
static void fill(struct pwned_state *state_r)
{
	const struct pwned_breaker_snapshot closed = { .origin = 0x0badcafe };
	const struct pwned_breaker_snapshot open = {
		.origin = 0xfeedbeef,
		.open_until_secs = 1700000300,
		.openings = 4,
	};

	memset(state_r, 0, sizeof(*state_r));
	state_r->started_secs = 1700000000;
	state_r->pid = 4711;
	state_r->written_secs = 1700000123;
	state_r->ended = true;
	state_r->since_secs = 1690000000;
	for (unsigned int i = 0; i < PWNED_COUNTERS; i++)
		state_r->counters[i] = i == 0 ? UINT64_MAX : 1000 + i;
	assert_true(pwned_state_add_source(state_r, &closed, HOST "/range/",
					   strlen(HOST)));
	assert_true(pwned_state_add_source(state_r, &open, "http://[::1]:8080",
					   17));
	state_r->brake.saved_minute = 28333335;
	state_r->brake.engaged = true;
	state_r->brake.engaged_minute = 28333330;
	state_r->brake.seed = UINT64_MAX - 1;
	state_r->brake.sample_bits = 5;
	state_r->brake.users_length = 33;
	for (unsigned int i = 0; i < 33; i++)
		state_r->brake.users[i] = (struct pwned_brake_user){
			.hash = UINT64_C(0xfeed) + i,
			.ages = { i, 2 * i % 61, 60 - i },
			.denied = i % 3 == 0,
		};
	state_r->queue_length = 3;
	state_r->queue_length_max = 77;
	(void)strcpy(state_r->store_mode, "read-only");
}

static void print_and_parse(const struct pwned_state *state,
			    struct pwned_state *again_r)
{
	static char text[PWNED_STATE_TEXT_MAX];
	struct pwned_error error;
	size_t size = pwned_state_print(state, text, sizeof(text));

	assert_int_not_equal(size, 0);
	if (!pwned_state_parse(text, size, again_r, &error))
		fail_msg("refused: %s", error.text);
}

static void what_is_printed_is_read(void **state)
{
	struct pwned_state one, two;

	(void)state;
	fill(&one);
	print_and_parse(&one, &two);
	assert_int_equal(two.started_secs, one.started_secs);
	assert_int_equal(two.pid, one.pid);
	assert_int_equal(two.written_secs, one.written_secs);
	assert_true(two.ended);
	assert_int_equal(two.since_secs, one.since_secs);
	assert_memory_equal(two.counters, one.counters, sizeof(one.counters));
	assert_int_equal(two.sources_length, 2);
	assert_int_equal(two.sources[0].breaker.origin, 0x0badcafe);
	assert_string_equal(two.sources[0].name, HOST);
	assert_int_equal(two.sources[1].breaker.origin, 0xfeedbeef);
	assert_int_equal(two.sources[1].breaker.open_until_secs, 1700000300);
	assert_int_equal(two.sources[1].breaker.openings, 4);
	assert_string_equal(two.sources[1].name, "http://[::1]:8080");
	assert_int_equal(two.brake.saved_minute, one.brake.saved_minute);
	assert_true(two.brake.engaged);
	assert_int_equal(two.brake.engaged_minute, one.brake.engaged_minute);
	assert_true(two.brake.seed == one.brake.seed);
	assert_int_equal(two.brake.sample_bits, 5);
	assert_int_equal(two.brake.users_length, 33);
	assert_memory_equal(two.brake.users, one.brake.users,
			    sizeof(one.brake.users));
	assert_int_equal(two.queue_length, 3);
	assert_int_equal(two.queue_length_max, 77);
	assert_string_equal(two.store_mode, "read-only");
}

static void an_empty_state_is_read(void **state)
{
	struct pwned_state one, two;

	(void)state;
	memset(&one, 0, sizeof(one));
	print_and_parse(&one, &two);
	assert_memory_equal(&one, &two, sizeof(one));
}

/* The form is an interface between releases. */
static void the_text_is_as_documented(void **state)
{
	static char text[PWNED_STATE_TEXT_MAX + 1];
	struct pwned_state one;
	size_t size;

	(void)state;
	fill(&one);
	size = pwned_state_print(&one, text, sizeof(text));
	text[size] = '\0';
	assert_int_equal(strncmp(text, FIRST_LINE, strlen(FIRST_LINE)), 0);
	assert_non_null(strstr(text, "\nstarted = 1700000000\n"));
	assert_non_null(strstr(text, "\nended = yes\n"));
	assert_non_null(strstr(text, "\nstore = read-only\n"));
	assert_non_null(strstr(text, "\ncounted_from_store = 1001\n"));
	assert_non_null(
		strstr(text, "\nbreaker = feedbeef 1700000300 4 http://[::1]"));
	assert_non_null(strstr(text, "\nbrake_sample_bits = 5\n"));
	assert_non_null(strstr(text,
			       "\nbrake_users = 000000000000feed:0:0:60:1 "
			       "000000000000feee:1:2:59:0 "));
	assert_non_null(
		strstr(text, "\nbrake_users = 000000000000ff0d:32:3:28:0\n"));
	assert_int_equal(text[size - 1], '\n');
}

/* The largest that there can be. */
static void fill_up(struct pwned_state *state_r)
{
	const uint64_t secs = PWNED_STATE_SECS_END - 1;
	const struct pwned_breaker_snapshot open = { UINT32_MAX, secs,
						     UINT32_MAX };
	char name[PWNED_STATE_NAME_MAX + 2];

	memset(state_r, 0xff, sizeof(*state_r));
	state_r->ended = state_r->brake.engaged = true;
	state_r->started_secs = state_r->written_secs = secs;
	state_r->since_secs = state_r->resumed_secs = secs;
	state_r->pid = INT32_MAX;
	(void)strcpy(state_r->store_mode, "abcdefghijklmno");
	state_r->sources_length = 0;
	memset(name, 'x', sizeof(name));
	for (unsigned int i = 0; i < PWNED_SOURCES_MAX; i++)
		assert_true(pwned_state_add_source(state_r, &open, name,
						   sizeof(name)));
	assert_false(pwned_state_add_source(state_r, &open, name, 1));
	state_r->brake.saved_minute = secs / 60;
	state_r->brake.engaged_minute = secs / 60;
	state_r->brake.sample_bits = PWNED_BRAKE_SAMPLE_BITS_MAX;
	state_r->brake.users_length = PWNED_BRAKE_SAVED_USERS;
	for (unsigned int i = 0; i < PWNED_BRAKE_SAVED_USERS; i++)
		state_r->brake.users[i] = (struct pwned_brake_user){
			UINT64_MAX, { 60, 60, 60 }, true
		};
}

static void what_does_not_fit_is_not_printed(void **state)
{
	static char text[PWNED_STATE_TEXT_MAX];
	struct pwned_state one;
	size_t size;

	(void)state;
	fill(&one);
	size = pwned_state_print(&one, text, sizeof(text));
	/* one byte is the C string's */
	assert_int_equal(pwned_state_print(&one, text, size + 1), size);
	for (size_t room = 0; room <= size; room++)
		assert_int_equal(pwned_state_print(&one, text, room), 0);

	fill_up(&one);
	assert_int_not_equal(pwned_state_print(&one, text, sizeof(text)), 0);
	print_and_parse(&one, &one);
	assert_int_equal(one.brake.users_length, PWNED_BRAKE_SAVED_USERS);
	assert_int_equal(one.sources_length, PWNED_SOURCES_MAX);
	assert_int_equal(strlen(one.sources[0].name), PWNED_STATE_NAME_MAX);
}

static bool parse(const char *text, struct pwned_state *state_r,
		  struct pwned_error *error_r)
{
	return pwned_state_parse(text, strlen(text), state_r, error_r);
}

static void a_newer_writer_is_understood(void **state)
{
	struct pwned_error error;
	struct pwned_state one;

	(void)state;
	assert_true(parse(FIRST_LINE "weather = 12 \x01 sunny\n"
				     "counted_rainbows = many\n"
				     "pid = 7\n",
			  &one, &error));
	assert_int_equal(one.pid, 7);
	/* what is missing has its default */
	assert_int_equal(one.started_secs, 0);
	assert_false(one.brake.engaged);
	assert_int_equal(one.sources_length, 0);
	assert_string_equal(one.store_mode, "");
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "", "line 1: " },
		{ "dovecot-pwned state 1", "line 1: " },
		{ "pid = 1\n", "line 1: expected \"dovecot-pwned state 1\"" },
		{ "dovecot-pwned state 2\n", "another release" },
		{ FIRST_LINE "\n", "line 2: " },
		{ FIRST_LINE "pid = 1\npid = 2", "line 3: " },
		{ FIRST_LINE "pid=1\n", "line 2: " },
		{ FIRST_LINE "pid =1\n", "line 2: " },
		{ FIRST_LINE "pid = 1 \n", "line 2: " },
		{ FIRST_LINE "pid = +1\n", "line 2: " },
		{ FIRST_LINE "pid = -1\n", "line 2: " },
		{ FIRST_LINE "pid = 0x1\n", "line 2: " },
		{ FIRST_LINE "pid =\n", "line 2: " },
		{ FIRST_LINE "pid = 1\r\n", "line 2: " },
		{ FIRST_LINE "pid = 18446744073709551616\n", "line 2: " },
		{ FIRST_LINE " = 1\n", "line 2: " },
		{ FIRST_LINE "ended = perhaps\n", "line 2: " },
		{ FIRST_LINE "store = sixteenletterses\n", "line 2: " },
		{ FIRST_LINE "store = on disk\n", "line 2: " },
		{ FIRST_LINE "counted_misses = none\n", "line 2: " },
		{ FIRST_LINE "breaker = 1 2 3\n", "line 2: " },
		{ FIRST_LINE "breaker = 100000000 2 3 x\n", "line 2: " },
		{ FIRST_LINE "breaker = 0x1 2 3 x\n", "line 2: " },
		{ FIRST_LINE "breaker = 1 2 4294967296 x\n", "line 2: " },
		{ FIRST_LINE "breaker = 1 2 3 x\x1b[2J\n", "line 2: " },
		{ FIRST_LINE "breaker = 1 2 3 two words\n", "line 2: " },
		/* 2^36, and that in minutes */
		{ FIRST_LINE "counted_since = 68719476736\n", "line 2: " },
		{ FIRST_LINE "started = 68719476736\n", "line 2: " },
		{ FIRST_LINE "written = 99999999999999999\n", "line 2: " },
		{ FIRST_LINE "breaker = 1 68719476736 3 x\n", "line 2: " },
		{ FIRST_LINE "brake_engaged_minute = 1145324613\n",
		  "line 2: " },
		{ FIRST_LINE "brake_saved_minute = 1145324613\n", "line 2: " },
		{ FIRST_LINE "pid = 2147483648\n", "line 2: " },
		{ FIRST_LINE "brake_sample_bits = 33\n", "line 2: " },
		{ FIRST_LINE "brake_users =\n", "line 2: " },
		{ FIRST_LINE "brake_users = 1:0:0:0\n", "line 2: " },
		{ FIRST_LINE "brake_users = 1:0:0:0:2\n", "line 2: " },
		{ FIRST_LINE "brake_users = 1:0:0:61:0\n", "line 2: " },
		{ FIRST_LINE "brake_users = 0:0:0:0:0\n", "line 2: " },
		{ FIRST_LINE "brake_users = 10000000000000000:0:0:0:0\n",
		  "line 2: " },
		{ FIRST_LINE "brake_users = 1:0:0:0:0 \n", "line 2: " },
		{ FIRST_LINE "brake_users = 1:0:0:0:0,2:0:0:0:0\n",
		  "line 2: " },
		{ FIRST_LINE "brake_users = 1:0:0:0:0  2:0:0:0:0\n",
		  "line 2: " },
	};

	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(cases); i++) {
		struct pwned_error error = { .text = "" };
		struct pwned_state one, none;

		memset(&none, 0, sizeof(none));
		if (parse(cases[i].text, &one, &error))
			fail_msg("taken: %s", cases[i].text);
		if (strstr(error.text, cases[i].expected) == NULL)
			fail_msg("%s: %s", cases[i].text, error.text);
		assert_memory_equal(&one, &none, sizeof(one));
	}
}

static void lines_and_sources_are_bounded(void **state)
{
	static char text[4096];
	struct pwned_error error;
	struct pwned_state one;
	size_t used = strlen(FIRST_LINE);

	(void)state;
	(void)strcpy(text, FIRST_LINE "x = ");
	memset(text + strlen(text), 'y', 1020);
	(void)strcpy(text + used + 1019, "\n");
	assert_true(parse(text, &one, &error));
	(void)strcpy(text + used + 1019, "yyyyy\n");
	assert_false(parse(text, &one, &error));

	for (unsigned int i = 0; i <= PWNED_SOURCES_MAX; i++)
		used += (size_t)sprintf(text + used,
					"breaker = 1 2 3 http://host%u\n", i);
	assert_false(parse(text, &one, &error));
	assert_non_null(strstr(error.text, "line 10: "));
}

static void users_are_bounded(void **state)
{
	static char text[PWNED_STATE_TEXT_MAX];
	struct pwned_error error;
	struct pwned_state one;
	size_t used = strlen(FIRST_LINE);

	(void)state;
	(void)strcpy(text, FIRST_LINE);
	for (unsigned int i = 1; i <= PWNED_BRAKE_SAVED_USERS; i++)
		used += (size_t)sprintf(text + used,
					"brake_users = %x:0:0:0:1\n", i);
	assert_true(parse(text, &one, &error));
	assert_int_equal(one.brake.users_length, PWNED_BRAKE_SAVED_USERS);
	(void)strcpy(text + used, "brake_users = 1:0:0:0:1\n");
	assert_false(parse(text, &one, &error));
	assert_non_null(strstr(error.text, "line 1026: "));
}

static void a_nul_is_refused(void **state)
{
	static const char text[] = FIRST_LINE "pid = 1\0\n";
	struct pwned_error error;
	struct pwned_state one;

	(void)state;
	assert_false(pwned_state_parse(text, sizeof(text) - 1, &one, &error));
}

static void the_newer_auth_is_told(void **state)
{
	struct pwned_state there, mine;

	(void)state;
	fill(&there);
	fill(&mine);
	there.ended = mine.ended = false;
	assert_false(pwned_state_is_newer(&there, &mine));
	there.started_secs++;
	assert_true(pwned_state_is_newer(&there, &mine));
	assert_false(pwned_state_is_newer(&mine, &there));
	there.started_secs--;
	there.pid++;
	assert_true(pwned_state_is_newer(&there, &mine));
	assert_false(pwned_state_is_newer(&mine, &there));
	/* it has ended */
	there.ended = true;
	assert_false(pwned_state_is_newer(&there, &mine));
	there.ended = false;
	/* it has not been seen for long */
	mine.written_secs = there.written_secs + 3600;
	assert_true(pwned_state_is_newer(&there, &mine));
	mine.written_secs++;
	assert_false(pwned_state_is_newer(&there, &mine));
	mine.written_secs = there.written_secs;
	/* by a clock that was wrong */
	there.started_secs = mine.written_secs + 3600;
	assert_true(pwned_state_is_newer(&there, &mine));
	there.started_secs++;
	assert_false(pwned_state_is_newer(&there, &mine));
	/* nobody's */
	memset(&there, 0, sizeof(there));
	assert_false(pwned_state_is_newer(&there, &mine));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_is_read),
		cmocka_unit_test(an_empty_state_is_read),
		cmocka_unit_test(the_text_is_as_documented),
		cmocka_unit_test(what_does_not_fit_is_not_printed),
		cmocka_unit_test(a_newer_writer_is_understood),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(lines_and_sources_are_bounded),
		cmocka_unit_test(users_are_bounded),
		cmocka_unit_test(a_nul_is_refused),
		cmocka_unit_test(the_newer_auth_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
