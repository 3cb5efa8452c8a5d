/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes that write the same slots at the same time, and are killed at it:
   whoever reads has a right answer or none.

   PWNED_STRESS_READS says how many reads there are; a million take some
   seconds. */

#include "support/contents.h"
#include "support/store-fixture.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "slots.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READS_DEFAULT 100000
#define DAY           19000
/* Side by side, so that writes to one disturb the next, if they do. */
#define PREFIXES 40
#define FIRST    0xabc00U
#define KILLS    20

/* Each prefix has two contents, told apart by their tag; of different lengths,
   so that totals mix as well. */
static const char *const tags[2] = { "\"a\"", "\"b\"" };
static const size_t lengths[2][5] = {
	{ 1950, 100, 2400, 1000, 5000 },
	{ 1950, 1950, 1000, 0, 100 },
};
static struct pwned_range *ranges[2][PREFIXES];

static uint32_t seed_of(uint32_t i, unsigned int version)
{
	return 2 * i + version;
}

static size_t length_of(uint32_t i, unsigned int version)
{
	return lengths[version][i % N_ELEMENTS(lengths[version])];
}

static int make_ranges(void **state)
{
	(void)state;
	for (unsigned int version = 0; version < 2; version++) {
		for (uint32_t i = 0; i < PREFIXES; i++) {
			struct pwned_range_label label = content_label(
				FIRST + i, DAY + version, tags[version]);

			ranges[version][i] =
				content_range(seed_of(i, version),
					      length_of(i, version), &label);
		}
	}
	return 0;
}

static int free_ranges(void **state)
{
	(void)state;
	for (unsigned int version = 0; version < 2; version++) {
		for (uint32_t i = 0; i < PREFIXES; i++)
			pwned_range_unref(&ranges[version][i]);
	}
	return 0;
}

static struct pwned_slots *open_slots(const char *folder,
				      enum pwned_slots_access access)
{
	struct pwned_error problem;
	struct pwned_slots *slots = pwned_slots_open(folder, access, &problem);

	assert_non_null(slots);
	return slots;
}

/* xorshift32, by Marsaglia */
static uint32_t next_random(uint32_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random;
}

/* Starts a process that does this until it is killed. */
static pid_t start(void (*run)(const char *folder, unsigned int version),
		   const char *folder, unsigned int version)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	/* not longer than this test */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		run(folder, version);
}

static void stop(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void write_slots(const char *folder, unsigned int version)
{
	struct pwned_slots *slots = open_slots(folder, PWNED_SLOTS_WRITE);
	uint32_t random = (uint32_t)getpid();

	for (;;) {
		uint32_t i = next_random(&random) % PREFIXES;

		if (random >> 16 & 1)
			(void)pwned_slots_write(slots, ranges[version][i]);
		else
			(void)pwned_slots_renew(
				slots, pwned_range_label(ranges[version][i]));
	}
}

struct tally {
	unsigned int found[2], misses, damaged;
};

/* What one look-up brings must be right for the version that it is of. */
static void look(const struct pwned_slots *slots, uint32_t i,
		 unsigned int version, size_t key, struct tally *tally)
{
	struct pwned_digest digest =
		content_digest(FIRST + i, seed_of(i, version), key);
	unsigned char block[PWNED_BLOCK_BYTES];
	struct pwned_range_label label;
	unsigned int found;
	uint64_t expected;

	switch (pwned_slots_find(slots, &digest, true, block)) {
	case PWNED_SLOTS_FOUND:
		break;
	case PWNED_SLOTS_MISS:
		tally->misses++;
		return;
	case PWNED_SLOTS_DAMAGED:
		tally->damaged++;
		return;
	default:
		fail();
	}
	pwned_block_label(block, &label);
	found = strcmp(label.etag, tags[1]) == 0;
	assert_string_equal(label.etag, tags[found]);
	assert_int_equal(label.day, DAY + found);
	expected = found == version && key < length_of(i, version) ?
			   content_count(key) :
			   0;
	assert_int_equal(pwned_block_find(block, digest.key), expected);
	tally->found[found]++;
}

static unsigned int reads_wanted(void)
{
	const char *text = getenv("PWNED_STRESS_READS");

	return text == NULL ? READS_DEFAULT :
			      (unsigned int)strtoul(text, NULL, 10);
}

static void no_answer_is_wrong_beside_two_writers(void **state)
{
	struct pwned_slots *slots = open_slots(*state, PWNED_SLOTS_WRITE);
	struct pwned_slots *reader = open_slots(*state, PWNED_SLOTS_READ);
	unsigned int reads = reads_wanted(), n = 0;
	struct tally tally = { .misses = 0 };
	pid_t writers[2];
	uint32_t random = 1;

	for (uint32_t i = 0; i < PREFIXES; i++)
		assert_int_equal(pwned_slots_write(slots, ranges[0][i]),
				 PWNED_SLOTS_WRITTEN);
	for (unsigned int version = 0; version < 2; version++)
		writers[version] = start(write_slots, *state, version);
	/* longer, where a writer did not get its turn yet */
	while (n < reads || (tally.found[1] == 0 && n < 1000 * reads)) {
		uint32_t i = next_random(&random) % PREFIXES;
		uint32_t version = next_random(&random) % 2;

		look(reader, i, version, next_random(&random) % 2500, &tally);
		n++;
	}
	stop(writers[0]);
	stop(writers[1]);
	print_message("%u and %u found, %u missing, %u torn\n", tally.found[0],
		      tally.found[1], tally.misses, tally.damaged);
	assert_int_equal(tally.found[0] + tally.found[1] + tally.misses +
				 tally.damaged,
			 n);
	assert_true(tally.found[0] > 0 && tally.found[1] > 0);
	pwned_slots_close(&reader);
	pwned_slots_close(&slots);
}

/* As auth does it. */
static void write_batches(const char *folder, unsigned int version)
{
	static struct store_fixture fixture;
	uint32_t random = (uint32_t)getpid();

	store_fixture_init(&fixture, (char *)folder);
	store_fixture_open(&fixture, PWNED_STORE_OWNER);
	for (;;) {
		for (unsigned int n = 0; n < 100; n++)
			pwned_store_add(
				fixture.store,
				ranges[(version + random) % 2]
				      [next_random(&random) % PREFIXES]);
		store_fixture_settle(&fixture);
	}
}

static void look_at_all(const struct pwned_slots *slots, struct tally *tally)
{
	*tally = (struct tally){ .misses = 0 };
	for (uint32_t i = 0; i < PREFIXES; i++) {
		for (size_t key = 0; key < 120; key++) {
			look(slots, i, 0, key, tally);
			look(slots, i, 1, key, tally);
		}
	}
}

static void nothing_is_wrong_after_a_kill(void **state)
{
	struct pwned_slots *slots = open_slots(*state, PWNED_SLOTS_WRITE);
	unsigned int found = 0;
	struct tally tally;
	uint32_t prefix;

	for (unsigned int n = 0; n < KILLS; n++) {
		pid_t one = start(write_batches, *state, 0);
		pid_t other = start(write_batches, *state, 1);

		while (!pwned_slots_next(slots, 0, &prefix))
			(void)usleep(1000);
		(void)usleep(3000 + n * 1700);
		stop(one);
		look_at_all(slots, &tally);
		stop(other);
		look_at_all(slots, &tally);
		found += tally.found[0] + tally.found[1];
	}
	assert_true(found > 0);
	/* and all can be mended */
	for (uint32_t i = 0; i < PREFIXES; i++)
		assert_int_equal(pwned_slots_write(slots, ranges[1][i]),
				 PWNED_SLOTS_WRITTEN);
	look_at_all(slots, &tally);
	assert_int_equal(tally.found[1], PREFIXES * 240);
	pwned_slots_close(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST_ON_BOTH(no_answer_is_wrong_beside_two_writers),
		UNIT_TEST_ON_BOTH(nothing_is_wrong_after_a_kill),
	};

	return cmocka_run_group_tests(tests, make_ranges, free_ranges);
}
