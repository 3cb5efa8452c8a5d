/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_HTTP_RESOLVER_H
#define PWNED_HTTP_RESOLVER_H

#include <stdbool.h>

/* Whether so many threads run that another look-up of a name should not begin.
   libcurl resolves names in threads. Of one whose request was given up it lets
   go (CURLOPT_QUICK_EXIT), and while a name server does not answer they become
   more and more, until auth's address space is used up. */
bool pwned_http_resolvers_are_many(void);

#endif
