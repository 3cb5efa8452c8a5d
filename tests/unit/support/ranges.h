/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_RANGES_H
#define PWNED_TEST_RANGES_H

#include "range.h"

/* A range of `count` made-up passwords, each seen once: their keys are the
   multiples of TEST_KEY_STEP from 0 on, and nothing between them is found. Up
   to 2048 of them fill the key space, and the blocks about alike. The caller
   owns it. */
#define TEST_KEY_STEP (UINT64_C(1) << 37)
struct pwned_range *test_range_new(size_t count);
/* The same with a label of one's own. */
struct pwned_range *test_range_labelled(size_t count,
					const struct pwned_range_label *label);

#endif
