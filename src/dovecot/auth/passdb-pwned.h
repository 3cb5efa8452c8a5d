/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PASSDB_PWNED_H
#define PASSDB_PWNED_H

/* The passdb driver `pwned`. It verifies no password: it looks up those that
   an earlier passdb verified. In auth-workers it does nothing at all. */
void passdb_pwned_register(void);
void passdb_pwned_unregister(void);

#endif
