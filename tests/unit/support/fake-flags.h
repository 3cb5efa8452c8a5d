/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_FAKE_FLAGS_H
#define PWNED_TEST_FAKE_FLAGS_H

#include "flags.h"

/* Records of accounts that answer when a test wants them to, or never. */
struct fake_flags {
	struct pwned_flags flags; /* must be first */
	bool may_have;            /* anything be on record of anybody */
	bool refuses;             /* neither looks up nor waits */

	/* what was asked: the last one */
	unsigned int finds, forgotten;
	char user[64];
	/* what was told: the last one; texts are copied */
	unsigned int tells, waits;
	struct pwned_flag_news news;
	char service[PWNED_FLAG_SERVICE_MAX + 1];
	char hold_text[PWNED_FLAG_TEXT_MAX + 1];

	struct pwned_flags_request *request; /* that waits */
};

void fake_flags_init(struct fake_flags *fake);
/* Answers the look-up that waits; flag NULL: it could not be told. */
void fake_flags_find(struct fake_flags *fake, const struct pwned_flag *flag);
/* What was told is written, or cannot be. */
void fake_flags_write(struct fake_flags *fake, bool written);

#endif
