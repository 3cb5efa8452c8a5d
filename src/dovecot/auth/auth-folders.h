/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_FOLDERS_H
#define PWNED_AUTH_FOLDERS_H

#include "error.h"
#include "pwned-settings.h"

#include <stdbool.h>

/* Before auth drops its rights: gives the folders that the settings name to the
   user that it will be (store/folder.h). Without root it does nothing. Returns
   false with what could not be done, which is only a warning: whether they can
   be used is looked at when they are. */
bool pwned_auth_folders_give(const struct pwned_settings *set,
			     struct pwned_error *error_r);

#endif
