/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The users that a command names. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "wildcard-match.h"
#include "doveadm.h"
#include "doveadm-pwned-print.h"
#include "doveadm-pwned-users.h"

/* Dovecot 2.3 knows no way to say that a * is one. So where a mask has such a
   one, that is another character, in the mask as in the name: one that stands
   in no UTF-8. */
#define STAR     '\xfe'
#define QUESTION '\xff'

struct doveadm_pwned_mask {
	const char *user; /* it names him alone; NULL: many */
	const char *mask;
	bool escaped;
};

static char hide(char c)
{
	switch (c) {
	case '*':
		return STAR;
	case '?':
		return QUESTION;
	default:
		return c;
	}
}

const struct doveadm_pwned_mask *doveadm_pwned_mask_new(const char *text)
{
	struct doveadm_pwned_mask *mask = t_new(struct doveadm_pwned_mask, 1);
	string_t *user = t_str_new(64), *hidden = t_str_new(64);
	bool literal = TRUE;

	for (; *text != '\0'; text++) {
		if (*text == '\\' && text[1] != '\0' &&
		    strchr("*?\\", text[1]) != NULL) {
			text++;
			mask->escaped = mask->escaped || *text != '\\';
			str_append_c(hidden, hide(*text));
		} else {
			literal = literal && hide(*text) == *text;
			str_append_c(hidden, *text);
		}
		str_append_c(user, *text);
	}
	mask->user = literal ? str_c(user) : NULL;
	mask->mask = str_c(hidden);
	return mask;
}

static const char *hide_all(const char *user)
{
	char *hidden = t_strdup_noconst(user);

	for (char *c = hidden; *c != '\0'; c++)
		*c = hide(*c);
	return hidden;
}

bool doveadm_pwned_mask_has(const struct doveadm_pwned_mask *mask,
			    const char *user)
{
	bool has;

	if (mask->user != NULL)
		return strcmp(mask->user, user) == 0;
	T_BEGIN
	{
		has = wildcard_match(mask->escaped ? hide_all(user) : user,
				     mask->mask);
	}
	T_END;
	return has;
}

void doveadm_pwned_no_user(const char *user)
{
	i_error("%s: nothing is on record of this user",
		doveadm_pwned_plain(user));
	doveadm_exit_code = EX_NOUSER;
}

void doveadm_pwned_no_match(const char *mask)
{
	i_error("%s: nobody on record matches", doveadm_pwned_plain(mask));
	doveadm_exit_code = EX_NOUSER;
}

struct visit {
	const struct doveadm_pwned_mask *mask;
	pwned_book_visit *visit;
	void *context;
	bool any;
};

static bool visit_match(void *context, const char *user,
			const struct pwned_flag *flag)
{
	struct visit *visit = context;

	if (!doveadm_pwned_mask_has(visit->mask, user))
		return TRUE;
	visit->any = TRUE;
	return visit->visit(visit->context, user, flag);
}

static void visit_user(struct doveadm_pwned_book *book, const char *user,
		       const struct visit *visit)
{
	struct pwned_flag flag;
	struct pwned_error error;

	switch (book->book->v->get(book->book, user, &flag, &error)) {
	case PWNED_BOOK_DONE:
		(void)visit->visit(visit->context, user, &flag);
		break;
	case PWNED_BOOK_NONE:
		doveadm_pwned_no_user(user);
		break;
	case PWNED_BOOK_FAILED:
		doveadm_pwned_fail(&error);
		break;
	}
}

static void visit_word(struct doveadm_pwned_book *book, const char *word,
		       struct visit *visit)
{
	struct pwned_error error;

	visit->mask = doveadm_pwned_mask_new(word);
	visit->any = FALSE;
	if (visit->mask->user != NULL)
		visit_user(book, visit->mask->user, visit);
	else if (!book->book->v->list(book->book, visit_match, visit, &error))
		doveadm_pwned_fail(&error);
	else if (!visit->any)
		doveadm_pwned_no_match(word);
}

void doveadm_pwned_users_visit(struct doveadm_pwned_book *book,
			       const char *const *words,
			       pwned_book_visit *visit, void *context)
{
	struct visit all = { .visit = visit, .context = context };

	for (; *words != NULL; words++) {
		T_BEGIN
		{
			visit_word(book, *words, &all);
		}
		T_END;
	}
}

struct names {
	pool_t pool;
	ARRAY_TYPE(const_string) users;
};

static bool collect(void *context, const char *user,
		    const struct pwned_flag *flag ATTR_UNUSED)
{
	struct names *names = context;

	user = p_strdup(names->pool, user);
	array_push_back(&names->users, &user);
	return TRUE;
}

/* Returns whether it did; one who is not on record any more is none. */
static bool act_on(struct doveadm_pwned_book *book, const char *user,
		   doveadm_pwned_act *act)
{
	struct pwned_error error;
	enum pwned_book_result result = act(book, user, &error);

	if (result == PWNED_BOOK_FAILED)
		doveadm_pwned_fail(&error);
	return result == PWNED_BOOK_DONE;
}

/* A list is not changed while it is read, so their names first. */
unsigned int doveadm_pwned_users_act(struct doveadm_pwned_book *book,
				     const char *const *words,
				     doveadm_pwned_act *act)
{
	struct names names = {
		.pool = pool_alloconly_create("pwned users", 4096),
	};
	unsigned int count = 0;
	const char *user;

	i_array_init(&names.users, 16);
	doveadm_pwned_users_visit(book, words, collect, &names);
	array_foreach_elem(&names.users, user)
	{
		T_BEGIN
		{
			if (act_on(book, user, act))
				count++;
		}
		T_END;
	}
	array_free(&names.users);
	pool_unref(&names.pool);
	return count;
}
