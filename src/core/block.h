/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BLOCK_H
#define PWNED_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One block of a range: the form in which ranges stand on disk and in memory.

   A range is cut in as many blocks as it needs, each with the keys (digest.h)
   of a fixed part of the key space, so that a look-up needs one block. Each
   stands alone: it carries what it is (form, prefix, place, day, entity tag)
   under a checksum, and is believed only if that proves right. So whoever
   writes needs no lock and no order, and whatever a reader meets, a mix of two
   versions or anything else, is a right answer or none.

   Bytes, little endian, the same on every machine:

	0   8  XXH3 (64 bits, seed 0) of all bytes that follow
	8   4  magic "pwnb"
       12   1  form, PWNED_BLOCK_FORM
       13   1  index of this block
       14   1  total of the range's blocks, at least 1
       15   1  length of the entity tag, 0: none
       16   4  prefix
       20   4  day of the fetch, days since 1970-01-01 UTC; nothing finer
       24   4  origin: which source the tag is of
       28   2  n, entries in this block
       30   2  m, of these the ones whose count does not fit its byte
       32      the entity tag, then without gaps:
	       the bucket map, (512 + n) bits from the lowest of the first
	       byte, filled up with zeros: for each of 512 buckets as many
	       zeros as it has entries, then a one
	       n * 4  rests, in order within their bucket
	       n * 1  counts, 255: it stands in the list
	       m * 10 list: index (2), count (8), in order of the index
	       zeros to the end

   Of a key, t = key * total is what decides: its bits from PWNED_KEY_BITS up
   are the block's index, the next 9 the bucket, the next 32 the rest. Some 42
   bits of a key are told apart: one in 3 * 10^9 clean passwords passes for a
   breached one. */
#define PWNED_BLOCK_BYTES     4096
#define PWNED_BLOCK_FORM      1
#define PWNED_BLOCK_TOTAL_MAX 255
#define PWNED_BLOCK_HEADER    32
/* Longer entity tags are not kept: such a range is compared by content. */
#define PWNED_ETAG_MAX 96

enum pwned_block_state {
	PWNED_BLOCK_VALID,
	PWNED_BLOCK_ABSENT,  /* a hole: nothing was ever written there */
	PWNED_BLOCK_DAMAGED, /* torn, flipped, foreign, misplaced */
	PWNED_BLOCK_NEWER,   /* whole, but of a form that we do not know */
};

/* What a range's blocks have in common beside their hashes. */
struct pwned_range_label {
	uint32_t prefix;
	uint32_t day;
	uint32_t origin;
	char etag[PWNED_ETAG_MAX + 1]; /* as a header's value; "": none */
};

/* An entry as blocks hold it. */
struct pwned_block_entry {
	uint32_t bucket, rest;
	uint64_t count;
};

/* Whether a text is an entity tag that may be stored and sent (RFC 9110, 8.8.3:
   quoted, perhaps weak, printable, no longer than PWNED_ETAG_MAX). */
bool pwned_etag_is_usable(const char *etag);

/* Where a key belongs in a range of so many blocks. */
unsigned int pwned_block_index_of(uint64_t key, unsigned int total);
void pwned_block_place(uint64_t key, unsigned int total, uint32_t *bucket_r,
		       uint32_t *rest_r);

/* How many bytes a block takes of so many entries, of which the counts of
   `large` do not fit their byte: more than PWNED_BLOCK_BYTES do not fit. */
size_t pwned_block_size(const struct pwned_range_label *label, size_t length,
			size_t large);
/* Whether a count does not fit its byte. */
bool pwned_block_count_is_large(uint64_t count);

/* Writes a block of PWNED_BLOCK_BYTES; entries in order of bucket and rest,
   each once. Returns false where they do not fit; block_r is then undefined. */
bool pwned_block_write(unsigned char *block_r,
		       const struct pwned_range_label *label,
		       unsigned int index, unsigned int total,
		       const struct pwned_block_entry *entries,
		       unsigned int length);

/* Whether the bytes are that block of that range. Everything below wants a
   block that proved VALID. */
enum pwned_block_state pwned_block_verify(const unsigned char *block,
					  uint32_t prefix, unsigned int index);

uint32_t pwned_block_prefix(const unsigned char *block);
unsigned int pwned_block_index(const unsigned char *block);
unsigned int pwned_block_total(const unsigned char *block);
unsigned int pwned_block_length(const unsigned char *block);
uint32_t pwned_block_day(const unsigned char *block);
void pwned_block_label(const unsigned char *block,
		       struct pwned_range_label *label_r);
/* How often the password behind the key was seen; 0: never. The block must be
   the one that the key belongs to. */
uint64_t pwned_block_find(const unsigned char *block, uint64_t key);

/* Gives a valid block another day and tag, in place. Returns false, and changes
   nothing, where the tag does not fit. */
bool pwned_block_relabel(unsigned char *block, uint32_t day, uint32_t origin,
			 const char *etag);
/* Whether two valid blocks hold the same hashes with the same counts. */
bool pwned_block_same_content(const unsigned char *one,
			      const unsigned char *two);

#endif
