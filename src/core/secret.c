/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes that wipe themselves. */

#include "secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

void pwned_wipe(void *data, size_t size)
{
	OPENSSL_cleanse(data, size);
}

bool pwned_secret_set(struct pwned_secret *secret, const void *data,
		      size_t size)
{
	pwned_secret_free(secret);
	secret->data = malloc(size + 1);
	if (secret->data == NULL)
		return false;
	memcpy(secret->data, data, size);
	secret->data[size] = '\0';
	secret->size = size;
	return true;
}

void pwned_secret_free(struct pwned_secret *secret)
{
	if (secret->data != NULL) {
		pwned_wipe(secret->data, secret->size);
		free(secret->data);
	}
	secret->data = NULL;
	secret->size = 0;
}
