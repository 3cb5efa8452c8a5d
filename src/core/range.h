/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_RANGE_H
#define PWNED_RANGE_H

#include <stddef.h>
#include <stdint.h>

/* One range of breached passwords in its compact form: keys (digest.h) in
   order, and how often each was seen. About 7 bytes a password, where the
   API's text has 40. Immutable, shared by counting references; not
   thread-safe. */
struct pwned_range;

/* A hash of the range, as the parser reads it. */
struct pwned_range_entry {
	uint64_t key;
	uint64_t count; /* at least 1 */
};

/* Packs entries, which are sorted in place. Of the same key twice the larger
   count stands. Returns a range with one reference, or NULL when memory is
   short. */
struct pwned_range *pwned_range_pack(struct pwned_range_entry *entries,
				     size_t count);
struct pwned_range *pwned_range_ref(struct pwned_range *range);
/* Drops a reference; the last one frees. */
void pwned_range_unref(struct pwned_range **range);

/* How often the password behind key was seen in breaches; 0: never. */
uint64_t pwned_range_find(const struct pwned_range *range, uint64_t key);

/* Bytes of memory that the range takes. */
size_t pwned_range_memory(const struct pwned_range *range);
size_t pwned_range_length(const struct pwned_range *range);

#endif
