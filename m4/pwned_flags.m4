# SPDX-License-Identifier: LGPL-2.1-or-later

# PWNED_ADD_FLAG(VARIABLE, FLAG)
# ------------------------------
# Appends a compiler flag to a variable where the compiler and the linker take
# it without a complaint.
AC_DEFUN([PWNED_ADD_FLAG], [
  AS_VAR_PUSHDEF([pwned_flag], [pwned_cv_flag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [pwned_flag], [
    pwned_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])],
      [AS_VAR_SET([pwned_flag], [yes])], [AS_VAR_SET([pwned_flag], [no])])
    CFLAGS=$pwned_save_CFLAGS])
  AS_VAR_IF([pwned_flag], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([pwned_flag])
])

# PWNED_ADD_LDFLAG(VARIABLE, FLAG)
AC_DEFUN([PWNED_ADD_LDFLAG], [
  AS_VAR_PUSHDEF([pwned_flag], [pwned_cv_ldflag_$2])
  AC_CACHE_CHECK([whether the linker takes $2], [pwned_flag], [
    pwned_save_LDFLAGS=$LDFLAGS
    LDFLAGS="$LDFLAGS $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])],
      [AS_VAR_SET([pwned_flag], [yes])], [AS_VAR_SET([pwned_flag], [no])])
    LDFLAGS=$pwned_save_LDFLAGS])
  AS_VAR_IF([pwned_flag], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([pwned_flag])
])

# PWNED_WARNINGS, PWNED_HARDENING
# -------------------------------
# Into WARNING_CFLAGS, HARDENING_CFLAGS and HARDENING_LDFLAGS.
AC_DEFUN([PWNED_WARNINGS], [
  WARNING_CFLAGS=
  m4_foreach_w([flag], [-Wall -Wextra -Wformat=2 -Wmissing-prototypes
    -Wstrict-prototypes -Wpointer-arith -Wwrite-strings -Wundef -Wshadow
    -Wimplicit-fallthrough],
    [PWNED_ADD_FLAG([WARNING_CFLAGS], flag)])
  AC_SUBST([WARNING_CFLAGS])
])

AC_DEFUN([PWNED_HARDENING], [
  AC_ARG_ENABLE([hardening],
    [AS_HELP_STRING([--disable-hardening],
      [leave out the flags that make faults harder to exploit])],
    [], [enable_hardening=yes])
  HARDENING_CFLAGS=
  HARDENING_LDFLAGS=
  AS_IF([test "$enable_hardening" = yes], [
    PWNED_ADD_FLAG([HARDENING_CFLAGS], [-fstack-protector-strong])
    PWNED_ADD_FLAG([HARDENING_CFLAGS], [-fstack-clash-protection])
    AS_CASE([$host_cpu], [x86_64|i?86],
      [PWNED_ADD_FLAG([HARDENING_CFLAGS], [-fcf-protection])],
      [aarch64],
      [PWNED_ADD_FLAG([HARDENING_CFLAGS], [-mbranch-protection=standard])])
    dnl needs an optimising compiler, and sanitizers bring their own checks
    AS_CASE([" $CFLAGS "], [*-O0*|*-fsanitize*], [],
      [*-O*], [HARDENING_CFLAGS="$HARDENING_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
    PWNED_ADD_LDFLAG([HARDENING_LDFLAGS], [-Wl,-z,relro])
    PWNED_ADD_LDFLAG([HARDENING_LDFLAGS], [-Wl,-z,now])
    PWNED_ADD_LDFLAG([HARDENING_LDFLAGS], [-Wl,-z,noexecstack])
  ])
  AC_SUBST([HARDENING_CFLAGS])
  AC_SUBST([HARDENING_LDFLAGS])
])
