/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies of users. */

#include "auth-common.h"
#include "auth-fields.h"
#include "auth-request.h"
#include "str-sanitize.h"
#include "auth-policy.h"
#include "auth-server.h"
#include "pwned-settings.h"

/* As many groups of users as a server may have; one more costs a parsing. */
#define POLICIES_MAX 64
/* What is longer is none. */
#define TEXT_MAX 4096
#define FIELD    "pwned_policy"

struct entry {
	char *text;
	struct pwned_policy *policy;
};

struct pwned_auth_policies {
	/* the last that was met first */
	struct entry list[POLICIES_MAX];
	unsigned int length;
};

const char *pwned_auth_policy_take(struct auth_request *request)
{
	struct auth_fields *fields = request->fields.extra_fields;
	const char *value;

	if (fields == NULL || !auth_fields_exists(fields, FIELD))
		return NULL;
	value = t_strdup(auth_fields_find(fields, FIELD));
	auth_fields_remove(fields, FIELD);
	/* after a temporary failure Dovecot goes back to the last one */
	auth_fields_snapshot(fields);
	return value;
}

struct pwned_auth_policies *pwned_auth_policies_new(void)
{
	return i_new(struct pwned_auth_policies, 1);
}

static void entry_free(struct entry *entry)
{
	pwned_policy_unref(&entry->policy);
	i_free(entry->text);
}

void pwned_auth_policies_free(struct pwned_auth_policies **_policies)
{
	struct pwned_auth_policies *policies = *_policies;

	*_policies = NULL;
	for (unsigned int i = 0; i < policies->length; i++)
		entry_free(&policies->list[i]);
	i_free(policies);
}

/* To the front, where those are that were met last. */
static struct pwned_policy *move_to_front(struct pwned_auth_policies *policies,
					  unsigned int at)
{
	struct entry entry = policies->list[at];

	memmove(policies->list + 1, policies->list, at * sizeof(entry));
	policies->list[0] = entry;
	return entry.policy;
}

static struct pwned_policy *add(struct pwned_auth_policies *policies,
				const char *text, struct pwned_policy *policy)
{
	if (policies->length == POLICIES_MAX)
		entry_free(&policies->list[--policies->length]);
	policies->list[policies->length] = (struct entry){
		.text = i_strdup(text),
		.policy = policy,
	};
	return move_to_front(policies, policies->length++);
}

static void complain(struct pwned_server *server, const char *user,
		     const char *why)
{
	pwned_server_complain_of_user(
		server, "a field " FIELD, user,
		t_strconcat(why, "; the policy of the settings counts", NULL));
}

struct pwned_policy *pwned_auth_policy_find(struct pwned_server *server,
					    const char *text, const char *user)
{
	struct pwned_auth_policies *policies = pwned_server_policies(server);
	struct pwned_policy *policy;
	struct pwned_error error;

	for (unsigned int i = 0; i < policies->length; i++) {
		if (strcmp(policies->list[i].text, text) == 0)
			return move_to_front(policies, i);
	}
	if (strlen(text) > TEXT_MAX) {
		complain(server, user, "it is too long");
		return NULL;
	}
	if (!pwned_policy_parse(text, &policy, &error)) {
		complain(server, user, str_sanitize(error.text, 256));
		return NULL;
	}
	if (!pwned_settings_have_what_it_needs(pwned_server_settings(server),
					       policy, &error)) {
		complain(server, user, error.text);
		pwned_policy_unref(&policy);
		return NULL;
	}
	return add(policies, text, policy);
}
