/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAGS_H
#define PWNED_FLAGS_H

#include "flag.h"

/* Where the records of accounts are, for a loop: an SQLite file behind a thread
   (flags/flag-keeper.h), or a database that several hosts share
   (dovecot/sql/). An implementation embeds struct pwned_flags. Callbacks run
   from the loop, never from within a call below. What it makes of news it
   reports, once that is written (pwned_report_flag()). */
struct pwned_flags;
struct pwned_flags_request;
struct pwned_counters;

/* flag: of state NONE where there is no record; NULL: it could not be told. */
typedef void pwned_flags_found_callback(void *context,
					const struct pwned_flag *flag);
/* written: the change, if any, is where other programs find it. */
typedef void pwned_flags_told_callback(void *context, bool written);

struct pwned_flags_vfuncs {
	/* Whether anything may be on record of the user: false is certain. At
	   once, from bounded memory; a store that several hosts write cannot
	   know, and says true. */
	bool (*may_have)(struct pwned_flags *flags, const char *user);
	/* Looks up a record, with what was told before and is not written yet,
	   but for hold_text, which is what MTAs read.
	   Returns NULL where that cannot be done now. */
	struct pwned_flags_request *(*find)(
		struct pwned_flags *flags, const char *user,
		pwned_flags_found_callback *callback, void *context);
	/* Tells news, which are copied, of a user whom may_have() knows from
	   then on. They are written soon, and kept and tried again where that
	   fails. With a callback somebody waits, so at once: returns a request,
	   or NULL where it cannot be done, or nothing is to be done; without,
	   NULL. */
	struct pwned_flags_request *(*tell)(struct pwned_flags *flags,
					    const struct pwned_flag_news *news,
					    pwned_flags_told_callback *callback,
					    void *context);
	/* The callback is not called any more; what was told is written. */
	void (*forget_request)(struct pwned_flags_request **request);

	/* Where it counts what it could not keep, from then on; NULL: nowhere
	   any more. NULL itself where that is known. */
	void (*count)(struct pwned_flags *flags,
		      struct pwned_counters *counters);

	/* Whether something waits to be read or written. */
	bool (*is_busy)(struct pwned_flags *flags);
	/* Writes what still waits, for a second at most. */
	void (*free)(struct pwned_flags **flags);
};

struct pwned_flags {
	const struct pwned_flags_vfuncs *v;
};

#endif
