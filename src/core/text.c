/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The texts that customers read. */

#include "text.h"

#include <string.h>

#define PLACEHOLDER_URL "{url}"

static const char default_refusal_send[] =
	"Sending is blocked: this password appears in a known data breach. "
	"Choose a new one: " PLACEHOLDER_URL;
static const char default_refusal_access[] =
	"Access is blocked: this password appears in a known data breach. "
	"Choose a new one: " PLACEHOLDER_URL;
static const char default_warning[] =
	"Your mail password appears in a known data breach. "
	"Choose a new one: " PLACEHOLDER_URL;
static const char no_url[] = "ask your mail provider";

/* Appends size bytes at *used. Returns false, with what fits, where they do
   not. */
static bool append(struct pwned_text *text, size_t *used, const char *data,
		   size_t size)
{
	size_t room = PWNED_TEXT_MAX - *used;
	size_t fits = size < room ? size : room;

	memcpy(text->text + *used, data, fits);
	*used += fits;
	text->text[*used] = '\0';
	return fits == size;
}

static bool expand(const char *pattern, const char *url,
		   struct pwned_text *text_r)
{
	const char *place;
	size_t used = 0;

	if (*url == '\0')
		url = no_url;
	while ((place = strstr(pattern, PLACEHOLDER_URL)) != NULL) {
		if (!append(text_r, &used, pattern,
			    (size_t)(place - pattern)) ||
		    !append(text_r, &used, url, strlen(url)))
			return false;
		pattern = place + strlen(PLACEHOLDER_URL);
	}
	return append(text_r, &used, pattern, strlen(pattern));
}

/* MTAs announce themselves as smtp, Dovecot's own server as submission. */
static bool service_sends(const char *service)
{
	return strcmp(service, "smtp") == 0 ||
	       strcmp(service, "submission") == 0;
}

static const char *refusal_pattern(const struct pwned_settings *set,
				   const char *service)
{
	if (*set->message != '\0')
		return set->message;
	return service_sends(service) ? default_refusal_send :
					default_refusal_access;
}

static const char *warning_pattern(const struct pwned_settings *set)
{
	return *set->warning != '\0' ? set->warning : default_warning;
}

void pwned_text_refusal(const struct pwned_settings *set, const char *service,
			struct pwned_text *text_r)
{
	(void)expand(refusal_pattern(set, service), set->url, text_r);
}

void pwned_text_warning(const struct pwned_settings *set,
			struct pwned_text *text_r)
{
	(void)expand(warning_pattern(set), set->url, text_r);
}

bool pwned_texts_fit(const struct pwned_settings *set,
		     enum pwned_setting_id *id_r)
{
	struct pwned_text text;

	if (!expand(refusal_pattern(set, "smtp"), set->url, &text)) {
		*id_r = *set->message != '\0' ? PWNED_SET_MESSAGE :
						PWNED_SET_URL;
		return false;
	}
	if (!expand(warning_pattern(set), set->url, &text)) {
		*id_r = *set->warning != '\0' ? PWNED_SET_WARNING :
						PWNED_SET_URL;
		return false;
	}
	return true;
}
