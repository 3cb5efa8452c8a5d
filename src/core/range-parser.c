/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The range API's text, read as a stream. */

#include "range-parser.h"
#include "digest.h"

#include <errno.h>
#include <stdlib.h>

#define KEY_HEX          (PWNED_KEY_BITS / 4)
#define COUNT_MAX_DIGITS 19
#define ENTRIES_FIRST    2048

enum parse_state {
	PARSE_SUFFIX,
	PARSE_COUNT,
	PARSE_LF, /* a CR was read */
};

struct pwned_range_parser {
	struct pwned_range_entry *entries;
	size_t length, allocated;

	/* the line being read */
	struct pwned_range_entry entry;
	enum parse_state state;
	unsigned int digits;

	size_t bytes;
	enum pwned_reason failed;
};

struct pwned_range_parser *pwned_range_parser_new(void)
{
	return calloc(1, sizeof(struct pwned_range_parser));
}

void pwned_range_parser_free(struct pwned_range_parser **_parser)
{
	struct pwned_range_parser *parser = *_parser;

	*_parser = NULL;
	if (parser == NULL)
		return;
	free(parser->entries);
	free(parser);
}

static bool parser_fail(struct pwned_range_parser *parser,
			enum pwned_reason reason)
{
	parser->failed = reason;
	return false;
}

static bool entries_grow(struct pwned_range_parser *parser)
{
	size_t allocated =
		parser->allocated == 0 ? ENTRIES_FIRST : parser->allocated * 2;
	void *entries =
		realloc(parser->entries, allocated * sizeof(*parser->entries));

	if (entries == NULL)
		return parser_fail(parser, PWNED_REASON_INTERNAL);
	parser->entries = entries;
	parser->allocated = allocated;
	return true;
}

static bool line_end(struct pwned_range_parser *parser)
{
	if (parser->entry.count > 0) {
		if (parser->length == parser->allocated &&
		    !entries_grow(parser))
			return false;
		parser->entries[parser->length++] = parser->entry;
	}
	parser->entry = (struct pwned_range_entry){ .key = 0 };
	parser->state = PARSE_SUFFIX;
	parser->digits = 0;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool suffix_char(struct pwned_range_parser *parser, char c)
{
	int digit = hex_digit(c);

	if (digit < 0) {
		if (c != ':' || parser->digits != PWNED_SUFFIX_HEX)
			return false;
		parser->state = PARSE_COUNT;
		parser->digits = 0;
		return true;
	}
	if (parser->digits < KEY_HEX)
		parser->entry.key = parser->entry.key << 4 | (unsigned)digit;
	return ++parser->digits <= PWNED_SUFFIX_HEX;
}

static bool count_digit(struct pwned_range_parser *parser, char c)
{
	if (c < '0' || c > '9' || ++parser->digits > COUNT_MAX_DIGITS)
		return false;
	/* 19 digits stay below 2^64 */
	parser->entry.count = parser->entry.count * 10 + (unsigned)(c - '0');
	return parser->entry.count <= PWNED_RANGE_MAX_COUNT;
}

/* Returns false where c cannot stand, or with failed already set. */
static bool parse_char(struct pwned_range_parser *parser, char c)
{
	switch (parser->state) {
	case PARSE_SUFFIX:
		return suffix_char(parser, c);
	case PARSE_COUNT:
		if (parser->digits > 0 && c == '\n')
			return line_end(parser);
		if (parser->digits > 0 && c == '\r') {
			parser->state = PARSE_LF;
			return true;
		}
		return count_digit(parser, c);
	case PARSE_LF:
		break;
	}
	return c == '\n' && line_end(parser);
}

bool pwned_range_parser_feed(struct pwned_range_parser *parser,
			     const char *data, size_t size)
{
	if (parser->failed != PWNED_REASON_NONE)
		return false;
	if (size > PWNED_RANGE_MAX_BYTES - parser->bytes)
		return parser_fail(parser, PWNED_REASON_TOO_LARGE);
	parser->bytes += size;
	for (size_t i = 0; i < size; i++) {
		if (parse_char(parser, data[i]))
			continue;
		if (parser->failed == PWNED_REASON_NONE)
			parser->failed = PWNED_REASON_BAD_LINE;
		return false;
	}
	return true;
}

/* The last line may end without a line end. */
static bool last_line_end(struct pwned_range_parser *parser)
{
	if (parser->state == PARSE_SUFFIX && parser->digits == 0)
		return true;
	if (parser->state == PARSE_COUNT && parser->digits > 0)
		return line_end(parser);
	return parser_fail(parser, PWNED_REASON_BAD_LINE);
}

enum pwned_reason pwned_range_parser_finish(
	struct pwned_range_parser *parser,
	const struct pwned_range_label *label, struct pwned_range **range_r)
{
	*range_r = NULL;
	if (parser->failed != PWNED_REASON_NONE)
		return parser->failed;
	if (parser->bytes == 0)
		return PWNED_REASON_EMPTY_BODY;
	if (!last_line_end(parser))
		return parser->failed;
	*range_r = pwned_range_pack(parser->entries, parser->length, label);
	if (*range_r != NULL)
		return PWNED_REASON_NONE;
	return errno == E2BIG ? PWNED_REASON_TOO_LARGE : PWNED_REASON_INTERNAL;
}
