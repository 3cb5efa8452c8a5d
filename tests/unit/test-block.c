/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks of a range: their bytes, and what is believed of them. */

/* Checksums here are those of plain C, whatever this CPU can do. */
#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_SCALAR
#include <xxhash.h>

#include "support/unit.h"
#include "block.h"
#include "digest.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX ((UINT64_C(1) << PWNED_KEY_BITS) - 1)
#define LENGTH  650

static const struct pwned_range_label usual = {
	.prefix = 0xabcde,
	.day = 20000,
	.origin = 0x01020304,
	.etag = "W/\"0x8DC-golden\"",
};

/* Keys of one block in their order, with counts. */
struct content {
	uint64_t keys[PWNED_BLOCK_BYTES];
	uint64_t counts[PWNED_BLOCK_BYTES];
	unsigned int index, total, length;
};

static bool write_content(unsigned char *block_r, const struct content *content,
			  const struct pwned_range_label *label)
{
	struct pwned_block_entry entries[PWNED_BLOCK_BYTES];

	for (unsigned int i = 0; i < content->length; i++) {
		pwned_block_place(content->keys[i], content->total,
				  &entries[i].bucket, &entries[i].rest);
		entries[i].count = content->counts[i];
	}
	return pwned_block_write(block_r, label, content->index, content->total,
				 entries, content->length);
}

/* The caller frees. A block of its own, so that a sanitizer sees its ends. */
static unsigned char *block_new(const struct content *content,
				const struct pwned_range_label *label)
{
	unsigned char *block = malloc(PWNED_BLOCK_BYTES);

	assert_non_null(block);
	assert_true(write_content(block, content, label));
	return block;
}

/* Keys at equal distances; of ten of them one is seen often. */
static void content_init(struct content *content_r, unsigned int length)
{
	static const uint64_t counts[] = {
		1, 2, 254, 255, 3, 256, 253, UINT32_MAX, 4, UINT64_C(1) << 63
	};
	uint64_t first = KEY_MAX / 3 + 1, step = KEY_MAX / 3 / (length + 1);

	*content_r =
		(struct content){ .index = 1, .total = 3, .length = length };
	for (unsigned int i = 0; i < length; i++) {
		content_r->keys[i] = first + i * step;
		content_r->counts[i] =
			i % 10 != 5 ? 1 + i % 254 : counts[i / 10 % 10];
	}
}

/* Makes the checksum right, as whoever means ill would. */
static void seal(unsigned char *block)
{
	uint64_t sum = htole64(XXH3_64bits(block + 8, PWNED_BLOCK_BYTES - 8));

	memcpy(block, &sum, sizeof(sum));
}

static enum pwned_block_state state_of(const unsigned char *block)
{
	return pwned_block_verify(block, usual.prefix, 1);
}

static void assert_content(const unsigned char *block,
			   const struct content *content)
{
	assert_int_equal(
		pwned_block_verify(block, usual.prefix, content->index),
		PWNED_BLOCK_VALID);
	assert_int_equal(pwned_block_length(block), content->length);
	for (unsigned int i = 0; i < content->length; i++) {
		uint64_t key = content->keys[i];

		assert_int_equal(pwned_block_find(block, key),
				 content->counts[i]);
		if (i > 0 && key - content->keys[i - 1] > 512)
			assert_int_equal(pwned_block_find(block, key - 256), 0);
	}
}

static void tags_are_quoted_and_printable(void **state)
{
	static const char *const good[] = { "\"\"", "\"a\"", "W/\"\"",
					    "W/\"0x8DC\"", "\"!#~\"" };
	static const char *const bad[] = {
		"",
		"\"",
		"a",
		"W/",
		"W/\"",
		"\"a",
		"a\"",
		"w/\"a\"",
		"\"a b\"",
		"\"a\"b\"",
		"\"\t\"",
		"\"\x7f\"",
		"\"\xc3\xa4\"",
		"\"a\r\nX: \"",
		" \"a\"",
		"\"a\" ",
		"W/W/\"a\"",
	};
	char text[PWNED_ETAG_MAX + 2];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(good); i++)
		assert_true(pwned_etag_is_usable(good[i]));
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		if (pwned_etag_is_usable(bad[i]))
			fail_msg("%s was taken", bad[i]);
	}
	(void)snprintf(text, sizeof(text), "\"%0*d\"", PWNED_ETAG_MAX - 2, 0);
	assert_true(pwned_etag_is_usable(text));
	(void)snprintf(text, sizeof(text), "\"%0*d\"", PWNED_ETAG_MAX - 1, 0);
	assert_false(pwned_etag_is_usable(text));
}

static void a_key_has_its_place(void **state)
{
	static const struct {
		uint64_t key;
		unsigned int total, index;
		uint32_t bucket, rest;
	} cases[] = {
		{ 0, 1, 0, 0, 0 },
		{ KEY_MAX, 1, 0, 511, UINT32_MAX },
		{ 0x008000000000, 1, 0, 1, 0 },
		{ 0x00800000007f, 1, 0, 1, 0 },
		{ 0x008000000080, 1, 0, 1, 1 },
		{ 0x555555555555, 3, 0, 511, UINT32_MAX },
		{ 0x555555555556, 3, 1, 0, 0 },
		{ 0x800000000000, 3, 1, 256, 0 },
		{ KEY_MAX, 3, 2, 511, UINT32_MAX },
		{ KEY_MAX, 255, 254, 511, UINT32_MAX - 1 },
	};
	uint32_t bucket, rest;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		pwned_block_place(cases[i].key, cases[i].total, &bucket, &rest);
		assert_int_equal(bucket, cases[i].bucket);
		assert_int_equal(rest, cases[i].rest);
		assert_int_equal(
			pwned_block_index_of(cases[i].key, cases[i].total),
			cases[i].index);
	}
}

static void read_fixture(unsigned char *block_r)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path),
		       "%s/tests/unit/data/block-form-1.bin",
		       getenv("top_srcdir"));
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(block_r, 1, PWNED_BLOCK_BYTES, file),
			 PWNED_BLOCK_BYTES);
	assert_int_equal(fgetc(file), EOF);
	(void)fclose(file);
}

/* What data/block.py made of its description, entries and all. */
static void the_form_is_what_is_documented(void **state)
{
	static const struct content content = {
		.keys = { 0x555555555556, 0x555555555600, 0x555580000000,
			  0x600000000000, 0x7fffffffffff, 0x800000000000,
			  0x800000000100, 0x800000100000, 0xaaaaaaaaaaaa },
		.counts = { 1, 254, 255, 256, 3, UINT64_C(1) << 63, 7, 65535,
			    2 },
		.index = 1,
		.total = 3,
		.length = 9,
	};
	unsigned char fixture[PWNED_BLOCK_BYTES];
	unsigned char *block = block_new(&content, &usual);
	struct pwned_range_label label;

	(void)state;
	read_fixture(fixture);
	assert_memory_equal(block, fixture, PWNED_BLOCK_BYTES);
	assert_content(fixture, &content);
	assert_int_equal(pwned_block_prefix(fixture), usual.prefix);
	assert_int_equal(pwned_block_index(fixture), 1);
	assert_int_equal(pwned_block_total(fixture), 3);
	assert_int_equal(pwned_block_day(fixture), usual.day);
	pwned_block_label(fixture, &label);
	assert_int_equal(label.prefix, usual.prefix);
	assert_int_equal(label.day, usual.day);
	assert_int_equal(label.origin, usual.origin);
	assert_string_equal(label.etag, usual.etag);
	free(block);
}

static void the_checksum_is_that_of_plain_c(void **state)
{
	struct content content;
	unsigned char *block, before[8];

	(void)state;
	content_init(&content, LENGTH);
	block = block_new(&content, &usual);
	memcpy(before, block, sizeof(before));
	seal(block);
	assert_memory_equal(block, before, sizeof(before));
	free(block);
}

/* Also with tags of every length, which move all that follows. */
static void every_entry_is_found(void **state)
{
	struct pwned_range_label label = usual;
	struct content content;
	unsigned char *block;

	(void)state;
	for (unsigned int size = 0; size <= PWNED_ETAG_MAX; size++) {
		memset(label.etag, 0, sizeof(label.etag));
		memset(label.etag, 'x', size);
		content_init(&content, LENGTH);
		block = block_new(&content, &label);
		assert_content(block, &content);
		free(block);
	}
	for (unsigned int length = 0; length < LENGTH; length++) {
		content_init(&content, length);
		block = block_new(&content, &usual);
		assert_content(block, &content);
		free(block);
	}
}

/* Hashes are spread evenly; what is made up need not be. */
static void a_crowd_is_found_as_well(void **state)
{
	static const uint64_t firsts[] = { 0x555555555556, 0x7ff000000000,
					   0xaaaaaaaaaaab - 700 * 256 };
	struct content content;
	unsigned char *block;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(firsts); i++) {
		content_init(&content, 700);
		for (unsigned int k = 0; k < 700; k++) {
			content.keys[k] = firsts[i] + k * 256;
			content.counts[k] = 1 + k % 7;
		}
		block = block_new(&content, &usual);
		assert_content(block, &content);
		assert_int_equal(pwned_block_find(block, KEY_MAX / 2 + 12345),
				 0);
		free(block);
	}
}

/* By their sum of bytes: 32 for the header, 512 bits, and for an entry 41 bits,
   or 80 more where its count is large. */
static void what_fits_is_written(void **state)
{
	unsigned char block[PWNED_BLOCK_BYTES];
	struct pwned_range_label label = { .prefix = usual.prefix };
	struct content content;

	(void)state;
	content_init(&content, 781);
	for (unsigned int i = 0; i < content.length; i++)
		content.counts[i] = 1;
	assert_false(write_content(block, &content, &label));
	content.length = 780;
	assert_true(write_content(block, &content, &label));
	assert_content(block, &content);
	/* two bytes are left */
	label.etag[0] = label.etag[1] = '"';
	assert_true(write_content(block, &content, &label));
	label.etag[2] = '"';
	assert_false(write_content(block, &content, &label));
	label.etag[0] = '\0';
	content.counts[0] = 255;
	assert_false(write_content(block, &content, &label));
	content.length = PWNED_BLOCK_BYTES;
	assert_false(write_content(block, &content, &label));
}

static void a_block_belongs_to_its_place(void **state)
{
	unsigned char hole[PWNED_BLOCK_BYTES] = { 0 };
	struct content content;
	unsigned char *block;

	(void)state;
	content_init(&content, LENGTH);
	block = block_new(&content, &usual);
	assert_int_equal(state_of(block), PWNED_BLOCK_VALID);
	assert_int_equal(pwned_block_verify(block, usual.prefix ^ 1, 1),
			 PWNED_BLOCK_DAMAGED);
	assert_int_equal(pwned_block_verify(block, usual.prefix, 0),
			 PWNED_BLOCK_DAMAGED);
	assert_int_equal(pwned_block_verify(block, usual.prefix, 257),
			 PWNED_BLOCK_DAMAGED);
	assert_int_equal(state_of(hole), PWNED_BLOCK_ABSENT);
	hole[31] = 1;
	assert_int_equal(state_of(hole), PWNED_BLOCK_DAMAGED);
	free(block);
}

static void what_is_not_ours_is_not_believed(void **state)
{
	struct content content;
	unsigned char *block, foreign[PWNED_BLOCK_BYTES];

	(void)state;
	memset(foreign, 'x', sizeof(foreign));
	assert_int_equal(state_of(foreign), PWNED_BLOCK_DAMAGED);
	content_init(&content, LENGTH);
	block = block_new(&content, &usual);
	block[11] = 'B';
	seal(block);
	assert_int_equal(state_of(block), PWNED_BLOCK_DAMAGED);
	block[11] = 'b';
	block[12] = 0;
	seal(block);
	assert_int_equal(state_of(block), PWNED_BLOCK_DAMAGED);
	free(block);
}

/* A newer form may have anything behind its magic, form and checksum. */
static void a_newer_form_is_told_apart(void **state)
{
	unsigned char block[PWNED_BLOCK_BYTES];

	(void)state;
	memset(block, 'x', sizeof(block));
	memcpy(block + 8, "pwnb\x02", 5);
	assert_int_equal(state_of(block), PWNED_BLOCK_DAMAGED);
	seal(block);
	assert_int_equal(state_of(block), PWNED_BLOCK_NEWER);
	block[PWNED_BLOCK_BYTES - 1] ^= 1;
	assert_int_equal(state_of(block), PWNED_BLOCK_DAMAGED);
}

/* Numbers that would lead out of the block, with a right checksum. */
static void sizes_that_lie_are_seen(void **state)
{
	static const struct {
		unsigned int at;
		unsigned char bytes[4];
		size_t size;
	} cases[] = {
		{ 13, { 1, 0 }, 2 },                   /* of no blocks */
		{ 13, { 1, 1 }, 2 },                   /* behind the last */
		{ 15, { PWNED_ETAG_MAX + 1 }, 1 },     /* tag */
		{ 15, { 255 }, 1 },                    /* tag */
		{ 28, { 0xff, 0xff }, 2 },             /* entries */
		{ 28, { 0x20, 0x03 }, 2 },             /* entries, just */
		{ 30, { 0xff, 0xff }, 2 },             /* large ones */
		{ 30, { 0x60, 0x00 }, 2 },             /* large ones, just */
		{ 28, { 0xff, 0xff, 0xff, 0xff }, 4 }, /* both */
		{ 28, { 0x03, 0x00, 0x04, 0x00 }, 4 }, /* more large than all */
	};
	struct content content;

	(void)state;
	content_init(&content, LENGTH);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		unsigned char *block = block_new(&content, &usual);

		memcpy(block + cases[i].at, cases[i].bytes, cases[i].size);
		seal(block);
		assert_int_equal(state_of(block), PWNED_BLOCK_DAMAGED);
		free(block);
	}
}

/* Looks for a key in each bucket; a sanitizer sees what goes too far. */
static void find_everywhere(const unsigned char *block)
{
	assert_int_equal(state_of(block), PWNED_BLOCK_VALID);
	for (uint64_t i = 0; i < 4096; i++)
		(void)pwned_block_find(block, i << 36 | i);
}

static void maps_that_lie_lead_nowhere(void **state)
{
	static const unsigned char patterns[] = { 0x00, 0xff, 0x01, 0x80,
						  0x55 };
	const size_t map = 32 + strlen(usual.etag);
	struct content content;

	(void)state;
	for (unsigned int length = 0; length <= LENGTH; length += 65) {
		content_init(&content, length);
		for (size_t i = 0; i < N_ELEMENTS(patterns); i++) {
			unsigned char *block = block_new(&content, &usual);
			size_t size = (512 + length + 7) / 8;

			memset(block + map, patterns[i], size);
			seal(block);
			find_everywhere(block);
			/* the rests as well */
			memset(block + map, patterns[i], size + length * 4);
			seal(block);
			find_everywhere(block);
			free(block);
		}
	}
}

/* A large count that the list does not have is at least what its byte says. */
static void a_count_missing_in_the_list_is_255(void **state)
{
	struct content content = { .keys = { 0x600000000000 },
				   .counts = { 1000 },
				   .index = 1,
				   .total = 3,
				   .length = 1 };
	const size_t list = 32 + strlen(usual.etag) + 65 + 5;
	unsigned char *block = block_new(&content, &usual);

	(void)state;
	assert_int_equal(pwned_block_find(block, content.keys[0]), 1000);
	block[list] = 7; /* the index */
	seal(block);
	assert_int_equal(pwned_block_find(block, content.keys[0]), 255);
	block[30] = 0; /* the list's length */
	seal(block);
	assert_int_equal(state_of(block), PWNED_BLOCK_VALID);
	assert_int_equal(pwned_block_find(block, content.keys[0]), 255);
	free(block);
}

/* It would be sent to the source. */
static void a_tag_that_is_none_is_not_told(void **state)
{
	struct pwned_range_label label = { .etag = "\"a\r\nX: b\"" };
	struct content content;
	unsigned char *block;

	(void)state;
	content_init(&content, 3);
	block = block_new(&content, &label);
	pwned_block_label(block, &label);
	assert_string_equal(label.etag, "");
	free(block);
}

static void relabel_is_writing_anew(void **state)
{
	static const char *const tags[] = {
		"W/\"0x8DC-golden\"",
		"W/\"0x8DD-golden\"",
		"\"short\"",
		"",
		"\"longer than the one that was there before\"",
	};
	struct pwned_range_label label = usual;
	struct content content;

	(void)state;
	content_init(&content, LENGTH);
	label.day = 20007;
	label.origin = 9;
	for (size_t i = 0; i < N_ELEMENTS(tags); i++) {
		unsigned char *block = block_new(&content, &usual), *anew;

		(void)snprintf(label.etag, sizeof(label.etag), "%s", tags[i]);
		anew = block_new(&content, &label);
		assert_true(pwned_block_relabel(block, label.day, label.origin,
						tags[i]));
		assert_memory_equal(block, anew, PWNED_BLOCK_BYTES);
		free(block);
		free(anew);
	}
}

static void a_tag_that_does_not_fit_changes_nothing(void **state)
{
	char longest[PWNED_ETAG_MAX + 1], longer[PWNED_ETAG_MAX + 2];
	unsigned char *block, *before;
	struct content content;

	(void)state;
	(void)snprintf(longest, sizeof(longest), "\"%0*d\"", PWNED_ETAG_MAX - 2,
		       0);
	(void)snprintf(longer, sizeof(longer), "\"%0*d\"", PWNED_ETAG_MAX - 1,
		       0);
	content_init(&content, 715);
	block = block_new(&content, &usual);
	before = block_new(&content, &usual);
	assert_false(pwned_block_relabel(block, 20007, 9, longest));
	assert_memory_equal(block, before, PWNED_BLOCK_BYTES);
	free(block);
	free(before);

	content_init(&content, 3);
	block = block_new(&content, &usual);
	assert_false(pwned_block_relabel(block, 20007, 9, longer));
	assert_true(pwned_block_relabel(block, 20007, 9, longest));
	assert_content(block, &content);
	free(block);
}

static void content_is_compared_without_the_label(void **state)
{
	struct pwned_range_label label = {
		.prefix = usual.prefix, .day = 1, .origin = 2, .etag = "\"x\""
	};
	struct content content;
	unsigned char *one, *two;

	(void)state;
	content_init(&content, LENGTH);
	one = block_new(&content, &usual);
	two = block_new(&content, &label);
	assert_true(pwned_block_same_content(one, one));
	assert_true(pwned_block_same_content(one, two));
	free(two);
	label.prefix ^= 1;
	two = block_new(&content, &label);
	assert_false(pwned_block_same_content(one, two));
	free(two);
	free(one);
}

static void another_content_is_told_apart(void **state)
{
	struct content content, other;
	unsigned char *one, *two;

	(void)state;
	content_init(&content, LENGTH);
	one = block_new(&content, &usual);
	for (unsigned int i = 0; i < 4; i++) {
		content_init(&other, LENGTH);
		switch (i) {
		case 0: /* a hash in another's place */
			other.keys[300] += 256;
			break;
		case 1: /* a count, small and large */
			other.counts[301]++;
			break;
		case 2:
			other.counts[75] ^= 1;
			break;
		case 3: /* the last one gone */
			other.length--;
			break;
		}
		two = block_new(&other, &usual);
		assert_false(pwned_block_same_content(one, two));
		free(two);
	}
	/* the same bytes are other hashes in another place */
	for (unsigned int at = 13; at <= 14; at++) {
		two = block_new(&content, &usual);
		two[at]++;
		assert_false(pwned_block_same_content(one, two));
		free(two);
	}
	free(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_are_quoted_and_printable),
		cmocka_unit_test(a_key_has_its_place),
		cmocka_unit_test(the_form_is_what_is_documented),
		cmocka_unit_test(the_checksum_is_that_of_plain_c),
		cmocka_unit_test(every_entry_is_found),
		cmocka_unit_test(a_crowd_is_found_as_well),
		cmocka_unit_test(what_fits_is_written),
		cmocka_unit_test(a_block_belongs_to_its_place),
		cmocka_unit_test(what_is_not_ours_is_not_believed),
		cmocka_unit_test(a_newer_form_is_told_apart),
		cmocka_unit_test(sizes_that_lie_are_seen),
		cmocka_unit_test(maps_that_lie_lead_nowhere),
		cmocka_unit_test(a_count_missing_in_the_list_is_255),
		cmocka_unit_test(a_tag_that_is_none_is_not_told),
		cmocka_unit_test(relabel_is_writing_anew),
		cmocka_unit_test(a_tag_that_does_not_fit_changes_nothing),
		cmocka_unit_test(content_is_compared_without_the_label),
		cmocka_unit_test(another_content_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
