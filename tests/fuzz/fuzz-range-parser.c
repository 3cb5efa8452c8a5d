/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parser of ranges: what it makes of an input must not depend on how the
   input was cut, and every entry that is plainly there must be found. */

#include "fuzz.h"
#include "digest.h"
#include "range-parser.h"

#include <string.h>

#define KEY_HEX (PWNED_KEY_BITS / 4)

/* The sizes of pieces vary with the input, and repeat with it. */
static size_t next_piece(uint32_t *random, size_t left)
{
	size_t piece;

	*random = *random * 1664525 + 1013904223;
	piece = 1 + (*random >> 24) % 50;
	return piece < left ? piece : left;
}

static enum pwned_reason parse(const char *data, size_t size, bool whole,
			       struct pwned_range **range_r)
{
	static const struct pwned_range_label label = { .etag = "\"tag\"" };
	struct pwned_range_parser *parser = pwned_range_parser_new();
	enum pwned_reason reason;
	uint32_t random = (uint32_t)size;
	bool ok = true;

	FUZZ_ASSERT(parser != NULL);
	for (size_t at = 0, piece; ok && at < size; at += piece) {
		piece = whole ? size : next_piece(&random, size - at);
		ok = pwned_range_parser_feed(parser, data + at, piece);
	}
	reason = pwned_range_parser_finish(parser, &label, range_r);
	FUZZ_ASSERT(ok || reason != PWNED_REASON_NONE);
	FUZZ_ASSERT((*range_r != NULL) == (reason == PWNED_REASON_NONE));
	pwned_range_parser_free(&parser);
	return reason;
}

/* Reads the entry of a line that the parser has taken. */
static struct pwned_range_entry read_entry(const char *line)
{
	struct pwned_range_entry entry;
	char key[KEY_HEX + 1];

	memcpy(key, line, KEY_HEX);
	key[KEY_HEX] = '\0';
	entry.key = strtoull(key, NULL, 16);
	entry.count = strtoull(line + PWNED_SUFFIX_HEX + 1, NULL, 10);
	return entry;
}

/* Looks up each line of text in both ranges. */
static void check_lines(const char *text, const struct pwned_range *one,
			const struct pwned_range *two)
{
	size_t entries = 0;

	for (const char *line = text; line != NULL && *line != '\0';) {
		struct pwned_range_entry entry = read_entry(line);
		uint64_t found = pwned_range_find(one, entry.key);

		FUZZ_ASSERT(found >= entry.count);
		FUZZ_ASSERT(found <= PWNED_RANGE_MAX_COUNT);
		FUZZ_ASSERT(found == pwned_range_find(two, entry.key));
		entries += entry.count > 0;
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	FUZZ_ASSERT(pwned_range_length(one) <= entries);
	FUZZ_ASSERT((pwned_range_length(one) > 0) == (entries > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pwned_range *whole, *pieces;
	enum pwned_reason reason;
	char *text = malloc(size + 1);

	FUZZ_ASSERT(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	reason = parse(text, size, true, &whole);
	FUZZ_ASSERT(parse(text, size, false, &pieces) == reason);
	if (reason == PWNED_REASON_NONE) {
		FUZZ_ASSERT(pwned_range_length(whole) ==
			    pwned_range_length(pieces));
		check_lines(text, whole, pieces);
	}
	pwned_range_unref(&whole);
	pwned_range_unref(&pieces);
	free(text);
	return 0;
}
