/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is not checked. */

#include "exempt.h"
#include "flag.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum kind {
	KIND_USER,
	KIND_DOMAIN,
	KIND_NETWORK,
};

/* An IPv4 address is kept as the IPv6 one that is mapped to it (RFC 4291,
   2.5.5.2): clients come as either. */
struct address {
	unsigned char bytes[16];
};

struct exemption {
	enum kind kind;
	const char *name; /* of a domain without the @ */
	struct address network;
	unsigned int bits;
};

struct pwned_exempt {
	char *text; /* to which the names point */
	size_t length;
	struct exemption *list;
};

#define IPV4_FIRST_BYTE 12
#define IPV4_FIRST_BIT  (IPV4_FIRST_BYTE * 8)

static bool parse_address(const char *text, struct address *address_r,
			  bool *is_ipv4_r)
{
	static const struct address mapped = {
		.bytes = { [10] = 0xff, [11] = 0xff }
	};

	*address_r = mapped;
	*is_ipv4_r = inet_pton(AF_INET, text,
			       address_r->bytes + IPV4_FIRST_BYTE) == 1;
	return *is_ipv4_r || inet_pton(AF_INET6, text, address_r->bytes) == 1;
}

/* The bits behind a slash; none: all. */
static bool parse_bits(const char *text, unsigned int max, unsigned int *bits_r)
{
	unsigned long bits = max;
	char *end;

	if (text != NULL) {
		errno = 0;
		bits = strtoul(text, &end, 10);
		if (!isdigit((unsigned char)*text) || *end != '\0' ||
		    errno != 0 || bits > max)
			return false;
	}
	*bits_r = (unsigned int)bits;
	return true;
}

static bool bits_are_equal(const struct address *one, const struct address *two,
			   unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;
	unsigned int mask = (0xff00U >> rest) & 0xff;

	return memcmp(one->bytes, two->bytes, whole) == 0 &&
	       (rest == 0 ||
		((one->bytes[whole] ^ two->bytes[whole]) & mask) == 0);
}

/* Words that begin like an address are meant as one. */
static bool looks_like_network(const char *word)
{
	return strchr(word, '@') == NULL &&
	       (strchr(word, '/') != NULL || strchr(word, ':') != NULL ||
		word[strspn(word, "0123456789.")] == '\0');
}

static bool parse_network(char *word, struct exemption *exemption)
{
	char *slash = strchr(word, '/');
	bool is_ipv4, ok;

	if (slash != NULL)
		*slash = '\0';
	ok = parse_address(word, &exemption->network, &is_ipv4) &&
	     parse_bits(slash == NULL ? NULL : slash + 1, is_ipv4 ? 32 : 128,
			&exemption->bits);
	if (slash != NULL)
		*slash = '/';
	if (ok && is_ipv4)
		exemption->bits += IPV4_FIRST_BIT;
	exemption->kind = KIND_NETWORK;
	return ok;
}

static bool parse_word(char *word, struct exemption *exemption,
		       struct pwned_error *error_r)
{
	if (looks_like_network(word))
		return parse_network(word, exemption) ||
		       pwned_error_set(error_r,
				       "'%s' is not a network: expected one "
				       "such as 192.0.2.0/24 or 2001:db8::/32",
				       word);
	exemption->kind = *word == '@' ? KIND_DOMAIN : KIND_USER;
	exemption->name = *word == '@' ? word + 1 : word;
	if (*exemption->name == '\0' || (exemption->kind == KIND_DOMAIN &&
					 strchr(exemption->name, '@') != NULL))
		return pwned_error_set(error_r,
				       "'%s' is not a domain: expected one "
				       "such as @example.com",
				       word);
	return true;
}

static bool parse_words(struct pwned_exempt *exempt,
			struct pwned_error *error_r)
{
	char *save = NULL, *word;

	for (word = strtok_r(exempt->text, " \t", &save); word != NULL;
	     word = strtok_r(NULL, " \t", &save)) {
		if (!parse_word(word, &exempt->list[exempt->length++], error_r))
			return false;
	}
	return true;
}

bool pwned_exempt_parse(const char *text, struct pwned_exempt **exempt_r,
			struct pwned_error *error_r)
{
	struct pwned_exempt *exempt = calloc(1, sizeof(*exempt));
	bool ok = exempt != NULL;

	if (ok) {
		exempt->text = strdup(text);
		/* each word but the last has a space behind it */
		exempt->list =
			calloc(strlen(text) / 2 + 1, sizeof(*exempt->list));
		ok = exempt->text != NULL && exempt->list != NULL;
	}
	if (!ok)
		(void)pwned_error_set(error_r, "out of memory");
	else
		ok = parse_words(exempt, error_r);
	if (!ok)
		pwned_exempt_free(&exempt);
	*exempt_r = exempt;
	return ok;
}

void pwned_exempt_free(struct pwned_exempt **_exempt)
{
	struct pwned_exempt *exempt = *_exempt;

	*_exempt = NULL;
	if (exempt == NULL)
		return;
	free(exempt->text);
	free(exempt->list);
	free(exempt);
}

static bool matches(const struct exemption *exemption, const char *user,
		    const char *domain, const struct address *address)
{
	switch (exemption->kind) {
	case KIND_USER:
		return user != NULL && strcasecmp(exemption->name, user) == 0;
	case KIND_DOMAIN:
		return user != NULL && strcasecmp(exemption->name, domain) == 0;
	case KIND_NETWORK:
		return address != NULL &&
		       bits_are_equal(&exemption->network, address,
				      exemption->bits);
	}
	return false;
}

bool pwned_exempt_has(const struct pwned_exempt *exempt, const char *user,
		      const char *address)
{
	const char *domain = user == NULL ? "" : pwned_user_domain(user);
	struct address client;
	bool is_ipv4, has_address;

	if (exempt->length == 0)
		return false;
	has_address =
		address != NULL && parse_address(address, &client, &is_ipv4);
	for (size_t i = 0; i < exempt->length; i++) {
		if (matches(&exempt->list[i], user, domain,
			    has_address ? &client : NULL))
			return true;
	}
	return false;
}
