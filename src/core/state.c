/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of the state file. */

#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM           "dovecot-pwned state "
#define FORM_FIRST     FORM "1"
#define LINE_MAX_SIZE  1024
#define COUNTED_PREFIX "counted_"
#define MEMBER(name)   offsetof(struct pwned_state, name)

/* Later than this is not later, but of a clock that was wrong. */
#define CLOCK_ERROR_SECS 3600
/* An hour is all that the brake looks back. */
#define STALE_SECS 3600

/* So many fit into a line, at 29 bytes each. */
#define USERS_PER_LINE 32

#define SECS_MAX    (PWNED_STATE_SECS_END - 1)
#define MINUTES_MAX (SECS_MAX / 60)

/* What is one number a line. */
static const struct number {
	const char *name;
	size_t offset; /* of a uint64_t */
	uint64_t max;
} numbers[] = {
	{ "started", MEMBER(started_secs), SECS_MAX },
	{ "pid", MEMBER(pid), INT_MAX },
	{ "written", MEMBER(written_secs), SECS_MAX },
	{ "queue", MEMBER(queue_length), UINT64_MAX },
	{ "queue_max", MEMBER(queue_length_max), UINT64_MAX },
	{ "counted_since", MEMBER(since_secs), SECS_MAX },
	{ "brake_resumed", MEMBER(resumed_secs), SECS_MAX },
	{ "brake_saved_minute", MEMBER(brake.saved_minute), MINUTES_MAX },
	{ "brake_engaged_minute", MEMBER(brake.engaged_minute), MINUTES_MAX },
	{ "brake_seed", MEMBER(brake.seed), UINT64_MAX },
	{ "brake_sample_bits", MEMBER(brake.sample_bits),
	  PWNED_BRAKE_SAMPLE_BITS_MAX },
};

static const struct flag {
	const char *name;
	size_t offset; /* of a bool */
} flags[] = {
	{ "ended", MEMBER(ended) },
	{ "brake_engaged", MEMBER(brake.engaged) },
};

#define N_ELEMENTS(array) (sizeof(array) / sizeof(*(array)))

bool pwned_state_add_source(struct pwned_state *state,
			    const struct pwned_breaker_snapshot *breaker,
			    const char *name, size_t name_size)
{
	struct pwned_state_source *source;

	if (state->sources_length == PWNED_SOURCES_MAX)
		return false;
	source = &state->sources[state->sources_length++];
	source->breaker = *breaker;
	if (name_size > PWNED_STATE_NAME_MAX)
		name_size = PWNED_STATE_NAME_MAX;
	memcpy(source->name, name, name_size);
	source->name[name_size] = '\0';
	return true;
}

bool pwned_state_is_newer(const struct pwned_state *there,
			  const struct pwned_state *mine)
{
	if (there->ended ||
	    there->written_secs + STALE_SECS < mine->written_secs ||
	    there->started_secs > mine->written_secs + CLOCK_ERROR_SECS)
		return false;
	if (there->started_secs != mine->started_secs)
		return there->started_secs > mine->started_secs;
	return there->pid > mine->pid;
}

struct text {
	char *data;
	size_t size, used; /* used > size: it did not fit */
};

static void print(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void print(struct text *text, const char *format, ...)
{
	va_list args;
	int size;

	if (text->used > text->size)
		return;
	va_start(args, format);
	size = vsnprintf(text->data + text->used, text->size - text->used,
			 format, args);
	va_end(args);
	/* a text that just fits has no room for the NUL, and does not fit */
	if (size < 0 || (size_t)size >= text->size - text->used)
		text->used = text->size + 1;
	else
		text->used += (size_t)size;
}

static void print_source(struct text *text,
			 const struct pwned_state_source *source)
{
	print(text, "breaker = %08" PRIx32 " %" PRIu64 " %u %s\n",
	      source->breaker.origin, source->breaker.open_until_secs,
	      source->breaker.openings, source->name);
}

/* Hash, minutes since the user was verified, since that was where a denial is
   possible, since he was newly denied, and whether he stays denied:
   9f86d081884c7d65:0:3:60:0 */
static void print_user(struct text *text, const struct pwned_brake_user *user)
{
	print(text, " %016" PRIx64 ":%u:%u:%u:%u", user->hash,
	      user->ages[PWNED_BRAKE_VERIFIED],
	      user->ages[PWNED_BRAKE_MAY_DENY],
	      user->ages[PWNED_BRAKE_NEWLY_DENIED], user->denied);
}

static void print_users(struct text *text,
			const struct pwned_brake_snapshot *brake)
{
	for (unsigned int i = 0; i < brake->users_length; i++) {
		if (i % USERS_PER_LINE == 0)
			print(text,
			      i == 0 ? "brake_users =" : "\nbrake_users =");
		print_user(text, &brake->users[i]);
	}
	if (brake->users_length > 0)
		print(text, "\n");
}

size_t pwned_state_print(const struct pwned_state *state, char *text_r,
			 size_t size)
{
	struct text text = { .data = text_r, .size = size };

	print(&text, FORM_FIRST "\n");
	for (unsigned int i = 0; i < N_ELEMENTS(numbers); i++)
		print(&text, "%s = %" PRIu64 "\n", numbers[i].name,
		      *(const uint64_t *)((const char *)state +
					  numbers[i].offset));
	for (unsigned int i = 0; i < N_ELEMENTS(flags); i++)
		print(&text, "%s = %s\n", flags[i].name,
		      *(const bool *)((const char *)state + flags[i].offset) ?
			      "yes" :
			      "no");
	print(&text, "store = %s\n", state->store_mode);
	for (unsigned int i = 0; i < PWNED_COUNTERS; i++)
		print(&text, COUNTED_PREFIX "%s = %" PRIu64 "\n",
		      pwned_counter_name(i), state->counters[i]);
	for (unsigned int i = 0; i < state->sources_length; i++)
		print_source(&text, &state->sources[i]);
	print_users(&text, &state->brake);
	return text.used > text.size ? 0 : text.used;
}

/* Takes digits only, no sign or blank, and moves *p behind them. */
static bool take_number(const char **p, int base, uint64_t max,
			uint64_t *number_r)
{
	static const char digits[] = "0123456789abcdef";
	size_t size = strspn(*p, base == 16 ? digits : "0123456789");
	char *end;

	if (size == 0)
		return false;
	errno = 0;
	*number_r = strtoull(*p, &end, base);
	/* strtoull() would read more in 0x1 */
	if (errno != 0 || *number_r > max || end != *p + size)
		return false;
	*p = end;
	return true;
}

static bool take(const char **p, char expected)
{
	if (**p != expected)
		return false;
	(*p)++;
	return true;
}

static bool parse_number(const char *value, uint64_t max, uint64_t *number_r)
{
	return take_number(&value, 10, max, number_r) && *value == '\0';
}

static bool parse_flag(const char *value, bool *flag_r)
{
	*flag_r = strcmp(value, "yes") == 0;
	return *flag_r || strcmp(value, "no") == 0;
}

static bool parse_word(const char *value, char *word_r)
{
	size_t size = strspn(value, "abcdefghijklmnopqrstuvwxyz-");

	if (size > PWNED_STATE_WORD_MAX || value[size] != '\0')
		return false;
	memcpy(word_r, value, size + 1);
	return true;
}

static bool is_printable(const char *text)
{
	while (*text > ' ' && *text <= '~')
		text++;
	return *text == '\0';
}

static bool parse_source(const char *value, struct pwned_state *state)
{
	struct pwned_breaker_snapshot breaker;
	uint64_t origin, openings;

	if (!take_number(&value, 16, UINT32_MAX, &origin) ||
	    !take(&value, ' ') ||
	    !take_number(&value, 10, SECS_MAX, &breaker.open_until_secs) ||
	    !take(&value, ' ') ||
	    !take_number(&value, 10, UINT_MAX, &openings) ||
	    !take(&value, ' ') || !is_printable(value) ||
	    strlen(value) > PWNED_STATE_NAME_MAX)
		return false;
	breaker.origin = (uint32_t)origin;
	breaker.openings = (unsigned int)openings;
	return pwned_state_add_source(state, &breaker, value, strlen(value));
}

static bool take_user(const char **p, struct pwned_brake_user *user_r)
{
	uint64_t age, denied;

	if (!take_number(p, 16, UINT64_MAX, &user_r->hash) || user_r->hash == 0)
		return false;
	for (unsigned int o = 0; o < PWNED_BRAKE_OCCASIONS; o++) {
		if (!take(p, ':') ||
		    !take_number(p, 10, PWNED_BRAKE_MINUTES, &age))
			return false;
		user_r->ages[o] = (uint8_t)age;
	}
	if (!take(p, ':') || !take_number(p, 10, 1, &denied))
		return false;
	user_r->denied = denied != 0;
	return true;
}

static bool parse_users(const char *value, struct pwned_brake_snapshot *brake)
{
	do {
		if (brake->users_length == PWNED_BRAKE_SAVED_USERS ||
		    !take_user(&value, &brake->users[brake->users_length]))
			return false;
		brake->users_length++;
	} while (take(&value, ' '));
	return *value == '\0';
}

/* What is more than a plain number or flag. */
static bool parse_other(const char *name, const char *value,
			struct pwned_state *state)
{
	if (strcmp(name, "store") == 0)
		return parse_word(value, state->store_mode);
	if (strcmp(name, "breaker") == 0)
		return parse_source(value, state);
	if (strcmp(name, "brake_users") == 0)
		return parse_users(value, &state->brake);
	for (unsigned int i = 0; i < PWNED_COUNTERS; i++) {
		if (strncmp(name, COUNTED_PREFIX, strlen(COUNTED_PREFIX)) ==
			    0 &&
		    strcmp(name + strlen(COUNTED_PREFIX),
			   pwned_counter_name(i)) == 0)
			return parse_number(value, UINT64_MAX,
					    &state->counters[i]);
	}
	return true;
}

static bool parse_value(const char *name, const char *value,
			struct pwned_state *state)
{
	for (unsigned int i = 0; i < N_ELEMENTS(numbers); i++) {
		if (strcmp(name, numbers[i].name) == 0)
			return parse_number(value, numbers[i].max,
					    (uint64_t *)((char *)state +
							 numbers[i].offset));
	}
	for (unsigned int i = 0; i < N_ELEMENTS(flags); i++) {
		if (strcmp(name, flags[i].name) == 0)
			return parse_flag(value, (bool *)((char *)state +
							  flags[i].offset));
	}
	return parse_other(name, value, state);
}

/* `name = value`, or `name =` where the value is empty. */
static bool parse_line(char *line, struct pwned_state *state)
{
	size_t name_size = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
	char *value = line + name_size;

	if (name_size == 0 || strncmp(value, " =", 2) != 0)
		return false;
	*value = '\0';
	value += 2;
	if (*value == ' ')
		value++;
	else if (*value != '\0')
		return false;
	return parse_value(line, value, state);
}

static bool parse_first_line(const char *line, struct pwned_error *error_r)
{
	if (strcmp(line, FORM_FIRST) == 0)
		return true;
	return pwned_error_set(error_r,
			       strncmp(line, FORM, strlen(FORM)) == 0 ?
				       "line 1: written by another release" :
				       "line 1: expected \"" FORM_FIRST "\"");
}

/* Takes the next line into the buffer. One without an end was cut. */
static bool next_line(const char **text, size_t *size, char *line_r)
{
	const char *end = memchr(*text, '\n', *size);
	size_t length = end == NULL ? 0 : (size_t)(end - *text);

	if (end == NULL || length >= LINE_MAX_SIZE ||
	    memchr(*text, '\0', length) != NULL)
		return false;
	memcpy(line_r, *text, length);
	line_r[length] = '\0';
	*text += length + 1;
	*size -= length + 1;
	return true;
}

bool pwned_state_parse(const char *text, size_t size,
		       struct pwned_state *state_r, struct pwned_error *error_r)
{
	char line[LINE_MAX_SIZE];
	unsigned int number = 0;
	bool ok = true;

	memset(state_r, 0, sizeof(*state_r));
	do {
		number++;
		if (!next_line(&text, &size, line))
			ok = pwned_error_set(error_r,
					     "line %u: expected a whole line",
					     number);
		else if (number == 1)
			ok = parse_first_line(line, error_r);
		else if (!parse_line(line, state_r))
			ok = pwned_error_set(error_r,
					     "line %u: expected name = value, "
					     "of a form that fits the name",
					     number);
	} while (ok && size > 0);
	if (!ok)
		memset(state_r, 0, sizeof(*state_r));
	return ok;
}
