/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bound for libcurl's resolver threads. */

#include "http-resolver.h"

#include <sys/stat.h>

/* Requests under way may begin as many more as there are of them. */
#define THREADS_MAX 32

/* A folder has two links, and one more for each folder in it: proc(5) has one
   for each thread. Where there is no /proc there is no bound. */
bool pwned_http_resolvers_are_many(void)
{
	struct stat st;

	return stat("/proc/self/task", &st) == 0 &&
	       st.st_nlink > THREADS_MAX + 2;
}
