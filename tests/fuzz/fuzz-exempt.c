/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is exempt: a line of words, then one with a user, then one with an
   address. What is no list is refused with a text; one who is named is. */

#include "exempt.h"
#include "fuzz.h"

#include <string.h>

#define TEXT_MAX 4096

/* The line that the text begins with; the text goes on behind it. "" where
   there is none. */
static char *next_line(char **text)
{
	char *line = *text, *end = line + strcspn(line, "\n");

	*text = *end == '\0' ? end : end + 1;
	*end = '\0';
	return line;
}

static void check_lists(const struct pwned_exempt *exempt, char *words,
			const char *user, const char *address)
{
	char *word;

	while ((word = strsep(&words, " \t")) != NULL) {
		if (strchr(word, '@') > word && strcmp(word, user) == 0)
			FUZZ_ASSERT(pwned_exempt_has(exempt, user, NULL));
	}
	/* whoever is exempt by himself is so wherever he is */
	FUZZ_ASSERT(!pwned_exempt_has(exempt, user, NULL) ||
		    pwned_exempt_has(exempt, user, address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pwned_exempt *exempt;
	struct pwned_error error = { .text = "" };
	char text[TEXT_MAX + 1], *rest = text, *words, *user, *address;

	if (size > TEXT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	words = next_line(&rest);
	user = next_line(&rest);
	address = next_line(&rest);
	if (pwned_exempt_parse(words, &exempt, &error)) {
		check_lists(exempt, words, user, address);
		pwned_exempt_free(&exempt);
	} else {
		FUZZ_ASSERT(*error.text != '\0');
	}
	return 0;
}
