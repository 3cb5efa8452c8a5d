/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Feeds a fuzz target files, where there is no libFuzzer to do it. */

#include "fuzz.h"

#include <stdio.h>

#define INPUT_MAX (8U * 1024 * 1024)

/* The target gets a block of exactly the input's size, so that a sanitizer
   sees a read behind its end. */
static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);
	size_t size;
	int ret = -1;

	if (file == NULL || data == NULL) {
		perror(path);
	} else {
		size = fread(data, 1, INPUT_MAX, file);
		if (ferror(file) || !feof(file)) {
			fprintf(stderr, "%s: cannot be read whole\n", path);
		} else {
			uint8_t *exact = realloc(data, size > 0 ? size : 1);

			if (exact != NULL)
				data = exact;
			ret = LLVMFuzzerTestOneInput(data, size);
		}
	}
	if (file != NULL)
		(void)fclose(file);
	free(data);
	return ret;
}

int main(int argc, char *argv[])
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 64;
	}
	for (int i = 1; i < argc; i++) {
		if (replay(argv[i]) != 0)
			return 1;
	}
	printf("%d inputs replayed\n", argc - 1);
	return 0;
}
