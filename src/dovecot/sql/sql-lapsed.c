/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records that have lapsed. */

#include "lib.h"
#include "sql-api.h"
#include "sql-client.h"
#include "sql-flag.h"
#include "sql-lapsed.h"

#define EVERY_MSECS    (6 * 3600 * 1000)
#define FIRST_MSECS    5000 /* an auth that nobody needs ends after a minute */
#define AGAIN_MSECS    60000
#define NEXT_MSECS     2000
#define DEADLINE_MSECS 10000
#define PORTION        100

struct pwned_sql_lapsed {
	struct pwned_sql *client;
	struct pwned_loop *loop;
	const struct pwned_flag_rules *rules;
	pwned_sql_lapsed_callback *callback;
	void *context;
	struct pwned_timer *timer;
	char *after; /* NULL: at the begin */
	bool ended;
};

static void look(void *context);

static void look_later(struct pwned_sql_lapsed *lapsed, unsigned int msecs)
{
	lapsed->timer =
		lapsed->loop->v->timer_add(lapsed->loop, msecs, look, lapsed);
}

static void on_answer(void *context, bool ok, struct sql_result *result)
{
	struct pwned_sql_lapsed *lapsed = context;
	unsigned int rows = ok ? pwned_sql_rows(result) : 0;
	bool room = TRUE;

	if (lapsed->ended)
		return;
	if (ok)
		i_free(lapsed->after);
	for (unsigned int i = 0; i < rows && room; i++) {
		if (i > 0 && sql_result_next_row(result) <= 0)
			break;
		room = lapsed->callback(lapsed->context,
					pwned_sql_row_user(result));
		if (!room || i == PORTION - 1)
			lapsed->after = i_strdup(pwned_sql_row_user(result));
	}
	if (!ok || !room)
		look_later(lapsed, AGAIN_MSECS);
	else if (lapsed->after != NULL)
		look_later(lapsed, NEXT_MSECS);
	else
		look_later(lapsed, EVERY_MSECS / 2 + i_rand_limit(EVERY_MSECS));
}

static void look(void *context)
{
	struct pwned_sql_lapsed *lapsed = context;
	uint64_t now_secs = lapsed->loop->v->unix_secs(lapsed->loop);

	lapsed->timer = NULL;
	if (!pwned_sql_send(lapsed->client,
			    pwned_sql_flag_lapsed(
				    lapsed->after == NULL ? "" : lapsed->after,
				    now_secs, lapsed->rules, PORTION),
			    PWNED_SQL_SOON, DEADLINE_MSECS, on_answer, lapsed))
		look_later(lapsed, AGAIN_MSECS);
}

struct pwned_sql_lapsed *pwned_sql_lapsed_new(
	struct pwned_sql *client, struct pwned_loop *loop,
	const struct pwned_flag_rules *rules,
	pwned_sql_lapsed_callback *callback, void *context)
{
	struct pwned_sql_lapsed *lapsed = i_new(struct pwned_sql_lapsed, 1);

	lapsed->client = client;
	lapsed->loop = loop;
	lapsed->rules = rules;
	lapsed->callback = callback;
	lapsed->context = context;
	/* not all hosts of a cluster at once */
	look_later(lapsed, FIRST_MSECS + i_rand_limit(FIRST_MSECS));
	return lapsed;
}

void pwned_sql_lapsed_end(struct pwned_sql_lapsed *lapsed)
{
	lapsed->ended = TRUE;
	if (lapsed->timer != NULL)
		lapsed->loop->v->timer_remove(&lapsed->timer);
}

void pwned_sql_lapsed_free(struct pwned_sql_lapsed **_lapsed)
{
	struct pwned_sql_lapsed *lapsed = *_lapsed;

	*_lapsed = NULL;
	i_free(lapsed->after);
	i_free(lapsed);
}
