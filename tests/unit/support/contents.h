/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_CONTENTS_H
#define PWNED_TEST_CONTENTS_H

#include "digest.h"
#include "range.h"

/* Ranges whose contents are chosen by a number, the seed: the keys of two seeds
   have nothing in common, and stand in no order. */

/* The key and the count of the i-th password; some counts are large. */
uint64_t content_key(uint32_t seed, size_t i);
uint64_t content_count(size_t i);
struct pwned_digest content_digest(uint32_t prefix, uint32_t seed, size_t i);

/* A range of `length` of them, which the caller owns. */
struct pwned_range *content_range(uint32_t seed, size_t length,
				  const struct pwned_range_label *label);
/* A label with this tag, "": none. */
struct pwned_range_label content_label(uint32_t prefix, uint32_t day,
				       const char *etag);

#endif
