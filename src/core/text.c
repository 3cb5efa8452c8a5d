/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The texts that customers read. */

#include "text.h"

#include <string.h>
#include <time.h>

#define PLACEHOLDER_URL  "{url}"
#define PLACEHOLDER_DATE "{date}"

static const char default_refusal_send[] =
	"Sending is blocked: this password appears in a known data breach. "
	"Choose a new one: " PLACEHOLDER_URL;
static const char default_refusal_access[] =
	"Access is blocked: this password appears in a known data breach. "
	"Choose a new one: " PLACEHOLDER_URL;
static const char default_warning[] =
	"Your mail password appears in a known data breach. "
	"Choose a new one: " PLACEHOLDER_URL;
static const char default_warning_stop[] =
	"Your mail password appears in a known data breach. "
	"Sending stops on " PLACEHOLDER_DATE ". "
	"Choose a new one: " PLACEHOLDER_URL;
static const char default_hold[] =
	"Sending is blocked: this password appears in a known data breach. "
	"Choose a new one, then log in with it: " PLACEHOLDER_URL;
static const char default_suspension[] =
	"Sending is suspended for this account. Ask your mail provider.";
static const char no_url[] = "ask your mail provider";

/* What stands for the placeholders. */
struct words {
	const char *url;
	char date[sizeof("2026-12-31")]; /* "": none is a placeholder */
};

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

/* The word for the placeholder at the begin of the text, or NULL. */
static const char *find_word(const char *text, const struct words *words,
			     size_t *size_r)
{
	if (strncmp(text, PLACEHOLDER_URL, strlen(PLACEHOLDER_URL)) == 0) {
		*size_r = strlen(PLACEHOLDER_URL);
		return words->url;
	}
	if (*words->date != '\0' &&
	    strncmp(text, PLACEHOLDER_DATE, strlen(PLACEHOLDER_DATE)) == 0) {
		*size_r = strlen(PLACEHOLDER_DATE);
		return words->date;
	}
	return NULL;
}

/* Returns false, with what fits, where not all of it does. */
static bool expand(const char *pattern, const struct words *words,
		   struct pwned_text *text_r)
{
	size_t used = 0, size;
	bool fits = true;

	*text_r->text = '\0';
	while (fits && *pattern != '\0') {
		const char *word = find_word(pattern, words, &size);

		if (word != NULL) {
			fits = append(text_r, &used, word, strlen(word));
		} else {
			size = 1 + strcspn(pattern + 1, "{");
			fits = append(text_r, &used, pattern, size);
		}
		pattern += size;
	}
	return fits;
}

/* secs 0: no date. */
static void set_words(const struct pwned_settings *set, uint64_t secs,
		      struct words *words_r)
{
	time_t time = (time_t)secs;
	struct tm tm;

	*words_r = (struct words){
		.url = *set->url == '\0' ? no_url : set->url,
	};
	if (secs != 0 && gmtime_r(&time, &tm) != NULL)
		(void)strftime(words_r->date, sizeof(words_r->date), "%Y-%m-%d",
			       &tm);
}

static const char *refusal_pattern(const struct pwned_settings *set,
				   const char *service)
{
	if (*set->message != '\0')
		return set->message;
	return pwned_service_sends(service) ? default_refusal_send :
					      default_refusal_access;
}

static const char *warning_pattern(const struct pwned_settings *set, bool stops)
{
	if (*set->warning != '\0')
		return set->warning;
	return stops ? default_warning_stop : default_warning;
}

static const char *hold_pattern(const struct pwned_settings *set)
{
	return *set->hold_message != '\0' ? set->hold_message : default_hold;
}

static const char *suspension_pattern(const struct pwned_settings *set)
{
	return *set->suspend_message != '\0' ? set->suspend_message :
					       default_suspension;
}

static void write_text(const struct pwned_settings *set, const char *pattern,
		       uint64_t secs, struct pwned_text *text_r)
{
	struct words words;

	set_words(set, secs, &words);
	(void)expand(pattern, &words, text_r);
}

void pwned_text_refusal(const struct pwned_settings *set, const char *service,
			struct pwned_text *text_r)
{
	write_text(set, refusal_pattern(set, service), 0, text_r);
}

void pwned_text_warning(const struct pwned_settings *set, uint64_t stop_secs,
			uint64_t now_secs, struct pwned_text *text_r)
{
	write_text(set, warning_pattern(set, stop_secs > now_secs),
		   stop_secs != 0 ? stop_secs : now_secs, text_r);
}

void pwned_text_hold(const struct pwned_settings *set,
		     struct pwned_text *text_r)
{
	write_text(set, hold_pattern(set), 0, text_r);
}

void pwned_text_suspension(const struct pwned_settings *set,
			   struct pwned_text *text_r)
{
	write_text(set, suspension_pattern(set), 0, text_r);
}

/* Any day will do: all have ten letters. value "": a default, which is only too
   long where the URL is. */
static bool fits(const struct pwned_settings *set, const char *pattern,
		 const char *value, enum pwned_setting_id id,
		 enum pwned_setting_id *id_r)
{
	struct pwned_text text;
	struct words words;

	set_words(set, 1, &words);
	*id_r = *value != '\0' ? id : PWNED_SET_URL;
	return expand(pattern, &words, &text);
}

bool pwned_texts_fit(const struct pwned_settings *set,
		     enum pwned_setting_id *id_r)
{
	return fits(set, refusal_pattern(set, "smtp"), set->message,
		    PWNED_SET_MESSAGE, id_r) &&
	       fits(set,
		    warning_pattern(set, pwned_policy_has_grace(set->policy)),
		    set->warning, PWNED_SET_WARNING, id_r) &&
	       (!pwned_policy_has_hold(set->policy) ||
		fits(set, hold_pattern(set), set->hold_message,
		     PWNED_SET_HOLD_MESSAGE, id_r)) &&
	       fits(set, suspension_pattern(set), set->suspend_message,
		    PWNED_SET_SUSPEND_MESSAGE, id_r);
}
