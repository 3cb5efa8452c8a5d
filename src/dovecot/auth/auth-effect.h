/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_EFFECT_H
#define PWNED_AUTH_EFFECT_H

#include "passdb.h"

struct pwned_decision;
struct pwned_settings;

/* What a decision means for Dovecot's request: sets the fields that client and
   mail process get, and returns the result. */
enum passdb_result pwned_auth_effect(struct auth_request *request,
				     const struct pwned_settings *set,
				     const struct pwned_decision *decision);

#endif
