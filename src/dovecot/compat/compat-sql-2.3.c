/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dovecot 2.3 tells its SQL driver how to connect in one string. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "lib-event.h"
#include "module-dir.h"
#include "str.h"
#include "safe-memset.h"
#include "sql-api-private.h"
#include "compat-sql.h"
#include "sql-conf.h"

struct pwned_compat_sql {
	struct event *event;
	char *connect_string;
};

static void add_word(string_t *text, const struct pwned_sql_word *word)
{
	str_printfa(text, "%s=", word->name);
	/* what needs no quotes stands in log lines without them */
	if (*word->value != '\0' && strpbrk(word->value, " \t'\\") == NULL) {
		str_append(text, word->value);
	} else {
		str_append_c(text, '\'');
		for (const char *at = word->value; *at != '\0'; at++) {
			if (*at == '\'' || *at == '\\')
				str_append_c(text, '\\');
			str_append_c(text, *at);
		}
		str_append_c(text, '\'');
	}
	str_append_c(text, ' ');
}

/* The driver puts the last piece that looks like host=... before its log lines,
   wherever it stands: the host comes last, so that it is never one of a
   password. */
static char *make_connect_string(const struct pwned_sql_conf *conf)
{
	string_t *text = t_str_new(256);
	const struct pwned_sql_word host = {
		.name = (char *)"host",
		.value = (char *)pwned_sql_conf_value(conf, "host"),
	};
	char *result;

	for (unsigned int i = 0; i < conf->count; i++) {
		if (strcmp(conf->words[i].name, "host") != 0)
			add_word(text, &conf->words[i]);
	}
	add_word(text, &host);
	str_truncate(text, str_len(text) - 1);
	result = i_strdup(str_c(text));
	safe_memset(str_c_modifiable(text), 0, str_len(text));
	return result;
}

struct pwned_compat_sql *pwned_compat_sql_new(const struct pwned_sql_conf *conf,
					      struct event *parent)
{
	struct pwned_compat_sql *sql = i_new(struct pwned_compat_sql, 1);

	sql->event = event_create(parent);
	T_BEGIN
	{
		sql->connect_string = make_connect_string(conf);
	}
	T_END;
	return sql;
}

void pwned_compat_sql_free(struct pwned_compat_sql **_sql)
{
	struct pwned_compat_sql *sql = *_sql;

	*_sql = NULL;
	event_unref(&sql->event);
	safe_memset(sql->connect_string, 0, strlen(sql->connect_string));
	i_free(sql->connect_string);
	i_free(sql);
}

static const struct sql_db *find_driver(void)
{
	const struct sql_db *const *driver;

	array_foreach(&sql_drivers, driver)
	{
		if (strcmp((*driver)->name, "pgsql") == 0)
			return *driver;
	}
	return NULL;
}

struct sql_db *pwned_compat_sql_connection(struct pwned_compat_sql *sql,
					   struct pwned_error *error_r)
{
	const struct sql_db *driver = find_driver();
	const struct sql_settings set = {
		.driver = "pgsql",
		.connect_string = sql->connect_string,
		.event_parent = sql->event,
	};
	const char *error = NULL;
	struct sql_db *db;

	if (driver == NULL) {
		(void)pwned_error_set(error_r,
				      "Dovecot's driver pgsql is not installed "
				      "(Debian: dovecot-pgsql)");
		return NULL;
	}
	if (driver->v.init_full == NULL ||
	    driver->v.init_full(&set, &db, &error) < 0) {
		(void)pwned_error_set(error_r, "Dovecot's driver pgsql: %s",
				      error == NULL ? "of another form" :
						      error);
		return NULL;
	}
	db->refcount = 1;
	i_array_init(&db->module_contexts, 5);
	hash_table_create(&db->prepared_stmt_hash, default_pool, 0, str_hash,
			  strcmp);
	return db;
}

const char *pwned_compat_sql_connect_error(struct sql_db *db ATTR_UNUSED)
{
	return NULL;
}

struct module *pwned_compat_sql_driver(const char *folder)
{
	const struct module_dir_load_settings settings = {
		.abi_version = DOVECOT_ABI_VERSION,
		.require_init_funcs = TRUE,
		.ignore_missing = TRUE,
		.ignore_dlopen_errors = TRUE,
	};

	return module_dir_load(folder, "driver_pgsql", &settings);
}
