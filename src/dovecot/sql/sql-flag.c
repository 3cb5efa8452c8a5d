/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The records of accounts, in SQL. */

#include "lib.h"
#include "sql-api.h"
#include "sql-flag.h"

#include <stdio.h>

static const size_t times[] = {
	offsetof(struct pwned_flag, since_secs),
	offsetof(struct pwned_flag, breached_secs),
	offsetof(struct pwned_flag, cleared_secs),
	offsetof(struct pwned_flag, decided_secs),
	offsetof(struct pwned_flag, stop_secs),
	offsetof(struct pwned_flag, refused_secs),
	offsetof(struct pwned_flag, suspended_secs),
	offsetof(struct pwned_flag, exempt_until_secs),
};

#define FIELDS                                                                 \
	"since, breached, cleared, decided, stop, refused, suspended, "        \
	"exempt_until, state, contested, band, service, hold_text"

enum {
	COLUMN_COUNT,
	COLUMN_USER,
	COLUMN_VERSION,
	COLUMN_TIMES,
	COLUMN_STATE = COLUMN_TIMES + (int)N_ELEMENTS(times),
	COLUMN_CONTESTED,
	COLUMN_BAND,
	COLUMN_SERVICE,
	COLUMN_HOLD_TEXT,
};

#define GET "SELECT 1, username, version, " FIELDS " FROM pwned_flag "
#define INSERT                                                                 \
	"INSERT INTO pwned_flag (" FIELDS ", version, domain, username) "      \
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ? <> 0, ?, ?, ?, ?, ?, ?) "        \
	"ON CONFLICT DO NOTHING RETURNING 1"
#define UPDATE                                                                 \
	"UPDATE pwned_flag SET (" FIELDS ", version) = "                       \
	"(?, ?, ?, ?, ?, ?, ?, ?, ?, ? <> 0, ?, ?, ?, ?) "                     \
	"WHERE username = ? AND version = ? RETURNING 1"
#define LIST                                                                   \
	"SELECT count(*) OVER (), username, version, " FIELDS                  \
	" FROM (SELECT * FROM pwned_flag WHERE (domain, username) > (?, ?) "   \
	"ORDER BY domain, username LIMIT ?) part ORDER BY domain, username"
#define LAPSED                                                                 \
	"SELECT count(*) OVER (), part.username FROM "                         \
	"(SELECT username FROM pwned_flag WHERE username > ? AND "             \
	"((state = ? AND breached <= ?) OR "                                   \
	"(state = ? AND cleared <= ?) OR "                                     \
	"(exempt_until > 0 AND exempt_until <= ?)) "                           \
	"ORDER BY username LIMIT ?) part ORDER BY username"

struct pwned_sql_query *pwned_sql_flag_get(const char *user)
{
	struct pwned_sql_query *query =
		pwned_sql_query_new(GET "WHERE username = ?");

	pwned_sql_query_text(query, user);
	return query;
}

static const char *text_of(struct sql_result *result, int column)
{
	const char *text =
		sql_result_get_field_value(result, (unsigned int)column);

	return text == NULL ? "" : text;
}

/* Somebody may have written into the table by hand. */
static uint64_t number_of(struct sql_result *result, int column, uint64_t max)
{
	uint64_t number;

	if (str_to_uint64(text_of(result, column), &number) < 0)
		return 0;
	return I_MIN(number, max);
}

static void set_text(char *to, size_t size, struct sql_result *result,
		     int column)
{
	(void)snprintf(to, size, "%s", text_of(result, column));
}

void pwned_sql_flag_read(struct sql_result *result,
			 struct pwned_sql_record *record_r)
{
	struct pwned_flag *flag = &record_r->flag;

	i_zero(record_r);
	if (result == NULL)
		return;
	record_r->version = number_of(result, COLUMN_VERSION, INT64_MAX);
	for (unsigned int i = 0; i < N_ELEMENTS(times); i++)
		*(uint64_t *)PTR_OFFSET(flag, times[i]) =
			number_of(result, COLUMN_TIMES + (int)i, INT64_MAX);
	flag->state = (enum pwned_flag_state)number_of(result, COLUMN_STATE,
						       PWNED_FLAG_CLEARED);
	flag->contested = *text_of(result, COLUMN_CONTESTED) == 't';
	flag->band = (enum pwned_band)number_of(result, COLUMN_BAND,
						PWNED_BAND_1000);
	set_text(flag->service, sizeof(flag->service), result, COLUMN_SERVICE);
	set_text(flag->hold_text, sizeof(flag->hold_text), result,
		 COLUMN_HOLD_TEXT);
}

static void add_fields(struct pwned_sql_query *query,
		       const struct pwned_flag *flag, uint64_t version)
{
	for (unsigned int i = 0; i < N_ELEMENTS(times); i++)
		pwned_sql_query_number(
			query,
			*(const uint64_t *)CONST_PTR_OFFSET(flag, times[i]));
	pwned_sql_query_number(query, flag->state);
	pwned_sql_query_number(query, flag->contested ? 1 : 0);
	pwned_sql_query_number(query, flag->band);
	pwned_sql_query_text(query, flag->service);
	pwned_sql_query_text(query, flag->hold_text);
	pwned_sql_query_number(query, version);
}

struct pwned_sql_query *pwned_sql_flag_put(const char *user,
					   const struct pwned_sql_record *read,
					   const struct pwned_flag *flag,
					   uint64_t version)
{
	struct pwned_sql_query *query;

	if (read->version == 0) {
		query = pwned_sql_query_new(INSERT);
		add_fields(query, flag, version);
		pwned_sql_query_text(query, pwned_user_domain(user));
		pwned_sql_query_text(query, user);
		return query;
	}
	if (pwned_flag_is_empty(flag)) {
		query = pwned_sql_query_new("DELETE FROM pwned_flag WHERE "
					    "username = ? AND version = ? "
					    "RETURNING 1");
	} else {
		query = pwned_sql_query_new(UPDATE);
		add_fields(query, flag, version);
	}
	pwned_sql_query_text(query, user);
	pwned_sql_query_number(query, read->version);
	return query;
}

struct pwned_sql_query *pwned_sql_flag_forget(const char *user)
{
	struct pwned_sql_query *query = pwned_sql_query_new(
		"DELETE FROM pwned_flag WHERE username = ? RETURNING 1");

	pwned_sql_query_text(query, user);
	return query;
}

uint64_t pwned_sql_flag_new_version(void)
{
	return (((uint64_t)i_rand() << 32 | i_rand()) & INT64_MAX) | 1;
}

unsigned int pwned_sql_rows(struct sql_result *result)
{
	return result == NULL ?
		       0 :
		       (unsigned int)number_of(result, COLUMN_COUNT, UINT_MAX);
}

const char *pwned_sql_row_user(struct sql_result *result)
{
	return text_of(result, COLUMN_USER);
}

struct pwned_sql_query *pwned_sql_flag_list(const char *after_user,
					    unsigned int limit)
{
	struct pwned_sql_query *query = pwned_sql_query_new(LIST);

	pwned_sql_query_text(query, pwned_user_domain(after_user));
	pwned_sql_query_text(query, after_user);
	pwned_sql_query_number(query, limit);
	return query;
}

static uint64_t before(uint64_t now_secs, uint64_t secs)
{
	return now_secs > secs ? now_secs - secs : 0;
}

struct pwned_sql_query *pwned_sql_flag_lapsed(
	const char *after_user, uint64_t now_secs,
	const struct pwned_flag_rules *rules, unsigned int limit)
{
	struct pwned_sql_query *query = pwned_sql_query_new(LAPSED);

	pwned_sql_query_text(query, after_user);
	pwned_sql_query_number(query, PWNED_FLAG_FLAGGED);
	pwned_sql_query_number(query, before(now_secs, rules->expire_secs));
	pwned_sql_query_number(query, PWNED_FLAG_CLEARED);
	pwned_sql_query_number(query, before(now_secs, rules->expire_secs));
	pwned_sql_query_number(query, now_secs);
	pwned_sql_query_number(query, limit);
	return query;
}

/* Strictly: lib's own functions take what PostgreSQL refuses. */
static unsigned int utf8_size(const unsigned char *at)
{
	unsigned int size = at[0] < 0x80 ? 1 :
			    at[0] < 0xc2 ? 0 :
			    at[0] < 0xe0 ? 2 :
			    at[0] < 0xf0 ? 3 :
			    at[0] < 0xf5 ? 4 :
					   0;

	for (unsigned int i = 1; i < size; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	/* too long a form, halves of pairs, beyond the last */
	if ((at[0] == 0xe0 && at[1] < 0xa0) ||
	    (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return size;
}

bool pwned_sql_can_have(const char *name)
{
	const unsigned char *at = (const unsigned char *)name;

	while (*at != '\0') {
		unsigned int size = utf8_size(at);

		if (size == 0)
			return FALSE;
		at += size;
	}
	return at - (const unsigned char *)name <= PWNED_SQL_TEXT_MAX;
}
