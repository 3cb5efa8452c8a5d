/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"
#include "fake-flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pwned_flags_request {
	struct fake_flags *fake;
	pwned_flags_found_callback *found;
	pwned_flags_told_callback *told;
	void *context;
};

static bool may_have(struct pwned_flags *flags, const char *user)
{
	(void)user;
	return ((struct fake_flags *)flags)->may_have;
}

static struct pwned_flags_request *request_new(struct fake_flags *fake,
					       void *context)
{
	assert_null(fake->request);
	fake->request = calloc(1, sizeof(*fake->request));
	assert_non_null(fake->request);
	fake->request->fake = fake;
	fake->request->context = context;
	return fake->request;
}

static struct pwned_flags_request *find(struct pwned_flags *flags,
					const char *user,
					pwned_flags_found_callback *callback,
					void *context)
{
	struct fake_flags *fake = (struct fake_flags *)flags;

	fake->finds++;
	(void)snprintf(fake->user, sizeof(fake->user), "%s", user);
	if (fake->refuses)
		return NULL;
	request_new(fake, context)->found = callback;
	return fake->request;
}

static struct pwned_flags_request *tell(struct pwned_flags *flags,
					const struct pwned_flag_news *news,
					pwned_flags_told_callback *callback,
					void *context)
{
	struct fake_flags *fake = (struct fake_flags *)flags;

	fake->tells++;
	fake->news = *news;
	(void)snprintf(fake->user, sizeof(fake->user), "%s", news->user);
	fake->news.user = fake->user;
	(void)snprintf(fake->service, sizeof(fake->service), "%s",
		       news->service);
	fake->news.service = fake->service;
	if (news->hold_text != NULL) {
		(void)snprintf(fake->hold_text, sizeof(fake->hold_text), "%s",
			       news->hold_text);
		fake->news.hold_text = fake->hold_text;
	}
	if (callback == NULL)
		return NULL;
	fake->waits++;
	if (fake->refuses)
		return NULL;
	request_new(fake, context)->told = callback;
	return fake->request;
}

static void forget_request(struct pwned_flags_request **request)
{
	struct fake_flags *fake = (*request)->fake;

	assert_ptr_equal(*request, fake->request);
	fake->forgotten++;
	fake->request = NULL;
	free(*request);
	*request = NULL;
}

static bool is_busy(struct pwned_flags *flags)
{
	return ((struct fake_flags *)flags)->request != NULL;
}

static void flags_free(struct pwned_flags **flags)
{
	*flags = NULL;
}

static const struct pwned_flags_vfuncs vfuncs = {
	.may_have = may_have,
	.find = find,
	.tell = tell,
	.forget_request = forget_request,
	.is_busy = is_busy,
	.free = flags_free,
};

void fake_flags_init(struct fake_flags *fake)
{
	*fake = (struct fake_flags){ .flags = { .v = &vfuncs } };
}

static struct pwned_flags_request take(struct fake_flags *fake)
{
	struct pwned_flags_request request;

	assert_non_null(fake->request);
	request = *fake->request;
	free(fake->request);
	fake->request = NULL;
	return request;
}

void fake_flags_find(struct fake_flags *fake, const struct pwned_flag *flag)
{
	struct pwned_flags_request request = take(fake);

	assert_non_null(request.found);
	request.found(request.context, flag);
}

void fake_flags_write(struct fake_flags *fake, bool written)
{
	struct pwned_flags_request request = take(fake);

	assert_non_null(request.told);
	request.told(request.context, written);
}
