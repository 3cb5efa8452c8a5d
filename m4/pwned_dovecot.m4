# SPDX-License-Identifier: LGPL-2.1-or-later
#
# PWNED_DOVECOT
# -------------
# Finds the Dovecot that the modules are built for: the one that
# --with-dovecot=DIR names (a build tree, or lib/dovecot of an installation),
# else the system's. Reads its dovecot-config as a list of assignments, without
# running it, and sets
#
#   DOVECOT_INCLUDES       -I flags for its headers
#   DOVECOT_VERSION        as its dovecot-version or config.h says
#   DOVECOT_SERIES         2.3, which names the adapter in src/dovecot/compat
#   dovecot_moduledir      where modules are installed
#
# Dovecot's own dovecot.m4 is not used: the one of each series differs, and it
# changes CFLAGS.
AC_DEFUN([PWNED_DOVECOT], [
  AC_ARG_WITH([dovecot],
    [AS_HELP_STRING([--with-dovecot=DIR],
      [directory with dovecot-config: lib/dovecot of an installation, or a
       build tree of Dovecot])],
    [], [with_dovecot=search])
  AC_ARG_WITH([moduledir],
    [AS_HELP_STRING([--with-moduledir=DIR],
      [where the modules go (default: as dovecot-config says)])],
    [], [with_moduledir=])

  AC_MSG_CHECKING([for dovecot-config])
  AS_CASE([$with_dovecot],
    [yes|no], [AC_MSG_ERROR([--with-dovecot wants the directory of dovecot-config])],
    [search], [
      pwned_dovecot_dir=
      for pwned_dir in /usr/local/lib/dovecot /usr/lib/dovecot \
          /usr/lib64/dovecot "/usr/lib/$host_cpu-$host_os/dovecot"; do
        AS_IF([test -z "$pwned_dovecot_dir" && test -f "$pwned_dir/dovecot-config"],
          [pwned_dovecot_dir=$pwned_dir])
      done],
    [pwned_dovecot_dir=$with_dovecot])
  AS_IF([test -z "$pwned_dovecot_dir" || test ! -f "$pwned_dovecot_dir/dovecot-config"], [
    AC_MSG_RESULT([no])
    AC_MSG_ERROR([dovecot-config not found. Install Dovecot's headers (Debian: dovecot-dev, Fedora: dovecot-devel) or say --with-dovecot=DIR, where DIR holds dovecot-config])
  ])
  AC_MSG_RESULT([$pwned_dovecot_dir/dovecot-config])

  pwned_dovecot_get() {
    sed -n "s/^$[]1=//p" "$pwned_dovecot_dir/dovecot-config" | tr -d "\"'"
  }
  dnl Of an installation there is one directory. A build tree has many, which it
  dnl names by a make variable; and it does not say where modules will go.
  DOVECOT_INCLUDES=`pwned_dovecot_get 'LIBDOVECOT@<:@A-Z_@:>@*INCLUDE' |
    sed "s|\\$(incdir)|$pwned_dovecot_dir|g" | tr '\n' ' '`
  dovecot_moduledir=`pwned_dovecot_get dovecot_moduledir`
  AS_IF([test -n "$with_moduledir"], [dovecot_moduledir=$with_moduledir])
  AS_IF([test -z "$DOVECOT_INCLUDES"], [
    AC_MSG_ERROR([$pwned_dovecot_dir/dovecot-config names no include directory])
  ])
  AS_IF([test -z "$dovecot_moduledir"], [
    AC_MSG_ERROR([$pwned_dovecot_dir/dovecot-config names no module directory; say --with-moduledir=DIR])
  ])

  pwned_save_CPPFLAGS=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS $DOVECOT_INCLUDES -DHAVE_CONFIG_H"
  AC_CACHE_CHECK([that Dovecot's auth headers can be compiled],
    [pwned_cv_dovecot_headers], [
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
      #include "lib.h"
      #include "auth-common.h"
      #include "passdb.h"
    ]], [[(void)PASSDB_RESULT_OK;]])],
      [pwned_cv_dovecot_headers=yes], [pwned_cv_dovecot_headers=no])])
  AS_IF([test "$pwned_cv_dovecot_headers" != yes], [
    AC_MSG_ERROR([Dovecot's headers ($DOVECOT_INCLUDES) cannot be compiled; config.log tells why])
  ])
  AC_MSG_CHECKING([Dovecot's version])
  AC_LANG_CONFTEST([AC_LANG_SOURCE([[
    #include "lib.h"
    pwned_version PACKAGE_VERSION
  ]])])
  DOVECOT_VERSION=`$CPP $CPPFLAGS conftest.$ac_ext 2>/dev/null | sed -n 's/^ *pwned_version "\(.*\)".*/\1/p'`
  rm -f conftest.$ac_ext
  CPPFLAGS=$pwned_save_CPPFLAGS
  AC_MSG_RESULT([$DOVECOT_VERSION])
  AS_CASE([$DOVECOT_VERSION],
    [2.3.*], [DOVECOT_SERIES=2.3],
    [AC_MSG_ERROR([Dovecot $DOVECOT_VERSION is of a series that this release does not know: it needs 2.3])])

  AC_SUBST([DOVECOT_INCLUDES])
  AC_SUBST([DOVECOT_VERSION])
  AC_SUBST([DOVECOT_SERIES])
  AC_SUBST([dovecot_moduledir])
])
