/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Password to prefix and key, and what is left of the password. */

#include "support/unit.h"
#include "digest.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* by sha1sum: prefix, the 48 bits behind it */
static const struct {
	const char *password;
	size_t size;
	struct pwned_digest digest;
} known[] = {
	{ "", 0, { 0xda39a, 0x3ee5e6b4b0d3 } },
	{ "password", 8, { 0x5baa6, 0x1e4c9b93f3f0 } },
	{ "123456", 6, { 0x7c4a8, 0xd09ca3762af6 } },
	{ "pass\0word", 9, { 0x726cc, 0xdbd77cc9bb88 } },
	{ "p\303\244ssword", 9, { 0x23b74, 0x494475f5f874 } },
};

/* runs of the letter a around the edges of SHA-1's blocks */
static const struct {
	size_t size;
	struct pwned_digest digest;
} known_runs[] = {
	{ 55, { 0xc1c8b, 0xbdc22796e28c } },
	{ 56, { 0xc2db3, 0x30f6083854c9 } },
	{ 63, { 0x03f09, 0xf5b158a7a8cd } },
	{ 64, { 0x0098b, 0xa824b5c16427 } },
	{ 65, { 0x11655, 0x326c708d7031 } },
	{ 128, { 0xad5b3, 0xfdbcb526778c } },
};

static void assert_digest(const struct pwned_digest *digest,
			  const struct pwned_digest *expected)
{
	assert_int_equal(digest->prefix, expected->prefix);
	assert_int_equal(digest->key, expected->key);
}

static void known_passwords_have_their_digests(void **state)
{
	struct pwned_hasher *hasher = pwned_hasher_new();
	struct pwned_digest digest;

	(void)state;
	assert_non_null(hasher);
	for (size_t i = 0; i < N_ELEMENTS(known); i++) {
		assert_true(pwned_hasher_digest(hasher, known[i].password,
						known[i].size, &digest));
		assert_digest(&digest, &known[i].digest);
	}
	pwned_hasher_free(hasher);
}

static void block_edges_are_right(void **state)
{
	struct pwned_hasher *hasher = pwned_hasher_new();
	struct pwned_digest digest;
	char password[128];

	(void)state;
	assert_non_null(hasher);
	memset(password, 'a', sizeof(password));
	for (size_t i = 0; i < N_ELEMENTS(known_runs); i++) {
		assert_true(pwned_hasher_digest(hasher, password,
						known_runs[i].size, &digest));
		assert_digest(&digest, &known_runs[i].digest);
	}
	pwned_hasher_free(hasher);
}

static void wipe_leaves_nothing(void **state)
{
	struct pwned_digest digest = { .prefix = 0x5baa6, .key = 1 };
	static const struct pwned_digest empty;

	(void)state;
	pwned_digest_wipe(&digest);
	assert_memory_equal(&digest, &empty, sizeof(digest));
}

static void prefix_is_five_upper_case_digits(void **state)
{
	char hex[PWNED_PREFIX_HEX + 1];

	(void)state;
	pwned_prefix_write(0, hex);
	assert_string_equal(hex, "00000");
	pwned_prefix_write(0xabc, hex);
	assert_string_equal(hex, "00ABC");
	pwned_prefix_write(PWNED_PREFIX_COUNT - 1, hex);
	assert_string_equal(hex, "FFFFF");
}

/* OpenSSL's allocations, so that a test can look into them. */
struct block {
	struct block *next, *previous;
	size_t size;
	max_align_t data[];
};

static struct block blocks = { .next = &blocks, .previous = &blocks };
static const char secret[] = "a password of 29 bytes, seen!";

static bool holds_secret(const struct block *block)
{
	return memmem(block->data, block->size, secret, sizeof(secret) - 1) !=
	       NULL;
}

static void block_link(struct block *block)
{
	block->next = &blocks;
	block->previous = blocks.previous;
	block->previous->next = block;
	blocks.previous = block;
}

static void *block_alloc(size_t size, const char *file, int line)
{
	struct block *block = malloc(sizeof(*block) + size);

	(void)file;
	(void)line;
	if (block == NULL)
		return NULL;
	block->size = size;
	block_link(block);
	return block->data;
}

static struct block *block_of(void *data)
{
	return (void *)((char *)data - offsetof(struct block, data));
}

static void block_free(void *data, const char *file, int line)
{
	struct block *block;

	(void)file;
	(void)line;
	if (data == NULL)
		return;
	block = block_of(data);
	assert_false(holds_secret(block));
	block->next->previous = block->previous;
	block->previous->next = block->next;
	free(block);
}

static void *block_realloc(void *data, size_t size, const char *file, int line)
{
	void *copy = block_alloc(size, file, line);
	size_t old_size;

	if (copy == NULL || data == NULL)
		return copy;
	old_size = block_of(data)->size;
	memcpy(copy, data, old_size < size ? old_size : size);
	block_free(data, file, line);
	return copy;
}

static unsigned int blocks_with_secret(void)
{
	unsigned int count = 0;

	for (struct block *b = blocks.next; b != &blocks; b = b->next)
		count += holds_secret(b);
	return count;
}

static void no_copy_of_the_password_is_left(void **state)
{
	struct pwned_hasher *hasher = pwned_hasher_new();
	struct pwned_digest digest;
	void *planted;

	(void)state;
	assert_non_null(hasher);
	assert_true(pwned_hasher_digest(hasher, secret, sizeof(secret) - 1,
					&digest));
	assert_int_equal(blocks_with_secret(), 0);
	pwned_hasher_free(hasher);

	/* the search would have found one */
	planted = OPENSSL_malloc(sizeof(secret));
	memcpy(planted, secret, sizeof(secret));
	assert_int_equal(blocks_with_secret(), 1);
	OPENSSL_clear_free(planted, sizeof(secret));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_passwords_have_their_digests),
		cmocka_unit_test(block_edges_are_right),
		cmocka_unit_test(wipe_leaves_nothing),
		cmocka_unit_test(prefix_is_five_upper_case_digits),
		cmocka_unit_test(no_copy_of_the_password_is_left),
	};

	/* possible only before OpenSSL's first allocation */
	if (CRYPTO_set_mem_functions(block_alloc, block_realloc, block_free) !=
	    1) {
		fprintf(stderr, "OpenSSL takes no allocator\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
