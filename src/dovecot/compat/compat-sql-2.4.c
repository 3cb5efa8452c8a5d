/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dovecot 2.4 takes how to connect from settings: ours are of a root of our
   own, in which nothing else of Dovecot's configuration counts. */

#include "lib.h"
#include "array.h"
#include "lib-event.h"
#include "module-dir.h"
#include "settings.h"
#include "sql-api-private.h"
#include "compat-sql.h"
#include "sql-conf.h"

struct pwned_compat_sql {
	struct event *event;
	struct settings_root *root;
	struct settings_instance *instance;
};

/* Of an override by code, %{variables} are none. */
static void set_value(struct pwned_compat_sql *sql, const char *name,
		      const char *value)
{
	settings_override(sql->instance, name, value,
			  SETTINGS_OVERRIDE_TYPE_CODE);
}

struct pwned_compat_sql *pwned_compat_sql_new(const struct pwned_sql_conf *conf,
					      struct event *parent)
{
	struct pwned_compat_sql *sql = i_new(struct pwned_compat_sql, 1);

	sql->event = event_create(parent);
	sql->root = settings_root_init();
	sql->instance = settings_instance_new(sql->root);
	event_set_ptr(sql->event, SETTINGS_EVENT_ROOT, sql->root);
	event_set_ptr(sql->event, SETTINGS_EVENT_INSTANCE, sql->instance);
	/* one connection instead of a pool */
	event_set_ptr(sql->event, SQLPOOL_EVENT_PTR, (void *)"yes");
	T_BEGIN
	{
		set_value(sql, "sql_driver", "pgsql");
		set_value(sql, "pgsql", "pwned");
		set_value(sql, "pgsql_host",
			  pwned_sql_conf_value(conf, "host"));
		for (unsigned int i = 0; i < conf->count; i++) {
			const struct pwned_sql_word *word = &conf->words[i];

			if (strcmp(word->name, "host") == 0)
				continue;
			set_value(sql,
				  t_strconcat("pgsql_parameters/", word->name,
					      NULL),
				  word->value);
		}
	}
	T_END;
	return sql;
}

void pwned_compat_sql_free(struct pwned_compat_sql **_sql)
{
	struct pwned_compat_sql *sql = *_sql;

	*_sql = NULL;
	event_unref(&sql->event);
	settings_instance_free(&sql->instance);
	settings_root_deinit(&sql->root);
	i_free(sql);
}

struct sql_db *pwned_compat_sql_connection(struct pwned_compat_sql *sql,
					   struct pwned_error *error_r)
{
	const char *error;
	struct sql_db *db;

	if (sql_init_auto(sql->event, &db, &error) > 0)
		return db;
	if (strstr(error, "Unknown database driver") != NULL)
		(void)pwned_error_set(error_r,
				      "Dovecot's driver pgsql is not installed "
				      "(Debian: dovecot-pgsql)");
	else
		(void)pwned_error_set(error_r, "%s", error);
	return NULL;
}

const char *pwned_compat_sql_connect_error(struct sql_db *db)
{
	return db->last_connect_error;
}

struct module *pwned_compat_sql_driver(const char *folder)
{
	const struct module_dir_load_settings settings = {
		.abi_version = DOVECOT_ABI_VERSION,
		.require_init_funcs = TRUE,
		.ignore_missing = TRUE,
		.ignore_dlopen_errors = TRUE,
	};
	const char *const names[] = { "driver_pgsql", NULL };

	return module_dir_load(folder, names, &settings);
}
