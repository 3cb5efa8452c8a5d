/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_RANGE_PARSER_H
#define PWNED_RANGE_PARSER_H

#include "range.h"
#include "verdict.h"

#include <stdbool.h>

/* Reads a range answer as it arrives: lines SUFFIX:COUNT of 35 hex digits and
   a decimal count, ended by CRLF or LF, the last one also by the end. Padding
   has count 0 and is dropped. Any other line makes the whole answer an error:
   a range is valid as a whole or not at all.
   https://haveibeenpwned.com/API/v3#SearchingPwnedPasswordsByRange and
   #PwnedPasswordsPadding */

/* Some fifty times what a range has today. It bounds the lines as well: none
   is shorter than 38 bytes, so at most 110,376 fit. */
#define PWNED_RANGE_MAX_BYTES (4U * 1024 * 1024)
#define PWNED_RANGE_MAX_COUNT (UINT64_C(1) << 63)

struct pwned_range_parser;

/* Returns NULL when memory is short. */
struct pwned_range_parser *pwned_range_parser_new(void);
void pwned_range_parser_free(struct pwned_range_parser **parser);

/* Takes the next piece, cut anywhere. Returns false as soon as the answer is
   known to be no range; more of it need not be read. */
bool pwned_range_parser_feed(struct pwned_range_parser *parser,
			     const char *data, size_t size);

/* The answer is complete. Returns PWNED_REASON_NONE with a range of that label
   that the caller owns, or why there is none: BAD_LINE, TOO_LARGE (also where
   too many keys lie together), EMPTY_BODY or INTERNAL (memory). */
enum pwned_reason pwned_range_parser_finish(
	struct pwned_range_parser *parser,
	const struct pwned_range_label *label, struct pwned_range **range_r);

#endif
