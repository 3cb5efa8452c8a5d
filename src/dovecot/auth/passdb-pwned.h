/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PASSDB_PWNED_H
#define PASSDB_PWNED_H

struct passdb_module_interface;

/* The passdb driver `pwned`. It verifies no password: it looks up those that
   an earlier passdb verified. In auth-workers it does nothing at all. */
struct passdb_module_interface *passdb_pwned_interface(void);

#endif
