/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The range API's text, whole and in pieces. */

#include "support/unit.h"
#include "range-parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 34 and 35 digits; the first twelve of them are the key */
#define TAIL "6789ABCDEF0123456789ABC"
#define ZERO "000000000000" TAIL
#define ONE  "000010000000" TAIL
#define LAST "FFFFFFFFFFFF" TAIL

#define KEY_ONE  UINT64_C(0x000010000000)
#define KEY_LAST UINT64_C(0xffffffffffff)

static const struct pwned_range_label label = {
	.prefix = 0xabcde,
	.day = 20000,
	.origin = 7,
	.etag = "\"0x8DC\"",
};

/* how many of the shortest lines fit */
#define LINES_MAX (PWNED_RANGE_MAX_BYTES / strlen(ZERO ":1\n"))

/* Parses in pieces of `piece` bytes. Returns the reason; the range, if there
   is one, is the caller's. */
static enum pwned_reason parse(const char *text, size_t size, size_t piece,
			       struct pwned_range **range_r)
{
	struct pwned_range_parser *parser = pwned_range_parser_new();
	enum pwned_reason reason;
	bool ok = true;

	assert_non_null(parser);
	for (size_t at = 0; ok && at < size; at += piece) {
		ok = pwned_range_parser_feed(parser, text + at,
					     size - at < piece ? size - at :
								 piece);
	}
	reason = pwned_range_parser_finish(parser, &label, range_r);
	/* what feed said is what finish says */
	if (!ok)
		assert_int_not_equal(reason, PWNED_REASON_NONE);
	assert_true((*range_r != NULL) == (reason == PWNED_REASON_NONE));
	pwned_range_parser_free(&parser);
	assert_null(parser);
	return reason;
}

static struct pwned_range *parse_good(const char *text)
{
	struct pwned_range *range;

	assert_int_equal(parse(text, strlen(text), SIZE_MAX / 2, &range),
			 PWNED_REASON_NONE);
	return range;
}

struct good_case {
	const char *text;
	size_t length;
	uint64_t zero, one, last; /* counts */
};

static const struct good_case good_cases[] = {
	{ ZERO ":1", 1, 1, 0, 0 },
	{ ZERO ":1\n", 1, 1, 0, 0 },
	{ ZERO ":1\r\n", 1, 1, 0, 0 },
	{ ZERO ":1\r\n" ONE ":2\n" LAST ":3", 3, 1, 2, 3 },
	/* not sorted */
	{ LAST ":3\n" ZERO ":1\n" ONE ":2\n", 3, 1, 2, 3 },
	/* lower and mixed case */
	{ "ffffffffffff6789abcdef0123456789abc:7\r\n", 1, 0, 0, 7 },
	{ "FfFfFfFfFfFf6789aBcDeF0123456789AbC:7\r\n", 1, 0, 0, 7 },
	/* padding: first, between, last, alone */
	{ ONE ":0\r\n" ZERO ":5\r\n", 1, 5, 0, 0 },
	{ ZERO ":5\r\n" ONE ":0\r\n" LAST ":6\r\n", 2, 5, 0, 6 },
	{ ZERO ":5\r\n" ONE ":0", 1, 5, 0, 0 },
	{ ZERO ":0\r\n" ONE ":0\r\n", 0, 0, 0, 0 },
	{ ZERO ":000\r\n", 0, 0, 0, 0 },
	/* padding does not hide an entry of the same suffix */
	{ ZERO ":0\n" ZERO ":9\n" ZERO ":0\n", 1, 9, 0, 0 },
	{ ZERO ":3\n" ZERO ":9\n" ZERO ":4\n", 1, 9, 0, 0 },
	/* counts */
	{ ZERO ":254\n" ONE ":255\n" LAST ":256", 3, 254, 255, 256 },
	{ ZERO ":007", 1, 7, 0, 0 },
	{ ZERO ":0000000000000000007", 1, 7, 0, 0 },
	{ ZERO ":9223372036854775807", 1, INT64_MAX, 0, 0 },
	{ ZERO ":9223372036854775808\r\n", 1, PWNED_RANGE_MAX_COUNT, 0, 0 },
};

static void good_ranges_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(good_cases); i++) {
		const struct good_case *c = &good_cases[i];
		struct pwned_range *range = parse_good(c->text);

		assert_int_equal(pwned_range_length(range), c->length);
		assert_int_equal(pwned_range_find(range, 0), c->zero);
		assert_int_equal(pwned_range_find(range, KEY_ONE), c->one);
		assert_int_equal(pwned_range_find(range, KEY_LAST), c->last);
		pwned_range_unref(&range);
	}
}

static const char *const bad_cases[] = {
	/* 34 and 36 digits, none, no colon, no count */
	"00000000000" TAIL ":1\r\n",
	"0000000000000" TAIL ":1\r\n",
	":1\r\n",
	ZERO "\r\n",
	ZERO,
	ZERO ":\r\n",
	ZERO ":\n",
	ZERO ":",
	"0",
	/* cut anywhere in the second line */
	ZERO ":1\r\n0",
	ZERO ":1\r\n" ONE,
	ZERO ":1\r\n" ONE ":",
	ZERO ":1\r\n" ONE ":2\r",
	/* empty lines */
	"\n",
	"\r\n",
	ZERO ":1\r\n\r\n" ONE ":2\r\n",
	ZERO ":1\n\n",
	"\r\n" ZERO ":1\r\n",
	/* only CR, two CRs, CR before the colon */
	ZERO ":1\r" ONE ":2\r",
	ZERO ":1\r",
	ZERO ":1\r\r\n",
	ZERO "\r:1\n",
	/* blanks and signs */
	" " ZERO ":1\n",
	ZERO " :1\n",
	ZERO ": 1\n",
	ZERO ":1 \n",
	ZERO ":+1\n",
	ZERO ":-1\n",
	ZERO ":1\t\r\n",
	/* a byte-order mark, separators of thousands, no decimal digits */
	"\xef\xbb\xbf" ZERO ":1\n",
	ZERO ":1,000\n",
	ZERO ":1.0\n",
	ZERO ":0x10\n",
	ZERO ":1F\n",
	/* not a digit */
	"G00000000000" TAIL ":1\n",
	"00000000000g" TAIL ":1\n",
	"00000000000/" TAIL ":1\n",
	"00000000000@" TAIL ":1\n",
	"00000000000`" TAIL ":1\n",
	"00000000000\xff" TAIL ":1\n",
	/* two colons, garbage behind the last line */
	ZERO "::1\n",
	ZERO ":1:1\n",
	ZERO ":1\n<!-- cached -->",
	ZERO ":1\r\n ",
	/* 2^63 + 1, 20 digits, more than 64 bits */
	ZERO ":9223372036854775809\n",
	ZERO ":9999999999999999999\n",
	ZERO ":00000000000000000001\n",
	ZERO ":18446744073709551617\n",
	ZERO ":99999999999999999999999999999999\n",
	/* a count that is wrong does not become padding */
	ZERO ":0-\n",
	/* what proxies and portals say */
	"<!DOCTYPE html>\n<html></html>\n",
	"{\"statusCode\":429}",
};

static void bad_lines_make_the_answer_an_error(void **state)
{
	struct pwned_range *range;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(bad_cases); i++) {
		const char *text = bad_cases[i];

		if (parse(text, strlen(text), SIZE_MAX / 2, &range) !=
		    PWNED_REASON_BAD_LINE)
			fail_msg("case %zu was taken: %s", i, text);
	}
}

static void a_nul_byte_is_no_range(void **state)
{
	static const char text[] = ZERO ":1\0\r\n";
	struct pwned_range *range;

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1, SIZE_MAX / 2, &range),
			 PWNED_REASON_BAD_LINE);
}

/* Where a piece ends makes no difference: cut in two at every byte, and in
   pieces of every size. */
static void pieces_make_no_difference(void **state)
{
	static const char text[] = ZERO ":300\r\n" ONE ":0\n" LAST ":1\r\n";
	size_t size = sizeof(text) - 1;

	(void)state;
	for (size_t cut = 1; cut <= size; cut++) {
		struct pwned_range_parser *parser = pwned_range_parser_new();
		struct pwned_range *range, *pieces;

		assert_non_null(parser);
		assert_true(pwned_range_parser_feed(parser, text, cut));
		assert_true(pwned_range_parser_feed(parser, "", 0));
		assert_true(pwned_range_parser_feed(parser, text + cut,
						    size - cut));
		assert_int_equal(
			pwned_range_parser_finish(parser, &label, &range),
			PWNED_REASON_NONE);
		assert_int_equal(parse(text, size, cut, &pieces),
				 PWNED_REASON_NONE);
		assert_int_equal(pwned_range_length(range), 2);
		assert_int_equal(pwned_range_length(pieces), 2);
		assert_int_equal(pwned_range_find(range, 0), 300);
		assert_int_equal(pwned_range_find(pieces, 0), 300);
		assert_int_equal(pwned_range_find(range, KEY_LAST), 1);
		assert_int_equal(pwned_range_find(pieces, KEY_LAST), 1);
		pwned_range_unref(&range);
		pwned_range_unref(&pieces);
		pwned_range_parser_free(&parser);
	}
}

/* An answer that ends early is no range, except after a whole line or count:
   that is why the source must tell its length. */
static void a_cut_is_seen_inside_of_a_line(void **state)
{
	static const char text[] = ZERO ":12\r\n";
	size_t colon = sizeof(ZERO) - 1, size = sizeof(text) - 1;
	struct pwned_range *range;

	(void)state;
	for (size_t cut = 1; cut <= size; cut++) {
		bool is_whole =
			cut == size || cut == colon + 2 || cut == colon + 3;

		assert_int_equal(parse(text, cut, cut, &range),
				 is_whole ? PWNED_REASON_NONE :
					    PWNED_REASON_BAD_LINE);
		pwned_range_unref(&range);
	}
}

static void a_bad_line_is_known_at_once(void **state)
{
	struct pwned_range_parser *parser = pwned_range_parser_new();
	struct pwned_range *range;

	(void)state;
	assert_non_null(parser);
	assert_true(pwned_range_parser_feed(parser, ZERO ":1\n", 38));
	assert_false(pwned_range_parser_feed(parser, "<", 1));
	/* what is good by itself does not heal it */
	assert_false(pwned_range_parser_feed(parser, ONE ":1\n", 38));
	assert_int_equal(pwned_range_parser_finish(parser, &label, &range),
			 PWNED_REASON_BAD_LINE);
	assert_null(range);
	pwned_range_parser_free(&parser);
}

static void an_empty_body_is_no_range(void **state)
{
	struct pwned_range_parser *parser = pwned_range_parser_new();
	struct pwned_range *range;

	(void)state;
	assert_non_null(parser);
	assert_true(pwned_range_parser_feed(parser, "", 0));
	assert_int_equal(pwned_range_parser_finish(parser, &label, &range),
			 PWNED_REASON_EMPTY_BODY);
	assert_null(range);
	pwned_range_parser_free(&parser);
}

/* The keys of lines: apart from each other, and all over the key space. */
static uint64_t line_key(unsigned int number)
{
	return number * UINT64_C(0x9e3779b97f4b) & KEY_LAST;
}

/* Feeds `lines` short lines with the first keys. */
static bool feed_lines(struct pwned_range_parser *parser, unsigned int lines)
{
	char line[] = ZERO ":1\n";

	for (unsigned int i = 0; i < lines; i++) {
		uint64_t key = line_key(i);

		for (unsigned int digit = 0; digit < 12; digit++) {
			line[11 - digit] =
				"0123456789ABCDEF"[key >> digit * 4 & 15];
		}
		if (!pwned_range_parser_feed(parser, line, sizeof(line) - 1))
			return false;
	}
	return true;
}

static void what_fits_the_limit_is_read(void **state)
{
	struct pwned_range_parser *parser = pwned_range_parser_new();
	struct pwned_range *range;

	(void)state;
	assert_non_null(parser);
	assert_true(feed_lines(parser, LINES_MAX));
	assert_int_equal(pwned_range_parser_finish(parser, &label, &range),
			 PWNED_REASON_NONE);
	assert_int_equal(pwned_range_length(range), LINES_MAX);
	assert_int_equal(pwned_range_find(range, line_key(LINES_MAX - 1)), 1);
	assert_int_equal(pwned_range_find(range, line_key(LINES_MAX)), 0);
	pwned_range_unref(&range);
	pwned_range_parser_free(&parser);
}

/* More than blocks can hold, all in one place: none does that by chance. */
static void keys_that_crowd_together_are_no_range(void **state)
{
	struct pwned_range_parser *parser = pwned_range_parser_new();
	struct pwned_range *range;
	char line[sizeof(ZERO ":1\n")];

	(void)state;
	assert_non_null(parser);
	for (unsigned int i = 0; i < 1000; i++) {
		(void)snprintf(line, sizeof(line), "%012X" TAIL ":1\n",
			       i << 16);
		assert_true(
			pwned_range_parser_feed(parser, line, strlen(line)));
	}
	assert_int_equal(pwned_range_parser_finish(parser, &label, &range),
			 PWNED_REASON_TOO_LARGE);
	assert_null(range);
	pwned_range_parser_free(&parser);
}

static void a_range_has_its_label(void **state)
{
	struct pwned_range *range = parse_good(ZERO ":1");
	const struct pwned_range_label *is = pwned_range_label(range);

	(void)state;
	assert_int_equal(is->prefix, label.prefix);
	assert_int_equal(is->day, label.day);
	assert_int_equal(is->origin, label.origin);
	assert_string_equal(is->etag, label.etag);
	pwned_range_unref(&range);
}

static void a_line_more_is_too_large(void **state)
{
	struct pwned_range_parser *parser = pwned_range_parser_new();
	struct pwned_range *range;

	(void)state;
	assert_non_null(parser);
	assert_false(feed_lines(parser, LINES_MAX + 1));
	assert_int_equal(pwned_range_parser_finish(parser, &label, &range),
			 PWNED_REASON_TOO_LARGE);
	assert_null(range);
	pwned_range_parser_free(&parser);
}

/* Exactly the limit in bytes, of lines with all digits of the largest
   count. */
static void the_limit_in_bytes_is_exact(void **state)
{
	static const char line[] = ZERO ":0000000000000000000\r\n";
	size_t line_size = sizeof(line) - 1;
	size_t lines = PWNED_RANGE_MAX_BYTES / line_size;
	size_t rest = PWNED_RANGE_MAX_BYTES % line_size;
	char *text = malloc(PWNED_RANGE_MAX_BYTES + 1);
	struct pwned_range *range;

	(void)state;
	assert_non_null(text);
	/* the rest is a line that is too short, unless it is none at all */
	for (size_t i = 0; i < lines; i++)
		memcpy(text + i * line_size, line, line_size);
	memcpy(text + lines * line_size, line, rest);
	text[PWNED_RANGE_MAX_BYTES] = '0';
	assert_int_equal(parse(text, lines * line_size, 4096, &range),
			 PWNED_REASON_NONE);
	pwned_range_unref(&range);
	assert_int_equal(parse(text, PWNED_RANGE_MAX_BYTES, 4096, &range),
			 PWNED_REASON_BAD_LINE);
	assert_int_equal(parse(text, PWNED_RANGE_MAX_BYTES + 1, 4096, &range),
			 PWNED_REASON_TOO_LARGE);
	assert_int_equal(
		parse(text, PWNED_RANGE_MAX_BYTES + 1, SIZE_MAX / 2, &range),
		PWNED_REASON_TOO_LARGE);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ranges_are_read),
		cmocka_unit_test(bad_lines_make_the_answer_an_error),
		cmocka_unit_test(a_nul_byte_is_no_range),
		cmocka_unit_test(pieces_make_no_difference),
		cmocka_unit_test(a_cut_is_seen_inside_of_a_line),
		cmocka_unit_test(a_bad_line_is_known_at_once),
		cmocka_unit_test(an_empty_body_is_no_range),
		cmocka_unit_test(what_fits_the_limit_is_read),
		cmocka_unit_test(keys_that_crowd_together_are_no_range),
		cmocka_unit_test(a_range_has_its_label),
		cmocka_unit_test(a_line_more_is_too_large),
		cmocka_unit_test(the_limit_in_bytes_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
