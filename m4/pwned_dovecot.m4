# SPDX-License-Identifier: LGPL-2.1-or-later
#
# PWNED_DOVECOT
# -------------
# Finds the Dovecot that the modules are built for: the one that
# --with-dovecot=DIR names (a build tree, or lib/dovecot of an installation),
# else the system's. Reads its dovecot-config as a list of assignments, without
# running it, and sets
#
#   DOVECOT_CPPFLAGS       flags for its headers, and what was found out by
#                          compiling about its release
#   DOVECOT_VERSION        as its dovecot-version or config.h says
#   DOVECOT_SERIES         2.3 or 2.4, which names the adapters in
#                          src/dovecot/compat
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
  AC_MSG_RESULT([$DOVECOT_VERSION])
  DOVECOT_CPPFLAGS="-DHAVE_CONFIG_H $DOVECOT_INCLUDES"
  AS_CASE([$DOVECOT_VERSION],
    [2.3.*], [DOVECOT_SERIES=2.3],
    [2.4.*], [
      DOVECOT_SERIES=2.4
      PWNED_DOVECOT_2_4_RELEASE],
    [AC_MSG_ERROR([Dovecot $DOVECOT_VERSION is of a series that this release does not know: it needs 2.3 or 2.4])])
  PWNED_DOVECOT_SQL
  CPPFLAGS=$pwned_save_CPPFLAGS
  AM_CONDITIONAL([DOVECOT_SETTINGS_MODULES], [test "$DOVECOT_SERIES" != 2.3])

  AC_SUBST([DOVECOT_CPPFLAGS])
  AC_SUBST([DOVECOT_VERSION])
  AC_SUBST([DOVECOT_SERIES])
  AC_SUBST([dovecot_moduledir])
])

# PWNED_DOVECOT_2_4_RELEASE
# -------------------------
# What releases of 2.4 changed, found out by compiling: a distribution may have
# taken a change before its release. Called with CPPFLAGS for Dovecot's headers.
AC_DEFUN([PWNED_DOVECOT_2_4_RELEASE], [
  PWNED_DOVECOT_TRY([whether preinit is given parameters (2.4.3)],
    [pwned_cv_preinit_parameters], [PWNED_PREINIT_HAS_PARAMETERS],
    [struct passdb_parameters params = { .use_cache = TRUE };
     return params.use_cache ? 0 : 1;])
  PWNED_DOVECOT_TRY([whether filters of sent events are hidden (2.4.3)],
    [pwned_cv_event_send_filters], [PWNED_EVENT_SEND_FILTERS_HIDDEN],
    [return event_global_debug_send_filter_register() == NULL;])
  PWNED_DOVECOT_TRY([whether credentials come with their scheme (2.4.5)],
    [pwned_cv_credentials_scheme], [PWNED_CREDENTIALS_HAVE_SCHEME],
    [lookup_credentials_callback_t *callback = NULL;
     callback(PASSDB_RESULT_OK, NULL, 0, "PLAIN", NULL);])
])

# PWNED_DOVECOT_SQL
# -----------------
# Flags that several hosts share are reached by Dovecot's lib-sql. auth has it in
# itself; doveadm's module is linked with the library, where that is. Sets
# DOVECOT_SQL_LIBS. Called with CPPFLAGS for Dovecot's headers.
AC_DEFUN([PWNED_DOVECOT_SQL], [
  AC_CACHE_CHECK([that lib-sql's headers can be compiled],
    [pwned_cv_dovecot_sql], [
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
      #include "lib.h"
      #include "array.h"
      #include "sql-api-private.h"
    ]], [[struct sql_db *db = 0; (void)db;
      return array_is_created(&sql_drivers) ? 0 : SQL_DB_STATE_IDLE;]])],
      [pwned_cv_dovecot_sql=yes], [pwned_cv_dovecot_sql=no])])
  AS_IF([test "$pwned_cv_dovecot_sql" != yes], [
    AC_MSG_ERROR([Dovecot's headers of lib-sql (sql-api-private.h) are missing or of another form; config.log tells why])
  ])
  AC_MSG_CHECKING([for libdovecot-sql])
  dovecot_sql="for auth only: libdovecot-sql.so is missing"
  DOVECOT_SQL_LIBS=
  for pwned_dir in "$pwned_dovecot_dir" "$pwned_dovecot_dir/src/lib-sql/.libs"; do
    AS_IF([test -z "$DOVECOT_SQL_LIBS" && test -f "$pwned_dir/libdovecot-sql.so"], [
      DOVECOT_SQL_LIBS="-L$pwned_dir -R$pwned_dir -ldovecot-sql"
      dovecot_sql="for auth and doveadm ($pwned_dir)"])
  done
  AC_MSG_RESULT([$dovecot_sql])
  AC_SUBST([DOVECOT_SQL_LIBS])
  AM_CONDITIONAL([DOVECOT_SQL], [test -n "$DOVECOT_SQL_LIBS"])
])

# PWNED_DOVECOT_TRY(QUESTION, CACHE VARIABLE, MACRO, STATEMENTS)
# --------------------------------------------------------------
# Where the statements compile the macro is defined for whoever includes Dovecot.
AC_DEFUN([PWNED_DOVECOT_TRY], [
  AC_CACHE_CHECK([$1], [$2], [
    pwned_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror=implicit-function-declaration"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
      #include "lib.h"
      #include "auth-common.h"
      #include "passdb.h"
    ]], [[$4]])], [$2=yes], [$2=no])
    CFLAGS=$pwned_save_CFLAGS])
  AS_VAR_IF([$2], [yes], [AS_VAR_APPEND([DOVECOT_CPPFLAGS], [" -D$3"])])
])
