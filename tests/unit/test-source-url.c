/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* URLs of ranges. */

#include "support/freed.h"
#include "support/unit.h"
#include "source-url.h"

#include <string.h>

static void the_prefix_finds_its_place(void **state)
{
	static const struct {
		const char *source;
		const char *url;
	} cases[] = {
		{ "https://a.example/range/", "https://a.example/range/0ABCD" },
		{ "https://a.example/r?p=", "https://a.example/r?p=0ABCD" },
		{ "http://a/{prefix}.txt", "http://a/0ABCD.txt" },
		{ "http://a/{prefix}", "http://a/0ABCD" },
		{ "{prefix}", "0ABCD" },
		{ "http://a/{prefix}/{prefix}?{prefix}",
		  "http://a/0ABCD/0ABCD?0ABCD" },
		{ "http://a/{prefix}{prefix}", "http://a/0ABCD0ABCD" },
		/* nearly a placeholder */
		{ "http://a/{prefi", "http://a/{prefi0ABCD" },
		{ "http://a/{PREFIX}/", "http://a/{PREFIX}/0ABCD" },
		{ "http://a/{{prefix}}", "http://a/{0ABCD}" },
		{ "", "0ABCD" },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *url = pwned_url_for_prefix(cases[i].source, 0xabcd);

		assert_non_null(url);
		assert_string_equal(url, cases[i].url);
		pwned_url_free(&url);
		assert_null(url);
	}
}

static void a_url_is_wiped(void **state)
{
	char *url = pwned_url_for_prefix("https://a.example/range/", 0x5baa6);

	(void)state;
	test_freed_watch("range/5BAA6", sizeof("range/5BAA6") - 1);
	pwned_url_free(&url);
	assert_false(test_freed_had_secret());
	pwned_url_free(&url);
}

static void only_the_server_is_named(void **state)
{
	static const struct {
		const char *url;
		const char *origin;
	} cases[] = {
		{ "https://a.example/range/", "https://a.example" },
		{ "https://a.example:8443/range/5BAA6",
		  "https://a.example:8443" },
		{ "http://[::1]:80/r", "http://[::1]:80" },
		{ "http://a.example?key=secret", "http://a.example" },
		{ "http://a.example#part", "http://a.example" },
		{ "http://a.example", "http://a.example" },
		{ "a.example/range", "a.example" },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		assert_int_equal(pwned_url_origin_length(cases[i].url),
				 strlen(cases[i].origin));
	}
}

/* XXH32 of the URL as it stands; known ones stay what they are, since they are
   written in blocks on disk. */
static void a_source_has_its_number(void **state)
{
	static const struct {
		const char *url;
		uint32_t origin;
	} cases[] = {
		{ "https://api.pwnedpasswords.com/range/", 0x238f6949 },
		{ "https://api.pwnedpasswords.com/range/{prefix}", 0x76248e88 },
		{ "https://a.example/range/", 0x9299b7a1 },
		{ "", 0x02cc5d05 },
		/* 0 is no source; of this it would be the number */
		{ "aaeweALw", 1 },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		assert_int_equal(pwned_source_origin(cases[i].url),
				 cases[i].origin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_prefix_finds_its_place),
		cmocka_unit_test(a_url_is_wiped),
		cmocka_unit_test(only_the_server_is_named),
		cmocka_unit_test(a_source_has_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
