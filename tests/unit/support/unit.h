/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_UNIT_H
#define PWNED_TEST_UNIT_H

/* cmocka with the headers that it wants before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof(*(array)))

#endif
