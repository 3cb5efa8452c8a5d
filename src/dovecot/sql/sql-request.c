/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who waits for records in PostgreSQL. */

#include "lib.h"
#include "llist.h"
#include "sql-request.h"

struct pwned_flags_request *pwned_sql_request_new(struct sql_flags *flags,
						  const char *user,
						  void *context)
{
	struct pwned_flags_request *request =
		i_new(struct pwned_flags_request, 1);

	request->flags = flags;
	request->user = i_strdup(user);
	request->context = context;
	return request;
}

void pwned_sql_request_free(struct pwned_flags_request *request)
{
	i_free(request->user);
	i_free(request);
}

void pwned_sql_tellers_answer(struct pwned_flags_request **tellers,
			      const char *user, uint64_t number, bool written)
{
	struct pwned_flags_request *request = *tellers, *next;
	struct pwned_flags_request *due = NULL;

	/* callbacks may forget others, so only one of this list at a time */
	for (; request != NULL; request = next) {
		next = request->next;
		if (user != NULL && (request->number > number ||
				     strcmp(request->user, user) != 0))
			continue;
		DLLIST_REMOVE(tellers, request);
		DLLIST_PREPEND(&due, request);
	}
	while ((request = due) != NULL) {
		DLLIST_REMOVE(&due, request);
		if (request->told != NULL)
			request->told(request->context, written);
		pwned_sql_request_free(request);
	}
}

bool pwned_sql_somebody_waits(const struct pwned_flags_request *tellers,
			      const char *user)
{
	while (tellers != NULL && strcmp(tellers->user, user) != 0)
		tellers = tellers->next;
	return tellers != NULL;
}
