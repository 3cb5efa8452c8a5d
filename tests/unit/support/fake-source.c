/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source for tests. */

#include "fake-source.h"
#include "unit.h"

struct pwned_fetch {
	bool running;
	uint32_t prefix;
	bool urgent;
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

struct pwned_source *pwned_source_new(const struct pwned_settings *set,
				      const char *proxy_auth,
				      struct pwned_loop *loop,
				      const struct pwned_log *log,
				      pwned_range_callback *fetched,
				      void *context,
				      struct pwned_error *error_r)
{
	(void)set;
	(void)loop;
	(void)log;
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
				       uint32_t prefix, bool urgent,
				       pwned_fetch_callback *callback,
				       void *context,
				       enum pwned_reason *reason_r)
{
	struct pwned_fetch *fetch = &source->fetches[fake_source.length];

	if (fake_source.known != PWNED_REASON_NONE) {
		*reason_r = fake_source.known;
		return NULL;
	}
	assert_true(fake_source.length < FAKE_SOURCE_FETCHES_MAX);
	*fetch = (struct pwned_fetch){ .running = true,
				       .prefix = prefix,
				       .urgent = urgent,
				       .callback = callback,
				       .context = context };
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

bool fake_source_is_urgent(unsigned int number)
{
	return fetch_of(number)->urgent;
}

void fake_source_end(unsigned int number, enum pwned_reason reason,
		     struct pwned_range *range)
{
	struct pwned_fetch *fetch = fetch_of(number);

	fetch_end(fetch);
	if (range != NULL)
		the_source.fetched(the_source.context, fetch->prefix, range);
	fetch->callback(fetch->context, reason, range);
}
