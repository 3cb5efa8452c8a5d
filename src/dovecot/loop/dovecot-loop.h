/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_DOVECOT_LOOP_H
#define PWNED_DOVECOT_LOOP_H

#include "loop.h"

/* Dovecot's ioloop as our loop. Bound to the ioloop that is current when it is
   made, because synchronous look-ups of other drivers run one of their own
   meanwhile. */
struct pwned_loop *pwned_dovecot_loop_new(void);
/* All watches and timers must have been removed. */
void pwned_dovecot_loop_free(struct pwned_loop **loop);

#endif
