/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib-sql in a program that has none. */

#include "lib.h"
#include "array.h"
#include "module-dir.h"
#include "sql-api-private.h"
#include "compat-sql.h"
#include "sql-driver.h"

static struct module *driver;
static unsigned int loads;

void pwned_sql_driver_load(void)
{
	if (loads++ > 0)
		return;
	sql_drivers_init();
	driver = pwned_compat_sql_driver(PWNED_MODULE_DIR);
	module_dir_init(driver);
}

void pwned_sql_driver_unload(void)
{
	if (--loads > 0)
		return;
	/* it takes itself from lib-sql's list */
	module_dir_unload(&driver);
	sql_drivers_deinit();
}
