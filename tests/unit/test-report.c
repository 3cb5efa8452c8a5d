/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reports: their names, and that they reach whoever wants them. */

#include "support/unit.h"
#include "report.h"

#include <string.h>

/* The names are an interface: whoever renames one has to change it here, and
   think of those who count by it. */
static const char *const states[] = { "closed", "open", "probing" };
static const char *const faults[PWNED_FAULTS] = {
	"open",    "read",    "write", "full",  "damaged",
	"removed", "stalled", "state", "flags", "hold",
};

static void every_value_has_its_name(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(states); i++)
		assert_string_equal(pwned_breaker_state_name(i), states[i]);
	for (unsigned int i = 0; i < N_ELEMENTS(faults); i++) {
		assert_non_null(faults[i]);
		assert_string_equal(pwned_store_fault_name(i), faults[i]);
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(faults[i], faults[k]);
	}
}

struct told {
	const void *report;
	enum pwned_store_fault fault;
	const char *text;
};

static void told_fetch(void *context, const struct pwned_fetch_report *report)
{
	((struct told *)context)->report = report;
}

static void told_breaker(void *context,
			 const struct pwned_breaker_report *report)
{
	((struct told *)context)->report = report;
}

static void told_store(void *context, enum pwned_store_fault fault,
		       const char *text)
{
	struct told *told = context;

	told->fault = fault;
	told->text = text;
}

static void a_report_reaches_its_function(void **state)
{
	struct told told = { .report = NULL };
	const struct pwned_reporter reporter = { .fetch = told_fetch,
						 .breaker = told_breaker,
						 .store = told_store,
						 .context = &told };
	const struct pwned_fetch_report fetch = { .status = 200 };
	const struct pwned_breaker_report breaker = { .open_secs = 30 };

	(void)state;
	pwned_report_fetch(&reporter, &fetch);
	assert_ptr_equal(told.report, &fetch);
	pwned_report_breaker(&reporter, &breaker);
	assert_ptr_equal(told.report, &breaker);
	pwned_report_store(&reporter, PWNED_FAULT_FULL, "no space");
	assert_int_equal(told.fault, PWNED_FAULT_FULL);
	assert_string_equal(told.text, "no space");
}

static void nobody_need_listen(void **state)
{
	const struct pwned_reporter nobody = { .log = NULL };
	const struct pwned_fetch_report fetch = { .status = 200 };
	const struct pwned_breaker_report breaker = { .open_secs = 30 };

	(void)state;
	pwned_report_fetch(&nobody, &fetch);
	pwned_report_breaker(&nobody, &breaker);
	pwned_report_store(&nobody, PWNED_FAULT_FULL, "no space");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_its_name),
		cmocka_unit_test(a_report_reaches_its_function),
		cmocka_unit_test(nobody_need_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
