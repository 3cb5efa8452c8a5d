/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What we ask of the process that hosts us. */

#include "lib.h"
#include "auth-process.h"

#ifdef __GLIBC__
#include <malloc.h>
#include <pthread.h>

/* getaddrinfo() and the NSS modules behind it stay well below this. */
#define RESOLVER_STACK_SIZE (256 * 1024)

void pwned_auth_process_limit_threads(void)
{
	pthread_attr_t attr;

	(void)mallopt(M_ARENA_MAX, 1);
	if (pthread_attr_init(&attr) != 0)
		return;
	if (pthread_attr_setstacksize(&attr, RESOLVER_STACK_SIZE) == 0)
		(void)pthread_setattr_default_np(&attr);
	(void)pthread_attr_destroy(&attr);
}
#else
/* Other C libraries have small stacks and one heap from the start. */
void pwned_auth_process_limit_threads(void)
{
}
#endif
