/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules for a breached password. */

#include "policy.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MAX   64
#define SERVICE_MAX 32
#define COUNT_MAX   (UINT64_C(1) << 63)
#define DAYS_MAX    3650
#define DAY_SECS    86400

struct pwned_rule {
	char service[SERVICE_MAX + 1];
	enum pwned_action action;
	uint64_t min_count;
	uint64_t grace_days;
};

struct pwned_policy {
	unsigned int refcount;
	size_t length;
	struct pwned_rule rules[RULES_MAX];
};

static const char service_any[] = "*";

bool pwned_service_sends(const char *service)
{
	return strcmp(service, "smtp") == 0 ||
	       strcmp(service, "submission") == 0;
}

static bool parse_service(const char *text, size_t size,
			  struct pwned_rule *rule, struct pwned_error *error_r)
{
	bool valid = size > 0 && size <= SERVICE_MAX;

	for (size_t i = 0; valid && i < size; i++) {
		valid = islower((unsigned char)text[i]) ||
			isdigit((unsigned char)text[i]) || text[i] == '-' ||
			text[i] == '_';
	}
	if (!valid && !(size == 1 && *text == '*')) {
		return pwned_error_set(
			error_r,
			"'%.*s' is not a service: expected a name such as "
			"smtp or imap in lower case, or *",
			(int)size, text);
	}
	memcpy(rule->service, text, size);
	rule->service[size] = '\0';
	return true;
}

static bool parse_action(const char *text, size_t size, struct pwned_rule *rule,
			 struct pwned_error *error_r)
{
	static const enum pwned_action actions[] = { PWNED_ACTION_OFF,
						     PWNED_ACTION_WARN,
						     PWNED_ACTION_HOLD,
						     PWNED_ACTION_DENY };

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		const char *name = pwned_action_name(actions[i]);

		if (strlen(name) == size && memcmp(name, text, size) == 0) {
			rule->action = actions[i];
			return true;
		}
	}
	return pwned_error_set(error_r,
			       "'%.*s' is not an action: expected off, warn, "
			       "hold or deny",
			       (int)size, text);
}

/* A number from 1 to max, at the begin of the text. Returns what follows it, or
   NULL. */
static const char *parse_number(const char *text, uint64_t max,
				uint64_t *number_r)
{
	char *end;

	errno = 0;
	*number_r = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno != 0 || *number_r < 1 ||
	    *number_r > max)
		return NULL;
	return end;
}

static bool parse_min(const char *option, struct pwned_rule *rule,
		      struct pwned_error *error_r)
{
	const char *end;

	if (rule->min_count != 0)
		return pwned_error_set(error_r, "'%s': min stands twice",
				       option);
	end = parse_number(strchr(option, '=') + 1, COUNT_MAX,
			   &rule->min_count);
	if (end == NULL || *end != '\0')
		return pwned_error_set(error_r,
				       "'%s': expected a count from 1 to 2^63",
				       option);
	return true;
}

static bool parse_grace(const char *option, struct pwned_rule *rule,
			struct pwned_error *error_r)
{
	const char *end;

	if (rule->action != PWNED_ACTION_DENY &&
	    rule->action != PWNED_ACTION_HOLD)
		return pwned_error_set(error_r,
				       "'%s' has a meaning only with deny and "
				       "hold",
				       option);
	if (rule->grace_days != 0)
		return pwned_error_set(error_r, "'%s': grace stands twice",
				       option);
	end = parse_number(strchr(option, '=') + 1, DAYS_MAX,
			   &rule->grace_days);
	if (end == NULL || strcmp(end, "d") != 0)
		return pwned_error_set(error_r,
				       "'%s': expected days from 1d to %ud",
				       option, DAYS_MAX);
	return true;
}

static bool parse_option(const char *option, struct pwned_rule *rule,
			 struct pwned_error *error_r)
{
	bool is_min = strncmp(option, "min=", 4) == 0;

	if (!is_min && strncmp(option, "grace=", 6) != 0) {
		return pwned_error_set(error_r,
				       "'%s' is not an option: expected "
				       "min=COUNT or grace=DAYSd",
				       option);
	}
	if (rule->action == PWNED_ACTION_OFF) {
		return pwned_error_set(error_r, "'%s' has no meaning with off",
				       option);
	}
	return is_min ? parse_min(option, rule, error_r) :
			parse_grace(option, rule, error_r);
}

/* Parses service=action[:option]; text is modified. */
static bool parse_rule(char *text, struct pwned_rule *rule,
		       struct pwned_error *error_r)
{
	char *action = strchr(text, '='), *option, *next;

	if (action == NULL) {
		return pwned_error_set(error_r,
				       "'%s' is not a rule: expected "
				       "service=action",
				       text);
	}
	*rule = (struct pwned_rule){ .min_count = 0 };
	if (!parse_service(text, (size_t)(action - text), rule, error_r))
		return false;
	action++;
	option = strchr(action, ':');
	if (option != NULL)
		*option++ = '\0';
	if (!parse_action(action, strlen(action), rule, error_r))
		return false;
	for (; option != NULL; option = next) {
		next = strchr(option, ':');
		if (next != NULL)
			*next++ = '\0';
		if (!parse_option(option, rule, error_r))
			return false;
	}
	if (rule->min_count == 0)
		rule->min_count = 1;
	return true;
}

/* A rule that can never decide is a mistake of whoever wrote it. */
static bool rule_is_reachable(const struct pwned_policy *policy,
			      const struct pwned_rule *rule,
			      struct pwned_error *error_r)
{
	for (size_t i = 0; i < policy->length; i++) {
		const struct pwned_rule *earlier = &policy->rules[i];

		if (strcmp(earlier->service, rule->service) == 0 &&
		    (earlier->action == PWNED_ACTION_OFF ||
		     rule->action == PWNED_ACTION_OFF ||
		     earlier->min_count <= rule->min_count)) {
			return pwned_error_set(
				error_r,
				"the second rule for %s is never reached: "
				"write the one with the higher min first",
				rule->service);
		}
	}
	return true;
}

static bool parse_rules(char *text, struct pwned_policy *policy,
			struct pwned_error *error_r)
{
	char *save = NULL, *word;

	for (word = strtok_r(text, " \t", &save); word != NULL;
	     word = strtok_r(NULL, " \t", &save)) {
		struct pwned_rule *rule = &policy->rules[policy->length];

		if (policy->length == RULES_MAX - 1) {
			return pwned_error_set(error_r, "more than %u rules",
					       RULES_MAX - 1);
		}
		if (!parse_rule(word, rule, error_r) ||
		    !rule_is_reachable(policy, rule, error_r))
			return false;
		policy->length++;
	}
	if (policy->length == 0)
		return pwned_error_set(error_r, "expected at least one rule, "
						"such as *=warn");
	return true;
}

bool pwned_policy_parse(const char *text, struct pwned_policy **policy_r,
			struct pwned_error *error_r)
{
	struct pwned_policy *policy = calloc(1, sizeof(*policy));
	char *copy = strdup(text);
	bool ok;

	if (policy == NULL || copy == NULL)
		ok = pwned_error_set(error_r, "out of memory");
	else
		ok = parse_rules(copy, policy, error_r);
	free(copy);
	if (ok) {
		policy->refcount = 1;
	} else {
		free(policy);
		policy = NULL;
	}
	*policy_r = policy;
	return ok;
}

void pwned_policy_ref(struct pwned_policy *policy)
{
	policy->refcount++;
}

void pwned_policy_unref(struct pwned_policy **_policy)
{
	struct pwned_policy *policy = *_policy;

	*_policy = NULL;
	if (policy != NULL && --policy->refcount == 0)
		free(policy);
}

/* The name under which a service's rules stand: its own, or `*`. */
static const char *rules_for(const struct pwned_policy *policy,
			     const char *service)
{
	for (size_t i = 0; i < policy->length; i++) {
		if (strcmp(policy->rules[i].service, service) == 0)
			return service;
	}
	return service_any;
}

bool pwned_policy_checks(const struct pwned_policy *policy, const char *service)
{
	const char *name = rules_for(policy, service);

	for (size_t i = 0; i < policy->length; i++) {
		if (strcmp(policy->rules[i].service, name) == 0)
			return policy->rules[i].action != PWNED_ACTION_OFF;
	}
	return false;
}

static bool stops(const struct pwned_rule *rule)
{
	return rule->action == PWNED_ACTION_DENY ||
	       rule->action == PWNED_ACTION_HOLD;
}

bool pwned_policy_may_stop(const struct pwned_policy *policy,
			   const char *service)
{
	const char *name = rules_for(policy, service);

	for (size_t i = 0; i < policy->length; i++) {
		if (strcmp(policy->rules[i].service, name) == 0 &&
		    stops(&policy->rules[i]))
			return true;
	}
	return false;
}

bool pwned_policy_holds(const struct pwned_policy *policy, const char *service)
{
	const char *name = rules_for(policy, service);

	for (size_t i = 0; i < policy->length; i++) {
		if (strcmp(policy->rules[i].service, name) == 0 &&
		    policy->rules[i].action == PWNED_ACTION_HOLD)
			return true;
	}
	return false;
}

bool pwned_policy_has_hold(const struct pwned_policy *policy)
{
	for (size_t i = 0; i < policy->length; i++) {
		if (policy->rules[i].action == PWNED_ACTION_HOLD)
			return true;
	}
	return false;
}

bool pwned_policy_has_grace(const struct pwned_policy *policy)
{
	for (size_t i = 0; i < policy->length; i++) {
		if (policy->rules[i].grace_days > 0)
			return true;
	}
	return false;
}

/* The rule that counts, or NULL. */
static const struct pwned_rule *find_rule(const struct pwned_policy *policy,
					  const char *service, uint64_t count)
{
	const char *name = rules_for(policy, service);

	for (size_t i = 0; i < policy->length; i++) {
		const struct pwned_rule *rule = &policy->rules[i];

		if (strcmp(rule->service, name) == 0 &&
		    rule->action != PWNED_ACTION_OFF &&
		    rule->min_count <= count)
			return rule;
	}
	return NULL;
}

void pwned_policy_decide(const struct pwned_policy *policy, const char *service,
			 uint64_t count, struct pwned_ruling *ruling_r)
{
	const struct pwned_rule *rule = find_rule(policy, service, count);

	*ruling_r = (struct pwned_ruling){ .action = PWNED_ACTION_ALLOW };
	if (rule != NULL)
		*ruling_r = (struct pwned_ruling){
			.action = rule->action,
			.grace_secs = rule->grace_days * DAY_SECS,
		};
}

enum pwned_action pwned_policy_decide_any(const struct pwned_policy *policy,
					  uint64_t count)
{
	enum pwned_action most = PWNED_ACTION_ALLOW;

	for (size_t i = 0; i < policy->length; i++) {
		struct pwned_ruling ruling;

		pwned_policy_decide(policy, policy->rules[i].service, count,
				    &ruling);
		if (ruling.action > most)
			most = ruling.action;
	}
	return most;
}

/* Whether the rule for the service stops sending, and then whether after a
   shorter grace than was found so far. */
static bool service_stops(const struct pwned_policy *policy,
			  const char *service, uint64_t count, uint64_t *days)
{
	const struct pwned_rule *rule = find_rule(policy, service, count);

	if (rule == NULL || !stops(rule) ||
	    (rule->action == PWNED_ACTION_DENY &&
	     !pwned_service_sends(service)))
		return false;
	if (rule->grace_days < *days)
		*days = rule->grace_days;
	return true;
}

bool pwned_policy_stops(const struct pwned_policy *policy, uint64_t count,
			uint64_t *grace_secs_r)
{
	uint64_t days = DAYS_MAX;
	bool found = service_stops(policy, "smtp", count, &days);

	found |= service_stops(policy, "submission", count, &days);
	for (size_t i = 0; i < policy->length; i++)
		found |= service_stops(policy, policy->rules[i].service, count,
				       &days);
	*grace_secs_r = found ? days * DAY_SECS : 0;
	return found;
}

enum pwned_maybe pwned_policy_stops_band(const struct pwned_policy *policy,
					 enum pwned_band band)
{
	uint64_t first, end, grace;
	bool stops_first;

	if (band == PWNED_BAND_NONE)
		return PWNED_NO;
	pwned_band_range(band, &first, &end);
	stops_first = pwned_policy_stops(policy, first, &grace);
	/* between two minimums nothing changes */
	for (size_t i = 0; i < policy->length; i++) {
		uint64_t min = policy->rules[i].min_count;

		if (min > first && min < end &&
		    pwned_policy_stops(policy, min, &grace) != stops_first)
			return PWNED_PERHAPS;
	}
	return stops_first ? PWNED_YES : PWNED_NO;
}

/* "any other service" where one was named before, else "any service". */
static const char *describe_service(const struct pwned_policy *policy,
				    const char *service)
{
	if (strcmp(service, service_any) != 0)
		return service;
	for (size_t i = 0; i < policy->length; i++) {
		if (strcmp(policy->rules[i].service, service_any) != 0)
			return "any other service";
	}
	return "any service";
}

static void describe_rule(const struct pwned_rule *rule, const char *service,
			  FILE *out)
{
	switch (rule->action) {
	case PWNED_ACTION_DENY:
		fprintf(out, "refused at %s", service);
		break;
	case PWNED_ACTION_HOLD:
		fprintf(out, "let in and their mail held at %s", service);
		break;
	case PWNED_ACTION_WARN:
		fprintf(out, "warned about at %s", service);
		break;
	default:
		fprintf(out, "not checked at %s", service);
		return;
	}
	if (rule->min_count > 1)
		fprintf(out, " (seen %llu times or more)",
			(unsigned long long)rule->min_count);
	if (rule->grace_days > 0)
		fprintf(out, ", %llu days after the first warning",
			(unsigned long long)rule->grace_days);
}

void pwned_policy_describe(const struct pwned_policy *policy, char *text_r,
			   size_t size)
{
	FILE *out = fmemopen(text_r, size, "w");

	*text_r = '\0';
	if (out == NULL)
		return;
	for (size_t i = 0; i < policy->length; i++) {
		if (i > 0)
			fputs(", ", out);
		describe_rule(
			&policy->rules[i],
			describe_service(policy, policy->rules[i].service),
			out);
	}
	fclose(out);
	text_r[size - 1] = '\0';
}
