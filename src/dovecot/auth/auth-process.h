/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_PROCESS_H
#define PWNED_AUTH_PROCESS_H

/* Makes threads cheap in address space, of which Dovecot gives auth 256 MB
   (default_vsz_limit): libcurl resolves names in threads, and by default each
   costs up to 64 MB of malloc arena and 8 MB of stack. A malloc of Dovecot
   that fails is fatal. Call it before the first thread. */
void pwned_auth_process_limit_threads(void);

#endif
