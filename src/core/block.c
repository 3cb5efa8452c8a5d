/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks of a range: their bytes, their proof and the search in them. */

#include "block.h"
#include "digest.h"

#include <endian.h>
#include <string.h>
#include <xxhash.h>

#define MAGIC "pwnb"

#define BUCKET_BITS 9
#define BUCKETS     (1U << BUCKET_BITS)
#define REST_BITS   32
/* where the rest begins in key * total */
#define REST_SHIFT (PWNED_KEY_BITS - BUCKET_BITS - REST_BITS)

/* A count that does not fit its byte stands in the list. */
#define COUNT_LARGE UINT8_MAX

#define REST_BYTES 4
#define ITEM_BYTES 10

/* Where the header's fields stand. */
enum {
	AT_CHECKSUM = 0,
	AT_MAGIC = 8,
	AT_FORM = 12,
	AT_INDEX = 13,
	AT_TOTAL = 14,
	AT_ETAG_SIZE = 15,
	AT_PREFIX = 16,
	AT_DAY = 20,
	AT_ORIGIN = 24,
	AT_LENGTH = 28,
	AT_LARGE = 30,
};

/* What the header says of the block's parts, and where they begin. */
struct parts {
	size_t length, large;
	size_t map, rests, counts, list, end;
};

static uint16_t load16(const unsigned char *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return le16toh(value);
}

static uint32_t load32(const unsigned char *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return le32toh(value);
}

static uint64_t load64(const unsigned char *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return le64toh(value);
}

static void store16(unsigned char *to, size_t number)
{
	uint16_t value = htole16((uint16_t)number);

	memcpy(to, &value, sizeof(value));
}

static void store32(unsigned char *to, uint32_t number)
{
	uint32_t value = htole32(number);

	memcpy(to, &value, sizeof(value));
}

static void store64(unsigned char *to, uint64_t number)
{
	uint64_t value = htole64(number);

	memcpy(to, &value, sizeof(value));
}

/* Not by xxHash's dispatch to the widest registers, although that is half as
   long by itself: after AVX-512 a CPU is slow for a while, and the next
   SHA512-CRYPT of auth took a third longer. */
static uint64_t checksum(const unsigned char *block)
{
	return XXH3_64bits(block + AT_MAGIC, PWNED_BLOCK_BYTES - AT_MAGIC);
}

/* All numbers have 16 bits at most, so that no sum wraps. */
static struct parts parts_of(size_t etag_size, size_t length, size_t large)
{
	struct parts parts = { .length = length, .large = large };

	parts.map = PWNED_BLOCK_HEADER + etag_size;
	parts.rests = parts.map + (BUCKETS + length + 7) / 8;
	parts.counts = parts.rests + length * REST_BYTES;
	parts.list = parts.counts + length;
	parts.end = parts.list + large * ITEM_BYTES;
	return parts;
}

static struct parts parts_read(const unsigned char *block)
{
	return parts_of(block[AT_ETAG_SIZE], load16(block + AT_LENGTH),
			load16(block + AT_LARGE));
}

bool pwned_etag_is_usable(const char *etag)
{
	size_t size = strlen(etag), first = 1;

	if (strncmp(etag, "W/", 2) == 0)
		first += 2;
	if (size < first + 1 || size > PWNED_ETAG_MAX ||
	    etag[first - 1] != '"' || etag[size - 1] != '"')
		return false;
	for (size_t i = first; i < size - 1; i++) {
		if (etag[i] < '!' || etag[i] > '~' || etag[i] == '"')
			return false;
	}
	return true;
}

unsigned int pwned_block_index_of(uint64_t key, unsigned int total)
{
	return (unsigned int)(key * total >> PWNED_KEY_BITS);
}

void pwned_block_place(uint64_t key, unsigned int total, uint32_t *bucket_r,
		       uint32_t *rest_r)
{
	uint64_t t = key * total;

	*bucket_r =
		(uint32_t)(t >> (PWNED_KEY_BITS - BUCKET_BITS)) & (BUCKETS - 1);
	*rest_r = (uint32_t)(t >> REST_SHIFT);
}

static void write_header(unsigned char *block,
			 const struct pwned_range_label *label,
			 size_t etag_size)
{
	memcpy(block + AT_MAGIC, MAGIC, strlen(MAGIC));
	block[AT_FORM] = PWNED_BLOCK_FORM;
	block[AT_ETAG_SIZE] = (unsigned char)etag_size;
	store32(block + AT_PREFIX, label->prefix);
	store32(block + AT_DAY, label->day);
	store32(block + AT_ORIGIN, label->origin);
	memcpy(block + PWNED_BLOCK_HEADER, label->etag, etag_size);
}

static void set_bit(unsigned char *map, size_t bit)
{
	map[bit / 8] |= (unsigned char)(1U << bit % 8);
}

/* Bucket b's one follows all entries of the buckets up to it, and b ones. */
static void write_map(unsigned char *map,
		      const struct pwned_block_entry *entries,
		      unsigned int length)
{
	uint16_t sizes[BUCKETS] = { 0 };
	size_t bit = 0;

	for (unsigned int i = 0; i < length; i++)
		sizes[entries[i].bucket]++;
	for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
		bit += sizes[bucket];
		set_bit(map, bit++);
	}
}

static void write_entries(unsigned char *block, const struct parts *parts,
			  const struct pwned_block_entry *entries)
{
	unsigned char *item = block + parts->list;

	for (size_t i = 0; i < parts->length; i++) {
		uint64_t count = entries[i].count;

		store32(block + parts->rests + i * REST_BYTES, entries[i].rest);
		block[parts->counts + i] = (unsigned char)count;
		if (count < COUNT_LARGE)
			continue;
		block[parts->counts + i] = COUNT_LARGE;
		store16(item, i);
		store64(item + 2, count);
		item += ITEM_BYTES;
	}
}

size_t pwned_block_size(const struct pwned_range_label *label, size_t length,
			size_t large)
{
	return parts_of(strlen(label->etag), length, large).end;
}

bool pwned_block_count_is_large(uint64_t count)
{
	return count >= COUNT_LARGE;
}

bool pwned_block_write(unsigned char *block_r,
		       const struct pwned_range_label *label,
		       unsigned int index, unsigned int total,
		       const struct pwned_block_entry *entries,
		       unsigned int length)
{
	size_t etag_size = strlen(label->etag), large = 0;
	struct parts parts;

	if (length > PWNED_BLOCK_BYTES)
		return false;
	for (unsigned int i = 0; i < length; i++)
		large += pwned_block_count_is_large(entries[i].count);
	parts = parts_of(etag_size, length, large);
	if (parts.end > PWNED_BLOCK_BYTES)
		return false;

	memset(block_r, 0, PWNED_BLOCK_BYTES);
	write_header(block_r, label, etag_size);
	block_r[AT_INDEX] = (unsigned char)index;
	block_r[AT_TOTAL] = (unsigned char)total;
	store16(block_r + AT_LENGTH, length);
	store16(block_r + AT_LARGE, large);
	write_map(block_r + parts.map, entries, length);
	write_entries(block_r, &parts, entries);
	store64(block_r + AT_CHECKSUM, checksum(block_r));
	return true;
}

static bool is_hole(const unsigned char *block)
{
	static const unsigned char nothing[PWNED_BLOCK_HEADER];

	return memcmp(block, nothing, sizeof(nothing)) == 0;
}

/* Whether the parts stay within the block, whoever wrote their sizes: a right
   checksum proves no good will. */
static bool is_consistent(const unsigned char *block)
{
	struct parts parts = parts_read(block);

	return block[AT_INDEX] < block[AT_TOTAL] &&
	       block[AT_ETAG_SIZE] <= PWNED_ETAG_MAX &&
	       parts.large <= parts.length && parts.end <= PWNED_BLOCK_BYTES;
}

enum pwned_block_state pwned_block_verify(const unsigned char *block,
					  uint32_t prefix, unsigned int index)
{
	bool is_newer = block[AT_FORM] > PWNED_BLOCK_FORM;

	if (memcmp(block + AT_MAGIC, MAGIC, strlen(MAGIC)) != 0)
		return is_hole(block) ? PWNED_BLOCK_ABSENT :
					PWNED_BLOCK_DAMAGED;
	/* of another form nothing but magic, form and checksum is known */
	if (!is_newer && (block[AT_FORM] != PWNED_BLOCK_FORM ||
			  load32(block + AT_PREFIX) != prefix ||
			  block[AT_INDEX] != index || !is_consistent(block)))
		return PWNED_BLOCK_DAMAGED;
	if (load64(block + AT_CHECKSUM) != checksum(block))
		return PWNED_BLOCK_DAMAGED;
	return is_newer ? PWNED_BLOCK_NEWER : PWNED_BLOCK_VALID;
}

uint32_t pwned_block_prefix(const unsigned char *block)
{
	return load32(block + AT_PREFIX);
}

unsigned int pwned_block_index(const unsigned char *block)
{
	return block[AT_INDEX];
}

unsigned int pwned_block_total(const unsigned char *block)
{
	return block[AT_TOTAL];
}

unsigned int pwned_block_length(const unsigned char *block)
{
	return load16(block + AT_LENGTH);
}

uint32_t pwned_block_day(const unsigned char *block)
{
	return load32(block + AT_DAY);
}

void pwned_block_label(const unsigned char *block,
		       struct pwned_range_label *label_r)
{
	*label_r = (struct pwned_range_label){
		.prefix = load32(block + AT_PREFIX),
		.day = load32(block + AT_DAY),
		.origin = load32(block + AT_ORIGIN),
	};
	memcpy(label_r->etag, block + PWNED_BLOCK_HEADER, block[AT_ETAG_SIZE]);
	/* It is going to be sent. */
	if (!pwned_etag_is_usable(label_r->etag))
		*label_r->etag = '\0';
}

/* Where the one of a bucket stands. The last word reaches up to 7 bytes behind
   the map: that is within what follows it, or far from the block's end. Returns
   false where there are not that many ones. */
static bool map_select(const unsigned char *map, size_t bits, uint32_t bucket,
		       size_t *bit_r)
{
	for (size_t first = 0; first < bits; first += 64) {
		uint64_t word = load64(map + first / 8);
		uint32_t ones = (uint32_t)__builtin_popcountll(word);

		if (bucket < ones) {
			for (; bucket > 0; bucket--)
				word &= word - 1;
			*bit_r = first + (size_t)__builtin_ctzll(word);
			return true;
		}
		bucket -= ones;
	}
	return false;
}

static bool map_bit(const unsigned char *map, size_t bit)
{
	return (map[bit / 8] >> bit % 8 & 1) != 0;
}

static uint64_t list_find(const unsigned char *list, size_t length,
			  size_t index)
{
	size_t first = 0, last = length;

	while (first < last) {
		size_t middle = first + (last - first) / 2;
		const unsigned char *item = list + middle * ITEM_BYTES;
		size_t found = load16(item);

		if (found == index)
			return load64(item + 2);
		if (found < index)
			first = middle + 1;
		else
			last = middle;
	}
	return COUNT_LARGE;
}

uint64_t pwned_block_find(const unsigned char *block, uint64_t key)
{
	const struct parts parts = parts_read(block);
	const unsigned char *map = block + parts.map;
	uint32_t bucket, rest;
	size_t bit, i;

	pwned_block_place(key, pwned_block_total(block), &bucket, &rest);
	if (!map_select(map, BUCKETS + parts.length, bucket, &bit))
		return 0;
	/* Before bucket b's one stand b others and a zero for each entry so
	   far, its own ones last. More zeros than entries, or too few ones, has
	   a block that was made up. */
	i = bit - bucket;
	if (i > parts.length)
		return 0;
	while (bit > 0 && !map_bit(map, --bit)) {
		i--;
		if (load32(block + parts.rests + i * REST_BYTES) != rest)
			continue;
		if (block[parts.counts + i] < COUNT_LARGE)
			return block[parts.counts + i];
		return list_find(block + parts.list, parts.large, i);
	}
	return 0;
}

bool pwned_block_relabel(unsigned char *block, uint32_t day, uint32_t origin,
			 const char *etag)
{
	const struct parts before = parts_read(block);
	size_t size = strlen(etag), body = before.end - before.map;
	size_t map = PWNED_BLOCK_HEADER + size;

	if (size > PWNED_ETAG_MAX || map + body > PWNED_BLOCK_BYTES)
		return false;
	memmove(block + map, block + before.map, body);
	memset(block + map + body, 0, PWNED_BLOCK_BYTES - map - body);
	memcpy(block + PWNED_BLOCK_HEADER, etag, size);
	block[AT_ETAG_SIZE] = (unsigned char)size;
	store32(block + AT_DAY, day);
	store32(block + AT_ORIGIN, origin);
	store64(block + AT_CHECKSUM, checksum(block));
	return true;
}

bool pwned_block_same_content(const unsigned char *one,
			      const unsigned char *two)
{
	const struct parts a = parts_read(one), b = parts_read(two);

	/* what is equal has one form only: entries and list are in order */
	return one[AT_INDEX] == two[AT_INDEX] &&
	       one[AT_TOTAL] == two[AT_TOTAL] &&
	       load32(one + AT_PREFIX) == load32(two + AT_PREFIX) &&
	       a.length == b.length && a.large == b.large &&
	       memcmp(one + a.map, two + b.map, a.end - a.map) == 0;
}
