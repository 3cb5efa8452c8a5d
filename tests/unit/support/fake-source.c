/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source for tests. */

#include "fake-source.h"
#include "unit.h"

struct pwned_fetch {
	bool running;
	uint32_t prefix;
	struct pwned_range_label known;
	enum pwned_fetch_mode mode;
	pwned_fetch_callback *callback;
	void *context;
};

struct pwned_source {
	pwned_range_callback *fetched;
	void *context;
	struct pwned_fetch fetches[FAKE_SOURCE_FETCHES_MAX];
};

struct fake_source fake_source;
static struct pwned_source the_source;

struct pwned_source *pwned_source_new(
	const struct pwned_settings *set, const char *proxy_auth,
	struct pwned_loop *loop, const struct pwned_reporter *reporter,
	struct pwned_counters *counters, pwned_range_callback *fetched,
	void *context, struct pwned_error *error_r)
{
	(void)set;
	(void)loop;
	(void)reporter;
	(void)counters;
	assert_null(proxy_auth);
	if (fake_source.unusable) {
		(void)pwned_error_set(error_r, "no libcurl");
		return NULL;
	}
	fake_source = (struct fake_source){ .length = 0 };
	the_source.fetched = fetched;
	the_source.context = context;
	return &the_source;
}

void pwned_source_free(struct pwned_source **source)
{
	if (*source != NULL)
		assert_int_equal(fake_source.running, 0);
	*source = NULL;
}

struct pwned_fetch *pwned_source_fetch(struct pwned_source *source,
				       uint32_t prefix,
				       const struct pwned_range_label *known,
				       enum pwned_fetch_mode mode,
				       pwned_fetch_callback *callback,
				       void *context, bool *probe_r,
				       enum pwned_reason *reason_r)
{
	struct pwned_fetch *fetch = &source->fetches[fake_source.length];

	*probe_r = fake_source.probe;
	if (fake_source.refuse != PWNED_REASON_NONE) {
		*reason_r = fake_source.refuse;
		return NULL;
	}
	assert_true(fake_source.length < FAKE_SOURCE_FETCHES_MAX);
	*fetch = (struct pwned_fetch){ .running = true,
				       .prefix = prefix,
				       .mode = mode,
				       .callback = callback,
				       .context = context };
	if (known != NULL)
		fetch->known = *known;
	fake_source.length++;
	fake_source.running++;
	return fetch;
}

static void fetch_end(struct pwned_fetch *fetch)
{
	assert_true(fetch->running);
	fetch->running = false;
	fake_source.running--;
}

void pwned_fetch_cancel(struct pwned_fetch **fetch)
{
	fetch_end(*fetch);
	*fetch = NULL;
}

static struct pwned_fetch *fetch_of(unsigned int number)
{
	assert_true(number < fake_source.length);
	return &the_source.fetches[number];
}

uint32_t fake_source_prefix(unsigned int number)
{
	return fetch_of(number)->prefix;
}

enum pwned_fetch_mode fake_source_mode(unsigned int number)
{
	return fetch_of(number)->mode;
}

const struct pwned_range_label *fake_source_known(unsigned int number)
{
	return &fetch_of(number)->known;
}

void fake_source_end(unsigned int number, enum pwned_reason reason,
		     struct pwned_range *range)
{
	const struct pwned_fetch_result result = {
		.reason = reason,
		.range = range,
	};
	struct pwned_fetch *fetch = fetch_of(number);

	fetch_end(fetch);
	if (range != NULL)
		the_source.fetched(the_source.context, pwned_range_label(range),
				   range);
	fetch->callback(fetch->context, &result);
}

void fake_source_not_modified(unsigned int number, uint32_t day)
{
	const struct pwned_fetch_result result = { .not_modified = true };
	struct pwned_fetch *fetch = fetch_of(number);
	struct pwned_range_label label = fetch->known;

	assert_string_not_equal(label.etag, "");
	label.day = day;
	fetch_end(fetch);
	the_source.fetched(the_source.context, &label, NULL);
	fetch->callback(fetch->context, &result);
}

unsigned int pwned_source_count(const struct pwned_source *source)
{
	(void)source;
	return 1;
}

void pwned_source_save_breaker(const struct pwned_source *source,
			       unsigned int index,
			       struct pwned_breaker_snapshot *snapshot_r)
{
	(void)source;
	assert_int_equal(index, 0);
	*snapshot_r = fake_source.breaker;
}

void pwned_source_restore_breaker(struct pwned_source *source,
				  const struct pwned_breaker_snapshot *snapshot)
{
	(void)source;
	fake_source.breaker = *snapshot;
}
