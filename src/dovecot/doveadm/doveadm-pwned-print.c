/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints what others have made, as the formatter needs it. */

#include "lib.h"
#include "str.h"
#include "unichar.h"
#include "doveadm-print-private.h"
#include "doveadm-pwned-print.h"

#include <poll.h>
#include <unistd.h>

/* The formatter is doveadm's secret, but it calls its functions. So they are
   ours for the time of one call. */
enum form {
	FORM_PLAIN, /* any other: prints what it gets */
	FORM_TABLE, /* so does it */
	FORM_JSON,
	FORM_SERVER,

	FORMS
};

typedef void header_func(const struct doveadm_print_header *header);

static enum form form;
static header_func *header_funcs[FORMS];

static void found(enum form which, const struct doveadm_print_header *header)
{
	form = which;
	header_funcs[which](header);
}

static void header_of_table(const struct doveadm_print_header *header)
{
	found(FORM_TABLE, header);
}

static void header_of_json(const struct doveadm_print_header *header)
{
	found(FORM_JSON, header);
}

static void header_of_server(const struct doveadm_print_header *header)
{
	found(FORM_SERVER, header);
}

static const struct {
	const char *name;
	header_func *func;
} probes[FORMS] = {
	[FORM_TABLE] = { "table", header_of_table },
	[FORM_JSON] = { "json", header_of_json },
	[FORM_SERVER] = { "server", header_of_server },
};

/* They are no constants, though the list has them so. */
static struct doveadm_print_vfuncs *find_formatter(const char *name)
{
	for (unsigned int i = 0; doveadm_print_vfuncs_all[i] != NULL; i++) {
		if (strcmp(doveadm_print_vfuncs_all[i]->name, name) == 0)
			return (void *)(uintptr_t)doveadm_print_vfuncs_all[i];
	}
	return NULL;
}

static void exchange(bool ours)
{
	for (enum form i = FORM_TABLE; i < FORMS; i++) {
		struct doveadm_print_vfuncs *formatter =
			find_formatter(probes[i].name);

		if (formatter == NULL)
			continue;
		if (ours) {
			header_funcs[i] = formatter->header;
			formatter->header = probes[i].func;
		} else {
			formatter->header = header_funcs[i];
		}
	}
}

void doveadm_pwned_print_begin(const char *fallback, const char *key,
			       const char *title)
{
	form = FORM_PLAIN;
	doveadm_print_init(fallback);
	exchange(TRUE);
	doveadm_print_header(key, title, 0);
	exchange(FALSE);
}

bool doveadm_pwned_prints_table(void)
{
	return form == FORM_TABLE;
}

/* Controls, and what turns the direction of a line. */
static bool is_plain(unichar_t c)
{
	return c >= 0x20 && (c < 0x7f || c >= 0xa0) &&
	       (c < 0x200e || c > 0x200f) && (c < 0x2028 || c > 0x202e) &&
	       (c < 0x2066 || c > 0x2069);
}

const char *doveadm_pwned_plain(const char *text)
{
	size_t size = strlen(text);
	string_t *plain = t_str_new(size + 1);

	for (size_t i = 0; i < size;) {
		unichar_t c;
		int length = uni_utf8_get_char_n(text + i, size - i, &c);

		if (length > 0 && is_plain(c)) {
			str_append_data(plain, text + i, (size_t)length);
			i += (size_t)length;
		} else {
			str_append_c(plain, '?');
			i += length > 0 ? (size_t)length : 1;
		}
	}
	return str_c(plain);
}

void doveadm_pwned_print_text(const char *text)
{
	T_BEGIN
	{
		bool escaped = form == FORM_JSON || form == FORM_SERVER;

		doveadm_print(escaped ? text : doveadm_pwned_plain(text));
	}
	T_END;
}

bool doveadm_pwned_print_is_read(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) <= 0 || (out.revents & POLLERR) == 0;
}
